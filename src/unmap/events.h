/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads a queue that EventBridge and Auto Scaling fill, so that a dead instance goes in seconds. An event is only a
 * hint to look: it makes the controller run a round at once, and its message is deleted when that round knew
 * everything. A message that nobody understands stays, for the queue's dead-letter queue. A thread of its own; the
 * functions below belong to the controller's. */
#pragma once

#include "unmap/exporter.h"

struct events;

struct events_config {
    const char *queue_url;
    const char *role_arn;                  /* or NULL */
    const char *region;                    /* when the URL does not tell */
    const struct environment *environment; /* borrowed */
    const struct clock *clock;             /* borrowed */
    struct exporter *exporter;             /* borrowed */
    bool keeps_messages;                   /* nothing is deleted: another controller reads them, too */
    int wanted_fd;                         /* an eventfd: written to when a round is wanted; borrowed */
};

/* Starts the thread. 0 or -errno. */
int events_start(const struct events_config *config, struct events **ret_events);
/* Ends the thread, within about a second; accepts NULL. */
void events_stop(struct events *events);

/* Around each round: hints that came before its begin are answered by it, when `is_known` says so. */
void events_round_begins(struct events *events);
void events_round_ended(struct events *events, bool is_known);
