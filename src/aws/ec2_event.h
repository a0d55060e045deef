/* SPDX-License-Identifier: Apache-2.0
 *
 * A message about an EC2 instance, as EventBridge or Auto Scaling put it into a queue, perhaps through SNS. Events come
 * late, twice, in any order or not at all, and whoever may write to the queue may invent them: each is a hint to look
 * at one instance, never proof. Usable from any thread. */
#pragma once

#include "base/arena.h"

enum ec2_event_kind {
    EC2_EVENT_STATE,     /* EC2 Instance State-change Notification */
    EC2_EVENT_LIFECYCLE, /* Auto Scaling terminates or has terminated it, or EC2 announced that it takes a spot away */
    EC2_EVENT_OTHER,     /* well-formed, and about something else: to be deleted */
    EC2_EVENT_POISON,    /* nothing that is known: to be left for the dead-letter queue */
};

/* Slices live in the arena; those not said are absent. Only the kind counts for the last two kinds. */
struct ec2_event {
    enum ec2_event_kind kind;
    struct str instance_id; /* ec2_is_id */
    struct str state;       /* terminated ...; of EC2_EVENT_STATE */
    struct str account, region;
    int64_t time_ms; /* wall time; 0: not said, or no time */
};

/* Reads one message's body. 0 or -ENOMEM. */
int ec2_event_read(struct str body, struct arena *arena, struct ec2_event *ret_event);
/* `state_change`, `lifecycle`, `other`, `poison`; for metrics. */
const char *ec2_event_kind_text(enum ec2_event_kind kind);
