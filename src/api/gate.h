/* SPDX-License-Identifier: Apache-2.0
 *
 * The gates that a call passes before anything of its body is read: in which account and region it is made, and whether
 * it is one too many. On the worker's thread. */
#pragma once

#include "api/call.h"
#include "api/throttle.h"

/* Finds out in which account and region the call is. */
void gate_authenticate(struct api_call *call);
/* 0, or CALL_ERROR with RequestLimitExceeded for discovery and ThrottlingException for all others. */
int gate_throttle(struct api_call *call);
