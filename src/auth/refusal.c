/* SPDX-License-Identifier: Apache-2.0
 *
 * The texts. */
#include "auth/refusal.h"

#include <errno.h>
#include <inttypes.h>

#define SHOWN_MAX 96

static struct str shown(struct arena *arena, struct str text)
{
    size_t n = text.n < SHOWN_MAX ? text.n : SHOWN_MAX;
    char *p = arena_alloc(arena, n + 1);
    if (!p)
        return STR("");
    for (size_t i = 0; i < n; i++)
        p[i] = text.p[i] >= ' ' && text.p[i] <= '~' ? text.p[i] : '?';
    return (struct str){ p, n };
}

/* --- what is incomplete ------------------------------------------------------------------------------------------ */

/* Everything that is not there, in one text; absent when nothing is missing. */
static struct str missing_parts(const struct verifier_claim *claim, struct arena *arena)
{
    const struct verifier_parts *parts = &claim->parts;
    const struct {
        const char *name;
        bool is_there;
    } wanted[] = {
        { "Credential", parts->credential.n > 0 },
        { "Signature", parts->signature.n > 0 },
        { "SignedHeaders", parts->signed_headers.n > 0 },
        { "Date", parts->date.n > 0 || !claim->is_presigned },
        { "Expires", parts->expires.n > 0 || !claim->is_presigned },
    };
    struct str text = { 0 };
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        if (wanted[i].is_there)
            continue;
        text = claim->is_presigned
                   ? arena_printf(arena, STR_FMT "AWS query-string parameters must include 'X-Amz-%s'. ", STR_ARG(text),
                                  wanted[i].name)
                   : arena_printf(arena, STR_FMT "Authorization header requires '%s' parameter. ", STR_ARG(text),
                                  wanted[i].name);
    }
    if (parts->date.n == 0 && !claim->is_presigned)
        text = arena_printf(
            arena, STR_FMT "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ",
            STR_ARG(text));
    if (text.n > 0)
        text.n--; /* the blank behind the last sentence */
    return text;
}

static bool has_header(const struct verifier_request *request, struct str name)
{
    for (size_t i = 0; i < request->n_headers; i++)
        if (str_eq_nocase(request->headers[i].key, name))
            return true;
    return false;
}

/* A header that is said to be signed and is not there; absent when all are. */
static struct str absent_header(const struct verifier_request *request, struct str list)
{
    for (struct str rest = list; rest.n > 0;) {
        struct str name = { rest.p, str_find_char(rest, ';') };
        rest = str_skip(rest, name.n < rest.n ? name.n + 1 : name.n);
        if (!has_header(request, name))
            return name;
    }
    return (struct str){ 0 };
}

static struct str describe_incomplete(int result, const struct verifier_request *request,
                                      const struct verifier_claim *claim, struct arena *arena)
{
    struct str culprit = shown(arena, claim->culprit);
    switch (result) {
    case VERIFIER_NOT_A_PAIR:
        return arena_printf(arena,
                            "'" STR_FMT "' not a valid key=value pair (missing equal-sign) in Authorization header.",
                            STR_ARG(culprit));
    case VERIFIER_TWICE:
        return arena_printf(arena, "'" STR_FMT "' is there twice.", STR_ARG(culprit));
    case VERIFIER_BAD_DATE:
        return arena_printf(arena,
                            "Date must be in ISO-8601 'basic format'. Got '" STR_FMT
                            "'. See http://en.wikipedia.org/wiki/ISO_8601",
                            STR_ARG(shown(arena, claim->parts.date)));
    case VERIFIER_BAD_EXPIRES:
        return arena_printf(arena, "X-Amz-Expires must be a number of seconds from 1 to %d.", VERIFIER_EXPIRES_MAX_S);
    case VERIFIER_BAD_CREDENTIAL:
        return arena_printf(arena,
                            "Credential must have exactly 5 slash-delimited elements, e.g. "
                            "keyid/date/region/service/term, got '" STR_FMT "'",
                            STR_ARG(shown(arena, claim->parts.credential)));
    case VERIFIER_NO_HEADER:
        return arena_printf(arena, "'" STR_FMT "' is a 'SignedHeader' in the AWS Authorization and not in the request.",
                            STR_ARG(shown(arena, absent_header(request, claim->parts.signed_headers))));
    case VERIFIER_TOO_LARGE:
        return STR("The query, the headers, the list of signed headers or the security token is too long.");
    default:
        return missing_parts(claim, arena);
    }
}

/* --- what is invalid --------------------------------------------------------------------------------------------- */

