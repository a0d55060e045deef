/* SPDX-License-Identifier: Apache-2.0
 *
 * EC2 instance metadata, version 2 only: a session token first, then the question. Version 1 is never asked: it would
 * hand the role to whoever can make this machine fetch a URL. */
#include "aws/credentials_priv.h"
#include "aws/secret.h"

#include <errno.h>
#include <stdio.h>

#define ENDPOINT_V4 "http://169.254.169.254"
#define ENDPOINT_V6 "http://[fd00:ec2::254]"
#define ROLES "/latest/meta-data/iam/security-credentials/"
#define TRY_MS 1000
#define N_TRIES 3
#define URL_MAX 2048
#define PATH_MAX_BYTES 256
#define URL_SYNTAX "/?#%\\\"<>" /* not in a word that becomes part of a path */
#define TOKEN_MAX 1024
#define ROLE_MAX 64
#define REGION_MAX 32

/* One conversation: the token opens the questions behind it. */
struct session {
    struct http_client *client;
    char endpoint[URL_MAX];
    char token[TOKEN_MAX];
    struct http_message why; /* there is no answer */
};

static bool is_off(const struct environment *environment)
{
    return environment_is_true(environment, "AWS_EC2_METADATA_DISABLED");
}

/* Returns 0; or 1 with a clause when the endpoint is no good. */
static int find_endpoint(const struct environment *environment, char *ret_url, struct http_message *why)
{
    const char *set = environment_find(environment, "AWS_EC2_METADATA_SERVICE_ENDPOINT");
    struct str mode = str_of(environment_find(environment, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE"));
    if (!set && str_is_set(mode) && !str_eq_nocase(mode, STR("ipv4")) && !str_eq_nocase(mode, STR("ipv6"))) {
        snprintf(why->text, sizeof(why->text), "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE is neither IPv4 nor IPv6");
        return 1;
    }
    struct str url = str_of(set ? set : str_eq_nocase(mode, STR("ipv6")) ? ENDPOINT_V6 : ENDPOINT_V4);
    while (url.n > 0 && url.p[url.n - 1] == '/')
        url.n--;
    bool is_fit = url.n > 0 && url.n < URL_MAX;
    for (size_t i = 0; i < url.n; i++)
        is_fit = is_fit && url.p[i] > ' ' && url.p[i] <= '~';
    if (!is_fit) {
        snprintf(why->text, sizeof(why->text), "AWS_EC2_METADATA_SERVICE_ENDPOINT is not a URL");
        return 1;
    }
    memcpy(ret_url, url.p, url.n);
    ret_url[url.n] = '\0';
    return 0;
}

/* One question. 0 with any status; 1 with a clause in session->why; -ENOMEM. */
static int ask(struct session *session, const char *method, const char *path, const struct http_header *header,
               struct http_client_answer *ret_answer)
{
    char url[URL_MAX + PATH_MAX_BYTES];
    snprintf(url, sizeof(url), "%s%s", session->endpoint, path);
    const struct credentials_ask question = {
        .method = method, .url = url, .headers = header, .n_headers = 1, .total_ms = TRY_MS, .n_tries = N_TRIES
    };
    return credentials_ask_send(session->client, &question, ret_answer, &session->why);
}

static struct str first_line(const struct buf *body)
{
    struct str text = buf_str(body);
    text.n = str_find_char(text, '\n');
    while (text.n > 0 && (text.p[text.n - 1] == '\r' || text.p[text.n - 1] == ' '))
        text.n--;
    return text;
}

/* The first line of an answer, when all of its characters are visible ASCII and none of them is unfit. */
static bool copy_word(const struct buf *body, const char *unfit, char *ret, size_t size)
{
    struct str text = first_line(body);
    bool is_fit = text.n > 0 && text.n < size;
    for (size_t i = 0; i < text.n; i++)
        is_fit = is_fit && text.p[i] > ' ' && text.p[i] <= '~' && !strchr(unfit, text.p[i]);
    if (is_fit) {
        memcpy(ret, text.p, text.n);
        ret[text.n] = '\0';
    }
    return is_fit;
}

static int open_session(struct session *session, const struct environment *environment)
{
    static const struct http_header header = { "X-aws-ec2-metadata-token-ttl-seconds", "21600" };
    struct http_client_answer answer;
    int r = find_endpoint(environment, session->endpoint, &session->why);
    if (r == 0)
        r = http_client_new(&session->client);
    if (r == 0)
        r = ask(session, "PUT", "/latest/api/token", &header, &answer);
    if (r != 0)
        return r;
    if (answer.status != 200) {
        snprintf(session->why.text, sizeof(session->why.text), "the request for a session token got status %u",
                 answer.status);
        r = 1;
    } else if (!copy_word(&answer.body, "", session->token, sizeof(session->token))) {
        snprintf(session->why.text, sizeof(session->why.text), "the session token is not one");
        r = 1;
    }
    credentials_ask_free(&answer);
    return r;
}

static void close_session(struct session *session)
{
    http_client_free(session->client);
    explicit_bzero(session, sizeof(*session));
}

static int get(struct session *session, const char *path, struct http_client_answer *ret_answer)
{
    const struct http_header header = { "X-aws-ec2-metadata-token", session->token };
    return ask(session, "GET", path, &header, ret_answer);
}

/* One word. 0; 1 with a clause; -ENOMEM. */
static int get_word(struct session *session, const char *path, const char *what, char *ret, size_t size)
{
    struct http_client_answer answer;
    int r = get(session, path, &answer);
    if (r != 0)
        return r;
    if (answer.status != 200) {
        snprintf(session->why.text, sizeof(session->why.text), "the request for %s got status %u", what, answer.status);
        r = 1;
    } else if (!copy_word(&answer.body, URL_SYNTAX, ret, size)) {
        snprintf(session->why.text, sizeof(session->why.text), "the answer does not hold %s", what);
        r = 1;
    }
    credentials_ask_free(&answer);
    return r;
}

/* --- credentials ------------------------------------------------------------------------------------------------- */

static int get_credentials(struct session *session, const char *role, struct credentials_set *ret_set,
                           struct aws_error *error)
{
    char path[sizeof(ROLES) + ROLE_MAX], source[sizeof(ret_set->source)];
    struct http_client_answer answer;
    snprintf(path, sizeof(path), "%s%s", ROLES, role);
    snprintf(source, sizeof(source), "instance metadata, role %s", role);
    int r = get(session, path, &answer);
    if (r != 0)
        return r;
    if (answer.status == 200) {
        r = credentials_set_read_json(ret_set, source, "Token", false, answer.body.p, answer.body.n, error);
    } else {
        snprintf(session->why.text, sizeof(session->why.text), "the request for the role's credentials got status %u",
                 answer.status);
        r = 1;
    }
    credentials_ask_free(&answer);
    if (r == 0)
        ret_set->is_metadata = true;
    return r;
}

int credentials_metadata_find(const struct credentials_search *search, struct credentials_set *ret_set,
                              struct aws_error *ret_error)
{
    char role[ROLE_MAX + 1];
    struct session session = { 0 };
    if (is_off(search->environment)) {
        aws_client_fail(ret_error, AWS_NO_CREDENTIALS, "instance metadata: AWS_EC2_METADATA_DISABLED is set");
        return CREDENTIALS_NONE;
    }
    int r = open_session(&session, search->environment);
    if (r == 1) {
        aws_client_fail(ret_error, AWS_NO_CREDENTIALS,
                        "instance metadata at %.100s: %.200s (in a container on EC2: its hop limit must be 2)",
                        session.endpoint, session.why.text);
        r = CREDENTIALS_NONE;
    } else if (r == 0) {
        r = get_word(&session, ROLES, "the name of the instance's role", role, sizeof(role));
        if (r == 0)
            r = get_credentials(&session, role, ret_set, ret_error);
        if (r == 1) {
            aws_client_fail(ret_error, AWS_NO_CREDENTIALS, "instance metadata at %.100s: %.200s (has it a role?)",
                            session.endpoint, session.why.text);
            r = CREDENTIALS_NONE;
        }
    }
    close_session(&session);
    return r;
}

/* --- region ------------------------------------------------------------------------------------------------------ */

/* It becomes part of host names. */
static bool is_region(struct str region)
{
    for (size_t i = 0; i < region.n; i++)
        if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789-", region.p[i]))
            return false;
    return true;
}

int credentials_metadata_region(const struct environment *environment, struct arena *arena, struct str *ret_region)
{
    char region[REGION_MAX + 1];
    struct session session = { 0 };
    if (is_off(environment))
        return 1;
    int r = open_session(&session, environment);
    if (r == 0)
        r = get_word(&session, "/latest/meta-data/placement/region", "a region", region, sizeof(region));
    close_session(&session);
    if (r == 0 && !is_region(str_of(region)))
        r = 1;
    if (r != 0)
        return r;
    struct str copy = arena_dup(arena, str_of(region));
    if (!str_is_set(copy))
        return -ENOMEM;
    *ret_region = copy;
    return 0;
}
