/* SPDX-License-Identifier: Apache-2.0
 *
 * The tokens that led from page to page of one list. A token that comes back would make the list go in circles and
 * count pages twice; then nothing is known. One thread at a time. */
#pragma once

#include "aws/aws_client.h"

#define PAGE_CHAIN_MAX 10000 /* pages; a list of ten million EC2 instances */

/* All zero: no page came yet. */
struct page_chain {
    struct str *tokens; /* in the arena */
    size_t n, size;
};

/* Notes the token of the page that is asked for next and copies it into the arena. 0; -ENOMEM; or AWS_ODD when it came
 * before, or there were too many. */
int page_chain_add(struct page_chain *chain, struct arena *arena, struct str token, struct str *ret_token,
                   struct aws_error *ret_error);
