/* SPDX-License-Identifier: Apache-2.0
 *
 * What was noted elsewhere of the audit trail: heads and checkpoints, to be found again in it. One thread. */
#pragma once

#include "cloudmapctl/audit_trust.h"

struct audit_note {
    uint64_t number;
    uint8_t hash[HASH_SHA256_LEN];
};

struct audit_evidence {
    struct audit_note *notes; /* by number */
    size_t n, size;
};

/* Those of --head and --against, whose checkpoints count when a key that is trusted signed them. 0, or an exit code,
 * told. */
int audit_evidence_read(const struct ctl *ctl, const struct audit_trust *trust, struct audit_evidence *ret_evidence);
void audit_evidence_free(struct audit_evidence *evidence);
