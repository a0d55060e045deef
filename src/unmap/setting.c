/* SPDX-License-Identifier: Apache-2.0
 *
 * First every assignment is gathered, from the file and from the command line; then each target is built from the
 * policy's values and from those that concern it, the weakest first. */
#include "unmap/setting.h"
#include "base/ini_file.h"
#include "base/units.h"
#include "unmap/setting_value.h"

#include <getopt.h>
#include <stdio.h>
#include <sysexits.h>

#define ASSIGNMENTS_MAX 4096
#define TARGETS_MAX 256
#define FREQUENCY_MIN_MS 100
#define ARENA_MAX ((size_t)64 << 20)

enum scope { SCOPE_TARGET, SCOPE_PROGRAM };

struct row {
    const char *name, *argument, *value, *guarded, *doc, *heading;
    enum setting_kind kind;
    enum scope scope;
    size_t offset;
};

static const struct row rows[] = {
#define HEADING(text) { .heading = (text) },
#define TARGET_SETTING(member, n, a, k, v, g, d) \
    { .name = (n),                               \
      .argument = (a),                           \
      .value = (v),                              \
      .guarded = (g),                            \
      .doc = (d),                                \
      .kind = (k),                               \
      .scope = SCOPE_TARGET,                     \
      .offset = offsetof(struct setting_target, member) },
#define SETTING(member, n, a, k, v, g, d) \
    { .name = (n),                        \
      .argument = (a),                    \
      .value = (v),                       \
      .guarded = (g),                     \
      .doc = (d),                         \
      .kind = (k),                        \
      .scope = SCOPE_PROGRAM,             \
      .offset = offsetof(struct settings, member) },
#include "unmap/setting.def"
#undef HEADING
#undef TARGET_SETTING
#undef SETTING
};

bool setting_words_has(const struct setting_words *words, struct str word)
{
    for (size_t i = 0; i < words->n; i++)
        if (str_eq(str_of(words->items[i]), word))
            return true;
    return false;
}

#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))

/* Where an assignment comes from, the weakest first. */
enum place { PLACE_HEAD, PLACE_SECTION, PLACE_FLAG };

struct assignment {
    const struct row *row;
    struct str value;
    enum place place;
    const char *section; /* of PLACE_SECTION */
    const char *where;   /* for messages: FILE:LINE, or the flag */
};

struct gather {
    struct settings *settings;
    struct buf *errors;
    int code; /* 0, EX_USAGE or EX_CONFIG */
    struct assignment *assignments;
    size_t n;
    const char *sections[TARGETS_MAX];
    size_t n_sections;
};

static void fail(struct gather *gather, int code, const char *where, const char *what)
{
    buf_printf(gather->errors, "%s: %s\n", where, what);
    if (gather->code == 0)
        gather->code = code;
}

static const struct row *find_row(const char *name)
{
    for (size_t i = 0; i < ROW_COUNT; i++)
        if (rows[i].name && strcmp(rows[i].name, name) == 0)
            return &rows[i];
    return NULL;
}

static void add(struct gather *gather, struct assignment assignment)
{
    int code = assignment.place == PLACE_FLAG ? EX_USAGE : EX_CONFIG;
    struct arena *arena = &gather->settings->arena;
    if (gather->n == ASSIGNMENTS_MAX) {
        fail(gather, code, assignment.where, "more settings than there may be");
        return;
    }
    if (!gather->assignments)
        gather->assignments = ARENA_ARRAY(arena, struct assignment, ASSIGNMENTS_MAX);
    assignment.value = arena_dup(arena, assignment.value);
    if (!arena->failed)
        gather->assignments[gather->n++] = assignment;
}

/* --- the file ---------------------------------------------------------------------------------------------------- */

static const char *where_in_file(struct gather *gather, unsigned line)
{
    const char *path = gather->settings->config;
    if (line == 0)
        return path;
    struct str text = arena_printf(&gather->settings->arena, "%s:%u", path, line);
    return text.p ? text.p : path;
}

static const char *find_section(struct gather *gather, const char *name)
{
    for (size_t i = 0; i < gather->n_sections; i++)
        if (strcmp(gather->sections[i], name) == 0)
            return gather->sections[i];
    struct str copy = arena_dup(&gather->settings->arena, str_of(name));
    if (gather->n_sections == TARGETS_MAX || !copy.p)
        return NULL;
    gather->sections[gather->n_sections++] = copy.p;
    return copy.p;
}

