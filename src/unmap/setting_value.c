/* SPDX-License-Identifier: Apache-2.0
 *
 * One function a kind. */
#include "unmap/setting_value.h"
#include "base/units.h"

#include <stdio.h>

static int refuse(char why[SETTING_VALUE_WHY_MAX], const char *what, struct str value)
{
    snprintf(why, SETTING_VALUE_WHY_MAX, "%s, not \"%.*s\"", what, (int)(value.n < 80 ? value.n : 80), value.p);
    return 1;
}

static int read_number(struct str value, uint64_t max, const char *what, unsigned *ret, char why[SETTING_VALUE_WHY_MAX])
{
    uint64_t number;
    if (str_parse_u64(value, &number) != 0 || number > max)
        return refuse(why, what, value);
    *ret = (unsigned)number;
    return 0;
}

static int read_duration(struct str value, int64_t *ret, char why[SETTING_VALUE_WHY_MAX])
{
    uint64_t seconds;
    int64_t ms;
    if (str_parse_u64(value, &seconds) == 0 && seconds <= 315360000) {
        *ret = (int64_t)seconds * 1000;
        return 0;
    }
    if (units_parse_duration_ms(value, &ms) != 0)
        return refuse(why, "a time is written 300, 90s, 5m or 2h", value);
    *ret = ms;
    return 0;
}

static int read_account(struct str value, struct str *ret, char why[SETTING_VALUE_WHY_MAX])
{
    if (value.n != 12)
        return refuse(why, "an account has 12 digits", value);
    for (size_t i = 0; i < value.n; i++)
        if (value.p[i] < '0' || value.p[i] > '9')
            return refuse(why, "an account has 12 digits", value);
    *ret = value;
    return 0;
}

static int read_pair(struct str value, struct str *ret, char why[SETTING_VALUE_WHY_MAX])
{
    size_t at = str_find_char(value, '=');
    if (at == 0 || at == value.n)
        return refuse(why, "it is written KEY=VALUE", value);
    ret[0] = (struct str){ value.p, at };
    ret[1] = str_skip(value, at + 1);
    return 0;
}

/* --- lists ------------------------------------------------------------------------------------------------------- */

static int add_word(struct setting_words *words, struct str word, struct arena *arena, char why[SETTING_VALUE_WHY_MAX])
{
    if (word.n == 0 || setting_words_has(words, word))
        return 0;
    if (word.p[0] == '#')
        return refuse(why, "a comment begins a line, or is written with ; behind a blank", word);
    if (words->n == SETTING_VALUE_WORDS_MAX)
        return refuse(why, "that is one too many", word);
    const char **longer = ARENA_ARRAY(arena, const char *, words->n + 1);
    struct str copy = arena_dup(arena, word);
    if (!longer || !copy.p)
        return refuse(why, "out of memory", word);
    if (words->n)
        memcpy(longer, words->items, words->n * sizeof(*longer));
    longer[words->n] = copy.p;
    *words = (struct setting_words){ longer, words->n + 1 };
    return 0;
}

static int read_words(struct str value, bool is_first, struct arena *arena, struct setting_words *member,
                      char why[SETTING_VALUE_WHY_MAX])
{
    struct setting_words words = is_first ? (struct setting_words){ 0 } : *member;
    while (value.n > 0) {
        size_t n = strcspn(value.p, ", \t");
        if (add_word(&words, (struct str){ value.p, n }, arena, why) != 0)
            return 1;
        value = str_skip(value, n < value.n ? n + 1 : n);
    }
    if (words.n == 0)
        return refuse(why, "a value is missing", value);
    *member = words;
    return 0;
}

