/* SPDX-License-Identifier: Apache-2.0
 *
 * Publishing; see snapshot.h. */
#include "registry/snapshot.h"

#include "base/mem.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
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

static void *snapshot_try(void *arg)
{
    return arg;
}

/* The library ends the process when it cannot make its thread: whether there is one to be had is tried first. */
int snapshot_start(void)
{
    pthread_t thread;
    int r = -pthread_create(&thread, NULL, snapshot_try, NULL);

    if (r)
        return r;
    pthread_join(thread, NULL);
    return urcu_memb_get_default_call_rcu_data() ? 0 : -ENOMEM;
}

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
    TSAN_RELEASE(&head->readers); /* not &head->newest: its next store would make TSan forget */
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
    TSAN_ACQUIRE(&garbage->head->readers);
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

/* --- blocks of others ----------------------------------------------------------------------------------------------
 */

struct snapshot_block {
    struct rcu_head rcu;
    const struct snapshot_head *head;
    _Alignas(max_align_t) uint8_t data[];
};

void *snapshot_block_new(size_t n)
{
    struct snapshot_block *block = mem_zalloc(sizeof(*block) + n);

    return block ? block->data : NULL;
}

static struct snapshot_block *snapshot_block_of(void *data)
{
    return (struct snapshot_block *)(void *)((uint8_t *)data - offsetof(struct snapshot_block, data));
}

static void snapshot_reclaim_block(struct rcu_head *rcu)
{
    struct snapshot_block *block = caa_container_of(rcu, struct snapshot_block, rcu);

    TSAN_ACQUIRE(block);
    TSAN_ACQUIRE(&block->head->readers);
    mem_free(block);
}

void snapshot_block_give_up(const struct snapshot_head *head, void *take_block)
{
    if (!take_block)
        return;
    struct snapshot_block *block = snapshot_block_of(take_block);
    block->head = head;
    TSAN_RELEASE(block);
    urcu_memb_call_rcu(&block->rcu, snapshot_reclaim_block);
}

void snapshot_block_free(void *block)
{
    if (block)
        mem_free(snapshot_block_of(block));
}

struct snapshot_turn {
    struct rcu_head rcu;
    sem_t come;
};

static void snapshot_turn_comes(struct rcu_head *rcu)
{
    sem_post(&caa_container_of(rcu, struct snapshot_turn, rcu)->come);
}

/* One thread frees, in the order of the calls; urcu_memb_barrier does the same where ThreadSanitizer cannot see it. */
void snapshot_barrier(void)
{
    struct snapshot_turn turn;

    sem_init(&turn.come, 0, 0);
    urcu_memb_call_rcu(&turn.rcu, snapshot_turn_comes);
    while (sem_wait(&turn.come) && errno == EINTR)
        ;
    sem_destroy(&turn.come);
}
