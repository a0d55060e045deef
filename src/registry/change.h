/* SPDX-License-Identifier: Apache-2.0
 *
 * What may happen to the registry. A change is filled by whoever wants it (API, admin, health, restart), handed to the
 * writer, checked against the newest state, and answered. All slices are borrowed from the owner until the change is
 * answered; results live in the change and in its arena.
 *
 * change_encode and change_decode keep an asynchronous change in its operation's record while the operation waits. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/queue.h"
#include "model/access_key.h"
#include "model/identity.h"
#include "model/instance.h"
#include "model/namespace.h"
#include "model/operation.h"
#include "model/service.h"
#include "registry/tenure.h"

enum change_kind {
    CHANGE_CREATE_NAMESPACE,
    CHANGE_DELETE_NAMESPACE,
    CHANGE_UPDATE_NAMESPACE,
    CHANGE_CREATE_SERVICE,
    CHANGE_UPDATE_SERVICE,
    CHANGE_DELETE_SERVICE,
    CHANGE_PUT_SERVICE_ATTRIBUTES,
    CHANGE_DEL_SERVICE_ATTRIBUTES,
    CHANGE_REGISTER_INSTANCE,
    CHANGE_DEREGISTER_INSTANCE,
    CHANGE_CUSTOM_HEALTH,
    CHANGE_PROBE_HEALTH,
    CHANGE_RENEW,   /* the instance's lease */
    CHANGE_DRAIN,   /* an operator's: keeps the registration as it is, but for the attribute that tells the reason */
    CHANGE_UNDRAIN, /* done when the instance does not drain */
    CHANGE_GUARD_RELEASE, /* what the guard holds: of a service or one instance of it, or (no service_id) everything */
    CHANGE_GUARD_CANCEL,
    CHANGE_TAG,
    CHANGE_UNTAG,
    CHANGE_REVISION, /* of nothing here: what DNS zones show of names elsewhere is another, and needs a new serial */
    CHANGE_CREATE_KEY,
    CHANGE_UPDATE_KEY,
    CHANGE_DELETE_KEY,
    CHANGE_RESEAL_KEYS,
    CHANGE_CREATE_IDENTITY,
    CHANGE_DELETE_IDENTITY,
    CHANGE_ATTACH_POLICY,
    CHANGE_DETACH_POLICY,
    CHANGE_SHARE,
    CHANGE_UNSHARE,
    CHANGE_KIND_COUNT
};

/* How a change ended. 0 is done (or accepted, for an operation that waits); negative is -errno. */
enum change_result {
    CHANGE_INVALID_INPUT = 1, /* message */
    CHANGE_NAMESPACE_NOT_FOUND,
    CHANGE_SERVICE_NOT_FOUND,
    CHANGE_INSTANCE_NOT_FOUND,
    CHANGE_RESOURCE_NOT_FOUND, /* tags */
    CHANGE_CUSTOM_HEALTH_NOT_FOUND,
    CHANGE_NAMESPACE_EXISTS,    /* existing_id, existing_token */
    CHANGE_SERVICE_EXISTS,      /* existing_id, existing_token */
    CHANGE_DUPLICATE_REQUEST,   /* message, operation_id of the running one */
    CHANGE_IN_USE,              /* message */
    CHANGE_LIMIT,               /* message */
    CHANGE_TOO_MANY_TAGS,       /* message */
    CHANGE_TOO_MANY_ATTRIBUTES, /* message */
    CHANGE_STORE_FULL,          /* the disk is full: may be tried again */
    CHANGE_STORE_LOST,          /* the store refuses writes until the daemon is restarted */
    CHANGE_AUDIT_BEHIND,        /* the audit file lags too far: may be tried again */
    CHANGE_OVERLOADED,          /* too many changes wait, or the registry stops */
    CHANGE_ACCESS_EXISTS,       /* message */
    CHANGE_NOT_YOURS,           /* message: another account made it */
    CHANGE_SEAL_CHANGED,        /* secrets are sealed under another key by now: seal again */
};

