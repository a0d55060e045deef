/* SPDX-License-Identifier: Apache-2.0
 *
 * What EC2's listings say about one instance. */
#include "unmap/plan_priv.h"

/* How well a machine speaks for the instance: one that lives with the address beats one that lives, beats a dead one.
 */
static int plan_machine_rank(const struct ec2_instance *machine, struct str address)
{
    if (!machine)
        return 0;
    if (ec2_is_dead(machine->state))
        return 1;
    return ec2_has_address(machine, address) ? 3 : 2;
}

/* Of two that speak equally well the one that was launched last, so that grace is the longer one. */
static bool plan_machine_beats(int rank, const struct ec2_instance *machine, int best_rank,
                               const struct ec2_instance *best)
{
    if (rank != best_rank)
        return rank > best_rank;
    if (!best || machine->launch_ms != best->launch_ms)
        return best && machine->launch_ms > best->launch_ms;
    return str_cmp(machine->zone, best->zone) < 0;
}

enum plan_evidence plan_evidence_of(const struct plan_listing *listings, size_t n_listings, struct str id,
                                    struct str address, const struct ec2_instance **ret_machine)
{
    static const enum plan_evidence words[] = { PLAN_ABSENT, PLAN_TERMINATED, PLAN_MOVED, PLAN_PRESENT };
    const struct ec2_instance *best = NULL;
    int best_rank = 0;

    for (size_t i = 0; i < n_listings; i++) {
        const struct ec2_instance *machine = ec2_find(listings[i].machines, id);
        int rank = plan_machine_rank(machine, address);
        if (machine && plan_machine_beats(rank, machine, best_rank, best)) {
            best = machine;
            best_rank = rank;
        }
    }
    *ret_machine = best;
    return words[best_rank];
}
