/* SPDX-License-Identifier: Apache-2.0
 *
 * Queries as they arrive: what is accepted has its question and its options within the message. */
#include "fuzz_target.h"

#include "dnswire/packet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct packet packet;
    struct dname name;
    enum packet_verdict verdict = packet_read(data, n, &packet, &name);
    FUZZ_CHECK(n >= PACKET_HEADER || verdict == PACKET_DROP);
    if (verdict == PACKET_DROP)
        return 0;
    FUZZ_CHECK(packet.id == packet_get_u16(data) && !(packet.flags & PACKET_QR));
    FUZZ_CHECK(verdict == PACKET_FOREIGN || packet_opcode(&packet) == PACKET_QUERY);
    if (verdict != PACKET_OK)
        return 0;
    FUZZ_CHECK(packet.question_end >= PACKET_HEADER && packet.question_end <= n);
    FUZZ_CHECK(packet.has_question || packet.edns.has_cookie);
    if (packet.has_question)
        FUZZ_CHECK(packet.question_end == PACKET_HEADER + name.n + 4u &&
                   memcmp(data + PACKET_HEADER, name.wire, name.n) == 0);
    if (packet.edns.present)
        FUZZ_CHECK(packet.edns.size >= EDNS_MIN_SIZE);
    if (packet.edns.has_cookie)
        FUZZ_CHECK((const uint8_t *)packet.edns.cookie.p > data && packet.edns.cookie.n >= 8 &&
                   (const uint8_t *)packet.edns.cookie.p + packet.edns.cookie.n <= data + n);
    return 0;
}