/* What probes found of one registration. */
struct change_verdict {
    struct str account, region, service_id, instance_id;
    int64_t create_ms; /* of the registration that was probed; another one of that id is left alone */
    enum health_status health;
};

struct change {
    struct queue_item item; /* first: the queue's */
    enum change_kind kind;
    struct str account, region;
    struct str caller; /* the account that asks, when the namespace is shared with it; absent: the tenant's own */
    struct str action; /* API action, for the operation */

    /* What it acts on: bare ids. */
    struct str namespace_id, service_id, instance_id;
    /* Set by the writer: when the service was made, 0 without one. A service made again has the id of the old one. */
    int64_t service_create_ms;

    /* CREATE_NAMESPACE: kind, name, description, vpc, creator_request_id, soa_ttl, tags.
     * UPDATE_NAMESPACE: kind (what the caller took it for), description (absent: keep), soa_ttl (-1: keep). */
    struct namespace ns;

    /* CREATE_SERVICE: name, namespace_id, description, creator_request_id, type, dns, check, tags; `type_given`.
     * UPDATE_SERVICE: description (absent: keep); records and check replace what is there. */
    struct service service;
    bool type_given;

    /* REGISTER_INSTANCE: creator_request_id and attributes (any order; sorted in place). */
    struct str_pair *attributes;
    size_t n_attributes;
    struct str creator_request_id;

    enum health_status health; /* CUSTOM_HEALTH */

    /* PROBE_HEALTH: of any tenants. Those whose instance or check is gone are passed over: the result is 0. */
    const struct change_verdict *verdicts;
    size_t n_verdicts;
    /* DRAIN */
    struct str reason;
    int64_t drain_for_ms; /* 0: until somebody ends it */
    enum tenure_then drain_then;
    bool force; /* whatever the guard says */

    /* TAG, PUT_SERVICE_ATTRIBUTES: pairs; UNTAG, DEL_SERVICE_ATTRIBUTES: keys. Tags name namespace_id or service_id. */
    const struct str_pair *pairs;
    size_t n_pairs;
    const struct str *keys;
    size_t n_keys;

    /* CREATE_KEY: all of it. UPDATE_KEY: id, is_disabled, sealed (absent: keep). DELETE_KEY: id. */
    struct access_key key;
    /* RESEAL_KEYS: id and sealed secret of every key there is, in `pairs`, in the order of their ids. */

    /* CREATE_IDENTITY: all of it. Others: kind, account and name. ATTACH_POLICY: name and document in pairs[0], which
     * takes the place of one of that name; DETACH_POLICY: keys[0]. */
    struct identity identity;

    /* SHARE: the policy of namespace_id, in the place of the one it has. */
    struct str document;

    struct arena *arena; /* for messages and copies; the writer's while the change waits */
    /* Called once on the writer's thread when the change is answered; the change is the owner's again. */
    void (*done)(struct change *change);
    void *owner;
    /* Called on the writer's thread once the change was applied or refused, before the commit: appends what the audit
     * trail says of it, one JSON object without a line break, or nothing. NULL: it is not audited. */
    void (*audit)(const struct change *change, int64_t wall_ms, struct buf *text);

    /* --- the answer --- */
    int result; /* 0, enum change_result, -errno */
    struct str message;
    char operation_id[ID_OPERATION_SIZE];
    bool is_repeated; /* REGISTER_INSTANCE: it was registered so already */
    struct str existing_id, existing_token;
    const struct service *created; /* CREATE_SERVICE: a copy in the arena */
    size_t n_done, n_left;         /* GUARD_RELEASE, GUARD_CANCEL: what is left wants another change */
};

/* The operation type of an asynchronous kind, or -1. */
int change_operation_type(enum change_kind kind);

/* One JSON object. */
void change_encode(struct buf *buf, const struct change *change);
/* Reads what change_encode wrote; `text` is modified, slices point into it and the arena. 0, or 1 when it is not a
 * change. */
int change_decode(char *text, size_t n, struct arena *arena, struct change *ret_change);
