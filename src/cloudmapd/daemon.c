/* SPDX-License-Identifier: Apache-2.0
 *
 * Start: store, registry, admin socket, DNS, API; ready is said when all of it serves. Stop: the API first, so that
 * what was accepted is finished and committed, the store last. */
#include "cloudmapd/daemon.h"
#include "admin/admin.h"
#include "admin/audit_signer.h"
#include "admin/endpoint.h"
#include "api/api.h"
#include "base/log.h"
#include "base/mem.h"
#include "cloudmapd/api_address.h"
#include "cloudmapd/audit_file.h"
#include "cloudmapd/auth_mode.h"
#include "cloudmapd/banner.h"
#include "cloudmapd/daemon_access.h"
#include "cloudmapd/daemon_health.h"
#include "cloudmapd/daemon_targets.h"
#include "cloudmapd/daemon_tls.h"
#include "cloudmapd/daemon_views.h"
#include "cloudmapd/root_key.h"
#include "cloudmapd/sandbox.h"
#include "cloudmapd/sd_listen.h"
#include "cloudmapd/sd_notify.h"
#include "dns/dns_server.h"
#include "health/health_view.h"
#include "registry/registry.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#define STATUS_MS 5000 /* how often the service manager is told the figures */
#define MAX_ADDRESSES 64

struct daemon {
    const struct config_args *args;
    char *const *environment;
    const char *state_directory;
    const struct clock *clock;
    struct config *config;
    int64_t started_ns;
    struct sd_listen passed; /* until the servers have descriptors of their own */
    struct store *store;
    struct registry *registry;
    struct vault *vault;
    bool is_auth_required;         /* of the API's callers */
    struct audit_file *audit_file; /* NULL: none */
    struct daemon_views views;
    struct daemon_targets targets;
    struct health *health;
    struct admin *admin;
    struct dns_server *dns;
    struct api *api;
    struct tls *tls; /* NULL: none */
    struct http_server *server;
};

/* --- small things --------------------------------------------------------------------------------------------------
 */

static int refuse(int code, const char *reason)
{
    log_event(LOG_DAEMON_REFUSED, LOG_C("reason", reason), LOG_I("code", code));
    return code;
}

/* Of a store_result or -errno that came with `message`, which is empty for lack of memory. */
static int refuse_store(int result, const struct store_message *message)
{
    const char *reason = message->text[0] ? message->text : strerror(result < 0 ? -result : ENOMEM);
    return refuse(result < 0 ? EXIT_FAILURE : store_exit_code(result), reason);
}

static int refuse_http(int result, const struct http_message *message)
{
    int code = result == HTTP_ADDRESS_IN_USE ? EX_UNAVAILABLE : result > 0 ? EX_CONFIG : EXIT_FAILURE;
    return refuse(code, message->text[0] ? message->text : strerror(result < 0 ? -result : ENOMEM));
}

static int64_t since_start_ms(const struct daemon *daemon)
{
    return (clock_mono_ns(daemon->clock) - daemon->started_ns) / 1000000;
}

/* The API's addresses; returns how many. */
static size_t list_addresses(const struct daemon *daemon, const char *ret_addresses[MAX_ADDRESSES])
{
    size_t n = 0;
    while (n < MAX_ADDRESSES && (ret_addresses[n] = http_server_address(daemon->server, n)))
        n++;
    return n;
}

static size_t list_tls_addresses(const struct daemon *daemon, const char *ret_addresses[MAX_ADDRESSES])
{
    size_t n = 0;
    while (n < MAX_ADDRESSES && (ret_addresses[n] = http_server_tls_address(daemon->server, n)))
        n++;
    return n;
}

static void write_dns_addresses(struct buf *buf, const struct daemon *daemon)
{
    const char *address;
    for (size_t i = 0; (address = dns_server_address(daemon->dns, i)); i++)
        buf_printf(buf, "%s%s", i ? "," : "", address);
}

