/* SPDX-License-Identifier: Apache-2.0
 *
 * The inputs of all operations: the first byte picks the operation (modulo 30), the rest is the request's text. What
 * decodes and is valid renders to a text that decodes to the same; messages stay short and are valid UTF-8; a page
 * token fits the input that it was made for. */
#include "fuzz_target.h"

#include "api/page.h"
#include "base/mem.h"
#include "base/text.h"

#include <string.h>

#define ARENA_CAP ((size_t)8 << 20)
#define RENDERED_MAX ((size_t)16 << 20)

struct decoded {
    struct arena arena;
    struct buf message;
    char *text;
    void *in;
    int result;
};

static void decode(struct decoded *decoded, const struct op *op, const void *text, size_t n)
{
    struct json_reader reader;
    arena_init(&decoded->arena, ARENA_CAP);
    buf_init(&decoded->message, SHAPE_MAX_MESSAGE);
    decoded->text = mem_dup(text, n);
    decoded->in = arena_alloc(&decoded->arena, op->input_size);
    json_reader_init(&reader, decoded->text, n, &decoded->arena);
    decoded->result = shape_decode(&reader, op->input, decoded->in, &decoded->arena, &decoded->message);
    if (decoded->result == 0)
        decoded->result = shape_validate(op->input, decoded->in, &decoded->message);
}

static void forget(struct decoded *decoded)
{
    arena_fini(&decoded->arena);
    buf_fini(&decoded->message);
    mem_free(decoded->text);
}

static void check_message(const struct decoded *decoded)
{
    struct str message = buf_str(&decoded->message);
    FUZZ_CHECK(!decoded->message.failed);
    FUZZ_CHECK(text_is_utf8(message));
    FUZZ_CHECK((message.n > 0) == (decoded->result != 0 && decoded->result != SHAPE_MEMORY));
    FUZZ_CHECK(decoded->result != SHAPE_MEMORY || decoded->arena.failed);
}

static void check_round_trip(const struct op *op, const struct decoded *decoded)
{
    struct buf first, second;
    struct decoded again;
    buf_init(&first, RENDERED_MAX);
    buf_init(&second, RENDERED_MAX);
    shape_render(&first, op->input, decoded->in);
    FUZZ_CHECK(!first.failed);
    decode(&again, op, first.p, first.n);
    FUZZ_CHECK(again.result == 0);
    shape_render(&second, op->input, again.in);
    FUZZ_CHECK(str_eq(buf_str(&first), buf_str(&second)));
    forget(&again);
    buf_fini(&first);
    buf_fini(&second);
}

static void check_page(const struct op *op, struct decoded *decoded)
{
    struct str key = { 0 }, token = page_encode(&decoded->arena, op, decoded->in, STR("key"));
    FUZZ_CHECK(str_is_set(token) || decoded->arena.failed);
    if (!str_is_set(token))
        return;
    FUZZ_CHECK(page_decode(&decoded->arena, op, decoded->in, token, &key) != PAGE_INVALID);
    FUZZ_CHECK(!str_is_set(key) || str_eq(key, STR("key")));
}

/* A token made of what the fuzzer sent is never taken. */
static void check_foreign_token(const struct op *op, struct decoded *decoded, const uint8_t *data, size_t n)
{
    struct str key, token = { (const char *)data, n };
    FUZZ_CHECK(page_decode(&decoded->arena, op, decoded->in, token, &key) == PAGE_INVALID);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct decoded decoded;
    if (n == 0)
        return 0;
    const struct op *op = &ops[data[0] % OP_COUNT];
    decode(&decoded, op, data + 1, n - 1);
    check_message(&decoded);
    if (decoded.result == 0) {
        check_round_trip(op, &decoded);
        check_foreign_token(op, &decoded, data, n);
        check_page(op, &decoded);
    }
    forget(&decoded);
    return 0;
}
