/* SPDX-License-Identifier: Apache-2.0
 *
 * Sockets that are done with but whose peer still sends. Closing them at once would answer with a reset, which can take
 * the last answer (413, 400) away from its reader. Their input is read and thrown away, a little and not for long.
 * They stand in an epoll set of their own, of which the loop watches one descriptor: libuv aborts the program when it
 * finds no memory to watch one more. A worker's thread only. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#define LINGER_BYTES_MAX 65536
#define LINGER_MS 1000
#define LINGER_COUNT_MAX 128 /* of a worker; beyond, sockets are closed at once */

struct linger_list {
    struct lingering *first;
    unsigned n;
    int epoll_fd;
    uv_poll_t poll;
};

/* Watches an empty list. 0 or -errno, with nothing left to undo but linger_fini. */
int linger_init(struct linger_list *list, uv_loop_t *loop);
/* Behind the end of the loop, or instead of its start. */
void linger_fini(struct linger_list *list);

/* Takes a descriptor on which nothing more will be sent. */
void linger_start(struct linger_list *list, int64_t now_ms, int take_fd);
/* Ends those whose time is over; all of them when `all`. */
void linger_expire(struct linger_list *list, int64_t now_ms, bool all);
