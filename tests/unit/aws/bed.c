/* SPDX-License-Identifier: Apache-2.0
 *
 * The server of the tests and the environment around it. */
#include "bed.h"
#include "base/mem.h"
#include "base/timestamp.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const char *const folders[] = { "", "/.aws" };

/* --- the server -------------------------------------------------------------------------------------------------- */

static struct bed_route *find_route(struct bed *bed, struct str method, struct str path)
{
    for (size_t i = 0; i < bed->n_routes; i++)
        if (str_eq(method, str_of(bed->routes[i].method)) && str_eq(path, str_of(bed->routes[i].path)))
            return &bed->routes[i];
    return NULL;
}

static void note(struct bed *bed, struct http_request *request)
{
    size_t n_headers, n_body;
    const struct str_pair *headers = http_request_headers(request, &n_headers);
    const char *body = http_request_body(request, &n_body);
    buf_printf(&bed->log, STR_FMT " " STR_FMT "\n", STR_ARG(http_request_method(request)),
               STR_ARG(http_request_path(request)));
    for (size_t i = 0; i < n_headers; i++)
        buf_printf(&bed->log, STR_FMT ": " STR_FMT "\n", STR_ARG(headers[i].key), STR_ARG(headers[i].value));
    buf_printf(&bed->log, "\n%.*s\n", (int)n_body, body);
    bed->n_requests++;
}

static void handle(void *context, struct http_request *request)
{
    struct bed *bed = context;
    pthread_mutex_lock(&bed->mutex);
    note(bed, request);
    struct bed_route *route = find_route(bed, http_request_method(request), http_request_path(request));
    unsigned status = route ? route->status : 404;
    const char *body = route ? route->body : "nothing here";
    if (route && route->n_failures > 0) {
        route->n_failures--;
        status = 500;
        body = "{}";
    }
    http_respond(request, status, NULL, 0, mem_dup(body, strlen(body)), strlen(body));
    pthread_mutex_unlock(&bed->mutex);
}

static void start(struct bed *bed)
{
    static const char *const addresses[] = { "127.0.0.1:0" };
    struct http_message message;
    struct http_server_config config = { .addresses = addresses,
                                         .n_addresses = 1,
                                         .n_workers = 1,
                                         .clock = clock_system(),
                                         .handler = { .handle = handle, .arg = bed } };
    http_limits_default(&config.limits);
    assert_int_equal(http_server_start(&config, &bed->server, &message), 0);
    assert_int_equal(sscanf(strrchr(http_server_address(bed->server, 0), ':'), ":%u", &bed->port), 1);
}

void bed_route(struct bed *bed, const char *method, const char *path, unsigned status, const char *body)
{
    pthread_mutex_lock(&bed->mutex);
    struct bed_route *route = find_route(bed, str_of(method), str_of(path));
    if (!route) {
        assert_true(bed->n_routes < BED_MAX_ROUTES);
        route = &bed->routes[bed->n_routes++];
    }
    *route = (struct bed_route){ .status = status };
    snprintf(route->method, sizeof(route->method), "%s", method);
    snprintf(route->path, sizeof(route->path), "%s", path);
    assert_true(strlen(body) < sizeof(route->body));
    snprintf(route->body, sizeof(route->body), "%s", body);
    pthread_mutex_unlock(&bed->mutex);
}

void bed_fail_first(struct bed *bed, const char *method, const char *path, unsigned n)
{
    pthread_mutex_lock(&bed->mutex);
    struct bed_route *route = find_route(bed, str_of(method), str_of(path));
    assert_non_null(route);
    route->n_failures = n;
    pthread_mutex_unlock(&bed->mutex);
}

bool bed_saw(struct bed *bed, const char *text)
{
    pthread_mutex_lock(&bed->mutex);
    struct str log = buf_str(&bed->log);
    bool saw = memmem(log.p, log.n, text, strlen(text)) != NULL;
    if (!saw)
        print_message("'%s' is not in:\n" STR_FMT "\n", text, STR_ARG(log));
    pthread_mutex_unlock(&bed->mutex);
    return saw;
}

