/* SPDX-License-Identifier: Apache-2.0
 *
 * The service manager's notification protocol (sd_notify(3)): one datagram with NAME=VALUE lines to the socket that
 * NOTIFY_SOCKET names. Without that variable nothing happens. Main thread. */
#pragma once

#include <stdint.h>

/* Lines such as "READY=1\nSTATUS=serving". 0, also when nobody listens; -errno. */
int sd_notify_send(const char *state);

/* Half the period of the watchdog that the service manager asked for (WATCHDOG_USEC for this process), in milliseconds,
 * or 0. */
int64_t sd_notify_watchdog_ms(void);