static void on_pair(void *arg, unsigned line, const char *section, const char *key, const char *value)
{
    struct gather *gather = arg;
    const char *where = where_in_file(gather, line);
    const struct row *row = find_row(key);
    if (!row || strcmp(key, "config") == 0) {
        char what[128];
        snprintf(what, sizeof(what), "there is no setting \"%.60s\"; cloud-unmap --help lists them", key);
        fail(gather, EX_CONFIG, where, what);
        return;
    }
    struct assignment assignment = { .row = row, .value = str_of(value), .place = PLACE_HEAD, .where = where };
    if (*section) {
        if (strncmp(section, "target ", 7) != 0 || !section[7]) {
            fail(gather, EX_CONFIG, where, "a section is written [target NAME]");
            return;
        }
        if (row->scope == SCOPE_PROGRAM) {
            fail(gather, EX_CONFIG, where, "this setting concerns all targets: it stands before the first section");
            return;
        }
        assignment.place = PLACE_SECTION;
        assignment.section = find_section(gather, section + 7);
        if (!assignment.section) {
            fail(gather, EX_CONFIG, where, "more targets than there may be");
            return;
        }
    }
    add(gather, assignment);
}

static void on_fault(void *arg, unsigned line, const char *what)
{
    struct gather *gather = arg;
    fail(gather, EX_CONFIG, where_in_file(gather, line), what);
}

/* --- the command line -------------------------------------------------------------------------------------------- */

enum { FLAG_HELP = 1000, FLAG_VERSION };

static void make_flags(struct option *ret_flags)
{
    size_t n = 0;
    for (size_t i = 0; i < ROW_COUNT; i++)
        if (rows[i].name)
            ret_flags[n++] =
                (struct option){ rows[i].name, rows[i].argument ? required_argument : no_argument, NULL, (int)i + 1 };
    ret_flags[n++] = (struct option){ "help", no_argument, NULL, FLAG_HELP };
    ret_flags[n++] = (struct option){ "version", no_argument, NULL, FLAG_VERSION };
    ret_flags[n] = (struct option){ 0 };
}

static void add_flag(struct gather *gather, const struct row *row, const char *value)
{
    struct str where = arena_printf(&gather->settings->arena, "--%s", row->name);
    add(gather, (struct assignment){ .row = row,
                                     .value = str_of(value ? value : "true"),
                                     .place = PLACE_FLAG,
                                     .where = where.p ? where.p : row->name });
    if (strcmp(row->name, "config") == 0)
        gather->settings->config = value;
}

static const struct {
    const char *name;
    enum setting_command command;
    bool takes_words;
} commands[] = {
    { "run", SETTING_RUN, false },        { "plan", SETTING_PLAN, false }, { "restore", SETTING_RESTORE, true },
    { "approve", SETTING_APPROVE, true }, { "help", SETTING_HELP, false },
};

#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

/* Rather than an option, a command or an instance. */
static bool is_region(const char *word)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (strcmp(commands[i].name, word) == 0)
            return false;
    return word[0] != '-' && strncmp(word, "i-", 2) != 0;
}

/* 0, or 1 after `--help` or `--version`. */
static int take_flags(struct gather *gather, int argc, char **argv)
{
    struct option flags[ROW_COUNT + 3];
    make_flags(flags);
    optind = 1;
    opterr = 0;
    int flag;
    while ((flag = getopt_long(argc, argv, ":o:h", flags, NULL)) != -1) {
        if (flag == FLAG_HELP || flag == 'h' || flag == FLAG_VERSION) {
            gather->settings->command = flag == FLAG_VERSION ? SETTING_VERSION : SETTING_HELP;
            return 1;
        }
        if (flag == '?' || flag == ':') {
            fail(gather, EX_USAGE, argv[optind - 1],
                 flag == ':' ? "a value is missing" : "there is no such option; cloud-unmap --help lists them");
            continue;
        }
        const struct row *row = flag == 'o' ? find_row("output") : &rows[flag - 1];
        if (optarg && optarg == argv[optind - 1] && optarg[0] == '-') {
            fail(gather, EX_USAGE, argv[optind - 2], "a value is missing; one that begins with - is written --x=VALUE");
            continue;
        }
        add_flag(gather, row, optarg);
        /* As aws-cloud-unmap has it, the regions may follow each other: --instances-region a b c. */
        while (strcmp(row->name, "instances-region") == 0 && optind < argc && is_region(argv[optind]))
            add_flag(gather, row, argv[optind++]);
    }
    return 0;
}

