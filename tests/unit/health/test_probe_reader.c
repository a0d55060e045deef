/* SPDX-License-Identifier: Apache-2.0
 *
 * Answers as tables: each is read whole, octet by octet, and cut in two at every place, with the same result. */
#include "../test.h"

#include "base/mem.h"
#include "health/probe_reader.h"

#define OK "HTTP/1.1 200 OK\r\n"

struct expectation {
    const char *header, *value, *body;
};

static struct check *new_check(const struct expectation *expect)
{
    struct check draft = { .protocol = CHECK_HTTP,
                           .interval_ms = 1000,
                           .host = STR("h"),
                           .expect = { .header = str_of(expect->header),
                                       .header_value = str_of(expect->value),
                                       .body = str_of(expect->body) } };
    struct check *check = check_new(&draft);

    assert_non_null(check);
    return check;
}

/* Reads in blocks of `first` octets and then `step` each; then the peer closes. */
static enum probe_result read_cut(const struct check *check, struct str answer, size_t first, size_t step)
{
    struct probe_reader reader;
    size_t at = 0, n = first;

    probe_reader_init(&reader, check);
    while (at < answer.n) {
        n = n < answer.n - at ? n : answer.n - at;
        char *block = mem_dup(answer.p + at, n); /* so that the sanitizer sees what lies beyond */
        enum probe_result result = probe_reader_put(&reader, block, n);
        mem_free(block);
        if (result != PROBE_PENDING)
            return result;
        at += n;
        n = step;
    }
    return probe_reader_end(&reader);
}

static void check_answer(const struct expectation *expect, struct str answer, enum probe_result want)
{
    struct check *check = new_check(expect);

    for (size_t cut = 1; cut <= answer.n; cut++) {
        enum probe_result got = read_cut(check, answer, cut, answer.n);
        if (got != want)
            fail_msg("%s instead of %s, cut at %zu:\n" STR_FMT, probe_result_word(got), probe_result_word(want), cut,
                     STR_ARG(answer));
    }
    assert_int_equal(read_cut(check, answer, 1, 1), want);
    mem_free(check);
}

static void test_status_lines(void **state)
{
    static const struct {
        const char *answer;
        enum probe_result want;
    } cases[] = {
        { OK, PROBE_OK },
        { "HTTP/1.0 200\r\n", PROBE_OK },
        { "HTTP/1.1 204 \r\n", PROBE_OK },
        { "HTTP/1.1 200\n", PROBE_OK },
        { "HTTP/1.1 302 Found\r\n", PROBE_OK },
        { "HTTP/1.1 399 \r\n", PROBE_OK },
        { "HTTP/1.1 400 \r\n", PROBE_BAD_STATUS },
        { "HTTP/1.1 500 \r\n", PROBE_BAD_STATUS },
        { "HTTP/1.1 999 \r\n", PROBE_BAD_STATUS },
        { "HTTP/1.1 199 \r\n", PROBE_CLOSED },
        { "HTTP/1.1 101 \r\n", PROBE_BAD_STATUS },
        { "HTTP/1.1 099 \r\n", PROBE_BAD_STATUS },
        { "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n", PROBE_OK },
        { "HTTP/1.1 103 Hints\r\nLink: x\r\n\r\nHTTP/1.1 103 Hints\r\n\r\nHTTP/1.1 503 No\r\n", PROBE_BAD_STATUS },
        { "HTTP/1.1 100 Continue\r\n\r\n", PROBE_CLOSED },
        { "HTTP/2 200\r\n", PROBE_BAD_ANSWER },
        { "HTTP/1.1 2000 OK\r\n", PROBE_BAD_ANSWER },
        { "HTTP/1.1 20x OK\r\n", PROBE_BAD_ANSWER },
        { "http/1.1 200 OK\r\n", PROBE_BAD_ANSWER },
        { "SSH-2.0-OpenSSH_9.2\r\n", PROBE_BAD_ANSWER },
        { "\r\nHTTP/1.1 200 OK\r\n", PROBE_BAD_ANSWER },
        { "HTTP/1.1 200 OK", PROBE_CLOSED },
        { "HTTP/1.", PROBE_CLOSED },
    };

    (void)state;
    for (size_t i = 0; i < TEST_COUNT(cases); i++)
        check_answer(&(struct expectation){ NULL, NULL, NULL }, str_of(cases[i].answer), cases[i].want);
}

