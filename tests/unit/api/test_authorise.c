/* SPDX-License-Identifier: Apache-2.0
 *
 * The gate of policies: who is let through, and the words for who is not. */
#include "../registry/bed.h"

#include "api/api_worker.h"
#include "api/authorise.h"
#include "api/share.h"
#include "auth/access_lookup.h"
#include "op_handlers.h"

#define ARN "arn:aws:servicediscovery:us-east-1:000000000000:"
#define STATEMENTS(list) "{\"Version\": \"2012-10-17\", \"Statement\": [" list "]}"

/* What the gate asks of a request. */
struct str __wrap_http_request_peer(const struct http_request *request);
struct str __wrap_http_request_header(const struct http_request *request, const char *name);
bool __wrap_http_request_is_tls(const struct http_request *request);

struct str __wrap_http_request_peer(const struct http_request *request)
{
    (void)request;
    return STR("10.0.0.7");
}

struct str __wrap_http_request_header(const struct http_request *request, const char *name)
{
    (void)request;
    assert_string_equal(name, "User-Agent");
    return STR("tests");
}

bool __wrap_http_request_is_tls(const struct http_request *request)
{
    (void)request;
    return true;
}

struct gate_bed {
    struct bed bed; /* first */
    struct str namespace_id, service_id;
};

static int setup(void **state)
{
    static struct gate_bed g;

    bed_init(&g.bed);
    g.namespace_id = bed_namespace(&g.bed, NAMESPACE_HTTP, "shop");
    g.service_id = bed_service(&g.bed, g.namespace_id, "web", SERVICE_CHECK_NONE);
    caller_new(&g.bed.caller, CHANGE_CREATE_IDENTITY)->identity =
        (struct identity){ .kind = IDENTITY_USER,
                           .account = BED_ACCOUNT,
                           .name = STR("ann"),
                           .path = STR("/"),
                           .id = STR("AIDAAAAAAAAAAAAAAAAAA") };
    assert_int_equal(caller_do(&g.bed.caller), 0);
    *state = &g;
    return 0;
}

static int teardown(void **state)
{
    bed_fini(&((struct gate_bed *)*state)->bed);
    return 0;
}

static void attach(struct gate_bed *g, const char *name, const char *document)
{
    struct change *change = caller_new(&g->bed.caller, CHANGE_ATTACH_POLICY);
    struct str_pair *pair = ARENA_NEW(change->arena, struct str_pair);

    *pair = (struct str_pair){ str_of(name), str_of(document) };
    change->identity = (struct identity){ .kind = IDENTITY_USER, .account = BED_ACCOUNT, .name = STR("ann") };
    change->pairs = pair;
    change->n_pairs = 1;
    assert_int_equal(caller_do(&g->bed.caller), 0);
}

static const struct principal ann = { .kind = PRINCIPAL_USER,
                                      .account = STR("000000000000"),
                                      .arn = STR("arn:aws:iam::000000000000:user/ann"),
                                      .id = STR("AIDAAAAAAAAAAAAAAAAAA"),
                                      .name = STR("ann") };

/* What the gate says of a call; "" when it lets it through. The input is a namespace's or service's id, or names. */
static const char *ask(struct gate_bed *g, const struct principal *principal, enum op_index op, const void *in)
{
    static char text[1024];
    struct api api = { .clock = &g->bed.clock.clock };
    struct api_worker worker = { .api = &api };
    const struct snapshot *snapshot = bed_hold(&g->bed);
    struct api_call call = { .worker = &worker,
                             .op = &ops[op],
                             .principal = principal,
                             .account = principal ? principal->account : BED_ACCOUNT,
                             .region = BED_REGION,
                             .snapshot = snapshot };
    int r;

    arena_init(&call.arena, 1 << 20);
    share_find(&call, in);
    if (call.share) /* a change keeps the owner when the snapshot is gone */
        assert_ptr_not_equal(call.owner.p, call.share->arn.account.p);
    r = authorise_call(&call, in);
    snprintf(text, sizeof(text), STR_FMT, STR_ARG(call.error.message));
    assert_int_equal(r, text[0] ? CALL_ERROR : 0);
    if (r)
        assert_int_equal(call.error.id, ERROR_ACCESS_DENIED);
    arena_fini(&call.arena);
    bed_release(&g->bed);
    return text;
}

