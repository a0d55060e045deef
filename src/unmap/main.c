/* SPDX-License-Identifier: Apache-2.0
 *
 * cloud-unmap: the command line, and one function a command. */
#include "base/log.h"
#include "unmap/approval.h"
#include "unmap/controller.h"
#include "unmap/setting.h"
#include "unmap/undo.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

static int print_help(void)
{
    struct buf text;
    buf_init(&text, 1 << 16);
    setting_write_help(&text);
    struct str s = buf_str(&text);
    int code = fwrite(s.p, 1, s.n, stdout) == s.n && fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
    buf_fini(&text);
    return code;
}

static int print_version(void)
{
    return printf("cloud-unmap " CLOUDMAP_VERSION "\n") > 0 && fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static void print_errors(const struct buf *errors, int code)
{
    for (struct str rest = buf_str(errors); rest.n > 0;) {
        size_t n = str_find_char(rest, '\n');
        fprintf(stderr, "cloud-unmap: " STR_FMT "\n", (int)n, rest.p);
        rest = str_skip(rest, n < rest.n ? n + 1 : n);
    }
    if (code == EX_USAGE)
        fprintf(stderr, "Try: cloud-unmap --help\n");
}

/* Every id for every service that is named. */
static int approve(const struct settings *settings, const struct environment *environment)
{
    struct arena arena;
    struct state_dir dir;
    size_t n = 0;
    int64_t wall_ms = clock_wall_ms(clock_system());
    arena_init(&arena, 64 << 20);
    struct approval *items = ARENA_ARRAY(&arena, struct approval, APPROVAL_MAX);
    for (size_t i = 0; items && i < settings->n_targets; i++)
        for (size_t k = 0; k < settings->targets[i].service_ids.n; k++)
            for (size_t w = 0; w < settings->words.n && n < APPROVAL_MAX; w++)
                items[n++] = (struct approval){ .service_id = str_of(settings->targets[i].service_ids.items[k]),
                                                .instance_id = str_of(settings->words.items[w]),
                                                .until_ms = wall_ms + APPROVAL_MS };
    int code = EXIT_SUCCESS;
    int r = state_dir_open(settings->state_dir, true, environment, &arena, &dir);
    if (r == 0)
        r = approval_add(&dir, wall_ms, items, n, &arena);
    if (r != 0) {
        fprintf(stderr, "cloud-unmap: %s: %s\n", dir.path ? dir.path : "no HOME",
                r < 0 ? strerror(-r) : "more approvals than there may be");
        code = EX_CANTCREAT;
    } else {
        printf("%zu approved for one hour in %s\n", n, dir.path);
    }
    state_dir_close(&dir);
    arena_fini(&arena);
    return fflush(stdout) == 0 ? code : EXIT_FAILURE;
}

static int run(const struct settings *settings, const struct environment *environment)
{
    switch (settings->command) {
    case SETTING_RUN:
        return controller_run(settings, environment);
    case SETTING_PLAN:
        return controller_plan(settings, environment);
    case SETTING_RESTORE:
        return undo_run(settings, environment);
    case SETTING_APPROVE:
        return approve(settings, environment);
    case SETTING_HELP:
        return print_help();
    case SETTING_VERSION:
        return print_version();
    }
    return EX_USAGE;
}

/* Commands that print what they found say nothing else, unless something is wrong. */
static enum log_level level_of(const struct settings *settings)
{
    bool is_quiet = settings->command != SETTING_RUN && settings->log_level == LOG_INFO;
    return is_quiet ? LOG_WARNING : (enum log_level)settings->log_level;
}

int main(int argc, char **argv)
{
    struct settings settings;
    struct buf errors;
    const struct environment environment = { environ };
    signal(SIGPIPE, SIG_IGN);
    buf_init(&errors, 1 << 20);
    int code = setting_parse(argc, argv, &settings, &errors);
    if (code != 0) {
        print_errors(&errors, code);
    } else {
        log_init(level_of(&settings), LOG_FORMAT_PYTHON);
        code = run(&settings, &environment);
        setting_fini(&settings);
    }
    buf_fini(&errors);
    return code;
}
