/* SPDX-License-Identifier: Apache-2.0
 *
 * One call is a loop of attempts. What an attempt came to is kept in `struct outcome`; everything about retries is
 * decided from that. */
#include "aws/aws_client.h"
#include "aws/aws_failure.h"
#include "aws/aws_request.h"
#include "aws/aws_retry.h"
#include "aws/shared_config.h"
#include "base/mem.h"
#include "base/text.h"
#include "sigv4/amz_date.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define TOTAL_MS 10000
#define CONNECT_MS 3000
#define ANSWER_MAX ((size_t)16 << 20)
#define ATTEMPTS_MAX 20
#define SETTINGS_MAX ((size_t)64 << 10)
#define ATTEMPT_MAX ((size_t)1 << 20)
#define SKEW_MAX_MS 240000 /* services refuse from five minutes on */
#define SKEW_MIN_MS 60000  /* less cannot be why a service refuses */

struct aws_client {
    struct aws_client_config config;
    const struct aws_service_traits *traits;
    struct arena settings;
    struct str region;
    struct aws_endpoint endpoint;
    const char *ca_path;
    unsigned max_attempts;
    int64_t deadline_ns;     /* 0: none */
    const atomic_bool *stop; /* or NULL */
    int64_t skew_ms;         /* to be added to our wall clock */
    struct http_client *http;
    struct rand rand;
    struct aws_retry_quota quota;
    aws_client_watch_fn *watch;
    void *watch_arg;
    struct aws_client_stats stats;
};

/* --- made and freed ---------------------------------------------------------------------------------------------- */

/* AWS_MAX_ATTEMPTS counts the first one. */
static unsigned max_attempts_of(const struct environment *environment)
{
    uint64_t n;
    struct str text = str_of(environment_find(environment, "AWS_MAX_ATTEMPTS"));
    if (!str_is_set(text) || str_parse_u64(text, &n) != 0 || n == 0)
        return AWS_RETRY_ATTEMPTS;
    return n < ATTEMPTS_MAX ? (unsigned)n : ATTEMPTS_MAX;
}

static int read_settings(struct aws_client *client, struct aws_error *error)
{
    const struct aws_client_config *config = &client->config;
    const struct environment *environment = config->environment;
    struct shared_config *shared;
    int r = shared_config_load(environment, &shared, error);
    if (r != 0)
        return r;
    r = aws_endpoint_find_region(environment, shared, config->region, &client->settings, &client->region, error);
    if (r == 0)
        r = aws_endpoint_find(config->service, client->region, environment, shared, &client->settings,
                              &client->endpoint, error);
    struct str bundle = str_of(environment_find(environment, "AWS_CA_BUNDLE"));
    if (!str_is_set(bundle))
        bundle = shared_config_value(shared, str_of(shared_config_profile(environment)), "ca_bundle");
    if (r == 0 && str_is_set(bundle)) {
        client->ca_path = arena_dup(&client->settings, bundle).p;
        r = client->ca_path ? 0 : -ENOMEM;
    }
    client->max_attempts = max_attempts_of(environment);
    shared_config_free(shared);
    return r;
}

int aws_client_new(const struct aws_client_config *config, struct aws_client **ret_client, struct aws_error *ret_error)
{
    struct aws_client *client = mem_zalloc(sizeof(*client));
    if (!client)
        return -ENOMEM;
    client->config = *config;
    client->traits = aws_service_traits(config->service);
    arena_init(&client->settings, SETTINGS_MAX);
    rand_init(&client->rand);
    aws_retry_quota_init(&client->quota);
    int r = read_settings(client, ret_error);
    if (r == 0)
        r = http_client_new(&client->http);
    if (r != 0) {
        aws_client_free(client);
        return r;
    }
    *ret_client = client;
    return 0;
}

void aws_client_free(struct aws_client *client)
{
    if (!client)
        return;
    http_client_free(client->http);
    arena_fini(&client->settings);
    mem_free(client);
}

const char *aws_client_region(const struct aws_client *client)
{
    return client->region.p;
}

const struct clock *aws_client_clock(const struct aws_client *client)
{
    return client->config.clock;
}

