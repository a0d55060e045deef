/* SPDX-License-Identifier: Apache-2.0
 *
 * The client against our own server, and against peers that misbehave. */
#include "base/mem.h"
#include "fixture.h"
#include "http/client.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static struct fixture fixture;
static struct http_client *client;

static int setup(void **state)
{
    (void)state;
    fixture_init(&fixture);
    fixture_start(&fixture);
    assert_int_equal(http_client_new(&client), 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    http_client_free(client);
    fixture_release(&fixture);
    fixture_stop(&fixture);
    return 0;
}

/* The result of http_client_send for `path` on the server; the answer must be freed when it is 0. */
static int send_to(const char *host, unsigned port, const char *path, struct http_client_request request,
                   struct http_client_answer *ret_answer, struct http_message *ret_message)
{
    char url[256];
    snprintf(url, sizeof(url), "http://%s:%u%s", host, port, path);
    request.url = url;
    request.total_ms = request.total_ms ? request.total_ms : FIXTURE_PATIENCE_S * 1000;
    request.answer_max = request.answer_max ? request.answer_max : 1 << 20;
    request.method = request.method ? request.method : "GET";
    return http_client_send(client, &request, ret_answer, ret_message);
}

static void test_get(void **state)
{
    (void)state;
    struct http_client_answer answer;
    struct http_message message;
    assert_int_equal(
        send_to("127.0.0.1", fixture.port, "/a/../b?q=1", (struct http_client_request){ 0 }, &answer, &message), 0);
    assert_int_equal(answer.status, 200);
    char expected[128];
    /* Host and User-Agent. */
    snprintf(expected, sizeof(expected), "GET /a/../b q=1 127.0.0.1:%u 2 ", fixture.port);
    assert_true(str_eq(buf_str(&answer.body), str_of(expected)));
    assert_str(http_client_header(&answer, "content-type"), "text/plain");
    assert_int_equal(http_client_header(&answer, "X-Amzn-RequestId").n, 36);
    assert_false(str_is_set(http_client_header(&answer, "Content")));
    assert_string_equal(answer.address, "127.0.0.1");
    http_client_answer_free(&answer);
}

static void test_post_with_headers_and_body(void **state)
{
    (void)state;
    const struct http_header headers[] = { { "Content-Type", "application/json" }, { "X-Empty", "" } };
    static const struct str bodies[] = { { "{}", 2 }, { "", 0 }, { "a\0b", 3 } };
    for (size_t i = 0; i < TEST_COUNT(bodies); i++) {
        struct http_client_answer answer;
        struct http_message message;
        struct http_client_request request = {
            .method = "POST", .headers = headers, .n_headers = 2, .body = bodies[i]
        };
        assert_int_equal(send_to("127.0.0.1", fixture.port, "/p", request, &answer, &message), 0);
        /* Host, User-Agent, Content-Type, X-Empty, Content-Length. */
        struct str body = buf_str(&answer.body);
        assert_true(body.n > bodies[i].n + 2);
        assert_true(str_eq(str_skip(body, body.n - bodies[i].n), bodies[i]));
        assert_memory_equal(body.p + body.n - bodies[i].n - 3, " 5 ", 3);
        http_client_answer_free(&answer);
    }
}

static void test_other_methods(void **state)
{
    (void)state;
    static const char *const methods[] = { "HEAD", "DELETE", "PUT", "OPTIONS" };
    for (size_t i = 0; i < TEST_COUNT(methods); i++) {
        struct http_client_answer answer;
        struct http_message message;
        struct http_client_request request = { .method = methods[i] };
        assert_int_equal(send_to("127.0.0.1", fixture.port, "/", request, &answer, &message), 0);
        assert_int_equal(answer.status, 200);
        assert_true(i == 0 ? answer.body.n == 0 : str_starts(buf_str(&answer.body), str_of(methods[i])));
        http_client_answer_free(&answer);
    }
}

/* A connection is kept, and its end between two requests is no failure. */
static void test_connection_is_reused(void **state)
{
    (void)state;
    struct http_message message;
    for (int i = 0; i < 3; i++) {
        struct http_client_answer answer;
        assert_int_equal(send_to("127.0.0.1", fixture.port, "/", (struct http_client_request){ 0 }, &answer, &message),
                         0);
        http_client_answer_free(&answer);
    }
    struct fixture other;
    fixture_init(&other);
    other.config.limits.idle_ms = 50;
    fixture_start(&other);
    for (int i = 0; i < 3; i++) {
        struct http_client_answer answer;
        assert_int_equal(send_to("127.0.0.1", other.port, "/", (struct http_client_request){ 0 }, &answer, &message),
                         0);
        http_client_answer_free(&answer);
        usleep(120000);
    }
    fixture_stop(&other);
}

static void test_unix_socket(void **state)
{
    (void)state;
    char dir[] = "/tmp/cloudmap-http-XXXXXX", path[64];
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/s", dir);
    struct fixture other;
    struct http_client_answer answer;
    struct http_message message;
    struct http_client_request request = { .unix_path = path };
    assert_int_equal(send_to("cloudmapd", 80, "/v1/status", request, &answer, &message), HTTP_CLIENT_NO_CONNECT);
    assert_non_null(strstr(message.text, path));
    fixture_init(&other);
    other.config.n_addresses = 0;
    other.config.unix_path = path;
    fixture_start(&other);
    assert_int_equal(send_to("cloudmapd", 80, "/v1/status", request, &answer, &message), 0);
    assert_str(buf_str(&answer.body), "GET /v1/status - cloudmapd 2 ");
    assert_string_equal(answer.address, "");
    http_client_answer_free(&answer);
    fixture_stop(&other);
    assert_int_equal(rmdir(dir), 0);
}

static void test_no_answer(void **state)
{
    (void)state;
    struct http_client_answer answer;
    struct http_message message;
    struct http_client_request request = { 0 };
    fixture.holds = true;
    fixture.large = 1 << 20;
    assert_int_equal(send_to("no.such.invalid", 80, "/", request, &answer, &message), HTTP_CLIENT_NO_NAME);
    assert_non_null(strstr(message.text, "no.such.invalid"));
    assert_int_equal(send_to("127.0.0.1", 1, "/", request, &answer, &message), HTTP_CLIENT_NO_CONNECT);
    assert_non_null(strstr(message.text, "127.0.0.1:1"));
    request.total_ms = 100;
    assert_int_equal(send_to("127.0.0.1", fixture.port, "/hold", request, &answer, &message), HTTP_CLIENT_TIMEOUT);
    request.total_ms = 0;
    request.answer_max = 1000;
    assert_int_equal(send_to("127.0.0.1", fixture.port, "/large", request, &answer, &message), HTTP_CLIENT_TOO_LARGE);
    request.answer_max = 100;
    assert_int_equal(send_to("127.0.0.1", fixture.port, "/", request, &answer, &message), HTTP_CLIENT_TOO_LARGE);
    static const char *const urls[] = { "", "x y", "ftp://127.0.0.1/", "file:///etc/passwd", "http://" };
    for (size_t i = 0; i < TEST_COUNT(urls); i++) {
        struct http_client_request bad = { .method = "GET", .url = urls[i], .total_ms = 1000, .answer_max = 1000 };
        assert_int_equal(http_client_send(client, &bad, &answer, &message), HTTP_CLIENT_BAD_URL);
        assert_true(strlen(message.text) > 10);
    }
}

/* The environment's proxy, on which nobody listens, is not asked. */
static void test_proxy_only_when_wanted(void **state)
{
    (void)state;
    struct http_client_answer answer;
    struct http_message message;
    struct http_client_request request = { 0 };
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    assert_int_equal(send_to("127.0.0.1", fixture.port, "/", request, &answer, &message), 0);
    http_client_answer_free(&answer);
    request.uses_environment = true;
    assert_int_equal(send_to("127.0.0.1", fixture.port, "/", request, &answer, &message), HTTP_CLIENT_NO_CONNECT);
    unsetenv("http_proxy");
}

/* --- a peer that says one thing ---------------------------------------------------------------------------------- */

struct peer {
    int fd;
    const char *words;
};

static void *peer_main(void *arg)
{
    const struct peer *peer = arg;
    char block[1024];
    int fd = accept(peer->fd, NULL, NULL);
    ASSERT(recv(fd, block, sizeof(block), 0) > 0);
    ASSERT(send(fd, peer->words, strlen(peer->words), MSG_NOSIGNAL) >= 0);
    close(fd);
    return NULL;
}

static int ask_peer(const char *words, struct http_client_answer *ret_answer, struct http_message *ret_message)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
    socklen_t n = sizeof(address);
    struct peer peer = { .fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), .words = words };
    assert_int_equal(bind(peer.fd, (struct sockaddr *)&address, n), 0);
    assert_int_equal(listen(peer.fd, 1), 0);
    assert_int_equal(getsockname(peer.fd, (struct sockaddr *)&address, &n), 0);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, peer_main, &peer), 0);
    int r =
        send_to("127.0.0.1", ntohs(address.sin_port), "/", (struct http_client_request){ 0 }, ret_answer, ret_message);
    pthread_join(thread, NULL);
    close(peer.fd);
    return r;
}

