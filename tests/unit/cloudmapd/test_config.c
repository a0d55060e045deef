/* SPDX-License-Identifier: Apache-2.0
 *
 * From settings to a configuration: file, environment, flags, compat, and every kind of fault. */
#include "../test.h"

#include "base/ini_file.h"
#include "base/mem.h"
#include "cloudmapd/config_file.h"

/* What one test gathers. */
struct bench {
    struct config_input *input;
    struct config_errors errors;
    struct config *config;
};

static int setup(void **state)
{
    struct bench *bench = mem_zalloc(sizeof(*bench));
    assert_non_null(bench);
    bench->input = config_new_input();
    assert_non_null(bench->input);
    config_init_errors(&bench->errors);
    *state = bench;
    return 0;
}

static int teardown(void **state)
{
    struct bench *bench = *state;
    config_free(bench->config);
    config_free_input(bench->input);
    config_fini_errors(&bench->errors);
    mem_free(bench);
    return 0;
}

static void flag(struct bench *bench, const char *key, const char *value)
{
    config_add(bench->input, str_of(key), str_of(value), CONFIG_FLAG, "--set", &bench->errors);
}

static void file(struct bench *bench, const char *text)
{
    config_file_parse(bench->input, str_of(text), "x.conf", &bench->errors);
}

static void environment(struct bench *bench, const char *one, const char *two)
{
    char *all[] = { (char *)(uintptr_t)one, (char *)(uintptr_t)two, NULL };
    config_add_environment(bench->input, all, &bench->errors);
}

static const struct config *build(struct bench *bench)
{
    int r = config_build(bench->input, NULL, &bench->config, &bench->errors);
    if (r != 0)
        print_error(STR_FMT, STR_ARG(buf_str(&bench->errors.lines)));
    assert_int_equal(r, 0);
    return bench->config;
}

static void assert_refused(struct bench *bench, const char *lines)
{
    assert_int_equal(config_build(bench->input, NULL, &bench->config, &bench->errors), 1);
    buf_put_char(&bench->errors.lines, '\0');
    assert_string_equal(bench->errors.lines.p, lines);
}

static const struct config_source *source_of(const struct config *config, const char *key)
{
    return &config->sources[option_find(str_of(key))];
}

static void test_defaults(void **state)
{
    const struct config *config = build(*state);
    assert_string_equal(config->store_path, "./cloudmap-data");
    assert_int_equal(config->api_listen.n, 1);
    assert_string_equal(config->api_listen.items[0], "127.0.0.1:8650");
    assert_string_equal(config->dns_listen.items[0], "127.0.0.1:8653");
    assert_string_equal(config->api_region, "us-east-1");
    assert_string_equal(config->api_account, "000000000000");
    assert_int_equal(config->operations_keep, INT64_C(30) * 86400000);
    assert_int_equal(config->health_custom_delay, 0);
    assert_true(config->health_private_namespaces);
    assert_int_equal(config->limits_custom_attributes, 30);
    assert_int_equal(config->limits_instances_per_service, 0);
    assert_int_equal(config->n_vpcs, 0);
}

static void test_state_directory(void **state)
{
    struct bench *bench = *state;
    assert_int_equal(config_build(bench->input, "/var/lib/cloudmap", &bench->config, &bench->errors), 0);
    assert_string_equal(bench->config->store_path, "/var/lib/cloudmap");
    config_free(bench->config);
    flag(bench, "store.path", "/elsewhere");
    assert_int_equal(config_build(bench->input, "/var/lib/cloudmap", &bench->config, &bench->errors), 0);
    assert_string_equal(bench->config->store_path, "/elsewhere");
}

