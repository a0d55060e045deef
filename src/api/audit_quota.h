/* SPDX-License-Identifier: Apache-2.0
 *
 * How much of the audit trail records may take that anybody with a key can make: of calls that were refused or failed,
 * and of those that need no right. The trail is bounded, and its oldest records go first; without a quota a caller
 * without rights could push out what others did. All of them may take a quarter of audit.keep_size at once, and as much
 * again over audit.keep; one principal an eighth of that. Any thread. */
#pragma once

#include "auth/principal.h"

struct audit_quota;

/* 0 or -errno. */
int audit_quota_new(uint64_t keep_bytes, int64_t keep_ms, struct audit_quota **ret_quota);
void audit_quota_free(struct audit_quota *quota); /* accepts NULL */

/* Whether a record of `n` bytes fits, which then counts. When it does not it is counted as left out, and the log says
 * so now and then. */
bool audit_quota_take(struct audit_quota *quota, const struct principal *principal, size_t n, int64_t mono_ms);
