/* SPDX-License-Identifier: Apache-2.0
 *
 * The schedule; see schedule.h. Sockets stand in an epoll set of its own, which is one handle of the loop: a probe
 * costs one system call to be watched and none to be forgotten. */
#include "health/schedule.h"

#include "base/mem.h"
#include "base/process.h"
#include "health/address_table.h"
#include "health/due_heap.h"

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#define MS INT64_C(1000000)
#define SECOND INT64_C(1000000000)
#define EVENTS_PER_PASS 256
#define STARTS_PER_PASS 64
#define REST_NS (100 * MS)                  /* without starting probes, when resources have run out */
#define GOLDEN UINT64_C(0x9e3779b97f4a7c15) /* 2^64 / golden ratio: its multiples are spread evenly, however many */

/* Targets that wait for their next probe, by what they wait for then; in the order in which they get sockets. */
enum queue { REGULAR, REGULAR_TLS, FIRST, FIRST_TLS, QUEUE_COUNT };

struct running {
    struct probe probe;
    struct schedule_target *target; /* NULL: over */
    struct due_node deadline;
    int64_t due_ns, started_ns;
    struct running *next_over;
};

struct schedule_target {
    const struct check *check;
    void *owner;
    struct address_entry *address;
    struct running *running;
    struct due_node start; /* in its queue; later than due_ns where its address has to rest */
    enum queue queue;
    bool is_reserved; /* the start has been told the address */
    int64_t due_ns;
    uint64_t phase; /* in 2^-64 of the interval */
};

struct schedule {
    struct schedule_config config;
    struct probe_tls *tls;
    struct address_table addresses;
    struct due_heap queues[QUEUE_COUNT], deadlines;
    struct running *over; /* to be freed when no event can name them any more */
    uint64_t n_phases;
    size_t n_targets, n_running, n_running_tls, n_running_first;
    int64_t base_ns; /* where all intervals begin */
    int64_t rest_until_ns;
    int epoll_fd;
    uv_poll_t poll;
    uv_timer_t timer;
    int n_open_handles;
};

static int64_t now_of(const struct schedule *schedule)
{
    return clock_mono_ns(schedule->config.clock);
}

static bool is_tls(enum queue queue)
{
    return queue == REGULAR_TLS || queue == FIRST_TLS;
}

static bool is_first(enum queue queue)
{
    return queue == FIRST || queue == FIRST_TLS;
}

/* May a probe of this kind be started? First ones leave half of everything to regular ones, however many come at a
 * time. */
static bool has_room(const struct schedule *schedule, enum queue queue)
{
    size_t sockets = schedule->config.max_sockets, tls = schedule->config.max_tls;

    if (schedule->n_running >= sockets || (is_tls(queue) && schedule->n_running_tls >= tls))
        return false;
    if (!is_first(queue))
        return true;
    return schedule->n_running_first < (sockets + 1) / 2 && (!is_tls(queue) || schedule->n_running_tls < (tls + 1) / 2);
}

/* --- when ----------------------------------------------------------------------------------------------------------
 */

/* The target's first turn behind that time. */
static int64_t next_turn(const struct schedule *schedule, const struct schedule_target *target, int64_t after_ns)
{
    int64_t interval_ns = target->check->interval_ms * MS;
    __extension__ unsigned __int128 share = (unsigned __int128)target->phase * (uint64_t)interval_ns;
    int64_t first_ns = schedule->base_ns + (int64_t)(share >> 64);

    if (after_ns < first_ns)
        return first_ns;
    return first_ns + ((after_ns - first_ns) / interval_ns + 1) * interval_ns;
}

static void enqueue(struct schedule *schedule, struct schedule_target *target, bool first, int64_t due_ns)
{
    bool tls = target->check->protocol == CHECK_HTTPS;

    target->queue = first ? (tls ? FIRST_TLS : FIRST) : tls ? REGULAR_TLS : REGULAR;
    target->due_ns = due_ns;
    target->is_reserved = false;
    due_heap_put(&schedule->queues[target->queue], &target->start, due_ns);
}

static void dequeue(struct schedule *schedule, struct schedule_target *target)
{
    due_heap_remove(&schedule->queues[target->queue], &target->start);
    if (target->is_reserved)
        address_table_give_back(&schedule->addresses, target->address);
    target->is_reserved = false;
}

