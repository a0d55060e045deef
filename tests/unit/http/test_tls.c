/* SPDX-License-Identifier: Apache-2.0
 *
 * The server over TLS: what it serves, whom it believes, what it refuses, and that handshakes which do not end hold
 * nothing. The client is GnuTLS on a blocking socket. */
#include "base/mem.h"
#include "base/metric.h"
#include "fixture.h"
#include "http/certificate.h"
#include "http/tls.h"

#include <errno.h>
#include <gnutls/gnutls.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"

/* --- files ------------------------------------------------------------------------------------------------------- */

static char dir[] = "/tmp/cloudmap-tls-XXXXXX"; /* mutable: mkdtemp fills it in */
static struct certificate ca, other_ca, server, other, client, stranger;

static const char *path_of(const char *name)
{
    static char paths[8][128];
    static unsigned next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof(paths[0]), "%s/%s", dir, name);
    return path;
}

static const char *write_file(const char *name, const char *text, mode_t mode)
{
    const char *path = path_of(name);
    unlink(path);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, mode), 0);
    return path;
}

static void make(enum certificate_purpose purpose, const char *common_name, const char *name,
                 struct certificate *ret_certificate)
{
    const char *reason;
    struct certificate_request request = {
        .common_name = common_name, .names = &name, .n_names = name != NULL, .days = 7
    };
    assert_int_equal(certificate_make(&ca, purpose, &request, ret_certificate, &reason), 0);
}

static int make_all(void **state)
{
    (void)state;
    const char *reason;
    struct certificate_request request = { .common_name = "test CA", .days = 30 };
    assert_non_null(mkdtemp(dir));
    assert_int_equal(certificate_make_ca(&request, &ca, &reason), 0);
    make(CERTIFICATE_SERVER, "server", "localhost", &server);
    make(CERTIFICATE_SERVER, "other", "localhost", &other);
    make(CERTIFICATE_CLIENT, "registrar", "arn:aws:iam::000000000000:user/registrar", &client);
    struct certificate right = ca;
    assert_int_equal(certificate_make_ca(&request, &ca, &reason), 0);
    make(CERTIFICATE_CLIENT, "stranger", NULL, &stranger);
    other_ca = ca;
    ca = right;
    write_file("ca.pem", ca.text, 0644);
    write_file("server.pem", server.text, 0644);
    write_file("server.key", server.key, 0600);
    return 0;
}

static int remove_all(void **state)
{
    static const char *const names[] = { "ca.pem", "server.pem", "server.key", "bad" };
    (void)state;
    for (size_t i = 0; i < TEST_COUNT(names); i++)
        unlink(path_of(names[i]));
    certificate_free(&ca);
    certificate_free(&other_ca);
    certificate_free(&server);
    certificate_free(&other);
    certificate_free(&client);
    certificate_free(&stranger);
    return rmdir(dir);
}

/* --- server ------------------------------------------------------------------------------------------------------ */

static struct fixture fixture;
static struct tls *tls;
static unsigned tls_port;

static struct tls_files files(void)
{
    return (struct tls_files){ .certificate = path_of("server.pem"),
                               .key = path_of("server.key"),
                               .client_ca = path_of("ca.pem") };
}

/* The server's wall clock, which a test moves. */
static int64_t ahead_ms;

static int64_t wall_ms(const struct clock *clock)
{
    (void)clock;
    return clock_wall_ms(clock_system()) + __atomic_load_n(&ahead_ms, __ATOMIC_RELAXED);
}

static int64_t mono_ns(const struct clock *clock)
{
    (void)clock;
    return clock_mono_ns(clock_system());
}

static const struct clock server_clock = { .wall_ms = wall_ms, .mono_ns = mono_ns };

static void start(int64_t handshake_ms, int64_t head_ms)
{
    static const char *const addresses[] = { "127.0.0.1:0" };
    struct tls_files wanted = files();
    fixture_init(&fixture);
    assert_int_equal(tls_new(&wanted, &tls, &fixture.message), 0);
    fixture.config.tls = tls;
    fixture.config.clock = &server_clock;
    fixture.config.tls_addresses = addresses;
    fixture.config.n_tls_addresses = 1;
    fixture.config.limits.handshake_ms = handshake_ms;
    fixture.config.limits.head_ms = head_ms;
    fixture_start(&fixture);
    const char *address = http_server_tls_address(fixture.server, 0);
    assert_int_equal(sscanf(strrchr(address, ':'), ":%u", &tls_port), 1);
    assert_null(http_server_tls_address(fixture.server, 1));
    assert_null(http_server_address(fixture.server, 1));
}

