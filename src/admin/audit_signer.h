/* SPDX-License-Identifier: Apache-2.0
 *
 * Signs where the audit trail stands: the registry's signer. A checkpoint is a record of the trail, and so in the audit
 * file, and a line of the log: what leaves the machine in one of them finds a trail that was cut off or made anew. */
#pragma once

#include "auth/seal.h"
#include "registry/registry.h"

/* `seal` outlives the registry's writer. */
struct registry_signer audit_signer_of(const struct seal *seal);
