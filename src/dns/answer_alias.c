/* SPDX-License-Identifier: Apache-2.0
 *
 * Aliases: the name answers with the addresses of another one, under its own name. What stands in our own zones, as
 * this client sees them, is found there; other names are in the table of alias.h, or are asked for. */
#include "dns/answer_priv.h"

#include "dnswire/rdata.h"

#define MAX_LINKS 8

static enum answer_result answer_fail_alias(struct answer *answer, enum edns_error error, struct str text)
{
    dns_stats_add(&answer->worker->stats.aliases[DNS_ALIAS_FAILURE], 1);
    answer_explain(answer, error, text);
    return ANSWER_FAILED;
}

static enum answer_result answer_put_addresses(struct answer *answer, enum packet_type type,
                                               const struct alias_view *view)
{
    unsigned max = answer->worker->settings->max_answers, k = max && max < view->n ? max : view->n;
    unsigned size = type == PACKET_A ? 4 : 16;
    uint8_t indices[OWNER_MAX];

    if (view->n == 0) {
        answer_explain(answer, EDNS_ERROR_OTHER,
                       view->is_nxdomain ? STR("the name that the alias stands for does not exist")
                                         : STR("the name that the alias stands for has no records of this type"));
        return ANSWER_EMPTY;
    }
    answer_pick_few(&answer->worker->rand, view->n, k, indices);
    for (unsigned i = 0; i < k; i++)
        if (!rdata_put_address(&answer->out, COMPOSER_ANSWER, answer->name_at, view->ttl, type,
                               view->addresses + indices[i] * size))
            return ANSWER_FULL;
    return ANSWER_DONE;
}

/* A name outside. */
static enum answer_result answer_put_foreign(struct answer *answer, const struct dname *name)
{
    struct answer_worker *worker = answer->worker;
    struct alias *alias = worker->settings->alias;
    struct alias_target target = { .name = *name, .type = answer->alias_type == SERVICE_A ? PACKET_A : PACKET_AAAA };
    struct alias_view view;

    if (!alias)
        return answer_fail_alias(answer, EDNS_ERROR_OTHER,
                                 STR("the instance is an alias, and there is no resolver for its name (dns.resolver)"));
    switch (alias_find(alias, &target, &view)) {
    case ALIAS_STALE:
        dns_stats_add(&worker->stats.aliases[DNS_ALIAS_STALE], 1);
        answer_explain(answer, EDNS_ERROR_STALE, STR("no resolver answers: these are old addresses"));
        return answer_put_addresses(answer, target.type, &view);
    case ALIAS_KNOWN:
        dns_stats_add(&worker->stats.aliases[DNS_ALIAS_HIT], 1);
        return answer_put_addresses(answer, target.type, &view);
    case ALIAS_FAILED:
        return answer_fail_alias(answer, EDNS_ERROR_UNREACHABLE,
                                 STR("no resolver could tell the name that the alias stands for"));
    case ALIAS_UNKNOWN:
        break;
    }
    if (worker->gives_up)
        return answer_fail_alias(answer, EDNS_ERROR_UNREACHABLE,
                                 STR("the name that the alias stands for is not known yet"));
    dns_stats_add(&worker->stats.aliases[DNS_ALIAS_MISS], 1);
    worker->wanted = target;
    worker->is_wanted = true;
    return ANSWER_LATER;
}

/* What stands at a name of ours. ANSWER_ALIAS: *name is what to look at next. */
static enum answer_result answer_put_own(struct answer *answer, const struct authority *authority,
                                         struct authority_name *name)
{
    struct authority_find find;
    enum answer_result result = ANSWER_EMPTY;

    authority_look(authority, name, &find);
    if (find.kind == AUTHORITY_SERVICE && find.owner->sets[SERVICE_CNAME].is_configured)
        return answer_pick_cname(answer, find.owner, &name->name) ? ANSWER_ALIAS : ANSWER_EMPTY;
    if (find.kind == AUTHORITY_SERVICE)
        result = answer_put_records(answer, find.owner, answer->alias_type);
    else if (find.kind == AUTHORITY_INSTANCE)
        result = answer_put_instance(answer, find.owner, find.instance, answer->alias_type);
    if (result == ANSWER_ALIAS && !alias_name(answer->alias, &name->name))
        result = ANSWER_EMPTY;
    if (result == ANSWER_EMPTY)
        answer_explain(answer, EDNS_ERROR_OTHER, STR("the name here that the alias stands for has no such records"));
    return result;
}

enum answer_result answer_put_alias(struct answer *answer)
{
    struct authority_name name;
    struct authority authority;

    if (!alias_name(answer->alias, &name.name))
        return ANSWER_EMPTY;
    for (unsigned links = 0; links < MAX_LINKS; links++) {
        enum answer_result result;
        authority_fold(answer->snapshot, &name);
        if (!authority_find(answer->snapshot, answer->client, &name, &authority))
            return answer_put_foreign(answer, &name.name);
        result = answer_put_own(answer, &authority, &name);
        if (result != ANSWER_ALIAS)
            return result;
    }
    return answer_fail_alias(answer, EDNS_ERROR_OTHER, STR("the alias leads in a circle"));
}
