/* SPDX-License-Identifier: Apache-2.0
 *
 * What the parts say, put together. */
#include "unmap/round.h"
#include "base/log.h"
#include "base/mem.h"
#include "unmap/approval.h"

#include <errno.h>
#include <unistd.h>

#define ARENA_MAX ((size_t)8 << 30)
#define IDS_IN_LOG 20

static int64_t now_ms(const struct round_context *context)
{
    return clock_mono_ns(context->clock) / 1000000;
}

/* --- deciding ---------------------------------------------------------------------------------------------------- */

/* Guards that look at the rounds before. */
static bool needs_history(const struct plan_guards *guards)
{
    return guards->confirmations > 1 || guards->confirm_ms || guards->grace_ms || guards->high_water_percent ||
           guards->hour_percent || guards->pins_account || guards->identity_freeze_ms || guards->zone_percent;
}

/* Removals that the target's other services have left of its budget for this round. */
static size_t budget_of(const struct round *round, const struct round_service *service)
{
    const struct setting_target *target = service->survey->target;
    size_t used = 0;
    if (target->guards.max_removals == 0)
        return SIZE_MAX;
    for (size_t i = 0; i < round->n; i++)
        if (round->services[i].survey && round->services[i].survey->target == target)
            used += round->services[i].plan.by_action[PLAN_REMOVE];
    return used < target->guards.max_removals ? target->guards.max_removals - used : 0;
}

/* What is not there has no instance that an event could be about. */
static bool is_away(const struct aws_error *error, const char *code)
{
    return strcmp(error->code, code) == 0;
}

/* The history, in the round's own memory: what the plan makes of it borrows from it. */
static int remember(const struct round_context *context, struct round *round, struct str service_id,
                    struct plan_history **ret_history)
{
    const struct plan_history *history;
    int r = keeper_get(context->keeper, service_id, now_ms(context), &history);
    return r == 0 ? plan_history_dup(history, &round->arena, ret_history) : r;
}

static int decide(const struct round_context *context, struct round *round, struct round_service *service,
                  const struct approvals *approvals)
{
    struct survey_service *survey = service->survey;
    struct plan_history *history = NULL;
    struct str *approved;
    size_t n_approved;
    int r = approval_ids(approvals, survey->id, &round->arena, &approved, &n_approved);
    if (r == 0 && needs_history(&survey->target->guards))
        r = remember(context, round, survey->id, &history);
    if (r != 0)
        return r;
    const struct plan_input input = {
        .registered = survey->is_whole ? &survey->registered : NULL,
        .registry_account = survey->account,
        .listings = survey->listings,
        .n_listings = survey->n_listings,
        .knows_health = survey->knows_health,
        .guards = &survey->target->guards,
        .canaries = survey->target->canaries.items,
        .n_canaries = survey->target->canaries.n,
        .history = history,
        .approved = approved,
        .n_approved = n_approved,
        .budget = budget_of(round, service),
        .now_ms = now_ms(context),
        .wall_ms = clock_wall_ms(context->clock),
        .seed = rand_u64(context->rand),
    };
    r = plan_make(&input, &round->arena, &service->plan);
    if (r != 0)
        return r;
    service->result = service->plan.outcome == PLAN_OK     ? EXPORTER_OK
                      : service->plan.outcome == PLAN_HELD ? EXPORTER_HELD
                                                           : EXPORTER_ERROR;
    round->is_unknown |= service->plan.outcome == PLAN_UNKNOWN;
    round->leaves_hints |= service->plan.outcome == PLAN_UNKNOWN && !is_away(&survey->error, "ServiceNotFound");
    round->is_held |= service->plan.outcome == PLAN_HELD || service->plan.by_action[PLAN_WAIT] > 0;
    round->n_to_remove += service->plan.by_action[PLAN_REMOVE];
    return 0;
}

