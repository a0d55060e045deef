/* SPDX-License-Identifier: Apache-2.0
 *
 * The AWS Query protocol of STS: a form in, XML out. GetCallerIdentity, the first call that people type, and
 * AssumeRole; no other action exists here. Nothing in this file decides anything. Usable from any thread. Source: STS
 * API reference, version 2011-06-15, the two actions and "Common Errors". */
#pragma once

#include "auth/principal.h"
#include "base/arena.h"
#include "base/buf.h"

#define STS_MAX_PARAMETERS 64
#define STS_DURATION_MIN_S 900
#define STS_DURATION_MAX_S 43200
#define STS_POLICY_MAX 2048

enum sts_action { STS_GET_CALLER_IDENTITY, STS_ASSUME_ROLE };

enum sts_result {
    STS_MALFORMED = 1,  /* not a form, too many parameters, or a parameter twice */
    STS_MISSING_ACTION, /* no Action */
    STS_INVALID_ACTION, /* another action or version than those of 2011-06-15 above */
    STS_INVALID_INPUT,  /* a parameter that is missing, wrong or unknown; with a message */
    STS_MALFORMED_POLICY,
    STS_LARGE_POLICY,
    STS_ACCESS_DENIED,
    STS_MISSING_TOKEN, /* from here on: what the gates refuse */
    STS_INCOMPLETE,
    STS_MISMATCH,
    STS_UNKNOWN_KEY,
    STS_EXPIRED_TOKEN,
    STS_THROTTLED,
    STS_INTERNAL,
};

/* Slices of the form; absent: not given. */
struct sts_request {
    enum sts_action action;
    struct str role_arn, session_name, policy, external_id;
    int64_t duration_s; /* 0: not given */
};

/* Decodes an application/x-www-form-urlencoded text in place and checks what it asks for. 0 with the request, or one of
 * the first four conditions; STS_INVALID_INPUT sets *ret_message, in the arena. */
int sts_parse(char *form, size_t n, struct arena *arena, struct sts_request *ret_request, struct str *ret_message);

/* What AssumeRole gives. */
struct sts_session {
    struct str role_id, arn; /* of the session: `AROA...:SESSION`, `arn:aws:sts::A:assumed-role/ROLE/SESSION` */
    struct str access_key_id, secret, token;
    int64_t expires_s;
};

/* Append the answer. */
void sts_render_identity(struct buf *buf, const struct principal *principal, struct str request_id);
void sts_render_session(struct buf *buf, const struct sts_session *session, struct str request_id);
/* message absent: the one that the error has. */
void sts_render_error(struct buf *buf, enum sts_result error, struct str message, struct str request_id);
unsigned sts_status(enum sts_result error);
