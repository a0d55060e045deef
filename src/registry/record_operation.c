/* SPDX-License-Identifier: Apache-2.0
 *
 * Records of operations, a commit's in one record; see record.h. */
#include "registry/record.h"
#include "registry/record_priv.h"

/* --- operations -------------------------------------------------------------------------------------------------- */

static void record_encode_operation(struct json_writer *writer, const struct operation *operation)
{
    char id[ID_OPERATION_SIZE];

    id_format_operation(&operation->id, id);
    json_open_object(writer);
    json_field_string(writer, STR("id"), str_of(id));
    json_field_string(writer, STR("type"), operation_type_text(operation->type));
    json_field_string(writer, STR("status"), operation_status_text(operation->status));
    json_field_int(writer, STR("updated_ms"), operation->update_ms);
    json_field_optional(writer, STR("action"), operation->action);
    json_field_optional(writer, STR("namespace_id"), operation->namespace_id);
    json_field_optional(writer, STR("service_id"), operation->service_id);
    json_field_optional(writer, STR("instance_id"), operation->instance_id);
    json_field_optional(writer, STR("error_code"), operation->error_code);
    json_field_optional(writer, STR("error_message"), operation->error_message);
    if (!operation_is_finished(operation)) {
        json_field_int(writer, STR("due_ms"), operation->due_wall_ms);
        json_field_string(writer, STR("request"), operation->request);
    }
    json_close_object(writer);
}

void record_encode_operations(struct buf *buf, const struct operation *const *operations, size_t n)
{
    struct json_writer writer;

    json_writer_init(&writer, buf);
    json_open_object(&writer);
    json_key(&writer, STR("operations"));
    json_open_array(&writer);
    for (size_t i = 0; i < n; i++)
        record_encode_operation(&writer, operations[i]);
    json_close_array(&writer);
    json_close_object(&writer);
}

static int record_read_operation_member(struct json_reader *reader, struct str key, struct operation *operation)
{
    struct str word;

    if (str_eq(key, STR("id")))
        return json_string(reader, &word) || id_parse_operation(word, &operation->id);
    if (str_eq(key, STR("type")))
        return json_string(reader, &word) || operation_parse_type(word, &operation->type);
    if (str_eq(key, STR("status")))
        return json_string(reader, &word) || operation_parse_status(word, &operation->status);
    if (str_eq(key, STR("updated_ms")))
        return json_int(reader, &operation->update_ms);
    if (str_eq(key, STR("action")))
        return json_string(reader, &operation->action);
    if (str_eq(key, STR("namespace_id")))
        return json_string(reader, &operation->namespace_id);
    if (str_eq(key, STR("service_id")))
        return json_string(reader, &operation->service_id);
    if (str_eq(key, STR("instance_id")))
        return json_string(reader, &operation->instance_id);
    if (str_eq(key, STR("error_code")))
        return json_string(reader, &operation->error_code);
    if (str_eq(key, STR("error_message")))
        return json_string(reader, &operation->error_message);
    if (str_eq(key, STR("due_ms")))
        return json_int(reader, &operation->due_wall_ms);
    if (str_eq(key, STR("request")))
        return json_string(reader, &operation->request);
    return json_skip(reader);
}

static int record_read_operation(struct json_reader *reader, struct operation *ret_operation)
{
    struct str key;
    bool more;

    if (json_object(reader))
        return 1;
    while (!json_member(reader, &more, &key) && more)
        if (record_read_operation_member(reader, key, ret_operation))
            return 1;
    return reader->error || ret_operation->id.create_ms == 0;
}

/* Reads the array; grows in the arena by doubling. */
static int record_read_operations(struct json_reader *reader, struct arena *arena, struct operation **operations,
                                  size_t *n)
{
    size_t size = 0;
    bool more;

    if (json_array(reader))
        return 1;
    while (!json_element(reader, &more) && more) {
        if (*n == size) {
            struct operation *wider = arena_grow(arena, *operations, &size, 16, sizeof(*wider));
            if (!wider)
                return 1;
            *operations = wider;
        }
        if (record_read_operation(reader, &(*operations)[*n]))
            return 1;
        (*n)++;
    }
    return reader->error != 0;
}

int record_decode_operations(char *text, size_t n, struct arena *arena, struct operation **ret_operations,
                             size_t *ret_n)
{
    struct operation *operations = NULL;
    struct json_reader reader;
    size_t n_operations = 0;
    struct str key;
    bool more;

    json_reader_init(&reader, text, n, arena);
    if (json_object(&reader))
        return 1;
    while (!json_member(&reader, &more, &key) && more) {
        if (str_eq(key, STR("operations")) ? record_read_operations(&reader, arena, &operations, &n_operations)
                                           : json_skip(&reader))
            return 1;
    }
    if (json_end(&reader))
        return 1;
    *ret_operations = operations;
    *ret_n = n_operations;
    return 0;
}
