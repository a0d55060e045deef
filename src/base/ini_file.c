/* SPDX-License-Identifier: Apache-2.0
 *
 * inih as Debian builds it tells handlers no line numbers and cuts long lines and section names in silence; this reader
 * hands it one line at a time, counts them, and refuses what it would cut. */
#include "base/ini_file.h"

#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <unistd.h>

#define INIH_SECTION_MAX 49 /* longer ones are cut */

struct source {
    const struct ini_file_events *events;
    struct str rest; /* not read yet */
    unsigned line;
};

/* Why inih must not see this line, or NULL. */
static const char *find_fault(struct str line)
{
    if (line.n > INI_FILE_LINE_MAX)
        return "the line is too long";
    for (size_t i = 0; i < line.n; i++)
        if ((unsigned char)line.p[i] < ' ' && line.p[i] != '\t' && line.p[i] != '\r')
            return "a control character";
    while (line.n > 0 && (line.p[0] == ' ' || line.p[0] == '\t'))
        line = str_skip(line, 1);
    if (line.n > 0 && line.p[0] == '[' && str_find_char(line, ']') > INIH_SECTION_MAX + 1)
        return "the name of the section is too long, or has no ]";
    return NULL;
}

/* inih's fgets. A refused line is told and reads as an empty one. */
static char *read_line(char *ret_line, int size, void *arg)
{
    struct source *source = arg;
    if (source->rest.n == 0)
        return NULL;
    struct str line = { source->rest.p, str_find_char(source->rest, '\n') };
    source->rest = str_skip(source->rest, line.n < source->rest.n ? line.n + 1 : line.n);
    source->line++;
    const char *fault = find_fault(line);
    if (fault || line.n + 2 > (size_t)size) {
        source->events->on_fault(source->events->arg, source->line, fault ? fault : "the line is too long");
        line.n = 0;
    }
    memcpy(ret_line, line.p, line.n);
    ret_line[line.n] = '\n';
    ret_line[line.n + 1] = '\0';
    return ret_line;
}

static int on_pair(void *arg, const char *section, const char *key, const char *value)
{
    struct source *source = arg;
    source->events->on_pair(source->events->arg, source->line, section, key, value);
    return 1;
}

void ini_file_parse(struct str text, const struct ini_file_events *events)
{
    struct source source = { .events = events, .rest = text };
    ini_use_stack = false;
    ini_allow_realloc = false;
    ini_max_line = INI_FILE_LINE_MAX + 8;
    ini_initial_alloc = INI_FILE_LINE_MAX + 8;
    ini_allow_multiline = false;
    int line = ini_parse_stream(read_line, &source, on_pair, &source);
    if (line > 0)
        events->on_fault(events->arg, (unsigned)line, "neither `key = value` nor `[section]` nor a comment");
    else if (line < 0)
        events->on_fault(events->arg, 0, "out of memory");
}

/* Reads up to INI_FILE_MAX + 1 bytes. 0 or -errno. */
static int read_all(const char *path, struct buf *ret_text)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return -errno;
    int r = 0;
    for (;;) {
        char block[4096];
        ssize_t n = read(fd, block, sizeof(block));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            r = -errno;
        if (n <= 0 || ret_text->n > INI_FILE_MAX)
            break;
        buf_put(ret_text, block, (size_t)n);
    }
    close(fd);
    return r;
}

void ini_file_read(const char *path, const struct ini_file_events *events)
{
    struct buf text;
    buf_init(&text, INI_FILE_MAX + 8192);
    int r = read_all(path, &text);
    if (r < 0)
        events->on_fault(events->arg, 0, strerror(-r));
    else if (text.n > INI_FILE_MAX)
        events->on_fault(events->arg, 0, "larger than 1MiB");
    else if (text.failed)
        events->on_fault(events->arg, 0, "out of memory");
    else
        ini_file_parse(buf_str(&text), events);
    buf_fini(&text);
}
