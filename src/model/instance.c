/* SPDX-License-Identifier: Apache-2.0
 *
 * Instances; see instance.h. The text of a block is id, token, then key and value of each attribute. */
#include "model/instance.h"

#include "base/mem.h"
#include "json/writer.h"

#include <arpa/inet.h>
#include <stdlib.h>

static char *instance_text(const struct instance *instance)
{
    return (char *)(uintptr_t)&instance->attributes[instance->n_attributes];
}

struct str instance_id(const struct instance *instance)
{
    return (struct str){ instance_text(instance), instance->id_len };
}

struct str instance_creator_request_id(const struct instance *instance)
{
    return (struct str){ instance_text(instance) + instance->id_len, instance->token_len };
}

struct str_pair instance_attribute_at(const struct instance *instance, size_t i)
{
    const struct instance_attribute *attribute = &instance->attributes[i];
    const char *text = instance_text(instance);

    return (struct str_pair){ { text + attribute->key_at, attribute->key_len },
                              { text + attribute->value_at, attribute->value_len } };
}

struct str instance_find_attribute(const struct instance *instance, struct str key)
{
    size_t low = 0, high = instance->n_attributes;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        struct str_pair pair = instance_attribute_at(instance, middle);
        int order = str_cmp(key, pair.key);
        if (order == 0)
            return pair.value;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return (struct str){ 0 };
}

bool instance_has_attributes(const struct instance *instance, const struct str_pair *pairs, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct str value = instance_find_attribute(instance, pairs[i].key);
        if (!str_is_set(value) || !str_eq(value, pairs[i].value))
            return false;
    }
    return true;
}

static size_t instance_text_len(const struct instance *instance)
{
    size_t n = (size_t)instance->id_len + instance->token_len;

    if (instance->n_attributes) {
        const struct instance_attribute *last = &instance->attributes[instance->n_attributes - 1];
        n = (size_t)last->value_at + last->value_len;
    }
    return n;
}

struct str instance_element(const struct instance *instance)
{
    return (struct str){ instance_text(instance) + instance_text_len(instance), instance->element_len };
}

const uint8_t *instance_ipv6(const struct instance *instance)
{
    struct str element = instance_element(instance);

    return (const uint8_t *)element.p + element.n;
}

/* Behind the element: the address and the account that the block has. */
static size_t instance_tail_len(uint8_t dns, uint8_t flags)
{
    return (dns & INSTANCE_IPV6 ? 16 : 0) + (flags & INSTANCE_OF_OTHER ? INSTANCE_ACCOUNT_LEN : 0);
}

struct str instance_created_by(const struct instance *instance)
{
    if (!(instance->flags & INSTANCE_OF_OTHER))
        return (struct str){ 0 };
    return (struct str){ (const char *)instance_ipv6(instance) + instance_tail_len(instance->dns, 0),
                         INSTANCE_ACCOUNT_LEN };
}

struct str instance_cname(const struct instance *instance)
{
    return instance_find_attribute(instance, STR("AWS_INSTANCE_CNAME"));
}

/* What instance_dns keeps, out of the attributes. */
struct instance_facts {
    uint8_t dns, ipv4[4], ipv6[16];
    uint16_t port;
};

/* The text as an address, into 4 or 16 octets. */
static bool instance_read_address(int family, struct str text, uint8_t *ret_address)
{
    char copy[INET6_ADDRSTRLEN];

    if (text.n >= sizeof(copy))
        return false;
    memcpy(copy, text.p, text.n);
    copy[text.n] = '\0';
    return inet_pton(family, copy, ret_address) == 1;
}

static uint8_t instance_read_attribute(struct str key, struct str value, struct instance_facts *facts)
{
    uint64_t port;

    if (str_eq(key, STR("AWS_INSTANCE_IPV4")))
        return instance_read_address(AF_INET, value, facts->ipv4) ? INSTANCE_IPV4 : 0;
    if (str_eq(key, STR("AWS_INSTANCE_IPV6")))
        return instance_read_address(AF_INET6, value, facts->ipv6) ? INSTANCE_IPV6 : 0;
    if (str_eq(key, STR("AWS_INSTANCE_CNAME")))
        return INSTANCE_CNAME;
    if (str_eq(key, STR("AWS_ALIAS_DNS_NAME")))
        return INSTANCE_ALIAS;
    if (!str_eq(key, STR("AWS_INSTANCE_PORT")) || str_parse_u64(value, &port) || port > UINT16_MAX)
        return 0;
    facts->port = (uint16_t)port;
    return INSTANCE_PORT;
}

static void instance_read_facts(const struct instance_draft *draft, struct instance_facts *ret_facts)
{
    *ret_facts = (struct instance_facts){ .dns = INSTANCE_PLAIN_ID };
    for (size_t i = 0; i < draft->id.n; i++)
        if (draft->id.p[i] == '.' || draft->id.p[i] != str_fold_char(draft->id.p[i]))
            ret_facts->dns = 0;
    for (size_t i = 0; i < draft->n_attributes; i++)
        if (str_starts(draft->attributes[i].key, STR("AWS_")))
            ret_facts->dns |= instance_read_attribute(draft->attributes[i].key, draft->attributes[i].value, ret_facts);
}

static void instance_render(struct buf *buf, const struct instance_draft *draft)
{
    buf_put_str(buf, STR("{\"InstanceId\":"));
    json_escape(buf, draft->id);
    buf_put_str(buf, STR(",\"Attributes\":{"));
    for (size_t i = 0; i < draft->n_attributes; i++) {
        if (i)
            buf_put_char(buf, ',');
        json_escape(buf, draft->attributes[i].key);
        buf_put_char(buf, ':');
        json_escape(buf, draft->attributes[i].value);
    }
    buf_put_char(buf, '}');
}

