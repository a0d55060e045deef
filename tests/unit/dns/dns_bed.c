/* SPDX-License-Identifier: Apache-2.0 */
#include "dns_bed.h"

#include "base/mem.h"

#include <sys/socket.h>

struct dns_bed *dns_bed_new(void)
{
    struct dns_bed *dns = mem_zalloc(sizeof(*dns));

    assert_non_null(dns);
    bed_init(&dns->bed);
    dns->reply.records = mem_alloc(DNS_REPLY_MAX * sizeof(*dns->reply.records));
    assert_non_null(dns->reply.records);
    dns->settings.max_answers = 8;
    dns->settings.udp_size = 1232;
    dns->settings.keepalive_ds = 200;
    dns->settings.n_name_servers = 1;
    assert_int_equal(dname_of_text(STR("ns1.example.net"), &dns->settings.name_servers[0]), 0);
    answer_init(&dns->worker, &dns->settings);
    dns->worker.now_s = 1700000000;
    dns->client = (struct authority_client){ .family = AF_INET, .address = { 127, 0, 0, 1 } };
    buf_init(&dns->query, 1 << 17);
    buf_init(&dns->text, 8 << 20);
    return dns;
}

void dns_bed_free(struct dns_bed *dns)
{
    buf_fini(&dns->query);
    buf_fini(&dns->text);
    bed_fini(&dns->bed);
    mem_free(dns->reply.records);
    mem_free(dns);
}

const char *dns_bed_send(struct dns_bed *dns, const void *query, size_t n)
{
    const struct snapshot *snapshot = bed_hold(&dns->bed);
    size_t size = answer_query(&dns->worker, snapshot, &dns->client, dns->is_tcp, query, n, dns->answer, PACKET_MAX);

    bed_release(&dns->bed);
    buf_clear(&dns->text);
    if (size) {
        assert_int_equal(dns_reply_read(dns->answer, size, &dns->reply), 0);
        assert_true(dns->reply.flags & 0x8000);
        assert_int_equal(dns->reply.id, packet_get_u16(query));
        dns_reply_write(&dns->text, &dns->reply);
    }
    buf_put_char(&dns->text, '\0');
    assert_false(dns->text.failed);
    return dns->text.p;
}

const char *dns_bed_ask(struct dns_bed *dns, const char *text, unsigned type, struct str opt)
{
    const char tail[] = { (char)(type >> 8), (char)type, 0, 1 };
    const uint8_t *sent;
    struct dname name;
    const char *said;
    size_t most = dns->is_tcp ? PACKET_MAX : 512;

    assert_int_equal(dname_of_text(str_of(text), &name), 0);
    buf_clear(&dns->query);
    buf_put(&dns->query, "\xab\xcd\1\0\0\1\0\0\0\0\0", 11);
    buf_put_char(&dns->query, str_is_set(opt));
    buf_put(&dns->query, name.wire, name.n);
    buf_put(&dns->query, tail, sizeof(tail));
    if (str_is_set(opt)) {
        const char length[] = { (char)((opt.n - 9) >> 8), (char)(opt.n - 9) };
        buf_put(&dns->query, opt.p, 9);
        buf_put(&dns->query, length, 2);
        buf_put_str(&dns->query, str_skip(opt, 9));
        if (!dns->is_tcp)
            most = packet_get_u16((const uint8_t *)opt.p + 3);
        if (!dns->is_tcp && most > dns->settings.udp_size)
            most = dns->settings.udp_size;
        if (most < 512)
            most = 512;
    }
    sent = (const uint8_t *)dns->query.p;
    said = dns_bed_send(dns, sent, dns->query.n);
    assert_true(dns->reply.n <= most);
    if (dns->reply.counts[0]) /* to the octet, its case too */
        assert_memory_equal(dns->answer + 12, sent + 12, name.n + 4u);
    return said;
}

size_t dns_bed_count(const struct dns_bed *dns, const char *prefix)
{
    size_t n = 0;

    for (const char *line = dns->text.p; line && *line; line = strchr(line, '\n') + 1)
        n += strncmp(line, prefix, strlen(prefix)) == 0;
    return n;
}
