/* SPDX-License-Identifier: Apache-2.0
 *
 * One round: a survey, a plan for each service, what is to be told of it, and (unless it is only to be looked at) the
 * removals. One thread. */
#pragma once

#include "unmap/keeper.h"
#include "unmap/removal.h"

struct round_context {
    const struct settings *settings;
    struct access *access;
    struct exporter *exporter;
    struct keeper *keeper;
    struct state_dir *state_dir; /* not open: no journal, nothing is approved */
    const struct clock *clock;
    struct rand *rand;
};

/* A service with what was decided about it. */
struct round_service {
    struct survey_service *survey;
    struct plan plan;
    enum exporter_result result; /* in the end, removals included */
};

struct round {
    struct survey *survey;
    struct round_service *services;
    size_t n;
    bool is_unknown;   /* something could not be read whole, or a removal failed */
    bool leaves_hints; /* an event that was a hint to look is not answered by it: see round.c */
    bool is_held;      /* a guard kept something that is dead by the evidence */
    size_t n_to_remove, n_removed;
    int64_t last_removal_ns; /* 0: none yet */
    struct arena arena;
};

/* Reads and decides. 0 or -ENOMEM; to be freed with round_free. */
int round_decide(const struct round_context *context, struct round **ret_round);
/* Tells what was decided in the log, and carries it out, unless the settings say --dry-run. 0 or -ENOMEM. */
int round_carry_out(const struct round_context *context, struct round *round);
void round_free(struct round *round); /* accepts NULL */
