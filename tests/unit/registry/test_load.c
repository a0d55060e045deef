/* SPDX-License-Identifier: Apache-2.0
 *
 * Restart on records that the registry did not write, and without memory. That it reads back what it wrote itself,
 * every other test of this folder checks. */
#include "bed.h"

#include "base/mem.h"

#include <errno.h>

struct record {
    const char *key, *json;
};

static int ignore_record(void *arg, struct str key, char *value, size_t n, uint32_t sum)
{
    (void)arg, (void)key, (void)value, (void)n, (void)sum;
    return 0;
}

/* A store of these records. */
static struct store *make_store(const struct clock *clock, const struct record *records, size_t n)
{
    struct store_batch *batch = store_batch_new();
    struct store_message message;
    struct store *store;

    assert_non_null(batch);
    assert_int_equal(store_open_memory(clock, &store), 0);
    assert_int_equal(store_load(store, ignore_record, NULL, &message), 0);
    for (size_t i = 0; i < n; i++)
        store_put(batch, str_of(records[i].key), str_of(records[i].json), 0);
    assert_int_equal(store_commit(store, batch), 0);
    store_batch_free(batch);
    return store;
}

static int open_store(struct store *store, struct registry **ret_registry, struct store_message *ret_message)
{
    const struct registry_config config = { .clock = clock_system(), .operations_max = 100, .seed = 1 };

    return registry_open(&config, store, ret_registry, ret_message);
}

#define NAMESPACE                                                                                      \
    {                                                                                                  \
        "namespace/1/r/ns-1", "{\"id\":\"ns-1\",\"type\":\"HTTP\",\"name\":\"h\",\"http_name\":\"h\"}" \
    }
#define SERVICE                                                                                           \
    {                                                                                                     \
        "service/1/r/srv-1", "{\"id\":\"srv-1\",\"namespace_id\":\"ns-1\",\"name\":\"s\",\"revision\":1}" \
    }
#define INSTANCE                                                                              \
    {                                                                                         \
        "service/1/r/srv-1/instance/i", "{\"InstanceId\":\"i\",\"Attributes\":{\"k\":\"v\"}}" \
    }
#define OPERATION                                                                                                   \
    {                                                                                                               \
        "operation/1/r/00000000000000ff", "{\"operations\":[{\"id\":\"gv4g5meo7ndmeh4fqskygvk23d2fijwa-k9302yzd\"," \
                                          "\"type\":\"REGISTER_INSTANCE\",\"status\":\"SUCCESS\"}]}"                \
    }

static void test_records_that_fit(void **state)
{
    const struct record records[] = { NAMESPACE, OPERATION, SERVICE, INSTANCE };
    struct store *store = make_store(clock_system(), records, TEST_COUNT(records));
    struct store_message message;
    struct registry *registry;
    struct registry_stat stat;

    (void)state;
    assert_int_equal(open_store(store, &registry, &message), 0);
    snapshot_reader_start();
    registry_stat(registry, &stat);
    snapshot_reader_stop();
    assert_int_equal(stat.tenants, 1);
    assert_int_equal(stat.namespaces, 1);
    assert_int_equal(stat.services, 1);
    assert_int_equal(stat.instances, 1);
    assert_int_equal(stat.operations, 1);
    assert_true(stat.revision == store_revision(store));
    registry_close(registry);
    store_close(store);
}

