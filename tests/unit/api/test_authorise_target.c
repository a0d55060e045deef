/* SPDX-License-Identifier: Apache-2.0
 *
 * For each operation its resources and condition keys, as the service authorization reference has them, whether what
 * is named exists or not. */
#include "../registry/bed.h"

#include "api/authorise_target.h"
#include "api/share.h"
#include "op_handlers.h"

#define ARN "arn:aws:servicediscovery:us-east-1:000000000000:"
#define THEIRS "arn:aws:servicediscovery:us-east-1:999999999999:"

/* A namespace `shop` with tag kind=ns and a service `web` in it with tag kind=srv. $N, $S and $O in a text are their
 * ids and that of the service's operation. */
struct target_bed {
    struct bed bed; /* first */
    struct str namespace_id, service_id, operation_id;
};

static void tag(struct target_bed *t, struct str namespace_id, struct str service_id, const char *pairs)
{
    struct change *change = caller_new(&t->bed.caller, CHANGE_TAG);
    size_t n;

    change->namespace_id = namespace_id;
    change->service_id = service_id;
    change->pairs = caller_pairs(&t->bed.caller, pairs, &n);
    change->n_pairs = n;
    assert_int_equal(caller_do(&t->bed.caller), 0);
}

static int setup(void **state)
{
    static struct target_bed t;
    struct bed *bed = &t.bed;

    bed_init(bed);
    t.namespace_id = bed_namespace(bed, NAMESPACE_DNS_PRIVATE, "shop.local");
    t.service_id = bed_service(bed, t.namespace_id, "web", SERVICE_CHECK_NONE);
    tag(&t, t.namespace_id, (struct str){ 0 }, "kind=ns");
    tag(&t, (struct str){ 0 }, t.service_id, "kind=srv");
    assert_int_equal(caller_register(&bed->caller, t.service_id, "i-1", "AWS_INSTANCE_IPV4=10.0.0.1"), 0);
    t.operation_id = arena_dup(&bed->names, str_of(bed->caller.change.operation_id));
    *state = &t;
    return 0;
}

static int teardown(void **state)
{
    bed_fini(&((struct target_bed *)*state)->bed);
    return 0;
}

/* The text with $N, $S and $O filled in, on one line. */
static char *expand(const struct target_bed *t, struct arena *arena, const char *text)
{
    struct buf buf;
    struct str result;

    buf_init(&buf, 8192);
    for (const char *p = text; *p; p++) {
        if (*p == '$' && p[1] == 'N')
            buf_put_str(&buf, t->namespace_id);
        else if (*p == '$' && p[1] == 'S')
            buf_put_str(&buf, t->service_id);
        else if (*p == '$' && p[1] == 'O')
            buf_put_str(&buf, t->operation_id);
        else {
            buf_put_char(&buf, *p);
            continue;
        }
        p++;
    }
    result = arena_dup(arena, buf_str(&buf));
    buf_fini(&buf);
    assert_true(str_is_set(result));
    return (char *)(uintptr_t)result.p;
}

/* `ARN{tag} ARN{tag}; key=value ...; tags; how`, without what is not there. */
static void describe(struct buf *buf, const struct authorise_target *target, const struct context *context)
{
    for (size_t i = 0; i < target->n; i++) {
        const struct authorise_resource *resource = &target->resources[i];
        buf_printf(buf, "%s" STR_FMT, i ? " " : "", STR_ARG(resource->arn));
        for (size_t k = 0; k < resource->n_tags; k++)
            buf_printf(buf, "{" STR_FMT "}", STR_ARG(resource->tags[k].value));
        assert_true(str_is_set(resource->account));
    }
    for (unsigned key = 0; key < CONDITION_KEY_COUNT; key++)
        if (str_is_set(context->values[key]))
            buf_printf(buf, "; " STR_FMT "=" STR_FMT, STR_ARG(condition_key_name((enum condition_key)key)),
                       STR_ARG(context->values[key]));
    for (size_t i = 0; i < context->n_request_tags; i++)
        buf_printf(buf, "; +" STR_FMT "=" STR_FMT, STR_ARG(context->request_tags[i].key),
                   STR_ARG(context->request_tags[i].value));
    for (size_t i = 0; i < context->n_tag_keys; i++)
        buf_printf(buf, "; " STR_FMT, STR_ARG(context->tag_keys[i]));
    assert_int_equal(context->has_tag_keys, context->n_tag_keys > 0);
    if (target->one_is_enough)
        buf_printf(buf, "; one");
    if (target->is_hidden)
        buf_printf(buf, "; hidden");
}

