/* SPDX-License-Identifier: Apache-2.0
 *
 * JSON to C structs, driven by the shape tables. Recursion is as deep as the shapes, never as the text. Lists and maps
 * grow by doubling in the arena; the reader's cap on values bounds them. */
#include "api/shape.h"

#include "api/shape_path.h"
#include "api/shapes.h"
#include "base/mem.h"

#define FIRST_CAPACITY 8

struct decoder {
    struct json_reader *reader;
    struct arena *arena;
    struct buf *message;
};

static int decode_value(struct decoder *decoder, const struct shape *shape, void *slot, const struct shape_path *path);

static const char *kind_text(enum shape_kind kind)
{
    switch (kind) {
    case SHAPE_KIND_STRING:
        return "a string";
    case SHAPE_KIND_LIST:
        return "an array";
    case SHAPE_KIND_MAP:
    case SHAPE_KIND_STRUCTURE:
        return "an object";
    default:
        return "an integer";
    }
}

static int wrong_type(struct decoder *decoder, const struct shape *shape, const struct shape_path *path,
                      const char *found)
{
    struct buf *message = decoder->message;
    if (path)
        shape_path_put(message, path, false);
    else
        buf_put_str(message, STR("The request body"));
    buf_printf(message, ": expected %s, found %s", kind_text(shape->kind), found);
    return SHAPE_TYPE;
}

/* The condition behind the reader's error. */
static int reader_failed(struct decoder *decoder)
{
    struct json_reader *reader = decoder->reader;
    if (reader->error == JSON_MEMORY)
        return SHAPE_MEMORY;
    buf_printf(decoder->message, "The request body is not valid JSON: %s (at byte %zu)", json_error_text(reader->error),
               reader->error_at);
    return SHAPE_SYNTAX;
}

/* The member of that name; `*next` is where the search starts, since clients mostly keep an order. */
static const struct shape_member *find_member(const struct shape *shape, struct str name, size_t *next)
{
    for (size_t i = 0; i < shape->n_members; i++) {
        size_t at = *next + i;
        at -= at >= shape->n_members ? shape->n_members : 0;
        const struct shape_member *member = &shape->members[at];
        if (member->name.n == name.n && memcmp(member->name.p, name.p, name.n) == 0) {
            *next = at + 1 == shape->n_members ? 0 : at + 1;
            return member;
        }
    }
    return NULL;
}

static int decode_member(struct decoder *decoder, const struct shape_member *member, void *out,
                         const struct shape_path *up)
{
    const struct shape_path path = { .up = up, .name = member->name };
    void *slot = (char *)out + member->offset;
    if (member->holds != SHAPE_HOLDS_POINTER)
        return decode_value(decoder, member->shape, slot, &path);

    enum json_type type;
    if (json_peek(decoder->reader, &type))
        return reader_failed(decoder);
    if (type == JSON_NULL)
        return json_null(decoder->reader) ? reader_failed(decoder) : 0;
    void *structure = arena_alloc(decoder->arena, member->shape->size);
    if (!structure)
        return SHAPE_MEMORY;
    memcpy(slot, &structure, sizeof(structure));
    return decode_value(decoder, member->shape, structure, &path);
}

static int decode_structure(struct decoder *decoder, const struct shape *shape, void *out,
                            const struct shape_path *path)
{
    struct json_reader *reader = decoder->reader;
    if (json_object(reader))
        return reader_failed(decoder);
    for (size_t next = 0;;) {
        bool more;
        struct str key;
        if (json_member(reader, &more, &key))
            return reader_failed(decoder);
        if (!more)
            return 0;
        const struct shape_member *member = find_member(shape, key, &next);
        if (!member) {
            if (json_skip(reader))
                return reader_failed(decoder);
            continue;
        }
        int r = decode_member(decoder, member, out, path);
        if (r)
            return r;
    }
}

/* Room for one more item behind `n`. */
static void *grow(struct arena *arena, void *items, size_t n, size_t *capacity, size_t size)
{
    if (n < *capacity)
        return items;
    *capacity = *capacity ? *capacity * 2 : FIRST_CAPACITY;
    void *more = arena_array(arena, *capacity, size);
    if (more && n)
        memcpy(more, items, n * size);
    return more;
}

