/* SPDX-License-Identifier: Apache-2.0
 *
 * Key files: which is made, refused, chosen; and the change from one to the next, ended at each of its steps. */
#include "../test.h"

#include "auth/vault.h"
#include "base/mem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define N_KEYS 3

/* A process that ends at the k-th call of those that change something outside; 0: never. */
static long calls_left;

static void count_call(void)
{
    if (calls_left > 0 && --calls_left == 0)
        _exit(99);
}

#define WRAP(type, name, parameters, arguments) \
    type __real_##name parameters;              \
    type __wrap_##name parameters;              \
    type __wrap_##name parameters               \
    {                                           \
        count_call();                           \
        type result = __real_##name arguments;  \
        count_call();                           \
        return result;                          \
    }
WRAP(int, link, (const char *from, const char *to), (from, to))
WRAP(int, rename, (const char *from, const char *to), (from, to))
WRAP(int, unlink, (const char *path), (path))
WRAP(int, fsync, (int fd), (fd))
WRAP(ssize_t, write, (int fd, const void *p, size_t n), (fd, p, n))
WRAP(int, registry_do, (struct registry * registry, struct change *change), (registry, change))

struct place {
    char dir[64], path[96];
    struct store *store;
    struct registry *registry;
    struct vault *vault;
    struct vault_message message;
};

static void place_make(struct place *place)
{
    *place = (struct place){ .dir = "/tmp/vault-XXXXXX" };
    assert_non_null(mkdtemp(place->dir));
    snprintf(place->path, sizeof(place->path), "%s/secret.key", place->dir);
}

static void place_remove(const struct place *place)
{
    DIR *dir = opendir(place->dir);
    const struct dirent *entry;
    assert_non_null(dir);
    while ((entry = readdir(dir)))
        unlinkat(dirfd(dir), entry->d_name, 0);
    closedir(dir);
    assert_int_equal(rmdir(place->dir), 0);
}

/* What vault_open says; the registry is open in any case. */
static int place_open(struct place *place)
{
    struct registry_config config = { .clock = clock_system(), .operations_max = 100, .seed = 1 };
    struct vault_config vault = { .path = place->path };
    struct store_message message;
    assert_int_equal(store_open_sqlite(place->dir, STORE_CREATE, clock_system(), &place->store, &message), 0);
    assert_int_equal(registry_open(&config, place->store, &place->registry, &message), 0);
    snapshot_reader_start();
    place->vault = NULL;
    return vault_open(&vault, place->registry, &place->vault, &place->message);
}

static void place_close(struct place *place)
{
    vault_free(place->vault);
    snapshot_reader_stop();
    registry_close(place->registry);
    store_close(place->store);
}

static struct str key_name(struct arena *arena, unsigned i)
{
    return arena_printf(arena, "AKIA%016u", i);
}

static void create_keys(struct place *place)
{
    struct arena arena;
    arena_init(&arena, 1 << 20);
    for (unsigned i = 0; i < N_KEYS; i++) {
        struct change change = { .kind = CHANGE_CREATE_KEY, .arena = &arena };
        change.key = (struct access_key){ .id = key_name(&arena, i), .account = arena_printf(&arena, "%012u", i) };
        assert_int_equal(seal_close(vault_seal(place->vault), vault_record(&arena, change.key.id),
                                    arena_printf(&arena, "the secret of %u", i), &arena, &change.key.sealed),
                         0);
        assert_int_equal(__real_registry_do(place->registry, &change), 0);
    }
    arena_fini(&arena);
}

/* Every secret opens, and all are sealed under the key in use. */
static void check_keys(const struct place *place)
{
    const struct snapshot *snapshot = snapshot_acquire(registry_head(place->registry));
    struct arena arena;
    arena_init(&arena, 1 << 20);
    assert_int_equal(tree_size(&snapshot->access.keys).count, N_KEYS);
    for (unsigned i = 0; i < N_KEYS; i++) {
        const struct access_key *key = access_state_find_key(&snapshot->access, key_name(&arena, i));
        char secret[64];
        size_t n;
        assert_non_null(key);
        assert_true(str_eq(access_key_seal(key->sealed), seal_current(vault_seal(place->vault))));
        assert_int_equal(
            seal_open(vault_seal(place->vault), vault_record(&arena, key->id), key->sealed, secret, sizeof(secret), &n),
            0);
        assert_true(str_eq((struct str){ secret, n }, arena_printf(&arena, "the secret of %u", i)));
    }
    arena_fini(&arena);
    snapshot_release(registry_head(place->registry));
}