static void stop(void)
{
    fixture_stop(&fixture);
    tls_free(tls);
}

static int setup(void **state)
{
    (void)state;
    start(5000, 5000);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    stop();
    return 0;
}

/* --- client ------------------------------------------------------------------------------------------------------ */

struct peer {
    int fd;
    gnutls_session_t session;
    gnutls_certificate_credentials_t credentials;
};

static int connect_tcp(void)
{
    unsigned plain = fixture.port;
    fixture.port = tls_port;
    int fd = client_connect(&fixture);
    fixture.port = plain;
    return fd;
}

/* Without the handshake. */
static void peer_begin(struct peer *peer, const struct certificate *shown, const char *priorities)
{
    gnutls_datum_t trust = { (unsigned char *)ca.text, (unsigned)strlen(ca.text) };
    peer->fd = connect_tcp();
    assert_int_equal(gnutls_certificate_allocate_credentials(&peer->credentials), 0);
    assert_int_equal(gnutls_certificate_set_x509_trust_mem(peer->credentials, &trust, GNUTLS_X509_FMT_PEM), 1);
    if (shown) {
        gnutls_datum_t text = { (unsigned char *)shown->text, (unsigned)strlen(shown->text) };
        gnutls_datum_t key = { (unsigned char *)shown->key, (unsigned)strlen(shown->key) };
        assert_true(
            gnutls_certificate_set_x509_key_mem2(peer->credentials, &text, &key, GNUTLS_X509_FMT_PEM, NULL, 0) >= 0);
        /* Also to servers that name other CAs. */
        gnutls_certificate_set_flags(peer->credentials, GNUTLS_CERTIFICATE_SKIP_KEY_CERT_MATCH);
    }
    assert_int_equal(gnutls_init(&peer->session, GNUTLS_CLIENT | GNUTLS_FORCE_CLIENT_CERT), 0);
    assert_int_equal(gnutls_priority_set_direct(peer->session, priorities, NULL), 0);
    gnutls_credentials_set(peer->session, GNUTLS_CRD_CERTIFICATE, peer->credentials);
    gnutls_session_set_verify_cert(peer->session, "localhost", 0);
    gnutls_transport_set_int(peer->session, peer->fd);
}

static int peer_handshake(struct peer *peer)
{
    int r;
    do
        r = gnutls_handshake(peer->session);
    while (r == GNUTLS_E_AGAIN || r == GNUTLS_E_INTERRUPTED);
    return r;
}

static void peer_open(struct peer *peer, const struct certificate *shown, const char *priorities)
{
    peer_begin(peer, shown, priorities);
    assert_int_equal(peer_handshake(peer), 0);
}

static void peer_close(struct peer *peer)
{
    gnutls_deinit(peer->session);
    gnutls_certificate_free_credentials(peer->credentials);
    client_end(peer->fd);
}

static void peer_send(struct peer *peer, const char *text, size_t n)
{
    while (n > 0) {
        ssize_t sent = gnutls_record_send(peer->session, text, n);
        assert_true(sent > 0);
        text += sent;
        n -= (size_t)sent;
    }
}

/* Everything up to `end`, or to `n` bytes behind the head; into `ret_text`, which has room. */
static void peer_read(struct peer *peer, size_t n_body, struct buf *ret_text)
{
    const char *head_end = NULL;
    char block[4096];
    buf_init(ret_text, 64 << 20);
    while (!head_end || ret_text->n < (size_t)(head_end - ret_text->p) + 4 + n_body) {
        ssize_t got = gnutls_record_recv(peer->session, block, sizeof(block));
        if (got == GNUTLS_E_AGAIN || got == GNUTLS_E_INTERRUPTED)
            continue;
        if (got <= 0)
            print_error("the answer ends: %s\n", got < 0 ? gnutls_strerror((int)got) : "closed");
        assert_true(got > 0);
        buf_put(ret_text, block, (size_t)got);
        head_end = memmem(ret_text->p, ret_text->n, "\r\n\r\n", 4);
    }
}

