/* SPDX-License-Identifier: Apache-2.0
 *
 * What the answers owe to zone transfer: signed queries, and IXFR over UDP. */
#include "dns/answer_priv.h"
#include "dns/transfer.h"

bool answer_transfer(struct answer *answer)
{
    struct transfer *transfer = answer->worker->settings->transfer;
    struct authority authority;

    if (!transfer || answer->is_tcp || answer->query.type != PACKET_IXFR)
        return false;
    authority_fold(answer->snapshot, &answer->name);
    if (!transfer_permits(transfer, answer->client, &answer->name.name, answer->key) ||
        !authority_find(answer->snapshot, answer->client, &answer->name, &authority) || authority.apex != 0)
        return false;
    answer->flags |= PACKET_AA;
    answer_put_soa(answer, &authority, COMPOSER_ANSWER);
    return true;
}

size_t answer_signed(struct answer *answer, const uint8_t *query, size_t n, uint8_t *out, size_t room)
{
    struct tsig_signer signer;
    enum tsig_error error =
        transfer_verify(answer->worker->settings->transfer, query, n, answer->worker->now_s, &signer);
    size_t most = answer_size(answer, room), size = 0;

    if (error != TSIG_FORMERR)
        size = tsig_size(&signer);
    if (size == 0 || PACKET_HEADER + size > most)
        return answer_bare(answer, out, PACKET_FORMERR);
    if (error == TSIG_OK)
        answer->key = signer.key;
    answer->query.has_tsig = error != TSIG_OK; /* then NOTAUTH */
    if (most < answer->query.question_end + answer_opt_size(answer) + size)
        n = answer_bare(answer, out, error ? PACKET_NOTAUTH : PACKET_SERVFAIL); /* names that leave no room over UDP */
    else
        n = answer_compose(answer, out, most - size);
    if (answer->worker->is_wanted) /* it is answered later, from the start */
        return 0;
    return tsig_sign(&signer, out, n, answer->worker->now_s);
}
