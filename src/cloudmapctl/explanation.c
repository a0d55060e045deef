/* SPDX-License-Identifier: Apache-2.0
 *
 * The daemon's JSON as it is for programs, read and laid out for people. Tables say where each member goes. */
#include "cloudmapctl/explanation.h"

#include "admin/admin_explain.h"
#include "base/arena.h"
#include "base/mem.h"
#include "cloudmapctl/daemon_status.h"
#include "cloudmapctl/fetch.h"
#include "json/slots.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#define ARENA_CAP (8 << 20)
#define TYPES_MAX SERVICE_MAX_RECORDS

struct record {
    struct str section, name, type, data;
    int64_t ttl;
};

struct member {
    struct str id, health, state, record, reason;
};

struct step {
    struct str name, holds;
    struct str namespace_id, zone, kind, vpc, account, region;
    int64_t soa_ttl, others;
    struct str service_id, service, routing;
    int64_t max_answers;
    struct record types[TYPES_MAX];
    size_t n_types;
    int64_t registered, draining, unhealthy, of_type, of_type_unhealthy, candidates, answered, unlisted;
    bool fail_open, has_members;
    struct member *members; /* EXPLAIN_INSTANCES_MAX */
    size_t n_members;
};

struct explanation {
    struct str name, type, from, outcome, error;
    int64_t serial, unlisted;
    bool authoritative, truncated;
    struct record records[EXPLAIN_RECORDS_MAX];
    size_t n_records;
    struct step steps[EXPLAIN_STEPS_MAX];
    size_t n_steps;
};

/* --- reading -------------------------------------------------------------------------------------------------------
 */

static const struct json_slot record_slots[] = { JSON_TEXT(record, "section", section), JSON_TEXT(record, "name", name),
                                                 JSON_TEXT(record, "type", type),       JSON_TEXT(record, "data", data),
                                                 JSON_NUMBER(record, "ttl", ttl),       JSON_SLOTS_END };
static const struct json_slot member_slots[] = {
    JSON_TEXT(member, "id", id),         JSON_TEXT(member, "health", health), JSON_TEXT(member, "state", state),
    JSON_TEXT(member, "record", record), JSON_TEXT(member, "reason", reason), JSON_SLOTS_END
};
static const struct json_slot zone_slots[] = { JSON_TEXT(step, "namespace_id", namespace_id),
                                               JSON_TEXT(step, "name", zone),
                                               JSON_TEXT(step, "kind", kind),
                                               JSON_TEXT(step, "vpc", vpc),
                                               JSON_TEXT(step, "account", account),
                                               JSON_TEXT(step, "region", region),
                                               JSON_NUMBER(step, "soa_ttl", soa_ttl),
                                               JSON_NUMBER(step, "others_of_this_name", others),
                                               JSON_SLOTS_END };
static const struct json_slot service_slots[] = { JSON_TEXT(step, "id", service_id), JSON_TEXT(step, "name", service),
                                                  JSON_TEXT(step, "routing", routing),
                                                  JSON_NUMBER(step, "max_answers", max_answers), JSON_SLOTS_END };
static const struct json_slot instances_slots[] = { JSON_NUMBER(step, "registered", registered),
                                                    JSON_NUMBER(step, "draining", draining),
                                                    JSON_NUMBER(step, "unhealthy", unhealthy),
                                                    JSON_NUMBER(step, "of_type", of_type),
                                                    JSON_NUMBER(step, "of_type_unhealthy", of_type_unhealthy),
                                                    JSON_NUMBER(step, "candidates", candidates),
                                                    JSON_NUMBER(step, "records", answered),
                                                    JSON_NUMBER(step, "unlisted", unlisted),
                                                    JSON_TRUTH(step, "fail_open", fail_open),
                                                    JSON_SLOTS_END };
static const struct json_slot step_slots[] = { JSON_TEXT(step, "name", name), JSON_TEXT(step, "holds", holds),
                                               JSON_SLOTS_END };
