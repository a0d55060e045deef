/* SPDX-License-Identifier: Apache-2.0
 *
 * The public vectors: we sign what they sign, verify what they signed, and refuse each of them once one thing in it is
 * changed.
 *
 *     test_vectors FOLDER; the environment's CLOUDMAP_SIGV4_VECTORS comes first. Without the folder it is skipped. */
#include "vector.h"

#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

#define CASES_MAX 64
#define SKIPPED 77

static const char *folder;
static struct arena arena;
static struct vector vectors[CASES_MAX];
static size_t n_vectors;

/* --- signing ----------------------------------------------------------------------------------------------------- */

static void check_text(struct str got, struct str wanted, const struct vector *vector, const char *what)
{
    if (!str_eq(got, wanted))
        print_error("%s, %s\ngot  '" STR_FMT "'\nwant '" STR_FMT "'\n", vector->name, what, STR_ARG(got),
                    STR_ARG(wanted));
    assert_true(str_eq(got, wanted));
}

static void check_trace(const struct vector *vector, enum vector_form form, const struct signer_trace *trace)
{
    check_text(trace->canonical, vector->forms[form].canonical, vector, "canonical request");
    check_text(trace->string_to_sign, vector->forms[form].string_to_sign, vector, "string to sign");
    check_text(trace->signature, vector->forms[form].signature, vector, "signature");
}

static struct canonical_request to_sign(const struct vector *vector, struct vector_request *request, char *hash)
{
    signature_hash(request->request.body, hash);
    return (struct canonical_request){
        .method = request->request.method,
        .path = request->request.path,
        .query = request->request.query,
        .headers = request->headers,
        .n_headers = request->request.n_headers,
        .payload_hash = { hash, CANONICAL_HASH_LEN },
        .keeps_path = !vector->normalizes,
        .omits_token = vector->omits_token,
    };
}

static void init_signer(struct signer *signer, const struct vector *vector)
{
    assert_int_equal(
        signer_init(signer, vector->access_key_id, vector->secret, vector->region, vector->service, VECTOR_NOW), 0);
    signer->session_token = vector->token;
}

static struct str find_header(const struct vector_request *request, const char *name)
{
    for (size_t i = 0; i < request->request.n_headers; i++)
        if (str_eq_nocase(request->headers[i].key, str_of(name)))
            return request->headers[i].value;
    fail();
    return STR("");
}

static void test_sign_header(void **state)
{
    (void)state;
    for (size_t i = 0; i < n_vectors; i++) {
        struct vector *vector = &vectors[i];
        struct vector_request request = vector->plain;
        char hash[CANONICAL_HASH_LEN];
        struct signer signer;
        struct signer_trace trace;
        struct str value;
        init_signer(&signer, vector);
        signature_hash(request.request.body, hash);
        if (str_is_set(vector->token) && !vector->omits_token)
            vector_add_header(&request, STR("X-Amz-Security-Token"), vector->token);
        vector_add_header(&request, STR("X-Amz-Date"), (struct str){ signer.time, AMZ_DATE_LEN });
        if (vector->signs_body)
            vector_add_header(&request, STR("x-amz-content-sha256"), (struct str){ hash, CANONICAL_HASH_LEN });
        struct canonical_request canonical = to_sign(vector, &request, hash);
        assert_int_equal(signer_make_header(&signer, &canonical, &arena, &value, &trace), 0);
        check_trace(vector, VECTOR_HEADER, &trace);
        check_text(value, find_header(&vector->forms[VECTOR_HEADER].signed_request, "Authorization"), vector, "header");
        signer_fini(&signer);
    }
}

static void test_sign_query(void **state)
{
    (void)state;
    for (size_t i = 0; i < n_vectors; i++) {
        struct vector *vector = &vectors[i];
        struct vector_request request = vector->plain;
        char hash[CANONICAL_HASH_LEN];
        struct signer signer;
        struct signer_trace trace;
        struct str query;
        init_signer(&signer, vector);
        struct canonical_request canonical = to_sign(vector, &request, hash);
        assert_int_equal(signer_make_query(&signer, &canonical, (unsigned)vector->expires_s, &arena, &query, &trace),
                         0);
        check_trace(vector, VECTOR_QUERY, &trace);
        signer_fini(&signer);
    }
}

/* --- verifying --------------------------------------------------------------------------------------------------- */

