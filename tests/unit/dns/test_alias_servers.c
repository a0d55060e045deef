/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading who resolves. */
#include "../test.h"

#include "dns/alias_servers.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void check(const struct alias_servers *servers, size_t i, const char *address, unsigned port)
{
    const struct sockaddr_in *in = (const struct sockaddr_in *)&servers->list[i];
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&servers->list[i];
    char text[INET6_ADDRSTRLEN];
    bool is_v6 = servers->list[i].ss_family == AF_INET6;

    assert_true(i < servers->n);
    assert_non_null(inet_ntop(servers->list[i].ss_family,
                              is_v6 ? (const void *)&in6->sin6_addr : (const void *)&in->sin_addr, text, sizeof(text)));
    assert_string_equal(text, address);
    assert_int_equal(ntohs(is_v6 ? in6->sin6_port : in->sin_port), port);
    assert_int_equal(servers->sizes[i], is_v6 ? sizeof(*in6) : sizeof(*in));
}

static void test_list(void **state)
{
    const char *good[] = { "192.0.2.1:53", "[2001:db8::1]:5353" };
    const char *bad[] = { "192.0.2.1", "192.0.2.1:0", "192.0.2.1:65536", "host:53", ":53", "[]:53", "" };
    const char *many[ALIAS_SERVERS_MAX + 1], *which = NULL;
    struct alias_servers servers;

    (void)state;
    assert_int_equal(alias_servers_read_list(&servers, good, 2, &which), 0);
    assert_int_equal(servers.n, 2);
    check(&servers, 0, "192.0.2.1", 53);
    check(&servers, 1, "2001:db8::1", 5353);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(alias_servers_read_list(&servers, &bad[i], 1, &which), 1);
        assert_ptr_equal(which, bad[i]);
    }
    for (size_t i = 0; i <= ALIAS_SERVERS_MAX; i++)
        many[i] = good[0];
    assert_int_equal(alias_servers_read_list(&servers, many, ALIAS_SERVERS_MAX + 1, &which), 1);
}

static void read_text(struct alias_servers *servers, const char *text)
{
    char path[] = "/tmp/resolv-XXXXXX";
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
    alias_servers_read_system(servers, path);
    unlink(path);
}

static void test_system(void **state)
{
    struct alias_servers servers;

    (void)state;
    read_text(&servers,
              "# nameserver 192.0.2.9\nsearch example.net\nnameserver 192.0.2.1\n nameserver\t2001:db8::2 # x\n"
              "nameserver\nnameserver host\nnameserver fe80::1%lo\noptions ndots:1\nnameserver 192.0.2.4\n");
    assert_int_equal(servers.n, 3);
    check(&servers, 0, "192.0.2.1", 53);
    check(&servers, 1, "2001:db8::2", 53);
    check(&servers, 2, "fe80::1", 53);
    read_text(&servers, "");
    assert_int_equal(servers.n, 1);
    check(&servers, 0, "127.0.0.1", 53);
    alias_servers_read_system(&servers, "/nonexistent/resolv.conf");
    check(&servers, 0, "127.0.0.1", 53);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_list), cmocka_unit_test(test_system) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