int64_t aws_client_skew_ms(const struct aws_client *client)
{
    return client->skew_ms;
}

void aws_client_set_deadline(struct aws_client *client, int64_t mono_ns)
{
    client->deadline_ns = mono_ns;
}

void aws_client_set_stop(struct aws_client *client, const atomic_bool *stop)
{
    client->stop = stop;
}

void aws_client_set_watch(struct aws_client *client, aws_client_watch_fn *fn, void *arg)
{
    client->watch = fn;
    client->watch_arg = arg;
}

struct aws_client_stats aws_client_stats(const struct aws_client *client)
{
    return client->stats;
}

int aws_client_fail(struct aws_error *error, int result, const char *format, ...)
{
    va_list args;
    char text[sizeof(error->message)];
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    *error = (struct aws_error){ 0 };
    aws_failure_copy(error->message, sizeof(error->message), str_of(text));
    return result;
}

/* --- one attempt ------------------------------------------------------------------------------------------------- */

struct outcome {
    int result; /* as of aws_client_call */
    enum aws_retry_kind kind;
    bool was_timeout;
    bool has_wrong_clock; /* ours, by the Date of the answer */
};

/* Puts who asked for what before the message, and the code. */
static void explain(const struct aws_client *client, const struct aws_call *call, struct aws_error *error)
{
    char text[2 * sizeof(error->message)];
    const char *role = client->config.role_arn;
    snprintf(text, sizeof(text), "%s %s in " STR_FMT "%s%.128s: %s%s%s", client->traits->name, call->action,
             STR_ARG(client->region), role ? " as " : "", role ? role : "", error->code, error->code[0] ? ": " : "",
             error->message[0] ? error->message : "no message");
    aws_failure_copy(error->message, sizeof(error->message), str_of(text));
}

static int64_t wall_ms(const struct aws_client *client)
{
    return clock_wall_ms(client->config.clock) + client->skew_ms;
}

/* Compares the clocks; a service that is minutes away from ours would refuse what we sign, so its time is adopted. The
 * Date has whole seconds, which do not matter here. */
static void compare_clocks(struct aws_client *client, const struct http_client_answer *answer, struct outcome *outcome)
{
    int64_t seconds;
    struct str date = http_client_header(answer, "Date");
    if (!str_is_set(date) || amz_date_parse_http(date, &seconds) != 0)
        return;
    int64_t apart_ms = seconds * 1000 - wall_ms(client);
    int64_t limit_ms = outcome->kind == AWS_RETRY_CLOCK ? SKEW_MIN_MS : SKEW_MAX_MS;
    outcome->has_wrong_clock = llabs(apart_ms) > limit_ms;
    if (outcome->has_wrong_clock)
        client->skew_ms += apart_ms;
}

static void judge_refusal(struct aws_client *client, const struct aws_call *call, struct http_client_answer *answer,
                          struct outcome *outcome, struct aws_error *error)
{
    aws_failure_read(answer, error);
    outcome->kind = aws_retry_kind(error->status, str_of(error->code));
    if (error->code[0]) {
        outcome->result = AWS_REFUSED;
    } else {
        outcome->result = outcome->kind == AWS_RETRY_NEVER ? AWS_ODD : AWS_NO_ANSWER;
        snprintf(error->message, sizeof(error->message), "status %u without an error code", error->status);
    }
    explain(client, call, error);
}

static void judge_silence(struct aws_client *client, const struct aws_call *call, int condition,
                          const struct http_message *message, struct outcome *outcome, struct aws_error *error)
{
    bool is_final = condition == HTTP_CLIENT_BAD_URL || condition == HTTP_CLIENT_TOO_LARGE;
    outcome->result = is_final ? AWS_ODD : AWS_NO_ANSWER;
    outcome->kind = is_final ? AWS_RETRY_NEVER : AWS_RETRY_TRANSIENT;
    outcome->was_timeout = condition == HTTP_CLIENT_TIMEOUT;
    aws_client_fail(error, outcome->result, "%s", message->text);
    explain(client, call, error);
}

