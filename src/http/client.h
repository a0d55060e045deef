/* SPDX-License-Identifier: Apache-2.0
 *
 * The HTTP client: the one wrapper around libcurl. One blocking request at a time, over TCP, TLS or a unix socket. No
 * redirects; no proxy, whatever the environment says, unless the request asks for the environment's. TLS 1.2 or later.
 * A client keeps its connections for the next request. One thread per client; the first client is made before threads
 * are. */
#pragma once

#include "base/buf.h"
#include "http/server.h"

#include <stdatomic.h>

struct http_client;

/* Conditions: there is no (whole) answer. Negative results are -errno. */
enum http_client_result {
    HTTP_CLIENT_BAD_URL = 1, /* not a URL, or not http or https */
    HTTP_CLIENT_NO_NAME,     /* the host's name is not resolved */
    HTTP_CLIENT_NO_CONNECT,  /* refused, unreachable, no such socket */
    HTTP_CLIENT_TIMEOUT,
    HTTP_CLIENT_UNTRUSTED, /* TLS: the peer's certificate, or no common ground */
    HTTP_CLIENT_BROKEN,    /* the connection ended early, or what came is no HTTP */
    HTTP_CLIENT_TOO_LARGE, /* the answer is longer than the request allows */
    HTTP_CLIENT_STOPPED,   /* `stop` became true */
};

struct http_client_request {
    const char *method; /* GET, HEAD, POST ... */
    const char *url;
    const char *unix_path;             /* or NULL: connect there, whatever host the URL names */
    const struct http_header *headers; /* Content-Length and Host follow from url and body */
    size_t n_headers;
    struct str body;         /* absent: none */
    int64_t connect_ms;      /* until there is a connection, its name resolved; 0: total_ms */
    int64_t total_ms;        /* until the answer is complete */
    size_t answer_max;       /* bytes of its body, and of its head */
    bool uses_environment;   /* http_proxy, https_proxy, no_proxy */
    const char *ca_path;     /* or NULL: the system's; a file of certificates to trust instead */
    const atomic_bool *stop; /* or NULL: once true, the exchange ends within about a second */
};

struct http_client_answer {
    unsigned status;
    struct buf head; /* lines with their CR LF */
    struct buf body;
    char address[64]; /* who answered: 127.0.0.1, empty for a unix socket */
};

/* 0 or -ENOMEM. */
int http_client_new(struct http_client **ret_client);
void http_client_free(struct http_client *client); /* accepts NULL */

/* 0 with any status and an answer to be freed with http_client_answer_free; or a condition, with one sentence for
 * people and no answer. */
int http_client_send(struct http_client *client, const struct http_client_request *request,
                     struct http_client_answer *ret_answer, struct http_message *ret_message);
void http_client_answer_free(struct http_client_answer *answer);

/* The first header of that name, any case; absent when there is none. */
struct str http_client_header(const struct http_client_answer *answer, const char *name);
