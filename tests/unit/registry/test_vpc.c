/* SPDX-License-Identifier: Apache-2.0 */
#include "../test.h"

#include "base/mem.h"
#include "registry/vpc.h"

#include <errno.h>

#define A STR("111122223333")
#define B STR("444455556666")
#define R STR("us-east-1")
#define SHARES(...)                                 \
    .shares = (const char *const[]){ __VA_ARGS__ }, \
    .n_shares = sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *)

static void test_names(void **state)
{
    static const char *const bad[] = { "", "/", "a/", "a/b", "/a/b", "a//b", "a/b/", "a/b/c/d", "//" };
    struct vpc_name name;

    (void)state;
    assert_int_equal(vpc_parse_name(STR("vpc-1"), &name), 0);
    assert_str(name.id, "vpc-1");
    assert_false(str_is_set(name.account) || str_is_set(name.region));
    assert_int_equal(vpc_parse_name(STR("1/us-east-1/vpc-1"), &name), 0);
    assert_str(name.account, "1");
    assert_str(name.region, "us-east-1");
    assert_str(name.id, "vpc-1");
    for (size_t i = 0; i < TEST_COUNT(bad); i++)
        assert_int_equal(vpc_parse_name(str_of(bad[i]), &name), 1);
}

static struct vpc_map *make(const struct vpc_section *sections, size_t n)
{
    struct vpc_map *map = NULL;

    assert_int_equal(vpc_map_new(sections, n, &map), 0);
    return map;
}

static void test_nothing_named(void **state)
{
    struct vpc_map *map = make(NULL, 0);

    (void)state;
    assert_int_equal(vpc_find(map, A, R, STR("vpc-1")), VPC_DEFAULT);
    assert_int_equal(vpc_find(NULL, A, R, STR("vpc-1")), VPC_DEFAULT);
    assert_true(vpc_is_seen(vpc_seen(map, VPC_DEFAULT), VPC_DEFAULT));
    assert_true(vpc_share_view(map, 0, 0));
    assert_true(vpc_share_view(NULL, 0, 0));
    vpc_map_free(map);
    vpc_map_free(NULL);
}

/* The long name comes before the short one; other accounts and regions keep the short one. */
static void test_long_names(void **state)
{
    static const struct vpc_section sections[] = { { .name = "vpc-1", .has_networks = true },
                                                   { .name = "111122223333/us-east-1/vpc-1", .has_networks = true },
                                                   { .name = "111122223333/us-east-1/vpc-9", .has_networks = true } };
    struct vpc_map *map = make(sections, TEST_COUNT(sections));

    (void)state;
    assert_int_equal(vpc_find(map, A, R, STR("vpc-1")), 2);
    assert_int_equal(vpc_find(map, A, STR("eu-west-1"), STR("vpc-1")), 1);
    assert_int_equal(vpc_find(map, B, R, STR("vpc-1")), 1);
    assert_int_equal(vpc_find(map, A, R, STR("vpc-9")), 3);
    assert_int_equal(vpc_find(map, B, R, STR("vpc-9")), VPC_DEFAULT);
    assert_int_equal(vpc_find(map, A, R, STR("")), VPC_DEFAULT);
    for (unsigned i = 0; i < 4; i++)
        for (unsigned k = 0; k < 4; k++) {
            assert_int_equal(vpc_is_seen(vpc_seen(map, i), k), i == k);
            assert_int_equal(vpc_share_view(map, i, k), i == k);
        }
    vpc_map_free(map);
}

static void test_shares(void **state)
{
    const struct vpc_section sections[] = {
        { .name = "vpc-1", .has_networks = true },
        { .name = "vpc-2", .has_networks = true, SHARES("vpc-1", "vpc-4") }, /* nothing else names vpc-4 */
        { .name = "vpc-3", .has_networks = true },
        { .name = "vpc-5", SHARES("vpc-3") }, /* its clients are those of the default view */
    };
    struct vpc_map *map = make(sections, TEST_COUNT(sections));
    unsigned fourth = vpc_find(map, A, R, STR("vpc-4"));

    (void)state;
    assert_int_equal(fourth, 5);
    assert_true(vpc_is_seen(vpc_seen(map, 2), 1));
    assert_false(vpc_is_seen(vpc_seen(map, 1), 2)); /* one way */
    assert_true(vpc_is_seen(vpc_seen(map, 2), fourth));
    assert_true(vpc_is_seen(vpc_seen(map, VPC_DEFAULT), fourth));
    assert_true(vpc_is_seen(vpc_seen(map, VPC_DEFAULT), 4));
    assert_true(vpc_is_seen(vpc_seen(map, VPC_DEFAULT), 3));
    assert_false(vpc_is_seen(vpc_seen(map, VPC_DEFAULT), 1));
    assert_true(vpc_share_view(map, 1, 2));
    assert_true(vpc_share_view(map, 1, fourth)); /* the second sees both */
    assert_true(vpc_share_view(map, 3, VPC_DEFAULT));
    assert_false(vpc_share_view(map, 1, 3));
    assert_false(vpc_share_view(map, 1, VPC_DEFAULT));
    vpc_map_free(map);
}

