/* SPDX-License-Identifier: Apache-2.0
 *
 * Images of zones; see zone_image.h. Names stand in a table of chains by their hash; a block of the registry is known
 * again by its address and the epoch that made it. */
#include "dns/zone_image.h"

#include "base/mem.h"
#include "dns/zone_render.h"

#include <errno.h>

#define FIRST_CHAINS 64

struct image_node {
    struct image_node *next;
    uint64_t hash;
    const struct owner *block; /* compared only */
    uint32_t epoch;
    unsigned flags; /* enum zone_render_flags */
    uint32_t round; /* of the renewal that saw it last */
    struct image_node *next_foreign;
    struct zone_render_choice choice;
    struct record_set *set;
    uint32_t n_key;
    uint8_t key[];
};

struct zone_image {
    struct dname name; /* folded */
    char *vpc;
    const struct dns_view_set *views;
    struct alias *alias;
    struct image_node **chains;
    size_t n_chains, n_nodes;
    uint64_t n_records, size;
    uint32_t round;
    struct image_node *foreign;                              /* names that show what is known of names elsewhere */
    struct zone_image_version versions[ZONE_IMAGE_VERSIONS]; /* ring */
    size_t first, n;
    uint64_t journal; /* octets */
    uint64_t born;    /* revision of the first version */
};

/* --- the journal -------------------------------------------------------------------------------------------------- */

static struct zone_image_version *image_version(const struct zone_image *image, size_t i)
{
    return (struct zone_image_version *)(uintptr_t)&image->versions[(image->first + i) % ZONE_IMAGE_VERSIONS];
}

static struct zone_image_version *image_last(const struct zone_image *image)
{
    return image_version(image, image->n - 1);
}

static uint64_t image_version_size(const struct zone_image_version *version)
{
    return version->removed ? (uint64_t)version->removed->size + version->added->size : 0;
}

static void image_drop_first(struct zone_image *image)
{
    struct zone_image_version *version = image_version(image, 0);

    image->journal -= image_version_size(version);
    record_set_unref(version->removed);
    record_set_unref(version->added);
    image->first = (image->first + 1) % ZONE_IMAGE_VERSIONS;
    image->n--;
}

/* Takes both sets. */
static void image_append(struct zone_image *image, const struct zone_image_version *version)
{
    if (image->n == ZONE_IMAGE_VERSIONS)
        image_drop_first(image);
    if (image->n == 0)
        image->born = version->first;
    image->n++;
    *image_last(image) = *version;
    image->journal += image_version_size(version);
    while (image->n > 1 && image->journal > ZONE_IMAGE_JOURNAL)
        image_drop_first(image);
}

/* --- names -------------------------------------------------------------------------------------------------------- */

static void image_free_node(struct zone_image *image, struct image_node *node)
{
    if (node->set) {
        image->n_records -= node->set->n;
        image->size -= node->set->size;
    }
    record_set_unref(node->set);
    mem_free(node);
    image->n_nodes--;
}

static void image_clear(struct zone_image *image)
{
    image->foreign = NULL;
    for (size_t i = 0; i < image->n_chains; i++)
        while (image->chains[i]) {
            struct image_node *node = image->chains[i];
            image->chains[i] = node->next;
            image_free_node(image, node);
        }
    while (image->n)
        image_drop_first(image);
}

/* More chains when the names are many; without memory for it chains get longer. */
static void image_grow(struct zone_image *image)
{
    size_t n = image->n_chains * 2;
    struct image_node **chains;

    if (image->n_nodes < image->n_chains)
        return;
    chains = mem_zalloc(n * sizeof(chains[0]));
    if (!chains)
        return;
    for (size_t i = 0; i < image->n_chains; i++)
        while (image->chains[i]) {
            struct image_node *node = image->chains[i];
            image->chains[i] = node->next;
            node->next = chains[node->hash % n];
            chains[node->hash % n] = node;
        }
    mem_free(image->chains);
    image->chains = chains;
    image->n_chains = n;
}

/* The node of a name, made when it is new; NULL when memory is out. */
static struct image_node *image_own_node(struct zone_image *image, const struct trie_item *item)
{
    struct image_node *node = image->chains[item->hash % image->n_chains];

