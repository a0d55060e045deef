/* SPDX-License-Identifier: Apache-2.0
 *
 * Journal, second look, call, operation. */
#include "unmap/removal.h"
#include "base/log.h"
#include "base/text.h"

#include <errno.h>
#include <time.h>

#define SILENT_MAX 5   /* calls of a kind in a row without any answer, after which the rest is left to the next round */
#define TAKE_MS 300000 /* for all removals of a service but their operations; the rest is left to the next round */
#define FOLLOW_MS 120000 /* how long an operation may take */
#define FOLLOW_PAUSE_MAX_MS 1000
#define LOOK_ARENA_MAX ((size_t)64 << 20)
#define LISTING_MAX ((size_t)64 << 20)

/* One removal on its way. */
struct job {
    const struct plan_decision *decision;
    char removal[JOURNAL_ID_LEN];
    struct str operation_id; /* absent: nothing to follow */
    bool is_under_way;       /* another operation on the instance runs: an attempt whose answer was lost, perhaps */
    enum journal_step step;
    struct str reason;
    bool has_failed; /* it did not go, and not because of a second look */
};

/* What is asked on the way. */
enum question { QUESTION_REGISTERED, QUESTION_EC2, QUESTION_DEREGISTER, QUESTION_COUNT };

struct run {
    const struct removal_context *context;
    const struct survey_service *service;
    const struct plan *plan;
    struct aws_client *client;
    struct arena arena; /* as long as the run */
    struct job *jobs;
    size_t n;
    unsigned n_silent[QUESTION_COUNT]; /* in a row, without an answer */
};

static void pause_ms(int64_t ms)
{
    struct timespec rest = { ms / 1000, ms % 1000 * 1000000 };
    while (nanosleep(&rest, &rest) != 0 && errno == EINTR)
        continue;
}

static void note_in_journal(struct run *run, const struct job *job, enum journal_step step)
{
    const char *role = run->service->target->role_arn;
    journal_add(
        run->context->journal,
        &(struct journal_entry){
            .step = step,
            .removal = { job->removal, JOURNAL_ID_LEN },
            .wall_ms = clock_wall_ms(run->context->clock),
            .service_id = run->service->id,
            .region = str_of(run->service->target->service_region),
            .role_arn = str_of(role),
            .instance = *job->decision->instance,
            .reason = step == JOURNAL_REMOVING ? str_of(plan_evidence_text(job->decision->evidence)) : job->reason,
        });
}

/* All that is about to go, on the disk before the first of it goes. */
static int write_intentions(struct run *run)
{
    run->jobs = ARENA_ARRAY(&run->arena, struct job, run->n);
    if (!run->jobs)
        return -ENOMEM;
    for (size_t i = 0; i < run->n; i++) {
        struct job *job = &run->jobs[i];
        uint64_t random[2] = { rand_u64(run->context->rand), rand_u64(run->context->rand) };
        *job = (struct job){ .decision = run->plan->removals[i], .step = JOURNAL_KEPT };
        text_uuid((const uint8_t *)random, job->removal);
        note_in_journal(run, job, JOURNAL_REMOVING);
    }
    return journal_flush(run->context->journal);
}

static int write_outcomes(struct run *run)
{
    for (size_t i = 0; i < run->n; i++)
        note_in_journal(run, &run->jobs[i], run->jobs[i].step);
    return journal_flush(run->context->journal);
}

/* --- ends -------------------------------------------------------------------------------------------------------- */

static void end(struct run *run, struct job *job, enum log_id event, enum journal_step step, const char *reason)
{
    job->step = step;
    job->has_failed = event == LOG_UNMAP_REMOVE_FAILED;
    job->reason = arena_dup(&run->arena, str_of(reason));
    log_event(event, LOG_S("service_id", run->service->id), LOG_S("instance_id", job->decision->instance->id),
              LOG_S("address", job->decision->address), LOG_C("evidence", plan_evidence_text(job->decision->evidence)),
              LOG_C("reason", reason));
}

static void end_with_error(struct run *run, struct job *job, enum journal_step step, const struct aws_error *error)
{
    struct str reason = arena_printf(&run->arena, "%s%s%s", error->code, error->code[0] ? ": " : "", error->message);
    end(run, job, LOG_UNMAP_REMOVE_FAILED, step, reason.p ? reason.p : error->code);
}

static void end_removed(struct run *run, struct job *job)
{
    end(run, job, LOG_UNMAP_REMOVED, JOURNAL_REMOVED, NULL);
    exporter_note_removal(run->context->exporter, run->service->id, job->decision->evidence);
}

static bool is_code(int r, const struct aws_error *error, const char *code)
{
    return r == AWS_REFUSED && strcmp(error->code, code) == 0;
}

/* Counts answers that did not come. */
static void note_answer(struct run *run, enum question question, int r)
{
    bool is_silent = r == AWS_NO_ANSWER || r == AWS_TOO_LATE || r == AWS_NO_CREDENTIALS;
    run->n_silent[question] = is_silent ? run->n_silent[question] + 1 : 0;
}