static void take_words(struct gather *gather, int argc, char **argv)
{
    if (optind == argc)
        return;
    const char *word = argv[optind++];
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(commands[i].name, word) != 0)
            continue;
        gather->settings->command = commands[i].command;
        gather->settings->words = (struct setting_words){ (const char **)argv + optind, (size_t)(argc - optind) };
        if (!commands[i].takes_words && optind < argc)
            fail(gather, EX_USAGE, argv[optind], "an argument too many");
        return;
    }
    fail(gather, EX_USAGE, word, "there is no such command; cloud-unmap --help lists them");
}

/* --- building ---------------------------------------------------------------------------------------------------- */

static void set(struct gather *gather, const struct assignment *assignment, void *object, bool is_first)
{
    char why[SETTING_VALUE_WHY_MAX];
    void *member = (char *)object + assignment->row->offset;
    if (setting_value_read(assignment->row->kind, assignment->value, is_first, &gather->settings->arena, member, why) !=
        0)
        fail(gather, assignment->place == PLACE_FLAG ? EX_USAGE : EX_CONFIG, assignment->where, why);
}

/* The assignments of one place, in order; the first of a list there replaces what weaker places said. */
static void apply(struct gather *gather, enum scope scope, enum place place, const char *section, void *object)
{
    bool seen[ROW_COUNT] = { false };
    for (size_t i = 0; i < gather->n; i++) {
        const struct assignment *assignment = &gather->assignments[i];
        if (assignment->row->scope != scope || assignment->place != place || assignment->section != section)
            continue;
        bool *is_seen = &seen[assignment->row - rows];
        set(gather, assignment, object, !*is_seen);
        *is_seen = true;
    }
}

static void apply_defaults(struct gather *gather, enum scope scope, enum setting_policy policy, void *object)
{
    for (size_t i = 0; i < ROW_COUNT; i++) {
        const struct row *row = &rows[i];
        const char *value = policy == SETTING_GUARDED && row->guarded ? row->guarded : row->value;
        if (row->name && row->scope == scope && value)
            set(gather, &(struct assignment){ .row = row, .value = str_of(value), .where = row->name }, object, true);
    }
}

static void apply_places(struct gather *gather, const char *section, struct setting_target *target)
{
    apply(gather, SCOPE_TARGET, PLACE_HEAD, NULL, target);
    if (section)
        apply(gather, SCOPE_TARGET, PLACE_SECTION, section, target);
    apply(gather, SCOPE_TARGET, PLACE_FLAG, NULL, target);
}

static void build_target(struct gather *gather, const char *section, struct setting_target *ret_target)
{
    int code = gather->code;
    size_t n_errors = gather->errors->n;
    struct setting_target probe = { 0 }; /* what they say of the policy decides the defaults beneath them */
    apply_places(gather, section, &probe);
    gather->code = code;
    buf_truncate(gather->errors, n_errors);

    *ret_target = (struct setting_target){ .name = section ? section : "command line" };
    if (probe.policy == SETTING_GUARDED)
        plan_guards_guarded(&ret_target->guards);
    else
        plan_guards_original(&ret_target->guards);
    apply_defaults(gather, SCOPE_TARGET, (enum setting_policy)probe.policy, ret_target);
    apply_places(gather, section, ret_target);
}

static bool is_round(enum setting_command command)
{
    return command == SETTING_RUN || command == SETTING_PLAN;
}

/* What each command cannot do without. */
static void check_target(struct gather *gather, const struct setting_target *target)
{
    enum setting_command command = gather->settings->command;
    int code = gather->n_sections > 0 ? EX_CONFIG : EX_USAGE;
    if (is_round(command) && target->service_ids.n == 0 && target->namespace_ids.n == 0)
        fail(gather, code, target->name, "which service? --service-id, --namespace-id or --config says it");
    if (is_round(command) && !target->service_region)
        fail(gather, code, target->name, "--service-region is missing");
    if (is_round(command) && target->instances_regions.n == 0)
        fail(gather, code, target->name, "--instances-region is missing");
    if (command == SETTING_APPROVE && (target->service_ids.n == 0 || gather->settings->words.n == 0))
        fail(gather, EX_USAGE, target->name, "approve takes --service-id and the ids of instances");
}

