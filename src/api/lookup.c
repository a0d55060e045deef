/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading what is asked, walking the trail backwards, writing what is found. */
#include "api/lookup.h"

#include "api/api_worker.h"
#include "api/lookup_token.h"
#include "base/mem.h"
#include "base/queue.h"
#include "model/audit_event.h"
#include "store/store.h"
#include "json/writer.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#define LOOKUP_MAX_WAITING 64
#define LOOKUP_MAX_BATCH 16
#define LOOKUP_MAX_PAGE 50
#define LOOKUP_MAX_SCAN 20000 /* rows that one call looks at; then the page ends, with a token */
#define LOOKUP_MAX_ANSWER (8u << 20)
#define LOOKUP_MAX_EVENT (8u << 20)

enum lookup_key {
    LOOKUP_ALL,
    LOOKUP_EVENT_ID,
    LOOKUP_EVENT_NAME,
    LOOKUP_READ_ONLY,
    LOOKUP_USERNAME,
    LOOKUP_RESOURCE_TYPE,
    LOOKUP_RESOURCE_NAME,
    LOOKUP_EVENT_SOURCE,
    LOOKUP_ACCESS_KEY_ID,
    LOOKUP_KEY_COUNT,
};

static const char *const lookup_keys[LOOKUP_KEY_COUNT] = {
    "", "EventId", "EventName", "ReadOnly", "Username", "ResourceType", "ResourceName", "EventSource", "AccessKeyId",
};

/* A call that waits, in its arena. */
struct lookup_query {
    struct queue_item item; /* first: the queue's */
    struct api_call *call;
    enum lookup_key key;
    struct str value;
    int64_t start_ms, end_ms;
    struct str token, context; /* context: of it and of the next page's */
    uint64_t from;             /* of the token; UINT64_MAX: the newest */
    size_t max;
    /* while it is answered */
    struct buf *answer;
    size_t n, n_scanned;
    uint64_t next; /* where the next page begins; 0: there is none */
};

struct lookup {
    struct queue queue;
    struct store_trail *trail; /* NULL until the first call */
    struct aead aead;          /* of tokens */
    pthread_t thread;
    char dir[];
};

/* --- what is asked ----------------------------------------------------------------------------------------------- */

static int read_key(struct json_reader *reader, struct lookup_query *query)
{
    struct str key;
    int r = json_string(reader, &key);

    for (enum lookup_key i = LOOKUP_EVENT_ID; r == 0 && i < LOOKUP_KEY_COUNT; i++)
        if (str_eq(key, str_of(lookup_keys[i])))
            query->key = i;
    return r;
}

static int read_attributes(struct json_reader *reader, struct lookup_query *query, unsigned *ret_n)
{
    struct str name;
    bool more;

    *ret_n = 0;
    json_array(reader);
    while (json_element(reader, &more) == 0 && more) {
        ++*ret_n;
        json_object(reader);
        while (json_member(reader, &more, &name) == 0 && more) {
            if (str_eq(name, STR("AttributeKey")))
                read_key(reader, query);
            else if (str_eq(name, STR("AttributeValue")))
                json_string(reader, &query->value);
            else
                json_skip(reader);
        }
    }
    return reader->error;
}

/* Seconds, perhaps with a fraction. */
static int read_time(struct json_reader *reader, int64_t *ret_ms)
{
    const char *begin = reader->at;
    char text[40] = "", *end;
    double seconds;

    if (json_skip(reader))
        return reader->error;
    while (begin < reader->at && (*begin == ':' || *begin == ' ' || *begin == '\t' || *begin == '\n' || *begin == '\r'))
        begin++;
    if ((size_t)(reader->at - begin) >= sizeof(text))
        return 1;
    memcpy(text, begin, (size_t)(reader->at - begin));
    seconds = strtod(text, &end);
    if (end == text || !(fabs(seconds) < 1e12))
        return 1;
    *ret_ms = (int64_t)(seconds * 1000);
    return 0;
}

