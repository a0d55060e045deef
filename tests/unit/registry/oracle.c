/* SPDX-License-Identifier: Apache-2.0 */
#include "oracle.h"

#include <inttypes.h>

/* What the slots are. Two have one name, and one that differs in case only. Accounts may not have each other's DNS
 * names: all but the bed's have the last column. */
static const struct {
    enum namespace_kind kind;
    const char *name, *vpc, *other;
} namespace_slots[ORACLE_NAMESPACES] = {
    { NAMESPACE_HTTP, "alpha", NULL, "alpha" },
    { NAMESPACE_HTTP, "Alpha", NULL, "Alpha" },
    { NAMESPACE_DNS_PRIVATE, "alpha", "vpc-1", "delta" },
    { NAMESPACE_DNS_PRIVATE, "alpha", "vpc-2", "delta" },
    { NAMESPACE_DNS_PUBLIC, "b.example", NULL, "d.example" },
    { NAMESPACE_HTTP, "gamma", NULL, "gamma" },
};

enum { PLAIN, CUSTOM, PROBED, WITH_DNS }; /* the slots of services */

static const char *service_names[ORACLE_SERVICES] = { "plain", "custom", "probed", "_dns._tcp" };
static const char *descriptions[] = { NULL, "one", "two \"quoted\" \\ \xe2\x82\xac", "three\ttabs\nand lines" };

void oracle_init(struct oracle *oracle, const struct bed *bed, struct str account, struct str region, uint64_t seed)
{
    *oracle = (struct oracle){ .n_steps = 0 };
    caller_init(&oracle->caller, bed, account, region);
    rand_init_seed(&oracle->rand, seed);
}

void oracle_fini(struct oracle *oracle)
{
    caller_fini(&oracle->caller);
}

static struct str name_of(const struct oracle *oracle, int slot)
{
    return str_of(str_eq(oracle->caller.account, BED_ACCOUNT) ? namespace_slots[slot].name
                                                              : namespace_slots[slot].other);
}

/* --- making up changes ------------------------------------------------------------------------------------------- */

static int draw(struct oracle *oracle, int n)
{
    return (int)rand_below(&oracle->rand, (uint64_t)n);
}

static struct change *new_change(struct oracle *oracle, enum change_kind kind)
{
    oracle->n_steps++;
    return caller_new(&oracle->caller, kind);
}

/* A token that was never used. */
static struct str new_token(struct oracle *oracle)
{
    return arena_printf(&oracle->caller.arena, "token-%u", oracle->n_steps);
}

/* Hands the change in. Whether it was done; what the oracle knows must be changed then. */
static bool ask(struct oracle *oracle, int wanted)
{
    int r = caller_do(&oracle->caller);

    if (oracle->may_fail && (r == CHANGE_STORE_FULL || r == CHANGE_STORE_LOST))
        return false;
    if (r != wanted)
        print_error("step %u, kind %d\n", oracle->n_steps, oracle->caller.change.kind);
    assert_int_equal(r, wanted);
    return r == 0;
}

static struct str id_or_none(const char *id, bool there)
{
    return there ? str_of(id) : STR("none");
}

static const struct tenant *hold(const struct oracle *oracle)
{
    return state_find_tenant(bed_hold(oracle->caller.bed), oracle->caller.account, oracle->caller.region);
}

/* --- namespaces -------------------------------------------------------------------------------------------------- */

static void step_create_namespace(struct oracle *oracle, int slot)
{
    struct oracle_namespace *ns = &oracle->namespaces[slot];
    struct change *change = new_change(oracle, CHANGE_CREATE_NAMESPACE);
    int description = draw(oracle, 4);
    struct id_operation operation;
    struct str id;

    change->ns.kind = namespace_slots[slot].kind;
    change->ns.name = name_of(oracle, slot);
    change->ns.vpc = str_of(namespace_slots[slot].vpc);
    change->ns.description = str_of(descriptions[description]);
    change->ns.creator_request_id = new_token(oracle);
    change->ns.soa_ttl = change->ns.kind == NAMESPACE_HTTP ? 0 : 15;
    /* A private zone that is there already is found out too late for an error: the operation fails. */
    if (ns->there && change->ns.kind != NAMESPACE_DNS_PRIVATE) {
        ask(oracle, CHANGE_NAMESPACE_EXISTS);
        return;
    }
    if (!ask(oracle, 0) || ns->there)
        return;
    *ns = (struct oracle_namespace){ .there = true, .description = description, .soa_ttl = change->ns.soa_ttl };
    assert_int_equal(id_parse_operation(str_of(change->operation_id), &operation), 0);
    id = state_find_operation(hold(oracle), &operation)->namespace_id;
    snprintf(ns->id, sizeof(ns->id), STR_FMT, STR_ARG(id));
    bed_release(oracle->caller.bed);
}

