/* SPDX-License-Identifier: Apache-2.0
 *
 * In this order: the data directory and the user, since both need root; then capabilities, files, and calls last, since
 * that forbids what the others are done with. */
#include "cloudmapd/sandbox.h"
#include "base/log.h"
#include "cloudmapd/sandbox_calls.h"
#include "cloudmapd/sandbox_files.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int fail(struct sandbox_message *message, const char *what, int error)
{
    snprintf(message->text, sizeof(message->text), "%s: %s", what, strerror(error));
    return 1;
}

/* --- the user ---------------------------------------------------------------------------------------------------- */

static int find_user(const char *name, struct passwd *ret_user, char *memory, size_t size,
                     struct sandbox_message *message)
{
    struct passwd *found = NULL;
    int error = getpwnam_r(name, ret_user, memory, size, &found);
    if (found && found->pw_uid != 0)
        return 0;
    snprintf(message->text, sizeof(message->text), "sandbox.user: %s: %s", name,
             found   ? "this is root"
             : error ? strerror(error)
                     : "there is no such user; `useradd --system` makes one");
    return 1;
}

/* A directory that was just made is the user's; one that was there stays as it is. */
static void make_data(const char *path, const struct passwd *user)
{
    if (mkdir(path, 0700) == 0 && user && chown(path, user->pw_uid, user->pw_gid) != 0)
        rmdir(path); /* the store says what is wrong */
}

static int become(const struct passwd *user, struct sandbox_message *message)
{
    if (prctl(PR_SET_KEEPCAPS, 1) || initgroups(user->pw_name, user->pw_gid) ||
        setresgid(user->pw_gid, user->pw_gid, user->pw_gid) || setresuid(user->pw_uid, user->pw_uid, user->pw_uid))
        return fail(message, "sandbox.user", errno);
    return 0;
}

static int settle_user(const struct config *config, struct sandbox_message *message)
{
    const char *name = config->sandbox_user.n ? config->sandbox_user.items[0] : NULL;
    struct passwd user;
    char memory[4096];
    if (geteuid() != 0) {
        make_data(config->store_path, NULL);
        return 0;
    }
    if (!name) {
        make_data(config->store_path, NULL);
        log_event(LOG_SANDBOX_ROOT, LOG_C("advice", "start it as another user, or set sandbox.user"));
        return 0;
    }
    if (find_user(name, &user, memory, sizeof(memory), message))
        return 1;
    make_data(config->store_path, &user);
    return become(&user, message);
}

/* --- capabilities ------------------------------------------------------------------------------------------------ */

/* All but the one to bind ports below 1024, where the process has that. */
static int drop_capabilities(struct sandbox_message *message)
{
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };
    if (syscall(SYS_capget, &header, data))
        return fail(message, "capget", errno);
    for (int capability = 0; prctl(PR_CAPBSET_READ, capability) >= 0; capability++)
        if (capability != CAP_NET_BIND_SERVICE)
            prctl(PR_CAPBSET_DROP, capability); /* without CAP_SETPCAP it stays, and NO_NEW_PRIVS makes it useless */
    uint32_t kept = data[0].permitted & (1u << CAP_NET_BIND_SERVICE);
    memset(data, 0, sizeof(data));
    data[0].permitted = data[0].effective = kept;
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    return syscall(SYS_capset, &header, data) ? fail(message, "capset", errno) : 0;
}

/* --- secrets ----------------------------------------------------------------------------------------------------- */

static int forbid_core_dumps(struct sandbox_message *message)
{
    struct rlimit none = { 0, 0 };
    if (setrlimit(RLIMIT_CORE, &none) || prctl(PR_SET_DUMPABLE, 0))
        return fail(message, "no core dumps", errno);
    return 0;
}

/* --- files ------------------------------------------------------------------------------------------------------- */

/* The directory of a file: renewed files come by rename. */
static int allow_directory_of(const struct sandbox_files *files, const char *path, bool writes)
{
    char directory[PATH_MAX];
    if (!path)
        return 0;
    snprintf(directory, sizeof(directory), "%s", path);
    char *slash = strrchr(directory, '/');
    if (slash)
        slash[slash == directory ? 1 : 0] = '\0';
    return sandbox_files_allow(files, slash ? directory : ".", writes);
}

