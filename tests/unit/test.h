/* SPDX-License-Identifier: Apache-2.0
 *
 * cmocka with the headers it wants before it, and assertions for slices. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/str.h"

#define TEST_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A slice against a string literal, which may hold NUL bytes. */
#define assert_str(slice, literal)                                                                  \
    do {                                                                                            \
        struct str got_ = (slice), want_ = STR(literal);                                            \
        if (!str_eq(got_, want_))                                                                   \
            print_error("got  '" STR_FMT "'\nwant '" STR_FMT "'\n", STR_ARG(got_), STR_ARG(want_)); \
        assert_true(str_eq(got_, want_));                                                           \
    } while (0)
