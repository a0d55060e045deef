/* SPDX-License-Identifier: Apache-2.0
 *
 * Signatures; see tsig.h. */
#include "dnswire/tsig.h"

#include <nettle/base64.h>
#include <nettle/hmac.h>
#include <nettle/memops.h>

#define RECORD_FIXED 10
#define RDATA_FIXED 16 /* time, fudge, MAC's length, original id, error, length of other data */
#define MAC_MIN 10     /* RFC 8945 5.2.2.1: and half of the digest */

static const struct {
    struct str name; /* wire form */
    size_t n;
} algorithms[TSIG_ALGORITHM_COUNT] = {
    [TSIG_SHA256] = { { "\13hmac-sha256", 13 }, SHA256_DIGEST_SIZE },
    [TSIG_SHA512] = { { "\13hmac-sha512", 13 }, SHA512_DIGEST_SIZE },
};

/* --- reading ------------------------------------------------------------------------------------------------------ */

/* Skips a record; *ret_data is its data's place. */
static int tsig_skip(const uint8_t *p, size_t n, size_t *at, size_t *ret_data)
{
    size_t end;

    if (dname_skip(p, n, *at, &end) || n - end < RECORD_FIXED)
        return 1;
    *ret_data = end + RECORD_FIXED;
    *at = *ret_data + packet_get_u16(p + end + 8);
    return *at > n;
}

static int tsig_read_data(const uint8_t *p, size_t n, size_t at, struct tsig *tsig)
{
    size_t n_mac, n_other;

    if (dname_read(p, n, at, &tsig->algorithm, &at) || n - at < RDATA_FIXED)
        return 1;
    tsig->time_s = (uint64_t)packet_get_u16(p + at) << 32 | packet_get_u32(p + at + 2);
    tsig->fudge = packet_get_u16(p + at + 6);
    n_mac = packet_get_u16(p + at + 8);
    if (n - at < RDATA_FIXED + n_mac)
        return 1;
    tsig->mac = (struct str){ (const char *)p + at + 10, n_mac };
    at += 10 + n_mac;
    tsig->original_id = packet_get_u16(p + at);
    tsig->error = packet_get_u16(p + at + 2);
    n_other = packet_get_u16(p + at + 4);
    tsig->other = (struct str){ (const char *)p + at + 6, n_other };
    return n - at - 6 != n_other;
}

int tsig_read(const uint8_t *p, size_t n, struct tsig *ret_tsig)
{
    size_t at = PACKET_HEADER, data = 0, end;
    unsigned n_records;

    if (n < PACKET_HEADER || packet_get_u16(p + 10) == 0)
        return 1;
    for (unsigned i = packet_get_u16(p + 4); i > 0; i--) {
        if (dname_skip(p, n, at, &at) || n - at < 4)
            return 1;
        at += 4;
    }
    n_records = packet_get_u16(p + 6) + packet_get_u16(p + 8) + packet_get_u16(p + 10);
    for (; n_records > 0; n_records--) {
        ret_tsig->at = at;
        if (tsig_skip(p, n, &at, &data))
            return 1;
    }
    if (at != n || dname_read(p, n, ret_tsig->at, &ret_tsig->name, &end))
        return 1;
    if (packet_get_u16(p + end) != PACKET_TSIG || packet_get_u16(p + end + 2) != PACKET_ANY ||
        packet_get_u32(p + end + 4) != 0)
        return 1;
    dname_fold(&ret_tsig->name);
    if (tsig_read_data(p, n, data, ret_tsig))
        return 1;
    dname_fold(&ret_tsig->algorithm);
    return 0;
}

/* --- digests ------------------------------------------------------------------------------------------------------ */

struct tsig_hmac {
    enum tsig_algorithm algorithm;
    union {
        struct hmac_sha256_ctx sha256;
        struct hmac_sha512_ctx sha512;
    } u;
};

static void tsig_begin(struct tsig_hmac *hmac, enum tsig_algorithm algorithm, const struct tsig_key *key)
{
    hmac->algorithm = algorithm;
    if (algorithm == TSIG_SHA256)
        hmac_sha256_set_key(&hmac->u.sha256, key->n, key->secret);
    else
        hmac_sha512_set_key(&hmac->u.sha512, key->n, key->secret);
}

static void tsig_add(struct tsig_hmac *hmac, const void *p, size_t n)
{
    if (hmac->algorithm == TSIG_SHA256)
        hmac_sha256_update(&hmac->u.sha256, n, p);
    else
        hmac_sha512_update(&hmac->u.sha512, n, p);
}

static void tsig_end(struct tsig_hmac *hmac, uint8_t ret_mac[TSIG_MAC_MAX])
{
    if (hmac->algorithm == TSIG_SHA256)
        hmac_sha256_digest(&hmac->u.sha256, SHA256_DIGEST_SIZE, ret_mac);
    else
        hmac_sha512_digest(&hmac->u.sha512, SHA512_DIGEST_SIZE, ret_mac);
}

