/* SPDX-License-Identifier: Apache-2.0
 *
 * VPCs by number; see vpc.h. */
#include "registry/vpc.h"

#include "base/arena.h"
#include "base/mem.h"

#include <errno.h>
#include <stdlib.h>

struct vpc {
    struct vpc_name name;
    unsigned number;
    bool has_networks, has_section;
};

struct vpc_map {
    struct arena arena;
    size_t n, n_words;
    struct vpc *vpcs;   /* by number */
    struct vpc *sorted; /* by name, for lookups; without number 0 */
    uint64_t *seen;     /* n rows of n_words */
};

/* --- names ---------------------------------------------------------------------------------------------------------
 */

int vpc_parse_name(struct str text, struct vpc_name *ret_name)
{
    struct str parts[3];
    size_t n = 0;

    for (;;) {
        size_t end = str_find_char(text, '/');
        if (end == 0 || n == 3)
            return 1;
        parts[n++] = (struct str){ text.p, end };
        if (end == text.n)
            break;
        text = str_skip(text, end + 1);
    }
    if (n == 2)
        return 1;
    *ret_name = n == 1 ? (struct vpc_name){ .id = parts[0] }
                       : (struct vpc_name){ .account = parts[0], .region = parts[1], .id = parts[2] };
    return 0;
}

static int vpc_cmp(const struct vpc_name *a, const struct vpc_name *b)
{
    int c = str_cmp(a->id, b->id);

    if (c == 0)
        c = str_cmp(a->account, b->account);
    return c ? c : str_cmp(a->region, b->region);
}

static int vpc_cmp_items(const void *a, const void *b)
{
    return vpc_cmp(&((const struct vpc *)a)->name, &((const struct vpc *)b)->name);
}

static const struct vpc *vpc_find_named(const struct vpc_map *map, const struct vpc_name *name)
{
    const struct vpc wanted = { .name = *name };

    return bsearch(&wanted, map->sorted, map->n - 1, sizeof(wanted), vpc_cmp_items);
}

unsigned vpc_find(const struct vpc_map *map, struct str account, struct str region, struct str id)
{
    const struct vpc *found;

    if (!map)
        return VPC_DEFAULT;
    found = vpc_find_named(map, &(struct vpc_name){ account, region, id });
    if (!found)
        found = vpc_find_named(map, &(struct vpc_name){ .id = id });
    return found ? found->number : VPC_DEFAULT;
}

/* --- what is seen --------------------------------------------------------------------------------------------------
 */

static uint64_t *vpc_row(const struct vpc_map *map, unsigned vpc)
{
    return map->seen + vpc * map->n_words;
}

const uint64_t *vpc_seen(const struct vpc_map *map, unsigned vpc)
{
    return vpc_row(map, vpc);
}

static void vpc_see(const struct vpc_map *map, unsigned view, unsigned vpc)
{
    vpc_row(map, view)[vpc / 64] |= UINT64_C(1) << vpc % 64;
}

bool vpc_share_view(const struct vpc_map *map, unsigned a, unsigned b)
{
    for (unsigned view = 0; map && view < map->n; view++)
        if (vpc_is_seen(vpc_row(map, view), a) && vpc_is_seen(vpc_row(map, view), b))
            return true;
    return !map || a == b;
}

/* --- making --------------------------------------------------------------------------------------------------------
 */

/* The number of the name, which is new when `n` names do not hold it; VPC_MAX when there are too many. */
static unsigned vpc_add(struct vpc_map *map, const struct vpc_name *name)
{
    struct vpc *vpc;

    for (size_t i = 1; i < map->n; i++)
        if (vpc_cmp(&map->vpcs[i].name, name) == 0)
            return (unsigned)i;
    if (map->n == VPC_MAX)
        return VPC_MAX;
    vpc = &map->vpcs[map->n];
    *vpc = (struct vpc){ .number = (unsigned)map->n };
    vpc->name.id = arena_dup(&map->arena, name->id);
    if (str_is_set(name->account)) {
        vpc->name.account = arena_dup(&map->arena, name->account);
        vpc->name.region = arena_dup(&map->arena, name->region);
    }
    return (unsigned)map->n++;
}

