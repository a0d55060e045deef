/* SPDX-License-Identifier: Apache-2.0
 *
 * Following the trail; see audit_file.h. */
#include "cloudmapd/audit_file.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/metric.h"
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define AUDIT_FILE_POLL_MS 200
#define AUDIT_FILE_RETRY_MS 5000
#define AUDIT_FILE_STEP 1024 /* records between two flushes */
#define AUDIT_FILE_MAX_TEXT (16u << 20)
#define AUDIT_FILE_POSITION "audit-file-position"

struct audit_file {
    struct registry *registry;
    uint64_t max_bytes, lag_max, position; /* position: the last record that is in the file, flushed */
    unsigned n_files;
    struct store_trail *trail;
    struct buf text;
    uint64_t n_gathered, gathered_to;
    int fd, position_fd, failure; /* failure: the last errno that was logged; 0: it can be written */
    uint64_t lag;                 /* as it was last known */
    bool refuses;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    bool stop; /* under the mutex */
    char path[PATH_MAX], data[PATH_MAX];
};

/* --- the files --------------------------------------------------------------------------------------------------- */

static int open_file(struct audit_file *file)
{
    file->fd = open(file->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    return file->fd < 0 ? -errno : 0;
}

/* The number in the position file, 0 when there is none. */
static int open_position(struct audit_file *file)
{
    char name[PATH_MAX + sizeof(AUDIT_FILE_POSITION) + 1], text[32] = "";

    snprintf(name, sizeof(name), "%s/" AUDIT_FILE_POSITION, file->data);
    file->position_fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file->position_fd < 0)
        return -errno;
    if (pread(file->position_fd, text, sizeof(text) - 1, 0) < 0 || sscanf(text, "%" SCNu64, &file->position) != 1)
        file->position = 0;
    return 0;
}

static int keep_position(struct audit_file *file)
{
    char text[32];
    int n = snprintf(text, sizeof(text), "%020" PRIu64 "\n", file->gathered_to);

    if (pwrite(file->position_fd, text, (size_t)n, 0) != n)
        return -errno;
    file->position = file->gathered_to;
    return 0;
}

/* FILE.1 becomes FILE.2 and so on; the last one goes. */
static int rotate(struct audit_file *file)
{
    char from[PATH_MAX + 16], to[PATH_MAX + 16];

    for (unsigned i = file->n_files - 1; i > 0; i--) {
        snprintf(to, sizeof(to), "%s.%u", file->path, i);
        snprintf(from, sizeof(from), i > 1 ? "%s.%u" : "%s", file->path, i - 1);
        if (rename(from, to) && errno != ENOENT)
            return -errno;
    }
    if (file->n_files == 1 && unlink(file->path) && errno != ENOENT)
        return -errno;
    close(file->fd);
    return open_file(file);
}

static int write_all(int fd, struct str text)
{
    while (text.n) {
        ssize_t n = write(fd, text.p, text.n);
        if (n < 0 && errno != EINTR)
            return -errno;
        if (n > 0)
            text = str_skip(text, (size_t)n);
    }
    return 0;
}

/* What was gathered goes to the file, all of it, or the file is cut back to where it was. */
static int write_gathered(struct audit_file *file)
{
    struct stat before;
    int r = 0;

    if (!file->text.n)
        return 0;
    if (file->text.failed)
        return -ENOMEM;
    if (file->fd < 0)
        r = open_file(file);
    if (r == 0 && fstat(file->fd, &before))
        r = -errno;
    if (r == 0 && before.st_size > 0 && (uint64_t)before.st_size + file->text.n > file->max_bytes) {
        r = rotate(file);
        before.st_size = 0;
    }
    if (r == 0) {
        r = write_all(file->fd, buf_str(&file->text));
        if (r == 0 && fdatasync(file->fd))
            r = -errno;
        if (r && ftruncate(file->fd, before.st_size))
            r = -errno;
    }
    return r ? r : keep_position(file);
}

/* --- following --------------------------------------------------------------------------------------------------- */

static int gather(void *arg, const struct store_row *row)
{
    struct audit_file *file = arg;

    if (file->text.n && file->text.n + row->text.n >= file->max_bytes)
        return 1;
    buf_put_str(&file->text, row->text);
    buf_put_char(&file->text, '\n');
    file->gathered_to = row->number;
    return ++file->n_gathered == AUDIT_FILE_STEP || file->text.n > AUDIT_FILE_MAX_TEXT / 2;
}