static int allow_all(const struct sandbox_files *files, const struct config *config, const char *config_path)
{
    /* Names, time zone, CAs; libraries of name resolution and what they ask; figures of the process. */
    static const char *const readable[] = {
        "/etc",        "/usr", "/lib", "/lib64", "/run", "/var/lib/ca-certificates", "/proc", "/sys/devices/system/cpu",
        "/dev/urandom"
    };
    static const char *const writable[] = { "/dev/null", "/proc/self/task" }; /* the latter: names of threads */
    const char *configured[] = { config_path, config->tls_certificate, config->tls_key, config->auth_client_ca,
                                 config->auth_root_key_file };
    int r = sandbox_files_allow(files, config->store_path, true);
    for (size_t i = 0; r == 0 && i < sizeof(readable) / sizeof(readable[0]); i++)
        r = sandbox_files_allow(files, readable[i], false);
    for (size_t i = 0; r == 0 && i < sizeof(writable) / sizeof(writable[0]); i++)
        r = sandbox_files_allow(files, writable[i], true);
    for (size_t i = 0; r == 0 && i < sizeof(configured) / sizeof(configured[0]); i++)
        r = allow_directory_of(files, configured[i], false);
    for (size_t i = 0; r == 0 && i < config->n_transfers; i++)
        r = allow_directory_of(files, config->transfers[i].key, false);
    if (r == 0)
        r = sandbox_files_allow(files, config->health_tls_authorities, false);
    if (r == 0)
        r = allow_directory_of(files, config->auth_key_file, true); /* made when it is missing, and by a rewrap */
    if (r == 0)
        r = allow_directory_of(files, config->audit_file, true);
    const char *credentials = getenv("CREDENTIALS_DIRECTORY");
    return r == 0 && credentials ? sandbox_files_allow(files, credentials, false) : r;
}

static int restrict_files(const struct config *config, const char *config_path, int *ret_abi,
                          struct sandbox_message *message)
{
    struct sandbox_files files;
    int r = sandbox_files_begin(&files);
    if (r == 0)
        r = allow_all(&files, config, config_path);
    *ret_abi = files.abi;
    if (r == 0)
        r = sandbox_files_end(&files);
    return r < 0 ? fail(message, "Landlock", -r) : 0;
}

/* --- all of it --------------------------------------------------------------------------------------------------- */

static int restrict_calls(const struct config *config, struct sandbox_message *message)
{
    int r = sandbox_calls_restrict(config->sandbox_mode == SANDBOX_ON);
    if (r == 0)
        return 0;
    snprintf(message->text, sizeof(message->text),
             "The kernel takes no filter for system calls (seccomp): %s. Without one: sandbox.mode = off",
             strerror(-r));
    return 1;
}

/* Sanitizers need files, calls and a tracer of their own. */
static int close_doors(const struct config *config, const char *config_path, struct sandbox_message *message)
{
    int abi = 0;
    if (!config->sandbox_core_dumps && forbid_core_dumps(message))
        return 1;
    if (restrict_files(config, config_path, &abi, message) || restrict_calls(config, message))
        return 1;
    log_event(LOG_SANDBOX_ENTERED, LOG_C("calls", config->sandbox_mode == SANDBOX_ON ? "kill" : "log"),
              LOG_I("landlock", abi), LOG_I("uid", geteuid()));
    return 0;
}

int sandbox_enter(const struct config *config, const char *config_path, struct sandbox_message *ret_message)
{
    if (settle_user(config, ret_message))
        return 1;
    if (config->sandbox_mode == SANDBOX_OFF)
        return 0;
    if (drop_capabilities(ret_message))
        return 1;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        return fail(ret_message, "NO_NEW_PRIVS", errno);
    return SANDBOX_CALLS_POSSIBLE ? close_doors(config, config_path, ret_message) : 0;
}