static struct vpc_name vpc_name_of(const char *text)
{
    struct vpc_name name;

    ASSERT(vpc_parse_name(str_of(text), &name) == 0);
    return name;
}

/* The name that stands in the list of a section. */
static struct vpc_name vpc_name_in(const struct vpc_section *section, const char *text)
{
    struct vpc_name own = vpc_name_of(section->name), name = vpc_name_of(text);

    if (!str_is_set(name.account)) {
        name.account = own.account;
        name.region = own.region;
    }
    return name;
}

/* Gives every name its number. */
static int vpc_map_number(struct vpc_map *map, const struct vpc_section *sections, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct vpc_name name = vpc_name_of(sections[i].name);
        unsigned number = vpc_add(map, &name);
        if (number == VPC_MAX)
            return 1;
        ASSERT(number == i + 1);
        map->vpcs[number].has_section = true;
        map->vpcs[number].has_networks = sections[i].has_networks;
    }
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < sections[i].n_shares; k++) {
            struct vpc_name name = vpc_name_in(&sections[i], sections[i].shares[k]);
            if (vpc_add(map, &name) == VPC_MAX)
                return 1;
        }
    return 0;
}

/* The section that speaks for a VPC which a list names by its long name and no section does. */
static const struct vpc *vpc_base(const struct vpc_map *map, const struct vpc *vpc)
{
    const struct vpc *base = vpc->has_section ? NULL : vpc_find_named(map, &(struct vpc_name){ .id = vpc->name.id });

    return base && base->has_section ? base : NULL;
}

static void vpc_map_fill(struct vpc_map *map, const struct vpc_section *sections, size_t n)
{
    vpc_see(map, VPC_DEFAULT, VPC_DEFAULT);
    for (unsigned i = 1; i < map->n; i++)
        if (map->vpcs[i].has_networks)
            vpc_see(map, i, i);
        else if (!vpc_base(map, &map->vpcs[i]))
            vpc_see(map, VPC_DEFAULT, i);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < sections[i].n_shares; k++) {
            struct vpc_name name = vpc_name_in(&sections[i], sections[i].shares[k]);
            vpc_see(map, sections[i].has_networks ? (unsigned)i + 1 : VPC_DEFAULT, vpc_find_named(map, &name)->number);
        }
    for (unsigned i = 1; i < map->n; i++) {
        const struct vpc *base = vpc_base(map, &map->vpcs[i]);
        for (unsigned view = 0; base && view < map->n; view++)
            if (vpc_is_seen(vpc_row(map, view), base->number))
                vpc_see(map, view, i);
    }
}

int vpc_map_new(const struct vpc_section *sections, size_t n, struct vpc_map **ret_map)
{
    struct vpc_map *map = mem_zalloc(sizeof(*map));
    size_t most = n + 1;
    int r = -ENOMEM;

    if (!map)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++)
        most += sections[i].n_shares;
    arena_init(&map->arena, 16 << 20);
    map->n = 1;
    map->vpcs = ARENA_ARRAY(&map->arena, struct vpc, most < VPC_MAX ? most : VPC_MAX);
    if (!map->vpcs || (r = vpc_map_number(map, sections, n)))
        goto out;
    r = -ENOMEM;
    map->n_words = map->n / 64 + 1;
    map->sorted = ARENA_ARRAY(&map->arena, struct vpc, map->n);
    map->seen = ARENA_ARRAY(&map->arena, uint64_t, map->n * map->n_words);
    if (map->arena.failed)
        goto out;
    memcpy(map->sorted, map->vpcs + 1, (map->n - 1) * sizeof(*map->sorted));
    qsort(map->sorted, map->n - 1, sizeof(*map->sorted), vpc_cmp_items);
    vpc_map_fill(map, sections, n);
    *ret_map = TAKE(map);
    r = 0;
out:
    vpc_map_free(map);
    return r;
}

void vpc_map_free(struct vpc_map *map)
{
    if (!map)
        return;
    arena_fini(&map->arena);
    mem_free(map);
}
