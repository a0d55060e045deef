/* SPDX-License-Identifier: Apache-2.0 */
#include "bed.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#define GOOD "{\"Version\":1,\"AccessKeyId\":\"P\",\"SecretAccessKey\":\"secret-of-P\",\"SessionToken\":\"t\"}"

/* --- words ------------------------------------------------------------------------------------------------------- */

static void check_words(const char *command, const char *wanted)
{
    struct arena arena;
    char **words, text[512] = "";
    size_t n = 0;
    arena_init(&arena, 65536);
    assert_int_equal(credentials_process_split(str_of(command), &arena, &words), 0);
    for (size_t i = 0; words[i]; i++)
        n += (size_t)snprintf(text + n, sizeof(text) - n, "<%s>", words[i]);
    assert_string_equal(text, wanted);
    arena_fini(&arena);
}

static void test_split(void **state)
{
    static const char *const refused[] = { "", "  ", "'a", "\"a", "a\\", "\"a\\" };
    (void)state;
    check_words("a", "<a>");
    check_words("  a  b\tc\nd ", "<a><b><c><d>");
    check_words("a 'b c' \"d e\"", "<a><b c><d e>");
    check_words("a'b 'c\" d\"e", "<ab c de>");
    check_words("a '' \"\"", "<a><><>");
    check_words("a\\ b \\'c\\'", "<a b><'c'>");
    check_words("'a\\b' \"a\\b\" \"a\\\"b\" \"a\\\\b\" \"a\\$b\"", "<a\\b><a\\b><a\"b><a\\b><a\\$b>");
    check_words("a $HOME `b` ; | & # > *", "<a><$HOME><`b`><;><|><&><#><>><*>");
    for (size_t i = 0; i < TEST_COUNT(refused); i++) {
        struct arena arena;
        char **words;
        arena_init(&arena, 65536);
        assert_int_equal(credentials_process_split(str_of(refused[i]), &arena, &words), 1);
        arena_fini(&arena);
    }
}

static void test_split_caps(void **state)
{
    struct arena arena;
    char **words, text[1024];
    (void)state;
    for (size_t i = 0; i < 512; i++)
        memcpy(text + 2 * i, "a ", 2);
    arena_init(&arena, 65536);
    assert_int_equal(credentials_process_split((struct str){ text, 512 }, &arena, &words), 0);
    assert_null(words[256]);
    assert_int_equal(credentials_process_split((struct str){ text, 514 }, &arena, &words), 1);
    arena_fini(&arena);
    arena_init(&arena, 1024);
    assert_int_equal(credentials_process_split(STR("a"), &arena, &words), -ENOMEM);
    arena_fini(&arena);
}

/* --- programs ---------------------------------------------------------------------------------------------------- */

/* Runs a shell script by its path. */
static int run(struct bed *bed, const char *script, int64_t total_ms, struct credentials_set *ret_set,
               struct aws_error *ret_error)
{
    const struct credentials_search search = { .environment = &bed->environment, .clock = &bed->clock.clock };
    char command[256];
    bed_write(bed, "program", script);
    snprintf(command, sizeof(command), "/bin/sh %s/program 'an argument'", bed->dir);
    return credentials_process_run(&search, "here", str_of(command), total_ms, ret_set, ret_error);
}

static void refuse(struct bed *bed, const char *script, int64_t total_ms, const char *text)
{
    struct credentials_set set;
    struct aws_error error;
    assert_int_equal(run(bed, script, total_ms, &set, &error), AWS_NO_CREDENTIALS);
    if (!strstr(error.message, text))
        print_error("the message is '%s'\n", error.message);
    assert_non_null(strstr(error.message, text));
    assert_null(strstr(error.message, "secret-of"));
    assert_null(strstr(error.message, "argument"));
}

