/* SPDX-License-Identifier: Apache-2.0
 *
 * See roster.h. A service's targets are an array in the order of ids, as the registry's tree is, so that one walk over
 * both finds who came, who went and who was registered again. */
#include "health/roster.h"

#include "base/mem.h"
#include "model/health_tag.h"

#include <errno.h>
#include <stdio.h>

void roster_init(struct roster *roster, const struct roster_config *config)
{
    *roster = (struct roster){ .config = *config };
}

/* --- targets ------------------------------------------------------------------------------------------------------ */

static void roster_free_target(struct roster *roster, struct roster_target *target)
{
    roster->config.dropped(roster->config.arg, target);
    if (target->check)
        judge_drop(roster->config.judge, &target->judge);
    if (target->scheduled)
        schedule_remove(roster->config.schedule, target->scheduled);
    mem_free(target->check);
    mem_free(target);
}

/* The check of one instance: the service's, at the instance's address. IPv4 decides when there are both. NULL with
 * *ret_r 0: it has nothing that could be probed. */
static struct check *roster_check(const struct roster_group *group, const struct instance *instance, int *ret_r)
{
    struct check draft = *group->settings, *check;
    unsigned usual = draft.protocol == CHECK_HTTPS ? 443 : 80;
    char host[CHECK_MAX_HOST];
    int n;

    *ret_r = 0;
    if ((instance->dns & INSTANCE_ALIAS) || !(instance->dns & INSTANCE_PORT) || instance->port == 0)
        return NULL;
    if (instance->dns & INSTANCE_IPV4)
        memcpy(draft.address.octets, instance->ipv4, 4);
    else if (instance->dns & INSTANCE_IPV6)
        memcpy(draft.address.octets, instance_ipv6(instance), 16);
    else
        return NULL;
    draft.address.is_ipv6 = !(instance->dns & INSTANCE_IPV4);
    draft.port = instance->port;
    if (draft.port != usual) {
        n = snprintf(host, sizeof(host), STR_FMT ":%u", STR_ARG(draft.host), draft.port);
        draft.host = (struct str){ host, (size_t)n };
    }
    check = check_new(&draft);
    if (!check)
        *ret_r = -ENOMEM;
    return check;
}

/* Takes the check over. */
static int roster_plan(struct roster *roster, struct roster_target *target, struct check *take_check,
                       enum schedule_first first)
{
    struct schedule *schedule = roster->config.schedule;
    int r;

    if (judge_add(roster->config.judge, &target->judge, target->told)) {
        mem_free(take_check);
        return -ENOMEM;
    }
    target->check = take_check;
    r = schedule_add(schedule, target->check, target, first, &target->scheduled);
    if (r == 0)
        target->next_ns = schedule_next_ns(target->scheduled);
    return r;
}

static struct roster_target *roster_new_target(struct roster *roster, struct roster_group *group,
                                               const struct instance *instance)
{
    struct str id = instance_id(instance);
    struct roster_target *target = mem_zalloc(sizeof(*target) + id.n);
    bool can_wait = roster->is_starting && instance->health != HEALTH_UNKNOWN;
    struct check *check;
    int r;

    if (!target)
        return NULL;
    memcpy(target + 1, id.p, id.n);
    target->id = (struct str){ (char *)(target + 1), id.n };
    target->group = group;
    target->create_ms = instance->create_ms;
    target->told = (enum health_status)instance->health;
    target->judge.interval_ms = group->settings->interval_ms;
    target->judge.threshold = group->threshold;
    target->judge.verdict = target->told;
    check = roster_check(group, instance, &r);
    if (check)
        r = roster_plan(roster, target, check, can_wait ? SCHEDULE_IN_PHASE : SCHEDULE_AT_ONCE);
    if (r) {
        roster_free_target(roster, target);
        return NULL;
    }
    return target;
}

/* The service's settings are others: the same target is asked otherwise from now on. */
static int roster_change_target(struct roster *roster, struct roster_target *target, const struct instance *instance)
{
    struct roster_group *group = target->group;
    struct check *check, *old = target->check;
    int r;

    check = roster_check(group, instance, &r);
    if (r)
        return r;
    target->judge.interval_ms = group->settings->interval_ms;
    target->judge.threshold = group->threshold;
    if (!old || !check || check_eq(old, check)) {
        mem_free(check); /* what it lacks to be probed is not its service's to give */
        return 0;
    }
    r = schedule_change(roster->config.schedule, target->scheduled, check, SCHEDULE_IN_PHASE);
    if (r) {
        mem_free(check);
        return r;
    }
    mem_free(old);
    target->check = check;
    target->next_ns = schedule_next_ns(target->scheduled);
    judge_restart(roster->config.judge, &target->judge);
    return 0;
}

/* --- services ----------------------------------------------------------------------------------------------------- */

