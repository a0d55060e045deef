/* SPDX-License-Identifier: Apache-2.0
 *
 * Signatures: requests as another implementation (dnspython) signed them, and answers that are checked as a client
 * would. */
#include "../test.h"

#include "dnswire/tsig.h"

#define NOW 1700000000
#define SECRET "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0"

/* a.example SOA, and a.example AXFR, by key `k.` at NOW. */
static const char by_sha256[] = "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x01\x01\x61\x07\x65\x78\x61\x6d\x70\x6c"
                                "\x65\x00\x00\x06\x00\x01\x01\x6b\x00\x00\xfa\x00\xff\x00\x00\x00\x00\x00\x3d\x0b\x68"
                                "\x6d\x61\x63\x2d\x73\x68\x61\x32\x35\x36\x00\x00\x00\x65\x53\xf1\x00\x01\x2c\x00\x20"
                                "\x7b\x20\x43\xc5\x63\x48\xf9\xc8\x16\x42\x6a\xaf\x85\xa0\x3e\x8d\x9c\xad\xf1\x54\xe7"
                                "\x6f\xc6\x79\x78\xc9\x3c\x51\x5a\xd2\x3e\xe6\x12\x34\x00\x00\x00\x00";
static const char by_sha512[] = "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x01\x01\x61\x07\x65\x78\x61\x6d\x70\x6c"
                                "\x65\x00\x00\xfc\x00\x01\x01\x6b\x00\x00\xfa\x00\xff\x00\x00\x00\x00\x00\x5d\x0b\x68"
                                "\x6d\x61\x63\x2d\x73\x68\x61\x35\x31\x32\x00\x00\x00\x65\x53\xf1\x00\x01\x2c\x00\x40"
                                "\x40\x0d\x24\x88\xa9\x91\xba\xfc\x44\xf2\x20\x24\x4c\x32\x72\xef\x3d\x71\xbc\x3d\xa7"
                                "\xf0\x1f\xeb\x52\x3c\x8f\xb9\xdc\x68\x6a\x22\x1a\x12\x47\xe0\x6d\xa0\x84\xd3\x2f\x7c"
                                "\x6a\xd3\x74\x34\x5b\x9f\xbc\xd6\x8a\x5b\x2d\x23\x0c\x14\xdf\x8b\xc5\x51\x06\x1f\x51"
                                "\x74\x12\x34\x00\x00\x00\x00";
#define N256 (sizeof(by_sha256) - 1)
#define MAC_AT (N256 - 6 - 32)

static struct tsig_key key_of(const char *text)
{
    struct tsig_key key;

    assert_int_equal(tsig_key_parse(str_of(text), &key), 0);
    return key;
}

static enum tsig_error verify(const void *p, size_t n, const struct tsig_key *key, uint64_t now_s,
                              struct tsig_signer *signer)
{
    struct tsig tsig;

    assert_int_equal(tsig_read(p, n, &tsig), 0);
    return tsig_verify(p, &tsig, key, now_s, signer);
}

static void test_requests(void **state)
{
    struct tsig_key key = key_of("K:" SECRET "\n"), other = key_of("k.:AAAA");
    struct tsig_signer signer;

    (void)state;
    assert_int_equal(verify(by_sha256, N256, &key, NOW, &signer), TSIG_OK);
    assert_ptr_equal(signer.key, &key);
    assert_int_equal(verify(by_sha512, sizeof(by_sha512) - 1, &key, NOW, &signer), TSIG_OK);
    assert_int_equal(verify(by_sha256, N256, &other, NOW, &signer), TSIG_BADSIG);
    assert_null(signer.key);
    assert_int_equal(verify(by_sha256, N256, NULL, NOW, &signer), TSIG_BADKEY);
    assert_int_equal(verify(by_sha256, N256, &key, NOW + 300, &signer), TSIG_OK);
    assert_int_equal(verify(by_sha256, N256, &key, NOW - 300, &signer), TSIG_OK);
    assert_int_equal(verify(by_sha256, N256, &key, NOW + 301, &signer), TSIG_BADTIME);
    assert_int_equal(verify(by_sha256, N256, &key, NOW - 301, &signer), TSIG_BADTIME);
}

/* Each octet counts, but for the id in the header, which forwarders change. */
static void test_every_octet(void **state)
{
    struct tsig_key key = key_of("k.:" SECRET);
    struct tsig_signer signer;
    struct tsig tsig;

    (void)state;
    for (size_t i = 2; i < N256; i++) {
        char changed[N256];
        memcpy(changed, by_sha256, N256);
        changed[i] ^= 1;
        if (tsig_read((const uint8_t *)changed, N256, &tsig) == 0)
            assert_int_not_equal(tsig_verify((const uint8_t *)changed, &tsig, &key, NOW, &signer), TSIG_OK);
    }
}

