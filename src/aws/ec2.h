/* SPDX-License-Identifier: Apache-2.0
 *
 * EC2's DescribeInstances (API version 2016-11-15, Query protocol, XML): one region's instances as a whole listing. A
 * listing counts only when every page came, each well-formed to its closing root element with the expected root and a
 * request id, and no page token came twice. Instances are asked for by the filter `instance-id` (at most
 * EC2_FILTER_VALUES a call) or all of them, never by InstanceIds: one malformed id would fail the whole call. Managed
 * instances are included. Blocking; one thread per listing while it is filled, any thread afterwards. */
#pragma once

#include "aws/aws_client.h"

#define EC2_FILTER_VALUES 200 /* EC2 refuses more values of a filter */
#define EC2_PAGE_SIZE 1000
#define EC2_MAX_CANARIES 32
#define EC2_ID_MAX 64

enum ec2_state {
    EC2_PENDING,
    EC2_RUNNING,
    EC2_STOPPING,
    EC2_STOPPED,
    EC2_SHUTTING_DOWN,
    EC2_TERMINATED,
    EC2_STATE_UNKNOWN, /* a word that EC2 did not have when this was written: counts as live */
};

/* Slices live as long as the listing. */
struct ec2_instance {
    struct str id;
    struct str zone; /* us-east-1a; absent: not said */
    enum ec2_state state;
    int64_t launch_ms; /* wall time; 0: not said */
    /* Every private, secondary, public and carrier IPv4 address and every IPv6 address of every interface, IPv6 in
     * the form of RFC 5952, and the prefixes delegated to them (10.0.0.0/28). No order, no duplicates. */
    const struct str *addresses;
    uint32_t n_addresses;
};

/* An instance that must be there: its id, or the key and value of a tag (id then absent). */
struct ec2_canary {
    struct str id, tag_key, tag_value;
};

struct ec2_listing {
    struct arena arena;             /* its cap holds for the array, too */
    struct ec2_instance *instances; /* sorted by id (ec2_find); each id once; on the heap */
    size_t n_instances, size;
    uint64_t canaries;  /* bit i: a live instance matched canary i */
    struct str account; /* ownerId of all reservations; absent: there was none; with strangers the lowest */
    bool has_strangers; /* reservations of more than one owner */
    unsigned n_pages, n_calls;
};

/* What to ask for. */
struct ec2_query {
    const struct str *ids; /* NULL: all instances of the region. Ids with a wildcard (* ? \) are never asked for */
    size_t n_ids;
    const struct ec2_canary *canaries; /* asked for, too, when ids are given; those with a tag by calls of their own,
                                        * whose instances stay out of the listing */
    size_t n_canaries;                 /* at most EC2_MAX_CANARIES */
};

/* Takes no memory yet; what it will take, all told, is capped. */
void ec2_listing_init(struct ec2_listing *listing, size_t cap_bytes);
void ec2_listing_fini(struct ec2_listing *listing);

/* Fills an initialised, empty listing. 0; -errno; or a condition with *ret_error, and the listing is then worth
 * nothing. */
int ec2_describe(struct aws_client *client, const struct ec2_query *query, struct ec2_listing *listing,
                 struct aws_error *ret_error);

/* Whether it has the form of an EC2 instance's id: `i-` and then letters, digits, `-` and `_`, at most 64 in all. */
bool ec2_is_id(struct str text);
/* Shutting down or terminated. */
bool ec2_is_dead(enum ec2_state state);
/* The word that EC2 uses, and back. */
const char *ec2_state_text(enum ec2_state state);
enum ec2_state ec2_state_of(struct str word);
/* By id in a sorted listing; NULL when it is not there. */
const struct ec2_instance *ec2_find(const struct ec2_listing *listing, struct str id);
/* Whether one of the instance's addresses is this one; IPv6 in any spelling. */
bool ec2_has_address(const struct ec2_instance *instance, struct str address);

/* For tests and fuzzers: reads one page into the listing, unsorted. ret_next is absent behind the last page and lives
 * in the listing. 0, -ENOMEM or AWS_ODD. */
int ec2_read_page(const char *xml, size_t n, const struct ec2_query *query, struct ec2_listing *listing,
                  struct str *ret_next, struct aws_error *ret_error);
/* Sorts by id. 0, or AWS_ODD for the same id twice: a repeated page, which may hide another one. */
int ec2_sort(struct ec2_listing *listing, struct aws_error *ret_error);
