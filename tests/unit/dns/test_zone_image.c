/* SPDX-License-Identifier: Apache-2.0
 *
 * Images of zones: what is in them, their steps from serial to serial, and how far the journal goes back. */
#include "dns_bed.h"

#include "base/mem.h"
#include "dns/zone_image.h"
#include "dnswire/packet.h"

#include <arpa/inet.h>
#include <errno.h>

struct copy {
    struct dns_bed *dns;
    struct bed *bed;
    struct str ns;
    struct zone_image *image;
    struct buf text;
};

static int setup(void **state)
{
    static struct copy copy;
    struct dname name;
    struct zone_image_config config = { .name = &name, .vpc = STR("") };

    copy.dns = dns_bed_new();
    copy.bed = &copy.dns->bed;
    copy.ns = bed_namespace(copy.bed, NAMESPACE_DNS_PUBLIC, "shop.example");
    assert_int_equal(dname_of_text(STR("Shop.Example"), &name), 0);
    copy.image = zone_image_new(&config);
    assert_non_null(copy.image);
    buf_init(&copy.text, 1 << 22);
    *state = &copy;
    return 0;
}

static int teardown(void **state)
{
    struct copy *copy = *state;

    zone_image_free(copy->image);
    buf_fini(&copy->text);
    dns_bed_free(copy->dns);
    return 0;
}

static int renew(struct copy *copy)
{
    int r = zone_image_renew(copy->image, bed_hold(copy->bed), false);

    bed_release(copy->bed);
    return r;
}

static void write_set(struct buf *buf, const struct record_set *set, char sign)
{
    for (uint32_t i = 0; set && i < set->n; i++) {
        struct record_view record;
        struct dname name;
        char text[DNAME_TEXT_MAX], address[INET6_ADDRSTRLEN];
        size_t end;
        record_set_read(record_set_get(set, i), &record);
        assert_int_equal(dname_read((const uint8_t *)record.name.p, record.name.n, 0, &name, &end), 0);
        dname_text(&name, text);
        buf_printf(buf, "%c%s %u ", sign, text, record.ttl);
        if (record.type == PACKET_A || record.type == PACKET_AAAA)
            buf_printf(
                buf, "%s\n",
                inet_ntop(record.type == PACKET_A ? AF_INET : AF_INET6, record.data.p, address, sizeof(address)));
        else
            buf_printf(buf, "type %u\n", record.type);
    }
}

/* Records with a sign in front; of steps also the serials, as distances from the one asked for. */
static const char *text_of(struct copy *copy, struct zone_image_parts *parts, uint32_t from)
{
    buf_clear(&copy->text);
    for (size_t i = 0; i < parts->n; i++) {
        if (parts->items[i].next_serial)
            buf_printf(&copy->text, "%u to %u\n", parts->items[i].serial - from, parts->items[i].next_serial - from);
        write_set(&copy->text, parts->items[i].removed, '-');
        write_set(&copy->text, parts->items[i].set, '+');
    }
    zone_image_parts_free(parts);
    buf_put_char(&copy->text, '\0');
    assert_false(copy->text.failed);
    return copy->text.p;
}

static const char *whole(struct copy *copy)
{
    struct zone_image_parts parts;

    assert_true(renew(copy) >= 0);
    assert_int_equal(zone_image_whole(copy->image, &parts), 0);
    return text_of(copy, &parts, 0);
}

/* NULL: the journal does not know the serial. */
static const char *steps(struct copy *copy, uint32_t from)
{
    struct zone_image_parts parts;
    int r = zone_image_steps(copy->image, from, &parts);

    assert_true(r >= 0);
    return r ? NULL : text_of(copy, &parts, from);
}

static uint32_t serial(const struct copy *copy)
{
    return (uint32_t)zone_image_revision(copy->image);
}

static struct str service(struct copy *copy, const char *name, const char *types, enum service_routing routing,
                          enum service_check check)
{
    return bed_dns_service(copy->bed, copy->ns, name, types, 60, routing, check);
}

