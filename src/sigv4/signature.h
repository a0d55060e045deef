/* SPDX-License-Identifier: Apache-2.0
 *
 * The last three steps of Signature Version 4: the string to sign, the key that a day, region and service derive from a
 * secret, and the HMAC of the one with the other. A derived key may be kept for its day; wipe it with signature_wipe.
 * Pure; any thread. */
#pragma once

#include "sigv4/amz_date.h"
#include "sigv4/canonical.h"

#include <nettle/hmac.h>

#define SIGNATURE_LEN 64 /* lower-case hex */
#define SIGNATURE_KEY_LEN 32
#define SIGNATURE_FAMILY "AWS4-" /* what every algorithm of version 4 begins with */
#define SIGNATURE_ALGORITHM SIGNATURE_FAMILY "HMAC-SHA256"
#define SIGNATURE_TERMINATOR "aws4_request"
#define SIGNATURE_SECRET_MAX 1024

/* What a key is good for: `20150830/us-east-1/ec2/aws4_request`. */
struct signature_scope {
    struct str date, region, service;
};

/* As HMAC wants it, with its two pads hashed: a sixth of what a check hashes. */
struct signature_key {
    struct hmac_sha256_ctx hmac;
};

/* SHA-256 as lower-case hex; of a body, the payload hash. */
void signature_hash(struct str bytes, char ret_hash[CANONICAL_HASH_LEN]);
void signature_set_key(const uint8_t bytes[SIGNATURE_KEY_LEN], struct signature_key *ret_key);
/* 0, or 1 when the secret is longer than SIGNATURE_SECRET_MAX. */
int signature_derive_key(struct str secret, const struct signature_scope *scope, struct signature_key *ret_key);
/* Overwrites it, for good. */
void signature_wipe(void *p, size_t n);
/* In the arena. 0 or -ENOMEM. */
int signature_make_scope(const struct signature_scope *scope, struct arena *arena, struct str *ret_text);
int signature_make_string(struct str time, const struct signature_scope *scope, struct str canonical,
                          struct arena *arena, struct str *ret_text);
void signature_compute(const struct signature_key *key, struct str string_to_sign, char ret_signature[SIGNATURE_LEN]);
/* In a time that tells nothing about where they differ. */
bool signature_is_equal(struct str got, const char wanted[SIGNATURE_LEN]);