static void test_records_that_do_not_fit(void **state)
{
    static const struct record foreign[][2] = {
        { { "other/1/r/x", "{\"a\":1}" }, NAMESPACE },
        { { "namespace/1/r/ns-2", "{\"id\":\"ns-1\",\"type\":\"HTTP\",\"name\":\"h\",\"http_name\":\"h\"}" },
          NAMESPACE },
        { { "namespace/1/r/ns-2", "{\"id\":\"ns-2\"}" }, NAMESPACE },
        { { "operation/1/r/zz", "{\"operations\":[]}" }, NAMESPACE },
        { { "operation/1/r/00000000000000fg", "{\"operations\":[]}" }, NAMESPACE },
        { { "operation/1/r/00000000000000ff", "{\"operations\":1}" }, NAMESPACE },
        { { "service/1/r/srv-2", "{\"id\":\"srv-1\",\"namespace_id\":\"ns-1\",\"name\":\"s\"}" }, NAMESPACE },
        { { "service/1/r/srv-1", "{\"id\":\"srv-1\",\"namespace_id\":\"ns-2\",\"name\":\"s\"}" }, NAMESPACE },
        { { "service/2/r/srv-1", "{\"id\":\"srv-1\",\"namespace_id\":\"ns-1\",\"name\":\"s\"}" }, NAMESPACE },
        { { "service/1/r/srv-1", "{\"id\":\"srv-1\"}" }, NAMESPACE },
        { INSTANCE, NAMESPACE },
        { { "access_key/AKIAABCDEFGHIJKLMNOP",
            "{\"id\":\"AKIAABCDEFGHIJKLMNOX\",\"account\":\"000000000000\",\"sealed\":\"k.x\"}" },
          NAMESPACE },
        { { "access_key/AKIAABCDEFGHIJKLMNOP", /* of a user that is not there */
            "{\"id\":\"AKIAABCDEFGHIJKLMNOP\",\"account\":\"000000000000\",\"user\":\"u\",\"sealed\":\"k.x\"}" },
          NAMESPACE },
        { { "identity/000000000000/user/u", "{\"account\":\"000000000000\",\"name\":\"u\",\"path\":\"/\",\"kind\":"
                                            "\"role\",\"id\":\"AIDAAAAAAAAAAAAAAAAAA\",\"trust\":\"{}\"}" },
          NAMESPACE },
        { { "identity/000000000000/user/u", /* with a policy that says nothing */
            "{\"account\":\"000000000000\",\"name\":\"u\",\"path\":\"/"
            "\",\"kind\":\"user\",\"id\":\"AIDAAAAAAAAAAAAAAAAAA\","
            "\"policies\":{\"p\":\"{}\"}}" },
          NAMESPACE },
        { { "service/1/r/srv-2/instance/i", "{\"InstanceId\":\"i\"}" }, SERVICE },
        { { "service/1/r/srv-1/instance/j", "{\"InstanceId\":\"i\"}" }, SERVICE },
        { { "service/1/r/srv-1/instance/i", "{\"InstanceId\":1}" }, SERVICE },
    };

    (void)state;
    for (size_t i = 0; i < TEST_COUNT(foreign); i++) {
        struct record records[3] = { foreign[i][0], foreign[i][1], NAMESPACE };
        size_t n = foreign[i][1].key[0] == 'n' ? 2 : 3;
        struct store *store = make_store(clock_system(), records, n);
        struct store_message message = { "" };
        struct registry *registry = NULL;
        if (open_store(store, &registry, &message) != STORE_DAMAGED)
            print_error("case %zu\n", i);
        else
            message.text[0] = '\0';
        assert_int_equal(open_store(store, &registry, &message), STORE_DAMAGED);
        assert_null(registry);
        assert_non_null(strstr(message.text, "restore a backup"));
        store_close(store);
    }
}

/* What is allocated between the two may leak. */
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#define LEAKS_BEGIN __lsan_disable()
#define LEAKS_END __lsan_enable()
#else
#define LEAKS_BEGIN (void)0
#define LEAKS_END (void)0
#endif

/* Opening fails with -ENOMEM at every allocation, and the store can be opened as before. What a failed load had made
 * and not yet placed is lost with the process that ends then. */
static void test_without_memory(void **state)
{
    struct store_message message;
    struct registry *registry = NULL;
    int delivered = 1;
    char *before;
    struct bed bed;
    struct str service;

    (void)state;
    bed_init(&bed);
    service = bed_service(&bed, bed_namespace(&bed, NAMESPACE_DNS_PRIVATE, "p"), "s", SERVICE_CHECK_CUSTOM);
    bed.config.custom_health_delay_ms = bed.config.operations_delay_ms = 1000;
    bed_reopen(&bed);
    bed_register(&bed, service, "a", "k=v");
    bed_advance(&bed, 500);
    bed_advance(&bed, 500);
    bed_register(&bed, service, "b", "k=v,l=w");
    assert_int_equal(caller_health(&bed.caller, service, "a", HEALTH_UNHEALTHY), 0);
    before = bed_dump(&bed);
    registry_close(bed.registry);
    for (long k = 1; delivered; k++) {
        int r;
        LEAKS_BEGIN;
        mem_fail_at(k, k % 2);
        r = registry_open(&bed.config, bed.store, &registry, &message);
        delivered = mem_fail_at(0, 0);
        LEAKS_END;
        assert_int_equal(r, delivered ? -ENOMEM : 0);
        assert_int_equal(registry != NULL, !delivered);
        assert_true(k < 1000);
    }
    bed.registry = registry;
    {
        char *after = bed_dump(&bed);
        bed_check_same(before, after);
        mem_free(after);
    }
    mem_free(before);
    bed_fini(&bed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_records_that_fit),
        cmocka_unit_test(test_records_that_do_not_fit),
        cmocka_unit_test(test_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
