/* SPDX-License-Identifier: Apache-2.0
 *
 * Checkpoints in any text: what is found is a part of it, and reading one stays within it. */
#include "fuzz_target.h"

#include "auth/checkpoint.h"
#include "base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    char *text = mem_dup(data, n);
    struct str rest = { text, n }, word;
    struct checkpoint checkpoint;

    FUZZ_CHECK(text || n == 0);
    while (checkpoint_find(&rest, &word)) {
        FUZZ_CHECK(word.p >= text && word.p + word.n == rest.p && rest.p + rest.n == text + n);
        checkpoint_read(word, &checkpoint);
    }
    mem_free(text);
    return 0;
}
