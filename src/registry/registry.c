/* SPDX-License-Identifier: Apache-2.0
 *
 * The writer thread; see registry.h. A round: take what waits, build the next state, commit once, publish, answer. */
#include "registry/registry.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/metric.h"
#include "registry/load.h"
#include "registry/trail.h"

#include <errno.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

#define REGISTRY_MAX_QUEUE 16384 /* changes that wait; each belongs to a suspended request */
#define REGISTRY_MAX_BATCH 512   /* changes of one commit */
#define REGISTRY_MAX_RECORD (64u << 20)
#define REGISTRY_RETRY_MS 5000 /* before the writer tries again by itself what failed */
#define REGISTRY_TICK_MS 60000 /* expiry runs at least this often */

struct registry {
    struct registry_config config;
    struct store *store;
    struct snapshot_head head;
    struct queue queue;
    struct apply apply;
    struct trail trail;
    struct registry_signer signer;    /* set before keeps_trail */
    atomic_bool keeps_trail, refuses; /* of changes that are audited; these */
    int failure;                      /* what the last round that had something to commit was answered with */
    pthread_t writer;
    bool is_stopped;
};

/* --- the round --------------------------------------------------------------------------------------------------- */

/* In units of which there are more in a millisecond than commits. */
static void registry_advance_instances_revision(struct apply *apply)
{
    uint64_t now = (uint64_t)apply->wall_ms << 11, *revision = &apply->next.instances_revision;

    ++*revision;
    if (*revision < apply->revision)
        *revision = apply->revision;
    if (*revision < now)
        *revision = now;
}

static void registry_begin(struct registry *registry)
{
    struct apply *apply = &registry->apply;

    if (apply->edit.epoch == UINT32_MAX) {
        state_forget_epochs(registry->head.newest);
        apply->edit.epoch = 0;
    }
    edit_begin(&apply->edit, apply->edit.epoch + 1, false);
    apply->next = *registry->head.newest;
    apply->revision = store_revision(registry->store) + 1;
    apply->next.revision = apply->revision;
    apply->wall_ms = clock_wall_ms(registry->config.clock);
    apply->mono_ms = clock_mono_ns(registry->config.clock) / 1000000;
    registry_advance_instances_revision(apply);
    apply->n_notices = 0;
    apply->has_moved = false;
    apply->stale_services.n = apply->stale_owners.n = apply->new_operations.n = apply->waiting_bytes = 0;
    store_batch_clear(apply->batch);
}

static int registry_commit_result(int r)
{
    switch (r) {
    case 0:
    case -ENOMEM:
        return r;
    case STORE_FULL:
        return CHANGE_STORE_FULL;
    default:
        return CHANGE_STORE_LOST;
    }
}

static int registry_commit(struct registry *registry, size_t n_changes)
{
    int64_t start = clock_mono_ns(clock_system());
    int r = store_commit(registry->store, registry->apply.batch);

    metric_observe_ns(METRIC_COMMIT_DURATION, clock_mono_ns(clock_system()) - start);
    metric_observe(METRIC_COMMIT_BATCH, (int64_t)n_changes);
    if (r)
        metric_add(METRIC_COMMITS_FAILED, 1);
    return registry_commit_result(r);
}

/* A failure is told once, until a commit succeeds. */
static void registry_fail(struct registry *registry, int r, size_t n_changes)
{
    if (r == registry->failure)
        return;
    registry->failure = r;
    if (r == CHANGE_STORE_LOST)
        log_event(LOG_STORE_READ_ONLY, LOG_I("changes", n_changes));
    else
        log_event(LOG_STORE_COMMIT_FAILED, LOG_C("error", r == CHANGE_STORE_FULL ? "no space left" : "out of memory"),
                  LOG_I("changes", n_changes));
}

static void registry_tell_watcher(struct registry *registry)
{
    const struct registry_watcher *watcher = &registry->config.watcher;
    const struct edit_list *list = &registry->apply.stale_services;

    for (size_t i = 0; watcher->note && i < list->n; i++) {
        const struct service_node *node = list->items[i];
        if (node->was_probed)
            watcher->note(watcher->arg, node->config);
    }
}

/* Commits what was built and makes it visible. 0 or what every change of the round is answered with. */
static int registry_end(struct registry *registry, size_t n_changes)
{
    struct apply *apply = &registry->apply;
    struct snapshot_garbage *garbage = NULL;
    bool is_stored = store_batch_size(apply->batch) > 0;
    struct snapshot *next = NULL;
    struct edit_list replaced;
    int r = 0;

    if (!apply->edit.failed && !is_stored && !apply->has_moved)
        goto abandon; /* everything was refused, or there was nothing to do */
    if (!is_stored)
        apply->next.revision = registry->head.newest->revision;
    next = mem_dup(&apply->next, sizeof(apply->next));
    garbage = snapshot_garbage_new();
    r = apply->edit.failed || !next || !garbage ? -ENOMEM : is_stored ? registry_commit(registry, n_changes) : 0;
    if (r) {
        registry_fail(registry, r, n_changes);
        trail_lose(&registry->trail);
        goto abandon;
    }
    if (is_stored)
        registry->failure = 0;
    registry_tell_watcher(registry);
    apply_log(apply);
    edit_finish(&apply->edit, &replaced);
    snapshot_publish(&registry->head, next, &replaced, garbage);
    if (registry->config.watcher.publish)
        registry->config.watcher.publish(registry->config.watcher.arg);
    return 0;
abandon:
    edit_abandon(&apply->edit);
    mem_free(next);
    mem_free(garbage);
    return r;
}

