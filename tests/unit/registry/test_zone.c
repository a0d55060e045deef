/* SPDX-License-Identifier: Apache-2.0
 *
 * The index of DNS names under random changes, commits of many changes, lost memory and restarts: zones_check, which
 * every dump runs, says whether it is what the registry says. And what it finds by hand. */
#include "bed.h"
#include "zones_check.h"

#include "base/mem.h"

#define ROUNDS 150

static void check(struct bed *bed)
{
    zones_check(bed_hold(bed));
    bed_release(bed);
}

/* --- by hand ------------------------------------------------------------------------------------------------------ */

struct found {
    const struct zone_name *place;
    const struct owner *owner;
};

/* What stands at the name: as a zone, and in the first zone of `zone`. */
static struct found find(struct bed *bed, const char *text, const char *zone)
{
    const struct snapshot *snapshot = bed_hold(bed);
    uint64_t hash[DNAME_MAX_LABELS + 1];
    struct found found = { 0 };
    const struct zone_name *place;
    struct dname name, apex;

    assert_int_equal(dname_of_text(str_of(zone), &apex), 0);
    dname_hash(&snapshot->name_key, &apex, hash);
    place = zone_find(snapshot, hash[0], dname_suffix(&apex, 0));
    assert_int_equal(dname_of_text(str_of(text), &name), 0);
    dname_hash(&snapshot->name_key, &name, hash);
    found.place = zone_find(snapshot, hash[0], dname_suffix(&name, 0));
    if (place && place->n)
        found.owner = zone_find_owner(place->zones[0], hash[0], dname_suffix(&name, 0));
    bed_release(bed);
    return found;
}

static void test_names(void **state)
{
    struct bed bed;
    struct str ns, id;
    struct found found;

    (void)state;
    bed_init(&bed);
    ns = bed_namespace(&bed, NAMESPACE_DNS_PRIVATE, "Shop.Example");
    assert_int_equal(find(&bed, "shop.example", "shop.example").place->n, 1);
    assert_int_equal(find(&bed, "example", "shop.example").place->n_below, 1);
    assert_int_equal(find(&bed, "example", "shop.example").place->n, 0);
    id = bed_dns_service(&bed, ns, "_http._tcp.Web", "SRV", 10, SERVICE_MULTIVALUE, SERVICE_CHECK_NONE);
    found = find(&bed, "_http._tcp.web.shop.example", "shop.example");
    assert_non_null(found.owner);
    assert_false(found.owner->is_live);
    assert_null(find(&bed, "_tcp.web.shop.example", "shop.example").owner);
    bed_register(&bed, id, "i-1", "AWS_INSTANCE_IPV4=10.0.0.1,AWS_INSTANCE_PORT=80");
    found = find(&bed, "_tcp.web.shop.example", "shop.example");
    assert_non_null(found.owner);
    assert_null(found.owner->service);
    assert_int_equal(found.owner->n_below, 1);
    assert_int_equal(find(&bed, "web.shop.example", "shop.example").owner->n_below, 1);
    assert_int_equal(find(&bed, "_http._tcp.web.shop.example", "shop.example").owner->sets[SERVICE_SRV].n, 1);
    check(&bed);
    assert_int_equal(caller_deregister(&bed.caller, id, "i-1"), 0);
    assert_null(find(&bed, "_tcp.web.shop.example", "shop.example").owner);
    assert_null(find(&bed, "web.shop.example", "shop.example").owner);
    check(&bed);
    bed_fini(&bed);
}

