/* SPDX-License-Identifier: Apache-2.0
 *
 * What the controller remembers on the disk: the directory, the journal, the history, approvals. */
#include "../test.h"

#include "base/mem.h"
#include "base/rand.h"
#include "unmap/approval.h"
#include "unmap/history_file.h"
#include "unmap/journal.h"
#include "unmap/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct bed {
    char path[64];
    struct state_dir dir;
    struct arena arena;
};

static int begin(void **state)
{
    static struct bed bed;
    snprintf(bed.path, sizeof(bed.path), "/tmp/test_state_XXXXXX");
    arena_init(&bed.arena, 64 << 20);
    if (!mkdtemp(bed.path) || state_dir_open(bed.path, true, NULL, &bed.arena, &bed.dir) != 0)
        return 1;
    *state = &bed;
    return 0;
}

static int drop(const char *path, const struct stat *info, int kind, struct FTW *ftw)
{
    (void)info;
    (void)kind;
    (void)ftw;
    return remove(path);
}

static int end(void **state)
{
    struct bed *bed = *state;
    state_dir_close(&bed->dir);
    arena_fini(&bed->arena);
    return nftw(bed->path, drop, 8, FTW_DEPTH | FTW_PHYS);
}

static void put_file(struct bed *bed, const char *name, struct str text)
{
    int fd = openat(bed->dir.fd, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text.p, text.n), text.n);
    close(fd);
}

/* --- the directory ----------------------------------------------------------------------------------------------- */

