/* SPDX-License-Identifier: Apache-2.0
 *
 * The configuration file: INI, read by inih. `[section]` and `key = value` give section.key; `[vpc vpc-1]` and
 * `cidr = ...` give vpc.vpc-1.cidr; what stands before the first section is a whole key (`compat = aws`). Comments
 * start with # or ; at the start of a line, or with ; behind a blank. Main thread only: inih keeps its settings in
 * globals. */
#pragma once

#include "cloudmapd/config.h"

#define CONFIG_FILE_MAX (1 << 20) /* bytes */
#define CONFIG_LINE_MAX 4000

/* Adds the settings in `text`; `path` is what messages call it. */
void config_file_parse(struct config_input *input, struct str text, const char *path, struct config_errors *errors);
/* The same of a file on disk; one that cannot be read is an error too. */
void config_file_read(struct config_input *input, const char *path, struct config_errors *errors);
