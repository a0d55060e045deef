/* SPDX-License-Identifier: Apache-2.0
 *
 * The daemon's JSON as it is for programs, laid out for people. */
#include "cloudmapctl/health_table.h"

#include "admin/admin_explain.h"
#include "admin/admin_health.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/mem.h"
#include "cloudmapctl/daemon_status.h"
#include "cloudmapctl/fetch.h"
#include "health/health_view.h"
#include "json/slots.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define ARENA_CAP (8 << 20)
#define CELL 96

struct row {
    struct str id, status, result, draining, pending;
    int64_t since_ms, probed_ms, http_status, consecutive, next_ms;
    bool is_served, is_good, is_held, is_expired;
};

struct view {
    struct str service, service_id, kind, type, path, host, doubt;
    int64_t interval_ms, threshold, doubt_since_ms, held, registered;
    struct row *rows; /* HEALTH_VIEW_MAX */
    size_t n_rows;
};

/* --- reading -------------------------------------------------------------------------------------------------------
 */

static const struct json_slot row_slots[] = {
    JSON_TEXT(row, "id", id),
    JSON_TEXT(row, "status", status),
    JSON_TEXT(row, "result", result),
    JSON_TEXT(row, "draining", draining),
    JSON_TEXT(row, "pending", pending),
    JSON_NUMBER(row, "since_ms", since_ms),
    JSON_NUMBER(row, "probed_ms", probed_ms),
    JSON_NUMBER(row, "http_status", http_status),
    JSON_NUMBER(row, "consecutive", consecutive),
    JSON_NUMBER(row, "next_ms", next_ms),
    JSON_TRUTH(row, "served", is_served),
    JSON_TRUTH(row, "consecutive_good", is_good),
    JSON_TRUTH(row, "held", is_held),
    JSON_TRUTH(row, "lease_expired", is_expired),
    JSON_SLOTS_END,
};
static const struct json_slot check_slots[] = {
    JSON_TEXT(view, "type", type),
    JSON_TEXT(view, "path", path),
    JSON_TEXT(view, "host", host),
    JSON_NUMBER(view, "interval_ms", interval_ms),
    JSON_NUMBER(view, "threshold", threshold),
    JSON_SLOTS_END,
};
static const struct json_slot doubt_slots[] = {
    JSON_TEXT(view, "reason", doubt),
    JSON_NUMBER(view, "since_ms", doubt_since_ms),
    JSON_NUMBER(view, "held", held),
    JSON_SLOTS_END,
};
static const struct json_slot view_slots[] = {
    JSON_TEXT(view, "service", service),
    JSON_TEXT(view, "service_id", service_id),
    JSON_TEXT(view, "kind", kind),
    JSON_NUMBER(view, "registered", registered),
    JSON_SLOTS_END,
};

static void read_plain(struct json_reader *reader, const struct json_slot *slots, void *structure)
{
    bool more = false;
    struct str key;
    json_object(reader);
    while (json_member(reader, &more, &key) == 0 && more)
        if (!json_read_slot(reader, slots, structure, key))
            json_skip(reader);
}

static void read_rows(struct json_reader *reader, struct view *view)
{
    bool more = false;
    json_array(reader);
    while (json_element(reader, &more) == 0 && more)
        if (view->n_rows < HEALTH_VIEW_MAX)
            read_plain(reader, row_slots, &view->rows[view->n_rows++]);
        else
            json_skip(reader);
}

/* The text is modified. NULL when no daemon of this version says that, or memory is out. */
static struct view *decode(char *text, size_t n, struct arena *arena)
{
    struct view *view = ARENA_ARRAY(arena, struct view, 1);
    struct json_reader reader;
    bool more = false;
    struct str key;
    if (!view || !(view->rows = ARENA_ARRAY(arena, struct row, HEALTH_VIEW_MAX)))
        return NULL;
    json_reader_init(&reader, text, n, arena);
    json_object(&reader);
    while (json_member(&reader, &more, &key) == 0 && more) {
        if (str_eq(key, STR("instances")))
            read_rows(&reader, view);
        else if (str_eq(key, STR("check")))
            read_plain(&reader, check_slots, view);
        else if (str_eq(key, STR("doubt")))
            read_plain(&reader, doubt_slots, view);
        else if (!json_read_slot(&reader, view_slots, view, key))
            json_skip(&reader);
    }
    return json_end(&reader) == 0 && str_is_set(view->kind) ? view : NULL;
}

/* --- showing -------------------------------------------------------------------------------------------------------
 */

/* 12s, 4m, 3h, 2d: how long ago, or until. */
static const char *write_time(int64_t ms, char ret[24])
{
    int64_t s = ms < 0 ? 0 : ms / 1000;
    if (s >= 2 * 86400)
        snprintf(ret, 24, "%" PRId64 "d", s / 86400);
    else if (s >= 2 * 3600)
        snprintf(ret, 24, "%" PRId64 "h", s / 3600);
    else if (s >= 120)
        snprintf(ret, 24, "%" PRId64 "m", s / 60);
    else
        snprintf(ret, 24, "%" PRId64 "s", s);
    return ret;
}

