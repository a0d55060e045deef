/* SPDX-License-Identifier: Apache-2.0
 *
 * Datagrams to a service manager that the test plays. */
#include "../test.h"

#include "cloudmapd/sd_notify.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* Binds `address` and checks that what is sent arrives there. */
static void exchange(const struct sockaddr_un *address, socklen_t size)
{
    char got[64];
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)address, size), 0);
    assert_int_equal(sd_notify_send("READY=1\nSTATUS=x"), 0);
    ssize_t n = recv(fd, got, sizeof(got), MSG_DONTWAIT);
    assert_int_equal(n, 16);
    assert_memory_equal(got, "READY=1\nSTATUS=x", 16);
    close(fd);
}

static void test_path(void **state)
{
    (void)state;
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    snprintf(address.sun_path, sizeof(address.sun_path), "/tmp/cloudmap-test-%d.sock", (int)getpid());
    setenv("NOTIFY_SOCKET", address.sun_path, 1);
    exchange(&address, sizeof(address));
    unlink(address.sun_path);
    assert_int_equal(sd_notify_send("READY=1"), -ENOENT);
}

static void test_abstract_name(void **state)
{
    (void)state;
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int n = snprintf(address.sun_path, sizeof(address.sun_path), "@cloudmap-test-%d", (int)getpid());
    setenv("NOTIFY_SOCKET", address.sun_path, 1);
    address.sun_path[0] = '\0';
    exchange(&address, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)n));
}

static void test_nobody_listens(void **state)
{
    (void)state;
    unsetenv("NOTIFY_SOCKET");
    assert_int_equal(sd_notify_send("READY=1"), 0);
    setenv("NOTIFY_SOCKET", "relative", 1);
    assert_int_equal(sd_notify_send("READY=1"), -EINVAL);
}

static void test_watchdog(void **state)
{
    (void)state;
    char pid[24];
    unsetenv("WATCHDOG_USEC");
    assert_int_equal(sd_notify_watchdog_ms(), 0);
    setenv("WATCHDOG_USEC", "3000000", 1);
    assert_int_equal(sd_notify_watchdog_ms(), 1500);
    setenv("WATCHDOG_PID", "1", 1);
    assert_int_equal(sd_notify_watchdog_ms(), 0);
    snprintf(pid, sizeof(pid), "%d", (int)getpid());
    setenv("WATCHDOG_PID", pid, 1);
    assert_int_equal(sd_notify_watchdog_ms(), 1500);
    setenv("WATCHDOG_USEC", "1", 1);
    assert_int_equal(sd_notify_watchdog_ms(), 1);
    setenv("WATCHDOG_USEC", "soon", 1);
    assert_int_equal(sd_notify_watchdog_ms(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_path),
        cmocka_unit_test(test_abstract_name),
        cmocka_unit_test(test_nobody_listens),
        cmocka_unit_test(test_watchdog),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
