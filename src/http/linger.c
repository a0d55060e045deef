/* SPDX-License-Identifier: Apache-2.0
 *
 * Lingering sockets on a worker's loop. */
#include "http/linger.h"
#include "base/mem.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define EVENTS_MAX 16

struct lingering {
    struct lingering *prev, *next;
    int fd;
    size_t n_read;
    int64_t until_ms;
};

static void end(struct linger_list *list, struct lingering *one)
{
    if (one->prev)
        one->prev->next = one->next;
    else
        list->first = one->next;
    if (one->next)
        one->next->prev = one->prev;
    list->n--;
    epoll_ctl(list->epoll_fd, EPOLL_CTL_DEL, one->fd, NULL); /* the library may not have closed its copy yet */
    close(one->fd);
    mem_free(one);
}

static void throw_away(struct linger_list *list, struct lingering *one)
{
    char block[4096];
    ssize_t got;
    while (one->n_read < LINGER_BYTES_MAX && (got = recv(one->fd, block, sizeof(block), MSG_DONTWAIT)) != 0) {
        if (got < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (got < 0)
            break;
        one->n_read += (size_t)got;
    }
    end(list, one);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    struct linger_list *list = poll->data;
    struct epoll_event ready[EVENTS_MAX];
    int n = epoll_wait(list->epoll_fd, ready, EVENTS_MAX, 0);
    for (int i = 0; i < n; i++)
        throw_away(list, ready[i].data.ptr);
}

int linger_init(struct linger_list *list, uv_loop_t *loop)
{
    list->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (list->epoll_fd < 0)
        return -errno;
    int r = uv_poll_init(loop, &list->poll, list->epoll_fd);
    list->poll.data = list;
    return r < 0 ? r : uv_poll_start(&list->poll, UV_READABLE, on_readable);
}

void linger_fini(struct linger_list *list)
{
    linger_expire(list, 0, true);
    if (list->epoll_fd >= 0)
        close(list->epoll_fd);
    list->epoll_fd = -1;
}

void linger_start(struct linger_list *list, int64_t now_ms, int take_fd)
{
    struct lingering *one = list->n < LINGER_COUNT_MAX ? mem_zalloc(sizeof(*one)) : NULL;
    struct epoll_event readable = { .events = EPOLLIN, .data.ptr = one };
    if (!one || epoll_ctl(list->epoll_fd, EPOLL_CTL_ADD, take_fd, &readable)) {
        mem_free(one);
        close(take_fd);
        return;
    }
    one->fd = take_fd;
    one->until_ms = now_ms + LINGER_MS;
    one->next = list->first;
    if (list->first)
        list->first->prev = one;
    list->first = one;
    list->n++;
}

void linger_expire(struct linger_list *list, int64_t now_ms, bool all)
{
    struct lingering *next;
    for (struct lingering *one = list->first; one; one = next) {
        next = one->next;
        if (all || now_ms >= one->until_ms)
            end(list, one);
    }
}
