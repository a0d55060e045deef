/* SPDX-License-Identifier: Apache-2.0
 *
 * The shared files of AWS's SDKs, the config file and the credentials file behind a byte of 1: whatever their bytes,
 * the result is a config or a sentence; values are clean; a comment at the end changes nothing; and a command is split
 * into words no longer than itself. */
#include "fuzz_target.h"

#include "aws/credentials_priv.h"
#include "base/text.h"

static const char *const profiles[] = { "default", "x", "y z" };
static const char *const keys[] = { "region",   "aws_access_key_id",  "aws_secret_access_key", "source_profile",
                                    "role_arn", "credential_process", "endpoint_url",          "services" };

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void check_clean(struct str value)
{
    if (!str_is_set(value))
        return;
    FUZZ_CHECK(value.n > 0 && text_is_utf8(value));
    FUZZ_CHECK(!memchr(" \t\n", value.p[0], 3) && !memchr(" \t\n", value.p[value.n - 1], 3));
    for (size_t i = 0; i < value.n; i++)
        FUZZ_CHECK((unsigned char)value.p[i] >= ' ' || value.p[i] == '\n' || value.p[i] == '\t');
}

static void check_words(struct str command)
{
    struct arena arena;
    char **words;
    size_t n = 0;
    arena_init(&arena, 1 << 20);
    if (credentials_process_split(command, &arena, &words) == 0) {
        for (size_t i = 0; words[i]; i++)
            n += strlen(words[i]);
        FUZZ_CHECK(words[0] && n <= command.n);
    }
    arena_fini(&arena);
}

static void check_profile(const struct shared_config *config, const struct shared_config *again, struct str profile)
{
    FUZZ_CHECK(shared_config_has_profile(config, profile) == shared_config_has_profile(again, profile));
    for (size_t i = 0; i < COUNT(keys); i++) {
        struct str value = shared_config_value(config, profile, keys[i]);
        struct str first = shared_config_value_in(config, SHARED_CONFIG_CREDENTIALS, profile, keys[i]);
        struct str second = shared_config_value_in(config, SHARED_CONFIG_CONFIG, profile, keys[i]);
        check_clean(value);
        FUZZ_CHECK(str_eq(value, str_is_set(first) ? first : second));
        FUZZ_CHECK(str_eq(value, shared_config_value(again, profile, keys[i])));
        FUZZ_CHECK(!str_is_set(value) || shared_config_has_profile(config, profile));
    }
    check_clean(shared_config_service_value(config, profile, "sqs", "endpoint_url"));
    check_words(shared_config_value(config, profile, "credential_process"));
}

static int parse(struct str config, struct str credentials, struct shared_config **ret_config)
{
    struct aws_error error = { 0 };
    int r = shared_config_parse(config, credentials, ret_config, &error);
    FUZZ_CHECK(r == 0 || (r == AWS_ODD && error.message[0]));
    return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct str text = { (const char *)data, n };
    if (n == 0 || n > SHARED_CONFIG_FILE_MAX / 2)
        return 0;
    size_t half = str_find_char(text, 1);
    struct str first = { text.p, half }, second = str_skip(text, half < n ? half + 1 : n);
    struct shared_config *config = NULL, *again = NULL;
    struct buf longer;
    buf_init(&longer, SHARED_CONFIG_FILE_MAX);
    buf_put_str(&longer, first);
    buf_put_str(&longer, STR("\n# a comment"));
    int r = parse(first, second, &config);
    FUZZ_CHECK(parse(buf_str(&longer), second, &again) == r);
    for (size_t i = 0; r == 0 && i < COUNT(profiles); i++)
        check_profile(config, again, str_of(profiles[i]));
    shared_config_free(config);
    shared_config_free(again);
    buf_fini(&longer);
    return 0;
}
