/* SPDX-License-Identifier: Apache-2.0
 *
 * Character classes as a table of bits; labels by scanning for dots. */
#include "api/pattern.h"

enum char_class {
    ALNUM = 1,
    VISIBLE = 2, /* ! to ~ */
    BLANK = 4,   /* space and tab */
    UNDERSCORE = 8,
    HYPHEN = 16,
    ID_PUNCTUATION = 32, /* / : . @ */
};

#define MAX_LABEL 63

static const uint8_t classes[256] = {
    [' '] = BLANK,
    ['\t'] = BLANK,
    ['!' ... ','] = VISIBLE,
    ['-'] = VISIBLE | HYPHEN,
    ['.' ... '/'] = VISIBLE | ID_PUNCTUATION,
    ['0' ... '9'] = VISIBLE | ALNUM,
    [':'] = VISIBLE | ID_PUNCTUATION,
    [';' ... '?'] = VISIBLE,
    ['@'] = VISIBLE | ID_PUNCTUATION,
    ['A' ... 'Z'] = VISIBLE | ALNUM,
    ['[' ... '^'] = VISIBLE,
    ['_'] = VISIBLE | UNDERSCORE,
    ['`'] = VISIBLE,
    ['a' ... 'z'] = VISIBLE | ALNUM,
    ['{' ... '~'] = VISIBLE,
};

static bool is_in(char c, unsigned mask)
{
    return classes[(unsigned char)c] & mask;
}

static bool all_in(struct str s, unsigned mask)
{
    for (size_t i = 0; i < s.n; i++) {
        if (!is_in(s.p[i], mask))
            return false;
    }
    return true;
}

bool pattern_instance_id(struct str s)
{
    return s.n > 0 && all_in(s, ALNUM | UNDERSCORE | HYPHEN | ID_PUNCTUATION);
}

bool pattern_attr_key(struct str s)
{
    return s.n > 0 && all_in(s, VISIBLE);
}

bool pattern_attr_value(struct str s)
{
    return s.n == 0 || (is_in(s.p[0], VISIBLE) && all_in(s, VISIBLE | BLANK));
}

static bool is_name(struct str s, size_t max)
{
    return s.n > 0 && s.n <= max && all_in(s, VISIBLE);
}

bool pattern_namespace_name(struct str s)
{
    return is_name(s, 1024);
}

bool pattern_namespace_name_http(struct str s)
{
    return is_name(s, 1024) && !str_starts(s, STR("arn:"));
}

bool pattern_namespace_name_private(struct str s)
{
    return is_name(s, 253) && !str_starts(s, STR("arn:"));
}

static bool is_host_label(struct str label)
{
    return label.n > 0 && label.n <= MAX_LABEL && is_in(label.p[0], ALNUM) && is_in(label.p[label.n - 1], ALNUM) &&
           all_in(label, ALNUM | HYPHEN);
}

static bool is_service_label(struct str label)
{
    if (label.n == 1)
        return is_in(label.p[0], ALNUM);
    return label.n > 1 && label.n <= MAX_LABEL && is_in(label.p[0], ALNUM | UNDERSCORE) &&
           is_in(label.p[label.n - 1], ALNUM | UNDERSCORE) && all_in(label, ALNUM | UNDERSCORE | HYPHEN);
}

/* The number of labels between dots, or 0 when one of them is not `is_label`. */
static size_t count_labels(struct str s, bool (*is_label)(struct str label))
{
    for (size_t n_labels = 1;; n_labels++) {
        size_t dot = str_find_char(s, '.');
        if (!is_label((struct str){ s.p, dot }))
            return 0;
        if (dot == s.n)
            return n_labels;
        s = str_skip(s, dot + 1);
    }
}

bool pattern_namespace_name_public(struct str s)
{
    return count_labels(s, is_host_label) >= 2;
}

bool pattern_service_name(struct str s)
{
    if (str_eq(s, STR(".")))
        return true;
    return s.n <= 127 && count_labels(s, is_service_label) >= 1;
}
