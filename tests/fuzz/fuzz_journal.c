/* SPDX-License-Identifier: Apache-2.0
 *
 * A line of the journal: what is read is an entry, and written again it reads as the same one. */
#include "fuzz_target.h"

#include "base/mem.h"
#include "unmap/journal.h"

#define CAP ((size_t)16 << 20)

static void check_same(const struct journal_entry *a, const struct journal_entry *b)
{
    FUZZ_CHECK(a->step == b->step && a->wall_ms == b->wall_ms);
    FUZZ_CHECK(str_eq(a->removal, b->removal) && str_eq(a->service_id, b->service_id));
    FUZZ_CHECK(str_eq(a->region, b->region) && str_eq(a->role_arn, b->role_arn) && str_eq(a->reason, b->reason));
    FUZZ_CHECK(str_eq(a->instance.id, b->instance.id));
    if (a->step == JOURNAL_REMOVING)
        FUZZ_CHECK(cloud_map_same_attributes(&a->instance, &b->instance));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct arena arena;
    struct journal journal;
    struct journal_entry entry, again;
    char *line = mem_dup(data, n);
    arena_init(&arena, CAP);
    int r = line ? journal_parse(line, n, &arena, &entry) : 1;
    FUZZ_CHECK(r == 0 || r == 1);
    if (r == 0) {
        journal_init(&journal, NULL);
        journal_add(&journal, &entry);
        FUZZ_CHECK(!journal.lines.failed && journal.lines.p[journal.lines.n - 1] == '\n');
        FUZZ_CHECK(journal_parse(journal.lines.p, journal.lines.n - 1, &arena, &again) == 0);
        check_same(&entry, &again);
        journal_fini(&journal);
    }
    arena_fini(&arena);
    mem_free(line);
    return 0;
}
