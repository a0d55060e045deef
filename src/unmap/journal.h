/* SPDX-License-Identifier: Apache-2.0
 *
 * The journal of removals, so that each can be undone: an instance is written down with its attributes before it is
 * deregistered, and what became of it afterwards. One JSON object a line in journal.jsonl of the state directory;
 * beyond 64 MiB it becomes journal.1.jsonl, and the one before that goes. One thread per struct; several processes may
 * share a directory. */
#pragma once

#include "aws/cloud_map.h"
#include "base/clock.h"
#include "unmap/state_dir.h"

enum journal_step {
    JOURNAL_REMOVING, /* about to deregister: carries the attributes */
    JOURNAL_REMOVED,
    JOURNAL_KEPT,     /* a second look said no, or it was gone */
    JOURNAL_FAILED,   /* whether it is gone is not known */
    JOURNAL_RESTORED, /* registered again */
    JOURNAL_STEP_COUNT
};

#define JOURNAL_ID_LEN 36

struct journal_entry {
    enum journal_step step;
    struct str removal; /* a UUID that the steps of one removal share */
    int64_t wall_ms;
    struct str service_id, region, role_arn; /* role_arn absent: none */
    struct cloud_map_instance instance;      /* attributes with JOURNAL_REMOVING only */
    struct str reason;                       /* evidence, error; absent: none */
};

struct journal {
    const struct state_dir *dir; /* borrowed */
    struct buf lines;            /* not written yet */
};

/* Takes no memory yet. */
void journal_init(struct journal *journal, const struct state_dir *dir);
void journal_fini(struct journal *journal);
/* Adds a line that journal_flush will write. */
void journal_add(struct journal *journal, const struct journal_entry *entry);
/* On return the lines are on the disk. 0 or -errno: then they are forgotten, and nothing may rest on them. */
int journal_flush(struct journal *journal);

/* Called with each entry, the oldest first; its strings live until it returns. 0, or -errno to stop. */
typedef int journal_fn(void *arg, const struct journal_entry *entry);
/* Lines that are none (torn by a crash, or damaged) are counted and passed over. 0 or -errno. */
int journal_read(const struct state_dir *dir, journal_fn *fn, void *arg, unsigned *ret_n_unreadable);

/* For the fuzzer: reads one line into an entry that lives in the arena. 0, -ENOMEM, or 1 when it is none. */
int journal_parse(char *line, size_t n, struct arena *arena, struct journal_entry *ret_entry);
