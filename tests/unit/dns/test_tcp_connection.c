/* SPDX-License-Identifier: Apache-2.0
 *
 * Framing: any number of messages in any pieces give the same answers; what is no query ends the connection. */
#include "dns_bed.h"

#include "base/mem.h"
#include "dns/tcp_connection.h"

#define QUERY \
    "\0\x18"  \
    "\0\1\0\0\0\1\0\0\0\0\0\0\4none\1x\0\0\1\0\1"
#define OUT (2 * (2 + PACKET_MAX))

struct stream {
    struct dns_bed *dns;
    struct tcp_connection connection;
    uint8_t out[OUT];
    size_t n;
};

static struct stream *stream_new(void)
{
    struct stream *stream = mem_zalloc(sizeof(*stream));

    assert_non_null(stream);
    stream->dns = dns_bed_new();
    bed_namespace(&stream->dns->bed, NAMESPACE_DNS_PRIVATE, "x");
    stream->connection.client = stream->dns->client;
    return stream;
}

static void stream_free(struct stream *stream)
{
    dns_bed_free(stream->dns);
    mem_free(stream);
}

static int stream_put(struct stream *stream, const void *p, size_t n)
{
    size_t room;
    uint8_t *at = tcp_connection_room(&stream->connection, &room);
    int r;

    assert_true(n <= room);
    memcpy(at, p, n);
    stream->connection.n += n;
    r = tcp_connection_answer(&stream->connection, &stream->dns->worker, bed_hold(&stream->dns->bed), stream->out,
                              sizeof(stream->out), &stream->n);
    bed_release(&stream->dns->bed);
    return r;
}

/* Whole answers in `out`, each to the query of its turn. */
static unsigned stream_count(const struct stream *stream)
{
    size_t at = 0;
    unsigned n = 0;

    while (at < stream->n) {
        size_t length = packet_get_u16(stream->out + at);
        assert_true(at + 2 + length <= stream->n);
        assert_int_equal(packet_get_u16(stream->out + at + 2), 1);
        assert_int_equal(stream->out[at + 5] & 15, PACKET_NXDOMAIN);
        at += 2 + length;
        n++;
    }
    return n;
}

static void test_pieces(void **state)
{
    char three[3 * (sizeof(QUERY) - 1)];

    (void)state;
    for (unsigned i = 0; i < 3; i++)
        memcpy(three + i * (sizeof(QUERY) - 1), QUERY, sizeof(QUERY) - 1);
    for (size_t piece = 1; piece <= sizeof(three); piece++) {
        struct stream *stream = stream_new();
        for (size_t at = 0; at < sizeof(three); at += piece) {
            size_t n = sizeof(three) - at < piece ? sizeof(three) - at : piece;
            assert_int_equal(stream_put(stream, three + at, n), 0);
        }
        assert_int_equal(stream_count(stream), 3);
        assert_int_equal(stream->connection.n, 0);
        stream_free(stream);
    }
}

static void test_ends(void **state)
{
    static const struct {
        const char *p;
        size_t n;
    } bad[] = {
        { "\0\0", 2 },                              /* an empty message */
        { "\0\x0b", 2 },                            /* shorter than a header */
        { "\xff\xff", 2 },                          /* longer than anybody's question */
        { "\0\x0c\0\1\x80\0\0\0\0\0\0\0\0\0", 14 }, /* an answer */
    };

    (void)state;
    for (size_t i = 0; i < TEST_COUNT(bad); i++) {
        struct stream *stream = stream_new();
        assert_int_equal(stream_put(stream, QUERY, sizeof(QUERY) - 1), 0);
        assert_int_equal(stream_put(stream, bad[i].p, bad[i].n), -1);
        assert_int_equal(stream_count(stream), 1); /* what came before is answered */
        stream_free(stream);
    }
}

/* Stops where the longest answer might not fit, and goes on with what is left. */
static void test_no_room(void **state)
{
    struct stream *stream = stream_new();

    (void)state;
    stream->n = OUT - PACKET_MAX;
    assert_int_equal(stream_put(stream, QUERY QUERY, 2 * (sizeof(QUERY) - 1)), 1);
    assert_int_equal(stream->n, OUT - PACKET_MAX);
    stream->n = 0;
    assert_int_equal(stream_put(stream, "", 0), 0);
    assert_int_equal(stream_count(stream), 2);
    stream_free(stream);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_pieces), cmocka_unit_test(test_ends),
                                        cmocka_unit_test(test_no_room) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
