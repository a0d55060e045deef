/* SPDX-License-Identifier: Apache-2.0
 *
 * The front that every backend shares: checks what is loaded, keeps the ledger, numbers the commits, and refuses every
 * commit after one that was lost. */
#include "store/store.h"
#include "base/buf.h"
#include "base/mem.h"
#include "store/store_backend.h"
#include "store/store_batch.h"
#include "store/store_ledger.h"
#include "store/store_seal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>

struct store {
    struct store_backend *backend;
    struct store_ledger ledger; /* as the last commit left it */
    uint32_t ledger_sum;
    bool loaded;
    /* for store_stat, which any thread may call */
    atomic_uint_fast64_t records, commits, failed_commits, trail_rows, trail_bytes;
    atomic_bool lost;
};

int store_exit_code(int result)
{
    switch (result) {
    case 0:
        return 0;
    case STORE_DAMAGED:
    case STORE_MISSING:
        return 65;
    case STORE_NEWER:
        return 66;
    case STORE_UNWRITABLE:
    case STORE_EXISTS:
    case STORE_FULL:
        return 73;
    case STORE_BUSY:
        return 75;
    default:
        return 1;
    }
}

int store_tell(struct store_message *message, int result, const char *format, ...)
{
    if (message) {
        va_list args;
        va_start(args, format);
        vsnprintf(message->text, sizeof(message->text), format, args);
        va_end(args);
    }
    return result;
}

struct store *store_new(struct store_backend *backend)
{
    struct store *store = mem_zalloc(sizeof(*store));
    if (store)
        store->backend = backend;
    return store;
}

struct store_backend *store_swap_backend(struct store *store, struct store_backend *backend)
{
    struct store_backend *old = store->backend;
    store->backend = backend;
    return old;
}

void store_close(struct store *store)
{
    if (!store)
        return;
    store->backend->ops->close(store->backend);
    mem_free(store);
}

static void tell_stat(struct store *store, const struct store_ledger *ledger)
{
    store->records = ledger->records;
    store->trail_rows = ledger->trail.last - ledger->trail.gone;
    store->trail_bytes = ledger->trail.bytes;
}

/* --- loading ----------------------------------------------------------------------------------------------------- */

struct load {
    const char *name; /* of the backend */
    store_load_fn *fn;
    void *arg;
    struct store_message *message;
    struct buf value, last_key;
    struct store_ledger found, said; /* what the records add up to; what the ledger says */
    uint32_t ledger_sum;             /* 0 until the ledger was seen */
};

/* A key as it may stand in a message: it comes from a file that may hold anything. */
static const char *printable(struct str key, char ret_text[81])
{
    size_t n = key.n < 80 ? key.n : 80;
    for (size_t i = 0; i < n; i++)
        ret_text[i] = key.p[i] > ' ' && key.p[i] < 0x7f ? key.p[i] : '?';
    ret_text[n] = '\0';
    return ret_text;
}

static int bad_record(struct load *load, struct str key, int result, const char *what)
{
    char text[81];
    return store_tell(load->message, result, "%s: the record \"%s\" %s; %s", load->name, printable(key, text), what,
                      result == STORE_NEWER ? STORE_HINT_NEWER : STORE_HINT_RESTORE);
}

/* The sealed value becomes the caller's object again: an opening brace and the members behind the seal. */
static int give(struct load *load, struct str key, struct str members, uint32_t sum)
{
    buf_clear(&load->value);
    buf_put_char(&load->value, '{');
    buf_put_str(&load->value, members);
    if (load->value.failed)
        return -ENOMEM;
    store_ledger_add(&load->found, sum);
    return load->fn(load->arg, key, load->value.p, load->value.n, sum);
}

static int load_row(void *arg, struct str key, struct str value)
{
    struct load *load = arg;
    struct str members;
    uint32_t sum;
    if (load->last_key.n && str_cmp(buf_str(&load->last_key), key) >= 0)
        return bad_record(load, key, STORE_DAMAGED, "is out of order");
    buf_clear(&load->last_key);
    buf_put_str(&load->last_key, key);
    if (load->last_key.failed)
        return -ENOMEM;
    int r = store_seal_check(key, value, &members, &sum);
    if (r == STORE_NEWER)
        return bad_record(load, key, r, "has a newer format than this program knows");
    if (r)
        return bad_record(load, key, r, "is damaged");
    if (!str_eq(key, STORE_LEDGER_KEY))
        return give(load, key, members, sum);
    load->ledger_sum = sum;
    r = store_ledger_parse(members, &load->said);
    return r ? bad_record(load, key, r, "is damaged") : 0;
}

static int check_ledger(struct load *load)
{
    if (!load->ledger_sum)
        return store_tell(load->message, STORE_DAMAGED, "%s: the ledger record is missing; " STORE_HINT_RESTORE,
                          load->name);
    if (load->found.records != load->said.records)
        return store_tell(load->message, STORE_DAMAGED,
                          "%s: %" PRIu64 " records were found where the ledger has %" PRIu64 "; " STORE_HINT_RESTORE,
                          load->name, load->found.records, load->said.records);
    if (load->found.digest != load->said.digest)
        return store_tell(load->message, STORE_DAMAGED,
                          "%s: the records do not agree with the ledger's digest; " STORE_HINT_RESTORE, load->name);
    return 0;
}