static void step_update_namespace(struct oracle *oracle, int slot)
{
    struct oracle_namespace *ns = &oracle->namespaces[slot];
    struct change *change = new_change(oracle, CHANGE_UPDATE_NAMESPACE);
    int description = draw(oracle, 4), ttl = namespace_slots[slot].kind == NAMESPACE_HTTP ? -1 : draw(oracle, 3) - 1;

    change->namespace_id = id_or_none(ns->id, ns->there);
    change->ns.kind = namespace_slots[slot].kind;
    change->ns.description = str_of(descriptions[description]);
    change->ns.soa_ttl = ttl;
    if (ask(oracle, ns->there ? 0 : CHANGE_NAMESPACE_NOT_FOUND)) {
        ns->description = description ? description : ns->description;
        ns->soa_ttl = ttl >= 0 ? ttl : ns->soa_ttl;
    }
}

static void step_delete_namespace(struct oracle *oracle, int slot)
{
    struct oracle_namespace *ns = &oracle->namespaces[slot];
    bool used = false;

    for (int i = 0; i < ORACLE_SERVICES; i++)
        used = used || ns->services[i].there;
    new_change(oracle, CHANGE_DELETE_NAMESPACE)->namespace_id = id_or_none(ns->id, ns->there);
    if (ask(oracle, !ns->there ? CHANGE_NAMESPACE_NOT_FOUND : used ? CHANGE_IN_USE : 0))
        ns->there = false;
}

/* --- services ---------------------------------------------------------------------------------------------------- */

static void step_create_service(struct oracle *oracle, struct oracle_namespace *ns, int slot, bool is_http)
{
    struct oracle_service *service = &ns->services[slot];
    struct change *change = new_change(oracle, CHANGE_CREATE_SERVICE);
    char id[ID_SERVICE_SIZE];
    uint64_t revision = service->revision;

    change->service.namespace_id = id_or_none(ns->id, ns->there);
    change->service.name = str_of(service_names[slot]);
    change->service.check = slot == CUSTOM ? SERVICE_CHECK_CUSTOM : slot == PROBED ? SERVICE_CHECK_TCP : 0;
    change->service.creator_request_id = new_token(oracle);
    if (slot == WITH_DNS) {
        change->service.has_dns = true;
        change->service.n_records = 1;
        change->service.records[0] = (struct service_record){ SERVICE_A, 60 };
    }
    if (!ask(oracle, !ns->there                    ? CHANGE_NAMESPACE_NOT_FOUND
                     : slot == WITH_DNS && is_http ? CHANGE_INVALID_INPUT
                     : service->there              ? CHANGE_SERVICE_EXISTS
                                                   : 0))
        return;
    snprintf(id, sizeof(id), STR_FMT, STR_ARG(change->created->id));
    if (service->id[0])
        assert_string_equal(id, service->id);
    *service = (struct oracle_service){ .there = true };
    memcpy(service->id, id, sizeof(id));
    service->revision = state_find_service(hold(oracle), str_of(id))->revision;
    bed_release(oracle->caller.bed);
    assert_true(service->revision > revision);
}

static void step_update_service(struct oracle *oracle, struct oracle_service *service, int slot)
{
    struct change *change = new_change(oracle, CHANGE_UPDATE_SERVICE);
    int description = draw(oracle, 4);

    change->service_id = id_or_none(service->id, service->there);
    change->service.description = str_of(descriptions[description]);
    if (slot == PROBED)
        change->service.check = SERVICE_CHECK_TCP;
    if (slot == WITH_DNS) {
        change->service.has_dns = true;
        change->service.n_records = 1;
        change->service.records[0] = (struct service_record){ SERVICE_A, draw(oracle, 100) };
    }
    if (ask(oracle, service->there ? 0 : CHANGE_SERVICE_NOT_FOUND))
        service->description = description ? description : service->description;
}

static void step_delete_service(struct oracle *oracle, struct oracle_service *service)
{
    bool used = false;

    for (int i = 0; i < ORACLE_INSTANCES; i++)
        used = used || service->instances[i].there;
    new_change(oracle, CHANGE_DELETE_SERVICE)->service_id = id_or_none(service->id, service->there);
    if (ask(oracle, !service->there ? CHANGE_SERVICE_NOT_FOUND : used ? CHANGE_IN_USE : 0))
        service->there = false;
}

