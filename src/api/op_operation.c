/* SPDX-License-Identifier: Apache-2.0
 *
 * GetOperation, ListOperations. */
#include "api/filter.h"
#include "api/view.h"

#include <errno.h>

int op_get_operation(struct api_call *call, const struct get_operation_input *in, struct get_operation_output *out)
{
    const struct operation *operation = NULL;
    struct id_operation id;

    if ((!str_is_set(in->owner_account) || str_eq(in->owner_account, call->owner)) &&
        id_parse_operation(in->operation_id, &id) == 0)
        operation = state_find_operation(call->tenant, &id);
    if (!operation)
        return call_refuse(call, ERROR_OPERATION_NOT_FOUND);
    out->operation = ARENA_NEW(&call->arena, struct wire_operation);
    return out->operation ? view_operation(call, operation, false, out->operation) : -ENOMEM;
}

/* The documentation spells the status SUCCEED in one place. */
static bool operation_is_status(struct str word)
{
    enum operation_status status;

    return str_eq(word, STR("SUCCEED")) || operation_parse_status(word, &status) == 0;
}

static bool operation_is_type(struct str word)
{
    enum operation_type type;

    return operation_parse_type(word, &type) == 0;
}

static const struct filter_rule operation_filters[] = {
    { .name = "NAMESPACE_ID", .conditions = FILTER_EQ },
    { .name = "SERVICE_ID", .conditions = FILTER_EQ },
    { .name = "STATUS", .conditions = FILTER_EQ | FILTER_IN, .knows = operation_is_status },
    { .name = "TYPE", .conditions = FILTER_EQ | FILTER_IN, .knows = operation_is_type },
    { .name = "UPDATE_DATE", .conditions = FILTER_BETWEEN },
};

static bool operation_matches_status(const struct wire_filter *filter, enum operation_status status)
{
    return filter_matches(filter, operation_status_text(status)) ||
           (status == OPERATION_SUCCESS && filter_matches(filter, STR("SUCCEED")));
}

static bool operation_matches(const struct wire_filter_list *filters, const struct operation *operation)
{
    for (size_t i = 0; i < filters->n; i++) {
        const struct wire_filter *filter = &filters->items[i];
        bool matches;
        if (str_eq(filter->name, STR("NAMESPACE_ID")))
            matches = filter_matches(filter, operation->namespace_id);
        else if (str_eq(filter->name, STR("SERVICE_ID")))
            matches = filter_matches(filter, operation->service_id);
        else if (str_eq(filter->name, STR("STATUS")))
            matches = operation_matches_status(filter, operation->status);
        else if (str_eq(filter->name, STR("TYPE")))
            matches = filter_matches(filter, operation_type_text(operation->type));
        else
            matches = filter_matches_ms(filter, operation->update_ms);
        if (!matches)
            return false;
    }
    return true;
}

static struct str operation_cursor(struct api_call *call, const struct operation *operation)
{
    char text[ID_OPERATION_SIZE];

    id_format_operation(&operation->id, text);
    return arena_dup(&call->arena, str_of(text));
}

static int operation_seek(struct api_call *call, struct str cursor, struct id_operation *id, struct tree_iter *iter)
{
    struct tree_key key = { 0 };

    if (str_is_set(cursor)) {
        if (id_parse_operation(cursor, id))
            return call_refuse_text(call, ERROR_INVALID_INPUT, "NextToken is not one of this operation");
        key = (struct tree_key){ .n = (uint64_t)id->create_ms, .a = { (const char *)id->target, ID_TARGET_LEN } };
    }
    tree_iter_init(iter, &call->tenant->operations, &state_operations, &key);
    return 0;
}

int op_list_operations(struct api_call *call, const struct list_input *in, struct list_operations_output *out)
{
    size_t max = call_page_size(in->max_results);
    const struct operation *operation, *last = NULL;
    struct id_operation id = { 0 };
    struct tree_iter iter;
    struct str cursor;
    int r =
        filter_check(call, &in->filters, operation_filters, sizeof(operation_filters) / sizeof(operation_filters[0]));

    if (!r)
        r = call_page_start(call, in, in->next_token, &cursor);
    if (r)
        return r;
    out->operations =
        (struct wire_operation_list){ .items = ARENA_ARRAY(&call->arena, struct wire_operation, max), .set = true };
    if (!out->operations.items)
        return -ENOMEM;
    r = call->tenant ? operation_seek(call, cursor, &id, &iter) : 0;
    if (r || !call->tenant)
        return r;
    for (unsigned seen = 0; (operation = tree_iter_next(&iter)); seen++) {
        if (str_is_set(cursor) && memcmp(&operation->id, &id, sizeof(id)) == 0)
            continue;
        if (out->operations.n == max || seen == FILTER_MAX_SCAN)
            return call_page_end(call, in, operation_cursor(call, last), &out->next_token);
        last = operation;
        if (operation_matches(&in->filters, operation)) {
            r = view_operation(call, operation, true, &out->operations.items[out->operations.n++]);
            if (r)
                return r;
        }
    }
    return 0;
}
