/* SPDX-License-Identifier: Apache-2.0
 *
 * See sd_listen.h. */
#include "cloudmapd/sd_listen.h"

#include "base/str.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define FIRST_FD 3

/* How many there are for this process; -1 when that is not understood. */
static int count(void)
{
    const char *fds = getenv("LISTEN_FDS"), *owner = getenv("LISTEN_PID");
    uint64_t n, pid;

    if (!fds || !owner)
        return 0;
    if (str_parse_u64(str_of(owner), &pid) || str_parse_u64(str_of(fds), &n) || n > SD_LISTEN_MAX)
        return -1;
    return pid == (uint64_t)getpid() ? (int)n : 0;
}

static bool is_named(struct str name, const char *word, const char *unit)
{
    return str_eq(name, str_of(word)) || str_eq(name, str_of(unit));
}

/* The name that stands first in the list, which goes on behind it. */
static struct str next_name(struct str *names)
{
    size_t n = str_find_char(*names, ':');
    struct str name = { names->p, n };

    *names = str_skip(*names, n < names->n ? n + 1 : n);
    return name;
}

static int take(int n, struct str names, struct sd_listen *sockets, char *why, size_t size)
{
    for (int fd = FIRST_FD; fd < FIRST_FD + n; fd++) {
        struct str name = next_name(&names);
        int flags = fcntl(fd, F_GETFD);
        if (flags < 0 || fcntl(fd, F_SETFD, flags | FD_CLOEXEC)) {
            snprintf(why, size, "LISTEN_FDS is %d, but descriptor %d is not open", n, fd);
            return 1;
        }
        if (is_named(name, "dns", "cloudmapd-dns.socket")) {
            sockets->dns[sockets->n_dns++] = fd;
        } else if (is_named(name, "api", "cloudmapd-api.socket")) {
            sockets->api[sockets->n_api++] = fd;
        } else if (is_named(name, "tls", "cloudmapd-tls.socket")) {
            sockets->tls[sockets->n_tls++] = fd;
        } else {
            snprintf(why, size,
                     "a passed socket is named \"" STR_FMT
                     "\": FileDescriptorName= of its unit must be dns, api or tls",
                     STR_ARG(name));
            return 1;
        }
    }
    return 0;
}

int sd_listen_take(struct sd_listen *ret_sockets, char *why, size_t size)
{
    const char *names = getenv("LISTEN_FDNAMES");
    struct sd_listen sockets = { .n_dns = 0 };
    int n = count(), r = 1;

    if (n < 0)
        snprintf(why, size, "LISTEN_PID and LISTEN_FDS are not understood, or there are more than %d sockets",
                 SD_LISTEN_MAX);
    else
        r = take(n, names ? str_of(names) : STR(""), &sockets, why, size);
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
    if (r == 0)
        *ret_sockets = sockets;
    return r;
}

void sd_listen_close(struct sd_listen *sockets)
{
    for (size_t i = 0; i < sockets->n_dns; i++)
        close(sockets->dns[i]);
    for (size_t i = 0; i < sockets->n_api; i++)
        close(sockets->api[i]);
    for (size_t i = 0; i < sockets->n_tls; i++)
        close(sockets->tls[i]);
    sockets->n_dns = sockets->n_api = sockets->n_tls = 0;
}
