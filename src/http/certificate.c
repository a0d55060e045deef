/* SPDX-License-Identifier: Apache-2.0
 *
 * By GnuTLS; results of the library are added up, and looked at once at the end. */
#include "http/certificate.h"
#include "base/mem.h"

#include <arpa/inet.h>
#include <gnutls/crypto.h>
#include <gnutls/x509.h>
#include <string.h>
#include <time.h>

#define HOUR_S 3600
#define DAY_S 86400
#define SERIAL_SIZE 16

/* What is being made: `result` is the first that failed. */
struct draft {
    gnutls_x509_crt_t certificate;
    gnutls_x509_privkey_t key;
    int result;
};

static void note(struct draft *draft, int result)
{
    if (result < 0 && draft->result == 0)
        draft->result = result;
}

static void begin(struct draft *draft)
{
    *draft = (struct draft){ .result = 0 };
    note(draft, gnutls_x509_crt_init(&draft->certificate));
    note(draft, gnutls_x509_privkey_init(&draft->key));
}

static void end(struct draft *draft)
{
    if (draft->certificate)
        gnutls_x509_crt_deinit(draft->certificate);
    if (draft->key)
        gnutls_x509_privkey_deinit(draft->key);
}

static void fill_common(struct draft *draft, const struct certificate_request *request)
{
    unsigned char serial[SERIAL_SIZE];
    time_t now = time(NULL);
    if (draft->result < 0)
        return;
    note(draft, gnutls_rnd(GNUTLS_RND_NONCE, serial, sizeof(serial)));
    serial[0] = (serial[0] & 0x3f) | 0x40; /* positive, and of one length */
    note(draft, gnutls_x509_privkey_generate(draft->key, GNUTLS_PK_ECDSA,
                                             GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0));
    note(draft, gnutls_x509_crt_set_version(draft->certificate, 3));
    note(draft, gnutls_x509_crt_set_serial(draft->certificate, serial, sizeof(serial)));
    note(draft, gnutls_x509_crt_set_activation_time(draft->certificate, now - HOUR_S));
    note(draft, gnutls_x509_crt_set_expiration_time(draft->certificate, now + (time_t)request->days * DAY_S));
    note(draft, gnutls_x509_crt_set_dn_by_oid(draft->certificate, GNUTLS_OID_X520_COMMON_NAME, 0, request->common_name,
                                              (unsigned)strlen(request->common_name)));
    note(draft, gnutls_x509_crt_set_key(draft->certificate, draft->key));
}

static void set_key_id(struct draft *draft)
{
    unsigned char id[64];
    size_t n = sizeof(id);
    if (draft->result < 0)
        return;
    note(draft, gnutls_x509_crt_get_key_id(draft->certificate, GNUTLS_KEYID_USE_SHA1, id, &n));
    if (draft->result == 0)
        note(draft, gnutls_x509_crt_set_subject_key_id(draft->certificate, id, n));
}

static void set_issuer_id(struct draft *draft, gnutls_x509_crt_t ca)
{
    unsigned char id[64];
    size_t n = sizeof(id);
    note(draft, gnutls_x509_crt_get_subject_key_id(ca, id, &n, NULL));
    if (draft->result == 0)
        note(draft, gnutls_x509_crt_set_authority_key_id(draft->certificate, id, n));
}

static char *dup_wiped(gnutls_datum_t *text)
{
    char *copy = mem_alloc(text->size + 1);
    if (copy) {
        memcpy(copy, text->data, text->size);
        copy[text->size] = '\0';
    }
    gnutls_memset(text->data, 0, text->size);
    gnutls_free(text->data); /* lint: the library's memory */
    return copy;
}

static void export(struct draft *draft, struct certificate *ret_certificate)
{
    gnutls_datum_t text = { 0 }, key = { 0 };
    struct certificate certificate = { 0 };
    if (draft->result == 0)
        note(draft, gnutls_x509_crt_export2(draft->certificate, GNUTLS_X509_FMT_PEM, &text));
    if (text.data)
        certificate.text = dup_wiped(&text);
    if (draft->result == 0)
        note(draft, gnutls_x509_privkey_export2_pkcs8(draft->key, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN, &key));
    if (key.data)
        certificate.key = dup_wiped(&key);
    if (draft->result == 0 && (!certificate.text || !certificate.key))
        draft->result = GNUTLS_E_MEMORY_ERROR;
    if (draft->result == 0)
        *ret_certificate = certificate;
    else
        certificate_free(&certificate);
}

