/* SPDX-License-Identifier: Apache-2.0
 *
 * Start and stop; see dns_server.h. */
#include "dns/dns_server.h"

#include "base/mem.h"
#include "base/process.h"
#include "dns/query_log.h"
#include "dns/tcp.h"
#include "dns/udp.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#define WORKERS_MAX 64

struct dns_server {
    struct answer_settings settings;
    char nsid[ANSWER_MAX_NSID];
    struct own_zones own;
    struct dns_socket places[DNS_SOCKET_MAX];
    size_t n_places;
    struct peers peers;
    struct query_log *query_log;
    struct udp *udp[WORKERS_MAX * DNS_SOCKET_MAX];
    struct tcp *tcp[WORKERS_MAX];
    size_t n_udp, n_tcp;
};

static int dns_server_bad(struct dns_message *message, const char *what, const char *value)
{
    snprintf(message->text, sizeof(message->text), "%s: %s", what, value);
    return DNS_SOCKET_BAD;
}

static int dns_server_configure_own(struct dns_server *server, const struct dns_config *config,
                                    struct dns_message *ret_message)
{
    for (size_t i = 0; i < config->n_api_names; i++)
        if (own_zone_add_name(&server->own, str_of(config->api_names[i])))
            return dns_server_bad(ret_message, "Too long for a name of the API, as data- is put in front of it",
                                  config->api_names[i]);
    for (size_t i = 0; i < config->n_api_addresses; i++)
        if (own_zone_add_address(&server->own, str_of(config->api_addresses[i])))
            return dns_server_bad(ret_message, "Not an address of the API, or one too many", config->api_addresses[i]);
    if (config->n_api_names)
        server->settings.own = &server->own;
    return 0;
}

static int dns_server_configure(struct dns_server *server, const struct dns_config *config,
                                struct dns_message *ret_message)
{
    struct answer_settings *settings = &server->settings;
    int r;

    settings->max_answers = config->max_answers;
    settings->views = config->views;
    settings->udp_size = (uint16_t)config->udp_size;
    settings->keepalive_ds =
        (unsigned)(config->tcp_idle_ms / 100 > UINT16_MAX ? UINT16_MAX : config->tcp_idle_ms / 100);
    ASSERT(config->n_name_servers >= 1 && config->n_name_servers <= ANSWER_MAX_NAME_SERVERS);
    for (size_t i = 0; i < config->n_name_servers; i++)
        if (dname_of_text(str_of(config->name_servers[i]), &settings->name_servers[i]))
            return dns_server_bad(ret_message, "Not the name of a name server", config->name_servers[i]);
    settings->n_name_servers = config->n_name_servers;
    if (config->nsid) {
        settings->nsid = (struct str){ server->nsid, strlen(config->nsid) };
        if (settings->nsid.n > sizeof(server->nsid))
            return dns_server_bad(ret_message, "Longer than 64 characters", config->nsid);
        memcpy(server->nsid, config->nsid, settings->nsid.n);
    }
    r = rate_limit_new(config->rate_limit, config->rate_limit_exempt, config->n_rate_limit_exempt,
                       &settings->rate_limit);
    return r ? r : rand_secret(settings->cookie_secret, sizeof(settings->cookie_secret));
}

/* Who resolves alias targets. */
static int dns_server_make_alias(struct dns_server *server, const struct dns_config *config,
                                 struct dns_message *ret_message)
{
    struct alias_config alias = { .max_ttl_ms = config->alias_max_ttl_ms,
                                  .stale_ms = config->alias_stale_ms,
                                  .head = registry_head(config->registry),
                                  .clock = config->clock,
                                  .settings = &server->settings,
                                  .ring = query_log_add_ring(server->query_log) };
    const char *first = config->n_resolvers ? config->resolvers[0] : "none", *bad;

    if (config->n_resolvers <= 1 && strcmp(first, "none") == 0)
        return 0;
    alias.is_system = config->n_resolvers == 1 && strcmp(first, "system") == 0;
    if (alias.is_system)
        alias_servers_read_system(&alias.servers, "/etc/resolv.conf");
    else if (alias_servers_read_list(&alias.servers, config->resolvers, config->n_resolvers, &bad))
        return dns_server_bad(ret_message, "Not the ADDRESS:PORT of a resolver", bad);
    return alias_new(&alias, &server->settings.alias);
}

static int dns_server_claim(struct dns_server *server, const struct dns_config *config, struct dns_message *ret_message)
{
    if (config->n_fds)
        return dns_socket_adopt(config->fds, config->n_fds, server->places, DNS_SOCKET_MAX, &server->n_places,
                                ret_message);
    for (size_t i = 0; i < config->n_addresses; i++) {
        size_t n = 0;
        int r = dns_socket_claim(config->addresses[i], server->places + server->n_places,
                                 DNS_SOCKET_MAX - server->n_places, &n, ret_message);
        server->n_places += n;
        if (r)
            return r;
    }
    return 0;
}

/* An eighth of the descriptors at most: the others are the API's and the probes'. */
static unsigned count_connections(const struct dns_config *config)
{
    return process_share_of_files(8, config->tcp_connections);
}