static bool is_silent(const struct run *run)
{
    for (size_t i = 0; i < QUESTION_COUNT; i++)
        if (run->n_silent[i] >= SILENT_MAX)
            return true;
    return false;
}

static void set_deadline(const struct run *run, int64_t ms)
{
    access_set_deadline(run->context->access, clock_mono_ns(run->context->clock) + ms * 1000000);
}

/* --- the second look --------------------------------------------------------------------------------------------- */

/* EC2's newest word on one id, from every region. 0, a condition or -errno. */
static int ask_again(struct run *run, const struct job *job, struct ec2_listing *machines,
                     struct plan_listing *listings, struct aws_error *error)
{
    const struct setting_target *target = run->service->target;
    const struct ec2_query query = { .ids = &job->decision->instance->id, .n_ids = 1 };
    for (size_t i = 0; i < target->instances_regions.n; i++) {
        struct fleet_place place = survey_place(target, i);
        struct aws_client *ec2;
        int r = access_client(run->context->access, AWS_EC2, place.region, place.role_arn, &ec2, error);
        if (r == 0)
            r = ec2_describe(ec2, &query, &machines[i], error);
        if (r != 0)
            return r;
        listings[i] = (struct plan_listing){ .machines = &machines[i], .region = str_of(place.region) };
    }
    return 0;
}

static int look_at_machines(struct run *run, const struct job *job, const struct cloud_map_instance *again,
                            struct arena *arena, bool *ret_stands, struct aws_error *error)
{
    size_t n = run->service->target->instances_regions.n;
    struct ec2_listing *machines = ARENA_ARRAY(arena, struct ec2_listing, n);
    struct plan_listing *listings = ARENA_ARRAY(arena, struct plan_listing, n);
    if (!machines || !listings)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++)
        ec2_listing_init(&machines[i], LISTING_MAX);
    int r = ask_again(run, job, machines, listings, error);
    if (r == 0)
        *ret_stands = plan_recheck(job->decision, again, listings, n);
    for (size_t i = 0; i < n; i++)
        ec2_listing_fini(&machines[i]);
    return r;
}

/* 0 with *ret_stands false: it was ended. */
static int look_again(struct run *run, struct job *job, struct arena *arena, bool *ret_stands)
{
    struct cloud_map_instance again;
    struct aws_error error = { 0 };
    *ret_stands = false;
    int r = cloud_map_get_instance(run->client, run->service->id, job->decision->instance->id, arena, &again, &error);
    note_answer(run, QUESTION_REGISTERED, r);
    if (r == -ENOMEM)
        return r;
    if (is_code(r, &error, "InstanceNotFound")) {
        end(run, job, LOG_UNMAP_KEPT, JOURNAL_KEPT, "it is not registered any more");
        return 0;
    }
    if (r != 0) {
        end_with_error(run, job, JOURNAL_KEPT, &error);
        return 0;
    }
    bool stands = plan_recheck(job->decision, &again, NULL, 0);
    if (stands && run->service->target->guards.rechecks) {
        r = look_at_machines(run, job, &again, arena, &stands, &error);
        note_answer(run, QUESTION_EC2, r);
        if (r == -ENOMEM)
            return r;
        if (r != 0) {
            end_with_error(run, job, JOURNAL_KEPT, &error);
            return 0;
        }
    }
    if (!stands)
        end(run, job, LOG_UNMAP_KEPT, JOURNAL_KEPT, plan_rule_reason(PLAN_RULE_RECHECK));
    *ret_stands = stands;
    return 0;
}

/* --- going ------------------------------------------------------------------------------------------------------- */

/* Removals are made one after another with some time between them, whatever service they are of. */
static void keep_apart(const struct run *run)
{
    int64_t *last_ns = run->context->last_ns, now_ns = clock_mono_ns(run->context->clock);
    int64_t spacing_ns = run->service->target->guards.spacing_ms * 1000000;
    if (*last_ns && now_ns - *last_ns < spacing_ns)
        pause_ms((spacing_ns - (now_ns - *last_ns)) / 1000000 + 1);
    *last_ns = clock_mono_ns(run->context->clock);
}

static int deregister(struct run *run, struct job *job)
{
    struct aws_error error = { 0 };
    const struct plan_decision *decision = job->decision;
    log_event(LOG_UNMAP_REMOVING, LOG_S("service_id", run->service->id), LOG_S("instance_id", decision->instance->id),
              LOG_S("address", decision->address), LOG_C("evidence", plan_evidence_text(decision->evidence)),
              LOG_C("ec2_state", decision->machine ? ec2_state_text(decision->machine->state) : NULL),
              LOG_I("rounds", decision->doubts), LOG_S("removal", ((struct str){ job->removal, JOURNAL_ID_LEN })));
    keep_apart(run);
    int r = cloud_map_deregister(run->client, run->service->id, decision->instance->id, &run->arena, &job->operation_id,
                                 &error);
    note_answer(run, QUESTION_DEREGISTER, r);
    if (r == -ENOMEM)
        return r;
    if (is_code(r, &error, "InstanceNotFound"))
        end_removed(run, job); /* an attempt whose answer was lost */
    else if (is_code(r, &error, "DuplicateRequest"))
        job->is_under_way = true;
    else if (r != 0)
        end_with_error(run, job, JOURNAL_FAILED, &error); /* an earlier attempt may have done it */
    return 0;
}

