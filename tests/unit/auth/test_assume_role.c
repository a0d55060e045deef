/* SPDX-License-Identifier: Apache-2.0
 *
 * From AssumeRole to a signed call of the session, and all that ends it. */
#include "../registry/bed.h"
#include "auth/access_lookup.h"
#include "auth/assume_role.h"
#include "auth/credential.h"
#include "auth/vault.h"
#include "base/mem.h"
#include "model/policy.h"
#include "sigv4/signer.h"

#include <errno.h>

#define NOW 1700000000
#define KEY_ID STR("AKIAANNAANNAANNAANNA")
#define SECRET STR("annasecretannasecret")
#define ROLE_ARN STR("arn:aws:iam::000000000000:role/team/ops")
#define ALLOW_ALL \
    "{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"}}"

static struct bed bed;
static struct arena arena;
static struct seal *seal;
static struct authenticate_worker *worker;
static const struct snapshot *snapshot;

/* --- the scene: user Ann with a key, role ops that she may assume ------------------------------------------------- */

static void change(enum change_kind kind, struct identity identity)
{
    identity.account = BED_ACCOUNT;
    caller_new(&bed.caller, kind)->identity = identity;
    assert_int_equal(caller_do(&bed.caller), 0);
}

static void create_role(const char *id, const char *trust)
{
    change(CHANGE_CREATE_IDENTITY, (struct identity){ .kind = IDENTITY_ROLE,
                                                      .name = STR("ops"),
                                                      .path = STR("/team/"),
                                                      .id = str_of(id),
                                                      .trust = str_of(trust),
                                                      .max_session_s = 7200 });
}

static void delete_role(void)
{
    change(CHANGE_DELETE_IDENTITY, (struct identity){ .kind = IDENTITY_ROLE, .name = STR("ops") });
}

static void disable_key(bool is_disabled)
{
    caller_new(&bed.caller, CHANGE_UPDATE_KEY)->key = (struct access_key){ .id = KEY_ID, .is_disabled = is_disabled };
    assert_int_equal(caller_do(&bed.caller), 0);
}

static void create_key(void)
{
    struct str sealed;
    assert_int_equal(seal_close(seal, vault_record(&arena, KEY_ID), SECRET, &arena, &sealed), 0);
    caller_new(&bed.caller, CHANGE_CREATE_KEY)->key =
        (struct access_key){ .id = KEY_ID, .account = BED_ACCOUNT, .user = STR("Ann"), .sealed = sealed };
    assert_int_equal(caller_do(&bed.caller), 0);
}

static void delete_key(void)
{
    caller_new(&bed.caller, CHANGE_DELETE_KEY)->key = (struct access_key){ .id = KEY_ID };
    assert_int_equal(caller_do(&bed.caller), 0);
}

static void create_user(const char *id)
{
    change(CHANGE_CREATE_IDENTITY,
           (struct identity){ .kind = IDENTITY_USER, .name = STR("Ann"), .path = STR("/"), .id = str_of(id) });
}

#define TRUST_ALL                                                                                    \
    "{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"sts:AssumeRole\"," \
    "\"Principal\":\"*\"}}"
#define TRUST_ANN                                                                                                   \
    "{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"sts:AssumeRole\",\"Principal\":{" \
    "\"AWS\":\"arn:aws:iam::000000000000:user/Ann\"},\"Condition\":{\"StringEquals\":{\"sts:ExternalId\":\"door\"}}}}"

static int setup(void **state)
{
    static const uint8_t key[AEAD_KEY_LEN] = { 1 };
    char id[SEAL_KEY_ID_LEN];
    (void)state;
    bed_init(&bed);
    arena_init(&arena, 1 << 20);
    seal = seal_new();
    seal_key_id(key, id);
    assert_int_equal(seal_add(seal, key), 0);
    assert_int_equal(seal_use(seal, (struct str){ id, sizeof(id) }), 0);
    create_user("AIDAAAAAAAAAAAAAAAAAA");
    create_role("AROAAAAAAAAAAAAAAAAAA", TRUST_ANN);
    create_key();
    return authenticate_worker_new(NULL, 0, &worker);
}

static int teardown(void **state)
{
    (void)state;
    authenticate_worker_free(worker);
    seal_free(seal);
    arena_fini(&arena);
    bed_fini(&bed);
    return 0;
}

/* --- what is done in it ------------------------------------------------------------------------------------------- */

