/* SPDX-License-Identifier: Apache-2.0
 *
 * Secrets at rest: AES-256-GCM under one of a few keys (vault.h reads them from files). A sealed text is
 * `KEY-ID.BASE64`: it names its key, has a nonce of its own, and opens only as the record it was sealed for. Key memory
 * is locked where that is allowed, and left out of core dumps. A key that is known is never forgotten: what was sealed
 * before the keys changed opens until the process ends.
 *
 * Other keys are derived from these (HMAC-SHA256 of a purpose), so that there is no second secret to keep.
 *
 * seal_close, seal_open, seal_sign, seal_current_public_key and seal_derive: any thread. The rest: one thread at a
 * time, beside those. */
#pragma once

#include "auth/aead.h"
#include "base/arena.h"

#define SEAL_KEY_ID_LEN 16 /* hex digits, which tell keys apart and nothing of them */
#define SEAL_PLAIN_MAX 16384

struct seal;

/* Without keys. NULL when memory is out. */
struct seal *seal_new(void);
/* Wipes the keys; accepts NULL. */
void seal_free(struct seal *seal);

/* Anybody may see it. */
void seal_key_id(const uint8_t key[AEAD_KEY_LEN], char ret_id[SEAL_KEY_ID_LEN]);
/* 0, also when it is known already; -ENOSPC: too many keys for one process. */
int seal_add(struct seal *seal, const uint8_t key[AEAD_KEY_LEN]);
/* From now on this key, which is known, seals. 0, or 1: it is not known. */
int seal_use(struct seal *seal, struct str key_id);
/* The id of the key that seals; absent before seal_use. */
struct str seal_current(const struct seal *seal);

enum seal_result {
    SEAL_UNKNOWN_KEY = 1, /* sealed under another key */
    SEAL_BROKEN,          /* damaged, or of another record */
};

#define SEAL_PUBLIC_KEY_LEN 32 /* Ed25519 (RFC 8032) */
#define SEAL_SIGNATURE_LEN 64

/* Signs `text` with a key that is derived from the one that seals. 0 or -ENOKEY. */
int seal_sign(const struct seal *seal, struct str text, uint8_t ret_public[SEAL_PUBLIC_KEY_LEN],
              uint8_t ret_signature[SEAL_SIGNATURE_LEN]);
/* What checks the signatures made under key number `i`, in the order of seal_add: 0, or 1: there are no more. */
int seal_public_key(const struct seal *seal, size_t i, uint8_t ret_public[SEAL_PUBLIC_KEY_LEN]);
/* The same of the key that seals. 0 or -ENOKEY. */
int seal_current_public_key(const struct seal *seal, uint8_t ret_public[SEAL_PUBLIC_KEY_LEN]);
/* A secret for one purpose, of the key that seals. 0 or -ENOKEY. */
int seal_derive(const struct seal *seal, struct str purpose, uint8_t ret_key[AEAD_KEY_LEN]);

/* `record` says what it belongs to, such as `access_key/AKIA...`. 0; -ENOMEM; -EINVAL: longer than SEAL_PLAIN_MAX;
 * -ENOKEY: there is no key. */
int seal_close(const struct seal *seal, struct str record, struct str plain, struct arena *arena,
               struct str *ret_sealed);
/* Into `size` bytes at ret_plain, which the caller wipes. 0, SEAL_UNKNOWN_KEY or SEAL_BROKEN (also of what is longer).
 */
int seal_open(const struct seal *seal, struct str record, struct str sealed, char *ret_plain, size_t size,
              size_t *ret_n);
