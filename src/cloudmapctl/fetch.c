/* SPDX-License-Identifier: Apache-2.0
 *
 * See fetch.h. */
#include "cloudmapctl/fetch.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

int fetch_get(const char *socket, const char *url, struct http_client_answer *ret_answer,
              struct http_message *ret_message)
{
    struct http_client *client;
    if (http_client_new(&client) < 0) {
        snprintf(ret_message->text, sizeof(ret_message->text), "Out of memory.");
        return -ENOMEM;
    }
    struct http_client_request request = {
        .method = "GET", .url = url, .unix_path = socket, .total_ms = FETCH_TIMEOUT_MS, .answer_max = FETCH_ANSWER_MAX
    };
    int r = http_client_send(client, &request, ret_answer, ret_message);
    http_client_free(client);
    if (r == HTTP_CLIENT_NO_CONNECT) {
        size_t n = strlen(ret_message->text);
        snprintf(ret_message->text + n, sizeof(ret_message->text) - n, " Is cloudmapd running there?");
    }
    return r;
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
