/* SPDX-License-Identifier: Apache-2.0 */
#include "shape_fixture.h"

#include "api/page.h"

#include <errno.h>

/* A fixture whose input is `json`. */
static void ask(struct shape_fixture *fixture, const char *op_name, const char *json)
{
    fixture_init(fixture, op_name);
    assert_int_equal(fixture_decode(fixture, json), 0);
}

static struct str encode(struct shape_fixture *fixture, struct str key)
{
    struct str token = page_encode(&fixture->arena, fixture->op, fixture->in, key);
    assert_true(str_is_set(token));
    return token;
}

static int decode(struct shape_fixture *fixture, struct str token, struct str *ret_key)
{
    return page_decode(&fixture->arena, fixture->op, fixture->in, token, ret_key);
}

static void a_token_brings_its_key_back(void **state)
{
    (void)state;
    char key[PAGE_MAX_KEY];
    struct shape_fixture f;
    struct str got = { 0 };
    ask(&f, "ListInstances", "{\"ServiceId\":\"srv-1\"}");
    for (size_t n = 1; n <= sizeof(key); n += n < 20 ? 1 : 167) {
        memset(key, (int)n, n);
        struct str token = encode(&f, (struct str){ key, n });
        assert_true(token.n <= 4096);
        assert_int_equal(decode(&f, token, &got), 0);
        assert_true(str_eq(got, (struct str){ key, n }));
    }
    fixture_fini(&f);
}

/* Tokens outlive the process, so the form is fixed. */
static void the_form_is_stable(void **state)
{
    (void)state;
    struct shape_fixture f;
    struct str got = { 0 };
    ask(&f, "ListNamespaces", "{}");
    assert_str(encode(&f, STR("ns-1")), "019364c663870df8b86e732d31e2b813bd435f8ee2");
    assert_int_equal(decode(&f, STR("019364c663870df8b86e732d31e2b813bd435f8ee2"), &got), 0);
    assert_str(got, "ns-1");
    fixture_fini(&f);
}

static void paging_members_do_not_matter(void **state)
{
    (void)state;
    struct shape_fixture f, again;
    struct str got = { 0 };
    ask(&f, "ListServices", "{\"MaxResults\":1,\"Filters\":[{\"Name\":\"NAMESPACE_ID\",\"Values\":[\"ns-1\"]}]}");
    ask(&again, "ListServices",
        "{\"NextToken\":\"x\",\"Filters\":[{\"Values\":[\"ns-1\"],\"Name\":\"NAMESPACE_ID\"}],\"MaxResults\":9}");
    assert_int_equal(decode(&again, encode(&f, STR("k")), &got), 0);
    assert_str(got, "k");
    fixture_fini(&f);
    fixture_fini(&again);
}

static void other_questions_refuse_the_token(void **state)
{
    (void)state;
    static const struct {
        const char *op, *json;
    } others[] = {
        { "ListServices", "{}" },
        { "ListServices", "{\"Filters\":[]}" },
        { "ListServices", "{\"Filters\":[{\"Name\":\"NAMESPACE_ID\",\"Values\":[\"ns-2\"]}]}" },
        { "ListServices", "{\"Filters\":[{\"Name\":\"NAMESPACE_ID\",\"Values\":[\"ns-1\"],\"Condition\":\"EQ\"}]}" },
        { "ListNamespaces", "{\"Filters\":[{\"Name\":\"NAMESPACE_ID\",\"Values\":[\"ns-1\"]}]}" },
    };
    struct shape_fixture f;
    ask(&f, "ListServices", "{\"Filters\":[{\"Name\":\"NAMESPACE_ID\",\"Values\":[\"ns-1\"]}]}");
    struct str token = encode(&f, STR("srv-1")), got = { 0 };
    for (size_t i = 0; i < TEST_COUNT(others); i++) {
        struct shape_fixture other;
        ask(&other, others[i].op, others[i].json);
        assert_int_equal(decode(&other, token, &got), PAGE_INVALID);
        assert_false(str_is_set(got));
        fixture_fini(&other);
    }
    fixture_fini(&f);
}

static void damaged_tokens_are_refused(void **state)
{
    (void)state;
    struct shape_fixture f;
    char copy[4200];
    ask(&f, "ListNamespaces", "{}");
    struct str token = encode(&f, STR("ns-1")), got = { 0 };
    for (size_t i = 0; i < token.n; i++) {
        memcpy(copy, token.p, token.n);
        copy[i] = copy[i] == '0' ? '1' : '0';
        assert_int_equal(decode(&f, (struct str){ copy, token.n }, &got), PAGE_INVALID);
        assert_int_equal(decode(&f, (struct str){ token.p, i }, &got), PAGE_INVALID);
    }
    memset(copy, 'a', sizeof(copy));
    for (size_t n = 0; n <= sizeof(copy); n += 35)
        assert_int_equal(decode(&f, (struct str){ copy, n }, &got), PAGE_INVALID);
    assert_int_equal(decode(&f, STR("not hex"), &got), PAGE_INVALID);
    assert_int_equal(decode(&f, (struct str){ 0 }, &got), PAGE_INVALID);
    fixture_fini(&f);
}

static void memory_may_fail(void **state)
{
    (void)state;
    struct shape_fixture f;
    struct arena none;
    struct str got = { 0 };
    ask(&f, "ListNamespaces", "{}");
    struct str token = encode(&f, STR("ns-1"));
    arena_init(&none, 0);
    assert_false(str_is_set(page_encode(&none, f.op, f.in, STR("ns-1"))));
    assert_int_equal(page_decode(&none, f.op, f.in, token, &got), -ENOMEM);
    mem_fail_at(1, 1);
    assert_false(str_is_set(page_encode(&f.arena, f.op, f.in, STR("ns-1"))));
    mem_fail_at(1, 1);
    assert_int_equal(decode(&f, token, &got), -ENOMEM);
    mem_fail_at(0, 0);
    arena_fini(&none);
    fixture_fini(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_brings_its_key_back),  cmocka_unit_test(the_form_is_stable),
        cmocka_unit_test(paging_members_do_not_matter), cmocka_unit_test(other_questions_refuse_the_token),
        cmocka_unit_test(damaged_tokens_are_refused),   cmocka_unit_test(memory_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
