/* SPDX-License-Identifier: Apache-2.0 */
#include "bed.h"

#include "aws/secret.h"
#include "base/mem.h"

#include <errno.h>
#include <sys/stat.h>

static char *path_in(struct bed *bed, const char *file, char ret_path[256])
{
    snprintf(ret_path, 256, "%s/%s", bed->dir, file);
    return ret_path;
}

static void test_dup(void **state)
{
    (void)state;
    char *secret = secret_dup(STR("abc"));
    assert_string_equal(secret, "abc");
    secret_free(secret);
    secret = secret_dup((struct str){ 0 });
    assert_string_equal(secret, "");
    secret_free(secret);
    secret_free(NULL);
    mem_fail_at(1, false);
    assert_null(secret_dup(STR("abc")));
}

static void test_read_file(void **state)
{
    struct bed *bed = *state;
    struct buf text;
    char path[256];

    bed_write(bed, "token", "12345");
    assert_int_equal(secret_read_file(path_in(bed, "token", path), 5, &text), 0);
    assert_str(buf_str(&text), "12345");
    secret_fini_buf(&text);
    assert_null(text.p);
    assert_int_equal(secret_read_file(path, 4, &text), -EFBIG);
    assert_int_equal(secret_read_file("/proc/self/environ", 4, &text), -EFBIG); /* its size is not told */
    assert_int_equal(secret_read_file(path_in(bed, "none", path), 5, &text), -ENOENT);
    assert_int_equal(secret_read_file(bed->dir, 5, &text), -ENODEV);
    assert_int_equal(secret_read_file("/dev/null", 5, &text), -ENODEV);
    bed_write(bed, "token", "");
    assert_int_equal(secret_read_file(path_in(bed, "token", path), 5, &text), 0);
    assert_str(buf_str(&text), "");
    secret_fini_buf(&text);
    mem_fail_at(1, false);
    assert_int_equal(secret_read_file(path, 5, &text), -ENOMEM);
}

/* A FIFO nobody writes to must not be waited for. */
static void test_fifo(void **state)
{
    struct bed *bed = *state;
    struct buf text;
    char path[256];

    assert_int_equal(mkfifo(path_in(bed, "other", path), 0600), 0);
    assert_int_equal(secret_read_file(path, 5, &text), -ENODEV);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dup),
        cmocka_unit_test_setup_teardown(test_read_file, bed_setup, bed_teardown),
        cmocka_unit_test_setup_teardown(test_fifo, bed_setup, bed_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
