/* SPDX-License-Identifier: Apache-2.0
 *
 * LookupEvents of CloudTrail over the audit trail: an account sees its own records of the region, newest first. Reading
 * the trail may wait for the disk, so a thread of its own does it, while the call is suspended as those that wait for
 * the writer are. CloudTrail API reference, LookupEvents. */
#pragma once

#include "api/call.h"
#include "auth/seal.h"

#define LOOKUP_TARGET STR("com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents")

struct lookup;

/* `dir` is the store's, copied; `seal` is for the tokens. 0 or -errno. */
int lookup_start(const char *dir, const struct seal *seal, struct lookup **ret_lookup);
/* Answers what waits first; the HTTP server still runs. Accepts NULL. */
void lookup_stop(struct lookup *take_lookup);

/* Reads the call's body and hands the call over. CALL_SUBMITTED, CALL_ERROR or -errno. Worker's thread. */
int lookup_handle(struct lookup *lookup, struct api_call *call);
