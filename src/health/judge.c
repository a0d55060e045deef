/* SPDX-License-Identifier: Apache-2.0
 *
 * See judge.h. */
#include "health/judge.h"

#include "base/mem.h"

#include <errno.h>

void judge_init(struct judge *judge, const struct judge_settings *settings)
{
    *judge = (struct judge){ .settings = *settings };
}

void judge_fini(struct judge *judge)
{
    mem_free(judge->suspects);
    *judge = (struct judge){ 0 };
}

bool judge_is_held(const struct judge *judge, const struct judge_target *target)
{
    return judge->doubt != JUDGE_SURE && target->suspect;
}

size_t judge_count_held(const struct judge *judge)
{
    return judge->doubt != JUDGE_SURE ? judge->n_suspects : 0;
}

/* --- the list ----------------------------------------------------------------------------------------------------- */

static void judge_suspect(struct judge *judge, struct judge_target *target, int64_t now_ms)
{
    target->turned_ms = now_ms;
    judge->suspects[judge->n_suspects++] = target; /* judge_add made room */
    target->suspect = judge->n_suspects;
}

static void judge_clear(struct judge *judge, struct judge_target *target)
{
    struct judge_target *last;

    if (!target->suspect)
        return;
    last = judge->suspects[--judge->n_suspects];
    judge->suspects[target->suspect - 1] = last;
    last->suspect = target->suspect;
    target->suspect = 0;
}

/* The last place first: judge_clear moves what stands there. */
static void judge_clear_old(struct judge *judge, int64_t now_ms)
{
    for (size_t i = judge->n_suspects; i > 0; i--) {
        struct judge_target *target = judge->suspects[i - 1];
        if (now_ms - target->turned_ms > target->interval_ms)
            judge_clear(judge, target);
    }
}

/* --- doubt -------------------------------------------------------------------------------------------------------- */

static void judge_turn(struct judge *judge, struct judge_target *target, enum health_status verdict)
{
    target->verdict = verdict;
    judge->settings.turned(judge->settings.arg, target);
}

/* Takes back what the list holds. */
static void judge_begin(struct judge *judge, enum judge_doubt doubt, int64_t now_ms)
{
    judge->doubt = doubt;
    judge->doubt_since_ms = now_ms;
    judge->doubt_limit = judge->n_suspects;
    for (size_t i = judge->n_suspects; i > 0; i--) {
        struct judge_target *target = judge->suspects[i - 1];
        if (target->is_good || target->in_row < target->threshold)
            judge_clear(judge, target); /* its row has ended meanwhile: there is nothing to hold */
        judge_turn(judge, target, target->before);
    }
}

void judge_release(struct judge *judge)
{
    if (judge->doubt == JUDGE_SURE)
        return;
    judge->is_reference_ignored = judge->doubt == JUDGE_DOUBTS_REFERENCE;
    judge->doubt = JUDGE_SURE;
    while (judge->n_suspects) {
        struct judge_target *target = judge->suspects[judge->n_suspects - 1];
        judge_clear(judge, target);
        judge_turn(judge, target, HEALTH_UNHEALTHY);
    }
}

/* The network is back: what failed through it said nothing, and one failure of now is enough. */
static void judge_forgive(struct judge *judge, int64_t now_ms)
{
    judge->doubt = JUDGE_SURE;
    judge->forgiven_ms = now_ms;
    while (judge->n_suspects) {
        struct judge_target *target = judge->suspects[judge->n_suspects - 1];
        judge_clear(judge, target);
        target->in_row = target->threshold - 1;
    }
}

static bool judge_are_many(const struct judge *judge)
{
    return judge->n_suspects >= judge->settings.doubt_min &&
           (double)judge->n_suspects > judge->settings.doubt_max * (double)judge->n_targets;
}

