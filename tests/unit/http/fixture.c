/* SPDX-License-Identifier: Apache-2.0
 *
 * The server of the tests and its clients. */
#include "fixture.h"
#include "base/mem.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

/* --- the handler ------------------------------------------------------------------------------------------------- */

static void respond_text(struct http_request *request, const char *text, size_t n)
{
    const struct http_header headers[] = { { "Content-Type", "text/plain" } };
    http_respond(request, 200, headers, 1, mem_dup(text, n), n);
}

static void put_slice(struct buf *buf, struct str s)
{
    buf_put_str(buf, str_is_set(s) ? s : STR("-"));
    buf_put_char(buf, ' ');
}

static void respond_echo(struct http_request *request)
{
    struct buf buf;
    size_t n_headers, n_body;
    buf_init(&buf, 4 << 20);
    char *body = http_request_body(request, &n_body);
    ASSERT(body[n_body] == '\0');
    http_request_headers(request, &n_headers);
    put_slice(&buf, http_request_method(request));
    put_slice(&buf, http_request_path(request));
    put_slice(&buf, http_request_query(request));
    put_slice(&buf, http_request_host(request));
    buf_printf(&buf, "%zu ", n_headers);
    buf_put(&buf, body, n_body);
    respond_text(request, buf_str(&buf).p, buf_str(&buf).n);
    buf_fini(&buf);
}

static void respond_peer(struct http_request *request)
{
    struct str peer = http_request_peer(request);
    char text[64];
    int n = snprintf(text, sizeof(text), STR_FMT " %d", STR_ARG(peer), http_request_is_loopback(request));
    respond_text(request, text, (size_t)n);
}

static void respond_certificate(struct http_request *request)
{
    const struct http_client_certificate *certificate = http_request_client_certificate(request);
    struct buf buf;
    buf_init(&buf, 4096);
    buf_put_str(&buf, http_request_is_tls(request) ? STR("tls") : STR("plain"));
    if (certificate)
        buf_printf(&buf, " " STR_FMT " " STR_FMT " " STR_FMT " %.64s", STR_ARG(certificate->subject),
                   STR_ARG(certificate->common_name), STR_ARG(certificate->uri), certificate->fingerprint);
    respond_text(request, buf_str(&buf).p, buf_str(&buf).n);
    buf_fini(&buf);
}

static void suspend(struct fixture *fixture, struct http_request *request)
{
    http_request_set_call(request, fixture);
    http_suspend(request);
    pthread_mutex_lock(&fixture->mutex);
    ASSERT(fixture->n_suspended < TEST_COUNT(fixture->suspended));
    fixture->suspended[fixture->n_suspended++] = request;
    pthread_cond_broadcast(&fixture->wakeup);
    pthread_mutex_unlock(&fixture->mutex);
}

static void handle(void *context, struct http_request *request)
{
    struct fixture *fixture = context;
    struct str path = http_request_path(request);
    atomic_fetch_add(&fixture->n_handled, 1);
    ASSERT(http_request_id(request).n == 36);
    if (str_eq(path, STR("/suspend")) || str_eq(path, STR("/hold"))) {
        suspend(fixture, request);
    } else if (str_eq(path, STR("/large"))) {
        char *body = mem_alloc(fixture->large);
        memset(body, 'x', fixture->large);
        http_respond(request, 200, NULL, 0, body, fixture->large);
    } else if (str_eq(path, STR("/starve"))) {
        respond_echo(request);
        mem_fail_at(1, true);
    } else if (str_eq(path, STR("/peer"))) {
        respond_peer(request);
    } else if (str_eq(path, STR("/certificate"))) {
        respond_certificate(request);
    } else {
        respond_echo(request);
    }
}

static void finish(void *context, struct http_request *request, void *call)
{
    struct fixture *fixture = context;
    ASSERT(call == fixture && http_request_call(request) == fixture);
    atomic_fetch_add(&fixture->n_finished, 1);
    if (http_request_is_cancelled(request))
        atomic_fetch_add(&fixture->n_cancelled, 1);
    respond_echo(request);
}

