/* SPDX-License-Identifier: Apache-2.0 */
#include "bed.h"

#include "base/mem.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

static struct shared_config *parse(const char *config, const char *credentials)
{
    struct shared_config *parsed = NULL;
    struct aws_error error = { 0 };
    int r = shared_config_parse(str_of(config), str_of(credentials), &parsed, &error);
    if (r != 0)
        print_error("refused: %s\n", error.message);
    assert_int_equal(r, 0);
    return parsed;
}

static void check_value(const char *config, const char *credentials, const char *profile, const char *key,
                        const char *wanted)
{
    struct shared_config *parsed = parse(config, credentials);
    struct str value = shared_config_value(parsed, str_of(profile), key);
    if (!str_eq(value, str_of(wanted)) || str_is_set(value) != (wanted != NULL))
        print_error("%s of %s is '%.*s'\n", key, profile, (int)value.n, value.p ? value.p : "");
    assert_true(str_eq(value, str_of(wanted)));
    assert_int_equal(str_is_set(value), wanted != NULL);
    shared_config_free(parsed);
}

static void check_refused(struct str config, struct str credentials, const char *text)
{
    struct shared_config *parsed = NULL;
    struct aws_error error = { 0 };
    assert_int_equal(shared_config_parse(config, credentials, &parsed, &error), AWS_ODD);
    if (!strstr(error.message, text))
        print_error("the message is '%s'\n", error.message);
    assert_non_null(strstr(error.message, text));
    assert_null(strstr(error.message, "hush"));
}

static void test_sections(void **state)
{
    const char *config = "[default]\nregion = a\n"
                         "[profile one]\nregion = b\n"
                         "[ profile   two ]\nregion = c\n"
                         "[profile 'th ree']\nregion = d\n"
                         "[profile \"four\"] # and a comment\nregion = e\n"
                         "[five]\nregion = f\n"
                         "[profile six seven]\nregion = g\n"
                         "[sso-session eight]\nregion = h\n"
                         "[profileten]\nregion = i\n";
    (void)state;
    check_value(config, "", "default", "region", "a");
    check_value(config, "", "one", "region", "b");
    check_value(config, "", "two", "region", "c");
    check_value(config, "", "th ree", "region", "d");
    check_value(config, "", "four", "region", "e");
    check_value(config, "", "five", "region", NULL);
    check_value(config, "", "six seven", "region", NULL);
    check_value(config, "", "eight", "region", NULL);
    check_value(config, "", "ten", "region", NULL);
    check_value(config, "", "profileten", "region", NULL);
    check_value("", "[one]\nregion = b\n[profile two]\nregion = c", "one", "region", "b");
    check_value("", "[one]\nregion = b\n[profile two]\nregion = c", "two", "region", NULL);
    check_value("[default]\na=1\nb=2\n[profile default]\na=3", "", "default", "a", "3");
    check_value("[profile default]\na=3\n[default]\na=1\nb=2", "", "default", "b", NULL);
}

static void test_values(void **state)
{
    (void)state;
    check_value("[default]\nkey=a=b:c\n", "", "default", "key", "a=b:c");
    check_value("[default]\nkey: a=b\n", "", "default", "key", "a=b");
    check_value("[default]\nKeY  =\t a b \t\n", "", "default", "key", "a b");
    check_value("[default]\r\nkey = a\r\n\r\n", "", "default", "key", "a");
    check_value("[default]\nkey = a # b ; c", "", "default", "key", "a # b ; c");
    check_value("# [default]\n ; x\n[default]\n#key = b\n;key = c\n  # d\nkey = a", "", "default", "key", "a");
    check_value("[default]\nkey =\n", "", "default", "key", NULL);
    check_value("[default]\nkey = \"a\"", "", "default", "key", "\"a\"");
    check_value("[default]\n  key = a\n  more = b", "", "default", "more", "b"); /* all of them indented */
    check_value("  [default]\n  key = a\n  more = b", "", "default", "more", "b");
    check_value("[default]\nkey = \xc3\xa9", "", "default", "key", "\xc3\xa9");
    check_value("", "", "default", "key", NULL);
}

