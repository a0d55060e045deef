/* SPDX-License-Identifier: Apache-2.0
 *
 * See guard.h. */
#include "registry/guard.h"

#include <string.h>

#define GUARD_MIN_SIZE 8
#define MILLION 1000000u

struct guard_loss {
    int64_t mono_ms;
    uint64_t instance;
};

struct guard_losses {
    uint32_t n, size;
    struct guard_loss items[];
};

/* The first that is within the window. */
static uint32_t guard_first(const struct guard_losses *losses, int64_t now_ms, int64_t window_ms)
{
    uint32_t i = 0;

    while (i < losses->n && losses->items[i].mono_ms <= now_ms - window_ms)
        i++;
    return i;
}

uint32_t guard_count(const struct guard_losses *losses, int64_t now_ms, int64_t window_ms)
{
    return losses ? losses->n - guard_first(losses, now_ms, window_ms) : 0;
}

static void guard_drop(struct guard_losses *losses, uint32_t at, uint32_t n)
{
    memmove(losses->items + at, losses->items + at + n, (losses->n - at - n) * sizeof(losses->items[0]));
    losses->n -= n;
}

void guard_note_return(struct guard_losses *losses, uint64_t instance)
{
    for (uint32_t i = losses ? losses->n : 0; i > 0; i--)
        if (losses->items[i - 1].instance == instance) {
            guard_drop(losses, i - 1, 1);
            return;
        }
}

struct guard_losses *guard_note_loss(struct edit *edit, struct guard_losses *losses, uint64_t instance, int64_t now_ms,
                                     int64_t window_ms)
{
    uint32_t size = GUARD_MIN_SIZE;
    struct guard_losses *wider;

    guard_note_return(losses, instance); /* a loss whose commit failed stands here still: one instance, one loss */
    if (losses)
        guard_drop(losses, 0, guard_first(losses, now_ms, window_ms));
    if (losses && losses->n == GUARD_MAX_LOSSES)
        guard_drop(losses, 0, 1);
    while (losses && size <= losses->n)
        size *= 2;
    if (!losses || losses->size < size || losses->size > 4 * size) {
        wider = edit_alloc(edit, sizeof(*wider) + size * sizeof(wider->items[0]));
        if (!wider)
            return losses;
        wider->n = losses ? losses->n : 0;
        wider->size = size;
        if (losses)
            memcpy(wider->items, losses->items, losses->n * sizeof(losses->items[0]));
        edit_replace(edit, losses);
        losses = wider;
    }
    losses->items[losses->n++] = (struct guard_loss){ now_ms, instance };
    return losses;
}

bool guard_is_exceeded(const struct guard_config *config, uint32_t n_served, uint32_t n_lost)
{
    uint64_t n_whole = (uint64_t)n_served + n_lost;

    if (!config->max_loss || n_whole < config->min_instances)
        return false;
    return (uint64_t)(n_lost + 1) * MILLION > n_whole * config->max_loss;
}
