/* SPDX-License-Identifier: Apache-2.0
 *
 * One table says where each member of the answer goes. */
#include "cloudmapctl/daemon_status.h"
#include "admin/admin.h"
#include "base/mem.h"
#include "cloudmapctl/fetch.h"
#include "json/reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum field_type { FIELD_TEXT, FIELD_NUMBER, FIELD_TRUTH };

struct field {
    const char *object, *name; /* object: "" at the top */
    enum field_type type;
    size_t offset;
};

static const struct field fields[] = {
#define FIELD(object, name, type, member)                                \
    {                                                                    \
        (object), (name), (type), offsetof(struct daemon_status, member) \
    }
    FIELD("", "version", FIELD_TEXT, version),
    FIELD("", "state", FIELD_TEXT, state),
    FIELD("", "region", FIELD_TEXT, region),
    FIELD("", "auth", FIELD_TEXT, auth),
    FIELD("", "account", FIELD_TEXT, account),
    FIELD("", "compat", FIELD_TEXT, compat),
    FIELD("", "pid", FIELD_NUMBER, pid),
    FIELD("", "uptime_seconds", FIELD_NUMBER, uptime_seconds),
    FIELD("", "certificate_expiry", FIELD_NUMBER, certificate_expiry_s),
    FIELD("", "queue_depth", FIELD_NUMBER, queue_depth),
    FIELD("store", "path", FIELD_TEXT, store_path),
    FIELD("store", "revision", FIELD_NUMBER, revision),
    FIELD("store", "records", FIELD_NUMBER, records),
    FIELD("store", "file_bytes", FIELD_NUMBER, file_bytes),
    FIELD("store", "log_bytes", FIELD_NUMBER, log_bytes),
    FIELD("store", "commits", FIELD_NUMBER, commits),
    FIELD("store", "failed_commits", FIELD_NUMBER, failed_commits),
    FIELD("store", "lost", FIELD_TRUTH, lost),
    FIELD("counts", "namespaces", FIELD_NUMBER, namespaces),
    FIELD("counts", "services", FIELD_NUMBER, services),
    FIELD("counts", "instances", FIELD_NUMBER, instances),
    FIELD("counts", "operations", FIELD_NUMBER, operations),
    FIELD("counts", "unfinished_operations", FIELD_NUMBER, unfinished_operations),
#undef FIELD
};

/* --- asking --------------------------------------------------------------------------------------------------------
 */

int daemon_status_fetch(const struct ctl *ctl, struct daemon_status *ret_status, char *why, size_t size)
{
    struct daemon_status status = { .text = NULL };
    int r = fetch_admin(ctl, ADMIN_STATUS_PATH, &status.text, &status.n_text, why, size);
    if (r == 0)
        *ret_status = status;
    return r;
}

void daemon_status_free(struct daemon_status *status)
{
    mem_free(status->text);
    status->text = NULL;
}

/* --- decoding ------------------------------------------------------------------------------------------------------
 */

/* Errors of the reader are sticky: they are looked at once, at the end. */
static void read_field(struct json_reader *reader, struct daemon_status *status, const struct field *field)
{
    void *target = (char *)status + field->offset;
    if (field->type == FIELD_TEXT)
        json_string(reader, target);
    else if (field->type == FIELD_NUMBER)
        json_int(reader, target);
    else
        json_bool(reader, target);
}

static const struct field *find_field(const char *object, struct str name)
{
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
        if (strcmp(fields[i].object, object) == 0 && str_eq(str_of(fields[i].name), name))
            return &fields[i];
    return NULL;
}

static void read_addresses(struct json_reader *reader, struct str addresses[DAEMON_STATUS_MAX_ADDRESSES], size_t *n)
{
    bool more = false;
    json_array(reader);
    while (json_element(reader, &more) == 0 && more) {
        struct str address = { 0 };
        json_string(reader, &address);
        if (*n < DAEMON_STATUS_MAX_ADDRESSES)
            addresses[(*n)++] = address;
    }
}

static void read_option(struct json_reader *reader, struct daemon_status_option *ret_option)
{
    struct daemon_status_option option = { 0 };
    bool more = false;
    struct str key;
    json_object(reader);
    while (json_member(reader, &more, &key) == 0 && more) {
        if (str_eq(key, STR("key")))
            json_string(reader, &option.key);
        else if (str_eq(key, STR("value")))
            json_string(reader, &option.value);
        else if (str_eq(key, STR("where")))
            json_string(reader, &option.where);
        else
            json_skip(reader);
    }
    *ret_option = option;
}

static void read_options(struct json_reader *reader, struct daemon_status *status)
{
    bool more = false;
    json_array(reader);
    while (json_element(reader, &more) == 0 && more) {
        struct daemon_status_option option;
        read_option(reader, &option);
        if (status->n_options < DAEMON_STATUS_MAX_OPTIONS)
            status->options[status->n_options++] = option;
    }
}

static void read_object(struct json_reader *reader, struct daemon_status *status, const char *object)
{
    bool more = false;
    struct str key;
    json_object(reader);
    while (json_member(reader, &more, &key) == 0 && more) {
        const struct field *field = find_field(object, key);
        if (field)
            read_field(reader, status, field);
        else if (!*object && str_eq(key, STR("store")))
            read_object(reader, status, "store");
        else if (!*object && str_eq(key, STR("counts")))
            read_object(reader, status, "counts");
        else if (!*object && str_eq(key, STR("api")))
            read_addresses(reader, status->addresses, &status->n_addresses);
        else if (!*object && str_eq(key, STR("tls")))
            read_addresses(reader, status->tls_addresses, &status->n_tls_addresses);
        else if (!*object && str_eq(key, STR("options")))
            read_options(reader, status);
        else
            json_skip(reader);
    }
}

int daemon_status_decode(struct daemon_status *status, struct arena *arena)
{
    struct json_reader reader;
    json_reader_init(&reader, status->text, status->n_text, arena);
    read_object(&reader, status, "");
    return json_end(&reader) == 0 && str_is_set(status->version) ? 0 : 1;
}