#define SAYS(action, resource, why)                                                                   \
    "User: arn:aws:iam::000000000000:user/ann is not authorized to perform: servicediscovery:" action \
    " on resource: " resource " " why
#define NOBODY(action) "because no identity-based policy allows the servicediscovery:" action " action"
#define DENIED "with an explicit deny in an identity-based policy"

static void test_open_mode_and_root(void **state)
{
    const struct principal root = { .kind = PRINCIPAL_ROOT, .account = BED_ACCOUNT };
    const struct id_input in = { STR("srv-none") };

    assert_string_equal(ask(*state, NULL, OP_INDEX_DeleteService, &in), "");
    assert_string_equal(ask(*state, &root, OP_INDEX_DeleteService, &in), "");
}

static void test_words_of_refusals(void **state)
{
    struct gate_bed *g = *state;
    const struct id_input here = { g->service_id }, nowhere = { STR("srv-none") };
    const struct list_input list = { 0 };
    char wanted[1024];

    snprintf(wanted, sizeof(wanted), SAYS("GetService", ARN "service/" STR_FMT, NOBODY("GetService")),
             STR_ARG(g->service_id));
    assert_string_equal(ask(g, &ann, OP_INDEX_GetService, &here), wanted);
    assert_string_equal(ask(g, &ann, OP_INDEX_GetService, &nowhere),
                        SAYS("GetService", ARN "service/srv-none", NOBODY("GetService")));
    assert_string_equal(ask(g, &ann, OP_INDEX_ListServices, &list), SAYS("ListServices", "*", NOBODY("ListServices")));
    attach(g, "auditor", "");
    assert_string_equal(ask(g, &ann, OP_INDEX_GetService, &here), "");
    assert_string_equal(ask(g, &ann, OP_INDEX_GetService, &nowhere), ""); /* the handler says NotFound */
    assert_string_equal(ask(g, &ann, OP_INDEX_DeleteService, &nowhere),
                        SAYS("DeleteService", ARN "service/srv-none", NOBODY("DeleteService")));
    attach(g, "no",
           STATEMENTS("{\"Effect\": \"Deny\", \"Action\": \"servicediscovery:getservice\", \"Resource\": \"*\"}"));
    assert_string_equal(ask(g, &ann, OP_INDEX_GetService, &nowhere),
                        SAYS("GetService", ARN "service/srv-none", DENIED));
}

/* Discovery is refused in the same words whether the names mean something or not. */
static void test_names_are_not_told(void **state)
{
    struct gate_bed *g = *state;
    const struct discover_instances_input here = { .namespace_name = STR("shop"), .service_name = STR("web") },
                                          nowhere = { .namespace_name = STR("shop"), .service_name = STR("db") };
    char document[512];

    assert_string_equal(ask(g, &ann, OP_INDEX_DiscoverInstances, &here),
                        SAYS("DiscoverInstances", "*", NOBODY("DiscoverInstances")));
    assert_string_equal(ask(g, &ann, OP_INDEX_DiscoverInstances, &nowhere),
                        SAYS("DiscoverInstances", "*", NOBODY("DiscoverInstances")));
    /* Both the namespace and the service are needed. */
    snprintf(document, sizeof(document),
             STATEMENTS("{\"Effect\": \"Allow\", \"Action\": \"servicediscovery:*\", \"Resource\": \"" ARN
                        "service/" STR_FMT "\"}"),
             STR_ARG(g->service_id));
    attach(g, "service", document);
    assert_string_equal(ask(g, &ann, OP_INDEX_DiscoverInstances, &here),
                        SAYS("DiscoverInstances", "*", NOBODY("DiscoverInstances")));
    attach(g, "namespaces",
           STATEMENTS("{\"Effect\": \"Allow\", \"Action\": \"servicediscovery:*\", \"Resource\": \"" ARN
                      "namespace/*\"}"));
    assert_string_equal(ask(g, &ann, OP_INDEX_DiscoverInstances, &here), "");
    assert_string_equal(ask(g, &ann, OP_INDEX_DiscoverInstances, &nowhere),
                        SAYS("DiscoverInstances", "*", NOBODY("DiscoverInstances")));
    attach(g, "no",
           STATEMENTS("{\"Effect\": \"Deny\", \"Action\": \"*\", \"Resource\": \"*\", \"Condition\": "
                      "{\"StringEquals\": {\"servicediscovery:ServiceName\": \"web\"}}}"));
    assert_string_equal(ask(g, &ann, OP_INDEX_DiscoverInstances, &here), SAYS("DiscoverInstances", "*", DENIED));
}

