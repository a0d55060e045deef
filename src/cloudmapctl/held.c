/* SPDX-License-Identifier: Apache-2.0
 *
 * See held.h. */
#include "cloudmapctl/held.h"

#include "admin/admin_change.h"
#include "admin/admin_guard.h"
#include "base/mem.h"
#include "base/timestamp.h"
#include "cloudmapctl/daemon_status.h"
#include "cloudmapctl/fetch.h"
#include "json/reader.h"
#include "json/writer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#define ARENA_CAP (8 << 20)
#define BODY_MAX 4096

/* --- list --------------------------------------------------------------------------------------------------------- */

struct held {
    struct str service, ns, name, instance, cause, operation;
    int64_t since_ms;
};

static void read_held(struct json_reader *reader, struct held *held)
{
    bool more = false;
    struct str key;
    json_object(reader);
    while (json_member(reader, &more, &key) == 0 && more) {
        if (str_eq(key, STR("service")))
            json_string(reader, &held->service);
        else if (str_eq(key, STR("namespace")))
            json_string(reader, &held->ns);
        else if (str_eq(key, STR("name")))
            json_string(reader, &held->name);
        else if (str_eq(key, STR("instance")))
            json_string(reader, &held->instance);
        else if (str_eq(key, STR("cause")))
            json_string(reader, &held->cause);
        else if (str_eq(key, STR("operation")))
            json_string(reader, &held->operation);
        else if (str_eq(key, STR("since_ms")))
            json_int(reader, &held->since_ms);
        else
            json_skip(reader);
    }
}

static void print_held(const struct held *held, bool first)
{
    char when[TIMESTAMP_ROOM];
    timestamp_format_s(held->since_ms / 1000, when);
    if (first)
        printf("%-20s  %-5s  %-20s  INSTANCE  (NAME, OPERATION)\n", "SERVICE", "CAUSE", "SINCE");
    printf("%-20.*s  %-5.*s  %-20s  " STR_FMT "  (" STR_FMT "/" STR_FMT "%s" STR_FMT ")\n", STR_ARG(held->service),
           STR_ARG(held->cause), when, STR_ARG(held->instance), STR_ARG(held->ns), STR_ARG(held->name),
           str_is_set(held->operation) ? ", " : "", STR_ARG(held->operation));
}

/* The text is modified. */
static int print_list(char *text, size_t n)
{
    struct json_reader reader;
    int64_t total = 0, listed = 0, verdicts = 0;
    struct arena arena;
    bool more = false, element = false;
    struct str key;
    arena_init(&arena, ARENA_CAP);
    json_reader_init(&reader, text, n, &arena);
    json_object(&reader);
    while (json_member(&reader, &more, &key) == 0 && more) {
        if (str_eq(key, STR("held"))) {
            json_int(&reader, &total);
        } else if (str_eq(key, STR("verdicts"))) {
            json_int(&reader, &verdicts);
        } else if (str_eq(key, STR("listed"))) {
            json_array(&reader);
            while (json_element(&reader, &element) == 0 && element) {
                struct held held = { .ns = STR("-"), .name = STR("-"), .operation = { 0 } };
                read_held(&reader, &held);
                print_held(&held, listed++ == 0);
            }
        } else {
            json_skip(&reader);
        }
    }
    int code = json_end(&reader) == 0 ? EXIT_SUCCESS : ctl_fail(EXIT_FAILURE, DAEMON_STATUS_UNKNOWN);
    if (code == EXIT_SUCCESS && total > listed)
        printf("and %" PRId64 " more\n", total - listed);
    else if (code == EXIT_SUCCESS && total == 0 && verdicts == 0)
        printf("nothing is held\n");
    if (code == EXIT_SUCCESS && verdicts)
        printf("%" PRId64 " verdicts of health checks: the checker doubts its network\n", verdicts);
    arena_fini(&arena);
    return code;
}

static int list(const struct ctl *ctl)
{
    char why[512], *text = NULL;
    size_t n = 0;
    if (ctl->n_words > 1 || ctl->all)
        return ctl_fail(EX_USAGE, "guard list takes no argument");
    int code = fetch_admin(ctl, ADMIN_GUARD_PATH, &text, &n, why, sizeof(why));
    if (code != EXIT_SUCCESS)
        return ctl_fail(code, "%s", why);
    if (ctl->json)
        printf("%.*s\n", (int)n, text);
    else
        code = print_list(text, n);
    mem_free(text);
    return code;
}

