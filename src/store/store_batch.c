/* SPDX-License-Identifier: Apache-2.0
 *
 * Filling a batch. Values are sealed as they come in, so that the caller learns the sum at once. */
#include "store/store_batch.h"
#include "base/mem.h"
#include "store/store_ledger.h"
#include "store/store_seal.h"

struct store_batch *store_batch_new(void)
{
    struct store_batch *batch = mem_zalloc(sizeof(*batch));
    if (batch)
        arena_init(&batch->bytes, STORE_MAX_BATCH);
    return batch;
}

void store_batch_free(struct store_batch *batch)
{
    if (!batch)
        return;
    arena_fini(&batch->bytes);
    mem_free(batch->ops);
    mem_free(batch->rows);
    mem_free(batch);
}

void store_batch_clear(struct store_batch *batch)
{
    arena_reset(&batch->bytes);
    batch->n_ops = batch->n_rows = batch->n_trimmed = 0;
    batch->is_touched = batch->failed = false;
}

void store_touch(struct store_batch *batch)
{
    batch->is_touched = true;
}

size_t store_batch_size(const struct store_batch *batch)
{
    return batch->n_ops + batch->n_rows + batch->n_trimmed + batch->is_touched + batch->failed;
}

/* The next op, not yet counted, with its key copied in; NULL when there is no room, which fails the batch. */
static struct store_op *next_op(struct store_batch *batch, struct str key, uint32_t old_sum)
{
    ASSERT(key.n > 0 && !str_eq(key, STORE_LEDGER_KEY));
    if (batch->n_ops == batch->size) {
        size_t size = batch->size ? batch->size * 2 : 64;
        struct store_op *ops = mem_realloc(batch->ops, size * sizeof(*ops));
        if (!ops)
            goto fail;
        batch->ops = ops;
        batch->size = size;
    }
    struct str copy = key.n <= STORE_MAX_KEY ? arena_dup(&batch->bytes, key) : (struct str){ 0 };
    if (!str_is_set(copy))
        goto fail;
    struct store_op *op = &batch->ops[batch->n_ops];
    *op = (struct store_op){ .key = copy, .old_sum = old_sum };
    return op;
fail:
    batch->failed = true;
    return NULL;
}

uint32_t store_put(struct store_batch *batch, struct str key, struct str json, uint32_t old_sum)
{
    struct store_op *op = next_op(batch, key, old_sum);
    char *value = op && json.n <= STORE_MAX_VALUE ? arena_alloc(&batch->bytes, store_seal_size(json)) : NULL;
    if (!value) {
        batch->failed = true;
        return 1;
    }
    op->sum = store_seal_write(op->key, json, value);
    op->value = (struct str){ value, store_seal_size(json) };
    batch->n_ops++;
    return op->sum;
}

void store_del(struct store_batch *batch, struct str key, uint32_t old_sum)
{
    ASSERT(old_sum != 0);
    if (next_op(batch, key, old_sum))
        batch->n_ops++;
}

void store_append(struct store_batch *batch, int64_t time_ms, struct str text)
{
    if (batch->n_rows == batch->rows_size) {
        size_t size = batch->rows_size ? batch->rows_size * 2 : 64;
        struct store_row *rows = mem_realloc(batch->rows, size * sizeof(*rows));
        if (!rows) {
            batch->failed = true;
            return;
        }
        batch->rows = rows;
        batch->rows_size = size;
    }
    struct str copy = text.n && text.n <= STORE_MAX_VALUE ? arena_dup(&batch->bytes, text) : (struct str){ 0 };
    if (!str_is_set(copy))
        batch->failed = true;
    else
        batch->rows[batch->n_rows++] = (struct store_row){ .time_ms = time_ms, .text = copy };
}

void store_trim(struct store_batch *batch, uint64_t n)
{
    batch->n_trimmed = n < STORE_MAX_TRIM ? n : STORE_MAX_TRIM;
}
