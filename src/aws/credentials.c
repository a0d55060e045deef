/* SPDX-License-Identifier: Apache-2.0
 *
 * The order of the sources, and when to ask them again. */
#include "aws/credentials_priv.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/timestamp.h"

#include <errno.h>
#include <stdio.h>

#define ADVISORY_MS (15 * 60 * 1000)
#define MANDATORY_MS (10 * 60 * 1000)
#define RETRY_MS (60 * 1000) /* between two attempts that may fail, or that bring a set about to expire */
#define EXTRA_MIN_MS                                                                                \
    (2 * 60 * 1000) /* instance metadata that is stale stays in use for the window and so much more \
                     */
#define EXTRA_MAX_MS (10 * 60 * 1000)

struct credentials_chain {
    struct credentials_config config;
    struct credentials_set set; /* access_key_id NULL: none yet */
    bool is_fixed, is_forgotten;
    int64_t retry_at_ms; /* wall time; before it a set that still holds is not renewed */
    struct rand rand;
};

int credentials_chain_new(const struct credentials_config *config, struct credentials_chain **ret_chain)
{
    struct credentials_chain *chain = mem_zalloc(sizeof(*chain));
    if (!chain)
        return -ENOMEM;
    chain->config = *config;
    rand_init(&chain->rand);
    *ret_chain = chain;
    return 0;
}

int credentials_chain_new_fixed(const struct credentials_config *config, struct credentials_set *set,
                                struct credentials_chain **ret_chain)
{
    struct credentials_chain *chain;
    int r = credentials_chain_new(config, &chain);
    if (r < 0) {
        credentials_set_fini(set);
        return r;
    }
    chain->is_fixed = true;
    chain->set = *set;
    *set = (struct credentials_set){ 0 };
    *ret_chain = chain;
    return 0;
}

void credentials_chain_free(struct credentials_chain *chain)
{
    if (!chain)
        return;
    credentials_set_fini(&chain->set);
    mem_free(chain);
}

void credentials_chain_forget(struct credentials_chain *chain)
{
    chain->is_forgotten = !chain->is_fixed;
}

/* --- the order --------------------------------------------------------------------------------------------------- */

int credentials_find_in_environment(const struct credentials_search *search, struct credentials_set *ret_set,
                                    struct aws_error *ret_error)
{
    const struct environment *environment = search->environment;
    const char *id = environment_find(environment, "AWS_ACCESS_KEY_ID");
    const char *secret = environment_find(environment, "AWS_SECRET_ACCESS_KEY");
    const char *token = environment_find(environment, "AWS_SESSION_TOKEN");
    const char *end = environment_find(environment, "AWS_CREDENTIAL_EXPIRATION");
    int64_t expires_ms = 0;
    if (!id)
        return CREDENTIALS_NONE;
    if (!secret)
        return aws_client_fail(ret_error, AWS_NO_CREDENTIALS,
                               "environment: AWS_ACCESS_KEY_ID is set, but AWS_SECRET_ACCESS_KEY is not; set both or "
                               "neither.");
    if (end && timestamp_parse_ms(str_of(end), &expires_ms))
        return aws_client_fail(ret_error, AWS_NO_CREDENTIALS,
                               "environment: AWS_CREDENTIAL_EXPIRATION is no time such as 2026-01-02T03:04:05Z.");
    if (!token)
        token = environment_find(environment, "AWS_SECURITY_TOKEN");
    int r = credentials_set_fill(ret_set, "environment", str_of(id), str_of(secret), str_of(token), ret_error);
    if (r == 0)
        ret_set->expires_ms = expires_ms;
    return r;
}

/* The last source has no credentials; its reason is in the error. */
static int fail_all(const struct credentials_search *search, struct aws_error *error)
{
    struct aws_error last = *error;
    return aws_client_fail(error, AWS_NO_CREDENTIALS,
                           "No AWS credentials: none in the environment (AWS_ACCESS_KEY_ID, "
                           "AWS_WEB_IDENTITY_TOKEN_FILE), none in the shared files for the profile %.64s, no container "
                           "endpoint is set, and %.250s. Set one of these.",
                           shared_config_profile(search->environment), last.message);
}

static int search_all(const struct credentials_search *search, struct credentials_set *ret_set, struct aws_error *error)
{
    int r = credentials_profile_find(search, ret_set, error);
    if (r == CREDENTIALS_NONE)
        r = credentials_container_find(search, ret_set, error);
    if (r == CREDENTIALS_NONE)
        r = credentials_metadata_find(search, ret_set, error);
    return r == CREDENTIALS_NONE ? fail_all(search, error) : r;
}

