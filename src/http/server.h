/* SPDX-License-Identifier: Apache-2.0
 *
 * The HTTP/1.1 server: the one wrapper around libmicrohttpd. It owns listening sockets, worker threads (each a libuv
 * loop with a library instance of its own), the reading of whole requests under caps and deadlines, the refusal of
 * whatever is malformed or ambiguous (docs/threat-model.md lists it), and the writing of answers. It knows nothing of
 * what is asked: every well-formed request reaches the handler of its worker.
 *
 * The life of a request: `handle` is called on the worker's thread when head and body are in memory. It answers with
 * http_respond before it returns, or it calls http_suspend and somebody calls http_finish later, from any thread;
 * `finish` is then called on the worker's thread and must answer. A request is valid from `handle` until the call
 * that answers it returns, even when its client has long gone.
 *
 * Threads: start, drain and stop belong to the thread that owns the server; http_finish may be called from any thread,
 * everything else that takes a request only from its worker's thread inside `handle` and `finish`. */
#pragma once

#include "base/clock.h"
#include "base/str.h"

struct http_server;
struct http_request;
struct tls;

/* Conditions. Negative results are -errno and fatal for the call. */
enum http_server_result {
    HTTP_ADDRESS_IN_USE = 1, /* another process listens there (exit code 69) */
    HTTP_ADDRESS_BAD,        /* not HOST:PORT, or a name or address that this machine does not have (exit code 78) */
    HTTP_ADDRESS_FORBIDDEN,  /* no permission for this port or path (exit code 78) */
};

/* One clear sentence for people: what is wrong with which address, and what to do next. */
struct http_message {
    char text[512];
};

/* --- configuration ----------------------------------------------------------------------------------------------- */

/* Caps and deadlines; each connection and each request is held to all of them. Headers are at most
 * HTTP_HEADERS_MAX; 431 beyond. */
#define HTTP_HEADERS_MAX 100
struct http_limits {
    size_t body_max;          /* bytes of a body; 413 beyond */
    size_t head_max;          /* memory for a request line and its headers; 414 or 431 beyond */
    size_t buffered_max;      /* of all bodies over 16 KiB held at a time, and of all such answers; 503 beyond */
    unsigned connections_max; /* of the server; 503 and closed beyond. Also bound by RLIMIT_NOFILE */
    unsigned connections_per_address_max; /* of one peer address (IPv6: its /64), loopback exempt; 0 = no cap */
    int64_t head_ms;                      /* from the first byte of a head to its end; 408 */
    int64_t body_grace_ms;                /* a body, and a client reading an answer, has this long plus ... */
    uint64_t bytes_per_s_min;             /* ... the body's first 16 KiB at this rate; 408 */
    uint64_t answer_bytes_per_s_min;      /* ... its others, or the answer's, at this one; 408, or the end */
    int64_t handshake_ms;                 /* of TLS, from the connection's begin */
    int64_t idle_ms;                      /* an open connection between requests */
    int64_t stop_ms;                      /* http_server_stop: how long clients may take over what was accepted */
};

/* 1 MiB, 8 KiB, 128 MiB, 20,000, 5,000, 5 s, 2 s, 500 B/s, 32 KiB/s, 5 s, 60 s, 10 s. */
void http_limits_default(struct http_limits *ret_limits);

/* What the owner does with requests. All are called on a worker's thread. */
struct http_handler {
    /* Both optional; before the first and after the last request of worker `index`. What worker_start returns is handed
     * to `handle` and `finish` of this worker; NULL means out of memory and fails the start. Without it `arg` is handed
     * over. */
    void *(*worker_start)(void *arg, unsigned index);
    void (*worker_stop)(void *context);
    /* A whole request is there: http_respond, or http_suspend. */
    void (*handle)(void *context, struct http_request *request);
    /* A suspended request was finished; `call` is what http_request_set_call left. Called exactly once for each
     * http_suspend; must call http_respond, which does nothing when the client is gone (http_request_is_cancelled). */
    void (*finish)(void *context, struct http_request *request, void *call);
    void *arg;
};

struct http_server_config {
    const char *const *addresses; /* HOST:PORT, [IPV6]:PORT; all addresses of a name are taken. Port 0: any */
    size_t n_addresses;
    const int *fds; /* listening TCP sockets, used instead of the addresses when there are any. They stay the caller's,
                       who may close them after the start, and go on listening when the server stops */
    size_t n_fds;
    struct tls *tls; /* http/tls.h; or NULL: no TLS. It stays the caller's, until the server has stopped */
    const char *const *tls_addresses; /* the same with TLS; they come behind the others */
    size_t n_tls_addresses;
    const int *tls_fds;
    size_t n_tls_fds;
    const char *unix_path; /* or NULL: a socket of mode 0600, its peers this process's user or root, nobody else */
    unsigned n_workers;    /* 1 to 64 */
    struct http_limits limits;
    struct http_handler handler;
    const struct clock *clock; /* arrival times; deadlines run on the worker's loop */
};

