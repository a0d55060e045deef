/* SPDX-License-Identifier: Apache-2.0
 *
 * What a profile of the shared files can hold, in botocore's order: a role over a source, a web identity, SSO, keys in
 * the credentials file, a process, keys in the config file. A source profile may be any of these; its own keys then
 * come before its role. */
#include "aws/credentials_priv.h"
#include "aws/secret.h"

#include <errno.h>
#include <stdio.h>

/* Long enough for messages; names are cut in them only. */
#define NAME_SHOWN 64

/* A walk from a role to its source, and on. */
struct walk {
    const struct credentials_search *search;
    struct aws_error *error;
    struct str visited[CREDENTIALS_PROFILES_MAX];
    size_t n_visited;
};

static struct str value_of(const struct walk *walk, struct str profile, const char *key)
{
    return shared_config_value(walk->search->files, profile, key);
}

static const char *label(struct str profile, const char *what, char *ret_label)
{
    int n = profile.n > NAME_SHOWN ? NAME_SHOWN : (int)profile.n;
    snprintf(ret_label, sizeof(((struct credentials_set *)NULL)->source), "profile %.*s%s%s", n, profile.p,
             what[0] ? ", " : "", what);
    return ret_label;
}

static int refuse(struct walk *walk, struct str profile, const char *what)
{
    char shown[sizeof(((struct credentials_set *)NULL)->source)];
    return aws_client_fail(walk->error, AWS_NO_CREDENTIALS, "%s: %s.", label(profile, "", shown), what);
}

/* --- keys, process, SSO ------------------------------------------------------------------------------------------ */

/* Keys count file by file: an id in one and a secret in the other do not belong together. */
static int find_keys(struct walk *walk, struct str profile, enum shared_config_file file,
                     struct credentials_set *ret_set)
{
    const struct shared_config *files = walk->search->files;
    struct str id = shared_config_value_in(files, file, profile, "aws_access_key_id");
    struct str secret = shared_config_value_in(files, file, profile, "aws_secret_access_key");
    struct str token = shared_config_value_in(files, file, profile, "aws_security_token");
    char shown[sizeof(ret_set->source)];
    bool is_config = file == SHARED_CONFIG_CONFIG;
    if (!str_is_set(id))
        return CREDENTIALS_NONE;
    if (!str_is_set(token))
        token = shared_config_value_in(files, file, profile, "aws_session_token");
    if (!str_is_set(secret))
        return refuse(walk, profile,
                      is_config ? "the config file has an aws_access_key_id without an aws_secret_access_key"
                                : "the credentials file has an aws_access_key_id without an aws_secret_access_key");
    return credentials_set_fill(ret_set, label(profile, is_config ? "config file" : "credentials file", shown), id,
                                secret, token, walk->error);
}

static int find_sign_in(struct walk *walk, struct str profile)
{
    if (str_is_set(value_of(walk, profile, "sso_account_id")) || str_is_set(value_of(walk, profile, "sso_role_name")))
        return refuse(walk, profile,
                      "it wants IAM Identity Center (SSO), which needs a person to sign in; give this program a "
                      "profile of its own with a role, keys or a credential_process");
    return CREDENTIALS_NONE;
}

static int find_process(struct walk *walk, struct str profile, struct credentials_set *ret_set)
{
    char shown[sizeof(ret_set->source)];
    struct str command = value_of(walk, profile, "credential_process");
    if (str_is_set(value_of(walk, profile, "login_session")))
        return refuse(walk, profile, "it wants a console login, which needs a person");
    if (!str_is_set(command))
        return CREDENTIALS_NONE;
    return credentials_process_run(walk->search, label(profile, "credential_process", shown), command,
                                   CREDENTIALS_PROCESS_MS, ret_set, walk->error);
}

/* --- web identity ------------------------------------------------------------------------------------------------ */

/* Each value comes from the environment, else from the profile; a source profile speaks for itself only. */
static struct str web_value(struct walk *walk, struct str profile, bool is_source, const char *variable,
                            const char *key)
{
    struct str value = is_source ? (struct str){ 0 } : str_of(environment_find(walk->search->environment, variable));
    return str_is_set(value) ? value : value_of(walk, profile, key);
}

static int find_web_identity(struct walk *walk, struct str profile, bool is_source, struct credentials_set *ret_set)
{
    char shown[sizeof(ret_set->source)] = "web identity of the environment", path[4096];
    struct str file = web_value(walk, profile, is_source, "AWS_WEB_IDENTITY_TOKEN_FILE", "web_identity_token_file");
    const struct credentials_role role = {
        .arn = web_value(walk, profile, is_source, "AWS_ROLE_ARN", "role_arn"),
        .session_name = web_value(walk, profile, is_source, "AWS_ROLE_SESSION_NAME", "role_session_name"),
        .token_path = path,
    };
    if (!str_is_set(file))
        return CREDENTIALS_NONE;
    if (is_source || !environment_find(walk->search->environment, "AWS_WEB_IDENTITY_TOKEN_FILE"))
        label(profile, "web identity", shown);
    if (!str_is_set(role.arn))
        return aws_client_fail(walk->error, AWS_NO_CREDENTIALS,
                               "%s: there is a token file but no role; set AWS_ROLE_ARN, or role_arn in the profile.",
                               shown);
    if (file.n >= sizeof(path))
        return aws_client_fail(walk->error, AWS_NO_CREDENTIALS, "%s: the path of the token file is too long.", shown);
    memcpy(path, file.p, file.n);
    path[file.n] = '\0';
    return credentials_role_assume(walk->search, shown, &role, NULL, ret_set, walk->error);
}