static void *finisher_main(void *arg)
{
    struct fixture *fixture = arg;
    pthread_mutex_lock(&fixture->mutex);
    for (;;) {
        while (!fixture->ends && (fixture->n_suspended == 0 || fixture->holds))
            pthread_cond_wait(&fixture->wakeup, &fixture->mutex);
        if (fixture->n_suspended == 0)
            break;
        struct http_request *request = fixture->suspended[--fixture->n_suspended];
        pthread_mutex_unlock(&fixture->mutex);
        http_finish(request);
        pthread_mutex_lock(&fixture->mutex);
    }
    pthread_mutex_unlock(&fixture->mutex);
    return NULL;
}

/* --- the server -------------------------------------------------------------------------------------------------- */

static void *worker_start(void *arg, unsigned index)
{
    struct fixture *fixture = arg;
    ASSERT(index < fixture->config.n_workers);
    atomic_fetch_add(&fixture->n_started, 1);
    return fixture;
}

static void worker_stop(void *context)
{
    struct fixture *fixture = context;
    atomic_fetch_add(&fixture->n_stopped, 1);
}

void fixture_init(struct fixture *fixture)
{
    *fixture = (struct fixture){ .addresses = { "127.0.0.1:0" }, .large = 100000 };
    fixture->config = (struct http_server_config){
        .addresses = fixture->addresses,
        .n_addresses = 1,
        .n_workers = 1,
        .clock = clock_system(),
        .handler = { .worker_start = worker_start,
                     .worker_stop = worker_stop,
                     .handle = handle,
                     .finish = finish,
                     .arg = fixture },
    };
    http_limits_default(&fixture->config.limits);
}

int fixture_try_start(struct fixture *fixture)
{
    return http_server_start(&fixture->config, &fixture->server, &fixture->message);
}

void fixture_start(struct fixture *fixture)
{
    pthread_mutex_init(&fixture->mutex, NULL);
    pthread_cond_init(&fixture->wakeup, NULL);
    assert_int_equal(pthread_create(&fixture->finisher, NULL, finisher_main, fixture), 0);
    int r = fixture_try_start(fixture);
    if (r != 0)
        print_error("%s\n", fixture->message.text);
    assert_int_equal(r, 0);
    const char *address = http_server_address(fixture->server, 0);
    if (address)
        assert_int_equal(sscanf(strrchr(address, ':'), ":%u", &fixture->port), 1);
}

void fixture_stop(struct fixture *fixture)
{
    http_server_stop(TAKE(fixture->server));
    pthread_mutex_lock(&fixture->mutex);
    fixture->ends = true;
    pthread_cond_broadcast(&fixture->wakeup);
    pthread_mutex_unlock(&fixture->mutex);
    pthread_join(fixture->finisher, NULL);
    pthread_cond_destroy(&fixture->wakeup);
    pthread_mutex_destroy(&fixture->mutex);
    assert_int_equal(fixture->n_started, fixture->config.n_workers);
    assert_int_equal(fixture->n_stopped, fixture->config.n_workers);
}

void fixture_release(struct fixture *fixture)
{
    pthread_mutex_lock(&fixture->mutex);
    fixture->holds = false;
    pthread_cond_broadcast(&fixture->wakeup);
    pthread_mutex_unlock(&fixture->mutex);
}

void fixture_wait_held(struct fixture *fixture, size_t n)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += FIXTURE_PATIENCE_S;
    pthread_mutex_lock(&fixture->mutex);
    while (fixture->n_suspended < n)
        assert_int_equal(pthread_cond_timedwait(&fixture->wakeup, &fixture->mutex, &until), 0);
    pthread_mutex_unlock(&fixture->mutex);
}

/* --- clients ----------------------------------------------------------------------------------------------------- */

int client_connect(const struct fixture *fixture)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons((uint16_t)fixture->port),
                                   .sin_addr = { htonl(INADDR_LOOPBACK) } };
    struct timeval patience = { .tv_sec = FIXTURE_PATIENCE_S };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

