/* SPDX-License-Identifier: Apache-2.0
 *
 * Aliases in images of zones: addresses of names here as the zone's view has them, and of names elsewhere as they come,
 * change, grow old and go, each time with a serial of its own. */
#include "dns_bed.h"

#include "base/mem.h"
#include "dns/alias_priv.h"
#include "dns/zone_image.h"

#include <arpa/inet.h>

#define STALE_MS 1000000

struct room {
    struct dns_bed *dns;
    struct bed *bed;
    struct str ns;
    struct clock_manual clock;
    struct alias *alias; /* without its thread: the test says what resolvers said */
    struct zone_image *image;
    struct buf text;
};

static int setup(void **state)
{
    struct room *room = mem_zalloc(sizeof(*room));
    struct alias_config alias = { .servers = { .n = 1 }, .max_ttl_ms = 3600000, .stale_ms = STALE_MS };
    struct dname name;
    struct zone_image_config config = { .name = &name, .vpc = STR("") };

    assert_non_null(room);
    room->dns = dns_bed_new();
    room->bed = &room->dns->bed;
    clock_manual_init(&room->clock, 1700000000000);
    alias.head = registry_head(room->bed->registry);
    alias.clock = &room->clock.clock;
    alias.settings = &room->dns->settings;
    assert_int_equal(alias_new(&alias, &room->alias), 0);
    room->ns = bed_namespace(room->bed, NAMESPACE_DNS_PUBLIC, "shop.example");
    assert_int_equal(dname_of_text(STR("shop.example"), &name), 0);
    config.alias = room->alias;
    room->image = zone_image_new(&config);
    assert_non_null(room->image);
    buf_init(&room->text, 1 << 16);
    *state = room;
    return 0;
}

static int teardown(void **state)
{
    struct room *room = *state;

    zone_image_free(room->image);
    buf_fini(&room->text);
    alias_free(room->alias);
    snapshot_barrier();
    dns_bed_free(room->dns);
    mem_free(room);
    return 0;
}

static int renew(struct room *room, bool waits)
{
    int r = zone_image_renew(room->image, bed_hold(room->bed), waits);

    bed_release(room->bed);
    return r;
}

static bool is_behind(struct room *room)
{
    bool behind = zone_image_is_behind(room->image, bed_hold(room->bed));

    bed_release(room->bed);
    return behind;
}

/* Makes the revision that the image wants. */
static int show_others(struct room *room)
{
    uint64_t revision = zone_image_revision(room->image);

    assert_true(is_behind(room));
    assert_int_equal(renew(room, false), ZONE_IMAGE_SAME); /* what a serial holds never changes */
    caller_new(&room->bed->caller, CHANGE_REVISION);
    assert_int_equal(caller_do(&room->bed->caller), 0);
    int r = renew(room, false);
    assert_int_equal(zone_image_revision(room->image), revision + 1);
    assert_false(is_behind(room));
    return r;
}

/* The zone's addresses: `NAME TTL ADDRESS` lines. */
static const char *whole(struct room *room)
{
    struct zone_image_parts parts;

    assert_int_equal(zone_image_whole(room->image, &parts), 0);
    buf_clear(&room->text);
    for (size_t i = 0; i < parts.n; i++)
        for (uint32_t k = 0; k < parts.items[i].set->n; k++) {
            struct record_view record;
            struct dname name;
            char text[DNAME_TEXT_MAX], address[INET6_ADDRSTRLEN];
            size_t end;
            record_set_read(record_set_get(parts.items[i].set, k), &record);
            assert_int_equal(dname_read((const uint8_t *)record.name.p, record.name.n, 0, &name, &end), 0);
            dname_text(&name, text);
            if (record.type == PACKET_A || record.type == PACKET_AAAA)
                inet_ntop(record.type == PACKET_A ? AF_INET : AF_INET6, record.data.p, address, sizeof(address));
            else
                snprintf(address, sizeof(address), "type %u", record.type);
            if (strncmp(text, "al", 2) == 0)
                buf_printf(&room->text, "%s %u %s\n", text, record.ttl, address);
        }
    zone_image_parts_free(&parts);
    buf_put_char(&room->text, '\0');
    return room->text.p;
}

