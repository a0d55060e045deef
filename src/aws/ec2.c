/* SPDX-License-Identifier: Apache-2.0
 *
 * Asking EC2: the form of each call, chunks of ids, chains of pages, and what is looked up in a listing. */
#include "aws/ec2.h"
#include "aws/ec2_address.h"
#include "aws/ec2_listing.h"
#include "aws/ec2_reader.h"
#include "aws/form.h"
#include "aws/page_chain.h"
#include "base/mem.h"

#include <errno.h>
#include <stdlib.h>

#define ANSWER_MAX ((size_t)64 << 20) /* a thousand instances with all tags and interfaces they may have */
#define FORM_MAX ((size_t)256 << 10)
#define TOTAL_MS 30000

static const char *const states[] = {
    [EC2_PENDING] = "pending",
    [EC2_RUNNING] = "running",
    [EC2_STOPPING] = "stopping",
    [EC2_STOPPED] = "stopped",
    [EC2_SHUTTING_DOWN] = "shutting-down",
    [EC2_TERMINATED] = "terminated",
    [EC2_STATE_UNKNOWN] = "unknown",
};

bool ec2_is_id(struct str text)
{
    if (!str_starts(text, STR("i-")) || text.n < 3 || text.n > EC2_ID_MAX)
        return false;
    for (size_t i = 2; i < text.n; i++) {
        char c = text.p[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_'))
            return false;
    }
    return true;
}

bool ec2_is_dead(enum ec2_state state)
{
    return state == EC2_SHUTTING_DOWN || state == EC2_TERMINATED;
}

const char *ec2_state_text(enum ec2_state state)
{
    return states[state];
}

enum ec2_state ec2_state_of(struct str word)
{
    for (int i = 0; i < EC2_STATE_UNKNOWN; i++)
        if (str_eq(word, str_of(states[i])))
            return (enum ec2_state)i;
    return EC2_STATE_UNKNOWN;
}

bool ec2_has_address(const struct ec2_instance *instance, struct str address)
{
    struct ec2_address parsed, prefix;
    char text[EC2_ADDRESS_TEXT];
    if (ec2_address_parse(address, &parsed))
        return false;
    struct str wanted = { text, ec2_address_format(&parsed, text) };
    for (uint32_t i = 0; i < instance->n_addresses; i++)
        if (str_eq(instance->addresses[i], wanted) ||
            (ec2_address_parse_prefix(instance->addresses[i], &prefix) == 0 && ec2_address_is_in(&parsed, &prefix)))
            return true;
    return false;
}

/* --- a listing by id --------------------------------------------------------------------------------------------- */

static int cmp_instances(const void *a, const void *b)
{
    return str_cmp(((const struct ec2_instance *)a)->id, ((const struct ec2_instance *)b)->id);
}

static int cmp_id(const void *id, const void *instance)
{
    return str_cmp(*(const struct str *)id, ((const struct ec2_instance *)instance)->id);
}

const struct ec2_instance *ec2_find(const struct ec2_listing *listing, struct str id)
{
    if (listing->n_instances == 0)
        return NULL;
    return bsearch(&id, listing->instances, listing->n_instances, sizeof(*listing->instances), cmp_id);
}

/* No instance is asked for twice: one that came twice stands in the place of one that did not come. */
int ec2_sort(struct ec2_listing *listing, struct aws_error *ret_error)
{
    struct ec2_instance *instances = listing->instances;
    if (listing->n_instances > 1)
        qsort(instances, listing->n_instances, sizeof(*instances), cmp_instances);
    for (size_t i = 1; i < listing->n_instances; i++)
        if (str_eq(instances[i - 1].id, instances[i].id))
            return aws_client_fail(ret_error, AWS_ODD,
                                   "DescribeInstances: " STR_FMT " came twice, as when a page is repeated",
                                   STR_ARG(instances[i].id));
    return 0;
}

/* --- asking ------------------------------------------------------------------------------------------------------ */

struct ask {
    struct aws_client *client;
    const struct ec2_query *query;
    struct ec2_listing *listing;
    struct aws_error *error;
    struct buf form;
};

int ec2_read_page(const char *xml, size_t n, const struct ec2_query *query, struct ec2_listing *listing,
                  struct str *ret_next, struct aws_error *ret_error)
{
    return ec2_reader_read((struct str){ xml, n }, query, listing, ret_next, ret_error);
}

static void begin_form(struct buf *form)
{
    buf_clear(form);
    form_add(form, STR("Action"), STR("DescribeInstances"));
    form_add(form, STR("Version"), STR("2016-11-15"));
    form_add(form, STR("IncludeManagedResources"), STR("true"));
    buf_printf(form, "&MaxResults=%d", EC2_PAGE_SIZE);
}

static int ask_page(struct ask *ask, struct str *ret_next)
{
    struct buf body;
    if (ask->form.failed)
        return -ENOMEM;
    buf_init(&body, ANSWER_MAX);
    ask->listing->n_calls++;
    int r = aws_client_call(ask->client,
                            &(struct aws_call){
                                .action = "DescribeInstances",
                                .body = buf_str(&ask->form),
                                .total_ms = TOTAL_MS,
                                .answer_max = ANSWER_MAX,
                            },
                            &body, ask->error);
    if (r == 0)
        r = ec2_read_page(body.p, body.n, ask->query, ask->listing, ret_next, ask->error);
    if (r == 0)
        ask->listing->n_pages++;
    buf_fini(&body);
    return r;
}

/* Asks what the form says, page by page, or until a canary of `enough` was seen. */
static int ask_pages(struct ask *ask, uint64_t enough)
{
    struct page_chain chain = { 0 };
    struct str next = { 0 };
    size_t n = ask->form.n;
    for (;;) {
        int r = ask_page(ask, &next);
        if (r || !str_is_set(next) || (ask->listing->canaries & enough))
            return r;
        r = page_chain_add(&chain, &ask->listing->arena, next, &next, ask->error);
        if (r)
            return r;
        buf_truncate(&ask->form, n);
        form_add(&ask->form, STR("NextToken"), next);
    }
}

static int ask_ids(struct ask *ask, const struct str *ids, size_t n)
{
    begin_form(&ask->form);
    form_add(&ask->form, STR("Filter.1.Name"), STR("instance-id"));
    for (size_t i = 0; i < n; i++) {
        buf_printf(&ask->form, "&Filter.1.Value.%zu=", i + 1);
        form_encode(&ask->form, ids[i]);
    }
    return ask_pages(ask, 0);
}

/* In a filter's value * and ? stand for anything, unless a backslash stands before them. */
static void put_literal(struct buf *form, struct str value)
{
    for (size_t i = 0; i < value.n; i++) {
        if (memchr("*?\\", value.p[i], 3))
            form_encode(form, STR("\\"));
        form_encode(form, (struct str){ value.p + i, 1 });
    }
}

/* Whether an instance with that tag lives; the others of the account that have it are of no interest. */
static int ask_tag(struct ask *ask, const struct ec2_canary *canary, uint64_t bit)
{
    size_t n = ask->listing->n_instances;
    begin_form(&ask->form);
    buf_printf(&ask->form, "&Filter.1.Name=tag%%3A");
    form_encode(&ask->form, canary->tag_key);
    buf_printf(&ask->form, "&Filter.1.Value.1=");
    put_literal(&ask->form, canary->tag_value);
    int r = ask_pages(ask, bit);
    ec2_listing_truncate(ask->listing, n);
    return r;
}

/* --- which ids --------------------------------------------------------------------------------------------------- */

static bool has_wildcard(struct str id)
{
    for (size_t i = 0; i < id.n; i++)
        if (memchr("*?\\", id.p[i], 3))
            return true;
    return false;
}

static int cmp_str(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

/* The ids that can be asked for, sorted, each once. 0 or -ENOMEM; to be freed. */
static int choose_ids(const struct ec2_query *query, struct str **ret_ids, size_t *ret_n)
{
    struct str *ids = mem_alloc((query->n_ids + query->n_canaries) * sizeof(*ids));
    size_t n = 0, kept = 0;
    if (!ids)
        return -ENOMEM;
    for (size_t i = 0; i < query->n_ids; i++)
        ids[n++] = query->ids[i];
    for (size_t i = 0; i < query->n_canaries; i++)
        ids[n++] = query->canaries[i].id;
    qsort(ids, n, sizeof(*ids), cmp_str);
    for (size_t i = 0; i < n; i++)
        if (ids[i].n > 0 && !has_wildcard(ids[i]) && (kept == 0 || !str_eq(ids[kept - 1], ids[i])))
            ids[kept++] = ids[i];
    *ret_ids = ids;
    *ret_n = kept;
    return 0;
}

static int ask_chosen(struct ask *ask)
{
    struct str *ids;
    size_t n;
    int r = choose_ids(ask->query, &ids, &n);
    if (r < 0)
        return r;
    for (size_t i = 0; r == 0 && i < n; i += EC2_FILTER_VALUES)
        r = ask_ids(ask, ids + i, n - i < EC2_FILTER_VALUES ? n - i : EC2_FILTER_VALUES);
    mem_free(ids);
    for (size_t i = 0; r == 0 && i < ask->query->n_canaries; i++)
        if (str_is_set(ask->query->canaries[i].tag_key) && !(ask->listing->canaries & (UINT64_C(1) << i)))
            r = ask_tag(ask, &ask->query->canaries[i], UINT64_C(1) << i);
    return r;
}

int ec2_describe(struct aws_client *client, const struct ec2_query *query, struct ec2_listing *listing,
                 struct aws_error *ret_error)
{
    int r;
    struct ask ask = { .client = client, .query = query, .listing = listing, .error = ret_error };
    buf_init(&ask.form, FORM_MAX);
    if (query->ids) {
        r = ask_chosen(&ask);
    } else {
        begin_form(&ask.form);
        r = ask_pages(&ask, 0);
    }
    buf_fini(&ask.form);
    return r ? r : ec2_sort(listing, ret_error);
}