unsigned bed_count(struct bed *bed)
{
    pthread_mutex_lock(&bed->mutex);
    unsigned n = bed->n_requests;
    pthread_mutex_unlock(&bed->mutex);
    return n;
}

void bed_clear_log(struct bed *bed)
{
    pthread_mutex_lock(&bed->mutex);
    buf_clear(&bed->log);
    bed->n_requests = 0;
    pthread_mutex_unlock(&bed->mutex);
}

/* The server's Date is this machine's time, and STS speaks by the same clock. */
static void by_server_clock(const char *expiration, char *ret, size_t size)
{
    int64_t ms;
    struct tm tm;
    assert_int_equal(timestamp_parse_ms(str_of(expiration), &ms), 0);
    time_t seconds = (time_t)((ms - BED_NOW_MS + clock_wall_ms(clock_system())) / 1000);
    strftime(ret, size, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&seconds, &tm));
}

void bed_route_sts(struct bed *bed, const char *action, const char *id, const char *expiration)
{
    char body[2048], end[32];
    by_server_clock(expiration, end, sizeof(end));
    snprintf(body, sizeof(body),
             "<%sResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><%sResult><AssumedRoleUser><Arn>x</Arn>"
             "</AssumedRoleUser><Credentials><AccessKeyId>%s</AccessKeyId><SecretAccessKey>secret-of-%s"
             "</SecretAccessKey><SessionToken>token-of-%s</SessionToken><Expiration>%s</Expiration></Credentials>"
             "</%sResult><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></%sResponse>",
             action, action, id, id, id, end, action, action);
    bed_route(bed, "POST", "/", 200, body);
}

void bed_route_metadata(struct bed *bed, const char *document)
{
    bed_set(bed, "AWS_EC2_METADATA_DISABLED", NULL);
    bed_set_url(bed, "AWS_EC2_METADATA_SERVICE_ENDPOINT", "/");
    bed_route(bed, "PUT", "/latest/api/token", 200, "metadata/token==");
    bed_route(bed, "GET", "/latest/meta-data/iam/security-credentials/", 200, "role-x");
    bed_route(bed, "GET", "/latest/meta-data/iam/security-credentials/role-x", 200, document);
}

/* --- the environment --------------------------------------------------------------------------------------------- */

void bed_set(struct bed *bed, const char *name, const char *value)
{
    size_t n = strlen(name), i = 0;
    while (bed->variables[i] && (strncmp(bed->variables[i], name, n) != 0 || bed->variables[i][n] != '='))
        i++;
    assert_true(i < BED_MAX_VARIABLES);
    mem_free(bed->variables[i]);
    bed->variables[i] = NULL;
    if (value) {
        size_t size = n + strlen(value) + 2;
        bed->variables[i] = mem_alloc(size);
        snprintf(bed->variables[i], size, "%s=%s", name, value);
        return;
    }
    for (; bed->variables[i + 1]; i++)
        bed->variables[i] = bed->variables[i + 1];
    bed->variables[i] = NULL;
}

void bed_set_path(struct bed *bed, const char *name, const char *file)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/%s", bed->dir, file);
    bed_set(bed, name, path);
}

void bed_set_url(struct bed *bed, const char *name, const char *path)
{
    char url[256];
    snprintf(url, sizeof(url), "http://127.0.0.1:%u%s", bed->port, path);
    bed_set(bed, name, url);
}

void bed_write(struct bed *bed, const char *file, const char *text)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/%s", bed->dir, file);
    FILE *stream = fopen(path, "w");
    assert_non_null(stream);
    assert_int_equal(fwrite(text, 1, strlen(text), stream), strlen(text));
    assert_int_equal(fclose(stream), 0);
}

void bed_unlink(struct bed *bed, const char *file)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/%s", bed->dir, file);
    assert_true(unlink(path) == 0 || errno == ENOENT);
}