static struct verifier_options options_for(const struct vector *vector)
{
    return (struct verifier_options){
        .window_s = VERIFIER_WINDOW_S,
        .regions = &vector->region,
        .n_regions = 1,
        .service = vector->service,
        .keeps_path = !vector->normalizes,
        .omits_token = vector->omits_token,
        .takes_unsigned_headers = true,
    };
}

static int verify_at(const struct vector *vector, const struct verifier_request *request,
                     const struct verifier_options *options, int64_t now)
{
    struct verifier_claim claim;
    struct signature_key key;
    int r = verifier_read(request, options, now, &arena, &claim);
    if (r != 0)
        return r;
    assert_int_equal(signature_derive_key(vector->secret, &claim.scope, &key), 0);
    return verifier_check(request, options, &claim, &key, &arena);
}

static int verify(const struct vector *vector, struct vector_request *request)
{
    struct verifier_options options = options_for(vector);
    request->request.headers = request->headers;
    return verify_at(vector, &request->request, &options, VECTOR_NOW);
}

static void test_verify(void **state)
{
    (void)state;
    for (size_t i = 0; i < n_vectors; i++) {
        const struct vector *vector = &vectors[i];
        struct verifier_options options = options_for(vector);
        for (int form = 0; form < VECTOR_FORM_COUNT; form++) {
            struct vector_request request = vector->forms[form].signed_request;
            request.request.headers = request.headers;
            int64_t life = form == VECTOR_HEADER ? options.window_s : vector->expires_s;
            const struct {
                int64_t shift;
                int result;
            } clocks[] = { { 0, 0 },
                           { life, 0 },
                           { life + 1, VERIFIER_TOO_OLD },
                           { -options.window_s, 0 },
                           { -options.window_s - 1, VERIFIER_TOO_NEW } };
            for (size_t j = 0; j < TEST_COUNT(clocks); j++)
                assert_int_equal(verify_at(vector, &request.request, &options, VECTOR_NOW + clocks[j].shift),
                                 clocks[j].result);
        }
    }
}

/* --- one thing changed ------------------------------------------------------------------------------------------- */

static unsigned n_refused;

static void refuse(const struct vector *vector, struct vector_request *request, int wanted, const char *what)
{
    int r = verify(vector, request);
    if (r != wanted)
        print_error("%s, %s: %d instead of %d\n", vector->name, what, r, wanted);
    assert_int_equal(r, wanted);
    assert_int_not_equal(r, 0);
    n_refused++;
}

static struct str append(struct str text, const char *more)
{
    return arena_printf(&arena, STR_FMT "%s", STR_ARG(text), more);
}

/* The text with the first `old` in it, which must be there, replaced. */
static struct str replace(struct str text, const char *old, const char *new)
{
    const char *at = memmem(text.p, text.n, old, strlen(old));
    if (!at)
        print_error("no '%s' in '" STR_FMT "'\n", old, STR_ARG(text));
    assert_non_null(at);
    size_t n = (size_t)(at - text.p), skip = n + strlen(old);
    return arena_printf(&arena, "%.*s%s%.*s", (int)n, text.p, new, (int)(text.n - skip), text.p + skip);
}

/* Where the signature's parts are: the Authorization header, or the query. */
static struct str *carrier(struct vector_request *request, enum vector_form form)
{
    for (size_t i = 0; form == VECTOR_HEADER && i < request->request.n_headers; i++)
        if (str_eq(request->headers[i].key, STR("Authorization")))
            return &request->headers[i].value;
    assert_int_equal(form, VECTOR_QUERY);
    return &request->request.query;
}

static void change_line_and_body(const struct vector *vector, enum vector_form form)
{
    const struct vector_request *good = &vector->forms[form].signed_request;
    bool has_hash = vector->signs_body && form == VECTOR_HEADER;
    struct vector_request bad = *good;
    bad.request.method = STR("PUT");
    refuse(vector, &bad, VERIFIER_MISMATCH, "method");
    bad = *good;
    bad.request.path = append(good->request.path, "x");
    refuse(vector, &bad, VERIFIER_MISMATCH, "path");
    bad = *good;
    bad.request.path = STR("/../");
    refuse(vector, &bad, vector->normalizes ? VERIFIER_MALFORMED : VERIFIER_MISMATCH, "path above the root");
    bad = *good;
    bad.request.body = append(good->request.body, "x");
    refuse(vector, &bad, has_hash ? VERIFIER_WRONG_HASH : VERIFIER_MISMATCH, "body");
    bad = *good;
    bad.request.query = append(good->request.query, "&added");
    refuse(vector, &bad, VERIFIER_MISMATCH, "one more parameter");
    struct str rest = good->request.query;
    struct str_pair parameter;
    while (canonical_next_parameter(&rest, &parameter)) {
        if (str_starts(parameter.key, STR("X-Amz-")))
            continue;
        char *query = (char *)arena_dup(&arena, good->request.query).p;
        bad = *good;
        bad.request.query = (struct str){ query, good->request.query.n };
        const char *end = parameter.value.n ? parameter.value.p + parameter.value.n : parameter.key.p + parameter.key.n;
        query[end - 1 - good->request.query.p] ^= 1;
        refuse(vector, &bad, VERIFIER_MISMATCH, "a parameter's byte");
    }
}

