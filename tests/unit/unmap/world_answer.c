/* SPDX-License-Identifier: Apache-2.0
 *
 * What the world tells: the registry's and EC2's answers, late, wrong or not at all. */
#include "world.h"

#include "base/mem.h"

#define CONFIRM_MS (10 * 60000LL) /* the lies that guarded bears: fewer rounds than 3, or shorter than this */
#define CONFIRM_ROUNDS 3
#define HOUR_MS 3600000LL

static const char *const regions[WORLD_REGIONS] = { "us-east-1", "us-west-2" };
static const char *const zones[WORLD_REGIONS][3] = { { "us-east-1a", "us-east-1b", "us-east-1c" },
                                                     { "us-west-2a", "us-west-2b", "us-west-2c" } };

/* --- words ------------------------------------------------------------------------------------------------------- */

struct str world_id(uint32_t id, bool is_ec2, struct arena *arena)
{
    static const char digits[] = "0123456789abcdef";
    char *text = arena_alloc(arena, 10);

    ASSERT(text);
    text[0] = is_ec2 ? 'i' : 't';
    text[1] = '-';
    for (int i = 0; i < 8; i++)
        text[2 + i] = digits[id >> (28 - 4 * i) & 15];
    return (struct str){ text, 10 };
}

uint32_t world_id_of(struct str id)
{
    uint32_t number = 0;

    for (size_t i = 2; i < id.n; i++)
        number = number << 4 | (uint32_t)(id.p[i] < 'a' ? id.p[i] - '0' : id.p[i] - 'a' + 10);
    return number;
}

static char *write_number(char *to, uint32_t n, uint32_t base)
{
    char digits[12];
    int count = 0;

    do
        digits[count++] = "0123456789abcdef"[n % base];
    while (n /= base);
    while (count)
        *to++ = digits[--count];
    return to;
}

static struct str address_text(uint32_t address, struct arena *arena)
{
    char *text = arena_alloc(arena, 24), *end = text;

    ASSERT(text);
    if (address >> 31) {
        memcpy(end, "fd00::", 6);
        end = write_number(end + 6, address & 0xffff, 16);
    } else {
        memcpy(end, "10", 2);
        end += 2;
        for (int shift = 16; shift >= 0; shift -= 8) {
            *end++ = '.';
            end = write_number(end, address >> shift & 255, 10);
        }
    }
    return (struct str){ text, (size_t)(end - text) };
}

const char *world_fault_text(enum world_fault fault)
{
    static const char *const words[WORLD_FAULT_COUNT] = {
        "none",           "no whole answer", "old snapshot",   "empty",       "region missing", "other account",
        "other identity", "other owner",     "several owners", "no registry", "no health",      "instance hidden",
    };
    return words[fault];
}

/* --- the registry ------------------------------------------------------------------------------------------------ */

void world_instance(const struct world_registration *registration, struct arena *arena,
                    struct cloud_map_instance *ret_instance)
{
    struct str_pair *pairs = ARENA_ARRAY(arena, struct str_pair, 3);
    size_t n = 0;

    ASSERT(pairs);
    if (registration->kind != WORLD_NO_ADDRESS) {
        pairs[n].key = registration->address >> 31 ? STR("AWS_INSTANCE_IPV6") : STR("AWS_INSTANCE_IPV4");
        pairs[n++].value = address_text(registration->address, arena);
    }
    if (registration->kind == WORLD_OPTED_OUT)
        pairs[n++] = (struct str_pair){ STR("KEEP"), STR("") };
    pairs[n++] = (struct str_pair){ STR("team"), registration->kind == WORLD_UNSELECTED ? STR("b") : STR("a") };
    *ret_instance =
        (struct cloud_map_instance){ .id = world_id(registration->id, registration->kind != WORLD_NO_EC2_ID, arena),
                                     .attributes = pairs,
                                     .n_attributes = n,
                                     .health = registration->health };
}

void world_list(const struct world *world, struct arena *arena, struct cloud_map_instances *ret_instances)
{
    struct cloud_map_instance *items = ARENA_ARRAY(arena, struct cloud_map_instance, world->n_registered);

    ASSERT(items);
    for (unsigned i = 0; i < world->n_registered; i++)
        world_instance(&world->registrations[i], arena, &items[i]);
    *ret_instances = (struct cloud_map_instances){ .items = items, .n = world->n_registered };
}

/* --- how a round is answered ------------------------------------------------------------------------------------- */

/* A moment at most WORLD_STALE_MS ago, or now. */
static unsigned frame_of(struct world *world, enum world_fault fault)
{
    unsigned last = world->n_frames - 1, first = last;

    if (fault == WORLD_STALE) {
        while (first > 0 && last - first < WORLD_FRAMES - 1 &&
               world->frames[first % WORLD_FRAMES].from_ms > world->now_ms - WORLD_STALE_MS)
            first--;
        first += (unsigned)rand_below(&world->rand, last - first + 1);
    }
    return first;
}

