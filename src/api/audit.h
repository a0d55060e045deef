/* SPDX-License-Identifier: Apache-2.0
 *
 * What the audit trail keeps of calls: a record in CloudTrail's form for each authenticated call, of a change in the
 * commit that makes it, of all others by a note. Signatures, secrets and tokens are never in it. CloudTrail user guide,
 * "CloudTrail record contents". Worker's thread, but for audit_change. */
#pragma once

#include "api/call.h"

/* What is recorded. */
struct audit_settings {
    bool is_on;    /* management calls */
    bool has_data; /* the calls of discovery, too */
};

/* The caller is known: from here on the call is recorded. */
void audit_begin(struct api_call *call);
/* The same for a call of another service, such as `sts.amazonaws.com`, `AssumeRole`; the words outlive the call. */
void audit_begin_other(struct api_call *call, struct str source, struct str name);
/* Its input was read and is valid as far as its shape goes. */
void audit_set_input(struct api_call *call, const void *in);
/* Its change goes to the writer, which records it. 0 or -ENOMEM: without a record there is no change. */
int audit_submit(struct api_call *call);
/* It is about to be answered, with call->error unless `done`. */
void audit_end(struct api_call *call, bool done);
