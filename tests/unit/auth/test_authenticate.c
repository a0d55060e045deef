/* SPDX-License-Identifier: Apache-2.0 */
#include "../test.h"
#include "auth/authenticate.h"
#include "sigv4/signer.h"

#include <errno.h>

#define NOW 1700000000 /* 2023-11-14T22:13:20Z */
#define SERVICE STR("servicediscovery")

static struct arena arena;
static struct authenticate_worker *worker;

/* --- keys -------------------------------------------------------------------------------------------------------- */

static struct {
    const char *id, *token, *secret;
    struct authenticate_key key;
    unsigned n_opened;
    int open_result, identify_result;
} known;

static int find(void *arg, struct str access_key_id, struct str token, struct arena *of,
                struct authenticate_key *ret_key)
{
    assert_ptr_equal(arg, &known);
    assert_ptr_equal(of, &arena);
    if (!str_eq(access_key_id, str_of(known.id)) || !str_eq(token, str_of(known.token)))
        return 1;
    *ret_key = known.key;
    return 0;
}

static int open_secret(void *arg, const struct authenticate_key *key, struct arena *of,
                       char ret_secret[SIGNATURE_SECRET_MAX], size_t *ret_n)
{
    (void)arg;
    (void)of;
    (void)key;
    known.n_opened++;
    *ret_n = strlen(known.secret);
    memcpy(ret_secret, known.secret, *ret_n);
    return known.open_result;
}

static int identify(void *arg, const struct authenticate_key *key, struct arena *of, struct principal *ret_principal)
{
    (void)arg;
    (void)key;
    (void)of;
    *ret_principal = (struct principal){ .kind = PRINCIPAL_USER, .name = STR("alice") };
    return known.identify_result;
}

static const struct authenticate_lookup lookup = { &known, find, open_secret, identify };

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, (size_t)8 << 20);
    memset(&known, 0, sizeof(known));
    known.id = "AKIDEXAMPLE";
    known.secret = "secret";
    known.key = (struct authenticate_key){ .version = 1, .is_active = true };
    return authenticate_worker_new(NULL, 0, &worker);
}

static int teardown(void **state)
{
    (void)state;
    authenticate_worker_free(worker);
    arena_fini(&arena);
    return 0;
}

/* --- requests ---------------------------------------------------------------------------------------------------- */

struct call {
    struct str_pair headers[8];
    struct verifier_request request;
};

/* As the key's owner signs it. The headers are the call's own, so it must not be copied. */
static void sign(struct call *call, const char *service, int64_t seconds)
{
    struct signer signer;
    char hash[CANONICAL_HASH_LEN];
    struct str value;
    size_t n = 0;
    *call = (struct call){ .request = { .method = STR("POST"), .path = STR("/"), .body = STR("{}") } };
    assert_int_equal(
        signer_init(&signer, str_of(known.id), str_of(known.secret), STR("eu-central-1"), str_of(service), seconds), 0);
    call->headers[n++] = (struct str_pair){ STR("Host"), STR("data-registry.example:8650") };
    call->headers[n++] =
        (struct str_pair){ STR("X-Amz-Date"), arena_dup(&arena, (struct str){ signer.time, AMZ_DATE_LEN }) };
    call->headers[n++] = (struct str_pair){ STR("X-Amz-Target"), STR("Route53AutoNaming_v20170314.ListServices") };
    if (known.token)
        call->headers[n++] = (struct str_pair){ STR("X-Amz-Security-Token"), str_of(known.token) };
    signature_hash(call->request.body, hash);
    const struct canonical_request canonical = { .method = STR("POST"),
                                                 .path = STR("/"),
                                                 .headers = call->headers,
                                                 .n_headers = n,
                                                 .payload_hash = { hash, CANONICAL_HASH_LEN } };
    assert_int_equal(signer_make_header(&signer, &canonical, &arena, &value, NULL), 0);
    call->headers[n++] = (struct str_pair){ STR("Authorization"), value };
    call->request.headers = call->headers;
    call->request.n_headers = n;
    signer_fini(&signer);
}

static int ask(const struct call *call, struct authenticate_outcome *ret_outcome)
{
    return authenticate_request(worker, &lookup, &call->request, SERVICE, NOW, &arena, ret_outcome);
}

static int ask_signed(struct authenticate_outcome *ret_outcome)
{
    struct call call;
    sign(&call, "servicediscovery", NOW);
    return ask(&call, ret_outcome);
}

/* --- tests ------------------------------------------------------------------------------------------------------- */

static void takes_what_is_signed(void **state)
{
    (void)state;
    struct authenticate_outcome outcome;
    assert_int_equal(ask_signed(&outcome), 0);
    assert_str(outcome.principal.name, "alice");
    assert_str(outcome.region, "eu-central-1");
    assert_str(outcome.access_key_id, "AKIDEXAMPLE");
    assert_false(str_is_set(outcome.message));
    assert_int_equal(known.n_opened, 1);
    assert_int_equal(ask_signed(&outcome), 0);
    assert_int_equal(known.n_opened, 1); /* the derived key is kept */
}

