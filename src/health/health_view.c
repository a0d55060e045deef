/* SPDX-License-Identifier: Apache-2.0
 *
 * See health_view.h. The words are those of docs/man/cloudmapctl.1. */
#include "health/health_view.h"

#include "base/metric.h"
#include "health/health_priv.h"
#include "model/cloudmap_attribute.h"
#include "json/writer.h"

#include <arpa/inet.h>

/* --- a service ---------------------------------------------------------------------------------------------------- */

static void health_view_put_check(struct json_writer *writer, const struct roster_group *group)
{
    const struct check *settings = group->settings;

    json_key(writer, STR("check"));
    json_open_object(writer);
    json_field_string(writer, STR("type"), str_of(check_protocol_word(settings->protocol)));
    if (settings->protocol != CHECK_TCP) {
        json_field_string(writer, STR("path"), str_is_set(settings->path) ? settings->path : STR("/"));
        json_field_string(writer, STR("host"), settings->host);
    }
    json_field_int(writer, STR("interval_ms"), settings->interval_ms);
    json_field_int(writer, STR("threshold"), settings->threshold);
    json_close_object(writer);
}

static void health_view_put_doubt(struct json_writer *writer, const struct health *health)
{
    const struct judge *judge = &health->judge;

    if (judge->doubt == JUDGE_SURE)
        return;
    json_key(writer, STR("doubt"));
    json_open_object(writer);
    json_field_string(writer, STR("reason"),
                      judge->doubt == JUDGE_DOUBTS_REFERENCE ? STR("reference") : STR("changes"));
    json_field_int(writer, STR("since_ms"), health->doubt_wall_ms);
    json_field_int(writer, STR("held"), (int64_t)judge_count_held(judge));
    json_close_object(writer);
}

static void health_view_put_target(struct json_writer *writer, const struct health *health,
                                   const struct roster_target *target)
{
    int64_t now_ns = clock_mono_ns(health->config.clock), rest_ms = (target->next_ns - now_ns) / 1000000;
    char address[INET6_ADDRSTRLEN];

    if (!target->check) {
        json_field_string(writer, STR("result"), STR("no address or port to probe"));
        return;
    }
    inet_ntop(target->check->address.is_ipv6 ? AF_INET6 : AF_INET, target->check->address.octets, address,
              sizeof(address));
    json_field_string(writer, STR("address"), str_of(address));
    json_field_int(writer, STR("port"), target->check->port);
    if (target->last.result != PROBE_PENDING) {
        json_field_string(writer, STR("result"), str_of(probe_result_text(target->last.result)));
        json_field_int(writer, STR("probed_ms"), target->last_wall_ms);
        json_field_int(writer, STR("duration_us"), target->last.duration_ns / 1000);
        if (target->last.status)
            json_field_int(writer, STR("http_status"), target->last.status);
    }
    json_field_int(writer, STR("consecutive"), target->judge.in_row);
    json_key(writer, STR("consecutive_good"));
    json_put_bool(writer, target->judge.is_good);
    json_field_int(writer, STR("next_ms"), rest_ms > 0 ? rest_ms : 0);
    json_key(writer, STR("held"));
    json_put_bool(writer, judge_is_held(&health->judge, &target->judge));
}

static void health_view_put_instance(struct json_writer *writer, const struct health *health,
                                     const struct roster_group *group, const struct instance *instance)
{
    const struct roster_target *target = group ? roster_find_target(group, instance_id(instance)) : NULL;
    bool drains = instance->flags & INSTANCE_DRAINING;

    json_open_object(writer);
    json_field_string(writer, STR("id"), instance_id(instance));
    json_field_string(writer, STR("status"), service_health_text((enum health_status)instance->shown_health));
    json_field_int(writer, STR("since_ms"), instance->health_since_ms);
    json_key(writer, STR("served"));
    json_put_bool(writer, !drains && instance->is_served);
    if (drains)
        json_field_string(writer, STR("draining"), instance_find_attribute(instance, CLOUDMAP_ATTRIBUTE_DRAINING));
    json_key(writer, STR("lease_expired"));
    json_put_bool(writer, instance->flags & INSTANCE_EXPIRED);
    if (instance->pending_due_wall_ms) {
        json_field_string(writer, STR("pending"), service_health_text((enum health_status)instance->pending_health));
        json_field_int(writer, STR("pending_ms"), instance->pending_due_wall_ms);
    }
    if (instance->dns & INSTANCE_ALIAS)
        json_field_string(writer, STR("result"), STR("an alias: not probed"));
    else if (target)
        health_view_put_target(writer, health, target);
    json_close_object(writer);
}

/* Nothing to look at: healthy, served, and not by doubt. */
static bool health_view_is_well(const struct health *health, const struct roster_group *group,
                                const struct instance *instance)
{
    const struct roster_target *target = group ? roster_find_target(group, instance_id(instance)) : NULL;

    return instance->shown_health == HEALTH_HEALTHY && !(target && judge_is_held(&health->judge, &target->judge));
}

