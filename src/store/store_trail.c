/* SPDX-License-Identifier: Apache-2.0
 *
 * The chain, and reading the trail through a connection of one's own. */
#include "store/store_trail.h"
#include "base/mem.h"
#include "store/store_backend.h"
#include "store/store_dir.h"
#include "store/store_ledger.h"
#include "store/store_seal.h"
#include "store/store_sqlite_file.h"
#include "store/store_sqlite_load.h"

#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

struct store_trail {
    sqlite3 *db;
    char path[STORE_DIR_FILE_MAX];
};

void store_trail_chain(struct store_trail_head *head, struct store_row *row)
{
    struct {
        uint8_t before[HASH_SHA256_LEN];
        uint64_t number, time_ms;
        uint8_t text[HASH_SHA256_LEN];
    } link;
    row->number = ++head->last;
    memcpy(link.before, head->hash, sizeof(link.before));
    link.number = htobe64(row->number);
    link.time_ms = htobe64((uint64_t)row->time_ms);
    hash_sha256(row->text.p, row->text.n, link.text);
    hash_sha256(&link, sizeof(link), row->hash);
    memcpy(head->hash, row->hash, sizeof(row->hash));
    head->bytes += row->text.n;
}

/* --- opening ----------------------------------------------------------------------------------------------------- */

int store_trail_open(const char *dir_path, struct store_trail **ret_trail, struct store_message *ret_message)
{
    struct store_trail *trail = mem_zalloc(sizeof(*trail));
    struct store_dir dir;
    int r = trail ? store_dir_open(dir_path, false, &dir, ret_message)
                  : store_tell(ret_message, -ENOMEM, "%s: out of memory while opening it", dir_path);
    if (r) {
        mem_free(trail);
        return r;
    }
    store_dir_file(&dir, STORE_DIR_DB, trail->path);
    store_dir_close(&dir);
    r = store_sqlite_file_open(trail->path, STORE_SQLITE_FILE_READ, &trail->db, ret_message);
    if (r)
        mem_free(trail);
    else
        *ret_trail = trail;
    return r;
}

void store_trail_close(struct store_trail *trail)
{
    if (!trail)
        return;
    sqlite3_close(trail->db);
    mem_free(trail);
}

/* --- reading ----------------------------------------------------------------------------------------------------- */

static int failed(struct store_trail *trail, struct store_message *message)
{
    return store_sqlite_file_error(trail->db, trail->path, "reading its trail", message);
}

static int prepare(struct store_trail *trail, const char *sql, sqlite3_stmt **ret_statement,
                   struct store_message *message)
{
    return sqlite3_prepare_v2(trail->db, sql, -1, ret_statement, NULL) ? failed(trail, message) : 0;
}

int store_trail_head(struct store_trail *trail, struct store_trail_head *ret_head, struct store_message *ret_message)
{
    struct store_ledger ledger;
    struct str value = { 0 }, members;
    sqlite3_stmt *statement;
    uint32_t sum;
    int r = prepare(trail, "SELECT value FROM record WHERE key = 'ledger'", &statement, ret_message);
    if (r)
        return r;
    if (sqlite3_step(statement) == SQLITE_ROW) {
        value.p = (const char *)sqlite3_column_text(statement, 0);
        value.n = (size_t)sqlite3_column_bytes(statement, 0);
    }
    if (!str_is_set(value) || store_seal_check(STORE_LEDGER_KEY, value, &members, &sum) ||
        store_ledger_parse(members, &ledger))
        r = store_tell(ret_message, STORE_DAMAGED, "%s: the ledger record is damaged; " STORE_HINT_RESTORE,
                       trail->path);
    else
        *ret_head = ledger.trail;
    sqlite3_finalize(statement);
    return r;
}

static int damaged(struct store_trail *trail, uint64_t number, const char *what, struct store_message *message)
{
    return store_tell(message, STORE_DAMAGED, "%s: row %" PRIu64 " of the trail %s", trail->path, number, what);
}

