/* SPDX-License-Identifier: Apache-2.0
 *
 * The controller's judgement: what was listed, what is registered, what was seen before and the operator's limits in,
 * one decision with its reason for each registered instance out. Pure: no clock, no I/O, no random numbers but those of
 * the seed; the same input gives the same plan, whatever order instances and pages came in. Doubt only ever takes
 * removals away. Usable from any thread.
 *
 * Rules R1 to R8 are numbered as in docs/cloud-unmap.md. */
#pragma once

#include "aws/cloud_map.h"
#include "aws/ec2.h"

#define PLAN_HOURS 24          /* of the high-water mark */
#define PLAN_MAX_REMOVALS 4096 /* removals remembered for an hour's budget */

/* --- what goes in ------------------------------------------------------------------------------------------------ */

/* The guards. All zero but min_remaining = 1 decides as aws-cloud-unmap did. Shares are percents of the instances that
 * are judged. */
struct plan_guards {
    /* Who is judged at all. */
    struct str opt_out;              /* an attribute of this key, whatever its value: left alone; absent: off */
    struct str only_key, only_value; /* only instances with this attribute are judged; absent: off */
    /* What a listing must show before it counts (R2, R3). */
    struct str account;         /* of the EC2 instances; absent: any */
    bool pins_account;          /* without `account`: that of the registry's ARN, or the one seen first with a live
                                   instance; a pinned one stays until `account` names another */
    int64_t identity_freeze_ms; /* after a change of identity or a wrong one nothing is removed for so long */
    bool needs_canary;          /* one canary or, when none is named, one judged live instance must be seen */
    /* What one instance must show (R4, R5). */
    bool require_terminated; /* absent and moved instances never go */
    unsigned confirmations;  /* consecutive whole rounds that agree, for absent and moved ones; 0 = 1. Rounds within
                                the grace time, or that a healthy instance vetoes, do not count: what is wrong then for
                                one reason must not be carried on by another */
    int64_t confirm_ms;      /* ... and the time from the first to the last of them */
    int64_t grace_ms;        /* since first seen and since launch, for absent and moved ones */
    bool healthy_vetoes;     /* a HEALTHY instance is not absent or moved, unless another one has its address; a round
                                that does not know the health is not whole */
    bool rechecks;           /* whoever removes looks again first: plan_recheck */
    /* Limits (R6, R7). Those that hold remove nothing; those that pace remove a part. 0: off. */
    unsigned min_remaining;       /* holds: fewer judged instances would be left */
    unsigned max_removal_percent; /* holds: more are to go than this share ... */
    unsigned removal_percent_min; /* ... and at least so many */
    unsigned high_water_percent;  /* holds: fewer would be left than this share of the last 24 hours' most */
    unsigned zone_percent;        /* holds a zone or region: it has more than this share (50 or more) of those to go, at
                                     least 3 */
    unsigned max_removals;        /* paces: a service's removals in one round */
    unsigned round_percent;       /* paces: a service's removals in one round, at least 1 */
    int64_t spacing_ms;           /* paces: the time between two removals */
    unsigned hour_percent;        /* paces: a service's removals in an hour, at least 1 */
};

/* --policy original: as aws-cloud-unmap decides; --policy guarded: the recommended set. */
void plan_guards_original(struct plan_guards *ret_guards);
void plan_guards_guarded(struct plan_guards *ret_guards);

/* One region's EC2 instances in this round. */
struct plan_listing {
    const struct ec2_listing *machines; /* sorted, each id once, else it counts as NULL: it did not come whole */
    struct str region;
    struct str account; /* that STS named for these credentials; absent: not asked, which no account guard accepts */
};

/* What earlier rounds of this service left behind. Times are on the caller's clock, which may stand still or go back
 * (a restart), but must never run ahead of real time: what lies in its future is taken for now. */
struct plan_memory {
    struct str id, address; /* another address is another instance */
    struct str zone;        /* where it was last seen; absent: never */
    int64_t first_seen_ms;
    int64_t doubted_since_ms; /* first of the consecutive rounds below */
    uint32_t doubts;          /* consecutive whole rounds in which it was absent or moved, and that counted */
    bool has_passed;          /* it was to go, and only paces kept it: zones are not asked again while it stays dead, or
                                 the last ones of a zone would be held because the others went */
};

struct plan_history {
    struct plan_memory *memories; /* sorted by id */
    size_t n_memories;
    int64_t removed_ms[PLAN_MAX_REMOVALS]; /* when the last ones went, oldest first; kept by plan_note_removal */
    size_t n_removed;
    uint32_t most[PLAN_HOURS];  /* judged instances, the most of each hour; most[hour % PLAN_HOURS] */
    int64_t hour;               /* of the newest entry: now_ms / 3,600,000 */
    struct str account;         /* that EC2 is expected to be; absent: none was pinned yet */
    int64_t account_changed_ms; /* the last time that it changed or that another one was seen; 0: never */
};

struct plan_input {
    const struct cloud_map_instances *registered; /* NULL: not whole, nothing is known */
    struct str registry_account;                  /* of the service's ARN; absent: not known */
    const struct plan_listing *listings;          /* one a region; listed after `registered` was; none: not whole */
    size_t n_listings;
    bool knows_health; /* `health` of registered is filled */
    const struct plan_guards *guards;
    const struct ec2_canary *canaries;
    size_t n_canaries;
    const struct plan_history *history; /* NULL: none */
    const struct str *approved;         /* ids that an operator released from the limits that hold */
    size_t n_approved;
    size_t budget;   /* removals that all services together may still make; SIZE_MAX */
    int64_t now_ms;  /* on the clock of the history */
    int64_t wall_ms; /* for launch times */
    uint64_t seed;   /* who goes first when not all may */
};

