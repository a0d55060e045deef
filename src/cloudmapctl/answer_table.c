/* SPDX-License-Identifier: Apache-2.0
 *
 * See answer_table.h. */
#include "cloudmapctl/answer_table.h"

#include "json/reader.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>

#define ARENA_CAP (64 << 20)
#define COLUMNS_MAX 8
#define NAME_WIDTH 20

struct row {
    struct str cells[COLUMNS_MAX];
};

struct table {
    struct str names[COLUMNS_MAX];
    size_t widths[COLUMNS_MAX];
    size_t n_columns;
    struct row *rows;
    size_t n_rows, size;
};

static bool is_hidden(struct str name, const char *hidden)
{
    char word[64];
    snprintf(word, sizeof(word), " " STR_FMT " ", STR_ARG(name));
    return strstr(hidden, word) != NULL;
}

/* `secret_access_key` as `Secret access key`. */
static struct str name_text(struct arena *arena, struct str name)
{
    struct str copy = arena_dup(arena, name);
    char *p = (char *)(uintptr_t)copy.p;
    for (size_t i = 0; i < copy.n; i++)
        if (p[i] == '_')
            p[i] = ' ';
    if (copy.n && *p >= 'a' && *p <= 'z')
        *p = (char)(*p - 'a' + 'A');
    return copy;
}

static int read_list(struct json_reader *reader, struct arena *arena, struct str *ret_text)
{
    struct str item;
    bool more;
    *ret_text = STR("");
    if (json_array(reader))
        return 1;
    while (!json_element(reader, &more) && more) {
        if (json_string(reader, &item))
            return 1;
        *ret_text = ret_text->n ? arena_printf(arena, STR_FMT ", " STR_FMT, STR_ARG(*ret_text), STR_ARG(item)) : item;
    }
    return reader->error != 0;
}

/* A text, a number, or an array of texts. */
static int read_cell(struct json_reader *reader, struct arena *arena, struct str *ret_text)
{
    enum json_type type;
    int64_t number;
    if (json_peek(reader, &type))
        return 1;
    if (type == JSON_ARRAY)
        return read_list(reader, arena, ret_text);
    if (type != JSON_NUMBER)
        return json_string(reader, ret_text);
    if (json_int(reader, &number))
        return 1;
    *ret_text = arena_printf(arena, "%" PRId64, number);
    return 0;
}

/* The column of that name; a new one when there is room. COLUMNS_MAX: none. */
static size_t find_column(struct table *table, struct arena *arena, struct str name)
{
    struct str text = name_text(arena, name);
    for (size_t i = 0; i < table->n_columns; i++)
        if (str_eq(table->names[i], text))
            return i;
    if (table->n_columns == COLUMNS_MAX)
        return COLUMNS_MAX;
    table->names[table->n_columns] = text;
    table->widths[table->n_columns] = text.n;
    return table->n_columns++;
}

static int read_row(struct json_reader *reader, struct arena *arena, const char *hidden, struct table *table)
{
    struct str key, cell;
    bool more;
    if (table->n_rows == table->size) {
        struct row *longer = arena_grow(arena, table->rows, &table->size, 64, sizeof(*longer));
        if (!longer)
            return 1;
        table->rows = longer;
    }
    struct row *row = &table->rows[table->n_rows++];
    *row = (struct row){ 0 };
    if (json_object(reader))
        return 1;
    while (!json_member(reader, &more, &key) && more) {
        if (is_hidden(key, hidden)) {
            if (json_skip(reader))
                return 1;
            continue;
        }
        if (read_cell(reader, arena, &cell))
            return 1;
        size_t column = find_column(table, arena, key);
        if (column == COLUMNS_MAX)
            continue;
        row->cells[column] = cell;
        if (cell.n > table->widths[column])
            table->widths[column] = cell.n;
    }
    return reader->error != 0;
}

static void print_cells(const struct table *table, const struct str *cells)
{
    size_t last = table->n_columns;
    while (last > 0 && cells[last - 1].n == 0)
        last--;
    for (size_t i = 0; i < last; i++)
        printf("%-*.*s%s", i + 1 < last ? (int)table->widths[i] : 0, STR_ARG(cells[i]), i + 1 < last ? "  " : "\n");
}

static int print_table(struct json_reader *reader, struct arena *arena, const char *hidden)
{
    struct table table = { .n_columns = 0 };
    bool more;
    if (json_array(reader))
        return 1;
    while (!json_element(reader, &more) && more)
        if (read_row(reader, arena, hidden, &table))
            return 1;
    if (reader->error)
        return 1;
    if (table.n_rows == 0)
        puts("(none)");
    else
        print_cells(&table, table.names);
    for (size_t i = 0; i < table.n_rows; i++)
        print_cells(&table, table.rows[i].cells);
    return 0;
}

static int print_member(struct json_reader *reader, struct arena *arena, struct str key, const char *hidden)
{
    enum json_type type;
    struct str cell;
    if (is_hidden(key, hidden))
        return json_skip(reader);
    if (json_peek(reader, &type))
        return 1;
    if (type == JSON_ARRAY)
        return print_table(reader, arena, hidden);
    if (read_cell(reader, arena, &cell))
        return 1;
    struct str name = name_text(arena, key);
    printf("%-*.*s" STR_FMT "\n", NAME_WIDTH, STR_ARG(name), STR_ARG(cell));
    return 0;
}

int answer_table_print(char *json, size_t n, const char *hidden)
{
    struct json_reader reader;
    struct arena arena;
    struct str key;
    bool more = false;
    arena_init(&arena, ARENA_CAP);
    json_reader_init(&reader, json, n, &arena);
    reader.max_values = UINT_MAX; /* lists of all keys are long */
    int r = json_object(&reader) ? 1 : 0;
    while (r == 0 && json_member(&reader, &more, &key) == 0 && more)
        r = print_member(&reader, &arena, key, hidden);
    r = r || json_end(&reader) || arena.failed;
    arena_fini(&arena);
    return r;
}
