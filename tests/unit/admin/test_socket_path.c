/* SPDX-License-Identifier: Apache-2.0
 *
 * Short and long paths of the admin socket. */
#include "../test.h"

#include "admin/socket_path.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void test_paths(void **state)
{
    (void)state;
    struct socket_path path;
    assert_int_equal(socket_path_open("/tmp", NULL, &path), 0);
    assert_string_equal(path.text, "/tmp/admin.sock");
    socket_path_close(&path);
    assert_int_equal(socket_path_open("/tmp", "/run/x.sock", &path), 0);
    assert_string_equal(path.text, "/run/x.sock");
    socket_path_close(&path);

    /* A directory whose name does not fit into the address of a socket. */
    char dir[256];
    snprintf(dir, sizeof(dir), "/tmp/cloudmap-%0150d-XXXXXX", 0);
    assert_non_null(mkdtemp(dir));
    assert_int_equal(socket_path_open(dir, NULL, &path), 0);
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path.text);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    close(fd);
    socket_path_close(&path);
    char file[300];
    snprintf(file, sizeof(file), "%s/" SOCKET_PATH_NAME, dir);
    assert_int_equal(socket_path_open("/tmp", file, &path), 0);
    assert_int_equal(access(path.text, F_OK), 0);
    socket_path_close(&path);
    assert_int_equal(unlink(file), 0);
    assert_int_equal(socket_path_open(dir, NULL, &path), 0);
    assert_int_equal(access(path.text, F_OK), -1);
    socket_path_close(&path);
    assert_int_equal(rmdir(dir), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