/* Each key that every call has. */
static void test_general_keys(void **state)
{
    static const char *const conditions[] = {
        "\"StringEquals\": {\"aws:username\": \"ann\", \"aws:userid\": \"AIDAAAAAAAAAAAAAAAAAA\"}",
        "\"StringEquals\": {\"aws:PrincipalAccount\": \"000000000000\", \"aws:ResourceAccount\": \"000000000000\"}",
        "\"ArnEquals\": {\"aws:PrincipalArn\": \"arn:aws:iam::*:user/ann\"}",
        "\"StringEquals\": {\"aws:PrincipalType\": \"User\", \"aws:RequestedRegion\": \"us-east-1\"}",
        "\"Bool\": {\"aws:SecureTransport\": true, \"aws:ViaAWSService\": false, \"aws:PrincipalIsAWSService\": false}",
        "\"IpAddress\": {\"aws:SourceIp\": \"10.0.0.0/24\"}",
        "\"StringLike\": {\"aws:UserAgent\": \"t*\"}",
        "\"DateGreaterThan\": {\"aws:CurrentTime\": \"2023-11-01\"}, \"DateLessThan\": {\"aws:EpochTime\": 1800000000}",
        "\"Null\": {\"aws:TokenIssueTime\": true, \"aws:TagKeys\": true, \"aws:ResourceTag/x\": true}",
    };
    const struct list_input in = { 0 };

    for (size_t i = 0; i < TEST_COUNT(conditions); i++) {
        char document[512];
        snprintf(document, sizeof(document),
                 STATEMENTS("{\"Effect\": \"Allow\", \"Action\": \"*\", \"Resource\": \"*\", \"Condition\": {%s}}"),
                 conditions[i]);
        attach(*state, "when", document);
        if (ask(*state, &ann, OP_INDEX_ListServices, &in)[0])
            fail_msg("%s", conditions[i]);
    }
}

/* A user who was made again is another one. */
static void test_policies_of_another_user(void **state)
{
    struct principal old = ann;
    const struct list_input in = { 0 };

    attach(*state, "admin", "");
    assert_string_equal(ask(*state, &ann, OP_INDEX_ListServices, &in), "");
    old.id = STR("AIDAOLDOLDOLDOLDOLDOL");
    assert_string_equal(ask(*state, &old, OP_INDEX_ListServices, &in),
                        SAYS("ListServices", "*", NOBODY("ListServices")));
}

/* --- shared namespaces ------------------------------------------------------------------------------------------- */

#define THEIRS "222222222222"
#define NAMED(arn, action, resource, why) \
    "User: " arn " is not authorized to perform: servicediscovery:" action " on resource: " resource " " why
#define NOT_SHARED(action) "because no resource-based policy allows the servicediscovery:" action " action"

static const struct principal their_root = {
    .kind = PRINCIPAL_ROOT, .account = STR(THEIRS), .arn = STR("arn:aws:iam::" THEIRS ":root"), .id = STR(THEIRS)
};
static const struct principal stranger = { .kind = PRINCIPAL_ROOT,
                                           .account = STR("333333333333"),
                                           .arn = STR("arn:aws:iam::333333333333:root") };