static bool is_signed(const struct vector *vector, enum vector_form form, struct str name)
{
    struct str line = arena_printf(&arena, "\n" STR_FMT ":", STR_ARG(name)), canonical = vector->forms[form].canonical;
    for (size_t i = 0; i < line.n; i++)
        ((char *)line.p)[i] = str_fold_char(line.p[i]);
    return memmem(canonical.p, canonical.n, line.p, line.n);
}

static void remove_header(struct vector_request *request, size_t at)
{
    request->request.n_headers--;
    memmove(&request->headers[at], &request->headers[at + 1],
            (request->request.n_headers - at) * sizeof(request->headers[0]));
}

static void change_headers(const struct vector *vector, enum vector_form form)
{
    const struct vector_request *good = &vector->forms[form].signed_request;
    for (size_t i = 0; i < good->request.n_headers; i++) {
        struct str name = good->headers[i].key;
        struct vector_request bad = *good;
        if (!is_signed(vector, form, name))
            continue;
        bad.headers[i].value = append(good->headers[i].value, "x");
        refuse(vector, &bad,
               str_eq_nocase(name, STR("X-Amz-Date"))             ? VERIFIER_BAD_DATE
               : str_eq_nocase(name, STR("x-amz-content-sha256")) ? VERIFIER_WRONG_HASH
                                                                  : VERIFIER_MISMATCH,
               "a header's value");
        bad = *good;
        remove_header(&bad, i);
        bool repeated = false; /* others of that name are still there */
        for (size_t j = 0; j < bad.request.n_headers; j++)
            repeated = repeated || str_eq_nocase(bad.headers[j].key, name);
        refuse(vector, &bad,
               repeated                                 ? VERIFIER_MISMATCH
               : str_eq_nocase(name, STR("X-Amz-Date")) ? VERIFIER_INCOMPLETE
                                                        : VERIFIER_NO_HEADER,
               "a header dropped");
    }
}

static void change_carrier(const struct vector *vector, enum vector_form form, const char *old, const char *new,
                           int wanted)
{
    struct vector_request bad = vector->forms[form].signed_request;
    struct str *text = carrier(&bad, form);
    *text = replace(*text, old, new);
    refuse(vector, &bad, wanted, old);
}

static void change_scope(const struct vector *vector, enum vector_form form)
{
    bool header = form == VECTOR_HEADER;
    change_carrier(vector, form, header ? "/20150830/" : "%2F20150830%2F", header ? "/20150831/" : "%2F20150831%2F",
                   VERIFIER_WRONG_SCOPE);
    change_carrier(vector, form, "us-east-1", "us-east-2", VERIFIER_WRONG_SCOPE);
    change_carrier(vector, form, header ? "/service/" : "%2Fservice%2F", header ? "/services/" : "%2Fservices%2F",
                   VERIFIER_WRONG_SCOPE);
    change_carrier(vector, form, "aws4_request", "aws4_reques", VERIFIER_WRONG_SCOPE);
    change_carrier(vector, form, header ? "/aws4_request" : "%2Faws4_request", "", VERIFIER_BAD_CREDENTIAL);
    change_carrier(vector, form, "AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256", VERIFIER_UNSUPPORTED);
}

