/* SPDX-License-Identifier: Apache-2.0
 *
 * The watch over the zones: renews each image when the registry has moved on, at most once a second, so that the
 * journal has steps of that size, and tells secondaries when something changed (RFC 1996), again until they answer.
 * What aliases stand for is looked at as often. */
#include "dns/transfer_priv.h"

#include "base/log.h"
#include "base/metric.h"

#include <errno.h>
#include <poll.h>

#define LOOK_MS 100    /* how often the registry's revision is looked at */
#define PERIOD_MS 1000 /* between two looks at a zone, and so between two notices */
#define TRIES 6        /* a secondary that has not answered then asks by itself some time */
#define FIRST_WAIT_MS 1000

/* --- notices ------------------------------------------------------------------------------------------------------ */

static size_t watch_compose(const struct transfer *transfer, const struct transfer_zone *zone,
                            const struct transfer_place *place,
                            uint8_t message[PACKET_HEADER + DNAME_MAX + 4 + TSIG_MAX])
{
    static const uint8_t tail[] = { 0, PACKET_SOA, 0, PACKET_IN };
    const unsigned flags = PACKET_NOTIFY << PACKET_OPCODE_SHIFT | PACKET_AA;
    size_t n = PACKET_HEADER;

    memset(message, 0, PACKET_HEADER);
    message[0] = (uint8_t)(place->id >> 8);
    message[1] = (uint8_t)place->id;
    message[2] = (uint8_t)(flags >> 8);
    message[5] = 1;
    memcpy(message + n, zone->name.wire, zone->name.n);
    n += zone->name.n;
    memcpy(message + n, tail, sizeof(tail));
    n += sizeof(tail);
    if (zone->has_key) {
        struct tsig_signer signer;
        tsig_signer_init(&signer, &zone->key);
        n = tsig_sign(&signer, message, n, transfer_now_s(transfer));
    }
    return n;
}

static int watch_socket(const struct transfer *transfer, const struct transfer_place *place)
{
    return transfer->sockets[place->address.ss_family == AF_INET6];
}

static void watch_send(const struct transfer *transfer, const struct transfer_zone *zone, struct transfer_place *place,
                       int64_t now_ms)
{
    uint8_t message[PACKET_HEADER + DNAME_MAX + 4 + TSIG_MAX];
    int fd = watch_socket(transfer, place);
    size_t n;

    if (place->tries == TRIES) {
        place->is_due = false;
        metric_add(METRIC_NOTICES_FAILED, 1);
        log_event(LOG_NOTICE_FAILED, LOG_C("zone", zone->text), LOG_I("tries", TRIES));
        return;
    }
    n = watch_compose(transfer, zone, place, message);
    if (fd >= 0 && sendto(fd, message, n, 0, (const struct sockaddr *)&place->address, place->n) >= 0)
        metric_add(METRIC_NOTICES_SENT, 1);
    place->next_ms = now_ms + ((int64_t)FIRST_WAIT_MS << place->tries);
    place->tries++;
}

static bool watch_is_answer(const struct transfer_place *place, const uint8_t *message,
                            const struct sockaddr_storage *from)
{
    const struct sockaddr_in *a = (const struct sockaddr_in *)&place->address, *b = (const struct sockaddr_in *)from;
    const struct sockaddr_in6 *a6 = (const struct sockaddr_in6 *)&place->address,
                              *b6 = (const struct sockaddr_in6 *)from;

    if (!place->is_due || place->id != packet_get_u16(message) || place->address.ss_family != from->ss_family)
        return false;
    if (from->ss_family == AF_INET)
        return a->sin_port == b->sin_port && a->sin_addr.s_addr == b->sin_addr.s_addr;
    return a6->sin6_port == b6->sin6_port && memcmp(&a6->sin6_addr, &b6->sin6_addr, sizeof(a6->sin6_addr)) == 0;
}

