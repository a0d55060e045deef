/* SPDX-License-Identifier: Apache-2.0 */
#include "../test.h"

#include "api/shape_path.h"

static void writes_both_forms_of_a_path(void **state)
{
    (void)state;
    const struct shape_path config = { .name = STR("DnsConfig") },
                            records = { .up = &config, .name = STR("DnsRecords") },
                            first = { .up = &records, .index = 1 }, ttl = { .up = &first, .name = STR("TTL") };
    struct buf buf;
    buf_init(&buf, 1024);
    shape_path_put(&buf, &ttl, true);
    assert_str(buf_str(&buf), "dnsConfig.dnsRecords.1.member.tTL");
    buf_clear(&buf);
    shape_path_put(&buf, &ttl, false);
    assert_str(buf_str(&buf), "DnsConfig.DnsRecords.1.member.TTL");
    buf_clear(&buf);
    shape_path_put(&buf, &(struct shape_path){ .name = STR("") }, true);
    assert_str(buf_str(&buf), "");
    buf_fini(&buf);
}

static void cleans_control_characters(void **state)
{
    (void)state;
    struct buf buf;
    size_t left = SHAPE_PATH_MAX_ECHO;
    buf_init(&buf, 1024);
    shape_path_put_text(&buf, STR("a\0b\n\x7f\xc3\xa4"), &left);
    assert_str(buf_str(&buf), "a?b??\xc3\xa4");
    assert_int_equal(left, SHAPE_PATH_MAX_ECHO - 7);
    buf_fini(&buf);
}

static void cuts_between_code_points_and_only_once(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 1024);
    size_t left = 4;
    shape_path_put_text(&buf, STR("abc\xe2\x82\xac"), &left);
    shape_path_put_text(&buf, STR("more"), &left);
    assert_str(buf_str(&buf), "abc...");
    buf_clear(&buf);
    left = 4;
    shape_path_put_text(&buf, STR("abcd"), &left);
    shape_path_put_text(&buf, STR(""), &left);
    assert_int_equal(left, 0);
    shape_path_put_text(&buf, STR("e"), &left);
    assert_str(buf_str(&buf), "abcd...");
    buf_fini(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_both_forms_of_a_path),
        cmocka_unit_test(cleans_control_characters),
        cmocka_unit_test(cuts_between_code_points_and_only_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
