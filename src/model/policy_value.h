/* SPDX-License-Identifier: Apache-2.0
 *
 * Condition operators of policy_operator.def, and the values that they compare. Usable from any thread. Source: IAM
 * user guide, "Condition operators". */
#pragma once

#include "model/glob.h"

enum policy_operator {
#define OPERATOR(id, ...) POLICY_OPERATOR_##id,
#include "model/policy_operator.def"
#undef OPERATOR
    POLICY_OPERATOR_COUNT
};

enum policy_compares {
    POLICY_COMPARES_TEXT,
    POLICY_COMPARES_FOLDED,  /* text without regard to ASCII case */
    POLICY_COMPARES_PATTERN, /* text with wildcards */
    POLICY_COMPARES_NUMBER,
    POLICY_COMPARES_DATE,
    POLICY_COMPARES_BOOL,
    POLICY_COMPARES_BYTES, /* base64 */
    POLICY_COMPARES_NETWORK,
    POLICY_COMPARES_ARN,
    POLICY_COMPARES_PRESENCE,
};

enum policy_relation { POLICY_EQUAL, POLICY_LESS, POLICY_LESS_EQUAL, POLICY_GREATER, POLICY_GREATER_EQUAL };

struct policy_operator_row {
    struct str name;
    enum policy_compares compares;
    enum policy_relation relation; /* of what the call has to what the policy says */
    bool negated;
};

/* What the table says of it. */
const struct policy_operator_row *policy_value_operator(enum policy_operator op);

/* An address, or those that share its first `prefix` bits. IPv4 is the last four octets behind ::ffff. */
struct policy_network {
    uint8_t octets[16];
    uint8_t prefix; /* 0 to 128 */
};

/* One value of a condition, in the form of its operator. */
struct policy_value {
    union {
        struct glob glob; /* text, folded, pattern, bytes, ARN */
        double number;
        int64_t date_ms; /* since the epoch */
        bool is_true;    /* bool; presence: the key must be absent */
        struct policy_network network;
    };
};

/* Each: 0, or 1 when the text is no such value. */
int policy_value_parse_number(struct str text, double *ret_number);
/* `2026-11-26`, `2026-11-26T19:00Z`, `2026-11-26T19:00:00.5+01:00`, or seconds since the epoch. */
int policy_value_parse_date(struct str text, int64_t *ret_ms);
int policy_value_parse_bool(struct str text, bool *ret_value);
int policy_value_parse_address(struct str text, uint8_t ret_octets[16]);
/* `10.0.0.0/8`, `2001:db8::/32`, or one address. */
int policy_value_parse_network(struct str text, struct policy_network *ret_network);

/* Is the address one of the network's? */
bool policy_value_in_network(const struct policy_network *network, const uint8_t octets[16]);
