/* SPDX-License-Identifier: Apache-2.0
 *
 * The checker's thread; see health.h. Verdicts that wait go to the registry in one change at a time: what turns while
 * it commits shares the next. */
#include "health/health_priv.h"

#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metric.h"

#include <errno.h>
#include <stdio.h>

#define TICK_MS 1000
#define RETRY_MS 1000              /* before a change that failed is tried again */
#define LOOK_MS 20                 /* changes of services gather so long */
#define LOOK_MAX_MS 500            /* looking takes a tenth of the time at most, but waits no longer */
#define REFERENCE_INTERVAL_MS 5000 /* a reference target is probed more often than what it speaks for */
#define BATCH_ARENA (1u << 20)

/* --- what the writer tells ---------------------------------------------------------------------------------------- */

static struct str health_put_text(char **at, struct str text)
{
    struct str copy = { *at, text.n };

    memcpy(*at, text.p, text.n);
    *at += text.n;
    return copy;
}

static struct health_note *health_new_note(const struct service *service)
{
    struct health_note *note = mem_alloc(sizeof(*note) + service->account.n + service->region.n + service->id.n);
    char *at = (char *)(note + 1);

    if (!note)
        return NULL;
    note->account = health_put_text(&at, service->account);
    note->region = health_put_text(&at, service->region);
    note->service_id = health_put_text(&at, service->id);
    return note;
}

static void health_note(void *arg, const struct service *service)
{
    struct health *health = arg;
    struct health_note *note;

    pthread_mutex_lock(&health->note_mutex);
    note = health_new_note(service);
    if (note) {
        note->next = health->noted;
        health->noted = note;
    } else {
        health->is_all_noted = true;
    }
    pthread_mutex_unlock(&health->note_mutex);
}

/* Among the published ones, unless the service is there already. */
static void health_publish_note(struct health *health, struct health_note *note)
{
    struct health_note **bucket =
        &health->published[hash_crc32(0, note->service_id.p, note->service_id.n) % HEALTH_BUCKETS];
    const struct health_note *other = *bucket;

    while (other && !(str_eq(other->service_id, note->service_id) && str_eq(other->account, note->account) &&
                      str_eq(other->region, note->region)))
        other = other->next;
    if (other) {
        mem_free(note);
        return;
    }
    note->next = *bucket;
    *bucket = note;
}

static void health_publish(void *arg)
{
    struct health *health = arg;
    bool is_due;

    pthread_mutex_lock(&health->note_mutex);
    is_due = (health->noted || health->is_all_noted) && health->is_started && !health->is_stopping;
    while (health->noted) {
        struct health_note *note = health->noted;
        health->noted = note->next;
        health_publish_note(health, note);
    }
    health->is_all_published = health->is_all_published || health->is_all_noted;
    health->is_all_noted = false;
    if (is_due)
        uv_async_send(&health->wakeup);
    pthread_mutex_unlock(&health->note_mutex);
}

struct registry_watcher health_watcher(struct health *health)
{
    return (struct registry_watcher){ .note = health_note, .publish = health_publish, .arg = health };
}

/* --- telling the registry ----------------------------------------------------------------------------------------- */

static void health_wait(struct health *health, struct roster_target *target)
{
    if (target->is_waiting || target->told_at)
        return;
    target->is_waiting = true;
    target->next_waiting = NULL;
    target->prev_waiting = health->waiting_end;
    *health->waiting_end = target;
    health->waiting_end = &target->next_waiting;
}

static void health_wait_no_more(struct health *health, struct roster_target *target)
{
    if (!target->is_waiting)
        return;
    target->is_waiting = false;
    *target->prev_waiting = target->next_waiting;
    if (target->next_waiting)
        target->next_waiting->prev_waiting = target->prev_waiting;
    else
        health->waiting_end = target->prev_waiting;
}

