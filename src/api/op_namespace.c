/* SPDX-License-Identifier: Apache-2.0
 *
 * CreateHttpNamespace, CreatePrivateDnsNamespace, CreatePublicDnsNamespace, DeleteNamespace, GetNamespace,
 * ListNamespaces, UpdateHttpNamespace, UpdatePrivateDnsNamespace, UpdatePublicDnsNamespace. */
#include "api/filter.h"
#include "api/share.h"
#include "api/view.h"
#include "registry/record.h"

#include <errno.h>

/* --- create, update, delete -------------------------------------------------------------------------------------- */

/* What the creating request asked for, so that its repetition is recognised. */
static int namespace_digest(struct namespace *ns)
{
    static const struct hash_key key; /* no secret: it tells repetitions from changes, not friend from foe */
    struct buf text;
    int r;

    buf_init(&text, 1 << 20);
    record_encode_namespace(&text, ns);
    r = text.failed ? -ENOMEM : 0;
    ns->request_digest = r ? 0 : hash_sip(&key, text.p, text.n);
    buf_fini(&text);
    return r;
}

static int namespace_create(struct api_call *call, const struct create_namespace_input *in, enum namespace_kind kind)
{
    struct change *change = call_new_change(call, CHANGE_CREATE_NAMESPACE);
    struct namespace *ns = &change->ns;
    int r;

    if (kind == NAMESPACE_DNS_PRIVATE && !in->vpc.n)
        return call_refuse_text(call, ERROR_INVALID_INPUT, "Vpc must not be empty");
    ns->kind = kind;
    ns->name = in->name;
    ns->description = in->description.n ? in->description : (struct str){ 0 };
    ns->vpc = in->vpc;
    ns->soa_ttl = kind == NAMESPACE_DNS_PUBLIC ? NAMESPACE_SOA_TTL_PUBLIC : NAMESPACE_SOA_TTL_PRIVATE;
    if (in->properties)
        ns->soa_ttl = in->properties->dns_properties->soa->ttl.value;
    r = call_read_tags(call, &in->tags, &ns->tags, &ns->n_tags);
    if (!r)
        r = namespace_digest(ns);
    if (r)
        return r;
    ns->creator_request_id = call_token(call, in->creator_request_id);
    return str_is_set(ns->creator_request_id) ? call_submit(call) : -ENOMEM;
}

int op_create_http_namespace(struct api_call *call, const struct create_namespace_input *in,
                             struct operation_id_output *out)
{
    (void)out;
    return namespace_create(call, in, NAMESPACE_HTTP);
}

int op_create_private_dns_namespace(struct api_call *call, const struct create_namespace_input *in,
                                    struct operation_id_output *out)
{
    (void)out;
    return namespace_create(call, in, NAMESPACE_DNS_PRIVATE);
}

int op_create_public_dns_namespace(struct api_call *call, const struct create_namespace_input *in,
                                   struct operation_id_output *out)
{
    (void)out;
    return namespace_create(call, in, NAMESPACE_DNS_PUBLIC);
}

int op_delete_namespace(struct api_call *call, const struct id_input *in, struct operation_id_output *out)
{
    struct change *change = call_new_change(call, CHANGE_DELETE_NAMESPACE);
    int r = call_resolve_id(call, in->id, ARN_NAMESPACE, &change->namespace_id);

    (void)out;
    return r ? r : call_submit(call);
}

static int namespace_update(struct api_call *call, const struct update_namespace_input *in, enum namespace_kind kind)
{
    struct change *change = call_new_change(call, CHANGE_UPDATE_NAMESPACE);
    const struct wire_namespace_properties *properties = in->namespace->properties;
    int r = call_resolve_id(call, in->id, ARN_NAMESPACE, &change->namespace_id);

    change->ns.kind = kind;
    change->ns.description = in->namespace->description;
    change->ns.soa_ttl = properties ? properties->dns_properties->soa->ttl.value : -1;
    return r ? r : call_submit(call);
}

int op_update_http_namespace(struct api_call *call, const struct update_namespace_input *in,
                             struct operation_id_output *out)
{
    (void)out;
    return namespace_update(call, in, NAMESPACE_HTTP);
}

int op_update_private_dns_namespace(struct api_call *call, const struct update_namespace_input *in,
                                    struct operation_id_output *out)
{
    (void)out;
    return namespace_update(call, in, NAMESPACE_DNS_PRIVATE);
}

int op_update_public_dns_namespace(struct api_call *call, const struct update_namespace_input *in,
                                   struct operation_id_output *out)
{
    (void)out;
    return namespace_update(call, in, NAMESPACE_DNS_PUBLIC);
}

/* --- get, list --------------------------------------------------------------------------------------------------- */

int op_get_namespace(struct api_call *call, const struct id_input *in, struct get_namespace_output *out)
{
    const struct namespace *ns;
    int r = call_find_namespace(call, in->id, &ns);

    if (r)
        return r;
    out->namespace = ARENA_NEW(&call->arena, struct wire_namespace);
    return out->namespace ? view_namespace(call, call->tenant, ns, false, out->namespace) : -ENOMEM;
}

static bool namespace_is_type(struct str word)
{
    enum namespace_kind kind;

    return namespace_parse_kind(word, &kind) == 0;
}

