/* SPDX-License-Identifier: Apache-2.0
 *
 * A damaged store is refused with its files untouched, or what was hit did not matter: then the contents are the same,
 * and the store can be written and opened again. Never a crash, never other contents. By default a seeded sample of the
 * bytes and lengths is tried; STORE_TEST_DAMAGE=1 tries each (2: each second one, and so on). */
#include "fixture.h"

#include "base/mem.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define VALUE_SIZE 700
#define FRAME (24 + 4096) /* a header and a page, behind the log's own header of 32 bytes */
#define SAMPLES 800       /* for each way of damaging each file */

struct bed {
    char dir[FIXTURE_PATH];
    struct fixture_files files;
    struct buf contents;
    uint64_t commits;
    struct rand rand;
    unsigned n_refused, n_harmless;
};

/* A child commits and dies, so that the log stays; the last commits are in the log only. */
static void leave_a_log(const char *dir)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct fixture_work work;
        struct store *store = fixture_open(dir);
        fixture_work_init(&work, VALUE_SIZE);
        fixture_work_resume(&work, store);
        for (int i = 0; i < 12; i++)
            if (fixture_work_commit(&work, store))
                _exit(1);
        raise(SIGKILL);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
}

/* Without the zeros that the log ends in, which nobody misses: the first frame of none is their begin. */
static struct str used_part(struct str log)
{
    static const char none[24];
    for (size_t n = 32; n < log.n; n += FRAME)
        if (memcmp(log.p + n, none, log.n - n < sizeof(none) ? log.n - n : sizeof(none)) == 0)
            return (struct str){ log.p, n };
    return log;
}

static void make_bed(struct bed *bed, bool with_log)
{
    struct fixture_work work;
    *bed = (struct bed){ 0 };
    rand_init_seed(&bed->rand, fixture_seed());
    fixture_dir(true, bed->dir);
    struct store *store = fixture_open(bed->dir);
    fixture_work_init(&work, VALUE_SIZE);
    for (int i = 0; i < 60; i++)
        assert_int_equal(fixture_work_commit(&work, store), 0);
    bed->commits = work.n;
    fixture_work_free(&work);
    store_close(store);
    if (with_log) {
        leave_a_log(bed->dir);
        bed->commits += 12;
    }
    fixture_files_read(bed->dir, &bed->files);
    assert_int_equal(str_is_set(bed->files.log), with_log);
    bed->files.log = used_part(bed->files.log);
    buf_init(&bed->contents, 1 << 20);
    fixture_work_contents(bed->commits, VALUE_SIZE, &bed->contents);
}

static int set_up_closed(void **state)
{
    static struct bed bed;
    make_bed(&bed, false);
    *state = &bed;
    return 0;
}

static int set_up_killed(void **state)
{
    static struct bed bed;
    make_bed(&bed, true);
    *state = &bed;
    return 0;
}

static int tear_down(void **state)
{
    struct bed *bed = *state;
    print_message("refused %u, without effect %u\n", bed->n_refused, bed->n_harmless);
    fixture_files_free(&bed->files);
    buf_fini(&bed->contents);
    fixture_remove(bed->dir);
    return 0;
}

/* The store that took the damage without a word goes on as if nothing had been. */
static void go_on(struct bed *bed)
{
    struct fixture_work work;
    struct buf before, after;
    struct store_message message;
    struct store *store = fixture_open(bed->dir);
    fixture_work_init(&work, VALUE_SIZE);
    fixture_work_resume(&work, store);
    assert_int_equal(work.n, bed->commits);
    for (int i = 0; i < 8; i++)
        assert_int_equal(fixture_work_commit(&work, store), 0);
    store_close(store);
    buf_init(&before, 1 << 20);
    buf_init(&after, 1 << 20);
    fixture_work_contents(work.n, VALUE_SIZE, &before);
    assert_int_equal(fixture_try(bed->dir, &after, &message), 0);
    assert_true(str_eq(buf_str(&before), buf_str(&after)));
    buf_fini(&before);
    buf_fini(&after);
    fixture_work_free(&work);
}

/* Opens what `files` says. Returns whether it was refused. */
static bool try_files(struct bed *bed, const struct fixture_files *files)
{
    struct buf contents;
    struct store_message message;
    buf_init(&contents, 1 << 20);
    fixture_files_write(bed->dir, files);
    int r = fixture_try(bed->dir, &contents, &message);
    if (r == 0) {
        assert_true(str_eq(buf_str(&contents), buf_str(&bed->contents)));
        go_on(bed);
        bed->n_harmless++;
    } else {
        if (r != STORE_DAMAGED && r != STORE_NEWER)
            print_error("%d: %s\n", r, message.text);
        assert_true(r == STORE_DAMAGED || r == STORE_NEWER);
        assert_true(fixture_files_same(bed->dir, files));
        bed->n_refused++;
    }
    buf_fini(&contents);
    return r != 0;
}

/* The step from one tried position to the next. */
static size_t step(struct bed *bed, size_t n)
{
    size_t every = (size_t)fixture_number("STORE_TEST_DAMAGE", 0);
    if (every)
        return every;
    size_t mean = n / SAMPLES + 1;
    return mean > 1 ? 1 + rand_below(&bed->rand, 2 * mean - 1) : 1;
}