/* The first thing that there is to do at some time. */
static int64_t next_ns(const struct schedule *schedule, int64_t now_ns)
{
    const struct due_node *node = due_heap_first(&schedule->deadlines, INT64_MAX);
    int64_t next = node ? node->due_ns : INT64_MAX;

    for (int i = 0; i < QUEUE_COUNT; i++) {
        node = due_heap_first(&schedule->queues[i], INT64_MAX);
        int64_t start = node ? node->due_ns : INT64_MAX;
        if (start <= now_ns && schedule->rest_until_ns <= now_ns && !has_room(schedule, (enum queue)i))
            continue; /* the end of a probe wakes it */
        if (node && start < schedule->rest_until_ns)
            start = schedule->rest_until_ns;
        if (start < next)
            next = start;
    }
    return next;
}

/* --- ending probes -------------------------------------------------------------------------------------------------
 */

/* Takes the probe off its target. */
static void stop_running(struct schedule *schedule, struct schedule_target *target)
{
    struct running *running = TAKE(target->running);

    if (!running)
        return;
    due_heap_remove(&schedule->deadlines, &running->deadline);
    probe_end(&running->probe);
    schedule->n_running--;
    schedule->n_running_tls -= is_tls(target->queue);
    schedule->n_running_first -= is_first(target->queue);
    running->target = NULL;
    running->next_over = schedule->over;
    schedule->over = running;
}

static void free_over(struct schedule *schedule)
{
    while (schedule->over) {
        struct running *running = schedule->over;
        schedule->over = running->next_over;
        mem_free(running);
    }
}

/* Gives the target its next turn, and tells. The target may be gone afterwards. */
static void tell(struct schedule *schedule, struct schedule_target *target, enum probe_result result, unsigned status,
                 int64_t due_ns, int64_t started_ns, int64_t now_ns)
{
    struct probe_outcome outcome = { .result = result,
                                     .status = status,
                                     .duration_ns = now_ns - started_ns,
                                     .due_ns = due_ns,
                                     .started_ns = started_ns };
    int64_t next = next_turn(schedule, target, due_ns);

    enqueue(schedule, target, false, next > now_ns ? next : next_turn(schedule, target, now_ns));
    if (result == PROBE_NO_RESOURCES)
        schedule->rest_until_ns = now_ns + REST_NS;
    schedule->config.on_outcome(schedule->config.arg, target->owner, &outcome);
}

static void step(struct schedule *schedule, struct running *running, int64_t now_ns)
{
    struct schedule_target *target = running->target;
    enum probe_result result = probe_step(&running->probe, now_ns);

    if (result == PROBE_PENDING) {
        if (running->deadline.due_ns != running->probe.deadline_ns) {
            due_heap_remove(&schedule->deadlines, &running->deadline);
            due_heap_put(&schedule->deadlines, &running->deadline, running->probe.deadline_ns);
        }
        return;
    }
    stop_running(schedule, target);
    tell(schedule, target, result, probe_status(&running->probe), running->due_ns, running->started_ns, now_ns);
}

/* --- starting them -------------------------------------------------------------------------------------------------
 */

static bool watch(struct schedule *schedule, struct running *running)
{
    struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = running };

    return epoll_ctl(schedule->epoll_fd, EPOLL_CTL_ADD, running->probe.fd, &event) == 0;
}

static void start(struct schedule *schedule, struct schedule_target *target, int64_t now_ns)
{
    struct running *running = mem_alloc(sizeof(*running));
    enum probe_result result = PROBE_NO_RESOURCES;
    int64_t due_ns = target->due_ns;

    target->is_reserved = false; /* used */
    due_heap_remove(&schedule->queues[target->queue], &target->start);
    if (running) {
        *running = (struct running){ .target = target, .due_ns = due_ns, .started_ns = now_ns };
        result = probe_start(&running->probe, target->check, schedule->config.policy, &schedule->config.limits,
                             schedule->tls, now_ns);
    }
    if (result == PROBE_PENDING && !watch(schedule, running)) {
        probe_end(&running->probe);
        result = PROBE_NO_RESOURCES;
    }
    if (result != PROBE_PENDING) {
        mem_free(running);
        tell(schedule, target, result, 0, due_ns, now_ns, now_ns);
        return;
    }
    target->running = running;
    schedule->n_running++;
    schedule->n_running_tls += is_tls(target->queue);
    schedule->n_running_first += is_first(target->queue);
    due_heap_put(&schedule->deadlines, &running->deadline, running->probe.deadline_ns);
}