static int dns_server_start_worker(struct dns_server *server, const struct dns_config *config)
{
    struct tcp_limits limits = { .connections = count_connections(config) / config->workers,
                                 .idle_ms = config->tcp_idle_ms };
    int listeners[DNS_SOCKET_MAX];
    size_t n = 0;
    int r = 0;

    if (limits.connections == 0)
        limits.connections = 1;
    for (size_t i = 0; i < server->n_places && r == 0; i++) {
        int fd = dns_socket_open(&server->places[i], SOCK_DGRAM);
        r = fd < 0 ? fd
                   : udp_start(fd, dns_socket_is_wildcard(&server->places[i]), &server->settings,
                               registry_head(config->registry), config->clock, query_log_add_ring(server->query_log),
                               &server->udp[server->n_udp]);
        if (r == 0 && server->places[i].is_passed)
            udp_share(server->udp[server->n_udp]);
        server->n_udp += r == 0;
    }
    for (size_t i = 0; i < server->n_places && r == 0; i++) {
        int fd = dns_socket_open(&server->places[i], SOCK_STREAM);
        if (fd < 0)
            r = fd;
        else
            listeners[n++] = fd;
    }
    if (r == 0)
        r = tcp_start(listeners, n, &limits, &server->peers, &server->settings, registry_head(config->registry),
                      config->clock, query_log_add_ring(server->query_log), &server->tcp[server->n_tcp]);
    else
        while (n > 0)
            close(listeners[--n]);
    server->n_tcp += r == 0;
    return r;
}

/* Before the workers, which ask it. */
static int dns_server_start_transfer(struct dns_server *server, const struct dns_config *config,
                                     struct dns_message *ret_message)
{
    struct transfer_config transfer = { .zones = config->transfers,
                                        .n_zones = config->n_transfers,
                                        .name_servers = server->settings.name_servers,
                                        .n_name_servers = server->settings.n_name_servers,
                                        .views = config->views,
                                        .alias = server->settings.alias,
                                        .registry = config->registry,
                                        .clock = config->clock };

    return transfer_start(&transfer, &server->settings.transfer, ret_message);
}

int dns_server_start(const struct dns_config *config, struct dns_server **ret_server, struct dns_message *ret_message)
{
    struct dns_server *server = mem_zalloc(sizeof(*server));
    unsigned per_peer = count_connections(config) / 10;
    int r;

    ASSERT(config->workers >= 1 && config->workers <= WORKERS_MAX);
    ret_message->text[0] = '\0';
    if (!server)
        return -ENOMEM;
    r = peers_init(&server->peers, per_peer ? per_peer : 1);
    if (r) {
        mem_free(server);
        return r;
    }
    r = query_log_new(config->clock, &server->query_log);
    if (r == 0)
        query_log_set_share(server->query_log, config->query_log);
    if (r == 0)
        r = dns_server_configure(server, config, ret_message);
    if (r == 0)
        r = dns_server_configure_own(server, config, ret_message);
    if (r == 0)
        r = dns_server_make_alias(server, config, ret_message);
    if (r == 0 && server->settings.alias)
        r = alias_start(server->settings.alias);
    if (r == 0)
        r = dns_server_claim(server, config, ret_message);
    if (r == 0)
        r = dns_server_start_transfer(server, config, ret_message);
    for (unsigned i = 0; i < config->workers && r == 0; i++)
        r = dns_server_start_worker(server, config);
    for (size_t i = 0; i < server->n_places; i++)
        dns_socket_release(&server->places[i]);
    if (r) {
        dns_server_stop(server);
        return r;
    }
    *ret_server = server;
    return 0;
}

void dns_server_stop(struct dns_server *server)
{
    if (!server)
        return;
    alias_stop(server->settings.alias);
    for (size_t i = 0; i < server->n_udp; i++)
        udp_stop(server->udp[i]);
    for (size_t i = 0; i < server->n_tcp; i++)
        tcp_stop(server->tcp[i]);
    transfer_stop(server->settings.transfer);
    query_log_free(server->query_log);
    rate_limit_free(server->settings.rate_limit);
    alias_free(server->settings.alias);
    peers_fini(&server->peers);
    mem_free(server);
}

const char *dns_server_address(const struct dns_server *server, size_t i)
{
    return i < server->n_places ? server->places[i].text : NULL;
}

void dns_server_set_query_log(struct dns_server *server, unsigned millionths)
{
    query_log_set_share(server->query_log, millionths);
}

const struct answer_settings *dns_server_settings(const struct dns_server *server)
{
    return &server->settings;
}

void dns_server_write_metrics(const struct dns_server *server, struct buf *buf)
{
    struct dns_stats_source sources[WORKERS_MAX * DNS_SOCKET_MAX + WORKERS_MAX + 1];
    size_t n = 0;

    for (size_t i = 0; i < server->n_udp; i++)
        sources[n++] = (struct dns_stats_source){ udp_stats(server->udp[i]), false };
    for (size_t i = 0; i < server->n_tcp; i++)
        sources[n++] = (struct dns_stats_source){ tcp_stats(server->tcp[i]), true };
    if (server->settings.alias)
        sources[n++] = (struct dns_stats_source){ alias_stats(server->settings.alias), false };
    dns_stats_write(buf, sources, n);
    metric_write_header(buf, "cloudmap_dns_query_log_lost_total", "DNS queries missing in the query log.",
                        METRIC_COUNTER);
    metric_write_sample(buf, "cloudmap_dns_query_log_lost_total", NULL, 0, METRIC_COUNT,
                        (int64_t)query_log_count_lost(server->query_log));
    if (server->settings.views)
        dns_stats_write_views(buf, sources, n, server->settings.views);
}