int store_load(struct store *store, store_load_fn *fn, void *arg, struct store_message *ret_message)
{
    struct store_backend *backend = store->backend;
    struct load load = { .name = backend->name, .fn = fn, .arg = arg, .message = ret_message };
    store_tell(ret_message, 0, "%s", "");
    buf_init(&load.value, STORE_MAX_VALUE + STORE_SEAL_LEN);
    buf_init(&load.last_key, STORE_MAX_VALUE + STORE_SEAL_LEN);
    int r = backend->ops->load(backend, load_row, &load, ret_message);
    if (r == 0)
        r = check_ledger(&load);
    if (r == 0 && !store->loaded)
        r = backend->ops->accept(backend, load.said.revision, ret_message);
    if (r == 0) {
        store->ledger = load.said;
        store->ledger_sum = load.ledger_sum;
        tell_stat(store, &load.said);
        store->loaded = true;
    }
    if (r == -ENOMEM)
        store_tell(ret_message, r, "%s: out of memory while loading", backend->name);
    buf_fini(&load.value);
    buf_fini(&load.last_key);
    return r;
}

struct age {
    int64_t time_ms;
    uint64_t n;
};

static int count_older(void *arg, const struct store_row *row)
{
    struct age *age = arg;
    if (row->time_ms >= age->time_ms)
        return 1;
    age->n++;
    return 0;
}

uint64_t store_count_older(const struct store *store, int64_t time_ms)
{
    const struct store_trail_head *head = &store->ledger.trail;
    struct age age = { .time_ms = time_ms };
    store->backend->ops->rows(store->backend, head->gone + 1, head->gone + STORE_MAX_TRIM, count_older, &age);
    return age.n;
}

struct excess {
    uint64_t bytes, n;
};

static int count_excess(void *arg, const struct store_row *row)
{
    struct excess *excess = arg;
    excess->n++;
    if (row->text.n >= excess->bytes)
        return 1;
    excess->bytes -= row->text.n;
    return 0;
}

uint64_t store_count_excess(const struct store *store, uint64_t bytes)
{
    const struct store_trail_head *head = &store->ledger.trail;
    struct excess excess = { .bytes = bytes };
    store->backend->ops->rows(store->backend, head->gone + 1, head->gone + STORE_MAX_TRIM, count_excess, &excess);
    return excess.n;
}

const struct store_trail_head *store_head(const struct store *store)
{
    return &store->ledger.trail;
}

uint64_t store_revision(const struct store *store)
{
    return store->ledger.revision;
}

/* --- committing -------------------------------------------------------------------------------------------------- */

static int commit(struct store *store, const struct store_op *ops, size_t n_ops, const struct store_trail_step *trail,
                  const struct store_ledger *next)
{
    struct store_backend *backend = store->backend;
    char text[STORE_LEDGER_SIZE];
    struct store_op ledger = { .key = STORE_LEDGER_KEY, .old_sum = store->ledger_sum };
    ledger.value = store_ledger_write(next, text, &ledger.sum);
    int r = backend->ops->commit(backend, ops, n_ops, trail, &ledger, next->revision);
    if (r == STORE_LOST)
        store->lost = true;
    if (r)
        return r;
    store->ledger = *next;
    store->ledger_sum = ledger.sum;
    tell_stat(store, next);
    return 0;
}

/* What goes with the rows up to `head->gone`. */
static int note_trimmed(void *arg, const struct store_row *row)
{
    struct store_trail_head *head = arg;
    head->gone = row->number;
    head->bytes -= row->text.n;
    memcpy(head->base, row->hash, sizeof(row->hash));
    return 0;
}

/* The trail as it is after the batch: old rows go first, new ones are numbered. */
static int step_trail(struct store *store, const struct store_batch *batch, struct store_trail_head *head,
                      struct store_trail_step *ret_step)
{
    uint64_t n = head->last - head->gone, gone = head->gone;
    int r = 0;
    n = batch->n_trimmed < n ? batch->n_trimmed : n;
    if (n)
        r = store->backend->ops->rows(store->backend, gone + 1, gone + n, note_trimmed, head);
    for (size_t i = 0; r == 0 && i < batch->n_rows; i++)
        store_trail_chain(head, &batch->rows[i]);
    *ret_step = (struct store_trail_step){ .rows = batch->rows,
                                           .n_rows = batch->n_rows,
                                           .gone = head->gone > gone ? head->gone : 0 };
    return r;
}

int store_commit(struct store *store, const struct store_batch *batch)
{
    struct store_ledger next = store->ledger;
    struct store_trail_step trail;
    int r;
    ASSERT(store->loaded);
    if (store_batch_size(batch) == 0)
        return 0;
    for (size_t i = 0; i < batch->n_ops; i++) {
        const struct store_op *op = &batch->ops[i];
        if (op->old_sum)
            store_ledger_remove(&next, op->old_sum);
        if (op->sum)
            store_ledger_add(&next, op->sum);
    }
    next.revision++;
    if (store->lost)
        r = STORE_LOST;
    else if (batch->failed)
        r = -ENOMEM;
    else
        r = step_trail(store, batch, &next.trail, &trail);
    if (r == 0)
        r = commit(store, batch->ops, batch->n_ops, &trail, &next);
    atomic_fetch_add(r ? &store->failed_commits : &store->commits, 1);
    return r;
}

int store_raise_revision(struct store *store, uint64_t revision)
{
    struct store_ledger next = store->ledger;
    next.revision = revision > next.revision ? revision : next.revision + 1;
    return commit(store, NULL, 0, &(struct store_trail_step){ 0 }, &next);
}

void store_stat(const struct store *store, struct store_stat *ret_stat)
{
    *ret_stat = (struct store_stat){
        .records = store->records,
        .commits = store->commits,
        .failed_commits = store->failed_commits,
        .trail_rows = store->trail_rows,
        .trail_bytes = store->trail_bytes,
        .lost = store->lost,
    };
    store->backend->ops->stat(store->backend, ret_stat);
}