static void health_on_turned(void *arg, struct judge_target *judged)
{
    health_wait(arg, (struct roster_target *)judged);
}

static void health_on_dropped(void *arg, struct roster_target *target)
{
    struct health *health = arg;

    health_wait_no_more(health, target);
    if (target->told_at)
        health->told[target->told_at - 1] = NULL;
}

/* On the writer's thread, or on ours when the registry takes no more. */
static void health_on_answer(struct change *change)
{
    struct health *health = change->owner;

    pthread_mutex_lock(&health->note_mutex);
    health->is_answered = true;
    uv_async_send(&health->wakeup);
    pthread_mutex_unlock(&health->note_mutex);
}

static void health_draft_verdict(struct health *health, struct roster_target *target)
{
    const struct roster_group *group = target->group;
    struct arena *arena = &health->batch_arena;

    health->verdicts[health->n_told] = (struct change_verdict){ .account = arena_dup(arena, group->account),
                                                                .region = arena_dup(arena, group->region),
                                                                .service_id = arena_dup(arena, group->service_id),
                                                                .instance_id = arena_dup(arena, target->id),
                                                                .create_ms = target->create_ms,
                                                                .health = target->judge.verdict };
    health->told[health->n_told++] = target;
    target->told_at = health->n_told;
}

/* Under the mutex. */
static void health_tell(struct health *health)
{
    if (health->is_telling || !health->waiting || uv_is_active((uv_handle_t *)&health->retry))
        return;
    arena_reset(&health->batch_arena);
    health->n_told = 0;
    while (health->waiting && health->n_told < HEALTH_MAX_BATCH) {
        struct roster_target *target = health->waiting;
        health_wait_no_more(health, target);
        if (target->judge.verdict != target->told)
            health_draft_verdict(health, target);
    }
    if (health->n_told == 0)
        return;
    ASSERT(!health->batch_arena.failed);
    health->change = (struct change){ .kind = CHANGE_PROBE_HEALTH,
                                      .account = health->verdicts[0].account,
                                      .region = health->verdicts[0].region,
                                      .verdicts = health->verdicts,
                                      .n_verdicts = health->n_told,
                                      .arena = &health->batch_arena,
                                      .done = health_on_answer,
                                      .owner = health };
    health->is_telling = true;
    registry_submit(health->registry, &health->change);
}

static void health_say_turned(const struct roster_target *target)
{
    const char *why = target->last.result == PROBE_PENDING ? "" : probe_result_text(target->last.result);

    metric_add(target->told == HEALTH_HEALTHY ? METRIC_HEALTH_TURNED_HEALTHY : METRIC_HEALTH_TURNED_UNHEALTHY, 1);
    log_event(LOG_HEALTH_TURNED, LOG_S("service", target->group->service_id), LOG_S("instance", target->id),
              LOG_S("status", service_health_text(target->told)), LOG_C("reason", why),
              LOG_I("http_status", target->last.status), LOG_I("results", target->judge.in_row));
}

/* The registry has answered: what was told is known, or must be told again. */
static void health_take_answer(struct health *health)
{
    int result = health->change.result;

    health->is_telling = false;
    for (size_t i = 0; i < health->n_told; i++) {
        struct roster_target *target = health->told[i];
        if (!target)
            continue;
        target->told_at = 0;
        if (result == 0) {
            target->told = health->verdicts[i].health;
            health_say_turned(target);
        }
        if (target->judge.verdict != target->told)
            health_wait(health, target);
    }
    health->n_told = 0;
}

/* --- doubt -------------------------------------------------------------------------------------------------------- */

/* After whatever may have changed a verdict: says where doubt stands, and tells the registry. `why` is for the end of
 * doubt. Under the mutex. */
