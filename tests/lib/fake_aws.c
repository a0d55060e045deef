/* SPDX-License-Identifier: Apache-2.0
 *
 * The script and the memory of the fake. It takes memory from the C library, so that only the body it hands over counts
 * in a test that makes allocations fail. */
#include "fake_aws.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static struct str copy(struct str text)
{
    char *p = malloc(text.n + 1);
    if (!p)
        abort();
    if (text.n)
        memcpy(p, text.p, text.n);
    p[text.n] = '\0';
    return (struct str){ p, text.n };
}

struct aws_client *fake_aws_new(void)
{
    struct aws_client *client = calloc(1, sizeof(*client));
    if (!client)
        abort();
    return client;
}

void fake_aws_rewind(struct aws_client *client)
{
    for (size_t i = 0; i < client->n_calls; i++)
        free((char *)client->calls[i].body.p);
    client->n_calls = 0;
}

void fake_aws_reset(struct aws_client *client)
{
    fake_aws_rewind(client);
    for (size_t i = 0; i < client->n_answers; i++)
        free((char *)client->answers[i].text.p);
    client->n_answers = 0;
}

void fake_aws_free(struct aws_client *client)
{
    fake_aws_reset(client);
    free(client);
}

static struct fake_aws_answer *add(struct aws_client *client)
{
    if (client->n_answers == FAKE_AWS_MAX)
        abort();
    struct fake_aws_answer *answer = &client->answers[client->n_answers++];
    *answer = (struct fake_aws_answer){ .result = 0 };
    return answer;
}

void fake_aws_answer(struct aws_client *client, struct str text)
{
    add(client)->text = copy(text);
}

void fake_aws_refuse(struct aws_client *client, int result, const char *code)
{
    struct fake_aws_answer *answer = add(client);
    answer->result = result;
    snprintf(answer->code, sizeof(answer->code), "%s", code);
}

int aws_client_fail(struct aws_error *error, int result, const char *format, ...)
{
    va_list args;
    *error = (struct aws_error){ 0 };
    va_start(args, format);
    vsnprintf(error->message, sizeof(error->message), format, args);
    va_end(args);
    return result;
}

int aws_client_call(struct aws_client *client, const struct aws_call *call, struct buf *ret_body,
                    struct aws_error *ret_error)
{
    if (client->n_calls == FAKE_AWS_MAX)
        abort();
    struct fake_aws_call *noted = &client->calls[client->n_calls];
    *noted = (struct fake_aws_call){ .body = copy(call->body), .total_ms = call->total_ms };
    snprintf(noted->action, sizeof(noted->action), "%s", call->action);
    snprintf(noted->url, sizeof(noted->url), "%s", call->url ? call->url : "");
    if (client->n_calls++ >= client->n_answers)
        return aws_client_fail(ret_error, AWS_NO_ANSWER, "the script is over");

    const struct fake_aws_answer *answer = &client->answers[client->n_calls - 1];
    if (answer->result) {
        aws_client_fail(ret_error, answer->result, "as the script says");
        snprintf(ret_error->code, sizeof(ret_error->code), "%s", answer->code);
        return answer->result;
    }
    buf_put_str(ret_body, answer->text);
    return ret_body->failed ? -ENOMEM : 0;
}
