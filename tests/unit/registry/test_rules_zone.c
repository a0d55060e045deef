/* SPDX-License-Identifier: Apache-2.0
 *
 * Which DNS namespaces of different accounts may stand beside each other. */
#include "bed.h"

#include "base/mem.h"
#include "registry/vpc.h"

#define OTHER STR("111122223333")

enum { FINE, FAILS };

/* A namespace in a VPC, or a public one when it is NULL. Its operation must end so. */
static void create(struct caller *caller, const char *vpc, const char *name, int wanted)
{
    struct change *change = caller_new(caller, CHANGE_CREATE_NAMESPACE);
    const char *said;

    change->ns.kind = vpc ? NAMESPACE_DNS_PRIVATE : NAMESPACE_DNS_PUBLIC;
    change->ns.name = str_of(name);
    change->ns.vpc = str_of(vpc);
    change->ns.creator_request_id = str_of(name);
    change->ns.soa_ttl = 15;
    assert_int_equal(caller_do(caller), 0);
    {
        const struct snapshot *snapshot = bed_hold(caller->bed);
        const struct tenant *tenant = state_find_tenant(snapshot, caller->account, caller->region);
        const struct operation *last =
            tree_select(&tenant->operations, TREE_BY_COUNT, tree_size(&tenant->operations).count - 1);
        bool failed = last->status == OPERATION_FAIL;
        said = failed ? arena_dup(&((struct bed *)(uintptr_t)caller->bed)->names, last->error_message).p : "";
        if (failed)
            assert_str(last->error_code, "CANNOT_CREATE_HOSTED_ZONE");
        bed_release(caller->bed);
    }
    if ((*said != '\0') != (wanted == FAILS))
        fail_msg("%s in %s: %s", name, vpc ? vpc : "public", said);
    if (wanted == FAILS) {
        assert_non_null(strstr(said, "ConflictingDomainExists"));
        assert_non_null(strstr(said, name));
        assert_null(strstr(said, "000000000000")); /* nobody is told whose it is */
    }
    clock_manual_advance(&((struct bed *)(uintptr_t)caller->bed)->clock, 1);
}

struct rules_bed {
    struct bed bed;
    struct caller other;
    struct vpc_map *map;
};

static void start(struct rules_bed *r, const struct vpc_section *sections, size_t n)
{
    bed_init(&r->bed);
    if (n) {
        assert_int_equal(vpc_map_new(sections, n, &r->map), 0);
        r->bed.config.vpcs = r->map;
        bed_reopen(&r->bed);
    }
    caller_init(&r->other, &r->bed, OTHER, BED_REGION);
}

static void stop(struct rules_bed *r)
{
    mem_free(bed_dump(&r->bed)); /* checks everything */
    bed_check_reopen(&r->bed);
    caller_fini(&r->other);
    bed_fini(&r->bed);
    vpc_map_free(r->map);
}

static void test_equal_above_below(void **state)
{
    struct rules_bed r = { 0 };

    (void)state;
    start(&r, NULL, 0);
    create(&r.bed.caller, "vpc-1", "Shop.example", FINE);
    create(&r.other, "vpc-1", "shop.EXAMPLE", FAILS);
    create(&r.other, "vpc-2", "shop.example", FAILS); /* neither VPC has networks: one view */
    create(&r.other, "vpc-2", "a.b.shop.example.", FAILS);
    create(&r.other, "vpc-2", "example", FAILS);
    create(&r.other, "vpc-2", "workshop.example", FINE);
    create(&r.other, "vpc-2", "shop.example.org", FINE);
    create(&r.other, "vpc-2", "op.example", FINE);
    /* One account may do with its own names what it likes. */
    create(&r.bed.caller, "vpc-2", "shop.example", FINE);
    create(&r.bed.caller, "vpc-1", "a.shop.example", FINE);
    create(&r.bed.caller, "vpc-1", "shop.example", FAILS);
    stop(&r);
}

static void test_public(void **state)
{
    struct rules_bed r = { 0 };
    static const struct vpc_section section = { .name = "vpc-1", .has_networks = true };

    (void)state;
    start(&r, &section, 1);
    create(&r.bed.caller, NULL, "shop.example", FINE);
    create(&r.other, NULL, "shop.example", FAILS);
    create(&r.other, NULL, "web.shop.example", FAILS);
    create(&r.other, "vpc-1", "shop.example", FAILS); /* clients of vpc-1 see both */
    create(&r.other, "vpc-1", "example", FAILS);
    create(&r.bed.caller, "vpc-1", "shop.example", FINE);
    create(&r.bed.caller, NULL, "web.shop.example", FINE);
    create(&r.bed.caller, "vpc-1", "corp.internal", FINE);
    create(&r.other, NULL, "corp.internal", FAILS);
    create(&r.other, NULL, "other.internal", FINE);
    stop(&r);
}

static void test_views(void **state)
{
    static const char *const shares[] = { "vpc-1" };
    static const struct vpc_section sections[] = { { .name = "vpc-1", .has_networks = true },
                                                   { .name = "vpc-2", .has_networks = true },
                                                   { "vpc-3", shares, 1, true },
                                                   { .name = "111122223333/us-east-1/vpc-1", .has_networks = true } };
    struct rules_bed r = { 0 };

    (void)state;
    start(&r, sections, TEST_COUNT(sections));
    create(&r.bed.caller, "vpc-1", "shop.example", FINE);
    create(&r.other, "vpc-2", "shop.example", FINE);
    create(&r.other, "vpc-1", "shop.example", FINE);    /* its own VPC of that id */
    create(&r.other, "vpc-9", "shop.example", FINE);    /* the default view */
    create(&r.other, "vpc-3", "a.shop.example", FAILS); /* sees vpc-1 */
    create(&r.bed.caller, "vpc-2", "example", FAILS);
    create(&r.bed.caller, "vpc-8", "x.shop.example", FAILS);
    create(&r.bed.caller, "vpc-3", "shop.example", FINE);
    stop(&r);
}

/* A failed creation leaves nothing, and what is deleted is free for others. */
static void test_deleted(void **state)
{
    struct rules_bed r = { 0 };
    struct str id;

    (void)state;
    start(&r, NULL, 0);
    id = bed_namespace(&r.bed, NAMESPACE_DNS_PRIVATE, "shop.example");
    create(&r.other, "vpc-1", "example", FAILS);
    caller_new(&r.bed.caller, CHANGE_DELETE_NAMESPACE)->namespace_id = id;
    assert_int_equal(caller_do(&r.bed.caller), 0);
    create(&r.other, "vpc-1", "example", FINE);
    create(&r.bed.caller, "vpc-1", "shop.example", FAILS);
    stop(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal_above_below),
        cmocka_unit_test(test_public),
        cmocka_unit_test(test_views),
        cmocka_unit_test(test_deleted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