static int read_member(struct json_reader *reader, struct str name, struct lookup_query *query,
                       enum error_id *ret_error)
{
    unsigned n_attributes = 0;
    int64_t max = 0;
    int r = 0;

    *ret_error = ERROR_SERIALIZATION;
    if (str_eq(name, STR("LookupAttributes"))) {
        r = read_attributes(reader, query, &n_attributes);
        *ret_error = r ? ERROR_SERIALIZATION : ERROR_INVALID_LOOKUP_ATTRIBUTES;
        r = r || n_attributes > 1 || (n_attributes == 1 && (query->key == LOOKUP_ALL || !str_is_set(query->value)));
    } else if (str_eq(name, STR("StartTime"))) {
        r = read_time(reader, &query->start_ms);
    } else if (str_eq(name, STR("EndTime"))) {
        r = read_time(reader, &query->end_ms);
    } else if (str_eq(name, STR("MaxResults"))) {
        r = json_int(reader, &max);
        *ret_error = r ? ERROR_SERIALIZATION : ERROR_INVALID_MAX_RESULTS;
        r = r || max < 1 || max > LOOKUP_MAX_PAGE;
        query->max = (size_t)max;
    } else if (str_eq(name, STR("NextToken"))) {
        r = json_string(reader, &query->token);
    } else {
        r = json_skip(reader);
    }
    return r;
}

/* 0, CALL_ERROR or -ENOMEM. */
static int read_query(struct api_call *call, struct lookup_query *query)
{
    enum error_id error = ERROR_SERIALIZATION;
    struct json_reader reader;
    struct str name;
    bool more;
    size_t n;
    char *body = http_request_body(call->request, &n);
    char empty[] = "{}";

    *query = (struct lookup_query){
        .call = call, .start_ms = INT64_MIN, .end_ms = INT64_MAX, .from = UINT64_MAX, .max = LOOKUP_MAX_PAGE
    };
    json_reader_init(&reader, n ? body : empty, n ? n : 2, &call->arena);
    json_object(&reader);
    while (json_member(&reader, &more, &name) == 0 && more)
        if (read_member(&reader, name, query, &error))
            return call_refuse(call, reader.error ? ERROR_SERIALIZATION : error);
    if (json_end(&reader))
        return reader.error == JSON_MEMORY ? -ENOMEM : call_refuse(call, ERROR_SERIALIZATION);
    if (query->start_ms > query->end_ms)
        return call_refuse(call, ERROR_INVALID_TIME_RANGE);
    return 0;
}

/* All that a page has in common with the next one. 0, CALL_ERROR or -ENOMEM. */
static int open_token(const struct lookup *lookup, struct lookup_query *query)
{
    struct api_call *call = query->call;

    query->context = arena_printf(&call->arena, STR_FMT "/" STR_FMT "/%d/%lld/%lld/" STR_FMT, STR_ARG(call->account),
                                  STR_ARG(call->region), (int)query->key, (long long)query->start_ms,
                                  (long long)query->end_ms, STR_ARG(query->value));
    if (!str_is_set(query->context))
        return -ENOMEM;
    if (str_is_set(query->token) && lookup_token_read(&lookup->aead, query->context, query->token, &query->from))
        return call_refuse(call, ERROR_INVALID_NEXT_TOKEN);
    return 0;
}

int lookup_handle(struct lookup *lookup, struct api_call *call)
{
    struct lookup_query *query = arena_alloc(&call->arena, sizeof(*query));
    struct http_request *request = call->request;
    int r = query ? read_query(call, query) : -ENOMEM;

    if (r == 0)
        r = lookup ? open_token(lookup, query) : call_refuse(call, ERROR_UNKNOWN_OPERATION);
    if (r)
        return r;
    call_release_snapshot(call);
    http_request_set_call(request, call);
    http_suspend(request);
    if (queue_push(&lookup->queue, &query->item)) {
        call->change.result = CHANGE_OVERLOADED;
        http_finish(request);
    }
    return CALL_SUBMITTED;
}

