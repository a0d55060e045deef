/* SPDX-License-Identifier: Apache-2.0
 *
 * One request as libcurl wants it, and its errors as sentences. */
#include "http/client.h"
#include "base/mem.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>

struct http_client {
    CURL *easy;
};

int http_client_new(struct http_client **ret_client)
{
    struct http_client *client = mem_zalloc(sizeof(*client));
    if (!client)
        return -ENOMEM;
    if (curl_global_init(CURL_GLOBAL_DEFAULT)) {
        mem_free(client);
        return -ENOMEM;
    }
    client->easy = curl_easy_init();
    if (!client->easy) {
        http_client_free(client);
        return -ENOMEM;
    }
    *ret_client = client;
    return 0;
}

void http_client_free(struct http_client *client)
{
    if (!client)
        return;
    if (client->easy)
        curl_easy_cleanup(client->easy);
    curl_global_cleanup();
    mem_free(client);
}

void http_client_answer_free(struct http_client_answer *answer)
{
    buf_fini(&answer->head);
    buf_fini(&answer->body);
}

struct str http_client_header(const struct http_client_answer *answer, const char *name)
{
    struct str rest = buf_str(&answer->head), wanted = str_of(name);
    while (rest.n > 0) {
        struct str line = { rest.p, str_find_char(rest, '\n') };
        rest = str_skip(rest, line.n < rest.n ? line.n + 1 : line.n);
        if (!str_starts_nocase(line, wanted) || line.n == wanted.n || line.p[wanted.n] != ':')
            continue;
        struct str value = str_skip(line, wanted.n + 1);
        while (value.n > 0 && (value.p[0] == ' ' || value.p[0] == '\t'))
            value = str_skip(value, 1);
        while (value.n > 0 && (value.p[value.n - 1] == '\r' || value.p[value.n - 1] == ' '))
            value.n--;
        return value;
    }
    return (struct str){ 0 };
}

/* --- receiving --------------------------------------------------------------------------------------------------- */

static size_t on_body(char *p, size_t size, size_t count, void *arg)
{
    struct buf *body = arg;
    buf_put(body, p, size * count);
    return body->failed ? 0 : size * count;
}

/* Line by line; an interim answer (100 Continue) comes before the real one. */
static size_t on_head(char *p, size_t size, size_t count, void *arg)
{
    struct buf *head = arg;
    struct str line = { p, size * count };
    if (str_starts(line, STR("HTTP/")))
        buf_clear(head);
    buf_put_str(head, line);
    return head->failed ? 0 : line.n;
}

/* libcurl asks at least once a second. */
static int on_progress(void *arg, curl_off_t n_down, curl_off_t at_down, curl_off_t n_up, curl_off_t at_up)
{
    (void)n_down;
    (void)at_down;
    (void)n_up;
    (void)at_up;
    return atomic_load((const atomic_bool *)arg) ? 1 : 0;
}

/* --- sending ----------------------------------------------------------------------------------------------------- */

static int append(struct curl_slist **list, const char *line)
{
    struct curl_slist *longer = curl_slist_append(*list, line);
    if (!longer)
        return -ENOMEM;
    *list = longer;
    return 0;
}

/* libcurl drops a header without a value unless it ends in a semicolon. One that the request brings takes the place of
 * libcurl's own. */
static int make_headers(const struct http_client_request *request, struct curl_slist **ret_list)
{
    struct curl_slist *list = NULL;
    struct buf line;
    buf_init(&line, 1 << 20);
    /* None of those that libcurl would add by itself. */
    int r = append(&list, "Expect:");
    if (r == 0)
        r = append(&list, "Accept:");
    if (r == 0 && request->body.p)
        r = append(&list, "Content-Type:");
    for (size_t i = 0; r == 0 && i < request->n_headers; i++) {
        const struct http_header *header = &request->headers[i];
        buf_clear(&line);
        buf_printf(&line, header->value[0] ? "%s: %s" : "%s;%s", header->name, header->value);
        buf_put_char(&line, '\0');
        r = line.failed ? -ENOMEM : append(&list, line.p);
    }
    buf_fini(&line);
    if (r < 0) {
        curl_slist_free_all(list);
        return r;
    }
    *ret_list = list;
    return 0;
}

#define SET(option, value)                                    \
    do {                                                      \
        if (code == CURLE_OK)                                 \
            code = curl_easy_setopt(easy, (option), (value)); \
    } while (0)

static CURLcode set_options(CURL *easy, const struct http_client_request *request, struct curl_slist *headers,
                            struct http_client_answer *answer)
{
    CURLcode code = CURLE_OK;
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(CURLOPT_USERAGENT, "cloudmap/" CLOUDMAP_VERSION);
    SET(CURLOPT_URL, request->url);
    SET(CURLOPT_PATH_AS_IS, 1L);
    if (request->unix_path)
        SET(CURLOPT_UNIX_SOCKET_PATH, request->unix_path);
    if (!request->uses_environment)
        SET(CURLOPT_PROXY, "");
    SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (request->ca_path)
        SET(CURLOPT_CAINFO, request->ca_path);
    SET(CURLOPT_TIMEOUT_MS, (long)request->total_ms);
    SET(CURLOPT_CONNECTTIMEOUT_MS, (long)(request->connect_ms ? request->connect_ms : request->total_ms));
    if (str_is_set(request->body)) {
        SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.n);
        SET(CURLOPT_POSTFIELDS, request->body.p);
    }
    if (strcmp(request->method, "HEAD") == 0)
        SET(CURLOPT_NOBODY, 1L);
    else
        SET(CURLOPT_CUSTOMREQUEST, request->method);
    SET(CURLOPT_HTTPHEADER, headers);
    if (request->stop) {
        SET(CURLOPT_NOPROGRESS, 0L);
        SET(CURLOPT_XFERINFOFUNCTION, on_progress);
        SET(CURLOPT_XFERINFODATA, request->stop);
    }
    SET(CURLOPT_HEADERFUNCTION, on_head);
    SET(CURLOPT_HEADERDATA, &answer->head);
    SET(CURLOPT_WRITEFUNCTION, on_body);
    SET(CURLOPT_WRITEDATA, &answer->body);
    return code;
}

