/* SPDX-License-Identifier: Apache-2.0
 *
 * Instances are packed, one block each with the keys they do not share: there may be a hundred thousand. */
#include "aws/cloud_map_reader.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* --- instances --------------------------------------------------------------------------------------------------- */

struct pairs {
    struct str_pair *items; /* in the answer's scratch memory */
    size_t n, size;
};

static int add_pair(struct pairs *pairs, struct arena *scratch, struct str_pair pair)
{
    if (pairs->n == pairs->size) {
        struct str_pair *items = arena_grow(scratch, pairs->items, &pairs->size, 8, sizeof(*items));
        if (!items)
            return -ENOMEM;
        pairs->items = items;
    }
    pairs->items[pairs->n++] = pair;
    return 0;
}

static int cmp_pairs(const void *a, const void *b)
{
    return str_cmp(((const struct str_pair *)a)->key, ((const struct str_pair *)b)->key);
}

/* A map of strings, sorted by key; the reader has refused a key that comes twice. */
static int read_attributes(struct json_answer *answer, struct pairs *pairs)
{
    bool more;
    struct str_pair pair;
    json_object(&answer->reader);
    while (json_member(&answer->reader, &more, &pair.key) == 0 && more)
        if (json_string(&answer->reader, &pair.value) == 0 && add_pair(pairs, &answer->scratch, pair) < 0)
            return -ENOMEM;
    if (answer->reader.error)
        return json_answer_fail(answer);
    if (pairs->n > 1)
        qsort(pairs->items, pairs->n, sizeof(*pairs->items), cmp_pairs);
    return 0;
}

/* The key at this place of the instance before, when it is the same; else absent. */
static struct str shared_key(const struct cloud_map_instance *before, size_t i, struct str key)
{
    if (before && i < before->n_attributes && str_eq(before->attributes[i].key, key))
        return before->attributes[i].key;
    return (struct str){ 0 };
}

static struct str put(char **p, struct str text)
{
    struct str copy = { *p, text.n };
    if (text.n)
        memcpy(*p, text.p, text.n);
    *p += text.n + 1; /* the arena has zeroed it */
    return copy;
}

static int pack(struct arena *arena, struct str id, const struct pairs *pairs, const struct cloud_map_instance *before,
                struct cloud_map_instance *ret_instance)
{
    size_t n = id.n + 1;
    for (size_t i = 0; i < pairs->n; i++) {
        const struct str_pair *pair = &pairs->items[i];
        n += pair->value.n + 1 + (str_is_set(shared_key(before, i, pair->key)) ? 0 : pair->key.n + 1);
    }
    struct str_pair *attributes = arena_alloc(arena, pairs->n * sizeof(*attributes) + n);
    if (!attributes)
        return -ENOMEM;
    char *p = (char *)(attributes + pairs->n);
    struct cloud_map_instance instance = { .attributes = attributes, .n_attributes = pairs->n };
    instance.id = put(&p, id);
    for (size_t i = 0; i < pairs->n; i++) {
        struct str key = shared_key(before, i, pairs->items[i].key);
        attributes[i].key = str_is_set(key) ? key : put(&p, pairs->items[i].key);
        attributes[i].value = put(&p, pairs->items[i].value);
    }
    *ret_instance = instance;
    return 0;
}

int cloud_map_reader_instance(struct json_answer *answer, struct arena *arena, const struct cloud_map_instance *before,
                              struct cloud_map_instance *ret_instance)
{
    struct json_reader *reader = &answer->reader;
    struct pairs pairs = { 0 };
    struct str id = { 0 }, key;
    bool more, has_attributes = false;
    json_object(reader);
    while (json_member(reader, &more, &key) == 0 && more) {
        if (str_eq(key, STR("Id"))) {
            json_string(reader, &id);
        } else if (str_eq(key, STR("Attributes"))) {
            int r = read_attributes(answer, &pairs);
            if (r)
                return r;
            has_attributes = true;
        } else {
            json_skip(reader);
        }
    }
    if (reader->error)
        return json_answer_fail(answer);
    if (id.n == 0)
        return json_answer_odd(answer, "an instance without Id");
    if (!has_attributes)
        return json_answer_odd(answer, "an instance without Attributes");
    return pack(arena, id, &pairs, before, ret_instance);
}

int cloud_map_reader_health(struct json_answer *answer, enum cloud_map_health *ret_health)
{
    struct str word;
    if (json_string(&answer->reader, &word))
        return json_answer_fail(answer);
    if (str_eq(word, STR("HEALTHY")))
        *ret_health = CLOUD_MAP_HEALTHY;
    else if (str_eq(word, STR("UNHEALTHY")))
        *ret_health = CLOUD_MAP_UNHEALTHY;
    else if (str_eq(word, STR("UNKNOWN")))
        *ret_health = CLOUD_MAP_HEALTH_UNKNOWN;
    else
        return json_answer_odd(answer, "a health status that is none");
    return 0;
}

/* --- services and operations ------------------------------------------------------------------------------------- */

int cloud_map_reader_service(struct json_answer *answer, struct arena *arena, struct cloud_map_service *ret_service)
{
    struct cloud_map_service service = { 0 };
    const struct json_answer_member members[] = {
        { STR("Id"), &service.id },
        { STR("Arn"), &service.arn },
        { STR("Name"), &service.name },
        { STR("NamespaceId"), &service.namespace_id },
    };
    int r = json_answer_strings(answer, members, sizeof(members) / sizeof(members[0]));
    if (r)
        return r;
    if (service.id.n == 0 || service.arn.n == 0 || service.name.n == 0)
        return json_answer_odd(answer, "a service without Id, Arn or Name");
    *ret_service = (struct cloud_map_service){
        .id = arena_dup(arena, service.id),
        .arn = arena_dup(arena, service.arn),
        .name = arena_dup(arena, service.name),
        .namespace_id = arena_dup(arena, service.namespace_id),
    };
    return arena->failed ? -ENOMEM : 0;
}

static void copy_text(char *ret, size_t size, struct str text)
{
    snprintf(ret, size, STR_FMT, (int)(text.n < size ? text.n : size - 1), text.n ? text.p : "");
}

int cloud_map_reader_operation(struct json_answer *answer, struct str id, enum cloud_map_operation *ret_operation)
{
    struct str got = { 0 }, status = { 0 }, code = { 0 }, message = { 0 };
    const struct json_answer_member members[] = {
        { STR("Id"), &got },
        { STR("Status"), &status },
        { STR("ErrorCode"), &code },
        { STR("ErrorMessage"), &message },
    };
    int r = json_answer_strings(answer, members, sizeof(members) / sizeof(members[0]));
    if (r)
        return r;
    if (!str_eq(got, id))
        return json_answer_odd(answer, "another operation than the one that was asked for");
    if (str_eq(status, STR("SUCCESS"))) {
        *ret_operation = CLOUD_MAP_OPERATION_SUCCESS;
    } else if (str_eq(status, STR("SUBMITTED")) || str_eq(status, STR("PENDING"))) {
        *ret_operation = CLOUD_MAP_OPERATION_RUNS;
    } else if (str_eq(status, STR("FAIL"))) {
        *answer->error = (struct aws_error){ 0 };
        copy_text(answer->error->code, sizeof(answer->error->code), code);
        copy_text(answer->error->message, sizeof(answer->error->message), message);
        *ret_operation = CLOUD_MAP_OPERATION_FAIL;
    } else {
        return json_answer_odd(answer, "an operation without a Status that is known");
    }
    return 0;
}
