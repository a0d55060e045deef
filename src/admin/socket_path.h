/* SPDX-License-Identifier: Apache-2.0
 *
 * Where the admin socket is. The address of a Unix socket holds 107 characters; one in a folder with a longer path is
 * reached through an open directory. For the daemon, which makes it, and for cloudmapctl. Usable from any thread. */
#pragma once

#define SOCKET_PATH_NAME "admin.sock" /* in the store's directory */

struct socket_path {
    char text[108];
    int dir_fd; /* keeps the text valid, or -1 */
};

/* `dir`/admin.sock, or `file` when that is given. 0 or -errno. Free with socket_path_close. */
int socket_path_open(const char *dir, const char *file, struct socket_path *ret_path);
void socket_path_close(struct socket_path *path);
