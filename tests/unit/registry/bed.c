/* SPDX-License-Identifier: Apache-2.0 */
#include "bed.h"

#include "base/mem.h"
#include "dump.h"

#include <errno.h>

/* --- the registry ------------------------------------------------------------------------------------------------ */

static void bed_open(struct bed *bed)
{
    struct store_message message = { "" };
    int r;

    bed->config.seed++; /* no id twice */
    r = registry_open(&bed->config, bed->store, &bed->registry, &message);
    if (r)
        print_error("registry_open: %d %s\n", r, message.text);
    assert_int_equal(r, 0);
}

void bed_init_fault(struct bed *bed, const struct store_fault *fault)
{
    struct store *inner;

    *bed = (struct bed){ .config = { .clock = &bed->clock.clock,
                                     .operations_keep_ms = 30 * BED_DAY_MS,
                                     .operations_max = 100000,
                                     .private_health_checks = true,
                                     .targets.private_targets = true } };
    clock_manual_init(&bed->clock, BED_WALL_MS);
    assert_int_equal(store_open_memory(&bed->clock.clock, &inner), 0);
    assert_int_equal(store_open_fault(&inner, fault, &bed->store), 0);
    arena_init(&bed->names, 1 << 20);
    assert_int_equal(sem_init(&bed->paused, 0, 0), 0);
    assert_int_equal(sem_init(&bed->go, 0, 0), 0);
    bed_open(bed);
    caller_init(&bed->caller, bed, BED_ACCOUNT, BED_REGION);
    snapshot_reader_start();
}

void bed_init(struct bed *bed)
{
    bed_init_fault(bed, &(struct store_fault){ .at = 0 });
}

void bed_fini(struct bed *bed)
{
    snapshot_reader_stop();
    registry_close(bed->registry);
    store_close(bed->store);
    caller_fini(&bed->caller);
    arena_fini(&bed->names);
    sem_destroy(&bed->paused);
    sem_destroy(&bed->go);
}

void bed_reopen(struct bed *bed)
{
    registry_close(bed->registry);
    bed_open(bed);
}

void bed_settle(struct bed *bed)
{
    /* Every round does what is due first, so the answer to any change comes after it. */
    caller_new(&bed->caller, CHANGE_TAG)->service_id = STR("none");
    assert_int_equal(caller_do(&bed->caller), CHANGE_RESOURCE_NOT_FOUND);
}

void bed_advance(struct bed *bed, int64_t ms)
{
    clock_manual_advance(&bed->clock, ms);
    bed_settle(bed);
}

void bed_jump(struct bed *bed, int64_t ms)
{
    __atomic_add_fetch(&bed->clock.wall_ms, ms, __ATOMIC_RELAXED);
}

static void bed_paused(struct change *change)
{
    struct bed *bed = change->owner;

    sem_post(&bed->paused);
    while (sem_wait(&bed->go))
        ;
}

void bed_pause(struct bed *bed)
{
    bed->pause = (struct change){ .kind = CHANGE_DELETE_SERVICE,
                                  .account = BED_ACCOUNT,
                                  .region = BED_REGION,
                                  .service_id = STR("none"),
                                  .done = bed_paused,
                                  .owner = bed };
    registry_submit(bed->registry, &bed->pause);
    while (sem_wait(&bed->paused))
        ;
}

void bed_resume(struct bed *bed)
{
    sem_post(&bed->go);
}

/* --- callers ----------------------------------------------------------------------------------------------------- */

void caller_init(struct caller *caller, const struct bed *bed, struct str account, struct str region)
{
    *caller = (struct caller){ .bed = bed, .account = account, .region = region };
    arena_init(&caller->arena, 4 << 20);
    assert_int_equal(sem_init(&caller->answered, 0, 0), 0);
}

void caller_fini(struct caller *caller)
{
    sem_destroy(&caller->answered);
    arena_fini(&caller->arena);
}

static void caller_done(struct change *change)
{
    struct caller *caller = change->owner;

    caller->delivered = mem_fail_at(caller->fail_at, caller->fail_forever);
    caller->fail_at = 0;
    sem_post(&caller->answered);
}

struct change *caller_new(struct caller *caller, enum change_kind kind)
{
    static const struct str actions[CHANGE_KIND_COUNT] = {
        [CHANGE_CREATE_NAMESPACE] = { "CreateHttpNamespace", 19 },
        [CHANGE_DELETE_NAMESPACE] = { "DeleteNamespace", 15 },
        [CHANGE_UPDATE_NAMESPACE] = { "UpdateHttpNamespace", 19 },
        [CHANGE_UPDATE_SERVICE] = { "UpdateService", 13 },
        [CHANGE_REGISTER_INSTANCE] = { "RegisterInstance", 16 },
        [CHANGE_DEREGISTER_INSTANCE] = { "DeregisterInstance", 18 },
    };