static void write_addresses(struct buf *buf, const struct daemon *daemon)
{
    const char *addresses[MAX_ADDRESSES];
    size_t n = list_addresses(daemon, addresses);
    for (size_t i = 0; i < n; i++)
        buf_printf(buf, "%s%s", i ? "," : "", addresses[i]);
}

static void write_tls_addresses(struct buf *buf, const struct daemon *daemon)
{
    const char *addresses[MAX_ADDRESSES];
    size_t n = list_tls_addresses(daemon, addresses);
    for (size_t i = 0; i < n; i++)
        buf_printf(buf, "%s%s", i ? "," : "", addresses[i]);
}

/* --- facts for the admin socket ------------------------------------------------------------------------------------
 */

struct option_facts {
    struct arena arena;
    struct admin_option *options;
    size_t n, size;
};

static void collect_option(void *arg, const char *key, const struct config_source *source)
{
    struct option_facts *facts = arg;
    struct str copy = arena_dup(&facts->arena, str_of(key));
    if (!copy.p || facts->n == facts->size)
        return;
    facts->options[facts->n++] = (struct admin_option){
        .key = copy.p, .value = source->text, .origin = config_origin_text(source->origin), .where = source->where
    };
}

static int publish_facts(struct daemon *daemon, const char *state)
{
    const char *addresses[MAX_ADDRESSES], *tls_addresses[MAX_ADDRESSES];
    struct option_facts options = { .size = CONFIG_MAX_SETTINGS };
    arena_init(&options.arena, 4 << 20);
    options.options = ARENA_ARRAY(&options.arena, struct admin_option, options.size);
    if (options.options)
        config_each_set(daemon->config, collect_option, &options);
    struct admin_facts facts = {
        .state = state,
        .addresses = addresses,
        .n_addresses = list_addresses(daemon, addresses),
        .tls_addresses = tls_addresses,
        .n_tls_addresses = list_tls_addresses(daemon, tls_addresses),
        .certificate_expiry_s = daemon->tls ? tls_expiry_s(daemon->tls) : 0,
        .region = daemon->config->api_region,
        .account = daemon->config->api_account,
        .compat = daemon->config->compat == CONFIG_COMPAT_AWS ? "aws" : "none",
        .auth = daemon->is_auth_required ? "required" : "open",
        .options = options.options,
        .n_options = options.n,
    };
    int r = options.arena.failed ? -ENOMEM : admin_set_facts(daemon->admin, &facts);
    arena_fini(&options.arena);
    return r;
}

/* --- start ---------------------------------------------------------------------------------------------------------
 */

static int start_registry(struct daemon *daemon)
{
    const struct config *config = daemon->config;
    struct store_message message = { .text = "" };
    int r = store_open_sqlite(config->store_path, STORE_CREATE, daemon->clock, &daemon->store, &message);
    if (r != 0)
        return refuse_store(r, &message);
    struct registry_config registry = {
        .clock = daemon->clock,
        .limits = { .namespaces = (uint64_t)config->limits_namespaces,
                    .services_per_namespace = (uint64_t)config->limits_services_per_namespace,
                    .instances_per_service = (uint64_t)config->limits_instances_per_service,
                    .instances_per_namespace = (uint64_t)config->limits_instances_per_namespace,
                    .custom_attributes = (uint64_t)config->limits_custom_attributes },
        .operations_delay_ms = config->operations_delay,
        .operations_keep_ms = config->operations_keep,
        .operations_max = (uint64_t)config->operations_max,
        .custom_health_delay_ms = config->health_custom_delay,
        .private_health_checks = config->health_private_namespaces,
        .guard = { .window_ms = config->guard_window,
                   .max_loss = (uint32_t)config->guard_max_loss,
                   .min_instances = (uint64_t)config->guard_min_instances,
                   .api = (enum guard_mode)config->guard_api,
                   .lease = (enum guard_mode)config->guard_lease,
                   .drain = config->guard_drain ? GUARD_REFUSE : GUARD_OFF },
        .plain_attributes = !config->instances_cloudmap_attributes,
        .keep_records = config->services_keep_records,
        .unknown_is_unhealthy = config->health_unknown_is == CONFIG_UNKNOWN_UNHEALTHY,
        .trail_keep_ms = config->audit_keep,
        .trail_keep_bytes = (uint64_t)config->audit_keep_size,
        .targets = daemon->targets.policy,
        .watcher = health_watcher(daemon->health),
        .vpcs = daemon->views.map,
    };
    r = registry_open(&registry, daemon->store, &daemon->registry, &message);
    if (r != 0)
        return refuse_store(r, &message);
    struct registry_stat stat;
    registry_stat(daemon->registry, &stat);
    log_event(LOG_STORE_OPENED, LOG_C("path", config->store_path), LOG_I("revision", stat.revision),
              LOG_I("namespaces", stat.namespaces), LOG_I("services", stat.services),
              LOG_I("instances", stat.instances), LOG_I("ms", since_start_ms(daemon)));
    return 0;
}

