/* SPDX-License-Identifier: Apache-2.0
 *
 * Where clients on this machine reach the API: what --api says, else what the running daemon says. One thread. */
#pragma once

#include "admin/endpoint.h"
#include "cloudmapctl/daemon_status.h"

struct target {
    struct endpoint endpoint;
    struct str region;           /* the daemon's default, else the caller's, or us-east-1 */
    bool has_status;             /* `status` was asked for and is there */
    struct daemon_status status; /* free with target_free */
    struct arena arena;
};

/* 0; or an exit code with a sentence in `why`. */
int target_find(const struct ctl *ctl, struct target *ret_target, char *why, size_t size);
void target_free(struct target *target);

/* Where clients look for their region, in their order; ended by NULL. */
extern const char *const target_region_variables[];
/* The first of these variables of the environment that says something, or NULL. */
const char *target_first_variable(const char *const *names);
