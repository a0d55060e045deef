/* SPDX-License-Identifier: Apache-2.0
 *
 * cloudmapctl: the command line, and one table of commands. */
#include "cloudmapctl/access_ctl.h"
#include "cloudmapctl/audit_trail.h"
#include "cloudmapctl/backup.h"
#include "cloudmapctl/cert.h"
#include "cloudmapctl/doctor.h"
#include "cloudmapctl/drain.h"
#include "cloudmapctl/env.h"
#include "cloudmapctl/explanation.h"
#include "cloudmapctl/health_table.h"
#include "cloudmapctl/held.h"
#include "cloudmapctl/renew.h"
#include "cloudmapctl/restore.h"
#include "cloudmapctl/status.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>

/* What a command speaks to: the flags that name another place do not fit it. */
enum place { PLACE_DATA = 1, PLACE_SOCKET = 2, PLACE_API = 4, PLACE_DAEMON = PLACE_DATA | PLACE_SOCKET };

struct command {
    const char *name, *words; /* words: as the help shows them */
    size_t least, most;       /* of the words */
    ctl_fn *run;
    unsigned places;
    const char *doc;
    const char *forms; /* or NULL: what can stand behind the name, a line each */
};

static const struct command commands[] = {
    { "status", "", 0, 0, status_run, PLACE_DAEMON, "what the daemon is doing", NULL },
    { "explain", "NAME [TYPE]", 1, 2, explanation_run, PLACE_DAEMON, "what DNS clients are told of a name, and why",
      NULL },
    { "health", "SERVICE", 1, 1, health_table_run, PLACE_DAEMON, "how a service's instances are, and why", NULL },
    { "drain", "SERVICE INSTANCE", 2, 2, drain_run, PLACE_DAEMON, "take an instance out of discovery and DNS", NULL },
    { "undrain", "SERVICE INSTANCE", 2, 2, drain_run_undrain, PLACE_DAEMON, "serve it again", NULL },
    { "guard", "list|release|cancel [SERVICE [INSTANCE]]", 1, 3, held_run, PLACE_DAEMON, "removals held back",
      "list\n"
      "release SERVICE [INSTANCE]|--all\n"
      "release               the verdicts of health checks that are held\n"
      "cancel SERVICE [INSTANCE]|--all\n" },
    { "renew", "SERVICE INSTANCE", 2, 2, renew_run, PLACE_DAEMON, "renew an instance's lease", NULL },
    { "key", "ACTION [ID]", 1, 2, access_ctl_key, PLACE_DAEMON, "keys: create, list, disable, enable, delete, rewrap",
      "create --user NAME|--root\n"
      "list\n"
      "disable ID\n"
      "enable ID\n"
      "delete ID\n"
      "rewrap                 seal all secrets under a new key file\n" },
    { "user", "ACTION [NAME]", 1, 2, access_ctl_user, PLACE_DAEMON, "users: create, list, delete",
      "create NAME [--path PATH]\n"
      "list\n"
      "delete NAME\n" },
    { "role", "ACTION [NAME]", 1, 2, access_ctl_role, PLACE_DAEMON, "roles: create, list, delete",
      "create NAME --trust FILE [--max-session TIME] [--path PATH]\n"
      "list\n"
      "delete NAME\n" },
    { "policy", "ACTION [POLICY]", 1, 4, access_ctl_policy, PLACE_DAEMON,
      "policies: attach, detach, list, test, share, unshare",
      "attach POLICY --user NAME|--role NAME [--document FILE]\n"
      "detach POLICY --user NAME|--role NAME\n"
      "list [--user NAME|--role NAME]\n"
      "test DOCUMENT ACTION RESOURCE [--context KEY=VALUE]...\n"
      "share ARN ACCOUNT|--document FILE\n"
      "shares\n"
      "unshare ARN\n" },
    { "audit", "list|verify|key [N]", 1, 2, audit_trail_run, PLACE_DATA,
      "the audit trail: its newest records; is it whole",
      "list [N]\n"
      "verify [--against FILE] [--head NUMBER:HASH] [--public-key KEY]...\n"
      "key                  the public key, for verify elsewhere\n" },
    { "backup", "FILE", 1, 1, backup_run, PLACE_DATA, "a verified copy of the store; the daemon may run", NULL },
    { "restore", "FILE", 1, 1, restore_run, PLACE_DATA, "make a backup the store; no daemon may run", NULL },
    { "env", "", 0, 0, env_run, PLACE_DAEMON | PLACE_API, "variables for clients: eval \"$(cloudmapctl env)\"", NULL },
    { "cert", "NAME [NAME|IP]...", 1, 32, cert_run, 0, "a CA for development, a certificate for TLS", NULL },
    { "doctor", "", 0, 0, doctor_run, PLACE_DAEMON | PLACE_API, "test the way from this machine's clients", NULL },
};

