/* SPDX-License-Identifier: Apache-2.0
 *
 * The rules for the head of a request. */
#include "http/head.h"

enum char_class {
    CLASS_TOKEN = 1,  /* RFC 9110 section 5.6.2 */
    CLASS_VALUE = 2,  /* of a field: visible, blank, tab, obs-text (section 5.5) */
    CLASS_TARGET = 4, /* RFC 3986: what a path and a query may hold, and the delimiters that clients forget to encode */
    CLASS_HOST = 8,   /* RFC 3986 section 3.2.2 with a port: registered names, addresses, [IPv6] */
};

static const uint8_t classes[256] = {
    ['\t'] = CLASS_VALUE,
    [' '] = CLASS_VALUE,
    ['"'] = CLASS_VALUE | CLASS_TARGET,
    ['('] = CLASS_VALUE | CLASS_TARGET | CLASS_HOST,
    [')'] = CLASS_VALUE | CLASS_TARGET | CLASS_HOST,
    [','] = CLASS_VALUE | CLASS_TARGET | CLASS_HOST,
    ['/'] = CLASS_VALUE | CLASS_TARGET,
    [':'] = CLASS_VALUE | CLASS_TARGET | CLASS_HOST,
    [';'] = CLASS_VALUE | CLASS_TARGET | CLASS_HOST,
    ['<'] = CLASS_VALUE | CLASS_TARGET,
    ['='] = CLASS_VALUE | CLASS_TARGET | CLASS_HOST,
    ['>'] = CLASS_VALUE | CLASS_TARGET,
    ['?'] = CLASS_VALUE | CLASS_TARGET,
    ['@'] = CLASS_VALUE | CLASS_TARGET,
    ['['] = CLASS_VALUE | CLASS_TARGET | CLASS_HOST,
    ['\\'] = CLASS_VALUE | CLASS_TARGET,
    [']'] = CLASS_VALUE | CLASS_TARGET | CLASS_HOST,
    ['{'] = CLASS_VALUE | CLASS_TARGET,
    ['}'] = CLASS_VALUE | CLASS_TARGET,
    ['#'] = CLASS_TOKEN | CLASS_VALUE,
    ['^'] = CLASS_TOKEN | CLASS_VALUE | CLASS_TARGET,
    ['`'] = CLASS_TOKEN | CLASS_VALUE | CLASS_TARGET,
    ['|'] = CLASS_TOKEN | CLASS_VALUE | CLASS_TARGET,
    ['!'] = CLASS_TOKEN | CLASS_VALUE | CLASS_TARGET | CLASS_HOST,
    ['$' ... '\''] = CLASS_TOKEN | CLASS_VALUE | CLASS_TARGET | CLASS_HOST, /* $ % & ' */
    ['*'] = CLASS_TOKEN | CLASS_VALUE | CLASS_TARGET | CLASS_HOST,
    ['+'] = CLASS_TOKEN | CLASS_VALUE | CLASS_TARGET | CLASS_HOST,
    ['-'] = CLASS_TOKEN | CLASS_VALUE | CLASS_TARGET | CLASS_HOST,
    ['.'] = CLASS_TOKEN | CLASS_VALUE | CLASS_TARGET | CLASS_HOST,
    ['_'] = CLASS_TOKEN | CLASS_VALUE | CLASS_TARGET | CLASS_HOST,
    ['~'] = CLASS_TOKEN | CLASS_VALUE | CLASS_TARGET | CLASS_HOST,
    ['0' ... '9'] = CLASS_TOKEN | CLASS_VALUE | CLASS_TARGET | CLASS_HOST,
    ['A' ... 'Z'] = CLASS_TOKEN | CLASS_VALUE | CLASS_TARGET | CLASS_HOST,
    ['a' ... 'z'] = CLASS_TOKEN | CLASS_VALUE | CLASS_TARGET | CLASS_HOST,
    [0x80 ... 0xff] = CLASS_VALUE,
};

static bool is_all(struct str s, enum char_class class)
{
    unsigned all = class;
    for (size_t i = 0; i < s.n; i++)
        all &= classes[(unsigned char)s.p[i]];
    return all != 0;
}

