/* SPDX-License-Identifier: Apache-2.0
 *
 * The query log: what a line says, which share of the queries has one, and that a log which is not read loses lines
 * instead of keeping anybody waiting. */
#include "dns_bed.h"

#include "base/log.h"
#include "base/mem.h"
#include "dns/query_log.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

struct logged {
    struct dns_bed *dns;
    struct clock_manual clock;
    struct query_log *log;
    int stderr_copy, read_end;
    struct buf text;
};

/* From here on stderr is a pipe. */
static struct logged *logged_new(unsigned share)
{
    struct logged *logged = mem_zalloc(sizeof(*logged));
    int fds[2];

    assert_non_null(logged);
    logged->dns = dns_bed_new();
    bed_namespace(&logged->dns->bed, NAMESPACE_DNS_PRIVATE, "x");
    clock_manual_init(&logged->clock, 1700000000000);
    log_init(LOG_INFO, LOG_FORMAT_TEXT);
    assert_int_equal(query_log_new(&logged->clock.clock, &logged->log), 0);
    logged->dns->worker.query_ring = query_log_add_ring(logged->log);
    query_log_set_share(logged->log, share);
    assert_int_equal(pipe(fds), 0);
    fcntl(fds[0], F_SETPIPE_SZ, 1 << 20);
    logged->stderr_copy = dup(STDERR_FILENO);
    logged->read_end = fds[0];
    dup2(fds[1], STDERR_FILENO);
    close(fds[1]);
    return logged;
}

/* Ends the log and puts stderr back; the lines, without their times. */
static const char *logged_end(struct logged *logged)
{
    char part[4096];
    ssize_t n;

    query_log_free(logged->log);
    dup2(logged->stderr_copy, STDERR_FILENO);
    close(logged->stderr_copy);
    buf_init(&logged->text, 8 << 20);
    while ((n = read(logged->read_end, part, sizeof(part))) > 0)
        buf_put(&logged->text, part, (size_t)n);
    close(logged->read_end);
    buf_put_char(&logged->text, '\0');
    assert_false(logged->text.failed);
    return logged->text.p;
}

static void logged_free(struct logged *logged)
{
    buf_fini(&logged->text);
    dns_bed_free(logged->dns);
    mem_free(logged);
}

static void note(struct logged *logged, enum rate_limit_verdict verdict)
{
    struct dns_bed *dns = logged->dns;

    query_log_note(&dns->worker, &dns->client, dns->is_tcp, verdict, (const uint8_t *)dns->query.p, dns->query.n,
                   dns->answer, verdict == RATE_LIMIT_DROPPED ? 0 : dns->reply.n);
}

static unsigned count_lines(const char *text)
{
    unsigned n = 0;

    while ((text = strchr(text, '\n')))
        n++, text++;
    return n;
}

static void test_lines(void **state)
{
    struct logged *logged = logged_new(QUERY_LOG_ALL);
    struct dns_bed *dns = logged->dns;
    const char *text;

    (void)state;
    ASK(dns, "NoNe.x", A);
    clock_manual_advance(&logged->clock, 2);
    note(logged, RATE_LIMIT_PASSED);
    dns->is_tcp = true;
    dns_bed_ask(dns, "www.example.org", 1000, (struct str){ 0 });
    note(logged, RATE_LIMIT_PASSED);
    dns->is_tcp = false;
    dns->client = (struct authority_client){ .family = AF_INET6, .address = { 0x20, 1, 0xd, 0xb8, [15] = 7 } };
    note(logged, RATE_LIMIT_DROPPED);
    dns_bed_ask(dns, "a\\.\\\"b\\001.x", PACKET_SRV, DNS_BED_OPT("\x10\0", "\0\1\0\0", "")); /* EDNS version 1 */
    note(logged, RATE_LIMIT_PASSED);
    buf_clear(&dns->query);
    buf_put(&dns->query, "\0\1\0\0\0\1\0\0\0\0\0\0\7", 13);
    dns_bed_send(dns, dns->query.p, dns->query.n);
    note(logged, RATE_LIMIT_PASSED);
    dns->reply.n = 0;
    note(logged, RATE_LIMIT_PASSED); /* no query: no line */
    text = logged_end(logged);
    assert_int_equal(count_lines(text), 5);
    assert_non_null(strstr(text, " INFO query client=127.0.0.1 name=NoNe.x. type=A rcode=NXDOMAIN flags=\"\" size="));
    assert_non_null(strstr(text, " us=2000\n"));
    assert_non_null(strstr(text, "name=www.example.org. type=TYPE1000 rcode=REFUSED flags=tcp size=33 "));
    assert_non_null(
        strstr(text, "client=2001:db8::7 name=www.example.org. type=TYPE1000 rcode=\"\" flags=limited size=0 "));
    assert_non_null(strstr(text, "name=\"a\\\\.\\\\\\\"b\\\\001.x.\" type=SRV rcode=BADVERS flags=\"\" "));
    assert_non_null(strstr(text, "name=\"\" type=\"\" rcode=FORMERR flags=\"\" size=12 "));
    logged_free(logged);
}

static void test_share(void **state)
{
    static const struct {
        unsigned share, least, most;
    } cases[] = { { 0, 0, 0 }, { QUERY_LOG_ALL, 1000, 1000 }, { QUERY_LOG_ALL / 10, 50, 150 } };

    (void)state;
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        struct logged *logged = logged_new(cases[i].share);
        unsigned n;
        rand_init_seed(&logged->dns->worker.rand, 5);
        ASK(logged->dns, "x", SOA);
        for (unsigned k = 0; k < 1000; k++)
            note(logged, RATE_LIMIT_PASSED);
        n = count_lines(logged_end(logged));
        assert_in_range(n, cases[i].least, cases[i].most);
        logged_free(logged);
    }
}

/* A pipe that nobody reads: the ring fills, the rest is lost and counted, and nothing waits. */
static void test_lost(void **state)
{
    struct logged *logged = logged_new(QUERY_LOG_ALL);
    unsigned n = 100000, lines;
    uint64_t lost;
    const char *text;

    (void)state;
    fcntl(logged->read_end, F_SETPIPE_SZ, 4096);
    ASK(logged->dns, "x", SOA);
    for (unsigned i = 0; i < n; i++)
        note(logged, RATE_LIMIT_PASSED);
    lost = query_log_count_lost(logged->log);
    fcntl(logged->read_end, F_SETPIPE_SZ, 1 << 20);
    text = logged_end(logged);
    lines = count_lines(text);
    assert_true(lost > 0);
    assert_int_equal(lines + lost, n);
    logged_free(logged);
}

static void test_out_of_memory(void **state)
{
    const struct clock *clock = clock_system();
    struct query_log *log;

    (void)state;
    mem_fail_at(1, 0);
    assert_int_equal(query_log_new(clock, &log), -ENOMEM);
    assert_int_equal(query_log_new(clock, &log), 0);
    mem_fail_at(1, 0);
    assert_null(query_log_add_ring(log));
    mem_fail_at(0, 0);
    query_log_free(log);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_lines), cmocka_unit_test(test_share),
                                        cmocka_unit_test(test_lost), cmocka_unit_test(test_out_of_memory) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