/* --- what is found ----------------------------------------------------------------------------------------------- */

/* Keys, users, roles and policies are of no region. */
static bool is_of_region(const struct audit_event *event, struct str region)
{
    return str_eq(event->region, region) ||
           (str_is_set(event->source) && str_eq(event->source, STR("iam.amazonaws.com")));
}

static bool matches(const struct lookup_query *query, const struct audit_event *event)
{
    const struct api_call *call = query->call;
    struct str value = query->value;

    if (!str_eq(event->account, call->account) || !is_of_region(event, call->region))
        return false;
    switch (query->key) {
    case LOOKUP_EVENT_ID:
        return str_eq(event->id, value);
    case LOOKUP_EVENT_NAME:
        return str_eq(event->name, value);
    case LOOKUP_READ_ONLY:
        return str_eq(event->is_read_only ? STR("true") : STR("false"), value);
    case LOOKUP_USERNAME:
        return str_eq(audit_event_user(event), value);
    case LOOKUP_EVENT_SOURCE:
        return str_eq(event->source, value);
    case LOOKUP_ACCESS_KEY_ID:
        return str_is_set(event->access_key_id) && str_eq(event->access_key_id, value);
    case LOOKUP_RESOURCE_TYPE:
    case LOOKUP_RESOURCE_NAME:
        for (size_t i = 0; i < event->n_resources; i++)
            if (str_eq(query->key == LOOKUP_RESOURCE_NAME ? event->resources[i].name : event->resources[i].type, value))
                return true;
        return false;
    default:
        return true;
    }
}

static void put_event(struct buf *answer, const struct audit_event *event, const struct store_row *row, bool first)
{
    struct json_writer writer = { .buf = answer, .comma = !first };

    json_open_object(&writer);
    json_field_string(&writer, STR("EventId"), event->id);
    json_field_string(&writer, STR("EventName"), event->name);
    json_field_string(&writer, STR("ReadOnly"), event->is_read_only ? STR("true") : STR("false"));
    json_field_optional(&writer, STR("AccessKeyId"), event->access_key_id);
    json_field_timestamp(&writer, STR("EventTime"), row->time_ms);
    json_field_string(&writer, STR("EventSource"), event->source);
    json_field_optional(&writer, STR("Username"), audit_event_user(event));
    json_key(&writer, STR("Resources"));
    json_open_array(&writer);
    for (size_t i = 0; i < event->n_resources; i++) {
        json_open_object(&writer);
        json_field_string(&writer, STR("ResourceType"), event->resources[i].type);
        json_field_string(&writer, STR("ResourceName"), event->resources[i].name);
        json_close_object(&writer);
    }
    json_close_array(&writer);
    json_field_string(&writer, STR("CloudTrailEvent"), row->text);
    json_close_object(&writer);
}

enum { LOOKUP_DONE = 1000 };

/* A record in it may be twice as long, being JSON in JSON; what does not fit begins the next page. */
static int add_event(struct lookup_query *query, const struct audit_event *event, const struct store_row *row)
{
    if (query->n && query->answer->n + 3 * row->text.n > LOOKUP_MAX_ANSWER) {
        query->next = row->number;
        return LOOKUP_DONE;
    }
    put_event(query->answer, event, row, query->n++ == 0);
    return 0;
}