    while (node &&
           (node->hash != item->hash || node->n_key != item->key_n || memcmp(node->key, item->key, item->key_n) != 0))
        node = node->next;
    if (node)
        return node;
    image_grow(image);
    node = mem_zalloc(sizeof(*node) + item->key_n);
    if (!node)
        return NULL;
    node->hash = item->hash;
    node->n_key = item->key_n;
    memcpy(node->key, item->key, item->key_n);
    node->next = image->chains[item->hash % image->n_chains];
    image->chains[item->hash % image->n_chains] = node;
    image->n_nodes++;
    return node;
}

/* --- renewal ------------------------------------------------------------------------------------------------------ */

struct renewal {
    struct zone_image *image;
    struct zone_render_zone zone;
    struct authority_client client;
    struct buf records, removed, added;
    bool is_unknown;
    bool failed;
};

static void image_renew_node(struct renewal *renewal, struct image_node *node, const struct owner *owner)
{
    struct zone_image *image = renewal->image;
    struct record_set *set;

    buf_clear(&renewal->records);
    node->flags = zone_render_owner(&renewal->zone, owner, &node->choice, &renewal->records);
    set = record_set_new(&renewal->records, true);
    if (!set) {
        renewal->failed = true;
        return;
    }
    image->n_records += set->n;
    image->size += set->size;
    if (node->set) {
        image->n_records -= node->set->n;
        image->size -= node->set->size;
    }
    record_set_diff(node->set, set, &renewal->removed, &renewal->added);
    record_set_unref(node->set);
    node->set = set;
    node->choice.shown = set;
    node->block = owner;
    node->epoch = owner->item.epoch;
    renewal->failed = image->size > ZONE_IMAGE_MAX;
}

static void image_visit(void *arg, const struct trie_item *item)
{
    struct renewal *renewal = arg;
    const struct owner *owner = (const struct owner *)item;
    struct image_node *node;

    if (renewal->failed || !owner->is_live)
        return;
    node = image_own_node(renewal->image, item);
    if (!node) {
        renewal->failed = true;
        return;
    }
    node->round = renewal->image->round;
    if (node->block != owner || node->epoch != item->epoch || (node->flags & ZONE_RENDER_VOLATILE))
        image_renew_node(renewal, node, owner);
    if (node->flags & ZONE_RENDER_FOREIGN) {
        node->next_foreign = renewal->image->foreign;
        renewal->image->foreign = node;
    }
    renewal->is_unknown = renewal->is_unknown || (node->flags & ZONE_RENDER_UNKNOWN);
}

/* Drops the names that this round did not see. */
static void image_sweep(struct renewal *renewal)
{
    struct zone_image *image = renewal->image;

    for (size_t i = 0; i < image->n_chains; i++) {
        struct image_node **place = &image->chains[i];
        while (*place) {
            struct image_node *node = *place;
            if (node->round == image->round) {
                place = &node->next;
                continue;
            }
            record_set_diff(node->set, NULL, &renewal->removed, &renewal->added);
            *place = node->next;
            image_free_node(image, node);
        }
    }
}

static const struct zone *image_find_zone(const struct zone_image *image, const struct snapshot *snapshot)
{
    struct authority_name name = { .name = image->name };
    const struct zone_name *place;

    authority_fold(snapshot, &name);
    place = zone_find(snapshot, name.hash[0], dname_suffix(&name.name, 0));
    for (uint32_t i = 0; place && i < place->n; i++) {
        const struct namespace *ns = place->zones[i]->ns;
        if (*image->vpc ? ns->kind == NAMESPACE_DNS_PRIVATE && str_eq(ns->vpc, str_of(image->vpc))
                        : ns->kind == NAMESPACE_DNS_PUBLIC)
            return place->zones[i];
    }
    return NULL;
}

