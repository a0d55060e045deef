/* SPDX-License-Identifier: Apache-2.0
 *
 * The answer to a probe: bits 0 and 1 of the first octet choose an expected header and body, the second octet where the
 * answer is cut, the rest is the answer. However it is cut, the verdict is the same, it comes within the caps, and what
 * was found is there. */
#include "fuzz_target.h"

#include "base/mem.h"
#include "health/probe_reader.h"

#define HEADER "X-Id"
#define FRAGMENT "aab"

/* In blocks of n_first and then n_more octets. *ret_read: how many it took to tell. */
static enum probe_result read_cut(const struct check *check, const char *p, size_t n, size_t n_first, size_t n_more,
                                  size_t *ret_read, struct probe_reader *reader)
{
    size_t at = 0, step = n_first;
    probe_reader_init(reader, check);
    while (at < n) {
        step = step < n - at ? step : n - at;
        enum probe_result result = probe_reader_put(reader, p + at, step);
        at += step;
        *ret_read = at;
        if (result != PROBE_PENDING)
            return result;
        step = n_more;
    }
    *ret_read = n;
    return probe_reader_end(reader);
}

static bool holds(const char *p, size_t n, struct str fragment, bool fold)
{
    for (size_t i = 0; i + fragment.n <= n; i++) {
        struct str here = { p + i, fragment.n };
        if (fold ? str_eq_nocase(here, fragment) : str_eq(here, fragment))
            return true;
    }
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct check draft = { .protocol = CHECK_HTTP, .interval_ms = 1, .host = STR("h") };
    struct probe_reader reader;
    size_t n_read;
    if (n < 2)
        return 0;
    if (data[0] & 1)
        draft.expect.header = STR(HEADER), draft.expect.header_value = STR(FRAGMENT);
    if (data[0] & 2)
        draft.expect.body = STR(FRAGMENT);
    struct check *check = check_new(&draft);
    if (!check)
        return 0;
    const char *answer = (const char *)data + 2;
    n -= 2;
    enum probe_result one = read_cut(check, answer, n, 1, 1, &n_read, &reader), two, three;
    FUZZ_CHECK(one != PROBE_PENDING && n_read <= 2 * PROBE_READER_MAX + 1);
    if (one == PROBE_OK) {
        FUZZ_CHECK(reader.status >= 200 && reader.status < 400 && holds(answer, n_read, STR("HTTP/1."), false));
        FUZZ_CHECK(!(data[0] & 1) || holds(answer, n_read, STR(HEADER ":"), true));
        FUZZ_CHECK(!(data[0] & 1) || holds(answer, n_read, STR(FRAGMENT), false));
        FUZZ_CHECK(!(data[0] & 2) || reader.is_chunked || holds(answer, n_read, STR(FRAGMENT), false));
    }
    two = read_cut(check, answer, n, data[1] ? data[1] : 1, n ? n : 1, &n_read, &reader);
    three = read_cut(check, answer, n, n ? n : 1, 1, &n_read, &reader);
    FUZZ_CHECK(one == two && two == three);
    mem_free(check);
    return 0;
}
