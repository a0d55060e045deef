/* SPDX-License-Identifier: Apache-2.0 */
#include "../test.h"

#include "base/mem.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void test_allocation(void **state)
{
    (void)state;
    char *p = mem_zalloc(100), *q = mem_alloc(0), *r = mem_alloc(0);
    assert_non_null(q);
    assert_ptr_not_equal(q, r);
    for (int i = 0; i < 100; i++)
        assert_int_equal(p[i], 0);
    memcpy(p, "text", 5);
    p = mem_realloc(p, 1000);
    assert_string_equal(p, "text");
    char *copy = mem_dup(p, 5), *text = mem_dup_cstr(p);
    assert_string_equal(copy, "text");
    assert_string_equal(text, "text");
    mem_free(p);
    mem_free(q);
    mem_free(r);
    mem_free(copy);
    mem_free(text);
    mem_free(NULL);
    q = mem_dup(NULL, 0);
    assert_non_null(q);
    q = mem_realloc(q, 0);
    assert_non_null(q);
    mem_free(q);
}

/* Which of five allocations fail, as a bit set. */
static unsigned failures(void)
{
    unsigned failed = 0;
    void *p[5] = { mem_alloc(1), mem_zalloc(1), mem_dup("a", 1), mem_dup_cstr("a"), mem_realloc(NULL, 1) };
    for (unsigned i = 0; i < 5; i++) {
        failed |= (unsigned)(p[i] == NULL) << i;
        mem_free(p[i]);
    }
    return failed;
}

static void test_each_can_fail(void **state)
{
    (void)state;
    assert_int_equal(failures(), 0);
    for (unsigned k = 1; k <= 5; k++) {
        mem_fail_at(k, 0);
        assert_int_equal(failures(), 1u << (k - 1));
        assert_int_equal(mem_fail_at(k, 1), 1);
        assert_int_equal(failures(), (0x1fu << (k - 1)) & 0x1f);
        assert_int_equal(mem_fail_at(0, 0), 1);
        assert_int_equal(failures(), 0);
        assert_int_equal(mem_fail_at(0, 0), 0);
    }
    mem_fail_at(6, 0);
    assert_int_equal(failures(), 0);
    assert_int_equal(mem_fail_at(0, 0), 0);
}

static void test_realloc_failure_keeps_block(void **state)
{
    (void)state;
    char *p = mem_dup_cstr("kept");
    mem_fail_at(1, 0);
    assert_null(mem_realloc(p, 1000));
    mem_fail_at(0, 0);
    assert_string_equal(p, "kept");
    mem_free(p);
}

static void *count_failures(void *arg)
{
    *(unsigned *)arg = failures();
    return NULL;
}

static void test_other_threads_are_spared(void **state)
{
    (void)state;
    unsigned failed = 1;
    pthread_t thread;
    mem_fail_at(1, 1);
    assert_int_equal(pthread_create(&thread, NULL, count_failures, &failed), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(failed, 0);
    assert_int_equal(failures(), 0x1f);
    mem_fail_at(0, 0);
}

static void test_ownership_macros(void **state)
{
    (void)state;
    char *kept;
    {
        AUTO_FREE char *freed = mem_dup_cstr("freed at the end of the block");
        AUTO_FREE char *given = mem_dup_cstr("given away");
        AUTO_FREE char *none = NULL;
        assert_non_null(freed);
        assert_null(none);
        kept = TAKE(given);
        assert_null(given);
    }
    assert_string_equal(kept, "given away");
    mem_free(kept);
}

static void test_assertion(void **state)
{
    (void)state;
    int fds[2], status;
    assert_int_equal(pipe(fds), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        signal(SIGABRT, SIG_DFL);
        dup2(fds[1], STDERR_FILENO);
        ASSERT(1 + 1 == 2);
        ASSERT(1 + 1 == 3);
        _exit(0);
    }
    close(fds[1]);
    char text[1000] = { 0 };
    assert_true(read(fds[0], text, sizeof(text) - 1) > 0);
    close(fds[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    assert_non_null(strstr(text, "test_mem.c"));
    assert_non_null(strstr(text, "1 + 1 == 3"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_allocation),
        cmocka_unit_test(test_each_can_fail),
        cmocka_unit_test(test_realloc_failure_keeps_block),
        cmocka_unit_test(test_other_threads_are_spared),
        cmocka_unit_test(test_ownership_macros),
        cmocka_unit_test(test_assertion),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