static void health_settle(struct health *health, const char *why)
{
    const struct judge *judge = &health->judge;
    bool doubts = judge->doubt != JUDGE_SURE;

    if (doubts && !health->doubt_wall_ms) {
        health->doubt_wall_ms = clock_wall_ms(health->config.clock);
        log_event(LOG_HEALTH_DOUBT,
                  LOG_C("reason", judge->doubt == JUDGE_DOUBTS_REFERENCE
                                      ? "no reference target answers"
                                      : "too many targets stopped answering within one interval"),
                  LOG_I("held", judge_count_held(judge)), LOG_I("targets", judge->n_targets));
    } else if (!doubts && health->doubt_wall_ms) {
        health->doubt_wall_ms = 0;
        log_event(LOG_HEALTH_SURE, LOG_C("reason", health->is_released ? "an operator ended it" : why),
                  LOG_I("targets", judge->n_targets));
    }
    health->is_released = false;
    metric_set(METRIC_HEALTH_DOUBT, doubts);
    metric_set(METRIC_HEALTH_HELD, (int64_t)judge_count_held(judge));
    metric_set(METRIC_HEALTH_TARGETS, (int64_t)judge->n_targets);
    health_tell(health);
}

static int64_t health_now_ms(const struct health *health)
{
    return clock_mono_ns(health->config.clock) / 1000000;
}

size_t health_held(struct health *health)
{
    size_t n;

    pthread_mutex_lock(&health->mutex);
    n = judge_count_held(&health->judge);
    pthread_mutex_unlock(&health->mutex);
    return n;
}

size_t health_release(struct health *health)
{
    size_t n;

    pthread_mutex_lock(&health->mutex);
    n = judge_count_held(&health->judge);
    health->is_released = health->judge.doubt != JUDGE_SURE;
    judge_release(&health->judge);
    pthread_mutex_unlock(&health->mutex);
    pthread_mutex_lock(&health->note_mutex);
    if (health->is_started && !health->is_stopping)
        uv_async_send(&health->wakeup);
    pthread_mutex_unlock(&health->note_mutex);
    return n;
}

/* --- results ------------------------------------------------------------------------------------------------------ */

/* One reference target that answers is enough; all must have been asked before none does. */
static void health_hear_reference(struct health *health, struct health_reference *reference,
                                  const struct probe_outcome *outcome)
{
    bool all_known = true, any_good = false;

    reference->last = *outcome;
    for (size_t i = 0; i < health->n_references; i++) {
        all_known = all_known && health->references[i].last.result != PROBE_PENDING;
        any_good = any_good || health->references[i].last.result == PROBE_OK;
    }
    if (all_known || any_good)
        judge_reference(&health->judge, any_good, health_now_ms(health));
    health_settle(health, "a reference target answers");
}

static void health_on_outcome(void *arg, void *owner, const struct probe_outcome *outcome)
{
    struct health *health = arg;
    struct health_reference *reference = owner;
    struct roster_target *target = owner;

    pthread_mutex_lock(&health->mutex);
    if (reference >= health->references && reference < health->references + HEALTH_MAX_REFERENCES) {
        health_hear_reference(health, reference, outcome);
    } else {
        target->last = *outcome;
        target->last_wall_ms = clock_wall_ms(health->config.clock);
        target->next_ns = schedule_next_ns(target->scheduled);
        __atomic_add_fetch(&health->n_probes[target->check->protocol][outcome->result], 1, __ATOMIC_RELAXED);
        metric_observe_ns(METRIC_HEALTH_PROBE_DURATION, outcome->duration_ns);
        metric_observe_ns(METRIC_HEALTH_PROBE_LAG, outcome->started_ns - outcome->due_ns);
        /* A probe that was not made says nothing of its target. */
        if (outcome->result != PROBE_NO_RESOURCES && outcome->result != PROBE_FORBIDDEN)
            judge_result(&health->judge, &target->judge, outcome->result == PROBE_OK, outcome->started_ns / 1000000,
                         health_now_ms(health));
        health_settle(health, "the targets answer again");
    }
    pthread_mutex_unlock(&health->mutex);
}

