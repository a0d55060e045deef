/* SPDX-License-Identifier: Apache-2.0
 *
 * Gathers settings and builds the configuration from them. */
#include "cloudmapd/config.h"
#include "base/mem.h"
#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>

#define ARENA_CAP (8 << 20)
#define WHERE_MAX 512
#define ENV_PREFIX "CLOUDMAP_"
#define ENV_PREFIX_DEV "CLOUDMAP_DEV_"
#define ENV_PREFIX_ROOT "CLOUDMAP_ROOT_" /* root_key.c */
#define ENV_PREFIX_VPC "CLOUDMAP_VPC_"

struct setting {
    const struct option_row *option;
    struct str section; /* the VPC or the zone; absent for the options of option_table */
    struct str value;
    enum config_origin origin;
    const char *where;
};

struct config_input {
    struct arena arena;
    size_t n;
    struct setting settings[CONFIG_MAX_SETTINGS];
};

/* --- errors ------------------------------------------------------------------------------------------------------ */

void config_init_errors(struct config_errors *errors)
{
    buf_init(&errors->lines, 1 << 16);
    errors->n = 0;
}

void config_fini_errors(struct config_errors *errors)
{
    buf_fini(&errors->lines);
}

void config_add_error(struct config_errors *errors, const char *where, const char *format, ...)
{
    if (errors->n++ >= CONFIG_MAX_ERRORS)
        return;
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    buf_printf(&errors->lines, "%s%s%s\n", where, *where ? ": " : "", text);
}

/* --- gathering --------------------------------------------------------------------------------------------------- */

struct config_input *config_new_input(void)
{
    struct config_input *input = mem_zalloc(sizeof(*input));
    if (input)
        arena_init(&input->arena, ARENA_CAP);
    return input;
}

void config_free_input(struct config_input *input)
{
    if (!input)
        return;
    arena_fini(&input->arena);
    mem_free(input);
}

static const struct option_row *find_option(struct str key, struct str *ret_section)
{
    size_t i = option_find(key);
    if (i < OPTION_COUNT)
        return &option_table[i];
    i = option_find_vpc(key, ret_section);
    if (i < OPTION_VPC_COUNT)
        return &option_vpc_table[i];
    i = option_find_transfer(key, ret_section);
    return i < OPTION_TRANSFER_COUNT ? &option_transfer_table[i] : NULL;
}

static struct setting *find_setting(struct config_input *input, const struct setting *wanted)
{
    for (size_t i = 0; i < input->n; i++) {
        struct setting *seen = &input->settings[i];
        if (seen->option == wanted->option && seen->origin == wanted->origin && str_eq(seen->section, wanted->section))
            return seen;
    }
    return NULL;
}

static void add_setting(struct config_input *input, const struct setting *setting, struct config_errors *errors)
{
    struct setting *place = find_setting(input, setting);
    if (place && setting->origin == CONFIG_FILE) {
        config_add_error(errors, setting->where, "%s is set already, by %s", setting->option->key, place->where);
        return;
    }
    if (!place) {
        if (input->n == CONFIG_MAX_SETTINGS) {
            config_add_error(errors, setting->where, "more than %d settings", CONFIG_MAX_SETTINGS);
            return;
        }
        place = &input->settings[input->n++];
    }
    *place = (struct setting){
        .option = setting->option,
        .section = str_is_set(setting->section) ? arena_dup(&input->arena, setting->section) : setting->section,
        .value = arena_dup(&input->arena, setting->value),
        .origin = setting->origin,
        .where = arena_dup(&input->arena, str_of(setting->where)).p,
    };
}

/* Values are shown in messages and in JSON. */
static bool is_printable(struct str text)
{
    for (size_t i = 0; i < text.n; i++)
        if (((unsigned char)text.p[i] < ' ' && text.p[i] != '\t') || text.p[i] == 0x7f)
            return false;
    return text_is_utf8(text);
}