/* Where this call goes. */
static int choose_endpoint(const struct aws_client *client, const struct aws_call *call, struct arena *arena,
                           struct aws_endpoint *ret_endpoint, struct aws_error *error)
{
    *ret_endpoint = client->endpoint;
    if (!call->url || client->endpoint.is_configured)
        return 0;
    return aws_endpoint_parse(str_of(call->url), arena, ret_endpoint, error);
}

/* Of this attempt: what the call grants, and what is left until the deadline, at least 1 ms. */
static int64_t total_ms_of(const struct aws_client *client, const struct aws_call *call)
{
    int64_t total_ms = call->total_ms ? call->total_ms : TOTAL_MS;
    if (client->deadline_ns == 0)
        return total_ms;
    int64_t left_ms = (client->deadline_ns - clock_mono_ns(client->config.clock)) / 1000000;
    if (left_ms < 1)
        left_ms = 1;
    return left_ms < total_ms ? left_ms : total_ms;
}

static int send_request(struct aws_client *client, const struct aws_call *call, struct aws_request *request,
                        struct arena *arena, struct http_client_answer *ret_answer, struct http_message *message,
                        struct aws_error *error, bool *ret_sent)
{
    struct aws_endpoint endpoint;
    struct credentials credentials;
    struct http_header *headers;
    size_t n_headers;
    int r = choose_endpoint(client, call, arena, &endpoint, error);
    if (r == 0 && client->config.credentials) {
        r = credentials_chain_get(client->config.credentials, &credentials, error);
        request->credentials = &credentials;
    }
    request->endpoint = &endpoint;
    request->seconds = wall_ms(client) / 1000;
    if (r == 0)
        r = aws_request_make(request, arena, &headers, &n_headers, error);
    if (r != 0)
        return r;
    const struct http_client_request http = {
        .method = "POST",
        .url = endpoint.url.p,
        .headers = headers,
        .n_headers = n_headers,
        .body = str_is_set(call->body) ? call->body : STR(""),
        .connect_ms = request->total_ms < CONNECT_MS ? request->total_ms : CONNECT_MS,
        .total_ms = request->total_ms,
        .answer_max = call->answer_max ? call->answer_max : ANSWER_MAX,
        .uses_environment = true,
        .ca_path = client->ca_path,
        .stop = client->stop,
    };
    *ret_sent = true;
    return http_client_send(client->http, &http, ret_answer, message);
}

static void tell_watch(struct aws_client *client, const struct aws_call *call, const struct outcome *outcome,
                       const struct aws_error *error)
{
    bool is_throttled = outcome->result != 0 && outcome->kind == AWS_RETRY_THROTTLED;
    client->stats.attempts++;
    client->stats.throttled += is_throttled;
    if (client->watch)
        client->watch(client->watch_arg, call->action,
                      outcome->result == 0 ? "ok"
                      : error->code[0]     ? error->code
                                           : "none",
                      is_throttled);
}

static void attempt(struct aws_client *client, const struct aws_call *call, struct str invocation_id, unsigned number,
                    struct buf *ret_body, struct outcome *ret_outcome, struct aws_error *error)
{
    struct arena arena;
    struct http_client_answer answer;
    struct http_message message;
    struct outcome outcome = { 0 };
    bool was_sent = false;
    struct aws_request request = {
        .traits = client->traits,
        .region = client->region,
        .action = call->action,
        .body = call->body,
        .invocation_id = invocation_id,
        .attempt = number,
        .max_attempts = client->max_attempts,
        .total_ms = total_ms_of(client, call),
    };
    arena_init(&arena, ATTEMPT_MAX);
    int r = send_request(client, call, &request, &arena, &answer, &message, error, &was_sent);
    arena_fini(&arena);
    if (!was_sent || r < 0) {
        outcome.result = r;
    } else if (r > 0) {
        judge_silence(client, call, r, &message, &outcome, error);
    } else if (answer.status / 100 == 2) {
        compare_clocks(client, &answer, &outcome);
        buf_fini(ret_body);
        *ret_body = answer.body;
        buf_init(&answer.body, 0);
    } else {
        judge_refusal(client, call, &answer, &outcome, error);
        compare_clocks(client, &answer, &outcome);
    }
    if (was_sent && r == 0)
        http_client_answer_free(&answer);
    if (was_sent && r >= 0)
        tell_watch(client, call, &outcome, error);
    *ret_outcome = outcome;
}

