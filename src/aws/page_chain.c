/* SPDX-License-Identifier: Apache-2.0
 *
 * The tokens of a chain, compared one by one: pages take milliseconds each. */
#include "aws/page_chain.h"

#include <errno.h>

static int grow(struct page_chain *chain, struct arena *arena)
{
    struct str *tokens = arena_grow(arena, chain->tokens, &chain->size, 16, sizeof(*tokens));
    if (!tokens)
        return -ENOMEM;
    chain->tokens = tokens;
    return 0;
}

int page_chain_add(struct page_chain *chain, struct arena *arena, struct str token, struct str *ret_token,
                   struct aws_error *ret_error)
{
    if (chain->n == PAGE_CHAIN_MAX)
        return aws_client_fail(ret_error, AWS_ODD, "the list has more than %d pages", PAGE_CHAIN_MAX);
    for (size_t i = 0; i < chain->n; i++)
        if (str_eq(chain->tokens[i], token))
            return aws_client_fail(ret_error, AWS_ODD, "a page token came twice, on pages %zu and %zu", i + 1,
                                   chain->n + 1);
    if (chain->n == chain->size && grow(chain, arena) < 0)
        return -ENOMEM;
    struct str copy = arena_dup(arena, token);
    if (!str_is_set(copy))
        return -ENOMEM;
    chain->tokens[chain->n++] = copy;
    *ret_token = copy;
    return 0;
}
