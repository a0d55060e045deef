/* SPDX-License-Identifier: Apache-2.0
 *
 * The admin server and its resources. */
#include "admin/admin.h"
#include "admin/admin_access.h"
#include "admin/admin_change.h"
#include "admin/admin_explain.h"
#include "admin/admin_guard.h"
#include "admin/admin_health.h"
#include "admin/socket_path.h"
#include "base/mem.h"
#include "json/writer.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define ANSWER_MAX (4 << 20)
#define BODY_MAX ADMIN_ACCESS_BODY_MAX
#define CONNECTIONS_MAX 64

struct admin {
    struct admin_config config;
    struct socket_path path;
    char *store_path; /* absolute */
    int64_t started_wall_ms, started_mono_ns;
    struct http_server *server;
    pthread_mutex_t mutex; /* for what is below */
    char *facts;           /* members of a JSON object, with a comma before each */
    const struct answer_settings *dns;
};

/* --- answers ------------------------------------------------------------------------------------------------------ */

static void write_store(struct json_writer *writer, const struct admin *admin, uint64_t revision)
{
    struct store_stat stat;
    store_stat(admin->config.store, &stat);
    json_key(writer, STR("store"));
    json_open_object(writer);
    json_field_string(writer, STR("path"), str_of(admin->store_path));
    json_field_int(writer, STR("revision"), (int64_t)revision);
    json_field_int(writer, STR("records"), (int64_t)stat.records);
    json_field_int(writer, STR("file_bytes"), (int64_t)stat.file_bytes);
    json_field_int(writer, STR("log_bytes"), (int64_t)stat.log_bytes);
    json_field_int(writer, STR("commits"), (int64_t)stat.commits);
    json_field_int(writer, STR("failed_commits"), (int64_t)stat.failed_commits);
    json_field_int(writer, STR("checkpoints"), (int64_t)stat.checkpoints);
    json_key(writer, STR("lost"));
    json_put_bool(writer, stat.lost);
    json_close_object(writer);
}

static void write_counts(struct json_writer *writer, const struct registry_stat *stat)
{
    json_field_int(writer, STR("queue_depth"), (int64_t)stat->queue_depth);
    json_key(writer, STR("counts"));
    json_open_object(writer);
    json_field_int(writer, STR("tenants"), (int64_t)stat->tenants);
    json_field_int(writer, STR("namespaces"), (int64_t)stat->namespaces);
    json_field_int(writer, STR("services"), (int64_t)stat->services);
    json_field_int(writer, STR("instances"), (int64_t)stat->instances);
    json_field_int(writer, STR("operations"), (int64_t)stat->operations);
    json_field_int(writer, STR("unfinished_operations"), (int64_t)stat->unfinished_operations);
    json_close_object(writer);
}

static void write_status(struct buf *buf, struct admin *admin)
{
    const struct clock *clock = admin->config.clock;
    struct registry_stat stat;
    registry_stat(admin->config.registry, &stat);
    struct json_writer writer;
    json_writer_init(&writer, buf);
    json_open_object(&writer);
    json_field_string(&writer, STR("version"), STR(CLOUDMAP_VERSION));
    json_field_int(&writer, STR("pid"), getpid());
    json_field_timestamp(&writer, STR("time"), clock_wall_ms(clock));
    json_field_timestamp(&writer, STR("started"), admin->started_wall_ms);
    json_field_int(&writer, STR("uptime_seconds"), (clock_mono_ns(clock) - admin->started_mono_ns) / 1000000000);
    write_store(&writer, admin, stat.revision);
    write_counts(&writer, &stat);
    pthread_mutex_lock(&admin->mutex);
    buf_put_str(buf, str_of(admin->facts));
    pthread_mutex_unlock(&admin->mutex);
    json_close_object(&writer);
}

static unsigned write_explanation(struct buf *buf, struct admin *admin, struct str query)
{
    pthread_mutex_lock(&admin->mutex);
    unsigned status =
        admin_explain_write(buf, query, admin->dns, registry_head(admin->config.registry), admin->config.clock);
    pthread_mutex_unlock(&admin->mutex);
    return status;
}

