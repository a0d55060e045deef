/* SPDX-License-Identifier: Apache-2.0
 *
 * TLS of probes: GnuTLS on a connected, non-blocking socket. As Route 53 does, it takes any version from 1.0 on and
 * believes every certificate, unless the check wants one that is valid. Key exchanges whose cost the server chooses
 * (finite-field DH) are not offered. */
#pragma once

#include "health/check.h"
#include "health/probe_result.h"

#include <sys/types.h>

#define PROBE_TLS_MAX_AUTHORITIES 64

struct probe_tls;         /* what sessions share; one thread */
struct probe_tls_session; /* one connection */

/* Reads every file NAME.pem (certificates) of the directory: NAME is what a check's tls_ca says; no check can name any
 * other file. NULL: no directory. 0, -ENOMEM, or 1 with a sentence in `why`. */
int probe_tls_new(const char *directory, struct probe_tls **ret_tls, char *why, size_t size);
void probe_tls_free(struct probe_tls *tls); /* accepts NULL; no session is left */
bool probe_tls_has_authority(const struct probe_tls *tls, struct str name);

/* A client of the check on the socket, which stays the caller's. 0 or -ENOMEM. */
int probe_tls_open(struct probe_tls *tls, const struct check *check, int fd, struct probe_tls_session **ret_session);
void probe_tls_close(struct probe_tls_session *session); /* accepts NULL; sends nothing */
/* Goes on as far as the socket lets it: PROBE_PENDING, PROBE_OK when both sides stand, or why not. */
enum probe_result probe_tls_handshake(struct probe_tls_session *session);
/* As send(2) and recv(2), with -errno for errors: -EAGAIN; -ECONNRESET for whatever breaks TLS. */
ssize_t probe_tls_send(struct probe_tls_session *session, const void *p, size_t n);
ssize_t probe_tls_recv(struct probe_tls_session *session, void *p, size_t n);
