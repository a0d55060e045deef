/* SPDX-License-Identifier: Apache-2.0
 *
 * Prints the tables of operations, shapes and errors as JSON in the form of tests/data/cloud-map-api.json, for
 * tests/lint/check_api.py. Fails when a shape of one name exists twice. */
#include "api/ops.h"
#include "base/mem.h"
#include "json/writer.h"

#include <stdio.h>
#include <stdlib.h>

#define MAX_SHAPES 256
#define MAX_TEXT ((size_t)1 << 20)

struct found {
    const struct shape *shapes[MAX_SHAPES];
    size_t n;
};

static void find_shapes(struct found *found, const struct shape *shape)
{
    if (!shape || shape->kind == SHAPE_KIND_NOTHING)
        return;
    for (size_t i = 0; i < found->n; i++) {
        if (found->shapes[i] == shape)
            return;
        if (strcmp(found->shapes[i]->name, shape->name) == 0) {
            fprintf(stderr, "shape %s exists twice\n", shape->name);
            exit(1);
        }
    }
    ASSERT(found->n < MAX_SHAPES);
    found->shapes[found->n++] = shape;
    find_shapes(found, shape->key);
    find_shapes(found, shape->element);
    for (size_t i = 0; i < shape->n_members; i++)
        find_shapes(found, shape->members[i].shape);
}

static void put_text(struct json_writer *writer, const char *key, const char *text)
{
    json_field_optional(writer, str_of(key), str_of(text));
}

static void put_true(struct json_writer *writer, const char *key, bool truth)
{
    if (!truth)
        return;
    json_key(writer, str_of(key));
    json_put_bool(writer, true);
}

static void put_members(struct json_writer *writer, const struct shape *shape)
{
    json_key(writer, STR("members"));
    json_open_object(writer);
    bool has_required = false;
    for (size_t i = 0; i < shape->n_members; i++) {
        const struct shape_member *member = &shape->members[i];
        has_required |= (member->flags & SHAPE_REQUIRED) != 0;
        json_key(writer, member->name);
        json_open_object(writer);
        put_text(writer, "shape", member->shape->name);
        put_true(writer, "idempotency_token", member->flags & SHAPE_IDEMPOTENCY_TOKEN);
        put_true(writer, "deprecated", member->flags & SHAPE_DEPRECATED);
        json_close_object(writer);
    }
    json_close_object(writer);
    if (!has_required)
        return;
    json_key(writer, STR("required"));
    json_open_array(writer);
    for (size_t i = 0; i < shape->n_members; i++) {
        if (shape->members[i].flags & SHAPE_REQUIRED)
            json_put_string(writer, shape->members[i].name);
    }
    json_close_array(writer);
}

static void put_enum(struct json_writer *writer, const struct shape *shape)
{
    if (!shape->values)
        return;
    json_key(writer, STR("enum"));
    json_open_array(writer);
    for (size_t i = 0; i < shape->n_values; i++)
        json_put_string(writer, shape->values[i]);
    json_close_array(writer);
}

static void put_shape(struct json_writer *writer, const struct shape *shape)
{
    static const char *const types[] = {
        [SHAPE_KIND_STRING] = "string",       [SHAPE_KIND_INTEGER] = "integer", [SHAPE_KIND_LONG] = "long",
        [SHAPE_KIND_TIMESTAMP] = "timestamp", [SHAPE_KIND_LIST] = "list",       [SHAPE_KIND_MAP] = "map",
        [SHAPE_KIND_STRUCTURE] = "structure",
    };
    bool has_limits = shape->kind != SHAPE_KIND_STRUCTURE;
    json_key(writer, str_of(shape->name));
    json_open_object(writer);
    put_text(writer, "type", types[shape->kind]);
    if (has_limits && shape->min != SHAPE_NO_MIN)
        json_field_int(writer, STR("min"), shape->min);
    if (has_limits && shape->max != SHAPE_NO_MAX)
        json_field_int(writer, STR("max"), shape->max);
    put_text(writer, "pattern", shape->pattern);
    put_enum(writer, shape);
    if (shape->kind == SHAPE_KIND_LIST)
        put_text(writer, "member", shape->element->name);
    if (shape->kind == SHAPE_KIND_MAP) {
        put_text(writer, "key", shape->key->name);
        put_text(writer, "value", shape->element->name);
    }
    if (shape->kind == SHAPE_KIND_STRUCTURE)
        put_members(writer, shape);
    json_close_object(writer);
}

static void put_member(struct json_writer *writer, const char *name, const char *shape)
{
    json_key(writer, str_of(name));
    json_open_object(writer);
    put_text(writer, "shape", shape);
    json_close_object(writer);
}

/* A modelled error is an exception structure; the text of all of them has the shape ErrorMessage. */
static void put_exception(struct json_writer *writer, enum error_id id)
{
    const struct error_extra *extra;
    json_key(writer, error_name(id));
    json_open_object(writer);
    put_text(writer, "type", "structure");
    put_true(writer, "exception", true);
    json_key(writer, STR("members"));
    json_open_object(writer);
    put_member(writer, "Message", "ErrorMessage");
    for (size_t i = 0; (extra = error_extra(id, i)); i++)
        put_member(writer, extra->name, extra->shape);
    json_close_object(writer);
    json_close_object(writer);
}

static void put_op(struct json_writer *writer, const struct op *op)
{
    json_key(writer, op->name);
    json_open_object(writer);
    put_text(writer, "input", op->input->name);
    put_text(writer, "output", op->output->name);
    if (op->flags & OP_DATA_PLANE)
        put_text(writer, "host_prefix", "data-");
    json_key(writer, STR("errors"));
    json_open_array(writer);
    for (unsigned id = 0; id < ERROR_COUNT && id < 32; id++) {
        if (op->errors & ERROR_BIT(id))
            json_put_string(writer, error_name(id));
    }
    json_close_array(writer);
    json_close_object(writer);
}

int main(void)
{
    static const struct shape error_message = {
        .name = "ErrorMessage", .kind = SHAPE_KIND_STRING, .min = SHAPE_NO_MIN, .max = SHAPE_NO_MAX
    };
    struct found found = { .n = 0 };
    struct buf buf;
    struct json_writer writer;
    buf_init(&buf, MAX_TEXT);
    json_writer_init(&writer, &buf);
    json_open_object(&writer);
    json_key(&writer, STR("operations"));
    json_open_object(&writer);
    for (size_t i = 0; i < OP_COUNT; i++) {
        put_op(&writer, &ops[i]);
        find_shapes(&found, ops[i].input);
        find_shapes(&found, ops[i].output);
    }
    json_close_object(&writer);
    find_shapes(&found, &error_message);
    json_key(&writer, STR("shapes"));
    json_open_object(&writer);
    for (size_t i = 0; i < found.n; i++)
        put_shape(&writer, found.shapes[i]);
    for (enum error_id id = 0; id < ERROR_COUNT; id++) {
        if (error_kind(id) == ERROR_MODELLED)
            put_exception(&writer, id);
    }
    json_close_object(&writer);
    json_close_object(&writer);
    ASSERT(!buf.failed);
    printf(STR_FMT "\n", STR_ARG(buf_str(&buf)));
    buf_fini(&buf);
    return 0;
}
