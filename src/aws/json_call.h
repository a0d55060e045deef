/* SPDX-License-Identifier: Apache-2.0
 *
 * One call of a service that speaks JSON: json_call_begin, the members of the request, json_call_send, reading the
 * answer, json_call_end. One thread at a time. */
#pragma once

#include "aws/json_answer.h"
#include "json/writer.h"

struct json_call {
    struct aws_client *client;
    struct aws_call call; /* its limits may be set before it is sent */
    struct aws_error *error;
    struct buf request, body;
    struct json_writer writer; /* inside the request's object */
    struct json_answer answer; /* once it is sent */
};

/* Everything is borrowed. Always ended by json_call_end; must not be copied. */
void json_call_begin(struct json_call *call, struct aws_client *client, const char *action, struct aws_error *error);
/* 0; -errno; or a condition of aws_client.h with the error filled. */
int json_call_send(struct json_call *call);
void json_call_end(struct json_call *call);
