/* SPDX-License-Identifier: Apache-2.0
 *
 * The records that the registry keeps in the store: their keys and their JSON, for each kind of value. The only place
 * that knows the members' names; docs/store-format.md lists them. Encoders append one JSON object. Decoders fill a
 * draft whose slices point into `text` (which is modified) and the arena; they return 0, or 1 when the text is not such
 * a record. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "model/access_key.h"
#include "model/identity.h"
#include "model/instance.h"
#include "model/namespace.h"
#include "model/operation.h"
#include "model/service.h"
#include "registry/tenure.h"
#include "json/reader.h"
#include "json/writer.h"

#define RECORD_MAX_KEY 512 /* keys are shorter */

/* What a key says. Slices point into the key. */
enum record_kind {
    RECORD_NAMESPACE,
    RECORD_OPERATIONS,
    RECORD_SERVICE,
    RECORD_INSTANCE,
    RECORD_ACCESS_KEY, /* id */
    RECORD_IDENTITY    /* account, identity_kind, id: its name */
};

struct record_key {
    enum record_kind kind;
    struct str account, region;
    struct str id;          /* of the namespace or service; the group's number in hex */
    struct str instance_id; /* RECORD_INSTANCE */
    enum identity_kind identity_kind;
};

/* The key's text in `ret_text`; its length is returned. */
size_t record_format_key(const struct record_key *key, char ret_text[RECORD_MAX_KEY]);
/* 0, or 1 for a key that the registry does not write. */
int record_parse_key(struct str text, struct record_key *ret_key);

/* Each pair is one kind of record; see above. */
void record_encode_namespace(struct buf *buf, const struct namespace *ns);
int record_decode_namespace(char *text, size_t n, struct arena *arena, struct namespace *ret_ns);

/* The InstancesRevision is kept with the service. */
void record_encode_service(struct buf *buf, const struct service *service, uint64_t revision);
int record_decode_service(char *text, size_t n, struct arena *arena, struct service *ret_service,
                          uint64_t *ret_revision);

/* Attributes come back in the order of their keys. `tenure` may be NULL. Of the flags a record keeps what attributes do
 * not tell. */
void record_encode_instance(struct buf *buf, const struct instance *instance, const struct tenure *tenure);
int record_decode_instance(char *text, size_t n, struct arena *arena, struct instance_draft *ret_draft,
                           struct tenure *ret_tenure);

/* The operations of one commit share a record. */
void record_encode_operations(struct buf *buf, const struct operation *const *operations, size_t n);
int record_decode_operations(char *text, size_t n, struct arena *arena, struct operation **ret_operations,
                             size_t *ret_n);

/* Keys and identities name what their record's key names. */
void record_encode_access_key(struct buf *buf, const struct access_key *key);
int record_decode_access_key(char *text, size_t n, struct arena *arena, struct access_key *ret_key);
void record_encode_identity(struct buf *buf, const struct identity *identity);
int record_decode_identity(char *text, size_t n, struct arena *arena, struct identity *ret_identity);

/* Pairs as a JSON object, for records and for waiting changes. */
void record_put_pairs(struct json_writer *writer, struct str name, const struct str_pair *pairs, size_t n);
int record_read_pairs(struct json_reader *reader, struct arena *arena, struct str_pair **ret_pairs, size_t *ret_n);
/* The part of a service that callers configure, for records and for waiting changes. */
void record_put_service_config(struct json_writer *writer, const struct service *service);
/* Reads the value of a member that record_put_service_config wrote. 0; 1 = not one of them, nothing read; 2 = bad. */
int record_read_service_config(struct json_reader *reader, struct str key, struct service *service);
