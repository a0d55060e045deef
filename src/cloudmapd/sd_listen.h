/* SPDX-License-Identifier: Apache-2.0
 *
 * Sockets that the service manager opened (sd_listen_fds(3)): LISTEN_FDS of them from descriptor 3 on, for the process
 * LISTEN_PID, with the names of LISTEN_FDNAMES. Main thread, before others start. */
#pragma once

#include <stddef.h>

#define SD_LISTEN_MAX 64

struct sd_listen {
    int dns[SD_LISTEN_MAX], api[SD_LISTEN_MAX], tls[SD_LISTEN_MAX];
    size_t n_dns, n_api, n_tls;
};

/* The sockets by their names: `dns`, `api` or `tls`, or what a unit cloudmapd-dns.socket (api, tls) calls them when it
 * says nothing. Takes the variables out of the environment. 0, also when there are none; 1 with a sentence in
 * `why`. */
int sd_listen_take(struct sd_listen *ret_sockets, char *why, size_t size);
/* Closes them; those who use them have descriptors of their own. */
void sd_listen_close(struct sd_listen *sockets);
