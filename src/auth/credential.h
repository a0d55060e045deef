/* SPDX-License-Identifier: Apache-2.0
 *
 * The access keys of a snapshot as authenticate looks them up. A source and what is found through it are good while the
 * snapshot is held. One thread at a time. */
#pragma once

#include "auth/authenticate.h"

struct seal;

struct credential_source {
    const struct snapshot *snapshot;
    const struct seal *seal; /* opens their secrets */
    int64_t now_s;
};

/* Borrows the source. */
struct authenticate_lookup credential_lookup(struct credential_source *source);
