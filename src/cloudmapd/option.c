/* SPDX-License-Identifier: Apache-2.0
 *
 * The option table and the readers of its types. */
#include "cloudmapd/option.h"
#include "base/units.h"
#include "cloudmapd/config.h"
#include "registry/vpc.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>

#define KEY_MAX 128 /* longer texts are no key */
#define VPC_PREFIX "vpc."
#define TRANSFER_PREFIX "transfer."
#define RATE_MAX 1000000000
#define RATE_LEAST_MS 1000
#define RATE_MOST_MS 86400000

const struct option_row option_table[OPTION_COUNT] = {
#define OPTION(c_type, member, option_key, option_type, option_value, option_aws, option_min, option_max, \
               option_words, option_flags, option_doc)                                                    \
    { .key = (option_key),                                                                                \
      .type = (option_type),                                                                              \
      .value = (option_value),                                                                            \
      .aws = (option_aws),                                                                                \
      .min = (option_min),                                                                                \
      .max = (option_max),                                                                                \
      .words = (option_words),                                                                            \
      .flags = (option_flags),                                                                            \
      .doc = (option_doc),                                                                                \
      .offset = offsetof(struct config, member) },
#define VPC_OPTION(member, ...)
#define TRANSFER_OPTION(c_type, member, ...)
#include "cloudmapd/options.def"
#undef OPTION
#undef VPC_OPTION
#undef TRANSFER_OPTION
};

/* A row of an option of a section: no default, no words. */
#define SECTION_ROW(structure, member, option_key, option_type, option_min, option_max, option_flags, option_doc) \
    { .key = (option_key),                                                                                        \
      .type = (option_type),                                                                                      \
      .min = (option_min),                                                                                        \
      .max = (option_max),                                                                                        \
      .flags = (option_flags),                                                                                    \
      .doc = (option_doc),                                                                                        \
      .offset = offsetof(struct structure, member) },

const struct option_row option_vpc_table[OPTION_VPC_COUNT] = {
#define OPTION(c_type, member, ...)
#define TRANSFER_OPTION(c_type, member, ...)
#define VPC_OPTION(member, ...) SECTION_ROW(config_vpc, member, __VA_ARGS__)
#include "cloudmapd/options.def"
#undef OPTION
#undef VPC_OPTION
#undef TRANSFER_OPTION
};

const struct option_row option_transfer_table[OPTION_TRANSFER_COUNT] = {
#define OPTION(c_type, member, ...)
#define VPC_OPTION(member, ...)
#define TRANSFER_OPTION(c_type, member, ...) SECTION_ROW(config_transfer, member, __VA_ARGS__)
#include "cloudmapd/options.def"
#undef OPTION
#undef VPC_OPTION
#undef TRANSFER_OPTION
};

#undef SECTION_ROW

/* --- keys -------------------------------------------------------------------------------------------------------- */

size_t option_find(struct str key)
{
    size_t i = 0;
    while (i < OPTION_COUNT && !str_eq(key, str_of(option_table[i].key)))
        i++;
    return i;
}

static bool is_name(struct str text)
{
    for (size_t i = 0; i < text.n; i++)
        if (!isalnum((unsigned char)text.p[i]) && text.p[i] != '-' && text.p[i] != '_')
            return false;
    return text.n > 0 && text.n <= OPTION_VPC_ID_MAX;
}

static bool is_region(struct str text)
{
    for (size_t i = 0; i < text.n; i++)
        if (!islower((unsigned char)text.p[i]) && !isdigit((unsigned char)text.p[i]) && text.p[i] != '-')
            return false;
    return text.n > 0 && text.n <= 32;
}

static bool is_account(struct str text)
{
    for (size_t i = 0; i < text.n; i++)
        if (!isdigit((unsigned char)text.p[i]))
            return false;
    return text.n == 12;
}

/* ID, or ACCOUNT/REGION/ID. */
static bool is_vpc(struct str text)
{
    struct vpc_name name;
    return vpc_parse_name(text, &name) == 0 && is_name(name.id) &&
           (!str_is_set(name.account) || (is_account(name.account) && is_region(name.region)));
}

