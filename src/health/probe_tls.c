/* SPDX-License-Identifier: Apache-2.0
 *
 * See probe_tls.h. */
#include "health/probe_tls.h"

#include "base/mem.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <gnutls/gnutls.h>
#include <stdio.h>
#include <sys/socket.h>

#define OPTION "health.tls_authorities: " /* before what is wrong with it */
#define MAX_NAME 256
#define MAX_HANDSHAKE (64 << 10) /* octets of one handshake message, which holds the server's certificates */
#define MAX_WARNINGS 8
#define MAX_MESSAGES 64 /* that are no data, or parts of one, in a row */
#define VERSIONS "-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"
#define NO_DH "-DHE-RSA:-DHE-DSS:-GROUP-DH-ALL"
#define BELIEVING ("NORMAL:" VERSIONS ":+VERS-TLS1.1:+VERS-TLS1.0:" NO_DH ":%COMPAT")
#define VERIFYING ("NORMAL:" VERSIONS ":" NO_DH)

struct authority {
    char name[MAX_NAME]; /* "" for the system's */
    gnutls_certificate_credentials_t credentials;
};

struct probe_tls {
    gnutls_priority_t believing, verifying;
    gnutls_certificate_credentials_t anybody;
    struct authority *authorities; /* the system's first */
    size_t n;
    bool has_system; /* they have been read */
};

struct probe_tls_session {
    gnutls_session_t gnutls;
    bool verify;
    char name[MAX_NAME]; /* of the server; "" when none is known */
};

/* --- what is shared ------------------------------------------------------------------------------------------------
 */

static struct authority *add_authority(struct probe_tls *tls, struct str name)
{
    struct authority *authority = &tls->authorities[tls->n];

    if (gnutls_certificate_allocate_credentials(&authority->credentials) < 0)
        return NULL;
    memcpy(authority->name, name.p, name.n);
    authority->name[name.n] = '\0';
    tls->n++;
    return authority;
}

static int load_file(struct probe_tls *tls, const char *directory, struct str name, char *why, size_t size)
{
    char path[4096];
    struct authority *authority;
    int n = snprintf(path, sizeof(path), "%s/" STR_FMT ".pem", directory, STR_ARG(name));

    if (tls->n == PROBE_TLS_MAX_AUTHORITIES || n >= (int)sizeof(path)) {
        snprintf(why, size, OPTION "%s holds more than %d authorities", directory, PROBE_TLS_MAX_AUTHORITIES - 1);
        return 1;
    }
    authority = add_authority(tls, name);
    if (!authority)
        return -ENOMEM;
    int r = gnutls_certificate_set_x509_trust_file(authority->credentials, path, GNUTLS_X509_FMT_PEM);
    if (r > 0)
        return 0;
    snprintf(why, size, OPTION "%s: %s", path, r < 0 ? gnutls_strerror(r) : "no certificate in it");
    return 1;
}

static int load_directory(struct probe_tls *tls, const char *directory, char *why, size_t size)
{
    DIR *stream = opendir(directory);
    struct dirent *one;
    int r = 0;

    if (!stream) {
        snprintf(why, size, OPTION "%s: %s", directory, strerror(errno));
        return 1;
    }
    while (r == 0 && (one = readdir(stream))) {
        struct str name = str_of(one->d_name), ending = STR(".pem");
        if (name.p[0] == '.' || name.n <= ending.n || name.n >= MAX_NAME ||
            !str_eq(str_skip(name, name.n - ending.n), ending))
            continue;
        name.n -= ending.n;
        r = load_file(tls, directory, name, why, size);
    }
    closedir(stream);
    return r;
}

int probe_tls_new(const char *directory, struct probe_tls **ret_tls, char *why, size_t size)
{
    struct probe_tls *tls = mem_zalloc(sizeof(*tls));
    int r = -ENOMEM;

    if (tls)
        tls->authorities = mem_zalloc(PROBE_TLS_MAX_AUTHORITIES * sizeof(*tls->authorities));
    if (tls && tls->authorities && gnutls_priority_init(&tls->believing, BELIEVING, NULL) == 0 &&
        gnutls_priority_init(&tls->verifying, VERIFYING, NULL) == 0 &&
        gnutls_certificate_allocate_credentials(&tls->anybody) == 0 && add_authority(tls, STR("")))
        r = directory ? load_directory(tls, directory, why, size) : 0;
    if (r == 0)
        *ret_tls = tls;
    else
        probe_tls_free(tls);
    return r;
}

void probe_tls_free(struct probe_tls *tls)
{
    if (!tls)
        return;
    for (size_t i = 0; i < tls->n; i++)
        gnutls_certificate_free_credentials(tls->authorities[i].credentials);
    if (tls->anybody)
        gnutls_certificate_free_credentials(tls->anybody);
    if (tls->verifying)
        gnutls_priority_deinit(tls->verifying);
    if (tls->believing)
        gnutls_priority_deinit(tls->believing);
    mem_free(tls->authorities);
    mem_free(tls);
}

/* NULL when there is none of that name. */
static struct authority *find_authority(const struct probe_tls *tls, struct str name)
{
    for (size_t i = 0; i < tls->n; i++)
        if (str_eq(name, str_of(tls->authorities[i].name)))
            return &tls->authorities[i];
    return NULL;
}

bool probe_tls_has_authority(const struct probe_tls *tls, struct str name)
{
    return name.n > 0 && find_authority(tls, name);
}

/* --- one connection ------------------------------------------------------------------------------------------------
 */

