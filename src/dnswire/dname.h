/* SPDX-License-Identifier: Apache-2.0
 *
 * Domain names in uncompressed wire form, with the places of their labels (RFC 1035 3.1). Names are 8-bit clean; only
 * ASCII letters are compared without case (RFC 4343). A name is absolute once it ends with the root. */
#pragma once

#include "base/str.h"

#define DNAME_MAX 255        /* octets, lengths and the root included */
#define DNAME_MAX_LABELS 127 /* without the root */
#define DNAME_LABEL_MAX 63
#define DNAME_TEXT_MAX 1010 /* each octet as \DDD, dots, NUL */

struct dname {
    uint8_t n;        /* octets so far */
    uint8_t n_labels; /* without the root */
    uint8_t at[DNAME_MAX_LABELS];
    uint8_t wire[DNAME_MAX + 9]; /* room to work a word at a time */
};

/* --- reading ------------------------------------------------------------------------------------------------------ */

/* The name at `at` of a message, compressed or not; pointers lead strictly backwards. *ret_end is the first octet
 * behind the name at its place. 0, or 1 when it is malformed. */
int dname_read(const uint8_t *message, size_t n, size_t at, struct dname *ret_name, size_t *ret_end);
/* The same without keeping the name. */
int dname_skip(const uint8_t *message, size_t n, size_t at, size_t *ret_end);
/* Presentation form (RFC 1035 5.1, \X and \DDD); the dot at the end may be missing. 0, or 1 when it is no name. */
int dname_of_text(struct str text, struct dname *ret_name);

/* --- making ------------------------------------------------------------------------------------------------------- */

/* The empty, not yet absolute name. */
void dname_init(struct dname *name);
/* Appends the labels of dotted text that knows no escapes, as Cloud Map's names do; one dot at the end is no label.
 * 0, or 1 when a label is empty or too long or the name would be. */
int dname_put_dotted(struct dname *name, struct str dotted);
/* Ends the name. 0, or 1 when it is full. */
int dname_put_root(struct dname *name);

/* --- using -------------------------------------------------------------------------------------------------------- */

/* Capitals to small letters, eight octets at a time: lengths are below 'A', so labels need not be told from their
 * lengths. */
static inline uint64_t dname_fold_word(uint64_t word)
{
    const uint64_t ones = 0x0101010101010101, high = 0x8080808080808080;
    uint64_t low7 = word & ~high;
    uint64_t from_a = low7 + (0x80 - 'A') * ones, past_z = low7 + (0x80 - 'Z' - 1) * ones;
    uint64_t capital = from_a & ~past_z & ~word & high;

    return word | capital >> 2;
}

/* Capitals to small letters, in place. */
void dname_fold(struct dname *name);
bool dname_equal(const struct dname *a, const struct dname *b);
/* Presentation form with the dot at the end, NUL-terminated; its length. */
size_t dname_text(const struct dname *name, char ret_text[DNAME_TEXT_MAX]);

/* The octets from label i on (i == n_labels: the root). */
static inline struct str dname_suffix(const struct dname *name, unsigned i)
{
    unsigned at = i < name->n_labels ? name->at[i] : name->n - 1u;

    return (struct str){ (const char *)name->wire + at, name->n - at };
}

/* A universal hash over names (polynomial, modulo 2^61 - 1): with a random key nobody who does not see hashes can aim
 * at collisions. */
struct dname_key {
    uint64_t k; /* below 2^61 - 1 */
};
/* A key out of a random number. */
struct dname_key dname_key_of(uint64_t random);
/* ret_hash[i] is the hash of the folded, absolute name from label i on, ret_hash[n_labels] that of the root. */
void dname_hash(const struct dname_key *key, const struct dname *folded, uint64_t ret_hash[DNAME_MAX_LABELS + 1]);
