/* SPDX-License-Identifier: Apache-2.0
 *
 * VPCs from the configuration; see daemon_views.h. */
#include "cloudmapd/daemon_views.h"

#include "base/mem.h"

#include <errno.h>

static int make_map(struct daemon_views *views, const struct config *config, struct arena *arena, struct buf *why)
{
    struct vpc_section *sections = ARENA_ARRAY(arena, struct vpc_section, config->n_vpcs + 1);
    int r;
    if (!sections)
        return -ENOMEM;
    for (size_t i = 0; i < config->n_vpcs; i++) {
        const struct config_vpc *vpc = &config->vpcs[i];
        sections[i] = (struct vpc_section){
            .name = vpc->id, .shares = vpc->shares.items, .n_shares = vpc->shares.n, .has_networks = vpc->cidr.n > 0
        };
    }
    r = vpc_map_new(sections, config->n_vpcs, &views->map);
    if (r == 1)
        buf_printf(why, "the vpc sections name more than %d VPCs", VPC_MAX);
    return r;
}

int daemon_views_init(struct daemon_views *views, const struct config *config, struct buf *why)
{
    struct arena arena;
    const char *bad = NULL;
    *views = (struct daemon_views){ 0 };
    arena_init(&arena, 16 << 20);
    struct dns_view_vpc *vpcs = ARENA_ARRAY(&arena, struct dns_view_vpc, config->n_vpcs + 1);
    int r = vpcs ? make_map(views, config, &arena, why) : -ENOMEM;
    for (size_t i = 0; i < config->n_vpcs && r == 0; i++)
        vpcs[i] = (struct dns_view_vpc){ .name = config->vpcs[i].id,
                                         .networks = config->vpcs[i].cidr.items,
                                         .n_networks = config->vpcs[i].cidr.n };
    if (r == 0) {
        struct dns_view_config view = { .map = views->map,
                                        .vpcs = vpcs,
                                        .n_vpcs = config->n_vpcs,
                                        .default_networks = config->dns_default_networks.items,
                                        .n_default_networks = config->dns_default_networks.n,
                                        .forwarders = config->dns_forwarders.items,
                                        .n_forwarders = config->dns_forwarders.n };
        r = dns_view_set_new(&view, &views->views, &bad);
    }
    if (bad)
        buf_printf(why, "%s is the cidr of two VPCs", bad);
    arena_fini(&arena);
    if (r != 0)
        daemon_views_fini(views);
    return r;
}

void daemon_views_fini(struct daemon_views *views)
{
    dns_view_set_free(TAKE(views->views));
    vpc_map_free(TAKE(views->map));
}

void daemon_views_check(const struct config *config, struct config_errors *errors)
{
    struct daemon_views views;
    struct buf why;
    buf_init(&why, 512);
    int r = daemon_views_init(&views, config, &why);
    if (r == 1)
        config_add_error(errors, "", STR_FMT, STR_ARG(buf_str(&why)));
    else if (r != 0)
        config_add_error(errors, "", "out of memory");
    daemon_views_fini(&views);
    buf_fini(&why);
}
