/* SPDX-License-Identifier: Apache-2.0
 *
 * Probes of real servers on loopback: what each kind of answer, of silence and of nonsense comes to, and when. */
#include "prober.h"
#include "server.h"

#include "base/mem.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define MS INT64_C(1000000)
#define SLACK_MS 400 /* for a busy machine */

static struct check draft_for(const struct server *server, enum check_protocol protocol)
{
    return (struct check){ .protocol = protocol,
                           .address = server->address,
                           .port = server->port,
                           .interval_ms = 60000,
                           .path = STR("/health"),
                           .host = STR("web.example.com:8080") };
}

static struct probe_outcome probe(const struct check *draft)
{
    struct prober prober;

    prober_init(&prober);
    return prober_probe(&prober, draft);
}

static struct probe_outcome probe_server(struct server *server, enum check_protocol protocol)
{
    struct check draft;

    server_start(server, "127.0.0.1");
    draft = draft_for(server, protocol);
    struct probe_outcome outcome = probe(&draft);
    server_stop(server);
    return outcome;
}

static void assert_result(struct probe_outcome outcome, enum probe_result want)
{
    if (outcome.result != want)
        fail_msg("%s instead of %s", probe_result_word(outcome.result), probe_result_word(want));
}

/* Neither before the limit nor much behind it. */
static void assert_took(struct probe_outcome outcome, int64_t ms)
{
    assert_in_range(outcome.duration_ns / MS, ms, ms + SLACK_MS);
}

/* --- answers ------------------------------------------------------------------------------------------------------ */

static void test_statuses(void **state)
{
    static const struct {
        const char *answer;
        enum probe_result want;
        unsigned status;
    } cases[] = {
        { "HTTP/1.1 200 OK\r\n\r\n", PROBE_OK, 200 },
        { "HTTP/1.1 302 Found\r\nLocation: /again\r\n\r\n", PROBE_OK, 302 },
        { "HTTP/1.1 399 Odd\r\n\r\n", PROBE_OK, 399 },
        { "HTTP/1.1 400 Bad\r\n\r\n", PROBE_BAD_STATUS, 400 },
        { "HTTP/1.1 500 Oops\r\n\r\n", PROBE_BAD_STATUS, 500 },
        { "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 503 Busy\r\n\r\n", PROBE_BAD_STATUS, 503 },
        { "220 mail.example.com ESMTP\r\n", PROBE_BAD_ANSWER, 0 },
        { "HTTP/1.1 200", PROBE_CLOSED, 200 },
        { "", PROBE_CLOSED, 0 },
    };

    (void)state;
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        struct server server = { .serve = server_answer, .answer = cases[i].answer };
        struct probe_outcome outcome = probe_server(&server, CHECK_HTTP);
        assert_result(outcome, cases[i].want);
        assert_int_equal(outcome.status, cases[i].status);
        assert_int_equal(atomic_load(&server.n_connections), 1); /* nothing is followed */
    }
}

static void test_what_the_server_sees(void **state)
{
    struct server server = { .serve = server_answer, .answer = "HTTP/1.1 200 OK\r\n\r\n" };

    (void)state;
    assert_result(probe_server(&server, CHECK_HTTP), PROBE_OK);
    assert_string_equal(server.request, "GET /health HTTP/1.1\r\nHost: web.example.com:8080\r\n"
                                        "User-Agent: Cloudmap-Health-Check/" CLOUDMAP_VERSION "\r\nAccept: */*\r\n"
                                        "Connection: close\r\n\r\n");
}

static void test_ipv6(void **state)
{
    struct server server = { .serve = server_answer, .answer = "HTTP/1.1 200 OK\r\n\r\n" };
    struct check draft;

    (void)state;
    server_start(&server, "::1");
    draft = draft_for(&server, CHECK_HTTP);
    assert_result(probe(&draft), PROBE_OK);
    server_stop(&server);
}

