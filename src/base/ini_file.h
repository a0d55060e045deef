/* SPDX-License-Identifier: Apache-2.0
 *
 * Configuration files of the INI kind, read by inih: `[section]`, `key = value`; comments start with # or ; at the
 * start of a line, or with ; behind a blank. Lines are counted, and what inih would cut in silence is refused. Main
 * thread only: inih keeps its settings in globals. */
#pragma once

#include "base/buf.h"

#define INI_FILE_MAX (1 << 20) /* bytes */
#define INI_FILE_LINE_MAX 4000

/* What the reader tells. `line` counts from 1; of a fault of the whole file it is 0. Strings live until the function
 * returns. */
struct ini_file_events {
    void (*on_pair)(void *arg, unsigned line, const char *section, const char *key, const char *value);
    void (*on_fault)(void *arg, unsigned line, const char *what);
    void *arg;
};

/* Reads the text; faults are told and reading goes on. */
void ini_file_parse(struct str text, const struct ini_file_events *events);
/* The same of a file on disk; one that cannot be read is a fault, too. */
void ini_file_read(const char *path, const struct ini_file_events *events);
