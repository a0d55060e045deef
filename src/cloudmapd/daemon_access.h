/* SPDX-License-Identifier: Apache-2.0
 *
 * Access at start: the key file that the store's secrets are sealed under. Main thread. */
#pragma once

#include "auth/vault.h"
#include "cloudmapd/config.h"

/* The key file: auth.key_file; else `secret.key` among the credentials that the service manager gives
 * ($CREDENTIALS_DIRECTORY); else `secret.key` in the store's directory. As vault_open. */
int daemon_access_open_vault(const struct config *config, struct registry *registry, struct vault **ret_vault,
                             struct vault_message *ret_message);