static int start_audit_file(struct daemon *daemon)
{
    const struct config *config = daemon->config;
    struct audit_file_config file = { .path = config->audit_file,
                                      .data = config->store_path,
                                      .max_bytes = (uint64_t)config->audit_file_size,
                                      .n_files = (unsigned)config->audit_file_count,
                                      .lag_max = (uint64_t)config->audit_lag_max,
                                      .registry = daemon->registry };
    char why[512];
    int r = config->audit_file ? audit_file_start(&file, &daemon->audit_file) : 0;
    if (r == 0)
        return 0;
    snprintf(why, sizeof(why), "audit.file: %.400s: %s", config->audit_file, strerror(-r));
    return refuse(EX_CANTCREAT, why);
}

static int start_views(struct daemon *daemon)
{
    struct buf why;
    buf_init(&why, 512);
    int r = daemon_views_init(&daemon->views, daemon->config, &why);
    buf_put_char(&why, '\0');
    if (r != 0)
        r = refuse(r == 1 ? EX_CONFIG : EXIT_FAILURE, r == 1 && !why.failed ? why.p : strerror(ENOMEM));
    buf_fini(&why);
    return r;
}

/* Of calls; what the operator changes is recorded in open mode, too: that is when the first keys are made. */
static bool audits_calls(const struct daemon *daemon)
{
    int wanted = daemon->config->audit_calls;
    return wanted == CONFIG_AUDIT_ON || (wanted == CONFIG_AUDIT_AUTO && daemon->is_auth_required);
}

static int start_access(struct daemon *daemon)
{
    struct vault_message message;
    struct root_key_found found = { .any = false };
    int r = daemon_access_open_vault(daemon->config, daemon->registry, &daemon->vault, &message);
    if (r == 0)
        r = root_key_import(daemon->config, daemon->registry, vault_seal(daemon->vault), &found, message.text,
                            sizeof(message.text));
    if (r == 0)
        r = auth_mode_decide(daemon->config, &daemon->passed, found, &daemon->is_auth_required, message.text,
                             sizeof(message.text));
    if (r == 0 && daemon->config->audit_calls != CONFIG_AUDIT_OFF) {
        struct registry_signer signer = audit_signer_of(vault_seal(daemon->vault));
        registry_keep_trail(daemon->registry, &signer);
    }
    if (r == 0 && daemon->is_auth_required && !found.active)
        log_write(LOG_ACCESS_NO_KEY, NULL, 0);
    return r == 0 ? 0 : refuse(r > 0 ? EX_CONFIG : EXIT_FAILURE, message.text);
}

static int start_admin(struct daemon *daemon)
{
    struct http_message message = { .text = "" };
    struct admin_config config = {
        .dir = daemon->config->store_path,
        .registry = daemon->registry,
        .vault = daemon->vault,
        .store = daemon->store,
        .health = daemon->health,
        .clock = daemon->clock,
    };
    int r = admin_start(&config, &daemon->admin, &message);
    return r == 0 ? 0 : refuse_http(r, &message);
}

