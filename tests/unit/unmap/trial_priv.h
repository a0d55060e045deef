/* SPDX-License-Identifier: Apache-2.0
 *
 * What a trial consists of while it runs; shared by trial.c and trial_check.c. */
#pragma once

#include "trial.h"

#define TRIAL_MINUTE_MS 60000LL
#define TRIAL_HOUR_MS 3600000LL
#define TRIAL_REMOVALS 64
#define TRIAL_MARKS 256

/* What the checks know about a judged instance. */
struct trial_known {
    uint32_t id, address;
    int place; /* region * 3 + zone + 1, where it was last seen; 0: never */
    enum plan_evidence evidence;
    bool has_passed; /* was to go before, but for paces, and was never seen alive since */
};

/* One controller, and what the checks know of its past. */
struct trial_brain {
    struct arena arenas[2];
    unsigned which;
    struct plan_history *history;
    int64_t behind_ms; /* its clock is behind real time */
    int64_t removed_ms[TRIAL_REMOVALS];
    unsigned n_removed;
    struct {
        int64_t ms;
        unsigned n;
    } marks[TRIAL_MARKS];
    unsigned n_marks;
    int64_t other_account_ms; /* 0: never */
    struct trial_known known[WORLD_REGISTRATIONS];
    unsigned n_known;
};

struct trial {
    const struct trial_setup *setup;
    struct trial_result *result;
    struct world world;
    struct trial_brain brains[WORLD_BRAINS];
    struct arena arena; /* of one round */
    struct {
        uint32_t id;
        int64_t until_ms;
    } approved[8];
    unsigned n_approved;
};

/* One round, as it went into the plan and came out of it. */
struct trial_round {
    struct trial_brain *brain;
    struct world_view view;
    struct world_answer answers[WORLD_REGIONS];
    struct plan_listing listings[WORLD_REGIONS];
    unsigned n_answers;
    struct cloud_map_instances registered;
    struct plan_input input;
    struct plan plan;
    unsigned budget;
    bool is_partial;
};

void trial_break(struct trial *trial, enum trial_promise promise);
bool trial_is_approved(const struct trial *trial, uint32_t id);
/* After a plan was made. */
void trial_check_plan(struct trial *trial, const struct trial_round *round);
/* Other plans of the same round: order, errors, repetition. */
void trial_check_variants(struct trial *trial, const struct trial_round *round);
/* Just before one removal is made. */
void trial_check_removal(struct trial *trial, const struct trial_round *round,
                         const struct world_registration *registration);
