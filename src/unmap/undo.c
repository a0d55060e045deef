/* SPDX-License-Identifier: Apache-2.0
 *
 * The journal, then Cloud Map. */
#include "unmap/undo.h"
#include "base/timestamp.h"
#include "unmap/access.h"
#include "unmap/journal.h"
#include "json/writer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <time.h>

#define ARENA_MAX ((size_t)2 << 30)
#define FOLLOW_MS 120000
#define FOLLOW_PAUSE_MS 100
#define NOTHING "There is nothing to restore"
#define HINT "--state-dir names the directory of the journal"

/* One removal, with the newest that the journal says of it. */
struct removed {
    struct journal_entry entry; /* JOURNAL_REMOVING */
    enum journal_step last;
    size_t place; /* in the journal */
};

struct undo {
    const struct settings *settings;
    struct arena arena;
    struct state_dir dir;
    struct access *access;
    struct journal journal;
    struct removed *items;
    size_t n, size;
    struct json_writer writer; /* of `out`, with -o json */
    struct buf out;
    unsigned n_failed;
};

/* --- what was removed -------------------------------------------------------------------------------------------- */

static struct cloud_map_instance dup_instance(struct arena *arena, const struct cloud_map_instance *instance)
{
    struct cloud_map_instance copy = { .id = arena_dup(arena, instance->id), .n_attributes = instance->n_attributes };
    copy.attributes = ARENA_ARRAY(arena, struct str_pair, instance->n_attributes);
    for (size_t i = 0; copy.attributes && i < instance->n_attributes; i++) {
        copy.attributes[i].key = arena_dup(arena, instance->attributes[i].key);
        copy.attributes[i].value = arena_dup(arena, instance->attributes[i].value);
    }
    return copy;
}

static int keep(struct undo *undo, const struct journal_entry *entry)
{
    struct arena *arena = &undo->arena;
    if (undo->n == undo->size) {
        struct removed *longer = arena_grow(arena, undo->items, &undo->size, 64, sizeof(*longer));
        if (!longer)
            return -ENOMEM;
        undo->items = longer;
    }
    struct removed *removed = &undo->items[undo->n];
    *removed = (struct removed){ .entry = *entry, .last = entry->step, .place = undo->n++ };
    removed->entry.removal = arena_dup(arena, entry->removal);
    removed->entry.service_id = arena_dup(arena, entry->service_id);
    removed->entry.region = arena_dup(arena, entry->region);
    removed->entry.role_arn = arena_dup(arena, entry->role_arn);
    removed->entry.reason = arena_dup(arena, entry->reason);
    removed->entry.instance = dup_instance(arena, &entry->instance);
    return arena->failed ? -ENOMEM : 0;
}

/* Steps follow their removal closely: the search begins at the end. */
static int on_entry(void *arg, const struct journal_entry *entry)
{
    struct undo *undo = arg;
    if (entry->step == JOURNAL_REMOVING)
        return keep(undo, entry);
    for (size_t i = undo->n; i > 0; i--) {
        if (str_eq(undo->items[i - 1].entry.removal, entry->removal)) {
            undo->items[i - 1].last = entry->step;
            break;
        }
    }
    return 0;
}

static bool is_named(const struct undo *undo, const struct removed *removed)
{
    const struct settings *settings = undo->settings;
    bool names_services = false, is_service = false;
    if (settings->words.n && !setting_words_has(&settings->words, removed->entry.instance.id))
        return false;
    if (settings->within_ms && removed->entry.wall_ms < clock_wall_ms(clock_system()) - settings->within_ms)
        return false;
    for (size_t i = 0; i < settings->n_targets; i++) {
        names_services |= settings->targets[i].service_ids.n > 0;
        is_service |= setting_words_has(&settings->targets[i].service_ids, removed->entry.service_id);
    }
    return is_service || !names_services;
}

/* By service and instance, the newest first. */
static int compare(const void *a, const void *b)
{
    const struct removed *one = a, *other = b;
    int c = str_cmp(one->entry.service_id, other->entry.service_id);
    if (c == 0)
        c = str_cmp(one->entry.instance.id, other->entry.instance.id);
    return c ? c : (one->place < other->place) - (one->place > other->place);
}

/* Only the newest removal of an instance that was made, and only when it was not restored since. One that was kept says
 * nothing: another controller, or an earlier round, may have made it. */
