/* SPDX-License-Identifier: Apache-2.0
 *
 * Which instances an answer holds: how many, healthy ones first, each as often as any other, in any order; the same for
 * services whose records are prepared and for larger ones. */
#include "dns_bed.h"

#include "dns/answer_priv.h"

#define MAX_INSTANCES 300

struct fleet {
    struct dns_bed *dns;
    struct str ns, id;
    unsigned seen[MAX_INSTANCES], first[MAX_INSTANCES];
};

static struct fleet *fleet_new(const char *types, enum service_routing routing, enum service_check check)
{
    struct fleet *fleet = test_calloc(1, sizeof(*fleet));

    fleet->dns = dns_bed_new();
    fleet->ns = bed_namespace(&fleet->dns->bed, NAMESPACE_DNS_PRIVATE, "x");
    fleet->id = bed_dns_service(&fleet->dns->bed, fleet->ns, "s", types, 60, routing, check);
    return fleet;
}

static void fleet_free(struct fleet *fleet)
{
    dns_bed_free(fleet->dns);
    test_free(fleet);
}

static const char *id_of(unsigned i)
{
    static char id[16];

    snprintf(id, sizeof(id), "i-%u", i);
    return id;
}

static void fleet_add(struct fleet *fleet, unsigned from, unsigned to)
{
    char attributes[128];

    for (unsigned i = from; i < to; i++) {
        snprintf(attributes, sizeof(attributes),
                 "AWS_INSTANCE_IPV4=10.0.%u.%u,AWS_INSTANCE_IPV6=fd00::%x,"
                 "AWS_INSTANCE_PORT=%u",
                 i / 256, i % 256, i + 1, i + 1);
        bed_register(&fleet->dns->bed, fleet->id, id_of(i), attributes);
    }
}

static void fleet_health(struct fleet *fleet, unsigned from, unsigned to, enum health_status health)
{
    for (unsigned i = from; i < to; i++)
        assert_int_equal(caller_health(&fleet->dns->bed.caller, fleet->id, id_of(i), health), 0);
}

/* Number of the instance that a record is of. */
static unsigned number_of(const struct dns_bed *dns, const struct dns_reply_record *record)
{
    const uint8_t *p = dns->answer + record->data_at;

    if (record->type == PACKET_A)
        return p[2] * 256u + p[3];
    if (record->type == PACKET_AAAA)
        return packet_get_u16(p + 14) - 1u;
    return packet_get_u16(p + 4) - 1u;
}

/* Asks n times; every answer must have `each` records, all different. */
static void fleet_ask(struct fleet *fleet, unsigned type, unsigned n, unsigned each)
{
    memset(fleet->seen, 0, sizeof(fleet->seen));
    memset(fleet->first, 0, sizeof(fleet->first));
    for (unsigned i = 0; i < n; i++) {
        bool here[MAX_INSTANCES] = { false };
        dns_bed_ask(fleet->dns, "s.x", type, DNS_BED_OPT("\x10\0", "\0\0\0\0", ""));
        assert_int_equal(fleet->dns->reply.counts[1], each);
        for (unsigned k = 0; k < each; k++) {
            unsigned number = number_of(fleet->dns, &fleet->dns->reply.records[k]);
            assert_in_range(number, 0, MAX_INSTANCES - 1);
            assert_false(here[number]);
            here[number] = true;
            fleet->seen[number]++;
            fleet->first[number] += k == 0;
        }
    }
}

/* Each of [from, to) was there about as often as the others, and nobody else: within six standard deviations, which
 * chance leaves once in a billion. `of`: all that were seen together. */
static void fleet_is_even(const struct fleet *fleet, const unsigned *seen, unsigned from, unsigned to, unsigned of)
{
    double mean = (double)of / (to - from);

    for (unsigned i = 0; i < MAX_INSTANCES; i++) {
        if (i < from || i >= to) {
            assert_int_equal(seen[i], 0);
        } else if ((seen[i] - mean) * (seen[i] - mean) > 36 * mean) {
            print_error("%u: %u, mean %.1f\n", i, seen[i], mean);
            fail();
        }
    }
    (void)fleet;
}

static const unsigned wire_types[] = { PACKET_A, PACKET_AAAA };
#define ROUNDS 3000

