/* SPDX-License-Identifier: Apache-2.0
 *
 * A DNS load generator that costs less than the servers it measures: a fixed number of queries is kept in flight, and
 * each answer sends the next one. dns_blast PORT udp|tcp|echo SECONDS SOCKETS IN_FLIGHT TYPE EDNS RCODE ANSWERS NAMES
 * FORMAT: names are FORMAT with a number below NAMES in it, answers must have the RCODE and as many ANSWERS (-1: any).
 * Prints one JSON object. `echo` is a server that only turns packets round: dns_blast PORT echo SIZE. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_BATCH 256
#define MAX_SOCKETS 64
#define QUERY 300
#define ANSWER 65537
#define BUCKETS 100000 /* of a microsecond */

struct query {
    uint16_t n;
    uint8_t p[QUERY];
};

struct run {
    const char *transport, *format;
    int port, sockets, in_flight, type, edns, rcode, answers, names;
    double seconds;
    struct query *queries;
    uint64_t sent, received, wrong, lost, bytes;
    uint32_t *latency;
    uint64_t random;
};

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static void die(const char *what)
{
    fprintf(stderr, "dns_blast: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void make_query(struct run *run, struct query *q, int number)
{
    static const uint8_t opt[] = { 0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0 };
    char name[QUERY];
    snprintf(name, sizeof(name), run->format, number);
    memset(q->p, 0, 12);
    q->p[5] = 1;
    q->p[11] = run->edns ? 1 : 0;
    uint8_t *at = q->p + 12;
    for (const char *label = name; *label;) {
        size_t n = strcspn(label, ".");
        *at = (uint8_t)n;
        memcpy(at + 1, label, n);
        at += n + 1;
        label += n + (label[n] == '.');
    }
    *at++ = 0;
    *at++ = 0;
    *at++ = (uint8_t)run->type;
    *at++ = 0;
    *at++ = 1;
    if (run->edns) {
        memcpy(at, opt, sizeof(opt));
        at += sizeof(opt);
    }
    q->n = (uint16_t)(at - q->p);
}

static const struct query *draw(struct run *run)
{
    run->random ^= run->random << 13;
    run->random ^= run->random >> 7;
    run->random ^= run->random << 17;
    return &run->queries[run->random % (unsigned)run->names];
}

static void judge(struct run *run, const uint8_t *p, size_t n, int64_t took_ns)
{
    int64_t us = took_ns / 1000;
    run->received++;
    run->bytes += n;
    run->latency[us < BUCKETS ? us : BUCKETS - 1]++;
    if (n < 12 || (p[3] & 15) != run->rcode || (run->answers >= 0 && (p[6] << 8 | p[7]) != run->answers) || (p[2] & 2))
        run->wrong++;
}

static int open_socket(const struct run *run, int type)
{
    struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons((uint16_t)run->port) };
    int fd = socket(AF_INET, type, 0), size = 8 << 20, on = 1;
    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || connect(fd, (struct sockaddr *)&in, sizeof(in)))
        die("connect");
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    if (type == SOCK_STREAM)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return fd;
}

/* --- UDP ---------------------------------------------------------------------------------------------------------- */

struct udp_buffers {
    struct mmsghdr in[MAX_BATCH], out[MAX_BATCH];
    struct iovec in_iov[MAX_BATCH], out_iov[MAX_BATCH];
    uint8_t in_p[MAX_BATCH][4096], out_p[MAX_BATCH][QUERY];
    int64_t sent_ns[MAX_SOCKETS][MAX_BATCH]; /* by id */
};

static void udp_send(struct run *run, struct udp_buffers *b, int fd, int socket, const uint16_t *ids, int n)
{
    int64_t now = now_ns();
    for (int i = 0; i < n; i++) {
        const struct query *q = draw(run);
        memcpy(b->out_p[i], q->p, q->n);
        b->out_p[i][0] = (uint8_t)(ids[i] >> 8);
        b->out_p[i][1] = (uint8_t)ids[i];
        b->out_iov[i] = (struct iovec){ b->out_p[i], q->n };
        b->out[i].msg_hdr = (struct msghdr){ .msg_iov = &b->out_iov[i], .msg_iovlen = 1 };
        b->sent_ns[socket][ids[i]] = now;
    }
    for (int at = 0; at < n;) {
        int r = sendmmsg(fd, b->out + at, (unsigned)(n - at), 0);
        if (r < 0)
            die("sendmmsg");
        at += r;
    }
    run->sent += (uint64_t)n;
}

