/* SPDX-License-Identifier: Apache-2.0
 *
 * What libmicrohttpd calls while it reads requests and sends answers, and the way of a request between: refused, given
 * to its handler, suspended, finished. Private to src/http; a worker's thread only. */
#pragma once

#include "http/loop.h"

/* Callbacks of the library; cls is the worker. */
void *exchange_on_target(void *cls, const char *target, struct MHD_Connection *mhd);
enum MHD_Result exchange_on_request(void *cls, struct MHD_Connection *mhd, const char *url, const char *method,
                                    const char *version, const char *data, size_t *n, void **context);
void exchange_on_completed(void *cls, struct MHD_Connection *mhd, void **context, enum MHD_RequestTerminationCode code);

/* A suspended request came back: lets its owner answer, and the library go on with the connection. */
void exchange_finish(struct http_request *request);