/* --- the loop ----------------------------------------------------------------------------------------------------- */

static void health_on_look(uv_timer_t *timer);

static void health_look_in(struct health *health, int64_t ms)
{
    if (health->is_look_due)
        return;
    health->is_look_due = true;
    uv_timer_start(&health->look, health_on_look, (uint64_t)ms, 0);
}

static struct health_note *health_take_notes(struct health *health, bool *ret_all)
{
    struct health_note *list = NULL;

    pthread_mutex_lock(&health->note_mutex);
    for (size_t i = 0; i < HEALTH_BUCKETS; i++)
        while (health->published[i]) {
            struct health_note *note = health->published[i];
            health->published[i] = note->next;
            note->next = list;
            list = note;
        }
    *ret_all = health->is_all_published;
    health->is_all_published = false;
    pthread_mutex_unlock(&health->note_mutex);
    return list;
}

static void health_free_notes(struct health_note *list)
{
    while (list) {
        struct health_note *note = list;
        list = note->next;
        mem_free(note);
    }
}

/* Looks at what changed. Memory that is out leaves the rest, everything in fact, to the next time. */
static void health_refresh(struct health *health)
{
    bool all;
    struct health_note *list = health_take_notes(health, &all);
    const struct snapshot *snapshot;
    int r = 0;

    pthread_mutex_lock(&health->mutex);
    snapshot = snapshot_acquire(registry_head(health->registry));
    if (all)
        r = roster_refresh_all(&health->roster, snapshot);
    for (const struct health_note *note = list; note; note = note->next)
        if (roster_refresh(&health->roster, snapshot, note->account, note->region, note->service_id))
            r = -ENOMEM;
    snapshot_release(registry_head(health->registry));
    health_settle(health, "the targets are gone");
    pthread_mutex_unlock(&health->mutex);
    health_free_notes(list);
    if (r) {
        pthread_mutex_lock(&health->note_mutex);
        health->is_all_published = true;
        pthread_mutex_unlock(&health->note_mutex);
        health_look_in(health, RETRY_MS);
    }
}

static void health_on_look(uv_timer_t *timer)
{
    struct health *health = timer->data;
    int64_t start = health_now_ms(health), rest;

    health->is_look_due = false;
    health_refresh(health);
    rest = 9 * (health_now_ms(health) - start);
    health->look_rest_until_ms = health_now_ms(health) + (rest < LOOK_MAX_MS ? rest : LOOK_MAX_MS);
}

static void health_on_tick(uv_timer_t *timer)
{
    struct health *health = timer->data;

    pthread_mutex_lock(&health->mutex);
    judge_tick(&health->judge, health_now_ms(health));
    schedule_stat(health->schedule, &health->stat);
    health_settle(health, "it has lasted as long as it may");
    pthread_mutex_unlock(&health->mutex);
}

static void health_on_retry(uv_timer_t *timer)
{
    struct health *health = timer->data;

    pthread_mutex_lock(&health->mutex);
    health_tell(health);
    pthread_mutex_unlock(&health->mutex);
}

static void health_close_handles(struct health *health)
{
    schedule_free(health->schedule);
    uv_close((uv_handle_t *)&health->wakeup, NULL);
    uv_close((uv_handle_t *)&health->look, NULL);
    uv_close((uv_handle_t *)&health->tick, NULL);
    uv_close((uv_handle_t *)&health->retry, NULL);
}

/* Ends the loop when nothing of ours is in the registry's hands. */
static void health_end(struct health *health)
{
    pthread_mutex_lock(&health->mutex);
    roster_fini(&health->roster);
    for (size_t i = 0; i < health->n_references; i++) {
        schedule_remove(health->schedule, health->references[i].scheduled);
        mem_free(health->references[i].check);
    }
    health->n_references = 0;
    health_close_handles(health);
    pthread_mutex_unlock(&health->mutex);
}