static uint8_t *tsig_put_u16(uint8_t *p, unsigned value)
{
    p[0] = (uint8_t)(value >> 8);
    p[1] = (uint8_t)value;
    return p + 2;
}

static uint8_t *tsig_put_time(uint8_t *p, uint64_t time_s)
{
    p = tsig_put_u16(p, (unsigned)(time_s >> 32) & 0xffff);
    p = tsig_put_u16(p, (unsigned)(time_s >> 16) & 0xffff);
    return tsig_put_u16(p, (unsigned)time_s & 0xffff);
}

static void tsig_add_u16(struct tsig_hmac *hmac, unsigned value)
{
    uint8_t bytes[2];

    tsig_put_u16(bytes, value);
    tsig_add(hmac, bytes, 2);
}

static void tsig_add_time(struct tsig_hmac *hmac, uint64_t time_s, unsigned fudge)
{
    uint8_t bytes[8];

    tsig_put_u16(tsig_put_time(bytes, time_s), fudge);
    tsig_add(hmac, bytes, sizeof(bytes));
}

/* The message as it was before it was signed. */
static void tsig_add_message(struct tsig_hmac *hmac, const uint8_t *p, size_t n, unsigned id, unsigned n_additional)
{
    uint8_t head[PACKET_HEADER];

    memcpy(head, p, sizeof(head));
    tsig_put_u16(head, id);
    tsig_put_u16(head + 10, n_additional);
    tsig_add(hmac, head, sizeof(head));
    tsig_add(hmac, p + sizeof(head), n - sizeof(head));
}

static void tsig_add_variables(struct tsig_hmac *hmac, const struct dname *name, const struct dname *algorithm,
                               uint64_t time_s, unsigned fudge, unsigned error, struct str other)
{
    tsig_add(hmac, name->wire, name->n);
    tsig_add(hmac, "\0\377\0\0\0\0", 6); /* class ANY, TTL 0 */
    tsig_add(hmac, algorithm->wire, algorithm->n);
    tsig_add_time(hmac, time_s, fudge);
    tsig_add_u16(hmac, error);
    tsig_add_u16(hmac, (unsigned)other.n);
    tsig_add(hmac, other.p, other.n);
}

/* --- checking ----------------------------------------------------------------------------------------------------- */

static bool tsig_find_algorithm(const struct dname *name, enum tsig_algorithm *ret_algorithm)
{
    for (unsigned i = 0; i < TSIG_ALGORITHM_COUNT; i++)
        if (str_eq(dname_suffix(name, 0), algorithms[i].name)) {
            *ret_algorithm = (enum tsig_algorithm)i;
            return true;
        }
    return false;
}

static bool tsig_has_mac(const uint8_t *p, const struct tsig *tsig, const struct tsig_key *key,
                         enum tsig_algorithm algorithm)
{
    struct tsig_hmac hmac;
    uint8_t mac[TSIG_MAC_MAX];

    tsig_begin(&hmac, algorithm, key);
    tsig_add_message(&hmac, p, tsig->at, tsig->original_id, packet_get_u16(p + 10) - 1u);
    tsig_add_variables(&hmac, &tsig->name, &tsig->algorithm, tsig->time_s, tsig->fudge, tsig->error, tsig->other);
    tsig_end(&hmac, mac);
    return memeql_sec(mac, tsig->mac.p, tsig->mac.n);
}

enum tsig_error tsig_verify(const uint8_t *p, const struct tsig *tsig, const struct tsig_key *key, uint64_t now_s,
                            struct tsig_signer *ret_signer)
{
    struct tsig_signer *signer = ret_signer;
    uint64_t apart = now_s > tsig->time_s ? now_s - tsig->time_s : tsig->time_s - now_s;
    size_t n_full;

    *signer = (struct tsig_signer){
        .name = tsig->name, .algorithm_name = tsig->algorithm, .error = TSIG_BADKEY, .request_time_s = tsig->time_s
    };
    if (!key || !dname_equal(&key->name, &tsig->name) || !tsig_find_algorithm(&tsig->algorithm, &signer->algorithm))
        return TSIG_BADKEY;
    n_full = algorithms[signer->algorithm].n;
    if (tsig->mac.n > n_full || tsig->mac.n < MAC_MIN || tsig->mac.n < n_full / 2)
        return TSIG_FORMERR;
    signer->error = TSIG_BADSIG;
    if (!tsig_has_mac(p, tsig, key, signer->algorithm))
        return TSIG_BADSIG;
    signer->key = key;
    memcpy(signer->mac, tsig->mac.p, tsig->mac.n);
    signer->n_mac = tsig->mac.n;
    signer->error = apart > tsig->fudge ? TSIG_BADTIME : TSIG_OK;
    return signer->error;
}

