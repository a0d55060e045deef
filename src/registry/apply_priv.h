/* SPDX-License-Identifier: Apache-2.0
 *
 * What the apply files share. Each check returns 0 or a change_result and changes nothing; each effect does what was
 * checked just before. A failed allocation shows in apply->edit.failed. */
#pragma once

#include "base/mem.h"
#include "registry/apply.h"
#include "registry/record.h"
#include "registry/rules.h"
#include "registry/tenure.h"
#include "registry/zone.h"

/* A check that finds the change already done (an idempotent repetition): change->operation_id is the old one. */
enum {
    APPLY_REPEATED = -1000000,
    APPLY_HELD, /* the guard lets the change wait until somebody decides */
};

/* An operation that fails although it was accepted. */
struct apply_outcome {
    struct str error_code, error_message; /* absent: SUCCESS */
};

/* The tenant, made when it is new, as a copy that this edit may change. NULL when memory is out. */
struct tenant *apply_own_tenant(struct apply *apply, struct str account, struct str region);
/* A node of this edit that may be changed in place; apply_put_service makes the change visible. */
struct service_node *apply_own_service(struct apply *apply, const struct service_node *node);
void apply_put_service(struct apply *apply, struct tenant *tenant, struct service_node *node);
/* The same for a node whose record is as it was: the revision stays. */
void apply_keep_service(struct apply *apply, struct tenant *tenant, struct service_node *node);

/* The node's place among the DNS names is renewed at the end of the commit. */
void apply_stale_owner(struct apply *apply, struct service_node *node);
/* Renews it now, or takes it out. */
void apply_renew_owner(struct apply *apply, const struct service_node *node);

/* Puts a record; returns its sum. */
uint32_t apply_put_record(struct apply *apply, const struct record_key *key, uint32_t old_sum);
void apply_del_record(struct apply *apply, const struct record_key *key, uint32_t old_sum);

/* To be logged when the commit is done. `service` and `why` live as long as what it replaces. */
void apply_tell(struct apply *apply, enum log_id event, const struct service *service, struct str instance_id,
                struct str why);

/* Operations */
void apply_put_operation(struct apply *apply, struct tenant *tenant, const struct operation *draft);
/* The operation belongs into this commit's record; `old`, if of this commit too, does not any more. */
void apply_add_new_operation(struct apply *apply, struct operation *operation, const struct operation *old);
void apply_add_deadline(struct apply *apply, const struct deadline *draft);
void apply_del_deadline(struct apply *apply, const struct deadline *named);

/* Namespaces */
int apply_check_create_namespace(struct apply *apply, const struct tenant *tenant, struct change *change);
void apply_create_namespace(struct apply *apply, struct tenant *tenant, struct change *change,
                            const struct id_operation *operation, struct apply_outcome *outcome);
int apply_check_delete_namespace(struct apply *apply, const struct tenant *tenant, struct change *change);
void apply_delete_namespace(struct apply *apply, struct tenant *tenant, struct change *change);
int apply_check_update_namespace(struct apply *apply, const struct tenant *tenant, struct change *change);
void apply_update_namespace(struct apply *apply, struct tenant *tenant, struct change *change);

/* Puts a changed copy in the place of a namespace. */
void apply_replace_namespace(struct apply *apply, struct tenant *tenant, const struct namespace *old,
                             const struct namespace *draft);

/* Shared namespaces */
int apply_share(struct apply *apply, struct change *change);
/* Puts the compiled policy of a namespace into its place. 0, -ENOMEM, or POLICY_INVALID: then nothing was placed. */
int apply_place_share(struct apply *apply, const struct tenant *tenant, struct str namespace_id, struct str document,
                      struct arena *arena);
void apply_drop_share(struct apply *apply, const struct tenant *tenant, struct str namespace_id, struct arena *arena);
/* Whoever a namespace is shared with may change what is theirs: 0, or CHANGE_NOT_YOURS with its text. The first is for
 * changes that waited, since it may be unshared by now; NULL: it is gone, which other checks say. */
int apply_check_still_shared(const struct namespace *ns, struct change *change);
int apply_check_service_creator(const struct service *service, struct change *change);
int apply_check_instance_creator(const struct instance *instance, struct change *change);
/* 0, or CHANGE_INVALID_INPUT: an update would touch instances of other accounts than the caller's. */
int apply_check_instance_creators(const struct namespace *ns, const struct service_node *node, struct change *change);

