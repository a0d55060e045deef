/* SPDX-License-Identifier: Apache-2.0
 *
 * The key file, and the secrets of a store that are sealed under its key. The file holds 64 hex digits; it is the
 * user's alone (mode 0600), unless the service manager gives it. Beside it `FILE.new` may stand: the key that secrets
 * change over to. Both open. Changing over is three steps, and whatever comes between them the next start goes on from
 * there: make FILE.new; seal all secrets again, in one commit; rename FILE.new to FILE.
 *
 * One thread at a time; vault_seal's ring may be used beside it. */
#pragma once

#include "auth/seal.h"
#include "registry/registry.h"

#include <limits.h>

struct vault;

struct vault_message {
    char text[PATH_MAX + 512];
};

enum vault_result {
    VAULT_BAD_FILE = 1, /* of the wrong owner, mode or form, unreadable, or it cannot be made */
    VAULT_WRONG_KEY,    /* the store's secrets are sealed under another key */
    VAULT_BUSY,         /* keys came and went meanwhile; nothing was changed */
    VAULT_REFUSED,      /* the registry did not take the change */
};

struct vault_config {
    const char *path;
    bool is_given; /* by the service manager: its owner and mode are not judged, and it is not renamed */
    /* What the audit trail says of the change to another key: the change's own member; NULL: nothing. */
    void (*audit)(const struct change *change, int64_t wall_ms, struct buf *text);
};

/* Reads what there is of the key files, and finds out which key is the registry's. Without a file one is made, unless
 * secrets are sealed under a lost key. 0, VAULT_BAD_FILE, VAULT_WRONG_KEY or -ENOMEM. */
int vault_open(const struct vault_config *config, struct registry *registry, struct vault **ret_vault,
               struct vault_message *ret_message);
void vault_free(struct vault *vault); /* accepts NULL */

/* The keys of FILE and FILE.new into `seal`, without a registry, and nothing is made: for what is derived from them. 0,
 * also when there is no file, or VAULT_BAD_FILE. */
int vault_read_keys(const struct vault_config *config, struct seal *seal, struct vault_message *ret_message);

/* As long as the vault. */
const struct seal *vault_seal(const struct vault *vault);

/* The record that a key's secret is sealed for. The absent slice when the arena is exhausted. */
struct str vault_record(struct arena *arena, struct str access_key_id);

/* Changes over to FILE.new, which is made unless it is there. *ret_n is the number of secrets. 0, -errno, or a
 * condition with its message. */
int vault_rewrap(struct vault *vault, size_t *ret_n, struct vault_message *ret_message);
