/* SPDX-License-Identifier: Apache-2.0
 *
 * A checkpoint is one word, so any file of lines may hold it: an audit file, a log, a mail. */
#include "cloudmapctl/audit_evidence.h"

#include "base/mem.h"
#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#define NOTES_MAX ((size_t)4 << 20)
#define LINE_ROOM (64 << 10)

static int add_note(struct audit_evidence *evidence, const struct audit_note *note)
{
    if (evidence->n == evidence->size) {
        size_t size = evidence->size ? 2 * evidence->size : 64;
        struct audit_note *notes = size <= NOTES_MAX ? mem_realloc(evidence->notes, size * sizeof(*notes)) : NULL;
        if (!notes)
            return ctl_fail(EXIT_FAILURE, "more checkpoints than there is room for");
        evidence->notes = notes;
        evidence->size = size;
    }
    evidence->notes[evidence->n++] = *note;
    return 0;
}

/* NUMBER:HASH. */
static int read_head(const char *text, struct audit_evidence *evidence)
{
    struct str rest = str_of(text), number = { rest.p, str_find_char(rest, ':') };
    struct audit_note note;
    if (number.n < rest.n && str_parse_u64(number, &note.number) == 0 && note.number > 0 &&
        rest.n - number.n - 1 == 2 * HASH_SHA256_LEN && text_parse_hex(str_skip(rest, number.n + 1), note.hash) == 0)
        return add_note(evidence, &note);
    return ctl_fail(EX_USAGE, "--head is NUMBER:HASH as verify printed it, not: %s", text);
}

static int read_line(struct str line, const struct audit_trust *trust, struct audit_evidence *evidence)
{
    struct checkpoint checkpoint;
    struct str word;
    int code = 0;
    while (code == 0 && checkpoint_find(&line, &word)) {
        if (checkpoint_read(word, &checkpoint) || !audit_trust_has(trust, checkpoint.key))
            continue;
        struct audit_note note = { .number = checkpoint.number };
        memcpy(note.hash, checkpoint.hash, sizeof(note.hash));
        code = add_note(evidence, &note);
    }
    return code;
}

static int read_file(const char *path, const struct audit_trust *trust, struct audit_evidence *evidence)
{
    FILE *file = fopen(path, "re");
    char *line = mem_alloc(LINE_ROOM);
    size_t before = evidence->n;
    int code = 0;
    if (!file || !line)
        code = ctl_fail(EX_NOINPUT, "%s: %s", path, strerror(errno));
    while (code == 0 && fgets(line, LINE_ROOM, file))
        code = read_line(str_of(line), trust, evidence);
    if (code == 0 && ferror(file))
        code = ctl_fail(EX_IOERR, "%s cannot be read to its end", path);
    if (code == 0 && evidence->n == before)
        code = ctl_fail(
            EX_DATAERR,
            "%s holds no checkpoint that the key signed; a running daemon signs a minute after the first record, and "
            "after `key rewrap` --public-key names the key from before",
            path);
    if (file)
        fclose(file);
    mem_free(line);
    return code;
}

static int compare(const void *a, const void *b)
{
    const struct audit_note *x = a, *y = b;
    return (x->number > y->number) - (x->number < y->number);
}

int audit_evidence_read(const struct ctl *ctl, const struct audit_trust *trust, struct audit_evidence *ret_evidence)
{
    int code = 0;
    *ret_evidence = (struct audit_evidence){ 0 };
    if (ctl->head)
        code = read_head(ctl->head, ret_evidence);
    if (code == 0 && ctl->against && !trust->n)
        code = ctl_fail(EX_CONFIG, "--against needs the key that signed: name it with --public-key or --key-file");
    if (code == 0 && ctl->against)
        code = read_file(ctl->against, trust, ret_evidence);
    if (ret_evidence->n)
        qsort(ret_evidence->notes, ret_evidence->n, sizeof(ret_evidence->notes[0]), compare);
    return code;
}

void audit_evidence_free(struct audit_evidence *evidence)
{
    mem_free(evidence->notes);
}