static void test_a_stranger_is_not_taken_for_the_target(void **state)
{
    static const char answer[] = "HTTP/1.1 200 OK\r\nX-Instance: web-7\r\n\r\nI am web-7.\n";
    static const struct {
        const char *header, *value, *body;
        enum probe_result want;
    } cases[] = {
        { "x-instance", "web-7", NULL, PROBE_OK },        { "X-Instance", "web-8", NULL, PROBE_OTHER_HEADER },
        { "X-Other", NULL, NULL, PROBE_OTHER_HEADER },    { NULL, NULL, "web-7", PROBE_OK },
        { NULL, NULL, "web-8", PROBE_OTHER_BODY },        { "X-Instance", "web-7", "I am", PROBE_OK },
        { "X-Instance", "web", "who", PROBE_OTHER_BODY },
    };
    struct server server = { .serve = server_answer, .answer = answer };

    (void)state;
    server_start(&server, "127.0.0.1");
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        struct check draft = draft_for(&server, CHECK_HTTP);
        draft.expect = (struct check_expect){ .header = str_of(cases[i].header),
                                              .header_value = str_of(cases[i].value),
                                              .body = str_of(cases[i].body) };
        assert_result(probe(&draft), cases[i].want);
    }
    server_stop(&server);
}

/* --- connections -------------------------------------------------------------------------------------------------- */

/* A machine without IPv6 must go on probing everybody else. */
static void test_only_what_ran_out_here_is_no_result(void **state)
{
    (void)state;
    assert_int_equal(probe_result_of_errno(EADDRNOTAVAIL, true), PROBE_UNREACHABLE);
    assert_int_equal(probe_result_of_errno(EAFNOSUPPORT, true), PROBE_UNREACHABLE);
    assert_int_equal(probe_result_of_errno(ENETUNREACH, true), PROBE_UNREACHABLE);
    assert_int_equal(probe_result_of_errno(EADDRNOTAVAIL, false), PROBE_NO_RESOURCES);
    assert_int_equal(probe_result_of_errno(EMFILE, true), PROBE_NO_RESOURCES);
    assert_int_equal(probe_result_of_errno(ECONNREFUSED, true), PROBE_REFUSED);
}

static void test_tcp(void **state)
{
    struct server server = { .serve = server_hold };
    struct check draft;

    (void)state;
    assert_result(probe_server(&server, CHECK_TCP), PROBE_OK);
    draft = draft_for(&server, CHECK_TCP); /* nobody listens there any more */
    assert_result(probe(&draft), PROBE_REFUSED);
    draft.protocol = CHECK_HTTP;
    assert_result(probe(&draft), PROBE_REFUSED);
}

/* A listener whose queue is full: the kernel drops what comes. */
static void test_no_connection_in_time(void **state)
{
    struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t n = sizeof(in);
    int listener = socket(AF_INET, SOCK_STREAM, 0), fillers[4];
    struct server server = { .address = { .octets = { 127, 0, 0, 1 } } };

    (void)state;
    assert_int_equal(bind(listener, (struct sockaddr *)&in, n), 0);
    assert_int_equal(listen(listener, 0), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&in, &n), 0);
    for (size_t i = 0; i < TEST_COUNT(fillers); i++) {
        fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        connect(fillers[i], (struct sockaddr *)&in, n);
    }
    server.port = ntohs(in.sin_port);
    for (enum check_protocol protocol = CHECK_HTTP; protocol <= CHECK_TCP; protocol++) {
        struct check draft = draft_for(&server, protocol);
        struct probe_outcome outcome = probe(&draft);
        assert_result(outcome, PROBE_CONNECT_TIMEOUT);
        assert_took(outcome, protocol == CHECK_TCP ? PROBER_TCP_MS : PROBER_CONNECT_MS);
    }
    for (size_t i = 0; i < TEST_COUNT(fillers); i++)
        close(fillers[i]);
    close(listener);
}

static void reset(struct server *server, int fd)
{
    struct linger linger = { .l_onoff = 1 };

    (void)server;
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
}

/* The first look at the socket comes when the reset is there. */
static enum probe_result probe_late(const struct check *draft)
{
    struct prober prober;
    struct check *check = check_new(draft);
    struct probe_tls *tls = NULL;
    struct probe one;
    char why[256];

