/* SPDX-License-Identifier: Apache-2.0
 *
 * The two files that AWS's SDKs and command line share: ~/.aws/config (AWS_CONFIG_FILE) and ~/.aws/credentials
 * (AWS_SHARED_CREDENTIALS_FILE), read as botocore reads them: `=` or `:` behind a key, keys without regard to case,
 * `#` and `;` only at the start of a line, indented lines continue a value or are the sub-keys of an empty one.
 * Stricter where botocore would go on: control characters, and a sub-key that is there twice. The first error makes the
 * whole file worth nothing. Once made, usable from any thread. */
#pragma once

#include "aws/environment.h"
#include "base/arena.h"

#define SHARED_CONFIG_FILE_MAX ((size_t)1 << 20)
#define SHARED_CONFIG_LINE_MAX ((size_t)8192)

struct aws_error;
struct shared_config;

enum shared_config_file { SHARED_CONFIG_CONFIG, SHARED_CONFIG_CREDENTIALS, SHARED_CONFIG_FILE_COUNT };

/* The profile that the environment names (AWS_DEFAULT_PROFILE, AWS_PROFILE), else `default`. */
const char *shared_config_profile(const struct environment *environment);
/* Whether the environment names it: it must then exist. */
bool shared_config_is_profile_named(const struct environment *environment);

/* Both files as they are now. A file that does not exist, or one at its usual place that may not be read, is empty. 0;
 * -ENOMEM; AWS_ODD with a sentence that names file and line, never a value. */
int shared_config_load(const struct environment *environment, struct shared_config **ret_config,
                       struct aws_error *ret_error);
/* The same from texts; for tests and fuzzers. */
int shared_config_parse(struct str config_text, struct str credentials_text, struct shared_config **ret_config,
                        struct aws_error *ret_error);
/* Overwrites what was read; accepts NULL. */
void shared_config_free(struct shared_config *config);

/* Slices live as long as the config. */

/* Whether one of the files has a section for it. */
bool shared_config_has_profile(const struct shared_config *config, struct str profile);
/* The credentials file's value, else the config file's; absent when it is empty or there is none. */
struct str shared_config_value(const struct shared_config *config, struct str profile, const char *key);
/* The same of one file. */
struct str shared_config_value_in(const struct shared_config *config, enum shared_config_file file, struct str profile,
                                  const char *key);
/* What the section of services that the profile names says of one service: service `sqs`, key `endpoint_url`. */
struct str shared_config_service_value(const struct shared_config *config, struct str profile, const char *service,
                                       const char *key);

/* Loads, looks up, copies into the arena. profile NULL: shared_config_profile. 0, also with an absent value; -ENOMEM;
 * AWS_ODD with a sentence: a file is damaged, or the profile that the environment names does not exist. */
int shared_config_find(const struct environment *environment, const char *profile, const char *key, struct arena *arena,
                       struct str *ret_value, struct aws_error *ret_error);
int shared_config_find_service(const struct environment *environment, const char *profile, const char *service,
                               const char *key, struct arena *arena, struct str *ret_value,
                               struct aws_error *ret_error);