size_t option_find_vpc(struct str key, struct str *ret_id)
{
    if (!str_starts(key, STR(VPC_PREFIX)))
        return OPTION_VPC_COUNT;
    struct str rest = str_skip(key, strlen(VPC_PREFIX));
    struct str id = { rest.p, str_find_char(rest, '.') };
    if (!is_vpc(id) || id.n == rest.n)
        return OPTION_VPC_COUNT;
    struct str last = str_skip(rest, id.n);
    size_t i = 0;
    while (i < OPTION_VPC_COUNT && !str_eq(last, str_of(strrchr(option_vpc_table[i].key, '.'))))
        i++;
    if (i < OPTION_VPC_COUNT)
        *ret_id = id;
    return i;
}

/* Labels of letters, digits, - and _ with dots between them, and perhaps one behind. */
static bool is_domain(struct str text)
{
    if (text.n > 1 && text.p[text.n - 1] == '.')
        text.n--;
    if (text.n == 0 || text.n > 253)
        return false;
    for (;;) {
        size_t n = str_find_char(text, '.');
        if (n > 63 || !is_name((struct str){ text.p, n }))
            return false;
        if (n == text.n)
            return true;
        text = str_skip(text, n + 1);
    }
}

size_t option_find_transfer(struct str key, struct str *ret_zone)
{
    if (!str_starts(key, STR(TRANSFER_PREFIX)))
        return OPTION_TRANSFER_COUNT;
    struct str zone = str_skip(key, strlen(TRANSFER_PREFIX));
    size_t n = zone.n;
    while (n > 0 && zone.p[n - 1] != '.')
        n--;
    struct str last = str_skip(zone, n);
    zone.n = n ? n - 1 : 0;
    size_t i = 0;
    while (i < OPTION_TRANSFER_COUNT && !str_eq(last, str_of(strrchr(option_transfer_table[i].key, '.') + 1)))
        i++;
    if (!is_domain(zone))
        return OPTION_TRANSFER_COUNT;
    if (i < OPTION_TRANSFER_COUNT)
        *ret_zone = zone;
    return i;
}

/* Edit distance (Levenshtein) of two short texts, case ignored. */
static unsigned distance(struct str a, struct str b)
{
    unsigned row[KEY_MAX + 1];
    for (unsigned j = 0; j <= b.n; j++)
        row[j] = j;
    for (unsigned i = 1; i <= a.n; i++) {
        unsigned corner = row[0];
        row[0] = i;
        for (unsigned j = 1; j <= b.n; j++) {
            unsigned best = corner + (str_fold_char(a.p[i - 1]) != str_fold_char(b.p[j - 1]));
            corner = row[j];
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            row[j] = best;
        }
    }
    return row[b.n];
}

const char *option_suggest(struct str key)
{
    const char *found = NULL;
    unsigned best = (unsigned)(key.n / 3 < 4 ? key.n / 3 + 1 : 4); /* what differs more is something else */
    if (key.n == 0 || key.n > KEY_MAX)
        return NULL;
    for (size_t i = 0; i < OPTION_COUNT + OPTION_VPC_COUNT + OPTION_TRANSFER_COUNT; i++) {
        const char *known = i < OPTION_COUNT ? option_table[i].key
                            : i < OPTION_COUNT + OPTION_VPC_COUNT
                                ? option_vpc_table[i - OPTION_COUNT].key
                                : option_transfer_table[i - OPTION_COUNT - OPTION_VPC_COUNT].key;
        const char *last = strrchr(known, '.');
        unsigned whole = distance(key, str_of(known));
        unsigned tail = last ? distance(key, str_of(last + 1)) : whole; /* the section forgotten */
        unsigned d = tail < whole ? tail : whole;
        if (d < best) {
            best = d;
            found = known;
        }
    }
    size_t dot = str_find_char(key, '.');
    if (!found && dot < key.n) /* perhaps in a section where it does not belong */
        return option_suggest(str_skip(key, dot + 1));
    return found;
}

void option_write_env_name(struct buf *buf, struct str key)
{
    buf_put_str(buf, STR("CLOUDMAP_"));
    for (size_t i = 0; i < key.n; i++) {
        char c = key.p[i];
        buf_put_char(buf, c == '.' || c == '-' ? '_' : (char)toupper((unsigned char)c));
    }
}

/* --- values ------------------------------------------------------------------------------------------------------ */