/* Sends a request and expects the status and this end of the answer. */
static void peer_expect(struct peer *peer, const char *request, const char *status, const char *body)
{
    struct buf text;
    peer_send(peer, request, strlen(request));
    peer_read(peer, strlen(body), &text);
    struct str got = buf_str(&text);
    assert_memory_equal(got.p + 9, status, 3);
    if (!str_eq(str_skip(got, got.n - strlen(body)), str_of(body)))
        print_error("got  '" STR_FMT "'\nwant '%s'\n", STR_ARG(got), body);
    assert_true(str_eq(str_skip(got, got.n - strlen(body)), str_of(body)));
    buf_fini(&text);
}

/* --- tests ------------------------------------------------------------------------------------------------------- */

static const char *const versions[] = { "NORMAL:-VERS-ALL:+VERS-TLS1.3", "NORMAL:-VERS-ALL:+VERS-TLS1.2" };

static void test_requests(void **state)
{
    (void)state;
    for (size_t v = 0; v < TEST_COUNT(versions); v++) {
        struct peer peer;
        peer_open(&peer, NULL, versions[v]);
        for (int i = 0; i < 3; i++) {
            peer_expect(&peer, GET("/a?b"), "200", "GET /a b x 1 ");
            peer_expect(&peer, GET("/suspend"), "200", "GET /suspend - x 1 ");
            peer_expect(&peer, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello", "200",
                        "POST / - x 2 hello");
        }
        peer_expect(&peer, GET("/certificate"), "200", "tls");
        peer_close(&peer);
    }
    int fd = client_connect(&fixture);
    char body[FIXTURE_TEXT_MAX];
    client_expect(fd, STR(GET("/certificate")), 200, body);
    assert_string_equal(body, "plain");
    client_end(fd);
}

/* Records of one byte, and many requests in one record: what stays in the library's buffers is found there. */
static void test_records(void **state)
{
    (void)state;
    struct peer peer;
    struct buf requests, text;
    peer_open(&peer, NULL, "NORMAL");
    const char *request = GET("/slow");
    for (size_t i = 0; i + 1 < strlen(request); i++)
        peer_send(&peer, request + i, 1);
    peer_expect(&peer, request + strlen(request) - 1, "200", "GET /slow - x 1 ");
    buf_init(&requests, 1 << 16);
    for (int i = 0; i < 60; i++)
        buf_put_str(&requests, i % 2 ? STR(GET("/suspend")) : STR(GET("/plain")));
    peer_send(&peer, requests.p, requests.n);
    unsigned n_handled = atomic_load(&fixture.n_handled);
    while (atomic_load(&fixture.n_handled) < n_handled + 1)
        usleep(1000);
    size_t n = 0;
    buf_init(&text, 1 << 20);
    while (n < 60) {
        char block[4096];
        ssize_t got = gnutls_record_recv(peer.session, block, sizeof(block));
        assert_true(got > 0);
        buf_put(&text, block, (size_t)got);
        n = 0;
        for (size_t i = 0; i + 8 < text.n; i++)
            n += memcmp(text.p + i, "HTTP/1.1", 8) == 0;
    }
    buf_fini(&requests);
    buf_fini(&text);
    peer_close(&peer);
}

static void test_large(void **state)
{
    (void)state;
    struct peer peer;
    struct buf text;
    enum { N = 900000 };
    char *body = mem_alloc(N);
    memset(body, 'y', N);
    peer_open(&peer, NULL, "NORMAL");
    char head[] = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 900000\r\n\r\n";
    peer_send(&peer, head, strlen(head));
    peer_send(&peer, body, N);
    peer_read(&peer, N, &text);
    assert_memory_equal(text.p + text.n - N, body, N);
    buf_fini(&text);
    mem_free(body);
    peer_send(&peer, GET("/large"), strlen(GET("/large")));
    peer_read(&peer, 100000, &text);
    buf_fini(&text);
    peer_close(&peer);
}

static void test_refusals_inside(void **state)
{
    (void)state;
    struct peer peer;
    peer_open(&peer, NULL, "NORMAL");
    peer_expect(&peer, "GET / HTTP/1.1\r\n\r\n", "400", "}");
    peer_close(&peer);
    peer_open(&peer, NULL, "NORMAL");
    peer_expect(&peer, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n", "413", "}");
    peer_close(&peer);
}