/* Starts the queue's next target if it is due; a target whose address has to rest is put behind instead. */
static bool start_next(struct schedule *schedule, enum queue queue, int64_t now_ns)
{
    struct due_node *node = due_heap_first(&schedule->queues[queue], now_ns);

    if (!node || !has_room(schedule, queue) || now_ns < schedule->rest_until_ns)
        return false;
    struct schedule_target *target = DUE_HEAP_OWNER(node, struct schedule_target, start);
    if (!target->is_reserved) {
        int64_t start_ns = address_table_reserve(&schedule->addresses, target->address, now_ns);
        target->is_reserved = true;
        if (start_ns > now_ns) {
            due_heap_remove(&schedule->queues[queue], node);
            due_heap_put(&schedule->queues[queue], node, start_ns);
            return true;
        }
    }
    start(schedule, target, now_ns);
    return true;
}

/* --- the loop ------------------------------------------------------------------------------------------------------
 */

static void on_timer(uv_timer_t *timer);

/* Wakes the loop when there is something to do, be it late: but never at once, since libuv runs a timer of no time
 * again and again before it looks at anything else. */
static void arm(struct schedule *schedule)
{
    int64_t now_ns = now_of(schedule), next = next_ns(schedule, now_ns);

    if (next == INT64_MAX) {
        uv_timer_stop(&schedule->timer);
        return;
    }
    uv_update_time(schedule->config.loop);
    uv_timer_start(&schedule->timer, on_timer, next > now_ns ? (uint64_t)((next - now_ns + MS - 1) / MS) : 1, 0);
}

static void handle_events(struct schedule *schedule)
{
    struct epoll_event events[EVENTS_PER_PASS];
    int n = epoll_wait(schedule->epoll_fd, events, EVENTS_PER_PASS, 0);

    for (int i = 0; i < n; i++) {
        struct running *running = events[i].data.ptr;
        if (running->target)
            step(schedule, running, now_of(schedule));
    }
    free_over(schedule);
}

static void run(struct schedule *schedule)
{
    struct due_node *node;
    bool more = true;

    handle_events(schedule);
    while ((node = due_heap_first(&schedule->deadlines, now_of(schedule))))
        step(schedule, DUE_HEAP_OWNER(node, struct running, deadline), now_of(schedule));
    for (int n = 0; more && n < STARTS_PER_PASS; n++) {
        more = false;
        for (int i = 0; i < QUEUE_COUNT && !more; i++)
            more = start_next(schedule, (enum queue)i, now_of(schedule));
    }
    free_over(schedule);
    arm(schedule);
}

static void on_timer(uv_timer_t *timer)
{
    run(timer->data);
}

static void on_sockets(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    run(poll->data);
}

/* --- targets -------------------------------------------------------------------------------------------------------
 */

static int reserve_heaps(struct schedule *schedule, size_t n)
{
    int r = due_heap_reserve(&schedule->deadlines, n);

    for (int i = 0; i < QUEUE_COUNT && r == 0; i++)
        r = due_heap_reserve(&schedule->queues[i], n);
    return r;
}

static void enqueue_first(struct schedule *schedule, struct schedule_target *target, enum schedule_first first)
{
    int64_t now_ns = now_of(schedule);
    bool at_once = first == SCHEDULE_AT_ONCE;

    enqueue(schedule, target, at_once, at_once ? now_ns : next_turn(schedule, target, now_ns));
    arm(schedule);
}

int schedule_add(struct schedule *schedule, const struct check *check, void *owner, enum schedule_first first,
                 struct schedule_target **ret_target)
{
    struct schedule_target *target = mem_alloc(sizeof(*target));

    if (!target || reserve_heaps(schedule, schedule->n_targets + 1) != 0) {
        mem_free(target);
        return -ENOMEM;
    }
    *target = (struct schedule_target){ .check = check, .owner = owner, .phase = schedule->n_phases * GOLDEN };
    target->address = address_table_hold(&schedule->addresses, &check->address, now_of(schedule));
    if (!target->address) {
        mem_free(target);
        return -ENOMEM;
    }
    schedule->n_phases++;
    schedule->n_targets++;
    enqueue_first(schedule, target, first);
    *ret_target = target;
    return 0;
}

/* Neither runs nor waits afterwards. */
static void halt(struct schedule *schedule, struct schedule_target *target)
{
    stop_running(schedule, target);
    dequeue(schedule, target);
}

int schedule_change(struct schedule *schedule, struct schedule_target *target, const struct check *check,
                    enum schedule_first first)
{
    struct address_entry *address = address_table_hold(&schedule->addresses, &check->address, now_of(schedule));

    if (!address)
        return -ENOMEM;
    halt(schedule, target);
    address_table_release(target->address);
    target->address = address;
    target->check = check;
    enqueue_first(schedule, target, first);
    return 0;
}

