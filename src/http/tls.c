/* SPDX-License-Identifier: Apache-2.0
 *
 * An identity is what one reading of the files gave. It is counted by the connections that use it: a renewed
 * certificate never takes the old one from under a handshake. */
#include "http/tls.h"
#include "base/mem.h"
#include "base/metric.h"

#include <errno.h>
#include <fcntl.h>
#include <gnutls/x509.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

struct tls_identity {
    atomic_uint n_users;
    gnutls_certificate_credentials_t credentials;
    gnutls_datum_t ticket_key;
    int64_t expiry_s;
    unsigned generation; /* the number of the reading */
    bool asks_clients;
};

struct tls {
    pthread_mutex_t mutex; /* over `identity` */
    struct tls_identity *identity;
    atomic_uint generation; /* of that one */
};

/* --- files ------------------------------------------------------------------------------------------------------- */

#define NOT_OURS "this user cannot read it; make it this user's own, or root's with a group that it is in, mode 0640"

static int bad(struct http_message *message, const char *path, const char *reason)
{
    snprintf(message->text, sizeof(message->text), "%s: %s.", path, reason);
    return 1;
}

/* Group readers are all right when root made it so, as Debian's group ssl-cert is. */
static bool is_private(const struct stat *stat)
{
    mode_t allowed = stat->st_uid == 0 ? 0640 : 0600;
    return (stat->st_mode & 0777 & ~allowed & ~0100u) == 0;
}

static int check_file(const struct stat *stat, bool is_key, const char *path, struct http_message *message)
{
    if (!S_ISREG(stat->st_mode))
        return bad(message, path, "it is no file");
    if (stat->st_size > TLS_FILE_MAX)
        return bad(message, path, "it is larger than 1 MiB");
    if (is_key && !is_private(stat))
        return bad(message, path, "others can read or write this private key; chmod 600 it");
    return 0;
}

static void wipe(gnutls_datum_t *text)
{
    if (text->data)
        explicit_bzero(text->data, text->size);
    mem_free(TAKE(text->data));
    text->size = 0;
}

/* All of it; to be wiped. 0, 1 with a message, or -ENOMEM. */
static int read_file(const char *path, bool is_key, gnutls_datum_t *ret_text, struct http_message *message)
{
    struct stat stat;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return bad(message, path, errno == EACCES && is_key ? NOT_OURS : strerror(errno));
    int r = fstat(fd, &stat) ? bad(message, path, strerror(errno)) : check_file(&stat, is_key, path, message);
    if (r == 0 && !(ret_text->data = mem_zalloc((size_t)stat.st_size + 1)))
        r = -ENOMEM;
    while (r == 0 && ret_text->size < (size_t)stat.st_size) {
        ssize_t n = read(fd, ret_text->data + ret_text->size, (size_t)stat.st_size - ret_text->size);
        if (n < 0)
            r = bad(message, path, strerror(errno));
        if (n <= 0)
            break;
        ret_text->size += (unsigned)n;
    }
    close(fd);
    return r;
}

/* --- an identity ------------------------------------------------------------------------------------------------- */

static void free_identity(struct tls_identity *identity)
{
    if (!identity)
        return;
    if (identity->credentials)
        gnutls_certificate_free_credentials(identity->credentials);
    gnutls_memset(identity->ticket_key.data, 0, identity->ticket_key.size);
    gnutls_free(identity->ticket_key.data); /* lint: the library's memory */
    mem_free(identity);
}

static const char *reason_of(int result)
{
    switch (result) {
    case GNUTLS_E_CERTIFICATE_KEY_MISMATCH:
        return "the certificate is of another key";
    case GNUTLS_E_DECRYPTION_FAILED:
    case GNUTLS_E_INVALID_PASSWORD:
        return "keys with a password are not supported; remove it (openssl pkey -in ... -out ...)";
    case GNUTLS_E_BASE64_DECODING_ERROR:
    case GNUTLS_E_BASE64_UNEXPECTED_HEADER_ERROR:
    case GNUTLS_E_NO_CERTIFICATE_FOUND:
        return "it holds no such thing in PEM form";
    default:
        return gnutls_strerror(result);
    }
}

static bool is_certificate(const gnutls_datum_t *text)
{
    gnutls_x509_crt_t *list = NULL;
    unsigned n = 0;
    int r = gnutls_x509_crt_list_import2(&list, &n, text, GNUTLS_X509_FMT_PEM, 0);
    for (unsigned i = 0; r >= 0 && i < n; i++)
        gnutls_x509_crt_deinit(list[i]);
    if (r >= 0)
        gnutls_free(list); /* lint: the library's memory */
    return r >= 0 && n > 0;
}

static int load_pair(struct tls_identity *identity, const struct tls_files *files, struct http_message *message)
{
    gnutls_datum_t certificate = { 0 }, key = { 0 };
    int r = read_file(files->certificate, false, &certificate, message);
    if (r == 0)
        r = read_file(files->key, true, &key, message);
    if (r == 0 && !is_certificate(&certificate))
        r = bad(message, files->certificate, "it holds no certificate in PEM form");
    if (r == 0) {
        int result = gnutls_certificate_set_x509_key_mem2(identity->credentials, &certificate, &key,
                                                          GNUTLS_X509_FMT_PEM, NULL, 0);
        if (result < 0)
            r = result == GNUTLS_E_MEMORY_ERROR ? -ENOMEM : bad(message, files->key, reason_of(result));
    }
    wipe(&certificate);
    wipe(&key);
    return r;
}

