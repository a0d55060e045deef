/* SPDX-License-Identifier: Apache-2.0
 *
 * A connection: which part of an exchange it is in, since when, and what happens when that takes too long. Deadlines
 * are absolute: no byte prolongs them. Private to src/http; its worker's thread only. */
#pragma once

#include "http/handshake.h"
#include "http/head.h"
#include "http/server.h"
#include "http/tls.h"

#include <microhttpd.h>
#include <netinet/in.h>

struct client_certificate;
struct loop;

enum connection_phase {
    CONNECTION_HANDSHAKE, /* of TLS */
    CONNECTION_IDLE,      /* no request line yet */
    CONNECTION_HEAD,      /* a request line, headers to come */
    CONNECTION_BODY,      /* the head, the body to come */
    CONNECTION_HANDLING,  /* the whole request; the owner is at it */
    CONNECTION_ANSWERING, /* an answer, not all of it sent */
};

struct connection_handshake {
    struct connection *prev, *next;
    struct handshake_queue *queue; /* NULL: it is over, or there is none */
    enum handshake_progress progress;
    bool has_failed; /* and is counted */
};

/* See outlet.h. */
struct connection_outlet {
    unsigned char *held; /* the head of an answer, as records; NULL: none waits */
    size_t n;
    bool expects_head;
};

struct connection {
    struct connection *prev, *next; /* of its worker */
    struct loop *loop;
    struct MHD_Connection *mhd;
    int fd;
    bool is_tls;
    gnutls_session_t tls;          /* the library's; NULL without TLS */
    struct tls_identity *identity; /* that the session was begun with */
    struct connection_handshake handshake;
    struct connection_outlet outlet;
    struct client_certificate *certificate; /* the client's, once a request has asked for it; NULL: none */
    bool is_certificate_checked;
    unsigned judge; /* the generation of the CAs that it was last found good by */
    enum connection_phase phase;
    int64_t since_ms;  /* the phase's begin */
    size_t n_bytes;    /* BODY: received so far; ANSWERING: of the answer */
    size_t n_buffered; /* of its answer, counted in shared->buffered[LOOP_ANSWERS] */

    struct str target; /* HEAD: in the library's memory */
    bool has_query;
    char *target_dup; /* HEAD and on: a copy, since the library cuts the query up */
    struct http_request *request;

    bool is_watched;     /* IDLE: its end, when it comes, will be told */
    int64_t looked_ms;   /* IDLE: when was looked for a request line that does not end, 0 = never */
    uint64_t n_received; /* then: bytes of the whole connection */
    bool is_partial;     /* then: there was the beginning of one */

    bool is_unix, is_loopback;
    bool is_used;      /* has had a request */
    bool is_resumable; /* has been suspended for the present one */
    bool is_cut;       /* shut down by us: nothing more can be sent */
    bool is_lingering; /* to be closed politely: the peer may be sending still */
    char peer[INET6_ADDRSTRLEN];
};

/* NULL when memory is out. Not yet among the worker's connections. */
struct connection *connection_new(struct loop *loop, int fd, const struct sockaddr *address, bool is_tls);
void connection_free(struct connection *connection);

/* The library has taken it over, or lets go of it. */
void connection_open(struct connection *connection, struct MHD_Connection *mhd);
void connection_close(struct connection *connection);

/* The next part of the exchange begins. */
void connection_enter(struct connection *connection, enum connection_phase phase);

/* Shuts the socket down, so that the library closes it soon. */
void connection_cut(struct connection *connection);
/* No further request is read; what is being answered is finished. */
void connection_drain(struct connection *connection);
/* Cuts it when it is late. */
void connection_check(struct connection *connection);

/* Tells the client past the library, where that cannot answer (any more), and lets the connection end politely: whoever
 * calls this ends it. */
void connection_refuse(struct connection *connection, const struct head_refusal *refusal);
/* The same on a socket that is no connection yet, or within a session. Never blocks. */
void connection_send_refusal(struct loop *loop, int fd, gnutls_session_t session, const struct head_refusal *refusal);

/* Counts and logs. */
void connection_note_refusal(const struct connection *connection, const struct head_refusal *refusal);