/* A service that is deleted in the commit that takes its last instance. */
static void test_one_commit(void **state)
{
    struct caller other;
    struct bed bed;
    struct str ns, id;

    (void)state;
    bed_init(&bed);
    ns = bed_namespace(&bed, NAMESPACE_DNS_PUBLIC, "x.example");
    id = bed_dns_service(&bed, ns, "a.b", "A", 10, SERVICE_MULTIVALUE, SERVICE_CHECK_NONE);
    bed_register(&bed, id, "i", "AWS_INSTANCE_IPV4=10.0.0.1");
    caller_init(&other, &bed, BED_ACCOUNT, BED_REGION);
    bed_pause(&bed);
    caller_new(&bed.caller, CHANGE_DEREGISTER_INSTANCE)->service_id = id;
    bed.caller.change.instance_id = STR("i");
    caller_submit(&bed.caller);
    caller_new(&other, CHANGE_DELETE_SERVICE)->service_id = id;
    caller_submit(&other);
    bed_resume(&bed);
    assert_int_equal(caller_wait(&bed.caller), 0);
    assert_int_equal(caller_wait(&other), 0);
    assert_null(find(&bed, "a.b.x.example", "x.example").owner);
    assert_null(find(&bed, "b.x.example", "x.example").owner);
    check(&bed);
    caller_new(&bed.caller, CHANGE_DELETE_NAMESPACE)->namespace_id = ns;
    assert_int_equal(caller_do(&bed.caller), 0);
    assert_null(find(&bed, "x.example", "x.example").place);
    assert_null(find(&bed, "example", "x.example").place);
    check(&bed);
    caller_fini(&other);
    bed_fini(&bed);
}

/* Under one name: private before public, and the oldest first; another region's too. */
static void test_order(void **state)
{
    const struct zone_name *place;
    struct caller other;
    struct bed bed;

    (void)state;
    bed_init(&bed);
    caller_init(&other, &bed, BED_ACCOUNT, STR("eu-west-1"));
    assert_int_equal(caller_create_namespace(&bed.caller, NAMESPACE_DNS_PUBLIC, "same.example", "t"), 0);
    clock_manual_advance(&bed.clock, 5);
    assert_int_equal(caller_create_namespace(&other, NAMESPACE_DNS_PRIVATE, "SAME.example", "t"), 0);
    clock_manual_advance(&bed.clock, 5);
    assert_int_equal(caller_create_namespace(&bed.caller, NAMESPACE_DNS_PRIVATE, "same.Example", "u"), 0);
    place = find(&bed, "same.example", "same.example").place;
    assert_int_equal(place->n, 3);
    assert_str(place->zones[0]->region, "eu-west-1");
    assert_int_equal(place->zones[1]->ns->kind, NAMESPACE_DNS_PRIVATE);
    assert_int_equal(place->zones[2]->ns->kind, NAMESPACE_DNS_PUBLIC);
    check(&bed);
    bed_check_reopen(&bed);
    caller_fini(&other);
    bed_fini(&bed);
}

/* --- random ------------------------------------------------------------------------------------------------------- */

static const char *const service_names[] = { ".", "a", "b.a", "c.b.a", "_http._tcp", "_tcp", "x.y.z", "y.z" };
static const char *const instance_ids[] = { "i-1", "i-2", "I-1", "a.b", "b", "A.B", "x/y:z@w_v", "10.0.0.1" };
static const char *const zone_names[] = { "example", "a.example", "b.a.example", "other.test" };

struct random_bed {
    struct bed bed;
    struct rand rand;
    struct str services[64];
    size_t n_services;
    struct str namespaces[16];
    size_t n_namespaces;
};

static unsigned below(struct random_bed *r, size_t n)
{
    return (unsigned)rand_below(&r->rand, n);
}

