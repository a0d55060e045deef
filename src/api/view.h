/* SPDX-License-Identifier: Apache-2.0
 *
 * Values of the model as the API shows them (wire.h). Slices are borrowed from the value; what has to be made lives in
 * the call's arena. NULL or -ENOMEM when that is exhausted. */
#pragma once

#include "api/call.h"

/* Fills *ret; `tenant` has the namespace, `summary` leaves out what lists do not show, `n_instances` is shown when
 * counts are. 0 or -ENOMEM. */
int view_namespace(struct api_call *call, const struct tenant *tenant, const struct namespace *ns, bool summary,
                   struct wire_namespace *ret);
int view_service(struct api_call *call, const struct service *service, uint32_t n_instances, bool summary,
                 struct wire_service *ret);
int view_operation(struct api_call *call, const struct operation *operation, bool summary, struct wire_operation *ret);
/* Of a thing of that account in the call's region. */
struct str view_arn(struct api_call *call, struct str account, enum arn_kind kind, struct str id);
