/* SPDX-License-Identifier: Apache-2.0 */
#include "../test.h"
#include "aws/aws_retry.h"

static void test_kinds(void **state)
{
    (void)state;
    static const struct {
        unsigned status;
        const char *code;
        enum aws_retry_kind kind;
    } cases[] = {
        { 400, "Throttling", AWS_RETRY_THROTTLED },
        { 400, "ThrottlingException", AWS_RETRY_THROTTLED },
        { 503, "RequestLimitExceeded", AWS_RETRY_THROTTLED },
        { 503, "SlowDown", AWS_RETRY_THROTTLED },
        { 429, "", AWS_RETRY_THROTTLED },
        { 400, "RequestTimeout", AWS_RETRY_TRANSIENT },
        { 400, "IDPCommunicationError", AWS_RETRY_TRANSIENT },
        { 500, "InternalFailure", AWS_RETRY_TRANSIENT },
        { 500, "", AWS_RETRY_TRANSIENT },
        { 502, "", AWS_RETRY_TRANSIENT },
        { 503, "Unavailable", AWS_RETRY_TRANSIENT },
        { 504, "", AWS_RETRY_TRANSIENT },
        { 501, "", AWS_RETRY_NEVER },
        { 505, "", AWS_RETRY_NEVER },
        { 400, "", AWS_RETRY_NEVER },
        { 403, "UnauthorizedOperation", AWS_RETRY_NEVER },
        { 400, "AccessDeniedException", AWS_RETRY_NEVER },
        { 400, "throttling", AWS_RETRY_NEVER },
        { 401, "AuthFailure", AWS_RETRY_CLOCK },
        { 400, "RequestExpired", AWS_RETRY_CLOCK },
        { 403, "SignatureDoesNotMatch", AWS_RETRY_CLOCK },
        { 403, "ExpiredToken", AWS_RETRY_CREDENTIALS },
        { 400, "UnrecognizedClientException", AWS_RETRY_CREDENTIALS },
    };
    for (size_t i = 0; i < TEST_COUNT(cases); i++)
        assert_int_equal(aws_retry_kind(cases[i].status, str_of(cases[i].code)), cases[i].kind);
}

static void test_quota(void **state)
{
    (void)state;
    struct aws_retry_quota quota;
    aws_retry_quota_init(&quota);
    aws_retry_quota_begin(&quota);
    aws_retry_quota_return(&quota);
    assert_int_equal(quota.left, AWS_RETRY_QUOTA); /* never more */
    assert_true(aws_retry_quota_take(&quota, true));
    assert_int_equal(quota.left, AWS_RETRY_QUOTA - AWS_RETRY_COST_TIMEOUT);
    assert_true(aws_retry_quota_take(&quota, false));
    aws_retry_quota_return(&quota); /* the last one only */
    assert_int_equal(quota.left, AWS_RETRY_QUOTA - AWS_RETRY_COST_TIMEOUT);
    aws_retry_quota_begin(&quota);
    aws_retry_quota_return(&quota);
    assert_int_equal(quota.left, AWS_RETRY_QUOTA - AWS_RETRY_COST_TIMEOUT + 1);
    while (aws_retry_quota_take(&quota, false))
        ;
    assert_true(quota.left < AWS_RETRY_COST);
    assert_false(aws_retry_quota_take(&quota, true));
}

static void test_delays(void **state)
{
    (void)state;
    static const int64_t most[] = { 1000, 2000, 4000, 8000, 16000, 20000, 20000 };
    struct rand rand;
    rand_init_seed(&rand, 1);
    for (unsigned attempt = 1; attempt <= TEST_COUNT(most); attempt++) {
        int64_t low = INT64_MAX, high = 0;
        for (int i = 0; i < 2000; i++) {
            int64_t ms = aws_retry_delay_ms(&rand, attempt);
            low = ms < low ? ms : low;
            high = ms > high ? ms : high;
        }
        assert_true(low >= 0 && low < most[attempt - 1] / 50);
        assert_true(high <= most[attempt - 1] && high > most[attempt - 1] / 50 * 49);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_quota),
        cmocka_unit_test(test_delays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
