/* SPDX-License-Identifier: Apache-2.0
 *
 * One case of the public test vectors of Signature Version 4 (aws-c-auth, v4): a folder with what is to be signed, how,
 * and every step of the result in both forms. */
#pragma once

#include "../test.h"
#include "sigv4/signer.h"
#include "sigv4/verifier.h"

#define VECTOR_HEADERS_MAX 24
#define VECTOR_NOW 1440938160 /* 2015-08-30T12:36:00Z */

/* A request as it stands in a file, with room for more headers. */
struct vector_request {
    struct str_pair headers[VECTOR_HEADERS_MAX];
    struct verifier_request request; /* its headers are those above */
};

enum vector_form { VECTOR_HEADER, VECTOR_QUERY, VECTOR_FORM_COUNT };

/* All of it in the arena. */
struct vector {
    const char *name;
    struct str access_key_id, secret, token, region, service;
    int64_t expires_s;
    bool normalizes, signs_body, omits_token;
    struct vector_request plain;
    struct {
        struct str canonical, string_to_sign, signature;
        struct vector_request signed_request;
    } forms[VECTOR_FORM_COUNT];
};

void vector_load(const char *folder, const char *name, struct arena *arena, struct vector *ret_vector);
void vector_add_header(struct vector_request *request, struct str name, struct str value);
