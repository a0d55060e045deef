/* SPDX-License-Identifier: Apache-2.0
 *
 * The certificate that a client has shown in its handshake: judged here, behind the handshake, so that a client whose
 * certificate is no good is told why. Private to src/http; a worker's thread only. */
#pragma once

#include "http/head.h"
#include "http/server.h"

#include <gnutls/gnutls.h>

/* One block of memory. */
struct client_certificate {
    struct http_client_certificate shown;
    int64_t expiry_s; /* when the first of those that the client has sent becomes invalid */
    char text[];
};

/* Of a session that asked for one. 0 with the certificate (mem_free), or NULL when the client has shown none; 1 with
 * the refusal. */
int client_certificate_check(gnutls_session_t session, struct client_certificate **ret_certificate,
                             struct head_refusal *ret_refusal);
/* The same session's certificate once more, against the CAs that judge it now. 0, or 1 with the refusal. */
int client_certificate_judge(gnutls_session_t session, struct head_refusal *ret_refusal);
/* The refusal of one that has expired since. */
struct head_refusal client_certificate_expired(void);