static void test_continued(void **state)
{
    (void)state;
    check_value("[default]\nkey = a\n  b = c\n  # no\n  d\nmore = e", "", "default", "key", "a\nb = c\nd");
    check_value("[default]\nkey = a\n  b = c\n  # no\n  d\nmore = e", "", "default", "more", "e");
    check_value("[default]\nkey = a\n\n\n  b\n\n", "", "default", "key", "a\n\n\nb");
    check_value("[default]\n key = a\n  b\n c = d", "", "default", "key", "a\nb");
    check_value("[default]\n key = a\n  b\n c = d", "", "default", "c", "d");
    check_value("[default]\nkey = a\n [profile x]\n", "", "default", "key", "a\n[profile x]");
}

static void test_credentials_win(void **state)
{
    const char *config = "[profile x]\na = 1\nb = 2", *credentials = "[x]\na = 3\nc = 4";
    (void)state;
    check_value(config, credentials, "x", "a", "3");
    check_value(config, credentials, "x", "b", "2");
    check_value(config, credentials, "x", "c", "4");
    struct shared_config *parsed = parse(config, credentials);
    assert_str(shared_config_value_in(parsed, SHARED_CONFIG_CONFIG, STR("x"), "a"), "1");
    assert_str(shared_config_value_in(parsed, SHARED_CONFIG_CREDENTIALS, STR("x"), "a"), "3");
    assert_false(str_is_set(shared_config_value_in(parsed, SHARED_CONFIG_CREDENTIALS, STR("x"), "b")));
    assert_true(shared_config_has_profile(parsed, STR("x")));
    assert_false(shared_config_has_profile(parsed, STR("y")));
    assert_false(shared_config_has_profile(parsed, STR("default")));
    assert_false(str_is_set(shared_config_value(parsed, STR("x"), "")));
    shared_config_free(parsed);
}

static void test_services(void **state)
{
    const char *config = "[default]\nservices = s\ns3 =\n  key = no\n\n"
                         "[services s]\n"
                         "EC2 =\n  endpoint_url = http://ec2 \n\n  # x\n  other=1\n"
                         "sqs = \n\tendpoint_url = http://sqs?a=b\n"
                         "[services t]\nsts =\n  endpoint_url = http://sts\n"
                         "[profile t]\nservices = t\n[profile u]\nservices = none\n";
    (void)state;
    struct shared_config *parsed = parse(config, "");
    assert_str(shared_config_service_value(parsed, STR("default"), "ec2", "endpoint_url"), "http://ec2");
    assert_str(shared_config_service_value(parsed, STR("default"), "ec2", "other"), "1");
    assert_str(shared_config_service_value(parsed, STR("default"), "sqs", "endpoint_url"), "http://sqs?a=b");
    assert_str(shared_config_service_value(parsed, STR("t"), "sts", "endpoint_url"), "http://sts");
    assert_false(str_is_set(shared_config_service_value(parsed, STR("default"), "sts", "endpoint_url")));
    assert_false(str_is_set(shared_config_service_value(parsed, STR("u"), "sts", "endpoint_url")));
    assert_false(str_is_set(shared_config_service_value(parsed, STR("v"), "sts", "endpoint_url")));
    assert_false(str_is_set(shared_config_value(parsed, STR("default"), "s3")));
    shared_config_free(parsed);
}