#define EVERY(byte) (UINT64_C(0x0101010101010101) * (byte))

/* is_all(s, CLASS_VALUE), eight bytes at a time as long as none is a control character: values are most of a head. */
static bool is_value(struct str s)
{
    size_t at = 0;
    for (; s.n - at >= 8; at += 8) {
        uint64_t word, deleted;
        memcpy(&word, s.p + at, 8);
        deleted = word ^ EVERY(0x7f);
        /* Bytes below 0x20, and bytes that are 0x7f. */
        if ((((word - EVERY(0x20)) & ~word) | ((deleted - EVERY(0x01)) & ~deleted)) & EVERY(0x80))
            break;
    }
    return is_all(str_skip(s, at), CLASS_VALUE);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static int refuse(struct head_refusal *ret_refusal, unsigned status, const char *message)
{
    *ret_refusal = (struct head_refusal){ .status = status, .message = message };
    return 1;
}

/* http://AUTHORITY PATH: the authority goes to head->host, what remains is returned; absent when it is not of that
 * form. */
static struct str cut_authority(struct head *head, struct str target)
{
    struct str rest;
    if (str_starts_nocase(target, STR("http://")))
        rest = str_skip(target, 7);
    else if (str_starts_nocase(target, STR("https://")))
        rest = str_skip(target, 8);
    else
        return (struct str){ 0 };
    size_t n = 0;
    while (n < rest.n && rest.p[n] != '/' && rest.p[n] != '?')
        n++;
    head->host = (struct str){ rest.p, n };
    return str_skip(rest, n);
}

/* RFC 9112 section 3.2: origin-form, absolute-form, and asterisk-form for OPTIONS. Authority-form is CONNECT's, and
 * this is no proxy. */
static int check_target(struct head *head, struct head_refusal *ret_refusal)
{
    struct str target = head->target;
    if (target.n == 0 || !is_all(target, CLASS_TARGET))
        return refuse(ret_refusal, 400, "The request target holds characters that must be percent-encoded.");
    if (str_eq(target, STR("*")) && str_eq(head->method, STR("OPTIONS"))) {
        head->path = target;
        return 0;
    }
    if (target.p[0] != '/') {
        target = cut_authority(head, target);
        if (!str_is_set(target) || head->host.n == 0)
            return refuse(ret_refusal, 400, "The request target is neither a path nor an absolute http URL.");
    }
    size_t n = str_find_char(target, '?');
    head->path = n > 0 ? (struct str){ target.p, n } : STR("/");
    if (n < target.n)
        head->query = str_skip(target, n + 1);
    return 0;
}

/* Headers of which a second one changes the meaning of a request. */
struct seen {
    struct str host, content_length, transfer_encoding;
};

static int see_once(struct str *slot, struct str value, const char *message, struct head_refusal *ret_refusal)
{
    if (str_is_set(*slot))
        return refuse(ret_refusal, 400, message);
    *slot = value;
    return 0;
}

static int check_header(struct str_pair *header, struct seen *seen, struct head_refusal *ret_refusal)
{
    struct str name = header->key, value = header->value;
    if (name.n == 0 || !is_all(name, CLASS_TOKEN))
        return refuse(ret_refusal, 400, "A header name is empty or holds a character that no token may hold.");
    if (!is_value(value))
        return refuse(ret_refusal, 400, "A header value holds a control character.");
    while (header->value.n > 0 && is_blank(header->value.p[header->value.n - 1]))
        header->value.n--;
    /* The library reads the framing headers without cutting blanks from their ends: so do we, lest we disagree. */
    switch (name.n) {
    case sizeof("Host") - 1:
        if (str_eq_nocase(name, STR("Host")))
            return see_once(&seen->host, header->value, "There is more than one Host header.", ret_refusal);
        return 0;
    case sizeof("Content-Length") - 1:
        if (str_eq_nocase(name, STR("Content-Length")))
            return see_once(&seen->content_length, value, "There is more than one Content-Length header.", ret_refusal);
        return 0;
    case sizeof("Transfer-Encoding") - 1:
        if (str_eq_nocase(name, STR("Transfer-Encoding")))
            return see_once(&seen->transfer_encoding, value, "There is more than one Transfer-Encoding header.",
                            ret_refusal);
        return 0;
    default:
        return 0;
    }
}

/* RFC 9112 section 6: a body has one length, told in one way. */
static int check_framing(struct head *head, const struct seen *seen, bool is_1_0, struct head_refusal *ret_refusal)
{
    if (str_is_set(seen->transfer_encoding)) {
        if (str_is_set(seen->content_length))
            return refuse(ret_refusal, 400, "There are both Content-Length and Transfer-Encoding.");
        if (is_1_0)
            return refuse(ret_refusal, 400, "HTTP/1.0 has no Transfer-Encoding.");
        if (!str_eq_nocase(seen->transfer_encoding, STR("chunked")))
            return refuse(ret_refusal, 501, "The only Transfer-Encoding that is understood is chunked.");
        head->chunked = true;
    } else if (str_is_set(seen->content_length)) {
        if (str_parse_u64(seen->content_length, &head->content_length))
            return refuse(ret_refusal, 400, "Content-Length is not a number.");
    }
    head->has_body = head->chunked || str_is_set(seen->content_length);
    return 0;
}

static int check_host(struct head *head, const struct seen *seen, bool is_1_0, struct head_refusal *ret_refusal)
{
    if (!str_is_set(seen->host)) {
        if (!is_1_0)
            return refuse(ret_refusal, 400, "There is no Host header.");
    } else if (!is_all(seen->host, CLASS_HOST)) {
        return refuse(ret_refusal, 400, "The Host header is not a host with an optional port.");
    }
    if (!str_is_set(head->host))
        head->host = seen->host;
    else if (!is_all(head->host, CLASS_HOST))
        return refuse(ret_refusal, 400, "The host of the request target is not a host with an optional port.");
    return 0;
}

int head_check(struct head *head, struct head_refusal *ret_refusal)
{
    head->path = head->query = head->host = (struct str){ 0 };
    head->content_length = 0;
    head->has_body = head->chunked = false;

    bool is_1_0 = str_eq(head->version, STR("HTTP/1.0"));
    if (!is_1_0 && !str_eq(head->version, STR("HTTP/1.1")))
        return refuse(ret_refusal, 505, "Only HTTP/1.1 and HTTP/1.0 are spoken here.");
    if (head->method.n == 0 || !is_all(head->method, CLASS_TOKEN))
        return refuse(ret_refusal, 400, "The method holds a character that no token may hold.");
    if (check_target(head, ret_refusal))
        return 1;
    struct seen seen = { 0 };
    for (size_t i = 0; i < head->n_headers; i++) {
        if (check_header(&head->headers[i], &seen, ret_refusal))
            return 1;
    }
    if (check_framing(head, &seen, is_1_0, ret_refusal))
        return 1;
    return check_host(head, &seen, is_1_0, ret_refusal);
}

/* Whether `s` is at *at, followed by `n_nul` NUL bytes before `end`; then moves *at behind them. */
static bool step(const char **at, const char *end, struct str s, size_t n_nul)
{
    if (s.p != *at || (size_t)(end - *at) < s.n + n_nul)
        return false;
    for (size_t i = 0; i < n_nul; i++) {
        if (s.p[s.n + i] != '\0')
            return false;
    }
    *at = s.p + s.n + n_nul;
    return true;
}

bool head_is_unbroken(const struct head *head, const char *start, size_t n)
{
    const char *at = start, *end = start + n;
    if (!step(&at, end, head->method, 1) || !step(&at, end, head->target, 1) || !step(&at, end, head->version, 2))
        return false;
    for (size_t i = 0; i < head->n_headers; i++) {
        if (!step(&at, end, head->headers[i].key, 1))
            return false;
        while (at < end && is_blank(*at))
            at++;
        if (!step(&at, end, head->headers[i].value, 2))
            return false;
    }
    return end - at == 2 && at[0] == '\0' && at[1] == '\0';
}
