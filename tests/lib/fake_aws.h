/* SPDX-License-Identifier: Apache-2.0
 *
 * A struct aws_client that plays a script and remembers what it was asked, in the place of aws_client.c. One thread. */
#pragma once

#include "aws/aws_client.h"

#define FAKE_AWS_MAX 512

struct fake_aws_call {
    char action[64], url[256];
    struct str body;
    int64_t total_ms;
};

struct fake_aws_answer {
    int result; /* of aws_client_call */
    struct str text;
    char code[96];
};

struct aws_client {
    struct fake_aws_answer answers[FAKE_AWS_MAX];
    size_t n_answers;
    struct fake_aws_call calls[FAKE_AWS_MAX];
    size_t n_calls;
};

struct aws_client *fake_aws_new(void);
void fake_aws_free(struct aws_client *client);
/* Adds an answer to the script; the text is copied. A call behind the last one is AWS_NO_ANSWER. */
void fake_aws_answer(struct aws_client *client, struct str text);
void fake_aws_refuse(struct aws_client *client, int result, const char *code);
/* From the top: forgets the calls, keeps the script. */
void fake_aws_rewind(struct aws_client *client);
/* Forgets both. */
void fake_aws_reset(struct aws_client *client);
