/* SPDX-License-Identifier: Apache-2.0
 *
 * The evaluator of the daemon, given what stands on the command line. */
#include "cloudmapctl/policy_test.h"

#include "auth/evaluate.h"
#include "base/clock.h"
#include "base/mem.h"
#include "model/managed_policy.h"
#include "json/writer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

/* --- the call ---------------------------------------------------------------------------------------------------- */

struct test_context {
    struct context context;
    struct context_extra extras[CTL_LIST_MAX];
    struct str values[CTL_LIST_MAX]; /* those of one key side by side */
};

static bool is_key(const char *text, struct str key)
{
    return str_eq_nocase((struct str){ text, str_find_char(str_of(text), '=') }, key);
}

/* KEY=VALUE, of which a key may have many. 0 or an exit code. */
static int read_context(const struct ctl *ctl, struct test_context *test)
{
    size_t n_values = 0;

    test->context = (struct context){ .extras = test->extras, .now_ms = clock_wall_ms(clock_system()) };
    for (size_t i = 0; i < ctl->context.n; i++) {
        struct str text = str_of(ctl->context.items[i]), key = { text.p, str_find_char(text, '=') };
        struct context_extra *extra = &test->extras[test->context.n_extras];
        bool is_known = false;
        if (key.n == text.n || str_find_char(key, ':') == key.n)
            return ctl_fail(EX_USAGE, "--context is KEY=VALUE with a key such as aws:SourceIp, not: %s", text.p);
        for (size_t k = 0; k < i && !is_known; k++)
            is_known = is_key(ctl->context.items[k], key);
        if (is_known)
            continue;
        *extra = (struct context_extra){ .name = key, .values = &test->values[n_values] };
        for (size_t k = i; k < ctl->context.n; k++)
            if (is_key(ctl->context.items[k], key)) {
                test->values[n_values++] = str_skip(str_of(ctl->context.items[k]), key.n + 1);
                extra->n++;
            }
        extra->is_list = extra->n > 1 || str_eq_nocase(key, condition_key_name(CONDITION_KEY_TAG_KEYS));
        test->context.n_extras++;
    }
    return 0;
}

static int read_call(const struct ctl *ctl, struct evaluate_query *query)
{
    struct str action = str_of(ctl->words[2]), resource = str_of(ctl->words[3]);

    query->action = action_find(action);
    query->action_text = action;
    query->resource = resource;
    if (str_find_char(action, ':') + 1 >= action.n)
        return ctl_fail(EX_USAGE, "an action is SERVICE:NAME such as servicediscovery:GetService, not: %s", action.p);
    if (query->action == ACTION_OTHER && str_starts_nocase(action, ACTION_SERVICE))
        return ctl_fail(EX_USAGE, "Cloud Map has no action %s", action.p);
    if (!str_eq(resource, STR("*")) && !str_starts(resource, STR("arn:")))
        return ctl_fail(EX_USAGE, "a resource is * or an ARN, not: %s", resource.p);
    return 0;
}

/* --- the policy -------------------------------------------------------------------------------------------------- */

static int read_file(const char *path, struct buf *text)
{
    FILE *file = fopen(path, "re");
    size_t n = 1;

    if (!file)
        return ctl_fail(EXIT_FAILURE, "%s: %s", path, strerror(errno));
    while (n > 0 && buf_reserve(text, 4096)) {
        n = fread(text->p + text->n, 1, 4096, file);
        text->n += n;
    }
    bool is_read = !ferror(file);
    fclose(file);
    if (text->failed)
        return ctl_fail(EXIT_FAILURE, "%s: a policy has at most %u bytes", path, POLICY_MAX_BYTES);
    return is_read ? 0 : ctl_fail(EXIT_FAILURE, "%s cannot be read", path);
}

static int read_policy(const char *name, struct policy **ret_policy)
{
    const struct managed_policy *managed = managed_policy_find(str_of(name));
    struct policy_error error;
    struct buf text;
    int r = 0, code;

    buf_init(&text, POLICY_MAX_BYTES + 4096);
    code = managed ? 0 : read_file(name, &text);
    if (code == 0)
        r = policy_compile(managed ? managed->document : buf_str(&text), POLICY_IDENTITY, ret_policy, &error);
    buf_fini(&text);
    if (r > 0)
        return ctl_fail(EXIT_FAILURE, "%s, line %u: %s", name, error.line, error.text);
    return r < 0 ? ctl_fail(EXIT_FAILURE, "out of memory") : code;
}

/* --- the answer -------------------------------------------------------------------------------------------------- */

static const char *reason_text(const struct decision *decision)
{
    if (decision->is_allowed)
        return "a statement allows it";
    return decision->statement ? "a statement denies it" : "no statement allows it";
}

static void print_table(const struct policy *policy, const struct decision *decision)
{
    const struct policy_statement *statement = decision->statement;

    printf("decision   %s\nreason     %s\n", decision->is_allowed ? "allowed" : "denied", reason_text(decision));
    if (!statement)
        return;
    printf("statement  %zu", (size_t)(statement - policy->statements) + 1);
    if (statement->sid.n)
        printf(" (" STR_FMT ")", STR_ARG(statement->sid));
    printf(", line %u\n", statement->line);
}

static int print_json(const struct policy *policy, const struct decision *decision)
{
    const struct policy_statement *statement = decision->statement;
    struct json_writer writer;
    struct buf buf;
    int code;

    buf_init(&buf, POLICY_MAX_BYTES);
    json_writer_init(&writer, &buf);
    json_open_object(&writer);
    json_field_string(&writer, STR("decision"), decision->is_allowed ? STR("allowed") : STR("denied"));
    json_field_string(&writer, STR("reason"), str_of(reason_text(decision)));
    if (statement) {
        json_key(&writer, STR("statement"));
        json_open_object(&writer);
        json_field_int(&writer, STR("number"), statement - policy->statements + 1);
        json_field_optional(&writer, STR("sid"), statement->sid);
        json_field_int(&writer, STR("line"), statement->line);
        json_close_object(&writer);
    }
    json_close_object(&writer);
    code = buf.failed ? ctl_fail(EXIT_FAILURE, "out of memory") : 0;
    if (code == 0)
        printf(STR_FMT "\n", STR_ARG(buf_str(&buf)));
    buf_fini(&buf);
    return code;
}

int policy_test_run(const struct ctl *ctl)
{
    static const struct principal caller = { .kind = PRINCIPAL_USER };
    struct test_context test = { 0 };
    struct evaluate_query query = { .principal = &caller, .n_policies = 1, .context = &test.context };
    struct policy *policy = NULL;
    struct decision decision;
    int code;

    if (ctl->n_words != 4)
        return ctl_fail(EX_USAGE, "policy test takes DOCUMENT ACTION RESOURCE");
    if (ctl->user || ctl->role || ctl->document || ctl->account)
        return ctl_fail(EX_USAGE, "policy test takes no options but --context and -o");
    code = read_call(ctl, &query);
    if (code == 0)
        code = read_context(ctl, &test);
    if (code == 0)
        code = read_policy(ctl->words[1], &policy);
    if (code != 0)
        return code;
    query.policies = (const struct policy *const[]){ policy };
    decision = evaluate_decide(&query);
    if (ctl->json)
        code = print_json(policy, &decision);
    else
        print_table(policy, &decision);
    policy_free(policy);
    return code;
}