/* --- release, cancel ---------------------------------------------------------------------------------------------- */

static void write_body(struct buf *body, const struct ctl *ctl)
{
    struct json_writer writer;
    buf_init(body, BODY_MAX);
    json_writer_init(&writer, body);
    json_open_object(&writer);
    if (ctl->n_words > 1)
        json_field_string(&writer, STR("service"), str_of(ctl->words[1]));
    if (ctl->n_words > 2)
        json_field_string(&writer, STR("instance"), str_of(ctl->words[2]));
    if (ctl->all || ctl->n_words == 1) {
        json_key(&writer, ctl->all ? STR("all") : STR("verdicts"));
        json_put_bool(&writer, true);
    }
    json_close_object(&writer);
}

/* The text is modified. */
static int read_counts(char *text, size_t n, int64_t *ret_done, int64_t *ret_verdicts, int64_t *ret_left)
{
    struct json_reader reader;
    struct arena arena;
    bool more = false;
    struct str key;
    arena_init(&arena, 1 << 20);
    json_reader_init(&reader, text, n, &arena);
    json_object(&reader);
    while (json_member(&reader, &more, &key) == 0 && more) {
        if (str_eq(key, STR("done")))
            json_int(&reader, ret_done);
        else if (str_eq(key, STR("verdicts")))
            json_int(&reader, ret_verdicts);
        else if (str_eq(key, STR("left")))
            json_int(&reader, ret_left);
        else
            json_skip(&reader);
    }
    int r = json_end(&reader);
    arena_fini(&arena);
    return r;
}

/* The daemon does a part at a time: until nothing is left. */
static int change(const struct ctl *ctl, const char *path, const char *what)
{
    int64_t total = 0, verdicts = 0, done = 0, turned = 0, left = 0;
    struct buf body;
    int code;
    if (ctl->all && ctl->n_words > 1)
        return ctl_fail(EX_USAGE, "guard %s takes SERVICE [INSTANCE] or --all, not both", ctl->words[0]);
    write_body(&body, ctl);
    do {
        char why[512] = "the arguments are too long", *text = NULL;
        size_t n = 0;
        code = body.failed ? EX_USAGE : fetch_admin_post(ctl, path, buf_str(&body), &text, &n, why, sizeof(why));
        done = turned = left = 0;
        if (code != EXIT_SUCCESS)
            ctl_fail(code, "%s", why);
        else if (read_counts(text, n, &done, &turned, &left) != 0)
            code = ctl_fail(EXIT_FAILURE, DAEMON_STATUS_UNKNOWN);
        mem_free(text);
        total += done;
        verdicts += turned;
    } while (code == EXIT_SUCCESS && left > 0 && done > 0);
    buf_fini(&body);
    if (code == EXIT_SUCCESS && ctl->json)
        printf("{\"done\":%" PRId64 ",\"verdicts\":%" PRId64 "}\n", total, verdicts);
    else if (code == EXIT_SUCCESS && (ctl->all || ctl->n_words > 1))
        printf("%" PRId64 " %s\n", total, what);
    if (code == EXIT_SUCCESS && !ctl->json && (verdicts || (!ctl->all && ctl->n_words == 1)))
        printf("%" PRId64 " verdicts of health checks %s\n", verdicts, what);
    return code;
}

int held_run(const struct ctl *ctl)
{
    struct str word = str_of(ctl->words[0]);
    if (str_eq(word, STR("list")))
        return list(ctl);
    if (str_eq(word, STR("release")))
        return change(ctl, ADMIN_GUARD_RELEASE_PATH, "released");
    if (str_eq(word, STR("cancel")))
        return !ctl->all && ctl->n_words == 1 ? ctl_fail(EX_USAGE, "guard cancel takes SERVICE [INSTANCE], or --all")
                                              : change(ctl, ADMIN_GUARD_CANCEL_PATH, "cancelled");
    return ctl_fail(EX_USAGE, "guard takes list, release or cancel, not: %s", ctl->words[0]);
}
