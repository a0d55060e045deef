/* SPDX-License-Identifier: Apache-2.0
 *
 * What one name contributes to its zone as secondaries hold it; the rules are told in zone_image.h. */
#pragma once

#include "dns/authority.h"
#include "dns/record_set.h"

/* The instances that stand for a WEIGHTED name, by hash of their ids; 0: none yet. */
struct zone_render_choice {
    uint64_t id_hash[SERVICE_RECORD_TYPE_COUNT];
};

struct zone_render_zone {
    const struct snapshot *snapshot;
    const struct zone *zone;
    const struct dname *name; /* folded */
};

/* Appends the records of a live service's name and of its instances' own names. True: they depend on more than the
 * name's block, and are to be made again each time. */
bool zone_render_owner(const struct zone_render_zone *zone, const struct owner *owner,
                       struct zone_render_choice *choice, struct buf *records);