static void respond(struct http_request *request, unsigned status, struct buf *buf)
{
    static const struct http_header json = { "Content-Type", "application/json" };
    if (buf->failed)
        status = 500;
    size_t n = 0;
    char *body = buf_take(buf, &n);
    http_respond(request, status, &json, 1, body, n);
}

static void handle_access(struct admin *admin, struct http_request *request)
{
    struct buf buf;
    size_t n = 0;
    char *body = http_request_body(request, &n);
    buf_init(&buf, ADMIN_ACCESS_ANSWER_MAX);
    unsigned status = admin_access_run(admin->config.registry, admin->config.vault, NULL, body, n, &buf);
    respond(request, status, &buf);
    buf_fini(&buf);
}

static void handle(void *context, struct http_request *request)
{
    struct admin *admin = context;
    struct buf buf;
    bool is_change = admin_change_has_path(http_request_path(request));
    if (is_change && str_eq(http_request_method(request), STR("POST"))) {
        admin_change_handle(admin->config.registry, admin->config.health, request);
        return;
    }
    bool is_access = str_eq(http_request_path(request), STR(ADMIN_ACCESS_PATH));
    if (is_access && str_eq(http_request_method(request), STR("POST"))) {
        handle_access(admin, request);
        return;
    }
    buf_init(&buf, ANSWER_MAX);
    bool explain = str_eq(http_request_path(request), STR(ADMIN_EXPLAIN_PATH));
    bool health = str_eq(http_request_path(request), STR(ADMIN_HEALTH_PATH));
    bool guard = str_eq(http_request_path(request), STR(ADMIN_GUARD_PATH));
    if (is_change || is_access) {
        buf_put_str(&buf, STR("{\"error\":\"only POST is allowed here\"}"));
        respond(request, 405, &buf);
    } else if (!explain && !health && !guard && !str_eq(http_request_path(request), STR(ADMIN_STATUS_PATH))) {
        buf_put_str(&buf, STR("{\"error\":\"there is no such resource\"}"));
        respond(request, 404, &buf);
    } else if (!str_eq(http_request_method(request), STR("GET"))) {
        buf_put_str(&buf, STR("{\"error\":\"only GET is allowed here\"}"));
        respond(request, 405, &buf);
    } else if (guard) {
        admin_guard_write(&buf, admin->config.health, registry_head(admin->config.registry));
        respond(request, 200, &buf);
    } else if (explain) {
        unsigned status = write_explanation(&buf, admin, http_request_query(request));
        respond(request, status, &buf);
    } else if (health) {
        unsigned status = admin_health_write(&buf, http_request_query(request), admin->config.health,
                                             registry_head(admin->config.registry));
        respond(request, status, &buf);
    } else {
        write_status(&buf, admin);
        respond(request, 200, &buf);
    }
    buf_fini(&buf);
}

static void finish(void *context, struct http_request *request, void *call)
{
    (void)context;
    admin_change_finish(request, call);
}

static void *worker_start(void *arg, unsigned index)
{
    (void)index;
    snapshot_reader_start();
    return arg;
}

static void worker_stop(void *context)
{
    (void)context;
    snapshot_reader_stop();
}

/* --- facts -------------------------------------------------------------------------------------------------------- */

static void write_options(struct json_writer *writer, const struct admin_facts *facts)
{
    json_key(writer, STR("options"));
    json_open_array(writer);
    for (size_t i = 0; i < facts->n_options; i++) {
        json_open_object(writer);
        json_field_string(writer, STR("key"), str_of(facts->options[i].key));
        json_field_string(writer, STR("value"), str_of(facts->options[i].value));
        json_field_string(writer, STR("origin"), str_of(facts->options[i].origin));
        json_field_string(writer, STR("where"), str_of(facts->options[i].where));
        json_close_object(writer);
    }
    json_close_array(writer);
}

