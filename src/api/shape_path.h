/* SPDX-License-Identifier: Apache-2.0
 *
 * Where in an input a value stands, as text for messages. A path is a chain on the stack of the function that walks
 * the input; it owns nothing. Usable from any thread. */
#pragma once

#include "base/buf.h"

/* Echoed text is cut here: enough to recognise a value, too little to fill logs with. */
#define SHAPE_PATH_MAX_ECHO 256
#define SHAPE_PATH_CUT SIZE_MAX

struct shape_path {
    const struct shape_path *up; /* NULL: a member of the request itself */
    struct str name;             /* of a member or map key; absent for a list element */
    size_t index;                /* of a list element, from 1 */
};

/* Appends `DnsConfig.DnsRecords.1.member.Type`. `lower_camel`: `dnsConfig.dnsRecords.1.member.type`, as messages of
 * InvalidInput have it. */
void shape_path_put(struct buf *buf, const struct shape_path *path, bool lower_camel);

/* Appends at most *left bytes of UTF-8 text, control characters as `?`; `...` at the cut. *left becomes what remains,
 * SHAPE_PATH_CUT after a cut: then nothing more is appended. */
void shape_path_put_text(struct buf *buf, struct str text, size_t *left);
