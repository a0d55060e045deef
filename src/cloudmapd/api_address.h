/* SPDX-License-Identifier: Apache-2.0
 *
 * The addresses that the API's own name stands for when no option says them: those that the API listens on. */
#pragma once

#include "cloudmapd/config.h"
#include "cloudmapd/sd_listen.h"
#include "dns/own_zone.h"

#include <netinet/in.h>

struct api_address_list {
    char texts[OWN_ZONE_MAX_ADDRESSES][INET6_ADDRSTRLEN];
    const char *items[OWN_ZONE_MAX_ADDRESSES];
    size_t n;
};

/* Of the passed sockets, else of api.listen; wildcard addresses are left out, as they are nobody's to connect to, and
 * what is beyond the room. Resolves names: may block. The list must not be moved. */
void api_address_find(const struct config *config, const struct sd_listen *passed, struct api_address_list *ret_list);
