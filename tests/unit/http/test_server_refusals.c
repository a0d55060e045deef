/* SPDX-License-Identifier: Apache-2.0
 *
 * What is malformed, ambiguous or too large is refused before the handler sees it, with the right status, and the
 * connection ends: nothing behind it can be taken for a second request. */
#include "base/mem.h"
#include "base/metric.h"
#include "fixture.h"

#include <errno.h>
#include <sys/socket.h>

#define LINE "POST / HTTP/1.1\r\n"
#define HOST "Host: x\r\n"

static struct fixture fixture;

static int setup(void **state)
{
    (void)state;
    fixture_init(&fixture);
    fixture.config.limits.body_max = 100000;
    fixture.config.limits.head_ms = 1000;
    fixture_start(&fixture);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fixture_stop(&fixture);
    return 0;
}

/* The request, and behind it one that would be answered with 200. */
static void expect_refusal(struct str request, unsigned status)
{
    struct client_answer answer;
    unsigned n_handled = fixture.n_handled;
    int fd = client_connect(&fixture);
    client_send(fd, request);
    client_send_text(fd, "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n");
    client_read(fd, false, &answer);
    if (answer.status != status)
        print_error("sent '" STR_FMT "'\ngot '" STR_FMT "'\n", (int)(request.n < 300 ? request.n : 300), request.p,
                    STR_ARG(buf_str(&answer.bytes)));
    assert_int_equal(answer.status, status);
    assert_str(client_header(&answer, "Connection"), "close");
    /* The library's own refusals may come twice. */
    char rest[FIXTURE_TEXT_MAX] = "";
    ssize_t n = recv(fd, rest, sizeof(rest) - 1, MSG_WAITALL);
    if ((n < 0 && errno != ECONNRESET) || strstr(rest, "HTTP/1.1 200") || fixture.n_handled != n_handled)
        print_error("more is answered behind '" STR_FMT "'\n", STR_ARG(request));
    assert_true(n >= 0 || errno == ECONNRESET);
    assert_null(strstr(rest, "HTTP/1.1 200"));
    assert_int_equal(fixture.n_handled, n_handled);
    client_answer_free(&answer);
    client_end(fd);
}

#define REFUSAL(status, text) \
    {                         \
        STR(text), status     \
    }

