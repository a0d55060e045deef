/* SPDX-License-Identifier: Apache-2.0
 *
 * NextToken: where the next page begins. A token carries the key of the last item sent (not an offset: items may come
 * and go between pages) and is bound to its operation and to everything asked besides MaxResults. Tokens are readable
 * by nobody else but hold no secret: the checksum only keeps accidents and guesses from reaching a handler. They
 * survive restarts. Usable from any thread. */
#pragma once

#include "api/ops.h"
#include "base/arena.h"

#define PAGE_MAX_KEY 1280

enum page_result {
    PAGE_INVALID = 1, /* not a token of this operation and this input */
};

/* The token that continues behind `key` (1 to PAGE_MAX_KEY bytes); absent when the arena is exhausted. At most 4096
 * characters. */
struct str page_encode(struct arena *arena, const struct op *op, const void *in, struct str key);

/* The key in `token`, in the arena. 0, PAGE_INVALID, or -ENOMEM. */
int page_decode(struct arena *arena, const struct op *op, const void *in, struct str token, struct str *ret_key);
