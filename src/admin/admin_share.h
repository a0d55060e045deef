/* SPDX-License-Identifier: Apache-2.0
 *
 * Commands that share a namespace with other accounts: each is a row of the table in admin_access.c, on its thread, and
 * returns 0 with its answer written, or 1 when the request is refused. */
#pragma once

struct admin_request;

/* `policy share`: with the account `consumer`, or as the document says, in the place of what was there. */
int admin_share_set(struct admin_request *request);
/* `policy unshare` */
int admin_share_end(struct admin_request *request);
/* `policy shares`: of all accounts */
int admin_share_list(struct admin_request *request);
