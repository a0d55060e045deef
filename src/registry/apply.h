/* SPDX-License-Identifier: Apache-2.0
 *
 * The one place where the registry's state changes: a change is checked against the state that is being built, and done
 * to it, with its records put into the batch. Nothing here waits, commits or publishes; registry.c does. A change that
 * is refused has changed nothing; a failed allocation fails the whole edit. Writer thread only. */
#pragma once

#include "base/log.h"
#include "base/rand.h"
#include "registry/registry.h"

/* What a commit does to an instance by itself or by an operator's will; logged when it is done. */
struct apply_notice {
    enum log_id event;
    const struct service *service;
    struct str why;
    uint8_t id_len;
    char id[INSTANCE_MAX_ID]; /* the instance's */
};

/* The state being built by one commit. */
struct apply {
    const struct registry_config *config;
    struct edit edit;
    struct snapshot next; /* copied from the head; becomes the next snapshot */
    struct store_batch *batch;
    struct rand rand;
    struct buf text;   /* records are rendered here */
    uint64_t revision; /* of this commit */
    int64_t wall_ms, mono_ms;
    struct edit_list stale_services; /* nodes whose record must be written */
    struct edit_list stale_owners;   /* nodes whose DNS names must be renewed */
    struct edit_list new_operations; /* to be written in one record a tenant */
    bool is_released;                /* the guard looks away: an operator decided */
    bool has_moved;                  /* deadlines, which are not stored: publish even without a commit */
    struct apply_notice *notices;
    size_t n_notices, max_notices;
    size_t waiting_bytes;  /* of the requests in them */
    int64_t sweep_mono_ms; /* when operations of all tenants are looked through again */
};

/* Checks the change and does it. Returns what becomes change->result. */
int apply_change(struct apply *apply, struct change *change);

/* Does what is due by now: next statuses of operations, custom health. */
void apply_due(struct apply *apply);
/* Drops finished operations that are too many or too old: of tenants that have new ones, now and then of all. */
void apply_expire_operations(struct apply *apply);
/* Writes the records that changes share. Last step before the commit. */
void apply_finish(struct apply *apply);

/* Logs what the commit did. Before what it replaced is given up. */
void apply_log(struct apply *apply);

/* Bound on what one commit does by itself, so that a burst of deadlines does not starve callers. */
#define APPLY_MAX_DUE 1024
/* Where one commit stops taking requests that wait: its record of operations, where they stand as JSON in JSON, stays
 * below what the store takes (8 MiB a value). */
#define APPLY_MAX_WAITING (2u << 20)
#define APPLY_SWEEP_MS 60000
/* How many held removals one change releases or cancels. */
#define APPLY_MAX_RELEASED 1024
