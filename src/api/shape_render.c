/* SPDX-License-Identifier: Apache-2.0
 *
 * C structs to JSON, driven by the shape tables. */
#include "api/shape.h"

#include "api/shapes.h"
#include "base/mem.h"
#include "json/writer.h"

#define ROOM_BEHIND_PART 256

/* `flags`: those of members that are left out, and SHAPE_LOWER_CAMEL. */
static void render_structure(struct json_writer *writer, const struct shape *shape, const void *in, unsigned flags);

static void render_key(struct json_writer *writer, struct str name, unsigned flags)
{
    char lower[SHAPE_MAX_NAME];

    if ((flags & SHAPE_LOWER_CAMEL) && name.n && name.n <= sizeof(lower)) {
        memcpy(lower, name.p, name.n);
        lower[0] = str_fold_char(lower[0]);
        name.p = lower;
    }
    json_key(writer, name);
}

static void render_map(struct json_writer *writer, struct str name, const struct str_map *map, unsigned flags)
{
    if (!map->set)
        return;
    render_key(writer, name, flags);
    json_open_object(writer);
    for (size_t i = 0; i < map->n; i++)
        json_field_string(writer, map->items[i].key, map->items[i].value);
    json_close_object(writer);
}

static void render_list(struct json_writer *writer, const struct shape_member *member, const void *slot, unsigned flags)
{
    struct any_list list;
    memcpy(&list, slot, sizeof(list));
    if (!list.set)
        return;
    const struct shape *element = member->shape->element;
    render_key(writer, member->name, flags);
    json_open_array(writer);
    for (size_t i = 0; i < list.n; i++) {
        if (element->kind == SHAPE_KIND_STRUCTURE)
            render_structure(writer, element, (const char *)list.items + i * element->size, flags & SHAPE_LOWER_CAMEL);
        else
            json_put_string(writer, ((const struct str *)list.items)[i]);
    }
    json_close_array(writer);
}

/* Takes the room at once, with some for the members behind it: growing would copy. */
static void render_part(struct json_writer *writer, struct str name, const struct wire_part *part, unsigned flags)
{
    if (!part->write)
        return;
    render_key(writer, name, flags);
    json_put_raw(writer, STR("")); /* for the writer, the value begins and ends here */
    buf_reserve(writer->buf, part->size + ROOM_BEHIND_PART);
    part->write(writer->buf, part->arg);
}

static void render_str(struct json_writer *writer, const struct shape_member *member, struct str value, unsigned flags)
{
    if (!str_is_set(value))
        return;
    render_key(writer, member->name, flags);
    if (member->shape->kind == SHAPE_KIND_STRING)
        json_put_string(writer, value);
    else
        json_put_raw(writer, value);
}

static void render_int(struct json_writer *writer, const struct shape_member *member, const struct opt_int *value,
                       unsigned flags)
{
    if (!value->set)
        return;
    render_key(writer, member->name, flags);
    if (member->shape->kind == SHAPE_KIND_TIMESTAMP)
        json_put_timestamp(writer, value->value);
    else
        json_put_int(writer, value->value);
}

static void render_member(struct json_writer *writer, const struct shape_member *member, const void *slot,
                          unsigned flags)
{
    const void *structure;
    switch (member->holds) {
    case SHAPE_HOLDS_STR:
        render_str(writer, member, *(const struct str *)slot, flags);
        break;
    case SHAPE_HOLDS_INT:
        render_int(writer, member, slot, flags);
        break;
    case SHAPE_HOLDS_MAP:
        render_map(writer, member->name, slot, flags);
        break;
    case SHAPE_HOLDS_LIST:
        render_list(writer, member, slot, flags);
        break;
    case SHAPE_HOLDS_POINTER:
        memcpy(&structure, slot, sizeof(structure));
        if (!structure)
            break;
        render_key(writer, member->name, flags);
        render_structure(writer, member->shape, structure, flags & SHAPE_LOWER_CAMEL);
        break;
    case SHAPE_HOLDS_PART:
        render_part(writer, member->name, slot, flags);
        break;
    }
}

static void render_structure(struct json_writer *writer, const struct shape *shape, const void *in, unsigned flags)
{
    json_open_object(writer);
    for (size_t i = 0; i < shape->n_members; i++) {
        const struct shape_member *member = &shape->members[i];
        if (!(member->flags & flags))
            render_member(writer, member, (const char *)in + member->offset, flags);
    }
    json_close_object(writer);
}

void shape_render_with(struct buf *buf, const struct shape *shape, const void *out, unsigned flags)
{
    if (shape->kind == SHAPE_KIND_NOTHING)
        return;
    ASSERT(shape->kind == SHAPE_KIND_STRUCTURE);
    struct json_writer writer;
    json_writer_init(&writer, buf);
    render_structure(&writer, shape, out, flags);
}

void shape_render(struct buf *buf, const struct shape *shape, const void *out)
{
    shape_render_with(buf, shape, out, 0);
}
