/* SPDX-License-Identifier: Apache-2.0
 *
 * Everybody is in one account, and the scope of a signature that nobody checks only names the region. */
#include "api/gate.h"

#include "api/api_worker.h"

/* The region in `Credential=KEY/DATE/REGION/SERVICE/aws4_request`; a caller's text, so only what a region can be. */
static struct str gate_claimed_region(struct str authorization)
{
    struct str absent = { 0 }, rest = authorization;
    size_t at;

    for (at = 0; at + 11 < rest.n && memcmp(rest.p + at, "Credential=", 11) != 0; at++)
        ;
    if (at + 11 >= rest.n)
        return absent;
    rest = str_skip(rest, at + 11);
    for (unsigned slashes = 0; slashes < 2; slashes++) {
        at = str_find_char(rest, '/');
        if (at == rest.n)
            return absent;
        rest = str_skip(rest, at + 1);
    }
    rest.n = str_find_char(rest, '/');
    if (rest.n == 0 || rest.n > 32)
        return absent;
    for (size_t i = 0; i < rest.n; i++)
        if (!(rest.p[i] >= 'a' && rest.p[i] <= 'z') && !(rest.p[i] >= '0' && rest.p[i] <= '9') && rest.p[i] != '-')
            return absent;
    return rest;
}

void gate_authenticate(struct api_call *call)
{
    struct api *api = call->worker->api;
    struct str region = gate_claimed_region(http_request_header(call->request, "Authorization"));

    call->account = api->account;
    call->region = str_is_set(region) ? region : api->region;
}

/* A call of STS has no operation. */
static enum throttle_class gate_class(const struct op *op)
{
    if (!op || !(op->flags & OP_DATA_PLANE))
        return THROTTLE_CONTROL;
    return op->index == OP_INDEX_DiscoverInstancesRevision ? THROTTLE_REVISION : THROTTLE_DISCOVER;
}

int gate_throttle(struct api_call *call)
{
    enum throttle_class class = gate_class(call->op);

    if (!throttle_exceeds(call->worker->api->throttle, class, call->account, call->region,
                          http_request_arrival_ns(call->request)))
        return 0;
    return call_refuse(call, class == THROTTLE_CONTROL ? ERROR_THROTTLING : ERROR_REQUEST_LIMIT_EXCEEDED);
}
