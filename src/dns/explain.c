/* SPDX-License-Identifier: Apache-2.0
 *
 * See explain.h. The name that was asked for is one step; each CNAME record in the answer leads to the next one. */
#include "dns/explain.h"

#include "base/mem.h"
#include "dns/explain_members.h"
#include "dns/explain_reply.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>

struct explain {
    struct json_writer *writer;
    const struct answer_settings *settings;
    const struct snapshot *snapshot;
    const struct explain_question *question;
    struct authority_client client; /* as the functions of authority.h want it */
    struct dname steps[EXPLAIN_STEPS_MAX];
    unsigned n_steps;
    struct answer_worker worker;
    struct explain_reply reply;
};

/* --- the question --------------------------------------------------------------------------------------------------
 */

struct explain_type {
    unsigned number;
    const char *text;
};

static const struct explain_type types[] = {
    { PACKET_A, "A" },     { PACKET_NS, "NS" },     { PACKET_CNAME, "CNAME" },
    { PACKET_SOA, "SOA" }, { 12, "PTR" },           { 15, "MX" },
    { PACKET_TXT, "TXT" }, { PACKET_AAAA, "AAAA" }, { PACKET_SRV, "SRV" },
    { 43, "DS" },          { 48, "DNSKEY" },        { 64, "SVCB" },
    { 65, "HTTPS" },       { PACKET_IXFR, "IXFR" }, { PACKET_AXFR, "AXFR" },
    { PACKET_ANY, "ANY" }, { 257, "CAA" },
};

static void explain_type_text(unsigned type, char text[16])
{
    snprintf(text, 16, "TYPE%u", type);
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (types[i].number == type)
            snprintf(text, 16, "%s", types[i].text);
}

static int explain_parse_type(struct str text, unsigned *ret_type)
{
    uint64_t number;

    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (str_eq_nocase(text, str_of(types[i].text))) {
            *ret_type = types[i].number;
            return 0;
        }
    if (!str_starts_nocase(text, STR("TYPE")) || str_parse_u64(str_skip(text, 4), &number) || number == 0 ||
        number > UINT16_MAX || number == PACKET_OPT)
        return EXPLAIN_BAD_TYPE;
    *ret_type = (unsigned)number;
    return 0;
}

static int explain_parse_address(struct str text, struct authority_client *ret_client)
{
    char copy[INET6_ADDRSTRLEN];

    if (text.n >= sizeof(copy))
        return EXPLAIN_BAD_ADDRESS;
    memcpy(copy, text.p, text.n);
    copy[text.n] = '\0';
    ret_client->family = AF_INET;
    if (inet_pton(AF_INET, copy, ret_client->address) == 1)
        return 0;
    ret_client->family = AF_INET6;
    return inet_pton(AF_INET6, copy, ret_client->address) == 1 ? 0 : EXPLAIN_BAD_ADDRESS;
}

int explain_parse(struct str name, struct str type, struct str from, struct explain_question *ret_question)
{
    struct explain_question question = { .type = PACKET_A };
    int r;

    if (name.n == 0 || dname_of_text(name, &question.name))
        return EXPLAIN_BAD_NAME;
    r = str_is_set(type) ? explain_parse_type(type, &question.type) : 0;
    if (r == 0)
        r = explain_parse_address(str_is_set(from) ? from : STR("127.0.0.1"), &question.client);
    if (r == 0)
        *ret_question = question;
    return r;
}

/* --- the answer ----------------------------------------------------------------------------------------------------
 */

static const char *explain_rcode_text(unsigned rcode)
{
    static const char *const texts[] = { "NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED" };

    if (rcode < sizeof(texts) / sizeof(texts[0]))
        return texts[rcode];
    return rcode == PACKET_NOTAUTH ? "NOTAUTH" : "OTHER";
}

static void explain_put_question(const struct explain *explain)
{
    const struct authority_client *client = &explain->question->client;
    char name[DNAME_TEXT_MAX], type[16], from[INET6_ADDRSTRLEN] = "";

    dname_text(&explain->question->name, name);
    explain_type_text(explain->question->type, type);
    inet_ntop(client->family, client->address, from, sizeof(from));
    json_field_string(explain->writer, STR("name"), str_of(name));
    json_field_string(explain->writer, STR("type"), str_of(type));
    json_field_string(explain->writer, STR("from"), str_of(from));
}