static void test_multivalue(void **state)
{
    static const unsigned sizes[] = { 1, 5, 8, 9, 40, 64, 65, 200 };
    struct fleet *fleet = fleet_new("A,AAAA", SERVICE_MULTIVALUE, SERVICE_CHECK_NONE);
    unsigned have = 0;

    (void)state;
    for (size_t i = 0; i < TEST_COUNT(sizes); i++) {
        unsigned each = sizes[i] < 8 ? sizes[i] : 8;
        fleet_add(fleet, have, sizes[i]);
        have = sizes[i];
        for (size_t k = 0; k < TEST_COUNT(wire_types); k++) {
            unsigned rounds = ROUNDS * (have > 100 ? 3 : 1);
            fleet_ask(fleet, wire_types[k], rounds, each);
            fleet_is_even(fleet, fleet->seen, 0, have, rounds * each);
            if (have <= 40)
                fleet_is_even(fleet, fleet->first, 0, have, rounds);
        }
    }
    fleet_free(fleet);
}

static void test_srv(void **state)
{
    struct fleet *fleet = fleet_new("SRV", SERVICE_MULTIVALUE, SERVICE_CHECK_CUSTOM);

    (void)state;
    fleet_add(fleet, 0, 30);
    fleet_ask(fleet, PACKET_SRV, ROUNDS, 8);
    fleet_is_even(fleet, fleet->seen, 0, 30, ROUNDS * 8);
    assert_int_equal(fleet->dns->reply.counts[3], 17); /* A and AAAA of each target, and OPT */
    fleet_health(fleet, 0, 25, HEALTH_UNHEALTHY);
    fleet_ask(fleet, PACKET_SRV, ROUNDS, 5);
    fleet_is_even(fleet, fleet->seen, 25, 30, ROUNDS * 5);
    fleet_health(fleet, 0, 25, HEALTH_HEALTHY);
    fleet_add(fleet, 30, 100);
    fleet_ask(fleet, PACKET_SRV, ROUNDS, 8);
    fleet_is_even(fleet, fleet->seen, 0, 100, ROUNDS * 8);
    fleet_free(fleet);
}

/* Unhealthy ones only when there is no other. */
static void health(unsigned n)
{
    struct fleet *fleet = fleet_new("A", SERVICE_MULTIVALUE, SERVICE_CHECK_CUSTOM);

    fleet_add(fleet, 0, n);
    fleet_health(fleet, 0, n - 3, HEALTH_UNHEALTHY);
    fleet_ask(fleet, PACKET_A, ROUNDS, 3);
    fleet_is_even(fleet, fleet->seen, n - 3, n, ROUNDS * 3);
    fleet_health(fleet, n - 3, n, HEALTH_UNHEALTHY);
    fleet_ask(fleet, PACKET_A, 2 * ROUNDS, 8);
    fleet_is_even(fleet, fleet->seen, 0, n, 2 * ROUNDS * 8);
    fleet_health(fleet, 4, 5, HEALTH_HEALTHY);
    fleet_ask(fleet, PACKET_A, 10, 1);
    fleet_is_even(fleet, fleet->seen, 4, 5, 10);
    fleet_free(fleet);
}

static void test_health(void **state)
{
    (void)state;
    health(20);
    health(90);
}

static void weighted(unsigned n)
{
    struct fleet *fleet = fleet_new("A", SERVICE_WEIGHTED, SERVICE_CHECK_CUSTOM);

    fleet_add(fleet, 0, n);
    fleet_ask(fleet, PACKET_A, n * 200, 1);
    fleet_is_even(fleet, fleet->seen, 0, n, n * 200);
    fleet_health(fleet, 0, n - 2, HEALTH_UNHEALTHY);
    fleet_ask(fleet, PACKET_A, ROUNDS, 1);
    fleet_is_even(fleet, fleet->seen, n - 2, n, ROUNDS);
    fleet_health(fleet, n - 2, n, HEALTH_UNHEALTHY);
    fleet_ask(fleet, PACKET_A, n * 200, 1);
    fleet_is_even(fleet, fleet->seen, 0, n, n * 200);
    fleet_free(fleet);
}

static void test_weighted(void **state)
{
    (void)state;
    weighted(10);
    weighted(80);
}

