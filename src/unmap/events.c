/* SPDX-License-Identifier: Apache-2.0
 *
 * Read what is there, want a round, wait for one that began later, delete. */
#include "unmap/events.h"
#include "aws/ec2_event.h"
#include "aws/sqs.h"
#include "base/log.h"
#include "base/mem.h"
#include "unmap/access.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#define BATCHES_MAX 100 /* read before one round; a burst of terminations is one round's work */
#define ARENA_MAX ((size_t)512 << 20)
#define REST_AFTER_ERROR_S 5
#define REST_AFTER_NOTHING_S 1 /* messages that stay may come back at once */

struct events {
    struct events_config config;
    struct access *access;
    pthread_t thread;
    pthread_mutex_t mutex; /* over what follows */
    pthread_cond_t changed;
    uint64_t n_begun, n_ended; /* rounds */
    bool was_known;            /* the last one that ended */
    bool stops;
    atomic_bool is_stopped; /* for the call that runs: the same as `stops` */
};

/* What was read for one round. */
struct batch {
    struct sqs_messages messages;
    bool understood[SQS_BATCH]; /* to be deleted when they are handled */
};

struct haul {
    struct batch batches[BATCHES_MAX];
    size_t n;
    bool has_hint;
};

/* --- waiting ----------------------------------------------------------------------------------------------------- */

/* Waits for a round that begins from now on. Whether it knew everything; false when told to stop. */
static bool wait_for_round(struct events *events)
{
    static const uint64_t one = 1;
    pthread_mutex_lock(&events->mutex);
    uint64_t wanted = events->n_begun + 1;
    ssize_t n = write(events->config.wanted_fd, &one, sizeof(one));
    (void)n; /* full: a round is wanted already */
    while (!events->stops && events->n_ended < wanted)
        pthread_cond_wait(&events->changed, &events->mutex);
    bool is_known = !events->stops && events->was_known;
    pthread_mutex_unlock(&events->mutex);
    return is_known;
}

/* Whether to go on. */
static bool rest(struct events *events, unsigned seconds)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += seconds;
    pthread_mutex_lock(&events->mutex);
    while (!events->stops && pthread_cond_timedwait(&events->changed, &events->mutex, &until) != ETIMEDOUT)
        continue;
    bool goes_on = !events->stops;
    pthread_mutex_unlock(&events->mutex);
    return goes_on;
}

void events_round_begins(struct events *events)
{
    pthread_mutex_lock(&events->mutex);
    events->n_begun++;
    pthread_mutex_unlock(&events->mutex);
}

void events_round_ended(struct events *events, bool is_known)
{
    pthread_mutex_lock(&events->mutex);
    events->n_ended = events->n_begun;
    events->was_known = is_known;
    pthread_cond_broadcast(&events->changed);
    pthread_mutex_unlock(&events->mutex);
}

/* --- messages ---------------------------------------------------------------------------------------------------- */

/* Whether the instance may be dead or about to be. */
static bool is_hint(const struct ec2_event *event)
{
    if (event->kind == EC2_EVENT_LIFECYCLE)
        return true;
    return event->kind == EC2_EVENT_STATE &&
           (str_eq(event->state, STR("shutting-down")) || str_eq(event->state, STR("terminated")));
}

static int take_message(struct events *events, const struct sqs_message *message, struct arena *arena,
                        struct haul *caught, bool *ret_is_understood)
{
    struct ec2_event event;
    int r = ec2_event_read(message->body, arena, &event);
    if (r != 0)
        return r;
    int64_t lag_ms = message->sent_ms ? clock_wall_ms(events->config.clock) - message->sent_ms : -1;
    exporter_note_event(events->config.exporter, ec2_event_kind_text(event.kind), lag_ms);
    *ret_is_understood = event.kind != EC2_EVENT_POISON;
    if (event.kind == EC2_EVENT_POISON)
        log_event(LOG_UNMAP_EVENT_POISON, LOG_S("message_id", message->id));
    else if (is_hint(&event))
        log_event(LOG_UNMAP_EVENT, LOG_S("instance_id", event.instance_id),
                  LOG_C("kind", ec2_event_kind_text(event.kind)), LOG_S("state", event.state));
    caught->has_hint |= is_hint(&event);
    return 0;
}

