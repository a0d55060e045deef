/* SPDX-License-Identifier: Apache-2.0
 *
 * Answers over a small registry: the first octet chooses the transport, the rest is the query. Whatever is asked, the
 * answer is sound to its last octet, as read by code of its own, within its limit, and echoes what it must; and it can
 * be explained. */
#include "fuzz_target.h"

#include "base/mem.h"
#include "dns/answer.h"
#include "dns/explain.h"
#include "dns/rate_limit.h"
#include "dns_reply.h"
#include "registry/registry.h"
#include "json/reader.h"

#include <sys/socket.h>

struct world {
    struct clock_manual clock;
    struct store *store;
    struct registry *registry;
    struct answer_settings settings;
    struct own_zones own;
    struct answer_worker worker;
    struct vpc_map *map;
    struct dns_view_set *views;
    struct dns_reply reply;
    struct arena arena;
    bool is_done; /* of the change that waits */
};

static void done(struct change *change)
{
    struct world *world = change->owner;
    __atomic_store_n(&world->is_done, true, __ATOMIC_RELEASE);
}

static void submit(struct world *world, struct change *change)
{
    change->account = STR("000000000000");
    change->region = STR("us-east-1");
    change->arena = &world->arena;
    change->done = done;
    change->owner = world;
    world->is_done = false;
    registry_submit(world->registry, change);
    while (!__atomic_load_n(&world->is_done, __ATOMIC_ACQUIRE))
        ;
    FUZZ_CHECK(change->result == 0);
}

static struct str make_namespace(struct world *world, struct str name)
{
    struct change change = {
        .kind = CHANGE_CREATE_NAMESPACE,
        .action = STR("CreatePublicDnsNamespace"),
        .ns = { .kind = NAMESPACE_DNS_PUBLIC, .name = name, .soa_ttl = 60, .creator_request_id = name }
    };
    submit(world, &change);
    const struct snapshot *snapshot = snapshot_acquire(registry_head(world->registry));
    const struct tenant *tenant = state_find_tenant(snapshot, change.account, change.region);
    struct tree_iter iter;
    state_iter_name(&iter, tenant, name);
    struct str id = arena_dup(&world->arena, ((const struct namespace *)tree_iter_next(&iter))->id);
    snapshot_release(registry_head(world->registry));
    return id;
}

static struct str make_service(struct world *world, struct str ns, struct str name, enum service_record_type type,
                               enum service_routing routing)
{
    struct change change = { .kind = CHANGE_CREATE_SERVICE,
                             .service = { .namespace_id = ns,
                                          .name = name,
                                          .has_dns = true,
                                          .n_records = 1,
                                          .records = { { type, 60 } },
                                          .routing = routing } };
    submit(world, &change);
    return change.created->id;
}

static void add(struct world *world, struct str service, struct str id, struct str cname)
{
    struct str_pair attributes[] = { { STR("AWS_INSTANCE_CNAME"), cname },
                                     { STR("AWS_INSTANCE_IPV4"), STR("10.0.0.1") },
                                     { STR("AWS_INSTANCE_IPV6"), STR("fd00::1") },
                                     { STR("AWS_INSTANCE_PORT"), STR("80") } };
    struct change change = { .kind = CHANGE_REGISTER_INSTANCE,
                             .action = STR("RegisterInstance"),
                             .service_id = service,
                             .instance_id = id,
                             .attributes = attributes,
                             .n_attributes = 4 };
    submit(world, &change);
}

