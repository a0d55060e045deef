/* SPDX-License-Identifier: Apache-2.0
 *
 * Access keys, users and roles: what may be made, what is refused, what a restart gives back. */
#include "bed.h"

#include "base/mem.h"
#include "model/managed_policy.h"

#include <stdio.h>

#define USER_ID STR("AIDAAAAAAAAAAAAAAAAAA")
#define DOCUMENT                                                                                             \
    "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"servicediscovery:Get*\"," \
    "\"Resource\":\"*\"}]}"
#define TRUST                                                                                             \
    STR("{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"*\"}," \
        "\"Action\":\"sts:AssumeRole\"}]}")

static int create_identity(struct bed *bed, enum identity_kind kind, const char *name)
{
    caller_new(&bed->caller, CHANGE_CREATE_IDENTITY)->identity =
        (struct identity){ .kind = kind,
                           .account = BED_ACCOUNT,
                           .name = str_of(name),
                           .path = STR("/"),
                           .id = USER_ID,
                           .trust = kind == IDENTITY_ROLE ? TRUST : (struct str){ 0 },
                           .max_session_s = kind == IDENTITY_ROLE ? 3600 : 0 };
    return caller_do(&bed->caller);
}

static int name_identity(struct bed *bed, enum change_kind change, enum identity_kind kind, const char *name)
{
    caller_new(&bed->caller, change)->identity =
        (struct identity){ .kind = kind, .account = BED_ACCOUNT, .name = str_of(name) };
    return caller_do(&bed->caller);
}

/* `n` makes the id; a NULL user is root. */
static int create_key(struct bed *bed, unsigned n, const char *user, const char *sealed)
{
    struct change *change = caller_new(&bed->caller, CHANGE_CREATE_KEY);

    change->key = (struct access_key){ .id = arena_printf(change->arena, "AKIA%016u", n),
                                       .account = BED_ACCOUNT,
                                       .user = str_of(user),
                                       .sealed = str_of(sealed) };
    return caller_do(&bed->caller);
}

static int change_key(struct bed *bed, enum change_kind kind, unsigned n, bool is_disabled, const char *sealed)
{
    struct change *change = caller_new(&bed->caller, kind);

    change->key = (struct access_key){ .id = arena_printf(change->arena, "AKIA%016u", n),
                                       .sealed = str_of(sealed),
                                       .is_disabled = is_disabled };
    return caller_do(&bed->caller);
}

/* Its place in the snapshot, copied into the bed's arena; the absent id when there is none. */
static struct access_key find_key(struct bed *bed, unsigned n)
{
    struct str id = arena_printf(&bed->names, "AKIA%016u", n);
    const struct access_key *found = access_state_find_key(&bed_hold(bed)->access, id);
    struct access_key key = found ? *found : (struct access_key){ 0 };

    key.user = str_is_set(key.user) ? arena_dup(&bed->names, key.user) : key.user;
    key.sealed = found ? arena_dup(&bed->names, key.sealed) : key.sealed;
    bed_release(bed);
    return key;
}

static size_t count_policies(struct bed *bed, const char *user)
{
    const struct identity_node *node =
        access_state_find_identity(&bed_hold(bed)->access, BED_ACCOUNT, IDENTITY_USER, str_of(user));
    size_t n = node->config->n_policies;

    bed_release(bed);
    return n;
}

