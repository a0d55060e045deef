/* SPDX-License-Identifier: Apache-2.0
 *
 * The configuration file (base/ini_file.h says its form). `[section]` and `key = value` give section.key; `[vpc vpc-1]`
 * and `cidr = ...` give vpc.vpc-1.cidr; what stands before the first section is a whole key (`compat = aws`). Main
 * thread only. */
#pragma once

#include "cloudmapd/config.h"

/* Adds the settings in `text`; `path` is what messages call it. */
void config_file_parse(struct config_input *input, struct str text, const char *path, struct config_errors *errors);
/* The same of a file on disk; one that cannot be read is an error too. */
void config_file_read(struct config_input *input, const char *path, struct config_errors *errors);