static void test_steps(void **state)
{
    struct copy *copy = *state;
    struct str id = service(copy, "web", "A", SERVICE_MULTIVALUE, SERVICE_CHECK_NONE);
    uint32_t start;

    assert_string_equal(whole(copy), "");
    bed_register(copy->bed, id, "a", "AWS_INSTANCE_IPV4=10.0.0.1");
    assert_int_equal(renew(copy), ZONE_IMAGE_CHANGED);
    assert_int_equal(renew(copy), ZONE_IMAGE_SAME);
    start = serial(copy);
    bed_register(copy->bed, id, "b", "AWS_INSTANCE_IPV4=10.0.0.2");
    renew(copy);
    assert_int_equal(caller_deregister(&copy->bed->caller, id, "a"), 0);
    renew(copy);
    assert_string_equal(steps(copy, start), "0 to 1\n+web.shop.example. 60 10.0.0.2\n"
                                            "1 to 2\n-web.shop.example. 60 10.0.0.1\n");
    assert_string_equal(steps(copy, start + 1), "0 to 1\n-web.shop.example. 60 10.0.0.1\n");
    assert_string_equal(steps(copy, start + 2), "");
    assert_string_equal(whole(copy), "+web.shop.example. 60 10.0.0.2\n");
    assert_int_equal(zone_image_count(copy->image), 1);
    assert_int_equal(caller_deregister(&copy->bed->caller, id, "b"), 0);
    assert_string_equal(whole(copy), "");
    assert_int_equal(zone_image_count(copy->image), 0);
}

/* Serials that no step begins at: from before, from the start of this process, of the future. */
static void test_unknown_serials(void **state)
{
    struct copy *copy = *state;
    struct str id = service(copy, "web", "A", SERVICE_MULTIVALUE, SERVICE_CHECK_NONE);
    uint32_t start;

    renew(copy);
    start = serial(copy);
    bed_register(copy->bed, id, "a", "AWS_INSTANCE_IPV4=10.0.0.1");
    bed_register(copy->bed, id, "b", "AWS_INSTANCE_IPV4=10.0.0.2");
    renew(copy);
    assert_null(steps(copy, start - 1));
    assert_null(steps(copy, start));
    assert_null(steps(copy, start + 1)); /* between two renewals: nobody was given it */
    assert_non_null(steps(copy, start + 2));
    assert_null(steps(copy, start + 3));
}

/* A secondary whose serial moved without a change is led on from that serial. */
static void test_step_from_a_later_serial(void **state)
{
    struct copy *copy = *state;
    struct str id = service(copy, "web", "A", SERVICE_MULTIVALUE, SERVICE_CHECK_NONE);
    uint32_t start;

    renew(copy);
    bed_namespace(copy->bed, NAMESPACE_DNS_PUBLIC, "b.example");
    assert_int_equal(renew(copy), ZONE_IMAGE_SAME);
    start = serial(copy);
    bed_register(copy->bed, id, "a", "AWS_INSTANCE_IPV4=10.0.0.1");
    assert_int_equal(renew(copy), ZONE_IMAGE_CHANGED);
    assert_string_equal(steps(copy, start), "0 to 1\n+web.shop.example. 60 10.0.0.1\n");
}

/* What happens elsewhere moves the serial only. */
static void test_changes_elsewhere(void **state)
{
    struct copy *copy = *state;
    uint32_t start;

    renew(copy);
    bed_namespace(copy->bed, NAMESPACE_DNS_PUBLIC, "b.example");
    assert_int_equal(renew(copy), ZONE_IMAGE_SAME);
    start = serial(copy);
    bed_namespace(copy->bed, NAMESPACE_DNS_PUBLIC, "c.example");
    assert_int_equal(renew(copy), ZONE_IMAGE_SAME);
    assert_true(serial(copy) > start);
    assert_memory_equal(steps(copy, start), "0 to ", 5);
}

static void test_journal_is_bounded(void **state)
{
    struct copy *copy = *state;
    struct str id = service(copy, "web", "A", SERVICE_MULTIVALUE, SERVICE_CHECK_NONE);
    uint32_t first = 0, second = 0;

    renew(copy);
    for (unsigned i = 0; i < ZONE_IMAGE_VERSIONS + 1; i++) {
        char attributes[64];
        snprintf(attributes, sizeof(attributes), "AWS_INSTANCE_IPV4=10.0.%u.%u", i >> 8, i & 255);
        bed_register(copy->bed, id, "a", attributes);
        renew(copy);
        if (i == 0)
            first = serial(copy);
        if (i == 1)
            second = serial(copy);
    }
    assert_null(steps(copy, first));
    assert_non_null(steps(copy, second));
}