/* Without the port that a Host header may have. */
static struct str strip_port(struct str host)
{
    size_t end = host.n;

    while (end > 0 && host.p[end - 1] >= '0' && host.p[end - 1] <= '9')
        end--;
    if (end > 0 && host.p[end - 1] == ':')
        host.n = end - 1;
    return host;
}

static bool is_address(const char *name)
{
    struct target_address address;

    return target_address_parse(str_of(name), &address) == 0;
}

static void set_name(struct probe_tls_session *session, const struct check *check)
{
    struct str name = check->expect.tls_name;

    if (!str_is_set(name))
        name = strip_port(check->host);
    if (name.n >= sizeof(session->name) || str_find_char(name, '\0') < name.n)
        return;
    memcpy(session->name, name.p, name.n);
    session->name[name.n] = '\0';
    if (name.n && !is_address(session->name))
        gnutls_server_name_set(session->gnutls, GNUTLS_NAME_DNS, session->name, name.n);
}

/* The certificates to believe in: anybody's, those of an authority, or nobody's where the check names one that is not
 * there. The system's are some hundred and are read when a check first wants them. */
static gnutls_certificate_credentials_t choose_credentials(struct probe_tls *tls, const struct check *check,
                                                           bool verify)
{
    struct authority *authority;

    if (!verify)
        return tls->anybody;
    if (!str_is_set(check->expect.tls_ca)) {
        if (!tls->has_system)
            gnutls_certificate_set_x509_system_trust(tls->authorities[0].credentials);
        tls->has_system = true;
        return tls->authorities[0].credentials;
    }
    authority = find_authority(tls, check->expect.tls_ca);
    return authority ? authority->credentials : tls->anybody;
}

int probe_tls_open(struct probe_tls *tls, const struct check *check, int fd, struct probe_tls_session **ret_session)
{
    static const gnutls_datum_t protocol = { (unsigned char *)"http/1.1", sizeof("http/1.1") - 1 };
    struct probe_tls_session *session = mem_zalloc(sizeof(*session));

    if (!session)
        return -ENOMEM;
    session->verify = check->verify_tls || str_is_set(check->expect.tls_name) || str_is_set(check->expect.tls_ca);
    if (gnutls_init(&session->gnutls, GNUTLS_CLIENT | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL | GNUTLS_NO_TICKETS) < 0 ||
        gnutls_priority_set(session->gnutls, session->verify ? tls->verifying : tls->believing) < 0 ||
        gnutls_credentials_set(session->gnutls, GNUTLS_CRD_CERTIFICATE,
                               choose_credentials(tls, check, session->verify)) < 0 ||
        gnutls_alpn_set_protocols(session->gnutls, &protocol, 1, 0) < 0) {
        probe_tls_close(session);
        return -ENOMEM;
    }
    set_name(session, check);
    gnutls_handshake_set_max_packet_length(session->gnutls, MAX_HANDSHAKE);
    gnutls_handshake_set_timeout(session->gnutls, GNUTLS_INDEFINITE_TIMEOUT); /* the probe has a deadline */
    gnutls_transport_set_int(session->gnutls, fd);
    *ret_session = session;
    return 0;
}

void probe_tls_close(struct probe_tls_session *session)
{
    if (!session)
        return;
    if (session->gnutls)
        gnutls_deinit(session->gnutls);
    mem_free(session);
}

static enum probe_result verify(struct probe_tls_session *session)
{
    unsigned status = 0;

    if (!session->name[0] || gnutls_certificate_verify_peers3(session->gnutls, session->name, &status) < 0 || status)
        return PROBE_TLS_UNTRUSTED;
    return PROBE_OK;
}

enum probe_result probe_tls_handshake(struct probe_tls_session *session)
{
    int r, rounds = 0;

    do
        r = gnutls_handshake(session->gnutls);
    while ((r == GNUTLS_E_WARNING_ALERT_RECEIVED || r == GNUTLS_E_INTERRUPTED) && ++rounds < MAX_WARNINGS);
    if (r == GNUTLS_E_SUCCESS)
        return session->verify ? verify(session) : PROBE_OK;
    if (r == GNUTLS_E_MEMORY_ERROR)
        return PROBE_NO_RESOURCES;
    return gnutls_error_is_fatal(r) ? PROBE_TLS_FAILED : PROBE_PENDING;
}

static ssize_t result_of(ssize_t r)
{
    if (r >= 0)
        return r;
    if (r == GNUTLS_E_PREMATURE_TERMINATION)
        return 0;
    return gnutls_error_is_fatal((int)r) ? -ECONNRESET : -EAGAIN;
}

ssize_t probe_tls_send(struct probe_tls_session *session, const void *p, size_t n)
{
    return result_of(gnutls_record_send(session->gnutls, p, n));
}

static bool has_more(const struct probe_tls_session *session)
{
    char octet;

    return recv(gnutls_transport_get_int(session->gnutls), &octet, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

/* GnuTLS says "again" behind every message that is not data, such as a session ticket, although data may stand right
 * behind it: nothing would wake the probe for those. A server that sends nothing but such messages is given up. */
ssize_t probe_tls_recv(struct probe_tls_session *session, void *p, size_t n)
{
    for (int rounds = 0; rounds < MAX_MESSAGES; rounds++) {
        ssize_t r = result_of(gnutls_record_recv(session->gnutls, p, n));
        if (r != -EAGAIN || !has_more(session))
            return r;
    }
    return -ECONNRESET;
}