static void test_life_of_a_key(void **state)
{
    struct bed bed;

    (void)state;
    bed_init(&bed);
    assert_int_equal(create_identity(&bed, IDENTITY_USER, "Alice"), 0);
    assert_int_equal(create_key(&bed, 1, "alice", "k.one"), 0);
    assert_str(find_key(&bed, 1).user, "Alice"); /* as the user is spelt */
    assert_int_equal(find_key(&bed, 1).create_ms, BED_WALL_MS);
    assert_int_equal(create_key(&bed, 1, "Alice", "k.two"), CHANGE_ACCESS_EXISTS);
    assert_int_equal(change_key(&bed, CHANGE_UPDATE_KEY, 1, true, NULL), 0);
    assert_true(find_key(&bed, 1).is_disabled);
    bed_check_reopen(&bed);
    assert_int_equal(change_key(&bed, CHANGE_UPDATE_KEY, 1, true, NULL), 0); /* as it is */
    assert_int_equal(change_key(&bed, CHANGE_UPDATE_KEY, 1, false, "k.three"), 0);
    assert_false(find_key(&bed, 1).is_disabled);
    assert_str(find_key(&bed, 1).sealed, "k.three");
    assert_int_equal(change_key(&bed, CHANGE_DELETE_KEY, 1, false, NULL), 0);
    assert_false(str_is_set(find_key(&bed, 1).id));
    assert_int_equal(change_key(&bed, CHANGE_DELETE_KEY, 1, false, NULL), CHANGE_RESOURCE_NOT_FOUND);
    assert_int_equal(change_key(&bed, CHANGE_UPDATE_KEY, 1, false, NULL), CHANGE_RESOURCE_NOT_FOUND);
    assert_str(bed.caller.change.message, "there is no access key AKIA0000000000000001; key list shows them");
    assert_int_equal(bed_count_records(&bed, "access_key/"), 0);
    bed_check_reopen(&bed);
    bed_fini(&bed);
}

static void test_who_may_have_keys(void **state)
{
    struct bed bed;

    (void)state;
    bed_init(&bed);
    assert_int_equal(create_key(&bed, 1, "bob", "k.x"), CHANGE_RESOURCE_NOT_FOUND);
    assert_str(bed.caller.change.message, "there is no user bob in account 000000000000");
    assert_int_equal(create_identity(&bed, IDENTITY_ROLE, "bob"), 0);
    assert_int_equal(create_key(&bed, 1, "bob", "k.x"), CHANGE_RESOURCE_NOT_FOUND);
    for (unsigned i = 1; i <= 2; i++)
        assert_int_equal(create_key(&bed, i, NULL, "k.x"), 0);
    assert_int_equal(create_key(&bed, 3, NULL, "k.x"), CHANGE_LIMIT);
    assert_str(bed.caller.change.message,
               "root of account 000000000000 has 2 access keys already, which is the most; delete one first");
    assert_int_equal(create_identity(&bed, IDENTITY_USER, "bob"), 0);
    for (unsigned i = 3; i <= 4; i++)
        assert_int_equal(create_key(&bed, i, "bob", "k.x"), 0);
    assert_int_equal(create_key(&bed, 5, "bob", "k.x"), CHANGE_LIMIT);
    assert_str(bed.caller.change.message,
               "user bob of account 000000000000 has 2 access keys already, which is the most; delete one first");
    assert_int_equal(name_identity(&bed, CHANGE_DELETE_IDENTITY, IDENTITY_USER, "bob"), CHANGE_IN_USE);
    assert_str(bed.caller.change.message, "user bob has 2 access keys; delete them first");
    change_key(&bed, CHANGE_DELETE_KEY, 3, false, NULL);
    change_key(&bed, CHANGE_DELETE_KEY, 4, false, NULL);
    assert_int_equal(name_identity(&bed, CHANGE_DELETE_IDENTITY, IDENTITY_USER, "bob"), 0);
    assert_int_equal(name_identity(&bed, CHANGE_DELETE_IDENTITY, IDENTITY_ROLE, "bob"), 0);
    assert_int_equal(name_identity(&bed, CHANGE_DELETE_IDENTITY, IDENTITY_ROLE, "bob"), CHANGE_RESOURCE_NOT_FOUND);
    assert_int_equal(bed_count_records(&bed, "identity/"), 0);
    bed_check_reopen(&bed);
    bed_fini(&bed);
}

