/* SPDX-License-Identifier: Apache-2.0
 *
 * cloudmapd: the command line, the configuration, and then the daemon. */
#include "cloudmapd/auth_mode.h"
#include "cloudmapd/config_args.h"
#include "cloudmapd/daemon.h"
#include "cloudmapd/daemon_tls.h"
#include "cloudmapd/daemon_views.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

/* 0, or 1 when stdout does not take it. */
static int print(void (*write)(struct buf *, const struct config *), const struct config *config)
{
    struct buf buf;
    buf_init(&buf, 1 << 22);
    write(&buf, config);
    struct str text = buf_str(&buf);
    size_t n = fwrite(text.p, 1, text.n, stdout);
    int r = n == text.n && text.n > 0 && fflush(stdout) == 0 ? 0 : 1;
    buf_fini(&buf);
    return r;
}

static void write_help(struct buf *buf, const struct config *config)
{
    (void)config;
    config_args_write_help(buf);
}

static void write_version(struct buf *buf, const struct config *config)
{
    (void)config;
    buf_put_str(buf, STR("cloudmapd " CLOUDMAP_VERSION "\n"));
}

static void print_errors(const struct config_errors *errors)
{
    for (struct str rest = buf_str(&errors->lines); rest.n > 0;) {
        size_t n = str_find_char(rest, '\n');
        fprintf(stderr, "cloudmapd: " STR_FMT "\n", (int)n, rest.p);
        rest = str_skip(rest, n < rest.n ? n + 1 : n);
    }
    if (errors->n > CONFIG_MAX_ERRORS)
        fprintf(stderr, "cloudmapd: and %u more\n", errors->n - CONFIG_MAX_ERRORS);
}

/* Under systemd the unit's state directory, the first of several; else NULL. */
static const char *find_state_directory(char *ret_directory, size_t size)
{
    const char *all = getenv("STATE_DIRECTORY");
    if (!all || !*all)
        return NULL;
    snprintf(ret_directory, size, "%.*s", (int)strcspn(all, ":"), all);
    return ret_directory;
}

int main(int argc, char **argv)
{
    struct config_args args;
    if (config_args_parse(argc, argv, &args) != 0)
        return EX_USAGE;
    if (args.action == CONFIG_ACTION_HELP)
        return print(write_help, NULL);
    if (args.action == CONFIG_ACTION_VERSION)
        return print(write_version, NULL);

    struct config *config = NULL;
    struct config_errors errors;
    config_init_errors(&errors);
    char directory[PATH_MAX];
    const char *state_directory = find_state_directory(directory, sizeof(directory));
    if (config_args_load(&args, environ, state_directory, &config, &errors) == 0) {
        auth_mode_check(config, &errors);
        daemon_views_check(config, &errors);
        daemon_tls_check(config, &errors);
    }
    print_errors(&errors);
    unsigned n_errors = errors.n;
    config_fini_errors(&errors);
    if (n_errors > 0) {
        config_free(config);
        return EX_CONFIG;
    }
    if (args.action == CONFIG_ACTION_CHECK) {
        int r = print(config_write_table, config);
        config_free(config);
        return r;
    }
    daemon_block_signals();
    return daemon_run(&args, environ, state_directory, config);
}