static void test_the_stronger_origin_counts(void **state)
{
    struct bench *bench = *state;
    flag(bench, "api.region", "from-flag");
    environment(bench, "CLOUDMAP_API_REGION=from-env", "CLOUDMAP_API_WORKERS=2");
    file(bench, "compat = aws\n[api]\nregion = from-file\nworkers = 3\n[limits]\nnamespaces = 7\n");
    const struct config *config = build(bench);
    assert_string_equal(config->api_region, "from-flag");
    assert_int_equal(source_of(config, "api.region")->origin, CONFIG_FLAG);
    assert_int_equal(config->api_workers, 2);
    assert_string_equal(source_of(config, "api.workers")->where, "CLOUDMAP_API_WORKERS");
    assert_int_equal(config->limits_namespaces, 7);
    assert_string_equal(source_of(config, "limits.namespaces")->where, "x.conf:6");
    assert_int_equal(config->limits_instances_per_service, 1000);
    assert_int_equal(source_of(config, "limits.instances_per_service")->origin, CONFIG_COMPAT);
}

static void test_the_last_flag_counts(void **state)
{
    struct bench *bench = *state;
    flag(bench, "api.region", "first");
    flag(bench, "api.region", "last");
    assert_string_equal(build(bench)->api_region, "last");
}

static void test_compat(void **state)
{
    struct bench *bench = *state;
    file(bench, "compat = none");
    flag(bench, "compat", "aws");
    flag(bench, "health.custom_delay", "5s");
    const struct config *config = build(bench);
    assert_int_equal(config->compat, CONFIG_COMPAT_AWS);
    assert_int_equal(config->health_custom_delay, 5000);
    assert_false(config->health_private_namespaces);
    assert_int_equal(config->limits_namespaces, 50);
}

static void test_compat_none_beats_a_weaker_aws(void **state)
{
    struct bench *bench = *state;
    flag(bench, "compat", "none");
    file(bench, "compat = aws");
    assert_int_equal(build(bench)->limits_namespaces, 0);
}

static void test_vpcs(void **state)
{
    struct bench *bench = *state;
    file(bench, "[vpc vpc-1]\ncidr = 10.0.0.0/8, 192.168.0.0/16\n[vpc vpc-2]\nshares = vpc-1\n");
    flag(bench, "vpc.vpc-1.cidr", "172.16.0.0/12");
    environment(bench, "CLOUDMAP_VPC_VPC_0AB1_CIDR=fd00::/8", NULL);
    const struct config *config = build(bench);
    assert_int_equal(config->n_vpcs, 3);
    assert_string_equal(config->vpcs[0].id, "vpc-1");
    assert_int_equal(config->vpcs[0].cidr.n, 1);
    assert_string_equal(config->vpcs[0].cidr.items[0], "172.16.0.0/12");
    assert_string_equal(config->vpcs[1].shares.items[0], "vpc-1");
    assert_string_equal(config->vpcs[2].id, "vpc-0ab1");
}

static void test_file_forms(void **state)
{
    struct bench *bench = *state;
    file(bench, "\xef\xbb\xbf# comment\r\n; comment\r\n\r\nlog.format = json\r\n"
                "  [api]  \r\n  region=eu-west-1 ; behind a blank\r\n\tworkers : 2");
    const struct config *config = build(bench);
    assert_string_equal(config->api_region, "eu-west-1");
    assert_int_equal(config->api_workers, 2);
    assert_string_equal(source_of(config, "log.format")->where, "x.conf:4");
    assert_string_equal(source_of(config, "api.workers")->where, "x.conf:7");
}

static void test_every_fault_of_a_file_is_told(void **state)
{
    struct bench *bench = *state;
    file(bench, "[api]\nlisten = 127.0.0.1:1\nregoin = x\nworkers = many\nnonsense\nlisten = 127.0.0.1:2\n"
                "[limits]\nnamespaces = \x01\n");
    assert_refused(bench, "x.conf:3: there is no option \"api.regoin\"; did you mean api.region?\n"
                          "x.conf:6: api.listen is set already, by x.conf:2\n"
                          "x.conf:8: a control character\n"
                          "x.conf:5: neither `key = value` nor `[section]` nor a comment\n"
                          "x.conf:4: api.workers: \"many\" is not a whole number\n");
}