static void explain_put_answer(const struct explain *explain)
{
    const struct explain_reply *reply = &explain->reply;
    struct json_writer *writer = explain->writer;
    /* behind CNAME records the SOA record says it */
    bool is_nodata = reply->rcode == PACKET_NOERROR &&
                     (reply->counts[COMPOSER_ANSWER] == 0 || reply->counts[COMPOSER_AUTHORITY] > 0);
    const char *rcode = reply->is_silent ? "NO ANSWER" : explain_rcode_text(reply->rcode);

    json_field_string(writer, STR("rcode"), str_of(rcode));
    json_field_string(writer, STR("outcome"), str_of(is_nodata && !reply->is_silent ? "NODATA" : rcode));
    json_key(writer, STR("authoritative"));
    json_put_bool(writer, reply->flags & PACKET_AA);
    json_key(writer, STR("truncated_over_udp"));
    json_put_bool(writer, reply->is_truncated);
    json_field_optional(writer, STR("extended_error"), str_of(reply->error[0] ? reply->error : NULL));
    json_field_int(writer, STR("serial"), (uint32_t)explain->snapshot->revision);
}

static void explain_put_records(const struct explain *explain)
{
    static const char *const sections[] = {
        [COMPOSER_ANSWER] = "answer", [COMPOSER_AUTHORITY] = "authority", [COMPOSER_ADDITIONAL] = "additional"
    };
    char owner[DNAME_TEXT_MAX], type[16], data[EXPLAIN_REPLY_DATA];
    struct json_writer *writer = explain->writer;
    struct explain_cursor cursor = { 0 };
    struct explain_record record;
    unsigned n = 0;

    json_key(writer, STR("records"));
    json_open_array(writer);
    while (explain_reply_next(&explain->reply, &cursor, &record)) {
        if (n++ >= EXPLAIN_RECORDS_MAX)
            continue;
        dname_text(&record.owner, owner);
        explain_type_text(record.type, type);
        explain_reply_data(&explain->reply, &record, data);
        json_open_object(writer);
        json_field_string(writer, STR("section"), str_of(sections[record.section]));
        json_field_string(writer, STR("name"), str_of(owner));
        json_field_int(writer, STR("ttl"), record.ttl);
        json_field_string(writer, STR("type"), str_of(type));
        json_field_string(writer, STR("data"), str_of(data));
        json_close_object(writer);
    }
    json_close_array(writer);
    json_field_int(writer, STR("unlisted_records"), n > EXPLAIN_RECORDS_MAX ? n - EXPLAIN_RECORDS_MAX : 0);
}

/* --- a step --------------------------------------------------------------------------------------------------------
 */

static void explain_put_zone(const struct explain *explain, const struct authority_name *name,
                             const struct authority *authority)
{
    const struct zone *zone = authority->zone;
    const struct zone_name *place =
        zone_find(explain->snapshot, name->hash[authority->apex], dname_suffix(&name->name, authority->apex));
    struct json_writer *writer = explain->writer;

    json_key(writer, STR("zone"));
    json_open_object(writer);
    json_field_string(writer, STR("namespace_id"), zone->ns->id);
    json_field_string(writer, STR("name"), zone->ns->name);
    json_field_string(writer, STR("kind"), namespace_kind_text(zone->ns->kind));
    json_field_optional(writer, STR("vpc"), zone->ns->vpc);
    json_field_string(writer, STR("account"), zone->account);
    json_field_string(writer, STR("region"), zone->region);
    json_field_int(writer, STR("soa_ttl"), zone->ns->soa_ttl);
    json_field_int(writer, STR("others_of_this_name"), place && place->n ? place->n - 1 : 0);
    json_close_object(writer);
}

/* Of which type the service's records in the answer are, or would be. */
static enum service_record_type explain_service_type(const struct explain *explain, const struct owner *owner,
                                                     const struct dname *name)
{
    struct explain_cursor cursor = { 0 };
    struct explain_record record;
    unsigned type = explain->question->type;

    if (owner->sets[SERVICE_CNAME].is_configured)
        return SERVICE_CNAME;
    while (type == PACKET_ANY && explain_reply_next(&explain->reply, &cursor, &record)) {
        dname_fold(&record.owner);
        if (record.section == COMPOSER_ANSWER && dname_equal(&record.owner, name))
            type = record.type;
    }
    return type == PACKET_A      ? SERVICE_A
           : type == PACKET_AAAA ? SERVICE_AAAA
           : type == PACKET_SRV  ? SERVICE_SRV
                                 : SERVICE_RECORD_TYPE_COUNT;
}

