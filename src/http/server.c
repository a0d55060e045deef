/* SPDX-License-Identifier: Apache-2.0
 *
 * The server: its addresses and its workers, started together and stopped together. */
#include "http/server.h"
#include "base/mem.h"
#include "http/listener.h"
#include "http/loop.h"

#include <errno.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#define WORKERS_MAX 64
#define SPARE_FILES_MAX 512 /* descriptors left to the rest of the process */

struct http_server {
    struct loop_shared shared;
    struct listener listeners[LISTENERS_MAX]; /* those with TLS behind the others */
    size_t n_listeners, n_plain;
    int unix_fd; /* -1 when there is none */
    char *unix_path;
    unsigned n_workers; /* that run */
    struct loop *loops;
    struct loop_listener *sockets; /* LISTENERS_MAX + 1 for each worker */
};

void http_limits_default(struct http_limits *ret_limits)
{
    *ret_limits = (struct http_limits){
        .body_max = 1048576,
        .head_max = 8192,
        .buffered_max = 134217728,
        .connections_max = 20000,
        .connections_per_address_max = 5000,
        .head_ms = 5000,
        .body_grace_ms = 2000,
        .bytes_per_s_min = 500,
        .answer_bytes_per_s_min = 32768,
        .handshake_ms = 5000,
        .idle_ms = 60000,
        .stop_ms = 10000,
    };
}

/* Connections that descriptors are left for, with the soft limit raised to the hard one. */
static unsigned files_allow(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit))
        return 0;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    if (getrlimit(RLIMIT_NOFILE, &limit))
        return 0;
    rlim_t spare = limit.rlim_cur / 2 < SPARE_FILES_MAX ? limit.rlim_cur / 2 : SPARE_FILES_MAX;
    rlim_t n = limit.rlim_cur - spare;
    return n < UINT32_MAX ? (unsigned)n : UINT32_MAX;
}

/* The descriptors, or else the addresses. */
static int open_listeners(struct http_server *server, const int *fds, size_t n_fds, const char *const *addresses,
                          size_t n_addresses, unsigned n_workers, struct http_message *ret_message)
{
    for (size_t i = 0; i < n_fds; i++) {
        if (server->n_listeners == LISTENERS_MAX)
            return -E2BIG;
        int r = listener_adopt(fds[i], n_workers, &server->listeners[server->n_listeners], ret_message);
        if (r != 0)
            return r;
        server->n_listeners++;
    }
    for (size_t i = 0; i < n_addresses && n_fds == 0; i++) {
        size_t n;
        int r = listener_open_tcp(addresses[i], n_workers, server->listeners + server->n_listeners,
                                  LISTENERS_MAX - server->n_listeners, &n, ret_message);
        if (r != 0)
            return r;
        server->n_listeners += n;
    }
    return 0;
}

static int open_all_listeners(struct http_server *server, const struct http_server_config *config,
                              struct http_message *ret_message)
{
    int r = open_listeners(server, config->fds, config->n_fds, config->addresses, config->n_addresses,
                           config->n_workers, ret_message);
    server->n_plain = server->n_listeners;
    if (r == 0 && config->tls)
        r = open_listeners(server, config->tls_fds, config->n_tls_fds, config->tls_addresses, config->n_tls_addresses,
                           config->n_workers, ret_message);
    if (r != 0 || !config->unix_path)
        return r;
    r = listener_open_unix(config->unix_path, &server->unix_fd, ret_message);
    if (r != 0)
        return r;
    server->unix_path = mem_dup_cstr(config->unix_path);
    return server->unix_path ? 0 : -ENOMEM;
}

