/* SPDX-License-Identifier: Apache-2.0
 *
 * Requests to the endpoints that give credentials: few, small, with a short patience. */
#include "aws/credentials_priv.h"
#include "aws/secret.h"

#include <stdio.h>
#include <time.h>

static bool is_worth_another(unsigned status)
{
    return status == 429 || status >= 500;
}

static void explain(int condition, const struct credentials_ask *ask, struct http_message *why)
{
    switch (condition) {
    case HTTP_CLIENT_TIMEOUT:
        snprintf(why->text, sizeof(why->text), "it did not answer within %lld ms, tried %u times",
                 (long long)ask->total_ms, ask->n_tries);
        break;
    case HTTP_CLIENT_NO_CONNECT:
        snprintf(why->text, sizeof(why->text), "nothing accepts a connection there");
        break;
    case HTTP_CLIENT_BAD_URL:
        snprintf(why->text, sizeof(why->text), "that is not an http or https URL");
        break;
    case HTTP_CLIENT_NO_NAME:
        snprintf(why->text, sizeof(why->text), "its host has no address");
        break;
    case HTTP_CLIENT_UNTRUSTED:
        snprintf(why->text, sizeof(why->text), "its certificate is not trusted");
        break;
    case HTTP_CLIENT_TOO_LARGE:
        snprintf(why->text, sizeof(why->text), "its answer is longer than %zu bytes", CREDENTIALS_DOCUMENT_MAX);
        break;
    default:
        snprintf(why->text, sizeof(why->text), "the connection ended before a whole answer came");
        break;
    }
}

int credentials_ask_send(struct http_client *client, const struct credentials_ask *ask,
                         struct http_client_answer *ret_answer, struct http_message *ret_why)
{
    const struct http_client_request request = { .method = ask->method,
                                                 .url = ask->url,
                                                 .headers = ask->headers,
                                                 .n_headers = ask->n_headers,
                                                 .body = strcmp(ask->method, "PUT") ? (struct str){ 0 } : STR(""),
                                                 .total_ms = ask->total_ms,
                                                 .answer_max = CREDENTIALS_DOCUMENT_MAX };
    const struct timespec pause = { .tv_sec = ask->pause_ms / 1000, .tv_nsec = ask->pause_ms % 1000 * 1000000L };
    struct http_message sentence; /* not for us: it speaks of cloudmapd */
    for (unsigned try = 1;; try++) {
        struct http_client_answer answer;
        int r = http_client_send(client, &request, &answer, &sentence);
        if (r < 0)
            return r;
        if (r == 0 && (!is_worth_another(answer.status) || try == ask->n_tries)) {
            *ret_answer = answer;
            return 0;
        }
        if (r == 0)
            credentials_ask_free(&answer);
        if (try == ask->n_tries || r == HTTP_CLIENT_BAD_URL) {
            explain(r, ask, ret_why);
            return 1;
        }
        nanosleep(&pause, NULL);
    }
}

void credentials_ask_free(struct http_client_answer *answer)
{
    secret_fini_buf(&answer->body);
    secret_fini_buf(&answer->head);
}
