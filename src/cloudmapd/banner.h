/* SPDX-License-Identifier: Apache-2.0
 *
 * What a person who starts cloudmapd by hand sees when it is ready: where it is, what it believes, lines to paste. */
#pragma once

#include "admin/endpoint.h"
#include "base/buf.h"
#include "cloudmapd/config.h"

/* `endpoint` is that of the first address, `addresses` are all, `dns` those
 * of the DNS server, `data` is the absolute path of the store's directory.
 */
void banner_write(struct buf *buf, const struct config *config, const struct endpoint *endpoint, const char *addresses,
                  struct str dns, const char *data);
