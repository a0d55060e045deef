/* SPDX-License-Identifier: Apache-2.0
 *
 * Request and answer of one JSON call, and their memory. */
#include "aws/json_call.h"

#include <errno.h>

#define REQUEST_MAX ((size_t)1 << 20)
#define ANSWER_MAX ((size_t)16 << 20)

void json_call_begin(struct json_call *call, struct aws_client *client, const char *action, struct aws_error *error)
{
    call->client = client;
    call->call = (struct aws_call){ .action = action, .answer_max = ANSWER_MAX };
    call->error = error;
    buf_init(&call->request, REQUEST_MAX);
    buf_init(&call->body, ANSWER_MAX);
    json_writer_init(&call->writer, &call->request);
    json_open_object(&call->writer);
    json_answer_init(&call->answer, action, &call->body, error);
}

int json_call_send(struct json_call *call)
{
    json_close_object(&call->writer);
    if (call->request.failed)
        return -ENOMEM;
    call->call.body = buf_str(&call->request);
    call->body.max = call->call.answer_max;
    int r = aws_client_call(call->client, &call->call, &call->body, call->error);
    if (r == 0)
        json_answer_init(&call->answer, call->call.action, &call->body, call->error);
    return r;
}

void json_call_end(struct json_call *call)
{
    json_answer_fini(&call->answer);
    buf_fini(&call->request);
    buf_fini(&call->body);
}
