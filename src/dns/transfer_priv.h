/* SPDX-License-Identifier: Apache-2.0
 *
 * What the transfer files share. */
#pragma once

#include "base/rand.h"
#include "dns/alias.h"
#include "dns/transfer.h"
#include "dns/zone_image.h"

#include <pthread.h>

#define TRANSFER_IN_MAX 4098 /* a request with its length */

/* A secondary, and how far it is with being told. */
struct transfer_place {
    struct sockaddr_storage address;
    socklen_t n;
    struct authority_client client;
    bool is_due; /* the rest: the watching thread only */
    uint16_t id;
    unsigned tries;
    int64_t next_ms;
};

struct transfer_zone {
    struct dname name; /* folded */
    char text[DNAME_TEXT_MAX];
    bool has_key;
    struct tsig_key key;
    struct transfer_place places[TRANSFER_MAX_SECONDARIES];
    size_t n_places;
    pthread_mutex_t mutex; /* of the image */
    struct zone_image *image;
    uint64_t told; /* the change that secondaries were told of; the rest of the watching thread's */
    int64_t next_ms, next_foreign_ms;
};

/* A thread that serves one connection at a time. */
struct transfer_slot {
    struct transfer *transfer;
    pthread_t thread;
    bool is_started;
    bool is_taken;
    int fd; /* -1: waits for one */
    struct authority_client client;
    size_t n;
    uint8_t in[TRANSFER_IN_MAX];
    uint8_t out[2 + TRANSFER_MESSAGE];
};

struct transfer {
    struct transfer_zone *zones;
    size_t n_zones;
    const struct dname *name_servers;
    size_t n_name_servers;
    struct registry *registry;
    const struct snapshot_head *head;
    const struct clock *clock;
    int64_t patient_until_ms; /* so long first versions wait for the addresses of aliases */
    bool stopping;            /* atomic; set under the mutex */
    pthread_mutex_t mutex;    /* of the slots' is_taken and fd, and of the next two */
    pthread_cond_t given;
    bool is_revision_wanted;
    struct change revision;
    struct transfer_slot *slots;
    pthread_t watcher;
    bool is_watched;
    int wake;
    int sockets[2]; /* IPv4, IPv6; -1: none */
    struct rand rand;
};

/* The configured zone of that name, or NULL. */
struct transfer_zone *transfer_find_zone(const struct transfer *transfer, const struct dname *folded);
/* Seconds since the epoch, for signatures. */
uint64_t transfer_now_s(const struct transfer *transfer);
/* Makes the zone's image show the newest snapshot, under the zone's mutex; see zone_image_renew. */
int transfer_renew(const struct transfer *transfer, struct transfer_zone *zone);
/* Wants a new revision if the image's aliases have other addresses by now; under the zone's mutex. The watching thread.
 */
void transfer_look_elsewhere(struct transfer *transfer, struct transfer_zone *zone);

/* The thread of a slot: waits for connections and serves them. */
void *transfer_serve_run(void *slot);

/* The thread that tells secondaries of changes. */
void *transfer_watch_run(void *transfer);
