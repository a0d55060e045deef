/* SPDX-License-Identifier: Apache-2.0
 *
 * Views; see dns_view.h. */
#include "dns/dns_view.h"

#include "base/arena.h"
#include "base/mem.h"

#include <errno.h>
#include <sys/socket.h>

enum { VIEW_PUBLIC, VIEW_DEFAULT, VIEW_VPC }; /* indices; the first VPC's */

struct dns_view_set {
    struct arena arena;
    struct dns_networks *networks; /* the value is the VPC's number */
    struct dns_networks *forwarders;
    struct dns_view *views;
    size_t n;
};

static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

/* --- making --------------------------------------------------------------------------------------------------------
 */

static int dns_view_place_clients(struct dns_view_set *views, const struct dns_view_config *config,
                                  const char **ret_bad)
{
    size_t n = config->n_default_networks, at = 0, bad = 0;
    struct dns_network *items;
    int r;

    for (size_t i = 0; i < config->n_vpcs; i++)
        n += config->vpcs[i].n_networks;
    items = mem_alloc(n * sizeof(*items));
    if (!items)
        return -ENOMEM;
    for (size_t i = 0; i < config->n_vpcs; i++)
        for (size_t k = 0; k < config->vpcs[i].n_networks; k++)
            items[at++] = (struct dns_network){ config->vpcs[i].networks[k], (unsigned)i + 1 };
    for (size_t i = 0; i < config->n_default_networks; i++)
        items[at++] = (struct dns_network){ config->default_networks[i], VPC_DEFAULT };
    r = dns_networks_new(items, n, &views->networks, &bad);
    if (r == 1)
        *ret_bad = items[bad].text;
    mem_free(items);
    return r;
}

static int dns_view_list_forwarders(struct dns_view_set *views, const struct dns_view_config *config,
                                    const char **ret_bad)
{
    struct dns_network *items = mem_alloc(config->n_forwarders * sizeof(*items));
    size_t bad = 0;
    int r;

    if (!items)
        return -ENOMEM;
    for (size_t i = 0; i < config->n_forwarders; i++)
        items[i] = (struct dns_network){ config->forwarders[i], 1 };
    r = dns_networks_new(items, config->n_forwarders, &views->forwarders, &bad);
    if (r == 1)
        *ret_bad = items[bad].text;
    mem_free(items);
    return r;
}

int dns_view_set_new(const struct dns_view_config *config, struct dns_view_set **ret_views, const char **ret_bad)
{
    struct dns_view_set *views = mem_zalloc(sizeof(*views));
    int r;

    if (!views)
        return -ENOMEM;
    arena_init(&views->arena, 16 << 20);
    views->n = VIEW_VPC + config->n_vpcs;
    views->views = ARENA_ARRAY(&views->arena, struct dns_view, views->n);
    for (unsigned i = 0; i < views->n && !views->arena.failed; i++) {
        unsigned vpc = i < VIEW_VPC ? VPC_DEFAULT : i - VIEW_VPC + 1;
        const char *name = i == VIEW_PUBLIC ? "public" : i == VIEW_DEFAULT ? "default" : config->vpcs[vpc - 1].name;
        views->views[i] = (struct dns_view){ .name = arena_dup(&views->arena, str_of(name)).p,
                                             .index = i,
                                             .vpc = i < VIEW_VPC ? DNS_VIEW_NO_VPC : vpc,
                                             .seen = i == VIEW_PUBLIC ? NULL : vpc_seen(config->map, vpc) };
    }
    r = views->arena.failed ? -ENOMEM : dns_view_place_clients(views, config, ret_bad);
    if (r == 0)
        r = dns_view_list_forwarders(views, config, ret_bad);
    if (r)
        dns_view_set_free(views);
    else
        *ret_views = views;
    return r;
}

void dns_view_set_free(struct dns_view_set *views)
{
    if (!views)
        return;
    dns_networks_free(views->networks);
    dns_networks_free(views->forwarders);
    arena_fini(&views->arena);
    mem_free(views);
}

/* --- finding -------------------------------------------------------------------------------------------------------
 */

const struct dns_view *dns_view_of_vpc(const struct dns_view_set *views, unsigned vpc)
{
    return &views->views[vpc == VPC_DEFAULT ? VIEW_DEFAULT : VIEW_VPC + vpc - 1];
}

static const struct dns_view *dns_view_of(const struct dns_view_set *views, uint16_t family, const uint8_t *address,
                                          unsigned bits, unsigned *ret_scope)
{
    unsigned vpc;

    if (!dns_networks_find(views->networks, family, address, bits, &vpc, ret_scope))
        return &views->views[VIEW_PUBLIC];
    return dns_view_of_vpc(views, vpc);
}

const struct dns_view *dns_view_find(const struct dns_view_set *views, uint16_t family, const uint8_t *address)
{
    if (family == AF_INET6 && memcmp(address, mapped, sizeof(mapped)) == 0)
        return dns_view_of(views, AF_INET, address + sizeof(mapped), 32, NULL);
    return dns_view_of(views, family, address, family == AF_INET ? 32 : 128, NULL);
}

bool dns_view_trusts(const struct dns_view_set *views, uint16_t family, const uint8_t *address)
{
    unsigned value;

    if (family == AF_INET6 && memcmp(address, mapped, sizeof(mapped)) == 0)
        return dns_networks_find(views->forwarders, AF_INET, address + sizeof(mapped), 32, &value, NULL);
    return dns_networks_find(views->forwarders, family, address, family == AF_INET ? 32 : 128, &value, NULL);
}

const struct dns_view *dns_view_of_subnet(const struct dns_view_set *views, const struct edns_subnet *subnet,
                                          uint8_t *ret_scope)
{
    uint16_t family = subnet->family == 1 ? AF_INET : AF_INET6;
    unsigned scope;
    const struct dns_view *view = dns_view_of(views, family, subnet->address, subnet->source, &scope);

    *ret_scope = (uint8_t)scope;
    return view;
}

const struct dns_view *dns_view_public(const struct dns_view_set *views)
{
    return &views->views[VIEW_PUBLIC];
}

const struct dns_view *dns_view_at(const struct dns_view_set *views, size_t index)
{
    return index < views->n ? &views->views[index] : NULL;
}
