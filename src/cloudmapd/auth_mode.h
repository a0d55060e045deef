/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether calls must be signed (auth.mode), which is decided once, at start: a daemon that is open believes everybody,
 * so it listens on loopback addresses only; one that asks for signatures needs a key to begin with where it listens
 * elsewhere. */
#pragma once

#include "cloudmapd/config.h"
#include "cloudmapd/root_key.h"
#include "cloudmapd/sd_listen.h"

/* Addresses of api.listen and tls.listen that do not resolve become errors, and those that auth.mode = open does not
 * allow. Resolves names: may block. */
void auth_mode_check(const struct config *config, struct config_errors *errors);
/* `found`: the access keys. 0, and whether calls must be signed; or 1 with the reason and the ways out in
 * `why`. Resolves names. */
int auth_mode_decide(const struct config *config, const struct sd_listen *passed, struct root_key_found found,
                     bool *ret_is_required, char *why, size_t size);
