/* SPDX-License-Identifier: Apache-2.0
 *
 * What an answer that is no success says: the code, the message and the request id, in the forms of the JSON protocols
 * and of Query (EC2, STS). Bodies may be anything. Any thread. */
#pragma once

#include "aws/aws_client.h"
#include "http/client.h"

/* Never fails: what cannot be found stays empty. The body is used up. */
void aws_failure_read(struct http_client_answer *answer, struct aws_error *ret_error);

/* Copies as much as fits, without control characters, cut between characters. */
void aws_failure_copy(char *ret_text, size_t size, struct str text);