/* --- retries ----------------------------------------------------------------------------------------------------- */

static bool is_too_late(const struct aws_client *client, int64_t wait_ms)
{
    if (client->stop && atomic_load(client->stop))
        return true;
    return client->deadline_ns != 0 && clock_mono_ns(client->config.clock) + wait_ms * 1000000 >= client->deadline_ns;
}

static bool wait_for(struct aws_client *client, int64_t ms)
{
    if (client->config.wait)
        return client->config.wait(client->config.wait_arg, ms);
    const struct timespec pause = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };
    return clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL) == 0;
}

/* AWS_TOO_LATE; what the last attempt came to stays readable. */
static int be_late(const struct aws_client *client, const struct aws_call *call, unsigned n_attempts,
                   struct aws_error *error)
{
    const struct aws_error last = *error;
    if (n_attempts == 0)
        return aws_client_fail(error, AWS_TOO_LATE, "%s %s in " STR_FMT ": the time for this round is over.",
                               client->traits->name, call->action, STR_ARG(client->region));
    aws_client_fail(error, AWS_TOO_LATE, "No time is left for another attempt after: %s", last.message);
    error->status = last.status;
    memcpy(error->code, last.code, sizeof(last.code));
    memcpy(error->request_id, last.request_id, sizeof(last.request_id));
    return AWS_TOO_LATE;
}

/* What a call may do once. */
struct once {
    bool fresh_credentials, right_clock;
};

/* Whether another attempt is due at once, with other credentials or another time. */
static bool is_mended(struct aws_client *client, const struct outcome *outcome, struct once *once)
{
    if (outcome->has_wrong_clock && !once->right_clock && outcome->result == AWS_REFUSED) {
        once->right_clock = true;
        return true;
    }
    if (outcome->kind == AWS_RETRY_CREDENTIALS && !once->fresh_credentials && client->config.credentials) {
        credentials_chain_forget(client->config.credentials);
        once->fresh_credentials = true;
        return true;
    }
    return false;
}

static bool may_retry(struct aws_client *client, const struct outcome *outcome, unsigned n_tried)
{
    return (outcome->kind == AWS_RETRY_TRANSIENT || outcome->kind == AWS_RETRY_THROTTLED) &&
           n_tried < client->max_attempts && aws_retry_quota_take(&client->quota, outcome->was_timeout);
}

int aws_client_call(struct aws_client *client, const struct aws_call *call, struct buf *ret_body,
                    struct aws_error *ret_error)
{
    char invocation_id[36];
    uint64_t random[2] = { rand_u64(&client->rand), rand_u64(&client->rand) };
    struct once once = { 0 };
    struct outcome outcome;
    unsigned n_attempts = 0, n_mended = 0;
    text_uuid((const uint8_t *)random, invocation_id);
    aws_retry_quota_begin(&client->quota);
    client->stats.calls++;
    for (;;) {
        if (is_too_late(client, 0))
            return be_late(client, call, n_attempts, ret_error);
        attempt(client, call, (struct str){ invocation_id, sizeof(invocation_id) }, ++n_attempts, ret_body, &outcome,
                ret_error);
        if (outcome.result == 0) {
            aws_retry_quota_return(&client->quota);
            return 0;
        }
        if (outcome.result == AWS_NO_ANSWER && is_too_late(client, 0))
            return be_late(client, call, n_attempts, ret_error);
        if (is_mended(client, &outcome, &once)) {
            n_mended++;
            continue;
        }
        if (!may_retry(client, &outcome, n_attempts - n_mended))
            return outcome.result;
        int64_t delay_ms = aws_retry_delay_ms(&client->rand, n_attempts - n_mended);
        if (is_too_late(client, delay_ms) || !wait_for(client, delay_ms))
            return be_late(client, call, n_attempts, ret_error);
    }
}