static int decide_all(const struct round_context *context, struct round *round)
{
    struct approvals approvals;
    int r = survey_make(context->settings, context->access, context->clock, &round->survey);
    if (r != 0)
        return r;
    round->is_unknown = round->survey->n_failures > 0;
    for (size_t i = 0; i < round->survey->n_failures; i++)
        round->leaves_hints |= !is_away(&round->survey->failures[i].error, "NamespaceNotFound");
    r = approval_load(context->state_dir, clock_wall_ms(context->clock), &round->arena, &approvals);
    if (r == -ENOMEM)
        return r;
    if (r != 0)
        log_event(LOG_UNMAP_STATE_IGNORED, LOG_C("file", "approved.jsonl"), LOG_C("error", strerror(-r)));
    round->services = ARENA_ARRAY(&round->arena, struct round_service, round->survey->n);
    if (!round->services)
        return -ENOMEM;
    round->n = round->survey->n;
    for (size_t i = 0; i < round->n; i++) {
        round->services[i].survey = &round->survey->services[i];
        exporter_add_service(context->exporter, round->services[i].survey->id);
        r = decide(context, round, &round->services[i], &approvals);
        if (r != 0)
            return r;
    }
    return 0;
}

int round_decide(const struct round_context *context, struct round **ret_round)
{
    struct round *round = mem_zalloc(sizeof(*round));
    if (!round)
        return -ENOMEM;
    arena_init(&round->arena, ARENA_MAX);
    int r = decide_all(context, round);
    if (r != 0) {
        round_free(round);
        return r;
    }
    *ret_round = round;
    return 0;
}

void round_free(struct round *round)
{
    if (!round)
        return;
    survey_free(round->survey);
    arena_fini(&round->arena);
    mem_free(round);
}

/* --- telling ----------------------------------------------------------------------------------------------------- */

/* The first ids of those with this action, with a comma between them. */
static struct str list_ids(struct arena *arena, const struct plan *plan, enum plan_action action)
{
    struct str list = STR("");
    size_t n = 0;
    for (size_t i = 0; i < plan->n && n < IDS_IN_LOG; i++)
        if (plan->decisions[i].action == action)
            list = arena_printf(arena, STR_FMT "%s" STR_FMT, STR_ARG(list), n++ ? "," : "",
                                STR_ARG(plan->decisions[i].instance->id));
    return list;
}

static void tell_decision(const struct survey_service *survey, const struct plan_decision *decision, enum log_id event)
{
    log_event(event, LOG_S("service_id", survey->id), LOG_S("instance_id", decision->instance->id),
              LOG_S("address", decision->address), LOG_C("evidence", plan_evidence_text(decision->evidence)),
              LOG_C("action", plan_action_text(decision->action)), LOG_C("rule", plan_rule_text(decision->rule)),
              LOG_C("reason", decision->rule == PLAN_RULE_NONE ? NULL : plan_rule_reason(decision->rule)),
              LOG_C("ec2_state", decision->machine ? ec2_state_text(decision->machine->state) : NULL),
              LOG_I("rounds", decision->doubts), LOG_I("seen_for_seconds", decision->seen_for_ms / 1000));
}

static void tell_decisions(const struct survey_service *survey, const struct plan *plan, bool is_dry_run)
{
    for (size_t i = 0; i < plan->n; i++) {
        const struct plan_decision *decision = &plan->decisions[i];
        if (decision->action == PLAN_WAIT)
            tell_decision(survey, decision, LOG_UNMAP_WAITS);
        else if (decision->action == PLAN_REMOVE && is_dry_run)
            tell_decision(survey, decision, LOG_UNMAP_WOULD_REMOVE);
        else if (log_is_on(LOG_UNMAP_DECISION))
            tell_decision(survey, decision, LOG_UNMAP_DECISION);
    }
}

static void tell_unknown(const struct survey_service *survey, const struct plan *plan)
{
    log_event(LOG_UNMAP_UNKNOWN, LOG_S("service_id", survey->id), LOG_C("code", survey->error.code),
              LOG_C("error", survey->error.message[0] ? survey->error.message : plan_rule_reason(plan->rule)),
              LOG_I("status", survey->error.status), LOG_C("request_id", survey->error.request_id));
}

