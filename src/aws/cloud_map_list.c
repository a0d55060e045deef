/* SPDX-License-Identifier: Apache-2.0
 *
 * Cloud Map's lists, page by page. What a list gives is gathered on the heap and moves into the caller's arena in one
 * piece, sorted, when it is whole. */
#include "aws/cloud_map_reader.h"
#include "aws/json_call.h"
#include "aws/page_chain.h"
#include "base/mem.h"

#include <errno.h>
#include <stdlib.h>

struct list {
    struct aws_client *client;
    const char *action;
    struct str member;                                  /* of the answer, that holds the items */
    void (*ask)(void *arg, struct json_writer *writer); /* writes the request's own members */
    int (*read)(void *arg, struct json_answer *answer); /* reads the member's value */
    void *arg;
    struct arena *arena;
    struct aws_error *error;
    unsigned n_calls;
};

static int read_page(struct list *list, struct json_answer *answer, struct str *ret_next)
{
    struct json_reader *reader = &answer->reader;
    struct str key, next = { 0 };
    bool more, has_items = false;
    json_object(reader);
    while (json_member(reader, &more, &key) == 0 && more) {
        if (str_eq(key, list->member)) {
            int r = list->read(list->arg, answer);
            if (r)
                return r;
            has_items = true;
        } else if (str_eq(key, STR("NextToken"))) {
            json_answer_optional(answer, &next);
        } else {
            json_skip(reader);
        }
    }
    if (reader->error)
        return json_answer_fail(answer);
    if (!has_items)
        return json_answer_odd(answer, "an answer without what was asked for");
    *ret_next = next;
    return json_answer_end(answer);
}

/* One page; `next` is the token to ask with (or absent) and then that of the page behind. */
static int ask_page(struct list *list, struct page_chain *chain, struct str *next)
{
    struct json_call call;
    json_call_begin(&call, list->client, list->action, list->error);
    list->ask(list->arg, &call.writer);
    json_field_int(&call.writer, STR("MaxResults"), CLOUD_MAP_PAGE_SIZE);
    json_field_optional(&call.writer, STR("NextToken"), *next);
    list->n_calls++;
    int r = json_call_send(&call);
    *next = (struct str){ 0 };
    if (r == 0)
        r = read_page(list, &call.answer, next);
    if (r == 0 && next->n > 0)
        r = page_chain_add(chain, list->arena, *next, next, list->error);
    json_call_end(&call);
    return r;
}

static int ask_pages(struct list *list)
{
    struct page_chain chain = { 0 };
    struct str next = { 0 };
    int r;
    do
        r = ask_page(list, &chain, &next);
    while (r == 0 && next.n > 0);
    return r;
}

/* Room for one more of `size` bytes each in a list that is gathered on the heap. */
static int make_room(void **items, size_t n, size_t *room, size_t size)
{
    if (n < *room)
        return 0;
    size_t more = *room ? *room * 2 : CLOUD_MAP_PAGE_SIZE;
    void *larger = mem_realloc(*items, more * size);
    if (!larger)
        return -ENOMEM;
    *items = larger;
    *room = more;
    return 0;
}

