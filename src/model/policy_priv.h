/* SPDX-License-Identifier: Apache-2.0
 *
 * What the readers of a policy's parts share: policy.c, policy_statement.c, policy_condition.c, policy_principal.c. */
#pragma once

#include "model/policy.h"
#include "json/reader.h"

struct policy_reader {
    struct json_reader json;
    struct policy policy; /* the draft; what it points to lies in the arena */
    struct arena arena;
    struct glob_variables variables;
    struct str document;  /* untouched, for lines; json reads a copy */
    bool has_variables;   /* the version knows them */
    unsigned n_statement; /* the one that is being read, from 1 */
    struct policy_error *error;
};

/* A list of texts, or one of them: strings, and where `any` numbers and booleans as they stand. */
struct policy_texts {
    struct str *items;
    size_t n;
};

/* User's text in an error, cut. */
#define POLICY_QUOTE_MAX 80
#define POLICY_QUOTE(s) (int)((s).n < POLICY_QUOTE_MAX ? (s).n : POLICY_QUOTE_MAX), (s).p

/* Sets the error, with the line of `at`, a place in the reader's text. Returns POLICY_INVALID. */
int policy_refuse(struct policy_reader *reader, const char *at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The same of what the JSON reader says. POLICY_INVALID or -ENOMEM. */
int policy_refuse_json(struct policy_reader *reader);

/* Where the next value begins. */
const char *policy_at(struct policy_reader *reader);
/* Each: 0, POLICY_INVALID or -ENOMEM. `what` names the element: "Action". */
int policy_read_object(struct policy_reader *reader, const char *what);
int policy_read_member(struct policy_reader *reader, bool *ret_more, struct str *ret_key);
int policy_read_string(struct policy_reader *reader, const char *what, struct str *ret_text);
int policy_read_texts(struct policy_reader *reader, const char *what, bool any, struct policy_texts *ret_texts);
/* Compiles for the version of the document. */
int policy_read_glob(struct policy_reader *reader, struct str text, unsigned flags, struct glob *ret_glob);

/* Each reads its part, of which nothing is read yet. 0, POLICY_INVALID or -ENOMEM. */
int policy_read_statement(struct policy_reader *reader, struct policy_statement *statement);
int policy_read_conditions(struct policy_reader *reader, struct policy_statement *statement);
int policy_read_principals(struct policy_reader *reader, struct policy_statement *statement);
