/* SPDX-License-Identifier: Apache-2.0
 *
 * Cloud Map's answers. The first byte of an input chooses the call, the rest is the script: the answers in turn,
 * between NUL bytes. What is accepted is sorted, each id is there once, and no last page was accepted that could be
 * cut. */
#include "fuzz_target.h"

#include "aws/cloud_map.h"
#include "fake_aws.h"

#include <errno.h>

#define CAP ((size_t)4 << 20)
#define MAX_PAGES 16
#define SERVICE STR("srv-1")

struct run {
    struct aws_client *client;
    struct arena arena;
    struct aws_error error;
};

static void check_instance(const struct cloud_map_instance *instance)
{
    FUZZ_CHECK(instance->id.n > 0);
    for (size_t i = 0; i < instance->n_attributes; i++) {
        const struct str_pair *pair = &instance->attributes[i];
        FUZZ_CHECK(str_is_set(pair->key) && str_is_set(pair->value));
        FUZZ_CHECK(i == 0 || str_cmp(instance->attributes[i - 1].key, pair->key) < 0);
        FUZZ_CHECK(str_eq(cloud_map_attribute(instance, pair->key), pair->value));
    }
    FUZZ_CHECK(cloud_map_same_attributes(instance, instance));
}

static int list_instances(struct run *run)
{
    struct cloud_map_instances instances;
    int r = cloud_map_list_instances(run->client, SERVICE, &run->arena, &instances, &run->error);
    for (size_t i = 0; r == 0 && i < instances.n; i++) {
        check_instance(&instances.items[i]);
        FUZZ_CHECK(i == 0 || str_cmp(instances.items[i - 1].id, instances.items[i].id) < 0);
    }
    return r;
}

static int list_health(struct run *run)
{
    struct cloud_map_instance items[] = { { .id = STR("i-1") }, { .id = STR("i-2") } };
    struct cloud_map_instances instances = { .items = items, .n = 2 };
    int r = cloud_map_list_health(run->client, SERVICE, &run->arena, &instances, &run->error);
    for (size_t i = 0; i < 2; i++)
        FUZZ_CHECK(items[i].health == CLOUD_MAP_HEALTH_UNKNOWN || r == 0);
    return r;
}

static int list_services(struct run *run)
{
    struct cloud_map_services services;
    int r = cloud_map_list_services(run->client, STR("ns-1"), &run->arena, &services, &run->error);
    for (size_t i = 0; r == 0 && i < services.n; i++) {
        FUZZ_CHECK(services.items[i].arn.n > 0 && services.items[i].namespace_id.p);
        FUZZ_CHECK(i == 0 || str_cmp(services.items[i - 1].id, services.items[i].id) < 0);
    }
    return r;
}

static int get_one(struct run *run, unsigned call)
{
    struct cloud_map_instance instance;
    struct cloud_map_service service;
    struct str operation_id;
    enum cloud_map_operation operation;
    int r;
    switch (call) {
    case 0:
        r = cloud_map_get_instance(run->client, SERVICE, STR("i-1"), &run->arena, &instance, &run->error);
        if (r == 0)
            check_instance(&instance);
        return r;
    case 1:
        return cloud_map_get_service(run->client, SERVICE, &run->arena, &service, &run->error);
    case 2:
        r = cloud_map_deregister(run->client, SERVICE, STR("i-1"), &run->arena, &operation_id, &run->error);
        FUZZ_CHECK(r || (operation_id.n > 0 && operation_id.n <= CLOUD_MAP_OPERATION_ID_MAX));
        return r;
    default:
        return cloud_map_get_operation(run->client, STR("op-1"), &operation, &run->error);
    }
}

static int make_call(struct run *run, uint8_t call)
{
    arena_init(&run->arena, CAP);
    run->error = (struct aws_error){ 0 };
    fake_aws_rewind(run->client);
    int r;
    switch (call % 7) {
    case 0:
        r = list_instances(run);
        break;
    case 1:
        r = list_health(run);
        break;
    case 2:
        r = list_services(run);
        break;
    default:
        r = get_one(run, call % 7 - 3u);
        break;
    }
    FUZZ_CHECK(r == 0 || r == -ENOMEM || r == AWS_ODD || r == AWS_NO_ANSWER);
    FUZZ_CHECK(r <= 0 || run->error.message[0]);
    arena_fini(&run->arena);
    return r;
}

/* Cuts the last byte that counts off the answer that ended the call. */
static void check_cut(struct run *run, uint8_t call)
{
    struct str *last = &run->client->answers[run->client->n_calls - 1].text;
    while (last->n > 0 && memchr(" \t\r\n", last->p[last->n - 1], 4))
        last->n--;
    last->n--;
    FUZZ_CHECK(make_call(run, call) != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (n == 0)
        return 0;
    struct run run = { .client = fake_aws_new() };
    struct str rest = { (const char *)data + 1, n - 1 };
    for (unsigned page = 0; page < MAX_PAGES; page++) {
        struct str answer = { rest.p, str_find_char(rest, '\0') };
        fake_aws_answer(run.client, answer);
        if (answer.n == rest.n)
            break;
        rest = str_skip(rest, answer.n + 1);
    }
    if (make_call(&run, data[0]) == 0)
        check_cut(&run, data[0]);
    fake_aws_free(run.client);
    return 0;
}
