/* SPDX-License-Identifier: Apache-2.0
 *
 * Processes that end in the middle: killed at a commit, at any single write, flush or removal, at any moment, or by a
 * power cut that loses what was not flushed. The child tells each acknowledged commit through a pipe; afterwards the
 * store must open, without repair, with every acknowledged commit and at most the one that was under way, whole. */
#include "fault_vfs.h"
#include "fixture.h"

#include "store/store_sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define VALUE_SIZE 600
#define COMMITS 40

/* Small, so that checkpoints and new beginnings of the log happen within a few commits. */
static const struct store_sqlite_checkpoint_limits limits = { .every = 12, .bound = 30, .limit = 60 };

struct plan {
    const char *dir;
    struct fault_vfs_plan vfs;
    struct store_fault store;
    uint64_t kill_after; /* the parent kills after so many acknowledgements; 0: it does not */
    bool keep_open;      /* the child commits until it is killed */
};

static void check(bool good, const char *what, int line)
{
    if (good)
        return;
    fprintf(stderr, "%s:%d: %s\n", __FILE__, line, what);
    _exit(1);
}
#define CHECK(condition) check((condition), #condition, __LINE__)

static int ignore_record(void *arg, struct str key, char *value, size_t n, uint32_t sum)
{
    (void)arg, (void)key, (void)value, (void)n, (void)sum;
    return 0;
}

/* Opens, commits, closes; each acknowledged commit is a byte to `pipe`. */
static void child_run(const struct plan *plan, int pipe)
{
    struct fixture_work work;
    struct store *store;
    struct store_message message;
    char path[FIXTURE_PATH];
    if (plan->vfs.kind != FAULT_VFS_NONE) {
        fault_vfs_install();
        fault_vfs_plan(&plan->vfs);
    }
    CHECK(store_sqlite_open(plan->dir, STORE_CREATE, clock_system(), &limits, &store, &message) == 0);
    CHECK(store_load(store, ignore_record, NULL, &message) == 0);
    fixture_path(plan->dir, "acknowledged", path);
    fault_vfs_watch(path);
    if (plan->store.at) {
        struct store *inner = store;
        CHECK(store_open_fault(&inner, &plan->store, &store) == 0);
    }
    fixture_work_init(&work, VALUE_SIZE);
    fixture_work_resume(&work, store);
    for (int i = 0; i < COMMITS || plan->keep_open; i++) {
        int r = fixture_work_commit(&work, store);
        /* does not return when the other thread is cutting the power, which this commit may have noticed */
        fault_vfs_count();
        CHECK(r == 0);
        CHECK(write(pipe, "x", 1) == 1);
    }
    store_close(store);
    fixture_work_free(&work);
}

