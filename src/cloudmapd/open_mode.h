/* SPDX-License-Identifier: Apache-2.0
 *
 * The rule of open mode: a daemon without access keys believes everybody, so it listens on loopback addresses only. */
#pragma once

#include "cloudmapd/config.h"

/* Each address of api.listen that is not loopback, or does not resolve, becomes an error. Resolves names: may block. */
void open_mode_check(const struct config *config, struct config_errors *errors);
