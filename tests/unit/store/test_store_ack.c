/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include "store/store_ack.h"

#include <sys/stat.h>
#include <unistd.h>

struct bed {
    char path[FIXTURE_PATH];
    struct store_dir dir;
};

static int set_up(void **state)
{
    static struct bed bed;
    struct store_message message;
    fixture_dir(true, bed.path);
    assert_int_equal(store_dir_open(bed.path, false, &bed.dir, &message), 0);
    *state = &bed;
    return 0;
}

static int tear_down(void **state)
{
    struct bed *bed = *state;
    store_dir_close(&bed->dir);
    fixture_remove(bed->path);
    return 0;
}

static int read_ack(struct bed *bed)
{
    uint64_t revision = 4711;
    int r = store_ack_read(&bed->dir, &revision);
    assert_true(r == 0 || revision == 4711);
    return r;
}

static void test_set_and_read(void **state)
{
    struct bed *bed = *state;
    uint64_t revision;
    int fd;
    assert_int_equal(read_ack(bed), STORE_MISSING);
    assert_int_equal(store_ack_create(&bed->dir, 5, &fd), 0);
    assert_int_equal(store_ack_read(&bed->dir, &revision), 0);
    assert_int_equal(revision, 5);
    static const uint64_t revisions[] = { 0, 9, 10, UINT64_C(1700000000000) << 11, UINT64_MAX };
    for (size_t i = 0; i < TEST_COUNT(revisions); i++) {
        store_ack_set(fd, revisions[i]);
        assert_int_equal(store_ack_read(&bed->dir, &revision), 0);
        assert_int_equal(revision, revisions[i]);
    }
    close(fd);
    assert_int_equal(store_ack_create(&bed->dir, 7, NULL), 0);
    assert_int_equal(store_ack_read(&bed->dir, &revision), 0);
    assert_int_equal(revision, 7);
    struct str text = fixture_read(bed->path, "acknowledged");
    assert_str(text, "{\"v\":1,\"crc\":\"e018b63d\",\"revision\":                   7}\n");
    fixture_free(&text);
}

/* Every flipped bit, every length. */
static void test_damage(void **state)
{
    struct bed *bed = *state;
    assert_int_equal(store_ack_create(&bed->dir, UINT64_C(1700000000000) << 11, NULL), 0);
    struct str good = fixture_read(bed->path, "acknowledged");
    for (size_t i = 0; i < good.n; i++) {
        char bytes[100];
        memcpy(bytes, good.p, good.n);
        for (int bit = 0; bit < 8; bit++) {
            bytes[i] = (char)(good.p[i] ^ 1 << bit);
            fixture_write(bed->path, "acknowledged", (struct str){ bytes, good.n });
            assert_int_equal(read_ack(bed), STORE_DAMAGED);
        }
        fixture_write(bed->path, "acknowledged", (struct str){ good.p, i });
        assert_int_equal(read_ack(bed), STORE_DAMAGED);
    }
    char longer[100] = "";
    memcpy(longer, good.p, good.n);
    fixture_write(bed->path, "acknowledged", (struct str){ longer, good.n + 1 });
    assert_int_equal(read_ack(bed), STORE_DAMAGED);
    fixture_write(bed->path, "acknowledged", good);
    assert_int_equal(read_ack(bed), 0);
    fixture_free(&good);
}

/* A directory in the place of the file can be neither read nor replaced, and stays. */
static void test_directory_in_the_way(void **state)
{
    struct bed *bed = *state;
    char path[FIXTURE_PATH];
    fixture_path(bed->path, "acknowledged", path);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(read_ack(bed), STORE_DAMAGED);
    assert_int_not_equal(store_ack_create(&bed->dir, 7, NULL), 0);
    assert_false(store_dir_has(&bed->dir, "acknowledged-new"));
    assert_true(store_dir_has(&bed->dir, "acknowledged"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_set_and_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_damage, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_directory_in_the_way, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