static void registry_apply(struct registry *registry, struct change *change)
{
    struct apply *apply = &registry->apply;

    bool is_audited = change->audit && registry->keeps_trail;

    if (is_audited && registry->refuses) {
        change->result = CHANGE_AUDIT_BEHIND;
        return;
    }
    change->result = apply_change(apply, change);
    if (is_audited)
        trail_put_change(&registry->trail, apply->batch, change, apply->wall_ms, apply->mono_ms);
}

static void registry_put_notes(struct registry *registry, bool ride)
{
    struct apply *apply = &registry->apply;

    trail_put_notes(&registry->trail, apply->batch, apply->wall_ms, apply->mono_ms, ride);
}

static void registry_sign(struct registry *registry, bool last)
{
    struct apply *apply = &registry->apply;

    if (registry->keeps_trail && registry->signer.sign)
        trail_put_checkpoint(&registry->trail, &registry->signer, store_head(registry->store), apply->batch,
                             apply->wall_ms, apply->mono_ms, last);
}

/* What is noted when the writer ends is not left behind, and signed. */
static void registry_last_rounds(struct registry *registry)
{
    registry_begin(registry);
    registry_put_notes(registry, true);
    registry_end(registry, 0);
    registry_begin(registry);
    registry_sign(registry, true);
    registry_end(registry, 0);
}

static void registry_round(struct registry *registry, struct queue_item *list, size_t n_changes)
{
    struct apply *apply = &registry->apply;
    struct queue_item *item;
    int r;

    metric_set(METRIC_QUEUE_DEPTH, (int64_t)queue_depth(&registry->queue));
    registry_begin(registry);
    registry_sign(registry, false);
    apply_due(apply);
    for (item = list; item && !apply->edit.failed; item = item->next) {
        struct change *change = (struct change *)item;
        registry_apply(registry, change);
    }
    apply_expire_operations(apply);
    apply_finish(apply);
    registry_put_notes(registry, store_batch_size(apply->batch) != 0);
    trail_expire(&registry->trail, registry->store, apply->batch, apply->wall_ms, apply->mono_ms);
    r = registry_end(registry, n_changes);
    while (list) {
        struct change *change = (struct change *)list;
        list = list->next;
        if (r)
            change->result = r;
        change->done(change);
    }
}

/* --- the thread -------------------------------------------------------------------------------------------------- */

/* When the writer has to act by itself, on the queue's clock. */
static int64_t registry_next_wakeup(struct registry *registry)
{
    const struct snapshot *head = registry->head.newest;
    int64_t wait_ms = REGISTRY_TICK_MS, rest;
    struct timespec now;

    if (tree_size(&head->deadlines).count) {
        const struct deadline *first = tree_select(&head->deadlines, TREE_BY_COUNT, 0);
        rest = first->due_mono_ms - clock_mono_ns(registry->config.clock) / 1000000;
        wait_ms = rest < 0 ? 0 : rest < wait_ms ? rest + 1 : wait_ms;
    }
    rest = trail_due_mono_ms(&registry->trail);
    if (rest != INT64_MAX) {
        rest -= clock_mono_ns(registry->config.clock) / 1000000;
        wait_ms = rest < 0 ? 0 : rest < wait_ms ? rest + 1 : wait_ms;
    }
    if (registry->failure && wait_ms < REGISTRY_RETRY_MS)
        wait_ms = REGISTRY_RETRY_MS; /* what is due must not become a busy loop */
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec + wait_ms * 1000000;
}

static void *registry_write(void *arg)
{
    struct registry *registry = arg;
    struct queue_item *list;
    size_t n;

    snapshot_reader_start(); /* who frees under RCU must be known to it */
    while (queue_drain(&registry->queue, REGISTRY_MAX_BATCH, registry_next_wakeup(registry), &list, &n) == 0)
        registry_round(registry, list, n);
    registry_last_rounds(registry);
    snapshot_reader_stop();
    return NULL;
}

void registry_submit(struct registry *registry, struct change *change)
{
    if (queue_push(&registry->queue, &change->item) == 0)
        return;
    metric_add(METRIC_QUEUE_REFUSED, 1);
    change->result = CHANGE_OVERLOADED;
    change->done(change);
}

static void registry_wake_waiting(struct change *change)
{
    sem_post(change->owner);
}

int registry_do(struct registry *registry, struct change *change)
{
    sem_t answered;

    sem_init(&answered, 0, 0);
    change->done = registry_wake_waiting;
    change->owner = &answered;
    registry_submit(registry, change);
    while (sem_wait(&answered) != 0)
        ;
    sem_destroy(&answered);
    return change->result;
}