static void test_peers_that_misbehave(void **state)
{
    (void)state;
    static const char *const words[] = { "",
                                         "SSH-2.0-x\r\n",
                                         "HTTP/1.1 200 OK\r\n",
                                         "HTTP/1.1 204 No Content\r\nX: y\r\n",
                                         "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc",
                                         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab" };
    struct http_client_answer answer;
    struct http_message message;
    for (size_t i = 0; i < TEST_COUNT(words); i++) {
        assert_int_equal(ask_peer(words[i], &answer, &message), HTTP_CLIENT_BROKEN);
        assert_true(strlen(message.text) > 10);
    }
}

static void test_redirects_are_not_followed(void **state)
{
    (void)state;
    struct http_client_answer answer;
    struct http_message message;
    assert_int_equal(ask_peer("HTTP/1.1 100 Continue\r\nX: interim\r\n\r\n"
                              "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
                              &answer, &message),
                     0);
    assert_int_equal(answer.status, 302);
    assert_str(http_client_header(&answer, "Location"), "http://127.0.0.1:1/");
    assert_false(str_is_set(http_client_header(&answer, "X")));
    http_client_answer_free(&answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_get),
        cmocka_unit_test(test_post_with_headers_and_body),
        cmocka_unit_test(test_other_methods),
        cmocka_unit_test(test_connection_is_reused),
        cmocka_unit_test(test_unix_socket),
        cmocka_unit_test(test_no_answer),
        cmocka_unit_test(test_proxy_only_when_wanted),
        cmocka_unit_test(test_peers_that_misbehave),
        cmocka_unit_test(test_redirects_are_not_followed),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
