/* SPDX-License-Identifier: Apache-2.0
 *
 * Signed are Host, Content-Type, X-Amz-Date, X-Amz-Target and X-Amz-Security-Token; the rest may be changed on its way.
 */
#include "aws/aws_request.h"
#include "base/mem.h"
#include "sigv4/signer.h"

#include <errno.h>

struct headers {
    struct str_pair items[AWS_REQUEST_HEADERS];
    size_t n;
};

static void add(struct headers *headers, struct str name, struct str value)
{
    ASSERT(headers->n < AWS_REQUEST_HEADERS);
    headers->items[headers->n++] = (struct str_pair){ name, value };
}

/* Printable, no blanks; a key id also without what has a meaning in the credential. */
static bool is_clean(struct str text, const char *without)
{
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] <= ' ' || text.p[i] > '~' || strchr(without, text.p[i]))
            return false;
    return text.n > 0;
}

static int sign(const struct aws_request *request, struct headers *headers, struct arena *arena,
                struct aws_error *error)
{
    const struct credentials *credentials = request->credentials;
    bool has_token = str_is_set(credentials->session_token);
    struct signer signer;
    struct str value;
    char hash[CANONICAL_HASH_LEN];
    if (!is_clean(credentials->access_key_id, "/,=") || (has_token && !is_clean(credentials->session_token, "")) ||
        signer_init(&signer, credentials->access_key_id, credentials->secret_access_key, request->region,
                    str_of(request->traits->signing_name), request->seconds) != 0)
        return aws_client_fail(error, AWS_NO_CREDENTIALS,
                               "The credentials of %s are damaged: key or token holds what no header may.",
                               credentials->source);
    add(headers, STR("X-Amz-Date"), arena_dup(arena, (struct str){ signer.time, AMZ_DATE_LEN }));
    if (has_token)
        add(headers, STR("X-Amz-Security-Token"), arena_dup(arena, credentials->session_token));
    signature_hash(request->body, hash);
    const struct canonical_request canonical = {
        .method = STR("POST"),
        .path = request->endpoint->path,
        .headers = headers->items,
        .n_headers = headers->n,
        .payload_hash = { hash, CANONICAL_HASH_LEN },
    };
    int r = signer_make_header(&signer, &canonical, arena, &value, NULL);
    signer_fini(&signer);
    if (r > 0)
        return aws_client_fail(error, AWS_ODD, "A request to " STR_FMT " cannot be signed.",
                               STR_ARG(request->endpoint->url));
    if (r == 0)
        add(headers, STR("Authorization"), value);
    return r;
}

static void add_statistics(const struct aws_request *request, struct headers *headers, struct arena *arena)
{
    char ttl[AMZ_DATE_LEN];
    amz_date_format(request->seconds + request->total_ms / 1000, ttl);
    add(headers, STR("amz-sdk-invocation-id"), arena_dup(arena, request->invocation_id));
    add(headers, STR("amz-sdk-request"),
        arena_printf(arena, "attempt=%u; max=%u; ttl=%.*s", request->attempt, request->max_attempts, AMZ_DATE_LEN,
                     ttl));
}

int aws_request_make(const struct aws_request *request, struct arena *arena, struct http_header **ret_headers,
                     size_t *ret_n, struct aws_error *ret_error)
{
    struct headers headers = { .n = 0 };
    const struct aws_service_traits *traits = request->traits;
    add(&headers, STR("Host"), request->endpoint->host);
    add(&headers, STR("Content-Type"), str_of(traits->content_type));
    if (traits->target_prefix)
        add(&headers, STR("X-Amz-Target"), arena_printf(arena, "%s%s", traits->target_prefix, request->action));
    int r = request->credentials ? sign(request, &headers, arena, ret_error) : 0;
    if (r != 0)
        return r;
    add_statistics(request, &headers, arena);
    struct http_header *list = ARENA_ARRAY(arena, struct http_header, headers.n);
    for (size_t i = 0; list && i < headers.n; i++)
        list[i] = (struct http_header){ headers.items[i].key.p, headers.items[i].value.p };
    if (arena->failed)
        return -ENOMEM;
    *ret_headers = list;
    *ret_n = headers.n;
    return 0;
}
