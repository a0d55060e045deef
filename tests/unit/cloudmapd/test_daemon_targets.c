/* SPDX-License-Identifier: Apache-2.0
 *
 * The lists of the configuration, and the ports that the daemon serves itself. */
#include "../test.h"

#include "cloudmapd/daemon_targets.h"

static struct config *build(const char *allow, const char *deny, const char *private_targets)
{
    struct config_input *input = config_new_input();
    struct config_errors errors;
    struct config *config = NULL;

    config_init_errors(&errors);
    config_add(input, STR("health.allow"), str_of(allow), CONFIG_FLAG, "", &errors);
    config_add(input, STR("health.deny"), str_of(deny), CONFIG_FLAG, "", &errors);
    config_add(input, STR("health.private_targets"), str_of(private_targets), CONFIG_FLAG, "", &errors);
    assert_int_equal(config_build(input, NULL, &config, &errors), 0);
    config_fini_errors(&errors);
    config_free_input(input);
    return config;
}

static enum target_verdict check(const struct daemon_targets *targets, const char *text, uint16_t port)
{
    struct target_address address;

    assert_int_equal(target_address_parse(str_of(text), &address), 0);
    return target_address_check(&targets->policy, &address, port);
}

static void test_lists(void **state)
{
    struct config *config = build("127.0.0.0/8, fe80::/10", "10.1.0.0/16", "true");
    struct daemon_targets targets;

    (void)state;
    assert_int_equal(daemon_targets_init(&targets, config), 0);
    assert_int_equal(check(&targets, "127.0.0.1", 80), TARGET_ALLOWED);
    assert_int_equal(check(&targets, "fe80::1", 80), TARGET_ALLOWED);
    assert_int_equal(check(&targets, "::1", 80), TARGET_FORBIDDEN);
    assert_int_equal(check(&targets, "10.0.0.1", 80), TARGET_ALLOWED);
    assert_int_equal(check(&targets, "10.1.0.1", 80), TARGET_FORBIDDEN);
    daemon_targets_fini(&targets);
    config_free(config);
}

static void test_nothing_configured(void **state)
{
    struct config *config = build("", "", "false");
    struct daemon_targets targets;

    (void)state;
    assert_int_equal(daemon_targets_init(&targets, config), 0);
    assert_int_equal(check(&targets, "127.0.0.1", 80), TARGET_FORBIDDEN);
    assert_int_equal(check(&targets, "10.0.0.1", 80), TARGET_FORBIDDEN);
    assert_int_equal(check(&targets, "8.8.8.8", 80), TARGET_ALLOWED);
    daemon_targets_fini(&targets);
    config_free(config);
}

static void test_own_ports_are_refused_on_every_address_of_this_machine(void **state)
{
    struct config *config = build("0.0.0.0/0, ::/0", "", "true");
    struct daemon_targets targets;

    (void)state;
    assert_int_equal(daemon_targets_init(&targets, config), 0);
    assert_int_equal(check(&targets, "127.0.0.1", 8650), TARGET_ALLOWED);
    daemon_targets_own(&targets, "127.0.0.1:8650");
    daemon_targets_own(&targets, "[::1]:53");
    daemon_targets_own(&targets, "no address");
    assert_int_equal(targets.n_own_ports, 2);
    assert_int_equal(check(&targets, "127.0.0.1", 8650), TARGET_OWN);
    assert_int_equal(check(&targets, "127.9.9.9", 53), TARGET_OWN);
    assert_int_equal(check(&targets, "0.0.0.0", 8650), TARGET_OWN); /* to the kernel that is this machine, too */
    assert_int_equal(check(&targets, "::ffff:127.0.0.1", 8650), TARGET_OWN);
    assert_int_equal(check(&targets, "127.0.0.1", 8651), TARGET_ALLOWED);
    assert_int_equal(check(&targets, "192.0.2.1", 8650), TARGET_ALLOWED); /* somebody else's */
    assert_int_equal(check(&targets, "2001:db8::1", 53), TARGET_ALLOWED);
    daemon_targets_fini(&targets);
    config_free(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_nothing_configured),
        cmocka_unit_test(test_own_ports_are_refused_on_every_address_of_this_machine),
    };

    return cmocka_run_group_tests_name("daemon_targets", tests, NULL, NULL);
}