/* A call signed with these credentials, as the gate judges it `later` seconds on. */
static int call(struct str key_id, struct str secret, struct str token, int64_t later, struct principal *ret_principal)
{
    struct signer signer;
    char hash[CANONICAL_HASH_LEN];
    struct str authorization;
    assert_int_equal(signer_init(&signer, key_id, secret, STR("r"), STR("servicediscovery"), NOW + later), 0);
    struct str_pair headers[4] = { { STR("Host"), STR("h") }, { STR("X-Amz-Date"), { signer.time, AMZ_DATE_LEN } } };
    size_t n = 2;
    if (str_is_set(token))
        headers[n++] = (struct str_pair){ STR("X-Amz-Security-Token"), token };
    signature_hash(STR(""), hash);
    struct canonical_request canonical = { .method = STR("POST"),
                                           .path = STR("/"),
                                           .headers = headers,
                                           .n_headers = n,
                                           .payload_hash = { hash, sizeof(hash) } };
    assert_int_equal(signer_make_header(&signer, &canonical, &arena, &authorization, NULL), 0);
    headers[n++] = (struct str_pair){ STR("Authorization"), authorization };
    struct credential_source source = { .snapshot = bed_hold(&bed), .seal = seal, .now_s = NOW + later };
    struct authenticate_lookup lookup = credential_lookup(&source);
    struct verifier_request request = { STR("POST"), STR("/"), { 0 }, headers, n, { 0 } };
    struct authenticate_outcome outcome;
    int r = authenticate_request(worker, &lookup, &request, STR("servicediscovery"), NOW + later, &arena, &outcome);
    bed_release(&bed);
    *ret_principal = outcome.principal;
    return r;
}

static int assume(struct assume_role_call how, struct assume_role_outcome *ret_outcome)
{
    struct principal ann;
    struct context context = { .values = { [CONDITION_KEY_EXTERNAL_ID] = STR("door") } };
    assert_int_equal(call(KEY_ID, SECRET, (struct str){ 0 }, 0, &ann), 0);
    assert_str(ann.arn, "arn:aws:iam::000000000000:user/Ann");
    how.principal = how.principal ? how.principal : &ann;
    how.context = how.context ? how.context : &context;
    how.role_arn = str_is_set(how.role_arn) ? how.role_arn : ROLE_ARN;
    how.session_name = STR("ci");
    how.now_s = NOW;
    snapshot = bed_hold(&bed);
    int r = assume_role_do(snapshot, seal, &how, &arena, ret_outcome);
    bed_release(&bed);
    return r;
}

static int call_session(const struct assume_role_outcome *outcome, int64_t later, struct principal *ret_principal)
{
    return call(outcome->session.access_key_id, outcome->session.secret, outcome->token, later, ret_principal);
}

/* --- tests ---------------------------------------------------------------------------------------------------------
 */

static void a_session_signs(void **state)
{
    (void)state;
    struct assume_role_outcome outcome, another;
    struct principal principal;
    assert_int_equal(assume((struct assume_role_call){ 0 }, &outcome), 0);
    assert_true(str_starts(outcome.session.access_key_id, STR("ASIA")) && outcome.session.access_key_id.n == 20);
    assert_int_equal(outcome.session.expires_s, NOW + 3600);
    assert_str(outcome.principal.arn, "arn:aws:sts::000000000000:assumed-role/ops/ci");
    assert_str(outcome.principal.id, "AROAAAAAAAAAAAAAAAAAA:ci");
    assert_int_equal(call_session(&outcome, 10, &principal), 0);
    assert_int_equal(principal.kind, PRINCIPAL_ROLE);
    assert_str(principal_lasting_arn(&principal), "arn:aws:iam::000000000000:role/team/ops");
    assert_str(principal.arn, "arn:aws:sts::000000000000:assumed-role/ops/ci");
    assert_true(str_eq(principal.access_key_id, outcome.session.access_key_id));
    assert_int_equal(principal.token_issue_s, NOW);
    assert_null(principal.session_policy);
    /* Each has credentials of its own, and they do not mix. */
    assert_int_equal(assume((struct assume_role_call){ 0 }, &another), 0);
    assert_false(str_eq(another.session.access_key_id, outcome.session.access_key_id));
    another.token = outcome.token;
    assert_int_equal(call_session(&another, 0, &principal), AUTHENTICATE_UNKNOWN);
    assert_int_equal(call(KEY_ID, SECRET, outcome.token, 0, &principal), AUTHENTICATE_UNKNOWN);
    outcome.token = (struct str){ 0 };
    assert_int_equal(call_session(&outcome, 0, &principal), AUTHENTICATE_UNKNOWN);
}