static void test_lines_that_would_be_cut_are_refused(void **state)
{
    struct bench *bench = *state;
    char text[INI_FILE_LINE_MAX + 100];
    memset(text, 'x', sizeof(text));
    memcpy(text, "[api]\nregion = ", 15);
    text[sizeof(text) - 1] = '\0';
    file(bench, text);
    file(bench, "[vpc vpc-0123456789012345678901234567890123456789012345]\ncidr=10.0.0.0/8\n");
    assert_refused(bench, "x.conf:2: the line is too long\n"
                          "x.conf:1: the name of the section is too long, or has no ]\n"
                          "x.conf:2: there is no option \"cidr\"; did you mean vpc.ID.cidr?\n");
}

static void test_faults_of_the_environment(void **state)
{
    struct bench *bench = *state;
    environment(bench, "CLOUDMAP_API_REGOIN=x", "CLOUDMAP_DEV_ANYTHING=x");
    environment(bench, "CLOUDMAP_API_WORKERS=x", "CLOUDMAPD=x");
    assert_refused(bench, "environment: there is no option for the variable CLOUDMAP_API_REGOIN; did you mean "
                          "CLOUDMAP_API_REGION?\n"
                          "CLOUDMAP_API_WORKERS: api.workers: \"x\" is not a whole number\n");
}

static void test_values_that_cannot_be_shown(void **state)
{
    struct bench *bench = *state;
    flag(bench, "store.path", "/\xff");
    flag(bench, "api.region", "a\nb");
    assert_refused(bench, "--set: store.path: the value is not UTF-8, or holds a control character\n"
                          "--set: api.region: the value is not UTF-8, or holds a control character\n");
}

static void test_a_file_that_is_not_there(void **state)
{
    struct bench *bench = *state;
    config_file_read(bench->input, "/nowhere/x.conf", &bench->errors);
    assert_refused(bench, "/nowhere/x.conf: No such file or directory\n");
}

static void test_caps(void **state)
{
    struct bench *bench = *state;
    for (int i = 0; i <= CONFIG_MAX_VPCS; i++) {
        char key[64];
        snprintf(key, sizeof(key), "vpc.vpc-%d.cidr", i);
        flag(bench, key, "");
    }
    assert_refused(bench, "--set: more than 1024 VPCs\n");
    for (int i = 0; i < CONFIG_MAX_ERRORS * 2; i++)
        flag(bench, "nothing", "");
    assert_int_equal(bench->errors.n, 1 + CONFIG_MAX_ERRORS * 2);
    size_t lines = 0;
    for (size_t i = 0; i < bench->errors.lines.n; i++)
        lines += bench->errors.lines.p[i] == '\n';
    assert_int_equal(lines, CONFIG_MAX_ERRORS);
}

static void collect(void *arg, const char *key, const struct config_source *source)
{
    buf_printf(arg, "%s=%s;", key, source->text);
}

static void test_what_is_set(void **state)
{
    struct bench *bench = *state;
    flag(bench, "compat", "aws");
    flag(bench, "dns.listen", "127.0.0.1:53");
    flag(bench, "health.unknown_is", "healthy");
    flag(bench, "vpc.vpc-1.cidr", "10.0.0.0/8");
    struct buf buf;
    buf_init(&buf, 1024);
    config_each_set(build(bench), collect, &buf);
    assert_str(buf_str(&buf),
               "dns.listen=127.0.0.1:53;health.unknown_is=healthy;compat=aws;vpc.vpc-1.cidr=10.0.0.0/8;");
    buf_fini(&buf);
}

static void test_table(void **state)
{
    struct bench *bench = *state;
    flag(bench, "health.unknown_is", "healthy");
    flag(bench, "health.deny", "");
    struct buf buf;
    buf_init(&buf, 1 << 16);
    config_write_table(&buf, build(bench));
    buf_put_char(&buf, '\0');
    assert_non_null(strstr(buf.p, "\napi.region                       default  us-east-1\n"));
    assert_non_null(strstr(buf.p, "\nhealth.deny                      --set    -\n"));
    assert_non_null(strstr(buf.p, "\nhealth.unknown_is                --set    healthy\n"));
    buf_fini(&buf);
}

