/* SPDX-License-Identifier: Apache-2.0
 *
 * Whose checkpoints of the audit trail count: those of the keys that --public-key names, else of the daemon's key file.
 * One thread. */
#pragma once

#include "auth/checkpoint.h"
#include "cloudmapctl/ctl.h"

struct audit_trust {
    uint8_t keys[CTL_LIST_MAX][SEAL_PUBLIC_KEY_LEN];
    size_t n; /* 0: there is no key file to take one from */
};

/* 0, or an exit code, told. */
int audit_trust_find(const struct ctl *ctl, struct audit_trust *ret_trust);
bool audit_trust_has(const struct audit_trust *trust, const uint8_t key[SEAL_PUBLIC_KEY_LEN]);
/* Prints the public key of the key file. Returns the exit code. */
int audit_trust_print(const struct ctl *ctl);