static void test_weighted(void **state)
{
    struct copy *copy = *state;
    struct str id = service(copy, "web", "A", SERVICE_WEIGHTED, SERVICE_CHECK_CUSTOM);
    char kept[64] = "", now[64], name[16], attributes[64];

    for (unsigned i = 0; i < 50; i++) {
        snprintf(name, sizeof(name), "i%u", i);
        snprintf(attributes, sizeof(attributes), "AWS_INSTANCE_IPV4=10.0.0.%u", i);
        bed_register(copy->bed, id, name, attributes);
        snprintf(now, sizeof(now), "%s", whole(copy));
        assert_true(i == 0 || strcmp(now, kept) == 0);
        memcpy(kept, now, sizeof(kept));
    }
    assert_string_equal(kept, "+web.shop.example. 60 10.0.0.0\n");
    assert_int_equal(caller_health(&copy->bed->caller, id, "i0", HEALTH_UNHEALTHY), 0);
    snprintf(now, sizeof(now), "%s", whole(copy));
    assert_string_not_equal(now, kept);
    assert_int_equal(caller_health(&copy->bed->caller, id, "i0", HEALTH_HEALTHY), 0);
    assert_string_equal(whole(copy), now); /* the one before does not come back */
    for (unsigned i = 0; i < 50; i++) {
        snprintf(name, sizeof(name), "i%u", i);
        assert_int_equal(caller_health(&copy->bed->caller, id, name, HEALTH_UNHEALTHY), 0);
    }
    assert_memory_equal(whole(copy), "+web.shop.example. 60 10.0.0.", 29);
    assert_int_equal(zone_image_count(copy->image), 1);
}

static void test_zone_comes_and_goes(void **state)
{
    struct copy *copy = *state;
    struct dname name;
    struct zone_image_config config = { .name = &name, .vpc = STR("vpc-1") };
    struct zone_image *image;

    assert_int_equal(dname_of_text(STR("b.example"), &name), 0);
    image = zone_image_new(&config);
    assert_int_equal(zone_image_renew(image, bed_hold(copy->bed), false), ZONE_IMAGE_ABSENT);
    bed_release(copy->bed);
    assert_int_equal(zone_image_changed(image), 0);
    bed_namespace(copy->bed, NAMESPACE_DNS_PUBLIC, "b.example"); /* not that of the VPC */
    assert_int_equal(zone_image_renew(image, bed_hold(copy->bed), false), ZONE_IMAGE_ABSENT);
    bed_release(copy->bed);
    zone_image_free(image);
    config.vpc = STR("");
    image = zone_image_new(&config);
    assert_int_equal(zone_image_renew(image, bed_hold(copy->bed), false), ZONE_IMAGE_CHANGED);
    bed_release(copy->bed);
    assert_true(zone_image_changed(image) > 0);
    zone_image_free(image);
}

/* Whatever allocation fails: the image shows nothing, or all, and the next renewal is whole. */
static void test_memory(void **state)
{
    struct copy *copy = *state;
    struct str id = service(copy, "web", "A", SERVICE_MULTIVALUE, SERVICE_CHECK_NONE);
    struct str other = service(copy, "b", "A", SERVICE_MULTIVALUE, SERVICE_CHECK_NONE);
    int r = -ENOMEM;

    bed_register(copy->bed, id, "a", "AWS_INSTANCE_IPV4=10.0.0.1");
    renew(copy);
    for (long k = 1; r < 0; k++) {
        bed_register(copy->bed, other, "b", k % 2 ? "AWS_INSTANCE_IPV4=10.0.0.2" : "AWS_INSTANCE_IPV4=10.0.0.3");
        bed_hold(copy->bed);
        bed_release(copy->bed);
        mem_fail_at(k, 0);
        r = renew(copy);
        mem_fail_at(0, 0);
        assert_true(r == -ENOMEM || r == ZONE_IMAGE_CHANGED);
        assert_true(r >= 0 || zone_image_revision(copy->image) == 0);
        whole(copy);
        assert_int_equal(zone_image_count(copy->image), 2);
        assert_true(k < 100);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_steps, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unknown_serials, setup, teardown),
        cmocka_unit_test_setup_teardown(test_step_from_a_later_serial, setup, teardown),
        cmocka_unit_test_setup_teardown(test_changes_elsewhere, setup, teardown),
        cmocka_unit_test_setup_teardown(test_journal_is_bounded, setup, teardown),
        cmocka_unit_test_setup_teardown(test_weighted, setup, teardown),
        cmocka_unit_test_setup_teardown(test_zone_comes_and_goes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_memory, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
