/* SPDX-License-Identifier: Apache-2.0
 *
 * See root_key.h. A key that is there already with this secret is left alone, so that one given for good costs nothing;
 * with another secret, the one given counts. One that was disabled stays so. */
#include "cloudmapd/root_key.h"

#include "auth/vault.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ID_VARIABLE "CLOUDMAP_ROOT_ACCESS_KEY_ID"
#define SECRET_VARIABLE "CLOUDMAP_ROOT_SECRET_ACCESS_KEY"
#define FILE_MAX (ACCESS_KEY_ID_MAX + 1 + ACCESS_KEY_SECRET_MAX + 1)

struct root_key {
    char text[FILE_MAX + 1];
    struct str id, secret; /* absent: none was given */
    const char *origin;
};

/* --- reading -------------------------------------------------------------------------------------------------------
 */

static int take_variables(struct root_key *key, char *why, size_t size)
{
    char *id = getenv(ID_VARIABLE), *secret = getenv(SECRET_VARIABLE);
    if (!id && !secret)
        return 0;
    if (!id || !secret) {
        snprintf(why, size, "%s is set, and %s is not: it takes both.", id ? ID_VARIABLE : SECRET_VARIABLE,
                 id ? SECRET_VARIABLE : ID_VARIABLE);
        return 1;
    }
    int n = snprintf(key->text, sizeof(key->text), "%s:%s", id, secret);
    explicit_bzero(secret, strlen(secret)); /* it is to be seen in /proc/PID/environ */
    if (n < 0 || (size_t)n >= sizeof(key->text)) {
        snprintf(why, size, "%s and %s: an id and a secret have 16 to 128 characters.", ID_VARIABLE, SECRET_VARIABLE);
        return 1;
    }
    key->id = (struct str){ key->text, str_find_char(str_of(key->text), ':') };
    key->secret = str_of(key->text + key->id.n + 1);
    key->origin = ID_VARIABLE;
    return 0;
}

/* What the service manager gives is judged by nobody. */
static bool is_given(const char *path)
{
    const char *given = getenv("CREDENTIALS_DIRECTORY");
    return given && *given && strncmp(path, given, strlen(given)) == 0;
}

static const char *judge_file(const char *path, int fd)
{
    struct stat status;
    if (fstat(fd, &status) < 0)
        return strerror(errno);
    if (!S_ISREG(status.st_mode))
        return "it is no file";
    return status.st_mode & 077 && !is_given(path) ? "others can read it; chmod 600 it" : NULL;
}

static int read_file(const char *path, struct root_key *key, char *why, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    const char *wrong = fd < 0 ? strerror(errno) : judge_file(path, fd);
    ssize_t n = wrong ? 0 : read(fd, key->text, FILE_MAX);
    if (fd >= 0)
        close(fd);
    if (!wrong && n < 0)
        wrong = strerror(errno);
    struct str text = { key->text, n > 0 ? (size_t)n : 0 };
    if (text.n && text.p[text.n - 1] == '\n')
        text.n--;
    size_t colon = str_find_char(text, ':');
    if (!wrong && colon == text.n)
        wrong = "it does not hold ID:SECRET";
    if (wrong) {
        snprintf(why, size, "auth.root_key_file: %s: %s", path, wrong);
        return 1;
    }
    key->id = (struct str){ text.p, colon };
    key->secret = str_skip(text, colon + 1);
    key->origin = path;
    return 0;
}

static int check_key(const struct root_key *key, char *why, size_t size)
{
    if (!access_key_is_id(key->id))
        snprintf(why, size, "%s: the id of an access key is 16 to 128 letters, digits and underscores.", key->origin);
    else if (!access_key_is_secret(key->secret))
        snprintf(why, size, "%s: a secret is 16 to 128 printable characters without blanks.", key->origin);
    else
        return 0;
    return 1;
}

/* --- storing -------------------------------------------------------------------------------------------------------
 */

/* Is the key there already, with this secret? 0; or 1 with the reason why it cannot be stored. */
static int find(struct registry *registry, const struct seal *seal, const struct root_key *key, struct change *change,
                bool *ret_is_there, char *why, size_t size)
{
    const struct snapshot *snapshot = snapshot_acquire(registry_head(registry));
    const struct access_key *old = access_state_find_key(&snapshot->access, key->id);
    char secret[ACCESS_KEY_SECRET_MAX];
    size_t n = 0;
    int r = old && (str_is_set(old->user) || !str_eq(old->account, change->key.account));
    if (r != 0)
        snprintf(why, size, "%s: " STR_FMT " is the access key of another.", key->origin, STR_ARG(key->id));
    *ret_is_there =
        old && r == 0 &&
        seal_open(seal, vault_record(change->arena, key->id), old->sealed, secret, sizeof(secret), &n) == 0 &&
        str_eq(key->secret, (struct str){ secret, n });
    change->kind = old ? CHANGE_UPDATE_KEY : CHANGE_CREATE_KEY;
    change->key.is_disabled = old && old->is_disabled;
    explicit_bzero(secret, sizeof(secret));
    snapshot_release(registry_head(registry));
    return r;
}

static int put(struct registry *registry, const struct seal *seal, const struct root_key *key, struct change *change,
               char *why, size_t size)
{
    int r = seal_close(seal, vault_record(change->arena, key->id), key->secret, change->arena, &change->key.sealed);
    if (r == 0)
        r = registry_do(registry, change);
    if (r > 0) {
        struct str reason = str_is_set(change->message) ? change->message : STR("the store takes no writes");
        snprintf(why, size, "%s: the access key cannot be stored: " STR_FMT, key->origin, STR_ARG(reason));
        return 1;
    }
    if (r == 0)
        log_event(LOG_ACCESS_CHANGED, LOG_C("command", "root key"), LOG_S("account", change->key.account),
                  LOG_S("subject", key->id), LOG_C("policy", ""));
    return r;
}

static int store(const struct config *config, struct registry *registry, const struct seal *seal,
                 const struct root_key *key, char *why, size_t size)
{
    struct arena arena;
    arena_init(&arena, 1 << 16);
    struct change change = { .arena = &arena, .key = { .id = key->id, .account = str_of(config->api_account) } };
    bool is_there;
    int r = find(registry, seal, key, &change, &is_there, why, size);
    if (r == 0 && !is_there)
        r = put(registry, seal, key, &change, why, size);
    arena_fini(&arena);
    return r;
}

static struct root_key_found find_keys(struct registry *registry)
{
    const struct snapshot *snapshot = snapshot_acquire(registry_head(registry));
    struct root_key_found found = { .any = false };
    const struct access_key *key;
    struct tree_iter iter;
    tree_iter_init(&iter, &snapshot->access.keys, NULL, NULL);
    while (!found.active && (key = tree_iter_next(&iter))) {
        found.any = true;
        found.active = !key->is_disabled;
    }
    snapshot_release(registry_head(registry));
    return found;
}

int root_key_import(const struct config *config, struct registry *registry, const struct seal *seal,
                    struct root_key_found *ret_found, char *why, size_t size)
{
    struct root_key key = { .origin = NULL };
    int r = take_variables(&key, why, size);
    if (r == 0 && !key.origin && config->auth_root_key_file)
        r = read_file(config->auth_root_key_file, &key, why, size);
    if (r == 0 && key.origin)
        r = check_key(&key, why, size);
    if (r == 0 && key.origin)
        r = store(config, registry, seal, &key, why, size);
    explicit_bzero(&key, sizeof(key));
    *ret_found = find_keys(registry);
    return r;
}
