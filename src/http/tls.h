/* SPDX-License-Identifier: Apache-2.0
 *
 * The server's side of TLS: certificate, key and the CA of clients, read from files, and what a connection's session is
 * set up with. The files can be read again at any time: connections that are open keep what they began with, but for
 * the CAs of clients; new ones take the new. TLS 1.2 and 1.3 with forward secrecy and authenticated encryption only
 * (TLS_PRIORITIES). Any thread. */
#pragma once

#include "http/server.h"

#include <gnutls/gnutls.h>

/* The cheaper one of two good ciphers first; no CBC, no RSA key exchange, no SHA-1. */
#define TLS_PRIORITIES                                                                                           \
    "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-KX-ALL:+ECDHE-ECDSA:+ECDHE-RSA:-CIPHER-ALL:+AES-128-GCM:"       \
    "+AES-256-GCM:+CHACHA20-POLY1305:-MAC-ALL:+AEAD:-GROUP-ALL:+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1:" \
    "%SERVER_PRECEDENCE"
#define TLS_FILE_MAX 1048576    /* bytes of a file */
#define TLS_TICKET_SECONDS 3600 /* of a session's ticket; GnuTLS changes the keys after three of these */

/* Paths of PEM files. */
struct tls_files {
    const char *certificate; /* the server's, those that vouch for it behind */
    const char *key;         /* its private key, without a password */
    const char *client_ca;   /* those that vouch for clients' certificates; NULL: clients are not asked for any */
};

struct tls;

/* Reads the files. 0; 1 with a sentence that names the file and the reason; -ENOMEM. */
int tls_new(const struct tls_files *files, struct tls **ret_tls, struct http_message *ret_message);
/* The same again: on success all connections to come have it, otherwise everything stays. */
int tls_reload(struct tls *tls, const struct tls_files *files, struct http_message *ret_message);
/* Behind the end of the servers that use it. Accepts NULL. */
void tls_free(struct tls *take_tls);

/* When the certificate becomes invalid, in seconds since 1970. */
int64_t tls_expiry_s(struct tls *tls);

/* --- of src/http ------------------------------------------------------------------------------------------------- */

struct tls_identity;

/* What new connections take now, with a reference. */
struct tls_identity *tls_identity_take(struct tls *tls);
void tls_identity_drop(struct tls_identity *take_identity);
/* Before the session's handshake. 0, or 1 when memory is out. */
int tls_identity_apply(const struct tls_identity *identity, gnutls_session_t session);
bool tls_identity_asks_clients(const struct tls_identity *identity);
/* From now on the client's certificate is judged by this identity's CAs, which must not go before it is given back to
 * the session's own. 0, or 1 when memory is out. */
int tls_identity_judge(const struct tls_identity *identity, gnutls_session_t session);
/* The readings of the files are numbered: of this identity, and the newest. */
unsigned tls_identity_generation(const struct tls_identity *identity);
unsigned tls_generation(const struct tls *tls);
