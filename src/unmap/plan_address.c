/* SPDX-License-Identifier: Apache-2.0
 *
 * Whose address is it now? A health check that passes speaks for a dead instance only while no other machine answers at
 * its address. The few addresses that are asked for stand in a hash table, and each address of each live machine is
 * looked up once. */
#include "unmap/plan_priv.h"

#include <arpa/inet.h>
#include <errno.h>

#include "base/hash.h"

#define PLAN_ADDRESS_NONE SIZE_MAX

/* An address to compare: IPv6 as its 16 bytes, since it has many spellings, all else as it is written. */
struct plan_address {
    char bytes[48];
    size_t n;
    size_t first; /* the decision that stands in the table for all that have this address */
};

struct plan_address_table {
    struct hash_key key;
    size_t *slots; /* of the decisions; PLAN_ADDRESS_NONE: free */
    size_t mask;
    struct plan_address *addresses; /* one a decision, filled for those in the table */
};

/* False for what is too long to be one. */
static bool plan_address_read(struct str text, struct plan_address *ret_address)
{
    struct plan_address address = { .n = text.n };
    struct in6_addr six;

    if (text.n >= sizeof(address.bytes))
        return false;
    if (text.n)
        memcpy(address.bytes, text.p, text.n);
    if (str_find_char(text, ':') < text.n && inet_pton(AF_INET6, address.bytes, &six) == 1) {
        memcpy(address.bytes, &six, sizeof(six));
        address.n = sizeof(six);
    }
    *ret_address = address;
    return true;
}

/* The slot where this address stands, or would stand. */
static size_t *plan_address_slot(const struct plan_address_table *table, const struct plan_address *address)
{
    size_t at = hash_sip(&table->key, address->bytes, address->n) & table->mask;

    while (table->slots[at] != PLAN_ADDRESS_NONE) {
        const struct plan_address *other = &table->addresses[table->slots[at]];
        if (other->n == address->n && memcmp(other->bytes, address->bytes, address->n) == 0)
            break;
        at = (at + 1) & table->mask;
    }
    return &table->slots[at];
}

/* A live machine has this address; one of the decision's own id would have made it present. */
static void plan_address_take(struct plan_work *work, const struct plan_address_table *table, struct str text)
{
    struct plan_address address;
    size_t first;

    if (!plan_address_read(text, &address))
        return;
    first = *plan_address_slot(table, &address);
    if (first != PLAN_ADDRESS_NONE)
        work->notes[first].is_taken = true;
}

static bool plan_address_is_wanted(const struct plan_decision *decision)
{
    return (decision->evidence == PLAN_ABSENT || decision->evidence == PLAN_MOVED) &&
           decision->instance->health == CLOUD_MAP_HEALTHY;
}

static int plan_address_fill(struct plan_work *work, struct plan_address_table *table, size_t n_wanted)
{
    struct plan *plan = work->plan;
    size_t size = 16;

    while (size < n_wanted * 2)
        size *= 2;
    table->key = (struct hash_key){ { work->input->seed, ~work->input->seed } };
    table->mask = size - 1;
    table->slots = ARENA_ARRAY(work->arena, size_t, size);
    table->addresses = ARENA_ARRAY(work->arena, struct plan_address, plan->n);
    if (!table->slots || !table->addresses)
        return -ENOMEM;
    for (size_t i = 0; i < size; i++)
        table->slots[i] = PLAN_ADDRESS_NONE;
    for (size_t i = 0; i < plan->n; i++) {
        size_t *slot;
        table->addresses[i].first = i;
        if (!plan_address_is_wanted(&plan->decisions[i]) ||
            !plan_address_read(plan->decisions[i].address, &table->addresses[i]))
            continue;
        slot = plan_address_slot(table, &table->addresses[i]);
        if (*slot == PLAN_ADDRESS_NONE)
            *slot = i;
        table->addresses[i].first = *slot;
    }
    return 0;
}

int plan_address_mark(struct plan_work *work)
{
    const struct plan_input *input = work->input;
    struct plan_address_table table;
    size_t n_wanted = 0;
    int r;

    for (size_t i = 0; i < work->plan->n; i++)
        n_wanted += plan_address_is_wanted(&work->plan->decisions[i]);
    if (!n_wanted)
        return 0;
    r = plan_address_fill(work, &table, n_wanted);
    if (r < 0)
        return r;
    for (size_t i = 0; i < input->n_listings; i++)
        for (size_t j = 0; j < input->listings[i].machines->n_instances; j++) {
            const struct ec2_instance *machine = &input->listings[i].machines->instances[j];
            for (uint32_t k = 0; k < machine->n_addresses && !ec2_is_dead(machine->state); k++)
                plan_address_take(work, &table, machine->addresses[k]);
        }
    for (size_t i = 0; i < work->plan->n; i++)
        work->notes[i].is_taken = work->notes[table.addresses[i].first].is_taken;
    return 0;
}
