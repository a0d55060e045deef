/* SPDX-License-Identifier: Apache-2.0
 *
 * One GET, waited for. Never through a proxy: what is asked for is on this machine or named by the user. One thread. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define FETCH_REASON_MAX 256
#define FETCH_TIMEOUT_MS 5000

struct fetch {
    unsigned status;
    char *body; /* NUL behind it */
    size_t n;
    int64_t date_s; /* the server's clock (header Date), 0 when it did not say */
};

/* `socket` is the path of a Unix socket, or NULL. 0; or 1 with a clause in ret_reason (FETCH_REASON_MAX characters)
 * when there was no answer. Free with fetch_free. */
int fetch_get(const char *socket, const char *url, struct fetch *ret_fetch, char *ret_reason);
void fetch_free(struct fetch *fetch);