static bool has_flag(const struct gather *gather, const char *name)
{
    for (size_t i = 0; i < gather->n; i++)
        if (gather->assignments[i].place == PLACE_FLAG && strcmp(gather->assignments[i].row->name, name) == 0)
            return true;
    return false;
}

/* What would not do what it seems to ask for. */
static void check_flags(struct gather *gather)
{
    const struct settings *settings = gather->settings;
    if (settings->frequency_ms < FREQUENCY_MIN_MS && !settings->single_run)
        fail(gather, EX_USAGE, "frequency", "rounds without a pause would use up the API's quota; 100ms is the least");
    /* Sections have guards of their own, which a service that a flag names would escape. */
    if (gather->n_sections > 0 && is_round(settings->command) &&
        (has_flag(gather, "service-id") || has_flag(gather, "namespace-id")))
        fail(gather, EX_USAGE, settings->config, "it has sections: services are named there, not by flags");
    if (settings->command == SETTING_RESTORE && has_flag(gather, "namespace-id"))
        fail(gather, EX_USAGE, "restore", "it takes --service-id and the ids of instances, no --namespace-id");
}

static void build(struct gather *gather)
{
    struct settings *settings = gather->settings;
    apply_defaults(gather, SCOPE_PROGRAM, SETTING_ORIGINAL, settings);
    apply(gather, SCOPE_PROGRAM, PLACE_HEAD, NULL, settings);
    apply(gather, SCOPE_PROGRAM, PLACE_FLAG, NULL, settings);
    check_flags(gather);
    bool has_sections = gather->n_sections > 0;
    size_t n = has_sections ? gather->n_sections : 1;
    settings->targets = ARENA_ARRAY(&settings->arena, struct setting_target, n);
    if (!settings->targets)
        return;
    for (size_t i = 0; i < n; i++) {
        build_target(gather, has_sections ? gather->sections[i] : NULL, &settings->targets[i]);
        check_target(gather, &settings->targets[i]);
    }
    settings->n_targets = n;
}

int setting_parse(int argc, char **argv, struct settings *ret_settings, struct buf *errors)
{
    *ret_settings = (struct settings){ .command = SETTING_RUN };
    arena_init(&ret_settings->arena, ARENA_MAX);
    struct gather gather = { .settings = ret_settings, .errors = errors };
    if (take_flags(&gather, argc, argv) == 0) {
        take_words(&gather, argc, argv);
        if (ret_settings->config)
            ini_file_read(ret_settings->config,
                          &(struct ini_file_events){ .on_pair = on_pair, .on_fault = on_fault, .arg = &gather });
        if (gather.code == 0 && ret_settings->command != SETTING_HELP)
            build(&gather);
    }
    if (ret_settings->arena.failed)
        fail(&gather, EX_OSERR, "settings", "out of memory");
    if (gather.code != 0)
        setting_fini(ret_settings);
    return gather.code;
}

void setting_fini(struct settings *settings)
{
    arena_fini(&settings->arena);
}

/* --- help -------------------------------------------------------------------------------------------------------- */

void setting_write_help(struct buf *buf)
{
    buf_put_str(buf, STR("Usage: cloud-unmap [OPTION]...                  reconcile until told to stop\n"
                         "       cloud-unmap plan [OPTION]...             what would be done, and why\n"
                         "       cloud-unmap restore [OPTION]... [ID]...  register again what was removed\n"
                         "       cloud-unmap approve [OPTION]... ID...    release IDs from limits for 1 h\n"));
    for (size_t i = 0; i < ROW_COUNT; i++) {
        const struct row *row = &rows[i];
        if (row->heading) {
            buf_printf(buf, "%s:\n", row->heading);
            continue;
        }
        char left[48];
        snprintf(left, sizeof(left), "--%s%s%s", row->name, row->argument ? " " : "",
                 row->argument ? row->argument : "");
        buf_printf(buf, "  %-30s %s", left, row->doc);
        if (row->value && row->guarded)
            buf_printf(buf, " (%s; %s)", row->value, row->guarded);
        else if (row->value && row->kind != SETTING_POLICY)
            buf_printf(buf, " (%s)", row->value);
        buf_put_char(buf, '\n');
    }
    buf_put_str(buf, STR("In brackets: the default; with --policy guarded. Also --version; man cloud-unmap\n"
                         "Exit: 0 done, 1 not all known, 2 to do (plan), 3 held, 64 usage, 73 dir, 78 file\n"));
}
