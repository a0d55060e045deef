/* SPDX-License-Identifier: Apache-2.0
 *
 * The truth and the registry; what is told about them is in world_answer.c. */
#include "world.h"

#define MINUTE 60000LL
#define ADDRESS_IS_SIX 0x80000000u
#define START_MS (1000 * 60 * MINUTE)

static uint32_t below(struct world *world, uint32_t n)
{
    return (uint32_t)rand_below(&world->rand, n);
}

static bool lives(const struct world_machine *machine)
{
    return !ec2_is_dead((enum ec2_state)machine->state);
}

/* The state from now on, for answers that are late. */
static void keep_frame(struct world *world)
{
    struct world_frame *frame = &world->frames[world->n_frames++ % WORLD_FRAMES];

    frame->from_ms = world->now_ms;
    frame->n = world->n_machines;
    memcpy(frame->machines, world->machines, world->n_machines * sizeof(world->machines[0]));
}

/* Those that nobody has heard of for long make room. */
static void forget_the_dead(struct world *world)
{
    unsigned n = 0;

    for (unsigned i = 0; i < world->n_machines; i++)
        if (lives(&world->machines[i]) || world->now_ms - world->machines[i].died_ms < 80 * MINUTE)
            world->machines[n++] = world->machines[i];
    world->n_machines = n;
}

static struct world_machine *launch(struct world *world, uint32_t address)
{
    struct world_machine *machine;

    if (world->n_machines == WORLD_MACHINES)
        forget_the_dead(world);
    if (world->n_machines == WORLD_MACHINES)
        return NULL;
    machine = &world->machines[world->n_machines++];
    *machine = (struct world_machine){ .id = ++world->next_id,
                                       .addresses = { address ? address : ++world->next_address, 0, 0 },
                                       .state = below(world, 4) ? EC2_RUNNING : EC2_PENDING,
                                       .region = below(world, 100) < world->rules.lean ? 0 : world->rules.n_regions - 1,
                                       .zone = (uint8_t)below(world, 3),
                                       .launch_ms = world->now_ms };
    if (below(world, 2))
        machine->addresses[1] = ++world->next_address;
    if (!below(world, 4))
        machine->addresses[2] = ++world->next_address | ADDRESS_IS_SIX;
    return machine;
}

/* A random one that lives, dies or is stopped; NULL when there is none. Canaries are left alone. */
static struct world_machine *pick(struct world *world, bool wants_life, int state)
{
    unsigned start = below(world, WORLD_MACHINES);

    for (unsigned i = 0; i < WORLD_MACHINES; i++) {
        struct world_machine *machine = &world->machines[(start + i) % WORLD_MACHINES];
        if ((start + i) % WORLD_MACHINES < world->n_machines && lives(machine) == wants_life && !machine->is_canary &&
            (state < 0 || machine->state == state))
            return machine;
    }
    return NULL;
}

/* Often the newest: much goes wrong soon after a launch. */
static struct world_machine *pick_new(struct world *world)
{
    struct world_machine *newest = world->n_machines ? &world->machines[world->n_machines - 1] : NULL;

    if (newest && lives(newest) && !newest->is_canary && below(world, 2))
        return newest;
    return pick(world, true, -1);
}

static void terminate(struct world *world, struct world_machine *machine)
{
    machine->state = below(world, 2) ? EC2_TERMINATED : EC2_SHUTTING_DOWN;
    machine->died_ms = below(world, 3) ? world->now_ms : world->now_ms - 80 * MINUTE; /* never seen as terminated */
    if (machine->state == EC2_TERMINATED && below(world, 2))
        memset(machine->addresses, 0, sizeof(machine->addresses));
}

static void terminate_zone(struct world *world)
{
    uint8_t region = (uint8_t)below(world, world->rules.n_regions), zone = (uint8_t)below(world, 3);
    unsigned n = 1 + below(world, 6);

    for (unsigned i = 0; i < world->n_machines && n; i++) {
        struct world_machine *machine = &world->machines[i];
        if (lives(machine) && !machine->is_canary && machine->region == region && machine->zone == zone) {
            terminate(world, machine);
            n--;
        }
    }
}

static void steal(struct world *world)
{
    const struct world_machine *dead = pick(world, false, -1);
    uint32_t address = dead ? dead->addresses[below(world, 2)] : 0;

    for (unsigned i = 0; i < world->n_machines && address; i++)
        for (int j = 0; j < WORLD_ADDRESSES; j++)
            if (lives(&world->machines[i]) && world->machines[i].addresses[j] == address)
                address = 0;
    if (address)
        launch(world, address);
}

/* A machine registers itself by one of its addresses; sometimes somebody registers what never was. */
static void enlist(struct world *world)
{
    const struct world_machine *machine = pick_new(world);
    struct world_registration one = { .kind = WORLD_NORMAL }, *old;

    if (!machine || !below(world, 20)) {
        one.id = ++world->next_id;
        one.address = ++world->next_address;
    } else {
        one.id = machine->id;
        do
            one.address = machine->addresses[below(world, WORLD_ADDRESSES)];
        while (!one.address);
    }
    if (world->rules.has_attributes)
        one.kind = below(world, 3) ? WORLD_NORMAL : (enum world_kind)below(world, WORLD_KIND_COUNT);
    one.health = below(world, 100) < world->rules.healthy_percent ? CLOUD_MAP_HEALTHY : CLOUD_MAP_HEALTH_UNKNOWN;
    old = world_find(world, one.id);
    if (old)
        *old = one;
    else if (world->n_registered < WORLD_REGISTRATIONS)
        world->registrations[world->n_registered++] = one;
}

