/* SPDX-License-Identifier: Apache-2.0
 *
 * The controller's figures for Prometheus: series by service (never by instance), calls of AWS, events; and the server
 * of /metrics, /healthz and /readyz. Notes may come from any thread. */
#pragma once

#include "aws/aws_client.h"
#include "unmap/plan.h"

#define EXPORTER_MAX_SERVICES 2000
#define EXPORTER_MAX_CALLS 512 /* pairs of action and code; the rest counts as `other` */

struct exporter;

/* How a round of one service ended. */
enum exporter_result { EXPORTER_OK, EXPORTER_ERROR, EXPORTER_HELD, EXPORTER_RESULT_COUNT };

/* 0 or -ENOMEM. */
int exporter_new(const struct clock *clock, struct exporter **ret_exporter);
void exporter_free(struct exporter *exporter); /* stops the server; accepts NULL */

/* Starts serving. 0, -errno, or enum http_server_result, with one sentence in `message`; ret_address is where. */
int exporter_serve(struct exporter *exporter, const char *host, unsigned port, char *message, size_t message_size,
                   char *ret_address, size_t address_size);

/* The service is looked after: up is 1. Beyond EXPORTER_MAX_SERVICES nothing is shown. */
void exporter_add_service(struct exporter *exporter, struct str service_id);
/* One round of a service. `plan` NULL: it did not come so far. */
void exporter_note_service(struct exporter *exporter, struct str service_id, enum exporter_result result,
                           const struct plan *plan);
/* One instance was deregistered. */
void exporter_note_removal(struct exporter *exporter, struct str service_id, enum plan_evidence evidence);
/* A whole round; `is_known`: nothing in it was unknown. A service that was not noted in it is not looked after any more
 * when `is_complete` (every namespace was listed), and else counts as an error. */
void exporter_note_round(struct exporter *exporter, int64_t duration_ns, bool is_known, bool is_complete);
/* aws_client_watch_fn with the exporter as its argument. */
void exporter_note_call(void *exporter, const char *action, const char *code, bool is_throttled);
/* A message of the queue; lag: from its sending to now, negative when it is not known. */
void exporter_note_event(struct exporter *exporter, const char *kind, int64_t lag_ms);
