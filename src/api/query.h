/* SPDX-License-Identifier: Apache-2.0
 *
 * Calls of STS, in the Query protocol: the same gates as those of Cloud Map, then sts.h. On the worker's thread. */
#pragma once

#include "api/call.h"

/* Answers. */
void query_handle(struct api_worker *worker, struct http_request *request);
