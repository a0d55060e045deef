/* SPDX-License-Identifier: Apache-2.0
 *
 * Key files and the change from one to the next; see vault.h. Which of two files counts is not written down anywhere:
 * it is the one whose key opens the store's secrets. */
#include "auth/vault.h"
#include "base/mem.h"
#include "base/rand.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define DIGITS (2 * AEAD_KEY_LEN)
#define DRAFT_PATH_MAX (PATH_MAX + 16)

struct vault {
    struct registry *registry;
    struct seal *seal;
    bool is_given;
    void (*audit)(const struct change *change, int64_t wall_ms, struct buf *text);
    char path[PATH_MAX], new_path[PATH_MAX + 4];
};

struct file_key {
    bool exists;
    char id[SEAL_KEY_ID_LEN];
};

static struct str id_text(const struct file_key *key)
{
    return (struct str){ key->id, SEAL_KEY_ID_LEN };
}

static int bad_file(struct vault_message *message, const char *path, const char *why)
{
    snprintf(message->text, sizeof(message->text), "The key file %.*s %s.", PATH_MAX, path, why);
    return VAULT_BAD_FILE;
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

static const char *judge_file(const struct vault *vault, int fd)
{
    struct stat status;
    if (fstat(fd, &status) < 0)
        return strerror(errno);
    if (!S_ISREG(status.st_mode))
        return "is not a regular file";
    if (vault->is_given)
        return NULL;
    if (status.st_uid != geteuid() && geteuid() != 0)
        return "belongs to another user; it must be this user's";
    return status.st_mode & 077 ? "can be read by others; set its mode to 0600" : NULL;
}

/* 64 hex digits, with or without the end of a line. */
static const char *read_digits(int fd, char ret_digits[DIGITS])
{
    char text[DIGITS + 2];
    ssize_t n = read(fd, text, sizeof(text));
    bool good = n == DIGITS || (n == DIGITS + 1 && text[DIGITS] == '\n');
    if (good)
        memcpy(ret_digits, text, DIGITS);
    explicit_bzero(text, sizeof(text));
    return good ? NULL : "does not hold a key: 64 hex digits, such as `openssl rand -hex 32` writes";
}

static int add_digits(struct vault *vault, const char digits[DIGITS], struct file_key *ret_key)
{
    uint8_t key[AEAD_KEY_LEN];
    int r = text_parse_hex((struct str){ digits, DIGITS }, key) ? 1 : seal_add(vault->seal, key);
    if (r == 0)
        seal_key_id(key, ret_key->id);
    explicit_bzero(key, sizeof(key));
    return r;
}

/* 0, also when there is no file; or VAULT_BAD_FILE. */
static int read_file(struct vault *vault, const char *path, struct file_key *ret_key, struct vault_message *message)
{
    char digits[DIGITS];
    *ret_key = (struct file_key){ .exists = true };
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT) {
        ret_key->exists = false;
        return 0;
    }
    if (fd < 0) {
        char why[128];
        snprintf(why, sizeof(why), "cannot be read: %s", strerror(errno));
        return bad_file(message, path, why);
    }
    const char *wrong = judge_file(vault, fd);
    if (!wrong)
        wrong = read_digits(fd, digits);
    close(fd);
    int r = wrong ? 1 : add_digits(vault, digits, ret_key);
    explicit_bzero(digits, sizeof(digits));
    if (r == -ENOSPC)
        return bad_file(message, path, "is one key too many for this process; restart it");
    return r ? bad_file(message, path, wrong ? wrong : "does not hold a key: 64 hex digits") : 0;
}

/* --- writing ------------------------------------------------------------------------------------------------------ */

