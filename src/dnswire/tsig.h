/* SPDX-License-Identifier: Apache-2.0
 *
 * Transaction signatures (RFC 8945) with HMAC-SHA-256 and HMAC-SHA-512: reading and checking the one of a request,
 * signing answers of one and of many messages. Takes no memory; what is read are borrowed slices of the message. */
#pragma once

#include "dnswire/packet.h"

#define TSIG_FUDGE_S 300
#define TSIG_SECRET_MAX 128
#define TSIG_MAC_MAX 64
#define TSIG_MAX (2 * DNAME_MAX + 32 + TSIG_MAC_MAX) /* octets of the longest record of ours */

struct tsig_key {
    struct dname name; /* folded */
    uint8_t secret[TSIG_SECRET_MAX];
    size_t n;
};

enum tsig_algorithm { TSIG_SHA256, TSIG_SHA512, TSIG_ALGORITHM_COUNT };

/* What became of a signature; the numbers are those of the record's error field. */
enum tsig_error { TSIG_OK = 0, TSIG_FORMERR = 1, TSIG_BADSIG = 16, TSIG_BADKEY = 17, TSIG_BADTIME = 18 };

/* The record, the last one of its message. */
struct tsig {
    size_t at; /* where it begins */
    struct dname name, algorithm;
    uint64_t time_s;
    uint16_t fudge, original_id, error;
    struct str mac, other;
};

/* Finds and reads the record of a message of any kind. 0, or 1 when there is none, or not one as it should be. */
int tsig_read(const uint8_t *p, size_t n, struct tsig *ret_tsig);

/* What the answer to a request is signed by. */
struct tsig_signer {
    const struct tsig_key *key; /* NULL: nothing is signed, the record tells the error */
    struct dname name, algorithm_name;
    enum tsig_algorithm algorithm;
    enum tsig_error error;
    uint64_t request_time_s;
    bool is_later; /* a message was signed already */
    uint8_t mac[TSIG_MAC_MAX];
    size_t n_mac; /* 0: of a message that answers nothing */
};

/* Checks the request's signature by `key`, which may be NULL: not known. Either way the signer is ready for the answer,
 * but for TSIG_FORMERR, which is answered without a signature. */
enum tsig_error tsig_verify(const uint8_t *p, const struct tsig *tsig, const struct tsig_key *key, uint64_t now_s,
                            struct tsig_signer *ret_signer);
/* For a message that answers nothing, by HMAC-SHA-256. */
void tsig_signer_init(struct tsig_signer *signer, const struct tsig_key *key);
/* Octets that tsig_sign takes. */
size_t tsig_size(const struct tsig_signer *signer);
/* Appends the record to a message of n octets, behind which there is room for it; returns the new size. */
size_t tsig_sign(struct tsig_signer *signer, uint8_t *p, size_t n, uint64_t now_s);

/* `NAME:BASE64`, blanks at the ends aside. 0, or 1 when it is no key. */
int tsig_key_parse(struct str text, struct tsig_key *ret_key);
