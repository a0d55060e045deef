/* SPDX-License-Identifier: Apache-2.0 */
#include "../test.h"

#include "base/mem.h"
#include "unmap/setting_value.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#define WORDS_MAX 40

struct line {
    struct settings settings;
    struct buf errors;
    int code;
};

/* Parses one command line, its words with a blank between them. */
static void parse(struct line *line, const char *text)
{
    static char copy[4096];
    char *argv[WORDS_MAX + 1] = { (char[]){ "cloud-unmap" } };
    int argc = 1;
    snprintf(copy, sizeof(copy), "%s", text);
    for (char *at = copy, *word; (word = strsep(&at, " ")) && argc < WORDS_MAX;)
        if (*word)
            argv[argc++] = word;
    argv[argc] = NULL;
    buf_init(&line->errors, 1 << 20);
    line->code = setting_parse(argc, argv, &line->settings, &line->errors);
}

static void end(struct line *line)
{
    if (line->code == 0)
        setting_fini(&line->settings);
    buf_fini(&line->errors);
}

static void expect_errors(const char *text, int code, const char *part)
{
    struct line line;
    parse(&line, text);
    assert_int_equal(line.code, code);
    buf_put_char(&line.errors, '\0');
    if (!strstr(line.errors.p, part))
        print_error("%s", line.errors.p);
    assert_non_null(strstr(line.errors.p, part));
    end(&line);
}

#define BASE "--service-id srv-1 --service-region eu-west-1 --instances-region eu-west-1 "

/* The command line of aws-cloud-unmap, as its README has it. */
static void test_original(void **state)
{
    (void)state;
    struct line line;
    parse(&line, "--service-id srv-1 --service-region us-east-1 --instances-region us-east-1 us-west-2 eu-west-1 "
                 "--frequency 60 --single-run --enable-prometheus --prometheus-host 0.0.0.0 --prometheus-port 9999 "
                 "--log-level WARNING");
    assert_int_equal(line.code, 0);
    const struct settings *settings = &line.settings;
    assert_int_equal(settings->command, SETTING_RUN);
    assert_int_equal(settings->n_targets, 1);
    const struct setting_target *target = &settings->targets[0];
    assert_int_equal(target->service_ids.n, 1);
    assert_string_equal(target->service_ids.items[0], "srv-1");
    assert_string_equal(target->service_region, "us-east-1");
    assert_int_equal(target->instances_regions.n, 3);
    assert_string_equal(target->instances_regions.items[2], "eu-west-1");
    assert_int_equal(settings->frequency_ms, 60000);
    assert_true(settings->single_run && settings->enable_prometheus && !settings->dry_run);
    assert_string_equal(settings->prometheus_host, "0.0.0.0");
    assert_int_equal(settings->prometheus_port, 9999);
    assert_int_equal(settings->log_level, LOG_WARNING);
    end(&line);
}

/* What was unique for argparse in aws-cloud-unmap's options still is, and its words for levels are known. */
static void test_abbreviations(void **state)
{
    (void)state;
    struct line line;
    parse(
        &line,
        "--service-i=srv-1 --service-r r --ins a b --si --fr 0 --enable --prometheus-h :: --prometheus-p 1 --lo WARN");
    assert_int_equal(line.code, 0);
    assert_int_equal(line.settings.targets[0].instances_regions.n, 2);
    assert_true(line.settings.single_run && line.settings.enable_prometheus);
    assert_int_equal(line.settings.log_level, LOG_WARNING);
    end(&line);
    parse(&line, BASE "--log-level FATAL");
    assert_int_equal(line.settings.log_level, LOG_CRITICAL);
    end(&line);
}

