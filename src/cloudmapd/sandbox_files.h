/* SPDX-License-Identifier: Apache-2.0
 *
 * Landlock: which files a process and its threads to come can reach. Private to the sandbox; before threads start. */
#pragma once

#include <stdbool.h>

struct sandbox_files {
    int fd;  /* the rules that are being gathered; -1: the kernel has none */
    int abi; /* of the kernel; 0: no Landlock */
};

/* Nothing is allowed yet. 0 also when the kernel has no Landlock, or -errno. */
int sandbox_files_begin(struct sandbox_files *files);
/* Everything at and below the path; what is not there is passed over. 0 or -errno. */
int sandbox_files_allow(const struct sandbox_files *files, const char *path, bool writes);
/* From now on. Needs NO_NEW_PRIVS. 0 or -errno. */
int sandbox_files_end(struct sandbox_files *files);