static void change_date(const struct vector *vector, enum vector_form form)
{
    static const char *const near[] = { "20150830T123559Z", "20150830T123601Z" };
    for (size_t i = 0; i < TEST_COUNT(near); i++) {
        struct vector_request bad = vector->forms[form].signed_request;
        if (form == VECTOR_QUERY)
            bad.request.query = replace(bad.request.query, "20150830T123600Z", near[i]);
        for (size_t j = 0; form == VECTOR_HEADER && j < bad.request.n_headers; j++)
            if (str_eq(bad.headers[j].key, STR("X-Amz-Date")))
                bad.headers[j].value = str_of(near[i]);
        refuse(vector, &bad, VERIFIER_MISMATCH, near[i]);
    }
    if (form == VECTOR_QUERY) {
        change_carrier(vector, form, "Expires=3600", "Expires=3601", VERIFIER_MISMATCH);
        change_carrier(vector, form, "Expires=3600", "Expires=0", VERIFIER_BAD_EXPIRES);
        change_carrier(vector, form, "Expires=3600", "Expires=604801", VERIFIER_BAD_EXPIRES);
        change_carrier(vector, form, "&X-Amz-Expires=3600", "", VERIFIER_INCOMPLETE);
    }
}

static void change_signature(const struct vector *vector, enum vector_form form)
{
    char signature[SIGNATURE_LEN + 1] = "", changed[SIGNATURE_LEN + 1];
    memcpy(signature, vector->forms[form].signature.p, SIGNATURE_LEN);
    for (size_t i = 0; i < SIGNATURE_LEN; i++) {
        memcpy(changed, signature, sizeof(changed));
        changed[i] = changed[i] == '0' ? '1' : '0';
        change_carrier(vector, form, signature, changed, VERIFIER_MISMATCH);
    }
    memcpy(changed, signature, sizeof(changed));
    changed[SIGNATURE_LEN - 1] = '\0';
    change_carrier(vector, form, signature, changed, VERIFIER_MISMATCH);
    change_carrier(vector, form, signature, "", VERIFIER_INCOMPLETE);
}

/* A token that is not signed (its case is called "after") may be dropped; only the usual policy minds it. */
static void change_token(const struct vector *vector, enum vector_form form)
{
    struct vector_request bad = vector->forms[form].signed_request;
    if (!str_is_set(vector->token))
        return;
    if (vector->omits_token) {
        struct verifier_options options = options_for(vector);
        options.takes_unsigned_headers = options.omits_token = false;
        bad.request.headers = bad.headers;
        assert_int_equal(verify_at(vector, &bad.request, &options, VECTOR_NOW),
                         form == VECTOR_HEADER ? VERIFIER_UNSIGNED_HEADER : VERIFIER_MISMATCH);
        n_refused++;
    } else if (form == VECTOR_QUERY) {
        change_carrier(vector, form, "X-Amz-Security-Token=", "X-Amz-Security-Token=x", VERIFIER_MISMATCH);
        change_carrier(vector, form, "X-Amz-Security-Token=", "x=", VERIFIER_MISMATCH);
    }
}

/* The list of signed headers as the carrier spells it. */
static struct str spell_list(struct str names[], size_t n, enum vector_form form)
{
    struct str text = STR("SignedHeaders=");
    for (size_t i = 0; i < n; i++)
        text = arena_printf(&arena, STR_FMT "%s" STR_FMT, STR_ARG(text),
                            i == 0                  ? ""
                            : form == VECTOR_HEADER ? ";"
                                                    : "%3B",
                            STR_ARG(names[i]));
    return text;
}

static void change_list_to(const struct vector *vector, enum vector_form form, const char *old, struct str names[],
                           size_t n, int wanted)
{
    change_carrier(vector, form, old, spell_list(names, n, form).p, wanted);
}