static void random_namespace(struct random_bed *r)
{
    enum namespace_kind kind = below(r, 2) ? NAMESPACE_DNS_PRIVATE : NAMESPACE_DNS_PUBLIC;
    struct change *change = caller_new(&r->bed.caller, CHANGE_CREATE_NAMESPACE);
    const struct tenant *tenant;
    const struct namespace *ns;
    struct tree_iter iter;

    change->ns.kind = kind;
    change->ns.name = str_of(zone_names[below(r, TEST_COUNT(zone_names))]);
    change->ns.vpc = kind == NAMESPACE_DNS_PRIVATE ? STR("vpc-1") : (struct str){ 0 };
    change->ns.creator_request_id = STR("t");
    change->ns.soa_ttl = 15;
    caller_do(&r->bed.caller); /* may exist */
    r->n_namespaces = 0;
    tenant = bed_tenant(&r->bed, bed_hold(&r->bed));
    tree_iter_init(&iter, tenant ? &tenant->namespaces : &(struct tree){ 0 }, NULL, NULL);
    while ((ns = tree_iter_next(&iter)) && r->n_namespaces < TEST_COUNT(r->namespaces))
        r->namespaces[r->n_namespaces++] = arena_dup(&r->bed.names, ns->id);
    bed_release(&r->bed);
}

static void random_service(struct random_bed *r)
{
    static const enum service_record_type types[] = { SERVICE_A, SERVICE_AAAA, SERVICE_SRV };
    struct change *change = caller_new(&r->bed.caller, CHANGE_CREATE_SERVICE);

    if (!r->n_namespaces || r->n_services == TEST_COUNT(r->services))
        return;
    change->service.namespace_id = r->namespaces[below(r, r->n_namespaces)];
    change->service.name = str_of(service_names[below(r, TEST_COUNT(service_names))]);
    change->service.has_dns = below(r, 5) != 0;
    change->service.n_records = change->service.has_dns;
    change->service.records[0] = (struct service_record){ types[below(r, 3)], 1 + below(r, 100) };
    change->service.check = below(r, 2) ? SERVICE_CHECK_CUSTOM : SERVICE_CHECK_NONE;
    if (caller_do(&r->bed.caller) == 0)
        r->services[r->n_services++] = arena_dup(&r->bed.names, r->bed.caller.change.created->id);
}

static void random_step(struct random_bed *r)
{
    struct caller *caller = &r->bed.caller;
    struct str service = r->n_services ? r->services[below(r, r->n_services)] : STR("srv-none");
    const char *id = instance_ids[below(r, TEST_COUNT(instance_ids))];
    struct change *change;

    switch (below(r, 16)) {
    case 0:
        random_namespace(r);
        break;
    case 1:
    case 2:
        random_service(r);
        break;
    case 3:
        caller_new(caller, CHANGE_DELETE_SERVICE)->service_id = service;
        caller_do(caller);
        break;
    case 4:
        if (!r->n_namespaces)
            break;
        caller_new(caller, CHANGE_DELETE_NAMESPACE)->namespace_id = r->namespaces[below(r, r->n_namespaces)];
        caller_do(caller);
        break;
    case 5:
        caller_health(caller, service, id, below(r, 2) ? HEALTH_HEALTHY : HEALTH_UNHEALTHY);
        break;
    case 6: /* without records, which takes the name out; or with other TTLs */
        change = caller_new(caller, CHANGE_UPDATE_SERVICE);
        change->service_id = service;
        change->service.has_dns = below(r, 2);
        change->service.n_records = change->service.has_dns;
        change->service.records[0] = (struct service_record){ SERVICE_SRV, 7 };
        caller_do(caller);
        break;
    case 7:
    case 8:
    case 9:
    case 10:
        caller_deregister(caller, service, id);
        break;
    default:
        caller_register(caller, service, id,
                        below(r, 2) ? "AWS_INSTANCE_IPV4=10.0.0.1,AWS_INSTANCE_IPV6=fd00::1,AWS_INSTANCE_PORT=80"
                                    : "AWS_INSTANCE_IPV4=10.0.0.2,AWS_INSTANCE_IPV6=fd00::2,AWS_INSTANCE_PORT=81");
        break;
    }
}

