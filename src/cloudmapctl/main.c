/* SPDX-License-Identifier: Apache-2.0
 *
 * cloudmapctl: the command line, and one table of commands. */
#include "cloudmapctl/backup.h"
#include "cloudmapctl/doctor.h"
#include "cloudmapctl/env.h"
#include "cloudmapctl/explanation.h"
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
enum place { PLACE_SOCKET = 1, PLACE_API = 2 };

struct command {
    const char *name, *argument, *more; /* more: an argument that may be missing */
    ctl_fn *run;
    unsigned places;
    bool may_replace;
    const char *doc;
};

static const struct command commands[] = {
    { "status", NULL, NULL, status_run, PLACE_SOCKET, false, "what the daemon is doing" },
    { "explain", "NAME", "TYPE", explanation_run, PLACE_SOCKET, false, "what DNS clients are told of a name, and why" },
    { "backup", "FILE", NULL, backup_run, 0, false, "a verified copy of the store; the daemon may run" },
    { "restore", "FILE", NULL, restore_run, 0, true, "make a backup the store; no daemon may run" },
    { "env", NULL, NULL, env_run, PLACE_SOCKET | PLACE_API, false,
      "variables for clients: eval \"$(cloudmapctl env)\"" },
    { "doctor", NULL, NULL, doctor_run, PLACE_SOCKET | PLACE_API, false, "test the way from this machine's clients" },
};

#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

enum { FLAG_DATA = 256, FLAG_SOCKET, FLAG_API, FLAG_FROM, FLAG_REPLACE, FLAG_HELP, FLAG_VERSION };

static int print_help(void)
{
    printf("Usage: cloudmapctl [OPTION]... COMMAND\n\nCommands:\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        char left[32];
        const struct command *command = &commands[i];
        snprintf(left, sizeof(left), "%s %s%s%s%s", command->name, command->argument ? command->argument : "",
                 command->more ? " [" : "", command->more ? command->more : "", command->more ? "]" : "");
        printf("  %-19s %s\n", left, command->doc);
    }
    printf("  %-19s this\n"
           "\nOptions:\n"
           "  --data DIR     the daemon's data (CLOUDMAP_STORE_PATH, ./cloudmap-data,\n"
           "                 /var/lib/cloudmap)\n"
           "  --socket PATH  the daemon's admin socket (admin.sock in its data)\n"
           "  --api URL      the API, for env and doctor: http://HOST:PORT\n"
           "  --from IP      explain: the client's address (127.0.0.1)\n"
           "  -o FORMAT      table or json\n"
           "  --replace      restore: keep the present store beside the new one\n"
           "  --version      print the version\n"
           "\nExit codes: 0 done, 1 error, 64 usage, 65 damaged or foreign store,\n"
           "66 newer store, 73 cannot write, 75 store in use.\n",
           "help");
    return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int usage(const char *what, const char *word)
{
    ctl_fail(EX_USAGE, "%s%s%s", what, word ? ": " : "", word ? word : "");
    fprintf(stderr, "Try: cloudmapctl help\n");
    return EX_USAGE;
}

static bool is_directory(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

static const char *find_data(void)
{
    static const char here[] = "./cloudmap-data", system_wide[] = "/var/lib/cloudmap";
    const char *set = getenv("CLOUDMAP_STORE_PATH");
    if (set && *set)
        return set;
    return is_directory(system_wide) && !is_directory(here) ? system_wide : here;
}

static int take_flag(struct ctl *ctl, int flag)
{
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
    case FLAG_FROM:
        ctl->from = optarg;
        return 0;
    case FLAG_REPLACE:
        ctl->replace = true;
        return 0;
    case 'o':
        if (strcmp(optarg, "table") != 0 && strcmp(optarg, "json") != 0)
            return usage("-o is table or json, not", optarg);
        ctl->json = strcmp(optarg, "json") == 0;
        return 0;
    default:
        fprintf(stderr, "Try: cloudmapctl help\n");
        return EX_USAGE;
    }
}

static int run(struct ctl *ctl, const struct command *command)
{
    size_t wanted = command->argument ? 1 : 0, most = command->more ? wanted + 1 : wanted;
    if (ctl->n_words < wanted)
        return usage("an argument is missing", command->argument);
    if (ctl->n_words > most)
        return usage("unexpected argument", ctl->words[most]);
    if (ctl->from && !command->more)
        return usage("--from does not fit", command->name);
    if (ctl->replace && !command->may_replace)
        return usage("--replace does not fit", command->name);
    if (ctl->socket && !(command->places & PLACE_SOCKET))
        return usage("works on the data itself, use --data", command->name);
    if (ctl->api && !(command->places & PLACE_API))
        return usage("works without the API, use --data", command->name);
    if (!ctl->data)
        ctl->data = find_data();
    int code = command->run(ctl);
    return fflush(stdout) == 0 || code != EXIT_SUCCESS ? code : ctl_fail(EXIT_FAILURE, "stdout does not take it");
}

int main(int argc, char **argv)
{
    static const struct option flags[] = {
        { "data", required_argument, NULL, FLAG_DATA },
        { "socket", required_argument, NULL, FLAG_SOCKET },
        { "api", required_argument, NULL, FLAG_API },
        { "replace", no_argument, NULL, FLAG_REPLACE },
        { "from", required_argument, NULL, FLAG_FROM },
        { "output", required_argument, NULL, 'o' },
        { "help", no_argument, NULL, FLAG_HELP },
        { "version", no_argument, NULL, FLAG_VERSION },
        { NULL, 0, NULL, 0 },
    };
    struct ctl ctl = { .json = false };
    int flag;
    signal(SIGXFSZ, SIG_IGN); /* a limit on file sizes is a full disk, not an end */
    while ((flag = getopt_long(argc, argv, "o:", flags, NULL)) != -1) {
        if (flag == FLAG_HELP)
            return print_help();
        if (flag == FLAG_VERSION)
            return printf("cloudmapctl " CLOUDMAP_VERSION "\n") > 0 && fflush(stdout) == 0 ? EXIT_SUCCESS
                                                                                           : EXIT_FAILURE;
        int code = take_flag(&ctl, flag);
        if (code != 0)
            return code;
    }
    if (optind == argc)
        return usage("a command is missing", NULL);
    const char *name = argv[optind];
    ctl.words = argv + optind + 1;
    ctl.n_words = (size_t)(argc - optind - 1);
    if (strcmp(name, "help") == 0)
        return print_help();
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (strcmp(commands[i].name, name) == 0)
            return run(&ctl, &commands[i]);
    return usage("there is no command", name);
}