static void test_nothing_at_all(void **state)
{
    struct check *check = new_check(&(struct expectation){ NULL, NULL, NULL });
    struct probe_reader reader;

    (void)state;
    probe_reader_init(&reader, check);
    assert_int_equal(probe_reader_put(&reader, "", 0), PROBE_PENDING);
    assert_int_equal(probe_reader_end(&reader), PROBE_CLOSED);
    mem_free(check);
}

static void test_expected_headers(void **state)
{
    static const struct {
        struct expectation expect;
        const char *answer;
        enum probe_result want;
    } cases[] = {
        { { "X-Id", "web-7", NULL }, OK "X-Id: web-7\r\n\r\n", PROBE_OK },
        { { "x-id", "web-7", NULL }, OK "A: b\r\nX-ID:web-7\r\n\r\n", PROBE_OK },
        { { "X-Id", "b-7", NULL }, OK "X-Id: the web-7 one\n\n", PROBE_OK },
        { { "X-Id", "web-7", NULL }, OK "X-Id: web-8\r\nX-Id: web-7\r\n\r\n", PROBE_OK },
        { { "X-Id", "aab", NULL }, OK "X-Id: aaab\r\n\r\n", PROBE_OK },
        { { "X-Id", "web-7", NULL }, OK "X-Id: web-8\r\n\r\nX-Id: web-7\r\n", PROBE_OTHER_HEADER },
        { { "X-Id", "web-7", NULL }, OK "X-Id: web-\r\nX-Id: 7\r\n\r\n", PROBE_OTHER_HEADER },
        { { "X-Id", "web-7", NULL }, OK "X-Idx: web-7\r\nX-I: web-7\r\nweb-7\r\n\r\n", PROBE_OTHER_HEADER },
        { { "X-Id", "web-7", NULL }, OK " X-Id: web-7\r\n\r\n", PROBE_OTHER_HEADER },
        { { "X-Id", "Web-7", NULL }, OK "X-Id: web-7\r\n\r\n", PROBE_OTHER_HEADER },
        { { "X-Id", "web-7", NULL }, OK "A: b\r\n", PROBE_OTHER_HEADER },
        { { "X-Id", NULL, NULL }, OK "X-Id:\r\n\r\n", PROBE_OK },
        { { "X-Id", "", NULL }, OK "x-id: whatever\r\n\r\n", PROBE_OK },
        { { "X-Id", NULL, NULL }, OK "Y: X-Id:\r\n\r\n", PROBE_OTHER_HEADER },
        { { "Content-Length", "17", NULL }, OK "content-length: 17\r\n\r\n", PROBE_OK },
        { { "X-Id", "web-7", NULL }, "HTTP/1.1 500 No\r\nX-Id: web-7\r\n\r\n", PROBE_BAD_STATUS },
        { { "X-Id", "web-7", NULL }, "HTTP/1.1 100 C\r\nX-Id: web-7\r\n\r\n" OK "\r\n", PROBE_OTHER_HEADER },
    };

    (void)state;
    for (size_t i = 0; i < TEST_COUNT(cases); i++)
        check_answer(&cases[i].expect, str_of(cases[i].answer), cases[i].want);
}