static const struct json_slot answer_slots[] = { JSON_TEXT(explanation, "name", name),
                                                 JSON_TEXT(explanation, "type", type),
                                                 JSON_TEXT(explanation, "from", from),
                                                 JSON_TEXT(explanation, "outcome", outcome),
                                                 JSON_TEXT(explanation, "extended_error", error),
                                                 JSON_NUMBER(explanation, "serial", serial),
                                                 JSON_NUMBER(explanation, "unlisted_records", unlisted),
                                                 JSON_TRUTH(explanation, "authoritative", authoritative),
                                                 JSON_TRUTH(explanation, "truncated_over_udp", truncated),
                                                 JSON_SLOTS_END };

/* Members that are no plain fields; false when it does not know the key either. */
typedef bool nested_fn(struct json_reader *reader, void *structure, struct str key);

static void read_object(struct json_reader *reader, const struct json_slot *slots, nested_fn *nested, void *structure)
{
    bool more = false;
    struct str key;
    json_object(reader);
    while (json_member(reader, &more, &key) == 0 && more)
        if (!json_read_slot(reader, slots, structure, key) && !(nested && nested(reader, structure, key)))
            json_skip(reader);
}

static void read_records(struct json_reader *reader, struct record *records, size_t room, size_t *n)
{
    bool more = false;
    json_array(reader);
    while (json_element(reader, &more) == 0 && more) {
        struct record record = { .ttl = 0 };
        read_object(reader, record_slots, NULL, &record);
        if (*n < room)
            records[(*n)++] = record;
    }
}

static bool read_of_service(struct json_reader *reader, void *structure, struct str key)
{
    struct step *step = structure;
    if (!str_eq(key, STR("records")))
        return false;
    read_records(reader, step->types, TYPES_MAX, &step->n_types);
    return true;
}

static void read_member(struct json_reader *reader, struct step *step)
{
    struct member member = { .id = { 0 } };
    read_object(reader, member_slots, NULL, &member);
    if (step->n_members < EXPLAIN_INSTANCES_MAX)
        step->members[step->n_members++] = member;
}

static void read_members(struct json_reader *reader, struct step *step)
{
    bool more = false;
    json_array(reader);
    while (json_element(reader, &more) == 0 && more)
        read_member(reader, step);
}

static bool read_of_instances(struct json_reader *reader, void *structure, struct str key)
{
    if (!str_eq(key, STR("listed")))
        return false;
    read_members(reader, structure);
    return true;
}

static bool read_of_step(struct json_reader *reader, void *structure, struct str key)
{
    struct step *step = structure;
    if (str_eq(key, STR("zone")))
        read_object(reader, zone_slots, NULL, step);
    else if (str_eq(key, STR("service")))
        read_object(reader, service_slots, read_of_service, step);
    else if (str_eq(key, STR("instance")))
        read_member(reader, step);
    else if (str_eq(key, STR("sharing")))
        read_members(reader, step);
    else if (str_eq(key, STR("instances")))
        read_object(reader, instances_slots, read_of_instances, step);
    else
        return false;
    step->has_members = step->has_members || str_eq(key, STR("instances"));
    return true;
}

static bool read_of_answer(struct json_reader *reader, void *structure, struct str key)
{
    struct explanation *explanation = structure;
    bool more = false;
    if (str_eq(key, STR("records"))) {
        read_records(reader, explanation->records, EXPLAIN_RECORDS_MAX, &explanation->n_records);
        return true;
    }
    if (!str_eq(key, STR("steps")))
        return false;
    json_array(reader);
    while (json_element(reader, &more) == 0 && more)
        if (explanation->n_steps < EXPLAIN_STEPS_MAX)
            read_object(reader, step_slots, read_of_step, &explanation->steps[explanation->n_steps++]);
        else
            json_skip(reader);
    return true;
}

/* The text is modified. NULL when no daemon of this version says that, or memory is out. */
static struct explanation *decode(char *text, size_t n, struct arena *arena)
{
    struct explanation *explanation = ARENA_ARRAY(arena, struct explanation, 1);
    struct json_reader reader;
    if (!explanation)
        return NULL;
    for (size_t i = 0; i < EXPLAIN_STEPS_MAX; i++)
        if (!(explanation->steps[i].members = ARENA_ARRAY(arena, struct member, EXPLAIN_INSTANCES_MAX)))
            return NULL;
    json_reader_init(&reader, text, n, arena);
    read_object(&reader, answer_slots, read_of_answer, explanation);
    return json_end(&reader) == 0 && str_is_set(explanation->outcome) ? explanation : NULL;
}

