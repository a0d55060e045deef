/* SPDX-License-Identifier: Apache-2.0
 *
 * Judging by GnuTLS against the CAs of auth.client_ca; then the names are copied out. */
#include "http/client_certificate.h"
#include "base/mem.h"
#include "base/text.h"

#include <gnutls/crypto.h>
#include <gnutls/x509.h>

#define NAME_MAX_BYTES 1024 /* of each name */

static const struct head_refusal no_memory = { 503, "There is no memory for the client certificate now." };

static const char *reason_of(unsigned status)
{
    if (status & GNUTLS_CERT_EXPIRED)
        return "The client certificate has expired.";
    if (status & GNUTLS_CERT_NOT_ACTIVATED)
        return "The client certificate is not valid yet.";
    if (status & GNUTLS_CERT_SIGNER_NOT_FOUND)
        return "The client certificate was issued by a CA that is not trusted here.";
    if (status & GNUTLS_CERT_PURPOSE_MISMATCH)
        return "The client certificate is not one for clients: its extended key usage lacks clientAuth.";
    return "The client certificate is not valid.";
}

/* 0, 1 with the refusal, 2 when there is none. */
static int verify(gnutls_session_t session, struct head_refusal *ret_refusal)
{
    gnutls_typed_vdata_st purpose = { .type = GNUTLS_DT_KEY_PURPOSE_OID,
                                      .data = (unsigned char *)(uintptr_t)GNUTLS_KP_TLS_WWW_CLIENT };
    unsigned status;
    int r = gnutls_certificate_verify_peers(session, &purpose, 1, &status);
    if (r == GNUTLS_E_NO_CERTIFICATE_FOUND)
        return 2;
    *ret_refusal = (struct head_refusal){ 400, reason_of(r < 0 ? 0 : status) };
    return r < 0 || status != 0;
}

int client_certificate_judge(gnutls_session_t session, struct head_refusal *ret_refusal)
{
    return verify(session, ret_refusal) != 0;
}

struct head_refusal client_certificate_expired(void)
{
    return (struct head_refusal){ 400, reason_of(GNUTLS_CERT_EXPIRED) };
}

struct names {
    char subject[NAME_MAX_BYTES], common_name[NAME_MAX_BYTES], uri[NAME_MAX_BYTES];
    unsigned char digest[32];
    int64_t expiry_s;
};

/* The first name of type URI, or "". One that does not fit, or holds a NUL, is none. */
static void read_uri(gnutls_x509_crt_t certificate, char ret_uri[NAME_MAX_BYTES])
{
    for (unsigned i = 0;; i++) {
        size_t n = NAME_MAX_BYTES - 1;
        unsigned type = 0;
        int r = gnutls_x509_crt_get_subject_alt_name2(certificate, i, ret_uri, &n, &type, NULL);
        if (r == GNUTLS_E_SHORT_MEMORY_BUFFER)
            continue;
        if (r < 0)
            break;
        ret_uri[n] = '\0';
        if (type == GNUTLS_SAN_URI && strlen(ret_uri) == n && text_is_utf8((struct str){ ret_uri, n }))
            return;
    }
    ret_uri[0] = '\0';
}

static void read_common_name(gnutls_x509_crt_t certificate, char ret_name[NAME_MAX_BYTES])
{
    size_t n = NAME_MAX_BYTES - 1;
    int r = gnutls_x509_crt_get_dn_by_oid(certificate, GNUTLS_OID_X520_COMMON_NAME, 0, 0, ret_name, &n);
    if (r < 0)
        n = 0;
    ret_name[n] = '\0';
    if (strlen(ret_name) != n || !text_is_utf8((struct str){ ret_name, n }))
        ret_name[0] = '\0';
}

/* Of the client's and of those that it has sent with it, the first to expire. 0 or 1. */
static int read_expiry(const gnutls_datum_t *raw, unsigned n, int64_t *ret_expiry_s)
{
    gnutls_x509_crt_t certificate;
    *ret_expiry_s = INT64_MAX;
    for (unsigned i = 0; i < n; i++) {
        if (gnutls_x509_crt_init(&certificate) < 0)
            return 1;
        int r = gnutls_x509_crt_import(certificate, &raw[i], GNUTLS_X509_FMT_DER);
        int64_t expiry_s = r == 0 ? (int64_t)gnutls_x509_crt_get_expiration_time(certificate) : 0;
        gnutls_x509_crt_deinit(certificate);
        *ret_expiry_s = expiry_s < *ret_expiry_s ? expiry_s : *ret_expiry_s;
    }
    return 0;
}

/* 0 or 1. */
static int read_names(gnutls_session_t session, struct names *ret_names)
{
    unsigned n_peers;
    gnutls_x509_crt_t certificate;
    const gnutls_datum_t *raw = gnutls_certificate_get_peers(session, &n_peers);
    size_t n = sizeof(ret_names->subject);
    if (!raw || n_peers == 0 || read_expiry(raw, n_peers, &ret_names->expiry_s) ||
        gnutls_x509_crt_init(&certificate) < 0)
        return 1;
    int r = gnutls_x509_crt_import(certificate, &raw[0], GNUTLS_X509_FMT_DER);
    if (r == 0)
        r = gnutls_hash_fast(GNUTLS_DIG_SHA256, raw[0].data, raw[0].size, ret_names->digest);
    if (r == 0 && gnutls_x509_crt_get_dn(certificate, ret_names->subject, &n) < 0)
        ret_names->subject[0] = '\0';
    if (r == 0) {
        read_common_name(certificate, ret_names->common_name);
        read_uri(certificate, ret_names->uri);
    }
    gnutls_x509_crt_deinit(certificate);
    return r < 0;
}

static struct str copy(char **at, const char *text)
{
    size_t n = strlen(text);
    struct str s = { memcpy(*at, text, n + 1), n };
    *at += n + 1;
    return s;
}

static struct client_certificate *new_certificate(const struct names *names)
{
    size_t n = strlen(names->subject) + strlen(names->common_name) + strlen(names->uri) + 3;
    struct client_certificate *certificate = mem_zalloc(sizeof(*certificate) + n);
    if (!certificate)
        return NULL;
    char *at = certificate->text;
    certificate->expiry_s = names->expiry_s;
    certificate->shown.subject = copy(&at, names->subject);
    certificate->shown.common_name = copy(&at, names->common_name);
    certificate->shown.uri = copy(&at, names->uri);
    text_hex(names->digest, sizeof(names->digest), certificate->shown.fingerprint);
    return certificate;
}

int client_certificate_check(gnutls_session_t session, struct client_certificate **ret_certificate,
                             struct head_refusal *ret_refusal)
{
    struct names names;
    *ret_certificate = NULL;
    int r = verify(session, ret_refusal);
    if (r != 0)
        return r == 1;
    if (read_names(session, &names) == 0)
        *ret_certificate = new_certificate(&names);
    *ret_refusal = no_memory;
    return !*ret_certificate;
}
