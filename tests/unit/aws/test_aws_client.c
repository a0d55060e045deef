/* SPDX-License-Identifier: Apache-2.0
 *
 * The client against a service that says what it is told to. */
#include "base/mem.h"
#include "service_double.h"
#include "sigv4/verifier.h"

#define NOW 1700000000 /* Tue, 14 Nov 2023 22:13:20 GMT */
#define OK_HEAD "HTTP/1.1 200 OK\r\n"
#define OK_DATE "Tue, 14 Nov 2023 22:13:20 GMT"
#define JSON_400 "HTTP/1.1 400 Bad Request\r\nx-amzn-RequestId: id-1\r\n"

static struct service_double service;
static struct service_chain chain;
static struct clock_manual clock_manual;
static struct aws_client *client;
static struct buf body;
static struct aws_error error;

/* What the client waited, and how many times. */
static int64_t waited_ms;
static unsigned n_waits;
static bool wakes_early;

static bool wait_ms(void *arg, int64_t ms)
{
    (void)arg;
    waited_ms += ms;
    n_waits++;
    clock_manual_advance(&clock_manual, ms);
    return !wakes_early;
}

/* What the watch heard. */
static char heard[512];

static void listen_to(void *arg, const char *action, const char *code, bool is_throttled)
{
    (void)arg;
    size_t n = strlen(heard);
    snprintf(heard + n, sizeof(heard) - n, "%s %s%s,", action, code, is_throttled ? " throttled" : "");
}

static void begin_as(enum aws_service kind, const char *extra, const struct service_step *steps, size_t n_steps)
{
    static char endpoint[64];
    static const char *variables[] = { "HOME=/nonexistent", endpoint, NULL, NULL };
    static struct environment environment = { (char **)variables };
    service_double_start(&service, steps, n_steps, NOW);
    snprintf(endpoint, sizeof(endpoint), "AWS_ENDPOINT_URL=http://127.0.0.1:%u", service.port);
    variables[2] = extra;
    clock_manual_init(&clock_manual, NOW * 1000LL);
    waited_ms = n_waits = 0;
    wakes_early = false;
    heard[0] = '\0';
    buf_init(&body, 1 << 20);
    const struct aws_client_config config = {
        .service = kind,
        .region = "eu-central-1",
        .credentials = SERVICE_CHAIN(&chain),
        .environment = &environment,
        .clock = &clock_manual.clock,
        .wait = wait_ms,
    };
    assert_int_equal(aws_client_new(&config, &client, &error), 0);
    aws_client_set_watch(client, listen_to, NULL);
}

#define BEGIN(kind, ...)                                               \
    begin_as(kind, NULL, (const struct service_step[]){ __VA_ARGS__ }, \
             sizeof((const struct service_step[]){ __VA_ARGS__ }) / sizeof(struct service_step))

static void end(void)
{
    service_double_stop(&service);
    aws_client_free(client);
    buf_fini(&body);
    chain = (struct service_chain){ 0 };
}

static int call(const char *action, const char *text)
{
    const struct aws_call request = { .action = action, .body = str_of(text), .total_ms = 2000 };
    return aws_client_call(client, &request, &body, &error);
}

/* --- requests ---------------------------------------------------------------------------------------------------- */

static void test_signed_requests(void **state)
{
    (void)state;
    static const struct {
        enum aws_service service;
        const char *type, *target, *scope;
    } cases[] = {
        { AWS_EC2, "application/x-www-form-urlencoded; charset=utf-8", NULL, "/eu-central-1/ec2/" },
        { AWS_STS, "application/x-www-form-urlencoded; charset=utf-8", NULL, "/eu-central-1/sts/" },
        { AWS_CLOUD_MAP, "application/x-amz-json-1.1", "Route53AutoNaming_v20170314.Act",
          "/eu-central-1/servicediscovery/" },
        { AWS_SQS, "application/x-amz-json-1.0", "AmazonSQS.Act", "/eu-central-1/sqs/" },
    };
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        BEGIN(cases[i].service, { OK_HEAD, .body = "answer" });
        chain.has_token = i % 2;
        assert_int_equal(call("Act", "{\"a\":\"\u00e9\"}"), 0);
        assert_str(buf_str(&body), "answer");
        assert_int_equal(service.n_seen, 1);
        assert_int_equal(service.seen[0].verdict, 0);
        assert_str(service.seen[0].path, "/");
        assert_str(service.seen[0].body, "{\"a\":\"\u00e9\"}");
        assert_true(str_eq(service_double_header(&service, 0, "Content-Type"), str_of(cases[i].type)));
        assert_true(str_eq(service_double_header(&service, 0, "X-Amz-Target"), str_of(cases[i].target)));
        struct str authorization = service_double_header(&service, 0, "Authorization");
        assert_non_null(memmem(authorization.p, authorization.n, cases[i].scope, strlen(cases[i].scope)));
        assert_int_equal(str_is_set(service_double_header(&service, 0, "X-Amz-Security-Token")), i % 2);
        assert_int_equal(service_double_header(&service, 0, "amz-sdk-invocation-id").n, 36);
        assert_str(service_double_header(&service, 0, "amz-sdk-request"), "attempt=1; max=3; ttl=20231114T221322Z");
        assert_string_equal(heard, "Act ok,");
        assert_string_equal(aws_client_region(client), "eu-central-1");
        end();
    }
}

