/* SPDX-License-Identifier: Apache-2.0
 *
 * A row for each registered instance, a line for each service. */
#include "unmap/report.h"
#include "json/writer.h"

#include <stdio.h>
#include <stdlib.h>

#define TEXT_MAX ((size_t)1 << 30)
#define EX_WORK 2
#define EX_HELD 3
#define COLUMNS 5

static const char *const outcome_words[] = { [PLAN_OK] = "ok", [PLAN_HELD] = "held", [PLAN_UNKNOWN] = "unknown" };

/* --- table ------------------------------------------------------------------------------------------------------- */

struct row {
    struct str cells[COLUMNS];
    const char *why;
};

static const struct row heading = { { STR("INSTANCE"), STR("ADDRESS"), STR("EC2"), STR("EVIDENCE"), STR("DECISION") },
                                    "WHY" };

static struct row make_row(const struct plan_decision *decision)
{
    const char *state = decision->machine ? ec2_state_text(decision->machine->state) : "-";
    return (struct row){
        .cells = { decision->instance->id, str_is_set(decision->address) ? decision->address : STR("-"),
                   decision->evidence == PLAN_UNSEEN ? STR("?") : str_of(state),
                   str_of(plan_evidence_text(decision->evidence)), str_of(plan_action_text(decision->action)) },
        .why = decision->rule == PLAN_RULE_NONE ? "" : plan_rule_reason(decision->rule),
    };
}

static void widen(size_t widths[COLUMNS], const struct row *row)
{
    for (size_t i = 0; i < COLUMNS; i++)
        if (row->cells[i].n > widths[i])
            widths[i] = row->cells[i].n;
}

/* Whoever registers an instance chooses its id and address: nothing in them speaks to the terminal. */
static void put_cell(struct buf *buf, struct str cell)
{
    for (size_t i = 0; i < cell.n; i++)
        buf_put_char(buf, cell.p[i] >= ' ' && cell.p[i] <= '~' ? cell.p[i] : '?');
}

static void put_row(struct buf *buf, const size_t widths[COLUMNS], const struct row *row)
{
    for (size_t i = 0; i < COLUMNS; i++) {
        put_cell(buf, row->cells[i]);
        for (size_t k = row->cells[i].n; k < widths[i] + 2; k++)
            buf_put_char(buf, ' ');
    }
    buf_put_str(buf, str_of(row->why));
    while (buf->n > 0 && buf->p[buf->n - 1] == ' ')
        buf_truncate(buf, buf->n - 1);
    buf_put_char(buf, '\n');
}

static void put_error(struct buf *buf, const struct aws_error *error)
{
    buf_printf(buf, "  %s%s%s\n", error->code, error->code[0] ? ": " : "", error->message);
}

static void put_service(struct buf *buf, const struct round_service *service)
{
    const struct plan *plan = &service->plan;
    size_t widths[COLUMNS] = { 0 };
    buf_printf(buf, "Service " STR_FMT " in %s: %s", STR_ARG(service->survey->id),
               service->survey->target->service_region, outcome_words[plan->outcome]);
    if (plan->outcome != PLAN_OK)
        buf_printf(buf, ", %s", plan_rule_reason(plan->rule));
    buf_put_char(buf, '\n');
    if (plan->outcome == PLAN_UNKNOWN)
        put_error(buf, &service->survey->error);
    if (plan->n == 0) {
        buf_printf(buf, service->survey->is_whole ? "  nothing is registered\n\n" : "\n");
        return;
    }
    widen(widths, &heading);
    for (size_t i = 0; i < plan->n; i++) {
        const struct row row = make_row(&plan->decisions[i]);
        widen(widths, &row);
    }
    put_row(buf, widths, &heading);
    for (size_t i = 0; i < plan->n; i++) {
        const struct row row = make_row(&plan->decisions[i]);
        put_row(buf, widths, &row);
    }
    buf_printf(buf, "%zu registered, %zu judged: %zu to remove, %zu to keep, %zu waiting, %zu held, %zu left alone\n\n",
               plan->n, plan->n_judged, plan->by_action[PLAN_REMOVE], plan->by_action[PLAN_KEEP],
               plan->by_action[PLAN_WAIT], plan->by_action[PLAN_HOLD], plan->by_action[PLAN_LEAVE]);
}

void report_write_table(struct buf *buf, const struct round *round)
{
    for (size_t i = 0; i < round->survey->n_failures; i++) {
        buf_printf(buf, "Namespace %s: unknown\n", round->survey->failures[i].namespace_id);
        put_error(buf, &round->survey->failures[i].error);
        buf_put_char(buf, '\n');
    }
    for (size_t i = 0; i < round->survey->n_empty; i++)
        buf_printf(buf, "Namespace %s: no services; is the id right, and the region?\n", round->survey->empty[i]);
    for (size_t i = 0; i < round->n; i++)
        put_service(buf, &round->services[i]);
    if (round->n == 0 && round->survey->n_failures == 0)
        buf_put_str(buf, STR("There is no service to look at.\n"));
}