static int load_client_ca(struct tls_identity *identity, const char *path, struct http_message *message)
{
    gnutls_datum_t text = { 0 };
    int r = read_file(path, false, &text, message);
    if (r == 0) {
        int n = gnutls_certificate_set_x509_trust_mem(identity->credentials, &text, GNUTLS_X509_FMT_PEM);
        if (n <= 0)
            r = n == GNUTLS_E_MEMORY_ERROR ? -ENOMEM : bad(message, path, "it holds no certificate in PEM form");
    }
    wipe(&text);
    identity->asks_clients = true;
    return r;
}

static int find_expiry(struct tls_identity *identity)
{
    gnutls_datum_t raw;
    gnutls_x509_crt_t certificate;
    if (gnutls_certificate_get_crt_raw(identity->credentials, 0, 0, &raw) < 0 || gnutls_x509_crt_init(&certificate) < 0)
        return -ENOMEM;
    int r = gnutls_x509_crt_import(certificate, &raw, GNUTLS_X509_FMT_DER);
    if (r == 0)
        identity->expiry_s = (int64_t)gnutls_x509_crt_get_expiration_time(certificate);
    gnutls_x509_crt_deinit(certificate);
    return r < 0 ? -ENOMEM : 0;
}

static int new_identity(const struct tls_files *files, struct tls_identity **ret_identity,
                        struct http_message *ret_message)
{
    struct tls_identity *identity = mem_zalloc(sizeof(*identity));
    if (!identity)
        return -ENOMEM;
    atomic_init(&identity->n_users, 1);
    int r = gnutls_certificate_allocate_credentials(&identity->credentials) < 0 ? -ENOMEM : 0;
    if (r == 0 && gnutls_session_ticket_key_generate(&identity->ticket_key) < 0)
        r = -ENOMEM;
    if (r == 0)
        r = load_pair(identity, files, ret_message);
    if (r == 0 && files->client_ca)
        r = load_client_ca(identity, files->client_ca, ret_message);
    if (r == 0)
        r = find_expiry(identity);
    if (r != 0) {
        free_identity(identity);
        return r;
    }
    *ret_identity = identity;
    return 0;
}

int tls_identity_apply(const struct tls_identity *identity, gnutls_session_t session)
{
    gnutls_certificate_server_set_request(session, identity->asks_clients ? GNUTLS_CERT_REQUEST : GNUTLS_CERT_IGNORE);
    gnutls_db_set_cache_expiration(session, TLS_TICKET_SECONDS);
    return gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, identity->credentials) < 0 ||
           gnutls_session_ticket_enable_server(session, &identity->ticket_key) < 0;
}

bool tls_identity_asks_clients(const struct tls_identity *identity)
{
    return identity->asks_clients;
}

unsigned tls_identity_generation(const struct tls_identity *identity)
{
    return identity->generation;
}

unsigned tls_generation(const struct tls *tls)
{
    return atomic_load_explicit(&tls->generation, memory_order_relaxed);
}

int tls_identity_judge(const struct tls_identity *identity, gnutls_session_t session)
{
    return gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, identity->credentials) < 0;
}

void tls_identity_drop(struct tls_identity *take_identity)
{
    if (take_identity && atomic_fetch_sub(&take_identity->n_users, 1) == 1)
        free_identity(take_identity);
}

/* --- the newest one ---------------------------------------------------------------------------------------------- */

int tls_new(const struct tls_files *files, struct tls **ret_tls, struct http_message *ret_message)
{
    struct tls *tls = mem_zalloc(sizeof(*tls));
    ret_message->text[0] = '\0';
    if (!tls)
        return -ENOMEM;
    int r = new_identity(files, &tls->identity, ret_message);
    if (r == 0)
        r = -pthread_mutex_init(&tls->mutex, NULL);
    if (r != 0) {
        tls_identity_drop(tls->identity);
        mem_free(tls);
        return r;
    }
    metric_set(METRIC_TLS_CERTIFICATE_EXPIRY, tls->identity->expiry_s);
    *ret_tls = tls;
    return 0;
}

int tls_reload(struct tls *tls, const struct tls_files *files, struct http_message *ret_message)
{
    struct tls_identity *identity;
    ret_message->text[0] = '\0';
    int r = new_identity(files, &identity, ret_message);
    if (r != 0)
        return r;
    metric_set(METRIC_TLS_CERTIFICATE_EXPIRY, identity->expiry_s);
    pthread_mutex_lock(&tls->mutex);
    struct tls_identity *old = tls->identity;
    identity->generation = old->generation + 1;
    tls->identity = identity;
    atomic_store(&tls->generation, identity->generation);
    pthread_mutex_unlock(&tls->mutex);
    tls_identity_drop(old);
    return 0;
}

void tls_free(struct tls *take_tls)
{
    if (!take_tls)
        return;
    tls_identity_drop(take_tls->identity);
    pthread_mutex_destroy(&take_tls->mutex);
    mem_free(take_tls);
}

struct tls_identity *tls_identity_take(struct tls *tls)
{
    pthread_mutex_lock(&tls->mutex);
    struct tls_identity *identity = tls->identity;
    atomic_fetch_add(&identity->n_users, 1);
    pthread_mutex_unlock(&tls->mutex);
    return identity;
}

int64_t tls_expiry_s(struct tls *tls)
{
    struct tls_identity *identity = tls_identity_take(tls);
    int64_t expiry_s = identity->expiry_s;
    tls_identity_drop(identity);
    return expiry_s;
}
