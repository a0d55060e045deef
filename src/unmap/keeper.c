/* SPDX-License-Identifier: Apache-2.0
 *
 * A list of services, each with two arenas: one holds the history, the other takes the next one. */
#include "unmap/keeper.h"
#include "base/log.h"
#include "base/mem.h"
#include "unmap/history_file.h"

#include <errno.h>

#define ARENA_MAX ((size_t)1 << 30)

struct kept {
    struct kept *next;
    struct arena id_arena, arenas[2];
    unsigned turn; /* the arena that holds the history */
    bool is_ahead; /* of its file, which could not be written */
    struct str service_id;
    struct plan_history *history;
};

struct keeper {
    const struct state_dir *dir;
    bool may_save;
    struct kept *kept;
};

int keeper_new(const struct state_dir *dir, bool may_save, struct keeper **ret_keeper)
{
    struct keeper *keeper = mem_zalloc(sizeof(*keeper));
    if (!keeper)
        return -ENOMEM;
    keeper->dir = dir;
    keeper->may_save = may_save;
    *ret_keeper = keeper;
    return 0;
}

static void free_kept(struct kept *kept)
{
    arena_fini(&kept->id_arena);
    arena_fini(&kept->arenas[0]);
    arena_fini(&kept->arenas[1]);
    mem_free(kept);
}

void keeper_free(struct keeper *keeper)
{
    if (!keeper)
        return;
    for (struct kept *kept = keeper->kept, *next; kept; kept = next) {
        next = kept->next;
        free_kept(kept);
    }
    mem_free(keeper);
}

/* What the file has, in the arena that is free; the present history stays when it has nothing. 0 or -ENOMEM. */
static int load(struct keeper *keeper, struct kept *kept, int64_t now_ms)
{
    struct plan_history *history;
    struct arena *arena = &kept->arenas[!kept->turn];
    arena_reset(arena);
    int r = history_file_load(keeper->dir, kept->service_id, now_ms, arena, &history);
    if (r == -ENOMEM)
        return r;
    if (r == 0) {
        kept->history = history;
        kept->turn = !kept->turn;
        return 0;
    }
    log_event(LOG_UNMAP_STATE_IGNORED, LOG_S("service_id", kept->service_id),
              LOG_C("error", r < 0 ? strerror(-r) : "the history is damaged"));
    return 0;
}

static int begin(struct keeper *keeper, struct kept *kept, int64_t now_ms)
{
    kept->history = ARENA_NEW(&kept->arenas[0], struct plan_history);
    if (!kept->history)
        return -ENOMEM;
    return keeper->dir->fd >= 0 ? load(keeper, kept, now_ms) : 0;
}

static int find(struct keeper *keeper, struct str service_id, int64_t now_ms, struct kept **ret_kept)
{
    for (struct kept *kept = keeper->kept; kept; kept = kept->next) {
        if (str_eq(kept->service_id, service_id)) {
            *ret_kept = kept;
            return 0;
        }
    }
    struct kept *kept = mem_zalloc(sizeof(*kept));
    if (!kept)
        return -ENOMEM;
    arena_init(&kept->id_arena, 4096);
    arena_init(&kept->arenas[0], ARENA_MAX);
    arena_init(&kept->arenas[1], ARENA_MAX);
    kept->service_id = arena_dup(&kept->id_arena, service_id);
    if (!kept->service_id.p || begin(keeper, kept, now_ms) != 0) {
        free_kept(kept);
        return -ENOMEM;
    }
    kept->next = keeper->kept;
    keeper->kept = kept;
    *ret_kept = kept;
    return 0;
}

int keeper_get(struct keeper *keeper, struct str service_id, int64_t now_ms, const struct plan_history **ret_history)
{
    struct kept *kept;
    int r = find(keeper, service_id, now_ms, &kept);
    /* Another process may share the file, and have removed something since. */
    if (r == 0 && keeper->may_save && keeper->dir->fd >= 0 && !kept->is_ahead)
        r = load(keeper, kept, now_ms);
    if (r == 0)
        *ret_history = kept->history;
    return r;
}

int keeper_put(struct keeper *keeper, struct str service_id, int64_t now_ms, const struct plan_history *history)
{
    struct kept *kept;
    int r = find(keeper, service_id, now_ms, &kept);
    if (r != 0)
        return r;
    struct arena *arena = &kept->arenas[!kept->turn];
    arena_reset(arena);
    struct plan_history *copy;
    r = plan_history_dup(history, arena, &copy);
    if (r != 0)
        return r;
    kept->history = copy;
    kept->turn = !kept->turn;
    if (!keeper->may_save || keeper->dir->fd < 0)
        return 0;
    r = history_file_save(keeper->dir, service_id, now_ms, copy);
    kept->is_ahead = r != 0;
    return r;
}
