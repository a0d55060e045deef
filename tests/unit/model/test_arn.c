/* SPDX-License-Identifier: Apache-2.0 */
#include "../test.h"

#include "model/arn.h"

static void check_round_trip(const char *text, enum arn_kind kind, const char *region, const char *account,
                             const char *id)
{
    struct arena arena;
    struct arn arn;

    assert_int_equal(arn_parse(str_of(text), &arn), 0);
    assert_int_equal(arn.kind, kind);
    assert_true(str_eq(arn.region, str_of(region)));
    assert_true(str_eq(arn.account, str_of(account)));
    assert_true(str_eq(arn.id, str_of(id)));
    arena_init(&arena, 4096);
    assert_true(str_eq(arn_format(&arena, &arn), str_of(text)));
    arena_fini(&arena);
}

static void test_both_kinds_in_every_partition(void **state)
{
    (void)state;
    check_round_trip("arn:aws:servicediscovery:us-east-1:123456789012:namespace/ns-e4anhexample0004", ARN_NAMESPACE,
                     "us-east-1", "123456789012", "ns-e4anhexample0004");
    check_round_trip("arn:aws:servicediscovery:eu-west-1:123456789012:service/srv-p5zdwlg5uvvzjita", ARN_SERVICE,
                     "eu-west-1", "123456789012", "srv-p5zdwlg5uvvzjita");
    check_round_trip("arn:aws-cn:servicediscovery:cn-north-1:1:service/s", ARN_SERVICE, "cn-north-1", "1", "s");
    check_round_trip("arn:aws-us-gov:servicediscovery:us-gov-west-1:1:namespace/n", ARN_NAMESPACE, "us-gov-west-1", "1",
                     "n");
}

static void test_what_is_no_arn(void **state)
{
    static const struct {
        const char *text;
        int result;
    } cases[] = {
        { "", ARN_NOT_ARN },
        { "ns-e4anhexample0004", ARN_NOT_ARN },
        { "ARN:aws:servicediscovery:us-east-1:1:service/s", ARN_NOT_ARN },
        { "arn", ARN_NOT_ARN },
        { "arn:", ARN_MALFORMED },
        { "arn:aws", ARN_MALFORMED },
        { "arn:aws:servicediscovery", ARN_MALFORMED },
        { "arn:aws:servicediscovery:us-east-1", ARN_MALFORMED },
        { "arn:aws:servicediscovery:us-east-1:1", ARN_MALFORMED },
        { "arn:aws:servicediscovery:us-east-1:1:", ARN_MALFORMED },
        { "arn:aws:servicediscovery:us-east-1:1:service", ARN_MALFORMED },
        { "arn:aws:servicediscovery:us-east-1:1:service/", ARN_MALFORMED },
        { "arn:aws:servicediscovery:us-east-1:1:instance/i", ARN_MALFORMED },
        { "arn:aws:servicediscovery:us-east-1:1:service/s/instance/i", ARN_MALFORMED },
        { "arn:aws:servicediscovery:us-east-1:1:service/s:1", ARN_MALFORMED },
        { "arn:aws:servicediscovery::1:service/s", ARN_MALFORMED },
        { "arn:aws:servicediscovery:us-east-1::service/s", ARN_MALFORMED },
        { "arn:aws:s3:us-east-1:1:service/s", ARN_MALFORMED },
        { "arn:aws:servicediscovery:cn-north-1:1:service/s", ARN_MALFORMED },
        { "arn:aws-cn:servicediscovery:us-east-1:1:service/s", ARN_MALFORMED },
    };

    (void)state;
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        struct arn arn = { .region = STR("untouched") };
        if (arn_parse(str_of(cases[i].text), &arn) != cases[i].result)
            print_error("case %zu\n", i);
        assert_int_equal(arn_parse(str_of(cases[i].text), &arn), cases[i].result);
        assert_str(arn.region, "untouched");
    }
}

static void test_no_room(void **state)
{
    struct arena arena;

    (void)state;
    arena_init(&arena, 16);
    assert_false(str_is_set(arn_format(
        &arena, &(struct arn){ .region = STR("us-east-1"), .account = STR("123456789012"), .id = STR("s") })));
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_kinds_in_every_partition),
        cmocka_unit_test(test_what_is_no_arn),
        cmocka_unit_test(test_no_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
