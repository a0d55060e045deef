/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of errors.def and its rendering. */
#include "api/error.h"

#include "base/mem.h"
#include "json/writer.h"

struct error_row {
    struct str name;
    const char *message;
    unsigned status;
    enum error_kind kind;
    struct error_extra extras[ERROR_MAX_EXTRAS];
};

#define ERROR_EXTRA(member) offsetof(struct api_error, member)

/* The wire name of a row is an identifier in errors.def, so that it cannot hold a character that needs escaping. */
static const struct error_row rows[ERROR_COUNT] = {
#define ERROR(id, wire_name, http_status, error_kind, default_message, ...) \
    [id] = { .name = { #wire_name, sizeof(#wire_name) - 1 },                \
             .message = default_message,                                    \
             .status = http_status,                                         \
             .kind = error_kind,                                            \
             .extras = { __VA_ARGS__ } },
#include "api/errors.def"
#undef ERROR
};

_Static_assert(ERROR_TOO_MANY_TAGS < 32, "modelled errors fit the sets of ops.def");

static const struct error_row *row_of(enum error_id id)
{
    ASSERT(id < ERROR_COUNT);
    return &rows[id];
}

struct str error_name(enum error_id id)
{
    return row_of(id)->name;
}

unsigned error_status(enum error_id id)
{
    return row_of(id)->status;
}

enum error_kind error_kind(enum error_id id)
{
    return row_of(id)->kind;
}

const struct error_extra *error_extra(enum error_id id, size_t i)
{
    const struct error_row *row = row_of(id);
    return i < ERROR_MAX_EXTRAS && row->extras[i].name ? &row->extras[i] : NULL;
}

void error_render(struct buf *buf, const struct api_error *error)
{
    const struct error_row *row = row_of(error->id);
    struct json_writer writer;
    json_writer_init(&writer, buf);
    json_open_object(&writer);
    json_field_string(&writer, STR("__type"), row->name);
    json_field_optional(&writer, row->kind == ERROR_MODELLED ? STR("Message") : STR("message"),
                        str_is_set(error->message) ? error->message : str_of(row->message));
    for (size_t i = 0; i < ERROR_MAX_EXTRAS && row->extras[i].name; i++) {
        const struct str *value = (const void *)((const char *)error + row->extras[i].offset);
        json_field_optional(&writer, str_of(row->extras[i].name), *value);
    }
    json_close_object(&writer);
}