/* --- tags and attributes ----------------------------------------------------------------------------------------- */

/* `kN=vM` for some of the keys; values in ret_values. */
static struct str_pair *draw_pairs(struct oracle *oracle, int ret_values[ORACLE_KEYS], size_t *ret_n)
{
    struct str_pair *pairs = ARENA_ARRAY(&oracle->caller.arena, struct str_pair, ORACLE_KEYS + 3);
    size_t n = 0;

    for (int key = ORACLE_KEYS - 1; key >= 0; key--) { /* not in order */
        ret_values[key] = draw(oracle, 4);
        if (ret_values[key])
            pairs[n++] = (struct str_pair){ arena_printf(&oracle->caller.arena, "k%d", key),
                                            arena_printf(&oracle->caller.arena, "v%d", ret_values[key]) };
    }
    *ret_n = n;
    return pairs;
}

static void step_put(struct oracle *oracle, enum change_kind kind, struct str namespace_id, struct str service_id,
                     int missing, int *map)
{
    struct change *change = new_change(oracle, kind);
    int values[ORACLE_KEYS];

    change->namespace_id = namespace_id;
    change->service_id = service_id;
    change->pairs = draw_pairs(oracle, values, &change->n_pairs);
    if (ask(oracle, missing))
        for (int key = 0; key < ORACLE_KEYS; key++)
            map[key] = values[key] ? values[key] : map[key];
}

static void step_take(struct oracle *oracle, enum change_kind kind, struct str namespace_id, struct str service_id,
                      int missing, int *map)
{
    struct change *change = new_change(oracle, kind);
    int key = draw(oracle, ORACLE_KEYS);
    struct str keys[2];

    keys[0] = STR("none");
    keys[1] = arena_printf(&oracle->caller.arena, "k%d", key);
    change->namespace_id = namespace_id;
    change->service_id = service_id;
    change->keys = keys;
    change->n_keys = 2;
    if (ask(oracle, missing))
        map[key] = 0;
}

/* --- instances --------------------------------------------------------------------------------------------------- */

static struct str instance_name(struct oracle *oracle, int slot)
{
    return arena_printf(&oracle->caller.arena, "i/%d", slot);
}

/* A change of membership went through: the revision has grown. */
static void note_revision(struct oracle *oracle, struct oracle_service *service)
{
    uint64_t revision = state_find_service(hold(oracle), str_of(service->id))->revision;

    bed_release(oracle->caller.bed);
    assert_true(revision > service->revision);
    service->revision = revision;
}

static void step_register(struct oracle *oracle, struct oracle_service *service, int slot, int which)
{
    struct oracle_instance *instance = &service->instances[which];
    struct change *change = new_change(oracle, CHANGE_REGISTER_INSTANCE);
    bool drains = draw(oracle, 6) == 0, needs_address = slot == PROBED || slot == WITH_DNS,
         has_address = draw(oracle, 8) > 0;
    int values[ORACLE_KEYS];

    change->service_id = id_or_none(service->id, service->there);
    change->instance_id = instance_name(oracle, which);
    change->creator_request_id = new_token(oracle);
    change->attributes = draw_pairs(oracle, values, &change->n_attributes);
    if (has_address) {
        change->attributes[change->n_attributes++] = (struct str_pair){ STR("AWS_INSTANCE_PORT"), STR("80") };
        change->attributes[change->n_attributes++] = (struct str_pair){ STR("AWS_INSTANCE_IPV4"), STR("10.0.0.1") };
    }
    if (drains)
        change->attributes[change->n_attributes++] = (struct str_pair){ STR("cloudmap:draining"), STR("asked") };
    if (!ask(oracle, !service->there                 ? CHANGE_SERVICE_NOT_FOUND
                     : needs_address && !has_address ? CHANGE_INVALID_INPUT
                                                     : 0))
        return;
    *instance = (struct oracle_instance){ .there = true, .draining = drains };
    memcpy(instance->attributes, values, sizeof(values));
    instance->health = slot == CUSTOM ? HEALTH_HEALTHY : HEALTH_UNKNOWN;
    note_revision(oracle, service);
}