static void test_users_and_roles(void **state)
{
    struct bed bed;

    (void)state;
    bed_init(&bed);
    assert_int_equal(create_identity(&bed, IDENTITY_USER, "carol"), 0);
    assert_int_equal(create_identity(&bed, IDENTITY_USER, "CAROL"), CHANGE_ACCESS_EXISTS);
    assert_str(bed.caller.change.message, "there is a user carol already in account 000000000000");
    assert_int_equal(create_identity(&bed, IDENTITY_ROLE, "carol"), 0);
    bed_check_reopen(&bed);
    for (unsigned i = 0; i < 1000; i++) {
        char name[16];
        snprintf(name, sizeof(name), "role-%u", i);
        assert_int_equal(create_identity(&bed, IDENTITY_ROLE, name), i < 999 ? 0 : CHANGE_LIMIT);
    }
    assert_str(bed.caller.change.message, "account 000000000000 has 1000 roles already, which is the most");
    assert_int_equal(access_state_count_identities(&bed_hold(&bed)->access, BED_ACCOUNT, IDENTITY_USER), 1);
    bed_release(&bed);
    assert_int_equal(access_state_count_identities(&bed_hold(&bed)->access, BED_ACCOUNT, IDENTITY_ROLE), 1000);
    bed_release(&bed);
    assert_int_equal(access_state_count_identities(&bed_hold(&bed)->access, STR("111111111111"), IDENTITY_ROLE), 0);
    bed_release(&bed);
    bed_fini(&bed);
}

static int attach(struct bed *bed, const char *user, const char *name, const char *document)
{
    struct change *change = caller_new(&bed->caller, CHANGE_ATTACH_POLICY);
    struct str_pair *pair = ARENA_NEW(change->arena, struct str_pair);

    *pair = (struct str_pair){ str_of(name), str_of(document) };
    change->identity = (struct identity){ .kind = IDENTITY_USER, .account = BED_ACCOUNT, .name = str_of(user) };
    change->pairs = pair;
    change->n_pairs = 1;
    return caller_do(&bed->caller);
}

static int detach(struct bed *bed, const char *user, const char *name)
{
    struct change *change = caller_new(&bed->caller, CHANGE_DETACH_POLICY);
    struct str *key = ARENA_NEW(change->arena, struct str);

    *key = str_of(name);
    change->identity = (struct identity){ .kind = IDENTITY_USER, .account = BED_ACCOUNT, .name = str_of(user) };
    change->keys = key;
    change->n_keys = 1;
    return caller_do(&bed->caller);
}

/* Each attached document stands beside its name, compiled. */
static void check_compiled(struct bed *bed, const char *user)
{
    const struct identity_node *node =
        access_state_find_identity(&bed_hold(bed)->access, BED_ACCOUNT, IDENTITY_USER, str_of(user));

    for (size_t i = 0; i < node->config->n_policies; i++) {
        const struct str_pair *attached = &node->config->policies[i];
        struct str wanted = attached->value.n ? attached->value : managed_policy_find(attached->key)->document;
        assert_true(str_eq(node->policies[i]->document, wanted));
    }
    assert_null(node->trust);
    bed_release(bed);
}

static void test_policies(void **state)
{
    struct bed bed;

    (void)state;
    bed_init(&bed);
    create_identity(&bed, IDENTITY_USER, "dave");
    assert_int_equal(attach(&bed, "dan", "admin", ""), CHANGE_RESOURCE_NOT_FOUND);
    assert_int_equal(attach(&bed, "dave", "admin", ""), 0);
    assert_int_equal(attach(&bed, "dave", "king", ""), CHANGE_RESOURCE_NOT_FOUND);
    assert_str(bed.caller.change.message, "there is no managed policy king");
    assert_int_equal(attach(&bed, "dave", "own", "{\"Version\": \"2012-10-17\",\n\"Statement\": {\"Effect\": \"No\"}}"),
                     CHANGE_INVALID_INPUT);
    assert_str(bed.caller.change.message, "the policy, line 2: Statement 1: Effect is \"No\", not Allow or Deny");
    assert_int_equal(attach(&bed, "dave", "own", DOCUMENT), 0);
    assert_int_equal(attach(&bed, "dave", "own", DOCUMENT), 0); /* again: it takes the old one's place */
    assert_int_equal(count_policies(&bed, "dave"), 2);
    check_compiled(&bed, "dave");
    bed_check_reopen(&bed);
    assert_int_equal(detach(&bed, "dave", "other"), CHANGE_RESOURCE_NOT_FOUND);
    assert_str(bed.caller.change.message, "user dave has no policy other");
    assert_int_equal(detach(&bed, "dave", "admin"), 0);
    assert_int_equal(count_policies(&bed, "dave"), 1);
    for (unsigned i = 2; i <= 10; i++) {
        char name[16];
        snprintf(name, sizeof(name), "p%u", i);
        assert_int_equal(attach(&bed, "dave", name, DOCUMENT), 0);
    }
    assert_int_equal(attach(&bed, "dave", "p11", DOCUMENT), CHANGE_LIMIT);
    assert_str(bed.caller.change.message, "user dave has 10 policies already, which is the most");
    bed_check_reopen(&bed);
    bed_fini(&bed);
}

