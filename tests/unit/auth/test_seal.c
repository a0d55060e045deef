/* SPDX-License-Identifier: Apache-2.0 */
#include "../test.h"

#include "auth/seal.h"
#include "base/mem.h"

#include <errno.h>

static struct str key_id(uint8_t first, char ret_id[SEAL_KEY_ID_LEN])
{
    uint8_t key[AEAD_KEY_LEN] = { first };

    seal_key_id(key, ret_id);
    return (struct str){ ret_id, SEAL_KEY_ID_LEN };
}

static void add(struct seal *seal, uint8_t first)
{
    uint8_t key[AEAD_KEY_LEN] = { first };

    assert_int_equal(seal_add(seal, key), 0);
}

static void test_closed_and_opened(void **state)
{
    struct seal *seal = seal_new();
    char id[SEAL_KEY_ID_LEN], plain[64];
    struct str sealed, again;
    struct arena arena;
    size_t n;

    (void)state;
    arena_init(&arena, 1 << 20);
    assert_non_null(seal);
    assert_false(str_is_set(seal_current(seal)));
    assert_int_equal(seal_close(seal, STR("r"), STR("secret"), &arena, &sealed), -ENOKEY);
    add(seal, 1);
    add(seal, 1);
    assert_int_equal(seal_use(seal, STR("0000000000000000")), 1);
    assert_int_equal(seal_use(seal, key_id(1, id)), 0);
    assert_true(str_eq(seal_current(seal), key_id(1, id)));
    assert_int_equal(seal_close(seal, STR("r"), STR("secret"), &arena, &sealed), 0);
    assert_int_equal(seal_close(seal, STR("r"), STR("secret"), &arena, &again), 0);
    assert_false(str_eq(sealed, again)); /* each has a nonce of its own */
    assert_true(str_starts(sealed, key_id(1, id)));
    assert_int_equal(sealed.n, SEAL_KEY_ID_LEN + 1 + 48);
    assert_int_equal(seal_open(seal, STR("r"), sealed, plain, sizeof(plain), &n), 0);
    assert_str(((struct str){ plain, n }), "secret");
    assert_int_equal(seal_open(seal, STR("r"), sealed, plain, 6, &n), 0);
    assert_int_equal(seal_open(seal, STR("r"), sealed, plain, 5, &n), SEAL_BROKEN);
    assert_int_equal(seal_open(seal, STR("s"), sealed, plain, sizeof(plain), &n), SEAL_BROKEN);
    for (size_t cut = 0; cut < sealed.n; cut++)
        assert_int_equal(seal_open(seal, STR("r"), (struct str){ sealed.p, cut }, plain, sizeof(plain), &n),
                         SEAL_BROKEN);
    for (size_t i = 0; i < sealed.n; i++) {
        struct str bent = arena_dup(&arena, sealed);
        char *c = (char *)(uintptr_t)bent.p + i;
        *c = *c == 'A' ? 'B' : 'A';
        assert_int_not_equal(seal_open(seal, STR("r"), bent, plain, sizeof(plain), &n), 0);
    }
    assert_int_equal(seal_close(seal, STR("r"), STR(""), &arena, &sealed), 0);
    assert_int_equal(seal_open(seal, STR("r"), sealed, plain, 0, &n), 0);
    assert_int_equal(n, 0);
    arena_fini(&arena);
    seal_free(seal);
    seal_free(NULL);
}

/* What was sealed before the keys changed opens still; what a ring does not know says so. */
static void test_keys_change(void **state)
{
    struct seal *seal = seal_new(), *other = seal_new();
    char id[SEAL_KEY_ID_LEN], plain[64];
    uint8_t more[AEAD_KEY_LEN] = { 99 };
    struct str old, new;
    struct arena arena;
    size_t n;

    (void)state;
    arena_init(&arena, 1 << 20);
    add(seal, 1);
    add(other, 2);
    seal_use(seal, key_id(1, id));
    assert_int_equal(seal_close(seal, STR("r"), STR("one"), &arena, &old), 0);
    add(seal, 2);
    seal_use(seal, key_id(2, id));
    assert_int_equal(seal_close(seal, STR("r"), STR("two"), &arena, &new), 0);
    assert_int_equal(seal_open(seal, STR("r"), old, plain, sizeof(plain), &n), 0);
    assert_str(((struct str){ plain, n }), "one");
    assert_int_equal(seal_open(other, STR("r"), old, plain, sizeof(plain), &n), SEAL_UNKNOWN_KEY);
    assert_int_equal(seal_open(other, STR("r"), new, plain, sizeof(plain), &n), 0);
    assert_str(((struct str){ plain, n }), "two");
    for (uint8_t i = 3; i <= 8; i++)
        add(seal, i);
    assert_int_equal(seal_add(seal, more), -ENOSPC);
    arena_fini(&arena);
    seal_free(seal);
    seal_free(other);
}

static void test_limits(void **state)
{
    static char plain[SEAL_PLAIN_MAX + 1], back[SEAL_PLAIN_MAX];
    struct seal *seal = seal_new();
    char id[SEAL_KEY_ID_LEN];
    struct arena arena;
    struct str sealed;
    size_t n;

    (void)state;
    arena_init(&arena, 1 << 20);
    memset(plain, 'x', sizeof(plain));
    add(seal, 1);
    seal_use(seal, key_id(1, id));
    assert_int_equal(seal_close(seal, STR("r"), (struct str){ plain, sizeof(plain) }, &arena, &sealed), -EINVAL);
    assert_int_equal(seal_close(seal, STR("r"), (struct str){ plain, SEAL_PLAIN_MAX }, &arena, &sealed), 0);
    assert_int_equal(seal_open(seal, STR("r"), sealed, back, sizeof(back), &n), 0);
    assert_int_equal(n, SEAL_PLAIN_MAX);
    arena_fini(&arena);
    arena_init(&arena, 64);
    assert_int_equal(seal_close(seal, STR("r"), STR("secret"), &arena, &sealed), -ENOMEM);
    arena_fini(&arena);
    seal_free(seal);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_closed_and_opened),
        cmocka_unit_test(test_keys_change),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
