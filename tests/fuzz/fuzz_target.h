/* SPDX-License-Identifier: Apache-2.0
 *
 * What a fuzz target is: one function, called with one input at a time by libFuzzer or by fuzz_main.c. It returns 0
 * and aborts (FUZZ_CHECK) when a property does not hold. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* The name is libFuzzer's. `data` is not to be modified. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#define FUZZ_CHECK(condition)                                                              \
    do {                                                                                   \
        if (!(condition)) {                                                                \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition); \
            abort();                                                                       \
        }                                                                                  \
    } while (0)
