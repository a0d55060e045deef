/* SPDX-License-Identifier: Apache-2.0
 *
 * See address_table.h. */
#include "health/address_table.h"

#include "base/mem.h"
#include "base/rand.h"

#include <errno.h>

int address_table_init(struct address_table *table, int64_t gap_ns, unsigned burst)
{
    *table = (struct address_table){ .gap_ns = gap_ns, .burst_ns = gap_ns * (burst > 0 ? burst - 1 : 0), .size = 64 };
    table->buckets = mem_zalloc(table->size * sizeof(struct address_entry *));
    return table->buckets ? rand_secret(&table->key, sizeof(table->key)) : -ENOMEM;
}

void address_table_fini(struct address_table *table)
{
    for (size_t i = 0; i < table->size && table->buckets; i++)
        while (table->buckets[i]) {
            struct address_entry *entry = table->buckets[i];
            ASSERT(entry->n_holders == 0);
            table->buckets[i] = entry->next;
            mem_free(entry);
        }
    mem_free(TAKE(table->buckets));
}

static struct address_entry **bucket(struct address_entry **buckets, size_t size, const struct address_table *table,
                                     const struct target_address *address)
{
    return &buckets[hash_sip(&table->key, address->octets, sizeof(address->octets)) & (size - 1)];
}

/* Twice the buckets; without memory for them it goes on with longer chains. */
static void grow(struct address_table *table)
{
    size_t size = 2 * table->size;
    struct address_entry **buckets = mem_zalloc(size * sizeof(struct address_entry *));

    if (!buckets)
        return;
    for (size_t i = 0; i < table->size; i++)
        while (table->buckets[i]) {
            struct address_entry *entry = table->buckets[i];
            struct address_entry **to = bucket(buckets, size, table, &entry->address);
            table->buckets[i] = entry->next;
            entry->next = *to;
            *to = entry;
        }
    mem_free(table->buckets);
    table->buckets = buckets;
    table->size = size;
}

/* Forgets entries that nobody holds and whose rate says nothing any more. */
static void sweep(struct address_table *table, int64_t now_ns)
{
    for (size_t i = 0; i < table->size; i++)
        for (struct address_entry **at = &table->buckets[i]; *at;) {
            struct address_entry *entry = *at;
            if (entry->n_holders > 0 || entry->next_ns > now_ns) {
                at = &entry->next;
                continue;
            }
            *at = entry->next;
            table->n--;
            mem_free(entry);
        }
}

struct address_entry *address_table_hold(struct address_table *table, const struct target_address *address,
                                         int64_t now_ns)
{
    const struct target_address plain = target_address_unmap(address);
    struct address_entry *entry = *bucket(table->buckets, table->size, table, &plain), **head;

    while (entry && !target_address_eq(&entry->address, &plain))
        entry = entry->next;
    if (!entry) {
        if (table->n >= table->size)
            sweep(table, now_ns);
        if (table->n >= table->size)
            grow(table);
        entry = mem_alloc(sizeof(*entry));
        if (!entry)
            return NULL;
        head = bucket(table->buckets, table->size, table, &plain);
        *entry = (struct address_entry){ .address = plain, .next_ns = INT64_MIN / 2, .next = *head };
        *head = entry;
        table->n++;
    }
    entry->n_holders++;
    return entry;
}

void address_table_release(struct address_entry *entry)
{
    ASSERT(entry->n_holders > 0);
    entry->n_holders--;
}

int64_t address_table_reserve(const struct address_table *table, struct address_entry *entry, int64_t now_ns)
{
    int64_t ideal = entry->next_ns > now_ns ? entry->next_ns : now_ns;
    int64_t start = entry->next_ns - table->burst_ns;

    entry->next_ns = ideal + table->gap_ns;
    return start > now_ns ? start : now_ns;
}

void address_table_give_back(const struct address_table *table, struct address_entry *entry)
{
    entry->next_ns -= table->gap_ns;
}