static void test_defaults(void **state)
{
    (void)state;
    struct line line;
    struct plan_guards original, guarded;
    plan_guards_original(&original);
    plan_guards_guarded(&guarded);
    parse(&line, BASE);
    const struct setting_target *target = &line.settings.targets[0];
    assert_int_equal(line.settings.frequency_ms, 300000);
    assert_int_equal(line.settings.prometheus_port, 9100);
    assert_string_equal(line.settings.prometheus_host, "127.0.0.1");
    assert_int_equal(line.settings.log_level, LOG_INFO);
    assert_null(line.settings.sqs_queue_url);
    assert_null(target->role_arn);
    assert_int_equal(target->deadline_ms, 300000);
    /* What the table says of a guard is what the policy does. */
    original.opt_out = target->guards.opt_out;
    original.confirmations = target->guards.confirmations;
    assert_str(target->guards.opt_out, "CLOUD_UNMAP_IGNORE");
    assert_true(target->guards.confirmations <= 1);
    assert_memory_equal(&target->guards, &original, sizeof(original));
    end(&line);

    parse(&line, BASE "--policy guarded");
    target = &line.settings.targets[0];
    guarded.opt_out = target->guards.opt_out;
    assert_memory_equal(&target->guards, &guarded, sizeof(guarded));
    assert_int_equal(target->deadline_ms, 60000);
    end(&line);
}

static void test_guards(void **state)
{
    (void)state;
    struct line line;
    parse(&line, BASE "--max-removals 5 --policy=guarded --max-removal-percent 30 --min-remaining 2 --grace 90 "
                      "--confirmations 7 --require-terminated --canary i-1 --canary tag:Name=a=b "
                      "--account-id 123456789012 --opt-out-attribute keep --only-attribute env=prod");
    const struct setting_target *target = &line.settings.targets[0];
    const struct plan_guards *guards = &target->guards;
    assert_int_equal(guards->max_removals, 5);
    assert_int_equal(guards->max_removal_percent, 30);
    assert_int_equal(guards->min_remaining, 2);
    assert_int_equal(guards->grace_ms, 90000);
    assert_int_equal(guards->confirmations, 7);
    assert_true(guards->require_terminated && guards->healthy_vetoes);
    assert_str(guards->account, "123456789012");
    assert_str(guards->opt_out, "keep");
    assert_str(guards->only_key, "env");
    assert_str(guards->only_value, "prod");
    assert_int_equal(target->canaries.n, 2);
    assert_str(target->canaries.items[0].id, "i-1");
    assert_false(str_is_set(target->canaries.items[1].id));
    assert_str(target->canaries.items[1].tag_key, "Name");
    assert_str(target->canaries.items[1].tag_value, "a=b");
    end(&line);
}

static void test_commands(void **state)
{
    (void)state;
    struct line line;
    parse(&line, "plan " BASE "-o json");
    assert_int_equal(line.settings.command, SETTING_PLAN);
    assert_true(line.settings.output);
    end(&line);
    parse(&line, "restore i-1 i-2 --within 2h");
    assert_int_equal(line.settings.command, SETTING_RESTORE);
    assert_int_equal(line.settings.words.n, 2);
    assert_string_equal(line.settings.words.items[1], "i-2");
    assert_int_equal(line.settings.within_ms, 7200000);
    end(&line);
    parse(&line, "approve --service-id srv-1 i-1");
    assert_int_equal(line.settings.command, SETTING_APPROVE);
    assert_int_equal(line.settings.words.n, 1);
    end(&line);
    parse(&line, BASE "plan");
    assert_int_equal(line.settings.command, SETTING_PLAN);
    assert_int_equal(line.settings.targets[0].instances_regions.n, 1);
    end(&line);
    parse(&line, "restore --instances-region eu-west-1 i-1");
    assert_int_equal(line.settings.words.n, 1);
    assert_int_equal(line.settings.targets[0].instances_regions.n, 1);
    end(&line);
    parse(&line, "--nonsense --help");
    assert_int_equal(line.code, EX_USAGE);
    end(&line);
    parse(&line, "--help");
    assert_int_equal(line.settings.command, SETTING_HELP);
    end(&line);
    parse(&line, "--version");
    assert_int_equal(line.settings.command, SETTING_VERSION);
    end(&line);
}

