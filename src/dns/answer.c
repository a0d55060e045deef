/* SPDX-License-Identifier: Apache-2.0
 *
 * Answers; see answer.h. */
#include "dns/answer_priv.h"

void answer_init(struct answer_worker *worker, const struct answer_settings *settings)
{
    memset(worker, 0, sizeof(*worker));
    worker->settings = settings;
    rand_init(&worker->rand);
}

/* --- what is at a name ---------------------------------------------------------------------------------------------
 */

/* The place of a type among a service's records, or -1. */
static int answer_record_type(unsigned type)
{
    switch (type) {
    case PACKET_A:
        return SERVICE_A;
    case PACKET_AAAA:
        return SERVICE_AAAA;
    case PACKET_SRV:
        return SERVICE_SRV;
    default:
        return -1;
    }
}

/* The name has nothing of the type, or does not exist. */
static void answer_negative(struct answer *answer, const struct authority *authority, unsigned rcode)
{
    answer->rcode = rcode;
    answer_put_soa(answer, authority, COMPOSER_AUTHORITY); /* where there is no room for it, the rcode says enough */
}

static void answer_truncate(struct answer *answer)
{
    struct composer *out = &answer->out;

    out->n = answer->query.question_end;
    memset(out->counts, 0, sizeof(out->counts));
    answer->flags |= PACKET_TC;
}

/* Ends an answer by what came of its records. */
static void answer_conclude(struct answer *answer, const struct authority *authority, enum answer_result result)
{
    switch (result) {
    case ANSWER_DONE:
        break;
    case ANSWER_EMPTY:
        answer_negative(answer, authority, PACKET_NOERROR);
        break;
    case ANSWER_FULL:
        if (!answer->is_tcp) /* there is nothing to fall back to: as many as fit */
            answer_truncate(answer);
        break;
    case ANSWER_ALIAS: /* is none of these any more */
    case ANSWER_FAILED:
        answer->rcode = PACKET_SERVFAIL;
        break;
    case ANSWER_LATER:
        break;
    }
}

/* What a service's name has of the type; ANY is answered with the first that there is (RFC 8482). */
static enum answer_result answer_service(struct answer *answer, const struct owner *owner, unsigned type)
{
    enum answer_result result = ANSWER_EMPTY;
    int record = answer_record_type(type);

    if (record >= 0)
        return answer_put_records(answer, owner, (enum service_record_type)record);
    for (int one = 0; type == PACKET_ANY && one < SERVICE_CNAME && result == ANSWER_EMPTY; one++)
        result = answer_put_records(answer, owner, (enum service_record_type)one);
    return result;
}

static enum answer_result answer_instance(struct answer *answer, const struct authority_find *find, unsigned type)
{
    enum answer_result result = ANSWER_EMPTY;

    if (type == PACKET_A || type == PACKET_ANY)
        result = answer_put_instance(answer, find->owner, find->instance, SERVICE_A);
    if (type == PACKET_AAAA || (type == PACKET_ANY && result == ANSWER_EMPTY))
        result = answer_put_instance(answer, find->owner, find->instance, SERVICE_AAAA);
    return result;
}

/* The zone's own records, at its apex. */
static enum answer_result answer_apex(struct answer *answer, const struct authority *authority, unsigned type)
{
    if (type == PACKET_SOA || type == PACKET_ANY)
        return answer_put_soa(answer, authority, COMPOSER_ANSWER);
    return type == PACKET_NS ? answer_put_ns(answer, authority) : ANSWER_EMPTY;
}

static void answer_explain_empty(struct answer *answer, const struct authority_find *find)
{
    if (find->kind == AUTHORITY_SERVICE)
        answer_explain(answer, EDNS_ERROR_OTHER, STR("the service has no records of this type"));
    else if (find->owner && find->owner->service && !find->owner->is_live)
        answer_explain(answer, EDNS_ERROR_OTHER, STR("the service has no instances"));
    else if (find->kind == AUTHORITY_NONE)
        answer_explain(answer, EDNS_ERROR_OTHER, STR("there is no service or instance of this name"));
}

/* Follows the one CNAME record of a service. True: answer->name is its target now, and to be looked up. */
static bool answer_follow(struct answer *answer, const struct authority *authority, const struct owner *owner)
{
    size_t at;
    enum answer_result result;

    for (unsigned n = 0; n < answer->n_followed; n++)
        if (answer->followed[n] == owner)
            return false; /* the ring is closed: there is nothing to add */
    answer->followed[answer->n_followed++] = owner;
    result = answer_put_cname(answer, owner, &answer->name.name, &at);
    if (result != ANSWER_DONE) {
        answer_conclude(answer, authority, result);
        return false;
    }
    answer->name_at = at;
    return answer->query.type != PACKET_CNAME && answer->query.type != PACKET_ANY;
}

