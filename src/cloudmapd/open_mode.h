/* SPDX-License-Identifier: Apache-2.0
 *
 * The rule of open mode: a daemon without access keys believes everybody, so it listens on loopback addresses only. */
#pragma once

#include "cloudmapd/config.h"

/* Each address of api.listen and tls.listen that is not loopback, or does not resolve, becomes an error. Resolves
 * names: may block. */
void open_mode_check(const struct config *config, struct config_errors *errors);
/* The same of passed sockets: 0, or 1 with a sentence in `why`. */
int open_mode_check_sockets(const int *fds, size_t n, char *why, size_t size);
