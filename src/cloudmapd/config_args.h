/* SPDX-License-Identifier: Apache-2.0
 *
 * The command line of cloudmapd, and the road from it to a configuration. Main thread only. */
#pragma once

#include "cloudmapd/config.h"

enum config_action { CONFIG_ACTION_RUN, CONFIG_ACTION_CHECK, CONFIG_ACTION_HELP, CONFIG_ACTION_VERSION };

#define CONFIG_ARGS_MAX 256 /* flags that set an option */

/* Slices and strings point into argv. */
struct config_args {
    enum config_action action;
    const char *file; /* --config, or NULL */
    struct {
        struct str key, value;
        const char *flag; /* for messages */
    } settings[CONFIG_ARGS_MAX];
    size_t n_settings;
};

/* 0, or 1 after a message on stderr: wrong usage (exit code 64). */
int config_args_parse(int argc, char **argv, struct config_args *ret_args);

/* Reads the file, the environment and the flags. As config_build. */
int config_args_load(const struct config_args *args, char *const *environment, const char *state_directory,
                     struct config **ret_config, struct config_errors *errors);

/* The text of --help. */
void config_args_write_help(struct buf *buf);
