/* SPDX-License-Identifier: Apache-2.0
 *
 * Targets of health checks, good and hostile, on every address of the loopback network: a port for each kind. Prints
 * the ports as one JSON object, and then does what the lines on its stdin say: `silence` makes the kind `turning`
 * silent, `times` prints `KIND ADDRESS NANOSECONDS` for each connection to one that answers well, and `end`. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_FD 65536
#define DRIP_MS 1000

enum kind { GOOD, TURNING, SILENT, DRIPPING, REDIRECTING, ENDLESS, RESETTING, BROKEN_TLS, KIND_COUNT };

static const char *const names[KIND_COUNT] = { "good",        "turning", "silent",    "dripping",
                                               "redirecting", "endless", "resetting", "broken_tls" };
static const char well[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
static const char elsewhere[] = "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/again\r\nContent-Length: 0\r\n\r\n";
static const char drips[] = "HTTP/1.1 200 It will come, only a little later than you think";

struct visit {
    enum kind kind;
    struct in_addr address;
    int64_t ns;
};

struct targets {
    int epoll_fd, listeners[KIND_COUNT];
    enum kind kinds[MAX_FD]; /* of connections */
    uint16_t n_drips[MAX_FD];
    bool is_open[MAX_FD], is_silenced;
    struct visit *visits;
    size_t n_visits, size;
};

static void die(const char *what)
{
    fprintf(stderr, "health_targets: %s: %s\n", what, strerror(errno));
    exit(1);
}

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static void watch(struct targets *targets, int fd, uint32_t events)
{
    struct epoll_event event = { .events = events, .data.fd = fd };
    if (epoll_ctl(targets->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0)
        die("epoll_ctl");
}

static void listen_for(struct targets *targets, enum kind kind)
{
    struct sockaddr_in in = { .sin_family = AF_INET };
    socklen_t n = sizeof(in);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&in, n) != 0 || listen(fd, 4096) != 0 ||
        getsockname(fd, (struct sockaddr *)&in, &n) != 0)
        die("listen");
    targets->listeners[kind] = fd;
    watch(targets, fd, EPOLLIN);
    printf("%s\"%s\": %d", kind ? ", " : "{", names[kind], ntohs(in.sin_port));
}

static void note_visit(struct targets *targets, enum kind kind, int fd)
{
    struct sockaddr_in in = { 0 };
    socklen_t n = sizeof(in);
    if (targets->n_visits == targets->size) {
        targets->size = targets->size ? 2 * targets->size : 65536;
        targets->visits = realloc(targets->visits, targets->size * sizeof(*targets->visits));
        if (!targets->visits)
            die("memory");
    }
    getsockname(fd, (struct sockaddr *)&in, &n);
    targets->visits[targets->n_visits++] = (struct visit){ kind, in.sin_addr, now_ns() };
}

static void end(struct targets *targets, int fd)
{
    targets->is_open[fd] = false;
    close(fd);
}

static void accept_one(struct targets *targets, enum kind kind, int fd)
{
    struct linger linger = { .l_onoff = 1 };
    if (fd >= MAX_FD)
        die("descriptors");
    if (kind == RESETTING) {
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
        close(fd);
        return;
    }
    if (kind == BROKEN_TLS)
        (void)!write(fd, "\x16\x03\x03\x00\x05this is no TLS", 19);
    if (kind == GOOD || (kind == TURNING && !targets->is_silenced))
        note_visit(targets, kind, fd);
    else if (kind == TURNING)
        kind = SILENT;
    targets->kinds[fd] = kind;
    targets->is_open[fd] = true;
    targets->n_drips[fd] = 0;
    watch(targets, fd, EPOLLIN | EPOLLRDHUP | (kind == ENDLESS ? EPOLLOUT : 0));
}

static void accept_all(struct targets *targets, enum kind kind)
{
    int fd;
    while ((fd = accept4(targets->listeners[kind], NULL, NULL, SOCK_NONBLOCK)) >= 0)
        accept_one(targets, kind, fd);
    if (errno != EAGAIN && errno != ECONNABORTED)
        die("accept");
}

/* The request, or the end of the peer. */
static void serve(struct targets *targets, int fd)
{
    static char block[65536];
    ssize_t n = recv(fd, block, sizeof(block), 0);
    if (n == 0 || (n < 0 && errno != EAGAIN)) {
        end(targets, fd);
        return;
    }
    switch (targets->kinds[fd]) {
    case GOOD:
    case TURNING:
        (void)!send(fd, well, sizeof(well) - 1, MSG_NOSIGNAL);
        break;
    case REDIRECTING:
        (void)!send(fd, elsewhere, sizeof(elsewhere) - 1, MSG_NOSIGNAL);
        break;
    case ENDLESS: /* of one line */
        memset(block, 'x', 16384);
        memcpy(block, "HTTP/1.1 200 ", 13);
        if (send(fd, block, 16384, MSG_NOSIGNAL) < 0 && errno != EAGAIN)
            end(targets, fd);
        break;
    default:
        break;
    }
}

static void drip(struct targets *targets)
{
    for (int fd = 0; fd < MAX_FD; fd++)
        if (targets->is_open[fd] && targets->kinds[fd] == DRIPPING)
            (void)!send(fd, &drips[targets->n_drips[fd]++ % (sizeof(drips) - 1)], 1, MSG_NOSIGNAL);
}

static void print_times(const struct targets *targets)
{
    for (size_t i = 0; i < targets->n_visits; i++)
        printf("%s %s %lld\n", names[targets->visits[i].kind], inet_ntoa(targets->visits[i].address),
               (long long)targets->visits[i].ns);
    printf("end\n");
    fflush(stdout);
}

static void obey(struct targets *targets)
{
    char line[64];
    if (!fgets(line, sizeof(line), stdin))
        exit(0);
    if (strcmp(line, "silence\n") == 0)
        targets->is_silenced = true;
    else if (strcmp(line, "times\n") == 0)
        print_times(targets);
}

static void handle(struct targets *targets, int fd)
{
    for (enum kind kind = 0; kind < KIND_COUNT; kind++)
        if (fd == targets->listeners[kind]) {
            accept_all(targets, kind);
            return;
        }
    if (fd == STDIN_FILENO)
        obey(targets);
    else if (targets->is_open[fd])
        serve(targets, fd);
}

int main(void)
{
    static struct targets targets;
    int64_t next_drip = 0;
    targets.epoll_fd = epoll_create1(0);
    for (enum kind kind = 0; kind < KIND_COUNT; kind++)
        listen_for(&targets, kind);
    printf("}\n");
    fflush(stdout);
    setvbuf(stdin, NULL, _IONBF, 0);
    watch(&targets, STDIN_FILENO, EPOLLIN);
    for (;;) {
        struct epoll_event events[256];
        int n = epoll_wait(targets.epoll_fd, events, 256, DRIP_MS / 10);
        for (int i = 0; i < n; i++)
            handle(&targets, events[i].data.fd);
        if (now_ns() >= next_drip) {
            drip(&targets);
            next_drip = now_ns() + DRIP_MS * INT64_C(1000000);
        }
    }
}