/* Runs the plan in a child. Returns whether it came to its end; *acknowledged grows by what it told. */
static bool run(const struct plan *plan, uint64_t *acknowledged)
{
    int fds[2], status;
    char bytes[64];
    ssize_t n;
    uint64_t told = 0;
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        close(fds[0]);
        child_run(plan, fds[1]);
        _exit(COMMITS);
    }
    close(fds[1]);
    while ((n = read(fds[0], bytes, sizeof(bytes))) > 0) {
        told += (uint64_t)n;
        if (plan->kill_after && told >= plan->kill_after)
            kill(child, SIGKILL);
    }
    assert_int_equal(n, 0);
    close(fds[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    bool finished = WIFEXITED(status) && WEXITSTATUS(status) == COMMITS;
    /* 0 is how a power cut ends */
    assert_true(finished || WIFSIGNALED(status) || (WIFEXITED(status) && WEXITSTATUS(status) == 0));
    *acknowledged += told;
    return finished;
}

/* Opens what was left. Returns the commits that are there. */
static uint64_t verify(const char *dir, uint64_t acknowledged)
{
    struct fixture_work work;
    struct buf want, got;
    struct store_message message;
    struct store *store = fixture_open(dir);
    fixture_work_init(&work, VALUE_SIZE);
    fixture_work_resume(&work, store);
    assert_in_range(work.n, acknowledged, acknowledged + 1);
    buf_init(&want, 1 << 20);
    buf_init(&got, 1 << 20);
    fixture_work_contents(work.n, VALUE_SIZE, &want);
    assert_int_equal(fixture_contents(store, &got, &message), 0);
    assert_true(str_eq(buf_str(&want), buf_str(&got)));
    buf_fini(&want);
    buf_fini(&got);
    uint64_t n = work.n;
    fixture_work_free(&work);
    store_close(store);
    return n;
}

static void test_kill_at_commit(void **state)
{
    (void)state;
    for (int after = 0; after < 2; after++) {
        char dir[FIXTURE_PATH];
        uint64_t commits = 0;
        fixture_dir(true, dir);
        for (uint64_t at = 1; at <= 12; at++) {
            struct plan plan = { .dir = dir, .store = { .kind = STORE_FAULT_CRASH, .at = at, .after = after } };
            uint64_t acknowledged = commits;
            assert_false(run(&plan, &acknowledged));
            assert_int_equal(acknowledged, commits + at - 1);
            commits = verify(dir, acknowledged);
            assert_int_equal(commits, acknowledged + (uint64_t)after);
        }
        fixture_remove(dir);
    }
}

/* From the making of the store to its closing, until the plan names an operation that does not come any more. */
static void sweep(enum fault_vfs_kind kind, uint64_t step)
{
    struct rand rand;
    bool finished = false;
    unsigned rounds = 0;
    rand_init_seed(&rand, fixture_seed());
    for (long at = 1; !finished; at += 1 + (long)rand_below(&rand, step)) {
        char dir[FIXTURE_PATH];
        uint64_t acknowledged = 0;
        fixture_dir(true, dir);
        struct plan plan = { .dir = dir, .vfs = { .kind = kind, .at = at, .seed = rand_u64(&rand) } };
        finished = run(&plan, &acknowledged);
        assert_true(!finished || acknowledged == COMMITS);
        verify(dir, acknowledged);
        fixture_remove(dir);
        rounds++;
    }
    print_message("%u crashes\n", rounds);
    assert_true(rounds > 50);
}

static void test_kill_at_operation(void **state)
{
    (void)state;
    sweep(FAULT_VFS_KILL, (uint64_t)fixture_number("STORE_TEST_STEP", 2));
}

static void test_power_cut(void **state)
{
    (void)state;
    sweep(FAULT_VFS_POWER_CUT, (uint64_t)fixture_number("STORE_TEST_STEP", 2));
}

/* Cut after cut over one store, so that each begins with what the one before left. */
static void test_power_cut_again(void **state)
{
    (void)state;
    char dir[FIXTURE_PATH];
    uint64_t commits = 0;
    struct rand rand;
    rand_init_seed(&rand, fixture_seed());
    fixture_dir(true, dir);
    for (long rounds = fixture_number("STORE_TEST_ROUNDS", 100); rounds > 0; rounds--) {
        struct plan plan = { .dir = dir,
                             .vfs = { .kind = rounds % 3 ? FAULT_VFS_POWER_CUT : FAULT_VFS_KILL,
                                      .at = 1 + (long)rand_below(&rand, 200),
                                      .seed = rand_u64(&rand) } };
        run(&plan, &commits);
        commits = verify(dir, commits);
    }
    fixture_remove(dir);
}

/* On the disk proper, at moments that nobody chose. */
static void test_kill_any_time(void **state)
{
    (void)state;
    char dir[FIXTURE_PATH];
    uint64_t commits = 0;
    struct rand rand;
    rand_init_seed(&rand, fixture_seed());
    fixture_dir(false, dir);
    for (long rounds = fixture_number("STORE_TEST_ROUNDS", 100) / 2; rounds > 0; rounds--) {
        struct plan plan = { .dir = dir, .kill_after = 1 + rand_below(&rand, 30), .keep_open = true };
        uint64_t before = commits;
        assert_false(run(&plan, &commits));
        assert_true(commits >= before + plan.kill_after);
        commits = verify(dir, commits);
    }
    print_message("%llu commits\n", (unsigned long long)commits);
    fixture_remove(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kill_at_commit), cmocka_unit_test(test_kill_at_operation),
        cmocka_unit_test(test_power_cut),      cmocka_unit_test(test_power_cut_again),
        cmocka_unit_test(test_kill_any_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