/* Those that are well, or the others; of all kinds the first ones, up to the cap. */
static unsigned health_view_put_instances(struct json_writer *writer, const struct health *health,
                                          const struct roster_group *group, const struct service_node *node,
                                          bool are_well, unsigned n)
{
    struct state_registered_iter iter;
    const struct instance *instance;

    state_iter_registered(&iter, node, (struct str){ 0 });
    while (n < HEALTH_VIEW_MAX && (instance = state_next_registered(&iter)))
        if (health_view_is_well(health, group, instance) == are_well) {
            health_view_put_instance(writer, health, group, instance);
            n++;
        }
    return n;
}

void health_view_write_service(struct health *health, struct buf *buf, const struct service_node *node)
{
    const struct service *service = node->config;
    const struct roster_group *group;
    struct json_writer writer;
    unsigned n;

    json_writer_init(&writer, buf);
    json_open_object(&writer);
    json_field_string(&writer, STR("service"), service->name);
    json_field_string(&writer, STR("service_id"), service->id);
    json_field_string(&writer, STR("kind"), service_check_text(service->check));
    pthread_mutex_lock(&health->mutex);
    group = roster_find(&health->roster, service->account, service->region, service->id);
    if (group)
        health_view_put_check(&writer, group);
    health_view_put_doubt(&writer, health);
    json_key(&writer, STR("instances"));
    json_open_array(&writer);
    n = health_view_put_instances(&writer, health, group, node, false, 0);
    health_view_put_instances(&writer, health, group, node, true, n);
    json_close_array(&writer);
    pthread_mutex_unlock(&health->mutex);
    json_field_int(&writer, STR("registered"), state_count_registered(node));
    json_close_object(&writer);
}

/* --- metrics ------------------------------------------------------------------------------------------------------ */

static void health_view_put_probes(const struct health *health, struct buf *buf)
{
    static const char name[] = "cloudmap_health_probes_total";

    metric_write_header(buf, name, "Probes by type and result.", METRIC_COUNTER);
    for (unsigned type = CHECK_HTTP; type <= CHECK_TCP; type++)
        for (unsigned result = PROBE_OK; result < PROBE_RESULT_COUNT; result++) {
            const struct str_pair labels[] = {
                { STR("type"), str_of(check_protocol_word((enum check_protocol)type)) },
                { STR("result"), str_of(probe_result_word((enum probe_result)result)) },
            };
            uint64_t n = __atomic_load_n(&health->n_probes[type][result], __ATOMIC_RELAXED);
            if (n || result == PROBE_OK)
                metric_write_sample(buf, name, labels, 2, METRIC_COUNT, (int64_t)n);
        }
}

static void health_view_put_group(struct buf *buf, const char *name, const struct roster_group *group)
{
    size_t n[HEALTH_STATUS_COUNT] = { 0 };

    for (size_t i = 0; i < group->n; i++)
        n[group->targets[i]->told]++;
    for (unsigned status = 0; status < HEALTH_STATUS_COUNT; status++) {
        const struct str_pair labels[] = { { STR("region"), group->region },
                                           { STR("service_id"), group->service_id },
                                           { STR("status"), service_health_text((enum health_status)status) } };
        metric_write_sample(buf, name, labels, 3, METRIC_COUNT, (int64_t)n[status]);
    }
}

static void health_view_put_gauge(struct buf *buf, const char *name, const char *help, enum metric_unit unit,
                                  int64_t value)
{
    metric_write_header(buf, name, help, METRIC_GAUGE);
    metric_write_sample(buf, name, NULL, 0, unit, value);
}

void health_view_write_metrics(struct health *health, struct buf *buf, unsigned max_services)
{
    static const char name[] = "cloudmap_service_health";

    health_view_put_probes(health, buf);
    metric_write_header(buf, name, "Probed instances of a service by status.", METRIC_GAUGE);
    pthread_mutex_lock(&health->mutex);
    for (size_t i = 0; i < health->roster.n_groups && i < max_services; i++)
        health_view_put_group(buf, name, health->roster.groups[i]);
    health_view_put_gauge(buf, "cloudmap_health_running", "Probes that are out.", METRIC_COUNT,
                          (int64_t)health->stat.running);
    health_view_put_gauge(buf, "cloudmap_health_waiting", "Probes that are due and wait for a socket or their address.",
                          METRIC_COUNT, (int64_t)health->stat.waiting);
    pthread_mutex_unlock(&health->mutex);
}

void health_view_write_ready(struct health *health, struct buf *buf)
{
    size_t held;
    bool doubts;

    pthread_mutex_lock(&health->mutex);
    held = judge_count_held(&health->judge);
    doubts = health->judge.doubt != JUDGE_SURE;
    pthread_mutex_unlock(&health->mutex);
    if (doubts)
        buf_printf(buf, "health checks doubt their own network: %zu verdicts are held\n", held);
}
