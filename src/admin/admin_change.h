/* SPDX-License-Identifier: Apache-2.0
 *
 * What an operator changes: `POST /v1/drain`, `/v1/undrain`, `/v1/renew`, `/v1/guard/release`, `/v1/guard/cancel`, with
 * one JSON object:
 *
 *     service    id, ARN or NAMESPACE/NAME
 *     instance   of the guard: absent for all of the service
 *     all        of the guard, `true`: everything, without a service
 *     verdicts   release, `true` and alone: the verdicts that the health checker's doubt holds; `all` has them too
 *     reason, for_ms, then    drain; for_ms 0 or absent: until it is undrained; then: undrain or deregister
 *     force                   drain; whatever the guard says
 *
 * Answered with 200 and what was named (of the guard: `done`, `verdicts`, and `left` for another request), or with
 * `{"error":
 * ...}`: 400 the request is wrong, 404 there is no such thing, 423 the guard refuses, 503 and 507 the store takes no
 * writes. Each becomes a change on the one road (registry/change.h). Admin worker. */
#pragma once

#include "health/health.h"
#include "http/server.h"
#include "registry/registry.h"

#define ADMIN_DRAIN_PATH "/v1/drain"
#define ADMIN_UNDRAIN_PATH "/v1/undrain"
#define ADMIN_RENEW_PATH "/v1/renew"
#define ADMIN_GUARD_RELEASE_PATH "/v1/guard/release"
#define ADMIN_GUARD_CANCEL_PATH "/v1/guard/cancel"

/* Is the resource one of those? */
bool admin_change_has_path(struct str path);
/* Answers, or suspends the request until its change is done. The thread may read snapshots and holds none. */
void admin_change_handle(struct registry *registry, struct health *health, struct http_request *request);
/* The change of a suspended request is done. */
void admin_change_finish(struct http_request *request, void *take_call);
