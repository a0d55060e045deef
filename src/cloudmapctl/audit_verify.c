/* SPDX-License-Identifier: Apache-2.0
 *
 * One pass. A checkpoint signs the row right before its own. A daemon signs at its start, then within a minute of the
 * first row that is not signed: where more time or more rows are between two checkpoints, some are missing. */
#include "cloudmapctl/audit_verify.h"

#include "base/text.h"
#include "base/timestamp.h"
#include "cloudmapctl/access_offline.h"
#include "cloudmapctl/audit_evidence.h"
#include "cloudmapctl/audit_trail.h"
#include "model/service_event.h"
#include "registry/trail.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#define GAP_MS (TRAIL_SIGN_MS + 10 * 60000) /* with a busy machine's leave */
#define GAP_ROWS (TRAIL_SIGN_ROWS + TRAIL_ROUND_ROWS)

enum { VERIFY_TOLD = 1000 }; /* why it stopped was told */

/* Rows behind a checkpoint. */
struct stretch {
    uint64_t first, last, n;
    int64_t first_ms, last_ms;
};

struct verified {
    struct audit_trust trust;
    struct audit_evidence evidence;
    size_t n_passed, n_found; /* notes: so far; those that are in the trail, the others being older */
    struct store_trail_head head;
    struct store_row before; /* without its text */
    int64_t first_ms;
    uint64_t n;
    struct stretch rest;
    struct checkpoint newest;
    uint64_t n_checkpoints, n_foreign; /* foreign: signed by another key */
    char foreign[2 * SEAL_PUBLIC_KEY_LEN + 1];
};

static int damaged(const char *what, uint64_t number)
{
    ctl_fail(EX_DATAERR, "record %" PRIu64 " of the trail %s", number, what);
    return VERIFY_TOLD;
}

/* --- what was noted elsewhere ------------------------------------------------------------------------------------ */

static int meet_notes(struct verified *verified, uint64_t number, const uint8_t hash[HASH_SHA256_LEN])
{
    const struct audit_evidence *evidence = &verified->evidence;
    for (; verified->n_passed < evidence->n && evidence->notes[verified->n_passed].number <= number;
         verified->n_passed++) {
        const struct audit_note *note = &evidence->notes[verified->n_passed];
        if (note->number < number)
            continue;
        verified->n_found++;
        if (memcmp(note->hash, hash, sizeof(note->hash)) != 0)
            return damaged("is not the one that was noted: the trail was made anew", number);
    }
    return 0;
}

/* --- checkpoints ------------------------------------------------------------------------------------------------- */

static int tell_gap(const struct verified *verified)
{
    const struct stretch *rest = &verified->rest;
    char first[TIMESTAMP_ROOM], last[TIMESTAMP_ROOM];
    timestamp_format_s(rest->first_ms / 1000, first);
    timestamp_format_s(rest->last_ms / 1000, last);
    ctl_fail(EX_DATAERR,
             "records %" PRIu64 " to %" PRIu64
             " of the trail, from %s to %s, are signed by no checkpoint in time%s%s%s",
             rest->first, rest->last, first, last, verified->n_foreign ? "; if " : "",
             verified->n_foreign ? verified->foreign : "",
             verified->n_foreign ? " was the daemon's public key, too, name both with --public-key" : "");
    return VERIFY_TOLD;
}

static int add_unsigned(struct verified *verified, const struct store_row *row)
{
    struct stretch *rest = &verified->rest;
    if (!rest->n++) {
        rest->first = row->number;
        rest->first_ms = row->time_ms;
    }
    rest->last = row->number;
    rest->last_ms = row->time_ms;
    return rest->n > GAP_ROWS || rest->last_ms - rest->first_ms > GAP_MS ? tell_gap(verified) : 0;
}

static int meet_checkpoint(struct verified *verified, const struct store_row *row)
{
    struct checkpoint checkpoint;
    struct str text = row->text, word;
    if (!checkpoint_find(&text, &word) || checkpoint_read(word, &checkpoint))
        return damaged("is a checkpoint that nobody signed", row->number);
    if (!audit_trust_has(&verified->trust, checkpoint.key)) {
        verified->n_foreign++;
        text_hex(checkpoint.key, sizeof(checkpoint.key), verified->foreign);
        return add_unsigned(verified, row);
    }
    if (checkpoint.number != verified->before.number ||
        memcmp(checkpoint.hash, verified->before.hash, sizeof(checkpoint.hash)) != 0)
        return damaged("is a checkpoint of another chain: the trail was made anew", row->number);
    verified->newest = checkpoint;
    verified->n_checkpoints++;
    verified->rest.n = 0;
    return 0;
}

/* --- the pass ---------------------------------------------------------------------------------------------------- */

