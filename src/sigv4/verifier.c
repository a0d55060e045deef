/* SPDX-License-Identifier: Apache-2.0
 *
 * The order of the checks is that of AWS as far as it is known: form, parts, signed headers, date, window, scope,
 * signature. */
#include "sigv4/verifier.h"

#include <errno.h>

/* --- headers ----------------------------------------------------------------------------------------------------- */

static size_t count_headers(const struct verifier_request *request, struct str name, struct str *ret_first)
{
    size_t n = 0;
    for (size_t i = 0; i < request->n_headers; i++) {
        if (!str_eq_nocase(request->headers[i].key, name))
            continue;
        if (n++ == 0)
            *ret_first = request->headers[i].value;
    }
    return n;
}

static struct str find_header(const struct verifier_request *request, struct str name)
{
    struct str value = { 0 };
    count_headers(request, name, &value);
    return value;
}

static struct str trim(struct str s)
{
    while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t'))
        s = str_skip(s, 1);
    while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
        s.n--;
    return s;
}

static bool is_signed(struct str list, struct str name)
{
    struct str rest = list;
    while (rest.n > 0) {
        struct str item = { rest.p, str_find_char(rest, ';') };
        rest = str_skip(rest, item.n < rest.n ? item.n + 1 : item.n);
        if (str_eq(item, name))
            return true;
    }
    return false;
}

/* --- the header form --------------------------------------------------------------------------------------------- */

/* false when it is there twice. */
static bool set_once(struct str *part, struct str value)
{
    if (str_is_set(*part))
        return false;
    *part = value;
    return true;
}

static bool set_part(struct verifier_parts *parts, struct str name, struct str value)
{
    if (str_eq(name, STR("Credential")))
        return set_once(&parts->credential, value);
    if (str_eq(name, STR("SignedHeaders")))
        return set_once(&parts->signed_headers, value);
    if (str_eq(name, STR("Signature")))
        return set_once(&parts->signature, value);
    return true;
}

/* `AWS4-HMAC-SHA256 Credential=..., SignedHeaders=..., Signature=...` */
static int read_header(const struct verifier_request *request, struct str text, struct verifier_claim *claim)
{
    struct verifier_parts *parts = &claim->parts;
    text = trim(text);
    size_t n = str_find_char(text, ' ');
    struct str rest = str_skip(text, n);
    parts->algorithm = (struct str){ text.p, n };
    if (!str_eq(parts->algorithm, STR(SIGNATURE_ALGORITHM)))
        return str_starts(text, STR(SIGNATURE_FAMILY)) ? VERIFIER_UNSUPPORTED : VERIFIER_MISSING;
    while (rest.n > 0) {
        struct str item = { rest.p, str_find_char(rest, ',') };
        rest = str_skip(rest, item.n < rest.n ? item.n + 1 : item.n);
        item = trim(item);
        struct str name = { item.p, str_find_char(item, '=') };
        if (name.n == item.n || !set_part(parts, name, str_skip(item, name.n + 1))) {
            claim->culprit = name;
            return name.n == item.n ? VERIFIER_NOT_A_PAIR : VERIFIER_TWICE;
        }
    }
    parts->date = find_header(request, STR("X-Amz-Date"));
    if (!str_is_set(parts->date))
        parts->date = find_header(request, STR("Date"));
    if (count_headers(request, STR("X-Amz-Security-Token"), &parts->token) > 1) {
        claim->culprit = STR("X-Amz-Security-Token");
        return VERIFIER_TWICE;
    }
    return 0;
}

/* --- the presigned form ------------------------------------------------------------------------------------------ */