static void change_list(const struct vector *vector, enum vector_form form)
{
    struct str names[VECTOR_HEADERS_MAX + 1], changed[VECTOR_HEADERS_MAX + 1];
    struct str list = vector->forms[form].canonical;
    size_t n = 0, host = 0;
    list.n -= CANONICAL_HASH_LEN + 1; /* its last line but one */
    const char *begin = memrchr(list.p, '\n', list.n);
    for (list = str_skip(list, (size_t)(begin + 1 - list.p)); list.n > 0; n++) {
        names[n] = (struct str){ list.p, str_find_char(list, ';') };
        if (str_eq(names[n], STR("host")))
            host = n;
        list = str_skip(list, names[n].n < list.n ? names[n].n + 1 : names[n].n);
    }
    const char *old = spell_list(names, n, form).p;
    memcpy(changed, names, sizeof(names));
    changed[host] = STR("Host");
    change_list_to(vector, form, old, changed, n, VERIFIER_UNSIGNED_HEADER);
    memcpy(changed, names, sizeof(names));
    changed[n] = names[n - 1];
    change_list_to(vector, form, old, changed, n + 1, VERIFIER_MISMATCH); /* one twice */
    changed[n] = STR("zzz");
    change_list_to(vector, form, old, changed, n + 1, VERIFIER_NO_HEADER); /* one that is not there */
    changed[n] = STR("");
    change_list_to(vector, form, old, changed, n + 1, VERIFIER_MISMATCH);
    if (n > 1) { /* another order */
        changed[0] = names[1];
        changed[1] = names[0];
        change_list_to(vector, form, old, changed, n, VERIFIER_MISMATCH);
    }
    for (size_t i = 0; i < n; i++) { /* one less */
        memcpy(changed, names, sizeof(names));
        memmove(&changed[i], &changed[i + 1], (n - i) * sizeof(names[0]));
        bool vital = i == host || str_eq(names[i], STR("x-amz-date"));
        change_list_to(vector, form, old, changed, n - 1,
                       n == 1  ? VERIFIER_INCOMPLETE
                       : vital ? VERIFIER_UNSIGNED_HEADER
                               : VERIFIER_MISMATCH);
    }
}

static void change_secret(const struct vector *vector, enum vector_form form)
{
    struct vector other = *vector;
    other.secret = append(vector->secret, "x");
    struct vector_request request = vector->forms[form].signed_request;
    refuse(&other, &request, VERIFIER_MISMATCH, "secret");
    /* Whoever serves every region finds the wrong one by the key. */
    struct verifier_options options = options_for(vector);
    options.n_regions = 0;
    options.service = (struct str){ 0 };
    struct str *text = carrier(&request, form);
    *text = replace(*text, "us-east-1", "us-east-2");
    request.request.headers = request.headers;
    assert_int_equal(verify_at(vector, &request.request, &options, VECTOR_NOW), VERIFIER_MISMATCH);
    n_refused++;
}

static void change_form(const struct vector *vector)
{
    struct vector_request both = vector->forms[VECTOR_HEADER].signed_request;
    both.request.query = vector->forms[VECTOR_QUERY].signed_request.request.query;
    refuse(vector, &both, VERIFIER_TWO_FORMS, "both forms");
    struct vector_request none = vector->plain;
    refuse(vector, &none, VERIFIER_MISSING, "no form");
    struct vector_request twice = vector->forms[VECTOR_HEADER].signed_request;
    vector_add_header(&twice, STR("authorization"), *carrier(&twice, VECTOR_HEADER));
    refuse(vector, &twice, VERIFIER_TWICE, "two headers");
}

static void test_changed(void **state)
{
    (void)state;
    for (size_t i = 0; i < n_vectors; i++) {
        for (int f = 0; f < VECTOR_FORM_COUNT; f++) {
            enum vector_form form = (enum vector_form)f;
            change_line_and_body(&vectors[i], form);
            change_headers(&vectors[i], form);
            change_scope(&vectors[i], form);
            change_date(&vectors[i], form);
            change_signature(&vectors[i], form);
            change_token(&vectors[i], form);
            change_list(&vectors[i], form);
            change_secret(&vectors[i], form);
        }
        change_form(&vectors[i]);
    }
    print_message("%zu cases in two forms; %u changed requests refused, 0 accepted\n", n_vectors, n_refused);
}

/* --- the folder -------------------------------------------------------------------------------------------------- */

static int setup(void **state)
{
    struct dirent **entries;
    (void)state;
    int n = scandir(folder, &entries, NULL, alphasort);
    for (int i = 0; i < n; i++) {
        if (entries[i]->d_name[0] != '.' && n_vectors < CASES_MAX) {
            struct str name = arena_dup(&arena, str_of(entries[i]->d_name));
            vector_load(folder, name.p, &arena, &vectors[n_vectors++]);
        }
        free(entries[i]);
    }
    free(entries);
    return n_vectors > 0 ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    arena_fini(&arena);
    return 0;
}

int main(int argc, char **argv)
{
    folder = getenv("CLOUDMAP_SIGV4_VECTORS");
    if (!folder)
        folder = argc > 1 ? argv[1] : "";
    if (access(folder, R_OK) != 0) {
        printf("skipped: there are no vectors in '%s'\n", folder);
        return SKIPPED;
    }
    arena_init(&arena, (size_t)1 << 30);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sign_header),
        cmocka_unit_test(test_sign_query),
        cmocka_unit_test(test_verify),
        cmocka_unit_test(test_changed),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
