/* SPDX-License-Identifier: Apache-2.0
 *
 * A bounded queue from many producers to one consumer, intrusive: an item is a member of the caller's struct and is
 * owned by the queue's user throughout. The consumer takes everything that waits at once, in the order of arrival; a
 * producer never waits. Waiting uses the monotonic clock. */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define QUEUE_FOREVER INT64_MAX

/* Conditions of this module. */
enum queue_result {
    QUEUE_FULL = 1,
    QUEUE_CLOSED,
};

struct queue_item {
    struct queue_item *next;
};

struct queue {
    pthread_mutex_t mutex;
    pthread_cond_t wakeup;
    struct queue_item *head, **tail;
    size_t depth, max;
    bool closed, woken;
};

/* Holds up to `max` items, max > 0. 0 or -errno. */
int queue_init(struct queue *queue, size_t max);
/* Nobody may use the queue any more; items that still wait are simply forgotten. */
void queue_fini(struct queue *queue);

/* Any thread. 0; QUEUE_FULL; QUEUE_CLOSED: the item stays the caller's in both cases. */
int queue_push(struct queue *queue, struct queue_item *item);

/* The consumer. Waits until something is there, queue_wake was called, or CLOCK_MONOTONIC has reached `deadline_ns`
 * (QUEUE_FOREVER: never; the past: does not wait), then takes up to `max` items as a list linked by `next`. 0, with
 * *ret_n possibly 0; QUEUE_CLOSED when the queue is closed and empty: nothing will ever come. */
int queue_drain(struct queue *queue, size_t max, int64_t deadline_ns, struct queue_item **ret_list, size_t *ret_n);

/* Any thread: lets the current drain, or else the next, return even if nothing waits. */
void queue_wake(struct queue *queue);
/* Any thread: refuses further items; those that wait can still be drained. */
void queue_close(struct queue *queue);
/* Any thread, without a lock: items that wait. */
size_t queue_depth(const struct queue *queue);
