/* SPDX-License-Identifier: Apache-2.0
 *
 * Caps and deadlines: slow, silent and numerous clients lose their connections, honest ones do not notice. The
 * deadlines are short here; nothing is asserted about how soon they strike, only that they do, and not too early. */
#include "base/clock.h"
#include "base/mem.h"
#include "base/metric.h"
#include "fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define LARGE ((size_t)24 << 20) /* more than the kernel holds for one connection */
#define GET "GET / HTTP/1.1\r\nHost: x\r\n\r\n"

static struct fixture fixture;

static void start_with_short_deadlines(void)
{
    fixture_init(&fixture);
    fixture.config.limits.head_ms = 200;
    fixture.config.limits.body_grace_ms = 200;
    fixture.config.limits.bytes_per_s_min = 1000;
    fixture.config.limits.idle_ms = 1000;
    fixture_start(&fixture);
}

static int setup(void **state)
{
    (void)state;
    start_with_short_deadlines();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fixture_stop(&fixture);
    return 0;
}

static int64_t now_ms(void)
{
    return clock_mono_ns(clock_system()) / 1000000;
}

static void sleep_ms(int64_t ms)
{
    struct timespec span = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };
    nanosleep(&span, NULL);
}

static void expect_408(int fd)
{
    struct client_answer answer;
    client_read(fd, false, &answer);
    assert_int_equal(answer.status, 408);
    assert_str(client_header(&answer, "Connection"), "close");
    assert_true(client_is_closed(fd));
    client_answer_free(&answer);
}

static void test_head_that_does_not_end(void **state)
{
    (void)state;
    static const char *const beginnings[] = { "GET / HTTP/1.1\r\nHost: x\r\nA:", "GET / HTTP/1.1\r\n", "GET / HT",
                                              "G" };
    for (size_t i = 0; i < TEST_COUNT(beginnings); i++) {
        int64_t start_ms = now_ms();
        int64_t before = metric_get(METRIC_HTTP_REFUSED_TIMEOUT);
        int fd = client_connect(&fixture);
        client_send_text(fd, beginnings[i]);
        expect_408(fd);
        assert_true(now_ms() - start_ms >= 150);
        assert_int_equal(metric_get(METRIC_HTTP_REFUSED_TIMEOUT), before + 1);
        client_end(fd);
    }
}

