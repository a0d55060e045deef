/* SPDX-License-Identifier: Apache-2.0
 *
 * Constraints of the model, and the text that AWS makes of their violations. An input is walked once to count; only
 * when there is something to say it is walked again to write, since the count stands first. */
#include "api/shape.h"

#include "api/shape_path.h"
#include "api/shapes.h"
#include "base/mem.h"
#include "base/text.h"

#define MAX_LISTED 20

/* One bit a rule, in the order in which messages list them. */
enum rule {
    RULE_MAX = 1,
    RULE_MIN = 2,
    RULE_PATTERN = 4,
    RULE_ENUM = 8,
    RULE_NULL = 16,
};

struct walk {
    struct buf *message; /* NULL while counting */
    size_t n_found;
};

static void check_value(struct walk *walk, const struct shape *shape, const void *slot, const struct shape_path *path);

/* ---- Words ---- */

static void put_rule(struct buf *buf, const struct shape *shape, enum rule rule)
{
    const char *measure = shape->kind == SHAPE_KIND_INTEGER || shape->kind == SHAPE_KIND_LONG ? "value" : "length";
    switch (rule) {
    case RULE_MAX:
        buf_printf(buf, "Member must have %s less than or equal to %lld", measure, (long long)shape->max);
        break;
    case RULE_MIN:
        buf_printf(buf, "Member must have %s greater than or equal to %lld", measure,
                   (long long)(shape->min == SHAPE_NO_MIN ? 0 : shape->min));
        break;
    case RULE_PATTERN:
        buf_printf(buf, "Member must satisfy regular expression pattern: %s", shape->pattern);
        break;
    case RULE_ENUM:
        buf_put_str(buf, STR("Member must satisfy enum value set: ["));
        for (size_t i = 0; i < shape->n_values; i++) {
            buf_put_str(buf, i ? STR(", ") : STR(""));
            buf_put_str(buf, shape->values[i]);
        }
        buf_put_char(buf, ']');
        break;
    case RULE_NULL:
        buf_put_str(buf, STR("Member must not be null"));
        break;
    }
}

/* Everything that the keys or values of a map must satisfy. */
static void put_all_rules(struct buf *buf, const struct shape *shape)
{
    if (shape->max != SHAPE_NO_MAX) {
        put_rule(buf, shape, RULE_MAX);
        buf_put_str(buf, STR(", "));
        put_rule(buf, shape, RULE_MIN);
        buf_put_str(buf, STR(", "));
    }
    if (shape->pattern) {
        put_rule(buf, shape, RULE_PATTERN);
        buf_put_str(buf, STR(", "));
    }
    put_rule(buf, shape, RULE_NULL);
}

static void put_pair(struct buf *buf, const struct str_pair *pair, size_t *left)
{
    shape_path_put_text(buf, pair->key, left);
    shape_path_put_text(buf, STR("="), left);
    shape_path_put_text(buf, str_is_set(pair->value) ? pair->value : STR("null"), left);
}

/* A value as messages echo it. Of a list of structures only the brackets: what is in them says nothing about its
 * length. */
static void put_value(struct buf *buf, const struct shape *shape, const void *slot)
{
    size_t left = SHAPE_PATH_MAX_ECHO;
    struct any_list list;
    const struct str_map *map;
    switch (shape->kind) {
    case SHAPE_KIND_STRING:
        shape_path_put_text(buf, *(const struct str *)slot, &left);
        break;
    case SHAPE_KIND_LIST:
        memcpy(&list, slot, sizeof(list));
        buf_put_char(buf, '[');
        for (size_t i = 0; shape->element->kind == SHAPE_KIND_STRING && i < list.n; i++) {
            shape_path_put_text(buf, i ? STR(", ") : STR(""), &left);
            shape_path_put_text(buf, ((const struct str *)list.items)[i], &left);
        }
        buf_put_char(buf, ']');
        break;
    case SHAPE_KIND_MAP:
        map = slot;
        buf_put_char(buf, '{');
        for (size_t i = 0; i < map->n; i++) {
            shape_path_put_text(buf, i ? STR(", ") : STR(""), &left);
            put_pair(buf, &map->items[i], &left);
        }
        buf_put_char(buf, '}');
        break;
    default:
        buf_put_i64(buf, ((const struct opt_int *)slot)->value);
        break;
    }
}

