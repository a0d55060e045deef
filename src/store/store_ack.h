/* SPDX-License-Identifier: Apache-2.0
 *
 * The file `acknowledged`: the revision of the last commit that was reported as durable. SQLite takes a log with a
 * damaged or missing end for a shorter log; this file is how we notice. It is written after the commit and not flushed:
 * after a power cut it may be older than the database, which is harmless, but never newer. Private to this folder.
 *
 * One sealed JSON line of constant length, always within one sector, written by one pwrite(2): a mapping would be no
 * faster beside a flush, and would turn a truncated file or a full copy-on-write disk into a SIGBUS. */
#pragma once

#include "store/store_dir.h"

/* 0, STORE_MISSING or STORE_DAMAGED. */
int store_ack_read(const struct store_dir *dir, uint64_t *ret_revision);

/* Replaces the file, flushed, or leaves it as it was. *ret_fd is for store_ack_set; NULL when it is not wanted.
 * 0 or -errno. */
int store_ack_create(const struct store_dir *dir, uint64_t revision, int *ret_fd);

/* A failure is left unreported: the file then stays older than it could be, and notices less. */
void store_ack_set(int fd, uint64_t revision);
