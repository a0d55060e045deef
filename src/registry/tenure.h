/* SPDX-License-Identifier: Apache-2.0
 *
 * How long an instance stays by itself: the end of its drain. Only instances that have one have a tenure, one block
 * beside the instance (mem_free), so that the others pay nothing. Durations and deadlines run on the monotonic clock;
 * the wall clock stands in records. Immutable. */
#pragma once

#include "base/str.h"

#define TENURE_MAX_DRAIN_MS (INT64_C(7) * 24 * 3600 * 1000)

enum tenure_then { TENURE_UNDRAIN, TENURE_DEREGISTER, TENURE_THEN_COUNT };

/* 0 in a time: nothing of that kind. */
struct tenure {
    int64_t drain_end_wall_ms, drain_end_mono_ms;
    enum tenure_then drain_then;
    int64_t deadline_mono_ms; /* of its place among the deadlines */
    uint8_t id_len;
    char id[]; /* the instance's */
};

/* A copy for the instance. NULL when memory is out. */
struct tenure *tenure_new(const struct tenure *draft, struct str instance_id);
struct str tenure_instance_id(const struct tenure *tenure);
/* When something is due next; 0: never. */
int64_t tenure_next_mono_ms(const struct tenure *tenure);

/* `undrain`, `deregister`. */
struct str tenure_then_text(enum tenure_then then);
/* 0, or 1 for an unknown word. */
int tenure_parse_then(struct str word, enum tenure_then *ret_then);
