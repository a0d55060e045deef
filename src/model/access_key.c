/* SPDX-License-Identifier: Apache-2.0
 *
 * Access keys; see access_key.h. */
#include "model/access_key.h"

#include "base/mem.h"
#include "base/rand.h"
#include "model/pack.h"

static void access_key_pack(struct pack *pack, struct access_key *key)
{
    pack_str(pack, &key->id);
    pack_str(pack, &key->account);
    pack_str(pack, &key->user);
    pack_str(pack, &key->sealed);
}

struct access_key *access_key_dup(const struct access_key *draft)
{
    struct access_key measured = *draft, *key;
    struct pack pack = { .n = sizeof(*key) };

    access_key_pack(&pack, &measured);
    key = mem_alloc(pack.n);
    if (!key)
        return NULL;
    *key = *draft;
    pack = (struct pack){ .at = (char *)key, .n = sizeof(*key) };
    access_key_pack(&pack, key);
    return key;
}

struct str access_key_seal(struct str sealed)
{
    return (struct str){ sealed.p, str_find_char(sealed, '.') };
}

bool access_key_is_id(struct str id)
{
    if (id.n < ACCESS_KEY_ID_MIN || id.n > ACCESS_KEY_ID_MAX)
        return false;
    for (size_t i = 0; i < id.n; i++) {
        char c = str_fold_char(id.p[i]);
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '_')
            return false;
    }
    return true;
}

bool access_key_is_secret(struct str secret)
{
    if (secret.n < ACCESS_KEY_SECRET_MIN || secret.n > ACCESS_KEY_SECRET_MAX)
        return false;
    for (size_t i = 0; i < secret.n; i++)
        if (secret.p[i] <= ' ' || secret.p[i] > '~')
            return false;
    return true;
}

int access_key_new_id(char ret_id[ACCESS_KEY_ID_LEN])
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    uint8_t random[ACCESS_KEY_ID_LEN];
    int r = rand_secret(random, sizeof(random));

    if (r)
        return r;
    memcpy(ret_id, "AKIA", 4);
    for (size_t i = 4; i < ACCESS_KEY_ID_LEN; i++)
        ret_id[i] = alphabet[random[i] & 31];
    return 0;
}

int access_key_new_secret(char ret_secret[ACCESS_KEY_SECRET_LEN])
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint8_t random[ACCESS_KEY_SECRET_LEN];
    int r = rand_secret(random, sizeof(random));

    for (size_t i = 0; !r && i < ACCESS_KEY_SECRET_LEN; i++)
        ret_secret[i] = alphabet[random[i] & 63];
    explicit_bzero(random, sizeof(random));
    return r;
}
