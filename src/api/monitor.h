/* SPDX-License-Identifier: Apache-2.0
 *
 * GET /healthz (alive), /readyz (takes reads and writes) and /metrics (Prometheus text). On the worker's thread. */
#pragma once

#include "api/call.h"

/* Answers, or returns false when the path is none of these. */
bool monitor_handle(struct api_worker *worker, struct http_request *request);