static unsigned count_workers(int64_t configured)
{
    long n = configured ? (long)configured : sysconf(_SC_NPROCESSORS_ONLN);
    return n < 1 ? 1 : n > 64 ? 64 : (unsigned)n;
}

/* The API's own name. 0, or an exit code when it has no address. */
static int name_api(const struct daemon *daemon, struct api_address_list *list, struct dns_config *dns)
{
    const struct config *config = daemon->config;
    dns->api_names = config->dns_api_name.items;
    dns->n_api_names = config->dns_api_name.n;
    dns->api_addresses = config->dns_api_addresses.items;
    dns->n_api_addresses = config->dns_api_addresses.n;
    if (dns->n_api_names == 0 || dns->n_api_addresses > 0)
        return 0;
    api_address_find(config, &daemon->passed, list);
    dns->api_addresses = list->items;
    dns->n_api_addresses = list->n;
    if (list->n > 0)
        return 0;
    return refuse(EX_CONFIG, "dns.api_name: the API listens on all addresses, so dns.api_addresses must say which of "
                             "them the name stands for");
}

static size_t list_transfers(const struct config *config,
                             struct transfer_zone_config ret_transfers[CONFIG_MAX_TRANSFERS])
{
    for (size_t i = 0; i < config->n_transfers; i++) {
        const struct config_transfer *transfer = &config->transfers[i];
        ret_transfers[i] = (struct transfer_zone_config){ .zone = transfer->zone,
                                                          .secondaries = transfer->secondaries.items,
                                                          .n_secondaries = transfer->secondaries.n,
                                                          .key = transfer->key,
                                                          .vpc = transfer->vpc.n ? transfer->vpc.items[0] : NULL };
    }
    return config->n_transfers;
}

static int start_dns(struct daemon *daemon)
{
    const struct config *config = daemon->config;
    struct api_address_list api_addresses;
    struct transfer_zone_config transfers[CONFIG_MAX_TRANSFERS];
    struct dns_config dns = { .addresses = config->dns_listen.items,
                              .n_addresses = config->dns_listen.n,
                              .fds = daemon->passed.dns,
                              .n_fds = daemon->passed.n_dns,
                              .workers = count_workers(config->dns_workers),
                              .max_answers = (unsigned)config->dns_max_answers,
                              .udp_size = (unsigned)config->dns_udp_size,
                              .tcp_connections = (unsigned)config->dns_tcp_connections,
                              .tcp_idle_ms = config->dns_tcp_idle_timeout,
                              .name_servers = config->dns_name_servers.items,
                              .n_name_servers = config->dns_name_servers.n,
                              .nsid = config->dns_nsid.n ? config->dns_nsid.items[0] : NULL,
                              .rate_limit = (unsigned)config->dns_rate_limit,
                              .rate_limit_exempt = config->dns_rate_limit_exempt.items,
                              .n_rate_limit_exempt = config->dns_rate_limit_exempt.n,
                              .query_log = (unsigned)config->dns_query_log,
                              .views = daemon->views.views,
                              .resolvers = config->dns_resolver.items,
                              .n_resolvers = config->dns_resolver.n,
                              .alias_max_ttl_ms = config->dns_alias_max_ttl,
                              .alias_stale_ms = config->dns_alias_stale,
                              .transfers = transfers,
                              .n_transfers = list_transfers(config, transfers),
                              .registry = daemon->registry,
                              .clock = daemon->clock };
    struct dns_message message = { .text = "" };
    int code = name_api(daemon, &api_addresses, &dns);
    if (code != 0)
        return code;
    int r = dns_server_start(&dns, &daemon->dns, &message);
    if (r == 0) {
        const char *address;
        for (size_t i = 0; (address = dns_server_address(daemon->dns, i)); i++)
            daemon_targets_own(&daemon->targets, address);
        admin_set_dns(daemon->admin, dns_server_settings(daemon->dns));
        return 0;
    }
    code = r == DNS_SOCKET_IN_USE ? EX_UNAVAILABLE : r > 0 ? EX_CONFIG : EXIT_FAILURE;
    return refuse(code, message.text[0] ? message.text : strerror(r < 0 ? -r : ENOMEM));
}