static const struct principal their_user = { .kind = PRINCIPAL_USER,
                                             .account = STR(THEIRS),
                                             .arn = STR("arn:aws:iam::" THEIRS ":user/eve"),
                                             .id = STR("AIDAEEEEEEEEEEEEEEEEE"),
                                             .name = STR("eve") };

static void share(struct gate_bed *g, const char *statements)
{
    struct change *change = caller_new(&g->bed.caller, CHANGE_SHARE);

    change->namespace_id = g->namespace_id;
    change->document = arena_printf(change->arena, "{\"Version\": \"2012-10-17\", \"Statement\": [%s]}", statements);
    assert_int_equal(caller_do(&g->bed.caller), 0);
}

/* The ARN of a service or namespace of ours; it lives as long as the bed. */
static struct str arn_of(struct gate_bed *g, const char *kind, struct str id)
{
    return arena_printf(&g->bed.names, ARN "%s/" STR_FMT, kind, STR_ARG(id));
}

static void test_what_is_shared_with_an_account(void **state)
{
    struct gate_bed *g = *state;
    struct str ns = arn_of(g, "namespace", g->namespace_id), service = arn_of(g, "service", g->service_id);
    const struct id_input get_ns = { ns }, get_service = { service }, bare = { g->service_id };
    const struct discover_instances_input names = { .namespace_name = STR("shop"),
                                                    .service_name = STR("web"),
                                                    .owner_account = BED_ACCOUNT };
    char wanted[512];

    share(g, "{\"Effect\": \"Allow\", \"Principal\": {\"AWS\": \"" THEIRS "\"}, \"Resource\": \"*\", \"Action\": "
             "[\"servicediscovery:Get*\", \"servicediscovery:DeleteNamespace\"]}");
    assert_string_equal(ask(g, &their_root, OP_INDEX_GetNamespace, &get_ns), "");
    assert_string_equal(ask(g, &their_root, OP_INDEX_GetService, &get_service), "");
    snprintf(wanted, sizeof(wanted),
             NAMED("arn:aws:iam::" THEIRS ":root", "DeleteService", STR_FMT, NOT_SHARED("DeleteService")),
             STR_ARG(service));
    assert_string_equal(ask(g, &their_root, OP_INDEX_DeleteService, &get_service), wanted);
    assert_string_equal(
        ask(g, &their_root, OP_INDEX_DiscoverInstances, &names),
        NAMED("arn:aws:iam::" THEIRS ":root", "DiscoverInstances", "*", NOT_SHARED("DiscoverInstances")));
    /* Whatever the policy says, a namespace is its owner's. */
    snprintf(wanted, sizeof(wanted),
             NAMED("arn:aws:iam::" THEIRS ":root", "DeleteNamespace", STR_FMT, NOT_SHARED("DeleteNamespace")),
             STR_ARG(ns));
    assert_string_equal(ask(g, &their_root, OP_INDEX_DeleteNamespace, &get_ns), wanted);
    /* A user needs the leave of both accounts. */
    snprintf(wanted, sizeof(wanted),
             NAMED("arn:aws:iam::" THEIRS ":user/eve", "GetService", STR_FMT, NOBODY("GetService")), STR_ARG(service));
    assert_string_equal(ask(g, &their_user, OP_INDEX_GetService, &get_service), wanted);
    /* To others it is not there: the gate lets them through to where nothing is found. */
    assert_string_equal(ask(g, &stranger, OP_INDEX_DeleteService, &get_service), "");
    assert_string_equal(ask(g, &stranger, OP_INDEX_DiscoverInstances, &names), "");
    assert_string_equal(ask(g, &their_root, OP_INDEX_DeleteService, &bare), "");
}

