/* SPDX-License-Identifier: Apache-2.0
 *
 * What the services of aws_client.h differ in: names, protocol, hosts. A table; any thread. */
#pragma once

#include "aws/aws_client.h"

struct aws_service_traits {
    const char *name;         /* for people: Cloud Map */
    const char *signing_name; /* of the scope, of the host, and in the section of services: servicediscovery */
    const char *variable;     /* AWS_ENDPOINT_URL_SERVICEDISCOVERY */
    const char *content_type;
    const char *target_prefix; /* of X-Amz-Target, with its dot; NULL: the action stands in the form */
    bool has_dualstack;        /* a dual-stack host that is no FIPS host */
    bool has_plain_gov_fips;   /* in us-gov the usual host is the FIPS host */
};

/* Of a service; never NULL. */
const struct aws_service_traits *aws_service_traits(enum aws_service service);
