/* SPDX-License-Identifier: Apache-2.0
 *
 * A checkpoint says, signed, where the audit trail stood: whoever makes the trail's chain anew cannot make it, and
 * whoever cuts the trail off cannot take back those that were copied elsewhere. It is one word, so that it can be found
 * in any log: `cloudmap-checkpoint:NUMBER:HASH:TIME:KEY:SIGNATURE`: number and hash of the newest row, milliseconds
 * since 1970, the public key, and its signature (Ed25519, RFC 8032) of everything before `:KEY`. Pure; any thread. */
#pragma once

#include "auth/seal.h"
#include "store/store_trail.h"

#define CHECKPOINT_ROOM 320 /* of the word and a NUL */

struct checkpoint {
    uint64_t number;
    uint8_t hash[HASH_SHA256_LEN];
    int64_t time_ms;
    uint8_t key[SEAL_PUBLIC_KEY_LEN];
};

/* The word for `head`; absent: there is no key. */
struct str checkpoint_sign(const struct seal *seal, const struct store_trail_head *head, int64_t wall_ms,
                           char ret_text[CHECKPOINT_ROOM]);
/* 0; 1: it is no such word, or was not signed by the key that it names. */
int checkpoint_read(struct str text, struct checkpoint *ret_checkpoint);
/* The first thing in *text that looks like one; *text moves on behind it. False: there is none. */
bool checkpoint_find(struct str *text, struct str *ret_word);
