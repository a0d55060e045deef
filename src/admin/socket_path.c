/* SPDX-License-Identifier: Apache-2.0
 *
 * Paths of sockets, of any length. */
#include "admin/socket_path.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int split_path(const char *path, char **ret_dir, const char **ret_name)
{
    const char *slash = strrchr(path, '/');
    size_t n = slash ? (size_t)(slash - path) : 0;
    char *dir = slash ? mem_zalloc(n + 2) : mem_dup_cstr(".");
    if (!dir)
        return -ENOMEM;
    if (slash)
        memcpy(dir, path, n ? n : 1);
    *ret_dir = dir;
    *ret_name = slash ? slash + 1 : path;
    return 0;
}

int socket_path_open(const char *dir, const char *file, struct socket_path *ret_path)
{
    struct socket_path path = { .dir_fd = -1 };
    int n = file ? snprintf(path.text, sizeof(path.text), "%s", file)
                 : snprintf(path.text, sizeof(path.text), "%s/" SOCKET_PATH_NAME, dir);
    if (n < (int)sizeof(path.text)) {
        *ret_path = path;
        return 0;
    }
    AUTO_FREE char *folder = NULL;
    const char *name = SOCKET_PATH_NAME;
    if (file) {
        int r = split_path(file, &folder, &name);
        if (r < 0)
            return r;
    }
    path.dir_fd = open(file ? folder : dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (path.dir_fd < 0)
        return -errno;
    n = snprintf(path.text, sizeof(path.text), "/proc/self/fd/%d/%s", path.dir_fd, name);
    if (n >= (int)sizeof(path.text)) {
        close(path.dir_fd);
        return -ENAMETOOLONG;
    }
    *ret_path = path;
    return 0;
}

void socket_path_close(struct socket_path *path)
{
    if (path->dir_fd >= 0)
        close(path->dir_fd);
    path->dir_fd = -1;
}