static void test_unsigned(void **state)
{
    (void)state;
    static char endpoint[64];
    static const char *variables[] = { "HOME=/nonexistent", endpoint, NULL };
    static struct environment environment = { (char **)variables };
    service_double_start(&service, &(struct service_step){ OK_HEAD, .body = "x" }, 1, NOW);
    snprintf(endpoint, sizeof(endpoint), "AWS_ENDPOINT_URL_STS=http://127.0.0.1:%u/p", service.port);
    const struct aws_client_config config = {
        .service = AWS_STS, .region = "eu-central-1", .environment = &environment, .clock = clock_system()
    };
    assert_int_equal(aws_client_new(&config, &client, &error), 0);
    buf_init(&body, 100);
    assert_int_equal(call("AssumeRoleWithWebIdentity", "Action=AssumeRoleWithWebIdentity"), 0);
    assert_int_equal(service.seen[0].verdict, VERIFIER_MISSING);
    assert_str(service.seen[0].path, "/p");
    end();
}

static void test_url_of_the_call(void **state)
{
    (void)state;
    char url[64];
    static const char *variables[] = { "HOME=/nonexistent", NULL };
    static struct environment environment = { (char **)variables };
    service_double_start(&service, &(struct service_step){ OK_HEAD, .body = "x" }, 1, NOW);
    clock_manual_init(&clock_manual, NOW * 1000LL);
    const struct aws_client_config config = { .service = AWS_SQS,
                                              .region = "eu-central-1",
                                              .credentials = SERVICE_CHAIN(&chain),
                                              .environment = &environment,
                                              .clock = &clock_manual.clock };
    assert_int_equal(aws_client_new(&config, &client, &error), 0);
    buf_init(&body, 100);
    snprintf(url, sizeof(url), "http://127.0.0.1:%u/1/q%%20.fifo", service.port);
    struct aws_call request = { .action = "ReceiveMessage", .body = STR("{}"), .url = url };
    assert_int_equal(aws_client_call(client, &request, &body, &error), 0);
    assert_str(service.seen[0].path, "/1/q%20.fifo");
    assert_int_equal(service.seen[0].verdict, 0);
    request.url = "ftp://queue";
    assert_int_equal(aws_client_call(client, &request, &body, &error), AWS_ODD);
    end();
}

static void test_credentials_that_fail(void **state)
{
    (void)state;
    BEGIN(AWS_EC2, { OK_HEAD, .body = "x" });
    chain.fails = true;
    assert_int_equal(call("Act", ""), AWS_NO_CREDENTIALS);
    chain.fails = false;
    chain.is_damaged = true;
    assert_int_equal(call("Act", ""), AWS_NO_CREDENTIALS);
    assert_non_null(strstr(error.message, "damaged"));
    assert_int_equal(service.n_seen, 0);
    end();
}

/* --- retries ----------------------------------------------------------------------------------------------------- */

static void test_transient(void **state)
{
    (void)state;
    BEGIN(AWS_CLOUD_MAP, { "HTTP/1.1 500 X\r\n", .body = "{}" }, { "HTTP/1.1 503 X\r\n", .body = "<html>" },
          { OK_HEAD, .body = "x" });
    assert_int_equal(call("Act", "{}"), 0);
    assert_int_equal(service.n_seen, 3);
    assert_int_equal(n_waits, 2);
    assert_true(waited_ms <= 3000);
    assert_string_equal(heard, "Act none,Act none,Act ok,");
    struct str id = service_double_header(&service, 0, "amz-sdk-invocation-id");
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(service.seen[i].verdict, 0);
        assert_true(str_eq(service_double_header(&service, i, "amz-sdk-invocation-id"), id));
    }
    assert_true(str_starts(service_double_header(&service, 2, "amz-sdk-request"), STR("attempt=3; max=3; ")));
    struct aws_client_stats stats = aws_client_stats(client);
    assert_int_equal(stats.calls, 1);
    assert_int_equal(stats.attempts, 3);
    assert_int_equal(stats.throttled, 0);
    end();
}