static int look_at(void *arg, const struct store_row *row)
{
    struct lookup_query *query = arg;
    struct audit_event event;
    struct arena arena;
    char *text;
    int r = 0;

    if (row->time_ms < query->start_ms)
        return LOOKUP_DONE;
    if (query->n == query->max || query->n_scanned == LOOKUP_MAX_SCAN) {
        query->next = row->number;
        return LOOKUP_DONE;
    }
    query->n_scanned++;
    arena_init(&arena, LOOKUP_MAX_EVENT);
    text = arena_alloc(&arena, row->text.n + 1);
    if (text) {
        memcpy(text, row->text.p, row->text.n);
        if (audit_event_parse(text, row->text.n, &arena, &event) == 0 && matches(query, &event))
            r = add_event(query, &event, row);
    }
    arena_fini(&arena);
    return text ? r : -ENOMEM;
}

/* Where the page begins: at the token, or at the last row that is not younger than EndTime. */
static int seek(struct lookup *lookup, const struct lookup_query *query, uint64_t *ret_from,
                struct store_message *message)
{
    int r;

    *ret_from = query->from;
    if (query->from != UINT64_MAX || query->end_ms == INT64_MAX)
        return 0;
    r = store_trail_seek(lookup->trail, query->end_ms + 1, ret_from, message);
    *ret_from -= 1;
    return r;
}

static int put_token(const struct lookup *lookup, struct lookup_query *query)
{
    char token[LOOKUP_TOKEN_LEN];
    int r = lookup_token_write(&lookup->aead, query->context, query->next, token);

    if (r == 0)
        buf_printf(query->answer, ",\"NextToken\":\"%.*s\"", (int)sizeof(token), token);
    return r;
}

static int find(struct lookup *lookup, struct lookup_query *query)
{
    struct store_message message = { "" };
    struct buf *answer = query->answer;
    uint64_t from;
    int r = lookup->trail ? 0 : store_trail_open(lookup->dir, &lookup->trail, &message);

    if (r == 0)
        r = seek(lookup, query, &from, &message);
    buf_put_str(answer, STR("{\"Events\":["));
    if (r == 0)
        r = store_trail_read(lookup->trail, from, true, look_at, query, &message);
    if (r && r != LOOKUP_DONE)
        return -EIO;
    buf_put_char(answer, ']');
    r = query->next ? put_token(lookup, query) : 0;
    buf_put_char(answer, '}');
    if (r)
        return r;
    return answer->failed ? -ENOMEM : 0;
}

/* --- the thread -------------------------------------------------------------------------------------------------- */

static void *run(void *arg)
{
    struct lookup *lookup = arg;
    struct queue_item *list;
    size_t n;

    while (queue_drain(&lookup->queue, LOOKUP_MAX_BATCH, QUEUE_FOREVER, &list, &n) == 0)
        while (list) {
            struct lookup_query *query = (struct lookup_query *)list;
            struct api_call *call = query->call;
            list = list->next;
            buf_init(&call->body, LOOKUP_MAX_ANSWER);
            query->answer = &call->body;
            call->change.result = find(lookup, query);
            http_finish(call->request);
        }
    return NULL;
}

int lookup_start(const char *dir, const struct seal *seal, struct lookup **ret_lookup)
{
    size_t n = strlen(dir) + 1;
    struct lookup *lookup = mem_zalloc(sizeof(*lookup) + n);
    int r = lookup ? lookup_token_key(seal, &lookup->aead) : -ENOMEM;

    if (r == 0)
        r = queue_init(&lookup->queue, LOOKUP_MAX_WAITING);

    if (r) {
        mem_free(lookup);
        return r;
    }
    memcpy(lookup->dir, dir, n);
    r = -pthread_create(&lookup->thread, NULL, run, lookup);
    if (r) {
        queue_fini(&lookup->queue);
        mem_free(lookup);
        return r;
    }
    *ret_lookup = lookup;
    return 0;
}

void lookup_stop(struct lookup *lookup)
{
    if (!lookup)
        return;
    queue_close(&lookup->queue);
    pthread_join(lookup->thread, NULL);
    queue_fini(&lookup->queue);
    store_trail_close(lookup->trail);
    explicit_bzero(&lookup->aead, sizeof(lookup->aead));
    mem_free(lookup);
}
