/* SPDX-License-Identifier: Apache-2.0
 *
 * Every part has an upper bound of its length, so the text is written into one piece of memory. */
#include "sigv4/canonical.h"

#include <errno.h>
#include <stdlib.h>

/* --- percent encoding -------------------------------------------------------------------------------------------- */

static bool is_unreserved(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == '_' || c == '~';
}

static char *put_encoded(char *p, unsigned char c)
{
    static const char digits[] = "0123456789ABCDEF";
    *p++ = '%';
    *p++ = digits[c >> 4];
    *p++ = digits[c & 15];
    return p;
}

char *canonical_encode(char *p, struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (is_unreserved((unsigned char)s.p[i]))
            *p++ = s.p[i];
        else
            p = put_encoded(p, (unsigned char)s.p[i]);
    }
    return p;
}

static int digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = str_fold_char(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int canonical_decode(struct str s, struct arena *arena, struct str *ret_text)
{
    char *text = arena_alloc(arena, s.n + 1), *p = text;
    if (!text)
        return -ENOMEM;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] != '%') {
            *p++ = s.p[i];
            continue;
        }
        int high = i + 2 < s.n ? digit_of(s.p[i + 1]) : -1;
        int low = high >= 0 ? digit_of(s.p[i + 2]) : -1;
        if (low < 0)
            return CANONICAL_MALFORMED;
        *p++ = (char)(high << 4 | low);
        i += 2;
    }
    *ret_text = (struct str){ text, (size_t)(p - text) };
    return 0;
}

/* --- path -------------------------------------------------------------------------------------------------------- */

static char *encode_path(char *p, struct str path)
{
    for (size_t i = 0; i < path.n; i++) {
        if (path.p[i] == '/')
            *p++ = '/';
        else
            p = canonical_encode(p, (struct str){ path.p + i, 1 });
    }
    return p;
}

/* Resolves segments while it encodes them; what is written always ends where a segment ended. NULL above the root. */
static char *resolve_path(char *p, struct str path)
{
    char *root = p;
    struct str rest = path;
    while (rest.n > 0) {
        struct str segment = { rest.p, str_find_char(rest, '/') };
        rest = str_skip(rest, segment.n < rest.n ? segment.n + 1 : segment.n);
        if (segment.n == 0 || str_eq(segment, STR(".")))
            continue;
        if (!str_eq(segment, STR(".."))) {
            *p++ = '/';
            p = canonical_encode(p, segment);
            continue;
        }
        if (p == root)
            return NULL;
        while (*--p != '/')
            ;
    }
    if (p == root || path.p[path.n - 1] == '/')
        *p++ = '/';
    return p;
}

static char *put_path(char *p, const struct canonical_request *request)
{
    struct str path = request->path;
    if (path.n == 0)
        path = STR("/");
    if (path.p[0] != '/')
        return NULL;
    return request->keeps_path ? encode_path(p, path) : resolve_path(p, path);
}

/* --- query ------------------------------------------------------------------------------------------------------- */

bool canonical_next_parameter(struct str *query, struct str_pair *ret_parameter)
{
    while (query->n > 0) {
        struct str item = { query->p, str_find_char(*query, '&') };
        *query = str_skip(*query, item.n < query->n ? item.n + 1 : item.n);
        if (item.n == 0)
            continue;
        size_t n = str_find_char(item, '=');
        ret_parameter->key = (struct str){ item.p, n };
        ret_parameter->value = n < item.n ? str_skip(item, n + 1) : STR("");
        return true;
    }
    return false;
}

static int compare_pairs(const void *a, const void *b)
{
    const struct str_pair *x = a, *y = b;
    int c = str_cmp(x->key, y->key);
    return c ? c : str_cmp(x->value, y->value);
}