static void a_token_is_whole_or_nothing(void **state)
{
    (void)state;
    struct assume_role_outcome outcome;
    struct principal principal;
    struct session session;
    assert_int_equal(assume((struct assume_role_call){ 0 }, &outcome), 0);
    for (size_t i = 0; i < outcome.token.n; i++) {
        char *changed = (char *)(uintptr_t)arena_dup(&arena, outcome.token).p;
        changed[i] ^= 1;
        assert_int_equal(session_open(seal, (struct str){ changed, outcome.token.n }, &arena, &session), 1);
        assert_int_equal(session_open(seal, (struct str){ outcome.token.p, i }, &arena, &session), 1);
    }
    /* A secret of the store is none, though the same key seals it. */
    snapshot = bed_hold(&bed);
    outcome.token = snapshot ? access_state_find_key(&snapshot->access, KEY_ID)->sealed : STR("");
    assert_int_equal(session_open(seal, outcome.token, &arena, &session), 1);
    bed_release(&bed);
    assert_int_equal(call_session(&outcome, 0, &principal), AUTHENTICATE_UNKNOWN);
}

static void what_ends_a_session(void **state)
{
    (void)state;
    struct assume_role_outcome outcome;
    struct principal principal;
    assert_int_equal(assume((struct assume_role_call){ .duration_s = 900 }, &outcome), 0);
    assert_int_equal(call_session(&outcome, 899, &principal), 0);
    assert_int_equal(call_session(&outcome, 900, &principal), AUTHENTICATE_EXPIRED);
    delete_role();
    assert_int_equal(call_session(&outcome, 0, &principal), AUTHENTICATE_UNKNOWN);
    create_role("AROABBBBBBBBBBBBBBBBB", TRUST_ANN);
    assert_int_equal(call_session(&outcome, 0, &principal), AUTHENTICATE_UNKNOWN);
}

/* Also at the end of a chain: of a session that a session began. */
static void whose_end_ends_a_session(void **state)
{
    (void)state;
    struct assume_role_outcome first, second;
    struct principal session, principal;
    delete_role();
    create_role("AROADDDDDDDDDDDDDDDDD", TRUST_ALL);
    assert_int_equal(assume((struct assume_role_call){ 0 }, &first), 0);
    assert_int_equal(call_session(&first, 0, &session), 0);
    assert_int_equal(assume((struct assume_role_call){ .principal = &session }, &second), 0);
    assert_int_equal(call_session(&second, 0, &principal), 0);
    disable_key(true);
    assert_int_equal(call_session(&first, 0, &principal), AUTHENTICATE_UNKNOWN);
    assert_int_equal(call_session(&second, 0, &principal), AUTHENTICATE_UNKNOWN);
    disable_key(false);
    assert_int_equal(call_session(&first, 0, &principal), 0);
    assert_int_equal(call_session(&second, 0, &principal), 0);
    delete_key();
    assert_int_equal(call_session(&second, 0, &principal), AUTHENTICATE_UNKNOWN);
    bed_advance(&bed, 1);
    create_key();
    assert_int_equal(call_session(&second, 0, &principal), AUTHENTICATE_UNKNOWN);
}

/* Whoever has shown a certificate has no key: there it is the user. */
static void a_session_that_a_certificate_began(void **state)
{
    (void)state;
    struct assume_role_outcome outcome;
    struct principal ann, principal;
    snapshot = bed_hold(&bed);
    assert_int_equal(principal_of_user(access_lookup_user(snapshot, BED_ACCOUNT, STR("Ann")), &arena, &ann), 0);
    bed_release(&bed);
    assert_int_equal(assume((struct assume_role_call){ .principal = &ann }, &outcome), 0);
    delete_key();
    assert_int_equal(call_session(&outcome, 0, &principal), 0);
    change(CHANGE_DELETE_IDENTITY, (struct identity){ .kind = IDENTITY_USER, .name = STR("Ann") });
    assert_int_equal(call_session(&outcome, 0, &principal), AUTHENTICATE_UNKNOWN);
    create_user("AIDABBBBBBBBBBBBBBBBB");
    assert_int_equal(call_session(&outcome, 0, &principal), AUTHENTICATE_UNKNOWN);
}

static void what_changes_a_key(void **state)
{
    (void)state;
    struct assume_role_outcome outcome;
    struct principal principal;
    struct str none = { 0 };
    assert_int_equal(call(KEY_ID, SECRET, none, 0, &principal), 0);
    assert_int_equal(assume((struct assume_role_call){ 0 }, &outcome), 0);
    disable_key(true);
    assert_int_equal(call(KEY_ID, SECRET, none, 0, &principal), AUTHENTICATE_UNKNOWN);
    struct str sealed;
    assert_int_equal(seal_close(seal, vault_record(&arena, KEY_ID), STR("another secret"), &arena, &sealed), 0);
    caller_new(&bed.caller, CHANGE_UPDATE_KEY)->key = (struct access_key){ .id = KEY_ID, .sealed = sealed };
    assert_int_equal(caller_do(&bed.caller), 0);
    assert_int_equal(call(KEY_ID, SECRET, none, 0, &principal), AUTHENTICATE_INVALID);
    assert_int_equal(call(KEY_ID, STR("another secret"), none, 0, &principal), 0);
    assert_int_equal(call_session(&outcome, 0, &principal), AUTHENTICATE_UNKNOWN);
}