static struct str service(struct room *room, const char *name, const char *types, enum service_routing routing,
                          enum service_check check)
{
    return bed_dns_service(room->bed, room->ns, name, types, 60, routing, check);
}

static void add_alias(struct room *room, const char *name, const char *target)
{
    char text[300];

    snprintf(text, sizeof(text), "AWS_ALIAS_DNS_NAME=%s", target);
    bed_register(room->bed, service(room, name, "A,AAAA", SERVICE_WEIGHTED, SERVICE_CHECK_NONE), "x", text);
}

static int64_t now_ms(const struct room *room)
{
    return clock_mono_ns(&room->clock.clock) / 1000000;
}

/* A resolver says: `n` addresses 192.0.2.first and up, or that it cannot. */
static void say(struct room *room, const char *name, enum alias_kind kind, unsigned first, unsigned n, uint32_t ttl)
{
    struct alias_entry *entry;
    struct dname dname;

    assert_int_equal(dname_of_text(str_of(name), &dname), 0);
    for (unsigned type = PACKET_A; type <= PACKET_AAAA; type += PACKET_AAAA - PACKET_A) {
        entry = alias_cache_new_entry(&dname, (enum packet_type)type, type == PACKET_A ? n : 0);
        entry->kind = (uint8_t)(kind == ALIAS_ADDRESSES && type == PACKET_AAAA ? ALIAS_NOTHING : kind);
        entry->ttl = ttl;
        entry->fresh_until_ms = now_ms(room) + ttl * INT64_C(1000);
        entry->stale_until_ms = entry->fresh_until_ms + STALE_MS;
        for (unsigned i = 0; i < n && type == PACKET_A; i++)
            memcpy(entry->data + i * 4, (uint8_t[]){ 192, 0, 2, (uint8_t)(first + (n - i) % n) }, 4);
        alias_cache_put(&room->alias->cache, entry);
    }
}

static unsigned count_asked(const struct room *room)
{
    unsigned n = 0;

    for (const struct alias_waiter *one = room->alias->inbox.first; one; one = one->next)
        n++;
    return n;
}

static void test_of_names_here(void **state)
{
    struct room *room = *state;
    struct str web = service(room, "web", "A,AAAA", SERVICE_MULTIVALUE, SERVICE_CHECK_CUSTOM);
    struct str srv = service(room, "_x._tcp", "SRV", SERVICE_MULTIVALUE, SERVICE_CHECK_NONE);
    struct str name = service(room, "name", "CNAME", SERVICE_WEIGHTED, SERVICE_CHECK_NONE);

    bed_register(room->bed, web, "a", "AWS_INSTANCE_IPV4=10.0.0.1,AWS_INSTANCE_IPV6=fd00::1");
    bed_register(room->bed, web, "b", "AWS_INSTANCE_IPV4=10.0.0.2,AWS_INSTANCE_IPV6=fd00::2");
    bed_register(room->bed, srv, "node", "AWS_INSTANCE_IPV4=10.0.0.3,AWS_INSTANCE_PORT=1");
    bed_register(room->bed, name, "c", "AWS_INSTANCE_CNAME=al.shop.example");
    add_alias(room, "al", "WEB.shop.example");
    assert_int_equal(renew(room, true), ZONE_IMAGE_CHANGED);
    assert_string_equal(whole(room), "al.shop.example. 60 10.0.0.1\nal.shop.example. 60 10.0.0.2\n"
                                     "al.shop.example. 60 fd00::1\nal.shop.example. 60 fd00::2\n");
    assert_int_equal(caller_health(&room->bed->caller, web, "a", HEALTH_UNHEALTHY), 0);
    assert_int_equal(renew(room, true), ZONE_IMAGE_CHANGED);
    assert_string_equal(whole(room), "al.shop.example. 60 10.0.0.2\nal.shop.example. 60 fd00::2\n");
    assert_int_equal(caller_deregister(&room->bed->caller, web, "b"), 0);
    assert_int_equal(renew(room, true), ZONE_IMAGE_CHANGED);
    assert_string_equal(whole(room), "al.shop.example. 60 10.0.0.1\nal.shop.example. 60 fd00::1\n");
    assert_int_equal(caller_deregister(&room->bed->caller, web, "a"), 0);
    add_alias(room, "al2", "node._x._tcp.shop.example");
    assert_int_equal(renew(room, true), ZONE_IMAGE_CHANGED);
    assert_string_equal(whole(room), "al2.shop.example. 60 10.0.0.3\n");
    assert_false(is_behind(room));
    assert_int_equal(count_asked(room), 0);
}