    prober_init(&prober);
    prober_close(&prober);
    assert_int_equal(probe_tls_new(NULL, &tls, why, sizeof(why)), 0);
    assert_int_equal(probe_start(&one, check, &prober.policy, &prober.config.limits, tls, 0), PROBE_PENDING);
    assert_int_equal(poll(&(struct pollfd){ .fd = one.fd }, 1, 20000), 1);
    enum probe_result result = probe_step(&one, 0);
    probe_end(&one);
    probe_tls_free(tls);
    mem_free(check);
    return result;
}

static void test_what_a_reset_means_does_not_depend_on_who_is_first(void **state)
{
    static const enum probe_result want[] = {
        [CHECK_HTTP] = PROBE_CLOSED, [CHECK_HTTPS] = PROBE_TLS_FAILED, [CHECK_TCP] = PROBE_OK
    };
    struct server server = { .serve = reset };

    (void)state;
    server_start(&server, "127.0.0.1");
    for (enum check_protocol protocol = CHECK_HTTP; protocol <= CHECK_TCP; protocol++) {
        struct check draft = draft_for(&server, protocol);
        assert_int_equal(probe_late(&draft), want[protocol]);
        assert_int_equal(probe(&draft).result, want[protocol]);
    }
    server_stop(&server);
}

static void test_forbidden_addresses_see_nothing(void **state)
{
    struct server server = { .serve = server_answer, .answer = "HTTP/1.1 200 OK\r\n\r\n" };
    struct prober prober;
    struct check draft;

    (void)state;
    server_start(&server, "127.0.0.1");
    draft = draft_for(&server, CHECK_HTTP);
    prober_init(&prober);
    prober.policy.n_allow = 0;
    assert_result(prober_probe(&prober, &draft), PROBE_FORBIDDEN);
    server_stop(&server);
    assert_int_equal(atomic_load(&server.n_connections), 0);
}

/* --- slowness and excess ------------------------------------------------------------------------------------------ */

static void test_silence(void **state)
{
    struct server server = { .serve = server_hold };
    struct probe_outcome outcome = probe_server(&server, CHECK_HTTP);

    (void)state;
    assert_result(outcome, PROBE_ANSWER_TIMEOUT);
    assert_took(outcome, PROBER_ANSWER_MS);
}

static void drip(struct server *server, int fd)
{
    static const char answer[] = "HTTP/1.1 200 OK and a good deal more";

    for (size_t i = 0; !server_wait(server, fd, 20); i = (i + 1) % (sizeof(answer) - 1))
        send(fd, answer + i, 1, MSG_NOSIGNAL);
}

static void test_octets_prolong_nothing(void **state)
{
    struct server server = { .serve = drip };
    struct probe_outcome outcome = probe_server(&server, CHECK_HTTP);

    (void)state;
    assert_result(outcome, PROBE_ANSWER_TIMEOUT);
    assert_took(outcome, PROBER_ANSWER_MS);
}

/* Says the answer, and then its last character for ever. */
static void go_on(struct server *server, int fd)
{
    static char block[4096];
    size_t n = strlen(server->answer);

    memset(block, server->answer[n - 1], sizeof(block));
    send(fd, server->answer, n, MSG_NOSIGNAL);
    while (!server_wait(server, fd, 0) && send(fd, block, sizeof(block), MSG_NOSIGNAL) > 0)
        continue;
}

static void test_endless_answers(void **state)
{
    static const struct {
        const char *answer, *body;
        enum probe_result want;
    } cases[] = {
        { "HTTP/1.1 200 OK\r\n\r\nx", NULL, PROBE_OK },
        { "HTTP/1.1 200 OK\r\n\r\nx", "web-7", PROBE_OTHER_BODY },
        { "HTTP/1.1 200 x", NULL, PROBE_BAD_ANSWER },
        { "HTTP/1.1 200 OK\r\nA: x", "web-7", PROBE_OTHER_BODY },
        { "x", NULL, PROBE_BAD_ANSWER },
    };

    (void)state;
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        struct server server = { .serve = go_on, .answer = cases[i].answer };
        server_start(&server, "127.0.0.1");
        struct check draft = draft_for(&server, CHECK_HTTP);
        draft.expect.body = str_of(cases[i].body);
        struct probe_outcome outcome = probe(&draft);
        assert_result(outcome, cases[i].want);
        assert_in_range(outcome.duration_ns / MS, 0, PROBER_ANSWER_MS);
        server_stop(&server);
    }
}

