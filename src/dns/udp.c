/* SPDX-License-Identifier: Apache-2.0
 *
 * The UDP thread; see udp.h. One system call takes a batch and one sends it; the snapshot is held between the two. */
#include "dns/udp.h"

#include "base/mem.h"
#include "dns/query_log.h"
#include "dns/scout.h"

#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#define BATCH 64
#define QUERY_MAX 2048   /* longer ones are malformed */
#define ANSWER_ROOM 4096 /* most that dns.udp_size can say */
#define CONTROL_SIZE 64  /* of one IPV6_PKTINFO or IP_PKTINFO */

struct udp_slot {
    struct sockaddr_storage peer;
    struct iovec in, out;
    _Alignas(struct cmsghdr) uint8_t control[CONTROL_SIZE];
    uint8_t query[QUERY_MAX];
};

struct udp {
    int fd;
    bool with_address;
    bool is_shared; /* udp_share */
    bool stopping;  /* atomic */
    const struct snapshot_head *head;
    const struct clock *clock;
    pthread_t thread;
    struct answer_worker worker;
    struct mmsghdr received[BATCH], answers[BATCH];
    struct udp_slot slots[BATCH];
    uint8_t out[BATCH][ANSWER_ROOM];
};

static void udp_prepare(struct udp *udp, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        struct msghdr *message = &udp->received[i].msg_hdr;
        message->msg_namelen = sizeof(udp->slots[i].peer);
        message->msg_controllen = udp->with_address ? CONTROL_SIZE : 0;
        message->msg_flags = 0;
    }
}

static void udp_init(struct udp *udp)
{
    for (unsigned i = 0; i < BATCH; i++) {
        struct udp_slot *slot = &udp->slots[i];
        slot->in = (struct iovec){ slot->query, sizeof(slot->query) };
        slot->out.iov_base = udp->out[i];
        udp->received[i].msg_hdr = (struct msghdr){ .msg_name = &slot->peer,
                                                    .msg_iov = &slot->in,
                                                    .msg_iovlen = 1,
                                                    .msg_control = udp->with_address ? slot->control : NULL };
    }
    udp_prepare(udp, BATCH);
}

static bool udp_client(const struct sockaddr_storage *peer, struct authority_client *client)
{
    const struct sockaddr_in *in = (const struct sockaddr_in *)peer;
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)peer;

    client->family = peer->ss_family;
    if (peer->ss_family == AF_INET) {
        memcpy(client->address, &in->sin_addr, 4);
        return in->sin_port != 0; /* nobody can be answered there */
    }
    memcpy(client->address, &in6->sin6_addr, 16);
    return peer->ss_family == AF_INET6 && in6->sin6_port != 0;
}

/* The answer leaves from the address that was asked, and by the route that the kernel finds for it. */
static void udp_turn_control(struct msghdr *message)
{
    struct cmsghdr *control = CMSG_FIRSTHDR(message);

    if (!control) {
        message->msg_control = NULL;
    } else if (control->cmsg_level == IPPROTO_IP && control->cmsg_type == IP_PKTINFO) {
        struct in_pktinfo *info = (struct in_pktinfo *)(void *)CMSG_DATA(control);
        info->ipi_ifindex = 0;
        message->msg_controllen = CMSG_SPACE(sizeof(*info));
    } else if (control->cmsg_level == IPPROTO_IPV6 && control->cmsg_type == IPV6_PKTINFO) {
        struct in6_pktinfo *info = (struct in6_pktinfo *)(void *)CMSG_DATA(control);
        if (!IN6_IS_ADDR_LINKLOCAL(&info->ipi6_addr))
            info->ipi6_ifindex = 0;
        message->msg_controllen = CMSG_SPACE(sizeof(*info));
    }
}

/* The query waits for an alias's target; the size of its answer when it cannot and is answered now, or 0. */
static size_t udp_wait(struct udp *udp, const struct snapshot *snapshot, const struct authority_client *client,
                       const struct udp_slot *slot, size_t n, const struct msghdr *received)
{
    struct alias_query query = {
        .fd = udp->fd, .peer = &slot->peer, .peer_n = received->msg_namelen, .client = client, .p = slot->query, .n = n
    };

    struct msghdr message = *received;

    if (udp->with_address) {
        udp_turn_control(&message);
        query.control = message.msg_control;
        query.control_n = message.msg_controllen;
    }
    if (alias_wait(udp->worker.settings->alias, &udp->worker.wanted, &query))
        return 0;
    udp->worker.gives_up = true;
    n = answer_query(&udp->worker, snapshot, client, false, slot->query, n, slot->out.iov_base, ANSWER_ROOM);
    udp->worker.gives_up = false;
    return n;
}

