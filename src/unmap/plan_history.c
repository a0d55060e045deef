/* SPDX-License-Identifier: Apache-2.0
 *
 * What one round leaves for the next. The registry's side (who is registered since when, how many there were) is kept
 * in every round that knows the registry, whether EC2 answered or not: a round that failed must not make a later one
 * bolder. */
#include "unmap/plan_priv.h"

#include <errno.h>

static int64_t plan_history_past(int64_t ms, int64_t now_ms)
{
    return ms < now_ms ? ms : now_ms;
}

/* Removals of the last hour; with a clock that went back those of its future count from now. */
static void plan_history_keep_removals(const struct plan_history *old, int64_t now_ms, struct plan_history *history)
{
    size_t n = old->n_removed < PLAN_MAX_REMOVALS ? old->n_removed : PLAN_MAX_REMOVALS;

    for (size_t i = 0; i < n; i++) {
        int64_t ms = plan_history_past(old->removed_ms[i], now_ms);
        if (now_ms - ms < PLAN_HOUR_MS)
            history->removed_ms[history->n_removed++] = ms;
    }
}

/* Each hour has an entry; the hours in which no round ran are cleared. When the clock went back, the entries of its
 * future would be cleared too early: the most of all then counts from now. */
static void plan_history_keep_most(const struct plan_history *old, int64_t hour, struct plan_history *history)
{
    int64_t gap = old ? hour - old->hour : PLAN_HOURS;
    uint32_t *now = &history->most[(uint64_t)hour % PLAN_HOURS];

    history->hour = hour;
    if (gap >= PLAN_HOURS)
        return;
    memcpy(history->most, old->most, sizeof(history->most));
    for (int64_t i = 0; i < gap; i++)
        history->most[(uint64_t)(hour - i) % PLAN_HOURS] = 0;
    for (int i = 0; gap < 0 && i < PLAN_HOURS; i++)
        *now = *now > old->most[i] ? *now : old->most[i];
}

/* The memory that an earlier round left, or NULL; `*cursor` moves along the old ones, which are sorted as decisions
 * are.
 */
static const struct plan_memory *plan_history_recall(const struct plan_history *old,
                                                     const struct plan_decision *decision, size_t *cursor)
{
    while (old && *cursor < old->n_memories) {
        const struct plan_memory *memory = &old->memories[*cursor];
        int order = plan_compare(memory->id, memory->address, decision->instance->id, decision->address);
        if (order == 0)
            return memory;
        if (order > 0)
            break;
        ++*cursor;
    }
    return NULL;
}

/* The memory for the next round. */
static void plan_history_remember(const struct plan_decision *decision, const struct plan_memory *recalled,
                                  int64_t now_ms, struct plan_memory *memory)
{
    *memory = recalled ? *recalled : (struct plan_memory){ .first_seen_ms = now_ms };
    memory->id = decision->instance->id;
    memory->address = decision->address;
    memory->first_seen_ms = plan_history_past(memory->first_seen_ms, now_ms);
    memory->doubted_since_ms = plan_history_past(memory->doubted_since_ms, now_ms);
    if (decision->machine && str_is_set(decision->machine->zone))
        memory->zone = decision->machine->zone;
}

/* Everything but the memories. NULL when memory is out. */
static struct plan_history *plan_history_new(const struct plan_input *input, struct arena *arena)
{
    const struct plan_history *old = input->history;
    struct plan_history *history = ARENA_NEW(arena, struct plan_history);

    if (!history)
        return NULL;
    if (old) {
        plan_history_keep_removals(old, input->now_ms, history);
        history->account = old->account;
        history->account_changed_ms = plan_history_past(old->account_changed_ms, input->now_ms);
    }
    plan_history_keep_most(old, input->now_ms / PLAN_HOUR_MS, history);
    return history;
}

/* The registry did not come: whoever was known stays known. */
static int plan_history_forget_doubts(struct plan_work *work, struct plan_history *history)
{
    const struct plan_history *old = work->input->history;

    if (!old || !old->n_memories)
        return 0;
    history->memories = ARENA_ARRAY(work->arena, struct plan_memory, old->n_memories);
    if (!history->memories)
        return -ENOMEM;
    memcpy(history->memories, old->memories, old->n_memories * sizeof(*old->memories));
    history->n_memories = old->n_memories;
    for (size_t i = 0; i < history->n_memories; i++)
        history->memories[i].doubts = 0;
    return 0;
}

int plan_history_next(struct plan_work *work)
{
    const struct plan_input *input = work->input;
    struct plan *plan = work->plan;
    struct plan_history *history = plan_history_new(input, work->arena);
    uint32_t *most, n_judged = (uint32_t)plan->n_judged;
    size_t cursor = 0;

    if (!history)
        return -ENOMEM;
    plan->history = history;
    if (!input->registered)
        return plan_history_forget_doubts(work, history);
    history->memories = ARENA_ARRAY(work->arena, struct plan_memory, plan->n_judged);
    if (!history->memories)
        return -ENOMEM;
    for (size_t i = 0; i < plan->n; i++) {
        struct plan_decision *decision = &plan->decisions[i];
        struct plan_memory *memory = &history->memories[history->n_memories];
        if (decision->evidence == PLAN_NOT_JUDGED)
            continue;
        plan_history_remember(decision, plan_history_recall(input->history, decision, &cursor), input->now_ms, memory);
        work->notes[i].memory = memory;
        decision->seen_for_ms = input->now_ms - memory->first_seen_ms;
        history->n_memories++;
    }
    most = &history->most[(uint64_t)history->hour % PLAN_HOURS];
    *most = *most > n_judged ? *most : n_judged;
    return 0;
}

int plan_history_dup(const struct plan_history *history, struct arena *arena, struct plan_history **ret_history)
{
    struct plan_history *copy = ARENA_NEW(arena, struct plan_history);

    if (!copy)
        return -ENOMEM;
    if (history) {
        *copy = *history;
        copy->memories = ARENA_ARRAY(arena, struct plan_memory, history->n_memories);
        if (!copy->memories)
            return -ENOMEM;
        if (str_is_set(history->account))
            copy->account = arena_dup(arena, history->account);
        for (size_t i = 0; i < history->n_memories; i++) {
            copy->memories[i] = history->memories[i];
            copy->memories[i].id = arena_dup(arena, history->memories[i].id);
            copy->memories[i].address = arena_dup(arena, history->memories[i].address);
            if (str_is_set(history->memories[i].zone))
                copy->memories[i].zone = arena_dup(arena, history->memories[i].zone);
        }
        if (arena->failed)
            return -ENOMEM;
    }
    *ret_history = copy;
    return 0;
}
