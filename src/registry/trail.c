/* SPDX-License-Identifier: Apache-2.0
 *
 * Gathering rows of the audit trail; see trail.h. */
#include "registry/trail.h"

#include "base/mem.h"
#include "base/metric.h"

#define TRAIL_MAX_TEXT (1u << 20)

void trail_init(struct trail *trail, int64_t keep_ms, uint64_t keep_bytes)
{
    *trail = (struct trail){ .keep_ms = keep_ms, .keep_bytes = keep_bytes };
    buf_init(&trail->text, TRAIL_MAX_TEXT);
    buf_init(&trail->checkpoint, TRAIL_MAX_TEXT);
    buf_init(&trail->notes, TRAIL_MAX_NOTES);
    buf_init(&trail->taken, TRAIL_MAX_NOTES);
    pthread_mutex_init(&trail->mutex, NULL);
}

void trail_fini(struct trail *trail)
{
    buf_fini(&trail->text);
    buf_fini(&trail->checkpoint);
    buf_fini(&trail->notes);
    buf_fini(&trail->taken);
    pthread_mutex_destroy(&trail->mutex);
}

/* --- notes ------------------------------------------------------------------------------------------------------- */

int trail_note(struct trail *trail, struct str text, int64_t mono_ms, bool *ret_first)
{
    int r = 1;

    pthread_mutex_lock(&trail->mutex);
    *ret_first = trail->notes.n == 0;
    if (trail->notes.n + text.n < TRAIL_MAX_NOTES) {
        buf_put_str(&trail->notes, text);
        buf_put_char(&trail->notes, '\n');
        r = trail->notes.failed;
    }
    if (*ret_first)
        trail->notes_mono_ms = mono_ms;
    if (trail->notes.failed) /* memory is out: those that waited are lost with this one */
        buf_clear(&trail->notes);
    pthread_mutex_unlock(&trail->mutex);
    if (r)
        metric_add(METRIC_AUDIT_DROPPED, 1);
    return r;
}

int64_t trail_due_mono_ms(struct trail *trail)
{
    int64_t due;

    pthread_mutex_lock(&trail->mutex);
    due = trail->notes.n ? trail->notes_mono_ms + TRAIL_GATHER_MS : INT64_MAX;
    pthread_mutex_unlock(&trail->mutex);
    if (trail->has_signed && trail->rest.n && trail->rest.mono_ms + TRAIL_SIGN_MS < due)
        due = trail->rest.mono_ms + TRAIL_SIGN_MS;
    return due;
}

static bool trail_take(struct trail *trail, int64_t mono_ms, bool ride)
{
    struct buf empty;
    bool is_due;

    pthread_mutex_lock(&trail->mutex);
    is_due = trail->notes.n && (ride || mono_ms >= trail->notes_mono_ms + TRAIL_GATHER_MS);
    if (is_due) {
        empty = trail->taken;
        trail->taken = trail->notes;
        trail->notes = empty;
    }
    pthread_mutex_unlock(&trail->mutex);
    return is_due;
}

/* A row that is no checkpoint. */
static void trail_append(struct trail *trail, struct store_batch *batch, struct str text, int64_t wall_ms,
                         int64_t mono_ms)
{
    if (trail->rest.n++ == 0) {
        trail->rest.wall_ms = wall_ms;
        trail->rest.mono_ms = mono_ms;
    }
    store_append(batch, wall_ms, text);
}

void trail_put_notes(struct trail *trail, struct store_batch *batch, int64_t wall_ms, int64_t mono_ms, bool ride)
{
    struct str rest;

    trail->n_taken = 0;
    if (!trail_take(trail, mono_ms, ride))
        return;
    for (rest = buf_str(&trail->taken); rest.n;) {
        struct str line = { rest.p, str_find_char(rest, '\n') };
        trail_append(trail, batch, line, wall_ms, mono_ms);
        trail->n_taken++;
        rest = str_skip(rest, line.n + 1);
    }
    buf_clear(&trail->taken);
}

void trail_lose(struct trail *trail)
{
    metric_add(METRIC_AUDIT_DROPPED, (int64_t)trail->n_taken);
    trail->n_taken = 0;
    trail->rest = trail->rest_before;
}

/* --- checkpoints ------------------------------------------------------------------------------------------------- */

/* By either clock: one of them may jump, the other one rests while the machine sleeps. */
static bool trail_is_time_to_sign(const struct trail *trail, int64_t wall_ms, int64_t mono_ms)
{
    const struct trail_unsigned *rest = &trail->rest;

    return rest->n >= TRAIL_SIGN_ROWS || wall_ms - rest->wall_ms >= TRAIL_SIGN_MS ||
           mono_ms - rest->mono_ms >= TRAIL_SIGN_MS;
}

/* What signs the row already is taken again: while the disk is full each change that it refuses makes a round, and each
 * must try, but none has news to tell. */
static void trail_sign(struct trail *trail, const struct registry_signer *signer, const struct store_trail_head *head,
                       int64_t wall_ms)
{
    if (trail->checkpoint.n && trail->checkpoint_number == head->last)
        return;
    buf_clear(&trail->checkpoint);
    signer->sign(signer->arg, head, wall_ms, &trail->checkpoint);
    if (trail->checkpoint.failed)
        buf_clear(&trail->checkpoint);
    trail->checkpoint_number = head->last;
}

void trail_put_checkpoint(struct trail *trail, const struct registry_signer *signer,
                          const struct store_trail_head *head, struct store_batch *batch, int64_t wall_ms,
                          int64_t mono_ms, bool last)
{
    if (!trail->has_signed) /* what is there may have been written before a crash: it is due since 1970 */
        trail->rest = (struct trail_unsigned){ .n = head->last };
    trail->has_signed = true;
    trail->rest_before = trail->rest;
    if (!trail->rest.n || !(last || trail_is_time_to_sign(trail, wall_ms, mono_ms)))
        return;
    trail_sign(trail, signer, head, wall_ms);
    if (trail->checkpoint.n) {
        store_append(batch, wall_ms, buf_str(&trail->checkpoint));
        trail->rest.n = 0;
    } else { /* not at once again */
        trail->rest.wall_ms = wall_ms;
        trail->rest.mono_ms = mono_ms;
    }
}

/* --- changes, and the oldest rows -------------------------------------------------------------------------------- */

void trail_put_change(struct trail *trail, struct store_batch *batch, const struct change *change, int64_t wall_ms,
                      int64_t mono_ms)
{
    buf_clear(&trail->text);
    change->audit(change, wall_ms, &trail->text);
    if (trail->text.n || trail->text.failed)
        trail_append(trail, batch, trail->text.failed ? (struct str){ 0 } : buf_str(&trail->text), wall_ms, mono_ms);
}

void trail_expire(struct trail *trail, struct store *store, struct store_batch *batch, int64_t wall_ms, int64_t mono_ms)
{
    uint64_t n = 0;

    if (trail->keep_bytes && store_head(store)->bytes > trail->keep_bytes)
        n = store_count_excess(store, store_head(store)->bytes - trail->keep_bytes);
    else if (trail->keep_ms && mono_ms >= trail->sweep_mono_ms)
        n = store_count_older(store, wall_ms - trail->keep_ms);
    if (n < STORE_MAX_TRIM)
        trail->sweep_mono_ms = mono_ms + TRAIL_SWEEP_MS;
    if (n)
        store_trim(batch, n);
}
