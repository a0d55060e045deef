#include "cloudmapctl/fetch.h"
#include "base/buf.h"
#include "base/mem.h"
#include <curl/curl.h>
#include <stdio.h>
static size_t on_body(char *p, size_t size, size_t n, void *arg)
{
    struct buf *buf = arg;
    buf_put(buf, p, size * n);
    return buf->failed ? 0 : size * n;
}
static size_t on_header(char *p, size_t size, size_t n, void *arg)
{
    struct str line = { p, size * n };
    if (str_starts_nocase(line, STR("Date:"))) {
        char t[64];
        snprintf(t, sizeof t, "%.*s", (int)(line.n - 7), line.p + 6);
        *(int64_t *)arg = curl_getdate(t, NULL);
    }
    return size * n;
}
int fetch_get(const char *socket, const char *url, struct fetch *ret_fetch, char *ret_reason)
{
    CURL *c = curl_easy_init();
    struct buf buf;
    struct fetch f = { 0 };
    long st = 0;
    buf_init(&buf, 8 << 20);
    curl_easy_setopt(c, CURLOPT_URL, url);
    if (socket)
        curl_easy_setopt(c, CURLOPT_UNIX_SOCKET_PATH, socket);
    curl_easy_setopt(c, CURLOPT_PROXY, "");
    curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)FETCH_TIMEOUT_MS);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, &buf);
    curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(c, CURLOPT_HEADERDATA, &f.date_s);
    CURLcode r = curl_easy_perform(c);
    if (r)
        snprintf(ret_reason, FETCH_REASON_MAX, "%s", curl_easy_strerror(r));
    curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &st);
    curl_easy_cleanup(c);
    f.status = (unsigned)st;
    f.body = buf_take(&buf, &f.n);
    if (r || !f.body) {
        mem_free(f.body);
        return 1;
    }
    *ret_fetch = f;
    return 0;
}
void fetch_free(struct fetch *fetch)
{
    mem_free(fetch->body);
    fetch->body = NULL;
}