/* --- showing -------------------------------------------------------------------------------------------------------
 */

static void print_answer(const struct explanation *explanation)
{
    printf("%-11s" STR_FMT " " STR_FMT ", asked from " STR_FMT "\n", "Question", STR_ARG(explanation->name),
           STR_ARG(explanation->type), STR_ARG(explanation->from));
    printf("%-11s" STR_FMT "%s%s\n", "Answer", STR_ARG(explanation->outcome),
           explanation->authoritative ? ", authoritative" : "",
           explanation->truncated ? "; truncated over UDP, so from TCP" : "");
    if (str_is_set(explanation->error))
        printf("%-11s" STR_FMT "\n", "Why", STR_ARG(explanation->error));
    for (size_t i = 0; i < explanation->n_records; i++) {
        const struct record *record = &explanation->records[i];
        printf("%-11s" STR_FMT " %" PRId64 " " STR_FMT " " STR_FMT, "", STR_ARG(record->name), record->ttl,
               STR_ARG(record->type), STR_ARG(record->data));
        if (!str_eq(record->section, STR("answer")))
            printf("  (" STR_FMT ")", STR_ARG(record->section));
        putchar('\n');
    }
    if (explanation->unlisted)
        printf("%-11sand %" PRId64 " more\n", "", explanation->unlisted);
}

static void print_zone(const struct step *step)
{
    printf("%-11s" STR_FMT " (" STR_FMT ", " STR_FMT, "Zone", STR_ARG(step->zone), STR_ARG(step->namespace_id),
           STR_ARG(step->kind));
    if (str_is_set(step->vpc))
        printf(" of " STR_FMT, STR_ARG(step->vpc));
    printf("), account " STR_FMT ", region " STR_FMT ", SOA TTL %" PRId64 "\n", STR_ARG(step->account),
           STR_ARG(step->region), step->soa_ttl);
    if (step->others > 0)
        printf("%-11sits name is also that of %" PRId64 " other namespace%s, which did not speak\n", "", step->others,
               step->others == 1 ? "" : "s");
}

static void print_service(const struct step *step)
{
    printf("%-11s" STR_FMT " (" STR_FMT "), " STR_FMT ", ", "Service", STR_ARG(step->service),
           STR_ARG(step->service_id), STR_ARG(step->routing));
    if (step->max_answers)
        printf("at most %" PRId64 " in an answer;", step->max_answers);
    else
        printf("all in an answer;");
    for (size_t i = 0; i < step->n_types; i++)
        printf("%s " STR_FMT " with TTL %" PRId64, i ? "," : "", STR_ARG(step->types[i].type), step->types[i].ttl);
    printf("%s\n", step->n_types ? "" : " no DNS records");
}

