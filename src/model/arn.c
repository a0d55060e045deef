/* SPDX-License-Identifier: Apache-2.0
 *
 * Amazon resource names; see arn.h. */
#include "model/arn.h"

struct str arn_partition(struct str region)
{
    if (str_starts(region, STR("cn-")))
        return STR("aws-cn");
    if (str_starts(region, STR("us-gov-")))
        return STR("aws-us-gov");
    return STR("aws");
}

/* Cuts the part before the next colon off *rest. */
static struct str arn_part(struct str *rest)
{
    size_t n = str_find_char(*rest, ':');
    struct str part = { rest->p, n };

    *rest = str_skip(*rest, n < rest->n ? n + 1 : n);
    return part;
}

int arn_parse(struct str text, struct arn *ret_arn)
{
    struct str rest = text, partition, service;
    struct arn arn = { 0 };

    if (!str_starts(text, STR("arn:")))
        return ARN_NOT_ARN;
    arn_part(&rest);
    partition = arn_part(&rest);
    service = arn_part(&rest);
    arn.region = arn_part(&rest);
    arn.account = arn_part(&rest);
    if (!str_eq(service, STR("servicediscovery")) || !arn.region.n || !arn.account.n ||
        !str_eq(partition, arn_partition(arn.region)))
        return ARN_MALFORMED;
    if (str_starts(rest, STR("namespace/"))) {
        arn.kind = ARN_NAMESPACE;
        arn.id = str_skip(rest, 10);
    } else if (str_starts(rest, STR("service/"))) {
        arn.kind = ARN_SERVICE;
        arn.id = str_skip(rest, 8);
    }
    if (!arn.id.n || str_find_char(arn.id, '/') < arn.id.n || str_find_char(arn.id, ':') < arn.id.n)
        return ARN_MALFORMED;
    *ret_arn = arn;
    return 0;
}

/* By hand: discovery makes two of them in each call that policies decide. */
struct str arn_format(struct arena *arena, const struct arn *arn)
{
    const struct str parts[] = { STR("arn:"),
                                 arn_partition(arn->region),
                                 STR(":servicediscovery:"),
                                 arn->region,
                                 STR(":"),
                                 arn->account,
                                 arn->kind == ARN_NAMESPACE ? STR(":namespace/") : STR(":service/"),
                                 arn->id };
    struct str text = { 0 };
    char *to;

    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        text.n += parts[i].n;
    text.p = to = arena_alloc(arena, text.n + 1);
    if (!to)
        return (struct str){ 0 };
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (parts[i].n)
            memcpy(to, parts[i].p, parts[i].n);
        to += parts[i].n;
    }
    return text;
}
