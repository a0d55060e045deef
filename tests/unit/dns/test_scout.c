/* SPDX-License-Identifier: Apache-2.0
 *
 * Looking ahead may see any octets, and names that are there, below others, or nowhere; steps lead where a lookup does.
 */
#include "dns_bed.h"

#include "dns/scout.h"

#define RAW(octets, size)                           \
    {                                               \
        .p = (const uint8_t *)(octets), .n = (size) \
    }
#define QUERY(name) RAW("\0\0\0\0\0\1\0\0\0\0\0\0" name "\0\0\1\0\1", sizeof(name) + 16)

static void test_any_query(void **state)
{
    static const struct scout_query queries[] = {
        QUERY("\1s\1x"),
        QUERY("\1S\1X"),
        QUERY("\1t\1s\1x"),
        QUERY("\1x"),
        QUERY("\1y"),
        QUERY(""),
        RAW("", 0),
        RAW("\0\0\0\0\0\1\0\0\0\0\0\0\xc0\x0c\0\1\0\1", 18),
        RAW("\0\0\0\0\0\1\0\0\0\0\0\0\x3f", 13),
    };
    struct dns_bed *dns = dns_bed_new();
    struct str ns = bed_namespace(&dns->bed, NAMESPACE_DNS_PRIVATE, "x");
    struct str id = bed_dns_service(&dns->bed, ns, "s", "SRV", 60, SERVICE_MULTIVALUE, SERVICE_CHECK_NONE);

    (void)state;
    for (unsigned i = 0; i < 20; i++) {
        char name[16];
        snprintf(name, sizeof(name), "i-%u", i);
        bed_register(&dns->bed, id, name, "AWS_INSTANCE_IPV4=10.0.0.1,AWS_INSTANCE_PORT=80");
    }
    const struct snapshot *snapshot = bed_hold(&dns->bed);
    for (unsigned n = 0; n <= TEST_COUNT(queries); n++)
        scout_fetch(snapshot, queries, n);
    bed_release(&dns->bed);
    dns_bed_free(dns);
}

/* Of a thousand names every one is reached, and nothing at all behind a hash of nobody. */
static void test_steps(void **state)
{
    struct dns_bed *dns = dns_bed_new();
    struct str ns = bed_namespace(&dns->bed, NAMESPACE_DNS_PRIVATE, "x");
    const struct snapshot *snapshot;
    const struct zone_name *place;
    struct authority_name name;
    char text[32];

    (void)state;
    for (unsigned i = 0; i < 1000; i++) {
        snprintf(text, sizeof(text), "s%u", i);
        bed_dns_service(&dns->bed, ns, text, "A", 60, SERVICE_MULTIVALUE, SERVICE_CHECK_NONE);
    }
    snapshot = bed_hold(&dns->bed);
    assert_int_equal(snapshot->n_owners, 1000);
    for (unsigned i = 0; i < 1001; i++) {
        struct trie_probe probe;
        snprintf(text, sizeof(text), "s%u.x", i);
        assert_int_equal(dname_of_text(str_of(text), &name.name), 0);
        authority_fold(snapshot, &name);
        place = zone_find(snapshot, name.hash[1], dname_suffix(&name.name, 1));
        trie_probe_start(&probe, &place->zones[0]->owners, name.hash[0]);
        for (unsigned step = 0; step < 2 * TRIE_DEPTH; step++)
            trie_probe_step(&probe);
        assert_null(probe.node);
        if (i < 1000)
            assert_ptr_equal(probe.item, zone_find_owner(place->zones[0], name.hash[0], dname_suffix(&name.name, 0)));
        else
            assert_true(!probe.item || probe.item->hash != name.hash[0]);
    }
    bed_release(&dns->bed);
    dns_bed_free(dns);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_any_query), cmocka_unit_test(test_steps) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
