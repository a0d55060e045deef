/* SPDX-License-Identifier: Apache-2.0
 *
 * A store that is gone when it is closed: the oracle of the tests. Rows stand in one sorted array. A commit first
 * copies everything in and makes room, then applies op by op and undoes what it did when an expectation does not hold.
 */
#include "base/mem.h"
#include "store/store_backend.h"
#include "store/store_ledger.h"

#include <errno.h>
#include <stdlib.h>

struct row {
    struct str key, value; /* one allocation, at key.p */
    uint32_t sum;
};

struct memory {
    struct store_backend backend;
    struct row *rows;
    size_t n_rows, size;
    struct store_row *trail; /* row `gone` + 1 first; each text is an allocation */
    size_t n_trail, trail_size;
    uint64_t gone;
};

static struct memory *memory_of(struct store_backend *backend)
{
    return (struct memory *)backend;
}

static int memory_load(struct store_backend *backend, store_row_fn *fn, void *arg, struct store_message *ret_message)
{
    struct memory *memory = memory_of(backend);
    (void)ret_message;
    for (size_t i = 0; i < memory->n_rows; i++) {
        int r = fn(arg, memory->rows[i].key, memory->rows[i].value);
        if (r)
            return r;
    }
    return 0;
}

static int memory_accept(struct store_backend *backend, uint64_t revision, struct store_message *ret_message)
{
    (void)backend;
    (void)revision;
    (void)ret_message;
    return 0;
}

