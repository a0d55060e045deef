/* SPDX-License-Identifier: Apache-2.0
 *
 * See fetch.h. */
#include "cloudmapctl/fetch.h"
#include "admin/socket_path.h"
#include "base/arena.h"
#include "json/reader.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static int fetch_send(const char *socket, const char *url, struct str body, struct http_client_answer *ret_answer,
                      struct http_message *ret_message)
{
    struct http_client *client;
    if (http_client_new(&client) < 0) {
        snprintf(ret_message->text, sizeof(ret_message->text), "Out of memory.");
        return -ENOMEM;
    }
    const char *ca = getenv("AWS_CA_BUNDLE"); /* whom the AWS CLI and boto3 trust */
    struct http_client_request request = { .method = str_is_set(body) ? "POST" : "GET",
                                           .url = url,
                                           .unix_path = socket,
                                           .body = body,
                                           .total_ms = FETCH_TIMEOUT_MS,
                                           .answer_max = FETCH_ANSWER_MAX,
                                           .ca_path = ca && *ca ? ca : NULL };
    int r = http_client_send(client, &request, ret_answer, ret_message);
    http_client_free(client);
    if (r == HTTP_CLIENT_NO_CONNECT) {
        size_t n = strlen(ret_message->text);
        snprintf(ret_message->text + n, sizeof(ret_message->text) - n, " Is cloudmapd running there?");
    }
    return r;
}

int fetch_get(const char *socket, const char *url, struct http_client_answer *ret_answer,
              struct http_message *ret_message)
{
    return fetch_send(socket, url, (struct str){ 0 }, ret_answer, ret_message);
}

/* The member `error` of a refusal's JSON; absent when it has none. The text is modified. */
static struct str read_error(struct buf *body, struct arena *arena)
{
    struct json_reader reader;
    struct str key, error = { 0 };
    bool more = false;
    json_reader_init(&reader, body->p, body->n, arena);
    json_object(&reader);
    while (json_member(&reader, &more, &key) == 0 && more) {
        if (str_eq(key, STR("error")))
            json_string(&reader, &error);
        else
            json_skip(&reader);
    }
    return json_end(&reader) == 0 ? error : (struct str){ 0 };
}

/* Of an answer that is not 200. */
static void explain_refusal(struct http_client_answer *answer, char *why, size_t size)
{
    struct arena arena;
    arena_init(&arena, 1 << 20);
    struct str error = answer->body.n ? read_error(&answer->body, &arena) : (struct str){ 0 };
    if (str_is_set(error))
        snprintf(why, size, STR_FMT, STR_ARG(error));
    else
        snprintf(why, size, "the daemon answered with status %u", answer->status);
    arena_fini(&arena);
}

static int fetch_resource(const struct ctl *ctl, const char *path, struct str body, char **ret_text, size_t *ret_n,
                          char *why, size_t size)
{
    struct socket_path socket;
    struct http_client_answer answer;
    struct http_message message;
    struct buf url;
    if (socket_path_open(ctl->data, ctl->socket, &socket) < 0) {
        snprintf(why, size, "there is no daemon's data in %s (--data DIR names another place)", ctl->data);
        return EXIT_FAILURE;
    }
    buf_init(&url, 1 << 16);
    buf_printf(&url, "http://cloudmapd%s", path);
    buf_put_char(&url, '\0');
    int r = url.failed ? -ENOMEM : fetch_send(socket.text, url.p, body, &answer, &message);
    bool is_barred = r == HTTP_CLIENT_NO_CONNECT && access(socket.text, W_OK) != 0 && errno == EACCES;
    buf_fini(&url);
    socket_path_close(&socket);
    if (r == HTTP_CLIENT_NO_CONNECT) {
        snprintf(why, size, "%s %s%s; %s", is_barred ? "no permission to reach" : "no daemon answers on",
                 ctl->socket ? ctl->socket : ctl->data, ctl->socket ? "" : "/" SOCKET_PATH_NAME,
                 is_barred ? "run this as root (sudo) or as the daemon's user"
                           : "start cloudmapd, or say where it is: --data or --socket");
        return EXIT_FAILURE;
    }
    if (r != 0) {
        snprintf(why, size, "%s", r == -ENOMEM ? "out of memory" : message.text);
        return EXIT_FAILURE;
    }
    char *text = NULL;
    unsigned status = answer.status;
    if (status != 200)
        explain_refusal(&answer, why, size);
    else if (!(text = buf_take(&answer.body, ret_n)))
        snprintf(why, size, "out of memory");
    http_client_answer_free(&answer);
    if (!text)
        return status == 423 ? FETCH_GUARD_REFUSES : EXIT_FAILURE;
    *ret_text = text;
    return 0;
}

int fetch_admin(const struct ctl *ctl, const char *path, char **ret_text, size_t *ret_n, char *why, size_t size)
{
    return fetch_resource(ctl, path, (struct str){ 0 }, ret_text, ret_n, why, size);
}

int fetch_admin_post(const struct ctl *ctl, const char *path, struct str body, char **ret_text, size_t *ret_n,
                     char *why, size_t size)
{
    return fetch_resource(ctl, path, body, ret_text, ret_n, why, size);
}

int64_t fetch_date(const struct http_client_answer *answer)
{
    struct str date = http_client_header(answer, "Date");
    struct tm tm = { 0 };
    char text[64];
    if (!str_is_set(date))
        return 0;
    snprintf(text, sizeof(text), STR_FMT, STR_ARG(date));
    return strptime(text, "%a, %d %b %Y %H:%M:%S GMT", &tm) ? (int64_t)timegm(&tm) : 0;
}
