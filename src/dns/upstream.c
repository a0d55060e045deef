/* SPDX-License-Identifier: Apache-2.0
 *
 * Questions to resolvers and their answers; see upstream.h. */
#include "dns/upstream.h"

#define EDNS_SIZE 1232
#define RECORD_FIXED 10  /* type, class, TTL, length */
#define RECORDS_MAX 1024 /* of a section, that are looked at */
#define SOA_NUMBERS 20   /* serial to minimum */
#define QUESTION_TAIL 4  /* type and class */
#define RCODE_MASK 0xf
#define FLAG_RA 0x0080 /* recursion is to be had */

/* --- asking --------------------------------------------------------------------------------------------------------
 */

void upstream_ask(struct rand *rand, const struct dname *name, enum packet_type type,
                  struct upstream_question *ret_question)
{
    uint64_t bits = 0;
    unsigned left = 0;

    ret_question->type = type;
    ret_question->name = *name;
    ret_question->id = (uint16_t)rand_u64(rand);
    for (unsigned i = 0; i < name->n_labels; i++) {
        uint8_t *label = ret_question->name.wire + name->at[i];
        for (unsigned k = 1; k <= label[0]; k++) {
            uint8_t letter = label[k] | 0x20;
            if (letter < 'a' || letter > 'z')
                continue;
            if (left == 0) {
                bits = rand_u64(rand);
                left = 64;
            }
            label[k] = bits & 1 ? letter : (uint8_t)(letter & ~0x20);
            bits >>= 1;
            left--;
        }
    }
}

static void upstream_put_u16(uint8_t *p, unsigned value)
{
    p[0] = (uint8_t)(value >> 8);
    p[1] = (uint8_t)value;
}

size_t upstream_write(const struct upstream_question *question, bool plain, uint8_t ret_query[UPSTREAM_QUERY_MAX])
{
    uint8_t *p = ret_query;
    size_t n = PACKET_HEADER + question->name.n;

    memset(p, 0, PACKET_HEADER);
    upstream_put_u16(p, question->id);
    upstream_put_u16(p + 2, PACKET_RD);
    p[5] = 1;
    p[11] = !plain;
    memcpy(p + PACKET_HEADER, question->name.wire, question->name.n);
    upstream_put_u16(p + n, question->type);
    upstream_put_u16(p + n + 2, PACKET_IN);
    n += QUESTION_TAIL;
    if (plain)
        return n;
    edns_put_opt(p + n, EDNS_SIZE, 0, false, 0);
    return n + EDNS_OPT_SIZE;
}

/* --- reading -------------------------------------------------------------------------------------------------------
 */

struct upstream_record {
    struct dname owner;
    unsigned type, class, n;
    uint32_t ttl;
    size_t data;
};

struct upstream_message {
    const uint8_t *p;
    size_t n;
    size_t answers, authority; /* where the sections begin */
    unsigned n_answers, n_authority;
};

/* The record at *at, which moves behind it. 0 or 1. */
static int upstream_read_record(const struct upstream_message *message, size_t *at, struct upstream_record *record)
{
    const uint8_t *p = message->p;
    size_t end;

    if (dname_read(p, message->n, *at, &record->owner, &end) || message->n - end < RECORD_FIXED)
        return 1;
    record->type = packet_get_u16(p + end);
    record->class = packet_get_u16(p + end + 2);
    record->ttl = packet_get_u32(p + end + 4);
    if (record->ttl > INT32_MAX)
        record->ttl = 0; /* RFC 2181 8 */
    record->n = packet_get_u16(p + end + 8);
    record->data = end + RECORD_FIXED;
    if (message->n - record->data < record->n)
        return 1;
    *at = record->data + record->n;
    return 0;
}

/* Is it an answer to the question? What stands in front of the records is read. */
static enum upstream_verdict upstream_read_head(const struct upstream_question *question, bool is_tcp,
                                                struct upstream_message *message)
{
    const uint8_t *p = message->p;
    struct dname name;
    size_t end;

