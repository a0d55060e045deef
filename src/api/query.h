/* SPDX-License-Identifier: Apache-2.0
 *
 * Calls of STS, in the Query protocol: the same gates as those of Cloud Map, then sts.h. On the worker's thread. */
#pragma once

#include "api/call.h"

/* Is it a GET with a form for a query? So comes a GetCallerIdentity that its maker signed for somebody else to send. */
bool query_is_presigned(const struct http_request *request);
/* Answers. */
void query_handle(struct api_worker *worker, struct http_request *request);