/* A list of a long-named section means VPCs of its account and region, also when a short-named section speaks for them:
 * who is in that one goes on to see them. */
static void test_shares_of_one_account(void **state)
{
    const struct vpc_section sections[] = {
        { .name = "vpc-1", .has_networks = true },
        { .name = "111122223333/us-east-1/vpc-2", .has_networks = true, SHARES("vpc-1") },
        { .name = "vpc-3", .has_networks = true, SHARES("444455556666/us-east-1/vpc-7") },
    };
    struct vpc_map *map = make(sections, TEST_COUNT(sections));
    unsigned own = vpc_find(map, A, R, STR("vpc-1")), foreign = vpc_find(map, B, R, STR("vpc-1"));
    unsigned seventh = vpc_find(map, B, R, STR("vpc-7"));

    (void)state;
    assert_int_equal(foreign, 1);
    assert_int_not_equal(own, foreign);
    assert_true(vpc_is_seen(vpc_seen(map, 2), own));
    assert_false(vpc_is_seen(vpc_seen(map, 2), foreign));
    assert_true(vpc_is_seen(vpc_seen(map, 1), own));
    assert_true(vpc_is_seen(vpc_seen(map, 1), foreign));
    assert_false(vpc_is_seen(vpc_seen(map, VPC_DEFAULT), own));
    assert_true(vpc_is_seen(vpc_seen(map, 3), seventh));
    assert_true(vpc_is_seen(vpc_seen(map, VPC_DEFAULT), seventh)); /* it has no networks */
    assert_int_equal(vpc_find(map, A, R, STR("vpc-7")), VPC_DEFAULT);
    vpc_map_free(map);
}

static void test_too_many(void **state)
{
    struct vpc_section section = { .name = "vpc-1" };
    const char **names = mem_alloc(VPC_MAX * sizeof(*names));
    char(*texts)[16] = mem_alloc(VPC_MAX * sizeof(*texts));
    struct vpc_map *map = NULL;

    (void)state;
    assert_non_null(names);
    assert_non_null(texts);
    for (unsigned i = 0; i < VPC_MAX; i++) {
        snprintf(texts[i], sizeof(texts[i]), "other-%u", i);
        names[i] = texts[i];
    }
    section.shares = names;
    section.n_shares = VPC_MAX - 2; /* with the section and the default view as many as there may be */
    assert_int_equal(vpc_map_new(&section, 1, &map), 0);
    assert_int_equal(vpc_find(map, A, R, STR("other-4093")), VPC_MAX - 1);
    assert_true(vpc_is_seen(vpc_seen(map, VPC_DEFAULT), VPC_MAX - 1));
    vpc_map_free(map);
    section.n_shares++;
    assert_int_equal(vpc_map_new(&section, 1, &map), 1);
    mem_free(names);
    mem_free(texts);
}

static void test_no_memory(void **state)
{
    const struct vpc_section section = { .name = "vpc-1", .has_networks = true, SHARES("vpc-2") };
    struct vpc_map *map;
    int delivered;

    (void)state;
    for (long k = 1;; k++) {
        int r;
        mem_fail_at(k, 1);
        r = vpc_map_new(&section, 1, &map);
        delivered = mem_fail_at(0, 0);
        if (!delivered) {
            assert_int_equal(r, 0);
            vpc_map_free(map);
            return;
        }
        assert_int_equal(r, -ENOMEM);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),      cmocka_unit_test(test_nothing_named),
        cmocka_unit_test(test_shares),     cmocka_unit_test(test_shares_of_one_account),
        cmocka_unit_test(test_long_names), cmocka_unit_test(test_too_many),
        cmocka_unit_test(test_no_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