static void test_expected_bodies(void **state)
{
    static const struct {
        struct expectation expect;
        const char *answer;
        enum probe_result want;
    } cases[] = {
        { { NULL, NULL, "web-7" }, OK "\r\nI am web-7.", PROBE_OK },
        { { NULL, NULL, "web-7" }, OK "\r\nI am web-web-7", PROBE_OK },
        { { NULL, NULL, "web-7" }, OK "\r\nI am web-8.", PROBE_OTHER_BODY },
        { { NULL, NULL, "web-7" }, OK "X: web-7\r\n\r\n", PROBE_OTHER_BODY },
        { { NULL, NULL, "web-7" }, OK "Content-Length: 4\r\n\r\nweb-7", PROBE_OTHER_BODY },
        { { NULL, NULL, "web-7" }, OK "Content-Length: 5\r\n\r\nweb-7", PROBE_OK },
        { { NULL, NULL, "web-7" }, OK "Content-Length: 0\r\n\r\nweb-7", PROBE_OTHER_BODY },
        { { NULL, NULL, "web-7" }, OK "Content-Length: 99999999999999999999999\r\n\r\nweb-7", PROBE_OK },
        { { NULL, NULL, "web-7" }, "HTTP/1.1 204 No\r\n\r\nweb-7", PROBE_OTHER_BODY },
        { { NULL, NULL, "web-7" },
          OK "Transfer-Encoding: chunked\r\n\r\n3\r\nweb\r\n2;x=y\r\n-7\r\n0\r\n\r\n",
          PROBE_OK },
        { { NULL, NULL, "web-7" }, OK "Transfer-Encoding: gzip, Chunked\r\n\r\n00a\r\nI am web-7\r\n", PROBE_OK },
        { { NULL, NULL, "web-7" }, OK "Transfer-Encoding: chunked\r\n\r\n3\r\nweb\r\n0\r\n\r\n-7", PROBE_OTHER_BODY },
        { { NULL, NULL, "web-7" }, OK "Transfer-Encoding: chunked\r\n\r\n0;web-7\r\n", PROBE_OTHER_BODY },
        { { NULL, NULL, "web-7" }, OK "Transfer-Encoding: chunked\r\n\r\nweb-7", PROBE_BAD_ANSWER },
        { { NULL, NULL, "web-7" }, OK "Transfer-Encoding: chunked\r\n\r\n3\r\nweb-7", PROBE_BAD_ANSWER },
        { { NULL, NULL, "" }, OK "\r\n", PROBE_OK },
        { { "X-Id", "a", "web-7" }, OK "X-Id: a\r\n\r\nweb-7", PROBE_OK },
        { { "X-Id", "a", "web-7" }, OK "X-Id: b\r\n\r\nweb-7", PROBE_OTHER_HEADER },
        { { "X-Id", "a", "web-7" }, OK "X-Id: a\r\n\r\nweb-8", PROBE_OTHER_BODY },
    };

    (void)state;
    for (size_t i = 0; i < TEST_COUNT(cases); i++)
        check_answer(&cases[i].expect, str_of(cases[i].answer), cases[i].want);
}

/* `head`, n times c, `tail`; the peer goes on for ever, or closes: what is read is the same. */
static enum probe_result read_padded(const struct expectation *expect, const char *head, size_t n, char c,
                                     const char *tail)
{
    static char answer[3 * PROBE_READER_MAX];
    struct check *check = new_check(expect);
    size_t n_head = strlen(head), n_tail = strlen(tail);

    assert_in_range(n_head + n + n_tail, 0, sizeof(answer));
    memcpy(answer, head, n_head);
    memset(answer + n_head, c, n);
    memcpy(answer + n_head + n, tail, n_tail);
    enum probe_result result = read_cut(check, (struct str){ answer, n_head + n + n_tail }, 1000, 1000);
    mem_free(check);
    return result;
}

static void test_caps(void **state)
{
    const struct expectation none = { NULL, NULL, NULL }, header = { "X-Id", "7", NULL },
                             body = { NULL, NULL, "web-7" };

    (void)state;
    assert_int_equal(read_padded(&none, "HTTP/1.1 200 ", PROBE_READER_MAX - 14, 'x', "\n"), PROBE_OK);
    assert_int_equal(read_padded(&none, "HTTP/1.1 200 ", PROBE_READER_MAX, 'x', "\n"), PROBE_BAD_ANSWER);
    assert_int_equal(read_padded(&header, OK "A: ", PROBE_READER_MAX, 'x', "\r\nX-Id: 7\r\n\r\n"), PROBE_OTHER_HEADER);
    assert_int_equal(read_padded(&body, OK "A: ", PROBE_READER_MAX, 'x', "\r\n\r\nweb-7"), PROBE_OTHER_BODY);
    assert_int_equal(read_padded(&body, OK "\r\n", PROBE_READER_MAX - 5, 'x', "web-7"), PROBE_OK);
    assert_int_equal(read_padded(&body, OK "\r\n", PROBE_READER_MAX - 4, 'x', "web-7"), PROBE_OTHER_BODY);
    /* Interim answers have no cap of their own. */
    static char many[PROBE_READER_MAX + 100];
    size_t n = 0;
    while (n + 18 <= PROBE_READER_MAX) {
        memcpy(many + n, "HTTP/1.1 103 E\r\n\r\n", 18);
        n += 18;
    }
    memcpy(many + n, OK, strlen(OK));
    struct check *check = new_check(&none);
    assert_int_equal(read_cut(check, (struct str){ many, n + strlen(OK) }, 100, 100), PROBE_BAD_ANSWER);
    mem_free(check);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_status_lines),
        cmocka_unit_test(test_nothing_at_all),
        cmocka_unit_test(test_expected_headers),
        cmocka_unit_test(test_expected_bodies),
        cmocka_unit_test(test_caps),
    };

    return cmocka_run_group_tests_name("probe_reader", tests, NULL, NULL);
}