static uint16_t instance_put_text(char *text, size_t *at, struct str s)
{
    uint16_t start = (uint16_t)*at;

    if (s.n)
        memcpy(text + *at, s.p, s.n);
    *at += s.n;
    return start;
}

static uint8_t instance_draft_flags(const struct instance_draft *draft)
{
    uint8_t own = draft->flags & (uint8_t)~INSTANCE_OF_OTHER;

    return str_is_set(draft->created_by) ? own | INSTANCE_OF_OTHER : own;
}

static void instance_fill(struct instance *instance, const struct instance_draft *draft,
                          const struct instance_facts *facts, struct str element)
{
    uint8_t flags = instance_draft_flags(draft);
    char *text;
    size_t at = 0;

    *instance =
        (struct instance){ .create_ms = draft->create_ms,
                           .operation_ms = draft->operation_ms,
                           .health_since_ms = draft->health_since_ms ? draft->health_since_ms : draft->create_ms,
                           .pending_due_wall_ms = draft->pending_due_wall_ms,
                           .pending_due_mono_ms = draft->pending_due_mono_ms,
                           .n_attributes = (uint16_t)draft->n_attributes,
                           .element_len = (uint16_t)element.n,
                           .id_len = (uint8_t)draft->id.n,
                           .token_len = (uint16_t)draft->creator_request_id.n,
                           .health = (uint8_t)draft->health,
                           .pending_health = (uint8_t)draft->pending_health,
                           .dns = facts->dns,
                           .port = facts->port,
                           .flags = flags };
    memcpy(instance->ipv4, facts->ipv4, sizeof(facts->ipv4));
    text = instance_text(instance);
    instance_put_text(text, &at, draft->id);
    instance_put_text(text, &at, draft->creator_request_id);
    for (size_t i = 0; i < draft->n_attributes; i++) {
        const struct str_pair *pair = &draft->attributes[i];
        instance->attributes[i].key_at = instance_put_text(text, &at, pair->key);
        instance->attributes[i].key_len = (uint16_t)pair->key.n;
        instance->attributes[i].value_at = instance_put_text(text, &at, pair->value);
        instance->attributes[i].value_len = (uint16_t)pair->value.n;
    }
    memcpy(text + at, element.p, element.n);
    if (facts->dns & INSTANCE_IPV6)
        memcpy(text + at + element.n, facts->ipv6, sizeof(facts->ipv6));
    if (flags & INSTANCE_OF_OTHER)
        memcpy(text + at + element.n + instance_tail_len(facts->dns, 0), draft->created_by.p, INSTANCE_ACCOUNT_LEN);
}

struct instance *instance_new(const struct instance_draft *draft)
{
    struct instance *instance = NULL;
    size_t text_len = draft->id.n + draft->creator_request_id.n;
    struct instance_facts facts;
    struct buf element;

    ASSERT(!str_is_set(draft->created_by) || draft->created_by.n == INSTANCE_ACCOUNT_LEN);
    ASSERT(draft->id.n <= INSTANCE_MAX_ID && draft->creator_request_id.n <= INSTANCE_MAX_TOKEN);
    for (size_t i = 0; i < draft->n_attributes; i++)
        text_len += draft->attributes[i].key.n + draft->attributes[i].value.n;
    ASSERT(draft->n_attributes <= INSTANCE_MAX_ATTRIBUTES + 1);
    ASSERT(text_len <= INSTANCE_MAX_ATTRIBUTES_LEN + INSTANCE_MAX_ADDED_LEN + INSTANCE_MAX_ID + INSTANCE_MAX_TOKEN);

    buf_init(&element, UINT16_MAX);
    instance_render(&element, draft);
    if (element.failed)
        goto out;
    instance_read_facts(draft, &facts);
    instance = mem_alloc(sizeof(*instance) + draft->n_attributes * sizeof(instance->attributes[0]) + text_len +
                         element.n + instance_tail_len(facts.dns, instance_draft_flags(draft)));
    if (instance)
        instance_fill(instance, draft, &facts, buf_str(&element));
out:
    buf_fini(&element);
    return instance;
}

struct instance *instance_dup(const struct instance *instance)
{
    const uint8_t *end = instance_ipv6(instance) + instance_tail_len(instance->dns, instance->flags);

    return mem_dup(instance, (size_t)(end - (const uint8_t *)instance));
}

void instance_draft(const struct instance *instance, struct str_pair *pairs, struct instance_draft *ret_draft)
{
    for (size_t i = 0; i < instance->n_attributes; i++)
        pairs[i] = instance_attribute_at(instance, i);
    *ret_draft = (struct instance_draft){ .id = instance_id(instance),
                                          .creator_request_id = instance_creator_request_id(instance),
                                          .created_by = instance_created_by(instance),
                                          .attributes = pairs,
                                          .n_attributes = instance->n_attributes,
                                          .create_ms = instance->create_ms,
                                          .operation_ms = instance->operation_ms,
                                          .health_since_ms = instance->health_since_ms,
                                          .pending_due_wall_ms = instance->pending_due_wall_ms,
                                          .pending_due_mono_ms = instance->pending_due_mono_ms,
                                          .health = (enum health_status)instance->health,
                                          .pending_health = (enum health_status)instance->pending_health,
                                          .flags = instance->flags };
}

static int instance_cmp_pairs(const void *a, const void *b)
{
    return str_cmp(((const struct str_pair *)a)->key, ((const struct str_pair *)b)->key);
}

int instance_sort_attributes(struct str_pair *pairs, size_t n)
{
    if (n)
        qsort(pairs, n, sizeof(*pairs), instance_cmp_pairs);
    for (size_t i = 1; i < n; i++)
        if (str_eq(pairs[i - 1].key, pairs[i].key))
            return 1;
    return 0;
}
