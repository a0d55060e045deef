/* SPDX-License-Identifier: Apache-2.0
 *
 * Random rounds in random worlds until the number asked for is reached; ./dev soak plan runs a million.
 *
 *     soak_plan [ROUNDS [SEED]] */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "trial.h"

static void add(struct trial_result *total, const struct trial_result *one)
{
    total->n_rounds += one->n_rounds;
    total->n_removals += one->n_removals;
    total->n_held += one->n_held;
    total->n_unknown += one->n_unknown;
    total->n_restarts += one->n_restarts;
    total->n_losses += one->n_losses;
    total->n_clock_jumps += one->n_clock_jumps;
    for (int i = 0; i < WORLD_FAULT_COUNT; i++)
        total->faults[i] += one->faults[i];
}

static void print_total(const char *policy, const struct trial_result *total)
{
    printf("%s: %zu rounds, %zu removals, %zu rounds held, %zu unknown; %zu restarts, %zu of them with a lost history; "
           "%zu clock jumps\n",
           policy, total->n_rounds, total->n_removals, total->n_held, total->n_unknown, total->n_restarts,
           total->n_losses, total->n_clock_jumps);
    for (int i = 1; i < WORLD_FAULT_COUNT; i++)
        printf("  %-16s %9zu\n", world_fault_text((enum world_fault)i), total->faults[i]);
}

/* 0, or 1 with the steps that break a promise. */
static int play(struct trial_setup *setup, struct trial_result *result, struct trial_result *total, bool is_guarded,
                uint64_t seed)
{
    trial_set_up(setup, is_guarded, seed);
    memset(result, 0, sizeof(*result));
    trial_run(setup, result);
    add(total, result);
    if (result->broken == TRIAL_HOLDS)
        return 0;
    trial_shrink(setup, result->broken);
    trial_print(setup, result->broken);
    return 1;
}

int main(int argc, char **argv)
{
    uint64_t n_rounds = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000;
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
    struct trial_setup *setup = mem_zalloc(sizeof(*setup));
    struct trial_result *result = mem_zalloc(sizeof(*result)), *totals = mem_zalloc(2 * sizeof(*totals));
    int64_t began_ns = clock_mono_ns(clock_system());
    int broken = 0;
    struct rand rand;

    ASSERT(setup && result && totals);
    rand_init(&rand);
    if (argc <= 2)
        seed = rand_u64(&rand) >> 16;
    printf("soak plan: %" PRIu64 " rounds from seed %" PRIu64 "\n", n_rounds, seed);
    /* three worlds in four are guarded: they have more to promise */
    for (uint64_t i = 0; !broken && totals[0].n_rounds + totals[1].n_rounds < n_rounds; i++)
        broken = play(setup, result, &totals[i % 4 == 3], i % 4 != 3, seed + i);
    print_total("guarded", &totals[0]);
    print_total("original", &totals[1]);
    printf("%s in %.1f s\n", broken ? "a promise was broken" : "every promise held",
           (double)(clock_mono_ns(clock_system()) - began_ns) / 1e9);
    mem_free(totals);
    mem_free(result);
    mem_free(setup);
    return broken;
}
