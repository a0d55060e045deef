/* SPDX-License-Identifier: Apache-2.0
 *
 * The endpoint that ECS and EKS Pod Identity name in the environment. The token that opens it is sent, so it is sent to
 * the places only that SDKs agree on: by TLS anywhere, without it to this machine and the link-local addresses of the
 * two services. */
#include "aws/credentials_priv.h"
#include "aws/secret.h"
#include "base/mem.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>

#define ECS_HOST "http://169.254.170.2"
#define URL_MAX 2048
#define TRY_MS 2000
#define N_TRIES 3
#define PAUSE_MS 1000

/* --- where to ask ------------------------------------------------------------------------------------------------ */

/* Addresses are compared as numbers: any other spelling of one is none of these. */
static bool is_near(struct str host)
{
    char text[64];
    struct in_addr v4;
    struct in6_addr v6, eks;
    if (str_eq_nocase(host, STR("localhost")))
        return true;
    if (host.n == 0 || host.n >= sizeof(text))
        return false;
    memcpy(text, host.p, host.n);
    text[host.n] = '\0';
    if (inet_pton(AF_INET, text, &v4) == 1) {
        uint32_t n = ntohl(v4.s_addr);
        return n >> 24 == 127 || n == 0xa9feaa02 || n == 0xa9feaa17; /* 169.254.170.2 and .23 */
    }
    if (text[0] != '[' || text[host.n - 1] != ']')
        return false;
    text[host.n - 1] = '\0';
    return inet_pton(AF_INET6, text + 1, &v6) == 1 && inet_pton(AF_INET6, "fd00:ec2::23", &eks) == 1 &&
           (IN6_IS_ADDR_LOOPBACK(&v6) || IN6_ARE_ADDR_EQUAL(&v6, &eks));
}

/* The host of `//host:port/...`; absent when there is anything in it that two readers could read in two ways. */
static struct str host_of(struct str rest)
{
    size_t n = 0;
    while (n < rest.n && !strchr("/?#", rest.p[n]))
        n++;
    rest.n = n;
    for (size_t i = 0; i < n; i++)
        if (strchr("@\\%", rest.p[i]))
            return (struct str){ 0 };
    size_t host_n = rest.n && rest.p[0] == '[' ? str_find_char(rest, ']') + 1 : str_find_char(rest, ':');
    uint64_t port;
    if (host_n > rest.n)
        return (struct str){ 0 };
    struct str behind = str_skip(rest, host_n);
    if (behind.n && (behind.p[0] != ':' || str_parse_u64(str_skip(behind, 1), &port) || port > 65535))
        return (struct str){ 0 };
    return (struct str){ rest.p, host_n };
}

static bool is_allowed(struct str url)
{
    if (str_starts_nocase(url, STR("https://")))
        return host_of(str_skip(url, 8)).n > 0;
    return str_starts_nocase(url, STR("http://")) && is_near(host_of(str_skip(url, 7)));
}

static bool is_visible(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] > '~')
            return false;
    return true;
}