static bool shows_nothing(enum world_fault fault)
{
    return fault != WORLD_HONEST && fault != WORLD_STALE && fault != WORLD_STRANGERS;
}

static bool is_wrong_account(enum world_fault fault)
{
    return fault >= WORLD_OTHER_ACCOUNT && fault <= WORLD_STRANGERS;
}

/* Whether a guard of the whole round is to see that something is wrong. */
static bool is_round_covered(const struct world *world, const struct world_view *view)
{
    bool all_dark = true, is_covered = view->registry_fails || view->health_fails;

    for (unsigned i = 0; i < world->rules.n_regions; i++) {
        enum world_fault fault = view->faults[i];
        all_dark = all_dark && shows_nothing(fault);
        is_covered = is_covered || fault == WORLD_ERROR || is_wrong_account(fault) ||
                     (world->rules.has_canaries && shows_nothing(fault));
    }
    return is_covered || all_dark;
}

/* Whether one more round may be lied about this machine. */
static bool may_lie(struct world *world, const struct world_machine *machine, unsigned brain)
{
    const struct world_lie *lie = &machine->lies[brain];
    const struct world_registration *registration = world_find(world, machine->id);

    if (world->rules.asks_honestly || (registration && registration->health == CLOUD_MAP_HEALTHY))
        return true;
    return lie->n + 1 < CONFIRM_ROUNDS || world->now_ms - lie->first_ms < CONFIRM_MS;
}

static void note_lie(struct world *world, struct world_machine *machine, unsigned brain, bool is_lie)
{
    struct world_lie *lie = &machine->lies[brain];
    const struct world_registration *registration = world_find(world, machine->id);

    if (!is_lie || (registration && registration->health == CLOUD_MAP_HEALTHY)) {
        lie->n = 0;
    } else {
        if (lie->n == 0)
            lie->first_ms = world->now_ms;
        lie->n++;
    }
}

/* A region goes dark only when it may lie about all who live there. */
static void honest_where_it_must(struct world *world, unsigned brain, struct world_view *view)
{
    for (unsigned i = 0; i < world->n_machines; i++) {
        const struct world_machine *machine = &world->machines[i];
        if (!ec2_is_dead((enum ec2_state)machine->state) && shows_nothing(view->faults[machine->region]) &&
            !may_lie(world, machine, brain))
            view->faults[machine->region] = WORLD_HONEST;
    }
}

/* What is too new for an old snapshot need not be hidden. */
static bool is_in_frame(const struct world *world, const struct world_machine *machine, unsigned frame)
{
    const struct world_frame *then = &world->frames[frame % WORLD_FRAMES];

    for (unsigned i = 0; i < then->n; i++)
        if (then->machines[i].id == machine->id)
            return true;
    return false;
}

static void hide(struct world *world, struct world_view *view, unsigned brain, bool is_covered)
{
    for (unsigned i = 0; i < world->n_machines; i++) {
        struct world_machine *machine = &world->machines[i];
        bool is_dark = shows_nothing(view->faults[machine->region]);
        bool hides = world->now_ms < machine->hidden_until_ms;
        if (!ec2_is_dead((enum ec2_state)machine->state)) {
            hides = hides && (is_covered || may_lie(world, machine, brain));
            if (is_dark || is_in_frame(world, machine, view->frames[machine->region]))
                note_lie(world, machine, brain, !is_covered && (is_dark || hides));
        }
        if (hides) {
            view->hidden[view->n_hidden++] = machine->id;
            world->counts[WORLD_HIDDEN]++;
        }
    }
}

void world_look(struct world *world, unsigned brain, struct world_view *ret_view)
{
    struct world_view *view = ret_view;
    bool is_covered;

    memset(view, 0, sizeof(*view));
    view->registry_fails = world->now_ms < world->registry_error_until_ms;
    view->health_fails = world->now_ms < world->health_error_until_ms;
    for (unsigned i = 0; i < world->rules.n_regions; i++) {
        if (world->now_ms < world->faults[i].until_ms)
            view->faults[i] = world->faults[i].fault;
        if (rand_below(&world->rand, 100) < world->rules.error_percent)
            view->faults[i] = WORLD_ERROR;
    }
    is_covered = is_round_covered(world, view);
    if (!is_covered) {
        honest_where_it_must(world, brain, view);
        is_covered = is_round_covered(world, view);
    }
    for (unsigned i = 0; i < world->rules.n_regions; i++)
        view->frames[i] = frame_of(world, view->faults[i]);
    hide(world, view, brain, is_covered);
    for (unsigned i = 0; i < world->rules.n_regions; i++)
        world->counts[view->faults[i]]++;
    world->counts[WORLD_REGISTRY_ERROR] += view->registry_fails;
    world->counts[WORLD_HEALTH_ERROR] += view->health_fails;
}