    arena_reset(&caller->arena);
    caller->change = (struct change){ .kind = kind,
                                      .account = caller->account,
                                      .region = caller->region,
                                      .caller = caller->consumer,
                                      .action = actions[kind],
                                      .ns.soa_ttl = kind == CHANGE_UPDATE_NAMESPACE ? -1 : 0,
                                      .arena = &caller->arena,
                                      .done = caller_done,
                                      .owner = caller };
    return &caller->change;
}

void caller_submit(struct caller *caller)
{
    registry_submit(caller->bed->registry, &caller->change);
}

int caller_wait(struct caller *caller)
{
    while (sem_wait(&caller->answered))
        assert_int_equal(errno, EINTR);
    return caller->change.result;
}

int caller_do(struct caller *caller)
{
    caller_submit(caller);
    return caller_wait(caller);
}

void caller_fail_at(struct caller *caller, long k, bool forever)
{
    caller_new(caller, CHANGE_TAG)->service_id = STR("none");
    caller->fail_at = k;
    caller->fail_forever = forever;
    caller_do(caller);
}

struct str_pair *caller_pairs(struct caller *caller, const char *text, size_t *ret_n)
{
    struct str rest = arena_dup(&caller->arena, str_of(text));
    struct str_pair *pairs = ARENA_ARRAY(&caller->arena, struct str_pair, rest.n + 1);
    size_t n = 0;

    assert_non_null(pairs);
    while (rest.n) {
        size_t end = str_find_char(rest, ',');
        struct str one = { rest.p, end };
        size_t equals = str_find_char(one, '=');
        assert_true(equals < end);
        pairs[n++] = (struct str_pair){ { one.p, equals }, str_skip(one, equals + 1) };
        rest = str_skip(rest, end < rest.n ? end + 1 : end);
    }
    *ret_n = n;
    return pairs;
}

/* --- shorthands -------------------------------------------------------------------------------------------------- */

int caller_create_namespace(struct caller *caller, enum namespace_kind kind, const char *name, const char *token)
{
    struct change *change = caller_new(caller, CHANGE_CREATE_NAMESPACE);

    change->ns.kind = kind;
    change->ns.name = str_of(name);
    change->ns.creator_request_id = str_of(token);
    change->ns.request_digest = hash_crc32(0, name, strlen(name));
    change->ns.soa_ttl = kind == NAMESPACE_DNS_PUBLIC ? NAMESPACE_SOA_TTL_PUBLIC : NAMESPACE_SOA_TTL_PRIVATE;
    if (kind == NAMESPACE_DNS_PRIVATE)
        change->ns.vpc = STR("vpc-1");
    return caller_do(caller);
}

int caller_create_service(struct caller *caller, struct str namespace_id, const char *name, enum service_check check)
{
    struct change *change = caller_new(caller, CHANGE_CREATE_SERVICE);

    change->service.namespace_id = namespace_id;
    change->service.name = str_of(name);
    change->service.check = check;
    change->service.creator_request_id = STR("t");
    change->service.request_digest = hash_crc32(0, name, strlen(name));
    return caller_do(caller);
}

int caller_register(struct caller *caller, struct str service_id, const char *id, const char *attributes)
{
    struct change *change = caller_new(caller, CHANGE_REGISTER_INSTANCE);

    change->service_id = service_id;
    change->instance_id = str_of(id);
    change->attributes = caller_pairs(caller, attributes, &change->n_attributes);
    change->creator_request_id =
        arena_printf(&caller->arena, "%lld", (long long)__atomic_load_n(&caller->bed->clock.wall_ms, __ATOMIC_RELAXED));
    return caller_do(caller);
}

int caller_deregister(struct caller *caller, struct str service_id, const char *id)
{
    struct change *change = caller_new(caller, CHANGE_DEREGISTER_INSTANCE);

    change->service_id = service_id;
    change->instance_id = str_of(id);
    return caller_do(caller);
}

int caller_health(struct caller *caller, struct str service_id, const char *id, enum health_status health)
{
    struct change *change = caller_new(caller, CHANGE_CUSTOM_HEALTH);

    change->service_id = service_id;
    change->instance_id = str_of(id);
    change->health = health;
    return caller_do(caller);
}

struct str bed_namespace(struct bed *bed, enum namespace_kind kind, const char *name)
{
    const struct namespace *ns;
    struct tree_iter iter;
    struct str id = { 0 };

