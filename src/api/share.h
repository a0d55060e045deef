/* SPDX-License-Identifier: Apache-2.0
 *
 * Calls on a namespace that another account shares. Such a call names it by ARN, or by OwnerAccount and name. On the
 * worker's thread, while the call holds its snapshot. */
#pragma once

#include "api/call.h"

/* Sets whose things the decoded call is about: owner, tenant, share. They are the caller's own unless the input names
 * what another account shares with the caller; to everybody else that is not there. */
void share_find(struct api_call *call, const void *in);

/* The policy that the caller's own namespace (absent: none) is shared by; NULL when it is not. */
const struct policy *share_own_policy(struct api_call *call, struct str namespace_id);

/* A walk over the namespaces of other accounts in the call's region that the caller may list. */
struct share_iter {
    struct tree_iter tree;
    const struct share *share;   /* where it stands */
    const struct tenant *tenant; /* of that one */
    const struct namespace *ns;
};
/* From that ARN on; absent: from the first. */
void share_iter_init(struct share_iter *iter, const struct api_call *call, struct str from);
/* 1: iter stands at the next; 0 behind the last; or -ENOMEM. */
int share_iter_next(struct share_iter *iter, struct api_call *call);