    if (message->n < PACKET_HEADER || packet_get_u16(p) != question->id ||
        (packet_get_u16(p + 2) & (PACKET_QR | PACKET_OPCODE)) != PACKET_QR)
        return UPSTREAM_FOREIGN;
    message->n_answers = packet_get_u16(p + 6);
    message->n_authority = packet_get_u16(p + 8);
    message->answers = PACKET_HEADER;
    if (packet_get_u16(p + 4) == 0) /* some servers leave the question out of errors: worth no more than a failure */
        return packet_get_u16(p + 2) & RCODE_MASK && is_tcp ? UPSTREAM_FAILED : UPSTREAM_FOREIGN;
    if (packet_get_u16(p + 4) != 1 || dname_read(p, message->n, PACKET_HEADER, &name, &end) ||
        message->n - end < QUESTION_TAIL || !dname_equal(&name, &question->name) ||
        packet_get_u16(p + end) != question->type || packet_get_u16(p + end + 2) != PACKET_IN)
        return UPSTREAM_FOREIGN;
    message->answers = end + QUESTION_TAIL;
    if (!is_tcp && memcmp(name.wire, question->name.wire, name.n) != 0)
        return UPSTREAM_RECASED;
    return UPSTREAM_FOUND;
}

static void upstream_lower(uint32_t *ttl, uint32_t by)
{
    if (by < *ttl)
        *ttl = by;
}

static void upstream_keep_address(struct upstream_answer *answer, const uint8_t *address, unsigned n)
{
    for (unsigned i = 0; i < answer->n; i++)
        if (memcmp(answer->addresses[i], address, n) == 0)
            return;
    if (answer->n < UPSTREAM_ADDRESSES)
        memcpy(answer->addresses[answer->n++], address, n);
}

/* What the answers say of answer->next: its addresses are kept, or *ret_cname is where its CNAME record leads. 0 or 1.
 */
static int upstream_read_name(const struct upstream_message *message, enum packet_type type,
                              struct upstream_answer *answer, bool *ret_is_cname, struct dname *ret_cname)
{
    unsigned size = type == PACKET_A ? 4 : 16;
    size_t at = message->answers, end;

    *ret_is_cname = false;
    for (unsigned i = 0; i < message->n_answers; i++) {
        struct upstream_record record;
        if (upstream_read_record(message, &at, &record))
            return 1;
        if (record.class != PACKET_IN || !dname_equal(&record.owner, &answer->next))
            continue;
        if (record.type == (unsigned)type) {
            if (record.n != size)
                return 1;
            upstream_lower(&answer->ttl, record.ttl);
            upstream_keep_address(answer, message->p + record.data, size);
        } else if (record.type == PACKET_CNAME && !*ret_is_cname) {
            if (dname_read(message->p, message->n, record.data, ret_cname, &end) || end != record.data + record.n)
                return 1;
            upstream_lower(&answer->ttl, record.ttl);
            *ret_is_cname = true;
        }
    }
    return 0;
}

/* Follows the CNAME records of the answer from the question's name on. 0 or 1. */
static int upstream_follow(const struct upstream_message *message, const struct upstream_question *question,
                           unsigned links, struct upstream_answer *answer)
{
    answer->next = question->name;
    for (;;) {
        struct dname cname;
        bool is_cname;
        if (upstream_read_name(message, question->type, answer, &is_cname, &cname))
            return 1;
        if (answer->n || !is_cname)
            return 0;
        if (answer->n_links == links) /* loops end here, too */
            return 1;
        answer->n_links++;
        answer->next = cname;
    }
}

/* Is the name the zone's, or below it? */
static bool upstream_is_below(const struct dname *name, const struct dname *zone)
{
    return name->n_labels >= zone->n_labels &&
           str_eq_nocase(dname_suffix(name, name->n_labels - zone->n_labels), dname_suffix(zone, 0));
}

