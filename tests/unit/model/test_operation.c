/* SPDX-License-Identifier: Apache-2.0 */
#include "../test.h"

#include "base/mem.h"
#include "model/operation.h"

static void test_a_copy_is_one_block_of_its_own(void **state)
{
    char action[] = "RegisterInstance";
    struct operation draft = { .id = { { 1, 2, 3 }, 4 },
                               .type = OPERATION_REGISTER_INSTANCE,
                               .status = OPERATION_FAIL,
                               .update_ms = 5,
                               .account = STR("a"),
                               .region = STR("r"),
                               .action = { action, sizeof(action) - 1 },
                               .namespace_id = STR("ns"),
                               .service_id = STR("srv"),
                               .instance_id = STR("i"),
                               .error_code = STR("CODE"),
                               .error_message = STR("message"),
                               .due_wall_ms = 6,
                               .due_mono_ms = 7,
                               .group = 8,
                               .group_sum = 9 };
    struct operation *operation = operation_dup(&draft);

    (void)state;
    assert_non_null(operation);
    memset(action, 'x', sizeof(action));
    assert_str(operation->action, "RegisterInstance");
    assert_str(operation->account, "a");
    assert_str(operation->region, "r");
    assert_str(operation->namespace_id, "ns");
    assert_str(operation->service_id, "srv");
    assert_str(operation->instance_id, "i");
    assert_str(operation->error_code, "CODE");
    assert_str(operation->error_message, "message");
    assert_false(str_is_set(operation->request));
    assert_memory_equal(&operation->id, &draft.id, sizeof(draft.id));
    assert_int_equal(operation->update_ms, 5);
    assert_int_equal(operation->due_wall_ms, 6);
    assert_int_equal(operation->due_mono_ms, 7);
    assert_int_equal(operation->group, 8);
    assert_int_equal(operation->group_sum, 9);
    mem_free(operation);

    mem_fail_at(1, 0);
    assert_null(operation_dup(&draft));
    assert_true(mem_fail_at(0, 0));
}

static void test_statuses(void **state)
{
    static const char *words[] = { "SUBMITTED", "PENDING", "SUCCESS", "FAIL" };
    enum operation_status status;

    (void)state;
    for (unsigned i = 0; i < OPERATION_STATUS_COUNT; i++) {
        struct operation operation = { .status = (enum operation_status)i };
        assert_true(str_eq(operation_status_text(operation.status), str_of(words[i])));
        assert_int_equal(operation_parse_status(str_of(words[i]), &status), 0);
        assert_int_equal(status, i);
        assert_int_equal(operation_is_finished(&operation), i >= 2);
    }
    assert_int_equal(operation_parse_status(STR("SUCCEED"), &status), 1);
    assert_int_equal(operation_parse_status(STR(""), &status), 1);
}

static void test_types(void **state)
{
    static const char *words[] = { "CREATE_NAMESPACE", "DELETE_NAMESPACE",  "UPDATE_NAMESPACE",
                                   "UPDATE_SERVICE",   "REGISTER_INSTANCE", "DEREGISTER_INSTANCE" };
    enum operation_type type;

    (void)state;
    for (unsigned i = 0; i < OPERATION_TYPE_COUNT; i++) {
        assert_true(str_eq(operation_type_text((enum operation_type)i), str_of(words[i])));
        assert_int_equal(operation_parse_type(str_of(words[i]), &type), 0);
        assert_int_equal(type, i);
    }
    assert_int_equal(operation_parse_type(STR("register_instance"), &type), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_copy_is_one_block_of_its_own),
        cmocka_unit_test(test_statuses),
        cmocka_unit_test(test_types),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