/* Looks up the name once. True: a CNAME record leads on. */
static bool answer_look(struct answer *answer, const struct authority *authority)
{
    unsigned type = answer->query.type;
    struct authority_find find;
    enum answer_result result = ANSWER_EMPTY;

    authority_look(authority, &answer->name, &find);
    if (find.kind == AUTHORITY_SERVICE && find.owner->sets[SERVICE_CNAME].is_configured)
        return answer_follow(answer, authority, find.owner);
    if (find.kind == AUTHORITY_SERVICE)
        result = answer_service(answer, find.owner, type);
    else if (find.kind == AUTHORITY_INSTANCE)
        result = answer_instance(answer, &find, type);
    if (result == ANSWER_EMPTY && authority->apex == 0)
        result = answer_apex(answer, authority, type);
    if (result == ANSWER_EMPTY && answer->query.edns.present)
        answer_explain_empty(answer, &find);
    if (result == ANSWER_ALIAS)
        result = answer_put_alias(answer);
    if (find.kind == AUTHORITY_NONE)
        answer_negative(answer, authority, PACKET_NXDOMAIN);
    else
        answer_conclude(answer, authority, result);
    return false;
}

static void answer_refuse(struct answer *answer, enum edns_error error, struct str text)
{
    answer->rcode = PACKET_REFUSED;
    answer_explain(answer, error, text);
}

/* The zone that speaks for the name that is looked up now. False: nobody does, or the name is the server's own and
 * answered (*ret_done). */
static bool answer_find(struct answer *answer, struct authority *authority, bool *ret_done)
{
    const struct own_zones *own = answer->worker->settings->own;
    bool found;

    authority_fold(answer->snapshot, &answer->name);
    found = authority_find(answer->snapshot, answer->client, &answer->name, authority);
    *ret_done = own && own_zone_answer(own, answer, found, authority);
    return found && !*ret_done;
}

static void answer_question(struct answer *answer)
{
    struct authority authority;
    bool done;

    if (answer->query.class != PACKET_IN) {
        answer_refuse(answer, EDNS_ERROR_NOT_SUPPORTED, STR("only class IN is served"));
        return;
    }
    if (answer->query.type == PACKET_AXFR || answer->query.type == PACKET_IXFR) {
        if (!answer_transfer(answer))
            answer_refuse(answer, EDNS_ERROR_PROHIBITED, STR("the zone is not transferred to this client"));
        return;
    }
    if (!answer_find(answer, &authority, &done)) {
        if (!done)
            answer_refuse(answer, EDNS_ERROR_NOT_AUTHORITATIVE, STR("the name is in no namespace here"));
        return;
    }
    answer->flags |= PACKET_AA;
    while (answer_look(answer, &authority) && answer->n_followed < ANSWER_LINKS)
        if (!answer_find(answer, &authority, &done))
            return; /* the client goes on elsewhere, or is there */
}

/* --- EDNS ----------------------------------------------------------------------------------------------------------
 */

#define OPTION_HEAD 4

/* Without the extended error, for which the rest is used. */
size_t answer_opt_size(const struct answer *answer)
{
    const struct edns *edns = &answer->query.edns;
    const struct answer_settings *settings = answer->worker->settings;

    if (!edns->present)
        return 0;
    return EDNS_OPT_SIZE + (edns->has_cookie ? OPTION_HEAD + COOKIE_SIZE : 0) +
           (edns->wants_nsid && str_is_set(settings->nsid) ? OPTION_HEAD + settings->nsid.n : 0) +
           (edns->wants_keepalive && answer->is_tcp ? OPTION_HEAD + 2 : 0) +
           (answer->says_subnet ? OPTION_HEAD + answer_view_subnet_size(answer) : 0);
}