int bed_setup(void **state)
{
    struct bed *bed = mem_zalloc(sizeof(*bed));
    pthread_mutex_init(&bed->mutex, NULL);
    buf_init(&bed->log, 4 << 20);
    clock_manual_init(&bed->clock, BED_NOW_MS);
    snprintf(bed->dir, sizeof(bed->dir), "/tmp/cloudmap-aws-XXXXXX");
    assert_non_null(mkdtemp(bed->dir));
    char path[128];
    snprintf(path, sizeof(path), "%s/.aws", bed->dir);
    assert_int_equal(mkdir(path, 0700), 0);
    start(bed);
    bed->environment.variables = bed->variables;
    bed_set(bed, "HOME", bed->dir);
    bed_set(bed, "AWS_REGION", "us-east-1");
    bed_set(bed, "AWS_EC2_METADATA_DISABLED", "true");
    bed_set_url(bed, "AWS_ENDPOINT_URL_STS", "");
    *state = bed;
    return 0;
}

int bed_teardown(void **state)
{
    static const char *const files[] = { ".aws/config", ".aws/credentials", "token", "program", "mark", "other" };
    struct bed *bed = *state;
    http_server_stop(bed->server);
    for (size_t i = 0; i < TEST_COUNT(files); i++)
        bed_unlink(bed, files[i]);
    for (size_t i = TEST_COUNT(folders); i-- > 0;) {
        char path[128];
        snprintf(path, sizeof(path), "%s%s", bed->dir, folders[i]);
        assert_int_equal(rmdir(path), 0);
    }
    for (size_t i = 0; bed->variables[i]; i++)
        mem_free(bed->variables[i]);
    buf_fini(&bed->log);
    pthread_mutex_destroy(&bed->mutex);
    mem_free(bed);
    return 0;
}

/* --- chains ------------------------------------------------------------------------------------------------------ */

struct credentials_chain *bed_chain(struct bed *bed, const char *role_arn)
{
    const struct credentials_config config = { .environment = &bed->environment,
                                               .clock = &bed->clock.clock,
                                               .role_arn = role_arn };
    struct credentials_chain *chain;
    assert_int_equal(credentials_chain_new(&config, &chain), 0);
    return chain;
}

void bed_expect(struct bed *bed, struct credentials_chain *chain, const char *id, const char *source)
{
    struct credentials credentials;
    struct aws_error error = { 0 };
    char secret[128];
    (void)bed;
    int r = credentials_chain_get(chain, &credentials, &error);
    if (r != 0)
        print_error("no credentials: %s\n", error.message);
    assert_int_equal(r, 0);
    snprintf(secret, sizeof(secret), "secret-of-%s", id);
    if (!str_eq(credentials.access_key_id, str_of(id)) || strcmp(credentials.source, source))
        print_error("got '" STR_FMT "' from '%s'\n", STR_ARG(credentials.access_key_id), credentials.source);
    assert_true(str_eq(credentials.access_key_id, str_of(id)));
    assert_true(str_eq(credentials.secret_access_key, str_of(secret)));
    assert_string_equal(credentials.source, source);
}

void bed_refuse(struct bed *bed, struct credentials_chain *chain, const char *text, const char *other)
{
    struct credentials credentials;
    struct aws_error error = { 0 };
    (void)bed;
    assert_int_equal(credentials_chain_get(chain, &credentials, &error), AWS_NO_CREDENTIALS);
    if (!strstr(error.message, text) || !strstr(error.message, other))
        print_error("the message is '%s'\n", error.message);
    assert_non_null(strstr(error.message, text));
    assert_non_null(strstr(error.message, other));
    assert_null(strstr(error.message, "secret-of-"));
}

void bed_expect_once(struct bed *bed, const char *id, const char *source)
{
    struct credentials_chain *chain = bed_chain(bed, NULL);
    bed_expect(bed, chain, id, source);
    credentials_chain_free(chain);
}

void bed_refuse_once(struct bed *bed, const char *text, const char *other)
{
    struct credentials_chain *chain = bed_chain(bed, NULL);
    bed_refuse(bed, chain, text, other);
    credentials_chain_free(chain);
}