int store_trail_read(struct store_trail *trail, uint64_t from, bool backwards, store_trail_fn *fn, void *arg,
                     struct store_message *ret_message)
{
    sqlite3_stmt *statement;
    struct store_row row;
    int code = SQLITE_DONE;
    int r = prepare(trail,
                    backwards ? "SELECT number, time, hash, text FROM trail WHERE number <= ?1 ORDER BY number DESC"
                              : "SELECT number, time, hash, text FROM trail WHERE number >= ?1 ORDER BY number",
                    &statement, ret_message);
    if (r)
        return r;
    sqlite3_bind_int64(statement, 1, from > INT64_MAX ? INT64_MAX : (sqlite3_int64)from);
    while (r == 0 && (code = sqlite3_step(statement)) == SQLITE_ROW) {
        if (store_sqlite_load_row(statement, &row))
            r = damaged(trail, row.number, "is no row of ours", ret_message);
        else
            r = fn(arg, &row);
    }
    if (r == 0 && code != SQLITE_DONE)
        r = failed(trail, ret_message);
    sqlite3_finalize(statement);
    return r;
}

static int note_time(void *arg, const struct store_row *row)
{
    *(struct store_row *)arg = *row;
    return 1;
}

int store_trail_seek(struct store_trail *trail, int64_t time_ms, uint64_t *ret_number,
                     struct store_message *ret_message)
{
    struct store_trail_head head;
    int r = store_trail_head(trail, &head, ret_message);
    uint64_t low = head.gone + 1, high = head.last + 1;
    while (r == 0 && low < high) {
        uint64_t middle = low + (high - low) / 2;
        struct store_row row;
        r = store_trail_read(trail, middle, false, note_time, &row, ret_message);
        if (r == 0) /* trimmed while we looked, or a row is missing */
            high = middle;
        else if (r == 1 && row.time_ms < time_ms)
            low = row.number + 1;
        else if (r == 1)
            high = middle;
        r = r == 1 ? 0 : r;
    }
    *ret_number = low;
    return r;
}

/* --- verifying --------------------------------------------------------------------------------------------------- */

struct verification {
    struct store_trail *trail;
    struct store_trail_head head; /* as far as it was checked */
    store_trail_fn *fn;
    void *arg;
    struct store_message *message;
};

static int verify_row(void *arg, const struct store_row *row)
{
    struct verification *verification = arg;
    struct store_row again = *row;
    store_trail_chain(&verification->head, &again);
    if (again.number != row->number)
        return damaged(verification->trail, again.number, "is missing", verification->message);
    if (memcmp(again.hash, row->hash, sizeof(row->hash)) != 0)
        return damaged(verification->trail, row->number, "was changed", verification->message);
    return verification->fn ? verification->fn(verification->arg, row) : 0;
}

static int verify(struct verification *verification, struct store_trail_head *ret_head)
{
    struct store_trail *trail = verification->trail;
    struct store_message *message = verification->message;
    struct store_trail_head *seen = &verification->head;
    int r = store_trail_head(trail, ret_head, message);
    if (r)
        return r;
    *seen = *ret_head;
    seen->last = ret_head->gone;
    seen->bytes = 0;
    memcpy(seen->hash, ret_head->base, sizeof(seen->hash));
    r = store_trail_read(trail, 0, false, verify_row, verification, message);
    if (r)
        return r;
    if (seen->last < ret_head->last)
        return damaged(trail, seen->last + 1, "is missing, as are those behind it", message);
    if (seen->last > ret_head->last)
        return damaged(trail, ret_head->last + 1, "is beyond the end that the ledger knows", message);
    if (memcmp(seen->hash, ret_head->hash, sizeof(seen->hash)) != 0 || seen->bytes != ret_head->bytes)
        return store_tell(message, STORE_DAMAGED, "%s: the trail does not end as the ledger says", trail->path);
    return 0;
}

int store_trail_verify(struct store_trail *trail, store_trail_fn *fn, void *arg, struct store_trail_head *ret_head,
                       struct store_message *ret_message)
{
    struct verification verification = { .trail = trail, .fn = fn, .arg = arg, .message = ret_message };
    /* one state for head and rows */
    if (sqlite3_exec(trail->db, "BEGIN; SELECT 1 FROM sqlite_schema", NULL, NULL, NULL))
        return failed(trail, ret_message);
    int r = verify(&verification, ret_head);
    sqlite3_exec(trail->db, "ROLLBACK", NULL, NULL, NULL);
    return r;
}
