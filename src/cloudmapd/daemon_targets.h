/* SPDX-License-Identifier: Apache-2.0
 *
 * What health checks may connect to, from the configuration and from what the daemon itself serves. */
#pragma once

#include "cloudmapd/config.h"
#include "model/target_address.h"

#include <stdatomic.h>

#define DAEMON_TARGETS_MAX_PORTS 128

struct daemon_targets {
    struct arena arena;          /* of the lists */
    struct target_policy policy; /* points into here: not to be moved once in use */
    uint16_t own_ports[DAEMON_TARGETS_MAX_PORTS];
    atomic_size_t n_own_ports;
};

/* 0 or -ENOMEM. */
int daemon_targets_init(struct daemon_targets *targets, const struct config *config);
/* Of one that was never filled, too. */
void daemon_targets_fini(struct daemon_targets *targets);
/* Another address (HOST:PORT) that the daemon serves: its port is refused on every address of this machine. One thread;
 * others may look meanwhile. */
void daemon_targets_own(struct daemon_targets *targets, const char *address);
