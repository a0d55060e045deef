/* SPDX-License-Identifier: Apache-2.0
 *
 * The checkpoint thread, and the writer's part in checkpoints. */
#include "store/store_sqlite_checkpoint.h"
#include "base/log.h"
#include "base/mem.h"
#include "store/store_backend.h"
#include "store/store_sqlite_file.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

#define HELP_AT_MOST 256 /* frames that the writer takes upon itself: a few milliseconds */

const struct store_sqlite_checkpoint_limits store_sqlite_checkpoint_limits = { .every = 2048,
                                                                               .bound = 4096,
                                                                               .limit = 65536 };

struct store_sqlite_checkpoint {
    const struct store_sqlite_checkpoint_limits *limits;
    sqlite3 *db;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    bool wanted, busy, stop; /* under the mutex: a pass is asked for, is under way; the thread shall end */
    atomic_bool lost;
    atomic_uint_fast64_t n_passes;
    /* the writer's */
    unsigned frames;           /* in the log after the last commit */
    unsigned pass_at, next_at; /* frames when the last pass was asked for, and when the next one is due */
    bool finish;               /* the log is over its bound: bring it to an end */
};

/* SQLite flushes the database only with the pass that reaches the end of the log, which may be the writer's: what the
 * thread has written is flushed here, so that little is left for that one. */
static int flush_database(sqlite3 *db)
{
    sqlite3_file *file = NULL;
    sqlite3_file_control(db, "main", SQLITE_FCNTL_FILE_POINTER, &file);
    return file->pMethods->xSync(file, SQLITE_SYNC_NORMAL | SQLITE_SYNC_DATAONLY);
}

static void failed(struct store_sqlite_checkpoint *checkpoint, int code, bool may_repeat)
{
    log_event(LOG_STORE_CHECKPOINT_FAILED, LOG_C("error", sqlite3_errstr(code)));
    if (!may_repeat)
        checkpoint->lost = true;
}

static void pass(struct store_sqlite_checkpoint *checkpoint, sqlite3 *db)
{
    int code = sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    /* another connection, such as sqlite3 in a terminal, is at it: the next pass will do */
    if ((code & 0xff) == SQLITE_BUSY || (code & 0xff) == SQLITE_LOCKED)
        return;
    /* After a failed flush the kernel holds the pages for clean: a second try would succeed without them. Without
     * space or memory nothing counts as done, and the pass can be made again. */
    if (code) {
        failed(checkpoint, code,
               store_sqlite_file_is_full(db, STORE_SQLITE_FILE_DATABASE) || store_sqlite_file_is_nomem(db));
        return;
    }
    code = db == checkpoint->db ? flush_database(db) : SQLITE_OK;
    if (code)
        failed(checkpoint, code, false);
    else
        atomic_fetch_add(&checkpoint->n_passes, 1);
}

static void *run(void *arg)
{
    struct store_sqlite_checkpoint *checkpoint = arg;
    pthread_mutex_lock(&checkpoint->mutex);
    while (!checkpoint->stop) {
        if (!checkpoint->wanted) {
            pthread_cond_wait(&checkpoint->wake, &checkpoint->mutex);
            continue;
        }
        checkpoint->wanted = false;
        checkpoint->busy = true;
        pthread_mutex_unlock(&checkpoint->mutex);
        if (!checkpoint->lost)
            pass(checkpoint, checkpoint->db);
        pthread_mutex_lock(&checkpoint->mutex);
        checkpoint->busy = false;
    }
    pthread_mutex_unlock(&checkpoint->mutex);
    return NULL;
}

static void want_pass(struct store_sqlite_checkpoint *checkpoint)
{
    pthread_mutex_lock(&checkpoint->mutex);
    checkpoint->wanted = true;
    pthread_cond_signal(&checkpoint->wake);
    pthread_mutex_unlock(&checkpoint->mutex);
}

static bool is_idle(struct store_sqlite_checkpoint *checkpoint)
{
    pthread_mutex_lock(&checkpoint->mutex);
    bool idle = !checkpoint->wanted && !checkpoint->busy;
    pthread_mutex_unlock(&checkpoint->mutex);
    return idle;
}

int store_sqlite_checkpoint_start(const char *path, const struct store_sqlite_checkpoint_limits *limits,
                                  struct store_sqlite_checkpoint **ret_checkpoint, struct store_message *ret_message)
{
    struct store_sqlite_checkpoint *checkpoint = mem_zalloc(sizeof(*checkpoint));
    if (!checkpoint)
        return store_tell(ret_message, -ENOMEM, "%s: out of memory while opening it", path);
    int r = store_sqlite_file_open(path, STORE_SQLITE_FILE_WRITE, &checkpoint->db, ret_message);
    if (r) {
        mem_free(checkpoint);
        return r;
    }
    pthread_mutex_init(&checkpoint->mutex, NULL);
    pthread_cond_init(&checkpoint->wake, NULL);
    checkpoint->limits = limits;
    checkpoint->next_at = limits->every;
    r = -pthread_create(&checkpoint->thread, NULL, run, checkpoint);
    if (r) {
        store_tell(ret_message, r, "%s: cannot start the checkpoint thread: %s", path, strerror(-r));
        sqlite3_close(checkpoint->db);
        mem_free(checkpoint);
        return r;
    }
    *ret_checkpoint = checkpoint;
    return 0;
}

bool store_sqlite_checkpoint_stop(struct store_sqlite_checkpoint *checkpoint)
{
    if (!checkpoint)
        return false;
    pthread_mutex_lock(&checkpoint->mutex);
    checkpoint->stop = true;
    pthread_cond_signal(&checkpoint->wake);
    pthread_mutex_unlock(&checkpoint->mutex);
    pthread_join(checkpoint->thread, NULL);
    bool lost = checkpoint->lost;
    sqlite3_close(checkpoint->db);
    pthread_cond_destroy(&checkpoint->wake);
    pthread_mutex_destroy(&checkpoint->mutex);
    mem_free(checkpoint);
    return lost;
}

void store_sqlite_checkpoint_after_commit(struct store_sqlite_checkpoint *checkpoint, sqlite3 *writer, unsigned frames)
{
    const struct store_sqlite_checkpoint_limits *limits = checkpoint->limits;
    /* fewer than before: the log was started anew */
    if (frames < checkpoint->frames) {
        checkpoint->pass_at = 0;
        checkpoint->next_at = limits->every;
        checkpoint->finish = false;
    }
    checkpoint->frames = frames;
    if (checkpoint->lost)
        return;
    bool finish = checkpoint->finish && is_idle(checkpoint);
    unsigned left = frames - checkpoint->pass_at;
    if (finish && (left <= HELP_AT_MOST || frames >= limits->limit)) {
        checkpoint->finish = false;
        checkpoint->next_at = frames + limits->every;
        pass(checkpoint, writer);
    } else if (finish || frames >= checkpoint->next_at) {
        checkpoint->finish = frames >= limits->bound;
        checkpoint->next_at = frames + limits->every;
        checkpoint->pass_at = frames;
        want_pass(checkpoint);
    }
}

bool store_sqlite_checkpoint_is_lost(struct store_sqlite_checkpoint *checkpoint)
{
    return checkpoint->lost;
}

uint64_t store_sqlite_checkpoint_count(struct store_sqlite_checkpoint *checkpoint)
{
    return checkpoint->n_passes;
}
