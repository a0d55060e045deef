/* SPDX-License-Identifier: Apache-2.0
 *
 * `cloudmapctl audit verify`: every record against the chain, the chain against the ledger, the checkpoints in it, and
 * what was noted elsewhere. One thread. */
#pragma once

#include "cloudmapctl/ctl.h"
#include "store/store.h"

/* Prints what it found; returns the exit code, EX_DATAERR when the trail is not what it was. */
int audit_verify_run(const struct ctl *ctl, struct store_trail *trail);
