/* SPDX-License-Identifier: Apache-2.0
 *
 * Values of conditions; see policy_value.h. */
#include "model/policy_value.h"

#include "base/mem.h"
#include "base/timestamp.h"

#include <arpa/inet.h>
#include <stdlib.h>

static const struct policy_operator_row rows[] = {
#define OPERATOR(id, text, what, how, is_negated) \
    [POLICY_OPERATOR_##id] = { .name = STR(text), .compares = what, .relation = how, .negated = is_negated },
#include "model/policy_operator.def"
#undef OPERATOR
};

const struct policy_operator_row *policy_value_operator(enum policy_operator op)
{
    ASSERT(op < POLICY_OPERATOR_COUNT);
    return &rows[op];
}

static size_t count_digits(struct str s)
{
    size_t n = 0;

    while (n < s.n && s.p[n] >= '0' && s.p[n] <= '9')
        n++;
    return n;
}

int policy_value_parse_number(struct str text, double *ret_number)
{
    char copy[64];
    struct str rest = text;
    size_t digits;

    if (text.n >= sizeof(copy))
        return 1;
    if (rest.n && (*rest.p == '-' || *rest.p == '+'))
        rest = str_skip(rest, 1);
    digits = count_digits(rest);
    rest = str_skip(rest, digits);
    if (digits && rest.n && *rest.p == '.') {
        rest = str_skip(rest, 1);
        digits = count_digits(rest);
        rest = str_skip(rest, digits);
    }
    if (!digits || rest.n)
        return 1;
    memcpy(copy, text.p, text.n);
    copy[text.n] = '\0';
    *ret_number = strtod(copy, NULL);
    return 0;
}

/* A date, or a date and a time to the minute, gets what is missing. */
static struct str complete_date(struct str text, char room[32])
{
    static const char midnight[] = "T00:00:00Z", seconds[] = ":00";

    if (text.n == 10) {
        memcpy(room, text.p, 10);
        memcpy(room + 10, midnight, sizeof(midnight) - 1);
        return (struct str){ room, 10 + sizeof(midnight) - 1 };
    }
    if (text.n > 16 && text.n <= 22 && text.p[16] != ':') {
        memcpy(room, text.p, 16);
        memcpy(room + 16, seconds, 3);
        memcpy(room + 19, text.p + 16, text.n - 16);
        return (struct str){ room, text.n + 3 };
    }
    return text;
}

int policy_value_parse_date(struct str text, int64_t *ret_ms)
{
    char room[32];
    uint64_t seconds;

    if (str_parse_u64(text, &seconds) == 0) {
        if (seconds > INT64_MAX / 1000)
            return 1;
        *ret_ms = (int64_t)seconds * 1000;
        return 0;
    }
    return timestamp_parse_ms(complete_date(text, room), ret_ms);
}

int policy_value_parse_bool(struct str text, bool *ret_value)
{
    *ret_value = str_eq_nocase(text, STR("true"));
    return !*ret_value && !str_eq_nocase(text, STR("false"));
}

int policy_value_parse_address(struct str text, uint8_t ret_octets[16])
{
    char copy[INET6_ADDRSTRLEN];

    if (text.n >= sizeof(copy))
        return 1;
    memcpy(copy, text.p, text.n);
    copy[text.n] = '\0';
    memset(ret_octets, 0, 10);
    memset(ret_octets + 10, 0xff, 2);
    return inet_pton(AF_INET, copy, ret_octets + 12) != 1 && inet_pton(AF_INET6, copy, ret_octets) != 1;
}

int policy_value_parse_network(struct str text, struct policy_network *ret_network)
{
    size_t slash = str_find_char(text, '/');
    struct str address = { text.p, slash };
    unsigned bits = str_find_char(address, ':') < address.n ? 128 : 32;
    uint64_t prefix = bits;

    if (policy_value_parse_address(address, ret_network->octets))
        return 1;
    if (slash < text.n && (str_parse_u64(str_skip(text, slash + 1), &prefix) || prefix > bits))
        return 1;
    ret_network->prefix = (uint8_t)(prefix + 128 - bits);
    return 0;
}

bool policy_value_in_network(const struct policy_network *network, const uint8_t octets[16])
{
    unsigned whole = network->prefix / 8, rest = network->prefix % 8;

    if (memcmp(network->octets, octets, whole) != 0)
        return false;
    return rest == 0 || ((network->octets[whole] ^ octets[whole]) >> (8 - rest)) == 0;
}
