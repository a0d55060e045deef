/* SPDX-License-Identifier: Apache-2.0
 *
 * Tables of codes, from botocore's standard mode. */
#include "aws/aws_retry.h"

static const struct {
    const char *code;
    enum aws_retry_kind kind;
} codes[] = {
    { "Throttling", AWS_RETRY_THROTTLED },
    { "ThrottlingException", AWS_RETRY_THROTTLED },
    { "ThrottledException", AWS_RETRY_THROTTLED },
    { "RequestThrottledException", AWS_RETRY_THROTTLED },
    { "RequestThrottled", AWS_RETRY_THROTTLED },
    { "TooManyRequestsException", AWS_RETRY_THROTTLED },
    { "ProvisionedThroughputExceededException", AWS_RETRY_THROTTLED },
    { "TransactionInProgressException", AWS_RETRY_THROTTLED },
    { "RequestLimitExceeded", AWS_RETRY_THROTTLED },
    { "BandwidthLimitExceeded", AWS_RETRY_THROTTLED },
    { "LimitExceededException", AWS_RETRY_THROTTLED },
    { "SlowDown", AWS_RETRY_THROTTLED },
    { "PriorRequestNotComplete", AWS_RETRY_THROTTLED },
    { "EC2ThrottledException", AWS_RETRY_THROTTLED },
    { "RequestTimeout", AWS_RETRY_TRANSIENT },
    { "RequestTimeoutException", AWS_RETRY_TRANSIENT },
    { "IDPCommunicationError", AWS_RETRY_TRANSIENT },
    { "ExpiredToken", AWS_RETRY_CREDENTIALS },
    { "ExpiredTokenException", AWS_RETRY_CREDENTIALS },
    { "UnrecognizedClientException", AWS_RETRY_CREDENTIALS },
    { "UnrecognizedClient", AWS_RETRY_CREDENTIALS },
    { "InvalidClientTokenId", AWS_RETRY_CREDENTIALS },
    { "RequestExpired", AWS_RETRY_CLOCK },
    { "RequestTimeTooSkewed", AWS_RETRY_CLOCK },
    { "AuthFailure", AWS_RETRY_CLOCK },
    { "InvalidSignatureException", AWS_RETRY_CLOCK },
    { "InvalidSignature", AWS_RETRY_CLOCK },
    { "SignatureDoesNotMatch", AWS_RETRY_CLOCK },
};

enum aws_retry_kind aws_retry_kind(unsigned status, struct str code)
{
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
        if (str_eq(code, str_of(codes[i].code)))
            return codes[i].kind;
    switch (status) {
    case 429:
        return AWS_RETRY_THROTTLED;
    case 500:
    case 502:
    case 503:
    case 504:
        return AWS_RETRY_TRANSIENT;
    default:
        return AWS_RETRY_NEVER;
    }
}

void aws_retry_quota_init(struct aws_retry_quota *quota)
{
    *quota = (struct aws_retry_quota){ .left = AWS_RETRY_QUOTA };
}

void aws_retry_quota_begin(struct aws_retry_quota *quota)
{
    quota->spent = 0;
}

bool aws_retry_quota_take(struct aws_retry_quota *quota, bool after_timeout)
{
    unsigned cost = after_timeout ? AWS_RETRY_COST_TIMEOUT : AWS_RETRY_COST;
    if (quota->left < cost)
        return false;
    quota->left -= cost;
    quota->spent = cost;
    return true;
}

void aws_retry_quota_return(struct aws_retry_quota *quota)
{
    quota->left += quota->spent ? quota->spent : 1;
    if (quota->left > AWS_RETRY_QUOTA)
        quota->left = AWS_RETRY_QUOTA;
}

int64_t aws_retry_delay_ms(struct rand *rand, unsigned attempt)
{
    uint64_t most = attempt < 6 ? (uint64_t)1000 << (attempt - 1) : AWS_RETRY_DELAY_MAX_MS;
    return (int64_t)rand_below(rand, most + 1);
}