/* The TTL of "there is nothing": that of a SOA record that may speak for the name (RFC 2308 5). False without one. */
static bool upstream_read_soa(const struct upstream_message *message, const struct upstream_answer *answer,
                              uint32_t *ret_ttl)
{
    size_t at = message->authority;

    for (unsigned i = 0; i < message->n_authority; i++) {
        struct upstream_record record;
        size_t end;
        uint32_t minimum;
        if (upstream_read_record(message, &at, &record))
            return false;
        if (record.type != PACKET_SOA || record.class != PACKET_IN || !upstream_is_below(&answer->next, &record.owner))
            continue;
        if (dname_skip(message->p, message->n, record.data, &end) || dname_skip(message->p, message->n, end, &end) ||
            end + SOA_NUMBERS != record.data + record.n)
            return false;
        minimum = packet_get_u32(message->p + end + SOA_NUMBERS - 4);
        *ret_ttl = record.ttl < minimum ? record.ttl : minimum;
        return true;
    }
    return false;
}

/* All records are whole: 0, or 1. Finds the sections, and cuts them to what is looked at. */
static int upstream_find_sections(struct upstream_message *message)
{
    unsigned n_front = message->n_answers + message->n_authority, n = n_front + packet_get_u16(message->p + 10);
    size_t at = message->answers;

    for (unsigned i = 0; i < n; i++) {
        size_t end;
        if (i == message->n_answers)
            message->authority = at;
        if (dname_skip(message->p, message->n, at, &end) || message->n - end < RECORD_FIXED)
            return 1;
        at = end + RECORD_FIXED + packet_get_u16(message->p + end + 8);
        if (at > message->n)
            return 1;
    }
    if (message->n_answers > RECORDS_MAX)
        message->n_answers = RECORDS_MAX;
    if (message->n_authority > RECORDS_MAX)
        message->n_authority = RECORDS_MAX;
    return 0;
}

enum upstream_verdict upstream_read(const struct upstream_question *question, bool is_tcp, unsigned links,
                                    const uint8_t *message, size_t n, struct upstream_answer *ret_answer)
{
    struct upstream_message read = { .p = message, .n = n };
    struct upstream_answer *answer = ret_answer;
    enum upstream_verdict verdict = upstream_read_head(question, is_tcp, &read);
    uint32_t negative_ttl = 0;
    bool has_soa;

    answer->rcode = PACKET_SERVFAIL;
    answer->n = answer->n_links = 0;
    answer->ttl = INT32_MAX;
    if (verdict == UPSTREAM_FAILED)
        answer->rcode = packet_get_u16(message + 2) & RCODE_MASK;
    if (verdict != UPSTREAM_FOUND)
        return verdict;
    if (packet_get_u16(message + 2) & PACKET_TC)
        return is_tcp ? UPSTREAM_FAILED : UPSTREAM_TRUNCATED;
    answer->rcode = packet_get_u16(message + 2) & RCODE_MASK;
    if (answer->rcode != PACKET_NOERROR && answer->rcode != PACKET_NXDOMAIN)
        return UPSTREAM_FAILED;
    if (upstream_find_sections(&read) || upstream_follow(&read, question, links, answer)) {
        answer->rcode = PACKET_SERVFAIL;
        return UPSTREAM_FAILED;
    }
    if (answer->n)
        return UPSTREAM_FOUND;
    has_soa = upstream_read_soa(&read, answer, &negative_ttl);
    if (answer->n_links && answer->rcode == PACKET_NOERROR && !has_soa)
        return UPSTREAM_NEXT;
    if (answer->rcode == PACKET_NOERROR && !has_soa && !(packet_get_u16(message + 2) & (PACKET_AA | FLAG_RA)))
        return UPSTREAM_FAILED; /* a referral: it does not resolve */
    upstream_lower(&answer->ttl, negative_ttl);
    return UPSTREAM_NONE;
}
