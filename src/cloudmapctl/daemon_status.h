/* SPDX-License-Identifier: Apache-2.0
 *
 * The daemon's answer to GET /v1/status, asked for and decoded. One thread. */
#pragma once

#include "base/arena.h"
#include "cloudmapctl/ctl.h"

#define DAEMON_STATUS_MAX_ADDRESSES 64
#define DAEMON_STATUS_MAX_OPTIONS 256
#define DAEMON_STATUS_UNKNOWN "what the daemon answered is not understood; is it of another version?"

struct daemon_status_option {
    struct str key, value, where;
};

/* The slices of a decoded status point into `text`. */
struct daemon_status {
    char *text; /* the answer */
    size_t n_text;
    struct str version, state, region, account, compat, auth, store_path;
    int64_t pid, uptime_seconds, queue_depth;
    int64_t certificate_expiry_s; /* 0: no TLS */
    int64_t revision, records, file_bytes, log_bytes, commits, failed_commits;
    bool lost;
    int64_t namespaces, services, instances, operations, unfinished_operations;
    struct str addresses[DAEMON_STATUS_MAX_ADDRESSES]; /* of the API */
    size_t n_addresses;
    struct str tls_addresses[DAEMON_STATUS_MAX_ADDRESSES];
    size_t n_tls_addresses;
    struct daemon_status_option options[DAEMON_STATUS_MAX_OPTIONS];
    size_t n_options;
};

/* Asks. 0 with text and n_text; or an exit code with a sentence in `why`. */
int daemon_status_fetch(const struct ctl *ctl, struct daemon_status *ret_status, char *why, size_t size);
/* Decodes the text, which is modified; memory comes from the arena. 0, or 1 when no daemon of this version says that.
 */
int daemon_status_decode(struct daemon_status *status, struct arena *arena);
void daemon_status_free(struct daemon_status *status);
