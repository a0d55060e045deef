/* SPDX-License-Identifier: Apache-2.0
 *
 * What EC2's listings say about one instance. */
#include "unmap/plan_priv.h"

/* How well a machine speaks for the instance: one that lives with the address beats one that lives, beats a dead one.
 */
static int plan_machine_rank(const struct ec2_instance *machine, struct str address)
{
    if (ec2_is_dead(machine->state))
        return 1;
    for (uint32_t i = 0; i < machine->n_addresses; i++) /* nearly always; spares reading the address */
        if (str_eq(machine->addresses[i], address))
            return 3;
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

void plan_evidence_add(struct plan_sight *sight, const struct ec2_instance *machine, struct str address)
{
    int rank = machine ? plan_machine_rank(machine, address) : 0;

    if (machine && plan_machine_beats(rank, machine, sight->rank, sight->machine))
        *sight = (struct plan_sight){ machine, rank };
}

enum plan_evidence plan_evidence_word(const struct plan_sight *sight)
{
    static const enum plan_evidence words[] = { PLAN_ABSENT, PLAN_TERMINATED, PLAN_MOVED, PLAN_PRESENT };

    return words[sight->rank];
}
