/* SPDX-License-Identifier: Apache-2.0
 *
 * inih as Debian builds it tells handlers no line numbers and cuts long lines and section names in silence; this reader
 * hands it one line at a time, counts them, and refuses what it would cut. */
#include "cloudmapd/config_file.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <stdio.h>
#include <unistd.h>

#define INIH_SECTION_MAX 49 /* longer ones are cut */
#define WHERE_MAX 512

struct source {
    struct config_input *input;
    struct config_errors *errors;
    const char *path;
    struct str rest; /* not read yet */
    unsigned line;
};

static const char *where(const struct source *source, unsigned line, char ret[WHERE_MAX])
{
    snprintf(ret, WHERE_MAX, "%.400s:%u", source->path, line);
    return ret;
}

/* Why inih must not see this line, or NULL. */
static const char *find_fault(struct str line)
{
    if (line.n > CONFIG_LINE_MAX)
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

/* inih's fgets. A refused line is reported and reads as an empty one. */
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
        char at[WHERE_MAX];
        config_add_error(source->errors, where(source, source->line, at), "%s", fault ? fault : "the line is too long");
        line.n = 0;
    }
    memcpy(ret_line, line.p, line.n);
    ret_line[line.n] = '\n';
    ret_line[line.n + 1] = '\0';
    return ret_line;
}

static int on_setting(void *arg, const char *section, const char *name, const char *value)
{
    struct source *source = arg;
    struct buf key;
    buf_init(&key, CONFIG_LINE_MAX * 2);
    if (strncmp(section, "vpc ", 4) == 0)
        buf_printf(&key, "vpc.%s.%s", section + 4, name);
    else
        buf_printf(&key, "%s%s%s", section, *section ? "." : "", name);
    char at[WHERE_MAX];
    config_add(source->input, buf_str(&key), str_of(value), CONFIG_FILE, where(source, source->line, at),
               source->errors);
    buf_fini(&key);
    return 1;
}

void config_file_parse(struct config_input *input, struct str text, const char *path, struct config_errors *errors)
{
    struct source source = { .input = input, .errors = errors, .path = path, .rest = text };
    ini_use_stack = false;
    ini_allow_realloc = false;
    ini_max_line = CONFIG_LINE_MAX + 8;
    ini_initial_alloc = CONFIG_LINE_MAX + 8;
    ini_allow_multiline = false;
    int line = ini_parse_stream(read_line, &source, on_setting, &source);
    char at[WHERE_MAX];
    if (line > 0)
        config_add_error(errors, where(&source, (unsigned)line, at),
                         "neither `key = value` nor `[section]` nor a comment");
    else if (line < 0)
        config_add_error(errors, path, "out of memory");
}

/* Reads up to CONFIG_FILE_MAX + 1 bytes. 0 or -errno. */
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
        if (n <= 0 || ret_text->n > CONFIG_FILE_MAX)
            break;
        buf_put(ret_text, block, (size_t)n);
    }
    close(fd);
    return r;
}

void config_file_read(struct config_input *input, const char *path, struct config_errors *errors)
{
    struct buf text;
    buf_init(&text, CONFIG_FILE_MAX + 8192);
    int r = read_all(path, &text);
    if (r < 0)
        config_add_error(errors, path, "%s", strerror(-r));
    else if (text.n > CONFIG_FILE_MAX)
        config_add_error(errors, path, "larger than 1MiB");
    else if (text.failed)
        config_add_error(errors, path, "out of memory");
    else
        config_file_parse(input, buf_str(&text), path, errors);
    buf_fini(&text);
}
