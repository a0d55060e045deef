/* SPDX-License-Identifier: Apache-2.0
 *
 * What an operator changes: `POST /v1/drain`, `/v1/undrain`, `/v1/renew`, with one JSON object:
 *
 *     service    id, ARN or NAMESPACE/NAME
 *     instance
 *     reason, for_ms, then    drain; for_ms 0 or absent: until it is undrained; then: undrain or deregister
 *
 * Answered with 200 and what was named, or with `{"error": ...}`: 400 the request is wrong, 404 there is no such thing,
 * 503 and 507 the store takes no writes. Each becomes a change on the one road (registry/change.h). Admin worker. */
#pragma once

#include "http/server.h"
#include "registry/registry.h"

#define ADMIN_DRAIN_PATH "/v1/drain"
#define ADMIN_UNDRAIN_PATH "/v1/undrain"
#define ADMIN_RENEW_PATH "/v1/renew"

/* Is the resource one of those? */
bool admin_change_has_path(struct str path);
/* Answers, or suspends the request until its change is done. The thread may read snapshots and holds none. */
void admin_change_handle(struct registry *registry, struct http_request *request);
/* The change of a suspended request is done. */
void admin_change_finish(struct http_request *request, void *take_call);