void client_send(int fd, struct str bytes)
{
    while (bytes.n > 0) {
        ssize_t n = send(fd, bytes.p, bytes.n, MSG_NOSIGNAL);
        if (n < 0 && (errno == EPIPE || errno == ECONNRESET))
            return;
        assert_true(n > 0);
        bytes = str_skip(bytes, (size_t)n);
    }
}

void client_send_text(int fd, const char *text)
{
    client_send(fd, str_of(text));
}

bool client_is_closed(int fd)
{
    char c;
    ssize_t n = recv(fd, &c, 1, 0);
    if (n < 0 && errno != ECONNRESET)
        print_error("still open: %s\n", strerror(errno));
    return n == 0 || (n < 0 && errno == ECONNRESET);
}

void client_end(int fd)
{
    close(fd);
}

/* One more block, but not beyond `n` bytes in all. */
static void read_up_to(int fd, struct buf *buf, size_t n)
{
    while (buf->n < n) {
        assert_true(buf_reserve(buf, n - buf->n));
        ssize_t got = recv(fd, buf->p + buf->n, n - buf->n, 0);
        if (got <= 0)
            print_error("the answer ends after %zu bytes: %s\n", buf->n, got < 0 ? strerror(errno) : "closed");
        assert_true(got > 0);
        buf->n += (size_t)got;
    }
}

struct str client_header(const struct client_answer *answer, const char *name)
{
    struct str rest = answer->head, wanted = str_of(name);
    while (rest.n > 0) {
        size_t end = str_find_char(rest, '\r');
        struct str line = { rest.p, end };
        if (str_starts_nocase(line, wanted) && line.n > wanted.n + 1 && line.p[wanted.n] == ':')
            return str_skip(line, wanted.n + 2);
        rest = str_skip(rest, end + 2);
    }
    return (struct str){ 0 };
}

void client_read(int fd, bool is_head, struct client_answer *ret_answer)
{
    struct buf *buf = &ret_answer->bytes;
    buf_init(buf, 64 << 20);
    do
        read_up_to(fd, buf, buf->n + 1);
    while (buf->n < 4 || memcmp(buf->p + buf->n - 4, "\r\n\r\n", 4) != 0);
    size_t head_n = buf->n;
    ret_answer->head = (struct str){ buf->p, head_n - 2 };
    uint64_t n;
    struct str length = client_header(ret_answer, "Content-Length");
    assert_true(str_is_set(length));
    assert_int_equal(str_parse_u64(length, &n), 0);
    if (!is_head)
        read_up_to(fd, buf, head_n + n);
    ret_answer->head = (struct str){ buf->p, head_n - 2 };
    ret_answer->body = (struct str){ buf->p + head_n, buf->n - head_n };
    uint64_t status;
    assert_true(str_starts(ret_answer->head, STR("HTTP/1.1 ")));
    assert_int_equal(str_parse_u64((struct str){ buf->p + 9, 3 }, &status), 0);
    ret_answer->status = (unsigned)status;
}

void client_answer_free(struct client_answer *answer)
{
    buf_fini(&answer->bytes);
}

void client_expect(int fd, struct str request, unsigned status, char *ret_body)
{
    struct client_answer answer;
    client_send(fd, request);
    client_read(fd, str_starts(request, STR("HEAD ")), &answer);
    if (answer.status != status)
        print_error("sent '" STR_FMT "'\ngot '" STR_FMT "'\n", STR_ARG(request), STR_ARG(buf_str(&answer.bytes)));
    assert_int_equal(answer.status, status);
    assert_int_equal(client_header(&answer, "Date").n, 29);
    if (ret_body) {
        assert_true(answer.body.n < FIXTURE_TEXT_MAX);
        memcpy(ret_body, answer.body.p, answer.body.n);
        ret_body[answer.body.n] = '\0';
    }
    client_answer_free(&answer);
}
