/* SPDX-License-Identifier: Apache-2.0
 *
 * Looking ahead: among many names, nothing of an answer is in the processor's caches, and each step to it waits for
 * memory. For a batch the steps of all lookups are taken together, so that they wait once. It changes nothing that can
 * be seen, and is left out where all names are in the cache anyway. */
#pragma once

#include "dns/authority.h"

#define SCOUT_MAX 64

struct scout_query {
    const uint8_t *p;
    size_t n;
    const struct dns_view *view; /* as in struct authority_client */
};

/* Is it worth while for n queries? */
bool scout_pays(const struct snapshot *snapshot, unsigned n);
/* Fetches the names that the queries ask for; n <= SCOUT_MAX. */
void scout_fetch(const struct snapshot *snapshot, const struct scout_query *queries, unsigned n);