void schedule_remove(struct schedule *schedule, struct schedule_target *take_target)
{
    halt(schedule, take_target);
    address_table_release(take_target->address);
    schedule->n_targets--;
    mem_free(take_target);
    arm(schedule);
}

int64_t schedule_next_ns(const struct schedule_target *target)
{
    return target->start.due_ns;
}

bool schedule_has_authority(const struct schedule *schedule, struct str name)
{
    return probe_tls_has_authority(schedule->tls, name);
}

static void add_waiting(const struct due_heap *queue, int64_t now_ns, struct schedule_stat *stat)
{
    for (size_t i = 1; i <= queue->n; i++) {
        const struct schedule_target *target = DUE_HEAP_OWNER(queue->nodes[i], struct schedule_target, start);
        int64_t lag_ns = now_ns - target->due_ns;
        stat->waiting += lag_ns >= 0;
        if (lag_ns > stat->lag_ns)
            stat->lag_ns = lag_ns;
    }
}

void schedule_stat(const struct schedule *schedule, struct schedule_stat *ret_stat)
{
    *ret_stat = (struct schedule_stat){ .targets = schedule->n_targets,
                                        .running = schedule->n_running,
                                        .running_tls = schedule->n_running_tls };
    for (int i = 0; i < QUEUE_COUNT; i++)
        add_waiting(&schedule->queues[i], now_of(schedule), ret_stat);
}

/* --- the whole -----------------------------------------------------------------------------------------------------
 */

static void free_parts(struct schedule *schedule)
{
    for (int i = 0; i < QUEUE_COUNT; i++)
        due_heap_fini(&schedule->queues[i]);
    due_heap_fini(&schedule->deadlines);
    address_table_fini(&schedule->addresses);
    probe_tls_free(schedule->tls);
    if (schedule->epoll_fd >= 0)
        close(schedule->epoll_fd);
    mem_free(schedule);
}

/* A quarter of the descriptors: the rest is the clients'. */
static unsigned count_sockets(void)
{
    unsigned n = process_share_of_files(4, SCHEDULE_MAX_SOCKETS);

    return n < 2 ? 2 : n;
}

static void set_defaults(struct schedule_config *config)
{
    config->max_sockets = config->max_sockets ? config->max_sockets : count_sockets();
    config->max_tls = config->max_tls ? config->max_tls : SCHEDULE_MAX_TLS;
    config->address_rate = config->address_rate ? config->address_rate : SCHEDULE_ADDRESS_RATE;
    config->address_burst = config->address_burst ? config->address_burst : SCHEDULE_ADDRESS_BURST;
}

int schedule_new(const struct schedule_config *config, struct schedule **ret_schedule, char *why, size_t size)
{
    struct schedule *schedule = mem_zalloc(sizeof(*schedule));
    int r;

    if (!schedule)
        return -ENOMEM;
    schedule->config = *config;
    set_defaults(&schedule->config);
    schedule->base_ns = now_of(schedule);
    schedule->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    r = schedule->epoll_fd < 0 ? -errno : 0;
    if (r == 0)
        r = address_table_init(&schedule->addresses, SECOND / schedule->config.address_rate,
                               schedule->config.address_burst);
    if (r == 0)
        r = probe_tls_new(config->authorities, &schedule->tls, why, size);
    if (r == 0)
        r = uv_poll_init(config->loop, &schedule->poll, schedule->epoll_fd);
    if (r != 0) {
        free_parts(schedule);
        return r;
    }
    uv_timer_init(config->loop, &schedule->timer);
    schedule->n_open_handles = 2;
    schedule->poll.data = schedule->timer.data = schedule;
    uv_poll_start(&schedule->poll, UV_READABLE, on_sockets);
    *ret_schedule = schedule;
    return 0;
}

static void on_closed(uv_handle_t *handle)
{
    struct schedule *schedule = handle->data;

    if (--schedule->n_open_handles == 0)
        free_parts(schedule);
}

void schedule_free(struct schedule *schedule)
{
    struct due_node *node;

    if (!schedule)
        return;
    for (int i = 0; i < QUEUE_COUNT; i++)
        while ((node = due_heap_first(&schedule->queues[i], INT64_MAX)))
            schedule_remove(schedule, DUE_HEAP_OWNER(node, struct schedule_target, start));
    while ((node = due_heap_first(&schedule->deadlines, INT64_MAX)))
        schedule_remove(schedule, DUE_HEAP_OWNER(node, struct running, deadline)->target);
    free_over(schedule);
    uv_close((uv_handle_t *)&schedule->poll, on_closed);
    uv_close((uv_handle_t *)&schedule->timer, on_closed);
}
