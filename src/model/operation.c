/* SPDX-License-Identifier: Apache-2.0
 *
 * Operations; see operation.h. */
#include "model/operation.h"

#include "base/mem.h"
#include "model/pack.h"

#define WORD(text)             \
    {                          \
        text, sizeof(text) - 1 \
    }

static const struct str status_words[OPERATION_STATUS_COUNT] = { [OPERATION_SUBMITTED] = WORD("SUBMITTED"),
                                                                 [OPERATION_PENDING] = WORD("PENDING"),
                                                                 [OPERATION_SUCCESS] = WORD("SUCCESS"),
                                                                 [OPERATION_FAIL] = WORD("FAIL") };

static const struct str type_words[OPERATION_TYPE_COUNT] = {
    [OPERATION_CREATE_NAMESPACE] = WORD("CREATE_NAMESPACE"),
    [OPERATION_DELETE_NAMESPACE] = WORD("DELETE_NAMESPACE"),
    [OPERATION_UPDATE_NAMESPACE] = WORD("UPDATE_NAMESPACE"),
    [OPERATION_UPDATE_SERVICE] = WORD("UPDATE_SERVICE"),
    [OPERATION_REGISTER_INSTANCE] = WORD("REGISTER_INSTANCE"),
    [OPERATION_DEREGISTER_INSTANCE] = WORD("DEREGISTER_INSTANCE"),
};

static void operation_pack(struct pack *pack, struct operation *operation)
{
    pack_str(pack, &operation->account);
    pack_str(pack, &operation->region);
    pack_str(pack, &operation->action);
    pack_str(pack, &operation->namespace_id);
    pack_str(pack, &operation->service_id);
    pack_str(pack, &operation->instance_id);
    pack_str(pack, &operation->error_code);
    pack_str(pack, &operation->error_message);
    pack_str(pack, &operation->request);
}

struct operation *operation_dup(const struct operation *draft)
{
    struct operation measured = *draft, *operation;
    struct pack pack = { .n = sizeof(*operation) };

    operation_pack(&pack, &measured);
    operation = mem_alloc(pack.n);
    if (!operation)
        return NULL;
    *operation = *draft;
    pack = (struct pack){ .at = (char *)operation, .n = sizeof(*operation) };
    operation_pack(&pack, operation);
    return operation;
}

bool operation_is_finished(const struct operation *operation)
{
    return operation->status == OPERATION_SUCCESS || operation->status == OPERATION_FAIL;
}

bool operation_is_held(const struct operation *operation)
{
    return operation->status == OPERATION_PENDING && operation->due_wall_ms == 0;
}

struct str operation_status_text(enum operation_status status)
{
    return status_words[status];
}

struct str operation_type_text(enum operation_type type)
{
    return type_words[type];
}

int operation_parse_status(struct str word, enum operation_status *ret_status)
{
    for (unsigned i = 0; i < OPERATION_STATUS_COUNT; i++)
        if (str_eq(word, status_words[i])) {
            *ret_status = (enum operation_status)i;
            return 0;
        }
    return 1;
}

int operation_parse_type(struct str word, enum operation_type *ret_type)
{
    for (unsigned i = 0; i < OPERATION_TYPE_COUNT; i++)
        if (str_eq(word, type_words[i])) {
            *ret_type = (enum operation_type)i;
            return 0;
        }
    return 1;
}
