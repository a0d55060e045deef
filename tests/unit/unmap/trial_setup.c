/* SPDX-License-Identifier: Apache-2.0
 *
 * Trials at random, and how one that fails is made small and told. */
#include "trial_priv.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/mem.h"

static const struct {
    int64_t min_ms, max_ms;
} gaps[] = {
    { 1 * TRIAL_MINUTE_MS, 3 * TRIAL_MINUTE_MS },   { 5 * TRIAL_MINUTE_MS, 5 * TRIAL_MINUTE_MS },
    { 3 * TRIAL_MINUTE_MS, 7 * TRIAL_MINUTE_MS },   { 10 * TRIAL_MINUTE_MS, 40 * TRIAL_MINUTE_MS },
    { 60 * TRIAL_MINUTE_MS, 90 * TRIAL_MINUTE_MS }, { TRIAL_MINUTE_MS / 3, 90 * TRIAL_MINUTE_MS },
};

static void set_up_rules(struct world_rules *rules, bool is_guarded, struct rand *rand)
{
    static const unsigned healthy[] = { 0, 0, 20, 60 }, errors[] = { 0, 1, 1, 5 };

    *rules = (struct world_rules){ .n_regions = 1 + (unsigned)rand_below(rand, 2),
                                   .n_brains = rand_below(rand, 5) ? 1 : 2,
                                   .n_machines = 2 + (unsigned)rand_below(rand, rand_below(rand, 3) ? 12 : 38),
                                   .lean = 50 + (unsigned)rand_below(rand, 46),
                                   .healthy_percent = healthy[rand_below(rand, 4)],
                                   .error_percent = errors[rand_below(rand, 4)],
                                   .faults = (uint32_t)rand_u64(rand) & WORLD_ALL_FAULTS,
                                   .asks_honestly = rand_below(rand, 4) == 0,
                                   .has_canaries = is_guarded && rand_below(rand, 4) == 0,
                                   .has_attributes = rand_below(rand, 4) == 0 };
    if (rules->n_regions == 1)
        rules->lean = 100;
    if (!is_guarded)
        rules->faults &= WORLD_ERRORS;
}

void trial_set_up(struct trial_setup *setup, bool is_guarded, uint64_t seed)
{
    static const unsigned least[TRIAL_KIND_COUNT] = {
        [WORLD_LAUNCH] = 6, [WORLD_REGISTER] = 15, [WORLD_TERMINATE] = 2, [WORLD_FAULT] = 4
    };
    struct rand rand;
    size_t gap;

    memset(setup, 0, sizeof(*setup));
    rand_init_seed(&rand, seed);
    setup->seed = seed;
    setup->is_guarded = is_guarded;
    setup->is_open = rand_below(&rand, 2);
    set_up_rules(&setup->rules, is_guarded, &rand);
    if (is_guarded)
        plan_guards_guarded(&setup->guards);
    else
        plan_guards_original(&setup->guards);
    setup->guards.require_terminated = setup->needs_word = rand_below(&rand, 8) == 0;
    if (is_guarded && rand_below(&rand, 4) == 0)
        setup->guards.account = STR("111111111111");
    if (setup->rules.has_attributes) {
        setup->guards.opt_out = STR("KEEP");
        setup->guards.only_key = STR("team");
        setup->guards.only_value = STR("a");
    }
    gap = rand_below(&rand, sizeof(gaps) / sizeof(gaps[0]));
    setup->gap_min_ms = gaps[gap].min_ms;
    setup->gap_max_ms = gaps[gap].max_ms;
    setup->events_max = 1 + (unsigned)rand_below(&rand, 5);
    for (int i = 0; i < TRIAL_KIND_COUNT; i++)
        setup->weights[i] = least[i] + (unsigned)rand_below(&rand, least[i] + 3);
    setup->n_rounds = 60;
    trial_write_steps(setup);
}

void trial_write_steps(struct trial_setup *setup)
{
    struct rand rand;
    unsigned total = 0;

    setup->weights[TRIAL_DO_ROUND] = 0;
    for (int i = 0; i < TRIAL_KIND_COUNT; i++)
        total += setup->weights[i];
    rand_init_seed(&rand, setup->seed ^ 0x5eed);
    setup->n_steps = 0;
    for (unsigned i = 0; i < setup->n_rounds; i++) {
        for (uint64_t n = rand_below(&rand, setup->events_max + 1); n; n--) {
            uint64_t at = rand_below(&rand, total);
            unsigned kind = 0;
            while (at >= setup->weights[kind])
                at -= setup->weights[kind++];
            setup->steps[setup->n_steps++] = (struct trial_step){ kind, (uint32_t)rand_u64(&rand) };
        }
        setup->steps[setup->n_steps++] = (struct trial_step){ TRIAL_DO_ROUND, (uint32_t)rand_u64(&rand) };
        ASSERT(setup->n_steps + setup->events_max + 1 <= TRIAL_STEPS);
    }
}

static bool still_breaks(const struct trial_setup *setup, enum trial_promise broken)
{
    struct trial_result *result = mem_zalloc(sizeof(*result));
    bool breaks;

    ASSERT(result);
    trial_run(setup, result);
    breaks = result->broken == broken;
    mem_free(result);
    return breaks;
}

unsigned trial_shrink(struct trial_setup *setup, enum trial_promise broken)
{
    struct trial_setup *smaller = mem_alloc(sizeof(*smaller));

    ASSERT(smaller);
    for (unsigned size = setup->n_steps / 2; size; size /= 2)
        for (unsigned at = 0; at + size <= setup->n_steps;) {
            *smaller = *setup;
            memmove(smaller->steps + at, smaller->steps + at + size,
                    (smaller->n_steps - at - size) * sizeof(smaller->steps[0]));
            smaller->n_steps -= size;
            if (still_breaks(smaller, broken))
                *setup = *smaller;
            else
                at += size;
        }
    mem_free(smaller);
    return setup->n_steps;
}

void trial_print(const struct trial_setup *setup, enum trial_promise broken)
{
    static const char *const words[] = { "round", "restart", "wall clock jumps", "approve" };

    printf("broken: %s; seed %" PRIu64 ", %s, %u machines, %u regions, %u controllers\n", trial_promise_text(broken),
           setup->seed, setup->is_guarded ? "guarded" : "original", setup->rules.n_machines, setup->rules.n_regions,
           setup->rules.n_brains);
    for (unsigned i = 0; i < setup->n_steps; i++)
        printf("  %s %" PRIu32 "\n",
               setup->steps[i].kind < WORLD_EVENT_COUNT ? world_event_text((enum world_event)setup->steps[i].kind)
                                                        : words[setup->steps[i].kind - WORLD_EVENT_COUNT],
               setup->steps[i].seed);
}

const char *trial_promise_text(enum trial_promise promise)
{
    static const char *const words[TRIAL_PROMISE_COUNT] = {
        "none",
        "I1 nobody who lives is removed",
        "I2 nothing is removed in a partial round",
        "I3 one judged instance stays",
        "I3 a round's removals",
        "I3 an hour's removals",
        "I3 the budget of all services",
        "I3 the time between two removals",
        "R6 half of the day's most stays",
        "R7 not more than a share is to go",
        "R7 a zone that is down is left alone",
        "R2 nothing is removed soon after another account",
        "R10 whoever is not judged is left alone",
        "only what EC2 calls terminated goes",
        "the evidence is what the answers say",
        "I4 an error adds no removal",
        "I5 order does not matter",
        "I8 a second run does nothing",
    };
    return words[promise];
}