static void test_client_certificates(void **state)
{
    (void)state;
    for (size_t v = 0; v < TEST_COUNT(versions); v++) {
        struct peer peer;
        struct buf text;
        peer_open(&peer, &client, versions[v]);
        for (int i = 0; i < 2; i++) {
            peer_send(&peer, GET("/certificate"), strlen(GET("/certificate")));
            peer_read(&peer, 80, &text);
            static const char wanted[] = "tls CN=registrar registrar arn:aws:iam::000000000000:user/registrar ";
            assert_non_null(memmem(text.p, text.n, wanted, strlen(wanted)));
            buf_fini(&text);
        }
        peer_close(&peer);
        int64_t before = metric_get(METRIC_TLS_CLIENTS_REFUSED);
        peer_open(&peer, &stranger, versions[v]);
        peer_expect(&peer, GET("/"), "400", "issued by a CA that is not trusted here.\"}");
        peer_close(&peer);
        peer_open(&peer, &other, versions[v]);
        peer_expect(&peer, GET("/"), "400", "lacks clientAuth.\"}");
        peer_close(&peer);
        assert_int_equal(metric_get(METRIC_TLS_CLIENTS_REFUSED), before + 2);
    }
}

static void reload(const char *client_ca)
{
    struct http_message message;
    struct tls_files wanted = files();
    write_file("ca.pem", client_ca, 0644);
    assert_int_equal(tls_reload(tls, &wanted, &message), 0);
}

/* What made a client trusted may end before its connection does. */
static void test_client_certificates_of_open_connections(void **state)
{
    (void)state;
    char both[16384], c;
    snprintf(both, sizeof(both), "%s%s", other_ca.text, ca.text);
    for (size_t v = 0; v < TEST_COUNT(versions); v++) {
        struct peer known, unknown, nameless;
        peer_open(&known, &client, versions[v]);
        peer_open(&nameless, NULL, versions[v]);
        peer_expect(&known, GET("/a"), "200", "GET /a - x 1 ");
        peer_expect(&nameless, GET("/a"), "200", "GET /a - x 1 ");
        reload(both);
        peer_expect(&known, GET("/a"), "200", "GET /a - x 1 ");
        peer_expect(&known, GET("/a"), "200", "GET /a - x 1 ");
        peer_open(&unknown, &stranger, versions[v]);
        peer_expect(&unknown, GET("/a"), "200", "GET /a - x 1 ");
        reload(ca.text);
        peer_expect(&unknown, GET("/a"), "400", "issued by a CA that is not trusted here.\"}");
        assert_true(gnutls_record_recv(unknown.session, &c, 1) <= 0);
        peer_close(&unknown);
        __atomic_store_n(&ahead_ms, 8 * INT64_C(86400000), __ATOMIC_RELAXED);
        peer_expect(&known, GET("/a"), "400", "The client certificate has expired.\"}");
        assert_true(gnutls_record_recv(known.session, &c, 1) <= 0);
        peer_expect(&nameless, GET("/a"), "200", "GET /a - x 1 ");
        __atomic_store_n(&ahead_ms, 0, __ATOMIC_RELAXED);
        peer_close(&known);
        peer_close(&nameless);
    }
}

static void resume(const char *priorities, const struct certificate *shown, const char *answer)
{
    struct peer first, second;
    gnutls_datum_t data;
    peer_open(&first, shown, priorities);
    peer_expect(&first, GET("/certificate"), "200", answer); /* and TLS 1.3's ticket with it */
    assert_int_equal(gnutls_session_get_data2(first.session, &data), 0);
    peer_close(&first);
    peer_begin(&second, shown, priorities);
    assert_int_equal(gnutls_session_set_data(second.session, data.data, data.size), 0);
    assert_int_equal(peer_handshake(&second), 0);
    assert_true(gnutls_session_is_resumed(second.session));
    peer_expect(&second, GET("/certificate"), "200", answer);
    peer_close(&second);
    gnutls_free(data.data); /* lint: the library's memory */
}

