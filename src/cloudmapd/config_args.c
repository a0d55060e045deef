/* SPDX-License-Identifier: Apache-2.0
 *
 * Flags by getopt_long; the shorthands are options under another name. */
#include "cloudmapd/config_args.h"
#include "cloudmapd/config_file.h"

#include <getopt.h>
#include <stdio.h>

enum { FLAG_DATA = 256, FLAG_API, FLAG_DNS, FLAG_CONFIG, FLAG_SET, FLAG_CHECK, FLAG_HELP, FLAG_VERSION };

struct option_flag {
    int value;
    const char *name, *key, *argument, *doc;
};

static const struct option_flag flags[] = {
    { FLAG_DATA, "--data", "store.path", "DIR", "where the data is (./cloudmap-data)" },
    { FLAG_API, "--api", "api.listen", "HOST:PORT", "address of the API, a comma list (127.0.0.1:8650)" },
    { FLAG_DNS, "--dns", "dns.listen", "HOST:PORT", "address of DNS (127.0.0.1:8653)" },
    { FLAG_CONFIG, "--config", NULL, "FILE", "read options from an INI file" },
    { FLAG_SET, "--set", NULL, "KEY=VALUE", "set any option, such as --set log.level=debug" },
    { FLAG_CHECK, "--check-config", NULL, NULL, "print every option, its origin and its value, and end" },
    { FLAG_HELP, "--help", NULL, NULL, "print this and end" },
    { FLAG_VERSION, "--version", NULL, NULL, "print the version and end" },
};

#define FLAG_COUNT (sizeof(flags) / sizeof(flags[0]))

static int add(struct config_args *args, struct str key, struct str value, const char *flag)
{
    if (args->n_settings == CONFIG_ARGS_MAX) {
        fprintf(stderr, "cloudmapd: more than %d options on the command line\n", CONFIG_ARGS_MAX);
        return 1;
    }
    args->settings[args->n_settings].key = key;
    args->settings[args->n_settings].value = value;
    args->settings[args->n_settings++].flag = flag;
    return 0;
}

static int add_set(struct config_args *args, struct str text)
{
    size_t n = str_find_char(text, '=');
    if (n == text.n) {
        fprintf(stderr, "cloudmapd: --set takes KEY=VALUE, not \"" STR_FMT "\"\n", STR_ARG(text));
        return 1;
    }
    return add(args, (struct str){ text.p, n }, str_skip(text, n + 1), "--set");
}

static int take_flag(struct config_args *args, int value, const char *argument)
{
    for (size_t i = 0; i < FLAG_COUNT; i++)
        if (flags[i].value == value && flags[i].key)
            return add(args, str_of(flags[i].key), str_of(argument), flags[i].name);
    switch (value) {
    case FLAG_CONFIG:
        args->file = argument;
        return 0;
    case FLAG_SET:
        return add_set(args, str_of(argument));
    case FLAG_CHECK:
        args->action = CONFIG_ACTION_CHECK;
        return 0;
    case FLAG_HELP:
        args->action = CONFIG_ACTION_HELP;
        return 0;
    case FLAG_VERSION:
        args->action = CONFIG_ACTION_VERSION;
        return 0;
    default: /* getopt_long has said what is wrong */
        return 1;
    }
}

int config_args_parse(int argc, char **argv, struct config_args *ret_args)
{
    struct option long_options[FLAG_COUNT + 1] = { 0 };
    for (size_t i = 0; i < FLAG_COUNT; i++)
        long_options[i] = (struct option){ .name = flags[i].name + strlen("--"),
                                           .has_arg = flags[i].argument ? required_argument : no_argument,
                                           .val = flags[i].value };
    struct config_args args = { .action = CONFIG_ACTION_RUN };
    int r = 0, value;
    optind = 0; /* start anew, whatever was parsed before */
    while (r == 0 && (value = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        r = take_flag(&args, value, optarg);
        if (args.action == CONFIG_ACTION_HELP || args.action == CONFIG_ACTION_VERSION)
            break;
    }
    if (r == 0 && args.action != CONFIG_ACTION_HELP && args.action != CONFIG_ACTION_VERSION && optind < argc) {
        fprintf(stderr, "cloudmapd: unexpected argument \"%s\"\n", argv[optind]);
        r = 1;
    }
    if (r != 0) {
        fprintf(stderr, "Try: cloudmapd --help\n");
        return 1;
    }
    *ret_args = args;
    return 0;
}

int config_args_load(const struct config_args *args, char *const *environment, const char *state_directory,
                     struct config **ret_config, struct config_errors *errors)
{
    struct config_input *input = config_new_input();
    if (!input) {
        config_add_error(errors, "", "out of memory");
        return 1;
    }
    if (args->file)
        config_file_read(input, args->file, errors);
    config_add_environment(input, environment, errors);
    for (size_t i = 0; i < args->n_settings; i++)
        config_add(input, args->settings[i].key, args->settings[i].value, CONFIG_FLAG, args->settings[i].flag, errors);
    int r = config_build(input, state_directory, ret_config, errors);
    config_free_input(input);
    return r;
}

void config_args_write_help(struct buf *buf)
{
    buf_put_str(buf, STR("Usage: cloudmapd [OPTION]...\n"
                         "A self-hosted AWS Cloud Map: serves its API from one durable store.\n\n"));
    for (size_t i = 0; i < FLAG_COUNT; i++) {
        char left[40];
        snprintf(left, sizeof(left), "%s %s", flags[i].name, flags[i].argument ? flags[i].argument : "");
        buf_printf(buf, "  %-22s %s\n", left, flags[i].doc);
    }
    buf_put_str(buf, STR("\n"
                         "Every option is also a key of the file and a variable of the environment\n"
                         "(log.level: CLOUDMAP_LOG_LEVEL). Flags beat the environment, the environment\n"
                         "beats the file. What every option does: man cloudmapd (docs/man/cloudmapd.8).\n"
                         "\n"
                         "Signals: TERM and INT stop, HUP reads the configuration again.\n"
                         "Exit codes: 0 done, 1 error, 64 usage, 65 damaged or foreign store,\n"
                         "66 newer store, 69 address in use, 73 cannot write, 75 store in use,\n"
                         "78 configuration.\n"));
}
