/* SPDX-License-Identifier: Apache-2.0 */
#include "../test.h"

#include "base/mem.h"
#include "model/identity.h"

static void test_a_copy_is_one_block_of_its_own(void **state)
{
    char name[] = "deployer", document[] = "{}";
    struct str_pair policies[] = { { STR("admin"), STR("") }, { STR("own"), { document, 2 } } };
    struct identity draft = { .kind = IDENTITY_ROLE,
                              .account = STR("123456789012"),
                              .name = { name, 8 },
                              .path = STR("/team/"),
                              .id = STR("AROAAAAAAAAAAAAAAAAAA"),
                              .create_ms = 1,
                              .policies = policies,
                              .n_policies = 2,
                              .trust = STR("{\"a\":1}"),
                              .max_session_s = 7200,
                              .record_sum = 3 };
    struct identity *identity = identity_dup(&draft);

    (void)state;
    assert_non_null(identity);
    memset(name, 'x', 8);
    document[0] = 'x';
    policies[0].key = STR("x");
    assert_str(identity->name, "deployer");
    assert_str(identity->arn, "arn:aws:iam::123456789012:role/team/deployer");
    assert_str(identity->trust, "{\"a\":1}");
    assert_int_equal(identity->n_policies, 2);
    assert_str(identity->policies[0].key, "admin");
    assert_str(identity_find_policy(identity, STR("own"))->value, "{}");
    assert_null(identity_find_policy(identity, STR("Own")));
    assert_int_equal(identity->max_session_s, 7200);
    assert_int_equal(identity->record_sum, 3);
    mem_free(identity);
    draft.kind = IDENTITY_USER;
    draft.name = STR("u");
    draft.path = STR("/");
    draft.n_policies = 0;
    identity = identity_dup(&draft);
    assert_str(identity->arn, "arn:aws:iam::123456789012:user/u");
    mem_free(identity);
    mem_fail_at(1, 0);
    assert_null(identity_dup(&draft));
    assert_true(mem_fail_at(0, 0));
}

static void test_the_longest_has_an_arn(void **state)
{
    char name[IDENTITY_NAME_MAX], path[IDENTITY_PATH_MAX];
    struct identity draft = { .kind = IDENTITY_USER,
                              .account = STR("123456789012"),
                              .name = { name, sizeof(name) },
                              .path = { path, sizeof(path) } };
    struct identity *identity;

    (void)state;
    memset(name, 'n', sizeof(name));
    memset(path, 'p', sizeof(path));
    path[0] = path[sizeof(path) - 1] = '/';
    assert_true(identity_is_name(draft.name));
    assert_true(identity_is_path(draft.path));
    identity = identity_dup(&draft);
    assert_non_null(identity);
    assert_int_equal(identity->arn.n, strlen("arn:aws:iam::123456789012:user") + sizeof(path) + sizeof(name));
    mem_free(identity);
}

static void test_words(void **state)
{
    static const char *names[] = { "a", "A-b_c+d=e,f.g@h", "0" };
    static const char *bad_names[] = { "", "a b", "a/b", "a:b", "caf\xc3\xa9", "a*" };
    static const char *paths[] = { "/", "/a/", "/a/b/", "//" };
    static const char *bad_paths[] = { "", "a", "/a", "a/", "/a b/", "/\x7f/" };
    char long_name[129];
    enum identity_kind kind;
    char id[IDENTITY_ID_LEN];

    (void)state;
    for (size_t i = 0; i < TEST_COUNT(names); i++)
        assert_true(identity_is_name(str_of(names[i])));
    for (size_t i = 0; i < TEST_COUNT(bad_names); i++)
        assert_false(identity_is_name(str_of(bad_names[i])));
    for (size_t i = 0; i < TEST_COUNT(paths); i++)
        assert_true(identity_is_path(str_of(paths[i])));
    for (size_t i = 0; i < TEST_COUNT(bad_paths); i++)
        assert_false(identity_is_path(str_of(bad_paths[i])));
    memset(long_name, 'a', sizeof(long_name));
    assert_false(identity_is_name((struct str){ long_name, 65 }));
    assert_true(identity_is_policy_name((struct str){ long_name, 128 }));
    assert_false(identity_is_policy_name((struct str){ long_name, 129 }));
    assert_true(identity_is_account(STR("000000000000")));
    assert_false(identity_is_account(STR("00000000000")));
    assert_false(identity_is_account(STR("00000000000a")));
    for (unsigned i = 0; i < IDENTITY_KIND_COUNT; i++) {
        assert_int_equal(identity_parse_kind(identity_kind_text((enum identity_kind)i), &kind), 0);
        assert_int_equal(kind, i);
        assert_int_equal(identity_new_id((enum identity_kind)i, id), 0);
        assert_memory_equal(id, i == IDENTITY_USER ? "AIDA" : "AROA", 4);
    }
    assert_int_equal(identity_parse_kind(STR("group"), &kind), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_copy_is_one_block_of_its_own),
        cmocka_unit_test(test_the_longest_has_an_arn),
        cmocka_unit_test(test_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
