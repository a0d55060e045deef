/* SPDX-License-Identifier: Apache-2.0
 *
 * A first line with what concerns the service, then a line for each instance. */
#include "unmap/history_file.h"
#include "json/reader.h"
#include "json/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define TEXT_MAX ((size_t)256 << 20)
#define MEMORIES_MAX 1000000

/* Ids are the service's own: whatever could lead out of the directory is written in hex. */
static void make_name(struct str service_id, char *ret, size_t size)
{
    size_t n = (size_t)snprintf(ret, size, "history-");
    for (size_t i = 0; i < service_id.n && n + 16 < size; i++) {
        char c = service_id.p[i];
        bool is_plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
        n += (size_t)snprintf(ret + n, size - n, is_plain ? "%c" : "%%%02x", (unsigned char)c);
    }
    snprintf(ret + n, size - n, ".jsonl");
}

/* What tells one boot from another; empty when the kernel does not say. */
static struct str read_boot_id(char *ret, size_t size)
{
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, ret, size);
    if (fd >= 0)
        close(fd);
    struct str id = { ret, n > 0 ? (size_t)n : 0 };
    id.n = str_find_char(id, '\n');
    return id;
}

/* --- saving ------------------------------------------------------------------------------------------------------ */

static void write_head(struct json_writer *writer, int64_t now_ms, const struct plan_history *history)
{
    char boot_id[64];
    json_open_object(writer);
    json_field_int(writer, STR("version"), 1);
    json_field_string(writer, STR("boot_id"), read_boot_id(boot_id, sizeof(boot_id)));
    json_field_int(writer, STR("now_ms"), now_ms);
    json_field_optional(writer, STR("account"), history->account);
    json_field_int(writer, STR("account_changed_ms"), history->account_changed_ms);
    json_field_int(writer, STR("hour"), history->hour);
    json_key(writer, STR("most"));
    json_open_array(writer);
    for (size_t i = 0; i < PLAN_HOURS; i++)
        json_put_int(writer, history->most[i]);
    json_close_array(writer);
    json_key(writer, STR("removed_ms"));
    json_open_array(writer);
    for (size_t i = 0; i < history->n_removed; i++)
        json_put_int(writer, history->removed_ms[i]);
    json_close_array(writer);
    json_close_object(writer);
}

static void write_memory(struct json_writer *writer, const struct plan_memory *memory)
{
    json_open_object(writer);
    json_field_string(writer, STR("id"), memory->id);
    json_field_string(writer, STR("address"), memory->address);
    json_field_optional(writer, STR("zone"), memory->zone);
    json_field_int(writer, STR("first_seen_ms"), memory->first_seen_ms);
    json_field_int(writer, STR("doubted_since_ms"), memory->doubted_since_ms);
    json_field_int(writer, STR("doubts"), memory->doubts);
    json_key(writer, STR("has_passed"));
    json_put_bool(writer, memory->has_passed);
    json_close_object(writer);
}

int history_file_save(const struct state_dir *dir, struct str service_id, int64_t now_ms,
                      const struct plan_history *history)
{
    char name[256];
    struct buf text;
    struct json_writer writer;
    make_name(service_id, name, sizeof(name));
    buf_init(&text, TEXT_MAX);
    json_writer_init(&writer, &text);
    write_head(&writer, now_ms, history);
    for (size_t i = 0; i < history->n_memories; i++) {
        buf_put_char(&text, '\n');
        json_writer_init(&writer, &text);
        write_memory(&writer, &history->memories[i]);
    }
    buf_put_char(&text, '\n');
    int r = text.failed ? -ENOMEM : state_dir_replace(dir, name, buf_str(&text));
    buf_fini(&text);
    return r;
}

/* --- loading ----------------------------------------------------------------------------------------------------- */

struct loading {
    struct arena *arena, scratch;
    struct plan_history *history;
    size_t size; /* of memories */
    int64_t now_ms;
    int64_t shift_ms; /* from the clock of the file to now's */
};