/* RFC 8945 5.2.2.1: half of the digest will do, less will not, nor more than all of it. */
static void test_truncation(void **state)
{
    struct tsig_key key = key_of("k.:" SECRET);
    struct tsig_signer signer;

    (void)state;
    for (size_t n_mac = 0; n_mac <= 33; n_mac++) {
        char cut[N256 + 1];
        size_t n = N256 - 32 + n_mac;
        memcpy(cut, by_sha256, MAC_AT);
        memcpy(cut + MAC_AT, by_sha256 + MAC_AT, n_mac < 32 ? n_mac : 32);
        cut[MAC_AT + 32] = 0;
        memcpy(cut + MAC_AT + n_mac, by_sha256 + N256 - 6, 6);
        cut[MAC_AT - 1] = (char)n_mac;
        cut[MAC_AT - 24] = (char)(29 + n_mac); /* low octet of the record's length */
        assert_int_equal(verify(cut, n, &key, NOW, &signer), n_mac < 16 || n_mac > 32 ? TSIG_FORMERR : TSIG_OK);
    }
}

static void test_malformed(void **state)
{
    struct tsig tsig;

    (void)state;
    for (size_t n = 0; n < N256; n++)
        assert_int_equal(tsig_read((const uint8_t *)by_sha256, n, &tsig), 1);
    {
        char longer[N256 + 1] = { 0 };
        memcpy(longer, by_sha256, N256);
        assert_int_equal(tsig_read((const uint8_t *)longer, N256 + 1, &tsig), 1);
        longer[33] = 1; /* class */
        assert_int_equal(tsig_read((const uint8_t *)longer, N256, &tsig), 1);
    }
}

static void put_u48(uint8_t *p, uint64_t value)
{
    for (int i = 5; i >= 0; i--, value >>= 8)
        p[i] = (uint8_t)value;
}

/* What a client computes of an answer: its signature covers the one before. Here, by signing again what came. */
static void test_answers(void **state)
{
    struct tsig_key key = key_of("k.:" SECRET);
    uint8_t first[512] = { 0x12, 0x34, 0x84 }, second[512] = { 0x12, 0x34, 0x84 };
    struct tsig_signer signer, client;
    size_t n;
    struct tsig a, b;

    (void)state;
    assert_int_equal(verify(by_sha256, N256, &key, NOW, &signer), TSIG_OK);
    client = signer;
    n = tsig_sign(&signer, first, PACKET_HEADER, NOW + 5);
    assert_int_equal(n, PACKET_HEADER + tsig_size(&signer));
    assert_int_equal(packet_get_u16(first + 10), 1);
    assert_int_equal(tsig_read(first, n, &a), 0);
    assert_true(a.mac.n == 32 && a.time_s == NOW + 5 && a.error == 0 && a.original_id == 0x1234);
    n = tsig_sign(&signer, second, PACKET_HEADER, NOW + 6);
    assert_int_equal(tsig_read(second, n, &b), 0);
    assert_memory_not_equal(a.mac.p, b.mac.p, 32);
    {
        uint8_t again[512] = { 0x12, 0x34, 0x84 }, kept[32];
        memcpy(kept, a.mac.p, 32);
        tsig_sign(&client, again, PACKET_HEADER, NOW + 5);
        assert_memory_equal(again, first, PACKET_HEADER + tsig_size(&client));
        assert_memory_equal(client.mac, kept, 32);
    }
}

static void test_errors(void **state)
{
    struct tsig_key key = key_of("k.:" SECRET);
    struct tsig_signer signer;
    uint8_t answer[512] = { 0x12, 0x34, 0x84 }, ours[6];
    struct tsig tsig;
    size_t n;

    (void)state;
    assert_int_equal(verify(by_sha256, N256, NULL, NOW, &signer), TSIG_BADKEY);
    n = tsig_sign(&signer, answer, PACKET_HEADER, NOW);
    assert_int_equal(tsig_read(answer, n, &tsig), 0);
    assert_true(tsig.error == TSIG_BADKEY && tsig.mac.n == 0 && tsig.other.n == 0);
    assert_int_equal(verify(by_sha256, N256, &key, NOW + 1000, &signer), TSIG_BADTIME);
    memset(answer + 3, 0, sizeof(answer) - 3);
    n = tsig_sign(&signer, answer, PACKET_HEADER, NOW + 1000);
    assert_int_equal(tsig_read(answer, n, &tsig), 0);
    put_u48(ours, NOW + 1000);
    assert_true(tsig.error == TSIG_BADTIME && tsig.mac.n == 32 && tsig.time_s == NOW);
    assert_int_equal(tsig.other.n, 6);
    assert_memory_equal(tsig.other.p, ours, 6);
}

static void test_keys(void **state)
{
    static const char *const bad[] = { "", "k.", "k.:", ":AAAA", "k.:A", "k.:!!!!", "a..b:AAAA" };
    char many[400] = "k.:";
    struct tsig_key key;

    (void)state;
    for (size_t i = 0; i < TEST_COUNT(bad); i++)
        assert_int_equal(tsig_key_parse(str_of(bad[i]), &key), 1);
    for (size_t n = 4; n < 300; n += 4) {
        memset(many + 3, 'A', n);
        many[3 + n] = '\0';
        assert_int_equal(tsig_key_parse(str_of(many), &key), n / 4 * 3 > TSIG_SECRET_MAX);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_requests),  cmocka_unit_test(test_every_octet), cmocka_unit_test(test_truncation),
        cmocka_unit_test(test_malformed), cmocka_unit_test(test_answers),     cmocka_unit_test(test_errors),
        cmocka_unit_test(test_keys),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
