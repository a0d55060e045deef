/* SPDX-License-Identifier: Apache-2.0
 *
 * Records of the audit trail: whatever the text, reading stays within it, and what is found can be asked for a name. */
#include "fuzz_target.h"

#include "base/mem.h"
#include "model/audit_event.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct audit_event event;
    struct arena arena;
    char *text = mem_dup(data, n);

    FUZZ_CHECK(text || n == 0);
    arena_init(&arena, 8 << 20);
    if (text && audit_event_parse(text, n, &arena, &event) == 0) {
        struct str user = audit_event_user(&event);
        FUZZ_CHECK(str_is_set(event.id) && str_is_set(event.name) && event.n_resources <= AUDIT_EVENT_MAX_RESOURCES);
        FUZZ_CHECK(!str_is_set(user) || user.n <= n);
    }
    arena_fini(&arena);
    mem_free(text);
    return 0;
}
