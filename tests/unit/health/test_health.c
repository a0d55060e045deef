/* SPDX-License-Identifier: Apache-2.0
 *
 * The checker's loop over a real registry and real servers: who is probed follows what is registered, verdicts arrive,
 * and everything at once from many threads. */
#include "../registry/bed.h"
#include "server.h"

#include "base/metric.h"
#include "health/health_view.h"

#include <sys/socket.h>
#include <time.h>

#define WAIT_S 20

struct stage {
    struct bed bed;
    struct target_network loopback[1];
    struct target_policy policy;
    struct health_config config;
    struct health *health;
    struct server server;
    struct str namespace_id, service;
};

static void stage_start(struct stage *stage)
{
    char why[256];

    assert_int_equal(health_new(&stage->config, &stage->health), 0);
    stage->bed.config.watcher = health_watcher(stage->health);
    bed_reopen(&stage->bed);
    assert_int_equal(health_start(stage->health, stage->bed.registry, why, sizeof(why)), 0);
}

static void stage_stop(struct stage *stage)
{
    health_stop(stage->health);
    stage->bed.config.watcher = (struct registry_watcher){ 0 };
    bed_reopen(&stage->bed);
    health_free(stage->health);
}

static void stage_init(struct stage *stage, server_serve_fn *serve, const char *answer)
{
    memset(stage, 0, sizeof(*stage));
    stage->server.serve = serve;
    stage->server.answer = answer;
    server_start(&stage->server, "127.0.0.1");
    target_address_parse_network(STR("127.0.0.0/8"), &stage->loopback[0]);
    stage->policy = (struct target_policy){ .allow = stage->loopback, .n_allow = 1, .private_targets = true };
    stage->config = (struct health_config){ .clock = clock_system(),
                                            .policy = &stage->policy,
                                            .limits = PROBE_LIMITS_AWS,
                                            .interval_ms = 300,
                                            .doubt_max = 0.5,
                                            .doubt_min = 10,
                                            .doubt_for_ms = 60000 };
    bed_init(&stage->bed);
    stage->bed.config.targets = stage->policy;
    stage_start(stage);
    stage->namespace_id = bed_namespace(&stage->bed, NAMESPACE_HTTP, "h");
    stage->service = bed_service(&stage->bed, stage->namespace_id, "s", SERVICE_CHECK_HTTP);
}

static void stage_fini(struct stage *stage)
{
    stage_stop(stage);
    server_stop(&stage->server);
    bed_fini(&stage->bed);
}

static void stage_register(struct stage *stage, const char *id)
{
    char attributes[128];

    snprintf(attributes, sizeof(attributes), "AWS_INSTANCE_IPV4=127.0.0.1,AWS_INSTANCE_PORT=%u", stage->server.port);
    bed_register(&stage->bed, stage->service, id, attributes);
}

static unsigned stage_count(struct stage *stage, enum health_status status)
{
    const struct tenant *tenant = bed_tenant(&stage->bed, bed_hold(&stage->bed));
    const struct service_node *node = state_find_service(tenant, stage->service);
    const struct instance *instance;
    struct tree_iter iter;
    unsigned n = 0;

    tree_iter_init(&iter, &node->instances, NULL, NULL);
    while ((instance = tree_iter_next(&iter)))
        n += instance->health == status;
    bed_release(&stage->bed);
    return n;
}

static void rest(void)
{
    nanosleep(&(struct timespec){ .tv_nsec = 2000000 }, NULL);
}

static void stage_await(struct stage *stage, enum health_status status, unsigned n)
{
    time_t end = time(NULL) + WAIT_S;

    while (stage_count(stage, status) != n) {
        assert_true(time(NULL) < end);
        rest();
    }
}

/* --- the life of a target ----------------------------------------------------------------------------------------- */

