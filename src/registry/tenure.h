/* SPDX-License-Identifier: Apache-2.0
 *
 * How long an instance stays by itself: its lease, and the end of its drain. Only instances that have one have a
 * tenure, one block beside the instance (mem_free), so that the others pay nothing. Deadlines run on the monotonic
 * clock; the wall clock stands in records. Immutable, but for the end of a lease: renewals move it in place, so that
 * they need no commit.
 */
#pragma once

#include "base/str.h"

#define TENURE_MAX_DRAIN_MS (INT64_C(7) * 24 * 3600 * 1000)

enum tenure_then { TENURE_UNDRAIN, TENURE_DEREGISTER, TENURE_THEN_COUNT };

/* 0 in a time: nothing of that kind. */
struct tenure {
    int64_t lease_ms;          /* of the attributes */
    int64_t remove_ms;         /* from the lease's end to the removal; -1: never */
    int64_t lease_end_mono_ms; /* by tenure_renew and tenure_lease_end alone */
    int64_t expired_wall_ms;   /* the lease ran out then */
    int64_t remove_mono_ms;    /* and this is when the instance goes */
    int64_t held_wall_ms;      /* the lease ran out then, and the guard lets the instance be */
    int64_t drain_end_wall_ms, drain_end_mono_ms;
    enum tenure_then drain_then;
    int64_t deadline_mono_ms; /* of its place among the deadlines */
    uint8_t id_len;
    char id[]; /* the instance's */
};

/* A copy for the instance. NULL when memory is out. */
struct tenure *tenure_new(const struct tenure *draft, struct str instance_id);
struct str tenure_instance_id(const struct tenure *tenure);
/* Writer thread. The lease, which has not run out, ends then. */
void tenure_renew(struct tenure *tenure, int64_t end_mono_ms);
int64_t tenure_lease_end(const struct tenure *tenure);
/* When something is due next; 0: never. */
int64_t tenure_next_mono_ms(const struct tenure *tenure);

/* `undrain`, `deregister`. */
struct str tenure_then_text(enum tenure_then then);
/* 0, or 1 for an unknown word. */
int tenure_parse_then(struct str word, enum tenure_then *ret_then);