static void check(struct target_bed *t, const char *op, const char *input, const char *wanted)
{
    const struct snapshot *snapshot = bed_hold(&t->bed);
    struct api_call call = {
        .op = op_find(str_of(op)), .account = BED_ACCOUNT, .region = BED_REGION, .snapshot = snapshot
    };
    struct context context = { 0 };
    struct authorise_target target;
    struct json_reader reader;
    struct buf message, got;
    char *text;
    void *in;

    arena_init(&call.arena, 1 << 20);
    text = expand(t, &call.arena, input);
    in = arena_alloc(&call.arena, call.op->input_size);
    json_reader_init(&reader, text, strlen(text), &call.arena);
    buf_init(&message, 4096);
    buf_init(&got, 4096);
    assert_int_equal(shape_decode(&reader, call.op->input, in, &call.arena, &message), 0);
    share_find(&call, in);
    assert_int_equal(authorise_target_find(&call, in, &context, &target), 0);
    describe(&got, &target, &context);
    if (!str_eq(buf_str(&got), str_of(expand(t, &call.arena, wanted))))
        fail_msg("%s %s:\n" STR_FMT "\n%s", op, text, STR_ARG(buf_str(&got)), expand(t, &call.arena, wanted));
    buf_fini(&message);
    buf_fini(&got);
    arena_fini(&call.arena);
    bed_release(&t->bed);
}

#define NS_MISSING ARN "namespace/*"
#define SRV_MISSING ARN "service/*"
#define SRV ARN "service/$S{srv}"
#define SERVICE_KEY "servicediscovery:ServiceArn=" ARN "service/$S"
#define CREATED_KEY "servicediscovery:ServiceCreatedByAccount=000000000000"