static void step_deregister(struct oracle *oracle, struct oracle_service *service, int which)
{
    struct oracle_instance *instance = &service->instances[which];
    struct change *change = new_change(oracle, CHANGE_DEREGISTER_INSTANCE);

    change->service_id = id_or_none(service->id, service->there);
    change->instance_id = instance_name(oracle, which);
    if (!ask(oracle, !service->there ? CHANGE_SERVICE_NOT_FOUND : !instance->there ? CHANGE_INSTANCE_NOT_FOUND : 0))
        return;
    instance->there = false;
    note_revision(oracle, service);
}

static void step_drain(struct oracle *oracle, struct oracle_service *service, int which, bool drain)
{
    struct oracle_instance *instance = &service->instances[which];
    struct change *change = new_change(oracle, drain ? CHANGE_DRAIN : CHANGE_UNDRAIN);
    bool is_new = drain || instance->draining;

    change->service_id = id_or_none(service->id, service->there);
    change->instance_id = instance_name(oracle, which);
    change->reason = STR("told");
    if (!ask(oracle, !service->there ? CHANGE_SERVICE_NOT_FOUND : !instance->there ? CHANGE_INSTANCE_NOT_FOUND : 0))
        return;
    instance->draining = drain;
    if (is_new)
        note_revision(oracle, service);
}

static void step_health(struct oracle *oracle, struct oracle_service *service, int slot, int which)
{
    struct oracle_instance *instance = &service->instances[which];
    struct change *change = new_change(oracle, CHANGE_CUSTOM_HEALTH);

    change->service_id = id_or_none(service->id, service->there);
    change->instance_id = instance_name(oracle, which);
    change->health = draw(oracle, 2) ? HEALTH_HEALTHY : HEALTH_UNHEALTHY;
    if (ask(oracle, !service->there    ? CHANGE_SERVICE_NOT_FOUND
                    : !instance->there ? CHANGE_INSTANCE_NOT_FOUND
                    : slot != CUSTOM   ? CHANGE_CUSTOM_HEALTH_NOT_FOUND
                                       : 0))
        instance->health = change->health;
}

/* --- one step ---------------------------------------------------------------------------------------------------- */

static void step_service(struct oracle *oracle, struct oracle_namespace *ns, int slot, bool is_http)
{
    struct oracle_service *service = &ns->services[slot];
    struct str none = { 0 }, id = id_or_none(service->id, service->there);
    int what = draw(oracle, 10);

    if (what < 4)
        step_create_service(oracle, ns, slot, is_http);
    else if (what < 5)
        step_delete_service(oracle, service);
    else if (what < 6)
        step_update_service(oracle, service, slot);
    else if (what < 7)
        step_put(oracle, CHANGE_TAG, none, id, service->there ? 0 : CHANGE_RESOURCE_NOT_FOUND, service->tags);
    else if (what < 8)
        step_take(oracle, CHANGE_UNTAG, none, id, service->there ? 0 : CHANGE_RESOURCE_NOT_FOUND, service->tags);
    else if (what < 9)
        step_put(oracle, CHANGE_PUT_SERVICE_ATTRIBUTES, none, id, service->there ? 0 : CHANGE_SERVICE_NOT_FOUND,
                 service->attributes);
    else
        step_take(oracle, CHANGE_DEL_SERVICE_ATTRIBUTES, none, id, service->there ? 0 : CHANGE_SERVICE_NOT_FOUND,
                  service->attributes);
}

static void step_namespace(struct oracle *oracle, int slot)
{
    struct oracle_namespace *ns = &oracle->namespaces[slot];
    struct str none = { 0 }, id = id_or_none(ns->id, ns->there);
    int what = draw(oracle, 10);

    if (what < 5)
        step_create_namespace(oracle, slot);
    else if (what < 7)
        step_delete_namespace(oracle, slot);
    else if (what < 8)
        step_update_namespace(oracle, slot);
    else if (what < 9)
        step_put(oracle, CHANGE_TAG, id, none, ns->there ? 0 : CHANGE_RESOURCE_NOT_FOUND, ns->tags);
    else
        step_take(oracle, CHANGE_UNTAG, id, none, ns->there ? 0 : CHANGE_RESOURCE_NOT_FOUND, ns->tags);
}

static void step_instance(struct oracle *oracle, struct oracle_service *service, int slot)
{
    int what = draw(oracle, 12), which = draw(oracle, ORACLE_INSTANCES);

    if (what < 5)
        step_register(oracle, service, slot, which);
    else if (what < 8)
        step_deregister(oracle, service, which);
    else if (what < 10)
        step_drain(oracle, service, which, what == 8);
    else
        step_health(oracle, service, slot, which);
}