static void a_changed_key_counts_at_once(void **state)
{
    (void)state;
    struct authenticate_outcome outcome;
    struct call old;
    sign(&old, "servicediscovery", NOW);
    assert_int_equal(ask(&old, &outcome), 0);
    known.secret = "other";
    known.key.version = 2;
    assert_int_equal(ask(&old, &outcome), AUTHENTICATE_INVALID);
    assert_int_equal(ask_signed(&outcome), 0);
    known.key.is_active = false;
    assert_int_equal(ask_signed(&outcome), AUTHENTICATE_UNKNOWN);
    known.key.is_active = true;
    known.identify_result = 1;
    assert_int_equal(ask_signed(&outcome), AUTHENTICATE_UNKNOWN);
    known.identify_result = -ENOMEM;
    assert_int_equal(ask_signed(&outcome), -ENOMEM);
    known.key.version = 3;
    known.open_result = -EIO;
    assert_int_equal(ask_signed(&outcome), -EIO);
}

static void knows_no_strangers(void **state)
{
    (void)state;
    struct authenticate_outcome outcome;
    struct call call;
    sign(&call, "servicediscovery", NOW);
    known.id = "AKIDOTHER";
    assert_int_equal(ask(&call, &outcome), AUTHENTICATE_UNKNOWN);
    assert_str(outcome.access_key_id, "AKIDEXAMPLE");
    assert_false(str_is_set(outcome.message));
    assert_int_equal(known.n_opened, 0);
}

static void tokens_belong_to_keys(void **state)
{
    (void)state;
    struct authenticate_outcome outcome;
    struct call call;
    known.token = "token";
    assert_int_equal(ask_signed(&outcome), 0);
    known.key.is_expired = true;
    assert_int_equal(ask_signed(&outcome), AUTHENTICATE_EXPIRED);
    sign(&call, "servicediscovery", NOW);
    call.headers[4].value =
        arena_printf(&arena, STR_FMT "0", (int)call.headers[4].value.n - 1, call.headers[4].value.p);
    assert_int_equal(ask(&call, &outcome), AUTHENTICATE_INVALID); /* whoever did not sign is not told */
    known.token = "another";
    known.key.is_expired = false;
    assert_int_equal(ask(&call, &outcome), AUTHENTICATE_UNKNOWN);
    known.token = NULL;
    assert_int_equal(ask(&call, &outcome), AUTHENTICATE_UNKNOWN);
}

/* --- texts ------------------------------------------------------------------------------------------------------- */

static void tells_what_is_missing(void **state)
{
    (void)state;
    static const struct {
        const char *authorization;
        int result;
        const char *message;
    } cases[] = {
        { "", AUTHENTICATE_MISSING, NULL },
        { "Bearer x", AUTHENTICATE_MISSING, NULL },
        { "AWS4-HMAC-SHA256 ", AUTHENTICATE_INCOMPLETE,
          "Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' parameter. "
          "Authorization header requires 'SignedHeaders' parameter." },
        { "AWS4-HMAC-SHA512 Credential=x", AUTHENTICATE_INCOMPLETE,
          "Unsupported AWS 'algorithm': 'AWS4-HMAC-SHA512'." },
        { "AWS4-HMAC-SHA256 Credential=a, Sig\tn\x80ture", AUTHENTICATE_INCOMPLETE,
          "'Sig?n?ture' not a valid key=value pair (missing equal-sign) in Authorization header." },
        { "AWS4-HMAC-SHA256 Credential=a, Signature=b, Signature=c, SignedHeaders=d", AUTHENTICATE_INCOMPLETE,
          "'Signature' is there twice." },
        { "AWS4-HMAC-SHA256 Credential=a, Signature=b, SignedHeaders=x-amz-date;x-amz-target", AUTHENTICATE_INVALID,
          "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization." },
        { "AWS4-HMAC-SHA256 Credential=a, Signature=b, SignedHeaders=host;x-amz-date", AUTHENTICATE_INVALID,
          "'x-amz-target' must be a 'SignedHeader' in the AWS Authorization." },
        { "AWS4-HMAC-SHA256 Credential=a/b, Signature=b, SignedHeaders=host;x-amz-date;x-amz-target",
          AUTHENTICATE_INCOMPLETE,
          "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got 'a/b'" },
        { "AWS4-HMAC-SHA256 Credential=a/20231113/x_y/ec2/v4, Signature=b, SignedHeaders=host;x-amz-date;x-amz-target",
          AUTHENTICATE_INVALID,
          "Credential should be scoped to a valid region, not 'x_y'. Credential should be scoped to correct service: "
          "'servicediscovery'. Credential should be scoped with a valid terminator: 'aws4_request', not 'v4'. Date in "
          "Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '20231113' != "
          "'20231114', from '20231114T221320Z'." },
        { "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20231114/r/servicediscovery/aws4_request, Signature=b, "
          "SignedHeaders=host;x-amz-date;x-amz-target;x-amz-zone",
          AUTHENTICATE_INCOMPLETE,
          "'x-amz-zone' is a 'SignedHeader' in the AWS Authorization and not in the request." },
        { "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20231114/r/servicediscovery/aws4_request, Signature=b, "
          "SignedHeaders=host;x-amz-date;x-amz-target",
          AUTHENTICATE_INVALID, NULL },
    };
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        struct authenticate_outcome outcome;
        struct call call;
        sign(&call, "servicediscovery", NOW);
        call.headers[3].value = str_of(cases[i].authorization);
        assert_int_equal(ask(&call, &outcome), cases[i].result);
        assert_int_equal(str_is_set(outcome.message), cases[i].message != NULL);
        if (cases[i].message)
            assert_string_equal(arena_dup(&arena, outcome.message).p, cases[i].message);
    }
}

