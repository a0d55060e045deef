/* SPDX-License-Identifier: Apache-2.0
 *
 * The gate of policies: may the caller do this with that? It stands behind decoding and before validation, so that
 * whoever may not do a thing learns nothing of it, not even whether it exists. On the worker's thread, while the call
 * holds its snapshot. */
#pragma once

#include "api/call.h"

/* Decides for the decoded input. 0; CALL_ERROR with AccessDeniedException in AWS's words; or -ENOMEM. In open mode
 * everybody may do everything. */
int authorise_call(struct api_call *call, const void *in);