int oracle_step(struct oracle *oracle)
{
    int at = draw(oracle, ORACLE_NAMESPACES), slot = draw(oracle, ORACLE_SERVICES), what = draw(oracle, 10);
    struct oracle_namespace *ns = &oracle->namespaces[at];

    if (what < 2)
        step_namespace(oracle, at);
    else if (what < 4)
        step_service(oracle, ns, slot, namespace_slots[at].kind == NAMESPACE_HTTP);
    else
        step_instance(oracle, &ns->services[slot], slot);
    return oracle->caller.change.result;
}

/* --- checking ---------------------------------------------------------------------------------------------------- */

static void check_pairs(const int *map, const struct str_pair *pairs, size_t n)
{
    size_t at = 0;

    for (int key = 0; key < ORACLE_KEYS; key++) {
        char text[2][16];
        if (!map[key])
            continue;
        snprintf(text[0], sizeof(text[0]), "k%d", key);
        snprintf(text[1], sizeof(text[1]), "v%d", map[key]);
        assert_true(at < n);
        assert_true(str_eq(pairs[at].key, str_of(text[0])));
        assert_true(str_eq(pairs[at].value, str_of(text[1])));
        at++;
    }
    assert_int_equal(at, n);
}

static void check_instance(const struct oracle_instance *instance, const struct instance *got)
{
    struct str_pair pairs[ORACLE_KEYS];
    size_t n = 0;

    assert_int_equal(instance->there, got != NULL);
    if (!got)
        return;
    assert_int_equal(got->health, instance->health);
    assert_int_equal((got->flags & INSTANCE_DRAINING) != 0, instance->draining);
    assert_int_equal(got->pending_due_wall_ms, 0);
    for (size_t i = 0; i < got->n_attributes; i++) {
        struct str_pair pair = instance_attribute_at(got, i);
        if (str_starts(pair.key, STR("k")))
            pairs[n++] = pair;
    }
    check_pairs(instance->attributes, pairs, n);
}

/* Returns whether it is there. */
static bool check_service(const struct oracle_service *service, int slot, const struct tenant *tenant,
                          const struct namespace *ns)
{
    const struct service_node *node = state_find_service_name(tenant, ns, str_of(service_names[slot]));
    size_t n = 0, n_draining = 0;

    assert_int_equal(service->there, node != NULL);
    if (!node)
        return false;
    assert_true(str_eq(node->config->id, str_of(service->id)));
    assert_true(str_eq(node->config->description, str_of(descriptions[service->description])));
    assert_true(node->revision == service->revision);
    check_pairs(service->tags, node->config->tags, node->config->n_tags);
    check_pairs(service->attributes, node->config->attributes, node->config->n_attributes);
    for (int i = 0; i < ORACLE_INSTANCES; i++) {
        char id[16];
        snprintf(id, sizeof(id), "i/%d", i);
        check_instance(&service->instances[i], state_find_registered(node, str_of(id)));
        n += service->instances[i].there;
        n_draining += service->instances[i].there && service->instances[i].draining;
    }
    assert_int_equal(state_count_registered(node), n);
    assert_int_equal(tree_size(&node->draining).count, n_draining);
    return true;
}

void oracle_check(const struct oracle *oracle)
{
    const struct tenant *tenant = hold(oracle);
    size_t n_namespaces = 0, n_services = 0;

    for (int slot = 0; slot < ORACLE_NAMESPACES; slot++) {
        const struct oracle_namespace *ns = &oracle->namespaces[slot];
        const struct namespace *got = state_find_namespace(tenant, str_of(ns->id));
        assert_int_equal(ns->there, got != NULL);
        if (!got)
            continue;
        n_namespaces++;
        assert_int_equal(got->kind, namespace_slots[slot].kind);
        assert_true(str_eq(got->name, name_of(oracle, slot)));
        assert_true(str_eq(got->description, str_of(descriptions[ns->description])));
        assert_int_equal(got->soa_ttl, ns->soa_ttl);
        check_pairs(ns->tags, got->tags, got->n_tags);
        for (int i = 0; i < ORACLE_SERVICES; i++)
            n_services += check_service(&ns->services[i], i, tenant, got);
    }
    assert_int_equal(tenant ? tree_size(&tenant->namespaces).count : 0, n_namespaces);
    assert_int_equal(tenant ? tree_size(&tenant->services).count : 0, n_services);
    bed_release(oracle->caller.bed);
}
