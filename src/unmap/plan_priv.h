/* SPDX-License-Identifier: Apache-2.0
 *
 * What the parts of the plan share: the work on one plan. Each stage reads what the one before it wrote into the
 * decisions: evidence, history, round guards, instance guards, limits. */
#pragma once

#include "unmap/plan.h"

#define PLAN_HOUR_MS 3600000

/* What a decision needs beside what it tells. */
struct plan_note {
    struct plan_memory *memory; /* of the next history */
    bool is_taken;              /* another live machine has its address */
    bool is_approved;
};

struct plan_work {
    const struct plan_input *input;
    struct arena *arena;
    struct plan *plan;
    struct plan_note *notes; /* one a decision */
    size_t n_present;
};

/* --- plan_evidence.c */
/* What the listings say about an instance so far: the machine that speaks best for it, and how well. Starts as zeros.
 */
struct plan_sight {
    const struct ec2_instance *machine;
    int rank;
};
/* One listing's machine of its id, or NULL. The order of the listings does not matter. */
void plan_evidence_add(struct plan_sight *sight, const struct ec2_instance *machine, struct str address);
enum plan_evidence plan_evidence_word(const struct plan_sight *sight);

/* --- plan_address.c */
/* Sets is_taken of those instances whose health vetoes. 0 or -ENOMEM. */
int plan_address_mark(struct plan_work *work);

/* --- plan_history.c */
/* The next history: removals and marks that still count, and a memory of each judged instance as it was. 0 or -ENOMEM.
 */
int plan_history_next(struct plan_work *work);

/* --- plan_guard.c */
/* Accounts and canaries: PLAN_RULE_NONE, or what makes the round doubtful. Keeps the account in the history. */
enum plan_rule plan_guard_round(struct plan_work *work);
/* Whether one dead instance may go, as far as it alone is concerned: action, rule and doubts of the decision. */
void plan_guard_instance(struct plan_work *work, size_t at);

/* --- plan_limit.c */
/* Holds and paces; makes the list of removals. 0 or -ENOMEM. */
int plan_limit_apply(struct plan_work *work);

/* Sorts by id, then by address. */
static inline int plan_compare(struct str id, struct str address, struct str other_id, struct str other_address)
{
    int order = str_cmp(id, other_id);
    return order ? order : str_cmp(address, other_address);
}

/* Dead by the evidence. */
static inline bool plan_is_dead(const struct plan_decision *decision)
{
    return decision->evidence >= PLAN_TERMINATED;
}
