/* SPDX-License-Identifier: Apache-2.0
 *
 * The configuration of one run: values are gathered from file, environment and command line as text, in any order, and
 * then built into one struct, in which a flag beats the environment, the environment beats the file, the file beats
 * `compat` and `compat` beats the default. Everything that is wrong is reported, not only the first fault. A built
 * struct config may be read by any thread, until config_reload. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "cloudmapd/option.h"

enum config_compat { CONFIG_COMPAT_NONE, CONFIG_COMPAT_AWS };
enum config_auth { CONFIG_AUTH_AUTO, CONFIG_AUTH_REQUIRED, CONFIG_AUTH_OPEN };
enum config_metrics_names { CONFIG_NAMES_AUTO, CONFIG_NAMES_ON, CONFIG_NAMES_OFF };
enum config_audit { CONFIG_AUDIT_AUTO, CONFIG_AUDIT_ON, CONFIG_AUDIT_OFF };
enum config_unknown_is { CONFIG_UNKNOWN_HEALTHY, CONFIG_UNKNOWN_UNHEALTHY };

/* Weakest first. */
enum config_origin { CONFIG_DEFAULT, CONFIG_COMPAT, CONFIG_FILE, CONFIG_ENV, CONFIG_FLAG };

/* Where the value of an option came from. */
struct config_source {
    enum config_origin origin;
    const char *where; /* such as `/etc/cloudmap.conf:12`, `CLOUDMAP_API_LISTEN`, `--set`; "" for defaults */
    const char *text;  /* the value as it was written */
};

/* [vpc ID]: which networks are inside a VPC. */
struct config_vpc {
    const char *id;
    struct config_list cidr, shares;
    struct config_source sources[OPTION_VPC_COUNT]; /* text NULL: not set */
};

/* [transfer ZONE]: who may have the zone. */
struct config_transfer {
    const char *zone;
    struct config_list secondaries, vpc;
    const char *key;                                     /* NULL: none */
    struct config_source sources[OPTION_TRANSFER_COUNT]; /* text NULL: not set */
};

/* One member for each row of options.def. */
struct config {
#define OPTION(c_type, member, ...) c_type member;
#define VPC_OPTION(member, ...)
#define TRANSFER_OPTION(c_type, member, ...)
#include "cloudmapd/options.def"
#undef OPTION
#undef VPC_OPTION
#undef TRANSFER_OPTION
    struct config_vpc *vpcs;
    size_t n_vpcs;
    struct config_transfer *transfers;
    size_t n_transfers;
    struct config_source sources[OPTION_COUNT]; /* by OPTION_INDEX */
    struct arena arena;                         /* holds all text and lists */
};

#define CONFIG_MAX_SETTINGS 4096 /* of file, environment and command line together */
#define CONFIG_MAX_VPCS 1024
#define CONFIG_MAX_TRANSFERS 256
#define CONFIG_MAX_ERRORS 20

/* What was found wrong, a line each. */
struct config_errors {
    struct buf lines;
    unsigned n; /* may be more than there are lines */
};

/* No errors yet. */
void config_init_errors(struct config_errors *errors);
/* Frees the lines. */
void config_fini_errors(struct config_errors *errors);
/* `where` may be empty. */
void config_add_error(struct config_errors *errors, const char *where, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* What was gathered; text is copied. */
struct config_input;
struct config_input *config_new_input(void); /* NULL when memory is out */
void config_free_input(struct config_input *input);

/* One setting. `shown` is the name to use in messages (the variable's, for the environment). An unknown key, and a key
 * given twice by one file, become errors; of two flags the later one counts. */
void config_add(struct config_input *input, struct str key, struct str value, enum config_origin origin,
                const char *where, struct config_errors *errors);

/* Every variable of `environment` (NAME=VALUE, NULL at the end) that starts with CLOUDMAP_, but for CLOUDMAP_DEV_*,
 * which belong to the scripts of the project. */
void config_add_environment(struct config_input *input, char *const *environment, struct config_errors *errors);

/* Reads every value. `state_directory` is the default of store.path, NULL: that of the table. 0 with a configuration to
 * be freed with config_free; 1 when `errors` has something, also from before. */
int config_build(const struct config_input *input, const char *state_directory, struct config **ret_config,
                 struct config_errors *errors);
void config_free(struct config *config); /* accepts NULL */

/* Takes from `next` the options that a running daemon can change, and appends to `restart_needed` the keys of those
 * that differ and that it cannot, with commas between them. Not while others read `config`. */
void config_reload(struct config *config, const struct config *next, struct buf *restart_needed);

/* Every option with its value and origin, as a table for people. */
void config_write_table(struct buf *buf, const struct config *config);

/* Calls fn for each option that is set by file, environment or command line. */
typedef void config_each_fn(void *arg, const char *key, const struct config_source *source);
void config_each_set(const struct config *config, config_each_fn *fn, void *arg);

/* "default", "compat", "file", "environment" or "flag". */
const char *config_origin_text(enum config_origin origin);
