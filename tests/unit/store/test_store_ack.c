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

static void check_revision(struct bed *bed, uint64_t wanted)
{
    uint64_t revision;
    assert_int_equal(store_ack_read(&bed->dir, &revision), 0);
    assert_int_equal(revision, wanted);
}

static void test_set_and_read(void **state)
{
    struct bed *bed = *state;
    char *lines;
    assert_int_equal(read_ack(bed), STORE_MISSING);
    assert_int_equal(store_ack_create(&bed->dir, 5, &lines), 0);
    check_revision(bed, 5);
    static const uint64_t revisions[] = { 6, 7, 9, 10, UINT64_C(1700000000000) << 11, UINT64_MAX };
    for (size_t i = 0; i < TEST_COUNT(revisions); i++) {
        store_ack_set(lines, revisions[i]);
        check_revision(bed, revisions[i]);
    }
    store_ack_close(lines);
    assert_int_equal(store_ack_create(&bed->dir, 7, NULL), 0);
    check_revision(bed, 7);
    struct str text = fixture_read(bed->path, "acknowledged");
    assert_str(text, "{\"v\":1,\"crc\":\"e018b63d\",\"revision\":                   7}\n"
                     "{\"v\":1,\"crc\":\"e018b63d\",\"revision\":                   7}\n");
    fixture_write(bed->path, "acknowledged", (struct str){ text.p, text.n / 2 });
    check_revision(bed, 7);
    fixture_free(&text);
}

/* Killed anywhere in the middle of a write: what was acknowledged before, or already what is. */
static void test_torn(void **state)
{
    struct bed *bed = *state;
    char *lines, torn[200];
    assert_int_equal(store_ack_create(&bed->dir, 1000, &lines), 0);
    struct str before = fixture_read(bed->path, "acknowledged");
    store_ack_set(lines, 1001);
    store_ack_close(lines);
    struct str after = fixture_read(bed->path, "acknowledged");
    for (size_t i = 0; i < after.n; i++) {
        memcpy(torn, before.p, before.n);
        memcpy(torn + after.n / 2, after.p + after.n / 2, i / 2);
        fixture_write(bed->path, "acknowledged", (struct str){ torn, after.n });
        uint64_t revision;
        assert_int_equal(store_ack_read(&bed->dir, &revision), 0);
        assert_in_range(revision, 1000, 1001);
    }
    fixture_free(&before);
    fixture_free(&after);
}

/* A flipped bit leaves the other line; one in each, and every other length, is noticed. */
static void test_damage(void **state)
{
    struct bed *bed = *state;
    uint64_t wanted = UINT64_C(1700000000000) << 11;
    assert_int_equal(store_ack_create(&bed->dir, wanted, NULL), 0);
    struct str good = fixture_read(bed->path, "acknowledged");
    char bytes[200] = "";
    assert_in_range(good.n, 2, sizeof(bytes) - 1);
    for (size_t i = 0; i < good.n; i++) {
        memcpy(bytes, good.p, good.n);
        for (int bit = 0; bit < 8; bit++) {
            bytes[i] = (char)(good.p[i] ^ 1 << bit);
            bytes[(i + good.n / 2) % good.n] = good.p[(i + good.n / 2) % good.n];
            fixture_write(bed->path, "acknowledged", (struct str){ bytes, good.n });
            check_revision(bed, wanted);
            bytes[(i + good.n / 2) % good.n] ^= (char)(1 << bit);
            fixture_write(bed->path, "acknowledged", (struct str){ bytes, good.n });
            assert_int_equal(read_ack(bed), STORE_DAMAGED);
        }
        if (i == good.n / 2)
            continue;
        fixture_write(bed->path, "acknowledged", (struct str){ good.p, i });
        assert_int_equal(read_ack(bed), STORE_DAMAGED);
    }
    memcpy(bytes, good.p, good.n);
    fixture_write(bed->path, "acknowledged", (struct str){ bytes, good.n + 1 });
    assert_int_equal(read_ack(bed), STORE_DAMAGED);
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
        cmocka_unit_test_setup_teardown(test_torn, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_damage, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_directory_in_the_way, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
