/* SPDX-License-Identifier: Apache-2.0
 *
 * The VPCs of the configuration: what the registry and the DNS server make of the `vpc` sections and the networks. */
#pragma once

#include "cloudmapd/config.h"
#include "dns/dns_view.h"

struct daemon_views {
    struct vpc_map *map;
    struct dns_view_set *views;
};

/* Copies what it needs. 0, -ENOMEM, or 1 with `why`, a clause. */
int daemon_views_init(struct daemon_views *views, const struct config *config, struct buf *why);
/* Of one that was never filled, too. */
void daemon_views_fini(struct daemon_views *views);
/* Adds an error when the sections contradict each other. */
void daemon_views_check(const struct config *config, struct config_errors *errors);
