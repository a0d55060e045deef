/* SPDX-License-Identifier: Apache-2.0
 *
 * Services first, EC2 last. */
#include "unmap/survey.h"
#include "base/mem.h"
#include "model/arn.h"

#include <errno.h>

#define ARENA_MAX ((size_t)8 << 30)

struct survey_context {
    struct survey *survey;
    const struct settings *settings;
    struct access *access;
    const struct clock *clock;
};

/* For what is read of one service, or listed in one namespace: one that hangs must not take the time of others. */
static int64_t deadline_of(const struct survey_context *context, const struct setting_target *target)
{
    return clock_mono_ns(context->clock) + target->deadline_ms * 1000000;
}

static int registry_client(const struct survey_context *context, const struct setting_target *target,
                           struct aws_client **ret_client, struct aws_error *ret_error)
{
    access_set_deadline(context->access, deadline_of(context, target));
    return access_client(context->access, AWS_CLOUD_MAP, target->service_region, target->role_arn, ret_client,
                         ret_error);
}

/* --- which services ---------------------------------------------------------------------------------------------- */

/* Whatever role it is looked at with. */
static bool has_service(const struct survey *survey, const struct setting_target *target, struct str id)
{
    for (size_t i = 0; i < survey->n; i++)
        if (str_eq(survey->services[i].id, id) &&
            strcmp(survey->services[i].target->service_region, target->service_region) == 0)
            return true;
    return false;
}

/* The one that names it first has it. 0 or -ENOMEM. */
static int add_service(struct survey *survey, const struct setting_target *target, struct str id, struct str arn)
{
    struct arn parts;
    if (has_service(survey, target, id))
        return 0;
    if (survey->n == survey->size) {
        struct survey_service *longer =
            arena_grow(&survey->arena, survey->services, &survey->size, 16, sizeof(*longer));
        if (!longer)
            return -ENOMEM;
        survey->services = longer;
    }
    struct survey_service *service = &survey->services[survey->n++];
    *service = (struct survey_service){ .target = target, .id = id };
    if (str_is_set(arn) && arn_parse(arn, &parts) == 0)
        service->account = parts.account;
    return 0;
}

static int add_namespace(const struct survey_context *context, const struct setting_target *target,
                         const char *namespace_id)
{
    struct survey *survey = context->survey;
    struct cloud_map_services services;
    struct aws_client *client;
    struct aws_error error = { 0 };
    int r = registry_client(context, target, &client, &error);
    if (r == 0)
        r = cloud_map_list_services(client, str_of(namespace_id), &survey->arena, &services, &error);
    if (r == 0) {
        for (size_t i = 0; r == 0 && i < services.n; i++)
            r = add_service(survey, target, services.items[i].id, services.items[i].arn);
        if (services.n == 0)
            survey->empty[survey->n_empty++] = namespace_id;
        return r;
    }
    if (r == -ENOMEM)
        return r;
    if (r < 0)
        aws_client_fail(&error, 0, "%s", strerror(-r));
    survey->failures[survey->n_failures++] = (struct survey_failure){ namespace_id, error };
    return 0;
}

static int find_services(const struct survey_context *context)
{
    const struct settings *settings = context->settings;
    struct survey *survey = context->survey;
    size_t n_namespaces = 0;
    int r = 0;
    for (size_t i = 0; i < settings->n_targets; i++)
        n_namespaces += settings->targets[i].namespace_ids.n;
    survey->failures = ARENA_ARRAY(&survey->arena, struct survey_failure, n_namespaces);
    survey->empty = ARENA_ARRAY(&survey->arena, const char *, n_namespaces);
    if (!survey->failures || !survey->empty)
        return -ENOMEM;
    for (size_t i = 0; i < settings->n_targets; i++) /* a service that is named belongs to who names it */
        for (size_t k = 0; r == 0 && k < settings->targets[i].service_ids.n; k++)
            r = add_service(survey, &settings->targets[i], str_of(settings->targets[i].service_ids.items[k]),
                            (struct str){ 0 });
    for (size_t i = 0; i < settings->n_targets; i++)
        for (size_t k = 0; r == 0 && k < settings->targets[i].namespace_ids.n; k++)
            r = add_namespace(context, &settings->targets[i], settings->targets[i].namespace_ids.items[k]);
    return r;
}

/* --- what is registered ------------------------------------------------------------------------------------------ */

/* Whether EC2 has to be asked about it at all; the plan decides for itself. */
static bool may_be_judged(const struct cloud_map_instance *instance)
{
    return str_starts(instance->id, STR("i-")) &&
           (str_is_set(cloud_map_attribute(instance, STR("AWS_INSTANCE_IPV4"))) ||
            str_is_set(cloud_map_attribute(instance, STR("AWS_INSTANCE_IPV6"))));
}