int credentials_container_url(const struct environment *environment, char ret_url[URL_MAX], struct aws_error *ret_error)
{
    const char *relative = environment_find(environment, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    const char *full = environment_find(environment, "AWS_CONTAINER_CREDENTIALS_FULL_URI");
    if (!relative && !full)
        return CREDENTIALS_NONE;
    const char *name = relative ? "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI" : "AWS_CONTAINER_CREDENTIALS_FULL_URI";
    char url[URL_MAX];
    int n = snprintf(url, sizeof(url), "%s%s", relative ? ECS_HOST : "", relative ? relative : full);
    if (n < 0 || n >= URL_MAX || !is_visible(str_of(url)) || (relative && relative[0] != '/'))
        return aws_client_fail(ret_error, AWS_NO_CREDENTIALS, "%s is not a %s.", name,
                               relative ? "path that starts with a slash" : "URL");
    if (!relative && !is_allowed(str_of(url)))
        return aws_client_fail(ret_error, AWS_NO_CREDENTIALS,
                               "%s must be https, or http to localhost, a loopback address, 169.254.170.2, "
                               "169.254.170.23 or [fd00:ec2::23].",
                               name);
    memcpy(ret_url, url, (size_t)n + 1);
    return 0;
}

/* --- the token --------------------------------------------------------------------------------------------------- */

/* The token as it is now, read anew each time: EKS replaces the file. 0 with a NUL-terminated text in the buffer, or an
 * empty buffer: none is set. */
static int read_token(const struct environment *environment, struct buf *ret_token, struct aws_error *error)
{
    const char *path = environment_find(environment, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
    struct str variable = str_of(environment_find(environment, "AWS_CONTAINER_AUTHORIZATION_TOKEN"));
    if (path) {
        int r = secret_read_file(path, CREDENTIALS_DOCUMENT_MAX, ret_token);
        if (r == -ENOMEM)
            return r;
        if (r < 0)
            return aws_client_fail(error, AWS_NO_CREDENTIALS,
                                   "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: %.300s cannot be read: %s.", path,
                                   strerror(-r));
    } else {
        buf_init(ret_token, variable.n + 1);
        if (variable.n == 0)
            return 0;
        buf_reserve(ret_token, variable.n + 1);
        buf_put_str(ret_token, variable);
    }
    bool is_fit = ret_token->n > 0;
    for (size_t i = 0; i < ret_token->n; i++)
        is_fit = is_fit && ret_token->p[i] >= ' ' && ret_token->p[i] <= '~';
    buf_put_char(ret_token, '\0');
    if (!is_fit || ret_token->failed) {
        int r = ret_token->failed ? -ENOMEM
                                  : aws_client_fail(error, AWS_NO_CREDENTIALS,
                                                    "%s is empty, or holds a line break or another character that must "
                                                    "not be in a header.",
                                                    path ? "The file of AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"
                                                         : "AWS_CONTAINER_AUTHORIZATION_TOKEN");
        secret_fini_buf(ret_token);
        return r;
    }
    return 0;
}

/* --- the source -------------------------------------------------------------------------------------------------- */

/* The code and message of an answer that is no success, when it has them: they say what is wrong with the role. */
static int explain(struct http_client_answer *answer, const char *source, struct aws_error *error)
{
    struct credentials_set none;
    char place[sizeof(none.source) + 24];
    int r = CREDENTIALS_NONE;
    snprintf(place, sizeof(place), "%s: status %u", source, answer->status);
    if (str_starts(buf_str(&answer->body), STR("{")))
        r = credentials_set_read_json(&none, place, "Token", false, answer->body.p, answer->body.n, error);
    if (r == 0)
        credentials_set_fini(&none);
    return r == AWS_NO_CREDENTIALS || r < 0 ? r : aws_client_fail(error, AWS_NO_CREDENTIALS, "%s.", place);
}

static int ask(struct http_client *client, const char *url, const char *source, const char *token,
               struct credentials_set *ret_set, struct aws_error *error)
{
    const struct http_header headers[] = { { "Accept", "application/json" }, { "Authorization", token ? token : "" } };
    const struct credentials_ask request = { .method = "GET",
                                             .url = url,
                                             .headers = headers,
                                             .n_headers = token ? 2 : 1,
                                             .total_ms = TRY_MS,
                                             .n_tries = N_TRIES,
                                             .pause_ms = PAUSE_MS };
    struct http_client_answer answer;
    struct http_message why;
    int r = credentials_ask_send(client, &request, &answer, &why);
    if (r < 0)
        return r;
    if (r > 0)
        return aws_client_fail(error, AWS_NO_CREDENTIALS, "%s: %s.", source, why.text);
    if (answer.status == 200) {
        r = credentials_set_read_json(ret_set, source, "Token", false, answer.body.p, answer.body.n, error);
    } else {
        r = explain(&answer, source, error);
    }
    credentials_ask_free(&answer);
    return r;
}

int credentials_container_find(const struct credentials_search *search, struct credentials_set *ret_set,
                               struct aws_error *ret_error)
{
    char url[URL_MAX], source[sizeof(ret_set->source)];
    struct http_client *client = NULL;
    struct buf token;
    int r = credentials_container_url(search->environment, url, ret_error);
    if (r == 0)
        r = read_token(search->environment, &token, ret_error);
    if (r != 0)
        return r;
    /* Without the path: in a container it is half a secret. */
    size_t n = (size_t)(strchr(url, ':') + 3 - url);
    snprintf(source, sizeof(source), "container endpoint %.*s", (int)(n + strcspn(url + n, "/?#")), url);
    r = http_client_new(&client);
    if (r == 0)
        r = ask(client, url, source, token.n ? token.p : NULL, ret_set, ret_error);
    http_client_free(client);
    secret_fini_buf(&token);
    return r;
}
