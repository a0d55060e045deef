/* SPDX-License-Identifier: Apache-2.0
 *
 * What commits append to the audit trail: the words of each change that tells of itself, in the same commit, and notes
 * of what is no change, such as reads, gathered for at most half a second. And what of the trail is kept for how long.
 * The texts are their callers' own. Where the chain of rows stands is signed once a minute, after 10,000 rows, at the
 * start and at the end: the row of a checkpoint is the first one of its commit, so it signs the row right before it.
 * Writer thread, but for trail_note. */
#pragma once

#include "registry/registry.h"
#include "store/store.h"

#include <pthread.h>

#define TRAIL_GATHER_MS 500
#define TRAIL_MAX_NOTES (1u << 20) /* bytes of notes that wait */
#define TRAIL_SWEEP_MS 60000
#define TRAIL_SIGN_MS 60000    /* a row is signed after this time, */
#define TRAIL_SIGN_ROWS 10000  /* or when this many are not */
#define TRAIL_ROUND_ROWS 65536 /* more than one commit can bring */

/* The rows behind the newest checkpoint. */
struct trail_unsigned {
    uint64_t n;
    int64_t wall_ms, mono_ms; /* when the first of them came */
};

struct trail {
    int64_t keep_ms; /* 0: no limit */
    uint64_t keep_bytes;
    struct trail_unsigned rest, rest_before; /* rest_before: this round */
    bool has_signed;
    struct buf checkpoint;      /* the newest, which a commit that failed may have left out */
    uint64_t checkpoint_number; /* of the row that it signs */
    int64_t sweep_mono_ms;      /* when the age of the oldest rows is looked at again */
    struct buf text;            /* scratch */
    pthread_mutex_t mutex;
    /* under the mutex: each a line */
    struct buf notes, taken;
    uint64_t n_taken;      /* put into this round's batch */
    int64_t notes_mono_ms; /* when the first of them came */
};

/* The limits are those of the members of the same names. */
void trail_init(struct trail *trail, int64_t keep_ms, uint64_t keep_bytes);
/* What was gathered and not put is gone. */
void trail_fini(struct trail *trail);

/* Any thread. `text` has no line break. 0, or 1 when too much waits already or memory is out: it is not kept.
 * *ret_first: the writer has to look at its clock. */
int trail_note(struct trail *trail, struct str text, int64_t mono_ms, bool *ret_first);
/* When notes or a checkpoint are due; INT64_MAX: never, as it is. */
int64_t trail_due_mono_ms(struct trail *trail);

/* Before anything else of the round: puts a checkpoint of `head` into the batch when there are rows to sign and it is
 * time, as it is at the first and the `last` one. */
void trail_put_checkpoint(struct trail *trail, const struct registry_signer *signer,
                          const struct store_trail_head *head, struct store_batch *batch, int64_t wall_ms,
                          int64_t mono_ms, bool last);

/* Puts into the batch what the change says of itself. */
void trail_put_change(struct trail *trail, struct store_batch *batch, const struct change *change, int64_t wall_ms,
                      int64_t mono_ms);
/* Puts the notes into the batch, when they are due or `ride`: there is a commit anyway. */
void trail_put_notes(struct trail *trail, struct store_batch *batch, int64_t wall_ms, int64_t mono_ms, bool ride);
/* The batch was not committed: the notes in it are lost, and counted; what it would have signed is not signed. */
void trail_lose(struct trail *trail);
/* Lets old rows go. */
void trail_expire(struct trail *trail, struct store *store, struct store_batch *batch, int64_t wall_ms,
                  int64_t mono_ms);