void judge_reference(struct judge *judge, bool answers, int64_t now_ms)
{
    if (answers) {
        if (judge->doubt == JUDGE_DOUBTS_REFERENCE)
            judge_forgive(judge, now_ms);
        else
            judge_release(judge);
        judge->is_reference_ignored = false;
    } else if (judge->doubt == JUDGE_SURE && !judge->is_reference_ignored) {
        judge_clear_old(judge, now_ms);
        judge_begin(judge, JUDGE_DOUBTS_REFERENCE, now_ms);
    } else if (judge->doubt == JUDGE_DOUBTS_CHANGES) {
        judge->doubt = JUDGE_DOUBTS_REFERENCE; /* now it is known whose fault it is */
    }
}

/* Has most of what was held answered again? Then the network is there, and who fails once more does so by himself. */
static bool judge_trusts_again(const struct judge *judge)
{
    return judge->doubt == JUDGE_DOUBTS_CHANGES && judge->n_suspects * 2 <= judge->doubt_limit;
}

static void judge_reconsider(struct judge *judge)
{
    if (judge->doubt == JUDGE_DOUBTS_CHANGES && judge->n_suspects == 0)
        judge_release(judge);
}

void judge_tick(struct judge *judge, int64_t now_ms)
{
    if (judge->doubt != JUDGE_SURE && now_ms - judge->doubt_since_ms >= judge->settings.doubt_for_ms)
        judge_release(judge);
}

/* --- targets ------------------------------------------------------------------------------------------------------ */

int judge_add(struct judge *judge, struct judge_target *target, enum health_status verdict)
{
    if (judge->n_targets == judge->size) {
        size_t size = judge->size ? judge->size * 2 : 64;
        struct judge_target **suspects = mem_realloc(judge->suspects, size * sizeof(*suspects));
        if (!suspects)
            return -ENOMEM;
        judge->suspects = suspects;
        judge->size = size;
    }
    judge->n_targets++;
    target->verdict = verdict;
    target->in_row = 0;
    target->suspect = 0;
    return 0;
}

void judge_drop(struct judge *judge, struct judge_target *target)
{
    judge_clear(judge, target);
    judge->n_targets--;
    judge_reconsider(judge);
}

void judge_restart(struct judge *judge, struct judge_target *target)
{
    target->in_row = 0;
    judge_clear(judge, target);
    judge_reconsider(judge);
}

static void judge_fail(struct judge *judge, struct judge_target *target, int64_t now_ms)
{
    if (judge_is_held(judge, target) && judge_trusts_again(judge)) {
        judge_clear(judge, target);
        judge_turn(judge, target, HEALTH_UNHEALTHY);
    }
    if (target->verdict == HEALTH_UNHEALTHY || target->suspect)
        return;
    target->before = target->verdict;
    judge_suspect(judge, target, now_ms);
    if (judge->doubt != JUDGE_SURE)
        return; /* held */
    judge_turn(judge, target, HEALTH_UNHEALTHY);
    if (judge_are_many(judge))
        judge_clear_old(judge, now_ms);
    if (judge_are_many(judge))
        judge_begin(judge, JUDGE_DOUBTS_CHANGES, now_ms);
}

void judge_result(struct judge *judge, struct judge_target *target, bool is_good, int64_t started_ms, int64_t now_ms)
{
    if (!is_good && started_ms < judge->forgiven_ms)
        return; /* it began while the network was away */
    if (target->is_good != is_good)
        target->in_row = 0;
    target->is_good = is_good;
    if (target->in_row < target->threshold)
        target->in_row++;
    if (is_good && judge_is_held(judge, target))
        judge_clear(judge, target); /* the row that called for UNHEALTHY has ended */
    if (target->in_row == target->threshold && !is_good)
        judge_fail(judge, target, now_ms);
    if (target->in_row == target->threshold && is_good && target->verdict != HEALTH_HEALTHY) {
        judge_clear(judge, target);
        judge_turn(judge, target, HEALTH_HEALTHY);
    }
    judge_reconsider(judge);
}