/* `file` is one of the members of `files`. */
static void flip_bytes(struct bed *bed, struct fixture_files *files, struct str *file)
{
    struct str good = *file;
    char *bytes = mem_dup(good.p, good.n);
    assert_non_null(bytes);
    *file = (struct str){ bytes, good.n };
    for (size_t i = 0; i < good.n; i += step(bed, good.n)) {
        int flip = rand_below(&bed->rand, 2) ? 1 << rand_below(&bed->rand, 8) : (int)rand_below(&bed->rand, 255) + 1;
        bytes[i] = (char)(good.p[i] ^ flip);
        try_files(bed, files);
        bytes[i] = good.p[i];
    }
    *file = good;
    mem_free(bytes);
}

static void truncate_file(struct bed *bed, struct fixture_files *files, struct str *file)
{
    struct str good = *file;
    for (size_t n = 0; n < good.n; n += step(bed, good.n)) {
        file->n = n;
        assert_true(try_files(bed, files));
    }
    *file = good;
}

/* A page-sized piece is zeros, or a copy of another one. */
static void replace_pages(struct bed *bed, struct fixture_files *files, struct str *file)
{
    struct str good = *file;
    char *bytes = mem_dup(good.p, good.n);
    assert_non_null(bytes);
    *file = (struct str){ bytes, good.n };
    for (size_t to = 0; to + 4096 <= good.n; to += 4096) {
        for (size_t from = 0; from <= good.n; from += 4096) {
            if (from + 4096 <= good.n)
                memcpy(bytes + to, good.p + from, 4096);
            else
                memset(bytes + to, 0, 4096);
            if (from != to)
                try_files(bed, files);
        }
        memcpy(bytes + to, good.p + to, 4096);
    }
    *file = good;
    mem_free(bytes);
}

static void test_undamaged(void **state)
{
    struct bed *bed = *state;
    assert_false(try_files(bed, &bed->files));
}

static void test_database(void **state)
{
    struct bed *bed = *state;
    flip_bytes(bed, &bed->files, &bed->files.db);
    truncate_file(bed, &bed->files, &bed->files.db);
    replace_pages(bed, &bed->files, &bed->files.db);
}

static void test_log(void **state)
{
    struct bed *bed = *state;
    flip_bytes(bed, &bed->files, &bed->files.log);
    truncate_file(bed, &bed->files, &bed->files.log);
}

/* The database under a log that replaces most of its pages. */
static void test_database_under_log(void **state)
{
    struct bed *bed = *state;
    flip_bytes(bed, &bed->files, &bed->files.db);
}

/* One line does for the other. Without both, the records are whole, but what was acknowledged is not known any more. */
static void test_acknowledged(void **state)
{
    struct bed *bed = *state;
    struct fixture_files files = bed->files;
    char bytes[200];
    flip_bytes(bed, &files, &files.ack);
    assert_int_equal(bed->n_refused, 0);
    assert_in_range(files.ack.n, 2, sizeof(bytes));
    memcpy(bytes, files.ack.p, files.ack.n);
    bytes[files.ack.n / 2 - 1] ^= 1;
    bytes[files.ack.n - 1] ^= 1;
    files.ack = (struct str){ bytes, files.ack.n };
    assert_true(try_files(bed, &files));
    files.ack = (struct str){ bed->files.ack.p, bed->files.ack.n / 2 - 1 };
    truncate_file(bed, &files, &files.ack);
    for (size_t n = bed->files.ack.n / 2 + 1; n < bed->files.ack.n; n++) {
        files.ack = (struct str){ bed->files.ack.p, n };
        assert_true(try_files(bed, &files));
    }
}

static void test_lost_file(void **state)
{
    struct bed *bed = *state;
    struct fixture_files files = bed->files;
    files.log = (struct str){ 0 };
    assert_true(try_files(bed, &files));
    files = bed->files;
    files.db = (struct str){ 0 };
    assert_true(try_files(bed, &files));
    files.log = (struct str){ 0 };
    assert_true(try_files(bed, &files));
    /* power may be lost before that file was ever on the disk */
    files = bed->files;
    files.ack = (struct str){ 0 };
    assert_false(try_files(bed, &files));
}

/* Files of two moments, each whole in itself. */
static void test_mixed_files(void **state)
{
    struct bed *bed = *state;
    struct fixture_files later, files;
    leave_a_log(bed->dir);
    fixture_files_read(bed->dir, &later);
    files = bed->files;
    files.ack = later.ack;
    assert_true(try_files(bed, &files));
    files = later;
    files.log = bed->files.log;
    assert_true(try_files(bed, &files));
    fixture_files_free(&later);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_undamaged, set_up_closed, tear_down),
        cmocka_unit_test_setup_teardown(test_database, set_up_closed, tear_down),
        cmocka_unit_test_setup_teardown(test_log, set_up_killed, tear_down),
        cmocka_unit_test_setup_teardown(test_database_under_log, set_up_killed, tear_down),
        cmocka_unit_test_setup_teardown(test_acknowledged, set_up_killed, tear_down),
        cmocka_unit_test_setup_teardown(test_lost_file, set_up_killed, tear_down),
        cmocka_unit_test_setup_teardown(test_mixed_files, set_up_killed, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