/* What the states of instances mean. */
static const char *explain_state(struct str state)
{
    static const char *const texts[][2] = {
        { "answered", "in this answer" },
        { "fail-open", "in this answer: unhealthy, but none is healthy" },
        { "not-drawn", "not in this answer: it holds others, drawn at random" },
        { "unhealthy", "out: unhealthy" },
        { "unknown", "out: not known yet" },
        { "other-type", "out: no record of this type" },
        { "draining", "out: draining: " },
        { "lease-expired", "out: its lease ran out" },
        { "alias", "stands for AWS_ALIAS_DNS_NAME" },
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        if (str_eq(state, str_of(texts[i][0])))
            return texts[i][1];
    return "";
}

static void print_members(const struct step *step)
{
    int id_width = 2, record_width = 6;
    for (size_t i = 0; i < step->n_members; i++) {
        const struct member *member = &step->members[i];
        id_width = (int)member->id.n > id_width ? (int)member->id.n : id_width;
        record_width = (int)member->record.n > record_width ? (int)member->record.n : record_width;
    }
    if (step->n_members)
        printf("%-11s%-*s  %-9s  %-*s  STATE\n", "", id_width, "ID", "HEALTH", record_width, "RECORD");
    for (size_t i = 0; i < step->n_members; i++) {
        const struct member *member = &step->members[i];
        printf("%-11s%-*.*s  %-9.*s  %-*.*s  %s%.*s\n", "", id_width, STR_ARG(member->id), STR_ARG(member->health),
               record_width, (int)member->record.n, member->record.p ? member->record.p : "",
               explain_state(member->state), (int)member->reason.n, member->reason.p ? member->reason.p : "");
    }
    if (step->unlisted)
        printf("%-11sand %" PRId64 " more\n", "", step->unlisted);
}

static void print_step(const struct step *step, bool first)
{
    if (!first)
        printf("\n%-11s" STR_FMT "\n", "Leads to", STR_ARG(step->name));
    printf("%-11s" STR_FMT "\n", "Name is", STR_ARG(step->holds));
    if (str_is_set(step->zone))
        print_zone(step);
    if (str_is_set(step->service_id))
        print_service(step);
    if (step->has_members) {
        printf("%-11s%" PRId64 " registered, %" PRId64 " draining, %" PRId64 " unhealthy; %" PRId64
               " with records of this type, %" PRId64 " unhealthy",
               "Instances", step->registered, step->draining, step->unhealthy, step->of_type, step->of_type_unhealthy);
        printf("%s; %" PRId64 " may be answered, this answer has %" PRId64 " record%s\n",
               step->fail_open ? ": fails open" : "", step->candidates, step->answered, step->answered == 1 ? "" : "s");
    }
    print_members(step);
}

static int show(char *text, size_t n)
{
    struct arena arena;
    arena_init(&arena, ARENA_CAP);
    const struct explanation *explanation = decode(text, n, &arena);
    int code = explanation ? EXIT_SUCCESS : ctl_fail(EXIT_FAILURE, DAEMON_STATUS_UNKNOWN);
    if (explanation)
        print_answer(explanation);
    for (size_t i = 0; explanation && i < explanation->n_steps; i++)
        print_step(&explanation->steps[i], i == 0);
    arena_fini(&arena);
    return code;
}

static int refuse(int result, const char *name, const char *type, const char *from)
{
    const char *what = "an IP address", *word = from;
    if (result == EXPLAIN_BAD_NAME) {
        what = "a domain name";
        word = name;
    } else if (result == EXPLAIN_BAD_TYPE) {
        what = "a record type, such as A or TYPE28";
        word = type;
    }
    return ctl_fail(EX_USAGE, "not %s: %s", what, word);
}

static void write_path(struct buf *path, const char *name, const char *type, const char *from)
{
    buf_put_str(path, STR(ADMIN_EXPLAIN_PATH "?"));
    admin_explain_put_parameter(path, "name", str_of(name));
    if (type) {
        buf_put_char(path, '&');
        admin_explain_put_parameter(path, "type", str_of(type));
    }
    if (from) {
        buf_put_char(path, '&');
        admin_explain_put_parameter(path, "from", str_of(from));
    }
    buf_put_char(path, '\0');
}

int explanation_run(const struct ctl *ctl)
{
    const char *name = ctl->words[0], *type = ctl->n_words > 1 ? ctl->words[1] : NULL;
    struct explain_question question;
    char why[512], *text = NULL;
    struct buf path;
    size_t n = 0;
    int code = explain_parse(str_of(name), str_of(type), str_of(ctl->from), &question);
    if (code != 0)
        return refuse(code, name, type, ctl->from);
    buf_init(&path, 1 << 16);
    write_path(&path, name, type, ctl->from);
    code = fetch_admin(ctl, path.failed ? "" : path.p, &text, &n, why, sizeof(why));
    buf_fini(&path);
    if (code != EXIT_SUCCESS)
        return ctl_fail(code, "%s", why);
    if (ctl->json)
        printf("%.*s\n", (int)n, text);
    else
        code = show(text, n);
    mem_free(text);
    return code;
}