static int conclude(struct draft *draft, struct certificate *ret_certificate, const char **ret_reason)
{
    export(draft, ret_certificate);
    end(draft);
    *ret_reason = draft->result < 0 ? gnutls_strerror(draft->result) : NULL;
    return draft->result < 0;
}

int certificate_make_ca(const struct certificate_request *request, struct certificate *ret_ca, const char **ret_reason)
{
    struct draft draft;
    begin(&draft);
    fill_common(&draft, request);
    set_key_id(&draft);
    if (draft.result == 0) {
        note(&draft, gnutls_x509_crt_set_basic_constraints(draft.certificate, 1, 0));
        note(&draft, gnutls_x509_crt_set_key_usage(draft.certificate, GNUTLS_KEY_KEY_CERT_SIGN | GNUTLS_KEY_CRL_SIGN));
        note(&draft, gnutls_x509_crt_sign2(draft.certificate, draft.certificate, draft.key, GNUTLS_DIG_SHA256, 0));
    }
    return conclude(&draft, ret_ca, ret_reason);
}

/* Bytes of an IP address, or 0: it is none. */
static unsigned parse_address(const char *name, unsigned char ret_address[sizeof(struct in6_addr)])
{
    if (inet_pton(AF_INET, name, ret_address) == 1)
        return sizeof(struct in_addr);
    return inet_pton(AF_INET6, name, ret_address) == 1 ? sizeof(struct in6_addr) : 0;
}

/* What the other side compares with. */
static void add_name(struct draft *draft, enum certificate_purpose purpose, const char *name)
{
    unsigned char address[sizeof(struct in6_addr)];
    unsigned n = purpose == CERTIFICATE_SERVER ? parse_address(name, address) : 0;
    gnutls_x509_subject_alt_name_t text_type = purpose == CERTIFICATE_CLIENT ? GNUTLS_SAN_URI : GNUTLS_SAN_DNSNAME;
    if (n > 0)
        note(draft, gnutls_x509_crt_set_subject_alt_name(draft->certificate, GNUTLS_SAN_IPADDRESS, address, n,
                                                         GNUTLS_FSAN_APPEND));
    else
        note(draft, gnutls_x509_crt_set_subject_alt_name(draft->certificate, text_type, name, (unsigned)strlen(name),
                                                         GNUTLS_FSAN_APPEND));
}

/* Of a CA that was read; freed by end. */
static void load(struct draft *ca, const struct certificate *text)
{
    begin(ca);
    gnutls_datum_t certificate = { (unsigned char *)text->text, (unsigned)strlen(text->text) };
    gnutls_datum_t key = { (unsigned char *)text->key, (unsigned)strlen(text->key) };
    if (ca->result < 0)
        return;
    note(ca, gnutls_x509_crt_import(ca->certificate, &certificate, GNUTLS_X509_FMT_PEM));
    note(ca, gnutls_x509_privkey_import2(ca->key, &key, GNUTLS_X509_FMT_PEM, NULL, 0));
}

int certificate_make(const struct certificate *ca, enum certificate_purpose purpose,
                     const struct certificate_request *request, struct certificate *ret_certificate,
                     const char **ret_reason)
{
    const char *oid = purpose == CERTIFICATE_CLIENT ? GNUTLS_KP_TLS_WWW_CLIENT : GNUTLS_KP_TLS_WWW_SERVER;
    struct draft issuer, draft;
    load(&issuer, ca);
    begin(&draft);
    note(&draft, issuer.result);
    fill_common(&draft, request);
    set_key_id(&draft);
    if (draft.result == 0) {
        set_issuer_id(&draft, issuer.certificate);
        for (size_t i = 0; i < request->n_names; i++)
            add_name(&draft, purpose, request->names[i]);
        note(&draft, gnutls_x509_crt_set_basic_constraints(draft.certificate, 0, -1));
        note(&draft, gnutls_x509_crt_set_key_usage(draft.certificate, GNUTLS_KEY_DIGITAL_SIGNATURE));
        note(&draft, gnutls_x509_crt_set_key_purpose_oid(draft.certificate, oid, 0));
        note(&draft, gnutls_x509_crt_sign2(draft.certificate, issuer.certificate, issuer.key, GNUTLS_DIG_SHA256, 0));
    }
    end(&issuer);
    return conclude(&draft, ret_certificate, ret_reason);
}

void certificate_free(struct certificate *certificate)
{
    if (certificate->key)
        explicit_bzero(certificate->key, strlen(certificate->key));
    mem_free(certificate->key);
    mem_free(certificate->text);
    *certificate = (struct certificate){ 0 };
}
