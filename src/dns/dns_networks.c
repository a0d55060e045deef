/* SPDX-License-Identifier: Apache-2.0
 *
 * Networks; see dns_networks.h. Addresses are numbers of 128 bits; those of IPv4 fill the upper 32. */
#include "dns/dns_networks.h"

#include "base/arena.h"
#include "base/mem.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>

#define CAP (64u << 20)
#define DEPTH 129 /* networks inside one another */

typedef unsigned __int128 address_t;

struct network {
    address_t first, last;
    unsigned bits, value;
    size_t place;                 /* among the items */
    const struct network *around; /* the next shorter one, or NULL */
};

/* From here to the next one's start. */
struct interval {
    address_t first;
    const struct network *network; /* NULL: none */
};

struct table {
    struct network *networks;
    struct interval *intervals; /* the first one begins at 0 */
    size_t n, n_intervals;
};

struct dns_networks {
    struct arena arena;
    struct table tables[2]; /* IPv4, IPv6 */
};

static address_t load(uint16_t family, const uint8_t *address)
{
    address_t number = 0;

    for (unsigned i = 0; i < 16; i++)
        number = number << 8 | (family == AF_INET && i >= 4 ? 0u : address[i]);
    return number;
}

/* The bits behind the first `bits`. */
static address_t rest(unsigned bits)
{
    return bits >= 128 ? 0 : ~(address_t)0 >> bits;
}

/* --- making --------------------------------------------------------------------------------------------------------
 */

/* Into the table of its family. */
static bool add(struct dns_networks *networks, const struct dns_network *item, size_t place)
{
    struct str text = str_of(item->text);
    size_t slash = str_find_char(text, '/');
    char host[INET6_ADDRSTRLEN];
    uint8_t address[16];
    uint64_t bits;
    uint16_t family = AF_INET;
    struct table *table;

    if (slash >= sizeof(host) || slash == text.n || str_parse_u64(str_skip(text, slash + 1), &bits))
        return false;
    memcpy(host, text.p, slash);
    host[slash] = '\0';
    if (inet_pton(AF_INET, host, address) != 1) {
        family = AF_INET6;
        if (inet_pton(AF_INET6, host, address) != 1)
            return false;
    }
    if (bits > (family == AF_INET ? 32 : 128))
        return false;
    table = &networks->tables[family == AF_INET6];
    table->networks[table->n] = (struct network){
        .first = load(family, address), .bits = (unsigned)bits, .value = item->value, .place = place
    };
    table->networks[table->n].last = table->networks[table->n].first | rest((unsigned)bits);
    table->n++;
    return true;
}

/* Networks before those inside them; of equal ones those that give way last. */
static int compare(const void *one, const void *two)
{
    const struct network *a = one, *b = two;

    if (a->first != b->first)
        return a->first < b->first ? -1 : 1;
    if (a->bits != b->bits)
        return a->bits < b->bits ? -1 : 1;
    if ((a->value == DNS_NETWORKS_WEAK) != (b->value == DNS_NETWORKS_WEAK))
        return a->value == DNS_NETWORKS_WEAK ? 1 : -1;
    return a->place < b->place ? -1 : 1;
}

static void begin(struct table *table, address_t first, const struct network *network)
{
    struct interval *last = table->intervals + table->n_intervals - 1;

    if (last->first == first)
        last->network = network;
    else
        table->intervals[table->n_intervals++] = (struct interval){ first, network };
}

/* Lays the sorted networks out along the line of addresses. 0, or 1 with the place of one that is there twice. */
static int lay(struct table *table, size_t *ret_bad)
{
    const struct network *open[DEPTH];
    size_t n = 0;

    qsort(table->networks, table->n, sizeof(*table->networks), compare);
    table->intervals[0] = (struct interval){ 0, NULL };
    table->n_intervals = 1;
    for (size_t i = 0; i < table->n; i++) {
        struct network *network = &table->networks[i];
        if (n && open[n - 1]->first == network->first && open[n - 1]->bits == network->bits) {
            if (network->value == open[n - 1]->value || network->value == DNS_NETWORKS_WEAK)
                continue;
            *ret_bad = network->place > open[n - 1]->place ? network->place : open[n - 1]->place;
            return 1;
        }
        for (; n && open[n - 1]->last < network->first; n--)
            begin(table, open[n - 1]->last + 1, open[n - 1]->around);
        network->around = n ? open[n - 1] : NULL;
        open[n++] = network;
        begin(table, network->first, network);
    }
    for (; n && open[n - 1]->last != ~(address_t)0; n--)
        begin(table, open[n - 1]->last + 1, open[n - 1]->around);
    return 0;
}

int dns_networks_new(const struct dns_network *items, size_t n, struct dns_networks **ret_networks, size_t *ret_bad)
{
    struct dns_networks *networks = mem_zalloc(sizeof(*networks));
    int r = 0;

    if (!networks)
        return -ENOMEM;
    arena_init(&networks->arena, CAP);
    for (size_t i = 0; i < 2; i++) {
        networks->tables[i].networks = ARENA_ARRAY(&networks->arena, struct network, n + 1);
        networks->tables[i].intervals = ARENA_ARRAY(&networks->arena, struct interval, 2 * n + 1);
    }
    if (networks->arena.failed)
        r = -ENOMEM;
    for (size_t i = 0; i < n && r == 0; i++)
        if (!add(networks, &items[i], i)) {
            *ret_bad = i;
            r = 1;
        }
    for (size_t i = 0; i < 2 && r == 0; i++)
        r = lay(&networks->tables[i], ret_bad);
    if (r)
        dns_networks_free(networks);
    else
        *ret_networks = networks;
    return r;
}

void dns_networks_free(struct dns_networks *networks)
{
    if (!networks)
        return;
    arena_fini(&networks->arena);
    mem_free(networks);
}

/* --- finding -------------------------------------------------------------------------------------------------------
 */

static size_t find(const struct table *table, address_t address)
{
    size_t low = 0, high = table->n_intervals; /* the one is in [low, high) */

    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (table->intervals[middle].first <= address)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* The shortest prefix of the address that stays inside the interval. */
static unsigned scope_of(const struct table *table, size_t at, address_t address)
{
    address_t first = table->intervals[at].first;
    address_t last = at + 1 < table->n_intervals ? table->intervals[at + 1].first - 1 : ~(address_t)0;
    unsigned bits = 0;

    while ((address & ~rest(bits)) < first || (address | rest(bits)) > last)
        bits++;
    return bits;
}

bool dns_networks_find(const struct dns_networks *networks, uint16_t family, const uint8_t *address, unsigned bits,
                       unsigned *ret_value, unsigned *ret_scope)
{
    const struct table *table = &networks->tables[family == AF_INET6];
    address_t number = load(family, address);
    size_t at = find(table, number);
    const struct network *network = table->intervals[at].network;

    while (network && network->bits > bits)
        network = network->around;
    if (ret_scope)
        *ret_scope = scope_of(table, at, number);
    if (network)
        *ret_value = network->value;
    return network != NULL;
}
