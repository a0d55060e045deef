/* SPDX-License-Identifier: Apache-2.0
 *
 * Why a signature was refused, in the words that AWS uses and that people look up. Text of the request enters them as
 * printable ASCII, cut to a length. Any thread. */
#pragma once

#include "auth/authenticate.h"

/* `result` is the verifier's. Returns the authenticate_result, or -ENOMEM; the message is in the arena, absent when the
 * default of the error says all. */
int refusal_describe(int result, const struct verifier_request *request, const struct verifier_options *options,
                     const struct verifier_claim *claim, int64_t now_s, struct arena *arena, struct str *ret_message);