#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

/* An option that some commands take: a text, or a truth when it has no value. */
struct flag {
    const char *name, *value;
    size_t member;        /* of struct ctl */
    const char *commands; /* between blanks */
    const char *doc;
    bool is_listed; /* in the help of all commands, which is a screen; else in that of its command only */
};

static const struct flag flags[] = {
    { "from", "IP", offsetof(struct ctl, from), " explain ", "the client's address (127.0.0.1)", true },
    { "reason", "TEXT", offsetof(struct ctl, reason), " drain ", "what is shown with the instance", true },
    { "for", "TIME", offsetof(struct ctl, time), " drain ", "until then, such as 30s; --then deregister: and then",
      true },
    { "then", "WHAT", offsetof(struct ctl, then), " drain ", "undrain or deregister, when --for is over", false },
    { "force", NULL, offsetof(struct ctl, force), " drain ", "although the mass-loss guard refuses", false },
    { "all", NULL, offsetof(struct ctl, all), " guard ", "whatever is held", true },
    { "account", "ID", offsetof(struct ctl, account), " key user role policy ",
      "whose they are (000000000000; lists: all)", true },
    { "user", "NAME", offsetof(struct ctl, user), " key policy ", "of this user (policy: or --role)", true },
    { "role", "NAME", offsetof(struct ctl, role), " policy ", "of this role", false },
    { "root", NULL, offsetof(struct ctl, root), " key ", "of the account's root, for create", false },
    { "key-file", "FILE", offsetof(struct ctl, key_file), " key audit ", "the key file (secret.key in the data)",
      false },
    { "path", "PATH", offsetof(struct ctl, path), " user role ", "before the name in the ARN, for create: /team/",
      false },
    { "trust", "FILE", offsetof(struct ctl, trust), " role ", "who may assume it, for create: a policy", false },
    { "max-session", "TIME", offsetof(struct ctl, max_session), " role ", "the longest session, for create: 1h to 12h",
      false },
    { "document", "FILE", offsetof(struct ctl, document), " policy ", "a policy of your own, for attach and share",
      false },
    { "context", "KEY=VALUE", offsetof(struct ctl, context), " policy ", "a condition key, for test; again for more",
      false },
    { "head", "NUMBER:HASH", offsetof(struct ctl, head), " audit ", "a head that verify printed before", false },
    { "against", "FILE", offsetof(struct ctl, against), " audit ", "a file with checkpoints: audit file, log", false },
    { "public-key", "KEY", offsetof(struct ctl, public_keys), " audit ", "a key that signed; again for more", false },
    { "replace", NULL, offsetof(struct ctl, replace), " restore ", "keep the present store beside the new one", true },
    { "out", "DIR", offsetof(struct ctl, out), " cert ", "where the files go (./cloudmap-tls)", false },
    { "client", NULL, offsetof(struct ctl, is_client), " cert ", "for a client, whose user is NAME", false },
};

#define FLAG_COUNT (sizeof(flags) / sizeof(flags[0]))

enum { FLAG_FIRST = 256, FLAG_DATA = FLAG_FIRST + FLAG_COUNT, FLAG_SOCKET, FLAG_API, FLAG_HELP, FLAG_VERSION };

static bool fits(const struct flag *flag, const struct command *command)
{
    char name[32];
    snprintf(name, sizeof(name), " %s ", command->name);
    return strstr(flag->commands, name) != NULL;
}

static void print_flag(const struct flag *flag)
{
    char left[32];
    snprintf(left, sizeof(left), "--%s %s", flag->name, flag->value ? flag->value : "");
    printf("  %-14s%.*s: %s\n", left, (int)strlen(flag->commands) - 1, flag->commands, flag->doc);
}

