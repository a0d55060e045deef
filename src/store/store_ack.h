/* SPDX-License-Identifier: Apache-2.0
 *
 * The file `acknowledged`: the revision of the last commit that was reported as durable. SQLite takes a log with a
 * damaged or missing end for a shorter log; this file is how we notice. It is written after the commit and not flushed:
 * after a power cut it may be older than the database, which is harmless, but never newer. Private to this folder.
 *
 * Two sealed JSON lines of constant length within one sector, the later one counts. The file is mapped, and commits
 * write the lines in turn, so that a process that is killed in the middle leaves the other one whole. A write(2) per
 * commit would dirty the file's times, which some file systems then write out with the next flush of the log: a second
 * wait for the disk. The mapping is no new danger: SQLite maps the log's index beside it. */
#pragma once

#include "store/store_dir.h"

/* 0, STORE_MISSING or STORE_DAMAGED. */
int store_ack_read(const struct store_dir *dir, uint64_t *ret_revision);

/* Replaces the file, flushed, or leaves it as it was. *ret_lines is for store_ack_set, to be given to
 * store_ack_close; NULL when it is not wanted. 0 or -errno. */
int store_ack_create(const struct store_dir *dir, uint64_t revision, char **ret_lines);

/* Reaches the file whatever becomes of the process. */
void store_ack_set(char *lines, uint64_t revision);

/* Accepts NULL. */
void store_ack_close(char *lines);
