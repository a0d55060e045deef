/* SPDX-License-Identifier: Apache-2.0
 *
 * Pairs of the file as settings, faults as errors with their place. */
#include "cloudmapd/config_file.h"
#include "base/ini_file.h"

#include <stdio.h>

#define WHERE_MAX 512

struct source {
    struct config_input *input;
    struct config_errors *errors;
    const char *path;
};

static const char *where(const struct source *source, unsigned line, char ret[WHERE_MAX])
{
    snprintf(ret, WHERE_MAX, "%.400s:%u", source->path, line);
    return ret;
}

static void on_pair(void *arg, unsigned line, const char *section, const char *name, const char *value)
{
    struct source *source = arg;
    struct buf key;
    buf_init(&key, INI_FILE_LINE_MAX * 2);
    if (strncmp(section, "vpc ", 4) == 0)
        buf_printf(&key, "vpc.%s.%s", section + 4, name);
    else if (strncmp(section, "transfer ", 9) == 0)
        buf_printf(&key, "transfer.%s.%s", section + 9, name);
    else
        buf_printf(&key, "%s%s%s", section, *section ? "." : "", name);
    char at[WHERE_MAX];
    config_add(source->input, buf_str(&key), str_of(value), CONFIG_FILE, where(source, line, at), source->errors);
    buf_fini(&key);
}

static void on_fault(void *arg, unsigned line, const char *what)
{
    struct source *source = arg;
    char at[WHERE_MAX];
    config_add_error(source->errors, line ? where(source, line, at) : source->path, "%s", what);
}

void config_file_parse(struct config_input *input, struct str text, const char *path, struct config_errors *errors)
{
    struct source source = { .input = input, .errors = errors, .path = path };
    ini_file_parse(text, &(struct ini_file_events){ .on_pair = on_pair, .on_fault = on_fault, .arg = &source });
}

void config_file_read(struct config_input *input, const char *path, struct config_errors *errors)
{
    struct source source = { .input = input, .errors = errors, .path = path };
    ini_file_read(path, &(struct ini_file_events){ .on_pair = on_pair, .on_fault = on_fault, .arg = &source });
}