static void test_reload(void **state)
{
    struct bench *bench = *state;
    build(bench);
    flag(bench, "log.level", "debug");
    flag(bench, "api.region", "eu-west-1");
    flag(bench, "api.workers", "3");
    struct config *next;
    assert_int_equal(config_build(bench->input, NULL, &next, &bench->errors), 0);
    struct buf buf;
    buf_init(&buf, 1024);
    config_reload(bench->config, next, &buf);
    config_free(next);
    assert_str(buf_str(&buf), "api.region, api.workers");
    assert_int_equal(bench->config->log_level, 0);
    assert_string_equal(source_of(bench->config, "log.level")->text, "debug");
    assert_string_equal(source_of(bench->config, "log.level")->where, "--set");
    assert_string_equal(bench->config->api_region, "us-east-1");
    buf_fini(&buf);
}

/* VPCs that came, changed and went. */
static void test_reload_of_vpcs(void **state)
{
    struct bench *bench = *state;
    struct config_input *input = config_new_input();
    struct config *next;
    struct buf buf;
    assert_non_null(input);
    file(bench, "[vpc a]\ncidr = 10.0.0.0/8\nshares = b\n[vpc b]\ncidr = 172.16.0.0/12\n");
    config_file_parse(input, STR("[vpc a]\ncidr = 10.0.0.0/16\n[vpc b]\ncidr = 172.16.0.0/12\n[vpc c]\nshares = a\n"),
                      "x.conf", &bench->errors);
    build(bench);
    assert_int_equal(config_build(input, NULL, &next, &bench->errors), 0);
    buf_init(&buf, 1024);
    config_reload(bench->config, next, &buf);
    assert_str(buf_str(&buf), "vpc.a.cidr, vpc.a.shares, vpc.c.shares");
    buf_clear(&buf);
    config_reload(next, next, &buf);
    assert_int_equal(buf.n, 0);
    config_free(next);
    config_free_input(input);
    buf_fini(&buf);
}

/* Whatever allocation fails, the result is a fault that is told, never a half-read configuration. */
static void test_no_memory(void **state)
{
    (void)state;
    for (long k = 1, delivered = 1; delivered; k++) {
        void *inner = NULL;
        struct config *config = NULL;
        struct config_errors errors;
        config_init_errors(&errors);
        mem_fail_at(k, 1);
        struct config_input *input = config_new_input();
        if (input) {
            config_file_parse(input, STR("[api]\nregion = eu-west-1\n[vpc a]\ncidr=10.0.0.0/8"), "x", &errors);
            inner = config_build(input, NULL, &config, &errors) == 0 ? config : NULL;
        }
        delivered = mem_fail_at(0, 0);
        assert_true(inner == NULL || !delivered);
        if (config)
            assert_string_equal(config->api_region, "eu-west-1");
        config_free(config);
        config_free_input(input);
        config_fini_errors(&errors);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_defaults),
        TEST(test_state_directory),
        TEST(test_the_stronger_origin_counts),
        TEST(test_the_last_flag_counts),
        TEST(test_compat),
        TEST(test_compat_none_beats_a_weaker_aws),
        TEST(test_vpcs),
        TEST(test_file_forms),
        TEST(test_every_fault_of_a_file_is_told),
        TEST(test_lines_that_would_be_cut_are_refused),
        TEST(test_faults_of_the_environment),
        TEST(test_values_that_cannot_be_shown),
        TEST(test_a_file_that_is_not_there),
        TEST(test_caps),
        TEST(test_what_is_set),
        TEST(test_table),
        TEST(test_reload),
        TEST(test_reload_of_vpcs),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