static struct str describe_time(const struct verifier_claim *claim, const struct verifier_options *options, bool is_old,
                                int64_t now_s, struct arena *arena)
{
    int64_t window = is_old ? claim->life_s : options->window_s;
    char limit[AMZ_DATE_LEN], now[AMZ_DATE_LEN];
    const char *unit = window % 60 ? "sec" : "min";
    amz_date_format(is_old ? now_s - window : now_s + window, limit);
    amz_date_format(now_s, now);
    return arena_printf(arena, "Signature %s %.*s is %s than %.*s (%.*s %c %" PRId64 " %s.)",
                        is_old ? "expired:" : "not yet current:", AMZ_DATE_LEN, claim->time,
                        is_old ? "now earlier" : "still later", AMZ_DATE_LEN, limit, AMZ_DATE_LEN, now,
                        is_old ? '-' : '+', window % 60 ? window : window / 60, unit);
}

/* All that is wrong with it, one sentence after the other. */
static struct str describe_scope(const struct verifier_claim *claim, const struct verifier_options *options,
                                 struct arena *arena)
{
    struct str text = STR("");
    if (!authenticate_is_region(claim->scope.region) || !verifier_takes_region(options, claim->scope.region))
        text = arena_printf(arena, "Credential should be scoped to a valid region, not '" STR_FMT "'. ",
                            STR_ARG(shown(arena, claim->scope.region)));
    if (!str_eq(claim->scope.service, options->service))
        text = arena_printf(arena, STR_FMT "Credential should be scoped to correct service: '" STR_FMT "'. ",
                            STR_ARG(text), STR_ARG(options->service));
    if (!str_eq(claim->terminator, STR(SIGNATURE_TERMINATOR)))
        text = arena_printf(arena,
                            STR_FMT "Credential should be scoped with a valid terminator: '" SIGNATURE_TERMINATOR
                                    "', not '" STR_FMT "'. ",
                            STR_ARG(text), STR_ARG(shown(arena, claim->terminator)));
    if (!str_eq(claim->scope.date, (struct str){ claim->time, AMZ_DATE_DAY_LEN }))
        text = arena_printf(arena,
                            STR_FMT "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date "
                                    "from HTTP: '" STR_FMT "' != '%.*s', from '%.*s'. ",
                            STR_ARG(text), STR_ARG(shown(arena, claim->scope.date)), AMZ_DATE_DAY_LEN, claim->time,
                            AMZ_DATE_LEN, claim->time);
    if (text.n > 0)
        text.n--;
    return text;
}

static struct str describe_unsigned(const struct verifier_claim *claim, struct arena *arena)
{
    if (str_eq(claim->culprit, STR("host")))
        return STR("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.");
    return arena_printf(arena, "'" STR_FMT "' must be a 'SignedHeader' in the AWS Authorization.",
                        STR_ARG(claim->culprit));
}

/* --- all of them ------------------------------------------------------------------------------------------------- */

static struct str describe(int result, const struct verifier_request *request, const struct verifier_options *options,
                           const struct verifier_claim *claim, int64_t now_s, struct arena *arena)
{
    switch (result) {
    case VERIFIER_UNSUPPORTED:
        if (!str_eq(claim->parts.algorithm, STR(SIGNATURE_ALGORITHM)))
            return arena_printf(arena, "Unsupported AWS 'algorithm': '" STR_FMT "'.",
                                STR_ARG(shown(arena, claim->parts.algorithm)));
        return STR("The payload must be signed: x-amz-content-sha256 is the hash of the body or absent.");
    case VERIFIER_TWO_FORMS:
        return STR("Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header.");
    case VERIFIER_UNSIGNED_HEADER:
        return describe_unsigned(claim, arena);
    case VERIFIER_TOO_OLD:
    case VERIFIER_TOO_NEW:
        return describe_time(claim, options, result == VERIFIER_TOO_OLD, now_s, arena);
    case VERIFIER_WRONG_SCOPE:
        return describe_scope(claim, options, arena);
    case VERIFIER_WRONG_HASH:
        return STR("The provided 'x-amz-content-sha256' header does not match what was computed.");
    case VERIFIER_MISSING:
    case VERIFIER_MALFORMED:
    case VERIFIER_MISMATCH:
        return (struct str){ 0 };
    default:
        return describe_incomplete(result, request, claim, arena);
    }
}

static int class_of(int result)
{
    switch (result) {
    case VERIFIER_MISSING:
        return AUTHENTICATE_MISSING;
    case VERIFIER_TWO_FORMS:
    case VERIFIER_UNSIGNED_HEADER:
    case VERIFIER_TOO_OLD:
    case VERIFIER_TOO_NEW:
    case VERIFIER_WRONG_SCOPE:
    case VERIFIER_WRONG_HASH:
    case VERIFIER_MALFORMED:
    case VERIFIER_MISMATCH:
        return AUTHENTICATE_INVALID;
    default:
        return AUTHENTICATE_INCOMPLETE;
    }
}

int refusal_describe(int result, const struct verifier_request *request, const struct verifier_options *options,
                     const struct verifier_claim *claim, int64_t now_s, struct arena *arena, struct str *ret_message)
{
    *ret_message = describe(result, request, options, claim, now_s, arena);
    return arena->failed ? -ENOMEM : class_of(result);
}