/* Of items whose first member is their id. */
static int cmp_ids(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

/* Sorts what was gathered, by an id that is its first member, and moves it into the arena. AWS_ODD when one is there
 * twice. */
static int settle(const struct list *list, void **items, size_t n, size_t size)
{
    void *settled = arena_array(list->arena, n, size);
    if (!settled)
        return -ENOMEM;
    if (n > 1)
        qsort(*items, n, size, cmp_ids);
    for (size_t i = 1; i < n; i++) {
        const struct str *id = (const void *)((const char *)*items + i * size);
        if (str_eq(*id, *(const struct str *)(const void *)((const char *)id - size)))
            return aws_client_fail(list->error, AWS_ODD, "%s: " STR_FMT " came twice", list->action, STR_ARG(*id));
    }
    if (n)
        memcpy(settled, *items, n * size);
    mem_free(*items);
    *items = settled;
    return 0;
}

/* --- instances --------------------------------------------------------------------------------------------------- */

struct instance_list {
    struct str service_id;
    struct arena *arena;
    struct cloud_map_instances found; /* items: on the heap until they are settled */
};

_Static_assert(offsetof(struct cloud_map_instance, id) == 0, "for settle");

static void ask_service(void *arg, struct json_writer *writer)
{
    const struct instance_list *instances = arg;
    json_field_string(writer, STR("ServiceId"), instances->service_id);
}

static int read_instances(void *arg, struct json_answer *answer)
{
    struct instance_list *instances = arg;
    struct cloud_map_instances *found = &instances->found;
    bool more;
    json_array(&answer->reader);
    while (json_element(&answer->reader, &more) == 0 && more) {
        void *items = found->items;
        int r = make_room(&items, found->n, &found->size, sizeof(*found->items));
        found->items = items;
        if (r == 0)
            r = cloud_map_reader_instance(answer, instances->arena, found->n ? &found->items[found->n - 1] : NULL,
                                          &found->items[found->n]);
        if (r)
            return r;
        found->n++;
    }
    return answer->reader.error ? json_answer_fail(answer) : 0;
}

int cloud_map_list_instances(struct aws_client *client, struct str service_id, struct arena *arena,
                             struct cloud_map_instances *ret_instances, struct aws_error *ret_error)
{
    struct instance_list instances = { .service_id = service_id, .arena = arena };
    struct list list = { .client = client,
                         .action = "ListInstances",
                         .member = STR("Instances"),
                         .ask = ask_service,
                         .read = read_instances,
                         .arg = &instances,
                         .arena = arena,
                         .error = ret_error };
    int r = ask_pages(&list);
    void *items = instances.found.items;
    if (r == 0)
        r = settle(&list, &items, instances.found.n, sizeof(*instances.found.items));
    if (r) {
        mem_free(items);
        return r;
    }
    *ret_instances = (struct cloud_map_instances){
        .items = items,
        .n = instances.found.n,
        .size = instances.found.n,
        .n_calls = list.n_calls,
    };
    return 0;
}

/* --- health ------------------------------------------------------------------------------------------------------ */

struct health_list {
    struct str service_id;
    const struct cloud_map_instances *instances;
    uint8_t *health; /* of each instance: enum cloud_map_health plus one; 0: not named yet */
};

static void ask_health(void *arg, struct json_writer *writer)
{
    const struct health_list *healths = arg;
    json_field_string(writer, STR("ServiceId"), healths->service_id);
}

static int cmp_id(const void *id, const void *instance)
{
    return str_cmp(*(const struct str *)id, ((const struct cloud_map_instance *)instance)->id);
}

/* Instances that are not in the list were registered after it was made. */
static int read_healths(void *arg, struct json_answer *answer)
{
    struct health_list *healths = arg;
    const struct cloud_map_instances *instances = healths->instances;
    bool more;
    struct str id;
    json_object(&answer->reader);
    while (json_member(&answer->reader, &more, &id) == 0 && more) {
        enum cloud_map_health health;
        int r = cloud_map_reader_health(answer, &health);
        if (r)
            return r;
        const struct cloud_map_instance *instance =
            instances->n ? bsearch(&id, instances->items, instances->n, sizeof(*instance), cmp_id) : NULL;
        if (!instance)
            continue;
        uint8_t *slot = &healths->health[instance - instances->items];
        if (*slot)
            return json_answer_odd(answer, "an instance came twice");
        *slot = (uint8_t)(health + 1);
    }
    return answer->reader.error ? json_answer_fail(answer) : 0;
}

int cloud_map_list_health(struct aws_client *client, struct str service_id, struct arena *arena,
                          struct cloud_map_instances *instances, struct aws_error *ret_error)
{
    struct health_list healths = { .service_id = service_id, .instances = instances };
    struct list list = { .client = client,
                         .action = "GetInstancesHealthStatus",
                         .member = STR("Status"),
                         .ask = ask_health,
                         .read = read_healths,
                         .arg = &healths,
                         .arena = arena,
                         .error = ret_error };
    healths.health = arena_alloc(arena, instances->n);
    if (!healths.health)
        return -ENOMEM;
    int r = ask_pages(&list);
    instances->n_calls += list.n_calls;
    if (r == AWS_REFUSED && list.n_calls == 1 && strcmp(ret_error->code, "InstanceNotFound") == 0) {
        *ret_error = (struct aws_error){ 0 };
        return 0;
    }
    for (size_t i = 0; r == 0 && i < instances->n; i++)
        instances->items[i].health =
            healths.health[i] ? (enum cloud_map_health)(healths.health[i] - 1) : CLOUD_MAP_HEALTH_UNKNOWN;
    return r;
}

/* --- services ---------------------------------------------------------------------------------------------------- */

struct service_list {
    struct str namespace_id;
    struct arena *arena;
    struct cloud_map_services found; /* items: on the heap until they are settled */
};

_Static_assert(offsetof(struct cloud_map_service, id) == 0, "for settle");

static void ask_namespace(void *arg, struct json_writer *writer)
{
    const struct service_list *services = arg;
    if (!str_is_set(services->namespace_id))
        return;
    json_key(writer, STR("Filters"));
    json_open_array(writer);
    json_open_object(writer);
    json_field_string(writer, STR("Name"), STR("NAMESPACE_ID"));
    json_key(writer, STR("Values"));
    json_open_array(writer);
    json_put_string(writer, services->namespace_id);
    json_close_array(writer);
    json_field_string(writer, STR("Condition"), STR("EQ"));
    json_close_object(writer);
    json_close_array(writer);
}

static int read_services(void *arg, struct json_answer *answer)
{
    struct service_list *services = arg;
    struct cloud_map_services *found = &services->found;
    bool more;
    json_array(&answer->reader);
    while (json_element(&answer->reader, &more) == 0 && more) {
        void *items = found->items;
        int r = make_room(&items, found->n, &found->size, sizeof(*found->items));
        found->items = items;
        if (r == 0)
            r = cloud_map_reader_service(answer, services->arena, &found->items[found->n]);
        if (r)
            return r;
        if (!str_is_set(found->items[found->n].namespace_id))
            found->items[found->n].namespace_id = services->namespace_id;
        found->n++;
    }
    return answer->reader.error ? json_answer_fail(answer) : 0;
}

int cloud_map_list_services(struct aws_client *client, struct str namespace_id, struct arena *arena,
                            struct cloud_map_services *ret_services, struct aws_error *ret_error)
{
    struct service_list services = { .namespace_id = arena_dup(arena, namespace_id), .arena = arena };
    struct list list = { .client = client,
                         .action = "ListServices",
                         .member = STR("Services"),
                         .ask = ask_namespace,
                         .read = read_services,
                         .arg = &services,
                         .arena = arena,
                         .error = ret_error };
    if (arena->failed)
        return -ENOMEM;
    int r = ask_pages(&list);
    void *items = services.found.items;
    if (r == 0)
        r = settle(&list, &items, services.found.n, sizeof(*services.found.items));
    if (r) {
        mem_free(items);
        return r;
    }
    *ret_services = (struct cloud_map_services){
        .items = items,
        .n = services.found.n,
        .size = services.found.n,
        .n_calls = list.n_calls,
    };
    return 0;
}
