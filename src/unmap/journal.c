/* SPDX-License-Identifier: Apache-2.0
 *
 * Lines out, lines in. */
#include "unmap/journal.h"
#include "json/reader.h"
#include "json/writer.h"

#include <errno.h>

#define FILE_NAME "journal.jsonl"
#define OLD_FILE_NAME "journal.1.jsonl"
#define ROTATE_BYTES ((uint64_t)64 << 20)
#define LINES_MAX ((size_t)256 << 20)
#define ENTRY_ARENA_MAX ((size_t)4 << 20)
#define ATTRIBUTES_MAX 1000

static const char *const step_words[JOURNAL_STEP_COUNT] = {
    [JOURNAL_REMOVING] = "removing", [JOURNAL_REMOVED] = "removed",   [JOURNAL_KEPT] = "kept",
    [JOURNAL_FAILED] = "failed",     [JOURNAL_RESTORED] = "restored",
};

/* --- writing ----------------------------------------------------------------------------------------------------- */

void journal_init(struct journal *journal, const struct state_dir *dir)
{
    journal->dir = dir;
    buf_init(&journal->lines, LINES_MAX);
}

void journal_fini(struct journal *journal)
{
    buf_fini(&journal->lines);
}

void journal_add(struct journal *journal, const struct journal_entry *entry)
{
    struct json_writer writer;
    json_writer_init(&writer, &journal->lines);
    json_open_object(&writer);
    json_field_int(&writer, STR("version"), 1);
    json_field_string(&writer, STR("step"), str_of(step_words[entry->step]));
    json_field_string(&writer, STR("removal"), entry->removal);
    json_field_int(&writer, STR("wall_ms"), entry->wall_ms);
    json_field_string(&writer, STR("service_id"), entry->service_id);
    json_field_optional(&writer, STR("region"), entry->region);
    json_field_optional(&writer, STR("role_arn"), entry->role_arn);
    json_field_string(&writer, STR("instance_id"), entry->instance.id);
    json_field_optional(&writer, STR("reason"), entry->reason);
    if (entry->step == JOURNAL_REMOVING) {
        json_key(&writer, STR("attributes"));
        json_open_object(&writer);
        for (size_t i = 0; i < entry->instance.n_attributes; i++)
            json_field_string(&writer, entry->instance.attributes[i].key, entry->instance.attributes[i].value);
        json_close_object(&writer);
    }
    json_close_object(&writer);
    buf_put_char(&journal->lines, '\n');
}

int journal_flush(struct journal *journal)
{
    int r = journal->lines.failed ? -ENOMEM : 0;
    if (r == 0 && journal->lines.n > 0)
        r = state_dir_append(journal->dir, FILE_NAME, OLD_FILE_NAME, ROTATE_BYTES, buf_str(&journal->lines));
    buf_clear(&journal->lines);
    return r;
}

/* --- reading ----------------------------------------------------------------------------------------------------- */

/* Errors stay in the reader. */
static void read_step(struct json_reader *reader, enum journal_step *ret_step)
{
    struct str word;
    if (json_string(reader, &word) != 0)
        return;
    for (int i = 0; i < JOURNAL_STEP_COUNT; i++)
        if (str_eq(word, str_of(step_words[i])))
            *ret_step = (enum journal_step)i;
}

static void read_attributes(struct json_reader *reader, struct arena *arena, struct cloud_map_instance *instance)
{
    struct str_pair *pairs = ARENA_ARRAY(arena, struct str_pair, ATTRIBUTES_MAX), pair;
    size_t n = 0;
    bool more;
    json_object(reader);
    while (json_member(reader, &more, &pair.key) == 0 && more) {
        if (!pairs || n == ATTRIBUTES_MAX)
            json_null(reader); /* a type that it is not */
        else if (json_string(reader, &pair.value) == 0)
            pairs[n++] = pair;
    }
    instance->attributes = pairs;
    instance->n_attributes = n;
}

static void read_member(struct json_reader *reader, struct str key, struct arena *arena, struct journal_entry *entry,
                        int64_t *version)
{
    const struct {
        struct str name, *value;
    } strings[] = {
        { STR("removal"), &entry->removal },   { STR("service_id"), &entry->service_id },
        { STR("region"), &entry->region },     { STR("instance_id"), &entry->instance.id },
        { STR("role_arn"), &entry->role_arn }, { STR("reason"), &entry->reason },
    };
    for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++) {
        if (str_eq(key, strings[i].name)) {
            json_string(reader, strings[i].value);
            return;
        }
    }
    if (str_eq(key, STR("version")))
        json_int(reader, version);
    else if (str_eq(key, STR("step")))
        read_step(reader, &entry->step);
    else if (str_eq(key, STR("wall_ms")))
        json_int(reader, &entry->wall_ms);
    else if (str_eq(key, STR("attributes")))
        read_attributes(reader, arena, &entry->instance);
    else
        json_skip(reader);
}

int journal_parse(char *line, size_t n, struct arena *arena, struct journal_entry *ret_entry)
{
    struct json_reader reader;
    struct journal_entry entry = { .step = JOURNAL_STEP_COUNT };
    int64_t version = 0;
    struct str key;
    bool more;
    json_reader_init(&reader, line, n, arena);
    json_object(&reader);
    while (json_member(&reader, &more, &key) == 0 && more)
        read_member(&reader, key, arena, &entry, &version);
    if (arena->failed)
        return -ENOMEM;
    if (json_end(&reader) != 0 || version != 1 || entry.step == JOURNAL_STEP_COUNT || !entry.removal.n ||
        !entry.service_id.n || !entry.instance.id.n || (entry.step == JOURNAL_REMOVING && !entry.instance.attributes))
        return 1;
    *ret_entry = entry;
    return 0;
}

struct reading {
    struct arena arena;
    journal_fn *fn;
    void *arg;
    unsigned n_unreadable;
};

static int on_line(void *arg, unsigned line, char *text, size_t n)
{
    (void)line;
    struct reading *reading = arg;
    struct journal_entry entry;
    arena_reset(&reading->arena);
    int r = text ? journal_parse(text, n, &reading->arena, &entry) : 1;
    if (r == 0)
        return reading->fn(reading->arg, &entry);
    if (r > 0)
        reading->n_unreadable++;
    return r < 0 ? r : 0;
}

int journal_read(const struct state_dir *dir, journal_fn *fn, void *arg, unsigned *ret_n_unreadable)
{
    struct reading reading = { .fn = fn, .arg = arg };
    arena_init(&reading.arena, ENTRY_ARENA_MAX);
    int r = state_dir_read(dir, OLD_FILE_NAME, on_line, &reading);
    if (r == 0)
        r = state_dir_read(dir, FILE_NAME, on_line, &reading);
    arena_fini(&reading.arena);
    *ret_n_unreadable = reading.n_unreadable;
    return r;
}
