/* SPDX-License-Identifier: Apache-2.0
 *
 * Progress goes to stderr, the result to stdout. */
#include "cloudmapctl/copy.h"
#include "json/writer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void copy_progress(void *arg, uint64_t done, uint64_t total)
{
    struct copy *copy = arg;
    if (!isatty(STDERR_FILENO) || total == 0)
        return;
    copy->shown = true;
    fprintf(stderr, "\r%s: %3" PRIu64 " %% of %" PRIu64 " pages", copy->verb, done * 100 / total, total);
}

static void print_json(const char *made, const struct store_message *message)
{
    struct buf buf;
    struct json_writer writer;
    buf_init(&buf, 1 << 16);
    json_writer_init(&writer, &buf);
    json_open_object(&writer);
    json_field_string(&writer, STR("made"), str_of(made));
    if (message->text[0])
        json_field_string(&writer, STR("message"), str_of(message->text));
    json_close_object(&writer);
    printf(STR_FMT "\n", STR_ARG(buf_str(&buf)));
    buf_fini(&buf);
}

int copy_end(struct copy *copy, const struct ctl *ctl, int result, const char *made,
             const struct store_message *message)
{
    if (copy->shown)
        fputc('\n', stderr);
    if (result != 0) {
        int code = result < 0 ? EXIT_FAILURE : store_exit_code(result);
        return ctl_fail(code, "%s", message->text[0] ? message->text : strerror(result < 0 ? -result : EIO));
    }
    if (ctl->json)
        print_json(made, message);
    else if (message->text[0])
        printf("%s\n", message->text);
    else
        printf("%s %s\n", made, copy->end);
    return EXIT_SUCCESS;
}