static void test_of_aliases(void **state)
{
    struct room *room = *state;
    struct str name = service(room, "name", "CNAME", SERVICE_WEIGHTED, SERVICE_CHECK_NONE);
    struct str web = service(room, "web", "A", SERVICE_MULTIVALUE, SERVICE_CHECK_NONE);

    bed_register(room->bed, web, "a", "AWS_INSTANCE_IPV4=10.0.0.1");
    bed_register(room->bed, name, "c", "AWS_INSTANCE_CNAME=web.shop.example");
    add_alias(room, "al", "al2.shop.example");
    add_alias(room, "al2", "name.shop.example");
    add_alias(room, "al3", "al4.shop.example");
    add_alias(room, "al4", "al3.shop.example"); /* a circle */
    add_alias(room, "al5", "none.shop.example");
    assert_int_equal(renew(room, true), ZONE_IMAGE_CHANGED);
    assert_non_null(strstr(whole(room), "al.shop.example. 60 10.0.0.1\n"));
    assert_non_null(strstr(whole(room), "al2.shop.example. 60 10.0.0.1\n"));
    assert_null(strpbrk(whole(room), "345"));
}

static void test_of_names_elsewhere(void **state)
{
    struct room *room = *state;
    uint64_t start;
    struct zone_image_parts parts;

    add_alias(room, "al", "LB.example.net");
    assert_int_equal(renew(room, true), ZONE_IMAGE_UNKNOWN);
    assert_true(count_asked(room) >= 2);
    say(room, "lb.example.net", ALIAS_ADDRESSES, 1, 2, 300);
    assert_int_equal(renew(room, true), ZONE_IMAGE_CHANGED);
    assert_string_equal(whole(room), "al.shop.example. 300 192.0.2.1\nal.shop.example. 300 192.0.2.2\n");
    start = zone_image_changed(room->image);

    /* the same in another order, with what is left of its time at a cache */
    say(room, "lb.example.net", ALIAS_ADDRESSES, 1, 2, 200);
    assert_false(is_behind(room));
    add_alias(room, "b", "web.shop.example");
    assert_int_equal(renew(room, true), ZONE_IMAGE_SAME);
    assert_string_equal(whole(room), "al.shop.example. 300 192.0.2.1\nal.shop.example. 300 192.0.2.2\n");

    say(room, "lb.example.net", ALIAS_ADDRESSES, 2, 1, 100);
    assert_int_equal(show_others(room), ZONE_IMAGE_CHANGED);
    assert_string_equal(whole(room), "al.shop.example. 100 192.0.2.2\n");
    say(room, "lb.example.net", ALIAS_ADDRESSES, 3, 1, 100);
    start = zone_image_revision(room->image);
    assert_int_equal(show_others(room), ZONE_IMAGE_CHANGED);
    assert_int_equal(zone_image_steps(room->image, (uint32_t)start, &parts), 0);
    assert_true(parts.n == 1 && parts.items[0].removed->n == 1 && parts.items[0].set->n == 1);
    zone_image_parts_free(&parts);
    say(room, "lb.example.net", ALIAS_NOTHING, 0, 0, 60);
    assert_int_equal(show_others(room), ZONE_IMAGE_CHANGED);
    assert_string_equal(whole(room), "");
}