/* Decoded and encoded anew, as clients differ in what they leave as it is. */
static int recode(struct str s, struct arena *arena, struct str *ret_text)
{
    struct str plain;
    int r = canonical_decode(s, arena, &plain);
    if (r != 0)
        return r;
    char *p = arena_alloc(arena, 3 * plain.n + 1);
    if (!p)
        return -ENOMEM;
    *ret_text = (struct str){ p, (size_t)(canonical_encode(p, plain) - p) };
    return 0;
}

static bool is_left_out(const struct canonical_request *request, struct str key)
{
    return (request->is_presigned && str_eq(key, STR("X-Amz-Signature"))) ||
           (request->omits_token && str_eq(key, STR("X-Amz-Security-Token")));
}

static int read_query(const struct canonical_request *request, struct arena *arena, struct str_pair *pairs,
                      size_t *ret_n)
{
    struct str rest = request->query;
    struct str_pair raw;
    size_t n = 0;
    while (canonical_next_parameter(&rest, &raw)) {
        struct str_pair pair;
        int r = recode(raw.key, arena, &pair.key);
        if (r == 0)
            r = recode(raw.value, arena, &pair.value);
        if (r != 0)
            return r;
        if (is_left_out(request, pair.key))
            continue;
        if (n == CANONICAL_MAX_PARAMETERS)
            return CANONICAL_TOO_LARGE;
        pairs[n++] = pair;
    }
    *ret_n = n;
    return 0;
}

static char *put_str(char *p, struct str s)
{
    if (s.n)
        memcpy(p, s.p, s.n);
    return p + s.n;
}

static int put_query(char **p, const struct canonical_request *request, struct arena *arena)
{
    if (request->query.n == 0)
        return 0;
    size_t n = 0;
    struct str_pair *pairs = ARENA_ARRAY(arena, struct str_pair, CANONICAL_MAX_PARAMETERS);
    int r = pairs ? read_query(request, arena, pairs, &n) : -ENOMEM;
    if (r != 0)
        return r;
    qsort(pairs, n, sizeof(*pairs), compare_pairs);
    for (size_t i = 0; i < n; i++) {
        if (i)
            *(*p)++ = '&';
        *p = put_str(*p, pairs[i].key);
        *(*p)++ = '=';
        *p = put_str(*p, pairs[i].value);
    }
    return 0;
}

/* --- headers ----------------------------------------------------------------------------------------------------- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Without blanks at its ends, and one space for each run of them within. NULL for a line end or a NUL: the text would
 * have lines that the request has not. */
static char *put_value(char *p, struct str value)
{
    char *begin = p;
    bool gap = false;
    for (size_t i = 0; i < value.n; i++) {
        char c = value.p[i];
        if (c == '\n' || c == '\r' || c == '\0')
            return NULL;
        if (is_blank(c)) {
            gap = p > begin;
            continue;
        }
        if (gap)
            *p++ = ' ';
        gap = false;
        *p++ = c;
    }
    return p;
}

static int put_header(char **p, const struct canonical_request *request, struct str name)
{
    bool found = false;
    *p = put_str(*p, name);
    for (size_t i = 0; i < request->n_headers; i++) {
        if (!str_eq_nocase(request->headers[i].key, name))
            continue;
        *(*p)++ = found ? ',' : ':';
        found = true;
        *p = put_value(*p, request->headers[i].value);
        if (!*p)
            return CANONICAL_MALFORMED;
    }
    *(*p)++ = '\n';
    return found ? 0 : CANONICAL_NO_HEADER;
}

static bool is_name(struct str name)
{
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        if (c <= ' ' || c > '~' || c == ':' || c == ';' || c == ',' || str_fold_char(c) != c)
            return false;
    }
    return name.n > 0;
}

static int put_headers(char **p, const struct canonical_request *request, struct str list)
{
    struct str rest = list, last = STR("");
    size_t n = 0;
    while (true) {
        struct str name = { rest.p, str_find_char(rest, ';') };
        if (!is_name(name) || str_cmp(last, name) >= 0)
            return CANONICAL_BAD_LIST;
        if (n++ == CANONICAL_MAX_SIGNED)
            return CANONICAL_TOO_LARGE;
        int r = put_header(p, request, name);
        if (r != 0)
            return r;
        if (name.n == rest.n)
            return 0;
        last = name;
        rest = str_skip(rest, name.n + 1);
    }
}