static void test_faults(void **state)
{
    static const struct {
        struct str config, credentials;
        const char *text;
    } faults[] = {
        { STR("key = hush"), STR(""), "config, line 1: a key before" },
        { STR("[default]\nhush"), STR(""), "config, line 2: neither" },
        { STR("[default]\n = hush"), STR(""), "line 2: neither" },
        { STR("\n\n[]\n"), STR(""), "line 3: a section" },
        { STR("[ ]"), STR(""), "line 1: a section" },
        { STR("[default\nhush = 1"), STR(""), "line 1: a section" },
        { STR("[default]\nkey = hu\0sh"), STR(""), "line 2: a control" },
        { STR("[default]\nkey = hush\rx"), STR(""), "line 2: a control" },
        { STR("[default]\nkey = hush\x7f"), STR(""), "line 2: a control" },
        { STR("[default]\nkey = hush\xff"), STR(""), "line 2: not UTF-8" },
        { STR("[default]\nkey =\n  hush"), STR(""), "line 3: an indented" },
        { STR("[default]\nkey =\n  = hush"), STR(""), "line 3: an indented" },
        { STR("[default]\nkey = hush\nKEY = hush"), STR(""), "lines 2 and 3 define the same key" },
        { STR("[default]\nkey =\n  a = hush\n  a = hush"), STR(""), "lines 3 and 4 define the same key" },
        { STR("[profile x]\n[profile y]\n[profile \"x\"]"), STR(""), "lines 1 and 3 define the same section" },
        { STR(""), STR("[a]\n[a]"), "credentials: lines 1 and 2 define the same section" },
        { STR(""), STR("[a]\nhush"), "credentials, line 2: neither" },
    };
    (void)state;
    for (size_t i = 0; i < TEST_COUNT(faults); i++)
        check_refused(faults[i].config, faults[i].credentials, faults[i].text);
}

static void test_caps(void **state)
{
    struct buf text;
    (void)state;
    buf_init(&text, 4 << 20);
    buf_put_str(&text, STR("[default]\nkey="));
    while (text.n < 10 + SHARED_CONFIG_LINE_MAX)
        buf_put_char(&text, 'x');
    struct shared_config *parsed = NULL;
    struct aws_error error;
    assert_int_equal(shared_config_parse(buf_str(&text), STR(""), &parsed, &error), 0);
    assert_int_equal(shared_config_value(parsed, STR("default"), "key").n, SHARED_CONFIG_LINE_MAX - 4);
    shared_config_free(parsed);
    buf_put_char(&text, 'x');
    check_refused(buf_str(&text), STR(""), "line 2: the line is too long");
    buf_clear(&text);
    buf_put_str(&text, STR("[default]\n"));
    for (unsigned i = 0; i < 16384; i++)
        buf_printf(&text, "k%u=\n", i);
    check_refused(buf_str(&text), STR(""), "too many keys");
    buf_fini(&text);
}

/* --- files ------------------------------------------------------------------------------------------------------- */

static int find(struct bed *bed, const char *profile, const char *key, struct arena *arena, struct str *ret_value,
                struct aws_error *ret_error)
{
    *ret_value = (struct str){ 0 };
    return shared_config_find(&bed->environment, profile, key, arena, ret_value, ret_error);
}

static void test_find(void **state)
{
    struct bed *bed = *state;
    struct aws_error error = { 0 };
    struct arena arena;
    struct str value;

    arena_init(&arena, 65536);
    assert_int_equal(find(bed, NULL, "region", &arena, &value, &error), 0); /* no files at all */
    assert_false(str_is_set(value));
    bed_write(bed, ".aws/config",
              "[default]\nregion = a\nservices = s\n[profile x]\nregion = b\n[services s]\n"
              "ec2 =\n  endpoint_url = http://x\n");
    bed_write(bed, ".aws/credentials", "[y]\nregion = c\n");
    assert_int_equal(find(bed, NULL, "region", &arena, &value, &error), 0);
    assert_str(value, "a");
    assert_int_equal(find(bed, "y", "region", &arena, &value, &error), 0);
    assert_str(value, "c");
    assert_int_equal(find(bed, "z", "region", &arena, &value, &error), 0);
    assert_false(str_is_set(value));
    assert_int_equal(shared_config_find_service(&bed->environment, NULL, "ec2", "endpoint_url", &arena, &value, &error),
                     0);
    assert_str(value, "http://x");
    bed_set(bed, "AWS_PROFILE", "x");
    assert_int_equal(find(bed, NULL, "region", &arena, &value, &error), 0);
    assert_str(value, "b");
    bed_set(bed, "AWS_DEFAULT_PROFILE", "y");
    assert_int_equal(find(bed, NULL, "region", &arena, &value, &error), 0);
    assert_str(value, "c");
    bed_set(bed, "AWS_DEFAULT_PROFILE", "z");
    assert_int_equal(find(bed, NULL, "region", &arena, &value, &error), AWS_ODD);
    assert_non_null(strstr(error.message, "'z'"));
    arena_fini(&arena);
}