static void test_usage(void **state)
{
    (void)state;
    expect_errors("", EX_USAGE, "which service?");
    expect_errors("--service-id srv-1 --service-region eu-west-1", EX_USAGE, "--instances-region is missing");
    expect_errors("--service-id srv-1 --instances-region eu-west-1", EX_USAGE, "--service-region is missing");
    expect_errors(BASE "--frequency soon", EX_USAGE, "--frequency: a time is written 300, 90s, 5m or 2h, not \"soon\"");
    expect_errors(BASE "--frequency -1", EX_USAGE, "--frequency");
    expect_errors(BASE "--frequency 0", EX_USAGE, "frequency");
    /* No option is taken for the value of another one. */
    expect_errors(BASE "--opt-out-attribute --dry-run", EX_USAGE, "--opt-out-attribute: a value is missing");
    expect_errors(BASE "--state-dir --dry-run", EX_USAGE, "--state-dir: a value is missing");
    expect_errors("--service-id srv-1 --service-region r --instances-region --dry-run", EX_USAGE, "value is missing");
    expect_errors("restore --namespace-id ns-1", EX_USAGE, "no --namespace-id");
    expect_errors(BASE "--frequency", EX_USAGE, "a value is missing");
    expect_errors(BASE "--max-removal-percent 101", EX_USAGE, "0 to 100");
    expect_errors(BASE "--prometheus-port 65536", EX_USAGE, "--prometheus-port");
    expect_errors(BASE "--log-level LOUD", EX_USAGE, "--log-level");
    expect_errors(BASE "--canary Name=x", EX_USAGE, "--canary");
    expect_errors(BASE "--account-id 12345678901x", EX_USAGE, "12 digits");
    expect_errors(BASE "--only-attribute env", EX_USAGE, "KEY=VALUE");
    expect_errors(BASE "--policy strict", EX_USAGE, "original or guarded");
    expect_errors(BASE "--what", EX_USAGE, "--what: there is no such option");
    expect_errors("reconcile " BASE, EX_USAGE, "there is no such command");
    expect_errors("plan now " BASE, EX_USAGE, "now: an argument too many");
    expect_errors("approve --service-id srv-1", EX_USAGE, "ids of instances");
    expect_errors(BASE "--config /nowhere/x", EX_CONFIG, "No such file");
}

/* --- the file ---------------------------------------------------------------------------------------------------- */

static char path[] = "/tmp/test_setting_XXXXXX";

