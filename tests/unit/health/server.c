/* SPDX-License-Identifier: Apache-2.0
 *
 * See server.h. */
#include "server.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

bool server_wait(struct server *server, int fd, int ms)
{
    struct pollfd fds[] = { { .fd = server->stop_pipe[0], .events = POLLIN }, { .fd = fd, .events = POLLRDHUP } };

    return poll(fds, 2, ms) > 0;
}

void server_hold(struct server *server, int fd)
{
    server_wait(server, fd, -1);
}

static void say_over_tls(struct server *server, int fd)
{
    gnutls_session_t session;

    gnutls_init(&session, GNUTLS_SERVER | GNUTLS_NO_SIGNAL);
    gnutls_priority_set_direct(session, "NORMAL", NULL);
    gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, server->identity->credentials);
    gnutls_transport_set_int(session, fd);
    gnutls_handshake_set_timeout(session, 5000);
    if (gnutls_handshake(session) == 0 &&
        gnutls_record_recv(session, server->request, sizeof(server->request) - 1) > 0) {
        gnutls_record_send(session, server->answer, strlen(server->answer));
        gnutls_bye(session, GNUTLS_SHUT_WR);
    }
    gnutls_deinit(session);
}

void server_answer(struct server *server, int fd)
{
    memset(server->request, 0, sizeof(server->request));
    if (server->identity) {
        say_over_tls(server, fd);
        return;
    }
    if (recv(fd, server->request, sizeof(server->request) - 1, 0) > 0)
        send(fd, server->answer, strlen(server->answer), MSG_NOSIGNAL);
}

static void *serve(void *arg)
{
    struct server *server = arg;
    struct pollfd fds[] = { { .fd = server->stop_pipe[0], .events = POLLIN },
                            { .fd = server->listen_fd, .events = POLLIN } };

    while (poll(fds, 2, -1) > 0 && !fds[0].revents) {
        int fd = accept(server->listen_fd, NULL, NULL);
        if (fd < 0)
            continue;
        atomic_fetch_add(&server->n_connections, 1);
        server->serve(server, fd);
        close(fd);
    }
    return NULL;
}

void server_start(struct server *server, const char *address)
{
    struct sockaddr_in in = { .sin_family = AF_INET };
    struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
    socklen_t n;
    int r;

    assert_int_equal(target_address_parse(str_of(address), &server->address), 0);
    memcpy(&in.sin_addr, server->address.octets, 4);
    memcpy(&in6.sin6_addr, server->address.octets, 16);
    assert_int_equal(pipe(server->stop_pipe), 0);
    server->listen_fd = socket(server->address.is_ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (server->address.is_ipv6)
        r = bind(server->listen_fd, (struct sockaddr *)&in6, n = sizeof(in6)) ||
            getsockname(server->listen_fd, (struct sockaddr *)&in6, &n);
    else
        r = bind(server->listen_fd, (struct sockaddr *)&in, n = sizeof(in)) ||
            getsockname(server->listen_fd, (struct sockaddr *)&in, &n);
    assert_int_equal(r, 0);
    server->port = ntohs(server->address.is_ipv6 ? in6.sin6_port : in.sin_port);
    assert_int_equal(listen(server->listen_fd, 1024), 0);
    atomic_init(&server->n_connections, 0);
    assert_int_equal(pthread_create(&server->thread, NULL, serve, server), 0);
}

void server_stop(struct server *server)
{
    assert_int_equal(write(server->stop_pipe[1], "x", 1), 1);
    pthread_join(server->thread, NULL);
    close(server->stop_pipe[0]);
    close(server->stop_pipe[1]);
    close(server->listen_fd);
}

void server_make_identity(struct server_identity *identity, const char *name, const struct server_identity *authority)
{
    const struct server_identity *signer = authority ? authority : identity;
    time_t now = time(NULL);

    gnutls_x509_privkey_init(&identity->key);
    gnutls_x509_crt_init(&identity->certificate);
    gnutls_x509_privkey_generate(identity->key, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0);
    gnutls_x509_crt_set_version(identity->certificate, 3);
    gnutls_x509_crt_set_serial(identity->certificate, authority ? "\2" : "\1", 1);
    gnutls_x509_crt_set_dn(identity->certificate, authority ? "CN=a server" : "CN=an authority", NULL);
    gnutls_x509_crt_set_key(identity->certificate, identity->key);
    gnutls_x509_crt_set_activation_time(identity->certificate, now - 3600);
    gnutls_x509_crt_set_expiration_time(identity->certificate, now + 3600);
    gnutls_x509_crt_set_basic_constraints(identity->certificate, !authority, -1);
    gnutls_x509_crt_set_subject_alt_name(identity->certificate, GNUTLS_SAN_DNSNAME, name, (unsigned)strlen(name),
                                         GNUTLS_FSAN_SET);
    gnutls_x509_crt_set_key_usage(identity->certificate, authority
                                                             ? GNUTLS_KEY_DIGITAL_SIGNATURE
                                                             : GNUTLS_KEY_KEY_CERT_SIGN | GNUTLS_KEY_DIGITAL_SIGNATURE);
    assert_int_equal(
        gnutls_x509_crt_sign2(identity->certificate, signer->certificate, signer->key, GNUTLS_DIG_SHA256, 0), 0);
    gnutls_certificate_allocate_credentials(&identity->credentials);
    assert_int_equal(gnutls_certificate_set_x509_key(identity->credentials, &identity->certificate, 1, identity->key),
                     0);
}

void server_free_identity(struct server_identity *identity)
{
    gnutls_certificate_free_credentials(identity->credentials);
    gnutls_x509_crt_deinit(identity->certificate);
    gnutls_x509_privkey_deinit(identity->key);
}
