/* SPDX-License-Identifier: Apache-2.0
 *
 * Memory that holds a secret: copied no more often than needed, and overwritten before it is given back. Usable from
 * any thread. */
#pragma once

#include "base/buf.h"

/* A copy with a NUL behind it; NULL when memory is out. */
char *secret_dup(struct str s);
/* Overwrites and frees; accepts NULL. */
void secret_free(char *secret);
/* Overwrites the memory of a buffer and frees it. What an earlier growth has left elsewhere is out of reach: reserve
 * before a secret goes in. */
void secret_fini_buf(struct buf *buf);
/* A small regular file as a whole, into a buffer that this initialises and the caller gives to secret_fini_buf. 0;
 * -errno of the system; -EFBIG: larger than max; -ENODEV: no regular file. After an error there is nothing to free. */
int secret_read_file(const char *path, size_t max, struct buf *ret_text);