static void write_text(const char *path, const char *text, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, mode);
    assert_true(fd >= 0);
    assert_int_equal(fchmod(fd, mode), 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

#define DIGITS "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

#define OTHER_DIGITS "ff112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static void test_a_file_is_made(void **state)
{
    struct place place;
    struct stat status;
    char first[SEAL_KEY_ID_LEN];

    (void)state;
    place_make(&place);
    assert_int_equal(place_open(&place), 0);
    assert_int_equal(stat(place.path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    assert_int_equal(status.st_size, 65);
    memcpy(first, seal_current(vault_seal(place.vault)).p, sizeof(first));
    create_keys(&place);
    place_close(&place);
    assert_int_equal(place_open(&place), 0);
    assert_memory_equal(first, seal_current(vault_seal(place.vault)).p, sizeof(first));
    check_keys(&place);
    place_close(&place);
    place_remove(&place);
}

static void test_files_that_are_refused(void **state)
{
    static const struct {
        const char *text, *why;
        mode_t mode;
    } cases[] = {
        { DIGITS, "can be read by others", 0640 },
        { DIGITS, "can be read by others", 0604 },
        { "", "does not hold a key", 0600 },
        { DIGITS "00", "does not hold a key", 0600 },
        { DIGITS "\n\n", "does not hold a key", 0600 },
        { "x" DIGITS, "does not hold a key", 0600 },
    };
    struct place place;

    (void)state;
    place_make(&place);
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        write_text(place.path, cases[i].text, cases[i].mode);
        assert_int_equal(place_open(&place), VAULT_BAD_FILE);
        assert_non_null(strstr(place.message.text, cases[i].why));
        assert_non_null(strstr(place.message.text, place.path));
        place_close(&place);
    }
    assert_int_equal(unlink(place.path), 0);
    assert_int_equal(mkdir(place.path, 0700), 0);
    assert_int_equal(place_open(&place), VAULT_BAD_FILE);
    assert_non_null(strstr(place.message.text, "is not a regular file"));
    place_close(&place);
    assert_int_equal(rmdir(place.path), 0);
    write_text(place.path, DIGITS, 0600); /* with and without the end of the line */
    assert_int_equal(place_open(&place), 0);
    place_close(&place);
    write_text(place.path, DIGITS "\n", 0400);
    assert_int_equal(place_open(&place), 0);
    place_close(&place);
    place_remove(&place);
}

static void test_the_wrong_key(void **state)
{
    struct place place;

    (void)state;
    place_make(&place);
    assert_int_equal(place_open(&place), 0);
    create_keys(&place);
    place_close(&place);
    assert_int_equal(unlink(place.path), 0);
    assert_int_equal(place_open(&place), VAULT_WRONG_KEY);
    assert_non_null(strstr(place.message.text, "is not there"));
    assert_int_equal(access(place.path, F_OK), -1); /* none is made in its place */
    place_close(&place);
    write_text(place.path, DIGITS, 0600);
    assert_int_equal(place_open(&place), VAULT_WRONG_KEY);
    assert_non_null(strstr(place.message.text, "holds key"));
    assert_non_null(strstr(place.message.text, "cloudmapctl key delete"));
    place_close(&place);
    place_remove(&place);
}

static void test_rewrap(void **state)
{
    char old[SEAL_KEY_ID_LEN], text[128];
    struct place place;
    size_t n = 0;

    (void)state;
    place_make(&place);
    assert_int_equal(place_open(&place), 0);
    create_keys(&place);
    memcpy(old, seal_current(vault_seal(place.vault)).p, sizeof(old));
    assert_int_equal(vault_rewrap(place.vault, &n, &place.message), 0);
    assert_int_equal(n, N_KEYS);
    assert_memory_not_equal(old, seal_current(vault_seal(place.vault)).p, sizeof(old));
    check_keys(&place);
    snprintf(text, sizeof(text), "%s.new", place.path);
    assert_int_equal(access(text, F_OK), -1);
    place_close(&place);
    assert_int_equal(place_open(&place), 0);
    check_keys(&place);
    write_text(text, DIGITS, 0600); /* a key of the operator's own */
    assert_int_equal(vault_rewrap(place.vault, &n, &place.message), 0);
    place_close(&place);
    assert_int_equal(place_open(&place), 0);
    check_keys(&place);
    place_close(&place);
    place_remove(&place);
}

/* That process. */
static int rewrap_and_end(const char *dir, long k)
{
    struct place place = { .dir = "" };
    size_t n;
    snprintf(place.dir, sizeof(place.dir), "%s", dir);
    snprintf(place.path, sizeof(place.path), "%s/secret.key", place.dir);
    if (place_open(&place) != 0)
        return 1;
    calls_left = k;
    int r = vault_rewrap(place.vault, &n, &place.message) == 0 ? 0 : 2;
    calls_left = 0;
    place_close(&place);
    return r;
}

/* In a process of its own, which ends at the k-th call. Returns whether it came to its end. */
static bool rewrap_until(struct place *place, long k)
{
    char count[24];
    int status;
    snprintf(count, sizeof(count), "%ld", k);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        execl("/proc/self/exe", "test_vault", place->dir, count, NULL);
        _exit(1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_true(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 99);
    return WEXITSTATUS(status) == 0;
}

static unsigned count_files(const struct place *place, const char *prefix)
{
    DIR *dir = opendir(place->dir);
    const struct dirent *entry;
    unsigned n = 0;
    assert_non_null(dir);
    while ((entry = readdir(dir)))
        n += strncmp(entry->d_name, prefix, strlen(prefix)) == 0;
    closedir(dir);
    return n;
}

/* Wherever it ends, the next start opens every secret, and can change the key. */
static void test_rewrap_that_ends_anywhere(void **state)
{
    struct place place;

    (void)state;
    place_make(&place);
    assert_int_equal(place_open(&place), 0);
    create_keys(&place);
    place_close(&place);
    for (int makes_next = 0; makes_next < 2; makes_next++) {
        bool is_through = false;
        long k = 0;
        while (!is_through) {
            char next[128], digits[sizeof(DIGITS) + 16];
            snprintf(next, sizeof(next), "%s.new", place.path);
            snprintf(digits, sizeof(digits), "%04lx%s", ++k & 0xffff, DIGITS + 4);
            unlink(next);
            if (!makes_next)
                write_text(next, digits, 0600);
            is_through = rewrap_until(&place, k);
            assert_int_equal(place_open(&place), 0);
            check_keys(&place);
            place_close(&place);
        }
        assert_int_equal(k, makes_next ? 19 : 7); /* every call was the last one */
    }
    assert_int_equal(place_open(&place), 0);
    place_close(&place);
    assert_int_equal(count_files(&place, "secret.key"), 1); /* no draft is left */
    place_remove(&place);
}

/* The service manager's files are taken as they are, and not touched. */
static void test_files_that_are_given(void **state)
{
    struct vault_config given;
    char next[128];
    struct place place;
    size_t n;

    (void)state;
    place_make(&place);
    write_text(place.path, DIGITS, 0440);
    given = (struct vault_config){ .path = place.path, .is_given = true };
    assert_int_equal(place_open(&place), VAULT_BAD_FILE);
    assert_int_equal(vault_open(&given, place.registry, &place.vault, &place.message), 0);
    create_keys(&place);
    assert_int_equal(vault_rewrap(place.vault, &n, &place.message), VAULT_BAD_FILE);
    assert_non_null(strstr(place.message.text, "secret.key.new is not there"));
    snprintf(next, sizeof(next), "%s.new", place.path);
    write_text(next, OTHER_DIGITS, 0440);
    assert_int_equal(vault_rewrap(place.vault, &n, &place.message), 0);
    check_keys(&place);
    assert_int_equal(access(next, F_OK), 0);
    vault_free(place.vault);
    assert_int_equal(vault_open(&given, place.registry, &place.vault, &place.message), 0); /* with both */
    check_keys(&place);
    vault_free(place.vault);
    write_text(place.path, OTHER_DIGITS, 0440);
    assert_int_equal(unlink(next), 0);
    assert_int_equal(vault_open(&given, place.registry, &place.vault, &place.message),
                     0); /* the operator has settled */
    check_keys(&place);
    place_close(&place);
    place_remove(&place);
}

int main(int argc, char **argv)
{
    if (argc == 3)
        return rewrap_and_end(argv[1], strtol(argv[2], NULL, 10));
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_file_is_made),       cmocka_unit_test(test_files_that_are_refused),
        cmocka_unit_test(test_the_wrong_key),        cmocka_unit_test(test_rewrap),
        cmocka_unit_test(test_files_that_are_given), cmocka_unit_test(test_rewrap_that_ends_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
