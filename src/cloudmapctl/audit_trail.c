/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads the files themselves, so that what it says does not rest on the daemon's word. */
#include "cloudmapctl/audit_trail.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/timestamp.h"
#include "model/audit_event.h"
#include "store/store.h"
#include "json/writer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#define LIST_DEFAULT 50
#define ARENA_CAP (4u << 20)

static int failed(int r, const struct store_message *message)
{
    return ctl_fail(r < 0 ? EXIT_FAILURE : store_exit_code(r), "%s",
                    message->text[0] ? message->text : strerror(r < 0 ? -r : EIO));
}

/* --- verify ------------------------------------------------------------------------------------------------------ */

struct verified {
    int64_t first_ms, last_ms;
    uint64_t n;
    uint64_t number; /* --head: that row's hash was noted elsewhere */
    uint8_t hash[HASH_SHA256_LEN];
    bool is_met, differs;
};

static int note_row(void *arg, const struct store_row *row)
{
    struct verified *verified = arg;
    if (!verified->n++)
        verified->first_ms = row->time_ms;
    verified->last_ms = row->time_ms;
    if (row->number == verified->number) {
        verified->is_met = true;
        verified->differs = memcmp(row->hash, verified->hash, sizeof(row->hash)) != 0;
    }
    return 0;
}

static void print_verified(const struct ctl *ctl, const struct verified *verified, const struct store_trail_head *head)
{
    char first[TIMESTAMP_ROOM], last[TIMESTAMP_ROOM], hash[2 * HASH_SHA256_LEN + 1] = "";
    timestamp_format_s(verified->first_ms / 1000, first);
    timestamp_format_s(verified->last_ms / 1000, last);
    text_hex(head->hash, sizeof(head->hash), hash);
    if (ctl->json)
        printf("{\"records\":%" PRIu64 ",\"head\":\"%" PRIu64 ":%s\"}\n", verified->n, head->last, hash);
    else if (verified->n)
        printf("whole: %" PRIu64 " records from %s to %s\nhead: %" PRIu64 ":%s\n"
               "Keep the head elsewhere: `cloudmapctl audit verify --head` finds a trail that was made anew.\n",
               verified->n, first, last, head->last, hash);
    else
        printf("whole: no records\n");
}

/* NUMBER:HASH. 0, or 1 for another text. */
static int parse_head(const char *text, struct verified *verified)
{
    struct str rest = str_of(text);
    struct str number = { rest.p, str_find_char(rest, ':') };
    if (number.n == rest.n || str_parse_u64(number, &verified->number) || verified->number == 0)
        return 1;
    rest = str_skip(rest, number.n + 1);
    return rest.n != 2 * HASH_SHA256_LEN || text_parse_hex(rest, verified->hash);
}

static int verify(const struct ctl *ctl, struct store_trail *trail)
{
    struct verified verified = { 0 };
    struct store_message message = { "" };
    struct store_trail_head head;
    if (ctl->head && parse_head(ctl->head, &verified))
        return ctl_fail(EX_USAGE, "--head is NUMBER:HASH as verify printed it, not: %s", ctl->head);
    int r = store_trail_verify(trail, note_row, &verified, &head, &message);
    if (r)
        return failed(r, &message);
    if (ctl->head && verified.number == head.gone) {
        verified.is_met = true;
        verified.differs = memcmp(head.base, verified.hash, sizeof(head.base)) != 0;
    }
    if (verified.differs)
        return ctl_fail(EX_DATAERR, "the trail was made anew: record %" PRIu64 " is not the one that was noted",
                        verified.number);
    if (ctl->head && !verified.is_met)
        return ctl_fail(EX_DATAERR, "record %" PRIu64 " is not in the trail: %s", verified.number,
                        verified.number > head.last ? "its end is missing" : "it is no longer kept");
    print_verified(ctl, &verified, &head);
    return EXIT_SUCCESS;
}

/* --- list -------------------------------------------------------------------------------------------------------- */

static void print_event(const struct audit_event *event)
{
    struct str who = str_is_set(event->arn) ? event->arn : STR("-");
    printf("%-20.*s  %-28.*s  %-44.*s  ", STR_ARG(event->time), STR_ARG(event->name), STR_ARG(who));
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
    if (r == 0)
        r = store_trail_read(trail, head.last > n ? head.last - n + 1 : 1, false, print_row, (void *)ctl, &message);
    return r ? failed(r, &message) : EXIT_SUCCESS;
}

int audit_trail_run(const struct ctl *ctl)
{
    struct store_message message = { "" };
    struct store_trail *trail;
    bool is_list = strcmp(ctl->words[0], "list") == 0;
    if (!is_list && (strcmp(ctl->words[0], "verify") != 0 || ctl->n_words > 1))
        return ctl_fail(EX_USAGE, "audit verify, or audit list [N]");
    int r = store_trail_open(ctl->data, &trail, &message);
    if (r)
        return failed(r, &message);
    int code = is_list ? list(ctl, trail) : verify(ctl, trail);
    store_trail_close(trail);
    return code;
}
