/* SPDX-License-Identifier: Apache-2.0 */
#include "../test.h"

#include "base/mem.h"
#include "model/namespace.h"

static void test_a_copy_is_one_block_of_its_own(void **state)
{
    char name[] = "example.com", key[] = "k", value[] = "v";
    struct str_pair tag = { { key, 1 }, { value, 1 } };
    struct namespace draft = { .kind = NAMESPACE_DNS_PUBLIC,
                               .id = STR("ns-1"),
                               .name = { name, sizeof(name) - 1 },
                               .http_name = STR("example.com-x"),
                               .description = STR(""),
                               .hosted_zone_id = STR("Z1"),
                               .creator_request_id = STR("token"),
                               .create_operation = STR("op"),
                               .request_digest = 1,
                               .create_ms = 2,
                               .soa_ttl = 3,
                               .tags = &tag,
                               .n_tags = 1,
                               .record_sum = 4 };
    struct namespace *ns = namespace_dup(&draft);

    (void)state;
    assert_non_null(ns);
    memset(name, 'x', sizeof(name));
    key[0] = value[0] = 'x';
    tag = (struct str_pair){ STR(""), STR("") };
    assert_str(ns->name, "example.com");
    assert_str(ns->id, "ns-1");
    assert_str(ns->http_name, "example.com-x");
    assert_true(str_is_set(ns->description));
    assert_int_equal(ns->description.n, 0);
    assert_false(str_is_set(ns->vpc));
    assert_str(ns->hosted_zone_id, "Z1");
    assert_str(ns->creator_request_id, "token");
    assert_str(ns->create_operation, "op");
    assert_int_equal(ns->n_tags, 1);
    assert_str(ns->tags[0].key, "k");
    assert_str(ns->tags[0].value, "v");
    assert_int_equal(ns->request_digest, 1);
    assert_int_equal(ns->create_ms, 2);
    assert_int_equal(ns->soa_ttl, 3);
    assert_int_equal(ns->record_sum, 4);
    mem_free(ns);

    mem_fail_at(1, 0);
    assert_null(namespace_dup(&draft));
    assert_true(mem_fail_at(0, 0));
}

static void test_kinds(void **state)
{
    static const char *words[] = { "HTTP", "DNS_PRIVATE", "DNS_PUBLIC" };
    enum namespace_kind kind;

    (void)state;
    for (unsigned i = 0; i < NAMESPACE_KIND_COUNT; i++) {
        assert_true(str_eq(namespace_kind_text((enum namespace_kind)i), str_of(words[i])));
        assert_int_equal(namespace_parse_kind(str_of(words[i]), &kind), 0);
        assert_int_equal(kind, i);
    }
    assert_int_equal(namespace_parse_kind(STR("http"), &kind), 1);
    assert_int_equal(namespace_parse_kind(STR(""), &kind), 1);
    assert_int_equal(namespace_parse_kind(STR("DNS"), &kind), 1);
}

static void test_zone_names(void **state)
{
    static const char *good[] = {
        "a",    "a.",    "a.b",
        "a.b.", "local", "_a._b",
        "a/b",  "x-.y",  "123456789012345678901234567890123456789012345678901234567890123.a"
    };
    static const char *bad[] = {
        "", ".", "..", ".a", "a..", "a..b", "a.b..", "1234567890123456789012345678901234567890123456789012345678901234"
    };
    char longest[256];

    (void)state;
    for (size_t i = 0; i < TEST_COUNT(good); i++)
        assert_true(namespace_is_zone_name(str_of(good[i])));
    for (size_t i = 0; i < TEST_COUNT(bad); i++)
        assert_false(namespace_is_zone_name(str_of(bad[i])));
    for (size_t i = 0; i < sizeof(longest); i++)
        longest[i] = i % 2 ? '.' : 'a';
    assert_true(namespace_is_zone_name((struct str){ longest, 253 }));
    assert_true(namespace_is_zone_name((struct str){ longest, 254 })); /* the last one is the dot */
    assert_false(namespace_is_zone_name((struct str){ longest, 255 }));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_copy_is_one_block_of_its_own),
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_zone_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
