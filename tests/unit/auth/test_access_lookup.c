/* SPDX-License-Identifier: Apache-2.0
 *
 * What the gates find of keys, users and roles. */
#include "../registry/bed.h"

#include "auth/access_lookup.h"
#include "auth/principal.h"
#include "base/mem.h"

#include <errno.h>

#define TRUST                                                                                   \
    STR("{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":\"*\"," \
        "\"Action\":\"sts:AssumeRole\"}]}")

static void create_identity(struct bed *bed, enum identity_kind kind, struct str name, struct str id)
{
    caller_new(&bed->caller, CHANGE_CREATE_IDENTITY)->identity =
        (struct identity){ .kind = kind,
                           .account = BED_ACCOUNT,
                           .name = name,
                           .path = STR("/team/"),
                           .id = id,
                           .trust = kind == IDENTITY_ROLE ? TRUST : (struct str){ 0 },
                           .max_session_s = kind == IDENTITY_ROLE ? 7200 : 0 };
    assert_int_equal(caller_do(&bed->caller), 0);
}

static void create_key(struct bed *bed, struct str id, struct str user)
{
    caller_new(&bed->caller, CHANGE_CREATE_KEY)->key =
        (struct access_key){ .id = id, .account = BED_ACCOUNT, .user = user, .sealed = STR("k.x") };
    assert_int_equal(caller_do(&bed->caller), 0);
}

static void test_principals(void **state)
{
    const struct snapshot *snapshot;
    const struct access_key *key;
    struct principal principal;
    struct arena arena;
    struct bed bed;

    (void)state;
    bed_init(&bed);
    arena_init(&arena, 1 << 16);
    create_identity(&bed, IDENTITY_USER, STR("Ann"), STR("AIDAAAAAAAAAAAAAAAAAA"));
    create_identity(&bed, IDENTITY_ROLE, STR("ops"), STR("AROAAAAAAAAAAAAAAAAAA"));
    create_key(&bed, STR("AKIAROOTROOTROOTROOT"), (struct str){ 0 });
    create_key(&bed, STR("AKIAANNAANNAANNAANNA"), STR("ann"));
    snapshot = bed_hold(&bed);
    assert_null(access_lookup_key(snapshot, STR("AKIAANNAANNAANNAANNB")));
    key = access_lookup_key(snapshot, STR("AKIAANNAANNAANNAANNA"));
    assert_non_null(key);
    assert_false(key->is_disabled);
    assert_int_equal(principal_of_key(snapshot, key, &arena, &principal), 0);
    assert_int_equal(principal.kind, PRINCIPAL_USER);
    assert_str(principal.account, "000000000000");
    assert_str(principal.arn, "arn:aws:iam::000000000000:user/team/Ann");
    assert_str(principal.id, "AIDAAAAAAAAAAAAAAAAAA");
    assert_str(principal.name, "Ann");
    assert_str(principal.access_key_id, "AKIAANNAANNAANNAANNA");
    assert_ptr_equal(access_lookup_principal(snapshot, &principal),
                     access_lookup_user(snapshot, BED_ACCOUNT, STR("ann")));
    principal.id = STR("AIDAOTHEROTHEROTHEROT"); /* of a user of that name who was there before */
    assert_null(access_lookup_principal(snapshot, &principal));
    key = access_lookup_key(snapshot, STR("AKIAROOTROOTROOTROOT"));
    assert_int_equal(principal_of_key(snapshot, key, &arena, &principal), 0);
    assert_int_equal(principal.kind, PRINCIPAL_ROOT);
    assert_str(principal.arn, "arn:aws:iam::000000000000:root");
    assert_str(principal.id, "000000000000");
    assert_false(str_is_set(principal.name));
    assert_null(access_lookup_principal(snapshot, &principal));
    assert_null(access_lookup_role(snapshot, BED_ACCOUNT, STR("Ann")));
    assert_null(access_lookup_role(snapshot, STR("000000000001"), STR("ops")));
    assert_int_equal(
        principal_of_role(access_lookup_role(snapshot, BED_ACCOUNT, STR("ops")), STR("night"), &arena, &principal), 0);
    assert_int_equal(principal.kind, PRINCIPAL_ROLE);
    assert_str(principal.arn, "arn:aws:sts::000000000000:assumed-role/ops/night");
    assert_str(principal.id, "AROAAAAAAAAAAAAAAAAAA:night");
    assert_str(principal.session_name, "night");
    assert_non_null(access_lookup_principal(snapshot, &principal)->trust);
    assert_false(str_is_set(principal.access_key_id));
    bed_release(&bed);
    arena_fini(&arena);
    bed_fini(&bed);
}

static void test_without_memory(void **state)
{
    const struct snapshot *snapshot;
    struct principal principal;
    struct arena arena;
    struct bed bed;

    (void)state;
    bed_init(&bed);
    create_identity(&bed, IDENTITY_USER, STR("ann"), STR("AIDAAAAAAAAAAAAAAAAAA"));
    create_identity(&bed, IDENTITY_ROLE, STR("ops"), STR("AROAAAAAAAAAAAAAAAAAA"));
    create_key(&bed, STR("AKIAANNAANNAANNAANNA"), STR("ann"));
    snapshot = bed_hold(&bed);
    arena_init(&arena, 16);
    assert_int_equal(principal_of_root(BED_ACCOUNT, &arena, &principal), -ENOMEM);
    assert_int_equal(
        principal_of_key(snapshot, access_lookup_key(snapshot, STR("AKIAANNAANNAANNAANNA")), &arena, &principal),
        -ENOMEM);
    assert_int_equal(
        principal_of_role(access_lookup_role(snapshot, BED_ACCOUNT, STR("ops")), STR("night"), &arena, &principal),
        -ENOMEM);
    bed_release(&bed);
    arena_fini(&arena);
    bed_fini(&bed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_principals),
        cmocka_unit_test(test_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
