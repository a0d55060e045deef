/* SPDX-License-Identifier: Apache-2.0
 *
 * A listing's memory: the array of instances on the heap, so that growing leaves nothing behind; the rest in its
 * arena. */
#include "aws/ec2_listing.h"
#include "base/mem.h"

#include <errno.h>
#include <stdlib.h>

#define SIZE_FIRST 64
#define ZONES 16 /* how many instances back a zone is looked for; a region has at most six */

void ec2_listing_init(struct ec2_listing *listing, size_t cap_bytes)
{
    *listing = (struct ec2_listing){ 0 };
    arena_init(&listing->arena, cap_bytes);
}

void ec2_listing_fini(struct ec2_listing *listing)
{
    size_t cap_bytes = listing->arena.cap + listing->size * sizeof(*listing->instances);
    mem_free(listing->instances);
    arena_fini(&listing->arena);
    ec2_listing_init(listing, cap_bytes);
}

/* Room for one more. The array's bytes are taken from the arena's cap, whose own use only ever grows. */
static int make_room(struct ec2_listing *listing)
{
    if (listing->n_instances < listing->size)
        return 0;
    size_t size = listing->size ? listing->size + listing->size / 2 : SIZE_FIRST;
    size_t more = (size - listing->size) * sizeof(*listing->instances);
    if (more > listing->arena.cap - listing->arena.used)
        return -ENOMEM;
    struct ec2_instance *instances = mem_realloc(listing->instances, size * sizeof(*instances));
    if (!instances)
        return -ENOMEM;
    listing->arena.cap -= more;
    listing->instances = instances;
    listing->size = size;
    return 0;
}

static struct str share_zone(struct ec2_listing *listing, struct str zone)
{
    size_t n = listing->n_instances;
    for (size_t i = n > ZONES ? n - ZONES : 0; i < n; i++)
        if (str_is_set(listing->instances[i].zone) && str_eq(listing->instances[i].zone, zone))
            return listing->instances[i].zone;
    return arena_dup(&listing->arena, zone);
}

static int cmp_addresses(const void *a, const void *b)
{
    return ec2_address_cmp(a, b);
}

static size_t sort_addresses(struct ec2_address *addresses, size_t n)
{
    size_t kept = 0;
    if (n > 1)
        qsort(addresses, n, sizeof(*addresses), cmp_addresses);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || ec2_address_cmp(&addresses[kept - 1], &addresses[i]) != 0)
            addresses[kept++] = addresses[i];
    return kept;
}

int ec2_listing_add(struct ec2_listing *listing, const struct ec2_listing_draft *draft)
{
    char text[EC2_ADDRESS_TEXT];
    size_t n = sort_addresses(draft->addresses, draft->n_addresses), n_text = draft->id.n + 1;
    for (size_t i = 0; i < n; i++)
        n_text += ec2_address_format(&draft->addresses[i], text) + 1;
    int r = make_room(listing);
    if (r < 0)
        return r;
    struct str zone = str_is_set(draft->zone) ? share_zone(listing, draft->zone) : draft->zone;
    struct str *addresses = arena_alloc(&listing->arena, n * sizeof(*addresses) + n_text);
    if (!addresses || str_is_set(zone) != str_is_set(draft->zone))
        return -ENOMEM;

    char *p = (char *)(addresses + n);
    memcpy(p, draft->id.p, draft->id.n);
    listing->instances[listing->n_instances++] = (struct ec2_instance){
        .id = { p, draft->id.n },
        .zone = zone,
        .state = draft->state,
        .launch_ms = draft->launch_ms,
        .addresses = addresses,
        .n_addresses = (uint32_t)n,
    };
    p += draft->id.n + 1;
    for (size_t i = 0; i < n; i++) {
        size_t length = ec2_address_format(&draft->addresses[i], text);
        memcpy(p, text, length);
        addresses[i] = (struct str){ p, length };
        p += length + 1;
    }
    return 0;
}

int ec2_listing_add_owner(struct ec2_listing *listing, struct str account)
{
    if (str_is_set(listing->account)) {
        int c = str_cmp(account, listing->account);
        listing->has_strangers |= c != 0;
        if (c >= 0)
            return 0;
    }
    struct str copy = arena_dup(&listing->arena, account);
    if (!str_is_set(copy))
        return -ENOMEM;
    listing->account = copy;
    return 0;
}

void ec2_listing_truncate(struct ec2_listing *listing, size_t n)
{
    if (n < listing->n_instances)
        listing->n_instances = n;
}
