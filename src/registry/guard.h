/* SPDX-License-Identifier: Apache-2.0
 *
 * The mass-loss guard's arithmetic: which instances left a service lately, and whether one more would be too many. A
 * loss is an instance that was served and is not any more, by whatever cause; one that comes back is no loss. What
 * would be served had nobody left (what is, and the losses of the window) is what the share is taken of: a rolling
 * deployment that registers before it removes is no mass loss. In memory only: a window begins anew with the daemon.
 * Writer thread.
 */
#pragma once

#include "registry/edit.h"

enum guard_mode { GUARD_OFF, GUARD_HOLD, GUARD_REFUSE };

struct guard_config {
    int64_t window_ms;
    uint32_t max_loss;      /* millionths; 0: no guard */
    uint64_t min_instances; /* smaller services are not guarded */
    enum guard_mode api;    /* DeregisterInstance */
    enum guard_mode lease;  /* not GUARD_REFUSE: nobody asked */
    enum guard_mode drain;  /* not GUARD_HOLD: somebody waits for the answer */
};

/* A service's losses, oldest first. One block, changed in place by the writer alone; NULL: none. */
struct guard_losses;

#define GUARD_MAX_LOSSES 65536 /* of a service in a window; older ones are forgotten */

/* The instance (a hash of its id) is lost now; it counts once. Returns the block to use from now on; the edit has taken
 * care of the old one, or has failed. */
struct guard_losses *guard_note_loss(struct edit *edit, struct guard_losses *losses, uint64_t instance, int64_t now_ms,
                                     int64_t window_ms);
/* It is back. Accepts NULL. */
void guard_note_return(struct guard_losses *losses, uint64_t instance);
/* How many were lost within the window. Accepts NULL. */
uint32_t guard_count(const struct guard_losses *losses, int64_t now_ms, int64_t window_ms);
/* Would one loss more be too many, of a service with `n_served` left? */
bool guard_is_exceeded(const struct guard_config *config, uint32_t n_served, uint32_t n_lost);
