/* SPDX-License-Identifier: Apache-2.0
 *
 * Serving transfers; see transfer.h. A slot's thread reads requests from its connection until there is none for a
 * while, and writes each zone, or its changes, as messages filled with records. */
#include "dns/transfer_priv.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/metric.h"
#include "dns/answer.h"
#include "dnswire/composer.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/time.h>
#include <unistd.h>

#define READ_S 2    /* to the next request */
#define WRITE_S 10  /* to take something */
#define WHOLE_S 900 /* a transfer */
#define LOOK_AGAIN_MS 50
#define LENGTH 2

/* A transfer under way. */
struct stream {
    struct transfer_slot *slot;
    const struct transfer_zone *zone;
    struct packet query;
    struct tsig_signer signer; /* key NULL: unsigned */
    struct composer out;
    const uint8_t *name; /* of the record before, and where it stands; NULL: none in this message */
    size_t name_at;
    int64_t start_ns;
    uint64_t n_records;
    int error; /* -errno, once the client is gone */
};

/* --- messages ----------------------------------------------------------------------------------------------------- */

static int stream_send(struct stream *stream, size_t n)
{
    const uint8_t *p = stream->slot->out;
    const struct transfer *transfer = stream->slot->transfer;

    while (n) {
        ssize_t sent = send(stream->slot->fd, p, n, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            return errno ? -errno : -EPIPE;
        if (clock_mono_ns(transfer->clock) - stream->start_ns > INT64_C(1000000000) * WHOLE_S)
            return -ETIMEDOUT;
        p += sent;
        n -= (size_t)sent;
    }
    return 0;
}

static void stream_begin(struct stream *stream)
{
    size_t kept =
        (stream->signer.key ? tsig_size(&stream->signer) : 0) + (stream->query.edns.present ? EDNS_OPT_SIZE : 0);

    composer_begin(&stream->out, stream->slot->out + LENGTH, TRANSFER_MESSAGE - kept, &stream->query);
    stream->name = NULL;
}

/* Sends what there is, and begins the next message, which needs no question (RFC 5936 2.2.1). */
static void stream_flush(struct stream *stream, unsigned rcode)
{
    uint8_t *p = stream->slot->out + LENGTH;
    size_t n;

    if (stream->query.edns.present) {
        edns_put_opt(p + stream->out.n, 1232, rcode, stream->query.edns.dnssec_ok, 0);
        stream->out.n += EDNS_OPT_SIZE;
        stream->out.counts[COMPOSER_ADDITIONAL]++;
    }
    n = composer_end(&stream->out, rcode ? 0 : PACKET_AA, rcode);
    if (stream->signer.key)
        n = tsig_sign(&stream->signer, p, n, transfer_now_s(stream->slot->transfer));
    p[-2] = (uint8_t)(n >> 8);
    p[-1] = (uint8_t)n;
    if (!stream->error)
        stream->error = stream_send(stream, LENGTH + n);
    stream->query.has_question = false;
    stream_begin(stream);
}

static bool stream_try(struct stream *stream, const struct record_view *record)
{
    struct composer *out = &stream->out;
    size_t start = out->n, data, end;
    struct dname name;

    if (stream->name && str_eq(record->name, (struct str){ (const char *)stream->name + 1, stream->name[0] })) {
        composer_put_pointer(out, stream->name_at);
    } else {
        if (dname_read((const uint8_t *)record->name.p, record->name.n, 0, &name, &end))
            return true; /* no record of ours */
        composer_put_name(out, &name, false);
    }
    data = composer_begin_data(out, (enum packet_type)record->type, record->ttl);
    composer_put(out, record->data.p, record->data.n);
    if (!composer_end_record(out, COMPOSER_ANSWER, start, data))
        return false;
    if (!stream->name || memcmp(stream->name, record->name.p - 1, record->name.n + 1) != 0) {
        stream->name = (const uint8_t *)record->name.p - 1;
        stream->name_at = start;
    }
    return true;
}

static void stream_put(struct stream *stream, const struct record_view *record)
{
    stream->n_records++;
    if (stream->error || stream_try(stream, record))
        return;
    stream_flush(stream, PACKET_NOERROR);
    stream_try(stream, record);
}

static void stream_put_set(struct stream *stream, const struct record_set *set)
{
    for (uint32_t i = 0; set && i < set->n && !stream->error; i++) {
        struct record_view record;
        record_set_read(record_set_get(set, i), &record);
        stream_put(stream, &record);
    }
}

/* --- the apex ----------------------------------------------------------------------------------------------------- */

static void stream_put_apex(struct stream *stream, enum packet_type type, uint32_t ttl, struct str data)
{
    uint8_t name[1 + DNAME_MAX];
    struct record_view record = { .type = (uint16_t)type, .ttl = ttl, .data = data };

    name[0] = stream->zone->name.n;
    memcpy(name + 1, stream->zone->name.wire, stream->zone->name.n);
    record.name = (struct str){ (const char *)name + 1, name[0] };
    stream_put(stream, &record);
    stream->name = NULL; /* it pointed here */
}

/* The same record that queries are answered with. */
static void stream_put_soa(struct stream *stream, uint32_t serial, uint32_t ttl)
{
    const struct dname *primary = &stream->slot->transfer->name_servers[0], *apex = &stream->zone->name;
    const uint32_t words[] = { serial, ANSWER_SOA_REFRESH, ANSWER_SOA_RETRY, ANSWER_SOA_EXPIRE, ANSWER_SOA_MINIMUM };
    uint8_t data[2 * DNAME_MAX + 11 + sizeof(words)], *p = data;

    memcpy(p, primary->wire, primary->n);
    p += primary->n;
    memcpy(p, "\12hostmaster", 11);
    p += 11;
    memcpy(p, apex->wire, apex->n);
    p += apex->n;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        for (int shift = 24; shift >= 0; shift -= 8)
            *p++ = (uint8_t)(words[i] >> shift);
    stream_put_apex(stream, PACKET_SOA, ttl, (struct str){ (const char *)data, (size_t)(p - data) });
}

static void stream_put_name_servers(struct stream *stream)
{
    const struct transfer *transfer = stream->slot->transfer;

    for (size_t i = 0; i < transfer->n_name_servers; i++)
        stream_put_apex(stream, PACKET_NS, ANSWER_NS_TTL, dname_suffix(&transfer->name_servers[i], 0));
}

/* --- a request ---------------------------------------------------------------------------------------------------- */

struct wanted {
    bool is_whole, is_known; /* AXFR; IXFR from a serial that is ours already */
    uint32_t serial, soa_ttl;
    struct zone_image_parts parts;
};

/* The serial in the authority section of an IXFR. 0 or 1. */
static int read_serial(const struct packet *packet, uint32_t *ret_serial)
{
    size_t at = packet->question_end, length;

    if (packet_get_u16(packet->p + 8) != 1 || dname_skip(packet->p, packet->n, at, &at) || packet->n - at < 10 ||
        packet_get_u16(packet->p + at) != PACKET_SOA)
        return 1;
    length = packet_get_u16(packet->p + at + 8);
    at += 10;
    if (packet->n - at < length || length < 22)
        return 1;
    *ret_serial = packet_get_u32(packet->p + at + length - 20);
    return 0;
}

/* What is to be sent, of the newest contents. An rcode. */
static unsigned collect(const struct transfer *transfer, struct transfer_zone *zone, const struct packet *query,
                        struct wanted *ret_wanted)
{
    struct wanted *wanted = ret_wanted;
    uint32_t serial = 0;
    int r;

    *wanted = (struct wanted){ .is_whole = query->type == PACKET_AXFR };
    if (!wanted->is_whole && read_serial(query, &serial))
        return PACKET_FORMERR;
    pthread_mutex_lock(&zone->mutex);
    while ((r = transfer_renew(transfer, zone)) == ZONE_IMAGE_UNKNOWN) { /* not long after the start */
        pthread_mutex_unlock(&zone->mutex);
        poll(NULL, 0, LOOK_AGAIN_MS);
        pthread_mutex_lock(&zone->mutex);
    }
    if (r == ZONE_IMAGE_SAME || r == ZONE_IMAGE_CHANGED) {
        wanted->serial = (uint32_t)zone_image_revision(zone->image);
        wanted->soa_ttl = zone_image_soa_ttl(zone->image);
        wanted->is_known = !wanted->is_whole && serial == wanted->serial;
        r = wanted->is_known || wanted->is_whole ? 0 : zone_image_steps(zone->image, serial, &wanted->parts);
        wanted->is_whole = wanted->is_whole || r == 1;
        if (r >= 0 && wanted->is_whole)
            r = zone_image_whole(zone->image, &wanted->parts);
    }
    pthread_mutex_unlock(&zone->mutex);
    return r < 0 ? PACKET_SERVFAIL : r == ZONE_IMAGE_ABSENT ? PACKET_NOTAUTH : PACKET_NOERROR;
}

static void stream_zone(struct stream *stream, struct wanted *wanted)
{
    stream_put_soa(stream, wanted->serial, wanted->soa_ttl);
    if (wanted->is_whole)
        stream_put_name_servers(stream);
    for (size_t i = 0; i < wanted->parts.n && !stream->error; i++) {
        const struct zone_image_part *part = &wanted->parts.items[i];
        if (!wanted->is_whole) {
            stream_put_soa(stream, part->serial, part->soa_ttl);
            stream_put_set(stream, part->removed);
            stream_put_soa(stream, part->next_serial, part->next_soa_ttl);
        }
        stream->name = NULL; /* what stood in the set before is nobody's any more */
        stream_put_set(stream, part->set);
    }
    if (!wanted->is_known)
        stream_put_soa(stream, wanted->serial, wanted->soa_ttl);
    stream_flush(stream, PACKET_NOERROR);
}

static void tell(const struct stream *stream, const struct wanted *wanted, unsigned rcode)
{
    bool failed = rcode || stream->error;

    metric_add(failed             ? METRIC_TRANSFERS_FAILED
               : wanted->is_whole ? METRIC_TRANSFERS_WHOLE
                                  : METRIC_TRANSFERS_STEPS,
               1);
    log_event(failed ? LOG_TRANSFER_FAILED : LOG_TRANSFER, LOG_C("zone", stream->zone->text),
              LOG_C("kind", wanted->is_whole ? "AXFR" : "IXFR"), LOG_I("serial", wanted->serial),
              LOG_I("records", stream->n_records), LOG_I("rcode", rcode),
              LOG_C("error", stream->error ? strerror(-stream->error) : ""));
}

/* Answers one request. 0; -1: the connection is to be closed. */
static int serve_request(struct transfer_slot *slot, const uint8_t *message, size_t n)
{
    struct transfer *transfer = slot->transfer;
    struct stream stream = { .slot = slot, .start_ns = clock_mono_ns(transfer->clock) };
    struct transfer_zone *zone;
    struct wanted wanted;
    struct dname name;
    unsigned rcode;

    if (packet_read(message, n, &stream.query, &name) != PACKET_OK || !stream.query.has_question)
        return -1;
    if (stream.query.type != PACKET_AXFR && stream.query.type != PACKET_IXFR)
        return -1;
    dname_fold(&name);
    if (stream.query.has_tsig && transfer_verify(transfer, message, n, transfer_now_s(transfer), &stream.signer))
        return -1;
    zone = transfer_find_zone(transfer, &name);
    if (!zone || !transfer_permits(transfer, &slot->client, &name, stream.signer.key))
        return -1;
    stream.zone = zone;
    stream_begin(&stream);
    rcode = collect(transfer, zone, &stream.query, &wanted);
    if (rcode)
        stream_flush(&stream, rcode);
    else
        stream_zone(&stream, &wanted);
    tell(&stream, &wanted, rcode);
    zone_image_parts_free(&wanted.parts);
    return stream.error ? -1 : 0;
}

/* --- the thread --------------------------------------------------------------------------------------------------- */

/* Serves requests until none comes. */
static void serve_connection(struct transfer_slot *slot)
{
    struct timeval read_time = { .tv_sec = READ_S }, write_time = { .tv_sec = WRITE_S };
    int flags = fcntl(slot->fd, F_GETFL);

    fcntl(slot->fd, F_SETFL, flags & ~O_NONBLOCK);
    setsockopt(slot->fd, SOL_SOCKET, SO_RCVTIMEO, &read_time, sizeof(read_time));
    setsockopt(slot->fd, SOL_SOCKET, SO_SNDTIMEO, &write_time, sizeof(write_time));
    for (;;) {
        size_t length = slot->n >= LENGTH ? packet_get_u16(slot->in) : 0;
        ssize_t n;
        if (slot->n >= LENGTH && slot->n - LENGTH >= length) {
            if (serve_request(slot, slot->in + LENGTH, length))
                return;
            slot->n -= LENGTH + length;
            memmove(slot->in, slot->in + LENGTH + length, slot->n);
            continue;
        }
        if (LENGTH + length > sizeof(slot->in))
            return;
        n = recv(slot->fd, slot->in + slot->n, sizeof(slot->in) - slot->n, 0);
        if (n <= 0)
            return;
        slot->n += (size_t)n;
    }
}

void *transfer_serve_run(void *arg)
{
    struct transfer_slot *slot = arg;
    struct transfer *transfer = slot->transfer;

    pthread_setname_np(pthread_self(), "dns-transfer");
    snapshot_reader_start();
    pthread_mutex_lock(&transfer->mutex);
    while (!transfer->stopping) {
        int fd = slot->fd;
        if (fd < 0) {
            pthread_cond_wait(&transfer->given, &transfer->mutex);
            continue;
        }
        pthread_mutex_unlock(&transfer->mutex);
        serve_connection(slot);
        pthread_mutex_lock(&transfer->mutex);
        slot->fd = -1;
        slot->is_taken = false;
        close(fd);
    }
    if (slot->fd >= 0)
        close(slot->fd);
    pthread_mutex_unlock(&transfer->mutex);
    snapshot_reader_stop();
    return NULL;
}