static int take_one(struct run *run, struct job *job)
{
    struct arena arena;
    bool stands;
    if (is_silent(run)) {
        end(run, job, LOG_UNMAP_REMOVE_FAILED, JOURNAL_KEPT,
            "no answer to several calls in a row: left to the next round");
        return 0;
    }
    arena_init(&arena, LOOK_ARENA_MAX);
    int r = look_again(run, job, &arena, &stands);
    if (r == 0 && stands)
        r = deregister(run, job);
    arena_fini(&arena);
    return r;
}

static int take_all(struct run *run)
{
    set_deadline(run, TAKE_MS);
    for (size_t i = 0; i < run->n; i++) {
        int r = take_one(run, &run->jobs[i]);
        if (r != 0)
            return r;
    }
    return 0;
}

/* One look at an operation. Whether it is over. */
static bool follow_operation(struct run *run, struct job *job)
{
    enum cloud_map_operation operation;
    struct aws_error error = { 0 };
    int r = cloud_map_get_operation(run->client, job->operation_id, &operation, &error);
    if (r != 0)
        end_with_error(run, job, JOURNAL_FAILED, &error);
    else if (operation == CLOUD_MAP_OPERATION_SUCCESS)
        end_removed(run, job);
    else if (operation == CLOUD_MAP_OPERATION_FAIL)
        end_with_error(run, job, JOURNAL_FAILED, &error);
    else
        return false;
    return true;
}

/* The same of one whose operation is not known: it is over when the instance is gone. */
static bool follow_absence(struct run *run, struct job *job)
{
    struct cloud_map_instance instance;
    struct aws_error error = { 0 };
    struct arena arena;
    arena_init(&arena, LOOK_ARENA_MAX);
    int r =
        cloud_map_get_instance(run->client, run->service->id, job->decision->instance->id, &arena, &instance, &error);
    arena_fini(&arena);
    if (is_code(r, &error, "InstanceNotFound"))
        end_removed(run, job);
    else if (r != 0)
        end_with_error(run, job, JOURNAL_FAILED, &error);
    else
        return false;
    return true;
}

/* Whether there is nothing (more) to follow. */
static bool follow_one(struct run *run, struct job *job)
{
    bool is_over = str_is_set(job->operation_id) ? follow_operation(run, job)
                   : job->is_under_way           ? follow_absence(run, job)
                                                 : true;
    if (is_over) {
        job->operation_id = (struct str){ 0 };
        job->is_under_way = false;
    }
    return is_over;
}

/* Again and again over those that still run, with a pause that grows. */
static void follow_all(struct run *run)
{
    int64_t until_ns = clock_mono_ns(run->context->clock) + (int64_t)FOLLOW_MS * 1000000;
    int64_t rest_ms = 10;
    set_deadline(run, FOLLOW_MS);
    for (;;) {
        size_t n_left = 0;
        for (size_t i = 0; i < run->n; i++)
            n_left += !follow_one(run, &run->jobs[i]);
        if (n_left == 0)
            return;
        if (clock_mono_ns(run->context->clock) > until_ns)
            break;
        pause_ms(rest_ms);
        rest_ms = rest_ms * 2 < FOLLOW_PAUSE_MAX_MS ? rest_ms * 2 : FOLLOW_PAUSE_MAX_MS;
    }
    for (size_t i = 0; i < run->n; i++)
        if (str_is_set(run->jobs[i].operation_id) || run->jobs[i].is_under_way)
            end(run, &run->jobs[i], LOG_UNMAP_REMOVE_FAILED, JOURNAL_FAILED,
                "the operation has not ended in two minutes");
}

static struct removal_counts count(const struct run *run)
{
    struct removal_counts counts = { 0 };
    for (size_t i = 0; i < run->n; i++) {
        const struct job *job = &run->jobs[i];
        counts.n_removed += job->step == JOURNAL_REMOVED;
        counts.n_failed += job->has_failed;
        counts.n_kept += job->step != JOURNAL_REMOVED && !job->has_failed;
    }
    return counts;
}

int removal_carry_out(const struct removal_context *context, const struct survey_service *service,
                      const struct plan *plan, struct removal_counts *ret_counts)
{
    struct run run = { .context = context, .service = service, .plan = plan, .n = plan->by_action[PLAN_REMOVE] };
    struct aws_error error = { 0 };
    arena_init(&run.arena, LOOK_ARENA_MAX + run.n * 4096);
    int r = access_client(context->access, AWS_CLOUD_MAP, service->target->service_region, service->target->role_arn,
                          &run.client, &error);
    if (r == 0)
        r = write_intentions(&run);
    if (r == 0) {
        r = take_all(&run);
        follow_all(&run);
        access_set_deadline(context->access, 0);
        int w = write_outcomes(&run);
        r = r != 0 ? r : w;
        *ret_counts = count(&run);
    }
    arena_fini(&run.arena);
    return r;
}