static void test_run(void **state)
{
    struct bed *bed = *state;
    struct credentials_set set;
    struct aws_error error;

    assert_int_equal(run(bed, "echo '" GOOD "'", 10000, &set, &error), 0);
    assert_string_equal(set.access_key_id, "P");
    assert_string_equal(set.session_token, "t");
    credentials_set_fini(&set);
    /* Its arguments, our variables, no input, nothing open but three files. */
    bed_set(bed, "SHOWN", "P");
    assert_int_equal(dup2(STDERR_FILENO, 77), 77);
    assert_int_equal(run(bed,
                         "[ \"$1\" = 'an argument' ] && ! read line && [ ! -e /proc/self/fd/77 ] && echo noise >&2 &&\n"
                         "echo '{\"Version\":1,\"AccessKeyId\":\"'$SHOWN'\",\"SecretAccessKey\":\"s\"}'",
                         10000, &set, &error),
                     0);
    assert_string_equal(set.access_key_id, "P");
    credentials_set_fini(&set);
    close(77);
}

static void test_failures(void **state)
{
    struct bed *bed = *state;
    struct credentials_set set;
    struct aws_error error;
    const struct credentials_search search = { .environment = &bed->environment, .clock = &bed->clock.clock };

    refuse(bed, "echo '" GOOD "'; exit 3", 10000, "ended with status 3");
    refuse(bed, "echo '" GOOD "'; kill -KILL $$", 10000, "ended with signal 9");
    refuse(bed, "echo secret-of-P", 10000, "not the expected JSON");
    refuse(bed, "exit 0", 10000, "not the expected JSON");
    refuse(bed, "while :; do echo secret-of-P; done", 10000, "printed more than");
    refuse(bed, "sleep 100", 100, "did not end within 100 ms");
    refuse(bed, "exec >&-; sleep 100", 100, "did not end within 100 ms");
    assert_int_equal(credentials_process_run(&search, "here", STR("/nowhere/program"), 1000, &set, &error),
                     AWS_NO_CREDENTIALS);
    assert_non_null(strstr(error.message, "cannot be started: No such file"));
    assert_int_equal(credentials_process_run(&search, "here", STR("'open"), 1000, &set, &error), AWS_NO_CREDENTIALS);
    assert_non_null(strstr(error.message, "a quote is left open"));
}

/* The process id that a script has left in `mark`. */
static pid_t read_mark(struct bed *bed)
{
    char path[256];
    int pid = 0;
    snprintf(path, sizeof(path), "%s/mark", bed->dir);
    FILE *stream = fopen(path, "r");
    assert_non_null(stream);
    assert_int_equal(fscanf(stream, "%d", &pid), 1);
    fclose(stream);
    return pid;
}

/* Whether the process is gone, or a zombie that its new parent has not collected yet. */
static bool is_dead(pid_t pid)
{
    char path[64], text[512] = "";
    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    FILE *stream = fopen(path, "r");
    if (!stream)
        return true;
    size_t n = fread(text, 1, sizeof(text) - 1, stream);
    fclose(stream);
    text[n] = '\0';
    return strstr(text, ") Z ") || strstr(text, ") X ");
}

static void wait_dead(pid_t pid)
{
    for (unsigned i = 0; i < 2000 && !is_dead(pid); i++)
        usleep(5000);
    assert_true(is_dead(pid));
}

static void test_group_is_killed(void **state)
{
    struct bed *bed = *state;
    struct credentials_set set;
    struct aws_error error;
    char script[512];

    snprintf(script, sizeof(script), "sleep 100 & echo $! > %s/mark; wait", bed->dir);
    refuse(bed, script, 500, "did not end");
    wait_dead(read_mark(bed));
    /* A child that keeps the pipe open neither holds up an answer nor survives it. */
    snprintf(script, sizeof(script), "sleep 100 & echo $! > %s/mark; echo '" GOOD "'", bed->dir);
    assert_int_equal(run(bed, script, 10000, &set, &error), 0);
    credentials_set_fini(&set);
    wait_dead(read_mark(bed));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_split),
        cmocka_unit_test(test_split_caps),
        cmocka_unit_test_setup_teardown(test_run, bed_setup, bed_teardown),
        cmocka_unit_test_setup_teardown(test_failures, bed_setup, bed_teardown),
        cmocka_unit_test_setup_teardown(test_group_is_killed, bed_setup, bed_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