/* A resumed session remembers who its client is. */
static void test_resumption(void **state)
{
    (void)state;
    char who[256];
    int64_t before = metric_get(METRIC_TLS_RESUMED);
    for (size_t v = 0; v < TEST_COUNT(versions); v++) {
        struct peer peer;
        struct buf text;
        peer_open(&peer, &client, versions[v]);
        peer_send(&peer, GET("/certificate"), strlen(GET("/certificate")));
        peer_read(&peer, 130, &text);
        const char *body = strstr(text.p, "\r\n\r\n") + 4;
        snprintf(who, sizeof(who), "%.*s", (int)(text.n - (size_t)(body - text.p)), body);
        buf_fini(&text);
        peer_close(&peer);
        resume(versions[v], NULL, "tls");
        resume(versions[v], &client, who);
    }
    assert_int_equal(metric_get(METRIC_TLS_RESUMED), before + 4);
}

static void test_old_versions_and_ciphers(void **state)
{
    static const char *const refused[] = { "NORMAL:-VERS-ALL:+VERS-TLS1.1:+VERS-TLS1.0",
                                           "NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+RSA",
                                           "NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+AES-128-CBC" };
    (void)state;
    for (size_t i = 0; i < TEST_COUNT(refused); i++) {
        struct peer peer;
        int64_t before = metric_get(METRIC_TLS_FAILED_PROTOCOL);
        peer_begin(&peer, NULL, refused[i]);
        assert_true(peer_handshake(&peer) < 0);
        peer_close(&peer);
        while (metric_get(METRIC_TLS_FAILED_PROTOCOL) == before)
            usleep(1000);
    }
}

static void test_http_without_tls(void **state)
{
    (void)state;
    char body[FIXTURE_TEXT_MAX];
    int64_t before = metric_get(METRIC_TLS_FAILED_PLAIN);
    int fd = connect_tcp();
    client_expect(fd, STR(GET("/")), 400, body);
    assert_non_null(strstr(body, "use https"));
    assert_true(client_is_closed(fd));
    client_end(fd);
    assert_int_equal(metric_get(METRIC_TLS_FAILED_PLAIN), before + 1);
}

static void test_client_that_does_not_trust(void **state)
{
    (void)state;
    for (size_t v = 0; v < TEST_COUNT(versions); v++) {
        struct peer peer;
        int64_t before = metric_get(METRIC_TLS_FAILED_REJECTED);
        peer_begin(&peer, NULL, versions[v]);
        gnutls_session_set_verify_cert(peer.session, "wrong.example", 0);
        assert_int_equal(peer_handshake(&peer), GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR);
        gnutls_alert_send_appropriate(peer.session, GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR);
        peer_close(&peer);
        while (metric_get(METRIC_TLS_FAILED_REJECTED) == before)
            usleep(1000);
    }
}

static int64_t cpu_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Clients that begin a handshake and say no more: they cost no work, are cut off, and others do not notice. */
static void test_handshakes_that_do_not_end(void **state)
{
    (void)state;
    enum { N = 200 };
    int fds[N];
    start(600, 5000);
    int64_t before = metric_get(METRIC_TLS_FAILED_TIMEOUT), cpu = cpu_ms();
    for (size_t i = 0; i < N; i++) {
        fds[i] = connect_tcp();
        if (i % 2)
            client_send(fds[i], STR("\x16\x03\x01\x02"));
    }
    struct peer peer;
    peer_open(&peer, NULL, "NORMAL");
    peer_expect(&peer, GET("/a"), "200", "GET /a - x 1 ");
    for (size_t i = 0; i < N; i++) {
        assert_true(client_is_closed(fds[i]));
        client_end(fds[i]);
    }
    assert_int_equal(metric_get(METRIC_TLS_FAILED_TIMEOUT), before + N);
    assert_true(cpu_ms() - cpu < 300);
    peer_expect(&peer, GET("/b"), "200", "GET /b - x 1 ");
    peer_close(&peer);
    stop();
}

/* A client that stays within a request line is found, one that has sent nothing since its handshake is left alone. */
static void test_partial_line(void **state)
{
    (void)state;
    struct peer silent, partial;
    start(5000, 300);
    peer_open(&silent, NULL, "NORMAL");
    peer_open(&partial, NULL, "NORMAL");
    peer_send(&partial, "GE", 2);
    struct buf text;
    peer_read(&partial, 10, &text);
    assert_memory_equal(text.p + 9, "408", 3);
    buf_fini(&text);
    peer_close(&partial);
    peer_expect(&silent, GET("/a"), "200", "GET /a - x 1 ");
    peer_close(&silent);
    stop();
}