static struct str *parameter_of(struct verifier_parts *parts, struct str name)
{
    const struct {
        struct str name;
        struct str *part;
    } known[] = {
        { STR("X-Amz-Algorithm"), &parts->algorithm },
        { STR("X-Amz-Credential"), &parts->credential },
        { STR("X-Amz-Date"), &parts->date },
        { STR("X-Amz-Expires"), &parts->expires },
        { STR("X-Amz-SignedHeaders"), &parts->signed_headers },
        { STR("X-Amz-Signature"), &parts->signature },
        { STR("X-Amz-Security-Token"), &parts->token },
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (str_eq(known[i].name, name))
            return known[i].part;
    return NULL;
}

/* 0 also when there are no such parameters. */
static int read_query(const struct verifier_request *request, struct arena *arena, struct verifier_claim *claim)
{
    struct str rest = request->query;
    struct str_pair parameter;
    for (size_t n = 0; canonical_next_parameter(&rest, &parameter); n++) {
        struct str name, value;
        if (n == CANONICAL_MAX_PARAMETERS)
            return VERIFIER_TOO_LARGE;
        int r = canonical_decode(parameter.key, arena, &name);
        struct str *part = r == 0 ? parameter_of(&claim->parts, name) : NULL;
        if (r == 0 && part)
            r = canonical_decode(parameter.value, arena, &value);
        if (r != 0)
            return r < 0 ? r : VERIFIER_MALFORMED;
        if (part && !set_once(part, value)) {
            claim->culprit = name;
            return VERIFIER_TWICE;
        }
    }
    return 0;
}

static int read_parts(const struct verifier_request *request, struct arena *arena, struct verifier_claim *claim)
{
    struct str text = { 0 };
    size_t n = count_headers(request, STR("Authorization"), &text);
    if (request->query.n > CANONICAL_MAX_BYTES || request->n_headers > CANONICAL_MAX_HEADERS)
        return VERIFIER_TOO_LARGE;
    int r = read_query(request, arena, claim);
    if (r != 0)
        return r;
    claim->is_presigned = str_is_set(claim->parts.algorithm);
    if (claim->is_presigned && n > 0)
        return VERIFIER_TWO_FORMS;
    if (n > 1) {
        claim->culprit = STR("Authorization");
        return VERIFIER_TWICE;
    }
    if (!claim->is_presigned) {
        claim->parts = (struct verifier_parts){ 0 };
        return n == 1 ? read_header(request, text, claim) : VERIFIER_MISSING;
    }
    return str_eq(claim->parts.algorithm, STR(SIGNATURE_ALGORITHM)) ? 0 : VERIFIER_UNSUPPORTED;
}

/* --- judging ----------------------------------------------------------------------------------------------------- */

static int check_presence(const struct verifier_claim *claim)
{
    const struct verifier_parts *parts = &claim->parts;
    bool complete = parts->credential.n > 0 && parts->signed_headers.n > 0 && parts->signature.n > 0 &&
                    parts->date.n > 0 && (!claim->is_presigned || parts->expires.n > 0);
    if (!complete)
        return VERIFIER_INCOMPLETE;
    return parts->token.n > VERIFIER_TOKEN_MAX ? VERIFIER_TOO_LARGE : 0;
}

/* A request whose target or token is not signed could be turned into another one. */
static int check_signed(const struct verifier_request *request, const struct verifier_options *options,
                        struct verifier_claim *claim)
{
    bool has_date = str_is_set(find_header(request, STR("X-Amz-Date")));
    const struct {
        struct str name;
        bool is_needed;
    } needs[] = {
        { STR("host"), true },
        { has_date ? STR("x-amz-date") : STR("date"), !claim->is_presigned },
        { STR("x-amz-target"),
          !options->takes_unsigned_headers && str_is_set(find_header(request, STR("X-Amz-Target"))) },
        { STR("x-amz-security-token"),
          !options->takes_unsigned_headers && str_is_set(find_header(request, STR("X-Amz-Security-Token"))) },
    };
    for (size_t i = 0; i < sizeof(needs) / sizeof(needs[0]); i++) {
        if (needs[i].is_needed && !is_signed(claim->parts.signed_headers, needs[i].name)) {
            claim->culprit = needs[i].name;
            return VERIFIER_UNSIGNED_HEADER;
        }
    }
    return 0;
}

static int check_time(const struct verifier_options *options, struct verifier_claim *claim, int64_t now)
{
    bool is_presigned = claim->is_presigned;
    int64_t seconds;
    uint64_t expires = 0;
    struct str date = trim(claim->parts.date);
    if (amz_date_parse(date, &seconds) == 0)
        memcpy(claim->time, date.p, AMZ_DATE_LEN);
    else if (!is_presigned && amz_date_parse_http(date, &seconds) == 0)
        amz_date_format(seconds, claim->time);
    else
        return VERIFIER_BAD_DATE;
    if (is_presigned &&
        (str_parse_u64(claim->parts.expires, &expires) || expires == 0 || expires > VERIFIER_EXPIRES_MAX_S))
        return VERIFIER_BAD_EXPIRES;
    claim->life_s = is_presigned ? (int64_t)expires : options->window_s;
    if (now - seconds > claim->life_s)
        return VERIFIER_TOO_OLD;
    return seconds - now > options->window_s ? VERIFIER_TOO_NEW : 0;
}

static bool is_wanted(struct str got, struct str wanted)
{
    return got.n > 0 && (!str_is_set(wanted) || str_eq(got, wanted));
}

bool verifier_takes_region(const struct verifier_options *options, struct str region)
{
    for (size_t i = 0; i < options->n_regions; i++)
        if (str_eq(options->regions[i], region))
            return true;
    return region.n > 0 && options->n_regions == 0;
}

/* `AKIDEXAMPLE/20150830/us-east-1/service/aws4_request` */
static int check_scope(const struct verifier_options *options, struct verifier_claim *claim)
{
    struct str fields[5];
    struct str rest = claim->parts.credential;
    bool is_whole = true;
    for (size_t i = 0; i < 5 && is_whole; i++) {
        fields[i] = (struct str){ rest.p, str_find_char(rest, '/') };
        is_whole = (fields[i].n < rest.n) == (i < 4);
        if (i < 4 && is_whole)
            rest = str_skip(rest, fields[i].n + 1);
    }
    if (!is_whole || fields[0].n == 0)
        return VERIFIER_BAD_CREDENTIAL;
    claim->access_key_id = fields[0];
    claim->scope = (struct signature_scope){ fields[1], fields[2], fields[3] };
    claim->terminator = fields[4];
    bool good = str_eq(fields[1], (struct str){ claim->time, AMZ_DATE_DAY_LEN }) &&
                verifier_takes_region(options, fields[2]) && is_wanted(fields[3], options->service) &&
                str_eq(fields[4], STR(SIGNATURE_TERMINATOR));
    return good ? 0 : VERIFIER_WRONG_SCOPE;
}

int verifier_read(const struct verifier_request *request, const struct verifier_options *options, int64_t now_seconds,
                  struct arena *arena, struct verifier_claim *ret_claim)
{
    *ret_claim = (struct verifier_claim){ 0 };
    int r = read_parts(request, arena, ret_claim);
    if (r == 0)
        r = check_presence(ret_claim);
    if (r == 0)
        r = check_signed(request, options, ret_claim);
    if (r == 0)
        r = check_time(options, ret_claim, now_seconds);
    if (r == 0)
        r = check_scope(options, ret_claim);
    return r;
}

/* --- the signature ----------------------------------------------------------------------------------------------- */

/* The hash of the body, in the spelling of the header that repeats it. */
static int find_payload_hash(const struct verifier_request *request, char hash[CANONICAL_HASH_LEN],
                             struct str *ret_hash)
{
    struct str sent = { 0 };
    size_t n = count_headers(request, STR("X-Amz-Content-Sha256"), &sent);
    sent = trim(sent);
    if (n > 1)
        return VERIFIER_TWICE;
    if (str_starts(sent, STR("UNSIGNED-PAYLOAD")) || str_starts(sent, STR("STREAMING-")))
        return VERIFIER_UNSUPPORTED;
    signature_hash(request->body, hash);
    struct str own = { hash, CANONICAL_HASH_LEN };
    if (n == 1 && !str_eq_nocase(sent, own))
        return VERIFIER_WRONG_HASH;
    *ret_hash = n == 1 ? sent : own;
    return 0;
}

static int result_of(int canonical)
{
    switch (canonical) {
    case CANONICAL_NO_HEADER:
        return VERIFIER_NO_HEADER;
    case CANONICAL_BAD_LIST: /* AWS makes its own list, in order: another one cannot match */
        return VERIFIER_MISMATCH;
    case CANONICAL_TOO_LARGE:
        return VERIFIER_TOO_LARGE;
    case CANONICAL_MALFORMED:
        return VERIFIER_MALFORMED;
    default:
        return canonical;
    }
}

int verifier_check(const struct verifier_request *request, const struct verifier_options *options,
                   const struct verifier_claim *claim, const struct signature_key *key, struct arena *arena)
{
    struct canonical_request canonical = {
        .method = request->method,
        .path = request->path,
        .query = request->query,
        .headers = request->headers,
        .n_headers = request->n_headers,
        .keeps_path = options->keeps_path,
        .is_presigned = claim->is_presigned,
        .omits_token = claim->is_presigned && options->omits_token,
    };
    char hash[CANONICAL_HASH_LEN], wanted[SIGNATURE_LEN];
    struct str text, string_to_sign;
    int r = find_payload_hash(request, hash, &canonical.payload_hash);
    if (r != 0)
        return r;
    r = canonical_make(&canonical, claim->parts.signed_headers, arena, &text);
    if (r == 0)
        r = signature_make_string((struct str){ claim->time, AMZ_DATE_LEN }, &claim->scope, text, arena,
                                  &string_to_sign);
    if (r != 0)
        return result_of(r);
    signature_compute(key, string_to_sign, wanted);
    return signature_is_equal(claim->parts.signature, wanted) ? 0 : VERIFIER_MISMATCH;
}
