/* SPDX-License-Identifier: Apache-2.0
 *
 * The body of a Query protocol call (EC2, STS): name=value pairs, percent-encoded. Usable from any thread. */
#pragma once

#include "base/buf.h"

/* Appends a pair, `&` in front unless it is the first. Errors are the buf's sticky error. */
void form_add(struct buf *form, struct str name, struct str value);
/* Appends percent-encoded text; for a name or value that is put together. */
void form_encode(struct buf *form, struct str text);
