/* SPDX-License-Identifier: Apache-2.0
 *
 * IAM policy documents, compiled. policy_compile reads a document once; what it returns is immutable and may be used
 * from any thread until policy_free. auth/evaluate.h decides calls with it. Source: IAM user guide, "Policy elements
 * reference" and "Grammar of the IAM JSON policy language". */
#pragma once

#include "model/action.h"
#include "model/condition_key.h"
#include "model/glob.h"
#include "model/policy_value.h"

enum policy_kind {
    POLICY_IDENTITY, /* attached to users and roles: no Principal, no Id */
    POLICY_SESSION,  /* of an AssumeRole: as POLICY_IDENTITY, shorter */
    POLICY_TRUST,    /* who may assume a role: Principal, no Resource */
    POLICY_RESOURCE, /* who may do what with a thing: Principal */
    POLICY_KIND_COUNT
};

/* What a document holds at most: characters that are not white space, as IAM counts; and bytes in all. */
size_t policy_max_characters(enum policy_kind kind);
#define POLICY_MAX_BYTES (64u << 10)
#define POLICY_MAX_STATEMENTS 256

/* Of Principal. What names something else than IAM's principals is read and matches nobody. */
struct policy_principal {
    enum { POLICY_ANYONE, POLICY_ACCOUNT, POLICY_ARN, POLICY_NOBODY } kind;
    struct str text; /* the account, or the ARN */
};

enum policy_quantifier { POLICY_SINGLE, POLICY_FOR_ALL, POLICY_FOR_ANY };

/* All of a statement's conditions must hold; of a condition's values, one (negated: none). */
struct policy_condition {
    enum policy_operator op;
    enum policy_quantifier quantifier;
    bool if_exists;
    enum condition_key key;
    struct str name; /* of the key, as the document has it */
    struct str tag;  /* of a key of tags: which one */
    const struct policy_value *values;
    size_t n_values;
};

struct policy_statement {
    struct str sid; /* absent: none */
    unsigned line;  /* where it begins */
    bool denies;
    bool not_actions, not_resources, not_principals; /* NotAction ...: what is listed is meant not */
    uint64_t known_actions; /* ACTION_BIT of each action that it is about, NotAction taken into account */
    const struct glob *actions;
    size_t n_actions;
    const struct glob *resources; /* none in a trust policy: any */
    size_t n_resources;
    const struct policy_principal *principals;
    size_t n_principals;
    const struct policy_condition *conditions;
    size_t n_conditions;
};

struct policy {
    enum policy_kind kind;
    struct str document;    /* as it was given */
    uint64_t known_actions; /* of all statements */
    const struct policy_statement *statements;
    size_t n_statements;
    const struct glob_variable *variables; /* of its globs */
    size_t n_variables;
};

/* Why a document is refused: `Statement 2: Effect is "Permit", not Allow or Deny`. */
struct policy_error {
    unsigned line; /* from 1 */
    char text[256];
};

enum policy_result {
    POLICY_INVALID = 1, /* the document is refused: see the error */
};

/* 0, POLICY_INVALID or -ENOMEM. One block, the document included. */
int policy_compile(struct str document, enum policy_kind kind, struct policy **ret_policy, struct policy_error *error);
void policy_free(struct policy *policy); /* mem_free does as well; accepts NULL */