static int meet_row(void *arg, const struct store_row *row)
{
    struct verified *verified = arg;
    int r = 0;
    if (!verified->n++) {
        verified->first_ms = row->time_ms;
        verified->before.number = verified->head.gone;
        memcpy(verified->before.hash, verified->head.base, sizeof(verified->before.hash));
        r = meet_notes(verified, verified->head.gone, verified->head.base);
    }
    if (r == 0)
        r = meet_notes(verified, row->number, row->hash);
    if (r == 0 && verified->trust.n)
        r = service_event_is(row->text, SERVICE_EVENT_CHECKPOINT) ? meet_checkpoint(verified, row)
                                                                  : add_unsigned(verified, row);
    verified->before = *row;
    return r;
}

static void print_signed(const struct ctl *ctl, const struct verified *verified)
{
    char path[PATH_MAX], time[TIMESTAMP_ROOM], key[2 * SEAL_PUBLIC_KEY_LEN + 1] = "";
    timestamp_format_s(verified->newest.time_ms / 1000, time);
    text_hex(verified->newest.key, sizeof(verified->newest.key), key);
    if (!verified->trust.n)
        printf("signed: not checked, there is no key file %s; name it with --key-file, or its key with --public-key\n",
               access_offline_key_file(ctl, path));
    else if (!verified->n_checkpoints && verified->n_foreign)
        printf("signed: by %s, which is not the key file's key; if it was before `key rewrap`, name both with "
               "--public-key\n",
               verified->foreign);
    else if (!verified->n_checkpoints)
        printf("signed: nothing yet; a running daemon signs a minute after the first record\n");
    else
        printf("signed: up to record %" PRIu64 " at %s by %s; %" PRIu64 " are newer\n", verified->newest.number, time,
               key, verified->rest.n);
    if (verified->n_checkpoints && verified->n_foreign)
        printf("also signed: %" PRIu64
               " times by other keys, such as %s; if they were before `key rewrap`, name all with "
               "--public-key\n",
               verified->n_foreign, verified->foreign);
    if (verified->evidence.n)
        printf("noted: %zu are in the trail as they were noted; %zu are older than what is kept\n", verified->n_found,
               verified->evidence.n - verified->n_found);
}

static void print_json(const struct verified *verified, const char *hash)
{
    printf("{\"records\":%" PRIu64 ",\"head\":\"%" PRIu64 ":%s\",\"checkpoints\":%" PRIu64 ",\"signed\":", verified->n,
           verified->head.last, hash, verified->n_checkpoints);
    if (verified->trust.n)
        printf("%" PRIu64 "}\n", verified->newest.number);
    else
        printf("null}\n");
}

static void print_verified(const struct ctl *ctl, const struct verified *verified)
{
    char first[TIMESTAMP_ROOM], last[TIMESTAMP_ROOM], hash[2 * HASH_SHA256_LEN + 1] = "";
    timestamp_format_s(verified->first_ms / 1000, first);
    timestamp_format_s(verified->before.time_ms / 1000, last);
    text_hex(verified->head.hash, sizeof(verified->head.hash), hash);
    if (ctl->json) {
        print_json(verified, hash);
    } else if (verified->n) {
        printf("whole: %" PRIu64 " records from %s to %s\n", verified->n, first, last);
        print_signed(ctl, verified);
        printf(
            "head: %" PRIu64 ":%s\n"
            "Keep the head elsewhere: `cloudmapctl audit verify --head` finds a trail that was cut off or made anew.\n",
            verified->head.last, hash);
    } else {
        printf("whole: no records\n");
    }
}

static int judge(const struct ctl *ctl, struct store_trail *trail, struct verified *verified)
{
    struct store_message message = { "" };
    int r = store_trail_verify(trail, meet_row, verified, &verified->head, &message);
    if (r == 0 && !verified->n)
        r = meet_notes(verified, verified->head.gone, verified->head.base);
    if (r == VERIFY_TOLD)
        return EX_DATAERR;
    if (r)
        return audit_trail_failed(r, &message);
    if (verified->n_passed < verified->evidence.n)
        return ctl_fail(EX_DATAERR, "record %" PRIu64 " was noted and is not in the trail: its end is missing",
                        verified->evidence.notes[verified->evidence.n - 1].number);
    print_verified(ctl, verified);
    return EXIT_SUCCESS;
}

int audit_verify_run(const struct ctl *ctl, struct store_trail *trail)
{
    struct verified verified = { .n = 0 };
    int code = audit_trust_find(ctl, &verified.trust);
    if (code == 0)
        code = audit_evidence_read(ctl, &verified.trust, &verified.evidence);
    if (code == 0)
        code = judge(ctl, trail, &verified);
    audit_evidence_free(&verified.evidence);
    return code;
}
