/* SPDX-License-Identifier: Apache-2.0
 *
 * Domain names; see dname.h. */
#include "dnswire/dname.h"

#include <endian.h>

#define POINTER 0xc0u

/* --- reading ------------------------------------------------------------------------------------------------------ */

/* Notes the labels of one uncompressed run that starts at `at`; returns where its pointer or root stands, or n when the
 * run is malformed or the name gets too long. `name` may be NULL. */
static size_t dname_scan(const uint8_t *message, size_t n, size_t at, unsigned length, struct dname *name)
{
    while (at < n) {
        uint8_t c = message[at];
        if (c == 0)
            return at;
        if (c > DNAME_LABEL_MAX)
            return (c & POINTER) == POINTER ? at : n;
        if (length + c + 1u >= DNAME_MAX) /* the root must fit behind it */
            return n;
        if (name)
            name->at[name->n_labels++] = (uint8_t)length;
        length += c + 1u;
        at += c + 1u;
    }
    return n;
}

static size_t dname_pointer(const uint8_t *message, size_t at)
{
    return (size_t)(message[at] & ~POINTER) << 8 | message[at + 1];
}

int dname_read(const uint8_t *message, size_t n, size_t at, struct dname *ret_name, size_t *ret_end)
{
    size_t end = 0;

    ret_name->n = ret_name->n_labels = 0;
    for (;;) {
        size_t stop = dname_scan(message, n, at, ret_name->n, ret_name), next;
        if (stop >= n)
            return 1;
        memcpy(ret_name->wire + ret_name->n, message + at, stop - at);
        ret_name->n = (uint8_t)(ret_name->n + (stop - at));
        if (message[stop] == 0) {
            ret_name->wire[ret_name->n++] = 0;
            *ret_end = end ? end : stop + 1;
            return 0;
        }
        if (stop + 1 >= n)
            return 1;
        if (!end)
            end = stop + 2;
        next = dname_pointer(message, stop);
        if (next >= at)
            return 1;
        at = next;
    }
}

int dname_skip(const uint8_t *message, size_t n, size_t at, size_t *ret_end)
{
    size_t end = 0;
    unsigned length = 0;

    for (;;) {
        size_t stop = dname_scan(message, n, at, length, NULL), next;
        if (stop >= n || (message[stop] && stop + 1 >= n))
            return 1;
        if (!end)
            end = message[stop] ? stop + 2 : stop + 1;
        if (message[stop] == 0) {
            *ret_end = end;
            return 0;
        }
        next = dname_pointer(message, stop);
        if (next >= at)
            return 1;
        length += (unsigned)(stop - at);
        at = next;
    }
}

/* --- making ------------------------------------------------------------------------------------------------------- */

void dname_init(struct dname *name)
{
    name->n = name->n_labels = 0;
}

static int dname_put_label(struct dname *name, const char *label, size_t n)
{
    if (n == 0 || n > DNAME_LABEL_MAX || name->n + n + 2 > DNAME_MAX)
        return 1;
    name->at[name->n_labels++] = name->n;
    name->wire[name->n] = (uint8_t)n;
    memcpy(name->wire + name->n + 1, label, n);
    name->n = (uint8_t)(name->n + n + 1);
    return 0;
}

int dname_put_dotted(struct dname *name, struct str dotted)
{
    if (dotted.n > 1 && dotted.p[dotted.n - 1] == '.')
        dotted.n--;
    for (;;) {
        size_t n = str_find_char(dotted, '.');
        if (dname_put_label(name, dotted.p, n))
            return 1;
        if (n == dotted.n)
            return 0;
        dotted = str_skip(dotted, n + 1);
    }
}

int dname_put_root(struct dname *name)
{
    if (name->n >= DNAME_MAX)
        return 1;
    name->wire[name->n++] = 0;
    return 0;
}

static bool dname_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* One octet of presentation form; 0, or 1 for an escape that is none. */
static int dname_unescape(struct str *text, char *ret_c)
{
    struct str s = *text;
    unsigned value;

    if (s.p[0] != '\\') {
        *ret_c = s.p[0];
        *text = str_skip(s, 1);
        return 0;
    }
    if (s.n < 2)
        return 1;
    if (!dname_is_digit(s.p[1])) {
        *ret_c = s.p[1];
        *text = str_skip(s, 2);
        return 0;
    }
    if (s.n < 4 || !dname_is_digit(s.p[2]) || !dname_is_digit(s.p[3]))
        return 1;
    value = (unsigned)(s.p[1] - '0') * 100 + (unsigned)(s.p[2] - '0') * 10 + (unsigned)(s.p[3] - '0');
    if (value > 255)
        return 1;
    *ret_c = (char)value;
    *text = str_skip(s, 4);
    return 0;
}