/* Notes what the renewal found. */
static int image_conclude(struct renewal *renewal, uint64_t revision, uint32_t soa_ttl)
{
    struct zone_image *image = renewal->image;
    struct zone_image_version version = { .first = revision, .last = revision, .soa_ttl = soa_ttl };

    if (image->n && renewal->removed.n == 0 && renewal->added.n == 0 && image_last(image)->soa_ttl == soa_ttl) {
        image_last(image)->last = revision;
        return ZONE_IMAGE_SAME;
    }
    if (image->n) {
        version.removed = record_set_new(&renewal->removed, false);
        version.added = record_set_new(&renewal->added, false);
        if (!version.removed || !version.added) {
            record_set_unref(version.removed);
            record_set_unref(version.added);
            return -ENOMEM;
        }
    }
    image_append(image, &version);
    return ZONE_IMAGE_CHANGED;
}

/* False: the zone is not there. */
static bool image_begin(struct renewal *renewal, struct zone_image *image, const struct snapshot *snapshot)
{
    const struct zone *zone = image_find_zone(image, snapshot);

    if (!zone)
        return false;
    *renewal = (struct renewal){ .image = image };
    if (image->views)
        renewal->client.view =
            zone->is_private ? dns_view_of_vpc(image->views, zone->vpc) : dns_view_public(image->views);
    renewal->zone = (struct zone_render_zone){
        .snapshot = snapshot, .zone = zone, .name = &image->name, .client = &renewal->client, .alias = image->alias
    };
    buf_init(&renewal->records, ZONE_IMAGE_MAX);
    buf_init(&renewal->removed, ZONE_IMAGE_MAX);
    buf_init(&renewal->added, ZONE_IMAGE_MAX);
    return true;
}

static void image_end(struct renewal *renewal)
{
    buf_fini(&renewal->records);
    buf_fini(&renewal->removed);
    buf_fini(&renewal->added);
}

int zone_image_renew(struct zone_image *image, const struct snapshot *snapshot, bool waits)
{
    struct renewal renewal;
    int r;

    if (image->n && image_last(image)->last == snapshot->revision)
        return ZONE_IMAGE_SAME;
    if (!image_begin(&renewal, image, snapshot)) {
        image_clear(image);
        return ZONE_IMAGE_ABSENT;
    }
    image->round++;
    image->foreign = NULL;
    trie_each(&renewal.zone.zone->owners, image_visit, &renewal);
    image_sweep(&renewal);
    if (renewal.failed)
        r = -ENOMEM;
    else if (waits && image->n == 0 && renewal.is_unknown)
        r = ZONE_IMAGE_UNKNOWN;
    else
        r = image_conclude(&renewal, snapshot->revision, (uint32_t)renewal.zone.zone->ns->soa_ttl);
    if (r < 0)
        image_clear(image);
    image_end(&renewal);
    return r;
}

/* Would the name have other records now? Memory that is out is no reason for anything. */
static bool image_is_node_behind(struct renewal *renewal, const struct image_node *node)
{
    const struct trie_item *item =
        trie_find(&renewal->zone.zone->owners, node->hash, (struct str){ (const char *)node->key, node->n_key });
    struct zone_render_choice choice = node->choice;
    struct record_set *set;
    bool differs;

    if (!item || (const struct owner *)item != node->block || item->epoch != node->epoch)
        return false; /* the next renewal sees to it */
    buf_clear(&renewal->records);
    zone_render_owner(&renewal->zone, (const struct owner *)item, &choice, &renewal->records);
    set = record_set_new(&renewal->records, true);
    differs = set && record_set_diff(node->set, set, &renewal->removed, &renewal->added);
    record_set_unref(set);
    return differs;
}