static int print_help(void)
{
    printf("Usage: cloudmapctl [OPTION]... COMMAND\n\nCommands:\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        char left[48];
        snprintf(left, sizeof(left), "%s %s", commands[i].name, commands[i].words);
        printf("  %-25s %s\n", left, commands[i].doc);
    }
    printf("  %-25s this, or more about a command\n"
           "\nOptions (those of one command: help COMMAND, man cloudmapctl):\n"
           "  --data DIR     the daemon's data (CLOUDMAP_STORE_PATH, ./cloudmap-data,\n"
           "                 /var/lib/cloudmap)\n"
           "  --socket PATH  the daemon's admin socket (admin.sock in its data)\n"
           "  --api URL      the API, for env and doctor: http(s)://HOST:PORT\n"
           "  -o FORMAT      table or json\n",
           "help [COMMAND]");
    for (size_t i = 0; i < FLAG_COUNT; i++)
        if (flags[i].is_listed)
            print_flag(&flags[i]);
    printf("  --version      print the version\n"
           "\nExit codes: 0 done, 1 error, 3 the guard refuses, 64 usage,\n"
           "65 damaged or foreign store, 66 newer store, 73 cannot write,\n"
           "75 store in use, 78 key file.\n");
    return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* `command`: the one that was understood, or NULL. */
static int usage(const struct command *command, const char *what, const char *word)
{
    ctl_fail(EX_USAGE, "%s%s%s", what, word ? ": " : "", word ? word : "");
    fprintf(stderr, "Try: cloudmapctl help%s%s\n", command ? " " : "", command ? command->name : "");
    return EX_USAGE;
}

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    usage(NULL, "there is no command", name);
    return NULL;
}

static void print_option(const char *left, const char *doc)
{
    printf("  %-20s %s\n", left, doc);
}

