/* SPDX-License-Identifier: Apache-2.0
 *
 * A library to preload into the daemon: makes flushes, writes to files, thread creation and allocations fail, lie or
 * kill, as a page shared with the test says (FAULTY_PLAN names the file). The test may change the plan while the daemon
 * runs. With FAULTY_JOURNAL, every change to a file and every flush is also noted in that file, in order, from which
 * the test makes the disks that a power cut could have left. Mirrored by faulty.py and images.py. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum class { FLUSH, WRITE, THREAD, MEMORY, CLASS_COUNT };

/* `effect` of a rule: an errno, or one of these. */
enum { EFFECT_LIE = -1, EFFECT_KILL = -2 };

struct rule {
    _Atomic int64_t seen;   /* calls since the test set this to 0 */
    _Atomic int64_t at;     /* the call that is hit, 1 = the first; 0 = none */
    _Atomic int64_t onward; /* non-zero: that call and all after it */
    _Atomic int64_t effect;
    _Atomic int64_t hits;
};

/* What the test and the daemon share. */
struct plan {
    struct rule rules[CLASS_COUNT];
    _Atomic int64_t noted; /* records in the journal */
};

/* A record of the journal: this head, the path, the data. */
struct note {
    int64_t kind, offset, length, path_length, data_length;
    int64_t covers; /* NOTE_FLUSH: records that were in the journal when the flush began */
};
enum { NOTE_WRITE, NOTE_TRUNCATE, NOTE_FLUSH };

static struct plan *plan;
static int journal = -1;
static pthread_mutex_t journal_lock = PTHREAD_MUTEX_INITIALIZER;

__attribute__((constructor)) static void map_plan(void)
{
    const char *notes = getenv("FAULTY_JOURNAL");
    if (notes)
        journal = open(notes, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    const char *path = getenv("FAULTY_PLAN");
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0)
        _exit(125);
    plan = mmap(NULL, sizeof(*plan), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (plan == MAP_FAILED)
        _exit(125);
}

/* 0: go on as usual. EFFECT_LIE: do nothing and report success. Otherwise the errno to fail with. */
static int judge(enum class class)
{
    if (!plan)
        return 0;
    struct rule *rule = &plan->rules[class];
    int64_t seen = atomic_fetch_add(&rule->seen, 1) + 1;
    int64_t at = atomic_load(&rule->at);
    if (at == 0 || seen < at)
        return 0;
    if (!atomic_load(&rule->onward) && !atomic_compare_exchange_strong(&rule->at, &at, 0))
        return 0; /* another thread took it */
    atomic_fetch_add(&rule->hits, 1);
    int effect = (int)atomic_load(&rule->effect);
    if (effect == EFFECT_KILL) {
        kill(getpid(), SIGKILL);
        for (;;)
            pause();
    }
    return effect;
}

static void *next(const char *name)
{
    return dlsym(RTLD_NEXT, name);
}

/* Fails or lies; true when the call is over, with *ret_result as its result. */
static bool stopped(enum class class, ssize_t lie, ssize_t *ret_result)
{
    int effect = judge(class);
    if (effect == 0)
        return false;
    if (effect != EFFECT_LIE)
        errno = effect;
    *ret_result = effect == EFFECT_LIE ? lie : -1;
    return true;
}

static bool is_regular(int fd)
{
    struct stat st;
    return fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

/* Behind the call it notes: what a flush must cover was noted before that flush began. */
static void note(int kind, int fd, off64_t offset, size_t length, const void *data, int64_t covers)
{
    char link[64], path[PATH_MAX];
    if (journal < 0)
        return;
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof(path));
    struct note head = {
        .kind = kind,
        .offset = offset,
        .length = (int64_t)length,
        .path_length = n > 0 ? n : 0,
        .data_length = data ? (int64_t)length : 0,
        .covers = covers,
    };
    struct iovec parts[] = {
        { &head, sizeof(head) },
        { path, (size_t)head.path_length },
        { (void *)data, (size_t)head.data_length },
    };
    pthread_mutex_lock(&journal_lock);
    if (writev(journal, parts, 3) != (ssize_t)(sizeof(head) + parts[1].iov_len + parts[2].iov_len))
        _exit(125);
    atomic_fetch_add(&plan->noted, 1);
    pthread_mutex_unlock(&journal_lock);
}

static int flush(int fd, const char *name)
{
    ssize_t result;
    int64_t covers = atomic_load(&plan->noted);
    if (stopped(FLUSH, 0, &result))
        return (int)result;
    result = ((int (*)(int))next(name))(fd);
    if (result == 0)
        note(NOTE_FLUSH, fd, 0, 0, NULL, covers);
    return (int)result;
}

static ssize_t write_at(int fd, const void *p, size_t n, off64_t at)
{
    ssize_t result;
    if (!is_regular(fd))
        return ((ssize_t(*)(int, const void *, size_t, off64_t))next("pwrite64"))(fd, p, n, at);
    if (stopped(WRITE, (ssize_t)n, &result))
        return result;
    result = ((ssize_t(*)(int, const void *, size_t, off64_t))next("pwrite64"))(fd, p, n, at);
    if (result > 0)
        note(NOTE_WRITE, fd, at, (size_t)result, p, 0);
    return result;
}

static int truncate_at(int fd, off64_t n)
{
    ssize_t result;
    if (stopped(WRITE, 0, &result))
        return (int)result;
    result = ((int (*)(int, off64_t))next("ftruncate64"))(fd, n);
    if (result == 0)
        note(NOTE_TRUNCATE, fd, n, 0, NULL, 0);
    return (int)result;
}

int fsync(int fd)
{
    return flush(fd, "fsync");
}

int fdatasync(int fd)
{
    return flush(fd, "fdatasync");
}

ssize_t pwrite(int fd, const void *p, size_t n, off_t at)
{
    return write_at(fd, p, n, at);
}

ssize_t pwrite64(int fd, const void *p, size_t n, off64_t at)
{
    return write_at(fd, p, n, at);
}

int ftruncate(int fd, off_t n)
{
    return truncate_at(fd, n);
}

int ftruncate64(int fd, off64_t n)
{
    return truncate_at(fd, n);
}

int pthread_create(pthread_t *ret_thread, const pthread_attr_t *attr, void *(*run)(void *), void *arg)
{
    int effect = judge(THREAD);
    if (effect)
        return effect;
    return ((int (*)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *))next("pthread_create"))(
        ret_thread, attr, run, arg);
}

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t count, size_t n);
void *__libc_realloc(void *p, size_t n);

void *malloc(size_t n)
{
    int effect = judge(MEMORY);
    return effect ? (errno = effect, NULL) : __libc_malloc(n);
}

void *calloc(size_t count, size_t n)
{
    int effect = judge(MEMORY);
    return effect ? (errno = effect, NULL) : __libc_calloc(count, n);
}

void *realloc(void *p, size_t n)
{
    int effect = judge(MEMORY);
    return effect ? (errno = effect, NULL) : __libc_realloc(p, n);
}
