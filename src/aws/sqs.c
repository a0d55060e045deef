/* SPDX-License-Identifier: Apache-2.0
 *
 * SQS's two calls. As its SDKs do, calls go to the root of the queue's own host. */
#include "aws/sqs.h"
#include "aws/json_call.h"

#include <errno.h>
#include <stdio.h>

#define ANSWER_MAX ((size_t)64 << 20) /* ten messages of 1 MiB, escaped */
#define SLACK_MS 5000                 /* on top of the wait */
#define MEMBERS(array) (sizeof(array) / sizeof((array)[0]))

/* The queue's URL without its path. */
static int set_url(struct json_call *call, const char *queue_url, struct arena *arena)
{
    const char *host = strstr(queue_url, "://");
    size_t n = host ? (size_t)(host - queue_url) + 3 : 0;
    n += strcspn(queue_url + n, "/?#");
    call->call.url = arena_printf(arena, "%.*s/", (int)n, queue_url).p;
    return call->call.url ? 0 : -ENOMEM;
}

/* --- receiving --------------------------------------------------------------------------------------------------- */

/* Milliseconds since the epoch, as a string. */
static int read_attributes(struct json_answer *answer, int64_t *ret_sent_ms)
{
    struct str sent = { 0 };
    uint64_t value = 0;
    const struct json_answer_member members[] = { { STR("SentTimestamp"), &sent } };
    int r = json_answer_strings(answer, members, MEMBERS(members));
    if (r)
        return r;
    if (str_is_set(sent) && (str_parse_u64(sent, &value) || value > INT64_MAX))
        return json_answer_odd(answer, "a SentTimestamp that is no number");
    *ret_sent_ms = (int64_t)value;
    return 0;
}

static int read_message(struct json_answer *answer, struct arena *arena, struct sqs_message *ret_message)
{
    struct json_reader *reader = &answer->reader;
    struct sqs_message message = { 0 };
    bool more;
    struct str key;
    json_object(reader);
    while (json_member(reader, &more, &key) == 0 && more) {
        if (str_eq(key, STR("MessageId"))) {
            json_string(reader, &message.id);
        } else if (str_eq(key, STR("ReceiptHandle"))) {
            json_string(reader, &message.receipt_handle);
        } else if (str_eq(key, STR("Body"))) {
            json_string(reader, &message.body);
        } else if (str_eq(key, STR("Attributes"))) {
            int r = read_attributes(answer, &message.sent_ms);
            if (r)
                return r;
        } else {
            json_skip(reader);
        }
    }
    if (reader->error)
        return json_answer_fail(answer);
    if (message.id.n == 0 || message.receipt_handle.n == 0 || !str_is_set(message.body))
        return json_answer_odd(answer, "a message without MessageId, ReceiptHandle or Body");
    message.id = arena_dup(arena, message.id);
    message.receipt_handle = arena_dup(arena, message.receipt_handle);
    message.body = arena_dup(arena, message.body);
    *ret_message = message;
    return arena->failed ? -ENOMEM : 0;
}

static int read_messages(struct json_answer *answer, struct arena *arena, struct sqs_messages *messages)
{
    bool more;
    json_array(&answer->reader);
    while (json_element(&answer->reader, &more) == 0 && more) {
        if (messages->n == SQS_BATCH)
            return json_answer_odd(answer, "more messages than were asked for");
        int r = read_message(answer, arena, &messages->items[messages->n]);
        if (r)
            return r;
        messages->n++;
    }
    return answer->reader.error ? json_answer_fail(answer) : 0;
}

/* No member at all means no message. */
static int read_received(struct json_answer *answer, struct arena *arena, struct sqs_messages *messages)
{
    struct json_reader *reader = &answer->reader;
    bool more;
    struct str key;
    enum json_type type;
    json_object(reader);
    while (json_member(reader, &more, &key) == 0 && more) {
        if (!str_eq(key, STR("Messages")) || (json_peek(reader, &type) == 0 && type == JSON_NULL)) {
            json_skip(reader);
            continue;
        }
        int r = read_messages(answer, arena, messages);
        if (r)
            return r;
    }
    return reader->error ? json_answer_fail(answer) : json_answer_end(answer);
}

int sqs_receive(struct aws_client *client, const char *queue_url, unsigned wait_s, struct arena *arena,
                struct sqs_messages *ret_messages, struct aws_error *ret_error)
{
    struct json_call call;
    struct sqs_messages messages = { .n = 0 };
    json_call_begin(&call, client, "ReceiveMessage", ret_error);
    call.call.total_ms = (int64_t)wait_s * 1000 + SLACK_MS;
    call.call.answer_max = ANSWER_MAX;
    json_field_string(&call.writer, STR("QueueUrl"), str_of(queue_url));
    json_field_int(&call.writer, STR("MaxNumberOfMessages"), SQS_BATCH);
    json_field_int(&call.writer, STR("WaitTimeSeconds"), wait_s);
    json_key(&call.writer, STR("AttributeNames"));
    json_open_array(&call.writer);
    json_put_string(&call.writer, STR("SentTimestamp"));
    json_close_array(&call.writer);
    int r = set_url(&call, queue_url, arena);
    if (r == 0)
        r = json_call_send(&call);
    if (r == 0)
        r = read_received(&call.answer, arena, &messages);
    json_call_end(&call);
    if (r == 0)
        *ret_messages = messages;
    return r;
}

/* --- deleting ---------------------------------------------------------------------------------------------------- */

struct deletion {
    bool waits[SQS_BATCH]; /* asked for, and not answered yet */
    bool has_failure;
    struct aws_error failure; /* the first */
};

