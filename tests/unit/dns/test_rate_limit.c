/* SPDX-License-Identifier: Apache-2.0
 *
 * The rate limit by a clock that is held: how many of the same answer a network gets, which answers are the same, who
 * is exempt, and what limited clients get instead. */
#include "dns_bed.h"

#include "base/mem.h"
#include "dns/rate_limit.h"

#include <errno.h>
#include <pthread.h>
#include <sys/socket.h>

#define MS UINT64_C(1000)
#define SECOND UINT64_C(1000000)
#define CLIENT(...) ((struct authority_client){ .family = AF_INET, .address = { __VA_ARGS__ } })
#define CLIENT6(...) ((struct authority_client){ .family = AF_INET6, .address = { __VA_ARGS__ } })
#define COOKIE     \
    "\0\x0a\0\x08" \
    "CLIENTCK"

static struct dns_bed *bed_with_limit(unsigned per_second)
{
    struct dns_bed *dns = dns_bed_new();

    bed_namespace(&dns->bed, NAMESPACE_DNS_PRIVATE, "x");
    dns->client = CLIENT(192, 0, 2, 1);
    assert_int_equal(rate_limit_new(per_second, NULL, 0, &dns->settings.rate_limit), 0);
    return dns;
}

static void bed_end(struct dns_bed *dns)
{
    rate_limit_free(dns->settings.rate_limit);
    dns_bed_free(dns);
}

static bool is_limited(struct dns_bed *dns, uint64_t now_us)
{
    uint8_t place;

    return rate_limit_exceeds(dns->settings.rate_limit, &dns->client, dns->answer, dns->reply.n, now_us, &place);
}

/* How many of n such answers pass. */
static unsigned passing(struct dns_bed *dns, unsigned n, uint64_t now_us)
{
    unsigned passed = 0;

    while (n--)
        passed += !is_limited(dns, now_us);
    return passed;
}

static void test_rate(void **state)
{
    uint64_t starts[] = { 0, 17 * SECOND, UINT32_MAX - 3 * SECOND, UINT64_C(1) << 40 }; /* over the words' end, too */

    (void)state;
    for (size_t i = 0; i < TEST_COUNT(starts); i++) {
        struct dns_bed *dns = bed_with_limit(50);
        uint64_t now = starts[i];
        unsigned n = 0;
        ASK(dns, "x", SOA);
        assert_int_equal(passing(dns, 1000, now), 50); /* a second's at once */
        assert_int_equal(passing(dns, 10, now + 19 * MS), 0);
        assert_int_equal(passing(dns, 10, now + 20 * MS), 1);
        assert_int_equal(passing(dns, 1000, now + 10 * SECOND), 50);
        for (unsigned ms = 0; ms < 10000; ms++)
            n += passing(dns, 3, now + 11 * SECOND + ms * MS);
        assert_in_range(n, 548, 550); /* 50, and 50 a second */
        bed_end(dns);
    }
}

static void test_rates(void **state)
{
    static const unsigned rates[] = { 1, 3, 7, 999, 5000, 1000000 };

    (void)state;
    for (size_t i = 0; i < TEST_COUNT(rates); i++) {
        struct dns_bed *dns = bed_with_limit(rates[i]);
        ASK(dns, "x", SOA);
        assert_int_equal(passing(dns, 2 * rates[i], 5), rates[i]);
        bed_end(dns);
    }
}

static void test_none(void **state)
{
    struct rate_limit *limit = (struct rate_limit *)1;
    static const char *const bad[] = { "10.0.0.0", "10.0.0.0/33", "x/8", "::1/129", "10.0.0/8", "/8" };

    (void)state;
    assert_int_equal(rate_limit_new(0, NULL, 0, &limit), 0);
    assert_null(limit);
    rate_limit_free(limit);
    for (size_t i = 0; i < TEST_COUNT(bad); i++)
        assert_int_equal(rate_limit_new(1, &bad[i], 1, &limit), -EINVAL);
    assert_int_equal(rate_limit_new(RATE_LIMIT_MAX + 1, NULL, 0, &limit), -EINVAL);
    mem_fail_at(1, 0);
    assert_int_equal(rate_limit_new(1, NULL, 0, &limit), -ENOMEM);
    mem_fail_at(0, 0);
}

