/* SPDX-License-Identifier: Apache-2.0
 *
 * When a failed attempt is worth another one, how long to wait for it, and how many all calls of a client may have: the
 * standard mode of AWS's SDKs. Pure; one thread per struct. */
#pragma once

#include "base/rand.h"
#include "base/str.h"

#define AWS_RETRY_ATTEMPTS 3
#define AWS_RETRY_QUOTA 500
#define AWS_RETRY_COST 5
#define AWS_RETRY_COST_TIMEOUT 10
#define AWS_RETRY_DELAY_MAX_MS 20000

enum aws_retry_kind {
    AWS_RETRY_NEVER,
    AWS_RETRY_TRANSIENT,
    AWS_RETRY_THROTTLED,
    AWS_RETRY_CREDENTIALS, /* once, with fresh credentials */
    AWS_RETRY_CLOCK,       /* once, when our clock is wrong */
};

/* Of an answer that is no success; code: empty when there is none. */
enum aws_retry_kind aws_retry_kind(unsigned status, struct str code);

/* What one client may still spend on retries. */
struct aws_retry_quota {
    unsigned left, spent; /* spent: by the running call, on its last retry */
};

/* Full. */
void aws_retry_quota_init(struct aws_retry_quota *quota);
/* A call begins. */
void aws_retry_quota_begin(struct aws_retry_quota *quota);
/* Pays for one more attempt; false when that is too dear. */
bool aws_retry_quota_take(struct aws_retry_quota *quota, bool after_timeout);
/* The call was answered: what its last retry cost comes back; 1 when it had none. */
void aws_retry_quota_return(struct aws_retry_quota *quota);

/* Before the attempt after `attempt` (from 1): random(0, 1) * min(2^(attempt - 1) s, 20 s). */
int64_t aws_retry_delay_ms(struct rand *rand, unsigned attempt);
