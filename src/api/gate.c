/* SPDX-License-Identifier: Apache-2.0
 *
 * In open mode everybody is the root of one account, and the scope of a signature that nobody checks only names the
 * region. */
#include "api/gate.h"

#include "api/api_worker.h"
#include "auth/access_lookup.h"
#include "auth/authenticate.h"
#include "auth/credential.h"
#include "base/log.h"

#include <errno.h>

#define GATE_LINES_PER_S 5 /* of a worker */
#define GATE_SHOWN_MAX 64
#define GATE_ARN_PREFIX STR("arn:aws:iam::")

/* --- open mode --------------------------------------------------------------------------------------------------- */

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
    return authenticate_is_region(rest) ? rest : absent;
}

static int gate_open(struct api_call *call)
{
    struct api *api = call->worker->api;
    const struct verifier_options options = { .regions = api->regions, .n_regions = api->n_regions };
    struct str region = gate_claimed_region(http_request_header(call->request, "Authorization"));

    call->account = api->root.account;
    call->region = str_is_set(region) ? region : api->region;
    if (verifier_takes_region(&options, call->region))
        return 0;
    return call_refuse_text(call, ERROR_INVALID_SIGNATURE,
                            "Credential should be scoped to a valid region, not '" STR_FMT "'.", STR_ARG(call->region));
}

/* --- signatures -------------------------------------------------------------------------------------------------- */

static const enum error_id gate_errors[] = {
    [AUTHENTICATE_MISSING] = ERROR_MISSING_AUTHENTICATION_TOKEN,
    [AUTHENTICATE_INCOMPLETE] = ERROR_INCOMPLETE_SIGNATURE,
    [AUTHENTICATE_INVALID] = ERROR_INVALID_SIGNATURE,
    [AUTHENTICATE_UNKNOWN] = ERROR_UNRECOGNIZED_CLIENT,
    [AUTHENTICATE_EXPIRED] = ERROR_EXPIRED_TOKEN,
};

/* What a stranger writes into a field of the log, in plain characters. */
static struct str gate_shown(struct str text, char room[GATE_SHOWN_MAX])
{
    size_t n = text.n < GATE_SHOWN_MAX ? text.n : GATE_SHOWN_MAX;

    for (size_t i = 0; i < n; i++)
        room[i] = text.p[i] > ' ' && text.p[i] <= '~' ? text.p[i] : '?';
    return (struct str){ room, n };
}

/* A flood of refusals must not become a flood of lines. */
static void gate_log_refusal(struct api_call *call, enum error_id id, const struct authenticate_outcome *outcome)
{
    struct api_worker *worker = call->worker;
    char room[GATE_SHOWN_MAX];
    int64_t second = http_request_arrival_ns(call->request) / 1000000000;

    if (second != worker->refusals.second) {
        worker->refusals.second = second;
        worker->refusals.n = 0;
    }
    if (worker->refusals.n == GATE_LINES_PER_S) {
        worker->refusals.n_not_logged++;
        return;
    }
    worker->refusals.n++;
    log_event(LOG_AUTH_REFUSED, LOG_S("code", error_name(id)),
              LOG_S("reason", str_is_set(outcome->message) ? outcome->message : STR("")),
              LOG_S("access_key", gate_shown(outcome->access_key_id, room)),
              LOG_S("peer", http_request_peer(call->request)), LOG_S("request_id", http_request_id(call->request)),
              LOG_I("not_logged", worker->refusals.n_not_logged));
    worker->refusals.n_not_logged = 0;
}

/* The user whom a certificate names: by a URI that is the ARN, or in our account by the common name. NULL: nobody. */
static const struct identity_node *gate_find_user(const struct api_call *call,
                                                  const struct http_client_certificate *certificate)
{
    struct str account = call->worker->api->root.account, name = certificate->common_name, rest = certificate->uri;
    const struct identity_node *user;

    if (!str_starts(rest, GATE_ARN_PREFIX))
        return access_lookup_user(call->snapshot, account, name);
    rest = str_skip(rest, GATE_ARN_PREFIX.n);
    account = (struct str){ rest.p, str_find_char(rest, ':') };
    while (str_find_char(rest, '/') < rest.n)
        rest = str_skip(rest, str_find_char(rest, '/') + 1);
    user = access_lookup_user(call->snapshot, account, rest);
    return user && str_eq(user->config->arn, certificate->uri) ? user : NULL;
}

/* Without a signature: whoever shows a certificate is its user. The region is the one of requests without a scope. */
static int gate_certified(struct api_call *call, const struct http_client_certificate *certificate,
                          struct authenticate_outcome *outcome)
{
    const struct identity_node *user = gate_find_user(call, certificate);

    if (!user)
        return AUTHENTICATE_UNKNOWN;
    outcome->region = call->worker->api->region;
    return principal_of_user(user, &call->arena, &outcome->principal);
}

static int gate_signed(struct api_call *call, struct str service)
{
    struct api_worker *worker = call->worker;
    struct http_request *request = call->request;
    struct verifier_request verifier = { .method = http_request_method(request),
                                         .path = http_request_path(request),
                                         .query = http_request_query(request) };
    int64_t now_s = call_wall_ms(call) / 1000;
    struct credential_source source = { .seal = worker->api->seal, .now_s = now_s };
    struct authenticate_lookup lookup = credential_lookup(&source);
    struct authenticate_outcome *outcome = ARENA_NEW(&call->arena, struct authenticate_outcome);
    int r;

    verifier.headers = http_request_headers(request, &verifier.n_headers);
    verifier.body.p = http_request_body(request, &verifier.body.n);
    call->snapshot = source.snapshot = snapshot_acquire(registry_head(worker->api->registry));
    if (!outcome)
        return -ENOMEM;
    r = authenticate_request(worker->authenticate, &lookup, &verifier, service, now_s, &call->arena, outcome);
    if (r == AUTHENTICATE_MISSING && http_request_client_certificate(request))
        r = gate_certified(call, http_request_client_certificate(request), outcome);
    if (r > 0) {
        call->error = (struct api_error){ .id = gate_errors[r], .message = outcome->message };
        gate_log_refusal(call, call->error.id, outcome);
        return CALL_ERROR;
    }
    if (r < 0)
        return r;
    call->principal = &outcome->principal;
    call->account = outcome->principal.account;
    call->region = outcome->region;
    return 0;
}

int gate_authenticate(struct api_call *call, struct str service)
{
    if (call->worker->authenticate)
        return gate_signed(call, service);
    return gate_open(call);
}

/* --- throttling -------------------------------------------------------------------------------------------------- */

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

    /* Sessions are free to make: each with a rate of its own, there would be none. */
    if (!throttle_exceeds(call->worker->api->throttle, class,
                          call->principal ? call->principal->issuer.arn : call->account, call->region,
                          http_request_arrival_ns(call->request)))
        return 0;
    return call_refuse(call, class == THROTTLE_CONTROL ? ERROR_THROTTLING : ERROR_REQUEST_LIMIT_EXCEEDED);
}
