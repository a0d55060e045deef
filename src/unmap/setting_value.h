/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads one value of a setting into the member that holds it. One thread. */
#pragma once

#include "unmap/setting.h"

enum setting_kind {
    SETTING_WORD,     /* const char *: not empty */
    SETTING_TEXT,     /* struct str: may be empty, which turns it off */
    SETTING_WORDS,    /* struct setting_words: a list with blanks or commas; each once */
    SETTING_FLAG,     /* bool */
    SETTING_COUNT,    /* unsigned */
    SETTING_PERCENT,  /* unsigned: 0 to 100 */
    SETTING_PORT,     /* unsigned: 0 to 65535 */
    SETTING_DURATION, /* int64_t: milliseconds; a bare number is seconds */
    SETTING_ACCOUNT,  /* struct str: 12 digits */
    SETTING_PAIR,     /* two struct str that follow each other: KEY=VALUE */
    SETTING_CANARIES, /* struct setting_canaries: one more */
    SETTING_POLICY,   /* int: enum setting_policy */
    SETTING_LEVEL,    /* int: enum log_level */
    SETTING_OUTPUT,   /* bool: JSON? */
};

#define SETTING_VALUE_WHY_MAX 256
#define SETTING_VALUE_WORDS_MAX 4096

/* `is_first`: what a list holds is replaced rather than added to. The value is NUL-terminated and lives as long as the
 * arena. 0, or 1 with a sentence in `why` and the member unchanged. */
int setting_value_read(enum setting_kind kind, struct str value, bool is_first, struct arena *arena, void *member,
                       char why[SETTING_VALUE_WHY_MAX]);
