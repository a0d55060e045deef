/* SPDX-License-Identifier: Apache-2.0
 *
 * Controllers in a made-up world, step by step, with every promise checked after each round. The checks are written
 * from the rules, with figures of their own, not from the plan: a guard that is turned off does not turn off its check.
 */
#pragma once

#include "world.h"

#define TRIAL_STEPS 400

/* What must hold. */
enum trial_promise {
    TRIAL_HOLDS,
    TRIAL_ALIVE,    /* I1: nobody who lives was removed */
    TRIAL_PARTIAL,  /* I2: nothing is removed in a round that is not whole */
    TRIAL_FLOOR,    /* I3: one judged instance stays */
    TRIAL_ROUND,    /* I3: a round's removals */
    TRIAL_HOUR,     /* I3: an hour's removals */
    TRIAL_BUDGET,   /* I3: those of all services */
    TRIAL_SPACING,  /* I3: the time between two */
    TRIAL_MARK,     /* R6: half of the day's most stays */
    TRIAL_SHARE,    /* R7: not more than a share is to go */
    TRIAL_ZONE,     /* R7: a zone or region that is down is left alone */
    TRIAL_FREEZE,   /* R2: nothing is removed soon after another account was seen */
    TRIAL_LEFT,     /* R10: whoever opted out, is not selected or is none of EC2's is left alone */
    TRIAL_WORD,     /* require_terminated: only what EC2 says is terminated goes */
    TRIAL_EVIDENCE, /* the evidence is what the answers say */
    TRIAL_DOUBT,    /* I4: an error instead of an answer adds no removal, now or in the next round */
    TRIAL_ORDER,    /* I5: order does not matter */
    TRIAL_REPEAT,   /* I8: a second run in an unchanged world does nothing */
    TRIAL_PROMISE_COUNT
};

/* What is turned off beside guards, to see that the checks notice. */
enum trial_mutant {
    TRIAL_SOUND,
    TRIAL_ERRORS_ARE_EMPTY, /* R1 */
    TRIAL_NO_SECOND_LOOK,   /* R8: what is registered is not read again */
    TRIAL_NO_CANARIES,      /* R3: named ones are forgotten */
    TRIAL_NO_BUDGET,        /* of all services */
};

enum trial_kind {
    TRIAL_DO_ROUND = WORLD_EVENT_COUNT,
    TRIAL_DO_RESTART,
    TRIAL_DO_WALL,
    TRIAL_DO_APPROVE,
    TRIAL_KIND_COUNT
};

struct trial_step {
    unsigned kind; /* a world_event or a trial_kind */
    uint32_t seed;
};

struct trial_setup {
    uint64_t seed;
    struct world_rules rules;
    struct plan_guards guards;
    bool is_guarded; /* the promises of the guarded policy; else those of the default one */
    bool is_open;    /* the registry has no account */
    bool needs_word; /* only what EC2 calls terminated may go */
    enum trial_mutant mutant;
    uint32_t ignored;             /* bits of promises that are not looked at */
    unsigned extra_error_percent; /* more rounds that fail, in an otherwise equal world */
    bool has_one_brain;           /* all rounds are of one controller */
    bool has_no_rests;            /* nothing happens between plan and removal */
    int64_t gap_min_ms, gap_max_ms;
    unsigned weights[TRIAL_KIND_COUNT]; /* of steps other than rounds */
    unsigned events_max;                /* between two rounds */
    unsigned n_rounds;
    struct trial_step steps[TRIAL_STEPS];
    unsigned n_steps;
};

struct trial_removal {
    uint32_t id, address;
    unsigned round;
};

#define TRIAL_LOG 512

struct trial_result {
    enum trial_promise broken;
    size_t n_rounds, n_removals, n_held, n_unknown, n_restarts, n_losses, n_clock_jumps;
    size_t faults[WORLD_FAULT_COUNT];
    unsigned n_logged;
    struct trial_removal log[TRIAL_LOG]; /* the first ones */
};

/* Any world, guarded or not. */
void trial_set_up(struct trial_setup *setup, bool is_guarded, uint64_t seed);
/* Makes the steps of a setup. */
void trial_write_steps(struct trial_setup *setup);
/* Plays the steps. Adds to the figures of the result; stops at the first broken promise. */
void trial_run(const struct trial_setup *setup, struct trial_result *result);
/* Leaves out what is not needed to break the same promise, by halves, quarters and so on; returns how many remain. */
unsigned trial_shrink(struct trial_setup *setup, enum trial_promise broken);
void trial_print(const struct trial_setup *setup, enum trial_promise broken);
const char *trial_promise_text(enum trial_promise promise);
