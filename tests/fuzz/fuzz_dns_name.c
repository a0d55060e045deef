/* SPDX-License-Identifier: Apache-2.0
 *
 * Names in messages: the first octet says where in the rest a name begins. A name that is read is, shown as text, read
 * and written again, the same; reading and skipping agree on its end. */
#include "fuzz_target.h"

#include "dnswire/composer.h"

static void check_written(const struct dname *name)
{
    struct packet query = { .has_question = false };
    struct composer composer;
    struct dname again;
    uint8_t p[PACKET_HEADER + 3 * DNAME_MAX];
    size_t end;
    composer_begin(&composer, p, sizeof(p), &query);
    for (unsigned i = 0; i < 3; i++) {
        size_t at = composer.n;
        FUZZ_CHECK(composer_put_name(&composer, name, i == 0));
        FUZZ_CHECK(dname_read(p, composer.n, at, &again, &end) == 0 && end == composer.n);
        FUZZ_CHECK(dname_equal(name, &again));
        FUZZ_CHECK(i == 0 || composer.n - at <= 2);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct dname_key key = dname_key_of(0x0123456789abcdef);
    uint64_t hash[DNAME_MAX_LABELS + 1], folded_hash[DNAME_MAX_LABELS + 1];
    struct dname name, again;
    char text[DNAME_TEXT_MAX];
    size_t end, skipped;
    if (n < 1)
        return 0;
    int r = dname_read(data + 1, n - 1, data[0], &name, &end);
    int skip = dname_skip(data + 1, n - 1, data[0], &skipped);
    FUZZ_CHECK((r == 0 || r == 1) && r == skip);
    if (r) {
        dname_of_text((struct str){ (const char *)data, n }, &name);
        return 0;
    }
    FUZZ_CHECK(end == skipped && end <= n - 1);
    FUZZ_CHECK(name.n >= 1 && name.n <= DNAME_MAX && name.wire[name.n - 1] == 0);
    size_t length = dname_text(&name, text);
    FUZZ_CHECK(length < sizeof(text) && strlen(text) == length);
    FUZZ_CHECK(dname_of_text((struct str){ text, length }, &again) == 0);
    FUZZ_CHECK(again.n == name.n && memcmp(again.wire, name.wire, name.n) == 0 && again.n_labels == name.n_labels);
    check_written(&name);
    dname_fold(&name);
    dname_hash(&key, &name, hash);
    dname_fold(&again);
    FUZZ_CHECK(memcmp(again.wire, name.wire, name.n) == 0);
    dname_hash(&key, &again, folded_hash);
    FUZZ_CHECK(memcmp(hash, folded_hash, (name.n_labels + 1u) * sizeof(hash[0])) == 0);
    return 0;
}
