/* SPDX-License-Identifier: Apache-2.0
 *
 * Servers to be probed: a thread each, on a loopback address, one connection after the other. */
#pragma once

#include "../test.h"

#include "model/target_address.h"

#include <gnutls/x509.h>
#include <pthread.h>
#include <stdatomic.h>

struct server;
/* Has the accepted connection, which is closed behind it. */
typedef void server_serve_fn(struct server *server, int fd);

/* A certificate with its key, for as long as the group of tests. */
struct server_identity {
    gnutls_certificate_credentials_t credentials;
    gnutls_x509_crt_t certificate;
    gnutls_x509_privkey_t key;
};

struct server {
    struct target_address address;
    uint16_t port;
    server_serve_fn *serve;
    const char *answer;                     /* of server_answer */
    const struct server_identity *identity; /* TLS with it before the answer, unless NULL */
    atomic_int n_connections;
    char request[4096]; /* the last one, read after server_stop */
    int listen_fd, stop_pipe[2];
    pthread_t thread;
};

/* Set serve, answer and identity before. `address` is a loopback address. */
void server_start(struct server *server, const char *address);
void server_stop(struct server *server);
/* Has the peer closed, or does the server stop? Waits for one of the two, at most `ms` (-1: for ever). */
bool server_wait(struct server *server, int fd, int ms);

/* Reads the request, then says `answer`, then closes. */
void server_answer(struct server *server, int fd);
/* Says nothing. */
void server_hold(struct server *server, int fd);

/* Signed by `authority`, or by itself when that is NULL. */
void server_make_identity(struct server_identity *identity, const char *name, const struct server_identity *authority);
void server_free_identity(struct server_identity *identity);
