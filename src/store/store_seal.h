/* SPDX-License-Identifier: Apache-2.0
 *
 * The seal of a stored value: `{"v":1,"crc":"xxxxxxxx",` in front of the members of the caller's object, so that the
 * whole is still one JSON object. The CRC-32 covers the key, a NUL and every byte behind the seal; it is the record's
 * sum and never 0. Usable from any thread. Format: docs/store-format.md. */
#pragma once

#include "base/str.h"

#define STORE_SEAL_LEN 24    /* the seal stands in place of the opening brace */
#define STORE_SEAL_SUM_AT 14 /* where its eight hex digits begin */

/* The bytes that `json`, an object with at least one member, takes when it is sealed. */
static inline size_t store_seal_size(struct str json)
{
    return json.n - 1 + STORE_SEAL_LEN;
}

/* Writes store_seal_size(json) bytes to ret_value and returns the sum. */
uint32_t store_seal_write(struct str key, struct str json, char *ret_value);

/* Checks the seal; *ret_members are the bytes behind it (`"a":1}`). 0, STORE_DAMAGED or STORE_NEWER. */
int store_seal_check(struct str key, struct str value, struct str *ret_members, uint32_t *ret_sum);

/* The eight hex digits of a sum, without NUL. */
void store_seal_format_sum(uint32_t sum, char ret_digits[8]);
