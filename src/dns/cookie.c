/* SPDX-License-Identifier: Apache-2.0
 *
 * Cookies; see cookie.h. Times are compared by serial arithmetic (RFC 9018 4.3). */
#include "dns/cookie.h"

#include "base/hash.h"

#include <endian.h>
#include <sys/socket.h>

#define MAX_AGE_S 3600
#define MAX_AHEAD_S 300

/* The secret that holds at a time: two keyed hashes of the number of its period. */
static struct hash_key cookie_key(const uint8_t master[COOKIE_SECRET], uint32_t time_s)
{
    uint64_t words[2];
    uint8_t text[2][5];
    struct hash_key key, of_time;
    uint32_t period = htobe32(time_s / COOKIE_ROLL_S);

    memcpy(words, master, sizeof(words));
    key = (struct hash_key){ { le64toh(words[0]), le64toh(words[1]) } };
    for (uint8_t i = 0; i < 2; i++) {
        memcpy(text[i], &period, 4);
        text[i][4] = i;
        of_time.k[i] = hash_sip(&key, text[i], 5);
    }
    return of_time;
}

/* Hash of client's part, version, reserved octets, time and address. */
static uint64_t cookie_hash(const uint8_t master[COOKIE_SECRET], const struct authority_client *client,
                            const uint8_t cookie[COOKIE_SIZE])
{
    size_t n_address = client->family == AF_INET ? 4 : 16;
    struct hash_key key;
    uint8_t text[16 + 16];
    uint32_t time_s;

    memcpy(&time_s, cookie + 12, 4);
    key = cookie_key(master, be32toh(time_s));
    memcpy(text, cookie, 16);
    memcpy(text + 16, client->address, n_address);
    return htole64(hash_sip(&key, text, 16 + n_address));
}

void cookie_make(const uint8_t master[COOKIE_SECRET], const struct authority_client *client, const uint8_t *client_part,
                 uint32_t now_s, uint8_t ret_cookie[COOKIE_SIZE])
{
    uint32_t time_be = htobe32(now_s);
    uint64_t hash;

    memcpy(ret_cookie, client_part, EDNS_CLIENT_COOKIE);
    memcpy(ret_cookie + 8, "\1\0\0\0", 4);
    memcpy(ret_cookie + 12, &time_be, 4);
    hash = cookie_hash(master, client, ret_cookie);
    memcpy(ret_cookie + 16, &hash, 8);
}

bool cookie_is_good(const uint8_t master[COOKIE_SECRET], const struct authority_client *client, struct str cookie,
                    uint32_t now_s)
{
    const uint8_t *p = (const uint8_t *)cookie.p;
    uint32_t time_be;
    int32_t age;
    uint64_t hash;

    if (cookie.n != COOKIE_SIZE || memcmp(p + 8, "\1\0\0\0", 4))
        return false;
    memcpy(&time_be, p + 12, 4);
    age = (int32_t)(now_s - be32toh(time_be));
    if (age > MAX_AGE_S || age < -MAX_AHEAD_S)
        return false;
    hash = cookie_hash(master, client, p);
    return memcmp(p + 16, &hash, 8) == 0;
}