/* --- all of it --------------------------------------------------------------------------------------------------- */

static bool is_method(struct str method)
{
    for (size_t i = 0; i < method.n; i++)
        if (method.p[i] <= ' ' || method.p[i] > '~')
            return false;
    return method.n > 0;
}

/* What the text may take at most; 0 when the request is too large. */
static size_t bound_of(const struct canonical_request *request, struct str list)
{
    if (request->n_headers > CANONICAL_MAX_HEADERS)
        return 0;
    size_t coded = request->path.n + request->query.n, plain = request->method.n + list.n;
    for (size_t i = 0; i < request->n_headers && plain <= CANONICAL_MAX_BYTES; i++)
        plain += request->headers[i].key.n + request->headers[i].value.n;
    if (coded > CANONICAL_MAX_BYTES || coded + plain > CANONICAL_MAX_BYTES)
        return 0;
    /* An encoded byte is three, a parameter may gain its `=`. The list stands there twice, once as names of headers
     * with a line end for each; a header's value comes behind a colon or a comma. */
    return 4 * coded + plain + 2 * list.n + 2 * request->n_headers + request->payload_hash.n + 16;
}

int canonical_make(const struct canonical_request *request, struct str signed_headers, struct arena *arena,
                   struct str *ret_text)
{
    if (request->payload_hash.n > CANONICAL_HASH_LEN || !is_method(request->method))
        return CANONICAL_MALFORMED;
    size_t bound = bound_of(request, signed_headers);
    if (bound == 0)
        return CANONICAL_TOO_LARGE;
    char *text = arena_alloc(arena, bound);
    if (!text)
        return -ENOMEM;
    char *p = put_str(text, request->method);
    *p++ = '\n';
    p = put_path(p, request);
    if (!p)
        return CANONICAL_MALFORMED;
    *p++ = '\n';
    int r = put_query(&p, request, arena);
    if (r != 0)
        return r;
    *p++ = '\n';
    r = put_headers(&p, request, signed_headers);
    if (r != 0)
        return r;
    *p++ = '\n';
    p = put_str(p, signed_headers);
    *p++ = '\n';
    p = put_str(p, request->payload_hash);
    *ret_text = (struct str){ text, (size_t)(p - text) };
    return 0;
}

/* --- the list ---------------------------------------------------------------------------------------------------- */

static int compare_names(const void *a, const void *b)
{
    return str_cmp_nocase(*(const struct str *)a, *(const struct str *)b);
}

int canonical_list(const struct str_pair *headers, size_t n_headers, struct arena *arena, struct str *ret_list)
{
    size_t bound = 1;
    if (n_headers > CANONICAL_MAX_HEADERS)
        return CANONICAL_TOO_LARGE;
    struct str *names = ARENA_ARRAY(arena, struct str, n_headers);
    for (size_t i = 0; names && i < n_headers; i++) {
        names[i] = headers[i].key;
        bound += names[i].n + 1;
        if (bound > CANONICAL_MAX_BYTES)
            return CANONICAL_TOO_LARGE;
    }
    char *list = arena_alloc(arena, bound), *p = list;
    if (!names || !list)
        return -ENOMEM;
    qsort(names, n_headers, sizeof(*names), compare_names);
    for (size_t i = 0; i < n_headers; i++) {
        if (i && str_eq_nocase(names[i - 1], names[i]))
            continue;
        if (i)
            *p++ = ';';
        for (size_t j = 0; j < names[i].n; j++)
            *p++ = str_fold_char(names[i].p[j]);
    }
    *ret_list = (struct str){ list, (size_t)(p - list) };
    return 0;
}
