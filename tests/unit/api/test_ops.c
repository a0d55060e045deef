/* SPDX-License-Identifier: Apache-2.0 */
#include "../test.h"

#include "api/ops.h"
#include "op_handlers.h"

static const struct shape_member *member_of(const struct shape *shape, const char *name)
{
    for (size_t i = 0; i < shape->n_members; i++) {
        if (str_eq(shape->members[i].name, str_of(name)))
            return &shape->members[i];
    }
    return NULL;
}

static void finds_each_by_its_exact_name(void **state)
{
    (void)state;
    assert_int_equal(OP_COUNT, 30);
    for (size_t i = 0; i < OP_COUNT; i++) {
        assert_ptr_equal(op_find(ops[i].name), &ops[i]);
        assert_int_equal(ops[i].index, i);
        if (i)
            assert_true(str_cmp(ops[i - 1].name, ops[i].name) < 0);
    }
    static const char *const unknown[] = { "",
                                           "A",
                                           "Z",
                                           "getService",
                                           "GetServic",
                                           "GetServices",
                                           "DiscoverInstance",
                                           "DiscoverInstancesR",
                                           "CreateHttpNamespace ",
                                           "UpdateServiceAttributesX" };
    for (size_t i = 0; i < TEST_COUNT(unknown); i++)
        assert_null(op_find(str_of(unknown[i])));
}

static void thunks_pass_everything_on(void **state)
{
    (void)state;
    char in, out, call;
    for (size_t i = 0; i < OP_COUNT; i++) {
        assert_int_equal(ops[i].call((struct api_call *)(void *)&call, &in, &out), 0);
        assert_int_equal(op_handlers_seen.index, i);
        assert_ptr_equal(op_handlers_seen.call, &call);
        assert_ptr_equal(op_handlers_seen.in, &in);
        assert_ptr_equal(op_handlers_seen.out, &out);
    }
}

static void rows_agree_with_their_shapes(void **state)
{
    (void)state;
    for (size_t i = 0; i < OP_COUNT; i++) {
        const struct op *op = &ops[i];
        assert_int_equal(op->input->kind, SHAPE_KIND_STRUCTURE);
        assert_int_equal(op->input->size, op->input_size);
        assert_int_equal(op->output->size, op->output_size);
        assert_int_equal(op->resource == OP_ON_ANY, op->resource_member == NULL);
        if (op->resource_member)
            assert_int_equal(member_of(op->input, op->resource_member)->shape->kind, SHAPE_KIND_STRING);
        assert_int_equal((op->flags & OP_READ) != 0, (op->flags & OP_WRITE) == 0);
        assert_true(!(op->flags & OP_ASYNC) || (op->flags & OP_WRITE));
        assert_int_equal((op->flags & OP_ASYNC) != 0, member_of(op->output, "OperationId") != NULL);
        assert_int_equal((op->flags & OP_PAGED) != 0, member_of(op->input, "NextToken") != NULL);
        assert_int_equal((op->flags & OP_PAGED) != 0, member_of(op->output, "NextToken") != NULL);
        if (op->flags & OP_PAGED) {
            assert_true(member_of(op->input, "NextToken")->flags & SHAPE_PAGING);
            assert_true(member_of(op->input, "MaxResults")->flags & SHAPE_PAGING);
        }
        assert_true(op->errors & ERROR_BIT(ERROR_INVALID_INPUT));
    }
}

static size_t size_held(enum shape_holds holds)
{
    switch (holds) {
    case SHAPE_HOLDS_STR:
        return sizeof(struct str);
    case SHAPE_HOLDS_INT:
        return sizeof(struct opt_int);
    case SHAPE_HOLDS_LIST:
        return sizeof(struct any_list);
    case SHAPE_HOLDS_MAP:
        return sizeof(struct str_map);
    case SHAPE_HOLDS_POINTER:
        return sizeof(void *);
    case SHAPE_HOLDS_PART:
        return sizeof(struct wire_part);
    }
    return 0;
}

/* The C type of a member can hold its shape. Raw JSON may stand for a list or structure, in outputs only. */
static void check_holds(const struct shape_member *member, bool is_input)
{
    const struct shape *shape = member->shape;
    bool is_raw =
        (member->holds == SHAPE_HOLDS_STR && shape->kind != SHAPE_KIND_STRING) || member->holds == SHAPE_HOLDS_PART;
    assert_false(is_input && is_raw);
    switch (shape->kind) {
    case SHAPE_KIND_NOTHING:
        fail();
    case SHAPE_KIND_STRING:
        assert_int_equal(member->holds, SHAPE_HOLDS_STR);
        break;
    case SHAPE_KIND_TIMESTAMP:
        assert_false(is_input);
        assert_int_equal(member->holds, SHAPE_HOLDS_INT);
        break;
    case SHAPE_KIND_INTEGER:
    case SHAPE_KIND_LONG:
        assert_int_equal(member->holds, SHAPE_HOLDS_INT);
        break;
    case SHAPE_KIND_LIST:
        assert_true(is_raw || member->holds == SHAPE_HOLDS_LIST);
        break;
    case SHAPE_KIND_MAP:
        assert_int_equal(member->holds, SHAPE_HOLDS_MAP);
        assert_int_equal(shape->key->kind, SHAPE_KIND_STRING);
        assert_int_equal(shape->element->kind, SHAPE_KIND_STRING);
        break;
    case SHAPE_KIND_STRUCTURE:
        assert_true(is_raw || member->holds == SHAPE_HOLDS_POINTER);
        break;
    }
}

static void check_structure(const struct shape *shape, bool is_input)
{
    assert_true(shape->size > 0);
    for (size_t i = 0; i < shape->n_members; i++) {
        const struct shape_member *member = &shape->members[i];
        check_holds(member, is_input);
        assert_true(member->offset + size_held(member->holds) <= shape->size);
        for (size_t k = 0; k < i; k++)
            assert_true(shape->members[k].offset != member->offset);
        if (member->holds == SHAPE_HOLDS_POINTER)
            check_structure(member->shape, is_input);
        const struct shape *element = member->holds == SHAPE_HOLDS_LIST ? member->shape->element : NULL;
        if (element && element->kind == SHAPE_KIND_STRUCTURE) {
            check_structure(element, is_input);
            /* a null element is refused because of these */
            bool element_requires = false;
            for (size_t k = 0; k < element->n_members; k++)
                element_requires |= (element->members[k].flags & SHAPE_REQUIRED) != 0;
            assert_true(element_requires || !is_input);
        } else if (element) {
            assert_int_equal(element->kind, SHAPE_KIND_STRING);
        }
    }
}

static void tables_agree_with_the_structs(void **state)
{
    (void)state;
    for (size_t i = 0; i < OP_COUNT; i++) {
        check_structure(ops[i].input, true);
        if (ops[i].output->kind != SHAPE_KIND_NOTHING)
            check_structure(ops[i].output, false);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_each_by_its_exact_name),
        cmocka_unit_test(thunks_pass_everything_on),
        cmocka_unit_test(rows_agree_with_their_shapes),
        cmocka_unit_test(tables_agree_with_the_structs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
