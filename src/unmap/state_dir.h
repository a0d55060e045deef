/* SPDX-License-Identifier: Apache-2.0
 *
 * The directory in which cloud-unmap remembers: where it is, and files of lines in it (one JSON object a line). Several
 * processes may share it: whoever changes a file holds the directory's lock. Any thread, one at a time per struct. */
#pragma once

#include "aws/environment.h"
#include "base/arena.h"
#include "base/buf.h"

#define STATE_DIR_LINE_MAX (1 << 20)

struct state_dir {
    int fd;           /* -1: none */
    const char *path; /* in the arena it was opened with */
};

/* Opens `path`, or when it is NULL the default: $STATE_DIRECTORY, /var/lib/cloud-unmap for root,
 * $XDG_STATE_HOME/cloud-unmap, ~/.local/state/cloud-unmap. To be written to: it is made (mode 0700) when it is missing.
 * 0 or -errno; the path that was tried is in *ret either way, NULL when it could not be told. */
int state_dir_open(const char *path, bool is_to_write, const struct environment *environment, struct arena *arena,
                   struct state_dir *ret);
/* Whether this process may write to the directory that was opened. 0 or -errno. */
int state_dir_check_writable(const struct state_dir *dir);
void state_dir_close(struct state_dir *dir); /* accepts one that is not open */

/* Waits up to ten seconds for the lock of the directory; the descriptor holds it until it is closed. >= 0, or -errno:
 * -EWOULDBLOCK when another process keeps it. */
int state_dir_lock(const struct state_dir *dir);

/* Appends whole lines and flushes them to the disk. A torn line that a crash left at the end is closed first. A file of
 * more than `rotate_bytes` becomes OLD_NAME before that. 0 or -errno; nothing is acknowledged then. */
int state_dir_append(const struct state_dir *dir, const char *name, const char *old_name, uint64_t rotate_bytes,
                     struct str lines);
/* The file is replaced whole, or not at all. 0 or -errno. */
int state_dir_replace(const struct state_dir *dir, const char *name, struct str text);

/* Called with each line, mutable and without its end; returns 0, or anything else to stop. A line of more than
 * STATE_DIR_LINE_MAX bytes comes as NULL. */
typedef int state_dir_line_fn(void *arg, unsigned line, char *text, size_t n);
/* 0, also when there is no such file; -errno; or what `fn` returned. */
int state_dir_read(const struct state_dir *dir, const char *name, state_dir_line_fn *fn, void *arg);