static int check_range(const struct option_row *option, int64_t value, struct buf *why)
{
    if (value >= option->min && value <= option->max)
        return 0;
    char least[24], most[24];
    if (option->type == OPTION_DURATION) {
        least[units_format_duration(option->min, least)] = '\0';
        most[units_format_duration(option->max, most)] = '\0';
    } else if (option->type == OPTION_SIZE) {
        least[units_format_size((uint64_t)option->min, least)] = '\0';
        most[units_format_size((uint64_t)option->max, most)] = '\0';
    } else {
        snprintf(least, sizeof(least), "%" PRId64, option->min);
        snprintf(most, sizeof(most), "%" PRId64, option->max);
    }
    buf_printf(why, "must be from %s to %s", least, most);
    return 1;
}

static int parse_number(const struct option_row *option, struct str text, int64_t *ret_value, struct buf *why)
{
    int64_t value = 0;
    uint64_t n = 0;
    switch (option->type) {
    case OPTION_DURATION:
        if (units_parse_duration_ms(text, &value) != 0) {
            buf_put_str(why, STR("is not a duration (such as 0, 250ms, 30s, 5m, 2h, 30d)"));
            return 1;
        }
        break;
    case OPTION_SIZE:
        if (units_parse_size(text, &n) != 0) {
            buf_put_str(why, STR("is not a size (such as 512, 64KiB, 1MiB)"));
            return 1;
        }
        value = (int64_t)n;
        break;
    default:
        if (str_parse_u64(text, &n) != 0 || n > INT64_MAX) {
            buf_put_str(why, STR("is not a whole number"));
            return 1;
        }
        value = (int64_t)n;
    }
    if (check_range(option, value, why) != 0)
        return 1;
    *ret_value = value;
    return 0;
}

/* 0.25, with up to six digits behind the point. */
static int parse_share(struct str text, int64_t *ret_value, struct buf *why)
{
    struct str digits = { 0 };
    size_t point = str_find_char(text, '.');
    uint64_t whole = 0, part = 0;
    if (point < text.n)
        digits = str_skip(text, point + 1);
    bool good = str_parse_u64((struct str){ text.p, point }, &whole) == 0 && digits.n <= 6 &&
                (point == text.n || str_parse_u64(digits, &part) == 0);
    for (size_t i = digits.n; i < 6; i++)
        part *= 10;
    if (str_eq(text, STR("off")))
        whole = part = 0;
    else if (str_eq(text, STR("all")))
        whole = 1;
    else if (!good || whole > 1 || (whole == 1 && part)) {
        buf_put_str(why, STR("is not off, all or a share from 0 to 1 (such as 0.01)"));
        return 1;
    }
    *ret_value = (int64_t)(whole * 1000000 + part);
    return 0;
}

static int parse_rate(struct str text, struct config_rate *ret_rate, struct buf *why)
{
    size_t n = str_find_char(text, '/');
    uint64_t count = 0;
    *ret_rate = (struct config_rate){ 0 };
    if (str_eq(text, STR("off")))
        return 0;
    if (n < text.n && str_parse_u64((struct str){ text.p, n }, &count) == 0 && count > 0 && count <= RATE_MAX &&
        units_parse_duration_ms(str_skip(text, n + 1), &ret_rate->ms) == 0 && ret_rate->ms >= RATE_LEAST_MS &&
        ret_rate->ms <= RATE_MOST_MS) {
        ret_rate->count = (int64_t)count;
        return 0;
    }
    buf_put_str(why, STR("is not off or COUNT/TIME (such as 1000/1m), a count to 1000000000 and a time from 1s to 1d"));
    return 1;
}

static int parse_enum(const struct option_row *option, struct str text, int *ret_value, struct buf *why)
{
    struct str rest = str_of(option->words);
    for (int i = 0;; i++) {
        size_t n = str_find_char(rest, '|');
        if (str_eq(text, (struct str){ rest.p, n })) {
            *ret_value = i;
            return 0;
        }
        if (n == rest.n)
            break;
        rest = str_skip(rest, n + 1);
    }
    buf_put_str(why, STR("is not one of "));
    for (const char *p = option->words; *p; p++) {
        if (*p == '|')
            buf_put_str(why, STR(", "));
        else
            buf_put_char(why, *p);
    }
    return 1;
}