static void test_networks(void **state)
{
    struct dns_bed *dns = bed_with_limit(10);

    (void)state;
    ASK(dns, "x", SOA);
    assert_int_equal(passing(dns, 6, 0), 6);
    dns->client = CLIENT(192, 0, 2, 200);
    assert_int_equal(passing(dns, 6, 0), 4);
    dns->client = CLIENT(192, 0, 3, 1);
    assert_int_equal(passing(dns, 20, 0), 10);
    dns->client = CLIENT6(0x20, 1, 0xd, 0xb8, 0, 0, 1, 2, 3);
    assert_int_equal(passing(dns, 6, 0), 6);
    dns->client = CLIENT6(0x20, 1, 0xd, 0xb8, 0, 0, 1, 9, 9, 9); /* the same /56 */
    assert_int_equal(passing(dns, 6, 0), 4);
    dns->client = CLIENT6(0x20, 1, 0xd, 0xb8, 0, 0, 2, 2, 3);
    assert_int_equal(passing(dns, 20, 0), 10);
    dns->client = CLIENT6(192, 0, 2); /* no IPv4 network */
    assert_int_equal(passing(dns, 20, 0), 10);
    bed_end(dns);
}

static void test_exempt(void **state)
{
    static const char *const exempt[] = { "127.0.0.0/8", "::1/128", "10.1.2.128/25", "2001:db8::/32" };
    static const struct {
        struct authority_client client;
        bool is_exempt;
    } cases[] = {
        { CLIENT(127, 0, 0, 1), true },
        { CLIENT(128, 0, 0, 1), false },
        { CLIENT(10, 1, 2, 200), true },
        { CLIENT(10, 1, 2, 100), false },
        { CLIENT6([15] = 1), true },
        { CLIENT6([15] = 2), false },
        { CLIENT6(0x20, 1, 0xd, 0xb8, 9), true },
        { CLIENT6(0x20, 1, 0xd, 0xb9, 9), false },
        { CLIENT6(127, 0, 0, 1), false },
    };
    struct dns_bed *dns = dns_bed_new();

    (void)state;
    assert_int_equal(rate_limit_new(5, exempt, TEST_COUNT(exempt), &dns->settings.rate_limit), 0);
    ASK(dns, "x", SOA);
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        dns->client = cases[i].client;
        assert_int_equal(passing(dns, 10, 0), cases[i].is_exempt ? 10 : 5);
    }
    bed_end(dns);
}

/* --- which answers are the same ------------------------------------------------------------------------------------
 */

static void test_names_and_types(void **state)
{
    struct dns_bed *dns = bed_with_limit(10);
    struct str ns = bed_namespace(&dns->bed, NAMESPACE_DNS_PRIVATE, "example.test");
    struct str service = bed_dns_service(&dns->bed, ns, "web", "A", 60, SERVICE_MULTIVALUE, SERVICE_CHECK_NONE);

    (void)state;
    bed_register(&dns->bed, service, "one", "AWS_INSTANCE_IPV4=10.0.0.1");
    ASK(dns, "web.example.test", A);
    assert_int_equal(dns->reply.counts[1], 1);
    assert_int_equal(passing(dns, 6, 0), 6);
    ASK(dns, "wEB.Example.TEST", A); /* the case is no difference */
    assert_int_equal(passing(dns, 6, 0), 4);
    ASK(dns, "example.test", SOA);
    assert_int_equal(passing(dns, 6, 0), 6);
    ASK(dns, "example.test", NS); /* the type is */
    assert_int_equal(passing(dns, 20, 0), 10);
    ASK(dns, "web.example.test", AAAA); /* unless there is nothing of it */
    assert_int_equal(passing(dns, 6, 0), 6);
    ASK(dns, "web.example.test", TXT);
    assert_int_equal(passing(dns, 6, 0), 4);
    bed_end(dns);
}

/* Names at random in one zone are one answer: that nothing is there. */
static void test_nonexistent(void **state)
{
    struct dns_bed *dns = bed_with_limit(10);
    unsigned passed = 0;

    (void)state;
    bed_namespace(&dns->bed, NAMESPACE_DNS_PRIVATE, "other.y");
    for (unsigned i = 0; i < 100; i++) {
        char name[64];
        snprintf(name, sizeof(name), "%s%u.r%u.x", i % 2 ? "a." : "", i, i * 7);
        ASK(dns, name, A);
        assert_int_equal(dns->reply.flags & 15, PACKET_NXDOMAIN);
        passed += !is_limited(dns, 0);
    }
    assert_int_equal(passed, 10);
    ASK(dns, "none.other.y", A); /* another zone */
    assert_int_equal(passing(dns, 20, 0), 10);
    bed_end(dns);
}

