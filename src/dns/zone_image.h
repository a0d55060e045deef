/* SPDX-License-Identifier: Apache-2.0
 *
 * One zone as its secondaries hold it: the records that health lets in, and a journal of how they came to be what they
 * are. An image follows the registry by being renewed from a snapshot: only names whose prepared block changed are made
 * again, and what differs is noted under the snapshot's revision. Revisions are serials (their lower 32 bits).
 *
 * A name of routing WEIGHTED has one instance in the zone for each type: the one whose id hashes lowest among the
 * healthy ones, kept until it leaves. An alias has the addresses of the name that it stands for: of our names those
 * that a client of the zone's own VPC sees, of others those that resolvers said last, until they are too old to serve;
 * none before a resolver has answered. A serial's contents never change: other addresses show with the next revision.
 *
 * Its owner lets one thread in at a time; the sets that it gives out outlive that. */
#pragma once

#include "dns/authority.h"
#include "dns/record_set.h"

#define ZONE_IMAGE_VERSIONS 1024           /* in the journal */
#define ZONE_IMAGE_JOURNAL (16u << 20)     /* octets of records in it */
#define ZONE_IMAGE_MAX (UINT64_C(1) << 30) /* octets of records in the zone */

/* Contents that held from revision `first` to `last`, and how they differ from those before. */
struct zone_image_version {
    uint64_t first, last;
    uint32_t soa_ttl;
    struct record_set *removed, *added; /* NULL in the first version of all */
};

struct zone_image;

struct zone_image_config {
    const struct dname *name;         /* of the zone; copied, as the VPC is */
    struct str vpc;                   /* of the private zone; "": the public one */
    const struct dns_view_set *views; /* NULL: everybody sees everything */
    struct alias *alias;              /* who knows the names elsewhere that aliases stand for; NULL: nobody */
};

/* NULL when memory is out. What config points to outlives the image. */
struct zone_image *zone_image_new(const struct zone_image_config *config);
void zone_image_free(struct zone_image *image);

enum zone_image_result { ZONE_IMAGE_SAME = 0, ZONE_IMAGE_CHANGED, ZONE_IMAGE_ABSENT, ZONE_IMAGE_UNKNOWN };
/* Makes the image show the snapshot. A result, or -ENOMEM: then it shows nothing, and its journal is lost. With `waits`
 * the first version is not made while a name elsewhere is still being asked for: UNKNOWN. */
int zone_image_renew(struct zone_image *image, const struct snapshot *snapshot, bool waits);
/* Has an alias that the image shows other addresses by now, under the revision that it shows? Then a new revision is
 * wanted. */
bool zone_image_is_behind(struct zone_image *image, const struct snapshot *snapshot);
/* The revision that the image shows. */
uint64_t zone_image_revision(const struct zone_image *image);
/* The revision since which it shows what it shows; 0: nothing. */
uint64_t zone_image_changed(const struct zone_image *image);
uint32_t zone_image_soa_ttl(const struct zone_image *image);
/* Records without those of the apex that every zone has. */
uint64_t zone_image_count(const struct zone_image *image);

/* What a secondary is sent: n sets, or steps of the journal. */
struct zone_image_part {
    struct record_set *removed; /* NULL in a whole zone */
    struct record_set *set;     /* what there is, or what was added */
    uint32_t serial, soa_ttl;   /* before a step */
    uint32_t next_serial, next_soa_ttl;
};
struct zone_image_parts {
    struct zone_image_part *items; /* mem_free */
    size_t n;
};
/* Every record. 0 or -ENOMEM. */
int zone_image_whole(const struct zone_image *image, struct zone_image_parts *ret_parts);
/* The steps from the serial to the revision shown. 0; 1 when the journal does not know the serial; -ENOMEM. */
int zone_image_steps(const struct zone_image *image, uint32_t serial, struct zone_image_parts *ret_parts);
void zone_image_parts_free(struct zone_image_parts *parts);
