/* SPDX-License-Identifier: Apache-2.0
 *
 * The hosts follow the endpoint rules that AWS publishes with its SDKs. */
#include "aws/aws_service.h"
#include "base/mem.h"

#define FORM "application/x-www-form-urlencoded; charset=utf-8"

static const struct aws_service_traits traits[AWS_SERVICE_COUNT] = {
    [AWS_EC2] = { "EC2", "ec2", "AWS_ENDPOINT_URL_EC2", FORM, NULL, true, true },
    [AWS_CLOUD_MAP] = { "Cloud Map", "servicediscovery", "AWS_ENDPOINT_URL_SERVICEDISCOVERY",
                        "application/x-amz-json-1.1", "Route53AutoNaming_v20170314.", false, false },
    [AWS_SQS] = { "SQS", "sqs", "AWS_ENDPOINT_URL_SQS", "application/x-amz-json-1.0", "AmazonSQS.", true, true },
    [AWS_STS] = { "STS", "sts", "AWS_ENDPOINT_URL_STS", FORM, NULL, true, true },
};

const struct aws_service_traits *aws_service_traits(enum aws_service service)
{
    ASSERT(service < AWS_SERVICE_COUNT);
    return &traits[service];
}
