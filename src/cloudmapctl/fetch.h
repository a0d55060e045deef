/* SPDX-License-Identifier: Apache-2.0
 *
 * One request, waited for. Never through a proxy: what is asked for is on this machine or named by the user. One
 * thread. */
#pragma once

#include "cloudmapctl/ctl.h"
#include "http/client.h"

#define FETCH_TIMEOUT_MS 5000
#define FETCH_ANSWER_MAX (64 << 20)

/* `socket` is the path of a Unix socket, or NULL. 0 with an answer to be freed with http_client_answer_free; else as
 * http_client_send. */
int fetch_get(const char *socket, const char *url, struct http_client_answer *ret_answer,
              struct http_message *ret_message);

#define FETCH_GUARD_REFUSES 3 /* exit code */

/* A resource of the daemon's admin socket. 0 with its text (mem_free); or an exit code with a sentence in `why`. */
int fetch_admin(const struct ctl *ctl, const char *path, char **ret_text, size_t *ret_n, char *why, size_t size);
/* The same by POST, with a body of JSON. */
int fetch_admin_post(const struct ctl *ctl, const char *path, struct str body, char **ret_text, size_t *ret_n,
                     char *why, size_t size);

/* The server's clock (header Date) in seconds since the epoch, 0 when it did not say. */
int64_t fetch_date(const struct http_client_answer *answer);