/* What the store kept no longer, before it was written. */
static void skip(struct audit_file *file, uint64_t gone)
{
    log_event(LOG_AUDIT_FILE_GAP, LOG_C("file", file->path), LOG_I("records", gone - file->position));
    metric_add(METRIC_AUDIT_DROPPED, (int64_t)(gone - file->position));
    file->position = gone;
}

/* Writes the next records; tells in file->lag how many there are still. 0, or -errno when it cannot go on. */
static int step(struct audit_file *file)
{
    struct store_message message = { "" };
    struct store_trail_head head;
    int r = file->trail ? 0 : store_trail_open(file->data, &file->trail, &message);

    if (r == 0)
        r = store_trail_head(file->trail, &head, &message);
    if (r)
        return r < 0 ? r : -EIO;
    if (file->position > head.last)
        file->position = head.last; /* the store is another one, or was restored */
    if (file->position < head.gone)
        skip(file, head.gone);
    file->lag = head.last - file->position;
    if (!file->lag)
        return 0;
    buf_clear(&file->text);
    file->n_gathered = 0;
    r = store_trail_read(file->trail, file->position + 1, false, gather, file, &message);
    if (r == 0 || r == 1)
        r = write_gathered(file);
    if (r == 0)
        file->lag = head.last > file->position ? head.last - file->position : 0;
    return r < 0 ? r : r == 0 ? 0 : -EIO;
}

static void tell(struct audit_file *file, int r)
{
    bool refuses = file->lag_max && file->lag > file->lag_max;

    metric_set(METRIC_AUDIT_FILE_LAG, (int64_t)file->lag);
    if (r && r != file->failure)
        log_event(LOG_AUDIT_FILE_FAILED, LOG_C("file", file->path), LOG_C("error", strerror(-r)));
    if (refuses != file->refuses)
        registry_refuse_changes(file->registry, refuses);
    file->refuses = refuses;
    file->failure = r;
}

/* True when it is time to end. */
static bool wait_for(struct audit_file *file, int64_t ms)
{
    struct timespec until;
    bool stop;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += ms / 1000;
    until.tv_nsec += ms % 1000 * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&file->mutex);
    while (!file->stop && pthread_cond_timedwait(&file->wake, &file->mutex, &until) == 0)
        ;
    stop = file->stop;
    pthread_mutex_unlock(&file->mutex);
    return stop;
}

static void *run(void *arg)
{
    struct audit_file *file = arg;
    bool last = false;

    for (;;) {
        int r = step(file);
        tell(file, r);
        if (r == 0 && file->lag)
            continue;
        if (last)
            return NULL;
        last = wait_for(file, r ? AUDIT_FILE_RETRY_MS : AUDIT_FILE_POLL_MS);
    }
}

/* --- start and stop ---------------------------------------------------------------------------------------------- */

static void free_file(struct audit_file *file)
{
    if (file->fd >= 0)
        close(file->fd);
    if (file->position_fd >= 0)
        close(file->position_fd);
    store_trail_close(file->trail);
    buf_fini(&file->text);
    mem_free(file);
}

int audit_file_start(const struct audit_file_config *config, struct audit_file **ret_file)
{
    struct audit_file *file = mem_zalloc(sizeof(*file));
    pthread_condattr_t monotonic;
    int r;

    if (!file)
        return -ENOMEM;
    file->registry = config->registry;
    file->max_bytes = config->max_bytes;
    file->lag_max = config->lag_max;
    file->n_files = config->n_files;
    file->fd = file->position_fd = -1;
    buf_init(&file->text, AUDIT_FILE_MAX_TEXT);
    r = (size_t)snprintf(file->path, sizeof(file->path), "%s", config->path) >= sizeof(file->path) ||
                (size_t)snprintf(file->data, sizeof(file->data), "%s", config->data) >= sizeof(file->data)
            ? -ENAMETOOLONG
            : open_file(file);
    if (r == 0)
        r = open_position(file);
    if (r) {
        free_file(file);
        return r;
    }
    pthread_mutex_init(&file->mutex, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&file->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    r = -pthread_create(&file->thread, NULL, run, file);
    if (r) {
        pthread_mutex_destroy(&file->mutex);
        pthread_cond_destroy(&file->wake);
        free_file(file);
        return r;
    }
    *ret_file = file;
    return 0;
}

void audit_file_stop(struct audit_file *file)
{
    if (!file)
        return;
    pthread_mutex_lock(&file->mutex);
    file->stop = true;
    pthread_cond_signal(&file->wake);
    pthread_mutex_unlock(&file->mutex);
    pthread_join(file->thread, NULL);
    pthread_mutex_destroy(&file->mutex);
    pthread_cond_destroy(&file->wake);
    free_file(file);
}