/* --- what comes out ---------------------------------------------------------------------------------------------- */

enum plan_evidence {
    PLAN_NOT_JUDGED, /* no EC2 id, no address, opted out, not selected */
    PLAN_UNSEEN,     /* the round is in doubt: nothing is known */
    PLAN_PRESENT,    /* lives, and the address is its own */
    PLAN_TERMINATED, /* EC2 says shutting-down or terminated */
    PLAN_MOVED,      /* lives, but the address is not its own */
    PLAN_ABSENT,     /* in no listing */
    PLAN_EVIDENCE_COUNT
};

enum plan_action {
    PLAN_LEAVE, /* not judged */
    PLAN_KEEP,  /* present */
    PLAN_WAIT,  /* dead by the evidence, but a guard wants more of it */
    PLAN_HOLD,  /* dead by the evidence, but a limit or a doubt about the round stops it */
    PLAN_REMOVE,
    PLAN_ACTION_COUNT
};

/* Why; each guard has one, so that a decision names what stopped it. */
enum plan_rule {
    PLAN_RULE_NONE,
    PLAN_RULE_NO_EC2_ID,
    PLAN_RULE_NO_ADDRESS,
    PLAN_RULE_OPT_OUT,
    PLAN_RULE_NOT_SELECTED,
    PLAN_RULE_INCOMPLETE,       /* R1: a listing or the registry did not come whole */
    PLAN_RULE_ACCOUNT,          /* R2: the wrong account */
    PLAN_RULE_IDENTITY_CHANGED, /* R2: frozen */
    PLAN_RULE_CANARY,           /* R3 */
    PLAN_RULE_REQUIRE_TERMINATED,
    PLAN_RULE_CONFIRMATIONS, /* R4 */
    PLAN_RULE_GRACE,         /* R5 */
    PLAN_RULE_HEALTHY,       /* R5 */
    PLAN_RULE_BREAKER,       /* min_remaining */
    PLAN_RULE_MAX_PERCENT,   /* R7 */
    PLAN_RULE_HIGH_WATER,    /* R6 */
    PLAN_RULE_ZONE,          /* R7 */
    PLAN_RULE_MAX_REMOVALS,  /* R6: this round's, the service's or all services' */
    PLAN_RULE_HOUR,          /* R6 */
    PLAN_RULE_RECHECK,       /* R4, R8: looked alive, or changed, the moment before */
    PLAN_RULE_COUNT
};

struct plan_decision {
    const struct cloud_map_instance *instance;
    const struct ec2_instance *machine; /* of that id; NULL when it is in no listing */
    struct str address;                 /* that it was judged by; absent: not judged */
    enum plan_evidence evidence;
    enum plan_action action;
    enum plan_rule rule;
    uint32_t doubts;     /* whole rounds in a row that found it absent or moved and counted, this one included */
    int64_t seen_for_ms; /* since it was first seen */
};

/* How the round counts. */
enum plan_outcome {
    PLAN_OK,      /* also when there was nothing to judge, or guards wait */
    PLAN_HELD,    /* a limit, a canary or an account held something back */
    PLAN_UNKNOWN, /* not whole: failed */
};

struct plan {
    enum plan_outcome outcome;
    enum plan_rule rule;             /* of PLAN_HELD and PLAN_UNKNOWN: what held, or what was missing */
    struct plan_decision *decisions; /* sorted by id, one for each registered instance */
    size_t n;
    size_t n_judged, by_evidence[PLAN_EVIDENCE_COUNT], by_action[PLAN_ACTION_COUNT];
    const struct plan_decision **removals; /* in the order in which they are to go; by_action[PLAN_REMOVE] of them */
    struct plan_history *history;          /* for the next round; without the removals of this one (plan_note_removal).
                                              Borrows from the answers: plan_history_dup before they go */
};

/* Everything that it gives lives in the arena, or is borrowed from the input. 0 or -ENOMEM. */
int plan_make(const struct plan_input *input, struct arena *arena, struct plan *ret_plan);

/* R4, R8: whether a removal still stands after a second look, just before it is made: `again` is the instance as it is
 * registered now (NULL: gone), `listings` a fresh answer of every region for its id (none: EC2 is not asked again). */
bool plan_recheck(const struct plan_decision *decision, const struct cloud_map_instance *again,
                  const struct plan_listing *listings, size_t n_listings);

/* Takes the last n removals back, for a limit that has become smaller since; the plan is then PLAN_HELD by this rule.
 */
void plan_hold_back(struct plan *plan, size_t n, enum plan_rule rule);

/* One removal is about to be made; its answer may be lost. */
void plan_note_removal(struct plan_history *history, int64_t now_ms);

/* A copy of the whole history that lives in the arena alone; NULL gives an empty one. 0 or -ENOMEM. */
int plan_history_dup(const struct plan_history *history, struct arena *arena, struct plan_history **ret_history);

/* Words for tables, logs and labels: `terminated`, `remove`, `max_removal_percent`, and one clause for people. */
const char *plan_evidence_text(enum plan_evidence evidence);
const char *plan_action_text(enum plan_action action);
const char *plan_rule_text(enum plan_rule rule);
const char *plan_rule_reason(enum plan_rule rule);