static int read_canary(struct str value, bool is_first, struct arena *arena, struct setting_canaries *member,
                       char why[SETTING_VALUE_WHY_MAX])
{
    struct setting_canaries canaries = is_first ? (struct setting_canaries){ 0 } : *member;
    struct ec2_canary canary = { .id = value };
    if (str_starts(value, STR("tag:"))) {
        struct str pair[2];
        if (read_pair(str_skip(value, 4), pair, why) != 0)
            return refuse(why, "a canary is i-0123... or tag:KEY=VALUE", value);
        canary = (struct ec2_canary){ .tag_key = pair[0], .tag_value = pair[1] };
    } else if (!str_starts(value, STR("i-"))) {
        return refuse(why, "a canary is i-0123... or tag:KEY=VALUE", value);
    }
    if (canaries.n == EC2_MAX_CANARIES)
        return refuse(why, "that is one too many", value);
    struct ec2_canary *longer = ARENA_ARRAY(arena, struct ec2_canary, canaries.n + 1);
    if (!longer)
        return refuse(why, "out of memory", value);
    if (canaries.n)
        memcpy(longer, canaries.items, canaries.n * sizeof(*longer));
    longer[canaries.n] = canary;
    *member = (struct setting_canaries){ longer, canaries.n + 1 };
    return 0;
}

/* --- words ------------------------------------------------------------------------------------------------------- */

static int read_flag(struct str value, bool *ret, char why[SETTING_VALUE_WHY_MAX])
{
    if (!str_eq(value, STR("true")) && !str_eq(value, STR("false")))
        return refuse(why, "true or false", value);
    *ret = str_eq(value, STR("true"));
    return 0;
}

static int read_policy(struct str value, int *ret, char why[SETTING_VALUE_WHY_MAX])
{
    if (!str_eq(value, STR("original")) && !str_eq(value, STR("guarded")))
        return refuse(why, "original or guarded", value);
    *ret = str_eq(value, STR("guarded")) ? SETTING_GUARDED : SETTING_ORIGINAL;
    return 0;
}

static int read_level(struct str value, int *ret, char why[SETTING_VALUE_WHY_MAX])
{
    enum log_level level;
    if (str_eq(value, STR("WARN"))) /* Python's loggers take these, too */
        value = STR("WARNING");
    if (str_eq(value, STR("FATAL")))
        value = STR("CRITICAL");
    if (log_parse_level(value, &level) != 0)
        return refuse(why, "DEBUG, INFO, WARNING, ERROR or CRITICAL", value);
    *ret = (int)level;
    return 0;
}

static int read_output(struct str value, bool *ret, char why[SETTING_VALUE_WHY_MAX])
{
    if (!str_eq(value, STR("table")) && !str_eq(value, STR("json")))
        return refuse(why, "table or json", value);
    *ret = str_eq(value, STR("json"));
    return 0;
}

int setting_value_read(enum setting_kind kind, struct str value, bool is_first, struct arena *arena, void *member,
                       char why[SETTING_VALUE_WHY_MAX])
{
    switch (kind) {
    case SETTING_WORD:
        if (value.n == 0)
            return refuse(why, "a value is missing", value);
        *(const char **)member = value.p;
        return 0;
    case SETTING_TEXT:
        *(struct str *)member = value.n ? value : (struct str){ 0 };
        return 0;
    case SETTING_WORDS:
        return read_words(value, is_first, arena, member, why);
    case SETTING_FLAG:
        return read_flag(value, member, why);
    case SETTING_COUNT:
        return read_number(value, 1000000, "a number", member, why);
    case SETTING_PERCENT:
        return read_number(value, 100, "a number from 0 to 100", member, why);
    case SETTING_PORT:
        return read_number(value, 65535, "a port", member, why);
    case SETTING_DURATION:
        return read_duration(value, member, why);
    case SETTING_ACCOUNT:
        return read_account(value, member, why);
    case SETTING_PAIR:
        return read_pair(value, member, why);
    case SETTING_CANARIES:
        return read_canary(value, is_first, arena, member, why);
    case SETTING_POLICY:
        return read_policy(value, member, why);
    case SETTING_LEVEL:
        return read_level(value, member, why);
    case SETTING_OUTPUT:
        return read_output(value, member, why);
    }
    return refuse(why, "no kind of value", value);
}