/* Waits for messages, then takes what else is there. 0, -errno or a condition. */
static int read_queue(struct events *events, struct aws_client *sqs, struct arena *arena, struct haul *caught,
                      struct aws_error *error)
{
    unsigned wait_s = SQS_WAIT_S;
    for (caught->n = 0; caught->n < BATCHES_MAX;) {
        struct batch *batch = &caught->batches[caught->n];
        int r = sqs_receive(sqs, events->config.queue_url, wait_s, arena, &batch->messages, error);
        if (r != 0)
            return caught->n > 0 && r > 0 ? 0 : r; /* what was read before counts */
        for (size_t i = 0; r == 0 && i < batch->messages.n; i++)
            r = take_message(events, &batch->messages.items[i], arena, caught, &batch->understood[i]);
        if (r != 0)
            return r;
        caught->n++;
        if (batch->messages.n < SQS_BATCH)
            break;
        wait_s = 0;
    }
    return 0;
}

static size_t count_understood(const struct haul *caught)
{
    size_t n = 0;
    for (size_t i = 0; i < caught->n; i++)
        for (size_t k = 0; k < caught->batches[i].messages.n; k++)
            n += caught->batches[i].understood[k];
    return n;
}

static int delete_all(struct events *events, struct aws_client *sqs, struct arena *arena, const struct haul *caught,
                      struct aws_error *error)
{
    for (size_t i = 0; i < caught->n; i++) {
        const struct batch *batch = &caught->batches[i];
        size_t n = 0;
        for (size_t k = 0; k < batch->messages.n; k++)
            n += batch->understood[k];
        int r = n ? sqs_delete(sqs, events->config.queue_url, &batch->messages, batch->understood, arena, error) : 0;
        if (r != 0)
            return r;
    }
    return 0;
}

/* One time round. 0, -errno or a condition with *error. */
static int turn(struct events *events, struct aws_error *error)
{
    struct str named = sqs_region_of(events->config.queue_url);
    char region[64];
    struct aws_client *sqs;
    struct arena arena;
    if (named.n >= sizeof(region))
        named.n = 0;
    memcpy(region, named.n ? named.p : "", named.n);
    region[named.n] = '\0';
    int r = access_client(events->access, AWS_SQS, named.n ? region : events->config.region, events->config.role_arn,
                          &sqs, error);
    if (r != 0)
        return r;
    aws_client_set_stop(sqs, &events->is_stopped);
    struct haul *caught = mem_zalloc(sizeof(*caught));
    arena_init(&arena, ARENA_MAX);
    r = caught ? read_queue(events, sqs, &arena, caught, error) : -ENOMEM;
    bool is_handled = r == 0 && caught->n > 0 && (!caught->has_hint || wait_for_round(events));
    if (is_handled && !events->config.keeps_messages)
        r = delete_all(events, sqs, &arena, caught, error);
    if (r == 0 && caught->n > 0 && caught->batches[0].messages.n > 0 &&
        (!is_handled || events->config.keeps_messages || count_understood(caught) == 0))
        rest(events, REST_AFTER_NOTHING_S);
    arena_fini(&arena);
    mem_free(caught);
    return r;
}

static void *run(void *arg)
{
    struct events *events = arg;
    do {
        struct aws_error error = { 0 };
        int r = turn(events, &error);
        if (r == 0 || atomic_load(&events->is_stopped))
            continue;
        log_event(LOG_UNMAP_QUEUE, LOG_C("queue_url", events->config.queue_url), LOG_C("code", error.code),
                  LOG_C("error", r < 0 ? strerror(-r) : error.message));
        rest(events, REST_AFTER_ERROR_S);
    } while (rest(events, 0));
    return NULL;
}

/* --- life -------------------------------------------------------------------------------------------------------- */

static void free_events(struct events *events)
{
    access_free(events->access);
    mem_free(events);
}

int events_start(const struct events_config *config, struct events **ret_events)
{
    pthread_condattr_t attributes;
    struct events *events = mem_zalloc(sizeof(*events));
    if (!events)
        return -ENOMEM;
    events->config = *config;
    int r = access_new(&(struct access_config){ .environment = config->environment,
                                                .clock = config->clock,
                                                .watch = exporter_note_call,
                                                .watch_arg = config->exporter },
                       &events->access);
    if (r != 0) {
        free_events(events);
        return r;
    }
    pthread_mutex_init(&events->mutex, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&events->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    r = pthread_create(&events->thread, NULL, run, events);
    if (r != 0) {
        free_events(events);
        return -r;
    }
    *ret_events = events;
    return 0;
}

void events_stop(struct events *events)
{
    if (!events)
        return;
    pthread_mutex_lock(&events->mutex);
    events->stops = true;
    atomic_store(&events->is_stopped, true);
    pthread_cond_broadcast(&events->changed);
    pthread_mutex_unlock(&events->mutex);
    pthread_join(events->thread, NULL);
    pthread_cond_destroy(&events->changed);
    pthread_mutex_destroy(&events->mutex);
    free_events(events);
}
