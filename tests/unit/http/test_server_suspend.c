/* SPDX-License-Identifier: Apache-2.0
 *
 * Requests that are finished later, by another thread, and the end of a server that has some: each is finished exactly
 * once, and whatever was accepted is answered. */
#include "base/mem.h"
#include "fixture.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#define HOLD "POST /hold HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nz"

static struct fixture fixture;

static int setup(void **state)
{
    (void)state;
    fixture_init(&fixture);
    fixture.holds = true;
    fixture.config.n_workers = 2;
    fixture_start(&fixture);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fixture_release(&fixture);
    fixture_stop(&fixture);
    assert_int_equal(fixture.n_suspended, 0);
    return 0;
}

/* --- load -------------------------------------------------------------------------------------------------------- */

#define LOAD_THREADS 8
#define LOAD_REQUESTS 300

static void *load_main(void *arg)
{
    (void)arg;
    static const char request[] = "POST /suspend HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody"
                                  "GET /at-once HTTP/1.1\r\nHost: x\r\n\r\n";
    char body[FIXTURE_TEXT_MAX];
    int fd = client_connect(&fixture);
    for (int i = 0; i < LOAD_REQUESTS; i++) {
        client_expect(fd, str_of(request), 200, body);
        ASSERT(strcmp(body, "POST /suspend - x 2 body") == 0);
        client_expect(fd, STR(""), 200, body);
        ASSERT(strcmp(body, "GET /at-once - x 1 ") == 0);
    }
    client_end(fd);
    return NULL;
}

static void test_load(void **state)
{
    (void)state;
    pthread_t threads[LOAD_THREADS];
    fixture_release(&fixture);
    for (size_t i = 0; i < LOAD_THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, load_main, NULL), 0);
    for (size_t i = 0; i < LOAD_THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(fixture.n_finished, LOAD_THREADS * LOAD_REQUESTS);
    assert_int_equal(fixture.n_cancelled, 0);
}

/* --- clients that leave ------------------------------------------------------------------------------------------ */