/* Names of one account's services are nothing for another, and /metrics asks for no signature. */
static unsigned metrics_services(const struct daemon *daemon)
{
    int names = daemon->config->metrics_names;
    bool shows = names == CONFIG_NAMES_ON || (names == CONFIG_NAMES_AUTO && !daemon->is_auth_required);
    return shows ? (unsigned)daemon->config->metrics_services : 0;
}

static void write_metrics(void *arg, struct buf *buf)
{
    struct daemon *daemon = arg;
    dns_server_write_metrics(daemon->dns, buf);
    health_view_write_metrics(daemon->health, buf, metrics_services(daemon));
}

static void write_ready(void *arg, struct buf *buf)
{
    struct daemon *daemon = arg;
    health_view_write_ready(daemon->health, buf);
}

static int start_tls(struct daemon *daemon)
{
    struct http_message message;
    int r = daemon_tls_start(daemon->config, &daemon->tls, &message);
    if (r != 0)
        return refuse(r > 0 ? EX_CONFIG : EXIT_FAILURE, r > 0 ? message.text : strerror(ENOMEM));
    if (daemon->passed.n_tls > 0 && !daemon->tls)
        return refuse(EX_CONFIG, "A socket was passed for TLS, so tls.certificate must name a file.");
    if (daemon->passed.n_tls == 0 && daemon->config->tls_listen.n == 0 && daemon->tls)
        return refuse(EX_CONFIG, "tls.certificate is set, but tls.listen is not: there is no address for TLS.");
    return 0;
}

/* Health checks never ask the daemon itself. */
static void own_addresses(struct daemon *daemon)
{
    const char *addresses[MAX_ADDRESSES];
    size_t n = list_addresses(daemon, addresses);
    for (size_t i = 0; i < n; i++)
        daemon_targets_own(&daemon->targets, addresses[i]);
    n = list_tls_addresses(daemon, addresses);
    for (size_t i = 0; i < n; i++)
        daemon_targets_own(&daemon->targets, addresses[i]);
}

static int start_api(struct daemon *daemon)
{
    const struct config *config = daemon->config;
    struct api_config api = { .clock = daemon->clock,
                              .seal = daemon->is_auth_required ? vault_seal(daemon->vault) : NULL,
                              .account = config->api_account,
                              .region = config->api_region,
                              .regions = config->api_regions.items,
                              .n_regions = config->api_regions.n,
                              .discover_rate = (uint64_t)config->limits_discover_rate,
                              .control_rate = (uint64_t)config->limits_control_rate,
                              .counts = config->api_counts,
                              .audits = audits_calls(daemon),
                              .audits_discovery = config->audit_discovery,
                              .audit_keep_bytes = (uint64_t)config->audit_keep_size,
                              .audit_keep_ms = config->audit_keep,
                              .spike_most = (uint64_t)config->audit_spike.count,
                              .spike_window_ms = config->audit_spike.ms,
                              .trail_dir = config->store_path,
                              .token_seal = vault_seal(daemon->vault),
                              .metrics_services = metrics_services(daemon),
                              .write_metrics = write_metrics,
                              .write_metrics_arg = daemon,
                              .write_ready = write_ready,
                              .write_ready_arg = daemon };
    struct http_message message = { .text = "" };
    int r = api_new(&api, daemon->registry, daemon->store, &daemon->api);
    if (r != 0)
        return refuse(EXIT_FAILURE, strerror(-r));
    struct http_server_config server = { .addresses = config->api_listen.items,
                                         .n_addresses = config->api_listen.n,
                                         .fds = daemon->passed.api,
                                         .n_fds = daemon->passed.n_api,
                                         .tls = daemon->tls,
                                         .tls_addresses = config->tls_listen.items,
                                         .n_tls_addresses = config->tls_listen.n,
                                         .tls_fds = daemon->passed.tls,
                                         .n_tls_fds = daemon->passed.n_tls,
                                         .n_workers = count_workers(config->api_workers),
                                         .handler = api_handler(daemon->api),
                                         .clock = daemon->clock };
    http_limits_default(&server.limits);
    server.limits.body_max = (size_t)config->api_max_body;
    server.limits.connections_max = (unsigned)config->api_max_connections;
    server.limits.connections_per_address_max = (unsigned)config->api_max_connections_per_address;
    server.limits.head_ms = config->api_header_timeout;
    server.limits.handshake_ms = config->tls_handshake_timeout;
    server.limits.idle_ms = config->api_idle_timeout;
    server.limits.stop_ms = config->api_stop_timeout;
    r = http_server_start(&server, &daemon->server, &message);
    if (r != 0)
        return refuse_http(r, &message);
    own_addresses(daemon);
    return 0;
}