static void explain_put_find(const struct explain *explain, const struct authority_name *name,
                             const struct authority *authority)
{
    struct json_writer *writer = explain->writer;
    struct authority_find find;
    const char *holds = "nothing";

    authority_look(authority, name, &find);
    if (find.kind == AUTHORITY_SERVICE)
        holds = "service";
    else if (find.kind == AUTHORITY_INSTANCE)
        holds = "instance";
    else if (find.owner && find.owner->service)
        holds = "service without instances";
    else if (authority->apex == 0)
        holds = "zone";
    else if (find.kind == AUTHORITY_EMPTY)
        holds = "names below";
    json_field_string(writer, STR("holds"), str_of(holds));
    if (find.kind == AUTHORITY_INSTANCE)
        explain_members_write_one(writer, explain->settings, &explain->reply, find.owner, find.instance, &name->name,
                                  explain->question->type);
    else if (find.owner && find.owner->service)
        explain_members_write(writer, explain->settings, &explain->reply, find.owner, &name->name,
                              explain_service_type(explain, find.owner, &name->name));
}

static void explain_put_step(const struct explain *explain, struct authority_name *name)
{
    const struct own_zones *own = explain->settings->own;
    struct json_writer *writer = explain->writer;
    struct authority authority, own_authority;
    char text[DNAME_TEXT_MAX];
    bool found;

    authority_fold(explain->snapshot, name);
    dname_text(&name->name, text);
    found = authority_find(explain->snapshot, &explain->client, name, &authority);
    json_open_object(writer);
    json_field_string(writer, STR("name"), str_of(text));
    if (own && own_zone_find(own, name, found ? &authority : NULL, &own_authority)) {
        json_field_string(writer, STR("holds"), STR("the API's own name"));
    } else if (found) {
        explain_put_zone(explain, name, &authority);
        explain_put_find(explain, name, &authority);
    } else {
        json_field_string(writer, STR("holds"), STR("no namespace here"));
    }
    json_close_object(writer);
}

/* Did the name, which is folded, have its step? */
static bool explain_is_known(const struct explain *explain, const struct dname *name)
{
    for (unsigned i = 0; i < explain->n_steps; i++)
        if (dname_equal(&explain->steps[i], name))
            return true;
    return false;
}

/* The name that a CNAME record of the answer leads to; false when there is none, or the ring is closed. */
static bool explain_follow(const struct explain *explain, struct dname *name)
{
    struct explain_cursor cursor = { 0 };
    struct explain_record record;
    unsigned type = explain->question->type;
    size_t end;

    if (type == PACKET_CNAME || type == PACKET_ANY)
        return false;
    while (explain_reply_next(&explain->reply, &cursor, &record)) {
        dname_fold(&record.owner);
        if (record.section != COMPOSER_ANSWER || record.type != PACKET_CNAME || !dname_equal(&record.owner, name))
            continue;
        if (dname_read(explain->reply.p, explain->reply.n, record.data_at, name, &end))
            return false;
        dname_fold(name);
        return !explain_is_known(explain, name);
    }
    return false;
}

int explain_write(struct json_writer *writer, const struct answer_settings *settings, const struct snapshot *snapshot,
                  const struct explain_question *question, uint32_t now_s)
{
    struct authority_name name = { .name = question->name };
    struct explain *explain = mem_alloc(sizeof(*explain));

    if (!explain)
        return -ENOMEM;
    explain->writer = writer;
    explain->settings = settings;
    explain->snapshot = snapshot;
    explain->question = question;
    explain->client = question->client;
    if (settings->views)
        explain->client.view = dns_view_find(settings->views, question->client.family, question->client.address);
    explain->n_steps = 0;
    answer_init(&explain->worker, settings);
    explain->worker.gives_up = true; /* nobody waits here for what an alias stands for */
    explain->worker.now_s = now_s;
    explain_reply_ask(&explain->reply, &explain->worker, snapshot, &question->client, &question->name, question->type);
    json_open_object(writer);
    explain_put_question(explain);
    explain_put_answer(explain);
    explain_put_records(explain);
    json_key(writer, STR("steps"));
    json_open_array(writer);
    do {
        explain_put_step(explain, &name);
        explain->steps[explain->n_steps++] = name.name;
    } while (explain->n_steps < EXPLAIN_STEPS_MAX && explain_follow(explain, &name.name));
    json_close_array(writer);
    json_close_object(writer);
    mem_free(explain);
    return 0;
}