/* --- JSON -------------------------------------------------------------------------------------------------------- */

static void write_error(struct json_writer *writer, const struct aws_error *error)
{
    json_key(writer, STR("error"));
    json_open_object(writer);
    json_field_string(writer, STR("code"), str_of(error->code));
    json_field_string(writer, STR("message"), str_of(error->message));
    json_field_int(writer, STR("status"), error->status);
    json_field_string(writer, STR("request_id"), str_of(error->request_id));
    json_close_object(writer);
}

static void write_decision(struct json_writer *writer, const struct plan_decision *decision)
{
    json_open_object(writer);
    json_field_string(writer, STR("instance_id"), decision->instance->id);
    json_field_optional(writer, STR("address"), decision->address);
    json_field_string(writer, STR("evidence"), str_of(plan_evidence_text(decision->evidence)));
    json_field_string(writer, STR("action"), str_of(plan_action_text(decision->action)));
    json_field_string(writer, STR("rule"), str_of(plan_rule_text(decision->rule)));
    if (decision->rule != PLAN_RULE_NONE)
        json_field_string(writer, STR("reason"), str_of(plan_rule_reason(decision->rule)));
    if (decision->machine) {
        json_field_string(writer, STR("ec2_state"), str_of(ec2_state_text(decision->machine->state)));
        json_field_optional(writer, STR("zone"), decision->machine->zone);
        json_key(writer, STR("ec2_addresses"));
        json_open_array(writer);
        for (uint32_t i = 0; i < decision->machine->n_addresses; i++)
            json_put_string(writer, decision->machine->addresses[i]);
        json_close_array(writer);
    }
    json_field_int(writer, STR("rounds"), decision->doubts);
    json_field_int(writer, STR("seen_for_seconds"), decision->seen_for_ms / 1000);
    json_close_object(writer);
}

static void write_service(struct json_writer *writer, const struct round_service *service)
{
    const struct plan *plan = &service->plan;
    json_open_object(writer);
    json_field_string(writer, STR("service_id"), service->survey->id);
    json_field_string(writer, STR("service_region"), str_of(service->survey->target->service_region));
    json_field_string(writer, STR("target"), str_of(service->survey->target->name));
    json_field_string(writer, STR("outcome"), str_of(outcome_words[plan->outcome]));
    json_field_string(writer, STR("rule"), str_of(plan_rule_text(plan->rule)));
    if (plan->outcome == PLAN_UNKNOWN)
        write_error(writer, &service->survey->error);
    json_field_int(writer, STR("registered"), (int64_t)plan->n);
    json_field_int(writer, STR("judged"), (int64_t)plan->n_judged);
    for (int i = 0; i < PLAN_ACTION_COUNT; i++)
        json_field_int(writer, str_of(plan_action_text((enum plan_action)i)), (int64_t)plan->by_action[i]);
    json_key(writer, STR("instances"));
    json_open_array(writer);
    for (size_t i = 0; i < plan->n; i++)
        write_decision(writer, &plan->decisions[i]);
    json_close_array(writer);
    json_close_object(writer);
}

void report_write_json(struct buf *buf, const struct round *round)
{
    struct json_writer writer;
    json_writer_init(&writer, buf);
    json_open_object(&writer);
    json_key(&writer, STR("services"));
    json_open_array(&writer);
    for (size_t i = 0; i < round->n; i++)
        write_service(&writer, &round->services[i]);
    json_close_array(&writer);
    json_key(&writer, STR("namespaces_unknown"));
    json_open_array(&writer);
    for (size_t i = 0; i < round->survey->n_failures; i++) {
        json_open_object(&writer);
        json_field_string(&writer, STR("namespace_id"), str_of(round->survey->failures[i].namespace_id));
        write_error(&writer, &round->survey->failures[i].error);
        json_close_object(&writer);
    }
    json_close_array(&writer);
    json_close_object(&writer);
    buf_put_char(buf, '\n');
}

int report_print(const struct round *round, bool as_json)
{
    struct buf text;
    buf_init(&text, TEXT_MAX);
    if (as_json)
        report_write_json(&text, round);
    else
        report_write_table(&text, round);
    struct str s = buf_str(&text);
    bool is_printed = !text.failed && fwrite(s.p, 1, s.n, stdout) == s.n && fflush(stdout) == 0;
    buf_fini(&text);
    if (!is_printed || round->is_unknown)
        return EXIT_FAILURE;
    if (round->n_to_remove > 0)
        return EX_WORK;
    return round->is_held ? EX_HELD : EXIT_SUCCESS;
}
