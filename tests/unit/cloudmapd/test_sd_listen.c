/* SPDX-License-Identifier: Apache-2.0
 *
 * Descriptors that a service manager passed, which the test plays. */
#include "../test.h"

#include "cloudmapd/sd_listen.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* The three variables; NULL: not set. */
static void set(const char *pid, const char *fds, const char *names)
{
    const char *const variables[][2] = { { "LISTEN_PID", pid }, { "LISTEN_FDS", fds }, { "LISTEN_FDNAMES", names } };

    for (size_t i = 0; i < TEST_COUNT(variables); i++) {
        if (variables[i][1])
            setenv(variables[i][0], variables[i][1], 1);
        else
            unsetenv(variables[i][0]);
    }
}

static const char *own_pid(void)
{
    static char text[24]; /* mutable: of one thread */

    snprintf(text, sizeof(text), "%d", (int)getpid());
    return text;
}

/* Sockets at 3 and 4, where nothing else is to be. */
static void open_two(void)
{
    for (int i = 0; i < 2; i++) {
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        assert_true(fd >= 0);
        if (fd != 3 + i) {
            assert_int_equal(dup2(fd, 3 + i), 3 + i);
            close(fd);
        }
    }
}

static void test_names(void **state)
{
    struct sd_listen sockets;
    char why[256];

    (void)state;
    open_two();
    set(own_pid(), "2", "cloudmapd-dns.socket:api");
    assert_int_equal(sd_listen_take(&sockets, why, sizeof(why)), 0);
    assert_int_equal(sockets.n_dns, 1);
    assert_int_equal(sockets.dns[0], 3);
    assert_int_equal(sockets.n_api, 1);
    assert_int_equal(sockets.api[0], 4);
    assert_true(fcntl(3, F_GETFD) & FD_CLOEXEC);
    assert_null(getenv("LISTEN_FDS"));
    assert_null(getenv("LISTEN_PID"));
    assert_null(getenv("LISTEN_FDNAMES"));
    sd_listen_close(&sockets);
    assert_int_equal(fcntl(3, F_GETFD), -1);
    assert_int_equal(fcntl(4, F_GETFD), -1);
    assert_int_equal(sockets.n_dns + sockets.n_api, 0);
}

static void test_none(void **state)
{
    struct sd_listen sockets;
    char why[256];

    (void)state;
    set(NULL, NULL, NULL);
    assert_int_equal(sd_listen_take(&sockets, why, sizeof(why)), 0);
    set("1", "2", "dns:api"); /* the parent's */
    assert_int_equal(sd_listen_take(&sockets, why, sizeof(why)), 0);
    set(own_pid(), "0", "");
    assert_int_equal(sd_listen_take(&sockets, why, sizeof(why)), 0);
    assert_int_equal(sockets.n_dns + sockets.n_api, 0);
}

static void test_wrong(void **state)
{
    static const char *const names[] = { NULL, "", "dns", "dns:", "dns:web", "dns.socket:api", ":dns" };
    struct sd_listen sockets;
    char why[256];

    (void)state;
    open_two();
    for (size_t i = 0; i < TEST_COUNT(names); i++) {
        set(own_pid(), "2", names[i]);
        assert_int_equal(sd_listen_take(&sockets, why, sizeof(why)), 1);
        assert_non_null(strstr(why, "must be dns, api or tls"));
    }
    close(4);
    set(own_pid(), "2", "dns:dns");
    assert_int_equal(sd_listen_take(&sockets, why, sizeof(why)), 1);
    assert_non_null(strstr(why, "descriptor 4 is not open"));
    close(3);
    for (size_t i = 0; i < 3; i++) {
        static const char *const counts[] = { "65", "-1", "x" };
        set(own_pid(), counts[i], "dns");
        assert_int_equal(sd_listen_take(&sockets, why, sizeof(why)), 1);
    }
    set("x", "1", "dns");
    assert_int_equal(sd_listen_take(&sockets, why, sizeof(why)), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_names), cmocka_unit_test(test_none),
                                        cmocka_unit_test(test_wrong) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