static struct world *make_world(void)
{
    struct world *world = mem_zalloc(sizeof(*world));
    struct store_message message;
    FUZZ_CHECK(world);
    arena_init(&world->arena, 64 << 20);
    clock_manual_init(&world->clock, INT64_C(1700000000000));
    FUZZ_CHECK(store_open_memory(&world->clock.clock, &world->store) == 0);
    struct registry_config config = {
        .clock = &world->clock.clock, .operations_max = 100000, .operations_keep_ms = INT64_C(1) << 40, .seed = 1
    };
    FUZZ_CHECK(registry_open(&config, world->store, &world->registry, &message) == 0);
    snapshot_reader_start();
    struct str ns = make_namespace(world, STR("x")), deep = make_namespace(world, STR("b.a.x"));
    struct str web = make_service(world, ns, STR("web"), SERVICE_A, SERVICE_MULTIVALUE);
    struct str srv = make_service(world, ns, STR("_s._tcp"), SERVICE_SRV, SERVICE_MULTIVALUE);
    struct str many = make_service(world, ns, STR("many"), SERVICE_SRV, SERVICE_MULTIVALUE);
    struct str to = make_service(world, ns, STR("to"), SERVICE_CNAME, SERVICE_WEIGHTED);
    struct str six = make_service(world, deep, STR("."), SERVICE_AAAA, SERVICE_MULTIVALUE);
    for (unsigned i = 0; i < 70; i++)
        add(world, many, arena_printf(&world->arena, "a-rather-long-name-of-an-instance-%u", i), STR("web.x"));
    add(world, web, STR("i"), STR("web.x"));
    add(world, srv, STR("Odd.Id"), STR("web.x"));
    add(world, srv, STR("i"), STR("web.x"));
    add(world, to, STR("i"), STR("web.x"));
    add(world, to, STR("k"), STR("TO.x"));
    add(world, six, STR("i"), STR("web.x"));
    world->settings.max_answers = 8;
    world->settings.udp_size = 1232;
    world->settings.nsid = STR("fuzz");
    world->settings.n_name_servers = 2;
    FUZZ_CHECK(dname_of_text(STR("ns.example.net"), &world->settings.name_servers[0]) == 0);
    FUZZ_CHECK(dname_of_text(STR("ns.b.a.x"), &world->settings.name_servers[1]) == 0);
    FUZZ_CHECK(rate_limit_new(1, NULL, 0, &world->settings.rate_limit) == 0); /* time stands still: one of each */
    FUZZ_CHECK(own_zone_add_name(&world->own, STR("api.x")) == 0 && own_zone_add_name(&world->own, STR("a.y")) == 0);
    FUZZ_CHECK(own_zone_add_address(&world->own, STR("10.9.9.9")) == 0);
    answer_init(&world->worker, &world->settings);
    world->reply.records = mem_alloc(DNS_REPLY_MAX * sizeof(*world->reply.records));
    FUZZ_CHECK(world->reply.records);
    return world;
}

static void make_views(struct world *world)
{
    static const char *const networks[] = { "127.0.0.0/8" }, *const vpc_networks[] = { "10.0.0.0/8", "fd00::/8" };
    static const struct vpc_section section = { .name = "vpc-1", .has_networks = true };
    static const struct dns_view_vpc vpc = { .name = "vpc-1", .networks = vpc_networks, .n_networks = 2 };
    struct dns_view_config config = { .vpcs = &vpc,
                                      .n_vpcs = 1,
                                      .default_networks = networks,
                                      .n_default_networks = 1,
                                      .forwarders = networks,
                                      .n_forwarders = 1 };
    const char *bad;
    FUZZ_CHECK(vpc_map_new(&section, 1, &world->map) == 0);
    config.map = world->map;
    FUZZ_CHECK(dns_view_set_new(&config, &world->views, &bad) == 0);
}

static size_t most_of(const struct packet *packet, bool is_tcp)
{
    if (is_tcp)
        return PACKET_MAX;
    return packet->edns.size < 1232 ? packet->edns.size : 1232;
}

