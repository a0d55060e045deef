/* SPDX-License-Identifier: Apache-2.0
 *
 * `cloudmapctl doctor`: tests the path from clients on this machine to the daemon, and says what to do. */
#pragma once

#include "cloudmapctl/ctl.h"

/* 0 when every check passed or only warned; 1 otherwise. */
int doctor_run(const struct ctl *ctl);
