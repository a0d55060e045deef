/* SPDX-License-Identifier: Apache-2.0
 *
 * The command line. */
#include "../test.h"

#include "cloudmapd/config_args.h"

#define MAX_WORDS 16

static int parse(struct config_args *ret_args, const char *const *words)
{
    char *argv[MAX_WORDS + 1] = { (char *)(uintptr_t) "cloudmapd" };
    int argc = 1;
    for (; words[argc - 1]; argc++)
        argv[argc] = (char *)(uintptr_t)words[argc - 1];
    return config_args_parse(argc, argv, ret_args);
}

#define PARSE(args, ...) parse((args), (const char *const[]){ __VA_ARGS__, NULL })

static void test_shorthands(void **state)
{
    (void)state;
    struct config_args args;
    assert_int_equal(PARSE(&args, "--data", "/d", "--api=h:1", "--dns", "h:2", "--config", "f", "--set", "a.b=c=d"), 0);
    assert_int_equal(args.action, CONFIG_ACTION_RUN);
    assert_string_equal(args.file, "f");
    assert_int_equal(args.n_settings, 4);
    assert_str(args.settings[0].key, "store.path");
    assert_str(args.settings[0].value, "/d");
    assert_string_equal(args.settings[0].flag, "--data");
    assert_str(args.settings[1].key, "api.listen");
    assert_str(args.settings[1].value, "h:1");
    assert_str(args.settings[2].key, "dns.listen");
    assert_str(args.settings[3].key, "a.b");
    assert_str(args.settings[3].value, "c=d");
}

static void test_actions(void **state)
{
    (void)state;
    struct config_args args;
    assert_int_equal(PARSE(&args, "--check-config", "--data", "x"), 0);
    assert_int_equal(args.action, CONFIG_ACTION_CHECK);
    assert_int_equal(PARSE(&args, "--version"), 0);
    assert_int_equal(args.action, CONFIG_ACTION_VERSION);
    assert_int_equal(PARSE(&args, "--help", "whatever"), 0);
    assert_int_equal(args.action, CONFIG_ACTION_HELP);
}

static void test_wrong_usage(void **state)
{
    (void)state;
    struct config_args args;
    assert_int_equal(PARSE(&args, "--nonsense"), 1);
    assert_int_equal(PARSE(&args, "--data"), 1);
    assert_int_equal(PARSE(&args, "--set", "a.b"), 1);
    assert_int_equal(PARSE(&args, "word"), 1);
    assert_int_equal(PARSE(&args, "--check-config", "word"), 1);
}

/* At most 24 lines of at most 100 columns. */
static void test_help_fits_a_screen(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 1 << 16);
    config_args_write_help(&buf);
    size_t lines = 0, column = 0;
    for (size_t i = 0; i < buf.n; i++) {
        column = buf.p[i] == '\n' ? 0 : column + 1;
        lines += buf.p[i] == '\n';
        assert_true(column <= 100);
    }
    assert_true(lines > 10 && lines <= 24);
    buf_fini(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shorthands),
        cmocka_unit_test(test_actions),
        cmocka_unit_test(test_wrong_usage),
        cmocka_unit_test(test_help_fits_a_screen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
