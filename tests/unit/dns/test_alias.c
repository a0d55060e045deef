/* SPDX-License-Identifier: Apache-2.0
 *
 * Waiting for alias targets: its caps, and its end. A resolver that listens and says nothing. */
#include "dns_bed.h"

#include "base/mem.h"
#include "dns/alias.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct room {
    struct dns_bed *dns;
    struct alias *alias;
    int silent; /* the resolver's socket */
    int wake;
};

static int setup(void **state)
{
    struct room *room = mem_zalloc(sizeof(*room));
    struct alias_config config = { .servers = { .n = 1 }, .max_ttl_ms = 60000, .stale_ms = 1000 };
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t n = sizeof(address);

    assert_non_null(room);
    room->dns = dns_bed_new();
    room->wake = eventfd(0, EFD_NONBLOCK);
    room->silent = socket(AF_INET, SOCK_DGRAM, 0);
    assert_int_equal(bind(room->silent, (struct sockaddr *)&address, n), 0);
    assert_int_equal(getsockname(room->silent, (struct sockaddr *)&address, &n), 0);
    memcpy(&config.servers.list[0], &address, n);
    config.servers.sizes[0] = n;
    config.head = registry_head(room->dns->bed.registry);
    config.clock = clock_system();
    config.settings = &room->dns->settings;
    assert_int_equal(alias_new(&config, &room->alias), 0);
    room->dns->settings.alias = room->alias;
    *state = room;
    return 0;
}

static int teardown(void **state)
{
    struct room *room = *state;

    alias_stop(room->alias);
    alias_free(room->alias);
    snapshot_barrier();
    dns_bed_free(room->dns);
    close(room->silent);
    close(room->wake);
    mem_free(room);
    return 0;
}

static struct alias_target target_of(unsigned n)
{
    struct alias_target target = { .type = PACKET_A };
    char text[32];

    snprintf(text, sizeof(text), "n%u.example.net", n);
    assert_int_equal(dname_of_text(str_of(text), &target.name), 0);
    return target;
}

static uint64_t read_count(int fd)
{
    uint64_t count = 0;

    return read(fd, &count, sizeof(count)) == sizeof(count) ? count : 0;
}

static void test_waiting_has_a_cap(void **state)
{
    struct room *room = *state;
    struct alias_target target = target_of(0);
    unsigned n = 0;

    while (alias_wake(room->alias, &target, room->wake)) /* nobody takes them out yet */
        n++;
    assert_int_equal(n, ALIAS_WAITING_MAX);
    assert_int_equal(alias_start(room->alias), 0);
    for (uint64_t woken = 0; woken < ALIAS_WAITING_MAX - ALIAS_WAITING_NAME; woken += read_count(room->wake))
        usleep(1000); /* more than may wait for one name are turned away at once */
    assert_int_equal(read_count(room->wake), 0);
    assert_true(alias_wake(room->alias, &target, room->wake));
    while (read_count(room->wake) == 0)
        usleep(1000);
    alias_stop(room->alias);
    assert_int_equal(read_count(room->wake), ALIAS_WAITING_NAME);
    assert_false(alias_wake(room->alias, &target, room->wake));
}

static uint64_t wake_many(struct room *room, unsigned name, unsigned n)
{
    struct alias_target target = target_of(name);
    uint64_t turned_away = 0;

    for (unsigned i = 0; i < n; i++)
        assert_true(alias_wake(room->alias, &target, room->wake));
    for (unsigned i = 0; i < 20; i++) {
        usleep(1000);
        turned_away += read_count(room->wake);
    }
    return turned_away;
}

static void test_a_crowd_leaves_room(void **state)
{
    struct room *room = *state;

    assert_int_equal(alias_start(room->alias), 0);
    for (unsigned i = 0; i < ALIAS_WAITING_MAX / 2 / ALIAS_WAITING_NAME; i++)
        assert_int_equal(wake_many(room, i, ALIAS_WAITING_NAME), 0);
    assert_int_equal(wake_many(room, 0, 5), 5);
    assert_int_equal(wake_many(room, 100, ALIAS_WAITING_CROWD + 3), 3);
}

static void test_questions_have_a_cap(void **state)
{
    struct room *room = *state;

    assert_int_equal(alias_start(room->alias), 0);
    for (unsigned i = 0; i < ALIAS_QUESTIONS_MAX + 10; i++) {
        struct alias_target target = target_of(i);
        assert_true(alias_wake(room->alias, &target, room->wake));
    }
    for (uint64_t woken = 0; woken < 10; woken += read_count(room->wake))
        usleep(1000);
    assert_int_equal(metric_get(METRIC_ALIAS_PENDING), ALIAS_QUESTIONS_MAX);
    alias_stop(room->alias);
    assert_int_equal(metric_get(METRIC_ALIAS_PENDING), 0);
}

static void test_queries_too_long_do_not_wait(void **state)
{
    struct room *room = *state;
    struct alias_target target = target_of(0);
    uint8_t octets[ALIAS_QUERY_MAX + 1] = { 0 };
    struct sockaddr_storage peer = { 0 };
    struct alias_query query = {
        .peer = &peer, .client = &room->dns->client, .p = octets, .n = sizeof(octets), .fd = room->silent
    };

    assert_false(alias_wait(room->alias, &target, &query));
    query.n = ALIAS_QUERY_MAX;
    query.control = octets;
    query.control_n = ALIAS_CONTROL_MAX + 1;
    assert_false(alias_wait(room->alias, &target, &query));
}

static void test_answers_that_wait(void **state)
{
    struct room *room = *state;
    struct str ns = bed_namespace(&room->dns->bed, NAMESPACE_DNS_PRIVATE, "x");
    struct str id = bed_dns_service(&room->dns->bed, ns, "lb", "A", 60, SERVICE_WEIGHTED, SERVICE_CHECK_NONE);

    bed_register(&room->dns->bed, id, "i", "AWS_ALIAS_DNS_NAME=LB.example.net");
    assert_string_equal(ASK(room->dns, "lb.x", A), "");
    assert_true(room->dns->worker.is_wanted);
    assert_int_equal(room->dns->worker.wanted.type, PACKET_A);
    assert_memory_equal(room->dns->worker.wanted.name.wire, "\2lb\7example\3net", 16);
    ASK(room->dns, "none.x", A);
    assert_false(room->dns->worker.is_wanted);
    room->dns->worker.gives_up = true;
    assert_string_equal(ASK(room->dns, "lb.x", A), "SERVFAIL aa\n");
    assert_false(room->dns->worker.is_wanted);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = { TEST(test_waiting_has_a_cap), TEST(test_a_crowd_leaves_room),
                                        TEST(test_questions_have_a_cap), TEST(test_queries_too_long_do_not_wait),
                                        TEST(test_answers_that_wait) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