/* Entries are named by their place in the batch. */
static int take_entry(struct json_answer *answer, struct deletion *deletion, struct str id)
{
    uint64_t i;
    if (str_parse_u64(id, &i) || i >= SQS_BATCH || !deletion->waits[i])
        return json_answer_odd(answer, "an entry that nobody asked for");
    deletion->waits[i] = false;
    return 0;
}

static int read_entry(struct json_answer *answer, struct deletion *deletion, bool is_failure)
{
    struct str id = { 0 }, code = { 0 }, message = { 0 };
    const struct json_answer_member members[] = {
        { STR("Id"), &id },
        { STR("Code"), &code },
        { STR("Message"), &message },
    };
    int r = json_answer_strings(answer, members, MEMBERS(members));
    if (r == 0)
        r = take_entry(answer, deletion, id);
    if (r || !is_failure || deletion->has_failure)
        return r;
    deletion->has_failure = true;
    aws_client_fail(&deletion->failure, AWS_REFUSED, STR_FMT, STR_ARG(message));
    snprintf(deletion->failure.code, sizeof(deletion->failure.code), STR_FMT, STR_ARG(code));
    return 0;
}

static int read_entries(struct json_answer *answer, struct deletion *deletion, bool is_failure)
{
    bool more;
    json_array(&answer->reader);
    while (json_element(&answer->reader, &more) == 0 && more) {
        int r = read_entry(answer, deletion, is_failure);
        if (r)
            return r;
    }
    return answer->reader.error ? json_answer_fail(answer) : 0;
}

static int read_deleted(struct json_answer *answer, struct deletion *deletion)
{
    struct json_reader *reader = &answer->reader;
    bool more;
    struct str key;
    enum json_type type;
    json_object(reader);
    while (json_member(reader, &more, &key) == 0 && more) {
        bool is_failure = str_eq(key, STR("Failed"));
        if ((!is_failure && !str_eq(key, STR("Successful"))) || (json_peek(reader, &type) == 0 && type == JSON_NULL)) {
            json_skip(reader);
            continue;
        }
        int r = read_entries(answer, deletion, is_failure);
        if (r)
            return r;
    }
    if (reader->error)
        return json_answer_fail(answer);
    for (size_t i = 0; i < SQS_BATCH; i++)
        if (deletion->waits[i])
            return json_answer_odd(answer, "an entry is missing");
    return json_answer_end(answer);
}

static void write_entries(struct json_writer *writer, const struct sqs_messages *messages, const bool *wanted,
                          struct deletion *deletion)
{
    char id[24];
    json_key(writer, STR("Entries"));
    json_open_array(writer);
    for (size_t i = 0; i < messages->n; i++) {
        if (!wanted[i])
            continue;
        snprintf(id, sizeof(id), "%zu", i);
        json_open_object(writer);
        json_field_string(writer, STR("Id"), str_of(id));
        json_field_string(writer, STR("ReceiptHandle"), messages->items[i].receipt_handle);
        json_close_object(writer);
        deletion->waits[i] = true;
    }
    json_close_array(writer);
}

static bool is_any(const bool *wanted, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (wanted[i])
            return true;
    return false;
}

int sqs_delete(struct aws_client *client, const char *queue_url, const struct sqs_messages *messages,
               const bool *wanted, struct arena *arena, struct aws_error *ret_error)
{
    struct json_call call;
    struct deletion deletion = { .has_failure = false };
    if (!is_any(wanted, messages->n))
        return 0;
    json_call_begin(&call, client, "DeleteMessageBatch", ret_error);
    json_field_string(&call.writer, STR("QueueUrl"), str_of(queue_url));
    write_entries(&call.writer, messages, wanted, &deletion);
    int r = set_url(&call, queue_url, arena);
    if (r == 0)
        r = json_call_send(&call);
    if (r == 0)
        r = read_deleted(&call.answer, &deletion);
    json_call_end(&call);
    if (r == 0 && deletion.has_failure) {
        *ret_error = deletion.failure;
        return AWS_REFUSED;
    }
    return r;
}

/* --- the queue's URL --------------------------------------------------------------------------------------------- */

static bool ends_with(struct str text, struct str suffix)
{
    return text.n >= suffix.n && str_eq_nocase(str_skip(text, text.n - suffix.n), suffix);
}

static bool is_of_aws(struct str host)
{
    return ends_with(host, STR(".amazonaws.com")) || ends_with(host, STR(".amazonaws.com.cn")) ||
           ends_with(host, STR(".api.aws")) || ends_with(host, STR(".api.amazonwebservices.com.cn"));
}

/* The label in front of `queue` (queues of old), or behind `sqs`; VPC endpoints have labels in front of that. */
struct str sqs_region_of(const char *queue_url)
{
    struct str rest = str_of(queue_url), before = { 0 };
    if (str_starts_nocase(rest, STR("https://")))
        rest = str_skip(rest, 8);
    else if (str_starts_nocase(rest, STR("http://")))
        rest = str_skip(rest, 7);
    else
        return (struct str){ 0 };
    rest.n = strcspn(rest.p, ":/?#");
    if (!is_of_aws(rest))
        return (struct str){ 0 };
    while (rest.n > 0) {
        struct str label = { rest.p, str_find_char(rest, '.') };
        rest = str_skip(rest, label.n < rest.n ? label.n + 1 : label.n);
        if (str_eq_nocase(label, STR("queue")))
            return before;
        if (str_eq_nocase(label, STR("sqs")) || str_eq_nocase(label, STR("sqs-fips"))) {
            struct str region = { rest.p, str_find_char(rest, '.') };
            return memchr(region.p, '-', region.n) ? region : (struct str){ 0 };
        }
        before = label;
    }
    return (struct str){ 0 };
}