static void test_errors(void **state)
{
    struct dns_bed *dns = bed_with_limit(10);

    (void)state;
    ASK(dns, "www.example.org", A);
    assert_int_equal(dns->reply.flags & 15, PACKET_REFUSED);
    assert_int_equal(passing(dns, 6, 0), 6);
    ASK(dns, "elsewhere", AAAA);
    assert_int_equal(passing(dns, 6, 0), 4);
    dns_bed_send(dns, "\0\1\0\0\0\2\0\0\0\0\0\0", 12);
    assert_int_equal(dns->reply.flags & 15, PACKET_FORMERR);
    assert_int_equal(passing(dns, 20, 0), 10);
    dns_bed_send(dns, "\0\1\x28\0\0\0\0\0\0\0\0\0", 12);
    assert_int_equal(dns->reply.flags & 15, PACKET_NOTIMP);
    assert_int_equal(passing(dns, 20, 0), 10);
    bed_end(dns);
}

/* --- the table -----------------------------------------------------------------------------------------------------
 */

/* A million other networks do not make it forget whom it limits. */
static void test_flood(void **state)
{
    struct dns_bed *dns = bed_with_limit(50);
    unsigned passed = 0, limited = 0;
    uint64_t now = 0;

    (void)state;
    ASK(dns, "x", SOA);
    for (unsigned i = 0; i < 1000000; i++, now += 2) { /* 500,000 a second */
        dns->client = CLIENT(10, (uint8_t)(i >> 8), (uint8_t)i, 1);
        limited += is_limited(dns, now) && i < 65536; /* each of them is new */
        dns->client = CLIENT(192, 0, 2, 1);
        if (i % 10 == 0)
            passed += !is_limited(dns, now);
    }
    assert_int_equal(limited, 0);
    assert_in_range(passed, 145, 155); /* 50, and 50 a second for two */
    bed_end(dns);
}

#define THREADS 4

struct thread {
    pthread_t id;
    struct dns_bed *dns;
    uint64_t *now_us; /* atomic; of all threads */
    unsigned passed;
};

static void *thread_run(void *arg)
{
    struct thread *thread = arg;

    for (unsigned i = 0; i < 100000; i++)
        thread->passed += !is_limited(thread->dns, __atomic_fetch_add(thread->now_us, 1, __ATOMIC_RELAXED));
    return NULL;
}