void config_add(struct config_input *input, struct str key, struct str value, enum config_origin origin,
                const char *where, struct config_errors *errors)
{
    struct setting setting = { .value = value, .origin = origin, .where = where };
    setting.option = find_option(key, &setting.section);
    if (setting.option) {
        if (is_printable(value))
            add_setting(input, &setting, errors);
        else
            config_add_error(errors, where, "%s: the value is not UTF-8, or holds a control character",
                             setting.option->key);
        return;
    }
    const char *meant = option_suggest(key);
    config_add_error(errors, where, "there is no option \"" STR_FMT "\"%s%s%s", STR_ARG(key),
                     meant ? "; did you mean " : "", meant ? meant : "", meant ? "?" : "");
}

static bool has_env_name(const struct option_row *option, struct str name)
{
    struct buf known;
    buf_init(&known, 256);
    option_write_env_name(&known, str_of(option->key));
    bool same = str_eq(buf_str(&known), name);
    buf_fini(&known);
    return same;
}

/* CLOUDMAP_VPC_VPC_1_CIDR -> vpc.vpc-1.cidr; the ids of AWS know no capitals and no underscores. */
static bool parse_vpc_env_name(struct str name, struct buf *ret_key)
{
    if (!str_starts(name, STR(ENV_PREFIX_VPC)))
        return false;
    struct str rest = str_skip(name, strlen(ENV_PREFIX_VPC));
    size_t last = rest.n;
    while (last > 0 && rest.p[last - 1] != '_')
        last--;
    buf_put_str(ret_key, STR("vpc."));
    for (size_t i = 0; i < rest.n; i++) {
        char c = str_fold_char(rest.p[i]);
        if (c == '_')
            c = i + 1 == last ? '.' : '-';
        buf_put_char(ret_key, c);
    }
    struct str id;
    return option_find_vpc(buf_str(ret_key), &id) < OPTION_VPC_COUNT;
}

/* The key that the variable may have been meant for: its name without the prefix, the first `_` for the dot. */
static void report_variable(struct str name, struct config_errors *errors)
{
    struct buf text, shown;
    buf_init(&text, 1024);
    buf_init(&shown, 1024);
    bool first = true;
    struct str rest = str_skip(name, strlen(ENV_PREFIX));
    for (size_t i = 0; i < rest.n; i++) {
        bool dot = rest.p[i] == '_' && first;
        first = first && !dot;
        buf_put_char(&text, dot ? '.' : str_fold_char(rest.p[i]));
    }
    const char *meant = option_suggest(buf_str(&text));
    if (meant) {
        buf_put_str(&shown, STR("; did you mean "));
        option_write_env_name(&shown, str_of(meant));
        buf_put_char(&shown, '?');
    }
    config_add_error(errors, "environment", "there is no option for the variable " STR_FMT STR_FMT, STR_ARG(name),
                     STR_ARG(buf_str(&shown)));
    buf_fini(&text);
    buf_fini(&shown);
}

static void add_variable(struct config_input *input, struct str name, struct str value, struct config_errors *errors)
{
    struct buf key;
    buf_init(&key, 1024);
    size_t i = 0;
    while (i < OPTION_COUNT && !has_env_name(&option_table[i], name))
        i++;
    if (i < OPTION_COUNT)
        buf_put_str(&key, str_of(option_table[i].key));
    if (i < OPTION_COUNT || parse_vpc_env_name(name, &key)) {
        char where[WHERE_MAX];
        snprintf(where, sizeof(where), STR_FMT, STR_ARG(name));
        config_add(input, buf_str(&key), value, CONFIG_ENV, where, errors);
    } else {
        report_variable(name, errors);
    }
    buf_fini(&key);
}

void config_add_environment(struct config_input *input, char *const *environment, struct config_errors *errors)
{
    for (; *environment; environment++) {
        struct str entry = str_of(*environment);
        size_t n = str_find_char(entry, '=');
        struct str name = { entry.p, n };
        if (n < entry.n && str_starts(name, STR(ENV_PREFIX)) && !str_starts(name, STR(ENV_PREFIX_DEV)) &&
            !str_starts(name, STR(ENV_PREFIX_ROOT)))
            add_variable(input, name, str_skip(entry, n + 1), errors);
    }
}

/* --- building ---------------------------------------------------------------------------------------------------- */

