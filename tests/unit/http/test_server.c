/* SPDX-License-Identifier: Apache-2.0
 *
 * The server does for honest clients what HTTP/1.1 asks for, in all the forms in which they ask. */
#include "base/mem.h"
#include "base/metric.h"
#include "fixture.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define GET "GET / HTTP/1.1\r\nHost: x\r\n\r\n"

static int setup(void **state)
{
    struct fixture *fixture = mem_alloc(sizeof(*fixture));
    fixture_init(fixture);
    fixture_start(fixture);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    fixture_stop(*state);
    mem_free(*state);
    return 0;
}

static void test_forms_of_requests(void **state)
{
    static const struct {
        const char *request, *answer;
    } cases[] = {
        { "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET / - a 1 " },
        { "GET /a/b%2Fc?x=1&y=%20+&z HTTP/1.1\r\nHost: a:80\r\n\r\n", "GET /a/b%2Fc x=1&y=%20+&z a:80 1 " },
        { "GET /? HTTP/1.1\r\nhost:\ta\r\n\r\n", "GET /  a 1 " },
        { "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", "POST / - a 2 hello" },
        { "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", "POST / - a 2 " },
        { "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nT: "
          "r\r\n\r\n",
          "POST / - a 2 abcde" },
        { "POST http://h.example:8650/p?q HTTP/1.1\r\nHost: other\r\nContent-Length: 1\r\n\r\nb",
          "POST /p q h.example:8650 2 b" },
        { "GET HTTP://h HTTP/1.1\r\nHost: h\r\n\r\n", "GET / - h 1 " },
        { "GET http://h?q HTTP/1.1\r\nHost: h\r\n\r\n", "GET / q h 1 " },
        { "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "OPTIONS * - a 1 " },
        { "OPTIONS / HTTP/1.1\r\nHost: a\r\n\r\n", "OPTIONS / - a 1 " },
        { "DELETE /x HTTP/1.1\r\nHost: a\r\n\r\n", "DELETE /x - a 1 " },
        { "BREW /pot HTTP/1.1\r\nHost: a\r\n\r\n", "BREW /pot - a 1 " },
        { "GET / HTTP/1.1\r\nHost:\r\nX:  v  \r\n\r\n", "GET / -  2 " },
        { "GET / HTTP/1.1\r\nHost: [::1]:8650\r\n\r\n", "GET / - [::1]:8650 1 " },
        { "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET / - a 1 " },
        { "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "GET / - - 1 " },
    };
    int fd = client_connect(*state);
    char body[FIXTURE_TEXT_MAX];
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        client_expect(fd, str_of(cases[i].request), 200, body);
        assert_string_equal(body, cases[i].answer);
    }
    client_end(fd);
}

static void test_answer_headers(void **state)
{
    struct client_answer answer;
    int fd = client_connect(*state);
    client_send_text(fd, GET);
    client_read(fd, false, &answer);
    assert_str(client_header(&answer, "Content-Type"), "text/plain");
    assert_str(client_header(&answer, "Content-Length"), "12");
    assert_int_equal(client_header(&answer, "x-amzn-RequestId").n, 36);
    assert_false(str_is_set(client_header(&answer, "Connection")));
    client_answer_free(&answer);
    client_end(fd);
}

static void test_head_has_length_and_no_body(void **state)
{
    struct client_answer answer;
    int fd = client_connect(*state);
    client_send_text(fd, "HEAD / HTTP/1.1\r\nHost: x\r\n\r\n");
    client_read(fd, true, &answer);
    assert_int_equal(answer.status, 200);
    assert_str(client_header(&answer, "Content-Length"), "13");
    client_answer_free(&answer);
    /* Had there been a body, the next answer would not begin here. */
    client_expect(fd, STR(GET), 200, NULL);
    client_end(fd);
}

static void test_bytes_one_by_one(void **state)
{
    static const char request[] = "POST /p?q HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi";
    char body[FIXTURE_TEXT_MAX];
    int fd = client_connect(*state), on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    for (size_t i = 0; i < sizeof(request) - 2; i++)
        client_send(fd, (struct str){ request + i, 1 });
    client_expect(fd, STR("i"), 200, body);
    assert_string_equal(body, "POST /p q a 2 hi");
    client_end(fd);
}

static void test_connection_close_is_obeyed(void **state)
{
    struct client_answer answer;
    int fd = client_connect(*state);
    client_send_text(fd, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    client_read(fd, false, &answer);
    assert_str(client_header(&answer, "Connection"), "close");
    assert_true(client_is_closed(fd));
    client_answer_free(&answer);
    client_end(fd);
}

static void test_http_1_0_closes_without_keep_alive(void **state)
{
    int fd = client_connect(*state);
    client_expect(fd, STR("GET / HTTP/1.0\r\n\r\n"), 200, NULL);
    assert_true(client_is_closed(fd));
    client_end(fd);
}

static void test_pipelined_requests_are_answered_in_order(void **state)
{
    enum { N = 1000 };
    struct buf all;
    char body[FIXTURE_TEXT_MAX], expected[64];
    int fd = client_connect(*state);
    buf_init(&all, 1 << 20);
    for (int i = 0; i < N; i++)
        buf_printf(&all, "POST /%d HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n%03d", i, i % 1000);
    client_send(fd, buf_str(&all));
    for (int i = 0; i < N; i++) {
        client_expect(fd, STR(""), 200, body);
        snprintf(expected, sizeof(expected), "POST /%d - x 2 %03d", i, i % 1000);
        assert_string_equal(body, expected);
    }
    buf_fini(&all);
    client_end(fd);
}

/* Suspended ones among them, and heads that nearly fill the memory of a connection. */
static void test_pipelined_large_and_suspended_requests(void **state)
{
    char filler[4001], body[FIXTURE_TEXT_MAX];
    memset(filler, 'f', sizeof(filler) - 1);
    filler[sizeof(filler) - 1] = '\0';
    struct buf all;
    buf_init(&all, 1 << 20);
    for (int i = 0; i < 50; i++)
        buf_printf(&all, "POST /%s HTTP/1.1\r\nHost: x\r\nF: %.*s\r\nContent-Length: 2\r\n\r\n%02d",
                   i % 3 ? "suspend" : "x", i * 80, filler, i);
    int fd = client_connect(*state);
    client_send(fd, buf_str(&all));
    for (int i = 0; i < 50; i++) {
        char expected[64];
        client_expect(fd, STR(""), 200, body);
        snprintf(expected, sizeof(expected), "POST /%s - x 3 %02d", i % 3 ? "suspend" : "x", i);
        assert_string_equal(body, expected);
    }
    buf_fini(&all);
    client_end(fd);
}

static void test_expect_continue(void **state)
{
    char line[26] = "", body[FIXTURE_TEXT_MAX];
    int fd = client_connect(*state);
    client_send_text(fd, "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    assert_int_equal(recv(fd, line, 25, MSG_WAITALL), 25);
    assert_string_equal(line, "HTTP/1.1 100 Continue\r\n\r\n");
    client_expect(fd, STR("ab"), 200, body);
    assert_string_equal(body, "POST / - x 3 ab");
    client_end(fd);
}

static void test_half_closed_client_gets_its_answer(void **state)
{
    static const char *const paths[] = { "/", "/suspend", "/large" };
    struct fixture *fixture = *state;
    fixture->large = 3 << 20;
    for (size_t i = 0; i < TEST_COUNT(paths); i++) {
        struct client_answer answer;
        char request[128];
        snprintf(request, sizeof(request), "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nz", paths[i]);
        int fd = client_connect(fixture);
        client_send_text(fd, request);
        shutdown(fd, SHUT_WR);
        client_read(fd, false, &answer);
        assert_int_equal(answer.status, 200);
        assert_true(client_is_closed(fd));
        client_answer_free(&answer);
        client_end(fd);
    }
}

static void test_large_bodies_and_answers(void **state)
{
    struct fixture *fixture = *state;
    size_t n = fixture->config.limits.body_max;
    struct client_answer answer;
    struct buf request;
    buf_init(&request, 2 << 20);
    buf_printf(&request, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n", n);
    size_t head_n = request.n;
    assert_true(buf_reserve(&request, n));
    memset(request.p + head_n, 'b', n);
    request.n += n;
    int fd = client_connect(fixture);
    client_send(fd, buf_str(&request));
    client_read(fd, false, &answer);
    assert_int_equal(answer.status, 200);
    assert_int_equal(answer.body.n, n + strlen("POST / - x 2 "));
    client_answer_free(&answer);
    buf_fini(&request);
    client_end(fd);
}

static void test_peer(void **state)
{
    char body[FIXTURE_TEXT_MAX];
    int fd = client_connect(*state);
    client_expect(fd, STR("GET /peer HTTP/1.1\r\nHost: x\r\n\r\n"), 200, body);
    assert_string_equal(body, "127.0.0.1 1");
    client_end(fd);
}

static void test_several_addresses_and_workers(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture);
    fixture.addresses[1] = "localhost:0";
    fixture.addresses[2] = "[::1]:0";
    fixture.config.n_addresses = 3;
    fixture.config.n_workers = 3;
    fixture_start(&fixture);
    int fds[30];
    for (size_t i = 0; i < TEST_COUNT(fds); i++)
        fds[i] = client_connect(&fixture);
    for (size_t i = 0; i < TEST_COUNT(fds); i++) {
        client_expect(fds[i], STR(GET), 200, NULL);
        client_end(fds[i]);
    }
    size_t n = 0;
    while (http_server_address(fixture.server, n))
        n++;
    assert_in_range(n, 3, 4);
    assert_int_equal(strncmp(http_server_address(fixture.server, n - 1), "[::1]:", 6), 0);
    fixture_stop(&fixture);
}

/* The kernel shares connections out among the workers of one address. */
static void test_second_server_is_refused(void **state)
{
    struct fixture *first = *state;
    char address[64];
    snprintf(address, sizeof(address), "%s", http_server_address(first->server, 0));
    for (unsigned n_workers = 1; n_workers <= 2; n_workers++) {
        struct fixture second;
        fixture_init(&second);
        second.addresses[0] = address;
        second.config.n_workers = n_workers;
        assert_int_equal(fixture_try_start(&second), HTTP_ADDRESS_IN_USE);
        assert_non_null(strstr(second.message.text, address));
    }
    /* The first may itself have several workers. */
    struct fixture shared, third;
    fixture_init(&shared);
    shared.config.n_workers = 2;
    fixture_start(&shared);
    fixture_init(&third);
    third.addresses[0] = http_server_address(shared.server, 0);
    third.config.n_workers = 2;
    assert_int_equal(fixture_try_start(&third), HTTP_ADDRESS_IN_USE);
    fixture_stop(&shared);
}

static void test_bad_addresses(void **state)
{
    (void)state;
    static const char *const addresses[] = { "",
                                             "8650",
                                             ":8650",
                                             "127.0.0.1",
                                             "127.0.0.1:",
                                             "::1:8650",
                                             "h:65536",
                                             "h:-1",
                                             "no.such.invalid:1",
                                             "192.0.2.1:0",
                                             "127.0.0.1:x",
                                             "[::1:8650",
                                             "127.0.0.1:1 " };
    for (size_t i = 0; i < TEST_COUNT(addresses); i++) {
        struct fixture fixture;
        fixture_init(&fixture);
        fixture.addresses[0] = addresses[i];
        assert_int_equal(fixture_try_start(&fixture), HTTP_ADDRESS_BAD);
        assert_true(strlen(fixture.message.text) > 20);
    }
}

/* --- the unix socket --------------------------------------------------------------------------------------------- */

static int connect_unix(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

static void test_unix_socket(void **state)
{
    (void)state;
    char dir[] = "/tmp/cloudmap-http-XXXXXX", path[64], body[FIXTURE_TEXT_MAX];
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/admin.sock", dir);
    struct fixture fixture, second;
    fixture_init(&fixture);
    fixture.config.n_addresses = 0;
    fixture.config.unix_path = path;

    /* Left behind by a process that died. */
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int stale = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    memcpy(address.sun_path, path, strlen(path));
    assert_int_equal(bind(stale, (struct sockaddr *)&address, sizeof(address)), 0);
    close(stale);

    fixture_start(&fixture);
    struct stat stat;
    assert_int_equal(lstat(path, &stat), 0);
    assert_int_equal(stat.st_mode & 0777, 0600);
    int fd = connect_unix(path);
    client_expect(fd, STR("GET /peer HTTP/1.1\r\nHost: x\r\n\r\n"), 200, body);
    assert_string_equal(body, "unix 1");
    client_expect(fd, STR("GET /suspend HTTP/1.1\r\nHost: x\r\n\r\n"), 200, NULL);
    client_end(fd);

    fixture_init(&second);
    second.config.n_addresses = 0;
    second.config.unix_path = path;
    assert_int_equal(fixture_try_start(&second), HTTP_ADDRESS_IN_USE);
    fixture_stop(&fixture);
    assert_int_equal(lstat(path, &stat), -1);

    /* What is no socket is left alone. */
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(fixture_try_start(&second), HTTP_ADDRESS_BAD);
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(rmdir(dir), 0);
}

static void test_connections_are_counted(void **state)
{
    int64_t before = metric_get(METRIC_HTTP_CONNECTIONS);
    int fds[5];
    for (size_t i = 0; i < TEST_COUNT(fds); i++) {
        fds[i] = client_connect(*state);
        client_expect(fds[i], STR(GET), 200, NULL);
    }
    assert_int_equal(metric_get(METRIC_HTTP_CONNECTIONS), before + 5);
    for (size_t i = 0; i < TEST_COUNT(fds); i++)
        client_end(fds[i]);
}

int main(void)
{
#define WITH_SERVER(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        WITH_SERVER(test_forms_of_requests),
        WITH_SERVER(test_answer_headers),
        WITH_SERVER(test_head_has_length_and_no_body),
        WITH_SERVER(test_bytes_one_by_one),
        WITH_SERVER(test_connection_close_is_obeyed),
        WITH_SERVER(test_http_1_0_closes_without_keep_alive),
        WITH_SERVER(test_pipelined_requests_are_answered_in_order),
        WITH_SERVER(test_pipelined_large_and_suspended_requests),
        WITH_SERVER(test_expect_continue),
        WITH_SERVER(test_half_closed_client_gets_its_answer),
        WITH_SERVER(test_large_bodies_and_answers),
        WITH_SERVER(test_peer),
        cmocka_unit_test(test_several_addresses_and_workers),
        WITH_SERVER(test_second_server_is_refused),
        cmocka_unit_test(test_bad_addresses),
        cmocka_unit_test(test_unix_socket),
        WITH_SERVER(test_connections_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
