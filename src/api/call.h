/* SPDX-License-Identifier: Apache-2.0
 *
 * One AWS call: what the gates and the handlers of op_*.c share. A call belongs to its worker's thread; while its
 * change waits for the writer nobody else touches it. Everything it needs lives in its arena, which is capped. */
#pragma once

#include "api/error.h"
#include "api/ops.h"
#include "auth/principal.h"
#include "base/rand.h"
#include "http/server.h"
#include "model/arn.h"
#include "registry/registry.h"

/* What a handler returns, besides 0 (the output is complete) and -errno (InternalFailure). */
enum call_result {
    CALL_ERROR = 1, /* call->error says what is wrong */
    CALL_SUBMITTED, /* call->change went to the writer; call->finish (or the default) completes the output */
};

struct api_worker;

/* What the names in a discovery mean (named_service.h). */
struct named_service {
    bool is_found; /* they were looked up */
    const struct namespace *ns;
    const struct service_node *node;
};

/* Where the call's audit record is. */
enum audit_state {
    AUDIT_NOT,       /* there is none, or not yet */
    AUDIT_BEGUN,     /* it is written when the call is answered */
    AUDIT_SUBMITTED, /* the writer writes it */
};

struct call_audit {
    enum audit_state state;
    struct str source, name; /* of the event */
    bool is_read_only, is_data;
    bool needs_no_right;      /* anybody with a key may make it */
    const void *in;           /* the decoded input of an operation of the table; NULL: it was not read */
    struct str input;         /* of another call, JSON; absent: there is none */
    struct str response;      /* of another call that was done, JSON; absent: there is none */
    struct str request;       /* the record without its outcome */
    size_t input_at, input_n; /* where the input stands in it */
};

struct api_call {
    struct api_call *next; /* in the worker's list of free calls */
    struct api_worker *worker;
    struct http_request *request;
    const struct op *op; /* NULL: a call of STS */
    struct arena arena;
    const struct principal *principal; /* whose signature was good; NULL in open mode */
    struct str account, region;
    struct str owner; /* whose things the call is about: the caller's account, or the one that shares them (share.h) */
    const struct snapshot *snapshot; /* from the first gate that needs it until the answer, or until it is submitted */
    const struct tenant *tenant;     /* of owner and region; NULL when it has nothing yet */
    const struct share *share;       /* of the namespace that another account shares; NULL: the caller's own things */
    struct named_service named;      /* while the handler runs */
    void *out;
    struct api_error error;
    struct call_audit audit;
    struct buf body; /* the answer of a call without an operation of the table */
    struct change change;
    /* Completes the output after the change; NULL: the OperationId for asynchronous operations, nothing for others. */
    int (*finish)(struct api_call *call);
};

/* The worker's generator. */
struct rand *call_rand(struct api_call *call);
int64_t call_wall_ms(const struct api_call *call);

/* What a change that was refused is on the wire. */
struct api_error call_error_of_change(struct api_call *call, const struct change *change);
/* Lets the snapshot go that the gates and the handler look at. */
void call_release_snapshot(struct api_call *call);

/* Sets the error; each returns CALL_ERROR (or -ENOMEM). */
int call_refuse(struct api_call *call, enum error_id id);
int call_refuse_text(struct api_call *call, enum error_id id, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The bare id in an "id or ARN" member. An ARN of another owner, region or kind names nothing here: *ret_id is then
 * an id that nothing has. 0, or CALL_ERROR for text that begins like an ARN and is none. */
int call_resolve_id(struct api_call *call, struct str text, enum arn_kind kind, struct str *ret_id);
/* The same, looked up. 0 or CALL_ERROR with the NotFound of the kind. */
int call_find_namespace(struct api_call *call, struct str text, const struct namespace **ret_ns);
int call_find_service(struct api_call *call, struct str text, const struct service_node **ret_node);

/* A change that is filled with what all changes of calls have in common. */
struct change *call_new_change(struct api_call *call, enum change_kind kind);
/* Hands call->change to the writer. Returns CALL_SUBMITTED; the caller must not touch the call any more. */
int call_submit(struct api_call *call);

/* The caller's token, or a new one. */
struct str call_token(struct api_call *call, struct str token);
/* Tags of a request, sorted. 0, CALL_ERROR or -ENOMEM. */
int call_read_tags(struct api_call *call, const struct wire_tag_list *tags, const struct str_pair **ret_pairs,
                   size_t *ret_n);

/* Paging: MaxResults with its default of 100; the key behind which the page begins (absent: at the start). */
size_t call_page_size(struct opt_int max_results);
int call_page_start(struct api_call *call, const void *in, struct str token, struct str *ret_key);
/* The token that continues behind the key. */
int call_page_end(struct api_call *call, const void *in, struct str key, struct str *ret_token);

/* --- what api.c calls -------------------------------------------------------------------------------------------- */

/* An AWS call, in the JSON protocol or STS's Query protocol. Answers, or suspends the request with its call. */
void call_handle(struct api_worker *worker, struct http_request *request);
/* The change of a suspended call was answered by the writer. */
void call_handle_finish(struct api_worker *worker, struct http_request *request, struct api_call *call);
/* Answers with an error in the JSON protocol, without a call; `op` may be NULL. */
void call_refuse_request(struct api_worker *worker, struct http_request *request, const struct op *op,
                         const struct api_error *error);
/* A call for the request, and its end. NULL when memory is out. */
struct api_call *call_new(struct api_worker *worker, struct http_request *request, const struct op *op);
void call_free(struct api_call *call);
/* Counts and logs how a request was answered: STATS_OK or an error_id; `op` may be NULL. */
void call_count(struct api_worker *worker, const struct http_request *request, const struct op *op, unsigned outcome);
/* Frees the calls that the worker keeps for reuse. */
void call_free_all(struct api_worker *worker);
