/* SPDX-License-Identifier: Apache-2.0
 *
 * One line an approval; the file is replaced whole whenever one is added. */
#include "unmap/approval.h"
#include "json/reader.h"
#include "json/writer.h"

#include <errno.h>
#include <unistd.h>

#define FILE_NAME "approved.jsonl"

struct loading {
    struct arena *arena, scratch;
    struct approvals *approvals;
    int64_t wall_ms;
};

static int read_line(struct loading *loading, char *text, size_t n, struct approval *ret)
{
    struct json_reader reader;
    struct str key;
    bool more;
    json_reader_init(&reader, text, n, &loading->scratch);
    json_object(&reader);
    while (json_member(&reader, &more, &key) == 0 && more) {
        if (str_eq(key, STR("service_id")))
            json_string(&reader, &ret->service_id);
        else if (str_eq(key, STR("instance_id")))
            json_string(&reader, &ret->instance_id);
        else if (str_eq(key, STR("until_ms")))
            json_int(&reader, &ret->until_ms);
        else
            json_skip(&reader);
    }
    return json_end(&reader) != 0 || !ret->service_id.n || !ret->instance_id.n;
}

/* What is no approval approves nothing. One that would last longer than any can be given was not given here. */
static int on_line(void *arg, unsigned line, char *text, size_t n)
{
    (void)line;
    struct loading *loading = arg;
    struct approval one = { 0 };
    arena_reset(&loading->scratch);
    if (!text || read_line(loading, text, n, &one) != 0 || one.until_ms <= loading->wall_ms ||
        one.until_ms > loading->wall_ms + APPROVAL_MS || loading->approvals->n == APPROVAL_MAX)
        return 0;
    one.service_id = arena_dup(loading->arena, one.service_id);
    one.instance_id = arena_dup(loading->arena, one.instance_id);
    loading->approvals->items[loading->approvals->n++] = one;
    return loading->arena->failed ? -ENOMEM : 0;
}

int approval_load(const struct state_dir *dir, int64_t wall_ms, struct arena *arena, struct approvals *ret_approvals)
{
    *ret_approvals = (struct approvals){ 0 };
    if (dir->fd < 0 || faccessat(dir->fd, FILE_NAME, F_OK, 0) != 0)
        return 0;
    struct loading loading = { .arena = arena, .approvals = ret_approvals, .wall_ms = wall_ms };
    ret_approvals->items = ARENA_ARRAY(arena, struct approval, APPROVAL_MAX);
    if (!ret_approvals->items)
        return -ENOMEM;
    arena_init(&loading.scratch, 4 << 20);
    int r = state_dir_read(dir, FILE_NAME, on_line, &loading);
    arena_fini(&loading.scratch);
    return r;
}

static void write_line(struct buf *buf, const struct approval *one)
{
    struct json_writer writer;
    json_writer_init(&writer, buf);
    json_open_object(&writer);
    json_field_string(&writer, STR("service_id"), one->service_id);
    json_field_string(&writer, STR("instance_id"), one->instance_id);
    json_field_int(&writer, STR("until_ms"), one->until_ms);
    json_close_object(&writer);
    buf_put_char(buf, '\n');
}

static int add(const struct state_dir *dir, int64_t wall_ms, const struct approval *items, size_t n,
               struct arena *arena)
{
    struct approvals present;
    struct buf text;
    int r = approval_load(dir, wall_ms, arena, &present);
    if (r != 0)
        return r;
    if (present.n + n > APPROVAL_MAX)
        return 1;
    buf_init(&text, 64 << 20);
    for (size_t i = 0; i < present.n; i++)
        write_line(&text, &present.items[i]);
    for (size_t i = 0; i < n; i++)
        write_line(&text, &items[i]);
    r = text.failed ? -ENOMEM : state_dir_replace(dir, FILE_NAME, buf_str(&text));
    buf_fini(&text);
    return r;
}

int approval_add(const struct state_dir *dir, int64_t wall_ms, const struct approval *items, size_t n,
                 struct arena *arena)
{
    int lock = state_dir_lock(dir);
    if (lock < 0)
        return lock;
    int r = add(dir, wall_ms, items, n, arena);
    close(lock);
    return r;
}

int approval_ids(const struct approvals *approvals, struct str service_id, struct arena *arena, struct str **ret_ids,
                 size_t *ret_n)
{
    size_t n = 0;
    struct str *ids = ARENA_ARRAY(arena, struct str, approvals->n);
    if (!ids)
        return -ENOMEM;
    for (size_t i = 0; i < approvals->n; i++)
        if (str_eq(approvals->items[i].service_id, service_id))
            ids[n++] = approvals->items[i].instance_id;
    *ret_ids = ids;
    *ret_n = n;
    return 0;
}