static void write_file(const char *text)
{
    int fd = open(path, O_WRONLY | O_TRUNC | O_CREAT, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

static void parse_file(struct line *line, const char *text, const char *flags)
{
    char words[600];
    write_file(text);
    snprintf(words, sizeof(words), "--config %s %s", path, flags);
    parse(line, words);
}

#define HEAD "service-region = us-east-1\ninstances-region = us-east-1, us-west-2\npolicy = guarded\nfrequency = 1m\n"
#define SECTIONS                                                                                               \
    "[target shop]\nnamespace-id = ns-1\nmax-removals = 3\n[target billing]\nservice-id = srv-1 srv-2 srv-1\n" \
    "policy = original\nrole-arn = arn:x\ninstances-region = eu-west-1\n"

static void test_file(void **state)
{
    (void)state;
    struct line line;
    parse_file(&line, HEAD SECTIONS, "--min-remaining 4");
    assert_int_equal(line.code, 0);
    assert_int_equal(line.settings.frequency_ms, 60000);
    assert_int_equal(line.settings.n_targets, 2);
    const struct setting_target *shop = &line.settings.targets[0], *billing = &line.settings.targets[1];
    assert_string_equal(shop->name, "shop");
    assert_int_equal(shop->policy, SETTING_GUARDED);
    assert_int_equal(shop->guards.max_removals, 3);
    assert_int_equal(shop->guards.max_removal_percent, 15);
    assert_int_equal(shop->guards.min_remaining, 4);
    assert_int_equal(shop->instances_regions.n, 2);
    assert_null(shop->role_arn);
    assert_string_equal(billing->name, "billing");
    assert_int_equal(billing->policy, SETTING_ORIGINAL);
    assert_int_equal(billing->guards.max_removals, 0);
    assert_int_equal(billing->guards.min_remaining, 4);
    assert_int_equal(billing->service_ids.n, 2);
    assert_int_equal(billing->instances_regions.n, 1);
    assert_string_equal(billing->role_arn, "arn:x");
    end(&line);

    /* Without sections the file's head and the flags make one target. */
    parse_file(&line, HEAD, "--service-id srv-9");
    assert_int_equal(line.settings.n_targets, 1);
    assert_string_equal(line.settings.targets[0].service_ids.items[0], "srv-9");
    assert_int_equal(line.settings.targets[0].namespace_ids.n, 0);
    assert_int_equal(line.settings.targets[0].policy, SETTING_GUARDED);
    end(&line);
    /* A section's guards are not left behind by naming its service in a flag. */
    parse_file(&line, HEAD SECTIONS, "--service-id srv-1");
    assert_int_equal(line.code, EX_USAGE);
    end(&line);
    parse_file(&line, HEAD SECTIONS, "restore --service-id srv-1");
    assert_int_equal(line.code, 0);
    end(&line);
}

static void expect_file_error(const char *text, const char *part)
{
    char words[300];
    write_file(text);
    snprintf(words, sizeof(words), "--config %s", path);
    expect_errors(words, EX_CONFIG, part);
}

static void test_file_faults(void **state)
{
    (void)state;
    expect_file_error(HEAD "colour = red\n" SECTIONS, ":5: there is no setting \"colour\"");
    expect_file_error(HEAD "[shop]\nservice-id = a\n", "a section is written [target NAME]");
    expect_file_error(HEAD "[target a]\nfrequency = 5\n", "stands before the first section");
    expect_file_error(HEAD "[target a]\nservice-id = a\ngrace = x\n", ":7: a time is written");
    expect_file_error(HEAD "[target a]\nservice-id = srv-1 # mine\n", "a comment begins a line");
    expect_file_error(HEAD "[target a]\ngrace = 5\n", "which service?");
    expect_file_error("config = other\n", "there is no setting \"config\"");
    expect_file_error("what is this\n", ":1: neither");
}

static void test_no_memory(void **state)
{
    (void)state;
    for (long k = 1; k < 400; k++) {
        struct line line;
        mem_fail_at(k, 1);
        parse(&line, BASE "--canary i-1 --canary i-2 --only-attribute a=b");
        int delivered = mem_fail_at(0, 0);
        end(&line);
        if (!delivered) {
            assert_int_equal(line.code, 0);
            return;
        }
        assert_true(line.code != 0);
    }
    fail();
}

/* It fits a screen of 48 lines, and 100 columns. */
static void test_help(void **state)
{
    (void)state;
    struct buf help;
    buf_init(&help, 1 << 16);
    setting_write_help(&help);
    size_t n_lines = 0;
    for (struct str rest = buf_str(&help); rest.n > 0; n_lines++) {
        size_t n = str_find_char(rest, '\n');
        assert_true(n <= 80);
        rest = str_skip(rest, n + 1);
    }
    assert_true(n_lines <= 40);
    buf_fini(&help);
}

static int make_path(void **state)
{
    (void)state;
    int fd = mkstemp(path);
    close(fd);
    return fd < 0;
}

static int drop_path(void **state)
{
    (void)state;
    return unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_original), cmocka_unit_test(test_abbreviations), cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_guards),   cmocka_unit_test(test_commands),      cmocka_unit_test(test_usage),
        cmocka_unit_test(test_file),     cmocka_unit_test(test_file_faults),   cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_help),
    };
    return cmocka_run_group_tests(tests, make_path, drop_path);
}