static void test_places(void **state)
{
    struct bed *bed = *state;
    struct state_dir dir;
    char variable[100], wanted[100];
    char *variables[] = { variable, NULL };
    const struct environment environment = { variables };
    snprintf(variable, sizeof(variable), "STATE_DIRECTORY=%s/unit:/elsewhere", bed->path);
    assert_int_equal(state_dir_open(NULL, false, &environment, &bed->arena, &dir), -ENOENT);
    assert_int_equal(state_dir_open(NULL, true, &environment, &bed->arena, &dir), 0);
    snprintf(wanted, sizeof(wanted), "%s/unit", bed->path);
    assert_string_equal(dir.path, wanted);
    state_dir_close(&dir);
    snprintf(wanted, sizeof(wanted), "%s/deep/er", bed->path);
    assert_int_equal(state_dir_open(wanted, true, &environment, &bed->arena, &dir), 0);
    struct stat info;
    assert_int_equal(stat(wanted, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0700);
    state_dir_close(&dir);
    put_file(bed, "file", STR("x"));
    snprintf(wanted, sizeof(wanted), "%s/file", bed->path);
    assert_int_equal(state_dir_open(wanted, true, &environment, &bed->arena, &dir), -ENOTDIR);
}

/* --- the journal ------------------------------------------------------------------------------------------------- */

static struct str_pair attributes[] = { { STR("AWS_INSTANCE_IPV4"), STR("10.0.0.1") },
                                        { STR("odd \"key\""), STR("caf\xc3\xa9 \\ \n\x01") },
                                        { STR("z"), STR("") } };

static struct journal_entry entry_of(enum journal_step step, const char *removal)
{
    return (struct journal_entry){
        .step = step,
        .removal = str_of(removal),
        .wall_ms = 1700000000123,
        .service_id = STR("srv-1"),
        .region = STR("eu-west-1"),
        .instance = { .id = STR("i-1"), .attributes = attributes, .n_attributes = TEST_COUNT(attributes) },
        .reason = STR("absent"),
    };
}

struct seen {
    unsigned n;
    enum journal_step steps[16];
    size_t n_attributes[16];
};

static int on_entry(void *arg, const struct journal_entry *entry)
{
    struct seen *seen = arg;
    assert_true(seen->n < 16);
    assert_str(entry->service_id, "srv-1");
    assert_str(entry->region, "eu-west-1");
    assert_str(entry->instance.id, "i-1");
    assert_false(str_is_set(entry->role_arn));
    assert_int_equal(entry->wall_ms, 1700000000123);
    for (size_t i = 0; i < entry->instance.n_attributes; i++) {
        assert_true(str_eq(entry->instance.attributes[i].key, attributes[i].key));
        assert_true(str_eq(entry->instance.attributes[i].value, attributes[i].value));
    }
    seen->steps[seen->n] = entry->step;
    seen->n_attributes[seen->n++] = entry->instance.n_attributes;
    return 0;
}

static void add(struct bed *bed, enum journal_step step)
{
    struct journal journal;
    journal_init(&journal, &bed->dir);
    const struct journal_entry entry = entry_of(step, "removal-1");
    journal_add(&journal, &entry);
    assert_int_equal(journal_flush(&journal), 0);
    journal_fini(&journal);
}

static void test_journal(void **state)
{
    struct bed *bed = *state;
    struct seen seen = { 0 };
    unsigned n_unreadable;
    assert_int_equal(journal_read(&bed->dir, on_entry, &seen, &n_unreadable), 0);
    assert_int_equal(seen.n, 0);
    for (int step = 0; step < JOURNAL_STEP_COUNT; step++)
        add(bed, (enum journal_step)step);
    assert_int_equal(journal_read(&bed->dir, on_entry, &seen, &n_unreadable), 0);
    assert_int_equal(n_unreadable, 0);
    assert_int_equal(seen.n, JOURNAL_STEP_COUNT);
    for (unsigned i = 0; i < seen.n; i++) {
        assert_int_equal(seen.steps[i], i);
        assert_int_equal(seen.n_attributes[i], i == JOURNAL_REMOVING ? TEST_COUNT(attributes) : 0);
    }
}

/* A line that a crash tore at any byte is passed over, and what comes after it is read. */
static void test_torn_journal(void **state)
{
    struct bed *bed = *state;
    add(bed, JOURNAL_REMOVING);
    char line[4096];
    int fd = openat(bed->dir.fd, "journal.jsonl", O_RDONLY);
    ssize_t n = read(fd, line, sizeof(line));
    close(fd);
    assert_true(n > 100);
    for (size_t cut = 0; cut < (size_t)n; cut++) {
        struct seen seen = { 0 };
        unsigned n_unreadable;
        put_file(bed, "journal.jsonl", (struct str){ line, cut });
        add(bed, JOURNAL_REMOVED);
        assert_int_equal(journal_read(&bed->dir, on_entry, &seen, &n_unreadable), 0);
        bool is_whole = cut == (size_t)n - 1; /* all but the end of the line */
        assert_int_equal(n_unreadable, cut > 0 && !is_whole);
        assert_int_equal(seen.n, 1 + is_whole);
        assert_int_equal(seen.steps[seen.n - 1], JOURNAL_REMOVED);
    }
}

/* However long a damaged line is, what comes behind it is read. */
static void test_long_line_in_journal(void **state)
{
    struct bed *bed = *state;
    struct seen seen = { 0 };
    unsigned n_unreadable;
    size_t n = STATE_DIR_LINE_MAX * 3 + 5;
    char *junk = mem_alloc(n);
    assert_non_null(junk);
    memset(junk, 'x', n);
    put_file(bed, "journal.jsonl", (struct str){ junk, n });
    mem_free(junk);
    add(bed, JOURNAL_REMOVING);
    assert_int_equal(journal_read(&bed->dir, on_entry, &seen, &n_unreadable), 0);
    assert_int_equal(n_unreadable, 1);
    assert_int_equal(seen.n, 1);
}

static void test_journal_fails_aloud(void **state)
{
    struct bed *bed = *state;
    struct journal journal;
    const struct journal_entry entry = entry_of(JOURNAL_REMOVING, "removal-1");
    assert_int_equal(mkdirat(bed->dir.fd, "journal.jsonl", 0700), 0); /* root is not stopped by modes */
    journal_init(&journal, &bed->dir);
    journal_add(&journal, &entry);
    assert_int_equal(journal_flush(&journal), -EISDIR);
    assert_int_equal(journal.lines.n, 0);
    journal_fini(&journal);
}

/* --- the history ------------------------------------------------------------------------------------------------- */

static void fill(struct plan_history *history, struct plan_memory *memories, size_t n)
{
    *history = (struct plan_history){ .memories = memories, .n_memories = n, .n_removed = 2, .hour = 2 };
    history->account = STR("123456789012");
    history->account_changed_ms = 5000;
    history->removed_ms[0] = 6000;
    history->removed_ms[1] = 7000;
    history->most[1] = 40;
    history->most[2] = 30;
    for (size_t i = 0; i < n; i++)
        memories[i] = (struct plan_memory){ .id = str_of(i == 0 ? "i-1" : "i-2"),
                                            .address = STR("10.0.0.1"),
                                            .zone = i == 0 ? STR("eu-west-1a") : (struct str){ 0 },
                                            .first_seen_ms = 1000,
                                            .doubted_since_ms = i == 0 ? 2000 : 0,
                                            .doubts = i == 0 ? 3 : 0 };
}

#define NOW (2 * 3600000 + 10000)

static void test_history(void **state)
{
    struct bed *bed = *state;
    static struct plan_history history;
    struct plan_memory memories[2];
    struct plan_history *again;
    fill(&history, memories, 2);
    assert_int_equal(history_file_load(&bed->dir, STR("srv/../1"), NOW, &bed->arena, &again), 0);
    assert_int_equal(again->n_memories, 0);
    assert_int_equal(history_file_save(&bed->dir, STR("srv/../1"), NOW, &history), 0);
    assert_int_equal(faccessat(bed->dir.fd, "history-srv%2f%2e%2e%2f1.jsonl", F_OK, 0), 0);

    /* The same clock: times stand. */
    assert_int_equal(history_file_load(&bed->dir, STR("srv/../1"), NOW + 500, &bed->arena, &again), 0);
    assert_int_equal(again->n_memories, 2);
    assert_str(again->memories[0].id, "i-1");
    assert_str(again->memories[0].zone, "eu-west-1a");
    assert_false(str_is_set(again->memories[1].zone));
    assert_int_equal(again->memories[0].first_seen_ms, 1000);
    assert_int_equal(again->memories[0].doubted_since_ms, 2000);
    assert_int_equal(again->memories[0].doubts, 3);
    assert_int_equal(again->n_removed, 2);
    assert_int_equal(again->removed_ms[1], 7000);
    assert_str(again->account, "123456789012");
    assert_int_equal(again->account_changed_ms, 5000);
    assert_int_equal(again->hour, 2);
    assert_int_equal(again->most[1], 40);

    /* A clock that began again (a boot): no time has passed, and no age has grown. */
    assert_int_equal(history_file_load(&bed->dir, STR("srv/../1"), 100, &bed->arena, &again), 0);
    assert_int_equal(again->memories[0].first_seen_ms, 100 - (NOW - 1000));
    assert_int_equal(again->memories[0].doubted_since_ms, 100 - (NOW - 2000));
    assert_int_equal(again->removed_ms[0], 100 - (NOW - 6000));
    assert_int_equal(again->hour, 0);
    assert_int_equal(again->most[0], 40);
    assert_int_equal(history_file_save(&bed->dir, STR("srv/../1"), 200, again), 0);
    assert_int_equal(history_file_load(&bed->dir, STR("srv/../1"), 300, &bed->arena, &again), 0);
    assert_int_equal(again->memories[0].first_seen_ms, 100 - (NOW - 1000));
}

/* Whatever bytes there are: a history or an empty one, never a crash. */
static void test_damaged_history(void **state)
{
    struct bed *bed = *state;
    static struct plan_history history;
    struct plan_memory memories[2];
    struct plan_history *again;
    struct rand rand;
    char text[8192];
    fill(&history, memories, 2);
    assert_int_equal(history_file_save(&bed->dir, STR("a"), NOW, &history), 0);
    int fd = openat(bed->dir.fd, "history-a.jsonl", O_RDONLY);
    ssize_t n = read(fd, text, sizeof(text));
    close(fd);
    rand_init_seed(&rand, 3);
    for (unsigned i = 0; i < 3000; i++) {
        char damaged[8192];
        memcpy(damaged, text, (size_t)n);
        size_t len = i % 3 ? (size_t)n : rand_below(&rand, (uint64_t)n);
        for (unsigned k = 0; k < i % 3; k++)
            damaged[rand_below(&rand, (uint64_t)n)] = (char)rand_u64(&rand);
        put_file(bed, "history-a.jsonl", (struct str){ damaged, len });
        arena_reset(&bed->arena);
        int r = history_file_load(&bed->dir, STR("a"), NOW, &bed->arena, &again);
        assert_true(r == 0 || r == 1);
        assert_true(r == 0 || again->n_memories == 0);
    }
}

static void test_keeper(void **state)
{
    struct bed *bed = *state;
    static struct plan_history history;
    struct plan_memory memories[2];
    const struct plan_history *kept;
    struct keeper *keeper;
    fill(&history, memories, 2);
    for (int run = 0; run < 2; run++) {
        assert_int_equal(keeper_new(&bed->dir, true, &keeper), 0);
        assert_int_equal(keeper_get(keeper, STR("srv-1"), NOW, &kept), 0);
        assert_int_equal(kept->n_memories, run ? 2 : 0);
        for (int i = 0; i < 3; i++)
            assert_int_equal(keeper_put(keeper, STR("srv-1"), NOW, &history), 0);
        assert_int_equal(keeper_get(keeper, STR("srv-1"), NOW, &kept), 0);
        assert_int_equal(kept->n_memories, 2);
        assert_int_equal(keeper_get(keeper, STR("srv-2"), NOW, &kept), 0);
        assert_int_equal(kept->n_memories, 0);
        keeper_free(keeper);
    }
    /* Two that share the directory see what the other one did. */
    struct keeper *other;
    assert_int_equal(keeper_new(&bed->dir, true, &keeper), 0);
    assert_int_equal(keeper_new(&bed->dir, true, &other), 0);
    assert_int_equal(keeper_put(keeper, STR("srv-1"), NOW, &history), 0);
    plan_note_removal(&history, NOW - 1);
    assert_int_equal(keeper_put(other, STR("srv-1"), NOW, &history), 0);
    assert_int_equal(keeper_get(keeper, STR("srv-1"), NOW, &kept), 0);
    assert_int_equal(kept->n_removed, 3);
    keeper_free(keeper);
    keeper_free(other);
    /* One that may not save leaves the file as it is. */
    assert_int_equal(keeper_new(&bed->dir, false, &keeper), 0);
    history.n_memories = 1;
    assert_int_equal(keeper_put(keeper, STR("srv-1"), NOW, &history), 0);
    keeper_free(keeper);
    assert_int_equal(keeper_new(&bed->dir, false, &keeper), 0);
    assert_int_equal(keeper_get(keeper, STR("srv-1"), NOW, &kept), 0);
    assert_int_equal(kept->n_memories, 2);
    keeper_free(keeper);
}

/* --- approvals --------------------------------------------------------------------------------------------------- */

static void test_approvals(void **state)
{
    struct bed *bed = *state;
    const int64_t now = 1700000000000;
    const struct approval items[] = { { STR("srv-1"), STR("i-1"), now + APPROVAL_MS },
                                      { STR("srv-1"), STR("i-2"), now + 1000 },
                                      { STR("srv-2"), STR("i-3"), now + APPROVAL_MS },
                                      { STR("srv-1"), STR("i-4"), now + 2 * APPROVAL_MS } };
    struct approvals approvals;
    struct str *ids;
    size_t n;
    assert_int_equal(approval_load(&bed->dir, now, &bed->arena, &approvals), 0);
    assert_int_equal(approvals.n, 0);
    assert_int_equal(approval_add(&bed->dir, now, items, 2, &bed->arena), 0);
    assert_int_equal(approval_add(&bed->dir, now, items + 2, 2, &bed->arena), 0);
    assert_int_equal(approval_load(&bed->dir, now + 500, &bed->arena, &approvals), 0);
    assert_int_equal(approval_ids(&approvals, STR("srv-1"), &bed->arena, &ids, &n), 0);
    assert_int_equal(n, 2); /* nobody can have approved for longer than an hour */
    assert_str(ids[0], "i-1");
    assert_str(ids[1], "i-2");
    assert_int_equal(approval_load(&bed->dir, now + 1000, &bed->arena, &approvals), 0);
    assert_int_equal(approval_ids(&approvals, STR("srv-1"), &bed->arena, &ids, &n), 0);
    assert_int_equal(n, 1);
    assert_int_equal(approval_load(&bed->dir, now + APPROVAL_MS, &bed->arena, &approvals), 0);
    assert_int_equal(approvals.n, 1); /* the odd one has become possible */
    put_file(bed, "approved.jsonl", STR("{\"service_id\":\"srv-1\"}\nnonsense\n[]\n"));
    assert_int_equal(approval_load(&bed->dir, now, &bed->arena, &approvals), 0);
    assert_int_equal(approvals.n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_places, begin, end),
        cmocka_unit_test_setup_teardown(test_journal, begin, end),
        cmocka_unit_test_setup_teardown(test_torn_journal, begin, end),
        cmocka_unit_test_setup_teardown(test_long_line_in_journal, begin, end),
        cmocka_unit_test_setup_teardown(test_journal_fails_aloud, begin, end),
        cmocka_unit_test_setup_teardown(test_history, begin, end),
        cmocka_unit_test_setup_teardown(test_damaged_history, begin, end),
        cmocka_unit_test_setup_teardown(test_keeper, begin, end),
        cmocka_unit_test_setup_teardown(test_approvals, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
