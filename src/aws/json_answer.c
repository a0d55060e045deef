/* SPDX-License-Identifier: Apache-2.0
 *
 * The strict reader's errors as conditions of a client. */
#include "aws/json_answer.h"

#include <errno.h>

#define SCRATCH_MAX ((size_t)8 << 20) /* the reader takes 3 MiB at most */

void json_answer_init(struct json_answer *answer, const char *action, struct buf *body, struct aws_error *error)
{
    answer->error = error;
    answer->action = action;
    arena_init(&answer->scratch, SCRATCH_MAX);
    json_reader_init(&answer->reader, body->p ? body->p : answer->empty, body->n, &answer->scratch);
}

void json_answer_fini(struct json_answer *answer)
{
    arena_fini(&answer->scratch);
}

int json_answer_fail(struct json_answer *answer)
{
    const struct json_reader *reader = &answer->reader;
    if (reader->error == JSON_MEMORY)
        return -ENOMEM;
    return aws_client_fail(answer->error, AWS_ODD, "%s: the answer at byte %zu: %s", answer->action, reader->error_at,
                           json_error_text(reader->error));
}

int json_answer_odd(struct json_answer *answer, const char *what)
{
    return aws_client_fail(answer->error, AWS_ODD, "%s: %s", answer->action, what);
}

int json_answer_end(struct json_answer *answer)
{
    return json_end(&answer->reader) ? json_answer_fail(answer) : 0;
}

void json_answer_optional(struct json_answer *answer, struct str *ret)
{
    enum json_type type;
    if (json_peek(&answer->reader, &type) == 0 && type == JSON_NULL)
        json_null(&answer->reader);
    else
        json_string(&answer->reader, ret);
}

static void read_member(struct json_answer *answer, struct str key, const struct json_answer_member *members, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (str_eq(members[i].key, key)) {
            json_answer_optional(answer, members[i].ret);
            return;
        }
    }
    json_skip(&answer->reader);
}

int json_answer_strings(struct json_answer *answer, const struct json_answer_member *members, size_t n)
{
    bool more;
    struct str key;
    json_object(&answer->reader);
    while (json_member(&answer->reader, &more, &key) == 0 && more)
        read_member(answer, key, members, n);
    return answer->reader.error ? json_answer_fail(answer) : 0;
}