static const struct {
    struct str request;
    unsigned status;
} refusals[] = {
    /* Two lengths (RFC 9112 section 6). */
    REFUSAL(400, LINE HOST "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    REFUSAL(400, LINE HOST "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n"),
    REFUSAL(400, LINE HOST "transfer-encoding: CHUNKED\r\ncontent-length: 3\r\n\r\n0\r\n\r\n"),
    REFUSAL(400, LINE HOST "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc"),
    REFUSAL(400, LINE HOST "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc"),
    REFUSAL(400, LINE HOST "Content-Length: 3\r\nCONTENT-LENGTH: 0\r\n\r\nabc"),
    REFUSAL(400, LINE HOST "Content-Length: 3, 3\r\n\r\nabc"),
    REFUSAL(400, LINE HOST "Content-Length: +3\r\n\r\nabc"),
    REFUSAL(400, LINE HOST "Content-Length: -3\r\n\r\nabc"),
    REFUSAL(400, LINE HOST "Content-Length: 0x3\r\n\r\nabc"),
    REFUSAL(400, LINE HOST "Content-Length: 3 \r\n\r\nabc"),
    REFUSAL(400, LINE HOST "Content-Length: 3a\r\n\r\nabc"),
    REFUSAL(400, LINE HOST "Content-Length: \r\n\r\n"),
    REFUSAL(400, LINE HOST "Content-Length:\r\n\r\n"),
    REFUSAL(413, LINE HOST "Content-Length: 18446744073709551616\r\n\r\n"),
    REFUSAL(413, LINE HOST "Content-Length: 18446744073709551615\r\n\r\n"),
    REFUSAL(413, LINE HOST "Content-Length: 100001\r\n\r\n"),
    REFUSAL(413, LINE HOST "Expect: 100-continue\r\nContent-Length: 100001\r\n\r\n"),
    /* Transfer codings. */
    REFUSAL(400, LINE HOST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    REFUSAL(501, LINE HOST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
    REFUSAL(501, LINE HOST "Transfer-Encoding: identity\r\n\r\n"),
    REFUSAL(501, LINE HOST "Transfer-Encoding: chunked \r\n\r\n0\r\n\r\n"),
    REFUSAL(501, LINE HOST "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n"),
    REFUSAL(501, LINE HOST "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
    REFUSAL(501, LINE HOST "Transfer-Encoding:\r\n\r\n"),
    REFUSAL(400, "POST / HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    REFUSAL(400, LINE HOST "Transfer-Encoding: chunked\r\n\r\nx\r\n\r\n"),
    REFUSAL(400, LINE HOST "Transfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n"),
    REFUSAL(400, LINE HOST "Transfer-Encoding: chunked\r\n\r\n-1\r\na\r\n0\r\n\r\n"),
    REFUSAL(400, LINE HOST "Transfer-Encoding: chunked\r\n\r\n 1\r\na\r\n0\r\n\r\n"),
    REFUSAL(400, LINE HOST "Transfer-Encoding: chunked\r\n\r\n1 \r\na\r\n0\r\n\r\n"),
    REFUSAL(400, LINE HOST "Transfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n"),
    REFUSAL(413, LINE HOST "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\na\r\n0\r\n\r\n"),
    /* Headers. */
    REFUSAL(400, LINE HOST "Content-Length : 3\r\n\r\nabc"),
    REFUSAL(400, LINE HOST "Transfer-Encoding\t: chunked\r\n\r\n0\r\n\r\n"),
    REFUSAL(400, LINE HOST "A B: c\r\n\r\n"),
    REFUSAL(400, LINE HOST ": c\r\n\r\n"),
    REFUSAL(400, LINE HOST "A\"b: c\r\n\r\n"),
    REFUSAL(400, LINE HOST "A\x80: c\r\n\r\n"),
    REFUSAL(400, LINE HOST "A: b\x01\r\n\r\n"),
    REFUSAL(400, LINE HOST "A: b\x7f\r\n\r\n"),
    REFUSAL(400, LINE HOST "A: b\x0b\r\n\r\n"),
    REFUSAL(400, LINE HOST "A: 0123456789\x1f\r\n\r\n"),
    REFUSAL(400, LINE HOST "A: b\rc\r\n\r\n"),
    REFUSAL(400, LINE HOST "A: b\r\r\n\r\n"),
    REFUSAL(400, LINE HOST "no colon here\r\n\r\n"),
    /* Line ends and folding, which the library would let pass. */
    REFUSAL(400, LINE HOST "A: b\nC: d\r\n\r\n"),
    REFUSAL(400, LINE HOST "A: b\n\r\n"),
    REFUSAL(400, LINE HOST "A: b\r\n\n"),
    REFUSAL(400, LINE "Host: x\n\n"),
    REFUSAL(400, "POST / HTTP/1.1\n" HOST "\r\n"),
    REFUSAL(400, LINE HOST "A: b\r\n c\r\n\r\n"),
    REFUSAL(400, LINE HOST "Content-Length: 3\r\n 4\r\n\r\nabc"),
    REFUSAL(400, LINE HOST "A: b\r\n\t\r\n\r\n"),
    REFUSAL(400, LINE " A: b\r\n" HOST "\r\n"),
    REFUSAL(400, LINE HOST "A: b\0c\r\n\r\n"),
    REFUSAL(400, LINE HOST "A: b\0\0Content-Length: 3\r\n\r\nabc"),
    REFUSAL(400, LINE HOST "A: b\0\0\0\0\r\n\r\n"),
    REFUSAL(400, LINE HOST "A\0: b\r\n\r\n"),
    REFUSAL(400, LINE HOST "A: b\0\r\n\r\n"),
    REFUSAL(400, "POST /\0 HTTP/1.1\r\n" HOST "\r\n"),
    /* Host. */
    REFUSAL(400, LINE "\r\n"),
    REFUSAL(400, LINE HOST HOST "\r\n"),
    REFUSAL(400, LINE HOST "host: y\r\n\r\n"),
    REFUSAL(400, LINE "Host: a b\r\n\r\n"),
    REFUSAL(400, LINE "Host: a/b\r\n\r\n"),
    REFUSAL(400, LINE "Host: u@h\r\n\r\n"),
    REFUSAL(400, "GET / HTTP/1.0\r\n" HOST HOST "\r\n"),
    REFUSAL(400, "GET http://a HTTP/1.1\r\n\r\n"),
    REFUSAL(400, "GET http://u@a/ HTTP/1.1\r\n" HOST "\r\n"),
    /* The request line. */
    REFUSAL(400, "POST  / HTTP/1.1\r\n" HOST "\r\n"),
    REFUSAL(400, "POST /  HTTP/1.1\r\n" HOST "\r\n"),
    REFUSAL(400, "POST / HTTP/1.1 \r\n" HOST "\r\n"),
    REFUSAL(400, "POST / /x HTTP/1.1\r\n" HOST "\r\n"),
    REFUSAL(400, "POST\t/ HTTP/1.1\r\n" HOST "\r\n"),
    REFUSAL(400, "P(ST / HTTP/1.1\r\n" HOST "\r\n"),
    REFUSAL(400, "POST x HTTP/1.1\r\n" HOST "\r\n"),
    REFUSAL(400, "POST http:// HTTP/1.1\r\n" HOST "\r\n"),
    REFUSAL(400, "POST ftp://a/ HTTP/1.1\r\n" HOST "\r\n"),
    REFUSAL(400, "GET * HTTP/1.1\r\n" HOST "\r\n"),
    REFUSAL(400, "CONNECT a:80 HTTP/1.1\r\n" HOST "\r\n"),
    REFUSAL(400, "GET /#f HTTP/1.1\r\n" HOST "\r\n"),
    REFUSAL(400, "GET /\x80 HTTP/1.1\r\n" HOST "\r\n"),
    REFUSAL(400, "GET /\x01 HTTP/1.1\r\n" HOST "\r\n"),
    REFUSAL(400, "GET /?a\x7f HTTP/1.1\r\n" HOST "\r\n"),
    REFUSAL(400, "GET /\r\n"),
    REFUSAL(400, "GET / http/1.1\r\n" HOST "\r\n"),
    REFUSAL(400, "GET / HTTP/1\r\n" HOST "\r\n"),
    REFUSAL(400, "GET / HTTP/11.1\r\n" HOST "\r\n"),
    REFUSAL(505, "GET / HTTP/1.2\r\n" HOST "\r\n"),
    REFUSAL(505, "GET / HTTP/2.0\r\n" HOST "\r\n"),
    REFUSAL(505, "GET / HTTP/0.9\r\n" HOST "\r\n"),
    REFUSAL(505, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
};

static void test_refusals(void **state)
{
    (void)state;
    for (size_t i = 0; i < TEST_COUNT(refusals); i++)
        expect_refusal(refusals[i].request, refusals[i].status);
}

static void test_own_refusals_are_json_with_a_request_id(void **state)
{
    (void)state;
    struct client_answer answer;
    int64_t before = metric_get(METRIC_HTTP_REFUSED_MALFORMED);
    int fd = client_connect(&fixture);
    client_send_text(fd, LINE "\r\n");
    client_read(fd, false, &answer);
    assert_str(client_header(&answer, "Content-Type"), "application/json");
    assert_int_equal(client_header(&answer, "x-amzn-RequestId").n, 36);
    assert_str(answer.body, "{\"message\":\"There is no Host header.\"}");
    assert_int_equal(metric_get(METRIC_HTTP_REFUSED_MALFORMED), before + 1);
    client_answer_free(&answer);
    client_end(fd);
}

/* A line without any blank is no request line: the library closes without a word. */
static void test_garbage_is_closed(void **state)
{
    (void)state;
    int fd = client_connect(&fixture);
    client_send(fd, STR("\x16\x03\x01\x02garbage\n\r\n\r\n"));
    assert_true(client_is_closed(fd));
    client_end(fd);
}

static void fill(struct buf *buf, const char *start, size_t n, const char *end)
{
    buf_init(buf, 1 << 20);
    buf_put_str(buf, str_of(start));
    while (n-- > 0)
        buf_put_char(buf, 'a');
    buf_put_str(buf, str_of(end));
}

static void test_large_heads(void **state)
{
    (void)state;
    struct buf buf;
    fill(&buf, "GET /", 9000, " HTTP/1.1\r\nHost: x\r\n\r\n");
    expect_refusal(buf_str(&buf), 414);
    buf_fini(&buf);
    fill(&buf, "GET / HTTP/1.1\r\nHost: x\r\nA: ", 9000, "\r\n\r\n");
    expect_refusal(buf_str(&buf), 431);
    buf_fini(&buf);
    fill(&buf, "GET / HTTP/1.1\r\nHost: x\r\n", 9000, ": b\r\n\r\n");
    expect_refusal(buf_str(&buf), 431);
    buf_fini(&buf);
    buf_init(&buf, 1 << 20);
    buf_put_str(&buf, STR("GET / HTTP/1.1\r\nHost: x\r\n"));
    for (int i = 0; i < 110; i++)
        buf_put_str(&buf, STR("A:b\r\n"));
    buf_put_str(&buf, STR("\r\n"));
    expect_refusal(buf_str(&buf), 431);
    buf_fini(&buf);
}

/* Of whatever size a head is: it is either refused, or handled and answered. (The library has no room left to say no to
 * the largest Cookies.) */
static void test_no_head_is_handled_without_room_for_its_answer(void **state)
{
    (void)state;
    static const char *const starts[] = { "GET /suspend HTTP/1.1\r\nHost: x\r\nA: ",
                                          "GET /suspend HTTP/1.1\r\nHost: x\r\nCookie: a=b; c=d; ",
                                          "POST /?a&b&c&d&e&f&g&h&i&j&k&l&m&n HTTP/1.1\r\nHost: x\r\nA: " };
    for (size_t kind = 0; kind < TEST_COUNT(starts); kind++) {
        unsigned n_refused = 0, n_handled = fixture.n_handled, n_answered = 0;
        for (size_t n = 2000; n < 8400; n += 61) {
            struct buf buf;
            char status[13] = "";
            fill(&buf, starts[kind], n, "\r\n\r\n");
            int fd = client_connect(&fixture);
            client_send(fd, buf_str(&buf));
            recv(fd, status, sizeof(status) - 1, MSG_WAITALL);
            if (strcmp(status, "HTTP/1.1 200") == 0)
                n_answered++;
            else if (strcmp(status, "HTTP/1.1 431") == 0)
                n_refused++;
            buf_fini(&buf);
            client_end(fd);
        }
        assert_int_equal(fixture.n_handled - n_handled, n_answered);
        assert_true(n_answered > 20 && n_refused > 10);
    }
}

static void test_many_small_headers_are_served(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 1 << 16);
    buf_put_str(&buf, STR("GET / HTTP/1.1\r\nHost: x\r\n"));
    for (int i = 0; i < 60; i++)
        buf_printf(&buf, "A%d: value-%d\r\n", i, i);
    buf_put_str(&buf, STR("\r\n"));
    int fd = client_connect(&fixture);
    char body[FIXTURE_TEXT_MAX];
    client_expect(fd, buf_str(&buf), 200, body);
    assert_string_equal(body, "GET / - x 61 ");
    buf_fini(&buf);
    client_end(fd);
}

/* The answer comes without waiting for the body, and more than a little of it is not read. */
static void test_announced_large_body_is_refused_unread(void **state)
{
    (void)state;
    struct client_answer answer;
    static char block[65536];
    int fd = client_connect(&fixture);
    client_send_text(fd, LINE HOST "Content-Length: 1073741824\r\n\r\n");
    client_read(fd, false, &answer);
    assert_int_equal(answer.status, 413);
    assert_str(answer.body, "{\"message\":\"The body is too large.\"}");
    size_t n = 0;
    ssize_t sent;
    while (n < (64 << 20) && (sent = send(fd, block, sizeof(block), MSG_NOSIGNAL)) > 0)
        n += (size_t)sent;
    assert_true(n < 64 << 20);
    client_answer_free(&answer);
    client_end(fd);
}

/* Sent before anything is read, as most clients do: the answer must survive that. */
static void test_chunked_large_body_is_refused_on_the_way(void **state)
{
    (void)state;
    struct client_answer answer;
    struct buf buf;
    fill(&buf, LINE HOST "Transfer-Encoding: chunked\r\n\r\n20000\r\n", 0x20000, "\r\n0\r\n\r\n");
    int fd = client_connect(&fixture);
    client_send(fd, buf_str(&buf));
    client_read(fd, false, &answer);
    assert_int_equal(answer.status, 413);
    assert_str(client_header(&answer, "Content-Type"), "application/json");
    assert_true(client_is_closed(fd));
    client_answer_free(&answer);
    buf_fini(&buf);
    client_end(fd);
}

static void test_body_of_exactly_the_cap_is_served(void **state)
{
    (void)state;
    static const char *const heads[] = { LINE HOST "Content-Length: 100000\r\n\r\n",
                                         LINE HOST "Transfer-Encoding: chunked\r\n\r\n186a0\r\n" };
    static const char *const tails[] = { "", "\r\n0\r\n\r\n" };
    for (size_t i = 0; i < TEST_COUNT(heads); i++) {
        struct client_answer answer;
        struct buf buf;
        fill(&buf, heads[i], 100000, tails[i]);
        int fd = client_connect(&fixture);
        client_send(fd, buf_str(&buf));
        client_read(fd, false, &answer);
        assert_int_equal(answer.status, 200);
        assert_int_equal(answer.body.n, 100000 + strlen("POST / - x 2 "));
        client_answer_free(&answer);
        buf_fini(&buf);
        client_end(fd);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_own_refusals_are_json_with_a_request_id),
        cmocka_unit_test(test_garbage_is_closed),
        cmocka_unit_test(test_large_heads),
        cmocka_unit_test(test_no_head_is_handled_without_room_for_its_answer),
        cmocka_unit_test(test_many_small_headers_are_served),
        cmocka_unit_test(test_announced_large_body_is_refused_unread),
        cmocka_unit_test(test_chunked_large_body_is_refused_on_the_way),
        cmocka_unit_test(test_body_of_exactly_the_cap_is_served),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