/* Counts a violation; true when it is to be written, after "Value ". */
static bool begin_violation(struct walk *walk)
{
    walk->n_found++;
    if (!walk->message || walk->n_found > MAX_LISTED)
        return false;
    buf_put_str(walk->message, walk->n_found == 1 ? STR("Value ") : STR("; Value "));
    return true;
}

static void put_at(struct buf *buf, const struct shape_path *path)
{
    buf_put_str(buf, STR(" at '"));
    shape_path_put(buf, path, true);
    buf_put_str(buf, STR("' failed to satisfy constraint: "));
}

static void violate(struct walk *walk, const struct shape *shape, const void *slot, const struct shape_path *path,
                    enum rule rule)
{
    if (!begin_violation(walk))
        return;
    if (rule == RULE_NULL) {
        buf_put_str(walk->message, STR("null"));
    } else {
        buf_put_char(walk->message, '\'');
        put_value(walk->message, shape, slot);
        buf_put_char(walk->message, '\'');
    }
    put_at(walk->message, path);
    put_rule(walk->message, shape, rule);
}

/* The map form names the pair that is wrong, not the whole map. */
static void violate_pair(struct walk *walk, const struct shape *shape, const struct str_pair *pair,
                         const struct shape_path *path, struct str what)
{
    if (!begin_violation(walk))
        return;
    size_t left = SHAPE_PATH_MAX_ECHO;
    buf_put_str(walk->message, STR("'{"));
    put_pair(walk->message, pair, &left);
    buf_put_str(walk->message, STR("}'"));
    put_at(walk->message, path);
    buf_put_str(walk->message, what);
    put_all_rules(walk->message, shape);
    buf_put_char(walk->message, ']');
}

/* ---- Rules ---- */

static bool is_in_enum(const struct shape *shape, struct str s)
{
    for (size_t i = 0; i < shape->n_values; i++) {
        if (str_eq(shape->values[i], s))
            return true;
    }
    return false;
}

/* The rules that a present string breaks, as bits. */
static unsigned broken_by_string(const struct shape *shape, struct str s)
{
    unsigned broken = 0;
    /* Bytes are never fewer than code points: most strings need no counting. */
    int64_t length = (int64_t)s.n;
    if (length > shape->max || shape->min > 1)
        length = (int64_t)text_utf8_len(s);
    if (length > shape->max)
        broken |= RULE_MAX;
    if (length < shape->min)
        broken |= RULE_MIN;
    if (shape->matches && !shape->matches(s))
        broken |= RULE_PATTERN;
    if (shape->values && !is_in_enum(shape, s))
        broken |= RULE_ENUM;
    return broken;
}

static unsigned broken_by_number(const struct shape *shape, int64_t number)
{
    return (number > shape->max ? RULE_MAX : 0) | (number < shape->min ? RULE_MIN : 0);
}

static void violate_each(struct walk *walk, const struct shape *shape, const void *slot, const struct shape_path *path,
                         unsigned broken)
{
    for (unsigned rule = RULE_MAX; rule <= RULE_ENUM; rule <<= 1) {
        if (broken & rule)
            violate(walk, shape, slot, path, rule);
    }
}

/* ---- The walk ---- */

static void check_map(struct walk *walk, const struct shape *shape, const struct str_map *map,
                      const struct shape_path *path)
{
    violate_each(walk, shape, map, path, broken_by_number(shape, (int64_t)map->n));
    const struct str_pair *bad_key = NULL, *bad_value = NULL;
    for (size_t i = 0; i < map->n; i++) {
        const struct str_pair *pair = &map->items[i];
        if (!bad_key && broken_by_string(shape->key, pair->key))
            bad_key = pair;
        if (!bad_value && (!str_is_set(pair->value) || broken_by_string(shape->element, pair->value)))
            bad_value = pair;
    }
    if (bad_key)
        violate_pair(walk, shape->key, bad_key, path, STR("Map keys must satisfy constraint: ["));
    if (bad_value)
        violate_pair(walk, shape->element, bad_value, path, STR("Map value must satisfy constraint: ["));
}