/* Stores the value at `target` + the option's offset and notes where it came from. */
static void apply(struct config *config, const struct option_row *option, void *target, struct config_source *source,
                  struct str value, enum config_origin origin, const char *where, struct config_errors *errors)
{
    struct buf why;
    buf_init(&why, 1024);
    if (option_parse(option, value, &config->arena, (char *)target + option->offset, &why) != 0) {
        if (buf_str(&why).n > 0)
            config_add_error(errors, where, "%s: \"%.*s\" " STR_FMT, option->key,
                             option->flags & OPTION_SECRET ? 0 : (int)(value.n < 200 ? value.n : 200), value.p,
                             STR_ARG(buf_str(&why)));
        else
            config_add_error(errors, where, "out of memory");
    }
    buf_fini(&why);
    source->origin = origin;
    source->where = arena_dup(&config->arena, str_of(where)).p;
    source->text = arena_dup(&config->arena, option->flags & OPTION_SECRET ? STR("(secret)") : value).p;
}

static struct config_vpc *find_vpc(const struct config *config, struct str id)
{
    for (size_t i = 0; i < config->n_vpcs; i++)
        if (str_eq(str_of(config->vpcs[i].id), id))
            return &config->vpcs[i];
    return NULL;
}

/* The section of the VPC, made when it is new; NULL and an error when there are too many. */
static struct config_vpc *own_vpc(struct config *config, const struct setting *setting, struct config_errors *errors)
{
    struct config_vpc *vpc = find_vpc(config, setting->section);
    if (vpc)
        return vpc;
    if (config->n_vpcs == CONFIG_MAX_VPCS) {
        config_add_error(errors, setting->where, "more than %d VPCs", CONFIG_MAX_VPCS);
        return NULL;
    }
    vpc = &config->vpcs[config->n_vpcs++];
    vpc->id = arena_dup(&config->arena, setting->section).p;
    return vpc;
}

/* The same of a zone. */
static struct config_transfer *own_transfer(struct config *config, const struct setting *setting,
                                            struct config_errors *errors)
{
    for (size_t i = 0; i < config->n_transfers; i++)
        if (str_eq_nocase(str_of(config->transfers[i].zone), setting->section))
            return &config->transfers[i];
    if (config->n_transfers == CONFIG_MAX_TRANSFERS) {
        config_add_error(errors, setting->where, "more than %d zones to transfer", CONFIG_MAX_TRANSFERS);
        return NULL;
    }
    struct config_transfer *transfer = &config->transfers[config->n_transfers++];
    transfer->zone = arena_dup(&config->arena, setting->section).p;
    return transfer;
}

static bool is_of(const struct option_row *option, const struct option_row *table, size_t n)
{
    return option >= table && option < table + n;
}

static void apply_setting(struct config *config, const struct setting *setting, struct config_errors *errors)
{
    const struct option_row *option = setting->option;
    void *target = config;
    struct config_source *source = NULL;
    if (is_of(option, option_vpc_table, OPTION_VPC_COUNT)) {
        struct config_vpc *vpc = own_vpc(config, setting, errors);
        target = vpc;
        source = vpc ? &vpc->sources[option - option_vpc_table] : NULL;
    } else if (is_of(option, option_transfer_table, OPTION_TRANSFER_COUNT)) {
        struct config_transfer *transfer = own_transfer(config, setting, errors);
        target = transfer;
        source = transfer ? &transfer->sources[option - option_transfer_table] : NULL;
    } else {
        source = &config->sources[option - option_table];
    }
    if (source)
        apply(config, option, target, source, setting->value, setting->origin, setting->where, errors);
}

/* The defaults, and over them the values of compat = aws. */
static void apply_table(struct config *config, const char *state_directory, bool aws, struct config_errors *errors)
{
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const struct option_row *option = &option_table[i];
        const char *text = option->value, *where = "";
        enum config_origin origin = CONFIG_DEFAULT;
        if (i == OPTION_INDEX(store_path) && state_directory) {
            text = state_directory;
            where = "STATE_DIRECTORY";
        } else if (aws && option->aws) {
            text = option->aws;
            where = "compat = aws";
            origin = CONFIG_COMPAT;
        }
        apply(config, option, config, &config->sources[i], str_of(text), origin, where, errors);
    }
}