/* Services */
/* A changed copy of the configuration in its place. */
void apply_replace_config(struct apply *apply, const struct service_node *old, const struct service *draft);
int apply_create_service(struct apply *apply, struct change *change);
int apply_delete_service(struct apply *apply, struct change *change);
int apply_check_update_service(struct apply *apply, const struct tenant *tenant, struct change *change);
void apply_update_service(struct apply *apply, struct tenant *tenant, struct change *change);
int apply_service_attributes(struct apply *apply, struct change *change);
int apply_tags(struct apply *apply, struct change *change);

/* Keys, users and roles */
int apply_access(struct apply *apply, struct change *change);
/* May the document stand in the state? What is refused names the line. */
int apply_check_document(struct change *change, const char *what, struct str document, enum policy_kind kind);
/* The edit owns what it compiles. 0, -ENOMEM, or POLICY_INVALID for what no apply_check_document has seen. */
int apply_compile(struct apply *apply, struct str document, enum policy_kind kind, const struct policy **ret);
/* Puts a copy of the draft into its place, whatever stood there. */
void apply_place_key(struct apply *apply, const struct access_key *draft);
/* With its documents compiled. 0, -ENOMEM, or POLICY_INVALID: then nothing was placed. */
int apply_place_identity(struct apply *apply, const struct identity *draft);

/* Instances */
/* Puts an instance into the trees of a node that may be changed, in the place of its older self. */
void apply_place_instance(struct apply *apply, struct service_node *node, struct instance *instance);
/* The node's configuration is another one: which statuses still stand, and who is served? */
void apply_review_instances(struct apply *apply, struct service_node *node);
int apply_check_register(struct apply *apply, const struct tenant *tenant, struct change *change);
/* A registration that was found to be done already: a sign of life. */
void apply_repeat_registration(struct apply *apply, const struct tenant *tenant, const struct change *change);
void apply_register(struct apply *apply, struct tenant *tenant, struct change *change,
                    const struct id_operation *operation);
int apply_check_deregister(struct apply *apply, const struct tenant *tenant, struct change *change);
void apply_deregister(struct apply *apply, struct tenant *tenant, struct change *change);
int apply_probe_health(struct apply *apply, struct change *change);
int apply_custom_health(struct apply *apply, struct change *change);
void apply_due_health(struct apply *apply, const struct deadline *deadline);
/* Puts an adopted instance and its record, tenure included, in the place of `old` (or of nothing). */
void apply_put_instance(struct apply *apply, struct service_node *node, struct instance *instance,
                        const struct instance *old);

/* The guard */
/* An instance takes the place of another one (either may be NULL): was one lost, or is one back? */
void apply_note_presence(struct apply *apply, struct service_node *node, const struct instance *old,
                         const struct instance *fresh);
/* Would the loss of this instance (or NULL) be one too many? */
bool apply_is_mass_loss(const struct apply *apply, const struct service_node *node, const struct instance *instance);
/* CHANGE_IN_USE with its text, or -ENOMEM. */
int apply_refuse_loss(struct apply *apply, const struct service_node *node, struct change *change);
/* 0, APPLY_HELD, or why the change is refused. */
int apply_guard_change(struct apply *apply, const struct tenant *tenant, struct change *change);
/* Leaves the change to whoever decides. */
void apply_hold(struct apply *apply, const struct tenant *tenant, const struct change *change,
                struct operation *operation);
/* The held operation fails. */
void apply_end_held(struct apply *apply, struct tenant *tenant, const struct operation *held, struct str why);
/* The held operation is done now. */
void apply_release_operation(struct apply *apply, struct tenant *tenant, const struct operation *held);
int apply_guard_release(struct apply *apply, struct change *change, bool release);

/* Tenures; `instance_id` must not point into the tenure itself. */
void apply_put_tenure(struct apply *apply, struct service_node *node, struct str instance_id,
                      const struct tenure *draft);
void apply_drop_tenure(struct apply *apply, struct service_node *node, struct str instance_id);
/* Does the registration ask for what is registered, by whatever token? An operator's drain does not count. */
bool apply_has_attributes(const struct instance *old, const struct change *change);
/* Begins the instance's lease anew; what ran out is served again, by other blocks: look again. False without a lease.
 */
bool apply_renew(struct apply *apply, const struct service_node *node, const struct instance *instance);
int apply_renew_named(struct apply *apply, struct change *change);
/* The lease is over: the instance is UNHEALTHY, held or not. */
void apply_expire_lease(struct apply *apply, const struct service_node *seen, const struct instance *instance);
int apply_drain(struct apply *apply, struct change *change);
int apply_undrain(struct apply *apply, struct change *change);
void apply_due_tenure(struct apply *apply, const struct deadline *deadline);