static void test_every_operation(void **state)
{
    static const char tags[] = "{\"Name\": \"n\", \"Tags\": [{\"Key\": \"a\", \"Value\": \"1\"}, {\"Key\": \"b\"}]}";
    static const struct {
        const char *op, *input, *wanted;
    } cases[] = {
        { "CreateHttpNamespace", tags, "*; +a=1; +b=; a; b" },
        { "CreatePrivateDnsNamespace", tags, "*; +a=1; +b=; a; b" },
        { "CreatePublicDnsNamespace", "{\"Tags\": []}", "*" },
        { "CreateService", "{\"NamespaceId\": \"$N\"}",
          ARN "namespace/$N{ns} " SRV_MISSING "; servicediscovery:NamespaceArn=" ARN "namespace/$N" },
        { "CreateService", "{\"DnsConfig\": {\"NamespaceId\": \"$N\", \"DnsRecords\": []}}",
          ARN "namespace/$N{ns} " SRV_MISSING "; servicediscovery:NamespaceArn=" ARN "namespace/$N" },
        { "CreateService", "{}", NS_MISSING " " SRV_MISSING "; servicediscovery:NamespaceArn=" NS_MISSING },
        { "DeleteNamespace", "{\"Id\": \"$N\"}", ARN "namespace/$N{ns}" },
        { "UpdateHttpNamespace", "{\"Id\": \"" ARN "namespace/$N\"}", ARN "namespace/$N{ns}" },
        { "UpdatePrivateDnsNamespace", "{\"Id\": \"$N\"}", ARN "namespace/$N{ns}" },
        { "UpdatePublicDnsNamespace", "{}", NS_MISSING },
        { "GetNamespace", "{\"Id\": \"ns-none\"}", ARN "namespace/ns-none" },
        { "DeleteService", "{\"Id\": \"$S\"}", SRV "; " CREATED_KEY },
        { "UpdateService", "{\"Id\": \"$S\"}", SRV "; " CREATED_KEY },
        { "UpdateServiceAttributes", "{\"ServiceId\": \"$S\"}", SRV "; " CREATED_KEY },
        { "DeleteServiceAttributes", "{\"ServiceId\": \"$S\"}", SRV "; " CREATED_KEY },
        { "RegisterInstance", "{\"ServiceId\": \"$S\"}", SRV "; " SERVICE_KEY "; " CREATED_KEY },
        { "DeregisterInstance", "{\"ServiceId\": \"$S\"}", SRV "; " SERVICE_KEY "; " CREATED_KEY },
        { "UpdateInstanceCustomHealthStatus", "{\"ServiceId\": \"$S\"}", SRV "; " SERVICE_KEY "; " CREATED_KEY },
        { "GetInstance", "{\"ServiceId\": \"$S\"}", SRV "; " SERVICE_KEY },
        { "GetInstancesHealthStatus", "{\"ServiceId\": \"$S\"}", SRV "; " SERVICE_KEY },
        { "ListInstances", "{\"ServiceId\": \"$S\"}", SRV "; " SERVICE_KEY },
        { "GetService", "{\"Id\": \"$S\"}", SRV },
        { "GetServiceAttributes", "{\"ServiceId\": \"srv-none\"}", ARN "service/srv-none" },
        { "DiscoverInstances", "{\"NamespaceName\": \"SHOP.local\", \"ServiceName\": \"WEB\"}",
          ARN "namespace/$N{ns} " SRV
              "; servicediscovery:NamespaceName=shop.local; servicediscovery:ServiceName=web; hidden" },
        { "DiscoverInstancesRevision", "{\"NamespaceName\": \"" ARN "namespace/$N\", \"ServiceName\": \"none\"}",
          ARN "namespace/$N{ns} " SRV_MISSING
              "; servicediscovery:NamespaceName=shop.local; servicediscovery:ServiceName=none; hidden" },
        { "DiscoverInstances", "{\"NamespaceName\": \"none\", \"ServiceName\": \"web\"}",
          NS_MISSING " " SRV_MISSING
                     "; servicediscovery:NamespaceName=none; servicediscovery:ServiceName=web; hidden" },
        { "DiscoverInstances", "{}", NS_MISSING " " SRV_MISSING "; hidden" },
        { "GetOperation", "{\"OperationId\": \"$O\"}", ARN "namespace/$N{ns} " SRV "; one; hidden" },
        { "GetOperation", "{\"OperationId\": \"none\"}", NS_MISSING "; one; hidden" },
        { "ListNamespaces", "{}", "*" },
        { "ListServices", "{\"Filters\": [{\"Name\": \"NAMESPACE_ID\", \"Values\": [\"$N\"]}]}", "*" },
        { "ListOperations", "{}", "*" },
        { "ListTagsForResource", "{\"ResourceARN\": \"" ARN "service/$S\"}", "*" },
        { "TagResource", "{\"ResourceARN\": \"x\", \"Tags\": [{\"Key\": \"a\", \"Value\": \"1\"}]}", "*; +a=1; a" },
        { "UntagResource", "{\"ResourceARN\": \"x\", \"TagKeys\": [\"a\", \"c\"]}", "*; a; c" },
    };
    bool seen[OP_COUNT] = { false };

    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        check(*state, cases[i].op, cases[i].input, cases[i].wanted);
        seen[op_find(str_of(cases[i].op))->index] = true;
    }
    for (size_t i = 0; i < OP_COUNT; i++)
        if (!seen[i])
            fail_msg("no case for " STR_FMT, STR_ARG(ops[i].name));
}

/* What is in no form of an id stands for nothing; what is another account's stays theirs, and has no tags here. */
static void test_odd_names(void **state)
{
    char input[400], id[300];

    check(*state, "GetNamespace", "{\"Id\": \"" THEIRS "namespace/$N\"}", THEIRS "namespace/$N");
    check(*state, "GetNamespace", "{\"Id\": \"" ARN "service/$S\"}", NS_MISSING);
    check(*state, "GetNamespace", "{\"Id\": \"arn:aws:s3:::x\"}", NS_MISSING);
    check(*state, "GetNamespace", "{\"Id\": \"arn:aws:servicediscovery:eu-west-1:000000000000:namespace/$N\"}",
          "arn:aws:servicediscovery:eu-west-1:000000000000:namespace/$N");
    check(*state, "GetNamespace", "{\"Id\": \"\"}", NS_MISSING);
    check(*state, "GetNamespace", "{\"Id\": \"*\"}", NS_MISSING);
    memset(id, 'x', sizeof(id) - 1);
    id[sizeof(id) - 1] = '\0';
    snprintf(input, sizeof(input), "{\"Id\": \"%s\"}", id);
    check(*state, "GetNamespace", input, NS_MISSING);
    check(*state, "DiscoverInstances",
          "{\"NamespaceName\": \"shop.local\", \"ServiceName\": \"web\", \"OwnerAccount\": \"999999999999\"}",
          NS_MISSING " " SRV_MISSING
                     "; servicediscovery:NamespaceName=shop.local; servicediscovery:ServiceName=web; hidden");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_every_operation, setup, teardown),
        cmocka_unit_test_setup_teardown(test_odd_names, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