/* --- signing ------------------------------------------------------------------------------------------------------ */

void tsig_signer_init(struct tsig_signer *signer, const struct tsig_key *key)
{
    struct str algorithm = algorithms[TSIG_SHA256].name;

    *signer = (struct tsig_signer){ .key = key, .name = key->name, .algorithm = TSIG_SHA256 };
    memcpy(signer->algorithm_name.wire, algorithm.p, algorithm.n);
    signer->algorithm_name.n = (uint8_t)algorithm.n;
}

size_t tsig_size(const struct tsig_signer *signer)
{
    return signer->name.n + RECORD_FIXED + signer->algorithm_name.n + RDATA_FIXED +
           (signer->key ? algorithms[signer->algorithm].n : 0) + (signer->error == TSIG_BADTIME ? 6 : 0);
}

/* The new MAC into the signer. */
static void tsig_digest(struct tsig_signer *signer, const uint8_t *p, size_t n, uint64_t time_s, struct str other)
{
    struct tsig_hmac hmac;

    tsig_begin(&hmac, signer->algorithm, signer->key);
    if (signer->n_mac) {
        tsig_add_u16(&hmac, (unsigned)signer->n_mac);
        tsig_add(&hmac, signer->mac, signer->n_mac);
    }
    tsig_add_message(&hmac, p, n, packet_get_u16(p), packet_get_u16(p + 10));
    if (signer->is_later)
        tsig_add_time(&hmac, time_s, TSIG_FUDGE_S);
    else
        tsig_add_variables(&hmac, &signer->name, &signer->algorithm_name, time_s, TSIG_FUDGE_S, signer->error, other);
    tsig_end(&hmac, signer->mac);
    signer->n_mac = algorithms[signer->algorithm].n;
    signer->is_later = true;
}

size_t tsig_sign(struct tsig_signer *signer, uint8_t *p, size_t n, uint64_t now_s)
{
    /* RFC 8945 5.2.3: BADTIME repeats the client's time, and tells ours as other data. */
    bool is_late = signer->error == TSIG_BADTIME;
    uint64_t time_s = signer->error ? signer->request_time_s : now_s;
    uint8_t ours[6], *start = p + n, *at = start, *length;
    struct str other = { (const char *)ours, is_late ? sizeof(ours) : 0 };
    size_t n_mac = signer->key ? algorithms[signer->algorithm].n : 0;

    tsig_put_time(ours, now_s);
    if (signer->key)
        tsig_digest(signer, p, n, time_s, other);
    memcpy(at, signer->name.wire, signer->name.n);
    at = tsig_put_u16(at + signer->name.n, PACKET_TSIG);
    at = tsig_put_u16(at, PACKET_ANY);
    at = tsig_put_u16(tsig_put_u16(at, 0), 0);
    length = at;
    at += 2;
    memcpy(at, signer->algorithm_name.wire, signer->algorithm_name.n);
    at = tsig_put_time(at + signer->algorithm_name.n, time_s);
    at = tsig_put_u16(at, TSIG_FUDGE_S);
    at = tsig_put_u16(at, (unsigned)n_mac);
    memcpy(at, signer->mac, n_mac);
    at = tsig_put_u16(at + n_mac, packet_get_u16(p));
    at = tsig_put_u16(at, signer->error);
    at = tsig_put_u16(at, (unsigned)other.n);
    memcpy(at, ours, other.n);
    at += other.n;
    tsig_put_u16(length, (unsigned)(at - length - 2));
    tsig_put_u16(p + 10, packet_get_u16(p + 10) + 1u);
    return n + (size_t)(at - start);
}

/* --- keys --------------------------------------------------------------------------------------------------------- */

int tsig_key_parse(struct str text, struct tsig_key *ret_key)
{
    struct base64_decode_ctx decode;
    size_t colon, n = sizeof(ret_key->secret);

    while (text.n && (text.p[text.n - 1] == '\n' || text.p[text.n - 1] == ' ' || text.p[text.n - 1] == '\r'))
        text.n--;
    colon = str_find_char(text, ':');
    if (colon == text.n || dname_of_text((struct str){ text.p, colon }, &ret_key->name))
        return 1;
    dname_fold(&ret_key->name);
    text = str_skip(text, colon + 1);
    if (text.n > BASE64_ENCODE_LENGTH(TSIG_SECRET_MAX) || BASE64_DECODE_LENGTH(text.n) > n + 2)
        return 1;
    {
        uint8_t secret[TSIG_SECRET_MAX + 8];
        n = sizeof(secret);
        base64_decode_init(&decode);
        if (!base64_decode_update(&decode, &n, secret, text.n, text.p) || !base64_decode_final(&decode))
            return 1;
        if (n == 0 || n > TSIG_SECRET_MAX)
            return 1;
        memcpy(ret_key->secret, secret, n);
    }
    ret_key->n = n;
    return 0;
}