static void health_on_wakeup(uv_async_t *async)
{
    struct health *health = async->data;
    bool is_answered, is_stopping, is_noted = false;
    int64_t rest;

    pthread_mutex_lock(&health->note_mutex);
    is_answered = health->is_answered;
    health->is_answered = false;
    is_stopping = health->is_stopping;
    for (size_t i = 0; i < HEALTH_BUCKETS && !is_noted; i++)
        is_noted = health->published[i] != NULL;
    is_noted = is_noted || health->is_all_published;
    pthread_mutex_unlock(&health->note_mutex);

    pthread_mutex_lock(&health->mutex);
    if (is_answered) {
        if (health->change.result)
            uv_timer_start(&health->retry, health_on_retry, RETRY_MS, 0);
        health_take_answer(health);
    }
    if (!is_stopping)
        health_settle(health, "");
    pthread_mutex_unlock(&health->mutex);

    rest = health->look_rest_until_ms - health_now_ms(health);
    if (is_stopping && !health->is_telling)
        health_end(health);
    else if (is_noted && !is_stopping)
        health_look_in(health, rest > LOOK_MS ? rest : LOOK_MS);
}

static void *health_run(void *arg)
{
    struct health *health = arg;

    snapshot_reader_start();
    pthread_mutex_lock(&health->note_mutex);
    health->is_all_published = true;
    pthread_mutex_unlock(&health->note_mutex);
    health->roster.is_starting = true;
    health_refresh(health);
    health->roster.is_starting = false;
    uv_timer_start(&health->tick, health_on_tick, TICK_MS, TICK_MS);
    uv_run(&health->loop, UV_RUN_DEFAULT);
    uv_loop_close(&health->loop);
    snapshot_reader_stop();
    return NULL;
}

/* --- life --------------------------------------------------------------------------------------------------------- */

int health_new(const struct health_config *config, struct health **ret_health)
{
    struct health *health = mem_zalloc(sizeof(*health));

    if (!health)
        return -ENOMEM;
    health->config = *config;
    health->waiting_end = &health->waiting;
    pthread_mutex_init(&health->note_mutex, NULL);
    pthread_mutex_init(&health->mutex, NULL);
    arena_init(&health->batch_arena, BATCH_ARENA);
    judge_init(&health->judge, &(struct judge_settings){ .doubt_max = config->doubt_max,
                                                         .doubt_min = config->doubt_min,
                                                         .doubt_for_ms = config->doubt_for_ms,
                                                         .turned = health_on_turned,
                                                         .arg = health });
    *ret_health = health;
    return 0;
}

static int health_open_loop(struct health *health)
{
    int r = uv_loop_init(&health->loop);

    if (r)
        return r;
    uv_async_init(&health->loop, &health->wakeup, health_on_wakeup);
    uv_timer_init(&health->loop, &health->look);
    uv_timer_init(&health->loop, &health->tick);
    uv_timer_init(&health->loop, &health->retry);
    health->wakeup.data = health->look.data = health->tick.data = health->retry.data = health;
    return 0;
}

/* ADDRESS:PORT, or [ADDRESS]:PORT. 0, or 1 when it is not. */
static int health_parse_reference(struct str text, struct check *ret_check)
{
    size_t colon = text.n;
    struct str host;
    uint64_t port;

    while (colon > 0 && text.p[colon - 1] != ':')
        colon--;
    if (colon < 2 || str_parse_u64(str_skip(text, colon), &port) || port == 0 || port > UINT16_MAX)
        return 1;
    host = (struct str){ text.p, colon - 1 };
    if (host.p[0] == '[' && host.p[host.n - 1] == ']' && host.n > 2)
        host = (struct str){ host.p + 1, host.n - 2 };
    ret_check->port = (uint16_t)port;
    return target_address_parse(host, &ret_check->address);
}

