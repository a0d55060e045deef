/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads the files themselves, so that what it says does not rest on the daemon's word. */
#include "cloudmapctl/audit_trail.h"
#include "cloudmapctl/audit_trust.h"
#include "cloudmapctl/audit_verify.h"
#include "model/audit_event.h"
#include "store/store.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#define LIST_DEFAULT 50
#define ARENA_CAP (4u << 20)

int audit_trail_failed(int r, const struct store_message *message)
{
    return ctl_fail(r < 0 ? EXIT_FAILURE : store_exit_code(r), "%s",
                    message->text[0] ? message->text : strerror(r < 0 ? -r : EIO));
}

/* --- list -------------------------------------------------------------------------------------------------------- */

static void print_event(const struct audit_event *event)
{
    char who[128] = "-";
    if (str_is_set(event->invoked_by) && str_is_set(event->account))
        snprintf(who, sizeof(who), STR_FMT " for " STR_FMT, STR_ARG(event->invoked_by), STR_ARG(event->account));
    printf("%-20.*s  %-28.*s  %-44.*s  ", STR_ARG(event->time), STR_ARG(event->name),
           STR_ARG(str_is_set(event->arn) ? event->arn : str_of(who)));
    for (size_t i = 0; i < event->n_resources; i++)
        printf("%s" STR_FMT, i ? " " : "", STR_ARG(event->resources[i].name));
    printf("%s" STR_FMT "\n", str_is_set(event->error_code) ? "  failed: " : "", STR_ARG(event->error_code));
}

static int print_row(void *arg, const struct store_row *row)
{
    const struct ctl *ctl = arg;
    struct audit_event event;
    struct arena arena;
    char *text;
    if (ctl->json)
        return printf(STR_FMT "\n", STR_ARG(row->text)) < 0 ? -EIO : 0;
    arena_init(&arena, ARENA_CAP);
    text = arena_alloc(&arena, row->text.n + 1);
    if (text) {
        memcpy(text, row->text.p, row->text.n);
        if (audit_event_parse(text, row->text.n, &arena, &event) == 0)
            print_event(&event);
        else
            printf("record %" PRIu64 " is not one that this program knows\n", row->number);
    }
    arena_fini(&arena);
    return 0;
}

static int list(const struct ctl *ctl, struct store_trail *trail)
{
    struct store_message message = { "" };
    struct store_trail_head head;
    uint64_t n = LIST_DEFAULT;
    if (ctl->n_words > 1 && (str_parse_u64(str_of(ctl->words[1]), &n) || n == 0))
        return ctl_fail(EX_USAGE, "how many records? Not: %s", ctl->words[1]);
    int r = store_trail_head(trail, &head, &message);
    if (r == 0 && !ctl->json && head.last > head.gone)
        printf("%-20s  %-28s  %-44s  %s\n", "TIME", "CALL", "BY", "ON");
    else if (r == 0 && !ctl->json)
        printf("no records (audit.calls = on makes one of every call, in open mode, too)\n");
    if (r == 0)
        r = store_trail_read(trail, head.last > n ? head.last - n + 1 : 1, false, print_row, (void *)ctl, &message);
    return r ? audit_trail_failed(r, &message) : EXIT_SUCCESS;
}

int audit_trail_run(const struct ctl *ctl)
{
    struct store_message message = { "" };
    struct store_trail *trail;
    bool is_list = strcmp(ctl->words[0], "list") == 0, is_key = strcmp(ctl->words[0], "key") == 0;
    if (!is_list && ((!is_key && strcmp(ctl->words[0], "verify") != 0) || ctl->n_words > 1))
        return ctl_fail(EX_USAGE, "audit verify, audit key, or audit list [N]");
    if (is_key)
        return audit_trust_print(ctl);
    int r = store_trail_open(ctl->data, &trail, &message);
    if (r)
        return audit_trail_failed(r, &message);
    int code = is_list ? list(ctl, trail) : audit_verify_run(ctl, trail);
    store_trail_close(trail);
    return code;
}