/* Behind everything else; `room` is the message's whole. */
static void answer_put_opt(struct answer *answer, size_t room)
{
    const struct answer_settings *settings = answer->worker->settings;
    const struct edns *edns = &answer->query.edns;
    struct composer *out = &answer->out;
    uint8_t *opt = out->p + out->n, *p = opt + EDNS_OPT_SIZE;

    if (!edns->present)
        return;
    if (edns->wants_nsid && str_is_set(settings->nsid))
        p += edns_put_option(p, EDNS_NSID, settings->nsid);
    if (edns->has_cookie) {
        uint8_t cookie[COOKIE_SIZE];
        cookie_make(settings->cookie_secret, answer->client, (const uint8_t *)edns->cookie.p, answer->worker->now_s,
                    cookie);
        p += edns_put_option(p, EDNS_COOKIE, (struct str){ (const char *)cookie, sizeof(cookie) });
    }
    if (edns->wants_keepalive && answer->is_tcp) {
        const char tenths[] = { (char)(settings->keepalive_ds >> 8), (char)settings->keepalive_ds };
        p += edns_put_option(p, EDNS_KEEPALIVE, (struct str){ tenths, 2 });
    }
    if (answer->says_subnet) {
        uint8_t subnet[ANSWER_VIEW_SUBNET_MAX];
        p += edns_put_option(p, EDNS_SUBNET, answer_view_subnet(answer, subnet));
    }
    if (answer->has_error && room - (size_t)(p - out->p) >= OPTION_HEAD + 2 + answer->error_text.n)
        p += edns_put_error(p, answer->error, answer->error_text);
    edns_put_opt(opt, settings->udp_size, answer->rcode, edns->dnssec_ok, (size_t)(p - opt) - EDNS_OPT_SIZE);
    out->n = (size_t)(p - out->p);
    out->counts[COMPOSER_ADDITIONAL]++;
}

/* --- the whole -----------------------------------------------------------------------------------------------------
 */

size_t answer_size(const struct answer *answer, size_t room)
{
    size_t most = EDNS_MIN_SIZE;

    if (answer->is_tcp)
        most = PACKET_MAX;
    else if (answer->query.edns.present)
        most = answer->query.edns.size < answer->worker->settings->udp_size ? answer->query.edns.size
                                                                            : answer->worker->settings->udp_size;
    return most < room ? most : room;
}

size_t answer_bare(struct answer *answer, uint8_t *out, unsigned rcode)
{
    answer->query.has_question = false;
    answer->rcode = rcode;
    composer_begin(&answer->out, out, PACKET_HEADER, &answer->query);
    return composer_end(&answer->out, 0, rcode);
}

static size_t answer_count(struct answer *answer, size_t n_query, size_t n)
{
    struct dns_stats *stats = &answer->worker->stats;

    if (answer->query.has_question)
        dns_stats_add(&stats->queries[dns_stats_type_of(answer->query.type)], 1);
    dns_stats_add(&stats->answers[dns_stats_rcode_of(answer->rcode)], 1);
    if (answer->flags & PACKET_TC)
        dns_stats_add(&stats->truncated, 1);
    dns_stats_add(&stats->bytes_in, n_query);
    dns_stats_add(&stats->bytes_out, n);
    return n;
}

size_t answer_compose(struct answer *answer, uint8_t *out, size_t most)
{
    size_t opt = answer_opt_size(answer);

    composer_begin(&answer->out, out, most - opt, &answer->query);
    if (answer->query.edns.version)
        answer->rcode = PACKET_BADVERS;
    else if (answer->query.has_tsig)
        answer->rcode = PACKET_NOTAUTH; /* no key is known (RFC 8945 5.2) */
    else if (answer->query.has_question)
        answer_question(answer);
    answer_put_opt(answer, most);
    return composer_end(&answer->out, answer->flags, answer->rcode);
}

size_t answer_query(struct answer_worker *worker, const struct snapshot *snapshot,
                    const struct authority_client *client, bool is_tcp, const uint8_t *query, size_t n, uint8_t *out,
                    size_t room)
{
    struct answer answer;
    size_t size;

    worker->is_wanted = false;
    answer.worker = worker;
    answer.snapshot = snapshot;
    answer.is_tcp = is_tcp;
    answer.name_at = PACKET_HEADER;
    answer.flags = answer.rcode = answer.n_followed = 0;
    answer.has_error = false;
    answer.key = NULL;
    switch (packet_read(query, n, &answer.query, &answer.name.name)) {
    case PACKET_OK:
        answer_view_find(&answer, client);
        if (answer.query.has_tsig && worker->settings->transfer)
            size = answer_signed(&answer, query, n, out, room);
        else
            size = answer_compose(&answer, out, answer_size(&answer, room));
        return worker->is_wanted ? 0 : answer_count(&answer, n, size);
    case PACKET_MALFORMED:
        return answer_count(&answer, n, answer_bare(&answer, out, PACKET_FORMERR));
    case PACKET_FOREIGN:
        return answer_count(&answer, n, answer_bare(&answer, out, PACKET_NOTIMP));
    case PACKET_DROP:
        break;
    }
    dns_stats_add(&worker->stats.dropped, 1);
    return 0;
}