static bool is_wanted(const struct undo *undo, size_t i)
{
    const struct removed *removed = &undo->items[i];
    for (size_t k = i; k > 0; k--) {
        const struct removed *newer = &undo->items[k - 1];
        if (!str_eq(removed->entry.service_id, newer->entry.service_id) ||
            !str_eq(removed->entry.instance.id, newer->entry.instance.id))
            break;
        if (newer->last != JOURNAL_KEPT)
            return false;
    }
    return removed->last != JOURNAL_KEPT && removed->last != JOURNAL_RESTORED && is_named(undo, removed);
}

/* --- registering again ------------------------------------------------------------------------------------------- */

static void tell(struct undo *undo, const struct removed *removed, const char *result, const char *detail)
{
    char at[TIMESTAMP_ROOM];
    timestamp_format_s(removed->entry.wall_ms / 1000, at);
    if (!undo->settings->output) {
        printf("%-24.*s  %-24.*s  removed %s  %s%s%s\n", STR_ARG(removed->entry.service_id),
               STR_ARG(removed->entry.instance.id), at, result, detail ? ": " : "", detail ? detail : "");
        fflush(stdout);
        return;
    }
    json_open_object(&undo->writer);
    json_field_string(&undo->writer, STR("service_id"), removed->entry.service_id);
    json_field_string(&undo->writer, STR("instance_id"), removed->entry.instance.id);
    json_field_string(&undo->writer, STR("removed_at"), str_of(at));
    json_field_string(&undo->writer, STR("result"), str_of(result));
    json_field_optional(&undo->writer, STR("detail"), str_of(detail));
    json_close_object(&undo->writer);
}

static void tell_failure(struct undo *undo, const struct removed *removed, const struct aws_error *error)
{
    char detail[640];
    snprintf(detail, sizeof(detail), "%s%s%s", error->code, error->code[0] ? " " : "", error->message);
    undo->n_failed++;
    tell(undo, removed, "failed", detail);
}

/* 0 when it has succeeded; a condition with *error otherwise. */
static int follow(struct aws_client *client, struct str operation_id, struct aws_error *error)
{
    enum cloud_map_operation operation;
    const struct timespec rest = { .tv_nsec = FOLLOW_PAUSE_MS * 1000000 };
    int64_t until_ns = clock_mono_ns(clock_system()) + (int64_t)FOLLOW_MS * 1000000;
    for (;;) {
        int r = cloud_map_get_operation(client, operation_id, &operation, error);
        if (r != 0 || operation == CLOUD_MAP_OPERATION_SUCCESS)
            return r;
        if (operation == CLOUD_MAP_OPERATION_FAIL)
            return AWS_REFUSED;
        if (clock_mono_ns(clock_system()) > until_ns)
            return aws_client_fail(error, AWS_TOO_LATE, "The operation has not ended in two minutes.");
        nanosleep(&rest, NULL);
    }
}

/* What the caller gave: with AWS_EC2_INSTANCE_ID Cloud Map finds the address, and takes none beside it. */
static struct cloud_map_instance as_it_was_given(const struct cloud_map_instance *instance)
{
    struct cloud_map_instance given = *instance;
    if (!str_is_set(cloud_map_attribute(instance, STR("AWS_EC2_INSTANCE_ID"))))
        return given;
    given.n_attributes = 0;
    for (size_t i = 0; i < instance->n_attributes; i++)
        if (!str_eq(instance->attributes[i].key, STR("AWS_INSTANCE_IPV4")))
            given.attributes[given.n_attributes++] = instance->attributes[i];
    return given;
}

static int register_again(struct undo *undo, struct aws_client *client, const struct removed *removed,
                          struct aws_error *error)
{
    struct str operation_id;
    const struct cloud_map_instance instance = as_it_was_given(&removed->entry.instance);
    int r = cloud_map_register(client, removed->entry.service_id, &instance, removed->entry.removal, &undo->arena,
                               &operation_id, error);
    if (r == 0)
        r = follow(client, operation_id, error);
    if (r != 0)
        return r;
    struct journal_entry entry = removed->entry;
    entry.step = JOURNAL_RESTORED;
    entry.wall_ms = clock_wall_ms(clock_system());
    journal_add(&undo->journal, &entry);
    r = journal_flush(&undo->journal);
    if (r == 0)
        tell(undo, removed, "restored", NULL);
    return r < 0 ? aws_client_fail(error, AWS_ODD, "Registered, but not written into the journal: %s.", strerror(-r))
                 : r;
}