static int roster_cmp(const struct roster_group *group, struct str account, struct str region, struct str service_id)
{
    int order = str_cmp(account, group->account);

    if (order == 0)
        order = str_cmp(region, group->region);
    return order ? order : str_cmp(service_id, group->service_id);
}

/* Where the service stands, or would. */
static size_t roster_place(const struct roster *roster, struct str account, struct str region, struct str service_id)
{
    size_t low = 0, high = roster->n_groups;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (roster_cmp(roster->groups[middle], account, region, service_id) <= 0)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

struct roster_group *roster_find(const struct roster *roster, struct str account, struct str region,
                                 struct str service_id)
{
    size_t at = roster_place(roster, account, region, service_id);

    if (at == roster->n_groups || roster_cmp(roster->groups[at], account, region, service_id) != 0)
        return NULL;
    return roster->groups[at];
}

struct roster_target *roster_find_target(const struct roster_group *group, struct str instance_id)
{
    size_t low = 0, high = group->n;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = str_cmp(instance_id, group->targets[middle]->id);
        if (order == 0)
            return group->targets[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

static void roster_free_group(struct roster *roster, struct roster_group *group)
{
    for (size_t i = 0; i < group->n; i++)
        roster_free_target(roster, group->targets[i]);
    mem_free(group->targets);
    mem_free(group->settings);
    mem_free(group);
}

static void roster_drop(struct roster *roster, struct str account, struct str region, struct str service_id)
{
    size_t at = roster_place(roster, account, region, service_id);

    if (at == roster->n_groups || roster_cmp(roster->groups[at], account, region, service_id) != 0)
        return;
    roster_free_group(roster, roster->groups[at]);
    roster->n_groups--;
    memmove(&roster->groups[at], &roster->groups[at + 1], (roster->n_groups - at) * sizeof(struct roster_group *));
}

void roster_fini(struct roster *roster)
{
    for (size_t i = 0; i < roster->n_groups; i++)
        roster_free_group(roster, roster->groups[i]);
    mem_free(roster->groups);
    *roster = (struct roster){ 0 };
}

static struct roster_group *roster_add(struct roster *roster, const struct service *service)
{
    size_t at = roster_place(roster, service->account, service->region, service->id);
    struct roster_group *group;
    char *text;

    if (roster->n_groups == roster->size) {
        size_t size = roster->size ? roster->size * 2 : 16;
        struct roster_group **groups = mem_realloc(roster->groups, size * sizeof(*groups));
        if (!groups)
            return NULL;
        roster->groups = groups;
        roster->size = size;
    }
    group = mem_zalloc(sizeof(*group) + service->account.n + service->region.n + service->id.n);
    if (!group)
        return NULL;
    text = (char *)(group + 1);
    memcpy(text, service->account.p, service->account.n);
    group->account = (struct str){ text, service->account.n };
    memcpy(text += service->account.n, service->region.p, service->region.n);
    group->region = (struct str){ text, service->region.n };
    memcpy(text += service->region.n, service->id.p, service->id.n);
    group->service_id = (struct str){ text, service->id.n };
    memmove(&roster->groups[at + 1], &roster->groups[at], (roster->n_groups - at) * sizeof(group));
    roster->groups[at] = group;
    roster->n_groups++;
    return group;
}

/* --- settings ----------------------------------------------------------------------------------------------------- */

/* The service's DNS name; in an HTTP namespace the same of the namespace's name. Into `text`. */
static struct str roster_host(const struct namespace *ns, const struct service *service, char *text, size_t size)
{
    int n = str_eq(service->name, STR("."))
                ? snprintf(text, size, STR_FMT, STR_ARG(ns->name))
                : snprintf(text, size, STR_FMT "." STR_FMT, STR_ARG(service->name), STR_ARG(ns->name));

    return (struct str){ text, n < 0 ? 0 : (size_t)n < size ? (size_t)n : size - 1 };
}

/* What the checks of all its instances have in common; NULL when memory is out. */
static struct check *roster_settings(const struct roster *roster, const struct namespace *ns,
                                     const struct service *service)
{
    struct health_tag_settings tags;
    struct check draft = { .verify_tls = roster->config.verify_tls,
                           .threshold = service->check_threshold ? service->check_threshold : 1,
                           .path = service->check_path };
    char host[CHECK_MAX_HOST - 8];
    struct str bad;

    (void)health_tag_read(service->tags, service->n_tags, &tags, &bad);
    draft.protocol = service->check == SERVICE_CHECK_HTTP    ? CHECK_HTTP
                     : service->check == SERVICE_CHECK_HTTPS ? CHECK_HTTPS
                                                             : CHECK_TCP;
    draft.interval_ms = tags.interval_ms ? tags.interval_ms : roster->config.interval_ms;
    draft.host = roster_host(ns, service, host, sizeof(host));
    draft.expect.header = tags.header_name;
    draft.expect.header_value =
        str_is_set(tags.header_name) && !str_is_set(tags.header_value) ? STR("") : tags.header_value;
    draft.expect.body = tags.body;
    draft.expect.tls_name = tags.tls_name;
    draft.expect.tls_ca = tags.tls_ca;
    return check_new(&draft);
}

/* --- the walk ----------------------------------------------------------------------------------------------------- */

/* Where the walk over the old targets and the registry's instances stands. */
struct roster_walk {
    struct roster *roster;
    struct roster_group *group;
    struct roster_target **kept;
    size_t n_kept, at; /* at: the first of the old ones that was not met yet */
};

/* Those whose ids come before `id` are gone; an absent id: all the rest. */
static void roster_pass(struct roster_walk *walk, struct str id)
{
    struct roster_group *group = walk->group;

    while (walk->at < group->n && (!str_is_set(id) || str_cmp(group->targets[walk->at]->id, id) < 0))
        roster_free_target(walk->roster, group->targets[walk->at++]);
}

static int roster_meet(struct roster_walk *walk, const struct instance *instance)
{
    struct roster_group *group = walk->group;
    struct str id = instance_id(instance);
    struct roster_target *target;
    int r = 0;

    roster_pass(walk, id);
    target = walk->at < group->n && str_eq(group->targets[walk->at]->id, id) ? group->targets[walk->at++] : NULL;
    if (target && target->create_ms != instance->create_ms) {
        roster_free_target(walk->roster, target); /* registered again */
        target = NULL;
    }
    if (!target)
        target = roster_new_target(walk->roster, group, instance);
    else if (group->is_stale)
        r = roster_change_target(walk->roster, target, instance);
    if (!target)
        return -ENOMEM;
    walk->kept[walk->n_kept++] = target;
    return r;
}

static int roster_walk(struct roster *roster, struct roster_group *group, const struct service_node *node)
{
    struct roster_walk walk = { .roster = roster, .group = group };
    const struct instance *instance;
    struct tree_iter iter;
    int r = 0;

    walk.kept = mem_alloc((tree_size(&node->instances).count + group->n) * sizeof(*walk.kept));
    if (!walk.kept)
        return -ENOMEM;
    tree_iter_init(&iter, &node->instances, NULL, NULL);
    while (!r && (instance = tree_iter_next(&iter)))
        r = roster_meet(&walk, instance);
    if (r == 0)
        roster_pass(&walk, (struct str){ 0 });
    while (walk.at < group->n) /* memory is out: those that were not met stay as they were */
        walk.kept[walk.n_kept++] = group->targets[walk.at++];
    mem_free(group->targets);
    group->targets = walk.kept;
    group->n = walk.n_kept;
    return r;
}

int roster_refresh(struct roster *roster, const struct snapshot *snapshot, struct str account, struct str region,
                   struct str service_id)
{
    const struct tenant *tenant = state_find_tenant(snapshot, account, region);
    const struct service_node *node = state_find_service(tenant, service_id);
    struct roster_group *group = roster_find(roster, account, region, service_id);
    struct check *settings;
    int r;

    /* A check that went and came is another one, whatever it asks. */
    if (!node || !service_is_probed(node->config) || !node->instances.root ||
        (group && group->check_ms != node->config->check_ms)) {
        roster_drop(roster, account, region, service_id);
        group = NULL;
        if (!node || !service_is_probed(node->config) || !node->instances.root)
            return 0;
    }
    settings = roster_settings(roster, state_find_namespace(tenant, node->config->namespace_id), node->config);
    if (settings && !group)
        group = roster_add(roster, node->config);
    if (!settings || !group) {
        mem_free(settings);
        return -ENOMEM;
    }
    group->is_stale = group->is_stale || (group->settings && !check_eq(group->settings, settings));
    mem_free(group->settings);
    group->settings = settings;
    group->threshold = (unsigned)settings->threshold;
    group->check_ms = node->config->check_ms;
    r = roster_walk(roster, group, node);
    if (r == 0)
        group->is_stale = false;
    return r;
}

int roster_refresh_all(struct roster *roster, const struct snapshot *snapshot)
{
    struct tree_iter tenants, services;
    const struct service_node *node;
    const struct tenant *tenant;
    int r = 0;

    tree_iter_init(&tenants, &snapshot->tenants, NULL, NULL);
    while ((tenant = tree_iter_next(&tenants))) {
        tree_iter_init(&services, &tenant->services, NULL, NULL);
        while ((node = tree_iter_next(&services)))
            if (service_is_probed(node->config) &&
                roster_refresh(roster, snapshot, tenant->account, tenant->region, node->config->id))
                r = -ENOMEM;
    }
    return r;
}
