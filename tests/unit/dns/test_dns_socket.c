/* SPDX-License-Identifier: Apache-2.0
 *
 * Sockets: one port for UDP and TCP, claimed once; every thread's own beside the claim; words when it cannot be. */
#include "../test.h"

#include "dns/dns_socket.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

static void test_claim(void **state)
{
    struct dns_socket one[4], two[4];
    struct dns_message message;
    int fds[4];
    size_t n, m = 0;

    (void)state;
    assert_int_equal(dns_socket_claim("127.0.0.1:0", one, 4, &n, &message), 0);
    assert_int_equal(n, 1);
    assert_null(strstr(one[0].text, ":0"));
    for (size_t i = 0; i < 4; i++) {
        fds[i] = dns_socket_open(&one[0], i % 2 ? SOCK_STREAM : SOCK_DGRAM);
        assert_true(fds[i] >= 0);
    }
    dns_socket_release(&one[0]);
    assert_int_equal(dns_socket_claim(one[0].text, two, 4, &m, &message), DNS_SOCKET_IN_USE);
    assert_non_null(strstr(message.text, one[0].text));
    for (size_t i = 0; i < 4; i += 2)
        close(fds[i]);
    assert_int_equal(dns_socket_claim(one[0].text, two, 4, &m, &message), DNS_SOCKET_IN_USE); /* TCP is there still */
    for (size_t i = 1; i < 4; i += 2)
        close(fds[i]);
    assert_int_equal(dns_socket_claim(one[0].text, two, 4, &m, &message), 0);
    dns_socket_release(&two[0]);
}

/* No answer over UDP is cut into fragments, whatever a forged notice says of the path (RFC 9715). */
static void test_no_fragments(void **state)
{
    static const char *const addresses[] = { "127.0.0.1:0", "[::1]:0" };
    struct dns_socket place;
    struct dns_message message;
    size_t n;

    (void)state;
    for (size_t i = 0; i < TEST_COUNT(addresses); i++) {
        int fd, said = -1;
        socklen_t size = sizeof(said);
        assert_int_equal(dns_socket_claim(addresses[i], &place, 1, &n, &message), 0);
        fd = dns_socket_open(&place, SOCK_DGRAM);
        assert_int_equal(i ? getsockopt(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &said, &size)
                           : getsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &said, &size),
                         0);
        assert_int_equal(said, i ? IPV6_PMTUDISC_OMIT : IP_PMTUDISC_OMIT);
        close(fd);
        dns_socket_release(&place);
    }
}

static void test_bad(void **state)
{
    static const char *const bad[] = { "127.0.0.1", ":53", "192.0.2.1:5353", "no-such-host.invalid:53" };
    struct dns_socket places[4];
    struct dns_message message;
    size_t n;

    (void)state;
    for (size_t i = 0; i < TEST_COUNT(bad); i++) {
        assert_int_equal(dns_socket_claim(bad[i], places, 4, &n, &message), DNS_SOCKET_BAD);
        assert_non_null(strstr(message.text, bad[i]));
    }
}

static void test_wildcard(void **state)
{
    struct dns_socket places[4];
    struct dns_message message;
    size_t n;

    (void)state;
    assert_int_equal(dns_socket_claim("0.0.0.0:0", places, 4, &n, &message), 0);
    assert_true(dns_socket_is_wildcard(&places[0]));
    dns_socket_release(&places[0]);
    if (dns_socket_claim("[::1]:0", places, 4, &n, &message) == 0) {
        assert_false(dns_socket_is_wildcard(&places[0]));
        assert_int_equal(strncmp(places[0].text, "[::1]:", 6), 0);
        dns_socket_release(&places[0]);
    }
}

/* Passed sockets: further descriptors of the same, which outlive the claim, blocking or not as threads want them. */
static void test_adopt(void **state)
{
    struct dns_socket one[4], taken[4];
    struct dns_message message;
    size_t n, m;
    int fds[3], udp, tcp;

    (void)state;
    assert_int_equal(dns_socket_claim("127.0.0.1:0", one, 4, &n, &message), 0);
    fds[0] = dns_socket_open(&one[0], SOCK_STREAM);
    fds[1] = dns_socket_open(&one[0], SOCK_DGRAM);
    dns_socket_release(&one[0]);
    assert_int_equal(dns_socket_adopt(fds, 2, taken, 4, &m, &message), 0);
    assert_int_equal(m, 1);
    assert_string_equal(taken[0].text, one[0].text);
    udp = dns_socket_open(&taken[0], SOCK_DGRAM);
    tcp = dns_socket_open(&taken[0], SOCK_STREAM);
    assert_true(udp >= 0 && tcp >= 0);
    dns_socket_release(&taken[0]);
    assert_false(fcntl(udp, F_GETFL) & O_NONBLOCK);
    assert_true(fcntl(tcp, F_GETFL) & O_NONBLOCK);
    assert_true(fcntl(udp, F_GETFD) & fcntl(tcp, F_GETFD) & FD_CLOEXEC);
    close(udp);
    close(tcp);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(dns_socket_adopt(&fds[i], 1, taken, 4, &m, &message), DNS_SOCKET_BAD);
        assert_non_null(strstr(message.text, "beside it"));
        dns_socket_release(&taken[0]);
    }
    assert_int_equal(dns_socket_adopt(fds, 2, taken, 0, &m, &message), DNS_SOCKET_BAD);
    assert_int_equal(m, 0);
    fds[2] = open("/dev/null", O_RDONLY | O_CLOEXEC);
    assert_int_equal(dns_socket_adopt(&fds[2], 1, taken, 4, &m, &message), DNS_SOCKET_BAD);
    for (size_t i = 0; i < 3; i++)
        close(fds[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_claim), cmocka_unit_test(test_no_fragments),
                                        cmocka_unit_test(test_bad), cmocka_unit_test(test_wildcard),
                                        cmocka_unit_test(test_adopt) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
