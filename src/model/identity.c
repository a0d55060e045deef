/* SPDX-License-Identifier: Apache-2.0
 *
 * Users and roles; see identity.h. */
#include "model/identity.h"

#include "base/mem.h"
#include "base/rand.h"
#include "model/pack.h"

#include <stdio.h>

static const struct str kind_texts[IDENTITY_KIND_COUNT] = {
    [IDENTITY_ROLE] = { "role", 4 },
    [IDENTITY_USER] = { "user", 4 },
};

static void identity_pack(struct pack *pack, struct identity *identity)
{
    pack_pairs(pack, &identity->policies, identity->n_policies);
    pack_str(pack, &identity->account);
    pack_str(pack, &identity->name);
    pack_str(pack, &identity->path);
    pack_str(pack, &identity->id);
    pack_str(pack, &identity->arn);
    pack_str(pack, &identity->trust);
}

struct identity *identity_dup(const struct identity *draft)
{
    struct identity measured = *draft, *identity;
    struct pack pack = { .n = sizeof(*identity) };
    char arn[IDENTITY_ARN_MAX];
    struct str arn_text = { arn, 0 };

    arn_text.n =
        (size_t)snprintf(arn, sizeof(arn), "arn:aws:iam::" STR_FMT ":" STR_FMT STR_FMT STR_FMT, STR_ARG(draft->account),
                         STR_ARG(kind_texts[draft->kind]), STR_ARG(draft->path), STR_ARG(draft->name));
    ASSERT(arn_text.n < sizeof(arn)); /* by the limits of its parts */
    measured.arn = arn_text;
    identity_pack(&pack, &measured);
    identity = mem_alloc(pack.n);
    if (!identity)
        return NULL;
    *identity = *draft;
    identity->arn = arn_text;
    pack = (struct pack){ .at = (char *)identity, .n = sizeof(*identity) };
    identity_pack(&pack, identity);
    return identity;
}

struct str identity_kind_text(enum identity_kind kind)
{
    return kind_texts[kind];
}

int identity_parse_kind(struct str word, enum identity_kind *ret_kind)
{
    for (unsigned kind = 0; kind < IDENTITY_KIND_COUNT; kind++)
        if (str_eq(word, kind_texts[kind])) {
            *ret_kind = (enum identity_kind)kind;
            return 0;
        }
    return 1;
}

static bool identity_is_word(struct str word, size_t max)
{
    if (word.n == 0 || word.n > max)
        return false;
    for (size_t i = 0; i < word.n; i++) {
        char c = str_fold_char(word.p[i]);
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && str_find_char(STR("_+=,.@-"), c) == 7)
            return false;
    }
    return true;
}

bool identity_is_name(struct str name)
{
    return identity_is_word(name, IDENTITY_NAME_MAX);
}

bool identity_is_policy_name(struct str name)
{
    return identity_is_word(name, IDENTITY_POLICY_NAME_MAX);
}

bool identity_is_path(struct str path)
{
    if (path.n == 0 || path.n > IDENTITY_PATH_MAX || path.p[0] != '/' || path.p[path.n - 1] != '/')
        return false;
    for (size_t i = 0; i < path.n; i++)
        if (path.p[i] <= ' ' || path.p[i] > '~')
            return false;
    return true;
}

bool identity_is_account(struct str account)
{
    if (account.n != IDENTITY_ACCOUNT_LEN)
        return false;
    for (size_t i = 0; i < account.n; i++)
        if (account.p[i] < '0' || account.p[i] > '9')
            return false;
    return true;
}

int identity_new_id(enum identity_kind kind, char ret_id[IDENTITY_ID_LEN])
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    uint8_t random[IDENTITY_ID_LEN];
    int r = rand_secret(random, sizeof(random));

    if (r)
        return r;
    memcpy(ret_id, kind == IDENTITY_USER ? "AIDA" : "AROA", 4);
    for (size_t i = 4; i < IDENTITY_ID_LEN; i++)
        ret_id[i] = alphabet[random[i] & 31];
    return 0;
}

const struct str_pair *identity_find_policy(const struct identity *identity, struct str name)
{
    for (size_t i = 0; i < identity->n_policies; i++)
        if (str_eq(identity->policies[i].key, name))
            return &identity->policies[i];
    return NULL;
}
