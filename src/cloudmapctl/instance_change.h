/* SPDX-License-Identifier: Apache-2.0
 *
 * What commands that change one instance share: SERVICE and INSTANCE are their first two words. One thread. */
#pragma once

#include "cloudmapctl/ctl.h"
#include "json/writer.h"

/* The request's members up to the instance; the caller adds others and closes the object. */
void instance_change_open(struct buf *buf, struct json_writer *writer, const struct ctl *ctl);
/* Sends it to the resource of the admin socket, and prints the instance and what was done. Frees the body. The exit
 * code. */
int instance_change_send(const struct ctl *ctl, const char *path, struct buf *take_body, const char *done);
