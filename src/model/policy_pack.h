/* SPDX-License-Identifier: Apache-2.0
 *
 * A compiled policy as one block, so that the registry can keep and drop it as it does every value. One thread. */
#pragma once

#include "model/policy.h"

/* A copy with everything that the draft's slices and arrays point to; free with policy_free or mem_free. NULL when
 * memory is out. */
struct policy *policy_pack_dup(const struct policy *draft);
