/* SPDX-License-Identifier: Apache-2.0
 *
 * SIGINT and SIGTERM: the first one asks the controller to stop when its round is finished, and says so in the log at
 * once; a second one ends the process. A thread of its own; all threads made after signals_start leave these signals to
 * it. */
#pragma once

struct signals;

/* 0 or -errno. */
int signals_start(struct signals **ret_signals);
/* A descriptor that becomes and stays readable with the first signal. */
int signals_stop_fd(const struct signals *signals);
/* Ends the thread; accepts NULL. The signals stay blocked. */
void signals_end(struct signals *signals);
