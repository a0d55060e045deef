/* SPDX-License-Identifier: Apache-2.0
 *
 * Messages with signatures: what is read lies within the message, what is checked can be answered, and the answer's
 * signature is read back. */
#include "fuzz_target.h"

#include "dnswire/tsig.h"

#define ROOM 512

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct tsig_signer signer;
    struct tsig_key key;
    struct tsig tsig, again;
    uint8_t answer[ROOM + TSIG_MAX] = { 0 };
    size_t size;

    tsig_key_parse((struct str){ (const char *)data, n }, &key);
    if (tsig_read(data, n, &tsig))
        return 0;
    FUZZ_CHECK(tsig.at >= PACKET_HEADER && tsig.at < n);
    FUZZ_CHECK((const uint8_t *)tsig.mac.p > data && (const uint8_t *)tsig.mac.p + tsig.mac.n <= data + n);
    FUZZ_CHECK((const uint8_t *)tsig.other.p + tsig.other.n == data + n);
    FUZZ_CHECK(tsig_key_parse(STR("k.:c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0"), &key) == 0);
    if (tsig_verify(data, &tsig, &key, 1700000000, &signer) == TSIG_FORMERR)
        return 0;
    memcpy(answer, data, 2);
    size = tsig_sign(&signer, answer, PACKET_HEADER, 1700000000);
    FUZZ_CHECK(size == PACKET_HEADER + tsig_size(&signer) && size <= PACKET_HEADER + TSIG_MAX);
    FUZZ_CHECK(tsig_read(answer, size, &again) == 0 && dname_equal(&again.name, &tsig.name));
    FUZZ_CHECK(again.error == (unsigned)signer.error && again.original_id == packet_get_u16(data));
    FUZZ_CHECK((again.mac.n != 0) == (signer.key != NULL));
    return 0;
}
