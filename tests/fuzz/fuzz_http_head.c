/* SPDX-License-Identifier: Apache-2.0
 *
 * The head of an HTTP request, cut up in place as leniently as the HTTP library does it. What head_is_unbroken and
 * head_check let pass must be, byte by byte, what the strict grammar gives for the parts, and say its length once. */
#include "fuzz_target.h"

#include "base/mem.h"
#include "http/head.h"

/* A line up to CR LF or a bare LF, both overwritten with NUL; a NUL that it holds cuts it short. */
static char *next_line(char **at, char *end, char **ret_line_end)
{
    char *line = *at, *lf = memchr(line, '\n', (size_t)(end - line));
    if (!lf)
        return NULL;
    *lf = '\0';
    *ret_line_end = lf > line && lf[-1] == '\r' ? lf - 1 : lf;
    **ret_line_end = '\0';
    *at = lf + 1;
    return line;
}

/* METHOD target version, around blanks. The library looks at all of the version. */
static bool cut_request_line(char *line, const char *end, struct head *head)
{
    char *target = strchr(line, ' '), *version = strrchr(line, ' ');
    if (!target || target == version)
        return false;
    *target++ = *version++ = '\0';
    if (version + strlen(version) != end)
        return false;
    head->method = str_of(line);
    head->target = str_of(target);
    head->version = str_of(version);
    return true;
}

static bool cut_header(char *line, struct head *head)
{
    char *colon = strchr(line, ':');
    if (!colon || head->n_headers == HTTP_HEADERS_MAX)
        return false;
    *colon++ = '\0';
    colon += strspn(colon, " \t");
    head->headers[head->n_headers++] = (struct str_pair){ str_of(line), str_of(colon) };
    return true;
}

static bool cut_up(char **at, char *end, struct head *head)
{
    char *line_end, *line = next_line(at, end, &line_end);
    if (!line || !cut_request_line(line, line_end, head))
        return false;
    while ((line = next_line(at, end, &line_end)) && line[0])
        if (!cut_header(line, head))
            return false;
    return line != NULL;
}

static const char *expect(const char *at, const char *end, struct str s)
{
    FUZZ_CHECK((size_t)(end - at) >= s.n && (s.n == 0 || memcmp(at, s.p, s.n) == 0));
    return at + s.n;
}

/* CR LF, or what cannot be told from it any more: NUL in place of the one or the other. */
static const char *expect_line_end(const char *at, const char *end)
{
    FUZZ_CHECK(end - at >= 2 && memchr("\r\n", at[0], 3) && memchr("\r\n", at[1], 3));
    return at + 2;
}

/* The original bytes against the parts. */
static void check_grammar(const char *at, const char *end, const struct head *head)
{
    at = expect(expect(at, end, head->method), end, STR(" "));
    at = expect(expect(at, end, head->target), end, STR(" "));
    at = expect_line_end(expect(at, end, head->version), end);
    for (size_t i = 0; i < head->n_headers; i++) {
        at = expect(expect(at, end, head->headers[i].key), end, STR(":"));
        at += strspn(at, " \t");
        at = expect(at, end, head->headers[i].value);
        at += strspn(at, " \t");
        at = expect_line_end(at, end);
    }
    FUZZ_CHECK(expect_line_end(at, end) == end);
}

static size_t count(const struct head *head, const char *name)
{
    size_t n = 0;
    for (size_t i = 0; i < head->n_headers; i++)
        n += str_eq_nocase(head->headers[i].key, str_of(name));
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct head head = { 0 };
    struct head_refusal refusal = { 0 };
    char *whole = mem_dup(data, n), *at = whole;
    FUZZ_CHECK(whole);
    if (cut_up(&at, whole + n, &head) && head_is_unbroken(&head, whole, (size_t)(at - whole))) {
        if (head_check(&head, &refusal) == 0) {
            check_grammar((const char *)data, (const char *)data + (at - whole), &head);
            FUZZ_CHECK(count(&head, "Content-Length") + count(&head, "Transfer-Encoding") <= 1);
            FUZZ_CHECK(count(&head, "Host") <= 1 && str_is_set(head.path) && head.path.n > 0);
            FUZZ_CHECK(head.path.p[0] == '/' || str_eq(head.method, STR("OPTIONS")));
        } else {
            FUZZ_CHECK(refusal.status >= 400 && refusal.status < 600 && refusal.message);
        }
    }
    mem_free(whole);
    return 0;
}