/* --- TLS ---------------------------------------------------------------------------------------------------------- */

/* For all tests: two authorities, a server of the first; the first is written to a folder. */
struct pki {
    struct server_identity ours, theirs, server;
    char folder[64], file[128];
};

static int make_pki(void **state)
{
    struct pki *pki = calloc(1, sizeof(*pki));
    gnutls_datum_t pem;

    server_make_identity(&pki->ours, "an authority", NULL);
    server_make_identity(&pki->theirs, "web.example.com", NULL);
    server_make_identity(&pki->server, "web.example.com", &pki->ours);
    snprintf(pki->folder, sizeof(pki->folder), "/tmp/test_probe.XXXXXX");
    assert_non_null(mkdtemp(pki->folder));
    snprintf(pki->file, sizeof(pki->file), "%s/ours.pem", pki->folder);
    FILE *file = fopen(pki->file, "we");
    gnutls_x509_crt_export2(pki->ours.certificate, GNUTLS_X509_FMT_PEM, &pem);
    fwrite(pem.data, 1, pem.size, file);
    gnutls_free(pem.data);
    fclose(file);
    *state = pki;
    return 0;
}

static int free_pki(void **state)
{
    struct pki *pki = *state;

    unlink(pki->file);
    rmdir(pki->folder);
    server_free_identity(&pki->ours);
    server_free_identity(&pki->theirs);
    server_free_identity(&pki->server);
    free(pki);
    return 0;
}

static void test_certificates(void **state)
{
    const struct pki *pki = *state;
    const struct {
        const struct server_identity *identity;
        bool verify;
        const char *name, *authority;
        enum probe_result want;
    } cases[] = {
        { &pki->theirs, false, NULL, NULL, PROBE_OK }, /* signed by itself, and nobody asks */
        { &pki->server, false, NULL, NULL, PROBE_OK },
        { &pki->theirs, true, NULL, NULL, PROBE_TLS_UNTRUSTED },
        { &pki->server, true, NULL, NULL, PROBE_TLS_UNTRUSTED }, /* no authority of the system's */
        { &pki->server, false, NULL, "ours", PROBE_OK },         /* for the name in Host */
        { &pki->server, false, "web.example.com", "ours", PROBE_OK },
        { &pki->server, true, "WEB.example.com", "ours", PROBE_OK },
        { &pki->server, false, "db.example.com", "ours", PROBE_TLS_UNTRUSTED },
        { &pki->server, false, "127.0.0.1", "ours", PROBE_TLS_UNTRUSTED },
        { &pki->theirs, false, "web.example.com", "ours", PROBE_TLS_UNTRUSTED },
        { &pki->server, false, "web.example.com", NULL, PROBE_TLS_UNTRUSTED },
        { &pki->server, false, "web.example.com", "nobodys", PROBE_TLS_UNTRUSTED },
        { &pki->server, false, NULL, "../ours", PROBE_TLS_UNTRUSTED },
        { &pki->server, false, NULL, "", PROBE_TLS_UNTRUSTED },
    };

    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        struct server server = { .serve = server_answer,
                                 .answer = "HTTP/1.1 200 OK\r\n\r\n",
                                 .identity = cases[i].identity };
        struct prober prober;
        server_start(&server, "127.0.0.1");
        struct check draft = draft_for(&server, CHECK_HTTPS);
        draft.verify_tls = cases[i].verify;
        draft.expect.tls_name = str_of(cases[i].name);
        draft.expect.tls_ca = str_of(cases[i].authority);
        prober_init(&prober);
        prober.config.limits = PROBE_LIMITS_AWS; /* the system's authorities are read meanwhile */
        prober.config.authorities = pki->folder;
        struct probe_outcome outcome = prober_probe(&prober, &draft);
        server_stop(&server);
        if (outcome.result != cases[i].want)
            fail_msg("case %zu: %s", i, probe_result_word(outcome.result));
    }
}