/* Answers message i into answer slot k; false when there is nothing to send. */
static bool udp_answer(struct udp *udp, const struct snapshot *snapshot, unsigned i, unsigned k)
{
    struct mmsghdr *received = &udp->received[i], *answer = &udp->answers[k];
    struct udp_slot *slot = &udp->slots[i];
    struct authority_client client;
    size_t n_query = received->msg_len, n;
    enum rate_limit_verdict verdict;

    if (!udp_client(&slot->peer, &client))
        return false;
    if (received->msg_hdr.msg_flags & MSG_TRUNC)
        n_query = PACKET_HEADER; /* its end is lost: malformed, whatever it was */
    n = answer_query(&udp->worker, snapshot, &client, false, slot->query, n_query, slot->out.iov_base, ANSWER_ROOM);
    if (n == 0 && udp->worker.is_wanted) {
        n = udp_wait(udp, snapshot, &client, slot, n_query, &received->msg_hdr);
        if (n == 0)
            return false; /* answered by whoever it waits for */
    }
    verdict = rate_limit_apply(&udp->worker, &client, slot->query, n_query, slot->out.iov_base, &n);
    query_log_note(&udp->worker, &client, false, verdict, slot->query, n_query, slot->out.iov_base, n);
    if (n == 0)
        return false;
    slot->out.iov_len = n;
    answer->msg_hdr = received->msg_hdr;
    answer->msg_hdr.msg_iov = &slot->out;
    answer->msg_hdr.msg_flags = 0;
    if (udp->with_address)
        udp_turn_control(&answer->msg_hdr);
    return true;
}

/* What the sender sees; whom a forwarder speaks for is found out later. */
static const struct dns_view *udp_view(const struct udp *udp, const struct sockaddr_storage *peer)
{
    const struct dns_view_set *views = udp->worker.settings->views;
    struct authority_client client;

    return views && udp_client(peer, &client) ? dns_view_find(views, client.family, client.address) : NULL;
}

/* Fetches what the answers to a batch will need, for all of it at once. */
static void udp_scout(struct udp *udp, const struct snapshot *snapshot, unsigned n)
{
    struct scout_query queries[BATCH];

    if (!scout_pays(snapshot, n))
        return;
    for (unsigned i = 0; i < n; i++)
        queries[i] =
            (struct scout_query){ udp->slots[i].query, udp->received[i].msg_len, udp_view(udp, &udp->slots[i].peer) };
    scout_fetch(snapshot, queries, n);
}

/* A full buffer drops answers, as a full network does; an answer that cannot be sent does not keep the others back. */
static void udp_send(struct udp *udp, unsigned n)
{
    unsigned at = 0;

    while (at < n) {
        int sent = sendmmsg(udp->fd, udp->answers + at, n - at, MSG_DONTWAIT);
        if (sent < 0 && errno == EINTR)
            continue;
        at += sent > 0 ? (unsigned)sent : 1;
    }
}

static void *udp_run(void *arg)
{
    struct udp *udp = arg;

    pthread_setname_np(pthread_self(), "dns-udp");
    snapshot_reader_start();
    while (!__atomic_load_n(&udp->stopping, __ATOMIC_RELAXED)) {
        int n = recvmmsg(udp->fd, udp->received, BATCH, MSG_WAITFORONE, NULL);
        const struct snapshot *snapshot;
        unsigned n_answers = 0;
        int64_t start;
        if (n <= 0)
            continue; /* interrupted, or told of an answer that did not arrive */
        start = udp->worker.start_ns = clock_mono_ns(udp->clock);
        udp->worker.now_s = (uint32_t)(clock_wall_ms(udp->clock) / 1000);
        snapshot = snapshot_acquire(udp->head);
        udp_scout(udp, snapshot, (unsigned)n);
        for (int i = 0; i < n; i++)
            n_answers += udp_answer(udp, snapshot, (unsigned)i, n_answers);
        snapshot_release(udp->head);
        udp_send(udp, n_answers);
        if (n_answers)
            dns_stats_observe(&udp->worker.stats, clock_mono_ns(udp->clock) - start, n_answers);
        udp_prepare(udp, (unsigned)n);
    }
    snapshot_reader_stop();
    return NULL;
}

int udp_start(int take_fd, bool with_address, const struct answer_settings *settings, const struct snapshot_head *head,
              const struct clock *clock, struct query_ring *ring, struct udp **ret_udp)
{
    struct udp *udp = mem_zalloc(sizeof(*udp));
    int r;

    if (!udp) {
        close(take_fd);
        return -ENOMEM;
    }
    udp->fd = take_fd;
    udp->with_address = with_address;
    udp->head = head;
    udp->clock = clock;
    answer_init(&udp->worker, settings);
    udp->worker.query_ring = ring;
    udp_init(udp);
    r = -pthread_create(&udp->thread, NULL, udp_run, udp);
    if (r) {
        close(take_fd);
        mem_free(udp);
        return r;
    }
    *ret_udp = udp;
    return 0;
}

void udp_share(struct udp *udp)
{
    udp->is_shared = true;
}

void udp_stop(struct udp *udp)
{
    if (!udp)
        return;
    __atomic_store_n(&udp->stopping, true, __ATOMIC_RELAXED);
    if (!udp->is_shared)
        shutdown(udp->fd, SHUT_RDWR); /* ENOTCONN, but whoever waits on the socket is woken */
    pthread_join(udp->thread, NULL);
    close(udp->fd);
    mem_free(udp);
}

const struct dns_stats *udp_stats(const struct udp *udp)
{
    return &udp->worker.stats;
}
