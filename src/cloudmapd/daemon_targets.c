/* SPDX-License-Identifier: Apache-2.0
 *
 * The policy of probed addresses, filled; see daemon_targets.h. */
#include "cloudmapd/daemon_targets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

/* Is it an address of this machine? Only those can be bound to. What cannot be told is taken for one. */
static bool is_local(const struct target_address *address)
{
    struct sockaddr_in in = { .sin_family = AF_INET };
    struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
    int fd = socket(address->is_ipv6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), r;

    if (fd < 0)
        return errno != EAFNOSUPPORT;
    memcpy(&in.sin_addr, address->octets, 4);
    memcpy(&in6.sin6_addr, address->octets, 16);
    if (address->is_ipv6)
        r = bind(fd, (const struct sockaddr *)&in6, sizeof(in6));
    else
        r = bind(fd, (const struct sockaddr *)&in, sizeof(in));
    bool local = r == 0 || errno != EADDRNOTAVAIL;
    close(fd);
    return local;
}

static bool is_own(void *arg, const struct target_address *address, uint16_t port)
{
    struct daemon_targets *targets = arg;
    size_t n = atomic_load_explicit(&targets->n_own_ports, memory_order_acquire);

    for (size_t i = 0; i < n; i++)
        if (targets->own_ports[i] == port)
            return is_local(address);
    return false;
}

/* The form of the items has been checked. */
static const struct target_network *read_networks(struct arena *arena, const struct config_list *list)
{
    struct target_network *networks = ARENA_ARRAY(arena, struct target_network, list->n + 1);

    for (size_t i = 0; i < list->n && networks; i++)
        target_address_parse_network(str_of(list->items[i]), &networks[i]);
    return networks;
}

int daemon_targets_init(struct daemon_targets *targets, const struct config *config)
{
    arena_init(&targets->arena, 1 << 16);
    atomic_init(&targets->n_own_ports, 0);
    targets->policy = (struct target_policy){ .allow = read_networks(&targets->arena, &config->health_allow),
                                              .n_allow = config->health_allow.n,
                                              .deny = read_networks(&targets->arena, &config->health_deny),
                                              .n_deny = config->health_deny.n,
                                              .private_targets = config->health_private_targets,
                                              .is_own = is_own,
                                              .arg = targets };
    return targets->arena.failed ? -ENOMEM : 0;
}

void daemon_targets_fini(struct daemon_targets *targets)
{
    arena_fini(&targets->arena);
}

void daemon_targets_own(struct daemon_targets *targets, const char *address)
{
    const char *colon = strrchr(address, ':');
    size_t n = atomic_load_explicit(&targets->n_own_ports, memory_order_relaxed);
    uint64_t port;

    if (!colon || str_parse_u64(str_of(colon + 1), &port) != 0 || n == DAEMON_TARGETS_MAX_PORTS)
        return;
    targets->own_ports[n] = (uint16_t)port;
    atomic_store_explicit(&targets->n_own_ports, n + 1, memory_order_release);
}