static void test_half_closed_client_gets_its_answer(void **state)
{
    (void)state;
    char body[FIXTURE_TEXT_MAX];
    int others[8]; /* the library treats a worker's oldest connection differently */
    for (size_t i = 0; i < TEST_COUNT(others); i++) {
        others[i] = client_connect(&fixture);
        client_expect(others[i], STR("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), 200, NULL);
    }
    int fd = client_connect(&fixture);
    client_send_text(fd, HOLD);
    fixture_wait_held(&fixture, 1);
    shutdown(fd, SHUT_WR);
    fixture_release(&fixture);
    client_expect(fd, STR(""), 200, body);
    assert_string_equal(body, "POST /hold - x 2 z");
    assert_true(client_is_closed(fd));
    client_end(fd);
    for (size_t i = 0; i < TEST_COUNT(others); i++)
        client_end(others[i]);
}

static void test_clients_that_vanished_are_finished_once(void **state)
{
    (void)state;
    enum { N = 100 };
    int fds[N];
    for (size_t i = 0; i < N; i++) {
        fds[i] = client_connect(&fixture);
        client_send_text(fds[i], HOLD);
    }
    fixture_wait_held(&fixture, N);
    for (size_t i = 0; i < N; i++) {
        struct linger reset = { .l_onoff = 1 };
        if (i % 2)
            setsockopt(fds[i], SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
        client_end(fds[i]);
    }
    fixture_release(&fixture);
    /* The server still serves, and has nothing left of them when it ends. */
    int fd = client_connect(&fixture);
    client_expect(fd, STR("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), 200, NULL);
    client_end(fd);
    http_server_stop(TAKE(fixture.server));
    assert_int_equal(fixture.n_finished, N);
}

/* --- the end ----------------------------------------------------------------------------------------------------- */

static void *stop_main(void *arg)
{
    (void)arg;
    http_server_stop(TAKE(fixture.server));
    return NULL;
}

static void test_stop_answers_what_was_accepted(void **state)
{
    (void)state;
    enum { N = 20 };
    int fds[N], idle = client_connect(&fixture), silent = client_connect(&fixture);
    client_expect(idle, STR("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), 200, NULL);
    for (size_t i = 0; i < N; i++) {
        fds[i] = client_connect(&fixture);
        client_send_text(fds[i], HOLD);
    }
    fixture_wait_held(&fixture, N);
    /* The beginning of a body; its rest comes when the server is stopping. */
    int late = client_connect(&fixture);
    client_send_text(late, "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    char line[26] = "";
    assert_int_equal(recv(late, line, 25, MSG_WAITALL), 25);

    pthread_t stopper;
    assert_int_equal(pthread_create(&stopper, NULL, stop_main, NULL), 0);
    assert_true(client_is_closed(idle));
    assert_true(client_is_closed(silent));
    char body[FIXTURE_TEXT_MAX];
    client_expect(late, STR("ab"), 200, body);
    assert_string_equal(body, "POST / - x 3 ab");
    assert_true(client_is_closed(late));
    assert_int_equal(fixture.n_finished, 0);
    fixture_release(&fixture);
    for (size_t i = 0; i < N; i++) {
        struct client_answer answer;
        client_read(fds[i], false, &answer);
        assert_int_equal(answer.status, 200);
        assert_str(client_header(&answer, "Connection"), "close");
        assert_true(client_is_closed(fds[i]));
        client_answer_free(&answer);
        client_end(fds[i]);
    }
    pthread_join(stopper, NULL);
    assert_int_equal(fixture.n_cancelled, 0);
    client_end(idle);
    client_end(silent);
    client_end(late);
}

static void test_drain_refuses_new_connections(void **state)
{
    (void)state;
    int fd = client_connect(&fixture);
    client_send_text(fd, HOLD);
    fixture_wait_held(&fixture, 1);
    int idle[2] = { client_connect(&fixture), client_connect(&fixture) };
    http_server_drain(fixture.server);
    for (size_t i = 0; i < 2; i++) {
        assert_true(client_is_closed(idle[i]));
        client_end(idle[i]);
    }
    /* Each of the two workers has closed its own socket when all idle connections are gone; one of them may have had
     * none. */
    int refused = 0;
    for (int i = 0; i < 1000 && !refused; i++) {
        int another = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        struct sockaddr_storage address;
        socklen_t n = sizeof(address);
        assert_int_equal(getpeername(fd, (struct sockaddr *)&address, &n), 0);
        refused = connect(another, (struct sockaddr *)&address, n) < 0 && errno == ECONNREFUSED;
        close(another);
        usleep(refused ? 0 : 1000);
    }
    assert_true(refused);
    fixture_release(&fixture);
    client_expect(fd, STR(""), 200, NULL);
    assert_true(client_is_closed(fd));
    client_end(fd);
}

static void test_stop_cuts_off_whoever_takes_too_long(void **state)
{
    (void)state;
    struct fixture brief;
    fixture_init(&brief);
    brief.holds = true;
    brief.config.limits.stop_ms = 100;
    fixture_start(&brief);
    int held = client_connect(&brief), slow = client_connect(&brief);
    client_send_text(held, HOLD);
    client_send_text(slow, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12345");
    fixture_wait_held(&brief, 1);
    fixture.server = TAKE(brief.server); /* stop_main's */
    pthread_t stopper;
    assert_int_equal(pthread_create(&stopper, NULL, stop_main, NULL), 0);
    assert_true(client_is_closed(slow));
    assert_true(client_is_closed(held));
    fixture_release(&brief);
    pthread_join(stopper, NULL);
    assert_int_equal(brief.n_finished, 1);
    assert_int_equal(brief.n_cancelled, 1);
    client_end(held);
    client_end(slow);
    fixture_stop(&brief);
}

static int setup_nothing(void **state)
{
    (void)state;
    fixture = (struct fixture){ 0 };
    return 0;
}

int main(void)
{
#define WITH_SERVER(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        WITH_SERVER(test_load),
        WITH_SERVER(test_half_closed_client_gets_its_answer),
        WITH_SERVER(test_clients_that_vanished_are_finished_once),
        WITH_SERVER(test_stop_answers_what_was_accepted),
        WITH_SERVER(test_drain_refuses_new_connections),
        cmocka_unit_test_setup_teardown(test_stop_cuts_off_whoever_takes_too_long, setup_nothing, NULL),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
