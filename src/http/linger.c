/* SPDX-License-Identifier: Apache-2.0
 *
 * Lingering sockets on a worker's loop. */
#include "http/linger.h"
#include "base/mem.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

struct lingering {
    struct lingering *prev, *next;
    struct linger_list *list;
    uv_poll_t poll;
    int fd;
    size_t n_read;
    int64_t until_ms;
};

static void on_closed(uv_handle_t *handle)
{
    struct lingering *one = handle->data;
    close(one->fd);
    mem_free(one);
}

static void end(struct lingering *one)
{
    if (one->prev)
        one->prev->next = one->next;
    else
        one->list->first = one->next;
    if (one->next)
        one->next->prev = one->prev;
    one->list->n--;
    uv_close((uv_handle_t *)&one->poll, on_closed);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    (void)events;
    struct lingering *one = poll->data;
    char block[4096];
    ssize_t got;
    while (status == 0 && one->n_read < LINGER_BYTES_MAX &&
           (got = recv(one->fd, block, sizeof(block), MSG_DONTWAIT)) != 0) {
        if (got < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (got < 0)
            break;
        one->n_read += (size_t)got;
    }
    end(one);
}

void linger_start(struct linger_list *list, uv_loop_t *loop, int take_fd)
{
    struct lingering *one = list->n < LINGER_COUNT_MAX ? mem_zalloc(sizeof(*one)) : NULL;
    if (!one || uv_poll_init(loop, &one->poll, take_fd)) {
        mem_free(one);
        close(take_fd);
        return;
    }
    one->list = list;
    one->fd = take_fd;
    one->until_ms = (int64_t)uv_now(loop) + LINGER_MS;
    one->poll.data = one;
    one->next = list->first;
    if (list->first)
        list->first->prev = one;
    list->first = one;
    list->n++;
    if (uv_poll_start(&one->poll, UV_READABLE, on_readable))
        end(one);
}

void linger_expire(struct linger_list *list, int64_t now_ms, bool all)
{
    struct lingering *next;
    for (struct lingering *one = list->first; one; one = next) {
        next = one->next;
        if (all || now_ms >= one->until_ms)
            end(one);
    }
}