static void tell_held(struct round *round, const struct survey_service *survey, const struct plan *plan)
{
    log_event(LOG_UNMAP_HELD, LOG_S("service_id", survey->id), LOG_C("guard", plan_rule_text(plan->rule)),
              LOG_C("reason", plan_rule_reason(plan->rule)), LOG_I("judged", plan->n_judged),
              LOG_I("alive", plan->by_evidence[PLAN_PRESENT]), LOG_I("held", plan->by_action[PLAN_HOLD]),
              LOG_S("instances", list_ids(&round->arena, plan, PLAN_HOLD)));
}

static void tell_checked(const struct survey_service *survey, const struct plan *plan, size_t n_removed)
{
    log_event(LOG_UNMAP_CHECKED, LOG_S("service_id", survey->id),
              LOG_C("service_region", survey->target->service_region), LOG_I("registered", plan->n),
              LOG_I("judged", plan->n_judged), LOG_I("match", plan->by_evidence[PLAN_PRESENT]),
              LOG_I("terminated", plan->by_evidence[PLAN_TERMINATED]), LOG_I("absent", plan->by_evidence[PLAN_ABSENT]),
              LOG_I("moved", plan->by_evidence[PLAN_MOVED]), LOG_I("waiting", plan->by_action[PLAN_WAIT]),
              LOG_I("held", plan->by_action[PLAN_HOLD]), LOG_I("removed", n_removed));
}

/* --- carrying out ------------------------------------------------------------------------------------------------ */

/* Removals that other controllers noted in the shared history since this round read it. */
static size_t count_others(const struct plan_history *ours, const struct plan_history *shared)
{
    size_t n = 0;
    for (size_t i = 0, k = 0; i < shared->n_removed; i++) {
        while (k < ours->n_removed && ours->removed_ms[k] < shared->removed_ms[i])
            k++;
        if (k < ours->n_removed && ours->removed_ms[k] == shared->removed_ms[i])
            k++;
        else if (ours->n_removed == 0 || shared->removed_ms[i] > ours->removed_ms[ours->n_removed - 1])
            n++;
    }
    return n;
}

/* Before the first one goes, all of them count against the hour's budget: a crash must not give it back. What others
 * took of it since is no longer there. 0 or -errno. */
static int reserve(const struct round_context *context, struct round_service *service)
{
    const struct plan_history *shared;
    struct plan *plan = &service->plan;
    size_t n_others = 0;
    int r = keeper_get(context->keeper, service->survey->id, now_ms(context), &shared);
    if (r != 0)
        return r;
    if (service->survey->target->guards.hour_percent)
        n_others = count_others(plan->history, shared);
    for (size_t i = 0; i < n_others; i++)
        plan_note_removal(plan->history, now_ms(context));
    plan_hold_back(plan, n_others, PLAN_RULE_HOUR);
    struct plan_history after = *plan->history;
    for (size_t i = 0; i < plan->by_action[PLAN_REMOVE]; i++)
        plan_note_removal(&after, now_ms(context));
    return keeper_put(context->keeper, service->survey->id, now_ms(context), &after);
}

/* What the round leaves for the next one; the removals are those that were reserved, by whichever controller. */
static int keep(const struct round_context *context, struct round_service *service)
{
    const struct plan_history *shared;
    struct plan_history *history = service->plan.history;
    int r = keeper_get(context->keeper, service->survey->id, now_ms(context), &shared);
    if (r != 0)
        return r;
    history->n_removed = shared->n_removed;
    memcpy(history->removed_ms, shared->removed_ms, sizeof(history->removed_ms));
    return keeper_put(context->keeper, service->survey->id, now_ms(context), history);
}

