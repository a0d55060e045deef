/* SPDX-License-Identifier: Apache-2.0
 *
 * SQS (API version 2012-11-05, JSON 1.0): a queue read by long poll. Blocking; one thread. */
#pragma once

#include "aws/aws_client.h"

#define SQS_BATCH 10  /* most messages a call */
#define SQS_WAIT_S 20 /* longest wait a call */

struct sqs_message {
    struct str id, receipt_handle, body;
    int64_t sent_ms; /* SentTimestamp; 0: not said */
};

struct sqs_messages {
    struct sqs_message items[SQS_BATCH];
    size_t n;
};

/* Waits up to wait_s seconds for messages. 0 (also with none), -errno, or a condition with *ret_error. */
int sqs_receive(struct aws_client *client, const char *queue_url, unsigned wait_s, struct arena *arena,
                struct sqs_messages *ret_messages, struct aws_error *ret_error);
/* Deletes those that `wanted` marks, in one call. 0 when every one is deleted; AWS_REFUSED with the first failure. */
int sqs_delete(struct aws_client *client, const char *queue_url, const struct sqs_messages *messages,
               const bool *wanted, struct arena *arena, struct aws_error *ret_error);
/* The region in https://sqs.REGION.amazonaws.com/ACCOUNT/NAME; absent when the URL does not tell. */
struct str sqs_region_of(const char *queue_url);
