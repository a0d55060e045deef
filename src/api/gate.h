/* SPDX-License-Identifier: Apache-2.0
 *
 * The gates that a call passes before anything of its body is understood: who makes it, in which account and region,
 * and whether it is one too many. On the worker's thread. */
#pragma once

#include "api/call.h"

/* Finds out who calls, and fills principal, account and region. `service` is the one that the signature's scope must
 * name. Where signatures are required the call holds a snapshot afterwards, whatever the result. 0, CALL_ERROR or
 * -errno. */
int gate_authenticate(struct api_call *call, struct str service);
/* 0, or CALL_ERROR with RequestLimitExceeded for discovery and ThrottlingException for all others. */
int gate_throttle(struct api_call *call);
