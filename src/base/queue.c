/* SPDX-License-Identifier: Apache-2.0
 *
 * The queue is one mutex and one condition: both are held for a few instructions only, and the writer that drains it
 * spends its time in disk flushes. */
#include "base/queue.h"
#include "base/mem.h"

#include <errno.h>
#include <time.h>

int queue_init(struct queue *queue, size_t max)
{
    ASSERT(max > 0);
    *queue = (struct queue){ .max = max };
    queue->tail = &queue->head;
    pthread_condattr_t attr;
    int r = pthread_condattr_init(&attr);
    if (r != 0)
        return -r;
    r = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    if (r == 0)
        r = pthread_cond_init(&queue->wakeup, &attr);
    pthread_condattr_destroy(&attr);
    if (r != 0)
        return -r;
    r = pthread_mutex_init(&queue->mutex, NULL);
    if (r != 0)
        pthread_cond_destroy(&queue->wakeup);
    return -r;
}

void queue_fini(struct queue *queue)
{
    pthread_mutex_destroy(&queue->mutex);
    pthread_cond_destroy(&queue->wakeup);
}

/* Only under the mutex; queue_depth reads without it. */
static void set_depth(struct queue *queue, size_t depth)
{
    __atomic_store_n(&queue->depth, depth, __ATOMIC_RELAXED);
}

int queue_push(struct queue *queue, struct queue_item *item)
{
    bool wakes = false;
    int r = 0;
    pthread_mutex_lock(&queue->mutex);
    if (queue->closed) {
        r = QUEUE_CLOSED;
    } else if (queue->depth >= queue->max) {
        r = QUEUE_FULL;
    } else {
        item->next = NULL;
        *queue->tail = item;
        queue->tail = &item->next;
        set_depth(queue, queue->depth + 1);
        /* The consumer can only be asleep if the queue was empty. */
        wakes = queue->depth == 1;
    }
    pthread_mutex_unlock(&queue->mutex);
    /* Behind the unlock: a consumer that wakes at once would only wait for the mutex. */
    if (wakes)
        pthread_cond_signal(&queue->wakeup);
    return r;
}

/* Under the mutex: waits until there is a reason to go on. */
static void wait_until(struct queue *queue, int64_t deadline_ns)
{
    struct timespec deadline = { .tv_sec = deadline_ns / 1000000000, .tv_nsec = deadline_ns % 1000000000 };
    while (!queue->head && !queue->closed && !queue->woken) {
        if (deadline_ns == QUEUE_FOREVER)
            pthread_cond_wait(&queue->wakeup, &queue->mutex);
        else if (deadline_ns <= 0 || pthread_cond_timedwait(&queue->wakeup, &queue->mutex, &deadline) == ETIMEDOUT)
            break;
    }
    queue->woken = false;
}

int queue_drain(struct queue *queue, size_t max, int64_t deadline_ns, struct queue_item **ret_list, size_t *ret_n)
{
    ASSERT(max > 0);
    pthread_mutex_lock(&queue->mutex);
    wait_until(queue, deadline_ns);
    if (!queue->head && queue->closed) {
        pthread_mutex_unlock(&queue->mutex);
        return QUEUE_CLOSED;
    }
    struct queue_item *list = queue->head, **end = &queue->head;
    size_t n = 0;
    if (queue->depth <= max) {
        n = queue->depth;
        queue->head = NULL;
        queue->tail = &queue->head;
    } else {
        for (; n < max; n++)
            end = &(*end)->next;
        queue->head = *end;
        *end = NULL;
    }
    set_depth(queue, queue->depth - n);
    pthread_mutex_unlock(&queue->mutex);
    *ret_list = list;
    *ret_n = n;
    return 0;
}

void queue_wake(struct queue *queue)
{
    pthread_mutex_lock(&queue->mutex);
    queue->woken = true;
    pthread_cond_signal(&queue->wakeup);
    pthread_mutex_unlock(&queue->mutex);
}

void queue_close(struct queue *queue)
{
    pthread_mutex_lock(&queue->mutex);
    queue->closed = true;
    pthread_cond_signal(&queue->wakeup);
    pthread_mutex_unlock(&queue->mutex);
}

size_t queue_depth(const struct queue *queue)
{
    return __atomic_load_n(&queue->depth, __ATOMIC_RELAXED);
}
