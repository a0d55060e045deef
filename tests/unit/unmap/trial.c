/* SPDX-License-Identifier: Apache-2.0
 *
 * The controllers' shell: rounds, removals, restarts. */
#include "trial_priv.h"

#include "base/mem.h"

void trial_break(struct trial *trial, enum trial_promise promise)
{
    if (trial->result->broken == TRIAL_HOLDS && !(trial->setup->ignored >> promise & 1))
        trial->result->broken = promise;
}

bool trial_is_approved(const struct trial *trial, uint32_t id)
{
    for (unsigned i = 0; i < trial->n_approved; i++)
        if (trial->approved[i].id == id && trial->world.now_ms < trial->approved[i].until_ms)
            return true;
    return false;
}

/* --- a round ----------------------------------------------------------------------------------------------------- */

static void gather(struct trial *trial, struct trial_round *round)
{
    struct world *world = &trial->world;

    world_list(world, &trial->arena, &round->registered);
    round->n_answers = 0;
    for (unsigned i = 0; i < world->rules.n_regions; i++) {
        struct world_answer *answer = &round->answers[round->n_answers];
        if (!world_ask(world, &round->view, i, 0, &trial->arena, answer))
            continue;
        round->is_partial |= !answer->listing.machines;
        if (trial->setup->mutant == TRIAL_ERRORS_ARE_EMPTY && !answer->listing.machines)
            answer->listing.machines = &answer->ec2;
        round->listings[round->n_answers++] = answer->listing;
    }
    round->is_partial |=
        !round->n_answers || round->view.registry_fails || (trial->setup->is_guarded && round->view.health_fails);
}

static void write_input(struct trial *trial, struct trial_round *round)
{
    static const struct ec2_canary canaries[WORLD_REGIONS] = { { .id = STR("i-00000001") },
                                                               { .id = STR("i-00000002") } };
    const struct trial_setup *setup = trial->setup;
    struct plan_input *input = &round->input;
    struct str *approved = ARENA_ARRAY(&trial->arena, struct str, 8);

    ASSERT(approved);
    *input = (struct plan_input){ .registered = round->view.registry_fails ? NULL : &round->registered,
                                  .registry_account = setup->is_open ? STR("000000000000") : STR("111111111111"),
                                  .listings = round->listings,
                                  .n_listings = round->n_answers,
                                  .knows_health = !round->view.health_fails,
                                  .guards = &setup->guards,
                                  .history = round->brain->history,
                                  .approved = approved,
                                  .budget = SIZE_MAX,
                                  .now_ms = trial->world.now_ms - round->brain->behind_ms,
                                  .wall_ms = trial->world.now_ms + trial->world.wall_ms,
                                  .seed = rand_u64(&trial->world.rand) };
    if (setup->mutant == TRIAL_ERRORS_ARE_EMPTY)
        input->knows_health = true;
    if (setup->rules.has_canaries && setup->mutant != TRIAL_NO_CANARIES) {
        input->canaries = canaries;
        input->n_canaries = setup->rules.n_regions;
    }
    for (unsigned i = 0; i < trial->n_approved; i++)
        if (trial->world.now_ms < trial->approved[i].until_ms)
            approved[input->n_approved++] = world_id(trial->approved[i].id, true, &trial->arena);
    round->budget = setup->is_guarded && input->seed % 4 == 0 ? (unsigned)(input->seed / 4 % 4) : UINT32_MAX;
    if (setup->mutant != TRIAL_NO_BUDGET)
        input->budget = round->budget;
}

/* Something may happen at any time, for instance between plan and removal. */
static void rest(struct trial *trial, struct rand *rand)
{
    if (trial->setup->has_no_rests || rand_below(rand, 4))
        return;
    trial->world.now_ms += (int64_t)rand_below(rand, 2000);
    rand_init_seed(&trial->world.rand, rand_u64(rand));
    world_happen(&trial->world, rand_below(rand, 2) ? WORLD_REGISTER : (enum world_event)rand_below(rand, WORLD_FAULT));
}

static bool look_again(struct trial *trial, const struct trial_round *round, const struct plan_decision *decision,
                       const struct world_registration *registration)
{
    struct cloud_map_instance again;
    struct world_answer answers[WORLD_REGIONS];
    struct plan_listing listings[WORLD_REGIONS];
    unsigned n = 0;

    if (trial->setup->mutant == TRIAL_NO_SECOND_LOOK)
        return registration != NULL;
    if (registration)
        world_instance(registration, &trial->arena, &again);
    for (unsigned i = 0; i < trial->world.rules.n_regions && trial->setup->guards.rechecks && registration; i++)
        if (world_ask_again(&trial->world, &round->view, i, registration->id, &trial->arena, &answers[n])) {
            if (trial->setup->mutant == TRIAL_ERRORS_ARE_EMPTY)
                answers[n].listing.machines = &answers[n].ec2;
            listings[n] = answers[n].listing;
            n++;
        }
    return plan_recheck(decision, registration ? &again : NULL, listings, n);
}

static void remove_one(struct trial *trial, struct trial_round *round, const struct plan_decision *decision)
{
    struct trial_brain *brain = round->brain;
    struct world_registration *one = world_find(&trial->world, world_id_of(decision->instance->id));
    struct trial_result *result = trial->result;

    if (!look_again(trial, round, decision, one))
        return;
    trial_check_removal(trial, round, one);
    plan_note_removal(brain->history, trial->world.now_ms - brain->behind_ms);
    brain->removed_ms[brain->n_removed++ % TRIAL_REMOVALS] = trial->world.now_ms;
    if (result->n_logged < TRIAL_LOG)
        result->log[result->n_logged++] = (struct trial_removal){ one->id, one->address, (unsigned)result->n_rounds };
    result->n_removals++;
    world_remove(&trial->world, one);
}

