/* SPDX-License-Identifier: Apache-2.0
 *
 * What a client would be told of a name, and why. The answer is the one that answer.c gives to a question that is put
 * to it, and everything else is read from the same snapshot by the functions that answers are made with. One thread. */
#pragma once

#include "dns/answer.h"
#include "json/writer.h"

#define EXPLAIN_INSTANCES_MAX 100 /* of a service, in the order of their ids; the rest is counted */

#define EXPLAIN_RECORDS_MAX 256 /* of an answer; the same */
#define EXPLAIN_STEPS_MAX 9     /* the question, and as many CNAME records as answers follow */

struct explain_question {
    struct dname name;
    unsigned type;
    struct authority_client client;
};

enum explain_result { EXPLAIN_BAD_NAME = 1, EXPLAIN_BAD_TYPE, EXPLAIN_BAD_ADDRESS };

/* A name in presentation form, a type (`AAAA`, `TYPE28`, also in small letters; absent: A), an IP address (absent:
 * 127.0.0.1). 0 or a condition. */
int explain_parse(struct str name, struct str type, struct str from, struct explain_question *ret_question);

/* One JSON object. 0, or -ENOMEM; the writer's buf has its own errors. */
int explain_write(struct json_writer *writer, const struct answer_settings *settings, const struct snapshot *snapshot,
                  const struct explain_question *question, uint32_t now_s);