int dname_of_text(struct str text, struct dname *ret_name)
{
    char label[DNAME_LABEL_MAX];
    size_t n = 0;

    dname_init(ret_name);
    if (text.n == 0)
        return 1;
    if (str_eq(text, STR(".")))
        return dname_put_root(ret_name);
    while (text.n) {
        if (text.p[0] == '.') {
            if (dname_put_label(ret_name, label, n))
                return 1;
            n = 0;
            text = str_skip(text, 1);
            continue;
        }
        if (n == sizeof(label) || dname_unescape(&text, &label[n]))
            return 1;
        n++;
    }
    if (n && dname_put_label(ret_name, label, n))
        return 1;
    return dname_put_root(ret_name);
}

/* --- using -------------------------------------------------------------------------------------------------------- */

void dname_fold(struct dname *name)
{
    for (unsigned at = 0; at < name->n; at += 8) {
        uint64_t word;
        memcpy(&word, name->wire + at, 8);
        word = dname_fold_word(word);
        memcpy(name->wire + at, &word, 8);
    }
}

bool dname_equal(const struct dname *a, const struct dname *b)
{
    struct str x = { (const char *)a->wire, a->n }, y = { (const char *)b->wire, b->n };

    return str_eq_nocase(x, y);
}

static size_t dname_put_escaped(char *text, uint8_t c)
{
    if (c == '.' || c == '\\' || c == '"' || c == ';' || c == '@' || c == '(' || c == ')' || c == '$') {
        text[0] = '\\';
        text[1] = (char)c;
        return 2;
    }
    if (c > ' ' && c < 0x7f) {
        text[0] = (char)c;
        return 1;
    }
    text[0] = '\\';
    text[1] = (char)('0' + c / 100);
    text[2] = (char)('0' + c / 10 % 10);
    text[3] = (char)('0' + c % 10);
    return 4;
}

size_t dname_text(const struct dname *name, char ret_text[DNAME_TEXT_MAX])
{
    size_t n = 0;

    for (unsigned i = 0; i < name->n_labels; i++) {
        const uint8_t *label = name->wire + name->at[i];
        for (unsigned k = 1; k <= label[0]; k++)
            n += dname_put_escaped(ret_text + n, label[k]);
        ret_text[n++] = '.';
    }
    if (n == 0)
        ret_text[n++] = '.';
    ret_text[n] = '\0';
    return n;
}

/* --- hash --------------------------------------------------------------------------------------------------------- */

#define PRIME ((UINT64_C(1) << 61) - 1)
#define WORD 7 /* octets that fit below the prime */

struct dname_key dname_key_of(uint64_t random)
{
    uint64_t k = (random & PRIME) % PRIME;

    return (struct dname_key){ k ? k : 1 };
}

/* (h + word) * k, below 2 * PRIME; h is, too. */
static inline uint64_t dname_mix(uint64_t h, uint64_t word, uint64_t k)
{
    __extension__ unsigned __int128 product = (unsigned __int128)(h + word) * k;

    return ((uint64_t)product & PRIME) + (uint64_t)(product >> 61);
}

/* Label by label from the root: the length, then the octets, stand in words of seven, so that no two names give the
 * same words. wire has room behind the name for a whole word. */
void dname_hash(const struct dname_key *key, const struct dname *folded, uint64_t ret_hash[DNAME_MAX_LABELS + 1])
{
    uint64_t h = 1, k = key->k;

    ret_hash[folded->n_labels] = h;
    for (unsigned i = folded->n_labels; i > 0; i--) {
        unsigned at = folded->at[i - 1], end = at + folded->wire[at] + 1u;
        for (; at < end; at += WORD) {
            uint64_t word;
            memcpy(&word, folded->wire + at, 8);
            word = le64toh(word) & (UINT64_MAX >> 8);
            if (end - at < WORD)
                word &= UINT64_MAX >> (64 - 8 * (end - at));
            h = dname_mix(h, word, k);
        }
        h = h >= PRIME ? h - PRIME : h;
        ret_hash[i - 1] = h;
    }
}
