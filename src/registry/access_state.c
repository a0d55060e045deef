/* SPDX-License-Identifier: Apache-2.0
 *
 * The order of keys and identities, and look-ups in them; see access_state.h. */
#include "registry/access_state.h"

#include "base/mem.h"

static int keys_compare(const struct tree_key *key, const struct tree_node *node)
{
    return str_cmp(key->a, ((const struct access_key *)node->item)->id);
}

static struct tree_key keys_key(const void *item, uint32_t tag)
{
    (void)tag;
    return (struct tree_key){ .a = ((const struct access_key *)item)->id };
}

const struct tree_type access_state_keys = { .compare = keys_compare, .key = keys_key };

static int identities_compare(const struct tree_key *key, const struct tree_node *node)
{
    const struct identity *identity = ((const struct identity_node *)node->item)->config;
    int c = str_cmp(key->a, identity->account);

    if (c == 0)
        c = (key->n > identity->kind) - (key->n < identity->kind);
    return c ? c : str_cmp_nocase(key->b, identity->name);
}

static struct tree_key identities_key(const void *item, uint32_t tag)
{
    const struct identity *identity = ((const struct identity_node *)item)->config;

    (void)tag;
    return (struct tree_key){ .n = identity->kind, .a = identity->account, .b = identity->name };
}

const struct tree_type access_state_identities = { .compare = identities_compare, .key = identities_key };

static int shares_compare(const struct tree_key *key, const struct tree_node *node)
{
    return str_cmp(key->a, ((const struct share *)node->item)->text);
}

static struct tree_key shares_key(const void *item, uint32_t tag)
{
    (void)tag;
    return (struct tree_key){ .a = ((const struct share *)item)->text };
}

const struct tree_type access_state_shares = { .compare = shares_compare, .key = shares_key };

const struct access_key *access_state_find_key(const struct access_state *state, struct str id)
{
    return tree_find(&state->keys, &access_state_keys, &(struct tree_key){ .a = id });
}

const struct identity_node *access_state_find_identity(const struct access_state *state, struct str account,
                                                       enum identity_kind kind, struct str name)
{
    return tree_find(&state->identities, &access_state_identities,
                     &(struct tree_key){ .n = kind, .a = account, .b = name });
}

const struct share *access_state_find_share(const struct access_state *state, struct str namespace_arn)
{
    return tree_find(&state->shares, &access_state_shares, &(struct tree_key){ .a = namespace_arn });
}

size_t access_state_count_keys(const struct access_state *state, struct str account, struct str user)
{
    const struct access_key *key;
    struct tree_iter iter;
    size_t n = 0;

    tree_iter_init(&iter, &state->keys, NULL, NULL);
    while ((key = tree_iter_next(&iter)))
        n += str_eq(key->account, account) && str_eq_nocase(key->user, user);
    return n;
}

size_t access_state_count_identities(const struct access_state *state, struct str account, enum identity_kind kind)
{
    struct tree_key first = { .n = kind, .a = account }, behind = { .n = kind + 1u, .a = account };

    return tree_rank(&state->identities, &access_state_identities, &behind).count -
           tree_rank(&state->identities, &access_state_identities, &first).count;
}

/* --- the whole --------------------------------------------------------------------------------------------------- */

void access_state_free(struct access_state *state)
{
    struct identity_node *node;
    const struct share *share;
    struct tree_iter iter;
    const void *key;

    tree_iter_init(&iter, &state->keys, NULL, NULL);
    while ((key = tree_iter_next(&iter)))
        mem_free((void *)(uintptr_t)key);
    tree_free(&state->keys);
    tree_iter_init(&iter, &state->identities, NULL, NULL);
    while ((node = (struct identity_node *)(uintptr_t)tree_iter_next(&iter))) {
        for (size_t i = 0; i < node->config->n_policies; i++)
            mem_free((void *)(uintptr_t)node->policies[i]);
        mem_free((void *)(uintptr_t)node->trust);
        mem_free((void *)(uintptr_t)node->config);
        mem_free(node);
    }
    tree_free(&state->identities);
    tree_iter_init(&iter, &state->shares, NULL, NULL);
    while ((share = tree_iter_next(&iter))) {
        mem_free((void *)(uintptr_t)share->policy);
        mem_free((void *)(uintptr_t)share);
    }
    tree_free(&state->shares);
}

void access_state_forget_epochs(struct access_state *state)
{
    tree_forget_epochs(&state->keys);
    tree_forget_epochs(&state->identities);
    tree_forget_epochs(&state->shares);
}
