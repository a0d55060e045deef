/* SPDX-License-Identifier: Apache-2.0
 *
 * Checks; see check.h. */
#include "health/check.h"

#include "base/buf.h"
#include "base/mem.h"
#include "health/text_match.h"
#include "model/pack.h"

#define USER_AGENT "Cloudmap-Health-Check/" CLOUDMAP_VERSION
#define MAX_REQUEST (3 * (CHECK_MAX_PATH + CHECK_MAX_HOST) + 512)

static const char *const protocol_words[] = { [CHECK_HTTP] = "http", [CHECK_HTTPS] = "https", [CHECK_TCP] = "tcp" };

const char *check_protocol_word(enum check_protocol protocol)
{
    return protocol_words[protocol];
}

static void put_visible(struct buf *buf, struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        if (c > ' ' && c <= '~')
            buf_put_char(buf, (char)c);
        else
            buf_printf(buf, "%%%02X", c);
    }
}

static void put_request(struct buf *buf, const struct check *check)
{
    buf_put_str(buf, STR("GET "));
    if (!check->path.n || check->path.p[0] != '/')
        buf_put_char(buf, '/');
    put_visible(buf, check->path);
    buf_put_str(buf, STR(" HTTP/1.1\r\nHost: "));
    put_visible(buf, check->host);
    buf_put_str(buf, STR("\r\nUser-Agent: " USER_AGENT "\r\nAccept: */*\r\nConnection: close\r\n\r\n"));
}

static void pack_borders(struct pack *pack, const uint16_t **borders, struct str fragment)
{
    const size_t align = _Alignof(uint16_t);

    *borders = NULL;
    if (!str_is_set(fragment))
        return;
    pack->n = (pack->n + align - 1) & ~(align - 1);
    if (pack->at) {
        uint16_t *here = (uint16_t *)(void *)(pack->at + pack->n);
        text_match_find_borders(fragment, here);
        *borders = here;
    }
    pack->n += fragment.n * sizeof(**borders);
}

static void pack_check(struct pack *pack, struct check *check)
{
    pack_str(pack, &check->path);
    pack_str(pack, &check->host);
    pack_str(pack, &check->request);
    pack_str(pack, &check->expect.header);
    pack_str(pack, &check->expect.header_value);
    pack_str(pack, &check->expect.body);
    pack_str(pack, &check->expect.tls_name);
    pack_str(pack, &check->expect.tls_ca);
    pack_borders(pack, &check->header_value_borders, check->expect.header_value);
    pack_borders(pack, &check->body_borders, check->expect.body);
}

struct check *check_new(const struct check *draft)
{
    struct check values = *draft, *check = NULL;
    struct pack pack = { .n = sizeof(*check) };
    struct buf request;

    ASSERT(draft->path.n <= CHECK_MAX_PATH && draft->host.n <= CHECK_MAX_HOST && draft->interval_ms > 0);
    ASSERT(draft->expect.body.n <= CHECK_MAX_FRAGMENT && draft->expect.header_value.n <= CHECK_MAX_FRAGMENT);
    buf_init(&request, MAX_REQUEST);
    values.request = (struct str){ 0 };
    if (draft->protocol != CHECK_TCP) {
        put_request(&request, draft);
        values.request = buf_str(&request);
    }
    pack_check(&pack, &values);
    if (!request.failed)
        check = mem_alloc(pack.n);
    if (check) {
        *check = values;
        pack = (struct pack){ .at = (char *)check, .n = sizeof(*check) };
        pack_check(&pack, check);
    }
    buf_fini(&request);
    return check;
}

static bool same(struct str a, struct str b)
{
    return str_is_set(a) == str_is_set(b) && str_eq(a, b);
}

bool check_eq(const struct check *a, const struct check *b)
{
    return a->protocol == b->protocol && target_address_eq(&a->address, &b->address) && a->port == b->port &&
           a->verify_tls == b->verify_tls && a->interval_ms == b->interval_ms && a->threshold == b->threshold &&
           same(a->request, b->request) && same(a->host, b->host) && same(a->expect.header, b->expect.header) &&
           same(a->expect.header_value, b->expect.header_value) && same(a->expect.body, b->expect.body) &&
           same(a->expect.tls_name, b->expect.tls_name) && same(a->expect.tls_ca, b->expect.tls_ca);
}
