/* SPDX-License-Identifier: Apache-2.0
 *
 * The JSON answer of an AWS service while it is read. What is not JSON, has the wrong type or lacks a member is
 * AWS_ODD; members that nobody asked for are checked and skipped. Functions return 0, -ENOMEM or AWS_ODD with the error
 * filled. One thread at a time. */
#pragma once

#include "aws/aws_client.h"
#include "json/reader.h"

struct json_answer {
    struct json_reader reader;
    struct arena scratch; /* of the reader, and for what lives no longer than the answer */
    struct aws_error *error;
    const char *action; /* for sentences */
    char empty[1];      /* the text of a body that holds nothing */
};

/* A string that an object may have; *ret stays as it was when it is not there or null. */
struct json_answer_member {
    struct str key;
    struct str *ret;
};

/* The body is modified, and strings that are read point into it. To be ended by json_answer_fini; must not be
 * copied. */
void json_answer_init(struct json_answer *answer, const char *action, struct buf *body, struct aws_error *error);
void json_answer_fini(struct json_answer *answer);

/* Only white space may follow. */
int json_answer_end(struct json_answer *answer);
/* The result for the reader's error, which must be set. */
int json_answer_fail(struct json_answer *answer);
/* AWS_ODD with a sentence. */
int json_answer_odd(struct json_answer *answer, const char *what);
/* A string or null; *ret stays as it was when it is null. The reader's error is sticky, so nothing is returned. */
void json_answer_optional(struct json_answer *answer, struct str *ret);
/* Reads an object of which only these strings count. */
int json_answer_strings(struct json_answer *answer, const struct json_answer_member *members, size_t n);