static int find_set(const struct credentials_search *search, struct credentials_set *ret_set, struct aws_error *error)
{
    int r = credentials_find_in_environment(search, ret_set, error);
    if (r != CREDENTIALS_NONE)
        return r;
    struct shared_config *files;
    struct credentials_search with_files = *search;
    r = shared_config_load(search->environment, &files, error);
    if (r != 0)
        return r < 0 ? r : AWS_NO_CREDENTIALS;
    with_files.files = files;
    r = search_all(&with_files, ret_set, error);
    shared_config_free(files);
    return r;
}

/* --- freshness --------------------------------------------------------------------------------------------------- */

/* Stale credentials of instance metadata stay in use: AWS goes on taking them while the metadata service recovers. */
static void extend(struct credentials_chain *chain, struct credentials_set *set, int64_t now_ms)
{
    int64_t extra_ms = EXTRA_MIN_MS + (int64_t)rand_below(&chain->rand, EXTRA_MAX_MS - EXTRA_MIN_MS + 1);
    set->expires_ms = now_ms + ADVISORY_MS + extra_ms;
    log_event(LOG_CREDENTIALS_STALE, LOG_C("source", set->source));
}

static bool is_within(const struct credentials_set *set, int64_t now_ms, int64_t window_ms)
{
    return set->expires_ms != 0 && set->expires_ms - now_ms <= window_ms;
}

/* A new set from the sources, and the role on top of it. */
static int fetch(struct credentials_chain *chain, int64_t now_ms, struct credentials_set *ret_set,
                 struct aws_error *error)
{
    const struct credentials_config *config = &chain->config;
    const struct credentials_search search = { .environment = config->environment,
                                               .clock = config->clock,
                                               .region = config->region };
    struct credentials_set set;
    int r = find_set(&search, &set, error);
    if (r != 0)
        return r;
    if (set.is_metadata && is_within(&set, now_ms, ADVISORY_MS))
        extend(chain, &set, now_ms);
    if (config->role_arn) {
        const struct credentials_role role = { .arn = str_of(config->role_arn) };
        struct credentials_set base = set;
        r = credentials_role_assume(&search, "assumed role", &role, &base, &set, error);
        if (r == 0)
            snprintf(set.source, sizeof(set.source), "role over %.160s", base.source);
        credentials_set_fini(&base);
        if (r != 0)
            return r;
    }
    if (is_within(&set, now_ms, 0)) {
        r = aws_client_fail(error, AWS_NO_CREDENTIALS,
                            "%s: the credentials have expired, going by the clock of this machine.", set.source);
        credentials_set_fini(&set);
        return r;
    }
    *ret_set = set;
    return 0;
}

/* Replaces the set. What fails leaves it as it was. */
static int renew(struct credentials_chain *chain, int64_t now_ms, struct aws_error *error)
{
    struct credentials_set set;
    int r = fetch(chain, now_ms, &set, error);
    if (r != 0)
        return r;
    credentials_set_fini(&chain->set);
    chain->set = set;
    chain->is_forgotten = false;
    chain->retry_at_ms = now_ms + RETRY_MS;
    log_event(LOG_CREDENTIALS_FOUND, LOG_C("source", set.source), LOG_I("expires_ms", set.expires_ms));
    return 0;
}

static int refresh(struct credentials_chain *chain, struct aws_error *error)
{
    int64_t now_ms = clock_wall_ms(chain->config.clock);
    struct credentials_set *set = &chain->set;
    if (!set->access_key_id || chain->is_forgotten)
        return renew(chain, now_ms, error);
    if (chain->is_fixed || !is_within(set, now_ms, ADVISORY_MS))
        return 0;
    /* A clock that was set back must not keep us waiting. */
    if (now_ms < chain->retry_at_ms && chain->retry_at_ms - now_ms <= RETRY_MS && !is_within(set, now_ms, 0))
        return 0;
    int r = renew(chain, now_ms, error);
    if (r == AWS_NO_CREDENTIALS && set->is_metadata) {
        extend(chain, set, now_ms);
        return 0;
    }
    if (r == AWS_NO_CREDENTIALS && !is_within(set, now_ms, MANDATORY_MS)) {
        log_event(LOG_CREDENTIALS_KEPT, LOG_C("source", set->source), LOG_C("error", error->message));
        chain->retry_at_ms = now_ms + RETRY_MS;
        return 0;
    }
    return r;
}

int credentials_chain_get(struct credentials_chain *chain, struct credentials *ret_credentials,
                          struct aws_error *ret_error)
{
    struct aws_error error = { 0 };
    int r = refresh(chain, &error);
    if (r != 0) {
        *ret_error = error;
        return r;
    }
    const struct credentials_set *set = &chain->set;
    *ret_credentials = (struct credentials){ .access_key_id = str_of(set->access_key_id),
                                             .secret_access_key = str_of(set->secret_access_key),
                                             .session_token = str_of(set->session_token),
                                             .expires_ms = set->expires_ms,
                                             .source = set->source };
    return 0;
}
