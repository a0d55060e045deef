/* SPDX-License-Identifier: Apache-2.0
 *
 * A slot for each place. */
#include "unmap/fleet.h"
#include "aws/sts_client.h"
#include "base/mem.h"

#include <errno.h>
#include <stdlib.h>

#define LISTING_MAX ((size_t)4 << 30)
#define ACCOUNT_ARENA_MAX 65536

struct slot {
    struct slot *next;
    struct fleet_place place;
    struct str *ids; /* wanted; sorted and each once when it is fetched */
    size_t n_ids, size;
    bool needs_account, is_fetched, is_whole;
    int64_t deadline_ms; /* for this place alone: one that hangs must not take the time of others */
    struct ec2_listing listing;
    struct arena arena; /* of the account */
    struct str account;
    struct aws_error error;
};

struct fleet {
    struct access *access;
    const struct clock *clock;
    struct slot *slots;
};

int fleet_new(struct access *access, const struct clock *clock, struct fleet **ret_fleet)
{
    struct fleet *fleet = mem_zalloc(sizeof(*fleet));
    if (!fleet)
        return -ENOMEM;
    fleet->access = access;
    fleet->clock = clock;
    *ret_fleet = fleet;
    return 0;
}

void fleet_free(struct fleet *fleet)
{
    if (!fleet)
        return;
    for (struct slot *slot = fleet->slots, *next; slot; slot = next) {
        next = slot->next;
        ec2_listing_fini(&slot->listing);
        arena_fini(&slot->arena);
        mem_free(slot->ids);
        mem_free(slot);
    }
    mem_free(fleet);
}

/* --- wanting ----------------------------------------------------------------------------------------------------- */

static bool is_same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool is_same_place(const struct fleet_place *a, const struct fleet_place *b)
{
    if (!is_same_text(a->region, b->region) || !is_same_text(a->role_arn, b->role_arn) ||
        a->n_canaries != b->n_canaries)
        return false;
    for (size_t i = 0; i < a->n_canaries; i++) {
        const struct ec2_canary *one = &a->canaries[i], *other = &b->canaries[i];
        if (!str_eq(one->id, other->id) || !str_eq(one->tag_key, other->tag_key) ||
            !str_eq(one->tag_value, other->tag_value))
            return false;
    }
    return true;
}

static struct slot *find_slot(const struct fleet *fleet, const struct fleet_place *place)
{
    struct slot *slot = fleet->slots;
    while (slot && !is_same_place(&slot->place, place))
        slot = slot->next;
    return slot;
}

static struct slot *make_slot(struct fleet *fleet, const struct fleet_place *place)
{
    struct slot *slot = mem_zalloc(sizeof(*slot));
    if (!slot)
        return NULL;
    slot->place = *place;
    ec2_listing_init(&slot->listing, LISTING_MAX);
    arena_init(&slot->arena, ACCOUNT_ARENA_MAX);
    slot->next = fleet->slots;
    fleet->slots = slot;
    return slot;
}

static int add_ids(struct slot *slot, const struct str *ids, size_t n_ids)
{
    if (slot->n_ids + n_ids > slot->size) {
        size_t size = (slot->n_ids + n_ids) * 2;
        struct str *longer = mem_realloc(slot->ids, size * sizeof(*longer));
        if (!longer)
            return -ENOMEM;
        slot->ids = longer;
        slot->size = size;
    }
    if (n_ids)
        memcpy(slot->ids + slot->n_ids, ids, n_ids * sizeof(*ids));
    slot->n_ids += n_ids;
    return 0;
}

int fleet_want(struct fleet *fleet, const struct fleet_place *place, const struct str *ids, size_t n_ids,
               bool needs_account, int64_t deadline_ms)
{
    struct slot *slot = find_slot(fleet, place);
    if (!slot)
        slot = make_slot(fleet, place);
    if (!slot || add_ids(slot, ids, n_ids) != 0)
        return -ENOMEM;
    slot->needs_account |= needs_account;
    if (deadline_ms > slot->deadline_ms)
        slot->deadline_ms = deadline_ms;
    return 0;
}

/* --- fetching ---------------------------------------------------------------------------------------------------- */

static int compare_ids(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

/* Services often share instances. */
static void drop_duplicates(struct slot *slot)
{
    size_t n = 0;
    qsort(slot->ids, slot->n_ids, sizeof(*slot->ids), compare_ids);
    for (size_t i = 0; i < slot->n_ids; i++)
        if (n == 0 || !str_eq(slot->ids[n - 1], slot->ids[i]))
            slot->ids[n++] = slot->ids[i];
    slot->n_ids = n;
}

static int fetch_account(struct fleet *fleet, struct slot *slot)
{
    struct aws_client *sts;
    struct sts_client_identity identity;
    int r = access_client(fleet->access, AWS_STS, slot->place.region, slot->place.role_arn, &sts, &slot->error);
    if (r == 0)
        r = sts_client_get_identity(sts, &slot->arena, &identity, &slot->error);
    if (r == 0)
        slot->account = identity.account;
    return r;
}

static int fetch_machines(struct fleet *fleet, struct slot *slot)
{
    struct aws_client *ec2;
    struct ec2_query query = { .canaries = slot->place.canaries, .n_canaries = slot->place.n_canaries };
    drop_duplicates(slot);
    if (slot->n_ids <= FLEET_FILTER_IDS) {
        query.ids = slot->ids;
        query.n_ids = slot->n_ids;
    }
    int r = access_client(fleet->access, AWS_EC2, slot->place.region, slot->place.role_arn, &ec2, &slot->error);
    if (r == 0)
        r = ec2_describe(ec2, &query, &slot->listing, &slot->error);
    return r;
}

int fleet_fetch(struct fleet *fleet)
{
    for (struct slot *slot = fleet->slots; slot; slot = slot->next) {
        if (slot->is_fetched)
            continue;
        slot->is_fetched = true;
        access_set_deadline(fleet->access, clock_mono_ns(fleet->clock) + slot->deadline_ms * 1000000);
        int r = slot->needs_account ? fetch_account(fleet, slot) : 0;
        if (r == 0)
            r = fetch_machines(fleet, slot);
        if (r == -ENOMEM)
            return r;
        if (r < 0)
            aws_client_fail(&slot->error, 0, "%s", strerror(-r));
        slot->is_whole = r == 0;
    }
    return 0;
}

void fleet_get(const struct fleet *fleet, const struct fleet_place *place, struct plan_listing *ret_listing,
               const struct aws_error **ret_error)
{
    const struct slot *slot = find_slot(fleet, place);
    ASSERT(slot && slot->is_fetched);
    *ret_listing = (struct plan_listing){ .region = str_of(slot->place.region) };
    *ret_error = NULL;
    if (slot->is_whole) {
        ret_listing->machines = &slot->listing;
        ret_listing->account = slot->account;
    } else {
        *ret_error = &slot->error;
    }
}
