/* SPDX-License-Identifier: Apache-2.0
 *
 * For cross_check.py. A line of input is `HOME PROFILE`, the profile in hex; a line of output is what our readers say:
 *   !                 the files are damaged
 *   V V ...           else, for each key of the list below, from the config file and from the credentials file, and for
 *                     each service its endpoint_url: `-` for none, or the value in hex
 * and behind it, after a bar, the credentials of the profile: `-`, `!`, or ID SECRET TOKEN in hex. */
#include "aws/credentials_priv.h"
#include "base/log.h"
#include "base/text.h"

#include <stdio.h>

static const char *const keys[] = { "region",   "aws_access_key_id",  "aws_secret_access_key", "role_arn",
                                    "services", "credential_process", "aws_session_token" };
static const char *const services[] = { "sqs", "sts" };

static void print_value(struct str value)
{
    static char hex[2 * SHARED_CONFIG_FILE_MAX]; /* mutable: one thread, one line at a time */
    if (!str_is_set(value)) {
        printf(" -");
        return;
    }
    printf(" %.*s", (int)text_hex(value.p, value.n, hex), hex);
}

static void print_config(const struct shared_config *config, struct str profile)
{
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        print_value(shared_config_value_in(config, SHARED_CONFIG_CONFIG, profile, keys[i]));
        print_value(shared_config_value_in(config, SHARED_CONFIG_CREDENTIALS, profile, keys[i]));
    }
    for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++)
        print_value(shared_config_service_value(config, profile, services[i], "endpoint_url"));
}

static void print_credentials(const struct environment *environment, const struct shared_config *config)
{
    const struct credentials_search search = { .environment = environment, .clock = clock_system(), .files = config };
    struct credentials_set set;
    struct aws_error error = { 0 };
    int r = credentials_profile_find(&search, &set, &error);
    printf(" |");
    if (r != 0) {
        printf(r == CREDENTIALS_NONE ? " -" : " !");
        return;
    }
    print_value(str_of(set.access_key_id));
    print_value(str_of(set.secret_access_key));
    print_value(str_of(set.session_token));
    credentials_set_fini(&set);
}

int main(void)
{
    char home[512], hex[512], set_home[1024], set_profile[1024], profile[256];
    char *path = (char *)"PATH=/usr/bin:/bin";
    while (scanf("%511s %511s", home, hex) == 2) {
        struct str digits = str_of(hex);
        if (digits.n / 2 >= sizeof(profile) || text_parse_hex(digits, profile))
            return 1;
        profile[digits.n / 2] = '\0';
        snprintf(set_home, sizeof(set_home), "HOME=%s", home);
        snprintf(set_profile, sizeof(set_profile), "AWS_PROFILE=%s", profile);
        char *variables[] = { set_home, set_profile, path, NULL };
        const struct environment environment = { variables };
        struct shared_config *config;
        struct aws_error error;
        if (shared_config_load(&environment, &config, &error)) {
            printf("!\n");
            continue;
        }
        print_config(config, str_of(profile));
        print_credentials(&environment, config);
        printf("\n");
        shared_config_free(config);
    }
    return 0;
}
