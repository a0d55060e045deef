/* SPDX-License-Identifier: Apache-2.0
 *
 * The forms of a signature that the public vectors leave out: what real clients send to Cloud Map, and what nobody
 * should send. */
#include "../test.h"
#include "sigv4/signer.h"
#include "sigv4/verifier.h"

#define NOW 1700000000

static struct arena arena;
static const struct verifier_options strict = { .window_s = VERIFIER_WINDOW_S, .service = STR("servicediscovery") };

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, (size_t)8 << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_fini(&arena);
    return 0;
}

/* A call as boto3 sends it, signed: the first n_signed headers are. */
struct call {
    struct str_pair headers[12];
    struct verifier_request request;
};

static struct call sign_call(const char *date_name, const char *date, size_t n_signed)
{
    struct signer signer;
    char hash[CANONICAL_HASH_LEN];
    struct str value;
    struct call call = {
        .headers = { { STR("Host"), STR("data-servicediscovery.eu-central-1.amazonaws.com") },
                     { str_of(date_name), str_of(date) },
                     { STR("X-Amz-Security-Token"), STR("token") },
                     { STR("X-Amz-Target"), STR("Route53AutoNaming_v20170314.DiscoverInstances") },
                     { STR("Content-Type"), STR("application/x-amz-json-1.1") } },
        .request = { .method = STR("POST"), .path = STR("/"), .n_headers = 5, .body = STR("{}") },
    };
    assert_int_equal(
        signer_init(&signer, STR("AKID"), STR("secret"), STR("eu-central-1"), STR("servicediscovery"), NOW), 0);
    signature_hash(call.request.body, hash);
    const struct canonical_request canonical = {
        .method = STR("POST"),
        .path = STR("/"),
        .headers = call.headers,
        .n_headers = n_signed,
        .payload_hash = { hash, CANONICAL_HASH_LEN },
    };
    assert_int_equal(signer_make_header(&signer, &canonical, &arena, &value, NULL), 0);
    signer_fini(&signer);
    call.headers[call.request.n_headers++] = (struct str_pair){ STR("authorization"), value };
    return call;
}

static int verify(struct call *call, const struct verifier_options *options)
{
    struct verifier_claim claim;
    struct signature_key key;
    call->request.headers = call->headers;
    int r = verifier_read(&call->request, options, NOW, &arena, &claim);
    if (r != 0)
        return r;
    assert_str(claim.access_key_id, "AKID");
    assert_str(claim.scope.region, "eu-central-1");
    assert_str(claim.parts.token, "token");
    assert_int_equal(signature_derive_key(STR("secret"), &claim.scope, &key), 0);
    return verifier_check(&call->request, options, &claim, &key, &arena);
}

static void test_dates(void **state)
{
    (void)state;
    static const struct {
        const char *name, *date;
        int result;
    } cases[] = {
        { "X-Amz-Date", "20231114T221320Z", 0 },
        { "Date", "20231114T221320Z", 0 },
        { "Date", "Tue, 14 Nov 2023 22:13:20 GMT", 0 },
        { "X-Amz-Date", "Tue, 14 Nov 2023 22:13:20 GMT", 0 },
        { "X-Amz-Date", "2023-11-14T22:13:20Z", VERIFIER_BAD_DATE },
        { "X-Date", "20231114T221320Z", VERIFIER_INCOMPLETE },
        { "Date", "20231114T221321Z", VERIFIER_MISMATCH },
        { "X-Amz-Date", "20231114T221821Z", VERIFIER_TOO_NEW },
        { "X-Amz-Date", "20231114T220819Z", VERIFIER_TOO_OLD },
    };
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        struct call call = sign_call(cases[i].name, cases[i].date, 5);
        assert_int_equal(verify(&call, &strict), cases[i].result);
    }
}

static void test_policy(void **state)
{
    (void)state;
    struct verifier_options lenient = strict;
    lenient.takes_unsigned_headers = true;
    static const struct {
        size_t n_signed;
        int strict, lenient;
    } cases[] = {
        { 5, 0, 0 },
        { 4, 0, 0 }, /* Content-Type need not be */
        { 3, VERIFIER_UNSIGNED_HEADER, 0 },
        { 2, VERIFIER_UNSIGNED_HEADER, 0 },
        { 1, VERIFIER_UNSIGNED_HEADER, VERIFIER_UNSIGNED_HEADER },
    };
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        struct call call = sign_call("X-Amz-Date", "20231114T221320Z", cases[i].n_signed);
        assert_int_equal(verify(&call, &strict), cases[i].strict);
        assert_int_equal(verify(&call, &lenient), cases[i].lenient);
    }
}