/* No byte prolongs a deadline. */
static void test_bytes_that_drip(void **state)
{
    (void)state;
    static const char *const beginnings[] = { "GET / HTTP/1.1\r\nHost: x\r\nA: ", "",
                                              "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999\r\n\r\n" };
    for (size_t i = 0; i < TEST_COUNT(beginnings); i++) {
        int fd = client_connect(&fixture);
        client_send_text(fd, beginnings[i]);
        char c;
        int64_t start_ms = now_ms();
        while (recv(fd, &c, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && now_ms() - start_ms < FIXTURE_PATIENCE_S * 1000) {
            client_send_text(fd, "x");
            sleep_ms(20);
        }
        expect_408(fd);
        client_end(fd);
    }
}

static void test_request_line_that_does_not_end_on_a_used_connection(void **state)
{
    (void)state;
    int fd = client_connect(&fixture);
    client_expect(fd, STR(GET), 200, NULL);
    /* Cut off as idle at the latest; dripping, it is told why. */
    char c;
    int64_t start_ms = now_ms();
    while (recv(fd, &c, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && now_ms() - start_ms < FIXTURE_PATIENCE_S * 1000) {
        client_send_text(fd, "x");
        sleep_ms(20);
    }
    expect_408(fd);
    client_end(fd);
}

static void test_body_that_stops(void **state)
{
    (void)state;
    int fd = client_connect(&fixture);
    client_send_text(fd, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n0123456789");
    expect_408(fd);
    client_end(fd);
}

/* Slower than the head's deadline, but as fast as it must be. */
static void test_slow_body_at_the_least_rate_is_served(void **state)
{
    (void)state;
    char block[200], body[FIXTURE_TEXT_MAX];
    memset(block, 'b', sizeof(block));
    int fd = client_connect(&fixture);
    client_send_text(fd, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2000\r\n\r\n");
    for (int i = 0; i < 10; i++) {
        client_send(fd, (struct str){ block, sizeof(block) });
        sleep_ms(50);
    }
    client_expect(fd, STR(""), 200, body);
    assert_int_equal(strlen(body), 2000 + strlen("POST / - x 2 "));
    client_end(fd);
}

static void test_idle_connections_are_closed_without_a_word(void **state)
{
    (void)state;
    int64_t start_ms = now_ms();
    int fds[2] = { client_connect(&fixture), client_connect(&fixture) };
    client_expect(fds[1], STR(GET), 200, NULL);
    for (size_t i = 0; i < 2; i++) {
        assert_true(client_is_closed(fds[i]));
        client_end(fds[i]);
    }
    assert_true(now_ms() - start_ms >= 900);
}

/* Suspended, a request may take longer than any deadline. */
static void test_owner_may_take_its_time(void **state)
{
    (void)state;
    fixture.holds = true;
    int fd = client_connect(&fixture);
    client_send_text(fd, "GET /hold HTTP/1.1\r\nHost: x\r\n\r\n");
    fixture_wait_held(&fixture, 1);
    sleep_ms(1300);
    fixture_release(&fixture);
    client_expect(fd, STR(""), 200, NULL);
    client_end(fd);
}

static void wait_for_connections(int64_t n)
{
    int64_t start_ms = now_ms();
    while (metric_get(METRIC_HTTP_CONNECTIONS) != n && now_ms() - start_ms < FIXTURE_PATIENCE_S * 1000)
        sleep_ms(5);
    assert_int_equal(metric_get(METRIC_HTTP_CONNECTIONS), n);
}

static void test_reader_that_stops_is_cut_off(void **state)
{
    (void)state;
    fixture_stop(&fixture);
    fixture_init(&fixture);
    fixture.large = LARGE;
    fixture.config.limits.body_grace_ms = 200;
    fixture.config.limits.answer_bytes_per_s_min = UINT64_C(1) << 30;
    fixture_start(&fixture);
    int fd = client_connect(&fixture);
    client_send_text(fd, "GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
    char c;
    assert_int_equal(recv(fd, &c, 1, 0), 1);
    wait_for_connections(0);
    client_end(fd);
}

/* A line that does not fit into the library's buffer keeps it asking to be run. */
static void test_endless_chunk_extension_does_not_spin(void **state)
{
    (void)state;
    char block[4096];
    memset(block, 'x', sizeof(block));
    fixture_stop(&fixture);
    fixture_init(&fixture);
    fixture_start(&fixture);
    int fd = client_connect(&fixture);
    client_send_text(fd, "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1;");
    for (int i = 0; i < 8; i++)
        client_send(fd, (struct str){ block, sizeof(block) });
    sleep_ms(100);
    clock_t before = clock();
    sleep_ms(500);
    assert_true(clock() - before < CLOCKS_PER_SEC / 4);
    int another = client_connect(&fixture);
    client_expect(another, STR(GET), 200, NULL);
    client_end(another);
    expect_408(fd);
    client_end(fd);
}

/* --- numbers ----------------------------------------------------------------------------------------------------- */

static void test_too_many_connections(void **state)
{
    (void)state;
    enum { MAX = 5 };
    fixture_stop(&fixture);
    fixture_init(&fixture);
    fixture.config.limits.connections_max = MAX;
    fixture_start(&fixture);
    int64_t refused = metric_get(METRIC_HTTP_CONNECTIONS_REFUSED);
    int fds[MAX];
    for (size_t i = 0; i < MAX; i++) {
        fds[i] = client_connect(&fixture);
        client_expect(fds[i], STR(GET), 200, NULL);
    }
    for (size_t i = 0; i < 20; i++) {
        int fd = client_connect(&fixture);
        client_send_text(fd, GET);
        client_expect(fd, STR(""), 503, NULL);
        assert_true(client_is_closed(fd));
        client_end(fd);
    }
    assert_int_equal(metric_get(METRIC_HTTP_CONNECTIONS_REFUSED), refused + 20);
    for (size_t i = 0; i < MAX; i++)
        client_expect(fds[i], STR(GET), 200, NULL);
    client_end(fds[0]);
    wait_for_connections(MAX - 1);
    fds[0] = client_connect(&fixture);
    for (size_t i = 0; i < MAX; i++) {
        client_expect(fds[i], STR(GET), 200, NULL);
        client_end(fds[i]);
    }
}

static void test_large_answers_share_a_cap(void **state)
{
    (void)state;
    fixture_stop(&fixture);
    fixture_init(&fixture);
    fixture.large = LARGE;
    fixture.config.limits.buffered_max = LARGE + LARGE / 2;
    fixture_start(&fixture);
    int slow = client_connect(&fixture), fd = client_connect(&fixture);
    char c, body[FIXTURE_TEXT_MAX];
    client_send_text(slow, "GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_int_equal(recv(slow, &c, 1, 0), 1);
    client_expect(fd, STR("GET /large HTTP/1.1\r\nHost: x\r\n\r\n"), 503, body);
    assert_string_equal(body, "{\"message\":\"Too many large answers are being sent; try again.\"}");
    client_expect(fd, STR(GET), 200, NULL);
    client_end(slow);
    wait_for_connections(1);
    struct client_answer answer;
    client_send_text(fd, "GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
    client_read(fd, false, &answer);
    assert_int_equal(answer.status, 200);
    assert_int_equal(answer.body.n, LARGE);
    client_answer_free(&answer);
    client_end(fd);
}

static void test_large_bodies_share_a_cap(void **state)
{
    (void)state;
    static char half[50000];
    fixture_stop(&fixture);
    fixture_init(&fixture);
    fixture.config.limits.buffered_max = 250000;
    fixture_start(&fixture);
    int slow = client_connect(&fixture), fd = client_connect(&fixture);
    client_send_text(slow, "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 100000\r\n\r\n");
    char line[26] = "";
    assert_int_equal(recv(slow, line, 25, MSG_WAITALL), 25);
    memset(half, 'h', sizeof(half));
    client_send(slow, (struct str){ half, sizeof(half) });
    client_send_text(fd, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 300000\r\n\r\n");
    for (int i = 0; i < 6; i++)
        client_send(fd, (struct str){ half, sizeof(half) });
    client_expect(fd, STR(""), 503, NULL);
    assert_true(client_is_closed(fd));
    client_send(slow, (struct str){ half, sizeof(half) });
    struct client_answer answer;
    client_read(slow, false, &answer);
    assert_int_equal(answer.status, 200);
    client_answer_free(&answer);
    client_end(fd);
    client_end(slow);
}

/* It would keep its room for as long as it takes at the slowest rate. */
static void test_a_large_body_is_not_parked(void **state)
{
    (void)state;
    static char most[200000];
    fixture_stop(&fixture);
    fixture_init(&fixture);
    fixture.config.limits.bytes_per_s_min = 16384;
    fixture.config.limits.answer_bytes_per_s_min = UINT64_C(1) << 30;
    fixture_start(&fixture);
    int fd = client_connect(&fixture);
    client_send_text(fd, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 200001\r\n\r\n");
    memset(most, 'h', sizeof(most));
    client_send(fd, (struct str){ most, sizeof(most) });
    int64_t start_ms = now_ms();
    expect_408(fd);
    assert_true(now_ms() - start_ms < 8000); /* and not 12 s */
    client_end(fd);
}

/* Whoever keeps as many bodies open as there may be keeps nobody from large answers. */
static void test_large_bodies_leave_answers_room(void **state)
{
    (void)state;
    static char part[80000];
    fixture_stop(&fixture);
    fixture_init(&fixture);
    fixture.large = 100000;
    fixture.config.limits.buffered_max = 150000;
    fixture_start(&fixture);
    int slow = client_connect(&fixture);
    client_send_text(slow, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n");
    memset(part, 'h', sizeof(part));
    client_send(slow, (struct str){ part, sizeof(part) });
    struct client_answer answer = { .status = 0 };
    while (answer.status != 503) { /* until there is no room for another body */
        int other = client_connect(&fixture);
        client_send_text(other, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n");
        client_send(other, (struct str){ part, 60000 });
        client_read(other, false, &answer);
        client_answer_free(&answer);
        client_end(other);
    }
    int fd = client_connect(&fixture);
    client_send_text(fd, "GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
    client_read(fd, false, &answer);
    assert_int_equal(answer.status, 200);
    client_answer_free(&answer);
    client_end(fd);
    client_end(slow);
}

/* Without a free descriptor new clients wait; nothing spins, and those that are there go on. */
static void test_descriptors_run_out(void **state)
{
    (void)state;
    int old = client_connect(&fixture), *fds, n = 0;
    client_expect(old, STR(GET), 200, NULL);
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    fds = mem_alloc(limit.rlim_cur * sizeof(fds[0]));
    while ((fds[n] = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0)
        n++;
    close(fds[--n]);
    int fd = client_connect(&fixture);
    clock_t before = clock();
    sleep_ms(300);
    assert_true(clock() - before < CLOCKS_PER_SEC * 15 / 100);
    client_expect(old, STR(GET), 200, NULL);
    while (n > 0)
        close(fds[--n]);
    client_expect(fd, STR(GET), 200, NULL);
    client_end(fd);
    client_end(old);
    mem_free(fds);
}

/* Connections are lost then, and nothing else. */
static void test_memory_runs_out(void **state)
{
    (void)state;
    static const char *const requests[] = { GET, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3000\r\n\r\n",
                                            "GET /?q HTTP/1.1\r\nHost: x\r\n\r\n", "GET / HTTP/1.1\r\n\r\n",
                                            "GET /suspend HTTP/1.1\r\nHost: x\r\n\r\n" };
    char block[3000];
    memset(block, 'b', sizeof(block));
    int fds[TEST_COUNT(requests)], starving = client_connect(&fixture);
    for (size_t i = 0; i < TEST_COUNT(requests); i++) {
        fds[i] = client_connect(&fixture);
        client_expect(fds[i], STR(GET), 200, NULL);
    }
    client_expect(starving, STR("GET /starve HTTP/1.1\r\nHost: x\r\n\r\n"), 200, NULL);
    for (size_t i = 0; i < TEST_COUNT(requests); i++) {
        client_send_text(fds[i], requests[i]);
        client_send(fds[i], (struct str){ block, sizeof(block) });
        while (!client_is_closed(fds[i]))
            ;
        client_end(fds[i]);
        int fd = client_connect(&fixture);
        assert_true(client_is_closed(fd));
        client_end(fd);
    }
    client_end(starving);
}

static void test_start_survives_failing_memory(void **state)
{
    (void)state;
    struct fixture one;
    char dir[] = "/tmp/cloudmap-http-XXXXXX", path[64];
    long k = 0;
    bool was_delivered;
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/s", dir);
    fixture_init(&one);
    one.config.n_workers = 2;
    one.config.unix_path = path;
    do {
        mem_fail_at(++k, true);
        int r = fixture_try_start(&one);
        was_delivered = mem_fail_at(0, false);
        assert_int_equal(r, was_delivered ? -ENOMEM : 0);
    } while (was_delivered);
    assert_true(k > 5);
    http_server_stop(one.server);
    assert_int_equal(rmdir(dir), 0);
}

static void test_thousand_silent_connections(void **state)
{
    (void)state;
    enum { N = 1000 };
    static int fds[N];
    fixture_stop(&fixture);
    fixture_init(&fixture);
    fixture_start(&fixture);
    for (size_t i = 0; i < N; i++)
        fds[i] = client_connect(&fixture);
    for (size_t i = 0; i < N; i += 2)
        client_send_text(fds[i], "GET / HTTP/1.1\r\nHo");
    int fd = client_connect(&fixture);
    for (int i = 0; i < 100; i++)
        client_expect(fd, STR(GET), 200, NULL);
    for (size_t i = 0; i < N; i += 2)
        client_expect(fds[i], STR("st: x\r\n\r\n"), 200, NULL);
    for (size_t i = 0; i < N; i++)
        client_end(fds[i]);
    client_end(fd);
    wait_for_connections(0);
}

int main(void)
{
#define WITH_SERVER(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        WITH_SERVER(test_head_that_does_not_end),
        WITH_SERVER(test_bytes_that_drip),
        WITH_SERVER(test_request_line_that_does_not_end_on_a_used_connection),
        WITH_SERVER(test_body_that_stops),
        WITH_SERVER(test_slow_body_at_the_least_rate_is_served),
        WITH_SERVER(test_idle_connections_are_closed_without_a_word),
        WITH_SERVER(test_owner_may_take_its_time),
        WITH_SERVER(test_reader_that_stops_is_cut_off),
        WITH_SERVER(test_endless_chunk_extension_does_not_spin),
        WITH_SERVER(test_too_many_connections),
        WITH_SERVER(test_large_answers_share_a_cap),
        WITH_SERVER(test_large_bodies_share_a_cap),
        WITH_SERVER(test_large_bodies_leave_answers_room),
        WITH_SERVER(test_a_large_body_is_not_parked),
        WITH_SERVER(test_descriptors_run_out),
        WITH_SERVER(test_memory_runs_out),
        cmocka_unit_test(test_start_survives_failing_memory),
        WITH_SERVER(test_thousand_silent_connections),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
