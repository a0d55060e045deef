/* SPDX-License-Identifier: Apache-2.0
 *
 * STS GetCallerIdentity in the AWS Query protocol: the first call that people type. A form in, XML out; no other
 * action of STS exists here. Usable from any thread. Source: STS API reference, version 2011-06-15, "Common Errors". */
#pragma once

#include "base/buf.h"

#define STS_MAX_PARAMETERS 64

enum sts_result {
    STS_MALFORMED = 1,  /* not a form, too many parameters, or a parameter twice */
    STS_MISSING_ACTION, /* no Action */
    STS_INVALID_ACTION, /* another action or version than GetCallerIdentity of 2011-06-15 */
    STS_THROTTLED,      /* one call too many; neither this nor the next is a result of sts_parse */
    STS_INTERNAL,       /* the server failed */
};

/* Decodes an application/x-www-form-urlencoded body in place and decides what it asks for. 0 when it is
 * GetCallerIdentity; otherwise STS_MALFORMED, STS_MISSING_ACTION or STS_INVALID_ACTION. */
int sts_parse(char *body, size_t n);

/* Appends the answer: the account's root as caller. Neither account nor request id may hold XML's special characters.
 */
void sts_render_identity(struct buf *buf, struct str account, struct str request_id);

/* Appends the error document. */
void sts_render_error(struct buf *buf, enum sts_result error, struct str request_id);
/* Its HTTP status. */
unsigned sts_status(enum sts_result error);