static bool wants_aws(const struct config_input *input)
{
    enum config_origin best = CONFIG_DEFAULT;
    bool aws = false;
    for (size_t i = 0; i < input->n; i++) {
        const struct setting *setting = &input->settings[i];
        if (setting->option == &option_table[OPTION_INDEX(compat)] && setting->origin >= best) {
            best = setting->origin;
            aws = str_eq(setting->value, STR("aws"));
        }
    }
    return aws;
}

int config_build(const struct config_input *input, const char *state_directory, struct config **ret_config,
                 struct config_errors *errors)
{
    struct config *config = mem_zalloc(sizeof(*config));
    if (!config) {
        config_add_error(errors, "", "out of memory");
        return 1;
    }
    arena_init(&config->arena, ARENA_CAP);
    config->vpcs = ARENA_ARRAY(&config->arena, struct config_vpc, CONFIG_MAX_VPCS);
    config->transfers = ARENA_ARRAY(&config->arena, struct config_transfer, CONFIG_MAX_TRANSFERS);
    if (config->vpcs && config->transfers) {
        apply_table(config, state_directory, wants_aws(input), errors);
        for (int origin = CONFIG_FILE; origin <= CONFIG_FLAG; origin++)
            for (size_t i = 0; i < input->n; i++)
                if (input->settings[i].origin == (enum config_origin)origin)
                    apply_setting(config, &input->settings[i], errors);
    }
    if (config->arena.failed || input->arena.failed)
        config_add_error(errors, "", "the configuration is too large");
    if (errors->n > 0) {
        config_free(config);
        return 1;
    }
    *ret_config = config;
    return 0;
}

static size_t value_size(enum option_type type)
{
    switch (type) {
    case OPTION_BOOL:
        return sizeof(bool);
    case OPTION_ENUM:
        return sizeof(int);
    case OPTION_INT:
    case OPTION_DURATION:
    case OPTION_SIZE:
    case OPTION_SHARE:
        return sizeof(int64_t);
    default: /* text and lists belong to the arena of their configuration */
        ASSERT(false);
    }
}

static void need_restart(struct buf *restart_needed, const char *key)
{
    buf_printf(restart_needed, "%s%s", restart_needed->n ? ", " : "", key);
}

/* Options of VPCs that one of the two has otherwise or not at all; only_missing: not at all, in `theirs`. */
static void reload_vpcs(const struct config *ours, const struct config *theirs, bool only_missing,
                        struct buf *restart_needed)
{
    for (size_t v = 0; v < ours->n_vpcs; v++) {
        const struct config_vpc *one = &ours->vpcs[v], *other = find_vpc(theirs, str_of(one->id));
        for (size_t i = 0; i < OPTION_VPC_COUNT; i++) {
            const char *text = one->sources[i].text, *other_text = other ? other->sources[i].text : NULL;
            char key[160];
            if (!text || (other_text && (only_missing || strcmp(text, other_text) == 0)))
                continue;
            snprintf(key, sizeof(key), "vpc.%s%s", one->id, strrchr(option_vpc_table[i].key, '.'));
            need_restart(restart_needed, key);
        }
    }
}

void config_reload(struct config *config, const struct config *next, struct buf *restart_needed)
{
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const struct option_row *option = &option_table[i];
        struct config_source *source = &config->sources[i];
        if (strcmp(source->text, next->sources[i].text) == 0)
            continue;
        if (option->flags & OPTION_RELOAD) {
            struct str text = arena_dup(&config->arena, str_of(next->sources[i].text));
            struct str where = arena_dup(&config->arena, str_of(next->sources[i].where));
            if (!text.p || !where.p)
                continue; /* too many reloads for the arena: the old value stands */
            memcpy((char *)config + option->offset, (const char *)next + option->offset, value_size(option->type));
            *source = (struct config_source){ next->sources[i].origin, where.p, text.p };
        } else {
            need_restart(restart_needed, option->key);
        }
    }
    reload_vpcs(config, next, false, restart_needed);
    reload_vpcs(next, config, true, restart_needed);
}

void config_free(struct config *config)
{
    if (!config)
        return;
    arena_fini(&config->arena);
    mem_free(config);
}