static void test_attempts_end(void **state)
{
    (void)state;
    BEGIN(AWS_EC2, { "HTTP/1.1 502 X\r\n", .body = "" }, { "HTTP/1.1 502 X\r\n", .body = "" },
          { "HTTP/1.1 502 X\r\n", .body = "" }, { OK_HEAD, .body = "x" });
    assert_int_equal(call("Act", ""), AWS_NO_ANSWER);
    assert_int_equal(service.n_seen, 3);
    assert_int_equal(error.status, 502);
    assert_string_equal(error.code, "");
    assert_non_null(strstr(error.message, "EC2 Act in eu-central-1"));
    end();
    begin_as(AWS_EC2, "AWS_MAX_ATTEMPTS=1", (struct service_step[]){ { "HTTP/1.1 502 X\r\n", .body = "" } }, 1);
    assert_int_equal(call("Act", ""), AWS_NO_ANSWER);
    assert_int_equal(n_waits, 0);
    end();
}

static void test_throttled(void **state)
{
    (void)state;
    BEGIN(AWS_CLOUD_MAP, { JSON_400, .body = "{\"__type\":\"ThrottlingException\",\"message\":\"Rate exceeded\"}" },
          { JSON_400, .body = "{\"__type\":\"RequestLimitExceeded\",\"Message\":\"x\"}" }, { OK_HEAD, .body = "x" });
    assert_int_equal(call("Act", "{}"), 0);
    assert_string_equal(heard, "Act ThrottlingException throttled,Act RequestLimitExceeded throttled,Act ok,");
    assert_int_equal(aws_client_stats(client).throttled, 2);
    end();
}

static void test_refused(void **state)
{
    (void)state;
    BEGIN(AWS_CLOUD_MAP,
          { JSON_400, .body = "{\"__type\":\"com.amazonaws#ServiceNotFound\",\"Message\":\"no such service\"}" });
    assert_int_equal(call("ListInstances", "{}"), AWS_REFUSED);
    assert_int_equal(error.status, 400);
    assert_string_equal(error.code, "ServiceNotFound");
    assert_string_equal(error.request_id, "id-1");
    assert_string_equal(error.message, "Cloud Map ListInstances in eu-central-1: ServiceNotFound: no such service");
    assert_int_equal(n_waits, 0);
    end();
    BEGIN(AWS_EC2, { "HTTP/1.1 403 Forbidden\r\n", .body = "<html>proxy</html>" });
    assert_int_equal(call("Act", ""), AWS_ODD);
    end();
    BEGIN(AWS_EC2, { "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n", .body = "" });
    assert_int_equal(call("Act", ""), AWS_ODD);
    end();
}

/* 500 of quota: 100 retries at 5 each, and none of them succeeds. */
static void test_quota(void **state)
{
    (void)state;
    unsigned n_attempts = 0;
    BEGIN(AWS_EC2, { "", .mood = SERVICE_ANSWERS });
    service_double_stop(&service); /* nobody listens: each attempt is refused at once */
    for (unsigned i = 0; i < 60; i++) {
        assert_int_equal(call("Act", ""), AWS_NO_ANSWER);
        n_attempts += 1;
    }
    assert_int_equal(aws_client_stats(client).attempts, n_attempts + 100);
    aws_client_free(client);
    buf_fini(&body);
}

static void test_fresh_credentials(void **state)
{
    (void)state;
    static const char *const codes[] = { "ExpiredTokenException", "UnrecognizedClientException",
                                         "InvalidClientTokenId" };
    for (size_t i = 0; i < TEST_COUNT(codes); i++) {
        char text[128];
        snprintf(text, sizeof(text), "{\"__type\":\"%s\",\"message\":\"x\"}", codes[i]);
        BEGIN(AWS_CLOUD_MAP, { JSON_400, .body = text }, { OK_HEAD, .body = "x" });
        assert_int_equal(call("Act", "{}"), 0);
        assert_int_equal(chain.generation, 1);
        assert_int_equal(n_waits, 0);
        struct str second = service_double_header(&service, 1, "Authorization");
        assert_non_null(memmem(second.p, second.n, "=AKID1/", 7));
        end();
        BEGIN(AWS_CLOUD_MAP, { JSON_400, .body = text }, { JSON_400, .body = text }, { OK_HEAD, .body = "x" });
        assert_int_equal(call("Act", "{}"), AWS_REFUSED);
        assert_string_equal(error.code, codes[i]);
        assert_int_equal(service.n_seen, 2);
        end();
    }
}