/* Old ones stay while nothing newer is known, are asked for all the while, and go when a failure takes their place. */
static void test_old_ones(void **state)
{
    struct room *room = *state;
    unsigned asked;

    add_alias(room, "al", "lb.example.net");
    say(room, "lb.example.net", ALIAS_ADDRESSES, 1, 1, 60);
    assert_int_equal(renew(room, true), ZONE_IMAGE_CHANGED);
    asked = count_asked(room);
    clock_manual_advance(&room->clock, 59000);
    assert_false(is_behind(room));
    asked = count_asked(room) - asked;
    assert_int_equal(asked, 2); /* soon old: A and AAAA once */
    assert_false(is_behind(room));
    assert_int_equal(count_asked(room), 2);
    clock_manual_advance(&room->clock, STALE_MS);
    assert_false(is_behind(room));
    assert_int_equal(count_asked(room), 4);
    clock_manual_advance(&room->clock, STALE_MS);
    assert_false(is_behind(room));
    say(room, "lb.example.net", ALIAS_FAILURE, 0, 0, 5);
    assert_int_equal(show_others(room), ZONE_IMAGE_CHANGED);
    assert_string_equal(whole(room), "");
    say(room, "lb.example.net", ALIAS_ADDRESSES, 1, 1, 60);
    assert_int_equal(show_others(room), ZONE_IMAGE_CHANGED);
    assert_string_equal(whole(room), "al.shop.example. 60 192.0.2.1\n");
}

/* What others pushed out of the table stays in the zone while it is asked for again; another target's does not. */
static void test_pushed_out(void **state)
{
    struct room *room = *state;
    struct str id = service(room, "al", "A", SERVICE_WEIGHTED, SERVICE_CHECK_NONE);

    bed_register(room->bed, id, "x", "AWS_ALIAS_DNS_NAME=lb.example.net");
    say(room, "lb.example.net", ALIAS_ADDRESSES, 1, 2, 60);
    assert_int_equal(renew(room, true), ZONE_IMAGE_CHANGED);
    alias_cache_fini(&room->alias->cache);
    assert_int_equal(alias_cache_init(&room->alias->cache, registry_head(room->bed->registry)), 0);
    assert_false(is_behind(room));
    add_alias(room, "al2", "lb2.example.net");
    assert_int_equal(renew(room, false), ZONE_IMAGE_SAME);
    assert_string_equal(whole(room), "al.shop.example. 60 192.0.2.1\nal.shop.example. 60 192.0.2.2\n");
    bed_register(room->bed, id, "x", "AWS_ALIAS_DNS_NAME=lb3.example.net");
    assert_int_equal(renew(room, false), ZONE_IMAGE_CHANGED);
    assert_string_equal(whole(room), "");
}

/* One that cannot be resolved is no reason to wait, and one that comes later none to hold the zone back. */
static void test_not_known(void **state)
{
    struct room *room = *state;

    add_alias(room, "al", "lb.example.net");
    say(room, "lb.example.net", ALIAS_FAILURE, 0, 0, 5);
    assert_int_equal(renew(room, true), ZONE_IMAGE_CHANGED);
    add_alias(room, "al2", "lb2.example.net");
    assert_int_equal(renew(room, true), ZONE_IMAGE_SAME);
    assert_string_equal(whole(room), "");
    say(room, "lb2.example.net", ALIAS_ADDRESSES, 7, 1, 60);
    assert_int_equal(show_others(room), ZONE_IMAGE_CHANGED);
    assert_string_equal(whole(room), "al2.shop.example. 60 192.0.2.7\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_of_names_here, setup, teardown),
        cmocka_unit_test_setup_teardown(test_of_aliases, setup, teardown),
        cmocka_unit_test_setup_teardown(test_of_names_elsewhere, setup, teardown),
        cmocka_unit_test_setup_teardown(test_old_ones, setup, teardown),
        cmocka_unit_test_setup_teardown(test_pushed_out, setup, teardown),
        cmocka_unit_test_setup_teardown(test_not_known, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
