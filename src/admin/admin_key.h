/* SPDX-License-Identifier: Apache-2.0
 *
 * Commands for access keys: each is a row of the table in admin_access.c, on its thread, and returns 0 with its answer
 * written, or 1 when the request is refused. */
#pragma once

struct admin_request;

/* `key create`: the one answer that has the secret. */
int admin_key_create(struct admin_request *request);
/* `key list`: of one account, or of all. */
int admin_key_list(struct admin_request *request);
/* `key disable` */
int admin_key_disable(struct admin_request *request);
/* `key enable` */
int admin_key_enable(struct admin_request *request);
/* `key delete` */
int admin_key_delete(struct admin_request *request);
/* `key rewrap`: seals all secrets under the key that is in use now. */
int admin_key_rewrap(struct admin_request *request);