bool zone_image_is_behind(struct zone_image *image, const struct snapshot *snapshot)
{
    struct renewal renewal;
    bool is_behind = false;

    if (image->n == 0 || !image->foreign || !image_begin(&renewal, image, snapshot))
        return false;
    for (const struct image_node *node = image->foreign; node && !is_behind; node = node->next_foreign)
        is_behind = image_is_node_behind(&renewal, node);
    image_end(&renewal);
    return is_behind;
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

uint64_t zone_image_revision(const struct zone_image *image)
{
    return image->n ? image_last(image)->last : 0;
}

uint64_t zone_image_changed(const struct zone_image *image)
{
    return image->n ? image_last(image)->first : 0;
}

uint32_t zone_image_soa_ttl(const struct zone_image *image)
{
    return image->n ? image_last(image)->soa_ttl : 0;
}

uint64_t zone_image_count(const struct zone_image *image)
{
    return image->n_records;
}

int zone_image_whole(const struct zone_image *image, struct zone_image_parts *ret_parts)
{
    struct zone_image_part *items = mem_alloc((image->n_nodes + 1) * sizeof(items[0]));
    size_t n = 0;

    if (!items)
        return -ENOMEM;
    for (size_t i = 0; i < image->n_chains; i++)
        for (const struct image_node *node = image->chains[i]; node; node = node->next)
            items[n++] = (struct zone_image_part){ .set = record_set_ref(node->set) };
    *ret_parts = (struct zone_image_parts){ items, n };
    return 0;
}

/* The version that a secondary with the serial holds, or -1. What has the serial of the first version of all may be of
 * a daemon before this one, whose choices and settings nobody knows. */
static int image_find_version(const struct zone_image *image, uint32_t serial)
{
    uint64_t now = zone_image_revision(image);
    uint32_t behind = (uint32_t)now - serial;
    uint64_t revision = now - behind;

    if (behind > now || behind > INT32_MAX || revision <= image->born)
        return -1;
    for (size_t i = 0; i < image->n; i++)
        if (revision >= image_version(image, i)->first && revision <= image_version(image, i)->last)
            return (int)i;
    return -1;
}

int zone_image_steps(const struct zone_image *image, uint32_t serial, struct zone_image_parts *ret_parts)
{
    int from = image->n ? image_find_version(image, serial) : -1;
    struct zone_image_part *items;
    size_t n = 0;

    if (from < 0)
        return 1;
    items = mem_alloc((image->n + 1) * sizeof(items[0]));
    if (!items)
        return -ENOMEM;
    for (size_t i = (size_t)from + 1; i < image->n; i++) {
        const struct zone_image_version *version = image_version(image, i);
        const struct zone_image_version *before = image_version(image, i - 1);
        items[n] = (struct zone_image_part){ .removed = record_set_ref(version->removed),
                                             .set = record_set_ref(version->added),
                                             .serial = n ? (uint32_t)before->first : serial,
                                             .soa_ttl = before->soa_ttl,
                                             .next_serial = (uint32_t)version->first,
                                             .next_soa_ttl = version->soa_ttl };
        n++;
    }
    if (n) {
        items[n - 1].next_serial = (uint32_t)zone_image_revision(image);
    } else if (serial != (uint32_t)zone_image_revision(image)) {
        uint32_t ttl = zone_image_soa_ttl(image);
        items[n++] = (struct zone_image_part){
            .serial = serial, .soa_ttl = ttl, .next_serial = (uint32_t)zone_image_revision(image), .next_soa_ttl = ttl
        };
    }
    *ret_parts = (struct zone_image_parts){ items, n };
    return 0;
}

void zone_image_parts_free(struct zone_image_parts *parts)
{
    for (size_t i = 0; i < parts->n; i++) {
        record_set_unref(parts->items[i].removed);
        record_set_unref(parts->items[i].set);
    }
    mem_free(parts->items);
    *parts = (struct zone_image_parts){ 0 };
}

/* --- making ------------------------------------------------------------------------------------------------------- */

struct zone_image *zone_image_new(const struct zone_image_config *config)
{
    struct zone_image *image = mem_zalloc(sizeof(*image));

    if (!image)
        return NULL;
    image->name = *config->name;
    image->views = config->views;
    image->alias = config->alias;
    dname_fold(&image->name);
    image->n_chains = FIRST_CHAINS;
    image->chains = mem_zalloc(FIRST_CHAINS * sizeof(image->chains[0]));
    image->vpc = mem_zalloc(config->vpc.n + 1);
    if (!image->chains || !image->vpc) {
        zone_image_free(image);
        return NULL;
    }
    if (config->vpc.n)
        memcpy(image->vpc, config->vpc.p, config->vpc.n);
    return image;
}

void zone_image_free(struct zone_image *image)
{
    if (!image)
        return;
    if (image->chains)
        image_clear(image);
    mem_free(image->chains);
    mem_free(image->vpc);
    mem_free(image);
}