static void write_texts(struct json_writer *writer, struct str key, const char *const *texts, size_t n)
{
    json_key(writer, key);
    json_open_array(writer);
    for (size_t i = 0; i < n; i++)
        json_put_string(writer, str_of(texts[i]));
    json_close_array(writer);
}

void admin_set_dns(struct admin *admin, const struct answer_settings *settings)
{
    pthread_mutex_lock(&admin->mutex);
    admin->dns = settings;
    pthread_mutex_unlock(&admin->mutex);
}

int admin_set_facts(struct admin *admin, const struct admin_facts *facts)
{
    struct buf buf;
    buf_init(&buf, ANSWER_MAX / 2);
    buf_put_char(&buf, ',');
    struct json_writer writer;
    json_writer_init(&writer, &buf);
    json_field_string(&writer, STR("state"), str_of(facts->state));
    json_field_optional(&writer, STR("region"), str_of(facts->region));
    json_field_optional(&writer, STR("account"), str_of(facts->account));
    json_field_optional(&writer, STR("compat"), str_of(facts->compat));
    json_field_optional(&writer, STR("auth"), str_of(facts->auth));
    write_texts(&writer, STR("api"), facts->addresses, facts->n_addresses);
    write_texts(&writer, STR("tls"), facts->tls_addresses, facts->n_tls_addresses);
    json_field_int(&writer, STR("certificate_expiry"), facts->certificate_expiry_s);
    write_options(&writer, facts);
    char *text = buf_take(&buf, NULL);
    buf_fini(&buf);
    if (!text)
        return -ENOMEM;
    pthread_mutex_lock(&admin->mutex);
    char *old = admin->facts;
    admin->facts = text;
    pthread_mutex_unlock(&admin->mutex);
    mem_free(old);
    return 0;
}

/* --- life --------------------------------------------------------------------------------------------------------- */

static void free_admin(struct admin *admin)
{
    socket_path_close(&admin->path);
    pthread_mutex_destroy(&admin->mutex);
    free(admin->store_path); /* lint: realpath's memory is the C library's */
    mem_free(admin->facts);
    mem_free(admin);
}

static int start_server(struct admin *admin, struct http_message *ret_message)
{
    struct http_server_config config = {
        .unix_path = admin->path.text,
        .n_workers = 1,
        .handler = { .worker_start = worker_start,
                     .worker_stop = worker_stop,
                     .handle = handle,
                     .finish = finish,
                     .arg = admin },
        .clock = admin->config.clock,
    };
    http_limits_default(&config.limits);
    config.limits.body_max = BODY_MAX;
    config.limits.connections_max = CONNECTIONS_MAX;
    config.limits.stop_ms = 1000;
    return http_server_start(&config, &admin->server, ret_message);
}

int admin_start(const struct admin_config *config, struct admin **ret_admin, struct http_message *ret_message)
{
    snprintf(ret_message->text, sizeof(ret_message->text), "the admin socket could not be opened: out of memory");
    struct admin *admin = mem_zalloc(sizeof(*admin));
    if (!admin)
        return -ENOMEM;
    admin->config = *config;
    admin->path.dir_fd = -1;
    admin->started_wall_ms = clock_wall_ms(config->clock);
    admin->started_mono_ns = clock_mono_ns(config->clock);
    pthread_mutex_init(&admin->mutex, NULL);
    admin->store_path = realpath(config->dir, NULL);
    int r = admin->store_path ? socket_path_open(config->dir, NULL, &admin->path) : -errno;
    if (r < 0 && r != -ENOMEM)
        snprintf(ret_message->text, sizeof(ret_message->text), "the admin socket in %s could not be opened: %s",
                 config->dir, strerror(-r));
    if (r == 0)
        r = admin_set_facts(admin, &(struct admin_facts){ .state = "starting" });
    if (r == 0)
        r = start_server(admin, ret_message);
    if (r != 0) {
        free_admin(admin);
        return r;
    }
    *ret_admin = admin;
    return 0;
}

void admin_stop(struct admin *take_admin)
{
    if (!take_admin)
        return;
    http_server_stop(take_admin->server);
    free_admin(take_admin);
}
