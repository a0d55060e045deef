/* SPDX-License-Identifier: Apache-2.0
 *
 * See health_tag.h. */
#include "model/health_tag.h"

#include "base/units.h"
#include "model/namespace.h"

#define PREFIX "cloudmap:health-"

/* RFC 9110 5.6.2. */
static bool health_tag_is_token_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~", c));
}

static bool health_tag_has_control(struct str text)
{
    for (size_t i = 0; i < text.n; i++)
        if ((unsigned char)text.p[i] < ' ' || text.p[i] == 0x7f)
            return true;
    return false;
}

static const char *health_tag_read_unknown_is(struct str value, struct health_tag_settings *settings)
{
    if (str_eq(value, STR("healthy")))
        settings->unknown_is = HEALTH_TAG_UNKNOWN_HEALTHY;
    else if (str_eq(value, STR("unhealthy")))
        settings->unknown_is = HEALTH_TAG_UNKNOWN_UNHEALTHY;
    else
        return "it must be healthy or unhealthy";
    return NULL;
}

static const char *health_tag_read_interval(struct str value, struct health_tag_settings *settings)
{
    if (units_parse_duration_ms(value, &settings->interval_ms) || settings->interval_ms < HEALTH_TAG_INTERVAL_MIN_MS ||
        settings->interval_ms > HEALTH_TAG_INTERVAL_MAX_MS)
        return "it must be a duration from 2s to 300s";
    return NULL;
}

static const char *health_tag_read_header(struct str value, struct health_tag_settings *settings)
{
    size_t n = str_find_char(value, ':');
    struct str rest = str_skip(value, n);

    for (size_t i = 0; i < n; i++)
        if (!health_tag_is_token_char(value.p[i]))
            n = 0;
    if (n == 0 || health_tag_has_control(value))
        return "it must be NAME or NAME: VALUE of a response header";
    settings->header_name = (struct str){ value.p, n };
    if (rest.n == 0)
        return NULL;
    rest = str_skip(rest, 1);
    while (rest.n && rest.p[0] == ' ')
        rest = str_skip(rest, 1);
    while (rest.n && rest.p[rest.n - 1] == ' ')
        rest.n--;
    if (rest.n == 0)
        return "the header's value is missing behind the colon";
    settings->header_value = rest;
    return NULL;
}

static const char *health_tag_read_body(struct str value, struct health_tag_settings *settings)
{
    if (value.n == 0 || health_tag_has_control(value))
        return "it must be a fragment of the body, without control characters";
    settings->body = value;
    return NULL;
}

static bool health_tag_is_plain(struct str value)
{
    for (size_t i = 0; i < value.n; i++) {
        char c = value.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
              c == '_'))
            return false;
    }
    return true;
}

static const char *health_tag_read_tls_name(struct str value, struct health_tag_settings *settings)
{
    if (!health_tag_is_plain(value) || !namespace_is_zone_name(value) || value.p[value.n - 1] == '.')
        return "it must be the host name that the certificate is for";
    settings->tls_name = value;
    return NULL;
}

/* Names of files, never paths: whoever may tag a service must not choose which files the daemon opens. */
static const char *health_tag_read_tls_ca(struct str value, struct health_tag_settings *settings)
{
    if (value.n == 0 || value.n > 128 || value.p[0] == '.' || !health_tag_is_plain(value))
        return "it must be the name of a file in the directory that health.tls_authorities names";
    settings->tls_ca = value;
    return NULL;
}

static const struct {
    struct str key;
    const char *(*read)(struct str value, struct health_tag_settings *settings);
} known_tags[] = {
    { { HEALTH_TAG_UNKNOWN_IS, sizeof(HEALTH_TAG_UNKNOWN_IS) - 1 }, health_tag_read_unknown_is },
    { { HEALTH_TAG_INTERVAL, sizeof(HEALTH_TAG_INTERVAL) - 1 }, health_tag_read_interval },
    { { HEALTH_TAG_HEADER, sizeof(HEALTH_TAG_HEADER) - 1 }, health_tag_read_header },
    { { HEALTH_TAG_BODY, sizeof(HEALTH_TAG_BODY) - 1 }, health_tag_read_body },
    { { HEALTH_TAG_TLS_NAME, sizeof(HEALTH_TAG_TLS_NAME) - 1 }, health_tag_read_tls_name },
    { { HEALTH_TAG_TLS_CA, sizeof(HEALTH_TAG_TLS_CA) - 1 }, health_tag_read_tls_ca },
};

static const char *health_tag_read_one(struct str_pair tag, struct health_tag_settings *settings)
{
    for (size_t i = 0; i < sizeof(known_tags) / sizeof(known_tags[0]); i++)
        if (str_eq(tag.key, known_tags[i].key))
            return known_tags[i].read(tag.value, settings);
    /* A misspelt expectation that is taken in silence would let strangers in. */
    return str_starts(tag.key, STR(PREFIX)) ? "there is no such setting" : NULL;
}

const char *health_tag_read(const struct str_pair *tags, size_t n, struct health_tag_settings *ret_settings,
                            struct str *ret_tag)
{
    *ret_settings = (struct health_tag_settings){ 0 };
    for (size_t i = 0; i < n; i++) {
        const char *why = health_tag_read_one(tags[i], ret_settings);
        if (why) {
            *ret_tag = tags[i].key;
            return why;
        }
    }
    return NULL;
}