/* The row of the key, or where it would stand; whether it is there. */
static bool find(const struct memory *memory, struct str key, size_t *ret_at)
{
    size_t low = 0, high = memory->n_rows;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (str_cmp(memory->rows[middle].key, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *ret_at = low;
    return low < memory->n_rows && str_eq(memory->rows[low].key, key);
}

/* Room was made before. */
static void insert_row(struct memory *memory, size_t at, struct row row)
{
    memmove(memory->rows + at + 1, memory->rows + at, (memory->n_rows - at) * sizeof(row));
    memory->rows[at] = row;
    memory->n_rows++;
}

static void remove_row(struct memory *memory, size_t at)
{
    memory->n_rows--;
    memmove(memory->rows + at, memory->rows + at + 1, (memory->n_rows - at) * sizeof(struct row));
}

static int copy_row(const struct store_op *op, struct row *ret_row)
{
    char *p = mem_alloc(op->key.n + op->value.n);
    if (!p)
        return -ENOMEM;
    memcpy(p, op->key.p, op->key.n);
    if (op->value.n)
        memcpy(p + op->key.n, op->value.p, op->value.n);
    *ret_row = (struct row){ .key = { p, op->key.n }, .value = { p + op->key.n, op->value.n }, .sum = op->sum };
    return 0;
}

/* Swaps the row of the key for *row (sum 0: none); *row becomes what was there. Does its own undoing when called again.
 */
static void swap_row(struct memory *memory, struct row *row)
{
    struct row old = { .key = row->key };
    size_t at;
    bool there = find(memory, row->key, &at);
    if (there) {
        old = memory->rows[at];
        remove_row(memory, at);
    }
    if (row->sum)
        insert_row(memory, at, *row);
    *row = old;
}

static int make_room(struct memory *memory, size_t n)
{
    if (memory->size - memory->n_rows >= n)
        return 0;
    size_t size = (memory->n_rows + n) * 2;
    struct row *rows = mem_realloc(memory->rows, size * sizeof(*rows));
    if (!rows)
        return -ENOMEM;
    memory->rows = rows;
    memory->size = size;
    return 0;
}

/* Swaps in rows[0 .. n_ops-1] for the ops and rows[n_ops] for the ledger; all or none. */
static int swap_all(struct memory *memory, const struct store_op *ops, size_t n_ops, const struct store_op *ledger,
                    struct row *rows)
{
    for (size_t i = 0; i <= n_ops; i++) {
        const struct store_op *op = i < n_ops ? &ops[i] : ledger;
        swap_row(memory, &rows[i]);
        if (rows[i].sum == op->old_sum)
            continue;
        for (size_t undo = i + 1; undo-- > 0;)
            swap_row(memory, &rows[undo]);
        return STORE_CONFLICT;
    }
    return 0;
}

/* Room for the new rows, with their texts in it, not yet counted. */
static int copy_trail(struct memory *memory, const struct store_trail_step *step)
{
    if (memory->trail_size - memory->n_trail < step->n_rows) {
        size_t size = (memory->n_trail + step->n_rows) * 2;
        struct store_row *rows = mem_realloc(memory->trail, size * sizeof(*rows));
        if (!rows)
            return -ENOMEM;
        memory->trail = rows;
        memory->trail_size = size;
    }
    struct store_row *fresh = memory->trail + memory->n_trail;
    for (size_t i = 0; i < step->n_rows; i++) {
        fresh[i] = step->rows[i];
        fresh[i].text.p = mem_dup(step->rows[i].text.p, step->rows[i].text.n);
        if (fresh[i].text.p)
            continue;
        while (i-- > 0)
            mem_free((char *)fresh[i].text.p);
        return -ENOMEM;
    }
    return 0;
}

/* Counts what copy_trail brought in, or gives it up; then drops what goes. */
static void end_trail(struct memory *memory, const struct store_trail_step *step, bool done)
{
    size_t n_gone = done && step->gone > memory->gone ? (size_t)(step->gone - memory->gone) : 0;
    if (done)
        memory->n_trail += step->n_rows;
    for (size_t i = 0; !done && i < step->n_rows; i++)
        mem_free((char *)memory->trail[memory->n_trail + i].text.p);
    for (size_t i = 0; i < n_gone; i++)
        mem_free((char *)memory->trail[i].text.p);
    if (!n_gone)
        return;
    memory->n_trail -= n_gone;
    memory->gone = step->gone;
    memmove(memory->trail, memory->trail + n_gone, memory->n_trail * sizeof(*memory->trail));
}

static int memory_rows(struct store_backend *backend, uint64_t from, uint64_t to, store_trail_fn *fn, void *arg)
{
    struct memory *memory = memory_of(backend);
    int r = 0;
    for (size_t i = 0; r == 0 && i < memory->n_trail; i++)
        if (memory->trail[i].number >= from && memory->trail[i].number <= to)
            r = fn(arg, &memory->trail[i]);
    return r;
}

static int memory_commit(struct store_backend *backend, const struct store_op *ops, size_t n_ops,
                         const struct store_trail_step *trail, const struct store_op *ledger, uint64_t revision)
{
    struct memory *memory = memory_of(backend);
    struct row *rows = mem_zalloc((n_ops + 1) * sizeof(*rows));
    int r = rows ? make_room(memory, n_ops + 1) : -ENOMEM;
    bool has_trail = r == 0 && (r = copy_trail(memory, trail)) == 0;
    (void)revision;
    for (size_t i = 0; r == 0 && i <= n_ops; i++) {
        const struct store_op *op = i < n_ops ? &ops[i] : ledger;
        if (op->sum)
            r = copy_row(op, &rows[i]);
        else
            rows[i].key = op->key;
    }
    if (r == 0)
        r = swap_all(memory, ops, n_ops, ledger, rows);
    if (has_trail)
        end_trail(memory, trail, r == 0);
    /* now rows holds what was replaced, or what never got in */
    for (size_t i = 0; rows && i <= n_ops; i++)
        if (rows[i].sum)
            mem_free((char *)rows[i].key.p);
    mem_free(rows);
    return r;
}

static void memory_stat(struct store_backend *backend, struct store_stat *ret_stat)
{
    (void)backend;
    (void)ret_stat;
}

static void memory_close(struct store_backend *backend)
{
    struct memory *memory = memory_of(backend);
    for (size_t i = 0; i < memory->n_rows; i++)
        mem_free((char *)memory->rows[i].key.p);
    for (size_t i = 0; i < memory->n_trail; i++)
        mem_free((char *)memory->trail[i].text.p);
    mem_free(memory->rows);
    mem_free(memory->trail);
    mem_free(memory);
}

static const struct store_backend_ops memory_ops = {
    .load = memory_load,
    .accept = memory_accept,
    .commit = memory_commit,
    .rows = memory_rows,
    .stat = memory_stat,
    .close = memory_close,
};

int store_open_memory(const struct clock *clock, struct store **ret_store)
{
    struct memory *memory = mem_zalloc(sizeof(*memory));
    if (!memory)
        return -ENOMEM;
    memory->backend = (struct store_backend){ .ops = &memory_ops, .name = "memory" };
    struct store_ledger ledger = { .revision = store_ledger_first_revision(clock) };
    char text[STORE_LEDGER_SIZE];
    struct store_op op = { .key = STORE_LEDGER_KEY };
    op.value = store_ledger_write(&ledger, text, &op.sum);
    struct store *store = NULL;
    int r = memory_commit(&memory->backend, NULL, 0, &(struct store_trail_step){ 0 }, &op, ledger.revision);
    if (r == 0)
        store = store_new(&memory->backend);
    if (!store) {
        memory_close(&memory->backend);
        return -ENOMEM;
    }
    *ret_store = store;
    return 0;
}