static const struct filter_rule namespace_filters[] = {
    { .name = "TYPE", .conditions = FILTER_EQ | FILTER_BEGINS_WITH, .knows = namespace_is_type },
    { .name = "NAME", .conditions = FILTER_EQ | FILTER_BEGINS_WITH },
    { .name = "HTTP_NAME", .conditions = FILTER_EQ | FILTER_BEGINS_WITH },
    { .name = "RESOURCE_OWNER", .conditions = FILTER_EQ, .knows = filter_is_owner },
};

/* `owner` is SELF or OTHER_ACCOUNTS. */
static bool namespace_matches(const struct wire_filter_list *filters, const struct namespace *ns, struct str owner)
{
    for (size_t i = 0; i < filters->n; i++) {
        const struct wire_filter *filter = &filters->items[i];
        struct str value = str_eq(filter->name, STR("TYPE"))        ? namespace_kind_text(ns->kind)
                           : str_eq(filter->name, STR("NAME"))      ? ns->name
                           : str_eq(filter->name, STR("HTTP_NAME")) ? ns->http_name
                                                                    : owner;
        if (!filter_matches(filter, value))
            return false;
    }
    return true;
}

/* A page under way. The caller's own namespaces come first, by name: it goes on behind `name LF id`; names hold no line
 * feed. Then those that other accounts share, by ARN: behind `LF ARN`. */
struct namespace_page {
    const struct list_input *in;
    struct list_namespaces_output *out;
    size_t max;
    struct str cursor; /* absent: at the start */
    const struct share *last_share;
    const struct namespace *last; /* that was looked at, so far */
};

/* Of a namespace, which another account shares unless `share` is NULL. */
static struct str namespace_cursor(struct api_call *call, const struct share *share, const struct namespace *ns)
{
    if (share)
        return arena_printf(&call->arena, "\n" STR_FMT, STR_ARG(share->text));
    return arena_printf(&call->arena, STR_FMT "\n" STR_FMT, STR_ARG(ns->name), STR_ARG(ns->id));
}

static bool namespace_is_shared_cursor(struct str cursor)
{
    return cursor.n && cursor.p[0] == '\n';
}

static void namespace_seek(struct api_call *call, struct str cursor, struct tree_iter *iter)
{
    size_t n = str_find_char(cursor, '\n');
    struct tree_key key = { .a = { cursor.p, n } };

    if (n < cursor.n)
        key.b = str_skip(cursor, n + 1);
    tree_iter_init(iter, &call->tenant->namespaces_by_name, &state_namespaces_by_name,
                   str_is_set(cursor) ? &key : NULL);
}

/* Shows it if the filters want it. */
static int namespace_list_one(struct api_call *call, struct namespace_page *page, const struct tenant *tenant,
                              const struct namespace *ns, struct str owner)
{
    struct wire_namespace_list *list = &page->out->namespaces;

    return namespace_matches(&page->in->filters, ns, owner)
               ? view_namespace(call, tenant, ns, true, &list->items[list->n++])
               : 0;
}

static int namespace_end_page(struct api_call *call, struct namespace_page *page)
{
    return call_page_end(call, page->in, namespace_cursor(call, page->last_share, page->last), &page->out->next_token);
}

/* 0 when all of them were looked at or the page has its NextToken; or an error. */
static int namespace_list_own(struct api_call *call, struct namespace_page *page)
{
    const struct namespace *ns;
    struct tree_iter iter;
    int r = 0;

    if (!call->tenant || namespace_is_shared_cursor(page->cursor))
        return 0;
    namespace_seek(call, page->cursor, &iter);
    for (unsigned seen = 0; !r && (ns = tree_iter_next(&iter)); seen++) {
        if (str_is_set(page->cursor) && seen == 0 && str_eq(namespace_cursor(call, NULL, ns), page->cursor))
            continue;
        if (page->out->namespaces.n == page->max || seen == FILTER_MAX_SCAN)
            return namespace_end_page(call, page);
        page->last = ns;
        r = namespace_list_one(call, page, call->tenant, ns, STR("SELF"));
    }
    return r;
}

static int namespace_list_shared(struct api_call *call, struct namespace_page *page)
{
    bool goes_on = namespace_is_shared_cursor(page->cursor);
    struct str from = goes_on ? str_skip(page->cursor, 1) : (struct str){ 0 };
    struct share_iter iter;
    int r;

    share_iter_init(&iter, call, from);
    while ((r = share_iter_next(&iter, call)) > 0) {
        if (goes_on && str_eq(iter.share->text, from))
            continue;
        if (page->out->namespaces.n == page->max)
            return namespace_end_page(call, page);
        page->last_share = iter.share;
        page->last = iter.ns;
        r = namespace_list_one(call, page, iter.tenant, iter.ns, STR("OTHER_ACCOUNTS"));
        if (r)
            return r;
    }
    return r;
}

int op_list_namespaces(struct api_call *call, const struct list_input *in, struct list_namespaces_output *out)
{
    struct namespace_page page = { .in = in, .out = out, .max = call_page_size(in->max_results) };
    int r =
        filter_check(call, &in->filters, namespace_filters, sizeof(namespace_filters) / sizeof(namespace_filters[0]));

    if (!r)
        r = call_page_start(call, in, in->next_token, &page.cursor);
    if (r)
        return r;
    out->namespaces = (struct wire_namespace_list){ .items = ARENA_ARRAY(&call->arena, struct wire_namespace, page.max),
                                                    .set = true };
    if (!out->namespaces.items)
        return -ENOMEM;
    r = namespace_list_own(call, &page);
    return r || str_is_set(out->next_token) ? r : namespace_list_shared(call, &page);
}