static void test_registered_probed_judged(void **state)
{
    struct stage stage;

    (void)state;
    stage_init(&stage, server_answer, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    stage_register(&stage, "a");
    stage_register(&stage, "b");
    stage_await(&stage, HEALTH_HEALTHY, 2);
    server_stop(&stage.server);
    stage_await(&stage, HEALTH_UNHEALTHY, 2);
    assert_int_equal(caller_deregister(&stage.bed.caller, stage.service, "a"), 0);
    assert_int_equal(caller_deregister(&stage.bed.caller, stage.service, "b"), 0);
    server_start(&stage.server, "127.0.0.1");
    stage_register(&stage, "c");
    stage_await(&stage, HEALTH_HEALTHY, 1);
    stage_fini(&stage);
}

static atomic_bool is_up;

static void answer_whether_up(struct server *server, int fd)
{
    char request[1024];
    const char *answer = is_up ? "HTTP/1.1 200 OK\r\n\r\n" : "HTTP/1.1 500 Down\r\n\r\n";

    (void)server;
    if (recv(fd, request, sizeof(request), 0) > 0)
        send(fd, answer, strlen(answer), MSG_NOSIGNAL);
}

static void test_a_restart_keeps_verdicts(void **state)
{
    struct stage stage;

    (void)state;
    stage_init(&stage, answer_whether_up, NULL);
    stage_register(&stage, "a");
    stage_await(&stage, HEALTH_UNHEALTHY, 1);
    stage_stop(&stage);
    assert_int_equal(stage_count(&stage, HEALTH_UNHEALTHY), 1);
    stage_start(&stage);
    assert_int_equal(stage_count(&stage, HEALTH_UNHEALTHY), 1);
    is_up = true;
    stage_await(&stage, HEALTH_HEALTHY, 1);
    stage_fini(&stage);
}

static void test_doubt_is_shown_and_released(void **state)
{
    struct stage stage;
    struct buf buf;
    time_t end = time(NULL) + WAIT_S;

    (void)state;
    stage_init(&stage, server_answer, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    stage.config.doubt_min = 3;
    stage_stop(&stage);
    stage_start(&stage);
    for (int i = 0; i < 4; i++)
        stage_register(&stage, (char[]){ (char)('a' + i), 0 });
    stage_await(&stage, HEALTH_HEALTHY, 4);
    server_stop(&stage.server);
    while (health_held(stage.health) != 4) {
        assert_true(time(NULL) < end);
        rest();
    }
    stage_await(&stage, HEALTH_HEALTHY, 4);
    buf_init(&buf, 4096);
    health_view_write_ready(stage.health, &buf);
    assert_true(str_eq(buf_str(&buf), STR("health checks doubt their own network: 4 verdicts are held\n")));
    buf_fini(&buf);
    assert_int_equal(health_release(stage.health), 4);
    stage_await(&stage, HEALTH_UNHEALTHY, 4);
    assert_int_equal(health_held(stage.health), 0);
    server_start(&stage.server, "127.0.0.1");
    stage_fini(&stage);
}

static void test_what_cannot_be_probed(void **state)
{
    char why[256];
    const char *const references[] = { "127.0.0.1:1", "example:80" };
    struct stage stage;

    (void)state;
    stage_init(&stage, server_answer, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    stage_stop(&stage);
    stage.config.references = references;
    stage.config.n_references = 2;
    assert_int_equal(health_new(&stage.config, &stage.health), 0);
    assert_int_equal(health_start(stage.health, stage.bed.registry, why, sizeof(why)), HEALTH_REFERENCE_BAD);
    assert_string_equal(why, "health.reference: example:80 is not ADDRESS:PORT");
    health_stop(stage.health);
    health_free(stage.health);
    stage.config.n_references = 0;
    stage_start(&stage);
    stage_fini(&stage);
}

/* --- many threads --------------------------------------------------------------------------------------------------
 */

#define WRITERS 3
#define ROUNDS 40

struct writer {
    struct stage *stage;
    struct caller caller;
    pthread_t thread;
    int number;
};

static void *writer_run(void *arg)
{
    struct writer *writer = arg;
    char id[16], attributes[128];

    snprintf(attributes, sizeof(attributes), "AWS_INSTANCE_IPV4=127.0.0.1,AWS_INSTANCE_PORT=%u",
             writer->stage->server.port);
    for (int round = 0; round < ROUNDS; round++) {
        snprintf(id, sizeof(id), "w%d-%d", writer->number, round % 8);
        if (round % 3 == 2)
            caller_deregister(&writer->caller, writer->stage->service, id);
        else
            caller_register(&writer->caller, writer->stage->service, id, attributes);
    }
    return NULL;
}

static void *reader_run(void *arg)
{
    struct stage *stage = arg;

    snapshot_reader_start();
    for (int i = 0; i < ROUNDS; i++) {
        const struct snapshot_head *head = registry_head(stage->bed.registry);
        const struct snapshot *snapshot;
        struct buf buf;
        buf_init(&buf, 1 << 20);
        snapshot = snapshot_acquire(head);
        health_view_write_service(
            stage->health, &buf,
            state_find_service(state_find_tenant(snapshot, BED_ACCOUNT, BED_REGION), stage->service));
        snapshot_release(head);
        health_view_write_metrics(stage->health, &buf, 10);
        assert_false(buf.failed);
        buf_fini(&buf);
        health_release(stage->health);
        health_held(stage->health);
        rest();
    }
    snapshot_reader_stop();
    return NULL;
}

static void test_from_many_threads(void **state)
{
    struct writer writers[WRITERS];
    struct stage stage;
    pthread_t reader;

    (void)state;
    stage_init(&stage, server_answer, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    for (int i = 0; i < WRITERS; i++) {
        writers[i].stage = &stage;
        writers[i].number = i;
        caller_init(&writers[i].caller, &stage.bed, BED_ACCOUNT, BED_REGION);
        assert_int_equal(pthread_create(&writers[i].thread, NULL, writer_run, &writers[i]), 0);
    }
    assert_int_equal(pthread_create(&reader, NULL, reader_run, &stage), 0);
    for (int i = 0; i < WRITERS; i++) {
        pthread_join(writers[i].thread, NULL);
        caller_fini(&writers[i].caller);
    }
    pthread_join(reader, NULL);
    stage_await(&stage, HEALTH_UNKNOWN, 0);
    stage_fini(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_registered_probed_judged),    cmocka_unit_test(test_a_restart_keeps_verdicts),
        cmocka_unit_test(test_doubt_is_shown_and_released), cmocka_unit_test(test_what_cannot_be_probed),
        cmocka_unit_test(test_from_many_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
