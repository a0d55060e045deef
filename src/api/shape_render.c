/* SPDX-License-Identifier: Apache-2.0
 *
 * C structs to JSON, driven by the shape tables. */
#include "api/shape.h"

#include "api/shapes.h"
#include "base/mem.h"
#include "json/writer.h"

#define ROOM_BEHIND_PART 256

static void render_structure(struct json_writer *writer, const struct shape *shape, const void *in,
                             unsigned skip_flags);

static void render_map(struct json_writer *writer, struct str name, const struct str_map *map)
{
    if (!map->set)
        return;
    json_key(writer, name);
    json_open_object(writer);
    for (size_t i = 0; i < map->n; i++)
        json_field_string(writer, map->items[i].key, map->items[i].value);
    json_close_object(writer);
}

static void render_list(struct json_writer *writer, const struct shape_member *member, const void *slot)
{
    struct any_list list;
    memcpy(&list, slot, sizeof(list));
    if (!list.set)
        return;
    const struct shape *element = member->shape->element;
    json_key(writer, member->name);
    json_open_array(writer);
    for (size_t i = 0; i < list.n; i++) {
        if (element->kind == SHAPE_KIND_STRUCTURE)
            render_structure(writer, element, (const char *)list.items + i * element->size, 0);
        else
            json_put_string(writer, ((const struct str *)list.items)[i]);
    }
    json_close_array(writer);
}

/* Takes the room at once, with some for the members behind it: growing would copy. */
static void render_part(struct json_writer *writer, struct str name, const struct wire_part *part)
{
    if (!part->write)
        return;
    json_key(writer, name);
    json_put_raw(writer, STR("")); /* for the writer, the value begins and ends here */
    buf_reserve(writer->buf, part->size + ROOM_BEHIND_PART);
    part->write(writer->buf, part->arg);
}

static void render_str(struct json_writer *writer, const struct shape_member *member, struct str value)
{
    if (!str_is_set(value))
        return;
    json_key(writer, member->name);
    if (member->shape->kind == SHAPE_KIND_STRING)
        json_put_string(writer, value);
    else
        json_put_raw(writer, value);
}

static void render_int(struct json_writer *writer, const struct shape_member *member, const struct opt_int *value)
{
    if (!value->set)
        return;
    if (member->shape->kind == SHAPE_KIND_TIMESTAMP)
        json_field_timestamp(writer, member->name, value->value);
    else
        json_field_int(writer, member->name, value->value);
}

static void render_member(struct json_writer *writer, const struct shape_member *member, const void *slot)
{
    const void *structure;
    switch (member->holds) {
    case SHAPE_HOLDS_STR:
        render_str(writer, member, *(const struct str *)slot);
        break;
    case SHAPE_HOLDS_INT:
        render_int(writer, member, slot);
        break;
    case SHAPE_HOLDS_MAP:
        render_map(writer, member->name, slot);
        break;
    case SHAPE_HOLDS_LIST:
        render_list(writer, member, slot);
        break;
    case SHAPE_HOLDS_POINTER:
        memcpy(&structure, slot, sizeof(structure));
        if (!structure)
            break;
        json_key(writer, member->name);
        render_structure(writer, member->shape, structure, 0);
        break;
    case SHAPE_HOLDS_PART:
        render_part(writer, member->name, slot);
        break;
    }
}

static void render_structure(struct json_writer *writer, const struct shape *shape, const void *in, unsigned skip_flags)
{
    json_open_object(writer);
    for (size_t i = 0; i < shape->n_members; i++) {
        const struct shape_member *member = &shape->members[i];
        if (!(member->flags & skip_flags))
            render_member(writer, member, (const char *)in + member->offset);
    }
    json_close_object(writer);
}

void shape_render_without(struct buf *buf, const struct shape *shape, const void *out, unsigned skip_flags)
{
    if (shape->kind == SHAPE_KIND_NOTHING)
        return;
    ASSERT(shape->kind == SHAPE_KIND_STRUCTURE);
    struct json_writer writer;
    json_writer_init(&writer, buf);
    render_structure(&writer, shape, out, skip_flags);
}

void shape_render(struct buf *buf, const struct shape *shape, const void *out)
{
    shape_render_without(buf, shape, out, 0);
}