static int health_add_references(struct health *health, char *why, size_t size)
{
    const struct health_config *config = &health->config;

    for (size_t i = 0; i < config->n_references && i < HEALTH_MAX_REFERENCES; i++) {
        struct health_reference *reference = &health->references[i];
        struct check draft = { .protocol = CHECK_TCP, .interval_ms = REFERENCE_INTERVAL_MS, .threshold = 1 };
        int r;
        if (health_parse_reference(str_of(config->references[i]), &draft)) {
            snprintf(why, size, "health.reference: %s is not ADDRESS:PORT", config->references[i]);
            return HEALTH_REFERENCE_BAD;
        }
        if (config->interval_ms < draft.interval_ms)
            draft.interval_ms = config->interval_ms;
        if (target_address_check(config->policy, &draft.address, draft.port) != TARGET_ALLOWED) {
            snprintf(why, size, "health.reference: %s may not be probed; health.allow opens addresses",
                     config->references[i]);
            return HEALTH_REFERENCE_BAD;
        }
        reference->check = check_new(&draft);
        r = reference->check
                ? schedule_add(health->schedule, reference->check, reference, SCHEDULE_AT_ONCE, &reference->scheduled)
                : -ENOMEM;
        if (r) {
            mem_free(reference->check);
            return r;
        }
        health->n_references++;
    }
    return 0;
}

static int health_open(struct health *health, char *why, size_t size)
{
    const struct health_config *config = &health->config;
    struct schedule_config schedule = { .loop = &health->loop,
                                        .clock = config->clock,
                                        .policy = config->policy,
                                        .limits = config->limits,
                                        .address_rate = config->address_rate,
                                        .authorities = config->authorities,
                                        .on_outcome = health_on_outcome,
                                        .arg = health };
    int r = schedule_new(&schedule, &health->schedule, why, size);

    if (r)
        return r > 0 ? HEALTH_AUTHORITIES_BAD : r;
    roster_init(&health->roster, &(struct roster_config){ .schedule = health->schedule,
                                                          .judge = &health->judge,
                                                          .interval_ms = config->interval_ms,
                                                          .verify_tls = config->verify_tls,
                                                          .dropped = health_on_dropped,
                                                          .arg = health });
    return health_add_references(health, why, size);
}

int health_start(struct health *health, struct registry *registry, char *why, size_t size)
{
    int r = health_open_loop(health);

    why[0] = '\0';
    if (r)
        return r;
    health->registry = registry;
    r = health_open(health, why, size);
    if (r == 0) {
        pthread_mutex_lock(&health->note_mutex);
        health->is_started = true;
        pthread_mutex_unlock(&health->note_mutex);
        r = -pthread_create(&health->thread, NULL, health_run, health);
    }
    if (r == 0)
        return 0;
    pthread_mutex_lock(&health->note_mutex);
    health->is_started = false;
    pthread_mutex_unlock(&health->note_mutex);
    health_end(health);
    uv_run(&health->loop, UV_RUN_DEFAULT);
    uv_loop_close(&health->loop);
    return r;
}

void health_stop(struct health *health)
{
    if (!health || !health->is_started)
        return;
    pthread_mutex_lock(&health->note_mutex);
    health->is_stopping = true;
    uv_async_send(&health->wakeup);
    pthread_mutex_unlock(&health->note_mutex);
    pthread_join(health->thread, NULL);
    pthread_mutex_lock(&health->note_mutex); /* the writer may publish still */
    health->is_started = false;
    pthread_mutex_unlock(&health->note_mutex);
}

void health_free(struct health *health)
{
    bool all;

    if (!health)
        return;
    health_free_notes(health_take_notes(health, &all));
    health_free_notes(health->noted);
    judge_fini(&health->judge);
    arena_fini(&health->batch_arena);
    pthread_mutex_destroy(&health->note_mutex);
    pthread_mutex_destroy(&health->mutex);
    mem_free(health);
}
