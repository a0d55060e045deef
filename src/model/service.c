/* SPDX-License-Identifier: Apache-2.0
 *
 * Services; see service.h. */
#include "model/service.h"

#include "base/mem.h"
#include "model/pack.h"
#include "json/writer.h"

#define WORD(text)             \
    {                          \
        text, sizeof(text) - 1 \
    }

static const struct str health_words[] = {
    [HEALTH_UNKNOWN] = WORD("UNKNOWN"), [HEALTH_HEALTHY] = WORD("HEALTHY"), [HEALTH_UNHEALTHY] = WORD("UNHEALTHY")
};
static const struct str record_words[] = {
    [SERVICE_SRV] = WORD("SRV"), [SERVICE_A] = WORD("A"), [SERVICE_AAAA] = WORD("AAAA"), [SERVICE_CNAME] = WORD("CNAME")
};
static const struct str routing_words[] = {
    [SERVICE_MULTIVALUE] = WORD("MULTIVALUE"), [SERVICE_WEIGHTED] = WORD("WEIGHTED")
};
static const struct str type_words[] = { [SERVICE_HTTP] = WORD("HTTP"), [SERVICE_DNS_HTTP] = WORD("DNS_HTTP") };
static const struct str check_words[] = { [SERVICE_CHECK_NONE] = WORD("NONE"),
                                          [SERVICE_CHECK_HTTP] = WORD("HTTP"),
                                          [SERVICE_CHECK_HTTPS] = WORD("HTTPS"),
                                          [SERVICE_CHECK_TCP] = WORD("TCP"),
                                          [SERVICE_CHECK_CUSTOM] = WORD("CUSTOM") };

#define COUNT(words) (sizeof(words) / sizeof((words)[0]))

/* Position of word in words, or n. */
static unsigned service_find_word(const struct str *words, unsigned n, struct str word)
{
    unsigned i = 0;

    while (i < n && !str_eq(words[i], word))
        i++;
    return i;
}

struct str service_health_text(enum health_status status)
{
    return health_words[status];
}

struct str service_record_type_text(enum service_record_type type)
{
    return record_words[type];
}

struct str service_routing_text(enum service_routing routing)
{
    return routing_words[routing];
}

struct str service_type_text(enum service_type type)
{
    return type_words[type];
}

struct str service_check_text(enum service_check check)
{
    return check_words[check];
}

int service_parse_health(struct str word, enum health_status *ret_status)
{
    unsigned i = service_find_word(health_words, COUNT(health_words), word);

    if (i == COUNT(health_words))
        return 1;
    *ret_status = i;
    return 0;
}

int service_parse_record_type(struct str word, enum service_record_type *ret_type)
{
    unsigned i = service_find_word(record_words, COUNT(record_words), word);

    if (i == COUNT(record_words))
        return 1;
    *ret_type = i;
    return 0;
}

int service_parse_routing(struct str word, enum service_routing *ret_routing)
{
    unsigned i = service_find_word(routing_words, COUNT(routing_words), word);

    if (i == COUNT(routing_words))
        return 1;
    *ret_routing = i;
    return 0;
}

int service_parse_check(struct str word, enum service_check *ret_check)
{
    unsigned i = service_find_word(check_words, COUNT(check_words), word);

    if (i == COUNT(check_words))
        return 1;
    *ret_check = i;
    return 0;
}

int service_parse_type(struct str word, enum service_type *ret_type)
{
    unsigned i = service_find_word(type_words, COUNT(type_words), word);

    if (i == COUNT(type_words))
        return 1;
    *ret_type = i;
    return 0;
}

bool service_has_record(const struct service *service, enum service_record_type type)
{
    for (size_t i = 0; i < service->n_records; i++)
        if (service->records[i].type == type)
            return true;
    return false;
}

static void service_pack(struct pack *pack, struct service *service)
{
    pack_pairs(pack, &service->tags, service->n_tags);
    pack_pairs(pack, &service->attributes, service->n_attributes);
    pack_str(pack, &service->account);
    pack_str(pack, &service->region);
    pack_str(pack, &service->created_by);
    pack_str(pack, &service->id);
    pack_str(pack, &service->namespace_id);
    pack_str(pack, &service->name);
    pack_str(pack, &service->http_name);
    pack_str(pack, &service->description);
    pack_str(pack, &service->creator_request_id);
    pack_str(pack, &service->check_path);
    for (size_t i = 0; i < HEALTH_STATUS_COUNT; i++)
        pack_str(pack, &service->discover_tail[i]);
}

/* Renders `,"NamespaceName":..,"ServiceName":..,"HealthStatus":..}` once for each status, into one buffer. */
static void service_render_tails(struct buf *buf, struct service *service)
{
    size_t at[HEALTH_STATUS_COUNT + 1] = { 0 };

    for (size_t i = 0; i < HEALTH_STATUS_COUNT; i++) {
        at[i] = buf->n;
        buf_put_str(buf, STR(",\"NamespaceName\":"));
        json_escape(buf, service->http_name);
        buf_put_str(buf, STR(",\"ServiceName\":"));
        json_escape(buf, service->name);
        buf_put_str(buf, STR(",\"HealthStatus\":"));
        json_escape(buf, health_words[i]);
        buf_put_char(buf, '}');
    }
    at[HEALTH_STATUS_COUNT] = buf->n;
    if (buf->failed)
        return;
    for (size_t i = 0; i < HEALTH_STATUS_COUNT; i++)
        service->discover_tail[i] = (struct str){ buf->p + at[i], at[i + 1] - at[i] };
}

struct service *service_dup(const struct service *draft)
{
    struct service source = *draft, measured, *service = NULL;
    struct pack pack = { .n = sizeof(*service) };
    struct buf tails;

    buf_init(&tails, 16 * 1024);
    service_render_tails(&tails, &source);
    if (tails.failed)
        goto out;
    measured = source;
    service_pack(&pack, &measured);
    service = mem_alloc(pack.n);
    if (!service)
        goto out;
    *service = source;
    pack = (struct pack){ .at = (char *)service, .n = sizeof(*service) };
    service_pack(&pack, service);
out:
    buf_fini(&tails);
    return service;
}

struct service *service_copy(struct arena *arena, const struct service *service)
{
    struct service bare = *service, measured, *copy;
    struct pack pack = { .n = sizeof(*copy) };

    memset(bare.discover_tail, 0, sizeof(bare.discover_tail));
    measured = bare;
    service_pack(&pack, &measured);
    copy = arena_alloc(arena, pack.n);
    if (!copy)
        return NULL;
    *copy = bare;
    pack = (struct pack){ .at = (char *)copy, .n = sizeof(*copy) };
    service_pack(&pack, copy);
    return copy;
}