/* Beyond the most that may be open, the one that was silent longest gives way. */
static void test_crowd(void **state)
{
    (void)state;
    enum { N = 1100 };
    static int fds[N];
    int64_t before = metric_get(METRIC_TLS_FAILED_CROWDED);
    for (size_t i = 0; i < N; i++)
        fds[i] = connect_tcp();
    struct peer peer;
    peer_open(&peer, NULL, "NORMAL");
    peer_expect(&peer, GET("/a"), "200", "GET /a - x 1 ");
    peer_close(&peer);
    assert_true(metric_get(METRIC_TLS_FAILED_CROWDED) >= before + N - 1024);
    assert_true(client_is_closed(fds[0]));
    for (size_t i = 0; i < N; i++)
        client_end(fds[i]);
}

static void test_reload(void **state)
{
    (void)state;
    struct peer old, new;
    struct http_message message;
    struct tls_files wanted = files();
    peer_open(&old, NULL, "NORMAL");
    write_file("bad", "no certificate", 0600);
    wanted.certificate = path_of("bad");
    assert_int_equal(tls_reload(tls, &wanted, &message), 1);
    assert_non_null(strstr(message.text, "bad: it holds no certificate in PEM form"));
    write_file("server.pem", other.text, 0644);
    wanted = files();
    assert_int_equal(tls_reload(tls, &wanted, &message), 1);
    assert_non_null(strstr(message.text, "server.key: the certificate is of another key"));
    write_file("server.key", other.key, 0600);
    assert_int_equal(tls_reload(tls, &wanted, &message), 0);
    peer_open(&new, NULL, "NORMAL");
    peer_expect(&old, GET("/a"), "200", "GET /a - x 1 ");
    peer_expect(&new, GET("/a"), "200", "GET /a - x 1 ");
    unsigned n;
    const gnutls_datum_t *was = gnutls_certificate_get_peers(old.session, &n),
                         *is = gnutls_certificate_get_peers(new.session, &n);
    assert_true(was->size != is->size || memcmp(was->data, is->data, is->size) != 0);
    peer_close(&old);
    peer_close(&new);
    write_file("server.pem", server.text, 0644);
    write_file("server.key", server.key, 0600);
}

static void test_bad_files(void **state)
{
    (void)state;
    struct tls *none = NULL;
    struct http_message message;
    const struct {
        struct tls_files files;
        const char *reason;
    } cases[] = {
        { { "/nonexistent", path_of("server.key"), NULL }, "/nonexistent: No such file or directory." },
        { { path_of("server.pem"), "/nonexistent", NULL }, "/nonexistent: No such file or directory." },
        { { "/", path_of("server.key"), NULL }, "/: it is no file." },
        { { path_of("server.pem"), path_of("server.pem"), NULL }, "others can read or write this private key" },
        { { path_of("server.pem"), path_of("server.key"), write_file("bad", "x", 0644) },
          "bad: it holds no certificate in PEM form" },
    };
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        assert_int_equal(tls_new(&cases[i].files, &none, &message), 1);
        if (!strstr(message.text, cases[i].reason))
            print_error("%s\n", message.text);
        assert_non_null(strstr(message.text, cases[i].reason));
    }
}

int main(void)
{
#define WITH_SERVER(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        WITH_SERVER(test_requests),
        WITH_SERVER(test_records),
        WITH_SERVER(test_large),
        WITH_SERVER(test_refusals_inside),
        WITH_SERVER(test_client_certificates),
        WITH_SERVER(test_client_certificates_of_open_connections),
        WITH_SERVER(test_resumption),
        WITH_SERVER(test_old_versions_and_ciphers),
        WITH_SERVER(test_http_without_tls),
        WITH_SERVER(test_client_that_does_not_trust),
        cmocka_unit_test(test_handshakes_that_do_not_end),
        cmocka_unit_test(test_partial_line),
        WITH_SERVER(test_crowd),
        WITH_SERVER(test_reload),
        cmocka_unit_test(test_bad_files),
    };
    return cmocka_run_group_tests(tests, make_all, remove_all);
}
