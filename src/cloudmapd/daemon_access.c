/* SPDX-License-Identifier: Apache-2.0
 *
 * See daemon_access.h. */
#include "cloudmapd/daemon_access.h"

#include "admin/admin_audit.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define KEY_FILE_NAME "secret.key"

int daemon_access_open_vault(const struct config *config, struct registry *registry, struct vault **ret_vault,
                             struct vault_message *ret_message)
{
    char path[PATH_MAX];
    const char *credentials = getenv("CREDENTIALS_DIRECTORY");
    struct vault_config vault = { .path = path, .audit = admin_audit_change };
    if (config->auth_key_file) {
        vault.path = config->auth_key_file;
    } else if (credentials && *credentials) {
        snprintf(path, sizeof(path), "%s/" KEY_FILE_NAME, credentials);
        vault.is_given = access(path, F_OK) == 0;
    }
    if (vault.path == path && !vault.is_given)
        snprintf(path, sizeof(path), "%s/" KEY_FILE_NAME, config->store_path);
    return vault_open(&vault, registry, ret_vault, ret_message);
}