static void print_head(const struct view *view, int64_t now_ms)
{
    char time[24];
    printf("%-9s" STR_FMT " (" STR_FMT ")\n", "Service", STR_ARG(view->service), STR_ARG(view->service_id));
    if (str_is_set(view->type) && str_is_set(view->path))
        printf("%-9s" STR_FMT " GET " STR_FMT " as " STR_FMT, "Check", STR_ARG(view->type), STR_ARG(view->path),
               STR_ARG(view->host));
    else if (str_is_set(view->type))
        printf("%-9s" STR_FMT, "Check", STR_ARG(view->type));
    if (str_is_set(view->type))
        printf(", every %s, %" PRId64 " in a row\n", write_time(view->interval_ms, time), view->threshold);
    else if (str_eq(view->kind, STR("CUSTOM")))
        printf("%-9scustom: the status is what was told\n", "Check");
    else if (str_eq(view->kind, STR("NONE")))
        printf("%-9snone: nothing is known\n", "Check");
    else
        printf("%-9s" STR_FMT ": there is no instance to probe\n", "Check", STR_ARG(view->kind));
    if (str_is_set(view->doubt))
        printf("%-9ssince %s: %s; %" PRId64 " verdicts are held (cloudmapctl guard release)\n", "DOUBT",
               write_time(now_ms - view->doubt_since_ms, time),
               str_eq(view->doubt, STR("reference")) ? "no reference target answers"
                                                     : "too many targets stopped answering within one interval",
               view->held);
}

static const char *write_result(const struct row *row, int64_t now_ms, char ret[CELL])
{
    char time[24], status[24] = "";
    if (!str_is_set(row->result))
        return "-";
    if (row->http_status)
        snprintf(status, sizeof(status), " (%" PRId64 ")", row->http_status);
    if (row->probed_ms)
        snprintf(ret, CELL, "%s ago: " STR_FMT "%s", write_time(now_ms - row->probed_ms, time), STR_ARG(row->result),
                 status);
    else
        snprintf(ret, CELL, STR_FMT, STR_ARG(row->result));
    return ret;
}

/* Why it is not as its status and its probes would have it. */
static void print_why(const struct row *row)
{
    if (row->is_held)
        printf("held: the checker doubts its network");
    else if (str_is_set(row->draining))
        printf("drains: " STR_FMT, STR_ARG(row->draining));
    else if (row->is_expired)
        printf("its lease ran out");
    else if (str_is_set(row->pending))
        printf("becomes " STR_FMT, STR_ARG(row->pending));
    else if (!row->is_served && str_eq(row->status, STR("UNKNOWN")))
        printf("not served until it is known");
    putchar('\n');
}

static void print_rows(const struct view *view, int64_t now_ms)
{
    int width = 2, result_width = 11;
    char cell[CELL], in_row[32], since[24], next[24];
    for (size_t i = 0; i < view->n_rows; i++) {
        int n = (int)strlen(write_result(&view->rows[i], now_ms, cell));
        width = (int)view->rows[i].id.n > width ? (int)view->rows[i].id.n : width;
        result_width = n > result_width ? n : result_width;
    }
    if (view->n_rows)
        printf("\n%-*s  %-9s  %-5s  %-*s  %-7s  %-4s  %s\n", width, "ID", "STATUS", "SINCE", result_width,
               "LAST RESULT", "IN A ROW", "NEXT", "WHY");
    for (size_t i = 0; i < view->n_rows; i++) {
        const struct row *row = &view->rows[i];
        bool is_probed = row->probed_ms != 0;
        snprintf(in_row, sizeof(in_row), "%" PRId64 " %s", row->consecutive, row->is_good ? "good" : "bad");
        printf("%-*.*s  %-9.*s  %-5s  %-*s  %-8s  %-4s  ", width, STR_ARG(row->id), STR_ARG(row->status),
               write_time(now_ms - row->since_ms, since), result_width, write_result(row, now_ms, cell),
               is_probed ? in_row : "-", is_probed ? write_time(row->next_ms, next) : "-");
        print_why(row);
    }
    if (view->registered > (int64_t)view->n_rows)
        printf("and %" PRId64 " more\n", view->registered - (int64_t)view->n_rows);
}

static int show(char *text, size_t n)
{
    int64_t now_ms = clock_wall_ms(clock_system());
    const struct view *view;
    struct arena arena;
    int code = EXIT_SUCCESS;
    arena_init(&arena, ARENA_CAP);
    view = decode(text, n, &arena);
    if (view) {
        print_head(view, now_ms);
        print_rows(view, now_ms);
    } else {
        code = ctl_fail(EXIT_FAILURE, DAEMON_STATUS_UNKNOWN);
    }
    arena_fini(&arena);
    return code;
}

int health_table_run(const struct ctl *ctl)
{
    char why[512], *text = NULL;
    struct buf path;
    size_t n = 0;
    int code;
    buf_init(&path, 1 << 14);
    buf_put_str(&path, STR(ADMIN_HEALTH_PATH "?"));
    admin_explain_put_parameter(&path, "service", str_of(ctl->words[0]));
    buf_put_char(&path, '\0');
    code = fetch_admin(ctl, path.failed ? "" : path.p, &text, &n, why, sizeof(why));
    buf_fini(&path);
    if (code != EXIT_SUCCESS)
        return ctl_fail(code, "%s: %s", ctl->words[0], why);
    if (ctl->json)
        printf("%.*s\n", (int)n, text);
    else
        code = show(text, n);
    mem_free(text);
    return code;
}
