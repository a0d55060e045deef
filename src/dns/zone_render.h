/* SPDX-License-Identifier: Apache-2.0
 *
 * What one name contributes to its zone as secondaries hold it; the rules are told in zone_image.h. */
#pragma once

#include "dns/authority.h"
#include "dns/record_set.h"

struct alias;

/* What a name's records were chosen by, from one time to the next: the instances that stand for a WEIGHTED name, by
 * hash of their ids, 0 for none yet; the target of an alias and its addresses, by hash, and the TTL that they came
 * with, which lasts as long as they do. */
struct zone_render_choice {
    uint64_t id_hash[SERVICE_RECORD_TYPE_COUNT];
    struct {
        uint64_t target_hash, hash;
        uint32_t ttl;
    } addresses[SERVICE_AAAA + 1];
    const struct record_set *shown; /* the records of last time; NULL: none */
};

struct zone_render_zone {
    const struct snapshot *snapshot;
    const struct zone *zone;
    const struct dname *name;              /* folded */
    const struct authority_client *client; /* whose view aliases are followed in */
    struct alias *alias;                   /* who knows names elsewhere; NULL: nobody */
};

enum zone_render_flags {
    ZONE_RENDER_VOLATILE = 1, /* the records depend on more than the name's block, and are to be made again each time */
    ZONE_RENDER_FOREIGN = 2,  /* and on what is known of names elsewhere */
    ZONE_RENDER_UNKNOWN = 4   /* of which something is not known yet */
};

/* Appends the records of a live service's name and of its instances' own names. Flags. */
unsigned zone_render_owner(const struct zone_render_zone *zone, const struct owner *owner,
                           struct zone_render_choice *choice, struct buf *records);