static void test_denies_are_not_told(void **state)
{
    struct gate_bed *g = *state;
    const struct id_input in = { arn_of(g, "namespace", g->namespace_id) };
    char wanted[512];

    share(g,
          "{\"Effect\": \"Allow\", \"Principal\": {\"AWS\": \"" THEIRS "\"}, \"Action\": \"*\", \"Resource\": \"*\"},"
          "{\"Effect\": \"Deny\", \"Principal\": \"*\", \"Action\": \"servicediscovery:GetNamespace\", "
          "\"Resource\": \"*\"}");
    snprintf(wanted, sizeof(wanted),
             NAMED("arn:aws:iam::" THEIRS ":root", "GetNamespace", STR_FMT,
                   "with an explicit deny in a resource-based policy"),
             STR_ARG(in.id));
    assert_string_equal(ask(g, &their_root, OP_INDEX_GetNamespace, &in), wanted);
    assert_string_equal(ask(g, &stranger, OP_INDEX_GetNamespace, &in), "");
    assert_string_equal(ask(g, NULL, OP_INDEX_GetNamespace, &in), "");
}

/* Within the account the policy of the namespace or one of the user is enough. */
static void test_within_the_account(void **state)
{
    struct gate_bed *g = *state;
    const struct id_input in = { g->service_id };
    const struct discover_instances_input names = { .namespace_name = STR("shop"), .service_name = STR("web") };

    share(g, "{\"Effect\": \"Allow\", \"Principal\": {\"AWS\": \"arn:aws:iam::000000000000:user/ann\"}, "
             "\"Action\": [\"servicediscovery:GetService\", \"servicediscovery:Discover*\"], \"Resource\": \"*\"},"
             "{\"Effect\": \"Deny\", \"Principal\": \"*\", \"Action\": \"servicediscovery:DeleteService\", "
             "\"Resource\": \"*\"}");
    assert_string_equal(ask(g, &ann, OP_INDEX_GetService, &in), "");
    assert_string_equal(ask(g, &ann, OP_INDEX_DiscoverInstances, &names), "");
    attach(g, "admin", "");
    assert_string_equal(ask(g, &ann, OP_INDEX_UpdateService, &in), "");
    assert_non_null(strstr(ask(g, &ann, OP_INDEX_DeleteService, &in), "explicit deny in a resource-based policy"));
}

/* The condition keys of a service that another account made. */
static void test_who_made_the_service(void **state)
{
    struct gate_bed *g = *state;
    struct id_input in = { 0 };

    share(g, "{\"Effect\": \"Allow\", \"Principal\": \"*\", \"Action\": \"*\", \"Resource\": \"*\", \"Condition\": "
             "{\"StringEquals\": {\"servicediscovery:ServiceCreatedByAccount\": \"${aws:PrincipalAccount}\", "
             "\"aws:ResourceAccount\": \"000000000000\"}}}");
    g->bed.caller.consumer = STR(THEIRS);
    assert_int_equal(caller_create_service(&g->bed.caller, g->namespace_id, "theirs", SERVICE_CHECK_NONE), 0);
    in.id = arn_of(g, "service", g->bed.caller.change.created->id);
    assert_string_equal(ask(g, &their_root, OP_INDEX_DeleteService, &in), "");
    in.id = arn_of(g, "service", g->service_id);
    assert_non_null(strstr(ask(g, &their_root, OP_INDEX_DeleteService, &in), NOT_SHARED("DeleteService")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_open_mode_and_root, setup, teardown),
        cmocka_unit_test_setup_teardown(test_words_of_refusals, setup, teardown),
        cmocka_unit_test_setup_teardown(test_names_are_not_told, setup, teardown),
        cmocka_unit_test_setup_teardown(test_general_keys, setup, teardown),
        cmocka_unit_test_setup_teardown(test_policies_of_another_user, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_is_shared_with_an_account, setup, teardown),
        cmocka_unit_test_setup_teardown(test_denies_are_not_told, setup, teardown),
        cmocka_unit_test_setup_teardown(test_within_the_account, setup, teardown),
        cmocka_unit_test_setup_teardown(test_who_made_the_service, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
