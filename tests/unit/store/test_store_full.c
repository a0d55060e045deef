/* SPDX-License-Identifier: Apache-2.0
 *
 * No space: a commit that does not fit says so and changes nothing, reading goes on, and once there is space commits do
 * so too, without a restart. Twice: under a limit of the file size, which any user can set, and on a small file system
 * of its own, where the machine lets us mount one. */
#include "fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define VALUE_SIZE 20000
#define CANNOT_MOUNT 42

/* Runs `work` in a child, whose limits and mounts are its own; returns its exit status. */
static int in_child(void (*work)(const char *dir), const char *dir)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        work(dir);
        exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void check(bool good, const char *what, int line)
{
    if (good)
        return;
    fprintf(stderr, "%s:%d: %s\n", __FILE__, line, what);
    _exit(1);
}
#define CHECK(condition) check((condition), #condition, __LINE__)

static bool holds(struct store *store, uint64_t commits)
{
    struct buf want, got;
    struct store_message message;
    buf_init(&want, 1 << 24);
    buf_init(&got, 1 << 24);
    fixture_work_contents(commits, VALUE_SIZE, &want);
    CHECK(fixture_contents(store, &got, &message) == 0);
    bool same = str_eq(buf_str(&want), buf_str(&got));
    buf_fini(&want);
    buf_fini(&got);
    return same;
}

/* Commits until there is no space, three times after `more_space` gave some; the store is right all the while. */
static void fill_up(const char *dir, void (*more_space)(const char *dir, int round))
{
    struct fixture_work work;
    struct store_stat stat;
    struct store *store = fixture_open(dir);
    fixture_work_init(&work, VALUE_SIZE);
    for (int round = 0; round < 3; round++) {
        uint64_t before = work.n;
        int r;
        while ((r = fixture_work_commit(&work, store)) == 0)
            CHECK(work.n < 10000);
        CHECK(r == STORE_FULL);
        CHECK(work.n > before);
        for (int again = 0; again < 3; again++)
            CHECK(fixture_work_commit(&work, store) == STORE_FULL);
        CHECK(holds(store, work.n));
        more_space(dir, round);
    }
    CHECK(fixture_work_commit(&work, store) == 0);
    store_stat(store, &stat);
    CHECK(!stat.lost);
    CHECK(stat.commits == work.n);
    CHECK(stat.failed_commits == 12);
    store_close(store);
    store = fixture_open(dir);
    CHECK(holds(store, work.n));
    store_close(store);
    fixture_work_free(&work);
}

static void raise_limit(const char *dir, int round)
{
    (void)dir;
    struct rlimit limit;
    CHECK(getrlimit(RLIMIT_FSIZE, &limit) == 0);
    limit.rlim_cur = (rlim_t)(round + 2) * 400000;
    CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0);
}

static void fill_up_to_limit(const char *dir)
{
    signal(SIGXFSZ, SIG_IGN);
    raise_limit(dir, -1);
    fill_up(dir, raise_limit);
}

static void test_file_size_limit(void **state)
{
    (void)state;
    char dir[FIXTURE_PATH];
    fixture_dir(true, dir);
    assert_int_equal(in_child(fill_up_to_limit, dir), 0);
    fixture_remove(dir);
}

/* --- a small file system ----------------------------------------------------------------------------------------- */

static bool put_line(const char *path, const char *before, unsigned id, const char *after)
{
    char line[64];
    int n =
        after ? snprintf(line, sizeof(line), "%s%u%s", before, id, after) : snprintf(line, sizeof(line), "%s", before);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool done = fd >= 0 && write(fd, line, (size_t)n) == n;
    if (fd >= 0)
        close(fd);
    return done;
}

/* Mounts of our own: as root, or as the root of a user namespace of our own. */
static bool leave_mounts(void)
{
    unsigned uid = geteuid(), gid = getegid();
    if (unshare(CLONE_NEWNS) == 0)
        return true;
    return unshare(CLONE_NEWNS | CLONE_NEWUSER) == 0 && put_line("/proc/self/uid_map", "0 ", uid, " 1") &&
           put_line("/proc/self/setgroups", "deny", 0, NULL) && put_line("/proc/self/gid_map", "0 ", gid, " 1");
}

static void mount_small(const char *dir)
{
    if (!leave_mounts() || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
        mount("none", dir, "tmpfs", 0, "size=2m,mode=0700"))
        _exit(CANNOT_MOUNT);
}

