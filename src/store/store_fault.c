/* SPDX-License-Identifier: Apache-2.0
 *
 * A backend that passes everything on to another one but for the one planned fault. */
#include "base/mem.h"
#include "store/store_backend.h"

#include <errno.h>
#include <signal.h>

struct fault {
    struct store_backend backend;
    struct store_backend *inner;
    struct store_fault plan;
    uint64_t n_commits;
};

static struct fault *fault_of(struct store_backend *backend)
{
    return (struct fault *)backend;
}

static int fault_load(struct store_backend *backend, store_row_fn *fn, void *arg, struct store_message *ret_message)
{
    struct store_backend *inner = fault_of(backend)->inner;
    return inner->ops->load(inner, fn, arg, ret_message);
}

static int fault_accept(struct store_backend *backend, uint64_t revision, struct store_message *ret_message)
{
    struct store_backend *inner = fault_of(backend)->inner;
    return inner->ops->accept(inner, revision, ret_message);
}

static int fault_rows(struct store_backend *backend, uint64_t from, uint64_t to, store_trail_fn *fn, void *arg)
{
    struct store_backend *inner = fault_of(backend)->inner;
    return inner->ops->rows(inner, from, to, fn, arg);
}

static int fault_commit(struct store_backend *backend, const struct store_op *ops, size_t n_ops,
                        const struct store_trail_step *trail, const struct store_op *ledger, uint64_t revision)
{
    struct fault *fault = fault_of(backend);
    const struct store_fault *plan = &fault->plan;
    struct store_backend *inner = fault->inner;
    bool now = ++fault->n_commits == plan->at;
    if (now && plan->kind == STORE_FAULT_FULL)
        return STORE_FULL;
    if (now && plan->kind == STORE_FAULT_LOST)
        return STORE_LOST;
    if (now && plan->kind == STORE_FAULT_CRASH && !plan->after)
        raise(SIGKILL);
    int r = inner->ops->commit(inner, ops, n_ops, trail, ledger, revision);
    if (now && plan->kind == STORE_FAULT_CRASH)
        raise(SIGKILL);
    if (now && plan->kind == STORE_FAULT_TORN)
        return STORE_LOST;
    return r;
}

static void fault_stat(struct store_backend *backend, struct store_stat *ret_stat)
{
    struct store_backend *inner = fault_of(backend)->inner;
    inner->ops->stat(inner, ret_stat);
}

static void fault_close(struct store_backend *backend)
{
    struct fault *fault = fault_of(backend);
    fault->inner->ops->close(fault->inner);
    mem_free(fault);
}

static const struct store_backend_ops fault_ops = {
    .load = fault_load,
    .accept = fault_accept,
    .commit = fault_commit,
    .rows = fault_rows,
    .stat = fault_stat,
    .close = fault_close,
};

int store_open_fault(struct store **take_inner, const struct store_fault *fault, struct store **ret_store)
{
    struct fault *wrapper = mem_zalloc(sizeof(*wrapper));
    if (!wrapper)
        return -ENOMEM;
    struct store *store = TAKE(*take_inner);
    wrapper->inner = store_swap_backend(store, &wrapper->backend);
    wrapper->backend = (struct store_backend){ .ops = &fault_ops, .name = wrapper->inner->name };
    wrapper->plan = *fault;
    *ret_store = store;
    return 0;
}