/* Of a weighted name an address counts as often as instances have it. */
static void test_weighted_same_address(void **state)
{
    struct fleet *fleet = fleet_new("A", SERVICE_WEIGHTED, SERVICE_CHECK_NONE);

    (void)state;
    fleet_add(fleet, 0, 2);
    bed_register(&fleet->dns->bed, fleet->id, "one", "AWS_INSTANCE_IPV4=10.0.0.1");
    bed_register(&fleet->dns->bed, fleet->id, "more", "AWS_INSTANCE_IPV4=10.0.0.1");
    fleet_ask(fleet, PACKET_A, 4000, 1);
    assert_in_range(fleet->seen[1], 2800, 3200);
    fleet_free(fleet);
}

static void test_max_answers(void **state)
{
    struct fleet *fleet = fleet_new("A", SERVICE_MULTIVALUE, SERVICE_CHECK_NONE);

    (void)state;
    fleet->dns->is_tcp = true;
    fleet_add(fleet, 0, 60);
    fleet->dns->settings.max_answers = 3;
    fleet_ask(fleet, PACKET_A, ROUNDS, 3);
    fleet_is_even(fleet, fleet->seen, 0, 60, ROUNDS * 3);
    fleet->dns->settings.max_answers = 0;
    fleet_ask(fleet, PACKET_A, 10, 60);
    fleet_add(fleet, 60, 250);
    fleet_ask(fleet, PACKET_A, 10, 250);
    fleet->dns->settings.max_answers = 100;
    fleet_ask(fleet, PACKET_A, ROUNDS, 100);
    fleet_is_even(fleet, fleet->seen, 0, 250, ROUNDS * 100);
    bed_register(&fleet->dns->bed, fleet->id, "again", "AWS_INSTANCE_IPV4=10.0.0.7");
    fleet->dns->settings.max_answers = 0;
    fleet_ask(fleet, PACKET_A, 10, 250); /* of two with one address one record */
    fleet_free(fleet);
}

/* Of a large service only some have the type; those are found, healthy ones first. */
static void test_rare_type(void **state)
{
    struct fleet *fleet = fleet_new("A,AAAA", SERVICE_MULTIVALUE, SERVICE_CHECK_CUSTOM);
    char attributes[64];

    (void)state;
    for (unsigned i = 0; i < 120; i++) {
        snprintf(attributes, sizeof(attributes), i < 4 ? "AWS_INSTANCE_IPV6=fd00::%x" : "AWS_INSTANCE_IPV4=10.0.0.%u",
                 i + 1);
        bed_register(&fleet->dns->bed, fleet->id, id_of(i), attributes);
    }
    fleet_ask(fleet, PACKET_AAAA, 1000, 4);
    fleet_is_even(fleet, fleet->seen, 0, 4, 4000);
    fleet_health(fleet, 0, 3, HEALTH_UNHEALTHY);
    fleet_ask(fleet, PACKET_AAAA, 100, 1);
    assert_int_equal(fleet->seen[3], 100);
    fleet_health(fleet, 3, 4, HEALTH_UNHEALTHY);
    fleet_ask(fleet, PACKET_AAAA, 100, 4); /* others of the service are healthy, but none that has the type */
    fleet_free(fleet);
}

static void test_few(void **state)
{
    unsigned orders[24] = { 0 };
    uint8_t indices[OWNER_MAX];
    struct rand rand;

    (void)state;
    rand_init_seed(&rand, 5);
    for (unsigned i = 0; i < 24000; i++) {
        unsigned order = 0;
        answer_pick_few(&rand, 4, 4, indices);
        for (unsigned a = 0; a < 4; a++) {
            unsigned smaller = 0;
            for (unsigned b = a + 1; b < 4; b++)
                smaller += indices[b] < indices[a];
            order = order * (4 - a) + smaller;
        }
        orders[order]++;
    }
    for (unsigned i = 0; i < 24; i++)
        assert_in_range(orders[i], 850, 1150);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_multivalue),
        cmocka_unit_test(test_srv),
        cmocka_unit_test(test_health),
        cmocka_unit_test(test_weighted),
        cmocka_unit_test(test_weighted_same_address),
        cmocka_unit_test(test_max_answers),
        cmocka_unit_test(test_rare_type),
        cmocka_unit_test(test_few),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
