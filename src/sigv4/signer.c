/* SPDX-License-Identifier: Apache-2.0
 *
 * Both forms of a signature. */
#include "sigv4/signer.h"

#include <errno.h>

static struct str time_of(const struct signer *signer)
{
    return (struct str){ signer->time, AMZ_DATE_LEN };
}

static struct signature_scope scope_of(const struct signer *signer)
{
    return (struct signature_scope){ { signer->time, AMZ_DATE_DAY_LEN }, signer->region, signer->service };
}

int signer_init(struct signer *signer, struct str access_key_id, struct str secret_access_key, struct str region,
                struct str service, int64_t seconds)
{
    *signer = (struct signer){ .access_key_id = access_key_id, .region = region, .service = service };
    amz_date_format(seconds, signer->time);
    struct signature_scope scope = scope_of(signer);
    return signature_derive_key(secret_access_key, &scope, &signer->key);
}

void signer_fini(struct signer *signer)
{
    signature_wipe(&signer->key, sizeof(signer->key));
}

static int sign(const struct signer *signer, const struct canonical_request *request, struct str list,
                struct arena *arena, struct signer_trace *ret_trace)
{
    struct signer_trace trace;
    struct signature_scope scope = scope_of(signer);
    char *hex = arena_alloc(arena, SIGNATURE_LEN);
    int r = hex ? canonical_make(request, list, arena, &trace.canonical) : -ENOMEM;
    if (r == 0)
        r = signature_make_string(time_of(signer), &scope, trace.canonical, arena, &trace.string_to_sign);
    if (r != 0)
        return r;
    signature_compute(&signer->key, trace.string_to_sign, hex);
    trace.signature = (struct str){ hex, SIGNATURE_LEN };
    *ret_trace = trace;
    return 0;
}

int signer_make_header(const struct signer *signer, const struct canonical_request *request, struct arena *arena,
                       struct str *ret_value, struct signer_trace *ret_trace)
{
    struct str list, scope_text;
    struct signer_trace trace;
    struct signature_scope scope = scope_of(signer);
    int r = canonical_list(request->headers, request->n_headers, arena, &list);
    if (r == 0)
        r = sign(signer, request, list, arena, &trace);
    if (r == 0)
        r = signature_make_scope(&scope, arena, &scope_text);
    if (r != 0)
        return r;
    struct str value = arena_printf(
        arena, SIGNATURE_ALGORITHM " Credential=" STR_FMT "/" STR_FMT ", SignedHeaders=" STR_FMT ", Signature=" STR_FMT,
        STR_ARG(signer->access_key_id), STR_ARG(scope_text), STR_ARG(list), STR_ARG(trace.signature));
    if (!str_is_set(value))
        return -ENOMEM;
    if (ret_trace)
        *ret_trace = trace;
    *ret_value = value;
    return 0;
}

/* `&NAME=` and the encoded value; without the `&` at the beginning. */
static struct str add_parameter(struct str query, struct str name, struct str value, struct arena *arena)
{
    char *encoded = arena_alloc(arena, 3 * value.n + 1);
    if (!encoded || !str_is_set(query))
        return (struct str){ 0 };
    struct str text = { encoded, (size_t)(canonical_encode(encoded, value) - encoded) };
    return arena_printf(arena, STR_FMT "%s" STR_FMT "=" STR_FMT, STR_ARG(query), query.n ? "&" : "", STR_ARG(name),
                        STR_ARG(text));
}

static int make_parameters(const struct signer *signer, struct str query, struct str list, unsigned expires_s,
                           struct arena *arena, struct str *ret_query)
{
    struct str scope_text;
    struct signature_scope scope = scope_of(signer);
    int r = signature_make_scope(&scope, arena, &scope_text);
    if (r != 0)
        return r;
    struct str credential =
        arena_printf(arena, STR_FMT "/" STR_FMT, STR_ARG(signer->access_key_id), STR_ARG(scope_text));
    query = str_is_set(query) ? query : STR("");
    query = add_parameter(query, STR("X-Amz-Algorithm"), STR(SIGNATURE_ALGORITHM), arena);
    query = add_parameter(query, STR("X-Amz-Credential"), credential, arena);
    query = add_parameter(query, STR("X-Amz-Date"), time_of(signer), arena);
    query = add_parameter(query, STR("X-Amz-Expires"), arena_printf(arena, "%u", expires_s), arena);
    query = add_parameter(query, STR("X-Amz-SignedHeaders"), list, arena);
    if (str_is_set(signer->session_token))
        query = add_parameter(query, STR("X-Amz-Security-Token"), signer->session_token, arena);
    *ret_query = query;
    return arena->failed ? -ENOMEM : 0;
}

int signer_make_query(const struct signer *signer, const struct canonical_request *request, unsigned expires_s,
                      struct arena *arena, struct str *ret_query, struct signer_trace *ret_trace)
{
    struct str list;
    struct signer_trace trace;
    struct canonical_request presigned = *request;
    presigned.is_presigned = true;
    if (request->query.n > CANONICAL_MAX_BYTES)
        return CANONICAL_TOO_LARGE;
    int r = canonical_list(request->headers, request->n_headers, arena, &list);
    if (r == 0)
        r = make_parameters(signer, request->query, list, expires_s, arena, &presigned.query);
    if (r == 0)
        r = sign(signer, &presigned, list, arena, &trace);
    if (r != 0)
        return r;
    struct str query = add_parameter(presigned.query, STR("X-Amz-Signature"), trace.signature, arena);
    if (!str_is_set(query))
        return -ENOMEM;
    if (ret_trace)
        *ret_trace = trace;
    *ret_query = query;
    return 0;
}