    assert_int_equal(caller_create_namespace(&bed->caller, kind, name, "t"), 0);
    state_iter_name(&iter, bed_tenant(bed, bed_hold(bed)), str_of(name));
    while ((ns = tree_iter_next(&iter)))
        if (ns->kind == kind && str_eq(ns->name, str_of(name)))
            id = arena_dup(&bed->names, ns->id);
    bed_release(bed);
    assert_true(str_is_set(id));
    return id;
}

struct str bed_service(struct bed *bed, struct str namespace_id, const char *name, enum service_check check)
{
    struct str id;

    assert_int_equal(caller_create_service(&bed->caller, namespace_id, name, check), 0);
    id = arena_dup(&bed->names, bed->caller.change.created->id);
    assert_true(str_is_set(id));
    return id;
}

struct str bed_dns_service(struct bed *bed, struct str namespace_id, const char *name, const char *types, int64_t ttl,
                           enum service_routing routing, enum service_check check)
{
    struct change *change = caller_new(&bed->caller, CHANGE_CREATE_SERVICE);
    struct str rest = str_of(types), id;

    change->service.namespace_id = namespace_id;
    change->service.name = str_of(name);
    change->service.check = check;
    change->service.has_dns = true;
    change->service.routing = routing;
    while (rest.n) {
        size_t n = str_find_char(rest, ',');
        struct service_record *record = &change->service.records[change->service.n_records++];
        assert_int_equal(service_parse_record_type((struct str){ rest.p, n }, &record->type), 0);
        record->ttl = ttl;
        rest = str_skip(rest, n < rest.n ? n + 1 : n);
    }
    assert_int_equal(caller_do(&bed->caller), 0);
    id = arena_dup(&bed->names, bed->caller.change.created->id);
    assert_true(str_is_set(id));
    return id;
}

void bed_register(struct bed *bed, struct str service_id, const char *id, const char *attributes)
{
    assert_int_equal(caller_register(&bed->caller, service_id, id, attributes), 0);
}

/* --- looking ----------------------------------------------------------------------------------------------------- */

const struct snapshot *bed_hold(const struct bed *bed)
{
    return snapshot_acquire(registry_head(bed->registry));
}

void bed_release(const struct bed *bed)
{
    snapshot_release(registry_head(bed->registry));
}

const struct tenant *bed_tenant(const struct bed *bed, const struct snapshot *snapshot)
{
    return state_find_tenant(snapshot, bed->caller.account, bed->caller.region);
}

char *bed_dump(const struct bed *bed)
{
    const struct snapshot *snapshot = bed_hold(bed);
    struct buf text;
    char *copy;

    buf_init(&text, 256 << 20);
    dump_check(snapshot);
    dump_snapshot(&text, snapshot);
    bed_release(bed);
    copy = buf_take(&text, NULL);
    assert_non_null(copy);
    return copy;
}

void bed_check_same(const char *wanted, const char *got)
{
    size_t line = 0, i;

    for (i = 0; wanted[i] && wanted[i] == got[i]; i++)
        if (wanted[i] == '\n')
            line = i + 1;
    if (wanted[i] != got[i])
        print_error("want %.*s\ngot  %.*s\n", (int)strcspn(wanted + line, "\n"), wanted + line,
                    (int)strcspn(got + line, "\n"), got + line);
    assert_int_equal(wanted[i], got[i]);
}

void bed_check_reopen(struct bed *bed)
{
    char *before = bed_dump(bed), *after;

    bed_reopen(bed);
    after = bed_dump(bed);
    bed_check_same(before, after);
    mem_free(before);
    mem_free(after);
}

const char *bed_operation(struct bed *bed, const char *operation_id)
{
    const struct operation *operation;
    struct str text = STR("none"), status;
    struct id_operation id;

    assert_int_equal(id_parse_operation(str_of(operation_id), &id), 0);
    operation = state_find_operation(bed_tenant(bed, bed_hold(bed)), &id);
    if (operation) {
        status = operation_status_text(operation->status);
        text = arena_printf(&bed->names, STR_FMT "%s" STR_FMT, STR_ARG(status),
                            str_is_set(operation->error_code) ? " " : "", STR_ARG(operation->error_code));
    }
    bed_release(bed);
    assert_true(str_is_set(text));
    return text.p;
}

struct count {
    struct str prefix;
    size_t n;
};

static int count_record(void *arg, struct str key, char *value, size_t n, uint32_t sum)
{
    struct count *count = arg;

    (void)value, (void)n, (void)sum;
    count->n += str_starts(key, count->prefix);
    return 0;
}

size_t bed_count_records(const struct bed *bed, const char *prefix)
{
    struct count count = { .prefix = str_of(prefix) };
    struct store_message message;

    assert_int_equal(store_load(bed->store, count_record, &count, &message), 0);
    return count.n;
}