/* When the daemon's own ports are known: they are not probed. */
static int start_health(struct daemon *daemon)
{
    char why[512];
    int r = health_start(daemon->health, daemon->registry, why, sizeof(why));
    if (r == 0)
        return 0;
    return refuse(r > 0 ? EX_CONFIG : EXIT_FAILURE, r > 0 ? why : strerror(-r));
}

static int take_sockets(struct daemon *daemon)
{
    char why[512];
    if (sd_listen_take(&daemon->passed, why, sizeof(why)) != 0)
        return refuse(EX_CONFIG, why);
    return 0;
}

static int enter_sandbox(const struct daemon *daemon)
{
    struct sandbox_message message;
    return sandbox_enter(daemon->config, daemon->args->file, &message) == 0 ? 0 : refuse(EX_CONFIG, message.text);
}

static int start(struct daemon *daemon)
{
    log_event(LOG_DAEMON_STARTED, LOG_C("version", CLOUDMAP_VERSION), LOG_I("pid", getpid()));
    int r = enter_sandbox(daemon);
    if (r == 0)
        r = take_sockets(daemon);
    if (r == 0)
        r = start_views(daemon);
    if (r == 0 && daemon_targets_init(&daemon->targets, daemon->config) != 0)
        r = refuse(EXIT_FAILURE, strerror(ENOMEM));
    if (r == 0 && daemon_health_new(daemon->config, daemon->clock, &daemon->targets.policy, &daemon->health) != 0)
        r = refuse(EXIT_FAILURE, strerror(ENOMEM));
    if (r == 0)
        r = start_registry(daemon);
    if (r == 0)
        r = start_access(daemon);
    if (r == 0)
        r = start_audit_file(daemon);
    if (r == 0)
        r = start_admin(daemon);
    if (r == 0)
        r = start_dns(daemon);
    if (r == 0)
        r = start_tls(daemon);
    if (r == 0)
        r = start_api(daemon);
    if (r == 0)
        r = start_health(daemon);
    sd_listen_close(&daemon->passed);
    if (r == 0 && publish_facts(daemon, "ready") < 0)
        r = refuse(EXIT_FAILURE, strerror(ENOMEM));
    return r;
}

/* --- saying so -----------------------------------------------------------------------------------------------------
 */

/* Tells the service manager `words` (may be "") and the figures. */
static void notify(struct daemon *daemon, const char *words)
{
    struct registry_stat registry;
    struct store_stat store;
    struct buf addresses, dns;
    char text[1024];
    if (!getenv("NOTIFY_SOCKET"))
        return;
    registry_stat(daemon->registry, &registry);
    store_stat(daemon->store, &store);
    buf_init(&addresses, 256);
    write_addresses(&addresses, daemon);
    buf_init(&dns, 256);
    write_dns_addresses(&dns, daemon);
    snprintf(text, sizeof(text),
             "%sSTATUS=API on " STR_FMT ", DNS on " STR_FMT ": %" PRIu64 " namespaces, %" PRIu64 " services, %" PRIu64
             " instances%s\n",
             words, STR_ARG(buf_str(&addresses)), STR_ARG(buf_str(&dns)), registry.namespaces, registry.services,
             registry.instances, store.lost ? "; the store lost a write, writes are refused" : "");
    sd_notify_send(text);
    buf_fini(&addresses);
    buf_fini(&dns);
}