static void ballast(const char *dir, int i, bool there)
{
    char path[FIXTURE_PATH];
    static const char block[4096];
    fixture_path(dir, "ballast", path);
    size_t n = strlen(path);
    snprintf(path + n, sizeof(path) - n, "%d", i);
    if (!there) {
        CHECK(unlink(path) == 0);
        return;
    }
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    CHECK(fd >= 0);
    for (int k = 0; k < 100; k++)
        CHECK(write(fd, block, sizeof(block)) == sizeof(block));
    close(fd);
}

static void drop_ballast(const char *dir, int round)
{
    ballast(dir, round, false);
}

static void fill_up_disk(const char *dir)
{
    mount_small(dir);
    for (int i = 0; i < 3; i++)
        ballast(dir, i, true);
    fill_up(dir, drop_ballast);
}

/* Fills what is left, to the last block. */
static void use_up(const char *dir)
{
    char path[FIXTURE_PATH];
    static const char block[4096];
    fixture_path(dir, "rest", path);
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
    CHECK(fd >= 0);
    while (write(fd, block, sizeof(block)) > 0)
        continue;
    CHECK(errno == ENOSPC);
    close(fd);
}

static void start_on_full_disk(const char *dir)
{
    struct fixture_work work;
    struct fixture_files files;
    struct store *store;
    struct store_message message = { "" };
    char sub[FIXTURE_PATH], rest[FIXTURE_PATH];
    mount_small(dir);
    fixture_path(dir, "sub", sub);
    fixture_path(dir, "rest", rest);
    use_up(dir);
    /* a new store does not come about by half */
    CHECK(store_open_sqlite(sub, STORE_CREATE, clock_system(), &store, &message) == STORE_UNWRITABLE);
    CHECK(strstr(message.text, "No space left") || strstr(message.text, "full"));
    CHECK(unlink(rest) == 0);
    store = fixture_open(sub);
    fixture_work_init(&work, VALUE_SIZE);
    for (int i = 0; i < 5; i++)
        CHECK(fixture_work_commit(&work, store) == 0);
    store_close(store);
    fixture_files_read(sub, &files);
    /* an old one is refused untouched */
    use_up(dir);
    int r = store_open_sqlite(sub, 0, clock_system(), &store, &message);
    if (r == 0) {
        struct buf contents;
        buf_init(&contents, 1 << 24);
        r = fixture_contents(store, &contents, &message);
        buf_fini(&contents);
        store_close(store);
    }
    CHECK(r == STORE_UNWRITABLE);
    CHECK(message.text[0]);
    CHECK(fixture_files_same(sub, &files));
    fixture_files_free(&files);
    CHECK(unlink(rest) == 0);
    store = fixture_open(sub);
    CHECK(holds(store, 5));
    store_close(store);
    fixture_work_free(&work);
}

static void start_on_read_only_disk(const char *dir)
{
    struct fixture_files files;
    struct store *store;
    struct store_message message = { "" };
    mount_small(dir);
    store_close(fixture_open(dir));
    fixture_files_read(dir, &files);
    CHECK(mount("none", dir, NULL, MS_REMOUNT | MS_RDONLY, NULL) == 0);
    CHECK(store_open_sqlite(dir, STORE_CREATE, clock_system(), &store, &message) == STORE_UNWRITABLE);
    CHECK(strstr(message.text, "Read-only file system"));
    CHECK(fixture_files_same(dir, &files));
    fixture_files_free(&files);
}

static void on_small_disk(void (*work)(const char *dir))
{
    char dir[FIXTURE_PATH];
    fixture_dir(true, dir);
    int status = in_child(work, dir);
    if (status == CANNOT_MOUNT)
        print_message("cannot mount a file system here; the limit of the file size stands in for it\n");
    else
        assert_int_equal(status, 0);
    fixture_remove(dir);
}

static void test_full_disk(void **state)
{
    (void)state;
    on_small_disk(fill_up_disk);
}

static void test_start_on_full_disk(void **state)
{
    (void)state;
    on_small_disk(start_on_full_disk);
}

static void test_read_only_disk(void **state)
{
    (void)state;
    on_small_disk(start_on_read_only_disk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_file_size_limit),
        cmocka_unit_test(test_full_disk),
        cmocka_unit_test(test_start_on_full_disk),
        cmocka_unit_test(test_read_only_disk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