static void random_run(uint64_t seed, bool without_memory)
{
    struct random_bed *r = mem_zalloc(sizeof(*r));

    assert_non_null(r);
    rand_init_seed(&r->rand, seed);
    bed_init(&r->bed);
    for (unsigned i = 0; i < ROUNDS; i++) {
        if (without_memory)
            caller_fail_at(&r->bed.caller, 1 + below(r, 60), below(r, 2));
        random_step(r);
        check(&r->bed);
    }
    if (without_memory)
        caller_fail_at(&r->bed.caller, 0, false);
    bed_settle(&r->bed);
    bed_check_reopen(&r->bed);
    bed_fini(&r->bed);
    mem_free(r);
}

static void test_random(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++)
        random_run(seed, false);
}

static void test_random_without_memory(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++)
        random_run(seed, true);
}

/* Several changes in each commit: what touches one name twice, makes and takes it, is renewed once. */
static void test_random_groups(void **state)
{
    struct random_bed *r = mem_zalloc(sizeof(*r));
    struct caller callers[6];

    (void)state;
    assert_non_null(r);
    rand_init_seed(&r->rand, 99);
    bed_init(&r->bed);
    for (size_t i = 0; i < TEST_COUNT(callers); i++)
        caller_init(&callers[i], &r->bed, BED_ACCOUNT, BED_REGION);
    for (unsigned round = 0; round < 4 * ROUNDS; round++) {
        random_namespace(r);
        random_service(r);
        bed_pause(&r->bed);
        for (size_t i = 0; i < TEST_COUNT(callers); i++) {
            static const enum change_kind kinds[] = { CHANGE_REGISTER_INSTANCE, CHANGE_REGISTER_INSTANCE,
                                                      CHANGE_DEREGISTER_INSTANCE, CHANGE_DELETE_SERVICE };
            struct change *change = caller_new(&callers[i], kinds[below(r, TEST_COUNT(kinds))]);
            change->service_id =
                r->n_services ? r->services[below(r, r->n_services < 4 ? r->n_services : 4)] : STR("srv-none");
            change->instance_id = str_of(instance_ids[below(r, 4)]);
            change->attributes =
                caller_pairs(&callers[i], "AWS_INSTANCE_IPV4=10.0.0.1,AWS_INSTANCE_IPV6=fd00::1,AWS_INSTANCE_PORT=80",
                             &change->n_attributes);
            caller_submit(&callers[i]);
        }
        bed_resume(&r->bed);
        for (size_t i = 0; i < TEST_COUNT(callers); i++)
            caller_wait(&callers[i]);
        check(&r->bed);
        if (r->n_services > 8)
            r->n_services = 0; /* the names stay; later rounds find some of them by making them again */
    }
    for (size_t i = 0; i < TEST_COUNT(callers); i++)
        caller_fini(&callers[i]);
    bed_check_reopen(&r->bed);
    bed_fini(&r->bed);
    mem_free(r);
}

/* More instances than a block prepares, and back. */
static void test_many(void **state)
{
    struct bed bed;
    struct str ns, id;
    char name[32];

    (void)state;
    bed_init(&bed);
    ns = bed_namespace(&bed, NAMESPACE_DNS_PRIVATE, "x");
    id = bed_dns_service(&bed, ns, "s", "SRV", 10, SERVICE_MULTIVALUE, SERVICE_CHECK_NONE);
    for (unsigned i = 0; i <= OWNER_MAX; i++) {
        snprintf(name, sizeof(name), "i-%u", i);
        bed_register(&bed, id, name, "AWS_INSTANCE_IPV4=10.0.0.1,AWS_INSTANCE_PORT=80");
        assert_int_equal(find(&bed, "s.x", "x").owner->is_prepared, i < OWNER_MAX);
    }
    check(&bed);
    assert_int_equal(caller_deregister(&bed.caller, id, "i-0"), 0);
    assert_int_equal(find(&bed, "s.x", "x").owner->sets[SERVICE_SRV].n, OWNER_MAX);
    check(&bed);
    bed_fini(&bed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_one_commit),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_random_without_memory),
        cmocka_unit_test(test_random_groups),
        cmocka_unit_test(test_many),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
