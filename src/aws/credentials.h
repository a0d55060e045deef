/* SPDX-License-Identifier: Apache-2.0
 *
 * The credential chain of an AWS SDK: environment, shared files and profiles (source_profile, credential_source,
 * role_arn, credential_process), web identity, containers, instance metadata (IMDSv2); optionally a role assumed with
 * what they give. Credentials are refreshed before they expire: from 15 minutes before the end one attempt is made and
 * a failure is forgiven, from 10 minutes before the end it is an error. Blocking; one thread per chain. */
#pragma once

#include "aws/environment.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/str.h"

struct credentials_chain;
struct aws_error;

/* One set that belongs together. Valid until the next credentials_chain_get of this chain. */
struct credentials {
    struct str access_key_id, secret_access_key;
    struct str session_token; /* absent: none */
    int64_t expires_ms;       /* wall time; 0: never */
    const char *source;       /* environment, profile NAME, web identity ... for the log; never a secret */
};

struct credentials_config {
    const struct environment *environment; /* borrowed */
    const struct clock *clock;             /* borrowed */
    const char *role_arn;                  /* or NULL: to be assumed on top of the chain */
    const char *region;                    /* or NULL; for STS */
};

/* 0 or -ENOMEM; nothing is asked yet. */
int credentials_chain_new(const struct credentials_config *config, struct credentials_chain **ret_chain);
void credentials_chain_free(struct credentials_chain *chain); /* accepts NULL */
/* The present set, refreshed when it is time. 0, -ENOMEM, or AWS_NO_CREDENTIALS with a sentence that says which source
 * failed and what to do. */
int credentials_chain_get(struct credentials_chain *chain, struct credentials *ret_credentials,
                          struct aws_error *ret_error);
/* The service said that the present set is expired or unknown: the next get asks its source again. */
void credentials_chain_forget(struct credentials_chain *chain);

/* The region of the EC2 instance that this runs on, from its metadata (IMDSv2). 0; -ENOMEM; or 1: this is no EC2
 * instance, or its metadata is switched off. Takes up to 3 seconds then. */
int credentials_metadata_region(const struct environment *environment, struct arena *arena, struct str *ret_region);