static void udp_receive(struct run *run, struct udp_buffers *b, int fd, int socket)
{
    uint16_t ids[MAX_BATCH];
    int n = recvmmsg(fd, b->in, MAX_BATCH, MSG_DONTWAIT, NULL), m = 0;
    int64_t now = now_ns();
    for (int i = 0; i < n; i++) {
        const uint8_t *p = b->in_p[i];
        unsigned id = (unsigned)(p[0] << 8 | p[1]) % MAX_BATCH;
        judge(run, p, b->in[i].msg_len, now - b->sent_ns[socket][id]);
        ids[m++] = (uint16_t)id;
    }
    if (m)
        udp_send(run, b, fd, socket, ids, m);
}

static void run_udp(struct run *run)
{
    struct udp_buffers *b = calloc(1, sizeof(*b));
    struct pollfd fds[MAX_SOCKETS];
    uint16_t ids[MAX_BATCH];
    int each = run->in_flight / run->sockets;
    for (int i = 0; i < MAX_BATCH; i++) {
        b->in_iov[i] = (struct iovec){ b->in_p[i], sizeof(b->in_p[i]) };
        b->in[i].msg_hdr = (struct msghdr){ .msg_iov = &b->in_iov[i], .msg_iovlen = 1 };
        ids[i] = (uint16_t)i;
    }
    for (int s = 0; s < run->sockets; s++) {
        fds[s] = (struct pollfd){ .fd = open_socket(run, SOCK_DGRAM), .events = POLLIN };
        udp_send(run, b, fds[s].fd, s, ids, each);
    }
    int64_t end = now_ns() + (int64_t)(run->seconds * 1e9);
    while (now_ns() < end) {
        int n = poll(fds, (nfds_t)run->sockets, 200);
        if (n == 0) { /* lost on the way: start the window again */
            run->lost += (uint64_t)run->in_flight;
            for (int s = 0; s < run->sockets; s++)
                udp_send(run, b, fds[s].fd, s, ids, each);
        }
        for (int s = 0; s < run->sockets; s++)
            if (fds[s].revents)
                udp_receive(run, b, fds[s].fd, s);
    }
}

/* --- TCP ---------------------------------------------------------------------------------------------------------- */

struct tcp_stream {
    int fd;
    size_t n;
    int64_t sent_ns;
    uint8_t in[2 * ANSWER];
};

static void tcp_send(struct run *run, struct tcp_stream *s, int n)
{
    static uint8_t out[MAX_BATCH * (QUERY + 2)];
    size_t at = 0;
    for (int i = 0; i < n; i++) {
        const struct query *q = draw(run);
        out[at] = (uint8_t)(q->n >> 8);
        out[at + 1] = (uint8_t)q->n;
        memcpy(out + at + 2, q->p, q->n);
        at += q->n + 2u;
    }
    s->sent_ns = now_ns();
    run->sent += (uint64_t)n;
    for (size_t done = 0; done < at;) {
        ssize_t r = send(s->fd, out + done, at - done, MSG_NOSIGNAL);
        if (r < 0)
            die("send");
        done += (size_t)r;
    }
}

static void tcp_receive(struct run *run, struct tcp_stream *s)
{
    ssize_t r = recv(s->fd, s->in + s->n, sizeof(s->in) - s->n, MSG_DONTWAIT);
    size_t at = 0;
    int n = 0;
    int64_t now = now_ns();
    if (r == 0 || (r < 0 && errno != EAGAIN)) {
        errno = r ? errno : ECONNRESET;
        die("recv");
    }
    s->n += r > 0 ? (size_t)r : 0;
    while (s->n - at >= 2) {
        size_t length = (size_t)s->in[at] << 8 | s->in[at + 1];
        if (s->n - at - 2 < length)
            break;
        judge(run, s->in + at + 2, length, now - s->sent_ns);
        at += 2 + length;
        n++;
    }
    memmove(s->in, s->in + at, s->n - at);
    s->n -= at;
    if (n)
        tcp_send(run, s, n);
}

