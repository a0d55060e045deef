/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

uint64_t fixture_seed(void)
{
    static uint64_t seed;
    if (seed == 0) {
        struct rand rand;
        rand_init(&rand);
        const char *given = getenv("STORE_TEST_SEED");
        seed = given ? strtoull(given, NULL, 10) : rand_u64(&rand) >> 32 | 1;
        print_message("STORE_TEST_SEED=%" PRIu64 "\n", seed);
    }
    return seed;
}

long fixture_number(const char *variable, long otherwise)
{
    const char *text = getenv(variable);
    return text ? strtol(text, NULL, 10) : otherwise;
}

void fixture_dir(bool quick, char ret_path[FIXTURE_PATH])
{
    const char *parent = getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp";
    if (quick && access("/dev/shm", W_OK) == 0)
        parent = "/dev/shm";
    snprintf(ret_path, FIXTURE_PATH, "%s/cloudmap-store-XXXXXX", parent);
    assert_non_null(mkdtemp(ret_path));
}

void fixture_path(const char *dir, const char *name, char ret_path[FIXTURE_PATH])
{
    assert_in_range(snprintf(ret_path, FIXTURE_PATH, "%s/%s", dir, name), 1, FIXTURE_PATH - 1);
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

void fixture_remove(const char *dir)
{
    assert_int_equal(nftw(dir, remove_entry, 20, FTW_DEPTH | FTW_PHYS), 0);
}

/* --- files ------------------------------------------------------------------------------------------------------- */

struct str fixture_read(const char *dir, const char *name)
{
    char path[FIXTURE_PATH];
    struct stat st;
    fixture_path(dir, name, path);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        assert_int_equal(errno, ENOENT);
        return (struct str){ 0 };
    }
    assert_int_equal(fstat(fd, &st), 0);
    char *bytes = mem_alloc((size_t)st.st_size + 1);
    assert_non_null(bytes);
    assert_int_equal(read(fd, bytes, (size_t)st.st_size), st.st_size);
    close(fd);
    return (struct str){ bytes, (size_t)st.st_size };
}

void fixture_write(const char *dir, const char *name, struct str bytes)
{
    char path[FIXTURE_PATH];
    fixture_path(dir, name, path);
    if (!str_is_set(bytes)) {
        assert_true(unlink(path) == 0 || errno == ENOENT);
        return;
    }
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes.p, bytes.n), bytes.n);
    close(fd);
}

void fixture_free(struct str *bytes)
{
    mem_free((char *)bytes->p);
    *bytes = (struct str){ 0 };
}

void fixture_files_read(const char *dir, struct fixture_files *ret_files)
{
    ret_files->db = fixture_read(dir, "cloudmap.db");
    ret_files->log = fixture_read(dir, "cloudmap.db-wal");
    ret_files->ack = fixture_read(dir, "acknowledged");
}

void fixture_files_write(const char *dir, const struct fixture_files *files)
{
    fixture_write(dir, "cloudmap.db", files->db);
    fixture_write(dir, "cloudmap.db-wal", files->log);
    fixture_write(dir, "cloudmap.db-shm", (struct str){ 0 });
    fixture_write(dir, "acknowledged", files->ack);
}

void fixture_files_free(struct fixture_files *files)
{
    fixture_free(&files->db);
    fixture_free(&files->log);
    fixture_free(&files->ack);
}

static bool same(struct str a, struct str b)
{
    return str_is_set(a) == str_is_set(b) && str_eq(a, b);
}

bool fixture_files_same(const char *dir, const struct fixture_files *files)
{
    struct fixture_files now;
    fixture_files_read(dir, &now);
    bool result = same(now.db, files->db) && str_eq(now.log, files->log) && same(now.ack, files->ack);
    fixture_files_free(&now);
    return result;
}

/* --- stores ------------------------------------------------------------------------------------------------------ */

static int append_record(void *arg, struct str key, char *value, size_t n, uint32_t sum)
{
    struct buf *contents = arg;
    buf_put_str(contents, key);
    buf_put_char(contents, ' ');
    buf_put(contents, value, n);
    buf_printf(contents, " %08x\n", sum);
    assert_false(contents->failed);
    return 0;
}

int fixture_contents(struct store *store, struct buf *contents, struct store_message *ret_message)
{
    return store_load(store, append_record, contents, ret_message);
}

int fixture_try(const char *dir, struct buf *contents, struct store_message *ret_message)
{
    struct store *store;
    ret_message->text[0] = '\0';
    int r = store_open_sqlite(dir, 0, clock_system(), &store, ret_message);
    if (r == 0) {
        r = fixture_contents(store, contents, ret_message);
        store_close(store);
    }
    assert_true((r == 0) == (ret_message->text[0] == '\0'));
    return r;
}