/* What takes the answer's place when there have been too many: no larger than the query, but for a cookie. */
static void check_limited(struct world *world, const struct authority_client *client, const struct packet *query,
                          uint8_t *out, size_t size)
{
    size_t n = size;
    enum rate_limit_verdict verdict = rate_limit_apply(&world->worker, client, query->p, query->n, out, &n);
    if (verdict == RATE_LIMIT_PASSED)
        FUZZ_CHECK(n == size);
    else if (verdict == RATE_LIMIT_DROPPED)
        FUZZ_CHECK(n == 0);
    if (verdict != RATE_LIMIT_SLIPPED)
        return;
    FUZZ_CHECK(dns_reply_read(out, n, &world->reply) == 0);
    FUZZ_CHECK(world->reply.id == query->id && world->reply.counts[0] == query->has_question);
    FUZZ_CHECK(world->reply.counts[1] + world->reply.counts[2] == 0);
    FUZZ_CHECK(world->reply.counts[3] == query->edns.present);
    if (query->has_question)
        FUZZ_CHECK(n <= query->n + (query->edns.has_cookie ? COOKIE_SERVER : 0));
}

/* The explanation of the same question is JSON. */
static void explain(struct world *world, const struct packet *packet, const struct dname *name)
{
    struct explain_question question = { .name = *name,
                                         .type = packet->type,
                                         .client = { .family = AF_INET, .address = { 127, 0, 0, 1 } } };
    struct json_reader reader;
    struct json_writer writer;
    struct arena arena;
    struct buf buf;
    arena_init(&arena, 8 << 20);
    buf_init(&buf, 8 << 20);
    json_writer_init(&writer, &buf);
    const struct snapshot *snapshot = snapshot_acquire(registry_head(world->registry));
    FUZZ_CHECK(explain_write(&writer, &world->settings, snapshot, &question, 0) == 0);
    snapshot_release(registry_head(world->registry));
    FUZZ_CHECK(!buf.failed);
    json_reader_init(&reader, buf.p, buf.n, &arena);
    json_skip(&reader);
    FUZZ_CHECK(json_end(&reader) == 0);
    buf_fini(&buf);
    arena_fini(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static struct world *world;     /* mutable: made once */
    static uint8_t out[PACKET_MAX]; /* mutable: too large for the stack */
    struct authority_client client = { .family = AF_INET, .address = { 127, 0, 0, 1 } };
    struct packet packet;
    struct dname name;
    if (!world) {
        world = make_world();
        make_views(world);
    }
    if (n < 1)
        return 0;
    bool is_tcp = data[0] & 1;
    world->settings.max_answers = data[0] & 2 ? 0 : 8;
    world->settings.views = data[0] & 4 ? world->views : NULL; /* the client is a forwarder to them */
    world->settings.own = data[0] & 4 ? &world->own : NULL;
    const struct snapshot *snapshot = snapshot_acquire(registry_head(world->registry));
    size_t size = answer_query(&world->worker, snapshot, &client, is_tcp, data + 1, n - 1, out, sizeof(out));
    snapshot_release(registry_head(world->registry));
    enum packet_verdict verdict = packet_read(data + 1, n - 1, &packet, &name);
    FUZZ_CHECK((size == 0) == (verdict == PACKET_DROP));
    if (size == 0)
        return 0;
    struct dns_reply *reply = &world->reply;
    FUZZ_CHECK(dns_reply_read(out, size, reply) == 0);
    FUZZ_CHECK(reply->id == packet.id && reply->flags & PACKET_QR);
    FUZZ_CHECK((reply->flags & PACKET_OPCODE) == (packet.flags & PACKET_OPCODE));
    if (verdict != PACKET_OK) {
        FUZZ_CHECK(size == PACKET_HEADER);
        return 0;
    }
    FUZZ_CHECK(size <= most_of(&packet, is_tcp));
    FUZZ_CHECK(reply->question_end == packet.question_end &&
               memcmp(out + PACKET_HEADER, data + 1 + PACKET_HEADER, packet.question_end - PACKET_HEADER) == 0);
    unsigned n_opt = 0;
    for (size_t i = 0; i < reply->n_records; i++)
        n_opt += reply->records[i].type == PACKET_OPT;
    FUZZ_CHECK(n_opt == packet.edns.present);
    if (!is_tcp)
        check_limited(world, &client, &packet, out, size);
    if (data[0] & 8 && packet.has_question)
        explain(world, &packet, &name);
    return 0;
}