/* Errors stay in the reader. More numbers than fit are one. */
static size_t read_ints(struct json_reader *reader, size_t max, int64_t *ret_items)
{
    size_t n = 0;
    bool more;
    json_array(reader);
    while (json_element(reader, &more) == 0 && more) {
        int64_t item;
        if (n == max)
            json_null(reader); /* a type that it is not */
        else if (json_int(reader, &item) == 0)
            ret_items[n++] = item;
    }
    return n;
}

static void read_most(struct json_reader *reader, uint32_t *most)
{
    int64_t items[PLAN_HOURS];
    size_t n = read_ints(reader, PLAN_HOURS, items);
    for (size_t i = 0; i < n; i++)
        most[i] = items[i] < 0 ? 0 : items[i] > UINT32_MAX ? UINT32_MAX : (uint32_t)items[i];
}

struct head {
    int64_t version, now_ms;
    struct str boot_id, account;
};

static void read_head_member(struct json_reader *reader, struct str key, struct head *head,
                             struct plan_history *history)
{
    if (str_eq(key, STR("version")))
        json_int(reader, &head->version);
    else if (str_eq(key, STR("boot_id")))
        json_string(reader, &head->boot_id);
    else if (str_eq(key, STR("now_ms")))
        json_int(reader, &head->now_ms);
    else if (str_eq(key, STR("account")))
        json_string(reader, &head->account);
    else if (str_eq(key, STR("account_changed_ms")))
        json_int(reader, &history->account_changed_ms);
    else if (str_eq(key, STR("hour")))
        json_int(reader, &history->hour);
    else if (str_eq(key, STR("most")))
        read_most(reader, history->most);
    else if (str_eq(key, STR("removed_ms")))
        history->n_removed = read_ints(reader, PLAN_MAX_REMOVALS, history->removed_ms);
    else
        json_skip(reader);
}

/* Times of the file on the clock of now. On the same clock they stand as they are, unless it went backwards. */
static void shift_head(struct loading *loading, const struct head *head)
{
    struct plan_history *history = loading->history;
    char boot_id[64];
    bool is_same_clock = head->boot_id.n > 0 && head->now_ms <= loading->now_ms &&
                         str_eq(head->boot_id, read_boot_id(boot_id, sizeof(boot_id)));
    loading->shift_ms = is_same_clock ? 0 : loading->now_ms - head->now_ms;
    for (size_t i = 0; i < history->n_removed; i++)
        history->removed_ms[i] += loading->shift_ms;
    if (history->account_changed_ms != 0)
        history->account_changed_ms += loading->shift_ms;
    if (is_same_clock)
        return;
    uint32_t most = 0; /* of hours that nobody can tell apart any more: it counts for a day from now */
    for (size_t i = 0; i < PLAN_HOURS; i++)
        most = history->most[i] > most ? history->most[i] : most;
    memset(history->most, 0, sizeof(history->most));
    history->hour = loading->now_ms / 3600000;
    history->most[history->hour % PLAN_HOURS] = most;
}

/* Within some ten million years, so that no sum of two overflows; times before this boot are negative. */
static bool is_time(int64_t ms)
{
    return ms > -INT64_MAX / 4 && ms < INT64_MAX / 4;
}

static int read_head(struct loading *loading, struct json_reader *reader)
{
    struct head head = { 0 };
    struct str key;
    bool more;
    json_object(reader);
    while (json_member(reader, &more, &key) == 0 && more)
        read_head_member(reader, key, &head, loading->history);
    if (json_end(reader) != 0 || head.version != 1 || head.now_ms < 0 || !is_time(head.now_ms) ||
        loading->history->hour < 0 || loading->history->hour > head.now_ms / 3600000 ||
        !is_time(loading->history->account_changed_ms))
        return 1;
    for (size_t i = 0; i < loading->history->n_removed; i++)
        if (!is_time(loading->history->removed_ms[i]))
            return 1;
    shift_head(loading, &head);
    loading->history->account = str_is_set(head.account) ? arena_dup(loading->arena, head.account) : head.account;
    return loading->arena->failed ? -ENOMEM : 0;
}

