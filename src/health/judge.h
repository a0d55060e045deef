/* SPDX-License-Identifier: Apache-2.0
 *
 * From results of probes to verdicts: a target's verdict turns when `threshold` results in a row say so, and while the
 * checker has reason to blame its own network, none turns to UNHEALTHY (doubt). Successes are always believed: a broken
 * network does not answer. Pure: time comes in, changed verdicts go out through a function; one thread at a time.
 *
 * Doubt begins when more than a share of all targets turned UNHEALTHY within one interval (each by its own), or when no
 * reference target answers. What turned within that interval is taken back and held: it keeps the verdict of before,
 * until doubt ends and its results still say UNHEALTHY. Doubt ends when a reference target answers, after a time, or
 * when somebody ends it. If no reference target answered meanwhile, the failures were the network's: those who are held
 * turn when they fail once more. If doubt began with the share, and half of those who began it have answered again,
 * those who fail once more are believed one by one, and it ends with the last. */
#pragma once

#include "model/service.h"

enum judge_doubt { JUDGE_SURE, JUDGE_DOUBTS_CHANGES, JUDGE_DOUBTS_REFERENCE };

/* A member of whatever is probed. */
struct judge_target {
    int64_t interval_ms;
    unsigned threshold; /* results in a row, 1 to 10 */

    /* The judge's. */
    enum health_status verdict, before; /* before: while it is a suspect */
    unsigned in_row;                    /* results alike since the last other one, up to the threshold */
    bool is_good;                       /* what they say */
    int64_t turned_ms;                  /* when it became a suspect */
    size_t suspect;                     /* its place in the judge's list, from 1; 0: none */
};

struct judge_settings {
    double doubt_max;                                       /* share of all targets, 0 to 1 */
    size_t doubt_min;                                       /* turned targets; fewer are never doubted */
    int64_t doubt_for_ms;                                   /* longest doubt */
    void (*turned)(void *arg, struct judge_target *target); /* its verdict is another one now */
    void *arg;
};

struct judge {
    struct judge_settings settings;
    size_t n_targets;
    /* Sure: those that turned UNHEALTHY lately. In doubt: those that are held. */
    struct judge_target **suspects;
    size_t n_suspects, size;
    enum judge_doubt doubt;
    int64_t doubt_since_ms;
    size_t doubt_limit;        /* suspects that began it */
    int64_t forgiven_ms;       /* failures of probes from before count for nothing */
    bool is_reference_ignored; /* doubt over it was ended while it failed; until it answers */
};

/* Sure, and without targets. `settings` is copied. */
void judge_init(struct judge *judge, const struct judge_settings *settings);
/* Frees the list; targets are the caller's. */
void judge_fini(struct judge *judge);

/* The target's settings are filled in; `verdict` is the one it has had so far. 0 or -ENOMEM. */
int judge_add(struct judge *judge, struct judge_target *target, enum health_status verdict);
void judge_drop(struct judge *judge, struct judge_target *target);
/* Forgets the results so far, not the verdict: another question is asked from now on. */
void judge_restart(struct judge *judge, struct judge_target *target);

/* Each may turn verdicts. A result is that of a probe that began at started_ms. */
void judge_result(struct judge *judge, struct judge_target *target, bool is_good, int64_t started_ms, int64_t now_ms);
/* Do reference targets answer? At least one of them, that is. */
void judge_reference(struct judge *judge, bool answers, int64_t now_ms);
/* Ends doubt that has lasted its time. */
void judge_tick(struct judge *judge, int64_t now_ms);
/* Ends doubt now: what is held turns. */
void judge_release(struct judge *judge);

/* Does doubt keep the target from being UNHEALTHY? */
bool judge_is_held(const struct judge *judge, const struct judge_target *target);
size_t judge_count_held(const struct judge *judge);
