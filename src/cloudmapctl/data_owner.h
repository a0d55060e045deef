/* SPDX-License-Identifier: Apache-2.0
 *
 * Whose the files of a data directory are. One thread. */
#pragma once

/* What root made in the directory becomes its owner's, or a daemon that runs as that user could not open it. Does
 * nothing for others than root; says on stderr what it cannot give. */
void data_owner_give(const char *data);