static void run_tcp(struct run *run)
{
    struct tcp_stream *streams = calloc((size_t)run->sockets, sizeof(*streams));
    struct pollfd fds[MAX_SOCKETS];
    for (int s = 0; s < run->sockets; s++) {
        streams[s].fd = open_socket(run, SOCK_STREAM);
        fds[s] = (struct pollfd){ .fd = streams[s].fd, .events = POLLIN };
        tcp_send(run, &streams[s], run->in_flight / run->sockets);
    }
    int64_t end = now_ns() + (int64_t)(run->seconds * 1e9);
    while (now_ns() < end) {
        if (poll(fds, (nfds_t)run->sockets, 1000) <= 0)
            die("nothing arrives");
        for (int s = 0; s < run->sockets; s++)
            if (fds[s].revents)
                tcp_receive(run, &streams[s]);
    }
}

/* --- echo --------------------------------------------------------------------------------------------------------- */

static void run_echo(int port, size_t size)
{
    static struct mmsghdr in[64], out[64];
    static struct iovec in_iov[64], out_iov[64];
    static struct sockaddr_in peers[64];
    static uint8_t p[64][4096];
    struct sockaddr_in here = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    int fd = socket(AF_INET, SOCK_DGRAM, 0), listener = socket(AF_INET, SOCK_STREAM, 0), room = 4 << 20, on = 1;
    here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fd, (struct sockaddr *)&here, sizeof(here)) || bind(listener, (struct sockaddr *)&here, sizeof(here)) ||
        listen(listener, 8)) /* TCP only tells that it is up */
        die("bind");
    for (;;) {
        for (int i = 0; i < 64; i++) {
            in_iov[i] = (struct iovec){ p[i], sizeof(p[i]) };
            in[i].msg_hdr = (struct msghdr){
                .msg_name = &peers[i], .msg_namelen = sizeof(peers[i]), .msg_iov = &in_iov[i], .msg_iovlen = 1
            };
        }
        int n = recvmmsg(fd, in, 64, MSG_WAITFORONE, NULL);
        for (int i = 0; i < n; i++) {
            p[i][2] = 0x84;
            p[i][3] = 0;
            out_iov[i] = (struct iovec){ p[i], size };
            out[i].msg_hdr = in[i].msg_hdr;
            out[i].msg_hdr.msg_iov = &out_iov[i];
        }
        for (int at = 0; at < n;) {
            int r = sendmmsg(fd, out + at, (unsigned)(n - at), 0);
            at += r > 0 ? r : 1;
        }
    }
}

static int percentile(const struct run *run, double part)
{
    uint64_t wanted = (uint64_t)(part * (double)run->received), seen = 0;
    for (int us = 0; us < BUCKETS; us++)
        if ((seen += run->latency[us]) > wanted)
            return us;
    return BUCKETS;
}

static int number(const char *text)
{
    return (int)strtol(text, NULL, 10);
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[2], "echo") == 0)
        run_echo(number(argv[1]), (size_t)number(argv[3]));
    if (argc != 12) {
        fprintf(stderr, "usage: see the head of the source\n");
        return 64;
    }
    struct run run = { .port = number(argv[1]),
                       .transport = argv[2],
                       .seconds = strtod(argv[3], NULL),
                       .sockets = number(argv[4]),
                       .in_flight = number(argv[5]),
                       .type = number(argv[6]),
                       .edns = number(argv[7]),
                       .rcode = number(argv[8]),
                       .answers = number(argv[9]),
                       .names = number(argv[10]),
                       .format = argv[11],
                       .random = 88172645463325252 };
    run.queries = calloc((size_t)run.names, sizeof(struct query));
    run.latency = calloc(BUCKETS, sizeof(uint32_t));
    for (int i = 0; i < run.names; i++)
        make_query(&run, &run.queries[i], i);
    int64_t start = now_ns();
    if (strcmp(run.transport, "tcp") == 0)
        run_tcp(&run);
    else
        run_udp(&run);
    double seconds = (double)(now_ns() - start) / 1e9;
    printf("{\"requests\": %llu, \"seconds\": %.6f, \"p50\": %d, \"p99\": %d, \"bytes\": %llu, \"wrong\": %llu, "
           "\"lost\": %llu}\n",
           (unsigned long long)run.received, seconds, percentile(&run, 0.5), percentile(&run, 0.99),
           (unsigned long long)run.bytes, (unsigned long long)run.wrong, (unsigned long long)run.lost);
    return 0;
}
