/* SPDX-License-Identifier: Apache-2.0
 *
 * What the operator wants: the command line and the configuration file, read by one table (setting.def) into targets. A
 * target is a set of services with the regions, roles and guards that go with them. Flags beat a section of the file,
 * which beats the file's head, which beats the policy's values. One thread. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/log.h"
#include "unmap/plan.h"

enum setting_command { SETTING_RUN, SETTING_PLAN, SETTING_RESTORE, SETTING_APPROVE, SETTING_HELP, SETTING_VERSION };
enum setting_policy { SETTING_ORIGINAL, SETTING_GUARDED };

/* Items are NUL-terminated. */
struct setting_words {
    const char **items;
    size_t n;
};

/* Whether the word is one of them. */
bool setting_words_has(const struct setting_words *words, struct str word);

struct setting_canaries {
    struct ec2_canary *items;
    size_t n;
};

struct setting_target {
    const char *name; /* the section of the file, or `command line` */
    struct setting_words service_ids, namespace_ids;
    const char *service_region;
    struct setting_words instances_regions; /* each once */
    const char *role_arn;                   /* NULL: none */
    const char *instances_role_arn;         /* NULL: role_arn */
    int64_t deadline_ms;
    int policy; /* enum setting_policy */
    struct plan_guards guards;
    struct setting_canaries canaries;
};

struct settings {
    enum setting_command command;
    struct setting_words words; /* what follows `restore` and `approve` */
    struct setting_target *targets;
    size_t n_targets;

    const char *config;
    int64_t frequency_ms;
    bool single_run, dry_run;
    const char *sqs_queue_url; /* NULL: none */
    const char *state_dir;     /* NULL: the default (state_dir_find) */
    bool enable_prometheus;
    const char *prometheus_host;
    unsigned prometheus_port;
    int log_level;     /* enum log_level */
    int64_t within_ms; /* 0: all */
    bool output;       /* JSON rather than a table */

    struct arena arena;
};

/* Reads the command line, and the file that it names. 0 with settings to be cleared by settings_fini; or the exit code
 * (EX_USAGE, EX_CONFIG, EX_OSERR), with one line for each fault in `errors`. The settings borrow from argv. */
int setting_parse(int argc, char **argv, struct settings *ret_settings, struct buf *errors);
void setting_fini(struct settings *settings);

/* Fits a screen. */
void setting_write_help(struct buf *buf);
