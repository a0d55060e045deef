/* SPDX-License-Identifier: Apache-2.0
 *
 * The configuration file: whatever its bytes, the result is a configuration or faults that are told; and what the
 * configuration says about itself, set again by flags, gives the same configuration. */
#include "fuzz_target.h"

#include "base/ini_file.h"
#include "base/mem.h"
#include "cloudmapd/config_file.h"

#define TABLE_MAX ((size_t)16 << 20)

static void write_table(struct buf *ret_table, const struct config *config)
{
    for (size_t i = 0; i < OPTION_COUNT; i++)
        buf_printf(ret_table, "%s=%s\n", option_table[i].key, config->sources[i].text);
    buf_printf(ret_table, "%zu\n", config->n_vpcs);
}

static void add_flag(void *arg, const char *key, const struct config_source *source)
{
    struct config_errors errors;
    config_init_errors(&errors);
    config_add(arg, str_of(key), str_of(source->text), CONFIG_FLAG, "", &errors);
    FUZZ_CHECK(errors.n == 0);
    config_fini_errors(&errors);
}

static void check_again(const struct config *config)
{
    struct config *again = NULL;
    struct config_errors errors;
    struct buf first, second;
    struct config_input *input = config_new_input();
    config_init_errors(&errors);
    buf_init(&first, TABLE_MAX);
    buf_init(&second, TABLE_MAX);
    config_each_set(config, add_flag, input);
    FUZZ_CHECK(config_build(input, NULL, &again, &errors) == 0);
    write_table(&first, config);
    write_table(&second, again);
    FUZZ_CHECK(!first.failed && str_eq(buf_str(&first), buf_str(&second)));
    buf_fini(&first);
    buf_fini(&second);
    config_free(again);
    config_free_input(input);
    config_fini_errors(&errors);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct config *config = NULL;
    struct config_errors errors;
    struct config_input *input = config_new_input();
    if (n > INI_FILE_MAX) {
        config_free_input(input);
        return 0;
    }
    config_init_errors(&errors);
    config_file_parse(input, (struct str){ (const char *)data, n }, "x", &errors);
    int r = config_build(input, NULL, &config, &errors);
    FUZZ_CHECK((r == 0) == (errors.n == 0));
    FUZZ_CHECK((r == 0) == (config != NULL));
    if (config)
        check_again(config);
    config_free(config);
    config_free_input(input);
    config_fini_errors(&errors);
    return 0;
}