static void who_may_not(void **state)
{
    (void)state;
    struct assume_role_outcome outcome;
    struct context elsewhere = { .values = { [CONDITION_KEY_EXTERNAL_ID] = STR("window") } };
    const struct principal root = { .kind = PRINCIPAL_ROOT,
                                    .account = STR("000000000000"),
                                    .arn = STR("arn:aws:iam::000000000000:root"),
                                    .id = STR("000000000000") };
    static const char *const others[] = {
        "arn:aws:iam::000000000000:role/team/none",   "arn:aws:iam::000000000000:role/ops",
        "arn:aws:iam::111111111111:role/team/ops",    "arn:aws:iam::000000000000:user/team/ops",
        "arn:aws:iam::000000000000:role/team/ops/",   "arn:aws:iam::000000000000",
        "arn:aws-cn:iam::000000000000:role/team/ops", "ops",
    };
    assert_int_equal(assume((struct assume_role_call){ .context = &elsewhere }, &outcome), ASSUME_ROLE_DENIED);
    assert_str(outcome.message,
               "User: arn:aws:iam::000000000000:user/Ann is not authorized to perform: sts:AssumeRole on "
               "resource: arn:aws:iam::000000000000:role/team/ops");
    assert_int_equal(assume((struct assume_role_call){ .principal = &root }, &outcome), ASSUME_ROLE_DENIED);
    for (size_t i = 0; i < TEST_COUNT(others); i++)
        assert_int_equal(assume((struct assume_role_call){ .role_arn = str_of(others[i]) }, &outcome),
                         ASSUME_ROLE_DENIED);
}

static void how_long(void **state)
{
    (void)state;
    struct assume_role_outcome outcome;
    struct principal session;
    assert_int_equal(assume((struct assume_role_call){ .duration_s = 7200 }, &outcome), 0);
    assert_int_equal(outcome.session.expires_s, NOW + 7200);
    assert_int_equal(assume((struct assume_role_call){ .duration_s = 7201 }, &outcome), ASSUME_ROLE_INVALID);
    assert_str(outcome.message, "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.");
    /* A session that begins another one. */
    delete_role();
    create_role("AROACCCCCCCCCCCCCCCCC", TRUST_ALL);
    assert_int_equal(assume((struct assume_role_call){ 0 }, &outcome), 0);
    assert_int_equal(call_session(&outcome, 0, &session), 0);
    assert_int_equal(assume((struct assume_role_call){ .principal = &session, .duration_s = 3601 }, &outcome),
                     ASSUME_ROLE_INVALID);
    assert_int_equal(assume((struct assume_role_call){ .principal = &session, .duration_s = 3600 }, &outcome), 0);
}

static void session_policies(void **state)
{
    (void)state;
    struct assume_role_outcome outcome;
    struct principal principal;
    assert_int_equal(assume((struct assume_role_call){ .policy = STR("{\"Statement\":[]") }, &outcome),
                     ASSUME_ROLE_BAD_POLICY);
    assert_true(str_starts(outcome.message, STR("The policy is not valid: line 1: ")));
    /* A token must fit into a request: characters of two bytes, in the place of blanks. */
    struct str wide = arena_printf(
        &arena,
        "{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\","
        "\"Condition\":{\"StringNotEquals\":{\"aws:username\":\"%*s\"}}}}",
        3600, "");
    for (size_t i = 0; i < wide.n; i++)
        if (wide.p[i] == ' ')
            ((char *)(uintptr_t)wide.p)[i] = (char)"\xc3\xa9"[i & 1];
    assert_int_equal(assume((struct assume_role_call){ .policy = wide }, &outcome), ASSUME_ROLE_LARGE_POLICY);
    assert_true(str_starts(outcome.message, STR("Packed policy consumes 1")));
    assert_int_equal(assume((struct assume_role_call){ .policy = STR(ALLOW_ALL) }, &outcome), 0);
    assert_int_equal(call_session(&outcome, 0, &principal), 0);
    assert_non_null(principal.session_policy);
    assert_str(principal.session_policy->document, ALLOW_ALL);
    policy_free((struct policy *)(uintptr_t)principal.session_policy);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_session_signs),
        TEST(a_token_is_whole_or_nothing),
        TEST(what_ends_a_session),
        TEST(whose_end_ends_a_session),
        TEST(a_session_that_a_certificate_began),
        TEST(what_changes_a_key),
        TEST(who_may_not),
        TEST(how_long),
        TEST(session_policies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