static int decode_list(struct decoder *decoder, const struct shape *shape, void *slot, const struct shape_path *up)
{
    struct json_reader *reader = decoder->reader;
    const struct shape *element = shape->element;
    size_t size = element->kind == SHAPE_KIND_STRUCTURE ? element->size : sizeof(struct str);
    struct any_list list = { .set = true };
    size_t capacity = 0;
    if (json_array(reader))
        return reader_failed(decoder);
    for (;;) {
        bool more;
        if (json_element(reader, &more))
            return reader_failed(decoder);
        if (!more)
            break;
        list.items = grow(decoder->arena, list.items, list.n, &capacity, size);
        if (!list.items)
            return SHAPE_MEMORY;
        const struct shape_path path = { .up = up, .index = list.n + 1 };
        int r = decode_value(decoder, element, (char *)list.items + list.n * size, &path);
        if (r)
            return r;
        list.n++;
    }
    memcpy(slot, &list, sizeof(list));
    return 0;
}

static int decode_map(struct decoder *decoder, const struct shape *shape, struct str_map *ret_map,
                      const struct shape_path *up)
{
    struct json_reader *reader = decoder->reader;
    struct str_map map = { .set = true };
    size_t capacity = 0;
    if (json_object(reader))
        return reader_failed(decoder);
    for (;;) {
        bool more;
        struct str key;
        if (json_member(reader, &more, &key))
            return reader_failed(decoder);
        if (!more)
            break;
        map.items = grow(decoder->arena, map.items, map.n, &capacity, sizeof(*map.items));
        if (!map.items)
            return SHAPE_MEMORY;
        const struct shape_path path = { .up = up, .name = key };
        map.items[map.n].key = key;
        int r = decode_value(decoder, shape->element, &map.items[map.n].value, &path);
        if (r)
            return r;
        map.n++;
    }
    *ret_map = map;
    return 0;
}

static int decode_int(struct decoder *decoder, const struct shape *shape, struct opt_int *ret_number,
                      const struct shape_path *path)
{
    struct json_reader *reader = decoder->reader;
    if (json_int(reader, &ret_number->value)) {
        if (reader->error == JSON_RANGE)
            return wrong_type(decoder, shape, path, "a number with a fraction or out of range");
        return reader_failed(decoder);
    }
    ret_number->set = true;
    return 0;
}

static enum json_type json_type_of(enum shape_kind kind)
{
    switch (kind) {
    case SHAPE_KIND_STRING:
        return JSON_STRING;
    case SHAPE_KIND_LIST:
        return JSON_ARRAY;
    case SHAPE_KIND_MAP:
    case SHAPE_KIND_STRUCTURE:
        return JSON_OBJECT;
    default:
        return JSON_NUMBER;
    }
}

/* A value into its slot; for a structure the slot is the struct itself. */
static int decode_value(struct decoder *decoder, const struct shape *shape, void *slot, const struct shape_path *path)
{
    struct json_reader *reader = decoder->reader;
    enum json_type type;
    if (json_peek(reader, &type))
        return reader_failed(decoder);
    if (type != json_type_of(shape->kind)) {
        if (type == JSON_NULL && path)
            return json_null(reader) ? reader_failed(decoder) : 0;
        return wrong_type(decoder, shape, path, json_type_text(type));
    }
    switch (shape->kind) {
    case SHAPE_KIND_STRING:
        return json_string(reader, slot) ? reader_failed(decoder) : 0;
    case SHAPE_KIND_INTEGER:
    case SHAPE_KIND_LONG:
        return decode_int(decoder, shape, slot, path);
    case SHAPE_KIND_LIST:
        return decode_list(decoder, shape, slot, path);
    case SHAPE_KIND_MAP:
        return decode_map(decoder, shape, slot, path);
    case SHAPE_KIND_STRUCTURE:
        return decode_structure(decoder, shape, slot, path);
    default:
        ASSERT(!"no input has this kind");
        return 0;
    }
}

int shape_decode(struct json_reader *reader, const struct shape *shape, void *out, struct arena *arena,
                 struct buf *message)
{
    struct decoder decoder = { .reader = reader, .arena = arena, .message = message };
    int r = decode_value(&decoder, shape, out, NULL);
    if (r)
        return r;
    return json_end(reader) ? reader_failed(&decoder) : 0;
}