static void remember(struct trial_brain *brain, const struct plan_history *history)
{
    struct arena *arena = &brain->arenas[brain->which ^= 1];

    arena_reset(arena);
    ASSERT(plan_history_dup(history, arena, &brain->history) == 0);
}

static void do_round(struct trial *trial, uint32_t seed)
{
    const struct trial_setup *setup = trial->setup;
    struct trial_round *round = ARENA_NEW(&trial->arena, struct trial_round);
    struct rand rand;
    unsigned which;

    ASSERT(round);
    rand_init_seed(&rand, seed * 7919ull + 1);
    which = (unsigned)rand_below(&rand, setup->rules.n_brains);
    round->brain = &trial->brains[setup->has_one_brain ? 0 : which];
    trial->world.now_ms +=
        setup->gap_min_ms + (int64_t)rand_below(&rand, (uint64_t)(setup->gap_max_ms - setup->gap_min_ms + 1));
    world_look(&trial->world, which, &round->view);
    if (rand_below(&rand, 100) < setup->extra_error_percent)
        round->view.faults[0] = WORLD_ERROR;
    gather(trial, round);
    write_input(trial, round);
    trial->result->n_rounds++;
    ASSERT(plan_make(&round->input, &trial->arena, &round->plan) == 0);
    trial->result->n_held += round->plan.outcome == PLAN_HELD;
    trial->result->n_unknown += round->plan.outcome == PLAN_UNKNOWN;
    trial_check_plan(trial, round);
    if (seed % 8 == 0)
        trial_check_variants(trial, round);
    remember(round->brain, round->plan.history);
    for (size_t i = 0; i < round->plan.by_action[PLAN_REMOVE] && trial->result->broken == TRIAL_HOLDS; i++) {
        rest(trial, &rand);
        if (i)
            trial->world.now_ms += setup->guards.spacing_ms;
        if (!setup->has_no_rests && rand_below(&rand, 50) == 0)
            break; /* killed; what was done so far is in the history */
        remove_one(trial, round, round->plan.removals[i]);
    }
}

/* --- other steps ------------------------------------------------------------------------------------------------- */

/* The history is kept, kept with a clock that went back, or lost. */
static void do_restart(struct trial *trial, struct rand *rand)
{
    struct trial_brain *brain = &trial->brains[rand_below(rand, trial->setup->rules.n_brains)];

    trial->result->n_restarts++;
    switch (rand_below(rand, 3)) {
    case 0:
        brain->behind_ms += (int64_t)rand_below(rand, 3 * TRIAL_HOUR_MS);
        trial->result->n_clock_jumps++;
        break;
    case 1:
        trial->result->n_losses++;
        brain->history = NULL;
        brain->n_removed = brain->n_marks = brain->n_known = 0;
        brain->other_account_ms = 0;
        break;
    default:
        break;
    }
}

static void do_approve(struct trial *trial, struct rand *rand)
{
    const struct world *world = &trial->world;

    if (!world->n_registered)
        return;
    trial->n_approved = trial->n_approved < 8 ? trial->n_approved + 1 : 8;
    trial->approved[rand_below(rand, trial->n_approved)].id =
        world->registrations[rand_below(rand, world->n_registered)].id;
    for (unsigned i = 0; i < trial->n_approved; i++)
        trial->approved[i].until_ms = world->now_ms + TRIAL_HOUR_MS;
}

static void do_step(struct trial *trial, struct trial_step step)
{
    struct rand *rand = &trial->world.rand;

    rand_init_seed(rand, step.seed);
    switch (step.kind) {
    case TRIAL_DO_ROUND:
        arena_reset(&trial->arena);
        do_round(trial, step.seed);
        break;
    case TRIAL_DO_RESTART:
        do_restart(trial, rand);
        break;
    case TRIAL_DO_WALL:
        trial->world.wall_ms = (int64_t)rand_below(rand, 48 * TRIAL_HOUR_MS) - 24 * TRIAL_HOUR_MS;
        trial->result->n_clock_jumps++;
        break;
    case TRIAL_DO_APPROVE:
        do_approve(trial, rand);
        break;
    default:
        trial->world.now_ms += (int64_t)rand_below(rand, TRIAL_MINUTE_MS);
        world_happen(&trial->world, (enum world_event)step.kind);
        break;
    }
}

void trial_run(const struct trial_setup *setup, struct trial_result *result)
{
    struct trial *trial = mem_alloc(sizeof(*trial));

    ASSERT(trial);
    memset(trial, 0, offsetof(struct trial, world));
    memset(&trial->brains, 0, sizeof(*trial) - offsetof(struct trial, brains));
    trial->setup = setup;
    trial->result = result;
    arena_init(&trial->arena, 16 << 20);
    for (int i = 0; i < WORLD_BRAINS; i++)
        for (int j = 0; j < 2; j++)
            arena_init(&trial->brains[i].arenas[j], 4 << 20);
    result->broken = TRIAL_HOLDS;
    world_init(&trial->world, &setup->rules, setup->seed);
    for (unsigned i = 0; i < setup->n_steps && result->broken == TRIAL_HOLDS; i++)
        do_step(trial, setup->steps[i]);
    for (int i = 0; i < WORLD_FAULT_COUNT; i++)
        result->faults[i] += trial->world.counts[i];
    for (int i = 0; i < WORLD_BRAINS; i++)
        for (int j = 0; j < 2; j++)
            arena_fini(&trial->brains[i].arenas[j]);
    arena_fini(&trial->arena);
    mem_free(trial);
}