static int flush_folder(const char *path)
{
    char folder[PATH_MAX];
    snprintf(folder, sizeof(folder), "%s", path);
    char *slash = strrchr(folder, '/');
    if (slash)
        slash[slash == folder ? 1 : 0] = '\0';
    int fd = open(slash ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int r = fsync(fd) < 0 ? -errno : 0;
    close(fd);
    return r;
}

static int write_file(int fd, const char digits[DIGITS])
{
    char line[DIGITS + 1];
    memcpy(line, digits, DIGITS);
    line[DIGITS] = '\n';
    ssize_t n = write(fd, line, sizeof(line));
    explicit_bzero(line, sizeof(line));
    if (n != (ssize_t)sizeof(line))
        return n < 0 ? -errno : -ENOSPC;
    return fsync(fd) < 0 ? -errno : 0;
}

static void write_draft_path(const char *path, char ret_path[DRAFT_PATH_MAX])
{
    snprintf(ret_path, DRAFT_PATH_MAX, "%s.draft", path);
}

/* What an interruption left. */
static void remove_drafts(const struct vault *vault)
{
    char draft[DRAFT_PATH_MAX];
    write_draft_path(vault->path, draft);
    unlink(draft);
    write_draft_path(vault->new_path, draft);
    unlink(draft);
}

/* Under a name of its own first, so that no half a key ever stands at `path`. */
static int make_file(struct vault *vault, const char *path, struct file_key *ret_key, struct vault_message *message)
{
    uint8_t key[AEAD_KEY_LEN];
    char digits[DIGITS], draft[DRAFT_PATH_MAX];
    int r = rand_secret(key, sizeof(key));
    text_hex(key, sizeof(key), digits);
    explicit_bzero(key, sizeof(key));
    write_draft_path(path, draft);
    unlink(draft);
    int fd = r < 0 ? -1 : open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (r == 0)
        r = fd < 0 ? -errno : write_file(fd, digits);
    if (fd >= 0)
        close(fd);
    if (r == 0 && link(draft, path) < 0) /* unlike rename, it does not replace */
        r = -errno;
    unlink(draft);
    if (r == 0)
        r = flush_folder(path);
    if (r == 0)
        r = add_digits(vault, digits, ret_key);
    explicit_bzero(digits, sizeof(digits));
    if (r == 0) {
        ret_key->exists = true;
        return 0;
    }
    char why[128];
    snprintf(why, sizeof(why), "cannot be made: %s", r == -ENOSPC ? "no room" : strerror(-r));
    return bad_file(message, path, why);
}

/* FILE.new takes FILE's place. */
static int settle(const struct vault *vault, struct vault_message *message)
{
    int r = rename(vault->new_path, vault->path) < 0 ? -errno : flush_folder(vault->path);
    if (r == 0)
        return 0;
    char why[128];
    snprintf(why, sizeof(why), "cannot take the place of the old one: %s", strerror(-r));
    return bad_file(message, vault->new_path, why);
}

/* --- opening ------------------------------------------------------------------------------------------------------ */

/* The id of the key that the registry's secrets are sealed under; false when there is no secret. */
static bool find_wanted(struct registry *registry, char ret_id[SEAL_KEY_ID_LEN])
{
    const struct snapshot *snapshot = snapshot_acquire(registry_head(registry));
    const struct tree *keys = &snapshot->access.keys;
    bool found = tree_size(keys).count > 0;
    if (found) {
        const struct access_key *key = tree_select(keys, TREE_BY_COUNT, 0);
        struct str id = access_key_seal(key->sealed);
        memset(ret_id, '?', SEAL_KEY_ID_LEN);
        memcpy(ret_id, id.p, id.n < SEAL_KEY_ID_LEN ? id.n : SEAL_KEY_ID_LEN);
    }
    snapshot_release(registry_head(registry));
    return found;
}

static int refuse_key(const struct vault *vault, const struct file_key *key, const char wanted[SEAL_KEY_ID_LEN],
                      struct vault_message *message)
{
    char state[SEAL_KEY_ID_LEN + 32] = "is not there";
    if (key->exists)
        snprintf(state, sizeof(state), "holds key %.*s", SEAL_KEY_ID_LEN, key->id);
    snprintf(
        message->text, sizeof(message->text),
        "The secrets of this store are sealed under key %.*s, but the key file %s %s. Put the right key file there; "
        "when it is lost, so are the secrets: remove each key with `cloudmapctl key delete ID` and make new ones.",
        SEAL_KEY_ID_LEN, wanted, vault->path, state);
    return VAULT_WRONG_KEY;
}

static int choose_key(struct vault *vault, struct vault_message *message)
{
    struct file_key key, next;
    char wanted[SEAL_KEY_ID_LEN];
    struct str wanted_id = { wanted, sizeof(wanted) };
    bool has_secrets = find_wanted(vault->registry, wanted);
    int r = read_file(vault, vault->path, &key, message);
    if (r == 0)
        r = read_file(vault, vault->new_path, &next, message);
    if (r != 0)
        return r;
    if (has_secrets) {
        bool is_next = next.exists && str_eq(id_text(&next), wanted_id);
        if (!is_next && !(key.exists && str_eq(id_text(&key), wanted_id)))
            return refuse_key(vault, &key, wanted, message);
        seal_use(vault->seal, wanted_id);
        return is_next && !vault->is_given ? settle(vault, message) : 0;
    }
    if (!key.exists)
        r = make_file(vault, vault->path, &key, message);
    if (r == 0)
        seal_use(vault->seal, id_text(&key));
    return r;
}

static void set_paths(struct vault *vault, const struct vault_config *config)
{
    vault->is_given = config->is_given;
    vault->audit = config->audit;
    snprintf(vault->path, sizeof(vault->path), "%s", config->path);
    snprintf(vault->new_path, sizeof(vault->new_path), "%s.new", vault->path);
}

int vault_read_keys(const struct vault_config *config, struct seal *seal, struct vault_message *ret_message)
{
    struct vault vault = { .seal = seal };
    struct file_key key;
    set_paths(&vault, config);
    int r = read_file(&vault, vault.path, &key, ret_message);
    return r ? r : read_file(&vault, vault.new_path, &key, ret_message);
}

int vault_open(const struct vault_config *config, struct registry *registry, struct vault **ret_vault,
               struct vault_message *ret_message)
{
    snprintf(ret_message->text, sizeof(ret_message->text), "out of memory");
    struct vault *vault = mem_zalloc(sizeof(*vault));
    if (!vault)
        return -ENOMEM;
    vault->registry = registry;
    set_paths(vault, config);
    if (!vault->is_given)
        remove_drafts(vault);
    vault->seal = seal_new();
    int r = vault->seal ? choose_key(vault, ret_message) : -ENOMEM;
    if (r != 0) {
        vault_free(vault);
        return r;
    }
    *ret_vault = vault;
    return 0;
}

void vault_free(struct vault *vault)
{
    if (!vault)
        return;
    seal_free(vault->seal);
    mem_free(vault);
}

const struct seal *vault_seal(const struct vault *vault)
{
    return vault->seal;
}

struct str vault_record(struct arena *arena, struct str access_key_id)
{
    return arena_printf(arena, "access_key/" STR_FMT, STR_ARG(access_key_id));
}

/* --- changing over ------------------------------------------------------------------------------------------------ */

static int reseal_one(struct vault *vault, struct arena *arena, const struct access_key *key, struct str_pair *ret_pair)
{
    char secret[ACCESS_KEY_SECRET_MAX];
    size_t n = 0;
    struct str record = vault_record(arena, key->id);
    ret_pair->key = arena_dup(arena, key->id);
    int r = seal_open(vault->seal, record, key->sealed, secret, sizeof(secret), &n);
    if (r == 0)
        r = seal_close(vault->seal, record, (struct str){ secret, n }, arena, &ret_pair->value);
    explicit_bzero(secret, sizeof(secret));
    return arena->failed ? -ENOMEM : r;
}

/* Every key's secret, sealed under the key that is in use now. */
static int reseal_all(struct vault *vault, struct arena *arena, struct change *change)
{
    const struct snapshot *snapshot = snapshot_acquire(registry_head(vault->registry));
    const struct tree *keys = &snapshot->access.keys;
    struct str_pair *pairs = ARENA_ARRAY(arena, struct str_pair, tree_size(keys).count + 1);
    const struct access_key *key;
    struct tree_iter iter;
    int r = pairs ? 0 : -ENOMEM;
    tree_iter_init(&iter, keys, NULL, NULL);
    while (r == 0 && (key = tree_iter_next(&iter)))
        r = reseal_one(vault, arena, key, &pairs[change->n_pairs++]);
    change->pairs = pairs;
    snapshot_release(registry_head(vault->registry));
    return r;
}

static int commit_reseal(struct vault *vault, size_t *ret_n, struct vault_message *message)
{
    struct arena arena;
    arena_init(&arena, 256u << 20);
    struct change change = { .kind = CHANGE_RESEAL_KEYS, .arena = &arena, .audit = vault->audit };
    int r = reseal_all(vault, &arena, &change);
    if (r > 0) {
        snprintf(message->text, sizeof(message->text), "A secret of the store does not open: the record is damaged.");
        r = VAULT_WRONG_KEY;
    } else if (r == 0) {
        r = registry_do(vault->registry, &change);
        *ret_n = change.n_pairs;
        snprintf(message->text, sizeof(message->text), "%s",
                 r == CHANGE_SEAL_CHANGED ? "Access keys came or went meanwhile; nothing was changed, try again."
                                          : "The store did not take the change; nothing was changed.");
        r = r == CHANGE_SEAL_CHANGED ? VAULT_BUSY : r > 0 ? VAULT_REFUSED : r;
    }
    arena_fini(&arena);
    return r;
}

int vault_rewrap(struct vault *vault, size_t *ret_n, struct vault_message *ret_message)
{
    struct file_key next;
    char old[SEAL_KEY_ID_LEN];
    memcpy(old, seal_current(vault->seal).p, sizeof(old));
    int r = read_file(vault, vault->new_path, &next, ret_message);
    if (r == 0 && !next.exists && vault->is_given)
        r = bad_file(ret_message, vault->new_path, "is not there; let the service manager give it, too");
    if (r == 0 && !next.exists)
        r = make_file(vault, vault->new_path, &next, ret_message);
    if (r != 0)
        return r;
    seal_use(vault->seal, id_text(&next));
    r = commit_reseal(vault, ret_n, ret_message);
    if (r != 0) {
        seal_use(vault->seal, (struct str){ old, sizeof(old) });
        return r;
    }
    return vault->is_given ? 0 : settle(vault, ret_message);
}
