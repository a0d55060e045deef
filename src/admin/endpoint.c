/* SPDX-License-Identifier: Apache-2.0
 *
 * Asks the machine's own resolver, the one that its SDKs ask. */
#include "admin/endpoint.h"

#include <netdb.h>
#include <stdio.h>
#include <sys/socket.h>

#define DATA_PREFIX "data-"

static const struct scheme {
    const char *text, *port; /* port: when the URL has none */
} http = { "http://", "80" }, https = { "https://", "443" };

/* The addresses of a name, or NULL. `flags` as of getaddrinfo. */
static struct addrinfo *resolve(const char *host, int flags)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = flags };
    struct addrinfo *list = NULL;
    return getaddrinfo(host, NULL, &hints, &list) == 0 ? list : NULL;
}

/* Has one of `list` an address that is in `others`? */
static bool have_common(const struct addrinfo *list, const struct addrinfo *others)
{
    for (const struct addrinfo *a = list; a; a = a->ai_next)
        for (const struct addrinfo *b = others; b; b = b->ai_next)
            if (a->ai_addrlen == b->ai_addrlen && memcmp(a->ai_addr, b->ai_addr, a->ai_addrlen) == 0)
                return true;
    return false;
}

static bool resolves_to(const char *host, const struct addrinfo *wanted)
{
    struct addrinfo *list = resolve(host, 0);
    bool found = have_common(list, wanted);
    if (list)
        freeaddrinfo(list);
    return found;
}

static void name_endpoint(struct endpoint *endpoint, const struct scheme *scheme, const char *host, struct str port)
{
    bool ipv6 = strchr(host, ':') != NULL;
    snprintf(endpoint->host, sizeof(endpoint->host), "%s", host);
    snprintf(endpoint->data_host, sizeof(endpoint->data_host), DATA_PREFIX "%s", endpoint->host);
    snprintf(endpoint->port, sizeof(endpoint->port), STR_FMT, STR_ARG(port));
    snprintf(endpoint->url, sizeof(endpoint->url), "%s%s%s%s:%s", scheme->text, ipv6 ? "[" : "", endpoint->host,
             ipv6 ? "]" : "", endpoint->port);
    endpoint->is_tls = scheme == &https;
}

/* HOST[:PORT] or [IPV6][:PORT] into a NUL-terminated host without brackets and a port. */
static int split(struct str text, const struct scheme *scheme, char ret_host[ENDPOINT_HOST_MAX + 1],
                 struct str *ret_port)
{
    struct str host = text, port = str_of(scheme->port), rest;
    bool bracketed = text.n > 0 && text.p[0] == '[';
    host.n = str_find_char(text, bracketed ? ']' : ':');
    if (bracketed && host.n == text.n)
        return ENDPOINT_BAD;
    rest = str_skip(text, host.n + bracketed);
    if (bracketed)
        host = str_skip(host, 1);
    if (rest.n > 0 && rest.p[0] == ':')
        port = str_skip(rest, 1);
    else if (rest.n > 0)
        return ENDPOINT_BAD;
    uint64_t number;
    if (host.n == 0 || host.n > ENDPOINT_HOST_MAX || str_parse_u64(port, &number) != 0 || number > 65535)
        return ENDPOINT_BAD;
    memcpy(ret_host, host.p, host.n);
    ret_host[host.n] = '\0';
    *ret_port = port;
    return 0;
}

int endpoint_of_address(struct str address, struct endpoint *ret_endpoint)
{
    char host[ENDPOINT_HOST_MAX + 1];
    struct str port;
    if (split(address, &http, host, &port) != 0)
        return ENDPOINT_BAD;
    struct endpoint endpoint = { .data_resolves = false };
    struct addrinfo *own = resolve(host, AI_NUMERICHOST);
    name_endpoint(&endpoint, &http, ENDPOINT_LOCAL_NAME, port);
    endpoint.data_resolves = resolves_to(endpoint.host, own) && resolves_to(endpoint.data_host, own);
    if (!endpoint.data_resolves)
        name_endpoint(&endpoint, &http, host, port);
    if (own)
        freeaddrinfo(own);
    *ret_endpoint = endpoint;
    return 0;
}

int endpoint_of_url(struct str url, struct endpoint *ret_endpoint)
{
    char host[ENDPOINT_HOST_MAX + 1];
    struct str port;
    const struct scheme *scheme = str_starts(url, str_of(https.text)) ? &https : &http;
    if (!str_starts(url, str_of(scheme->text)))
        return ENDPOINT_BAD;
    struct str rest = str_skip(url, strlen(scheme->text));
    if (rest.n > 0 && rest.p[rest.n - 1] == '/')
        rest.n--;
    if (str_find_char(rest, '/') < rest.n || str_find_char(rest, '@') < rest.n || split(rest, scheme, host, &port) != 0)
        return ENDPOINT_BAD;
    /* Whoever speaks TLS is asked from elsewhere, where calls must be signed. */
    struct endpoint endpoint = { .needs_signature = scheme == &https };
    name_endpoint(&endpoint, scheme, host, port);
    struct addrinfo *own = resolve(endpoint.host, 0);
    endpoint.data_resolves = resolves_to(endpoint.data_host, own);
    if (own)
        freeaddrinfo(own);
    *ret_endpoint = endpoint;
    return 0;
}

void endpoint_write_word(struct buf *buf, struct str text)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_./:,@%+=";
    bool quote = text.n == 0;
    for (size_t i = 0; i < text.n; i++)
        quote = quote || !memchr(plain, text.p[i], sizeof(plain) - 1);
    if (!quote) {
        buf_put_str(buf, text);
        return;
    }
    buf_put_char(buf, '\'');
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '\'')
            buf_put_str(buf, STR("'\\''"));
        else
            buf_put_char(buf, text.p[i]);
    }
    buf_put_char(buf, '\'');
}

void endpoint_each_variable(const struct endpoint *endpoint, struct str region, endpoint_variable_fn *fn, void *arg)
{
    if (!endpoint->needs_signature) {
        fn(arg, "AWS_ACCESS_KEY_ID", STR("any"));
        fn(arg, "AWS_SECRET_ACCESS_KEY", STR("any"));
    }
    fn(arg, "AWS_DEFAULT_REGION", region);
    fn(arg, "AWS_REGION", region);
    fn(arg, "AWS_ENDPOINT_URL", str_of(endpoint->url));
    fn(arg, "AWS_PAGER", STR("")); /* or the CLI opens one for every answer */
    if (!endpoint->data_resolves)
        fn(arg, "AWS_DISABLE_HOST_PREFIX_INJECTION", STR("true"));
}

struct exports {
    struct buf *buf;
    const char *indent;
};

static void write_export(void *arg, const char *name, struct str value)
{
    const struct exports *exports = arg;
    buf_printf(exports->buf, "%sexport %s=", exports->indent, name);
    endpoint_write_word(exports->buf, value);
    buf_put_char(exports->buf, '\n');
}

void endpoint_write_exports(struct buf *buf, const struct endpoint *endpoint, struct str region, const char *indent)
{
    struct exports exports = { buf, indent };
    endpoint_each_variable(endpoint, region, write_export, &exports);
}