static int parse_bool(struct str text, bool *ret_value, struct buf *why)
{
    if (!str_eq(text, STR("true")) && !str_eq(text, STR("false"))) {
        buf_put_str(why, STR("is not true or false"));
        return 1;
    }
    *ret_value = text.p[0] == 't';
    return 0;
}

static int parse_text(const struct option_row *option, struct str text, struct arena *arena, const char **ret_value,
                      struct buf *why)
{
    if (text.n == 0 && option->type == OPTION_FILE) {
        *ret_value = NULL;
        return 0;
    }
    if (text.n == 0) {
        buf_put_str(why, STR("is empty"));
        return 1;
    }
    if (option->type == OPTION_REGION && !is_region(text)) {
        buf_put_str(why, STR("is not the name of a region (such as us-east-1)"));
        return 1;
    }
    if (option->type == OPTION_ACCOUNT && !is_account(text)) {
        buf_put_str(why, STR("is not an account (12 digits)"));
        return 1;
    }
    struct str copy = arena_dup(arena, text);
    if (!copy.p)
        return 1;
    *ret_value = copy.p;
    return 0;
}

/* HOST:PORT or [IPV6]:PORT. Whether the host exists is found out when it is used. */
static bool is_address(struct str text)
{
    size_t colon = text.n;
    while (colon > 0 && text.p[colon - 1] != ':')
        colon--;
    if (colon < 2)
        return false;
    uint64_t port;
    if (str_parse_u64(str_skip(text, colon), &port) != 0 || port > 65535)
        return false;
    struct str host = { text.p, colon - 1 };
    if (host.p[0] != '[')
        return str_find_char(host, ':') == host.n && str_find_char(host, ' ') == host.n;
    char inner[INET6_ADDRSTRLEN];
    if (host.n < 3 || host.p[host.n - 1] != ']' || host.n - 2 >= sizeof(inner))
        return false;
    memcpy(inner, host.p + 1, host.n - 2);
    inner[host.n - 2] = '\0';
    struct in6_addr address;
    return inet_pton(AF_INET6, inner, &address) == 1;
}

/* ADDRESS/BITS, IPv4 or IPv6, no bits set behind the prefix. */
static bool is_network(struct str text)
{
    char host[INET6_ADDRSTRLEN];
    size_t slash = str_find_char(text, '/');
    uint64_t bits;
    if (slash >= sizeof(host) || slash == text.n || str_parse_u64(str_skip(text, slash + 1), &bits) != 0)
        return false;
    memcpy(host, text.p, slash);
    host[slash] = '\0';
    uint8_t address[16];
    size_t n = 4;
    if (inet_pton(AF_INET, host, address) != 1) {
        n = 16;
        if (inet_pton(AF_INET6, host, address) != 1)
            return false;
    }
    if (bits > n * 8)
        return false;
    for (size_t i = bits; i < n * 8; i++)
        if (address[i / 8] & (0x80 >> (i % 8)))
            return false;
    return true;
}

static bool is_host(struct str text)
{
    char host[INET6_ADDRSTRLEN];
    uint8_t address[16];
    if (text.n >= sizeof(host))
        return false;
    memcpy(host, text.p, text.n);
    host[text.n] = '\0';
    return inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1;
}

/* An address, for nothing resolves the name of a resolver. */
static bool is_resolver(struct str text)
{
    char host[INET6_ADDRSTRLEN];
    size_t n = text.n;
    uint8_t address[16];
    uint64_t port;
    if (str_eq(text, STR("system")) || str_eq(text, STR("none")))
        return true;
    while (n > 0 && text.p[n - 1] != ':')
        n--;
    if (n < 2 || str_parse_u64(str_skip(text, n), &port) != 0 || port < 1 || port > 65535)
        return false;
    text.n = n - 1;
    bool is_v6 = text.n > 2 && text.p[0] == '[' && text.p[text.n - 1] == ']';
    if (is_v6)
        text = (struct str){ text.p + 1, text.n - 2 };
    if (text.n >= sizeof(host))
        return false;
    memcpy(host, text.p, text.n);
    host[text.n] = '\0';
    return inet_pton(is_v6 ? AF_INET6 : AF_INET, host, address) == 1;
}

