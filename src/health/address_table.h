/* SPDX-License-Identifier: Apache-2.0
 *
 * How often each address is probed: probes of one address, whatever their ports, get start times that keep its rate. An
 * entry lives as long as somebody holds it, and until its rate is forgotten: who leaves and comes back gains nothing.
 * One thread. */
#pragma once

#include "base/hash.h"
#include "model/target_address.h"

struct address_entry {
    struct target_address address;
    size_t n_holders;
    int64_t next_ns; /* when it may be probed next if all past probes had kept their distance */
    struct address_entry *next;
};

struct address_table {
    struct address_entry **buckets;
    size_t n, size;
    struct hash_key key;
    int64_t gap_ns, burst_ns;
};

/* One probe every gap_ns in the long run, `burst` of them at once after a rest. 0 or -errno. */
int address_table_init(struct address_table *table, int64_t gap_ns, unsigned burst);
void address_table_fini(struct address_table *table); /* nobody holds an entry any more */
/* The address's entry, held once more; NULL when memory is out. An IPv4 address and its mapped spelling share one. */
struct address_entry *address_table_hold(struct address_table *table, const struct target_address *address,
                                         int64_t now_ns);
void address_table_release(struct address_entry *entry);
/* Reserves a start: when it may be, now_ns or later. */
int64_t address_table_reserve(const struct address_table *table, struct address_entry *entry, int64_t now_ns);
/* Gives back a reserved start that was not used. */
void address_table_give_back(const struct address_table *table, struct address_entry *entry);