static void read_memory_member(struct json_reader *reader, struct str key, struct plan_memory *memory)
{
    int64_t doubts = 0;
    if (str_eq(key, STR("id")))
        json_string(reader, &memory->id);
    else if (str_eq(key, STR("address")))
        json_string(reader, &memory->address);
    else if (str_eq(key, STR("zone")))
        json_string(reader, &memory->zone);
    else if (str_eq(key, STR("first_seen_ms")))
        json_int(reader, &memory->first_seen_ms);
    else if (str_eq(key, STR("doubted_since_ms")))
        json_int(reader, &memory->doubted_since_ms);
    else if (str_eq(key, STR("has_passed")))
        json_bool(reader, &memory->has_passed);
    else if (str_eq(key, STR("doubts")) && json_int(reader, &doubts) == 0)
        memory->doubts = doubts < 0 || doubts > UINT32_MAX ? 0 : (uint32_t)doubts;
    else
        json_skip(reader);
}

static int read_memory(struct json_reader *reader, struct plan_memory *memory)
{
    struct str key;
    bool more;
    json_object(reader);
    while (json_member(reader, &more, &key) == 0 && more)
        read_memory_member(reader, key, memory);
    return json_end(reader) != 0 || !memory->id.n || !memory->address.n || !is_time(memory->first_seen_ms) ||
           !is_time(memory->doubted_since_ms);
}

/* Lines come sorted, as they were saved; anything else is damage. */
static int keep_memory(struct loading *loading, const struct plan_memory *memory)
{
    struct plan_history *history = loading->history;
    if (history->n_memories == MEMORIES_MAX ||
        (history->n_memories > 0 && str_cmp(history->memories[history->n_memories - 1].id, memory->id) >= 0))
        return 1;
    if (history->n_memories == loading->size) {
        struct plan_memory *longer = arena_grow(loading->arena, history->memories, &loading->size, 64, sizeof(*longer));
        if (!longer)
            return -ENOMEM;
        history->memories = longer;
    }
    history->memories[history->n_memories++] = (struct plan_memory){
        .id = arena_dup(loading->arena, memory->id),
        .address = arena_dup(loading->arena, memory->address),
        .zone = str_is_set(memory->zone) ? arena_dup(loading->arena, memory->zone) : memory->zone,
        .first_seen_ms = memory->first_seen_ms + loading->shift_ms,
        .doubted_since_ms = memory->doubts ? memory->doubted_since_ms + loading->shift_ms : 0,
        .doubts = memory->doubts,
        .has_passed = memory->has_passed,
    };
    return loading->arena->failed ? -ENOMEM : 0;
}

static int on_line(void *arg, unsigned line, char *text, size_t n)
{
    struct loading *loading = arg;
    struct json_reader reader;
    struct plan_memory memory = { 0 };
    if (!text)
        return 1;
    arena_reset(&loading->scratch);
    json_reader_init(&reader, text, n, &loading->scratch);
    if (line == 1)
        return read_head(loading, &reader);
    if (read_memory(&reader, &memory) != 0)
        return 1;
    return keep_memory(loading, &memory);
}

int history_file_load(const struct state_dir *dir, struct str service_id, int64_t now_ms, struct arena *arena,
                      struct plan_history **ret_history)
{
    char name[256];
    struct loading loading = { .arena = arena, .history = ARENA_NEW(arena, struct plan_history), .now_ms = now_ms };
    if (!loading.history)
        return -ENOMEM;
    arena_init(&loading.scratch, 4 << 20);
    make_name(service_id, name, sizeof(name));
    int r = state_dir_read(dir, name, on_line, &loading);
    arena_fini(&loading.scratch);
    if (r == 1)
        *loading.history = (struct plan_history){ 0 };
    if (r >= 0)
        *ret_history = loading.history;
    return r;
}