static int ignore_record(void *arg, struct str key, char *value, size_t n, uint32_t sum)
{
    (void)arg, (void)key, (void)value, (void)n, (void)sum;
    return 0;
}

struct store *fixture_open(const char *dir)
{
    struct store *store;
    struct store_message message = { "" };
    int r = store_open_sqlite(dir, STORE_CREATE, clock_system(), &store, &message);
    if (r == 0)
        r = store_load(store, ignore_record, NULL, &message);
    if (r)
        print_error("%d: %s\n", r, message.text);
    assert_int_equal(r, 0);
    return store;
}

/* --- the workload ------------------------------------------------------------------------------------------------ */

void fixture_work_init(struct fixture_work *work, size_t value_size)
{
    *work = (struct fixture_work){ .batch = store_batch_new(), .value_size = value_size };
    assert_non_null(work->batch);
}

void fixture_work_free(struct fixture_work *work)
{
    store_batch_free(work->batch);
}

/* Takes no memory but the batch's, so that a test may let allocations fail. */
static void put(struct fixture_work *work, struct str key, uint64_t number, size_t size, uint32_t *sum)
{
    char json[FIXTURE_VALUE_MAX + 100];
    size_t n = (size_t)snprintf(json, sizeof(json), "{\"commit\":%" PRIu64 ",\"filling\":\"", number);
    assert_true(size <= FIXTURE_VALUE_MAX);
    for (size_t i = 0; i < size; i++)
        json[n++] = (char)('a' + (i + number) % 26);
    memcpy(json + n, "\"}", 2);
    *sum = store_put(work->batch, key, (struct str){ json, n + 2 }, *sum);
}

/* Steps 1 to 6 of a commit: put a record, or delete it; the same record may come twice. */
static void fill(struct fixture_work *work, uint64_t number, uint32_t sums[FIXTURE_KEYS], uint32_t *counter_sum)
{
    struct rand rand;
    rand_init_seed(&rand, number);
    store_batch_clear(work->batch);
    put(work, STR("counter"), number, 0, counter_sum);
    for (uint64_t steps = rand_below(&rand, 6); steps > 0; steps--) {
        char text[32];
        size_t i = rand_below(&rand, FIXTURE_KEYS);
        struct str key = { text, (size_t)snprintf(text, sizeof(text), "item/%02zu", i) };
        if (sums[i] && rand_below(&rand, 3) == 0) {
            store_del(work->batch, key, sums[i]);
            sums[i] = 0;
        } else {
            put(work, key, number, rand_below(&rand, work->value_size + 1), &sums[i]);
        }
    }
}

int fixture_work_commit(struct fixture_work *work, struct store *store)
{
    uint32_t sums[FIXTURE_KEYS], counter_sum = work->counter_sum;
    memcpy(sums, work->sums, sizeof(sums));
    fill(work, work->n + 1, sums, &counter_sum);
    int r = store_commit(store, work->batch);
    if (r == 0) {
        memcpy(work->sums, sums, sizeof(sums));
        work->counter_sum = counter_sum;
        work->n++;
    }
    return r;
}

void fixture_work_contents(uint64_t n, size_t value_size, struct buf *contents)
{
    struct fixture_work work;
    struct store *store;
    struct store_message message;
    assert_int_equal(store_open_memory(clock_system(), &store), 0);
    assert_int_equal(store_load(store, ignore_record, NULL, &message), 0);
    fixture_work_init(&work, value_size);
    while (work.n < n)
        assert_int_equal(fixture_work_commit(&work, store), 0);
    assert_int_equal(fixture_contents(store, contents, &message), 0);
    fixture_work_free(&work);
    store_close(store);
}

static int resume_record(void *arg, struct str key, char *value, size_t n, uint32_t sum)
{
    struct fixture_work *work = arg;
    struct str json = { value, n };
    if (str_eq(key, STR("counter"))) {
        struct str digits = str_skip(json, STR("{\"commit\":").n);
        digits.n = str_find_char(digits, ',');
        assert_int_equal(str_parse_u64(digits, &work->n), 0);
        work->counter_sum = sum;
    } else {
        uint64_t i;
        assert_int_equal(str_parse_u64(str_skip(key, STR("item/").n), &i), 0);
        work->sums[i] = sum;
    }
    return 0;
}

void fixture_work_resume(struct fixture_work *work, struct store *store)
{
    struct store_message message;
    memset(work->sums, 0, sizeof(work->sums));
    work->counter_sum = 0;
    work->n = 0;
    assert_int_equal(store_load(store, resume_record, work, &message), 0);
}
