/* SPDX-License-Identifier: Apache-2.0
 *
 * Hashes: SipHash-2-4 for tables that hostile keys may enter, SHA-256 for ids (nettle), CRC-32 for records (zlib).
 * Usable from any thread. */
#pragma once

#include "base/str.h"

#define HASH_SHA256_LEN 32

struct hash_key {
    uint64_t k[2];
};

/* SipHash-2-4 of n bytes, and their SHA-256. */
uint64_t hash_sip(const struct hash_key *key, const void *p, size_t n);
void hash_sha256(const void *p, size_t n, uint8_t ret_digest[HASH_SHA256_LEN]);
/* Continues from `crc`; start with 0. */
uint32_t hash_crc32(uint32_t crc, const void *p, size_t n);