static void tells_the_time(void **state)
{
    (void)state;
    static const struct {
        int64_t ahead;
        const char *message;
    } cases[] = {
        { -300, NULL },
        { 300, NULL },
        { -301,
          "Signature expired: 20231114T220819Z is now earlier than 20231114T220820Z (20231114T221320Z - 5 min.)" },
        { 301, "Signature not yet current: 20231114T221821Z is still later than 20231114T221820Z (20231114T221320Z + 5 "
               "min.)" },
    };
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        struct authenticate_outcome outcome;
        struct call call;
        sign(&call, "servicediscovery", NOW + cases[i].ahead);
        assert_int_equal(ask(&call, &outcome), cases[i].message ? AUTHENTICATE_INVALID : 0);
        if (cases[i].message)
            assert_string_equal(arena_dup(&arena, outcome.message).p, cases[i].message);
    }
}

static void tells_what_a_query_lacks(void **state)
{
    (void)state;
    static const struct {
        const char *query;
        int result;
        const char *message;
    } cases[] = {
        { "X-Amz-Algorithm=AWS4-HMAC-SHA256", AUTHENTICATE_INCOMPLETE,
          "AWS query-string parameters must include 'X-Amz-Credential'. AWS query-string parameters must include "
          "'X-Amz-Signature'. AWS query-string parameters must include 'X-Amz-SignedHeaders'. AWS query-string "
          "parameters must include 'X-Amz-Date'. AWS query-string parameters must include 'X-Amz-Expires'." },
        { "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=a&X-Amz-Signature=b&X-Amz-SignedHeaders=host%3Bx-amz-"
          "target&"
          "X-Amz-Date=today&X-Amz-Expires=1",
          AUTHENTICATE_INCOMPLETE,
          "Date must be in ISO-8601 'basic format'. Got 'today'. See http://en.wikipedia.org/wiki/ISO_8601" },
        { "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=a&X-Amz-Signature=b&X-Amz-SignedHeaders=host%3Bx-amz-"
          "target&"
          "X-Amz-Date=20231114T221320Z&X-Amz-Expires=0",
          AUTHENTICATE_INCOMPLETE, "X-Amz-Expires must be a number of seconds from 1 to 604800." },
        { "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=a&X-Amz-Signature=b&X-Amz-SignedHeaders=host%3Bx-amz-"
          "target&"
          "X-Amz-Date=20231114T221300Z&X-Amz-Expires=10",
          AUTHENTICATE_INVALID,
          "Signature expired: 20231114T221300Z is now earlier than 20231114T221310Z (20231114T221320Z - 10 sec.)" },
    };
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        struct authenticate_outcome outcome;
        struct call call;
        sign(&call, "servicediscovery", NOW);
        call.request.n_headers = 3; /* no Authorization */
        call.request.query = str_of(cases[i].query);
        assert_int_equal(ask(&call, &outcome), cases[i].result);
        assert_string_equal(arena_dup(&arena, outcome.message).p, cases[i].message);
    }
    struct authenticate_outcome outcome;
    struct call both;
    sign(&both, "servicediscovery", NOW);
    both.request.query = str_of(cases[0].query);
    assert_int_equal(ask(&both, &outcome), AUTHENTICATE_INVALID);
    assert_str(outcome.message,
               "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header.");
}

static void each_service_has_its_signatures(void **state)
{
    (void)state;
    struct authenticate_outcome outcome;
    struct call call;
    sign(&call, "sts", NOW);
    assert_int_equal(ask(&call, &outcome), AUTHENTICATE_INVALID);
    assert_str(outcome.message, "Credential should be scoped to correct service: 'servicediscovery'.");
    assert_int_equal(authenticate_request(worker, &lookup, &call.request, STR("sts"), NOW, &arena, &outcome), 0);
}

static void memory_may_end(void **state)
{
    (void)state;
    for (size_t cap = 0; cap < 20000; cap += 100) {
        struct authenticate_outcome outcome;
        struct call call;
        sign(&call, "servicediscovery", NOW);
        struct arena whole = arena;
        arena_init(&arena, cap);
        int r = ask(&call, &outcome);
        assert_true(r == 0 || r == -ENOMEM);
        arena_fini(&arena);
        arena = whole;
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(takes_what_is_signed),     TEST(a_changed_key_counts_at_once),    TEST(knows_no_strangers),
        TEST(tokens_belong_to_keys),    TEST(tells_what_is_missing),           TEST(tells_the_time),
        TEST(tells_what_a_query_lacks), TEST(each_service_has_its_signatures), TEST(memory_may_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