static void show_banner(const struct daemon *daemon, const struct endpoint *endpoint, const char *addresses,
                        struct str dns)
{
    char *data = realpath(daemon->config->store_path, NULL);
    struct buf banner;
    buf_init(&banner, 1 << 16);
    banner_write(&banner, daemon->config, endpoint, addresses, dns, data ? data : daemon->config->store_path);
    struct str text = buf_str(&banner);
    fwrite(text.p, 1, text.n, stdout);
    fflush(stdout);
    buf_fini(&banner);
    free(data); /* lint: realpath's memory is the C library's */
}

static void say_ready(struct daemon *daemon)
{
    struct buf addresses, tls, dns;
    struct endpoint endpoint;
    buf_init(&addresses, 4096);
    buf_init(&tls, 4096);
    buf_init(&dns, 4096);
    write_tls_addresses(&tls, daemon);
    write_dns_addresses(&dns, daemon);
    write_addresses(&addresses, daemon);
    buf_put_char(&addresses, '\0');
    const char *first = http_server_address(daemon->server, 0);
    const char *all = addresses.failed ? first : addresses.p;
    const struct log_field fields[] = { LOG_C("api", all), LOG_S("dns", buf_str(&dns)),
                                        LOG_I("ms", since_start_ms(daemon)), LOG_S("tls", buf_str(&tls)) };
    log_write(LOG_DAEMON_READY, fields, daemon->tls ? 4 : 3);
    notify(daemon, "READY=1\n");
    bool wanted = isatty(STDOUT_FILENO) || getenv("CLOUDMAP_DEV_BANNER");
    if (wanted && endpoint_of_address(str_of(first), &endpoint) == 0) {
        endpoint.needs_signature = daemon->is_auth_required;
        show_banner(daemon, &endpoint, all, buf_str(&dns));
    }
    buf_fini(&addresses);
    buf_fini(&tls);
    buf_fini(&dns);
}

/* --- reload --------------------------------------------------------------------------------------------------------
 */

static void log_reloaded(const struct config *config, struct str restart_needed)
{
    const char *level = config->sources[OPTION_INDEX(log_level)].text;
    if (restart_needed.n > 0)
        log_event(LOG_DAEMON_RELOADED, LOG_C("log_level", level), LOG_S("restart_needed_for", restart_needed));
    else
        log_event(LOG_DAEMON_RELOADED, LOG_C("log_level", level));
}

/* Takes over what a running daemon can change. With a configuration that is wrong everything stays as it is. */
static void reload(struct daemon *daemon)
{
    struct config *next = NULL;
    struct config_errors errors;
    struct buf restart_needed;
    char words[128];
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now); /* the service manager compares this with its own clock */
    snprintf(words, sizeof(words), "RELOADING=1\nMONOTONIC_USEC=%" PRId64 "\n",
             (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000);
    notify(daemon, words);
    config_init_errors(&errors);
    buf_init(&restart_needed, 1 << 16);
    if (config_args_load(daemon->args, daemon->environment, daemon->state_directory, &next, &errors) != 0) {
        log_event(LOG_DAEMON_RELOAD_FAILED, LOG_S("reason", buf_str(&errors.lines)));
    } else {
        config_reload(daemon->config, next, &restart_needed);
        log_set_level((enum log_level)daemon->config->log_level);
        dns_server_set_query_log(daemon->dns, (unsigned)daemon->config->dns_query_log);
        daemon_tls_reload(daemon->tls, daemon->config);
        publish_facts(daemon, "ready"); /* on failure status tells the old ones */
        log_reloaded(daemon->config, buf_str(&restart_needed));
    }
    config_free(next);
    config_fini_errors(&errors);
    buf_fini(&restart_needed);
    notify(daemon, "READY=1\n");
}

/* --- the loop ------------------------------------------------------------------------------------------------------
 */

