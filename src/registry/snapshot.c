/* SPDX-License-Identifier: Apache-2.0
 *
 * Publishing; see snapshot.h. */
#include "registry/snapshot.h"

#include "base/mem.h"

#include <urcu/urcu-memb.h>

/* ThreadSanitizer does not see RCU's grace periods: tell it that what readers did before they let go happens before
 * the memory is freed. */
#ifdef __SANITIZE_THREAD__
void __tsan_acquire(void *address);
void __tsan_release(void *address);
#define TSAN_ACQUIRE(p) __tsan_acquire((void *)(uintptr_t)(p))
#define TSAN_RELEASE(p) __tsan_release((void *)(uintptr_t)(p))
#else
#define TSAN_ACQUIRE(p) ((void)(p))
#define TSAN_RELEASE(p) ((void)(p))
#endif

struct snapshot_garbage {
    struct rcu_head rcu;
    const struct snapshot_head *head;
    struct snapshot *old;
    struct edit_list replaced;
};

void snapshot_reader_start(void)
{
    urcu_memb_register_thread();
}

void snapshot_reader_stop(void)
{
    urcu_memb_unregister_thread();
}

const struct snapshot *snapshot_acquire(const struct snapshot_head *head)
{
    urcu_memb_read_lock();
    return __atomic_load_n(&head->newest, __ATOMIC_ACQUIRE);
}

void snapshot_release(const struct snapshot_head *head)
{
    TSAN_RELEASE(head);
    urcu_memb_read_unlock();
}

struct snapshot_garbage *snapshot_garbage_new(void)
{
    return mem_zalloc(sizeof(struct snapshot_garbage));
}

static void snapshot_free_garbage(struct rcu_head *rcu)
{
    struct snapshot_garbage *garbage = caa_container_of(rcu, struct snapshot_garbage, rcu);

    TSAN_ACQUIRE(garbage);
    TSAN_ACQUIRE(garbage->head);
    edit_list_free(&garbage->replaced);
    mem_free(garbage->old);
    mem_free(garbage);
}

void snapshot_publish(struct snapshot_head *head, struct snapshot *take_next, struct edit_list *take_replaced,
                      struct snapshot_garbage *take_garbage)
{
    take_garbage->head = head;
    take_garbage->old = head->newest;
    take_garbage->replaced = *take_replaced;
    *take_replaced = (struct edit_list){ 0 };
    __atomic_store_n(&head->newest, take_next, __ATOMIC_RELEASE);
    TSAN_RELEASE(take_garbage);
    urcu_memb_call_rcu(&take_garbage->rcu, snapshot_free_garbage);
}

void snapshot_barrier(void)
{
    urcu_memb_barrier();
}
