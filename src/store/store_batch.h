/* SPDX-License-Identifier: Apache-2.0
 *
 * What a batch holds, for the front that commits it; private to this folder. One thread at a time. */
#pragma once

#include "base/arena.h"
#include "store/store_backend.h"

struct store_batch {
    struct arena bytes; /* keys and sealed values */
    struct store_op *ops;
    size_t n_ops, size;
    struct store_row *rows; /* to append; not yet numbered */
    size_t n_rows, rows_size;
    uint64_t n_trimmed;
    bool is_touched;
    bool failed;
};
