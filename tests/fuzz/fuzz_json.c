/* SPDX-License-Identifier: Apache-2.0
 *
 * The JSON reader and writer: skipping and reading a text agree on whether and where it is wrong; what was read,
 * written and read again is the same. */
#include "fuzz_target.h"

#include "base/mem.h"
#include "base/text.h"
#include "json_copy.h"

#include <string.h>

#define ARENA_CAP ((size_t)3 << 20)
#define WRITTEN_MAX ((size_t)128 << 20)

static int skip_text(char *text, size_t n, size_t *ret_error_at)
{
    struct arena arena;
    struct json_reader reader;
    arena_init(&arena, ARENA_CAP);
    json_reader_init(&reader, text, n, &arena);
    int r = json_skip(&reader);
    if (r == 0)
        r = json_end(&reader);
    if (r != 0)
        *ret_error_at = reader.error_at;
    arena_fini(&arena);
    return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    size_t skip_at = 0, copy_at = 0, again_at = 0;
    struct buf first, second;
    buf_init(&first, WRITTEN_MAX);
    buf_init(&second, WRITTEN_MAX);

    char *text = mem_dup(data, n);
    int skipped = skip_text(text, n, &skip_at);
    mem_free(text);

    text = mem_dup(data, n);
    int copied = json_copy_text(text, n, &first, &copy_at);
    mem_free(text);
    FUZZ_CHECK(skipped == copied);
    FUZZ_CHECK(skip_at == copy_at);
    FUZZ_CHECK(skip_at <= n);
    FUZZ_CHECK(skipped != JSON_TYPE && skipped != JSON_RANGE && skipped != JSON_MEMORY);

    if (copied == 0) {
        FUZZ_CHECK(!first.failed);
        FUZZ_CHECK(text_is_utf8((struct str){ (const char *)data, n }));
        text = mem_dup(first.p, first.n);
        FUZZ_CHECK(json_copy_text(text, first.n, &second, &again_at) == 0);
        mem_free(text);
        FUZZ_CHECK(str_eq(buf_str(&first), buf_str(&second)));
    }
    buf_fini(&first);
    buf_fini(&second);
    return 0;
}
