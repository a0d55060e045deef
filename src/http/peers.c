/* SPDX-License-Identifier: Apache-2.0
 *
 * A chained hash table with a random key; entries exist while they count something. */
#include "http/peers.h"
#include "base/mem.h"
#include "base/rand.h"

#include <netinet/in.h>

struct peers_entry {
    struct peers_entry *next;
    uint64_t network; /* an IPv6 /64, or an IPv4 address */
    bool is_ipv6;
    unsigned n;
};

int peers_init(struct peers *peers, unsigned max)
{
    *peers = (struct peers){ .max = max };
    int r = rand_secret(&peers->key, sizeof(peers->key));
    return r < 0 ? r : -pthread_mutex_init(&peers->mutex, NULL);
}

void peers_fini(struct peers *peers)
{
    for (size_t i = 0; i < PEERS_BUCKETS; i++)
        ASSERT(!peers->buckets[i]);
    pthread_mutex_destroy(&peers->mutex);
}

bool peers_is_loopback(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET)
        return ntohl(((const struct sockaddr_in *)address)->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    if (address->sa_family == AF_INET6)
        return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)address)->sin6_addr);
    return true;
}

static struct peers_entry entry_of(const struct sockaddr *address)
{
    struct peers_entry entry = { .is_ipv6 = address->sa_family == AF_INET6, .n = 1 };
    if (entry.is_ipv6)
        memcpy(&entry.network, &((const struct sockaddr_in6 *)address)->sin6_addr, sizeof(entry.network));
    else
        entry.network = ((const struct sockaddr_in *)address)->sin_addr.s_addr;
    return entry;
}

/* Where the entry hangs, or would. */
static struct peers_entry **find(struct peers *peers, const struct peers_entry *wanted)
{
    uint64_t hash = hash_sip(&peers->key, &wanted->network, sizeof(wanted->network));
    struct peers_entry **at = &peers->buckets[hash % PEERS_BUCKETS];
    while (*at && ((*at)->network != wanted->network || (*at)->is_ipv6 != wanted->is_ipv6))
        at = &(*at)->next;
    return at;
}

static bool is_counted(const struct peers *peers, const struct sockaddr *address)
{
    return peers->max && !peers_is_loopback(address);
}

int peers_enter(struct peers *peers, const struct sockaddr *address)
{
    if (!is_counted(peers, address))
        return 0;
    struct peers_entry wanted = entry_of(address);
    int r = 0;
    pthread_mutex_lock(&peers->mutex);
    struct peers_entry **at = find(peers, &wanted);
    if (*at && (*at)->n < peers->max)
        (*at)->n++;
    else if (*at || !(*at = mem_dup(&wanted, sizeof(wanted))))
        r = 1;
    pthread_mutex_unlock(&peers->mutex);
    return r;
}

void peers_leave(struct peers *peers, const struct sockaddr *address)
{
    if (!is_counted(peers, address))
        return;
    struct peers_entry wanted = entry_of(address);
    pthread_mutex_lock(&peers->mutex);
    struct peers_entry **at = find(peers, &wanted), *entry = *at;
    ASSERT(entry && entry->n > 0);
    if (--entry->n == 0) {
        *at = entry->next;
        mem_free(entry);
    }
    pthread_mutex_unlock(&peers->mutex);
}
