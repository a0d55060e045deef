/* SPDX-License-Identifier: Apache-2.0
 *
 * What the sources of credentials share. A source fills one set, or says that it is not configured, or fails. Blocking;
 * one thread. */
#pragma once

#include "aws/aws_client.h"
#include "aws/credentials.h"
#include "aws/shared_config.h"
#include "base/rand.h"
#include "http/client.h"

/* The source is not configured: the next one is asked. Beside the conditions of aws_client.h. */
enum { CREDENTIALS_NONE = 100 };

#define CREDENTIALS_PROCESS_MS 60000
#define CREDENTIALS_DOCUMENT_MAX ((size_t)65536) /* bytes of an answer or of a file with a token */
#define CREDENTIALS_PROFILES_MAX 16              /* source_profile after source_profile */

/* One set, owned. */
struct credentials_set {
    char *access_key_id, *secret_access_key, *session_token; /* session_token NULL: none */
    int64_t expires_ms;                                      /* wall time; 0: never */
    bool is_metadata;                                        /* of instance metadata: may be used after its end */
    char source[192];                                        /* for the log */
};

/* One look through the sources, with the files as they are now. */
struct credentials_search {
    const struct environment *environment;
    const struct clock *clock;
    const char *region; /* or NULL */
    const struct shared_config *files;
};

/* --- credentials_set.c ------------------------------------------------------------------------------------------- */

/* Overwrites and frees what the set holds; it is empty then. */
void credentials_set_fini(struct credentials_set *set);
/* Copies; session_token may be absent. 0; -ENOMEM; AWS_NO_CREDENTIALS when one of them is empty, too long, or holds
 * what cannot stand in a header. `source`, kept for the log, begins the sentence. */
int credentials_set_fill(struct credentials_set *ret_set, const char *source, struct str access_key_id,
                         struct str secret_access_key, struct str session_token, struct aws_error *ret_error);
/* The JSON document of a process, a container endpoint or instance metadata. token_key: the name of its session token;
 * has_version: it must say `Version` 1. The text is modified. An error document is AWS_NO_CREDENTIALS with the code and
 * message that it tells. */
int credentials_set_read_json(struct credentials_set *ret_set, const char *source, const char *token_key,
                              bool has_version, char *text, size_t n, struct aws_error *ret_error);

/* --- credentials_ask.c ------------------------------------------------------------------------------------------- */

/* One request to an endpoint on this machine or link; no proxy. */
struct credentials_ask {
    const char *method, *url;
    const struct http_header *headers;
    size_t n_headers;
    int64_t total_ms;
    unsigned n_tries;
    unsigned pause_ms; /* between two tries */
};

/* Tries again when nothing, a 5xx or 429 comes. 0 with any status and an answer for credentials_ask_free; -ENOMEM; or 1
 * with a clause in ret_why: `it did not answer within 1000 ms`. */
int credentials_ask_send(struct http_client *client, const struct credentials_ask *ask,
                         struct http_client_answer *ret_answer, struct http_message *ret_why);
/* Overwrites and frees. */
void credentials_ask_free(struct http_client_answer *answer);

/* --- the sources: 0; CREDENTIALS_NONE; AWS_NO_CREDENTIALS with a sentence; -ENOMEM -------------------------------- */

/* AWS_ACCESS_KEY_ID and what belongs to it. */
int credentials_find_in_environment(const struct credentials_search *search, struct credentials_set *ret_set,
                                    struct aws_error *ret_error);
/* Everything that a profile can hold, and the web identity of the environment. */
int credentials_profile_find(const struct credentials_search *search, struct credentials_set *ret_set,
                             struct aws_error *ret_error);
/* Runs the command without a shell for at most total_ms. Never CREDENTIALS_NONE. */
int credentials_process_run(const struct credentials_search *search, const char *source, struct str command,
                            int64_t total_ms, struct credentials_set *ret_set, struct aws_error *ret_error);
int credentials_container_find(const struct credentials_search *search, struct credentials_set *ret_set,
                               struct aws_error *ret_error);
/* CREDENTIALS_NONE also when nothing answers: ret_error then says why. */
int credentials_metadata_find(const struct credentials_search *search, struct credentials_set *ret_set,
                              struct aws_error *ret_error);

/* A role to be assumed. */
struct credentials_role {
    struct str arn;
    struct str session_name;     /* absent: one is made up */
    struct str external_id;      /* or absent */
    struct str duration_seconds; /* or absent; digits */
    const char *token_path;      /* or NULL; of a web identity token: the call is then not signed */
};

/* AssumeRole signed with `base`, or AssumeRoleWithWebIdentity (base NULL). Never CREDENTIALS_NONE. */
int credentials_role_assume(const struct credentials_search *search, const char *source,
                            const struct credentials_role *role, const struct credentials_set *base,
                            struct credentials_set *ret_set, struct aws_error *ret_error);

/* --- parts that tests look at ------------------------------------------------------------------------------------ */

/* A chain that always gives this set, which it takes over (also on failure). 0 or -ENOMEM. */
int credentials_chain_new_fixed(const struct credentials_config *config, struct credentials_set *set,
                                struct credentials_chain **ret_chain);
/* Splits a command as a shell would: blanks, quotes, backslashes; nothing else is special. The words live in the arena,
 * NULL behind the last. 0; 1: a quote is open, or there is no word; -ENOMEM. */
int credentials_process_split(struct str command, struct arena *arena, char ***ret_words);
/* The URL of the container endpoint that the environment names. 0; CREDENTIALS_NONE; AWS_NO_CREDENTIALS with a sentence
 * when a secret must not be asked for there. */
int credentials_container_url(const struct environment *environment, char ret_url[2048], struct aws_error *ret_error);
