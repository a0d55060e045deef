/* SPDX-License-Identifier: Apache-2.0
 *
 * Commands for users and roles, and for the policies attached to them: each is a row of the table in admin_access.c, on
 * its thread, and returns 0 with its answer written, or 1 when the request is refused. */
#pragma once

struct admin_request;

/* `user create` and `role create` */
int admin_identity_create(struct admin_request *request);
/* `user delete` and `role delete` */
int admin_identity_delete(struct admin_request *request);
/* `user list`: of one account, or of all. */
int admin_identity_users(struct admin_request *request);
/* `role list`, likewise */
int admin_identity_roles(struct admin_request *request);
/* `policy attach`: a managed policy, or the document under that name. */
int admin_identity_attach(struct admin_request *request);
/* `policy detach` */
int admin_identity_detach(struct admin_request *request);
/* `policy list`: of a user or role; without one, those that can be attached by their name. */
int admin_identity_policies(struct admin_request *request);