static void test_answers_over_tls(void **state)
{
    const struct pki *pki = *state;
    struct server server = { .serve = server_answer, .answer = "HTTP/1.1 500 No\r\n\r\n", .identity = &pki->server };
    struct probe_outcome outcome = probe_server(&server, CHECK_HTTPS);

    assert_result(outcome, PROBE_BAD_STATUS);
    assert_int_equal(outcome.status, 500);
    assert_non_null(strstr(server.request, "Host: web.example.com:8080\r\n"));
    server.answer = "";
    assert_result(probe_server(&server, CHECK_HTTPS), PROBE_CLOSED);
}

static void greet(struct server *server, int fd)
{
    send(fd, server->answer, strlen(server->answer), MSG_NOSIGNAL);
    server_wait(server, fd, -1);
}

static void test_broken_tls(void **state)
{
    struct server plain = { .serve = greet, .answer = "HTTP/1.1 200 OK\r\n\r\n" }, silent = { .serve = server_hold },
                  closing = { .serve = reset };
    struct probe_outcome outcome;

    (void)state;
    assert_result(probe_server(&plain, CHECK_HTTPS), PROBE_TLS_FAILED);
    assert_result(probe_server(&closing, CHECK_HTTPS), PROBE_TLS_FAILED);
    outcome = probe_server(&silent, CHECK_HTTPS);
    assert_result(outcome, PROBE_TLS_TIMEOUT);
    assert_took(outcome, PROBER_CONNECT_MS);
}

static void test_bad_authorities(void **state)
{
    const struct pki *pki = *state;
    struct probe_tls *tls = NULL;
    char why[256], path[160];

    (void)state;
    assert_int_equal(probe_tls_new("/nowhere", &tls, why, sizeof(why)), 1);
    assert_string_equal(why, "health.tls_authorities: /nowhere: No such file or directory");
    snprintf(path, sizeof(path), "%s/empty.pem", pki->folder);
    close(open(path, O_CREAT | O_WRONLY, 0600));
    assert_int_equal(probe_tls_new(pki->folder, &tls, why, sizeof(why)), 1);
    assert_non_null(strstr(why, "/empty.pem: "));
    unlink(path);
    assert_int_equal(probe_tls_new(pki->folder, &tls, why, sizeof(why)), 0);
    assert_true(probe_tls_has_authority(tls, STR("ours")));
    assert_false(probe_tls_has_authority(tls, STR("theirs")));
    assert_false(probe_tls_has_authority(tls, STR("")));
    probe_tls_free(tls);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_statuses),
        cmocka_unit_test(test_what_the_server_sees),
        cmocka_unit_test(test_ipv6),
        cmocka_unit_test(test_a_stranger_is_not_taken_for_the_target),
        cmocka_unit_test(test_only_what_ran_out_here_is_no_result),
        cmocka_unit_test(test_tcp),
        cmocka_unit_test(test_no_connection_in_time),
        cmocka_unit_test(test_what_a_reset_means_does_not_depend_on_who_is_first),
        cmocka_unit_test(test_forbidden_addresses_see_nothing),
        cmocka_unit_test(test_silence),
        cmocka_unit_test(test_octets_prolong_nothing),
        cmocka_unit_test(test_endless_answers),
        cmocka_unit_test_setup_teardown(test_certificates, make_pki, free_pki),
        cmocka_unit_test_setup_teardown(test_answers_over_tls, make_pki, free_pki),
        cmocka_unit_test(test_broken_tls),
        cmocka_unit_test_setup_teardown(test_bad_authorities, make_pki, free_pki),
    };

    return cmocka_run_group_tests_name("probe", tests, NULL, NULL);
}
