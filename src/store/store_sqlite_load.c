/* SPDX-License-Identifier: Apache-2.0
 *
 * Checking and reading a whole database. */
#include "store/store_sqlite_load.h"
#include "store/store_sqlite_file.h"

struct reading {
    sqlite3 *db;
    const char *name;
    struct store_message *message;
};

static int failed(struct reading *reading)
{
    return store_sqlite_file_error(reading->db, reading->name, "reading it", reading->message);
}

static struct str column(sqlite3_stmt *statement, int i)
{
    const char *p = (const char *)sqlite3_column_text(statement, i);
    return (struct str){ p, p ? (size_t)sqlite3_column_bytes(statement, i) : 0 };
}

static int prepare(struct reading *reading, const char *sql, sqlite3_stmt **ret_statement)
{
    return sqlite3_prepare_v2(reading->db, sql, -1, ret_statement, NULL) ? failed(reading) : 0;
}

/* Our tables, word for word as we made them: no other table, index, view or trigger. */
static int check_schema(struct reading *reading, sqlite3_stmt *statement)
{
    if (sqlite3_step(statement) != SQLITE_ROW)
        return failed(reading);
    struct str tables = column(statement, 0);
    if (!str_is_set(tables) && store_sqlite_file_is_nomem(reading->db))
        return failed(reading);
    if (!str_eq(tables, STR(STORE_SQLITE_FILE_TABLE)) &&
        !str_eq(tables, STR(STORE_SQLITE_FILE_TABLE ";" STORE_SQLITE_FILE_TRAIL)))
        return store_tell(reading->message, STORE_DAMAGED,
                          "%s: its tables are not Cloudmap's, another program changed them; " STORE_HINT_RESTORE,
                          reading->name);
    return 0;
}

/* Pages that are used twice or never, free space that overlaps cells: nothing that reading the rows would meet, but
 * later writes would spread it. */
static int check_structure(struct reading *reading)
{
    sqlite3_stmt *statement;
    int r = prepare(reading, "PRAGMA quick_check(1)", &statement);
    if (r)
        return r;
    struct str verdict = { 0 };
    if (sqlite3_step(statement) == SQLITE_ROW)
        verdict = column(statement, 0);
    if (!str_is_set(verdict))
        r = failed(reading);
    else if (!str_eq(verdict, STR("ok")))
        r = store_tell(reading->message, STORE_DAMAGED, "%s: damaged (%.200s); " STORE_HINT_RESTORE, reading->name,
                       verdict.p);
    sqlite3_finalize(statement);
    return r;
}

static int read_row(struct reading *reading, sqlite3_stmt *statement, store_row_fn *fn, void *arg)
{
    /* another type could compare and sort differently from what was stored */
    if (sqlite3_column_type(statement, 0) != SQLITE_TEXT || sqlite3_column_type(statement, 1) != SQLITE_TEXT)
        return store_tell(reading->message, STORE_DAMAGED, "%s: damaged (a row is not text); " STORE_HINT_RESTORE,
                          reading->name);
    struct str key = column(statement, 0), value = column(statement, 1);
    return str_is_set(key) && str_is_set(value) ? fn(arg, key, value) : failed(reading);
}

static int read_rows(struct reading *reading, store_row_fn *fn, void *arg)
{
    sqlite3_stmt *statement;
    int code = SQLITE_DONE;
    int r = prepare(reading, "SELECT key, value FROM record ORDER BY key", &statement);
    if (r)
        return r;
    while (r == 0 && (code = sqlite3_step(statement)) == SQLITE_ROW)
        r = read_row(reading, statement, fn, arg);
    if (r == 0 && code != SQLITE_DONE)
        r = failed(reading);
    sqlite3_finalize(statement);
    return r;
}

int store_sqlite_load(sqlite3 *db, const char *name, store_row_fn *fn, void *arg, struct store_message *ret_message)
{
    struct reading reading = { .db = db, .name = name, .message = ret_message };
    sqlite3_stmt *schema;
    int r =
        prepare(&reading, "SELECT group_concat(sql, ';') FROM (SELECT sql FROM sqlite_schema ORDER BY name)", &schema);
    if (r)
        return r;
    /* this statement stays open: its read transaction holds one state for the others */
    r = check_schema(&reading, schema);
    if (r == 0)
        r = check_structure(&reading);
    if (r == 0)
        r = read_rows(&reading, fn, arg);
    sqlite3_finalize(schema);
    return r;
}

int store_sqlite_load_row(sqlite3_stmt *statement, struct store_row *ret_row)
{
    ret_row->number = (uint64_t)sqlite3_column_int64(statement, 0);
    ret_row->time_ms = sqlite3_column_int64(statement, 1);
    const void *hash = sqlite3_column_blob(statement, 2);
    if (!hash || sqlite3_column_bytes(statement, 2) != HASH_SHA256_LEN)
        return 1;
    memcpy(ret_row->hash, hash, HASH_SHA256_LEN);
    ret_row->text = column(statement, 3);
    return str_is_set(ret_row->text) ? 0 : 1;
}