static void check_list(struct walk *walk, const struct shape *shape, const void *slot, const struct shape_path *up)
{
    struct any_list list;
    memcpy(&list, slot, sizeof(list));
    violate_each(walk, shape, slot, up, broken_by_number(shape, (int64_t)list.n));
    const struct shape *element = shape->element;
    size_t size = element->kind == SHAPE_KIND_STRUCTURE ? element->size : sizeof(struct str);
    for (size_t i = 0; i < list.n; i++) {
        const void *item = (const char *)list.items + i * size;
        const struct shape_path path = { .up = up, .index = i + 1 };
        if (element->kind == SHAPE_KIND_STRING && !str_is_set(*(const struct str *)item))
            violate(walk, element, item, &path, RULE_NULL);
        else
            check_value(walk, element, item, &path);
    }
}

/* What a member holds: its value, or NULL when it is absent. */
static const void *find_value(const struct shape_member *member, const void *in)
{
    const void *slot = (const char *)in + member->offset;
    struct any_list list;
    const void *structure;
    switch (member->holds) {
    case SHAPE_HOLDS_STR:
        return str_is_set(*(const struct str *)slot) ? slot : NULL;
    case SHAPE_HOLDS_INT:
        return ((const struct opt_int *)slot)->set ? slot : NULL;
    case SHAPE_HOLDS_MAP:
        return ((const struct str_map *)slot)->set ? slot : NULL;
    case SHAPE_HOLDS_LIST:
        memcpy(&list, slot, sizeof(list));
        return list.set ? slot : NULL;
    case SHAPE_HOLDS_PART:
        return NULL;
    case SHAPE_HOLDS_POINTER:
        break;
    }
    memcpy(&structure, slot, sizeof(structure));
    return structure;
}

static void check_structure(struct walk *walk, const struct shape *shape, const void *in, const struct shape_path *up)
{
    for (size_t i = 0; i < shape->n_members; i++) {
        const struct shape_member *member = &shape->members[i];
        const struct shape_path path = { .up = up, .name = member->name };
        const void *value = find_value(member, in);
        if (value)
            check_value(walk, member->shape, value, &path);
        else if (member->flags & SHAPE_REQUIRED)
            violate(walk, member->shape, NULL, &path, RULE_NULL);
    }
}

static void check_value(struct walk *walk, const struct shape *shape, const void *value, const struct shape_path *path)
{
    switch (shape->kind) {
    case SHAPE_KIND_STRING:
        violate_each(walk, shape, value, path, broken_by_string(shape, *(const struct str *)value));
        break;
    case SHAPE_KIND_INTEGER:
    case SHAPE_KIND_LONG:
        violate_each(walk, shape, value, path, broken_by_number(shape, ((const struct opt_int *)value)->value));
        break;
    case SHAPE_KIND_LIST:
        check_list(walk, shape, value, path);
        break;
    case SHAPE_KIND_MAP:
        check_map(walk, shape, value, path);
        break;
    case SHAPE_KIND_STRUCTURE:
        check_structure(walk, shape, value, path);
        break;
    default:
        ASSERT(!"no input has this kind");
    }
}

int shape_validate(const struct shape *shape, const void *in, struct buf *message)
{
    struct walk count = { 0 };
    check_value(&count, shape, in, NULL);
    if (count.n_found == 0)
        return 0;
    buf_printf(message, "%zu validation error%s detected: ", count.n_found, count.n_found == 1 ? "" : "s");
    struct walk list = { .message = message };
    check_value(&list, shape, in, NULL);
    return SHAPE_INVALID;
}