static int check_item(const struct option_row *option, struct str item, struct buf *why)
{
    if (option->type == OPTION_ADDRESSES && !is_address(item))
        buf_printf(why, "holds \"" STR_FMT "\", which is not HOST:PORT or [IPV6]:PORT", STR_ARG(item));
    else if (option->type == OPTION_NETWORKS && !is_network(item))
        buf_printf(why, "holds \"" STR_FMT "\", which is not ADDRESS/BITS with zeros behind the prefix", STR_ARG(item));
    else if (option->type == OPTION_NAMES && !is_name(item))
        buf_printf(why, "holds \"" STR_FMT "\", which is not a name of letters, digits, - and _", STR_ARG(item));
    else if (option->type == OPTION_DOMAINS && !is_domain(item))
        buf_printf(why, "holds \"" STR_FMT "\", which is not a host name", STR_ARG(item));
    else if (option->type == OPTION_VPCS && !is_vpc(item))
        buf_printf(why, "holds \"" STR_FMT "\", which is not ID or ACCOUNT/REGION/ID of a VPC", STR_ARG(item));
    else if (option->type == OPTION_HOSTS && !is_host(item))
        buf_printf(why, "holds \"" STR_FMT "\", which is not an IPv4 or IPv6 address", STR_ARG(item));
    else if (option->type == OPTION_REGIONS && !is_region(item))
        buf_printf(why, "holds \"" STR_FMT "\", which is not the name of a region (such as us-east-1)", STR_ARG(item));
    else if (option->type == OPTION_RESOLVERS && !is_resolver(item))
        buf_printf(why, "holds \"" STR_FMT "\", which is not ADDRESS:PORT, system or none", STR_ARG(item));
    else
        return 0;
    return 1;
}

static struct str trim(struct str text)
{
    while (text.n > 0 && (text.p[0] == ' ' || text.p[0] == '\t'))
        text = str_skip(text, 1);
    while (text.n > 0 && (text.p[text.n - 1] == ' ' || text.p[text.n - 1] == '\t'))
        text.n--;
    return text;
}

static int parse_list(const struct option_row *option, struct str text, struct arena *arena,
                      struct config_list *ret_value, struct buf *why)
{
    struct config_list list = { .items = ARENA_ARRAY(arena, const char *, (size_t)option->max) };
    if (!list.items)
        return 1;
    for (struct str rest = trim(text); rest.n > 0;) {
        size_t n = str_find_char(rest, ',');
        struct str item = trim((struct str){ rest.p, n });
        if (check_item(option, item, why) != 0)
            return 1;
        if (list.n == (size_t)option->max) {
            buf_printf(why, "holds more than %" PRId64 " items", option->max);
            return 1;
        }
        struct str copy = arena_dup(arena, item);
        if (!copy.p)
            return 1;
        list.items[list.n++] = copy.p;
        rest = str_skip(rest, n < rest.n ? n + 1 : n);
    }
    if (list.n < (size_t)option->min) {
        buf_put_str(why, STR("is empty"));
        return 1;
    }
    *ret_value = list;
    return 0;
}

int option_parse(const struct option_row *option, struct str text, struct arena *arena, void *ret_value,
                 struct buf *why)
{
    text = trim(text);
    switch (option->type) {
    case OPTION_PATH:
    case OPTION_FILE:
    case OPTION_REGION:
    case OPTION_ACCOUNT:
        return parse_text(option, text, arena, ret_value, why);
    case OPTION_INT:
    case OPTION_DURATION:
    case OPTION_SIZE:
        return parse_number(option, text, ret_value, why);
    case OPTION_BOOL:
        return parse_bool(text, ret_value, why);
    case OPTION_SHARE:
        return parse_share(text, ret_value, why);
    case OPTION_RATE:
        return parse_rate(text, ret_value, why);
    case OPTION_ENUM:
        return parse_enum(option, text, ret_value, why);
    case OPTION_ADDRESSES:
    case OPTION_NETWORKS:
    case OPTION_NAMES:
    case OPTION_DOMAINS:
    case OPTION_VPCS:
    case OPTION_HOSTS:
    case OPTION_REGIONS:
    case OPTION_RESOLVERS:
        return parse_list(option, text, arena, ret_value, why);
    }
    return 1;
}
