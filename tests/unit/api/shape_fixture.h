/* SPDX-License-Identifier: Apache-2.0
 *
 * For tests of the shape interpreters: one request text, decoded into an arena. */
#pragma once

#include "../test.h"

#include "api/ops.h"
#include "base/mem.h"

struct shape_fixture {
    const struct op *op;
    struct arena arena;
    struct buf message;
    char *text;
    void *in; /* the decoded input; NULL when there was no memory for it */
};

static inline void fixture_init(struct shape_fixture *fixture, const char *op_name)
{
    *fixture = (struct shape_fixture){ .op = op_find(str_of(op_name)) };
    assert_non_null(fixture->op);
    arena_init(&fixture->arena, (size_t)4 << 20);
    buf_init(&fixture->message, 65536);
}

static inline void fixture_fini(struct shape_fixture *fixture)
{
    arena_fini(&fixture->arena);
    buf_fini(&fixture->message);
    mem_free(fixture->text);
}

/* Result of shape_decode; the message replaces the last one. */
static inline int fixture_decode_bytes(struct shape_fixture *fixture, const char *json, size_t n)
{
    struct json_reader reader;
    mem_free(fixture->text);
    fixture->text = mem_dup(json, n);
    assert_non_null(fixture->text);
    arena_reset(&fixture->arena);
    buf_clear(&fixture->message);
    fixture->in = arena_alloc(&fixture->arena, fixture->op->input_size);
    if (!fixture->in)
        return SHAPE_MEMORY;
    json_reader_init(&reader, fixture->text, n, &fixture->arena);
    return shape_decode(&reader, fixture->op->input, fixture->in, &fixture->arena, &fixture->message);
}

static inline int fixture_decode(struct shape_fixture *fixture, const char *json)
{
    return fixture_decode_bytes(fixture, json, strlen(json));
}

#define assert_message(fixture, literal) assert_str(buf_str(&(fixture)->message), literal)