/* Each worker has a socket of its own at each address; the unix socket is the first one's. */
static int start_loops(struct http_server *server, unsigned n_workers)
{
    server->loops = mem_zalloc(n_workers * sizeof(server->loops[0]));
    server->sockets = mem_zalloc(n_workers * (LISTENERS_MAX + 1) * sizeof(server->sockets[0]));
    if (!server->loops || !server->sockets)
        return -ENOMEM;
    for (unsigned i = 0; i < n_workers; i++) {
        struct loop_listener *sockets = server->sockets + (size_t)i * (LISTENERS_MAX + 1);
        size_t n = 0;
        for (; n < server->n_listeners; n++)
            sockets[n] = (struct loop_listener){ .fd = server->listeners[n].fds[i], .is_tls = n >= server->n_plain };
        if (i == 0 && server->unix_fd >= 0)
            sockets[n++].fd = server->unix_fd;
        int r = loop_start(&server->loops[i], &server->shared, i, sockets, n);
        if (r < 0)
            return r;
        server->n_workers++;
    }
    return 0;
}

static int start(struct http_server *server, const struct http_server_config *config, struct http_message *ret_message)
{
    struct loop_shared *shared = &server->shared;
    shared->limits = config->limits;
    shared->handler = config->handler;
    shared->clock = config->clock;
    shared->tls = config->tls;
    shared->keeps_listening = config->n_fds > 0 || config->n_tls_fds > 0;
    unsigned allowed = files_allow();
    if (shared->limits.connections_max > allowed)
        shared->limits.connections_max = allowed;
    int r = open_all_listeners(server, config, ret_message);
    if (r != 0)
        return r;
    r = start_loops(server, config->n_workers);
    if (r < 0)
        snprintf(ret_message->text, sizeof(ret_message->text), "Cannot start the HTTP workers: %s.", strerror(-r));
    return r;
}

int http_server_start(const struct http_server_config *config, struct http_server **ret_server,
                      struct http_message *ret_message)
{
    ASSERT(config->n_workers > 0 && config->n_workers <= WORKERS_MAX && config->limits.bytes_per_s_min > 0 &&
           config->limits.answer_bytes_per_s_min > 0);
    ret_message->text[0] = '\0';
    struct http_server *server = mem_zalloc(sizeof(*server));
    int r = server ? peers_init(&server->shared.peers, config->limits.connections_per_address_max) : -ENOMEM;
    if (r < 0) {
        mem_free(server);
        snprintf(ret_message->text, sizeof(ret_message->text), "Cannot start the HTTP server: %s.", strerror(-r));
        return r;
    }
    server->unix_fd = -1;
    r = start(server, config, ret_message);
    if (r != 0) {
        http_server_stop(server);
        return r;
    }
    *ret_server = server;
    return 0;
}

const char *http_server_address(const struct http_server *server, size_t index)
{
    return index < server->n_plain ? server->listeners[index].address : NULL;
}

const char *http_server_tls_address(const struct http_server *server, size_t index)
{
    size_t n_tls = server->n_listeners - server->n_plain;
    return index < n_tls ? server->listeners[server->n_plain + index].address : NULL;
}

static void wake_all(struct http_server *server)
{
    for (unsigned i = 0; i < server->n_workers; i++)
        loop_wake(&server->loops[i]);
}

void http_server_drain(struct http_server *server)
{
    atomic_store(&server->shared.draining, true);
    wake_all(server);
}

void http_server_stop(struct http_server *take_server)
{
    struct http_server *server = take_server;
    if (!server)
        return;
    atomic_store(&server->shared.draining, true);
    atomic_store(&server->shared.stopping, true);
    wake_all(server);
    for (unsigned i = 0; i < server->n_workers; i++)
        loop_join(&server->loops[i]);
    for (unsigned i = 0; i < server->n_workers; i++)
        loop_fini(&server->loops[i]);
    for (size_t i = 0; i < server->n_listeners; i++)
        listener_close(&server->listeners[i]);
    if (server->unix_fd >= 0) {
        close(server->unix_fd);
        if (server->unix_path)
            unlink(server->unix_path);
    }
    peers_fini(&server->shared.peers);
    mem_free(server->unix_path);
    mem_free(server->loops);
    mem_free(server->sockets);
    mem_free(server);
}
