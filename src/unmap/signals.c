/* SPDX-License-Identifier: Apache-2.0
 *
 * A signalfd, and two eventfds: one tells the controller, one the thread. */
#include "unmap/signals.h"
#include "base/log.h"
#include "base/mem.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

struct signals {
    pthread_t thread;
    int signal_fd, stop_fd, end_fd;
};

static void raise_fd(int fd)
{
    static const uint64_t one = 1;
    ssize_t n = write(fd, &one, sizeof(one));
    (void)n; /* full is as good */
}

static void *run(void *arg)
{
    struct signals *signals = arg;
    bool is_stopping = false;
    for (;;) {
        struct signalfd_siginfo info;
        struct pollfd fds[] = { { .fd = signals->signal_fd, .events = POLLIN },
                                { .fd = signals->end_fd, .events = POLLIN } };
        if (poll(fds, 2, -1) < 0 && errno != EINTR)
            return NULL;
        if (fds[1].revents)
            return NULL;
        if (!(fds[0].revents & POLLIN) || read(signals->signal_fd, &info, sizeof(info)) != sizeof(info))
            continue;
        if (is_stopping)
            _exit(EXIT_FAILURE);
        log_event(LOG_UNMAP_STOPPING, LOG_C("signal", info.ssi_signo == SIGINT ? "SIGINT" : "SIGTERM"));
        is_stopping = true;
        raise_fd(signals->stop_fd);
    }
}

static void close_all(struct signals *signals)
{
    const int fds[] = { signals->signal_fd, signals->stop_fd, signals->end_fd };
    for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
        if (fds[i] >= 0)
            close(fds[i]);
    mem_free(signals);
}

int signals_start(struct signals **ret_signals)
{
    struct signals *signals = mem_zalloc(sizeof(*signals));
    sigset_t set;
    if (!signals)
        return -ENOMEM;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    int r = -pthread_sigmask(SIG_BLOCK, &set, NULL);
    signals->signal_fd = signalfd(-1, &set, SFD_CLOEXEC);
    signals->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    signals->end_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (r == 0 && (signals->signal_fd < 0 || signals->stop_fd < 0 || signals->end_fd < 0))
        r = -errno;
    if (r == 0)
        r = -pthread_create(&signals->thread, NULL, run, signals);
    if (r != 0) {
        close_all(signals);
        return r;
    }
    *ret_signals = signals;
    return 0;
}

int signals_stop_fd(const struct signals *signals)
{
    return signals->stop_fd;
}

void signals_end(struct signals *signals)
{
    if (!signals)
        return;
    raise_fd(signals->end_fd);
    pthread_join(signals->thread, NULL);
    close_all(signals);
}