/* --- time -------------------------------------------------------------------------------------------------------- */

static void test_wrong_clock(void **state)
{
    (void)state;
    static const struct service_step steps[] = {
        { JSON_400 "Date: " OK_DATE "\r\n", .body = "{\"__type\":\"InvalidSignatureException\",\"message\":\"old\"}" },
        { OK_HEAD, .body = "x" },
        { OK_HEAD, .body = "x" },
    };
    static const int64_t wrong_s[] = { -86400, -301, 301, 7200 };
    for (size_t i = 0; i < TEST_COUNT(wrong_s); i++) {
        begin_as(AWS_CLOUD_MAP, NULL, steps, 3);
        clock_manual.wall_ms = (NOW + wrong_s[i]) * 1000;
        assert_int_equal(call("Act", "{}"), 0);
        assert_int_equal(service.seen[0].verdict, wrong_s[i] < 0 ? VERIFIER_TOO_OLD : VERIFIER_TOO_NEW);
        assert_int_equal(service.seen[1].verdict, 0);
        assert_int_equal(call("Act", "{}"), 0); /* remembered */
        assert_int_equal(service.seen[2].verdict, 0);
        assert_int_equal(n_waits, 0);
        end();
    }
    /* A right clock: the signature is wrong for another reason, and is so only once. */
    begin_as(AWS_CLOUD_MAP, NULL, steps, 3);
    assert_int_equal(call("Act", "{}"), AWS_REFUSED);
    assert_int_equal(service.n_seen, 1);
    end();
    /* A service whose date is always another one is tried twice. */
    static const struct service_step mad[] = {
        { JSON_400 "Date: Wed, 14 Nov 2029 22:13:20 GMT\r\n", .body = "{\"__type\":\"RequestExpired\"}" },
        { JSON_400 "Date: " OK_DATE "\r\n", .body = "{\"__type\":\"RequestExpired\"}" },
        { OK_HEAD, .body = "x" },
    };
    begin_as(AWS_CLOUD_MAP, NULL, mad, 3);
    assert_int_equal(call("Act", "{}"), AWS_REFUSED);
    assert_int_equal(service.n_seen, 2);
    end();
}

static void test_deadline(void **state)
{
    (void)state;
    BEGIN(AWS_EC2, { "HTTP/1.1 503 X\r\n", .body = "" }, { OK_HEAD, .body = "x" });
    aws_client_set_deadline(client, clock_mono_ns(&clock_manual.clock) + 1);
    assert_int_equal(call("Act", ""), AWS_TOO_LATE); /* no time for a second one */
    assert_int_equal(error.status, 503);
    clock_manual_advance(&clock_manual, 1000);
    assert_int_equal(call("Act", ""), AWS_TOO_LATE); /* nor for a first one */
    assert_int_equal(service.n_seen, 1);
    aws_client_set_deadline(client, 0);
    assert_int_equal(call("Act", ""), 0);
    end();
}

static void test_woken_early(void **state)
{
    (void)state;
    BEGIN(AWS_EC2, { "HTTP/1.1 503 X\r\n", .body = "" }, { OK_HEAD, .body = "x" });
    wakes_early = true;
    assert_int_equal(call("Act", ""), AWS_TOO_LATE);
    assert_int_equal(n_waits, 1);
    assert_int_equal(service.n_seen, 1);
    end();
}

/* --- answers that do not come whole ------------------------------------------------------------------------------ */

static void test_broken_answers(void **state)
{
    (void)state;
    static const char *const answers[] = {
        "",
        "HTTP/1.1 2",
        OK_HEAD,
        OK_HEAD "Content-Length: 6\r\n\r\nanswe",
        OK_HEAD "Transfer-Encoding: chunked\r\n\r\n6\r\nanswer\r\n",
        OK_HEAD "Transfer-Encoding: chunked\r\n\r\n6\r\nanswer\r\n0\r\n",
        "SSH-2.0-x\r\n",
    };
    for (size_t i = 0; i < TEST_COUNT(answers); i++) {
        const struct service_step broken = { answers[i], .mood = SERVICE_ANSWERS };
        begin_as(AWS_EC2, NULL, (struct service_step[]){ broken, broken, broken }, 3);
        int r = call("Act", "");
        if (r != AWS_NO_ANSWER)
            print_error("%s: %d\n", answers[i], r);
        assert_int_equal(r, AWS_NO_ANSWER);
        assert_int_equal(buf_str(&body).n, 0);
        assert_true(service.n_seen == 3);
        end();
        begin_as(AWS_EC2, NULL, (struct service_step[]){ broken, { OK_HEAD, .body = "whole" } }, 2);
        assert_int_equal(call("Act", ""), 0);
        assert_str(buf_str(&body), "whole");
        end();
    }
}