/* --- EC2 --------------------------------------------------------------------------------------------------------- */

static bool is_hidden(const struct world_view *view, uint32_t id)
{
    for (unsigned i = 0; i < view->n_hidden; i++)
        if (view->hidden[i] == id)
            return true;
    return false;
}

static void write_machine(const struct world *world, const struct world_machine *machine, struct arena *arena,
                          struct ec2_instance *instance)
{
    struct str *addresses = ARENA_ARRAY(arena, struct str, WORLD_ADDRESSES);

    ASSERT(addresses);
    *instance = (struct ec2_instance){ .id = world_id(machine->id, true, arena),
                                       .zone = str_of(zones[machine->region][machine->zone]),
                                       .state = (enum ec2_state)machine->state,
                                       .launch_ms = machine->launch_ms,
                                       .addresses = addresses };
    (void)world;
    for (int i = 0; i < WORLD_ADDRESSES; i++)
        if (machine->addresses[i])
            addresses[instance->n_addresses++] = address_text(machine->addresses[i], arena);
}

static void show(const struct world *world, const struct world_view *view, const struct world_frame *frame,
                 uint32_t only_id, struct arena *arena, struct world_answer *answer)
{
    for (unsigned i = 0; i < frame->n; i++) {
        const struct world_machine *machine = &frame->machines[i];
        bool is_gone = ec2_is_dead((enum ec2_state)machine->state) && world->now_ms - machine->died_ms >= HOUR_MS;
        if (machine->is_canary && machine->region == answer->region)
            answer->ec2.canaries |= 1ull << machine->region;
        if (machine->region != answer->region || is_gone || is_hidden(view, machine->id) ||
            (only_id && machine->id != only_id))
            continue;
        write_machine(world, machine, arena, &answer->ec2.instances[answer->n_shown]);
        answer->shown[answer->n_shown++] = *machine;
    }
}

/* Another account's machines have other ids, and may have the same private addresses. */
static void show_foreign(const struct world *world, struct arena *arena, struct world_answer *answer)
{
    struct world_machine machine = { .id = 0x70000000, .addresses = { 1 }, .state = EC2_RUNNING };

    machine.region = (uint8_t)answer->region;
    write_machine(world, &machine, arena, &answer->ec2.instances[0]);
    answer->shown[answer->n_shown++] = machine;
}

static bool answer_with(struct world *world, const struct world_view *view, enum world_fault fault, unsigned frame,
                        uint32_t only_id, struct arena *arena, struct world_answer *answer)
{
    static const struct str ours = { "111111111111", 12 }, theirs = { "999999999999", 12 };
    bool is_other_sts = fault == WORLD_OTHER_ACCOUNT || fault == WORLD_OTHER_STS;
    bool is_other_owner = fault == WORLD_OTHER_ACCOUNT || fault == WORLD_OTHER_OWNER;

    memset(&answer->ec2, 0, sizeof(answer->ec2));
    answer->n_shown = 0;
    answer->is_wrong_account = is_wrong_account(fault);
    answer->listing =
        (struct plan_listing){ .region = str_of(regions[answer->region]), .account = is_other_sts ? theirs : ours };
    if (fault == WORLD_OMITTED)
        return false;
    if (fault == WORLD_ERROR)
        return true;
    answer->listing.machines = &answer->ec2;
    answer->ec2.instances = ARENA_ARRAY(arena, struct ec2_instance, WORLD_MACHINES);
    ASSERT(answer->ec2.instances);
    if (!shows_nothing(fault))
        show(world, view, &world->frames[frame % WORLD_FRAMES], only_id, arena, answer);
    else if (is_other_owner)
        show_foreign(world, arena, answer);
    answer->ec2.n_instances = answer->n_shown;
    answer->ec2.has_strangers = fault == WORLD_STRANGERS;
    if (answer->n_shown)
        answer->ec2.account = is_other_owner ? theirs : ours;
    return true;
}

bool world_ask(struct world *world, const struct world_view *view, unsigned region, uint32_t only_id,
               struct arena *arena, struct world_answer *answer)
{
    answer->region = region;
    return answer_with(world, view, view->faults[region], view->frames[region], only_id, arena, answer);
}

bool world_ask_again(struct world *world, const struct world_view *view, unsigned region, uint32_t id,
                     struct arena *arena, struct world_answer *answer)
{
    static const struct world_view honest;
    bool is_error = rand_below(&world->rand, 100) < world->rules.error_percent;
    enum world_fault fault = is_error ? WORLD_ERROR : view->faults[region];

    answer->region = region;
    if (world->rules.asks_honestly) {
        fault = is_error ? WORLD_ERROR : WORLD_HONEST;
        view = &honest;
    }
    return answer_with(world, view, fault, frame_of(world, fault), id, arena, answer);
}