static int reseal(struct bed *bed, const char *pairs)
{
    struct change *change = caller_new(&bed->caller, CHANGE_RESEAL_KEYS);

    change->pairs = caller_pairs(&bed->caller, pairs, &change->n_pairs);
    return caller_do(&bed->caller);
}

/* Secrets stay sealed under one key, whatever comes between. */
static void test_reseal(void **state)
{
    struct bed bed;

    (void)state;
    bed_init(&bed);
    assert_int_equal(reseal(&bed, ""), 0);
    create_key(&bed, 1, NULL, "old.a");
    assert_int_equal(create_key(&bed, 2, NULL, "new.b"), CHANGE_SEAL_CHANGED);
    assert_int_equal(create_key(&bed, 2, NULL, "old.b"), 0);
    assert_int_equal(reseal(&bed, "AKIA0000000000000001=new.a"), CHANGE_SEAL_CHANGED);
    assert_int_equal(reseal(&bed, "AKIA0000000000000001=new.a,AKIA0000000000000003=new.b"), CHANGE_SEAL_CHANGED);
    assert_str(find_key(&bed, 1).sealed, "old.a");
    change_key(&bed, CHANGE_UPDATE_KEY, 2, true, NULL);
    assert_int_equal(reseal(&bed, "AKIA0000000000000001=new.a,AKIA0000000000000002=new.b"), 0);
    assert_str(find_key(&bed, 1).sealed, "new.a");
    assert_str(find_key(&bed, 2).sealed, "new.b");
    assert_true(find_key(&bed, 2).is_disabled);
    assert_int_equal(change_key(&bed, CHANGE_UPDATE_KEY, 1, false, "old.c"), CHANGE_SEAL_CHANGED);
    bed_check_reopen(&bed);
    bed_fini(&bed);
}

/* Whatever allocation of the writer fails, nothing is changed. */
static void test_without_memory(void **state)
{
    struct bed bed;
    int delivered = 1;
    char *before;

    (void)state;
    bed_init(&bed);
    create_identity(&bed, IDENTITY_USER, "erin");
    create_key(&bed, 1, "erin", "k.a");
    attach(&bed, "erin", "own", DOCUMENT);
    before = bed_dump(&bed);
    for (long k = 1; delivered; k++) {
        char *after;
        caller_fail_at(&bed.caller, k, false);
        attach(&bed, "erin", "more", DOCUMENT);
        delivered = bed.caller.delivered;
        assert_int_equal(bed.caller.change.result == 0, !delivered);
        after = bed_dump(&bed);
        if (delivered)
            bed_check_same(before, after);
        mem_free(after);
    }
    bed_check_reopen(&bed);
    mem_free(before);
    bed_fini(&bed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_life_of_a_key),   cmocka_unit_test(test_who_may_have_keys),
        cmocka_unit_test(test_users_and_roles), cmocka_unit_test(test_policies),
        cmocka_unit_test(test_reseal),          cmocka_unit_test(test_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