static int read_account(struct survey *survey, struct aws_client *client, struct survey_service *service)
{
    struct cloud_map_service answer;
    struct arn parts;
    int r = cloud_map_get_service(client, service->id, &survey->arena, &answer, &service->error);
    if (r == 0 && arn_parse(answer.arn, &parts) == 0)
        service->account = parts.account;
    return r;
}

static int read_service(const struct survey_context *context, struct survey_service *service)
{
    struct survey *survey = context->survey;
    const struct plan_guards *guards = &service->target->guards;
    struct aws_client *client;
    int r = registry_client(context, service->target, &client, &service->error);
    if (r == 0 && guards->pins_account && !str_is_set(service->account))
        r = read_account(survey, client, service);
    if (r == 0)
        r = cloud_map_list_instances(client, service->id, &survey->arena, &service->registered, &service->error);
    if (r == 0 && guards->healthy_vetoes && service->registered.n > 0) {
        r = cloud_map_list_health(client, service->id, &survey->arena, &service->registered, &service->error);
        service->knows_health = r == 0;
    }
    if (r < 0 && r != -ENOMEM)
        r = aws_client_fail(&service->error, AWS_NO_ANSWER, "%s", strerror(-r));
    if (r != 0)
        return r < 0 ? r : 0;
    service->is_whole = true;
    service->judged = ARENA_ARRAY(&survey->arena, struct str, service->registered.n);
    if (!service->judged)
        return -ENOMEM;
    for (size_t i = 0; i < service->registered.n; i++)
        if (may_be_judged(&service->registered.items[i]))
            service->judged[service->n_judged++] = service->registered.items[i].id;
    return 0;
}

/* --- what EC2 has ------------------------------------------------------------------------------------------------ */

struct fleet_place survey_place(const struct setting_target *target, size_t region)
{
    return (struct fleet_place){
        .region = target->instances_regions.items[region],
        .role_arn = target->instances_role_arn ? target->instances_role_arn : target->role_arn,
        .canaries = target->canaries.items,
        .n_canaries = target->canaries.n,
    };
}

static int want_instances(const struct survey_context *context, const struct survey_service *service)
{
    const struct setting_target *target = service->target;
    bool needs_account = str_is_set(target->guards.account) || target->guards.pins_account;
    int r = 0;
    for (size_t i = 0; r == 0 && i < target->instances_regions.n; i++) {
        struct fleet_place place = survey_place(target, i);
        r = fleet_want(context->survey->fleet, &place, service->judged, service->n_judged, needs_account,
                       target->deadline_ms);
    }
    return r;
}

static int get_instances(const struct survey_context *context, struct survey_service *service)
{
    const struct setting_target *target = service->target;
    service->listings = ARENA_ARRAY(&context->survey->arena, struct plan_listing, target->instances_regions.n);
    if (!service->listings)
        return -ENOMEM;
    for (size_t i = 0; i < target->instances_regions.n; i++) {
        struct fleet_place place = survey_place(target, i);
        const struct aws_error *error;
        fleet_get(context->survey->fleet, &place, &service->listings[i], &error);
        if (error)
            service->error = *error;
    }
    service->n_listings = target->instances_regions.n;
    return 0;
}

static int read_all(const struct survey_context *context)
{
    struct survey *survey = context->survey;
    int r = find_services(context);
    for (size_t i = 0; r == 0 && i < survey->n; i++)
        r = read_service(context, &survey->services[i]);
    for (size_t i = 0; r == 0 && i < survey->n; i++)
        if (survey->services[i].n_judged > 0)
            r = want_instances(context, &survey->services[i]);
    if (r == 0)
        r = fleet_fetch(survey->fleet);
    for (size_t i = 0; r == 0 && i < survey->n; i++)
        if (survey->services[i].n_judged > 0)
            r = get_instances(context, &survey->services[i]);
    return r;
}

int survey_make(const struct settings *settings, struct access *access, const struct clock *clock,
                struct survey **ret_survey)
{
    struct survey *survey = mem_zalloc(sizeof(*survey));
    if (!survey)
        return -ENOMEM;
    arena_init(&survey->arena, ARENA_MAX);
    int r = fleet_new(access, clock, &survey->fleet);
    if (r == 0)
        r = read_all(
            &(struct survey_context){ .survey = survey, .settings = settings, .access = access, .clock = clock });
    access_set_deadline(access, 0);
    if (r != 0) {
        survey_free(survey);
        return r;
    }
    *ret_survey = survey;
    return 0;
}

void survey_free(struct survey *survey)
{
    if (!survey)
        return;
    fleet_free(survey->fleet);
    arena_fini(&survey->arena);
    mem_free(survey);
}