/* Does it under the lock of the state directory, where there is one to write to. */
static int do_locked(const struct round_context *context, struct round_service *service,
                     int (*fn)(const struct round_context *, struct round_service *))
{
    if (context->settings->dry_run || context->state_dir->fd < 0)
        return fn(context, service);
    int lock = state_dir_lock(context->state_dir);
    if (lock < 0)
        return lock;
    int r = fn(context, service);
    close(lock);
    return r;
}

static int remove_all(const struct round_context *context, struct round *round, struct round_service *service,
                      struct journal *journal, struct removal_counts *counts)
{
    const struct removal_context removal = {
        .access = context->access,
        .journal = journal,
        .exporter = context->exporter,
        .clock = context->clock,
        .rand = context->rand,
        .last_ns = &round->last_removal_ns,
    };
    int r = needs_history(&service->survey->target->guards) ? do_locked(context, service, reserve) : 0;
    if (r == 0 && service->plan.outcome == PLAN_HELD) {
        service->result = EXPORTER_HELD;
        round->is_held = true;
    }
    if (r == 0 && service->plan.by_action[PLAN_REMOVE] > 0)
        r = removal_carry_out(&removal, service->survey, &service->plan, counts);
    if (r == -ENOMEM)
        return r;
    if (r != 0)
        log_event(LOG_UNMAP_STATE, LOG_S("service_id", service->survey->id), LOG_C("path", context->state_dir->path),
                  LOG_C("error", r < 0 ? strerror(-r) : "no client of Cloud Map"));
    if (r != 0 || counts->n_failed > 0) {
        service->result = EXPORTER_ERROR;
        round->is_unknown = round->leaves_hints = true;
    }
    round->n_removed += counts->n_removed;
    return 0;
}

static int carry_out(const struct round_context *context, struct round *round, struct round_service *service,
                     struct journal *journal)
{
    const struct survey_service *survey = service->survey;
    struct plan *plan = &service->plan;
    bool is_dry_run = context->settings->dry_run;
    struct removal_counts counts = { 0 };
    int r = 0;
    tell_decisions(survey, plan, is_dry_run);
    if (plan->by_action[PLAN_REMOVE] > 0 && !is_dry_run)
        r = remove_all(context, round, service, journal, &counts);
    if (r != 0)
        return r;
    if (plan->outcome == PLAN_UNKNOWN)
        tell_unknown(survey, plan);
    else if (plan->outcome == PLAN_HELD)
        tell_held(round, survey, plan);
    if (plan->outcome != PLAN_UNKNOWN)
        tell_checked(survey, plan, counts.n_removed);
    if (needs_history(&survey->target->guards)) {
        r = do_locked(context, service, keep);
        if (r == -ENOMEM)
            return r;
        if (r != 0) { /* confirmations and ages would not outlive the process */
            log_event(LOG_UNMAP_STATE, LOG_S("service_id", survey->id), LOG_C("path", context->state_dir->path),
                      LOG_C("error", strerror(-r)));
            service->result = EXPORTER_ERROR;
            round->is_unknown = true;
        }
    }
    exporter_note_service(context->exporter, survey->id, service->result, plan);
    return 0;
}

int round_carry_out(const struct round_context *context, struct round *round)
{
    struct journal journal;
    int r = 0;
    for (size_t i = 0; i < round->survey->n_failures; i++)
        log_event(LOG_UNMAP_UNKNOWN, LOG_C("namespace_id", round->survey->failures[i].namespace_id),
                  LOG_C("code", round->survey->failures[i].error.code),
                  LOG_C("error", round->survey->failures[i].error.message));
    for (size_t i = 0; i < round->survey->n_empty; i++)
        log_event(LOG_UNMAP_EMPTY, LOG_C("namespace_id", round->survey->empty[i]));
    journal_init(&journal, context->state_dir);
    for (size_t i = 0; r == 0 && i < round->n; i++)
        r = carry_out(context, round, &round->services[i], &journal);
    journal_fini(&journal);
    return r;
}