static void test_paths(void **state)
{
    struct bed *bed = *state;
    struct aws_error error = { 0 };
    struct arena arena;
    struct str value;

    arena_init(&arena, 65536);
    bed_write(bed, "other", "[default]\nregion = o\n");
    bed_set_path(bed, "AWS_CONFIG_FILE", "other");
    assert_int_equal(find(bed, NULL, "region", &arena, &value, &error), 0);
    assert_str(value, "o");
    bed_set(bed, "AWS_CONFIG_FILE", "~/other");
    assert_int_equal(find(bed, NULL, "region", &arena, &value, &error), 0);
    assert_str(value, "o");
    bed_set(bed, "HOME", NULL);
    assert_int_equal(find(bed, NULL, "region", &arena, &value, &error), 0);
    assert_false(str_is_set(value));
    bed_set_path(bed, "AWS_SHARED_CREDENTIALS_FILE", "other");
    bed_set(bed, "AWS_CONFIG_FILE", "/dev/null");
    assert_int_equal(find(bed, NULL, "region", &arena, &value, &error), 0);
    assert_str(value, "o");
    bed_set(bed, "AWS_SHARED_CREDENTIALS_FILE", bed->dir); /* a folder is no file */
    assert_int_equal(find(bed, NULL, "region", &arena, &value, &error), 0);
    assert_false(str_is_set(value));
    arena_fini(&arena);
}

static void test_files_that_are_no_good(void **state)
{
    struct bed *bed = *state;
    struct aws_error error = { 0 };
    struct arena arena;
    struct str value;
    struct buf text;

    arena_init(&arena, 65536);
    bed_write(bed, ".aws/config", "[default]\nregion\n");
    assert_int_equal(find(bed, NULL, "region", &arena, &value, &error), AWS_ODD);
    assert_non_null(strstr(error.message, "/.aws/config, line 2: neither"));
    buf_init(&text, 4 << 20);
    while (text.n <= SHARED_CONFIG_FILE_MAX)
        buf_put_str(&text, STR("# a comment\n"));
    buf_put_char(&text, '\0');
    bed_write(bed, ".aws/config", text.p);
    assert_int_equal(find(bed, NULL, "region", &arena, &value, &error), AWS_ODD);
    assert_non_null(strstr(error.message, "1 MiB"));
    buf_fini(&text);
    bed_unlink(bed, ".aws/config");
    bed_set(bed, "AWS_CONFIG_FILE", "/proc/1/mem"); /* regular, but cannot be read */
    int r = find(bed, NULL, "region", &arena, &value, &error);
    assert_int_equal(r, AWS_ODD);
    assert_non_null(strstr(error.message, "/proc/1/mem cannot be read"));
    arena_fini(&arena);
}

static void test_no_memory(void **state)
{
    struct bed *bed = *state;
    struct aws_error error = { 0 };
    struct arena arena;
    struct str value;

    bed_write(bed, ".aws/config", "[default]\nregion = a\n");
    bed_write(bed, ".aws/credentials", "[default]\nkey = a\n");
    long k = 1;
    for (;; k++) {
        arena_init(&arena, 65536);
        mem_fail_at(k, false);
        int r = find(bed, NULL, "region", &arena, &value, &error);
        bool failed = mem_fail_at(0, false);
        assert_int_equal(r, failed ? -ENOMEM : 0);
        arena_fini(&arena);
        if (!failed)
            break;
    }
    assert_true(k > 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sections),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_continued),
        cmocka_unit_test(test_credentials_win),
        cmocka_unit_test(test_services),
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_caps),
        cmocka_unit_test_setup_teardown(test_find, bed_setup, bed_teardown),
        cmocka_unit_test_setup_teardown(test_paths, bed_setup, bed_teardown),
        cmocka_unit_test_setup_teardown(test_files_that_are_no_good, bed_setup, bed_teardown),
        cmocka_unit_test_setup_teardown(test_no_memory, bed_setup, bed_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
