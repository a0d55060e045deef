/* SPDX-License-Identifier: Apache-2.0
 *
 * TCP framing: the first octet is the size of the pieces in which the rest arrives. However it is cut, the same octets
 * get the same answers. */
#include "fuzz_target.h"

#include "base/mem.h"
#include "dns/tcp_connection.h"

#include <sys/socket.h>

#define OUT (256u << 10)

struct outcome {
    uint8_t *out;
    size_t n;
    int end; /* -1: cut off */
};

/* A registry without anything: every answer is an error, and the same for the same query. */
static struct outcome feed(struct answer_worker *worker, const uint8_t *p, size_t n, size_t piece)
{
    struct tcp_connection *connection = mem_zalloc(sizeof(*connection));
    struct snapshot empty = { .name_key = { 1 } };
    struct outcome outcome = { .out = mem_alloc(OUT) };
    FUZZ_CHECK(connection && outcome.out);
    connection->client.family = AF_INET;
    for (size_t at = 0; at < n && outcome.end == 0;) {
        size_t room, take = n - at < piece ? n - at : piece;
        uint8_t *to = tcp_connection_room(connection, &room);
        take = take < room ? take : room;
        FUZZ_CHECK(take > 0);
        memcpy(to, p + at, take);
        connection->n += take;
        at += take;
        outcome.end = tcp_connection_answer(connection, worker, &empty, outcome.out, OUT, &outcome.n);
        FUZZ_CHECK(outcome.n <= OUT);
        if (outcome.end > 0) /* no room for the longest answer: enough of it */
            outcome.end = -2;
    }
    mem_free(connection);
    return outcome;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct answer_settings settings = { .max_answers = 8, .udp_size = 1232, .n_name_servers = 1 };
    struct answer_worker *worker = mem_alloc(sizeof(*worker));
    FUZZ_CHECK(worker);
    if (n > 1 && n <= TCP_QUERY_MAX) {
        answer_init(worker, &settings);
        struct outcome whole = feed(worker, data + 1, n - 1, n), cut = feed(worker, data + 1, n - 1, data[0] % 64 + 1u);
        FUZZ_CHECK(whole.n == cut.n && whole.end == cut.end);
        FUZZ_CHECK(memcmp(whole.out, cut.out, whole.n) == 0);
        mem_free(whole.out);
        mem_free(cut.out);
    }
    mem_free(worker);
    return 0;
}