/* Any answer ends the tries: whoever refuses now does so again. */
static void watch_receive(struct transfer *transfer, int fd)
{
    uint8_t message[512];
    struct sockaddr_storage from = { 0 };
    socklen_t n_from = sizeof(from);
    ssize_t n;

    while ((n = recvfrom(fd, message, sizeof(message), 0, (struct sockaddr *)&from, &n_from)) >= 0) {
        unsigned flags = n >= PACKET_HEADER ? packet_get_u16(message + 2) : 0;
        n_from = sizeof(from);
        if (!(flags & PACKET_QR) || (flags & PACKET_OPCODE) >> PACKET_OPCODE_SHIFT != PACKET_NOTIFY)
            continue;
        for (size_t i = 0; i < transfer->n_zones; i++)
            for (size_t k = 0; k < transfer->zones[i].n_places; k++)
                if (watch_is_answer(&transfer->zones[i].places[k], message, &from))
                    transfer->zones[i].places[k].is_due = false;
    }
}

/* --- zones -------------------------------------------------------------------------------------------------------- */

/* A notice that is under way already starts again: the secondary may have looked before this change. */
static void watch_tell(struct transfer *transfer, struct transfer_zone *zone, int64_t now_ms)
{
    for (size_t i = 0; i < zone->n_places; i++) {
        struct transfer_place *place = &zone->places[i];
        place->is_due = true;
        place->id = (uint16_t)rand_u64(&transfer->rand);
        place->tries = 0;
        place->next_ms = now_ms;
    }
}

/* A look takes a tenth of the thread's time at most. */
static void watch_look(struct transfer *transfer, struct transfer_zone *zone, int64_t now_ms)
{
    uint64_t changed = 0;

    pthread_mutex_lock(&zone->mutex);
    if (transfer_renew(transfer, zone) >= 0)
        changed = zone_image_changed(zone->image);
    if (changed && now_ms >= zone->next_foreign_ms) {
        transfer_look_elsewhere(transfer, zone);
        zone->next_foreign_ms = now_ms + PERIOD_MS;
    }
    pthread_mutex_unlock(&zone->mutex);
    zone->next_ms = now_ms + 10 * (clock_mono_ns(transfer->clock) / 1000000 - now_ms);
    if (changed == 0 || changed == zone->told)
        return;
    zone->told = changed;
    if (zone->next_ms < now_ms + PERIOD_MS)
        zone->next_ms = now_ms + PERIOD_MS;
    watch_tell(transfer, zone, now_ms);
}

static void watch_zone(struct transfer *transfer, struct transfer_zone *zone, int64_t now_ms)
{
    if (now_ms >= zone->next_ms)
        watch_look(transfer, zone, now_ms);
    for (size_t i = 0; i < zone->n_places; i++)
        if (zone->places[i].is_due && now_ms >= zone->places[i].next_ms)
            watch_send(transfer, zone, &zone->places[i], now_ms);
}

void *transfer_watch_run(void *arg)
{
    struct transfer *transfer = arg;
    struct pollfd fds[] = { { .fd = transfer->wake, .events = POLLIN },
                            { .fd = transfer->sockets[0], .events = POLLIN },
                            { .fd = transfer->sockets[1], .events = POLLIN } };

    pthread_setname_np(pthread_self(), "dns-notify");
    snapshot_reader_start();
    while (!__atomic_load_n(&transfer->stopping, __ATOMIC_RELAXED)) {
        int64_t now_ms = clock_mono_ns(transfer->clock) / 1000000;
        for (size_t i = 0; i < transfer->n_zones; i++)
            watch_zone(transfer, &transfer->zones[i], now_ms);
        if (poll(fds, sizeof(fds) / sizeof(fds[0]), LOOK_MS) <= 0)
            continue;
        for (size_t i = 1; i < sizeof(fds) / sizeof(fds[0]); i++)
            if (fds[i].revents)
                watch_receive(transfer, fds[i].fd);
    }
    snapshot_reader_stop();
    return NULL;
}
