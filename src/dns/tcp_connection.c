/* SPDX-License-Identifier: Apache-2.0
 *
 * Framing; see tcp_connection.h. */
#include "dns/tcp_connection.h"

#include "dns/query_log.h"
#include "dns/transfer.h"

#define LENGTH 2

uint8_t *tcp_connection_room(struct tcp_connection *connection, size_t *ret_n)
{
    *ret_n = sizeof(connection->in) - connection->n;
    return connection->in + connection->n;
}

int tcp_connection_answer(struct tcp_connection *connection, struct answer_worker *worker,
                          const struct snapshot *snapshot, uint8_t *out, size_t size, size_t *n)
{
    size_t at = 0;
    int result = 0;

    while (connection->n - at >= LENGTH) {
        size_t length = packet_get_u16(connection->in + at), written;
        if (length < PACKET_HEADER || length > TCP_QUERY_MAX) {
            result = -1;
            break;
        }
        if (connection->n - at - LENGTH < length)
            break;
        if (size - *n < LENGTH + PACKET_MAX) {
            result = 1;
            break;
        }
        if (worker->settings->transfer &&
            transfer_wants(worker->settings->transfer, &connection->client, connection->in + at + LENGTH, length)) {
            result = *n ? 1 : TCP_CONNECTION_TRANSFER; /* what was answered goes first */
            break;
        }
        written = answer_query(worker, snapshot, &connection->client, true, connection->in + at + LENGTH, length,
                               out + *n + LENGTH, PACKET_MAX);
        query_log_note(worker, &connection->client, true, RATE_LIMIT_PASSED, connection->in + at + LENGTH, length,
                       out + *n + LENGTH, written);
        if (written == 0) {
            result = worker->is_wanted ? TCP_CONNECTION_WAITS : -1;
            break;
        }
        worker->gives_up = false;
        connection->asked_ms = 0;
        out[*n] = (uint8_t)(written >> 8);
        out[*n + 1] = (uint8_t)written;
        *n += LENGTH + written;
        at += LENGTH + length;
    }
    if (at) {
        memmove(connection->in, connection->in + at, connection->n - at);
        connection->n -= at;
    }
    return result;
}
