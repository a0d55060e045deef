/* SPDX-License-Identifier: Apache-2.0
 *
 * The resolvers that alias targets are asked of: those of the C library's configuration (resolv.conf(5)), or a list. */
#pragma once

#include "base/str.h"

#include <netinet/in.h>
#include <sys/socket.h>

#define ALIAS_SERVERS_MAX 8

struct alias_servers {
    struct sockaddr_storage list[ALIAS_SERVERS_MAX];
    socklen_t sizes[ALIAS_SERVERS_MAX];
    size_t n; /* 0: none */
};

/* HOST:PORT of each; hosts are addresses. 0, or 1 with *ret_bad the one that is none, or that is one too many. */
int alias_servers_read_list(struct alias_servers *ret_servers, const char *const *items, size_t n,
                            const char **ret_bad);
/* The `nameserver` lines of such a file, at most three, port 53. Without one, and without the file: 127.0.0.1, as the
 * C library has it. */
void alias_servers_read_system(struct alias_servers *ret_servers, const char *path);