/* That of a random machine, so that the choice does not depend on who else is registered; NULL when it has none. */
static struct world_registration *pick_registration(struct world *world)
{
    return world->n_machines ? world_find(world, world->machines[below(world, world->n_machines)].id) : NULL;
}

static void begin_fault(struct world *world)
{
    static const int64_t longest[] = { 3 * MINUTE, 12 * MINUTE, 40 * MINUTE, 200 * MINUTE };
    unsigned kinds = world->rules.faults, start = below(world, WORLD_FAULT_COUNT);
    enum world_fault fault = WORLD_HONEST;
    int64_t until_ms = world->now_ms + below(world, (uint32_t)longest[below(world, 4)]);
    unsigned region = below(world, WORLD_REGIONS + 1); /* or all */
    struct world_machine *machine;

    for (unsigned i = 0; i < WORLD_FAULT_COUNT && fault == WORLD_HONEST; i++)
        if (kinds & WORLD_FAULT_BIT((start + i) % WORLD_FAULT_COUNT))
            fault = (enum world_fault)((start + i) % WORLD_FAULT_COUNT);
    if (fault == WORLD_REGISTRY_ERROR) {
        world->registry_error_until_ms = until_ms;
    } else if (fault == WORLD_HEALTH_ERROR) {
        world->health_error_until_ms = until_ms;
    } else if (fault == WORLD_HIDDEN) {
        for (unsigned i = below(world, 3); i < 3; i++) {
            machine = pick_new(world);
            if (machine)
                machine->hidden_until_ms = until_ms;
        }
    } else if (fault != WORLD_HONEST) {
        for (unsigned i = 0; i < world->rules.n_regions; i++)
            if (region == i || region == WORLD_REGIONS) {
                world->faults[i].fault = fault;
                world->faults[i].until_ms = until_ms;
            }
    }
}

static void change_truth(struct world *world, enum world_event event)
{
    struct world_machine *machine = NULL;

    switch (event) {
    case WORLD_LAUNCH:
        launch(world, 0);
        break;
    case WORLD_STEAL:
        steal(world);
        break;
    case WORLD_TERMINATE_ZONE:
        terminate_zone(world);
        break;
    case WORLD_TERMINATE:
        machine = pick(world, true, -1);
        if (machine)
            terminate(world, machine);
        break;
    case WORLD_STOP:
        machine = pick(world, true, EC2_RUNNING);
        if (machine) {
            machine->state = below(world, 2) ? EC2_STOPPED : EC2_STOPPING;
            machine->addresses[1] = 0;
        }
        break;
    case WORLD_START:
        machine = pick(world, true, EC2_STOPPED);
        if (machine) {
            machine->state = EC2_RUNNING;
            machine->launch_ms = world->now_ms;
            machine->addresses[1] = ++world->next_address;
        }
        break;
    default:
        machine = pick(world, true, EC2_RUNNING);
        if (machine)
            machine->addresses[1] = ++world->next_address;
        break;
    }
    keep_frame(world);
}

void world_happen(struct world *world, enum world_event event)
{
    static const enum cloud_map_health healths[] = { CLOUD_MAP_HEALTH_UNKNOWN, CLOUD_MAP_HEALTHY, CLOUD_MAP_UNHEALTHY };
    struct world_registration *one;

    switch (event) {
    case WORLD_REGISTER:
        enlist(world);
        break;
    case WORLD_DEREGISTER:
        one = pick_registration(world);
        if (one)
            world_remove(world, one);
        break;
    case WORLD_HEALTH:
        one = pick_registration(world);
        if (one)
            one->health = healths[below(world, 3)];
        break;
    case WORLD_FAULT:
        begin_fault(world);
        break;
    default:
        change_truth(world, event);
        break;
    }
}

void world_init(struct world *world, const struct world_rules *rules, uint64_t seed)
{
    memset(world, 0, offsetof(struct world, machines));
    memset(world->faults, 0, sizeof(*world) - offsetof(struct world, faults));
    world->rules = *rules;
    world->now_ms = START_MS;
    world->n_frames = 0;
    rand_init_seed(&world->rand, seed);
    for (unsigned i = 0; i < rules->n_regions && rules->has_canaries; i++) {
        struct world_machine *machine = launch(world, 0);
        machine->region = (uint8_t)i;
        machine->is_canary = true;
    }
    for (unsigned i = 0; i < rules->n_machines; i++)
        launch(world, 0);
    for (unsigned i = 0; i < 4 * rules->n_machines; i++)
        enlist(world);
    world->now_ms += 60 * MINUTE;
    keep_frame(world);
}

bool world_lives(const struct world *world, uint32_t id, uint32_t address)
{
    for (unsigned i = 0; i < world->n_machines; i++)
        if (world->machines[i].id == id && lives(&world->machines[i]))
            for (int j = 0; j < WORLD_ADDRESSES; j++)
                if (address && world->machines[i].addresses[j] == address)
                    return true;
    return false;
}

struct world_registration *world_find(struct world *world, uint32_t id)
{
    for (unsigned i = 0; i < world->n_registered; i++)
        if (world->registrations[i].id == id)
            return &world->registrations[i];
    return NULL;
}

void world_remove(struct world *world, struct world_registration *registration)
{
    *registration = world->registrations[--world->n_registered];
}

const char *world_event_text(enum world_event event)
{
    static const char *const words[WORLD_EVENT_COUNT] = { "launch",         "stop",      "start", "terminate",
                                                          "terminate zone", "readdress", "steal", "register",
                                                          "deregister",     "health",    "fault" };
    return words[event];
}
