/* SPDX-License-Identifier: Apache-2.0
 *
 * The gates' errors in the words of the Query protocol. */
#include "api/query.h"

#include "api/api_worker.h"
#include "api/gate.h"
#include "api/sts.h"

#define QUERY_MAX_ANSWER 65536

static void query_answer(struct api_worker *worker, struct http_request *request, int r, unsigned outcome)
{
    static const struct http_header headers[] = { { "Content-Type", "text/xml" } };
    unsigned status = r ? sts_status((enum sts_result)r) : 200;
    struct buf body;
    size_t n;

    buf_init(&body, QUERY_MAX_ANSWER);
    if (r)
        sts_render_error(&body, (enum sts_result)r, http_request_id(request));
    else
        sts_render_identity(&body, worker->api->account, http_request_id(request));
    call_count(worker, request, NULL, outcome);
    n = body.n;
    http_respond(request, status, headers, 1, buf_take(&body, &n), n);
}

void query_handle(struct api_worker *worker, struct http_request *request)
{
    struct api_call *call = call_new(worker, request, NULL);
    size_t n;
    char *form = http_request_body(request, &n);
    int r;

    if (!call) {
        query_answer(worker, request, STS_INTERNAL, ERROR_INTERNAL_FAILURE);
        return;
    }
    gate_authenticate(call);
    if (gate_throttle(call)) {
        query_answer(worker, request, STS_THROTTLED, ERROR_THROTTLING);
    } else {
        r = sts_parse(form, n);
        query_answer(worker, request, r, r ? ERROR_INVALID_INPUT : STATS_OK);
    }
    call_free(call);
}