/* --- the server -------------------------------------------------------------------------------------------------- */

/* Raises the soft RLIMIT_NOFILE to the hard one, takes the addresses (config is not needed afterwards, strings
 * included) and starts the workers; on return requests are served. 0 or a condition, with a message. */
int http_server_start(const struct http_server_config *config, struct http_server **ret_server,
                      struct http_message *ret_message);

/* Where the server really listens, in the order of the configuration, a name's addresses one after the other:
 * 127.0.0.1:8650, [::1]:8650; the unix socket is not among them. NULL behind the last. Valid until http_server_stop. */
const char *http_server_address(const struct http_server *server, size_t index);
/* The same with TLS. */
const char *http_server_tls_address(const struct http_server *server, size_t index);

/* Stops accepting and closes idle connections; what was accepted goes on and is answered with `Connection: close`.
 * Returns at once. */
void http_server_drain(struct http_server *server);

/* Drains, waits for the answers of everything accepted, suspended requests included, stops the workers, frees. Clients
 * that are still sending or reading after limits.stop_ms are cut off; suspended requests are waited for as long as
 * their owner takes: whoever finishes them must run until this returns. Accepts NULL. */
void http_server_stop(struct http_server *take_server);

/* --- a request --------------------------------------------------------------------------------------------------- */

/* All slices live as long as the request. */

/* As sent: methods are case-sensitive. */
struct str http_request_method(const struct http_request *request);
/* As sent, percent-encoding untouched: the part before `?`, without scheme and host of an absolute-form target. `*` for
 * `OPTIONS *`. Of the kind that signatures cover. */
struct str http_request_path(const struct http_request *request);
/* As sent, what follows `?`; absent without `?`. */
struct str http_request_query(const struct http_request *request);
/* Of an absolute-form target the authority, else the Host header; absent in HTTP/1.0 without Host. */
struct str http_request_host(const struct http_request *request);
/* The first header of that name, any case; blanks around the value are gone. Absent when there is none. */
struct str http_request_header(const struct http_request *request, const char *name);
/* All headers in the order of arrival, names as sent. */
const struct str_pair *http_request_headers(const struct http_request *request, size_t *ret_n);
/* The body, mutable, NUL behind it; never NULL. */
char *http_request_body(struct http_request *request, size_t *ret_n);
/* 127.0.0.1, ::1, or `unix` for the unix socket. */
struct str http_request_peer(const struct http_request *request);
bool http_request_is_loopback(const struct http_request *request); /* unix included */
bool http_request_is_tls(const struct http_request *request);

/* A client certificate that one of tls_files.client_ca vouches for. */
struct http_client_certificate {
    struct str subject;     /* RFC 4514, such as CN=registrar,O=Example */
    struct str common_name; /* the first; empty when there is none */
    struct str uri;         /* the first subject alternative name that is a URI; empty when there is none */
    char fingerprint[64];   /* SHA-256 of the certificate, lower-case hex */
};
/* What the client has shown, or NULL. Requests of clients whose certificate is not valid are refused before (400). */
const struct http_client_certificate *http_request_client_certificate(const struct http_request *request);

/* The id that the answer will carry as x-amzn-RequestId: 36 characters. */
struct str http_request_id(const struct http_request *request);
/* clock_mono_ns when its head was complete. */
int64_t http_request_arrival_ns(const struct http_request *request);

/* What the owner keeps with a suspended request; NULL at first. The owner frees it, `finish` is the place. */
void http_request_set_call(struct http_request *request, void *call);
void *http_request_call(const struct http_request *request);

/* Its client has gone while it was suspended: nobody will read the answer. */
bool http_request_is_cancelled(const struct http_request *request);

/* In `handle`: the answer comes later, by http_finish. May be called before or after the request was handed to whoever
 * finishes it, as long as it is called before `handle` returns. */
void http_suspend(struct http_request *request);
/* Any thread, never blocks for long: lets `finish` be called. Once for each http_suspend; the caller must not touch the
 * request afterwards. */
void http_finish(struct http_request *request);

/* A header of an answer; NUL-terminated, without CR and LF. Names of these are never given: Content-Length, Connection,
 * Date, Transfer-Encoding, x-amzn-RequestId. */
struct http_header {
    const char *name, *value;
};

/* Answers. take_body (mem_alloc, may be NULL when n is 0) is sent without a copy and freed with mem_free, whatever
 * happens; headers are copied. An answer to HEAD keeps its Content-Length and loses its body. Once for each request. */
void http_respond(struct http_request *request, unsigned status, const struct http_header *headers, size_t n_headers,
                  char *take_body, size_t n);