/* The rate is that of all threads together. */
static void test_threads(void **state)
{
    struct dns_bed *dns = bed_with_limit(1000);
    struct thread threads[THREADS];
    uint64_t now_us = 0;
    unsigned passed = 0;

    (void)state;
    ASK(dns, "x", SOA);
    for (unsigned i = 0; i < THREADS; i++) {
        threads[i] = (struct thread){ .dns = dns, .now_us = &now_us };
        assert_int_equal(pthread_create(&threads[i].id, NULL, thread_run, &threads[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(threads[i].id, NULL);
        passed += threads[i].passed;
    }
    /* a second's at once, and 0.4 s of it; a thread that rested between clock and question is late with its time */
    assert_in_range(passed, 1350, 1450);
    bed_end(dns);
}

/* --- what limited clients get --------------------------------------------------------------------------------------
 */

/* The answer to the last question, behind the limit, as text; "" when it is dropped. */
static const char *apply(struct dns_bed *dns, enum rate_limit_verdict *ret_verdict)
{
    size_t n = dns->reply.n;

    *ret_verdict =
        rate_limit_apply(&dns->worker, &dns->client, (const uint8_t *)dns->query.p, dns->query.n, dns->answer, &n);
    assert_int_equal(n == 0, *ret_verdict == RATE_LIMIT_DROPPED);
    buf_clear(&dns->text);
    if (n) {
        assert_int_equal(dns_reply_read(dns->answer, n, &dns->reply), 0);
        dns_reply_write(&dns->text, &dns->reply);
    }
    buf_put_char(&dns->text, '\0');
    return dns->text.p;
}

static void test_slip(void **state)
{
    struct dns_bed *dns = bed_with_limit(2);
    enum rate_limit_verdict verdict;

    (void)state;
    for (unsigned i = 0; i < 10; i++) {
        ASK(dns, "x", SOA);
        apply(dns, &verdict);
        if (i < 2)
            assert_int_equal(verdict, RATE_LIMIT_PASSED);
        else
            assert_int_equal(verdict, i % 2 ? RATE_LIMIT_DROPPED : RATE_LIMIT_SLIPPED);
        if (verdict == RATE_LIMIT_SLIPPED) {
            assert_int_equal(dns->reply.n, dns->query.n);
            assert_int_equal(dns->reply.flags, PACKET_QR | PACKET_TC | PACKET_RD);
            assert_int_equal(dns->reply.counts[0], 1);
            assert_int_equal(dns->reply.counts[1] + dns->reply.counts[2] + dns->reply.counts[3], 0);
            assert_memory_equal(dns->answer + 12, dns->query.p + 12, dns->query.n - 12);
        }
    }
    assert_int_equal(dns->worker.stats.rate_limited[DNS_RATE_SLIPPED], 4);
    assert_int_equal(dns->worker.stats.rate_limited[DNS_RATE_DROPPED], 4);
    ASK_OPT(dns, "x", SOA, "");
    apply(dns, &verdict);
    assert_int_equal(verdict, RATE_LIMIT_SLIPPED);
    assert_int_equal(dns->reply.n, dns->query.n); /* with an OPT record, and no larger than the query */
    assert_int_equal(dns->reply.counts[3], 1);
    bed_end(dns);
}

/* Two answers that take turns: neither is always the one that is dropped. */
static void test_slip_in_turn(void **state)
{
    struct dns_bed *dns = bed_with_limit(1);
    unsigned slipped[2] = { 0, 0 };
    enum rate_limit_verdict verdict;

    (void)state;
    for (unsigned i = 0; i < 42; i++) {
        i % 2 ? ASK(dns, "x", SOA) : ASK(dns, "x", NS);
        apply(dns, &verdict);
        slipped[i % 2] += verdict == RATE_LIMIT_SLIPPED;
    }
    assert_int_equal(slipped[0] + slipped[1], 20);
    assert_true(slipped[0] == 10 || slipped[0] == 20 || slipped[0] == 0); /* places are told apart but for 1 in 256 */
    bed_end(dns);
}

/* Errors without a question are no larger than what they answer: the second one is sent as it is. */
static void test_slip_without_question(void **state)
{
    struct dns_bed *dns = bed_with_limit(1);
    enum rate_limit_verdict verdict;
    static const char query[] = "\0\1\0\0\0\2\0\0\0\0\0";

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        dns_bed_send(dns, query, sizeof(query));
        buf_clear(&dns->query);
        buf_put(&dns->query, query, sizeof(query));
        apply(dns, &verdict);
        if (verdict == RATE_LIMIT_SLIPPED)
            assert_int_equal(dns->reply.flags & 15, PACKET_FORMERR);
    }
    assert_int_equal(dns->worker.stats.rate_limited[DNS_RATE_SLIPPED], 1);
    assert_int_equal(dns->worker.stats.rate_limited[DNS_RATE_DROPPED], 1);
    bed_end(dns);
}

static void test_cookies(void **state)
{
    struct dns_bed *dns = bed_with_limit(1);
    enum rate_limit_verdict verdict;
    char opt[9 + 4 + COOKIE_SIZE] = "\0\0\x29\x10\0\0\0\0\0\0\x0a\0\x18";
    const char *said;

    (void)state;
    ASK_OPT(dns, "x", SOA, COOKIE);
    apply(dns, &verdict);
    assert_int_equal(verdict, RATE_LIMIT_PASSED); /* no BADCOOKIE while there is no hurry */
    ASK_OPT(dns, "x", SOA, COOKIE);
    said = apply(dns, &verdict);
    assert_int_equal(verdict, RATE_LIMIT_SLIPPED);
    assert_int_equal(dns->reply.flags, PACKET_QR | PACKET_RD | (PACKET_BADCOOKIE & 15));
    assert_int_equal(dns->reply.rcode, PACKET_BADCOOKIE);
    assert_non_null(said);
    memcpy(opt + 13, dns->answer + dns->reply.n - COOKIE_SIZE, COOKIE_SIZE); /* what it said is good from now on */
    for (unsigned i = 0; i < 10; i++) {
        dns_bed_ask(dns, "x", PACKET_SOA, (struct str){ opt, sizeof(opt) });
        apply(dns, &verdict);
        assert_int_equal(verdict, RATE_LIMIT_PASSED);
    }
    opt[sizeof(opt) - 1] ^= 1;
    dns_bed_ask(dns, "x", PACKET_SOA, (struct str){ opt, sizeof(opt) });
    apply(dns, &verdict);
    assert_int_equal(verdict, RATE_LIMIT_DROPPED);
    bed_end(dns);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rate),
        cmocka_unit_test(test_rates),
        cmocka_unit_test(test_none),
        cmocka_unit_test(test_networks),
        cmocka_unit_test(test_exempt),
        cmocka_unit_test(test_names_and_types),
        cmocka_unit_test(test_nonexistent),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_flood),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_slip),
        cmocka_unit_test(test_slip_in_turn),
        cmocka_unit_test(test_slip_without_question),
        cmocka_unit_test(test_cookies),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