/* libcurl takes a head that the connection's end cut off at the end of a line for the whole of it. */
static bool is_whole_head(struct str head)
{
    return memmem(head.p, head.n, "\n\r\n", 3) || memmem(head.p, head.n, "\n\n", 2);
}

/* --- what went wrong --------------------------------------------------------------------------------------------- */

static int condition_of(CURLcode code, const struct http_client_answer *answer)
{
    switch (code) {
    case CURLE_OUT_OF_MEMORY:
        return -ENOMEM;
    case CURLE_URL_MALFORMAT:
        return HTTP_CLIENT_BAD_URL;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
        return HTTP_CLIENT_NO_NAME;
    case CURLE_COULDNT_CONNECT:
        return HTTP_CLIENT_NO_CONNECT;
    case CURLE_OPERATION_TIMEDOUT:
        return HTTP_CLIENT_TIMEOUT;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
        return HTTP_CLIENT_UNTRUSTED;
    case CURLE_ABORTED_BY_CALLBACK:
        return HTTP_CLIENT_STOPPED;
    case CURLE_WRITE_ERROR:
        return answer->head.failed || answer->body.failed ? HTTP_CLIENT_TOO_LARGE : HTTP_CLIENT_BROKEN;
    default:
        return HTTP_CLIENT_BROKEN;
    }
}

static void explain(int condition, const struct http_client_request *request, const char *detail,
                    struct http_message *message)
{
    const char *where = request->unix_path ? request->unix_path : request->url;
    char *text = message->text;
    size_t n = sizeof(message->text);
    switch (condition) {
    case HTTP_CLIENT_BAD_URL:
        snprintf(text, n, "%s is not an http or https URL.", request->url);
        break;
    case HTTP_CLIENT_NO_NAME:
        snprintf(text, n, "The host of %s is not known to this machine's resolver.", where);
        break;
    case HTTP_CLIENT_NO_CONNECT:
        snprintf(text, n, "Cannot connect to %s (%s).", where, detail);
        break;
    case HTTP_CLIENT_TIMEOUT:
        snprintf(text, n, "%s did not answer within %lld ms.", where, (long long)request->total_ms);
        break;
    case HTTP_CLIENT_TOO_LARGE:
        snprintf(text, n, "The answer of %s is longer than %zu bytes.", where, request->answer_max);
        break;
    default:
        snprintf(text, n, "The exchange with %s failed: %s.", where, detail);
        break;
    }
}

int http_client_send(struct http_client *client, const struct http_client_request *request,
                     struct http_client_answer *ret_answer, struct http_message *ret_message)
{
    char detail[CURL_ERROR_SIZE] = "";
    struct http_client_answer answer = { 0 };
    struct curl_slist *headers;
    ret_message->text[0] = '\0';
    struct str url = str_of(request->url);
    int r = str_starts_nocase(url, STR("http://")) || str_starts_nocase(url, STR("https://")) ? 0 : HTTP_CLIENT_BAD_URL;
    if (r == 0)
        r = make_headers(request, &headers);
    if (r != 0) {
        explain(r, request, strerror(ENOMEM), ret_message);
        return r;
    }
    buf_init(&answer.head, request->answer_max);
    buf_init(&answer.body, request->answer_max);
    curl_easy_reset(client->easy); /* keeps the connections */
    curl_easy_setopt(client->easy, CURLOPT_ERRORBUFFER, detail);
    CURLcode code = set_options(client->easy, request, headers, &answer);
    if (code == CURLE_OK)
        code = curl_easy_perform(client->easy);
    if (code == CURLE_OK && !is_whole_head(buf_str(&answer.head))) {
        snprintf(detail, sizeof(detail), "the head of the answer ended early");
        code = CURLE_RECV_ERROR;
    }
    curl_slist_free_all(headers);
    curl_easy_setopt(client->easy, CURLOPT_ERRORBUFFER, NULL);
    if (code != CURLE_OK) {
        r = condition_of(code, &answer);
        explain(r, request, detail[0] ? detail : curl_easy_strerror(code), ret_message);
        http_client_answer_free(&answer);
        return r;
    }
    long status = 0;
    char *address = NULL;
    curl_easy_getinfo(client->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(client->easy, CURLINFO_PRIMARY_IP, &address);
    answer.status = (unsigned)status;
    snprintf(answer.address, sizeof(answer.address), "%s", address && !request->unix_path ? address : "");
    *ret_answer = answer;
    return 0;
}
