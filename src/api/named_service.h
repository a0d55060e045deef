/* SPDX-License-Identifier: Apache-2.0
 *
 * A service by names, as discovery asks for it. Looked up once in a call: the gate that authorises and the handler see
 * the same. On the worker's thread, while the call holds its snapshot. */
#pragma once

#include "api/call.h"

/* The namespace that a discovery calls so, or NULL. */
const struct namespace *named_service_namespace(const struct tenant *tenant, struct str name);
/* What the names of the input mean; it lives in the call. A member is NULL when there is no such thing. */
const struct named_service *named_service_find(struct api_call *call, const struct discover_instances_input *in);
