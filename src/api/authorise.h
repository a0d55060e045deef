/* SPDX-License-Identifier: Apache-2.0
 *
 * The gate of policies: may the caller do this with that? It stands behind decoding and before validation, so that
 * whoever may not do a thing learns nothing of it, not even whether it exists. On the worker's thread, while the call
 * holds its snapshot. */
#pragma once

#include "api/call.h"
#include "auth/context.h"

/* Decides for the decoded input. 0; CALL_ERROR with AccessDeniedException in AWS's words; or -ENOMEM. In open mode
 * everybody may do everything. */
int authorise_call(struct api_call *call, const void *in);
/* Does a list show the caller that namespace, which another account shares? 1, 0 or -ENOMEM. */
int authorise_listing(struct api_call *call, const struct share *share, const struct namespace *ns);
/* The same as authorise_call for an action of another service on `*`. */
int authorise_action(struct api_call *call, struct str action);

/* What conditions can ask of any signed call: who makes it, from where, and how. `identity` is that of the principal,
 * or NULL. Leaves the rest of the context alone. 0 or -ENOMEM. */
int authorise_fill_context(struct api_call *call, const struct identity_node *identity, struct context *context);