int registry_note(struct registry *registry, struct str text)
{
    bool is_first;
    int r = trail_note(&registry->trail, text, clock_mono_ns(registry->config.clock) / 1000000, &is_first);

    if (r == 0 && is_first)
        queue_wake(&registry->queue);
    return r;
}

void registry_keep_trail(struct registry *registry, const struct registry_signer *signer)
{
    registry->signer = *signer;
    registry->keeps_trail = true;
    queue_wake(&registry->queue);
}

void registry_refuse_changes(struct registry *registry, bool refuse)
{
    registry->refuses = refuse;
}

/* --- opening ----------------------------------------------------------------------------------------------------- */

static int registry_load(struct registry *registry, struct store_message *ret_message)
{
    struct apply *apply = &registry->apply;
    int r;

    edit_begin(&apply->edit, 1, true);
    apply->wall_ms = clock_wall_ms(registry->config.clock);
    apply->mono_ms = clock_mono_ns(registry->config.clock) / 1000000;
    r = load_records(apply, registry->store, ret_message);
    apply->next.revision = store_revision(registry->store);
    registry->head.newest = r ? NULL : mem_dup(&apply->next, sizeof(apply->next));
    if (!registry->head.newest) {
        state_free(&apply->next);
        r = r ? r : -ENOMEM;
    }
    return r;
}

static void registry_free(struct registry *registry)
{
    struct apply *apply = &registry->apply;

    if (registry->head.newest) {
        state_free(registry->head.newest);
        mem_free(registry->head.newest);
    }
    trail_fini(&registry->trail);
    edit_abandon(&apply->edit);
    store_batch_free(apply->batch);
    buf_fini(&apply->text);
    mem_free(apply->stale_services.items);
    mem_free(apply->stale_owners.items);
    mem_free(apply->new_operations.items);
    mem_free(apply->notices);
    mem_free(registry);
}

int registry_open(const struct registry_config *config, struct store *store, struct registry **ret_registry,
                  struct store_message *ret_message)
{
    struct registry *registry = mem_zalloc(sizeof(*registry));
    struct apply *apply;
    int r;

    if (!registry)
        return -ENOMEM;
    apply = &registry->apply;
    registry->config = *config;
    registry->store = store;
    apply->config = &registry->config;
    trail_init(&registry->trail, config->trail_keep_ms, config->trail_keep_bytes);
    buf_init(&apply->text, REGISTRY_MAX_RECORD);
    if (config->seed)
        rand_init_seed(&apply->rand, config->seed);
    else
        rand_init(&apply->rand);
    apply->next.index_key = (struct hash_key){ { rand_u64(&apply->rand), rand_u64(&apply->rand) } };
    apply->next.vpcs = apply->config->vpcs;
    apply->next.name_key = dname_key_of(rand_u64(&apply->rand));
    apply->batch = store_batch_new();
    r = apply->batch ? snapshot_start() : -ENOMEM;
    if (!r)
        r = registry_load(registry, ret_message);
    if (r)
        goto out;
    r = queue_init(&registry->queue, REGISTRY_MAX_QUEUE);
    if (r)
        goto out;
    r = -pthread_create(&registry->writer, NULL, registry_write, registry);
    if (r) {
        queue_fini(&registry->queue);
        goto out;
    }
    *ret_registry = registry;
    return 0;
out:
    registry_free(registry);
    return r;
}

void registry_stop(struct registry *registry)
{
    if (!registry)
        return;
    queue_close(&registry->queue);
    pthread_join(registry->writer, NULL);
    registry->is_stopped = true;
}

void registry_close(struct registry *registry)
{
    if (!registry)
        return;
    if (!registry->is_stopped)
        registry_stop(registry);
    snapshot_barrier();
    queue_fini(&registry->queue);
    registry_free(registry);
}

/* --- looking ----------------------------------------------------------------------------------------------------- */

const struct snapshot_head *registry_head(const struct registry *registry)
{
    return &registry->head;
}

void registry_wake(struct registry *registry)
{
    queue_wake(&registry->queue);
}

void registry_stat(const struct registry *registry, struct registry_stat *ret_stat)
{
    const struct snapshot *snapshot = snapshot_acquire(&registry->head);
    struct registry_stat stat = { .queue_depth = queue_depth(&registry->queue), .revision = snapshot->revision };
    const struct tenant *tenant;
    struct tree_iter iter;

    stat.held_operations = snapshot->n_held_operations;
    stat.held_leases = snapshot->n_held_leases;
    tree_iter_init(&iter, &snapshot->tenants, NULL, NULL);
    while ((tenant = tree_iter_next(&iter))) {
        stat.tenants++;
        stat.namespaces += tree_size(&tenant->namespaces).count;
        stat.services += tree_size(&tenant->services).count;
        stat.instances += tree_size(&tenant->services_by_name).weight;
        stat.operations += tree_size(&tenant->operations).count;
        stat.unfinished_operations += tree_size(&tenant->unfinished).count;
    }
    snapshot_release(&registry->head);
    *ret_stat = stat;
}
