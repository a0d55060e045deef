/* SPDX-License-Identifier: Apache-2.0
 *
 * Other ways to open the embedded store than store_open_sqlite. Private to this folder; one thread at a time. */
#pragma once

#include "store/store_sqlite_checkpoint.h"
#include "store/store_sqlite_file.h"

/* store_open_sqlite with other limits of the log, which are kept. */
int store_sqlite_open(const char *dir, unsigned flags, const struct clock *clock,
                      const struct store_sqlite_checkpoint_limits *limits, struct store **ret_store,
                      struct store_message *ret_message);

/* A store over one SQLite file outside a data directory, for a copy that is verified or prepared: no lock, no
 * acknowledged file, no checkpoint thread. `name` is what messages call the file. Commits need STORE_SQLITE_FILE_WRITE;
 * the file is complete, without a log beside it, when the store was loaded and closed. Results as store_open_sqlite. */
int store_sqlite_open_file(const char *path, const char *name, enum store_sqlite_file_mode mode,
                           struct store **ret_store, struct store_message *ret_message);
