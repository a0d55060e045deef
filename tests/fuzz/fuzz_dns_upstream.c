/* SPDX-License-Identifier: Apache-2.0
 *
 * What a resolver says: bit 0 of the first octet chooses the transport, bit 1 the type, the rest is the message. What
 * is believed follows from the question, and is within its limits. */
#include "fuzz_target.h"

#include "dns/upstream.h"

#define LINKS 4

static void check(const struct upstream_question *question, enum upstream_verdict verdict,
                  const struct upstream_answer *answer, const uint8_t *message)
{
    unsigned size = question->type == PACKET_A ? 4 : 16;
    if (verdict != UPSTREAM_FOREIGN)
        FUZZ_CHECK(packet_get_u16(message) == question->id && message[2] & 0x80);
    if (verdict < UPSTREAM_NEXT)
        return;
    FUZZ_CHECK(answer->n_links <= LINKS && answer->ttl <= INT32_MAX && answer->n <= UPSTREAM_ADDRESSES);
    FUZZ_CHECK((verdict == UPSTREAM_FOUND) == (answer->n > 0));
    FUZZ_CHECK(answer->rcode == PACKET_NOERROR || answer->rcode == PACKET_NXDOMAIN);
    FUZZ_CHECK(answer->next.n >= 1 && answer->next.wire[answer->next.n - 1] == 0);
    FUZZ_CHECK(answer->n_links > 0 || dname_equal(&answer->next, &question->name));
    for (unsigned i = 0; i < answer->n; i++)
        for (unsigned k = 0; k < i; k++)
            FUZZ_CHECK(memcmp(answer->addresses[i], answer->addresses[k], size) != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct upstream_question question = { .id = 0xabcd };
    struct upstream_answer answer;
    if (n < 1 || n > PACKET_MAX)
        return 0;
    question.type = data[0] & 2 ? PACKET_AAAA : PACKET_A;
    FUZZ_CHECK(dname_of_text(STR("lB.eXample.net"), &question.name) == 0);
    enum upstream_verdict verdict = upstream_read(&question, data[0] & 1, LINKS, data + 1, n - 1, &answer);
    check(&question, verdict, &answer, data + 1);
    return 0;
}
