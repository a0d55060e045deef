/* SPDX-License-Identifier: Apache-2.0
 *
 * An SQLite VFS between SQLite and the real one that counts the operations that change files (write, truncate, flush,
 * removal) and does something to the one that the plan names. Whole program; threads may use it, plans are made by one.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum fault_vfs_kind {
    FAULT_VFS_NONE,
    FAULT_VFS_ERROR,     /* fails with an input/output error; a write may have been done by half */
    FAULT_VFS_FULL,      /* the first write from there on finds no space */
    FAULT_VFS_KILL,      /* the process is killed before it, or after half a write */
    FAULT_VFS_POWER_CUT, /* the process ends; of what was not flushed any part may be lost, in blocks of 512 bytes */
};

struct fault_vfs_plan {
    enum fault_vfs_kind kind;
    long at; /* 1 = the next operation */
    bool forever;
    uint64_t seed; /* of the choices that are made */
};

/* Makes it the default VFS; once a process. */
void fault_vfs_install(void);
/* Replaces the plan and begins to count anew. */
void fault_vfs_plan(const struct fault_vfs_plan *plan);
/* Operations since then. */
long fault_vfs_count(void);
/* A file of which we only know that it was flushed as it is now; a power cut may bring it back to that. */
void fault_vfs_watch(const char *path);
