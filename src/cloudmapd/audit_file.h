/* SPDX-License-Identifier: Apache-2.0
 *
 * The audit trail as a file of one record a line, for programs that follow files: a thread that follows the trail in
 * the store and writes what is new, flushed. The file is renamed when it is full (FILE.1, FILE.2 ...). Where it stands
 * is kept beside the store; after a crash some of the last records may stand there twice. While it cannot be written
 * and is more than `lag_max` records behind, the registry refuses changes, since the store lets old records go. */
#pragma once

#include "registry/registry.h"

struct audit_file;

struct audit_file_config {
    const char *path, *data; /* the file; the store's directory. Copied */
    uint64_t max_bytes;      /* of one file */
    unsigned n_files;        /* with the present one */
    uint64_t lag_max;        /* records; 0: it may lag for ever */
    struct registry *registry;
};

/* The file is opened, and made with mode 0600, at once: 0, or -errno. */
int audit_file_start(const struct audit_file_config *config, struct audit_file **ret_file);
/* Writes what there is, then ends. Before the registry is closed. Accepts NULL. */
void audit_file_stop(struct audit_file *take_file);