static void test_cut_at_every_byte(void **state)
{
    (void)state;
    static const char whole[] = OK_HEAD "Date: " OK_DATE "\r\nContent-Length: 6\r\n\r\nanswer";
    char cut[sizeof(whole)];
    for (size_t n = 0; n < sizeof(whole); n++) {
        memcpy(cut, whole, n);
        cut[n] = '\0';
        begin_as(AWS_EC2, "AWS_MAX_ATTEMPTS=1", &(struct service_step){ cut, .mood = SERVICE_ANSWERS }, 1);
        assert_int_equal(call("Act", ""), n == sizeof(whole) - 1 ? 0 : AWS_NO_ANSWER);
        end();
    }
}

static void test_hangs(void **state)
{
    (void)state;
    const struct service_step hang = { OK_HEAD "Content-Length: 6\r\n\r\nans", .mood = SERVICE_HANGS };
    begin_as(AWS_EC2, NULL, (struct service_step[]){ hang, { OK_HEAD, .body = "x" } }, 2);
    const struct aws_call request = { .action = "Act", .body = STR(""), .total_ms = 100 };
    assert_int_equal(aws_client_call(client, &request, &body, &error), 0);
    assert_int_equal(service.n_seen, 2);
    assert_int_equal(service.seen[0].verdict, 0);
    end();
}

static void test_too_large(void **state)
{
    (void)state;
    BEGIN(AWS_EC2, { OK_HEAD, .body = "123456789" });
    const struct aws_call request = { .action = "Act", .body = STR(""), .answer_max = 100 };
    char large[4096];
    memset(large, 'x', sizeof(large) - 1);
    large[sizeof(large) - 1] = '\0';
    assert_int_equal(aws_client_call(client, &request, &body, &error), 0);
    end();
    BEGIN(AWS_EC2, { OK_HEAD, .body = large });
    assert_int_equal(aws_client_call(client, &request, &body, &error), AWS_ODD);
    assert_int_equal(n_waits, 0);
    end();
}

static void test_bad_settings(void **state)
{
    (void)state;
    static const char *variables[] = { "HOME=/nonexistent", NULL, NULL };
    struct environment environment = { (char **)variables };
    struct aws_client_config config = {
        .service = AWS_EC2, .environment = &environment, .clock = clock_system(), .credentials = SERVICE_CHAIN(&chain)
    };
    static const char *const bad[] = { NULL, "AWS_REGION=eu-central-1/../x", "AWS_REGION=EU",
                                       "AWS_REGION=x.evil.example" };
    for (size_t i = 0; i < TEST_COUNT(bad); i++) {
        variables[1] = bad[i];
        assert_int_equal(aws_client_new(&config, &client, &error), AWS_ODD);
        assert_true(strlen(error.message) > 10);
    }
    config.region = "eu-central-1";
    variables[1] = "AWS_ENDPOINT_URL=tcp://x";
    assert_int_equal(aws_client_new(&config, &client, &error), AWS_ODD);
    variables[1] = "AWS_CA_BUNDLE=/nonexistent.pem";
    assert_int_equal(aws_client_new(&config, &client, &error), 0);
    aws_client_free(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_signed_requests), cmocka_unit_test(test_unsigned),
        cmocka_unit_test(test_url_of_the_call), cmocka_unit_test(test_credentials_that_fail),
        cmocka_unit_test(test_transient),       cmocka_unit_test(test_attempts_end),
        cmocka_unit_test(test_throttled),       cmocka_unit_test(test_refused),
        cmocka_unit_test(test_quota),           cmocka_unit_test(test_fresh_credentials),
        cmocka_unit_test(test_wrong_clock),     cmocka_unit_test(test_deadline),
        cmocka_unit_test(test_woken_early),     cmocka_unit_test(test_broken_answers),
        cmocka_unit_test(test_hangs),           cmocka_unit_test(test_cut_at_every_byte),
        cmocka_unit_test(test_too_large),       cmocka_unit_test(test_bad_settings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