static void restore(struct undo *undo, const struct removed *removed)
{
    struct cloud_map_instance present;
    struct aws_client *client;
    struct aws_error error = { 0 };
    const char *region = removed->entry.region.n ? removed->entry.region.p : undo->settings->targets[0].service_region;
    if (undo->settings->dry_run) {
        tell(undo, removed, "would be restored", NULL);
        return;
    }
    int r = access_client(undo->access, AWS_CLOUD_MAP, region, removed->entry.role_arn.p, &client, &error);
    if (r == 0)
        r = cloud_map_get_instance(client, removed->entry.service_id, removed->entry.instance.id, &undo->arena,
                                   &present, &error);
    if (r == 0) {
        tell(undo, removed, "left", "it is registered again");
        return;
    }
    if (r == AWS_REFUSED && strcmp(error.code, "InstanceNotFound") == 0) {
        error = (struct aws_error){ 0 };
        r = register_again(undo, client, removed, &error);
    }
    if (r < 0)
        aws_client_fail(&error, 0, "%s", strerror(-r));
    if (r != 0)
        tell_failure(undo, removed, &error);
}

static bool is_in_journal(const struct undo *undo, struct str instance_id)
{
    for (size_t i = 0; i < undo->n; i++)
        if (str_eq(undo->items[i].entry.instance.id, instance_id))
            return true;
    return false;
}

static int restore_all(struct undo *undo)
{
    unsigned n_unreadable;
    size_t n = 0;
    int r = journal_read(&undo->dir, on_entry, undo, &n_unreadable);
    if (r != 0) {
        fprintf(stderr, "cloud-unmap: the journal in %s: %s\n", undo->dir.path, strerror(-r));
        return EXIT_FAILURE;
    }
    if (n_unreadable)
        fprintf(stderr, "cloud-unmap: %u lines of the journal in %s are damaged and passed over\n", n_unreadable,
                undo->dir.path);
    if (undo->n)
        qsort(undo->items, undo->n, sizeof(*undo->items), compare);
    for (size_t i = 0; i < undo->n; i++) {
        if (is_wanted(undo, i)) {
            restore(undo, &undo->items[i]);
            n++;
        }
    }
    if (n == 0 && !undo->settings->output)
        printf(NOTHING " in %s; " HINT "\n", undo->dir.path);
    for (size_t i = 0; i < undo->settings->words.n; i++) {
        if (!is_in_journal(undo, str_of(undo->settings->words.items[i]))) {
            fprintf(stderr, "cloud-unmap: %s: the journal in %s has no removal of it\n", undo->settings->words.items[i],
                    undo->dir.path);
            undo->n_failed++;
        }
    }
    return undo->n_failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int print_json(struct undo *undo)
{
    json_close_array(&undo->writer);
    buf_put_char(&undo->out, '\n');
    struct str text = buf_str(&undo->out);
    return fwrite(text.p, 1, text.n, stdout) == text.n ? 0 : 1;
}

/* One that is not there is not made: it has no journal. 0 or -errno. */
static int open_dir(struct undo *undo, const struct environment *environment)
{
    int r = state_dir_open(undo->settings->state_dir, false, environment, &undo->arena, &undo->dir);
    return r == 0 && !undo->settings->dry_run ? state_dir_check_writable(&undo->dir) : r;
}

int undo_run(const struct settings *settings, const struct environment *environment)
{
    struct undo undo = { .settings = settings, .dir = { .fd = -1 } };
    int code = EX_OSERR;
    arena_init(&undo.arena, ARENA_MAX);
    buf_init(&undo.out, 256 << 20);
    json_writer_init(&undo.writer, &undo.out);
    json_open_array(&undo.writer);
    int r = open_dir(&undo, environment);
    if (r == -ENOENT && undo.dir.path) {
        fprintf(stderr, "cloud-unmap: " NOTHING " in %s, which is not there; " HINT "\n", undo.dir.path);
        code = settings->words.n ? EXIT_FAILURE : EXIT_SUCCESS;
        if (settings->output && print_json(&undo) != 0)
            code = EXIT_FAILURE;
    } else if (r != 0) {
        fprintf(stderr, "cloud-unmap: %s: %s; " HINT "\n", undo.dir.path ? undo.dir.path : "no HOME", strerror(-r));
        code = EX_CANTCREAT;
    } else if (access_new(&(struct access_config){ .environment = environment, .clock = clock_system() },
                          &undo.access) == 0) {
        journal_init(&undo.journal, &undo.dir);
        code = restore_all(&undo);
        if (settings->output && print_json(&undo) != 0)
            code = EXIT_FAILURE;
        journal_fini(&undo.journal);
    }
    access_free(undo.access);
    state_dir_close(&undo.dir);
    buf_fini(&undo.out);
    arena_fini(&undo.arena);
    return fflush(stdout) == 0 ? code : EXIT_FAILURE;
}