/* Everything but a role over a source. */
static int find_plain(struct walk *walk, struct str profile, bool is_source, struct credentials_set *ret_set)
{
    int r = find_web_identity(walk, profile, is_source, ret_set);
    if (r == CREDENTIALS_NONE)
        r = find_sign_in(walk, profile);
    if (r == CREDENTIALS_NONE)
        r = find_keys(walk, profile, SHARED_CONFIG_CREDENTIALS, ret_set);
    if (r == CREDENTIALS_NONE)
        r = find_process(walk, profile, ret_set);
    return r == CREDENTIALS_NONE ? find_keys(walk, profile, SHARED_CONFIG_CONFIG, ret_set) : r;
}

/* --- a role over a source ---------------------------------------------------------------------------------------- */

static int assume(struct walk *walk, struct str profile, struct credentials_set *ret_set);

static bool has_role(const struct walk *walk, struct str profile)
{
    return str_is_set(value_of(walk, profile, "role_arn")) &&
           !str_is_set(value_of(walk, profile, "web_identity_token_file"));
}

static bool has_keys(const struct walk *walk, struct str profile)
{
    return str_is_set(value_of(walk, profile, "aws_access_key_id")) ||
           str_is_set(value_of(walk, profile, "aws_secret_access_key"));
}

static bool is_visited(const struct walk *walk, struct str profile)
{
    for (size_t i = 0; i < walk->n_visited; i++)
        if (str_eq(walk->visited[i], profile))
            return true;
    return false;
}

static int find_in_source_profile(struct walk *walk, struct str profile, struct str source,
                                  struct credentials_set *ret_set)
{
    if (!shared_config_has_profile(walk->search->files, source))
        return refuse(walk, profile, "its source_profile does not exist");
    /* A profile may name itself when it has keys to start with. */
    if (is_visited(walk, source) && (!str_eq(source, profile) || !has_keys(walk, source)))
        return refuse(walk, profile, "its source_profile leads back to itself");
    if (walk->n_visited == CREDENTIALS_PROFILES_MAX)
        return refuse(walk, profile, "there are too many source profiles one behind the other");
    walk->visited[walk->n_visited++] = source;
    if (!has_keys(walk, source) && has_role(walk, source))
        return assume(walk, source, ret_set);
    int r = find_plain(walk, source, true, ret_set);
    return r == CREDENTIALS_NONE ? refuse(walk, source, "as a source profile it must have credentials, but has none")
                                 : r;
}

static int find_in_named_source(struct walk *walk, struct str profile, struct str name, struct credentials_set *ret_set)
{
    int r;
    if (str_eq_nocase(name, STR("Environment")))
        r = credentials_find_in_environment(walk->search, ret_set, walk->error);
    else if (str_eq_nocase(name, STR("Ec2InstanceMetadata")))
        r = credentials_metadata_find(walk->search, ret_set, walk->error);
    else if (str_eq_nocase(name, STR("EcsContainer")))
        r = credentials_container_find(walk->search, ret_set, walk->error);
    else
        return refuse(walk, profile, "its credential_source is none of Environment, Ec2InstanceMetadata, EcsContainer");
    if (r != CREDENTIALS_NONE)
        return r;
    char why[320];
    snprintf(why, sizeof(why), "its credential_source %.*s has no credentials%s%.250s", (int)name.n, name.p,
             walk->error->message[0] ? ": " : "", walk->error->message);
    return refuse(walk, profile, why);
}

static int assume(struct walk *walk, struct str profile, struct credentials_set *ret_set)
{
    char shown[sizeof(ret_set->source)];
    struct credentials_set base;
    struct str source = value_of(walk, profile, "source_profile");
    struct str named = value_of(walk, profile, "credential_source");
    const struct credentials_role role = { .arn = value_of(walk, profile, "role_arn"),
                                           .session_name = value_of(walk, profile, "role_session_name"),
                                           .external_id = value_of(walk, profile, "external_id"),
                                           .duration_seconds = value_of(walk, profile, "duration_seconds") };
    if (str_is_set(value_of(walk, profile, "mfa_serial")))
        return refuse(walk, profile, "it wants a code of an MFA device (mfa_serial), and nobody is here to type one");
    if (str_is_set(source) == str_is_set(named))
        return refuse(walk, profile,
                      str_is_set(source) ? "it has both source_profile and credential_source; one must go"
                                         : "it has a role_arn, but neither source_profile nor credential_source");
    int r = str_is_set(source) ? find_in_source_profile(walk, profile, source, &base)
                               : find_in_named_source(walk, profile, named, &base);
    if (r != 0)
        return r;
    r = credentials_role_assume(walk->search, label(profile, "role", shown), &role, &base, ret_set, walk->error);
    credentials_set_fini(&base);
    return r;
}

int credentials_profile_find(const struct credentials_search *search, struct credentials_set *ret_set,
                             struct aws_error *ret_error)
{
    struct str profile = str_of(shared_config_profile(search->environment));
    struct walk walk = { .search = search, .error = ret_error, .visited = { profile }, .n_visited = 1 };
    if (shared_config_is_profile_named(search->environment) && !shared_config_has_profile(search->files, profile))
        return refuse(&walk, profile,
                      "AWS_PROFILE or AWS_DEFAULT_PROFILE names it, but it is in neither of the shared files");
    if (has_role(&walk, profile))
        return assume(&walk, profile, ret_set);
    return find_plain(&walk, profile, false, ret_set);
}