static const int awaited_signals[] = { SIGTERM, SIGINT, SIGHUP };

static void fill_set(sigset_t *ret_set)
{
    sigemptyset(ret_set);
    for (size_t i = 0; i < sizeof(awaited_signals) / sizeof(awaited_signals[0]); i++)
        sigaddset(ret_set, awaited_signals[i]);
}

void daemon_block_signals(void)
{
    sigset_t set;
    fill_set(&set);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a limit on file sizes is a full disk, not an end */
}

/* Handles SIGHUP, and tells the service manager what it wants to hear, until a signal says to stop; returns it. */
static int serve(struct daemon *daemon)
{
    int64_t watchdog_ms = sd_notify_watchdog_ms();
    int64_t period_ms = watchdog_ms && watchdog_ms < STATUS_MS ? watchdog_ms : STATUS_MS;
    struct timespec period = { .tv_sec = period_ms / 1000, .tv_nsec = period_ms % 1000 * 1000000 };
    sigset_t set;
    fill_set(&set);
    for (;;) {
        int signal_number = sigtimedwait(&set, NULL, &period);
        if (signal_number == SIGHUP)
            reload(daemon);
        else if (signal_number > 0)
            return signal_number;
        api_tick(daemon->api);
        notify(daemon, watchdog_ms ? "WATCHDOG=1\n" : "");
    }
}

/* From now on TERM and INT end the process as they do by default, also where a shell that started it in the background
 * had it ignore INT: whoever sends a second one does not want to wait. */
static void unblock_stop_signals(void)
{
    sigset_t set;
    signal(SIGTERM, SIG_DFL);
    signal(SIGINT, SIG_DFL);
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}

/* --- stop ----------------------------------------------------------------------------------------------------------
 */

/* Also of a daemon that did not start completely. Returns whether the store took every write. */
static bool stop(struct daemon *daemon)
{
    struct store_stat stat = { .lost = false };
    if (daemon->api)
        api_set_stopping(daemon->api);
    http_server_stop(daemon->server);
    tls_free(daemon->tls);
    api_free(daemon->api);
    if (daemon->admin)
        admin_set_dns(daemon->admin, NULL);
    dns_server_stop(daemon->dns);
    admin_stop(daemon->admin);
    health_stop(daemon->health);
    registry_stop(daemon->registry); /* its last checkpoint is for the audit file, too */
    audit_file_stop(daemon->audit_file);
    vault_free(daemon->vault);
    registry_close(daemon->registry);
    health_free(daemon->health);
    daemon_targets_fini(&daemon->targets);
    daemon_views_fini(&daemon->views);
    if (daemon->store)
        store_stat(daemon->store, &stat);
    store_close(daemon->store);
    return !stat.lost;
}

int daemon_run(const struct config_args *args, char *const *environment, const char *state_directory,
               struct config *take_config)
{
    struct daemon daemon = { .args = args,
                             .environment = environment,
                             .state_directory = state_directory,
                             .clock = clock_system(),
                             .config = take_config };
    daemon.started_ns = clock_mono_ns(daemon.clock);
    log_init((enum log_level)take_config->log_level, (enum log_format)take_config->log_format);
    snapshot_reader_start();
    int code = start(&daemon);
    if (code == 0) {
        say_ready(&daemon);
        int signal_number = serve(&daemon);
        unblock_stop_signals();
        log_event(LOG_DAEMON_STOPPING, LOG_C("signal", signal_number == SIGTERM ? "SIGTERM" : "SIGINT"));
        publish_facts(&daemon, "stopping");
        notify(&daemon, "STOPPING=1\n");
    }
    snapshot_reader_stop();
    bool kept = stop(&daemon);
    if (code == 0) {
        code = kept ? 0 : EXIT_FAILURE;
        log_event(LOG_DAEMON_STOPPED, LOG_I("code", code), LOG_I("uptime_s", since_start_ms(&daemon) / 1000));
    }
    config_free(daemon.config);
    return code;
}
