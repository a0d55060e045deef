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

/* Pages that are used twice or never, free space that overlaps cells: nothing that reading the rows would meet, but
 * later writes would spread it. */
static int check_structure(struct reading *reading, sqlite3_stmt *statement)
{
    if (sqlite3_step(statement) != SQLITE_ROW)
        return failed(reading);
    struct str verdict = column(statement, 0);
    if (!str_is_set(verdict))
        return failed(reading);
    if (!str_eq(verdict, STR("ok")))
        return store_tell(reading->message, STORE_DAMAGED, "%s: damaged (%.200s); " STORE_HINT_RESTORE, reading->name,
                          verdict.p);
    return 0;
}

/* One table, word for word as we made it: no other table, index, view or trigger. */
static int check_schema(struct reading *reading, sqlite3_stmt *statement)
{
    int code = sqlite3_step(statement);
    bool good = code == SQLITE_ROW && str_eq(column(statement, 0), STR(STORE_SQLITE_FILE_TABLE));
    if (good)
        code = sqlite3_step(statement);
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        return failed(reading);
    if (!good || code != SQLITE_DONE)
        return store_tell(reading->message, STORE_DAMAGED,
                          "%s: its tables are not Cloudmap's, another program changed them; " STORE_HINT_RESTORE,
                          reading->name);
    return 0;
}

static int read_rows(struct reading *reading, sqlite3_stmt *statement, store_row_fn *fn, void *arg)
{
    int code;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        /* another type could compare and sort differently from what was stored */
        if (sqlite3_column_type(statement, 0) != SQLITE_TEXT || sqlite3_column_type(statement, 1) != SQLITE_TEXT)
            return store_tell(reading->message, STORE_DAMAGED, "%s: damaged (a row is not text); " STORE_HINT_RESTORE,
                              reading->name);
        struct str key = column(statement, 0), value = column(statement, 1);
        if (!str_is_set(key) || !str_is_set(value))
            return failed(reading);
        int r = fn(arg, key, value);
        if (r)
            return r;
    }
    return code == SQLITE_DONE ? 0 : failed(reading);
}

/* The three queries of a load, in this order. */
static int query(struct reading *reading, int i, store_row_fn *fn, void *arg)
{
    static const char *const sql[] = { "PRAGMA quick_check(1)", "SELECT sql FROM sqlite_schema",
                                       "SELECT key, value FROM record ORDER BY key" };
    sqlite3_stmt *statement;
    if (sqlite3_prepare_v2(reading->db, sql[i], -1, &statement, NULL))
        return failed(reading);
    int r = i == 0   ? check_structure(reading, statement)
            : i == 1 ? check_schema(reading, statement)
                     : read_rows(reading, statement, fn, arg);
    sqlite3_finalize(statement);
    return r;
}

int store_sqlite_load(sqlite3 *db, const char *name, store_row_fn *fn, void *arg, struct store_message *ret_message)
{
    struct reading reading = { .db = db, .name = name, .message = ret_message };
    if (sqlite3_exec(db, "BEGIN", NULL, NULL, NULL))
        return failed(&reading);
    int r = 0;
    for (int i = 0; r == 0 && i < 3; i++)
        r = query(&reading, i, fn, arg);
    sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    return r;
}
