/* SPDX-License-Identifier: Apache-2.0 */
#include "../test.h"

#include "model/pack.h"

struct packed {
    struct str text, absent, empty;
    const struct str_pair *pairs;
};

static void pack(struct pack *pack, struct packed *packed)
{
    pack_str(pack, &packed->text);
    pack_pairs(pack, &packed->pairs, 2);
    pack_str(pack, &packed->absent);
    pack_str(pack, &packed->empty);
}

static void test_measuring_and_copying_agree(void **state)
{
    const struct str_pair pairs[] = { { STR("k"), STR("value") }, { STR("l"), { NULL, 0 } } };
    const struct packed draft = { .text = STR("odd"), .empty = STR(""), .pairs = pairs };
    struct packed measured = draft, copied = draft;
    struct pack to = { .n = 1 };
    _Alignas(16) char block[256];

    (void)state;
    pack(&to, &measured);
    assert_ptr_equal(measured.text.p, draft.text.p);
    assert_in_range(to.n, 1 + 3 + sizeof(pairs) + 7, sizeof(block));
    {
        size_t n = to.n;
        memset(block, 0x5a, sizeof(block));
        to = (struct pack){ .at = block, .n = 1 };
        pack(&to, &copied);
        assert_int_equal(to.n, n);
        for (size_t i = n; i < sizeof(block); i++)
            assert_int_equal(block[i], 0x5a);
    }
    assert_in_range((uintptr_t)copied.text.p, (uintptr_t)block, (uintptr_t)block + to.n);
    assert_str(copied.text, "odd");
    assert_false(str_is_set(copied.absent));
    assert_true(str_is_set(copied.empty));
    assert_int_equal((uintptr_t)copied.pairs % _Alignof(struct str_pair), 0);
    assert_str(copied.pairs[0].value, "value");
    assert_str(copied.pairs[1].key, "l");
    assert_false(str_is_set(copied.pairs[1].value));
}

static void test_no_pairs(void **state)
{
    const struct str_pair *pairs = (const struct str_pair *)(const void *)"unused";
    struct pack to = { .n = 3 };

    (void)state;
    pack_pairs(&to, &pairs, 0);
    assert_null(pairs);
    assert_int_equal(to.n, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_measuring_and_copying_agree),
        cmocka_unit_test(test_no_pairs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
