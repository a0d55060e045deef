/* SPDX-License-Identifier: Apache-2.0
 *
 * seccomp: which system calls a process and its threads to come can make. Private to the sandbox; before threads start.
 */
#pragma once

#include <stdbool.h>

/* Sanitizers trace, fork and read more than any list of ours would allow: programs built with them have no filter. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANDBOX_CALLS_POSSIBLE false
#else
#define SANDBOX_CALLS_POSSIBLE true
#endif

/* From now on: any other call ends the process (SIGSYS), or is logged by the kernel only. 0 or -errno. */
int sandbox_calls_restrict(bool kills);
