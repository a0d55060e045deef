/* SPDX-License-Identifier: Apache-2.0
 *
 * What must hold between the index of DNS names and the rest of a snapshot. */
#pragma once

#include "registry/zone.h"

/* Every DNS namespace is a zone and nothing else is; every service with records stands in it, under records that are as
 * if made anew; counts of what is below are right; ids that are not plain are in their service's tree. */
void zones_check(const struct snapshot *snapshot);
