/* SPDX-License-Identifier: Apache-2.0
 *
 * What backup and restore share: a progress line on a terminal, and how the end is told. One thread. */
#pragma once

#include "cloudmapctl/ctl.h"
#include "store/store.h"

struct copy {
    const char *verb; /* "copying" */
    const char *end;  /* "is a verified copy of the store", behind the name of what was made */
    bool shown;       /* a progress line stands on the terminal */
};

/* A store_progress_fn; arg is a struct copy. */
void copy_progress(void *arg, uint64_t done, uint64_t total);

/* Tells what came of it: `result` of the store's call, what was made, the store's message. Returns the exit code. */
int copy_end(struct copy *copy, const struct ctl *ctl, int result, const char *made,
             const struct store_message *message);
