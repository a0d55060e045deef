/* SPDX-License-Identifier: Apache-2.0
 *
 * A made-up world for the plan: EC2 as it truly is, the registry, and answers about both that may be wrong in every way
 * the rules speak of. The same steps make the same world.
 *
 * What an answer may be: an error; up to ten minutes old (WORLD_STALE_MS); of another account; empty; without a region;
 * without single instances that live. The last three are lies that no rule of completeness can see. Of them the world
 * tells as many as some guard promises to bear, and as long:
 *  - for ever, while an account is wrong, while a named canary is not shown, or while nothing is shown at all;
 *  - for ever, about an instance that is HEALTHY;
 *  - for ever, in worlds where the second look is always told the truth (asks_honestly);
 *  - else about one instance in at most two rounds of a controller in a row, or for less than ten minutes.
 * An address that an instance lost does not come back to it. */
#pragma once

#include "base/rand.h"
#include "unmap/plan.h"

#define WORLD_MACHINES 64
#define WORLD_REGISTRATIONS 256
#define WORLD_REGIONS 2
#define WORLD_BRAINS 2
#define WORLD_FRAMES 32
#define WORLD_STALE_MS (10 * 60000LL)
#define WORLD_ADDRESSES 3

enum world_fault {
    WORLD_HONEST,
    WORLD_ERROR, /* whatever the reader refuses: status, throttle, cut body, lost page, page token twice ... */
    WORLD_STALE,
    WORLD_EMPTY,
    WORLD_OMITTED,       /* the region was not asked */
    WORLD_OTHER_ACCOUNT, /* STS and reservations are another's */
    WORLD_OTHER_STS,     /* only STS says so: there are no reservations */
    WORLD_OTHER_OWNER,   /* only the reservations say so */
    WORLD_STRANGERS,     /* reservations of several owners */
    WORLD_REGISTRY_ERROR,
    WORLD_HEALTH_ERROR,
    WORLD_HIDDEN, /* one live instance */
    WORLD_FAULT_COUNT
};
#define WORLD_FAULT_BIT(fault) (1u << (fault))
#define WORLD_ALL_FAULTS ((1u << WORLD_FAULT_COUNT) - 2)
#define WORLD_ERRORS \
    (WORLD_FAULT_BIT(WORLD_ERROR) | WORLD_FAULT_BIT(WORLD_REGISTRY_ERROR) | WORLD_FAULT_BIT(WORLD_HEALTH_ERROR))

/* What may happen beside rounds. */
enum world_event {
    WORLD_LAUNCH,
    WORLD_STOP,
    WORLD_START,
    WORLD_TERMINATE,
    WORLD_TERMINATE_ZONE, /* some of one zone at once */
    WORLD_READDRESS,      /* another public address */
    WORLD_STEAL,          /* a new machine gets the address of a dead one */
    WORLD_REGISTER,
    WORLD_DEREGISTER,
    WORLD_HEALTH,
    WORLD_FAULT, /* begins, for some time */
    WORLD_EVENT_COUNT
};

struct world_rules {
    unsigned n_regions, n_brains, n_machines; /* at the start */
    unsigned lean;                            /* percent of the machines in the first region */
    unsigned healthy_percent;
    unsigned error_percent; /* of single answers, beside the faults that last */
    unsigned faults;        /* bits of those that may begin */
    bool asks_honestly, has_canaries, has_attributes;
};

/* The lies in a row about one machine, to one controller. */
struct world_lie {
    int64_t first_ms;
    unsigned n;
};

struct world_machine {
    uint32_t id, addresses[WORLD_ADDRESSES]; /* 0: none; private, public, IPv6 */
    uint8_t state, region, zone;
    bool is_canary;
    int64_t launch_ms, died_ms, hidden_until_ms;
    struct world_lie lies[WORLD_BRAINS];
};

enum world_kind {
    WORLD_NORMAL,
    WORLD_OPTED_OUT,
    WORLD_UNSELECTED,
    WORLD_NO_ADDRESS,
    WORLD_NO_EC2_ID,
    WORLD_KIND_COUNT
};

struct world_registration {
    uint32_t id, address;
    enum world_kind kind;
    enum cloud_map_health health;
};

struct world_frame {
    int64_t from_ms;
    unsigned n;
    struct world_machine machines[WORLD_MACHINES];
};

struct world {
    struct world_rules rules;
    struct rand rand; /* set anew by each step */
    int64_t now_ms;   /* real time */
    int64_t wall_ms;  /* what the wall clock is ahead */
    uint32_t next_id, next_address;
    unsigned n_machines, n_registered;
    struct world_machine machines[WORLD_MACHINES]; /* sorted by id */
    struct world_registration registrations[WORLD_REGISTRATIONS];
    struct world_frame frames[WORLD_FRAMES]; /* a ring; the last one is now */
    unsigned n_frames;
    struct {
        enum world_fault fault;
        int64_t until_ms;
    } faults[WORLD_REGIONS];
    int64_t registry_error_until_ms, health_error_until_ms;
    size_t counts[WORLD_FAULT_COUNT]; /* answers that were so */
};

/* How one round of one controller is answered. */
struct world_view {
    enum world_fault faults[WORLD_REGIONS];
    bool registry_fails, health_fails;
    unsigned frames[WORLD_REGIONS];  /* of which moment the answer is */
    uint32_t hidden[WORLD_MACHINES]; /* ids that are kept back */
    unsigned n_hidden;
};

/* One region's answer, as it goes into a plan and as the checks read it. */
struct world_answer {
    struct plan_listing listing;
    struct ec2_listing ec2;
    unsigned region;
    bool is_wrong_account;
    struct world_machine shown[WORLD_MACHINES];
    unsigned n_shown;
};

void world_init(struct world *world, const struct world_rules *rules, uint64_t seed);
/* Something happens; nothing when it cannot. */
void world_happen(struct world *world, enum world_event event);

/* Decides how the round of a controller is answered. */
void world_look(struct world *world, unsigned brain, struct world_view *ret_view);
/* The registry's answer; the items live in the arena. */
void world_list(const struct world *world, struct arena *arena, struct cloud_map_instances *ret_instances);
void world_instance(const struct world_registration *registration, struct arena *arena,
                    struct cloud_map_instance *ret_instance);
/* One region's answer; false: the region was not asked. only_id 0: everything. */
bool world_ask(struct world *world, const struct world_view *view, unsigned region, uint32_t only_id,
               struct arena *arena, struct world_answer *answer);
/* The same, as a second look is answered. */
bool world_ask_again(struct world *world, const struct world_view *view, unsigned region, uint32_t id,
                     struct arena *arena, struct world_answer *answer);

/* The truth. */
bool world_lives(const struct world *world, uint32_t id, uint32_t address);
struct world_registration *world_find(struct world *world, uint32_t id);
void world_remove(struct world *world, struct world_registration *registration);

/* The number in an id that the world wrote. */
uint32_t world_id_of(struct str id);
struct str world_id(uint32_t id, bool is_ec2, struct arena *arena);
const char *world_fault_text(enum world_fault fault);
const char *world_event_text(enum world_event event);
