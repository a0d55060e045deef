/* SPDX-License-Identifier: Apache-2.0
 *
 * Who asks: the client itself, or whom a trusted forwarder speaks for (client subnet, RFC 7871). Nothing is said of the
 * option to anybody else, as if it were not known (7.2.1). */
#include "dns/answer_priv.h"

#include <sys/socket.h>

#define SUBNET_FIXED 4

void answer_view_find(struct answer *answer, const struct authority_client *client)
{
    const struct dns_view_set *views = answer->worker->settings->views;
    const struct edns *edns = &answer->query.edns;

    answer->asker.family = client->family;
    memcpy(answer->asker.address, client->address, sizeof(client->address));
    answer->asker.view = NULL;
    answer->client = &answer->asker;
    answer->says_subnet = false;
    if (!views)
        return;
    if (edns->has_subnet && dns_view_trusts(views, client->family, client->address)) {
        answer->says_subnet = true;
        answer->scope = 0;
    }
    if (answer->says_subnet && edns->subnet.source)
        answer->asker.view = dns_view_of_subnet(views, &edns->subnet, &answer->scope);
    else
        answer->asker.view = dns_view_find(views, client->family, client->address);
    dns_stats_count_view(&answer->worker->stats, answer->asker.view->index);
}

size_t answer_view_subnet_size(const struct answer *answer)
{
    return answer->says_subnet ? SUBNET_FIXED + (answer->query.edns.subnet.source + 7u) / 8 : 0;
}

struct str answer_view_subnet(const struct answer *answer, uint8_t buffer[ANSWER_VIEW_SUBNET_MAX])
{
    const struct edns_subnet *subnet = &answer->query.edns.subnet;

    buffer[0] = (uint8_t)(subnet->family >> 8);
    buffer[1] = (uint8_t)subnet->family;
    buffer[2] = subnet->source;
    buffer[3] = answer->scope;
    memcpy(buffer + SUBNET_FIXED, subnet->address, sizeof(subnet->address));
    return (struct str){ (const char *)buffer, answer_view_subnet_size(answer) };
}