/* Of one command: all of its forms and flags. */
static int print_command_help(const char *name)
{
    const struct command *command = find_command(name);
    if (!command)
        return EX_USAGE;
    printf("Usage: cloudmapctl [OPTION]... %s%s%s\n\n%s\n\n", command->name, *command->words ? " " : "", command->words,
           command->doc);
    for (const char *form = command->forms; form && *form; form = strchr(form, '\n') + 1)
        printf("  %s %.*s\n", command->name, (int)strcspn(form, "\n"), form);
    if (command->forms)
        printf("\n");
    for (size_t i = 0; i < FLAG_COUNT; i++) {
        char left[32];
        snprintf(left, sizeof(left), "--%s %s", flags[i].name, flags[i].value ? flags[i].value : "");
        if (fits(&flags[i], command))
            print_option(left, flags[i].doc);
    }
    if (command->places & PLACE_DATA)
        print_option("--data DIR", "the daemon's data");
    if (command->places & PLACE_SOCKET)
        print_option("--socket PATH", "the daemon's admin socket");
    if (command->places & PLACE_API)
        print_option("--api URL", "the API instead: http(s)://HOST:PORT");
    print_option("-o FORMAT", "table or json");
    printf("\nMore: man cloudmapctl\n");
    return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static bool is_directory(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

/* `elsewhere`: the daemon is named by another flag. */
static const char *find_data(bool elsewhere)
{
    static const char here[] = "./cloudmap-data", system_wide[] = "/var/lib/cloudmap";
    const char *set = getenv("CLOUDMAP_STORE_PATH");
    if (set && *set)
        return set;
    if (!is_directory(here))
        return is_directory(system_wide) ? system_wide : here;
    if (is_directory(system_wide) && !elsewhere)
        fprintf(stderr, "cloudmapctl: this is about %s, not %s; --data says which\n", here, system_wide);
    return here;
}

/* Is its member a struct ctl_list? */
static bool is_list(const struct flag *flag)
{
    return flag->member == offsetof(struct ctl, context) || flag->member == offsetof(struct ctl, public_keys);
}

static int add_to_list(struct ctl_list *list, const struct flag *flag)
{
    if (list->n == CTL_LIST_MAX)
        return ctl_fail(EX_USAGE, "more than %d times --%s", CTL_LIST_MAX, flag->name);
    list->items[list->n++] = optarg;
    return 0;
}

static int take_flag(struct ctl *ctl, int flag, bool taken[FLAG_COUNT])
{
    if (flag >= FLAG_FIRST && flag < FLAG_DATA) {
        size_t i = (size_t)(flag - FLAG_FIRST);
        void *member = (char *)ctl + flags[i].member;
        taken[i] = true;
        if (is_list(&flags[i]))
            return add_to_list(member, &flags[i]);
        if (flags[i].value)
            *(const char **)member = optarg;
        else
            *(bool *)member = true;
        return 0;
    }
    switch (flag) {
    case FLAG_DATA:
        ctl->data = optarg;
        return 0;
    case FLAG_SOCKET:
        ctl->socket = optarg;
        return 0;
    case FLAG_API:
        ctl->api = optarg;
        return 0;
    case 'o':
        if (strcmp(optarg, "table") != 0 && strcmp(optarg, "json") != 0)
            return usage(NULL, "-o is table or json, not", optarg);
        ctl->json = strcmp(optarg, "json") == 0;
        return 0;
    default:
        fprintf(stderr, "Try: cloudmapctl help\n");
        return EX_USAGE;
    }
}

static int run(struct ctl *ctl, const struct command *command, const bool taken[FLAG_COUNT])
{
    if (ctl->n_words < command->least)
        return usage(command, "an argument is missing", command->words);
    if (ctl->n_words > command->most)
        return usage(command, "unexpected argument", ctl->words[command->most]);
    for (size_t i = 0; i < FLAG_COUNT; i++)
        if (taken[i] && !fits(&flags[i], command)) {
            char what[64];
            snprintf(what, sizeof(what), "--%s does not fit", flags[i].name);
            return usage(command, what, command->name);
        }
    if (ctl->socket && !(command->places & PLACE_SOCKET))
        return usage(command, "works on the data itself, use --data", command->name);
    if (ctl->api && !(command->places & PLACE_API))
        return usage(command, "works without the API, use --data", command->name);
    if (!ctl->data && (command->places & PLACE_DATA)) {
        ctl->data = find_data(ctl->socket || ctl->api);
        ctl->is_data_found = true;
    }
    int code = command->run(ctl);
    return fflush(stdout) == 0 || code != EXIT_SUCCESS ? code : ctl_fail(EXIT_FAILURE, "stdout does not take it");
}

/* What getopt_long wants to know. */
static void list_flags(struct option options[FLAG_COUNT + 8])
{
    static const struct option common[] = {
        { "data", required_argument, NULL, FLAG_DATA },
        { "socket", required_argument, NULL, FLAG_SOCKET },
        { "api", required_argument, NULL, FLAG_API },
        { "output", required_argument, NULL, 'o' },
        { "help", no_argument, NULL, FLAG_HELP },
        { "version", no_argument, NULL, FLAG_VERSION },
        { NULL, 0, NULL, 0 },
    };
    for (size_t i = 0; i < FLAG_COUNT; i++)
        options[i] = (struct option){ flags[i].name, flags[i].value ? required_argument : no_argument, NULL,
                                      FLAG_FIRST + (int)i };
    memcpy(options + FLAG_COUNT, common, sizeof(common));
}

int main(int argc, char **argv)
{
    struct option options[FLAG_COUNT + 8];
    bool taken[FLAG_COUNT] = { false };
    struct ctl ctl = { .json = false };
    bool is_help = false;
    int flag;
    signal(SIGXFSZ, SIG_IGN); /* a limit on file sizes is a full disk, not an end */
    list_flags(options);
    while ((flag = getopt_long(argc, argv, "o:", options, NULL)) != -1) {
        if (flag == FLAG_VERSION)
            return printf("cloudmapctl " CLOUDMAP_VERSION "\n") > 0 && fflush(stdout) == 0 ? EXIT_SUCCESS
                                                                                           : EXIT_FAILURE;
        if (flag == FLAG_HELP) {
            is_help = true;
            continue;
        }
        int code = take_flag(&ctl, flag, taken);
        if (code != 0)
            return code;
    }
    const char *name = optind < argc ? argv[optind] : is_help ? "help" : NULL;
    if (!name)
        return usage(NULL, "a command is missing", NULL);
    if (is_help && strcmp(name, "help") != 0)
        return print_command_help(name);
    ctl.words = argv + optind + 1;
    ctl.n_words = optind < argc ? (size_t)(argc - optind - 1) : 0;
    if (strcmp(name, "help") == 0)
        return ctl.n_words && strcmp(ctl.words[0], name) != 0 ? print_command_help(ctl.words[0]) : print_help();
    const struct command *command = find_command(name);
    return command ? run(&ctl, command, taken) : EX_USAGE;
}