static void test_authorization(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int result;
    } cases[] = {
        { "", VERIFIER_MISSING },
        { "Basic YTpi", VERIFIER_MISSING },
        { "AWS AKID:x", VERIFIER_MISSING },
        { "AWS4-ECDSA-P256-SHA256 Credential=a", VERIFIER_UNSUPPORTED },
        { "AWS4-HMAC-SHA256", VERIFIER_INCOMPLETE },
        { "AWS4-HMAC-SHA256 Credential", VERIFIER_NOT_A_PAIR },
        { "AWS4-HMAC-SHA256 Credential=a/20231114/r/servicediscovery/aws4_request, SignedHeaders=host",
          VERIFIER_INCOMPLETE },
        { "AWS4-HMAC-SHA256 Signature=s, SignedHeaders=host;x-amz-date, Credential=", VERIFIER_INCOMPLETE },
        { "AWS4-HMAC-SHA256 Signature=s,Signature=s,SignedHeaders=host,Credential=c", VERIFIER_TWICE },
        { "AWS4-HMAC-SHA256 Signature=s, SignedHeaders=x-amz-date, Credential=c", VERIFIER_UNSIGNED_HEADER },
        { "AWS4-HMAC-SHA256 Signature=s, "
          "SignedHeaders=host;x-amz-date;x-amz-security-token;x-amz-target, Credential=a/b",
          VERIFIER_BAD_CREDENTIAL },
        { "AWS4-HMAC-SHA256 Signature=s, SignedHeaders=host;x-amz-date;x-amz-security-token;x-amz-target, "
          "Credential=/20231114/r/servicediscovery/aws4_request",
          VERIFIER_BAD_CREDENTIAL },
        { "AWS4-HMAC-SHA256 Signature=s, SignedHeaders=host;x-amz-date;x-amz-security-token;x-amz-target, "
          "Credential=a/20231114//servicediscovery/aws4_request",
          VERIFIER_WRONG_SCOPE },
        { "AWS4-HMAC-SHA256 Signature=s, SignedHeaders=host;x-amz-date;x-amz-security-token;x-amz-target, "
          "Credential=a/20231114/r/servicediscovery/aws4_request/x",
          VERIFIER_BAD_CREDENTIAL },
    };
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        struct call call = sign_call("X-Amz-Date", "20231114T221320Z", 5);
        call.headers[5].value = str_of(cases[i].text);
        int r = verify(&call, &strict);
        if (r != cases[i].result)
            print_error("%s: %d\n", cases[i].text, r);
        assert_int_equal(r, cases[i].result);
    }
}

static void test_payload_hash(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        int result;
    } cases[] = {
        { "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a", 0 },
        { "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8b", VERIFIER_WRONG_HASH },
        { "", VERIFIER_WRONG_HASH },
        { "UNSIGNED-PAYLOAD", VERIFIER_UNSUPPORTED },
        { "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", VERIFIER_UNSUPPORTED },
    };
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        struct call call = sign_call("X-Amz-Date", "20231114T221320Z", 5);
        call.headers[call.request.n_headers++] =
            (struct str_pair){ STR("x-amz-content-sha256"), str_of(cases[i].value) };
        assert_int_equal(verify(&call, &strict), cases[i].result);
        call.headers[call.request.n_headers++] = call.headers[6];
        assert_int_equal(verify(&call, &strict), VERIFIER_TWICE);
    }
}

static void test_query_form(void **state)
{
    (void)state;
    static const struct {
        const char *query;
        int result;
    } cases[] = {
        { "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Algorithm=AWS4-HMAC-SHA256", VERIFIER_TWICE },
        { "X-Amz-Algorithm=AWS4-ECDSA-P256-SHA256", VERIFIER_UNSUPPORTED },
        { "X-Amz-Algorithm=AWS4-HMAC-SHA256", VERIFIER_INCOMPLETE },
        { "X-Amz-Signature=x", VERIFIER_MISSING },
        { "x-amz-algorithm=AWS4-HMAC-SHA256", VERIFIER_MISSING },
        { "a=%zz", VERIFIER_MISSING },
        { "%zz=a", VERIFIER_MALFORMED },
    };
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        struct call call = sign_call("X-Amz-Date", "20231114T221320Z", 5);
        call.request.n_headers = 5; /* no Authorization */
        call.request.query = str_of(cases[i].query);
        assert_int_equal(verify(&call, &strict), cases[i].result);
    }
}

static void test_secret_length(void **state)
{
    (void)state;
    char secret[SIGNATURE_SECRET_MAX + 1] = { 0 };
    struct signer signer;
    struct str text = { secret, SIGNATURE_SECRET_MAX };
    assert_int_equal(signer_init(&signer, STR("a"), text, STR("r"), STR("s"), NOW), 0);
    text.n++;
    assert_int_equal(signer_init(&signer, STR("a"), text, STR("r"), STR("s"), NOW), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dates),        cmocka_unit_test(test_policy),     cmocka_unit_test(test_authorization),
        cmocka_unit_test(test_payload_hash), cmocka_unit_test(test_query_form), cmocka_unit_test(test_secret_length),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
