/* SPDX-License-Identifier: Apache-2.0 */
#include "service_double.h"
#include "base/mem.h"
#include "sigv4/verifier.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define SECRET "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"

/* --- reading ----------------------------------------------------------------------------------------------------- */

static void parse(struct service_seen *seen, size_t n_head)
{
    struct str rest = { seen->text, n_head };
    size_t n = str_find_char(rest, ' ');
    rest = str_skip(rest, n + 1);
    seen->path = (struct str){ rest.p, str_find_char(rest, ' ') };
    rest = str_skip(rest, str_find_char(rest, '\n') + 1);
    while (rest.n > 2 && seen->n_headers < SERVICE_HEADERS_MAX) {
        struct str line = { rest.p, str_find_char(rest, '\r') };
        n = str_find_char(line, ':');
        seen->headers[seen->n_headers++] = (struct str_pair){ { line.p, n }, str_skip(line, n + 2) };
        rest = str_skip(rest, line.n + 2);
    }
}

static struct str header_of(const struct service_seen *seen, const char *name)
{
    for (size_t i = 0; i < seen->n_headers; i++)
        if (str_eq_nocase(seen->headers[i].key, str_of(name)))
            return seen->headers[i].value;
    return (struct str){ 0 };
}

static bool read_request(int fd, struct service_seen *seen)
{
    size_t n = 0;
    uint64_t n_body = 0;
    char *end = NULL;
    while (!end || n < (size_t)(end - seen->text) + 4 + n_body) {
        ssize_t got = recv(fd, seen->text + n, sizeof(seen->text) - n - 1, 0);
        if (got <= 0)
            return false;
        n += (size_t)got;
        if (!end && (end = memmem(seen->text, n, "\r\n\r\n", 4))) {
            parse(seen, (size_t)(end - seen->text) + 4);
            ASSERT(str_parse_u64(header_of(seen, "Content-Length"), &n_body) == 0);
        }
    }
    seen->body = (struct str){ end + 4, n_body };
    return true;
}

static int verify(const struct service_seen *seen, int64_t now_seconds)
{
    const struct verifier_options options = { .window_s = VERIFIER_WINDOW_S };
    const struct verifier_request request = {
        .method = STR("POST"),
        .path = seen->path,
        .headers = seen->headers,
        .n_headers = seen->n_headers,
        .body = seen->body,
    };
    struct verifier_claim claim;
    struct signature_key key;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    int r = verifier_read(&request, &options, now_seconds, &arena, &claim);
    if (r == 0) {
        ASSERT(signature_derive_key(STR(SECRET), &claim.scope, &key) == 0);
        r = verifier_check(&request, &options, &claim, &key, &arena);
    }
    arena_fini(&arena);
    return r;
}

/* --- serving ----------------------------------------------------------------------------------------------------- */

static void send_all(int fd, const char *text)
{
    size_t n = strlen(text);
    while (n > 0) {
        ssize_t sent = send(fd, text, n, MSG_NOSIGNAL);
        if (sent <= 0)
            return;
        text += sent;
        n -= (size_t)sent;
    }
}

static void serve(struct service_double *service, int fd, const struct service_step *step)
{
    char block[256];
    struct service_seen *seen = &service->seen[service->n_seen];
    if (!read_request(fd, seen))
        return;
    seen->verdict = verify(seen, service->now_seconds);
    service->n_seen++;
    send_all(fd, step->answer);
    if (step->body) {
        snprintf(block, sizeof(block), "Connection: close\r\nContent-Length: %zu\r\n\r\n", strlen(step->body));
        send_all(fd, block);
        send_all(fd, step->body);
    }
    if (step->mood == SERVICE_HANGS)
        while (recv(fd, block, sizeof(block), 0) > 0)
            ;
}

static void *service_main(void *arg)
{
    struct service_double *service = arg;
    for (size_t i = 0; i < service->n_steps; i++) {
        int fd = accept(service->fd, NULL, NULL);
        if (fd < 0)
            break;
        serve(service, fd, &service->steps[i]);
        shutdown(fd, SHUT_WR);
        close(fd);
    }
    return NULL;
}

void service_double_start(struct service_double *service, const struct service_step *steps, size_t n_steps,
                          int64_t now_seconds)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
    socklen_t n = sizeof(address);
    assert_true(n_steps <= SERVICE_STEPS_MAX);
    memset(service, 0, sizeof(*service));
    memcpy(service->steps, steps, n_steps * sizeof(*steps));
    service->n_steps = n_steps;
    service->now_seconds = now_seconds;
    service->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(service->fd, (struct sockaddr *)&address, n), 0);
    assert_int_equal(listen(service->fd, 8), 0);
    assert_int_equal(getsockname(service->fd, (struct sockaddr *)&address, &n), 0);
    service->port = ntohs(address.sin_port);
    assert_int_equal(pthread_create(&service->thread, NULL, service_main, service), 0);
}

void service_double_stop(struct service_double *service)
{
    shutdown(service->fd, SHUT_RDWR); /* ends accept */
    pthread_join(service->thread, NULL);
    close(service->fd);
}

struct str service_double_header(const struct service_double *service, size_t i, const char *name)
{
    assert_true(i < service->n_seen);
    return header_of(&service->seen[i], name);
}

/* --- the chain --------------------------------------------------------------------------------------------------- */

int __wrap_credentials_chain_get(struct credentials_chain *credentials, struct credentials *ret_credentials,
                                 struct aws_error *ret_error);
void __wrap_credentials_chain_forget(struct credentials_chain *credentials);
int __wrap_credentials_metadata_region(const struct environment *environment, struct arena *arena,
                                       struct str *ret_region);

int __wrap_credentials_chain_get(struct credentials_chain *credentials, struct credentials *ret_credentials,
                                 struct aws_error *ret_error)
{
    struct service_chain *chain = (void *)credentials;
    if (chain->fails)
        return aws_client_fail(ret_error, AWS_NO_CREDENTIALS, "There are none.");
    snprintf(chain->text, sizeof(chain->text), "AKID%u", chain->generation);
    *ret_credentials = (struct credentials){
        .access_key_id = chain->is_damaged ? STR("A\r\nX: y") : str_of(chain->text),
        .secret_access_key = STR(SECRET),
        .session_token = chain->has_token ? STR("token/+==") : (struct str){ 0 },
        .source = "test",
    };
    return 0;
}

void __wrap_credentials_chain_forget(struct credentials_chain *credentials)
{
    ((struct service_chain *)(void *)credentials)->generation++;
}

int __wrap_credentials_metadata_region(const struct environment *environment, struct arena *arena,
                                       struct str *ret_region)
{
    if (!environment_is_true(environment, "TEST_IS_EC2"))
        return 1;
    *ret_region = arena_dup(arena, STR("ap-south-1"));
    return 0;
}
