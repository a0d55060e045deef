/* SPDX-License-Identifier: Apache-2.0
 *
 * How clients on this machine reach the API: SDKs send the discovery calls to `data-` + host, so the URL to use is one
 * whose host resolves with and without that prefix. Used by the banner, `cloudmapctl env` and `cloudmapctl doctor`.
 * Resolving may block; any thread. */
#pragma once

#include "base/buf.h"

#define ENDPOINT_HOST_MAX 253
#define ENDPOINT_LOCAL_NAME "cloudmap.localhost" /* libnss-myhostname and systemd-resolved know all of .localhost */

struct endpoint {
    char url[ENDPOINT_HOST_MAX + 32]; /* without a slash at the end */
    char host[ENDPOINT_HOST_MAX + 1];
    char data_host[ENDPOINT_HOST_MAX + 8];
    char port[8];
    bool data_resolves;   /* data_host leads to an address of host, too */
    bool is_tls;          /* https */
    bool needs_signature; /* callers have credentials of their own; false: any do */
};

enum endpoint_result { ENDPOINT_BAD = 1 }; /* not HOST:PORT, or not a URL */

/* For a daemon that listens on `address` (127.0.0.1:8650, [::1]:8650): by the local name when it and its `data-` name
 * lead to that address, by the address itself otherwise. 0 or ENDPOINT_BAD. */
int endpoint_of_address(struct str address, struct endpoint *ret_endpoint);
/* For http://HOST[:PORT][/] and https. 0 or ENDPOINT_BAD. */
int endpoint_of_url(struct str url, struct endpoint *ret_endpoint);

/* The variables of the environment that point the AWS CLI and the SDKs at the endpoint, one call for each. */
typedef void endpoint_variable_fn(void *arg, const char *name, struct str value);
void endpoint_each_variable(const struct endpoint *endpoint, struct str region, endpoint_variable_fn *fn, void *arg);

/* The same as lines for a shell, each begun with `indent`. */
void endpoint_write_exports(struct buf *buf, const struct endpoint *endpoint, struct str region, const char *indent);

/* Appends `text` as one word of a shell. */
void endpoint_write_word(struct buf *buf, struct str text);
