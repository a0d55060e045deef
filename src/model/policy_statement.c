/* SPDX-License-Identifier: Apache-2.0
 *
 * Statements of a policy: Sid, Effect, actions and resources. */
#include "model/policy_priv.h"

#include <errno.h>

/* The elements that a statement has had. */
enum { HAS_EFFECT = 1, HAS_ACTIONS = 2, HAS_RESOURCES = 4, HAS_PRINCIPALS = 8 };

static bool is_alphanumeric(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static int read_sid(struct policy_reader *reader, struct policy_statement *statement)
{
    struct str sid;
    int r = policy_read_string(reader, "Sid", &sid);

    if (r)
        return r;
    for (size_t i = 0; i < sid.n; i++)
        if (!is_alphanumeric(sid.p[i]) && reader->policy.kind != POLICY_RESOURCE)
            return policy_refuse(reader, sid.p, "Sid \"%.*s\" has other characters than letters and digits",
                                 POLICY_QUOTE(sid));
    statement->sid = sid;
    return 0;
}

static int read_effect(struct policy_reader *reader, struct policy_statement *statement)
{
    struct str effect;
    int r = policy_read_string(reader, "Effect", &effect);

    if (r)
        return r;
    statement->denies = str_eq(effect, STR("Deny"));
    if (!statement->denies && !str_eq(effect, STR("Allow")))
        return policy_refuse(reader, effect.p, "Effect is \"%.*s\", not Allow or Deny", POLICY_QUOTE(effect));
    return 0;
}

/* --- actions ----------------------------------------------------------------------------------------------------- */

/* `*`, or SERVICE:NAME with wildcards in the name only. */
static int check_action(struct policy_reader *reader, struct str text)
{
    size_t colon = str_find_char(text, ':');

    if (str_eq(text, STR("*")))
        return 0;
    if (colon == 0 || colon + 1 >= text.n)
        return policy_refuse(reader, text.p, "action \"%.*s\" is not of the form SERVICE:NAME", POLICY_QUOTE(text));
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (i < colon && !is_alphanumeric(c) && c != '-')
            return policy_refuse(reader, text.p, "the service of action \"%.*s\" is not written out",
                                 POLICY_QUOTE(text));
        if (i > colon && !is_alphanumeric(c) && c != '*' && c != '?')
            return policy_refuse(reader, text.p, "action \"%.*s\" has a character that no action has",
                                 POLICY_QUOTE(text));
    }
    return 0;
}

static uint64_t known_actions(const struct glob *actions, size_t n)
{
    uint64_t known = 0;

    for (unsigned action = 0; action < ACTION_COUNT; action++)
        for (size_t i = 0; i < n; i++)
            if (glob_matches_slow(&actions[i], action_text((enum action)action), NULL, true))
                known |= ACTION_BIT(action);
    return known;
}

static int read_actions(struct policy_reader *reader, const char *what, struct policy_statement *statement)
{
    const char *begin = policy_at(reader);
    struct policy_texts texts;
    struct glob *actions;
    int r = policy_read_texts(reader, what, false, &texts);

    if (!r && !texts.n)
        r = policy_refuse(reader, begin, "%s is empty", what);
    if (r)
        return r;
    actions = ARENA_ARRAY(&reader->arena, struct glob, texts.n);
    if (!actions)
        return -ENOMEM;
    for (size_t i = 0; i < texts.n && !r; i++) {
        r = check_action(reader, texts.items[i]);
        if (!r)
            r = policy_read_glob(reader, texts.items[i], GLOB_WILDCARDS, &actions[i]);
    }
    if (r)
        return r;
    statement->actions = actions;
    statement->n_actions = texts.n;
    statement->known_actions = known_actions(actions, texts.n);
    if (statement->not_actions)
        statement->known_actions = ~statement->known_actions & (ACTION_BIT(ACTION_COUNT) - 1);
    return 0;
}

/* --- resources --------------------------------------------------------------------------------------------------- */

/* The part of an ARN before the n-th colon and behind the one before it; absent: there are fewer parts. */
static struct str arn_part(struct str arn, unsigned n)
{
    for (; n && str_find_char(arn, ':') < arn.n; n--)
        arn = str_skip(arn, str_find_char(arn, ':') + 1);
    return n ? (struct str){ 0 } : (struct str){ arn.p, str_find_char(arn, ':') };
}

/* `*`, or an ARN whose service is written out. */
static int check_resource(struct policy_reader *reader, struct str text)
{
    struct str service = arn_part(text, 2);

    if (str_eq(text, STR("*")))
        return 0;
    if (!str_starts(text, STR("arn:")) || !service.n)
        return policy_refuse(reader, text.p, "resource \"%.*s\" is neither * nor an ARN", POLICY_QUOTE(text));
    for (size_t i = 0; i < service.n; i++)
        if (!is_alphanumeric(service.p[i]) && service.p[i] != '-')
            return policy_refuse(reader, text.p, "the service in resource \"%.*s\" is not written out",
                                 POLICY_QUOTE(text));
    return 0;
}

static int read_resources(struct policy_reader *reader, const char *what, struct policy_statement *statement)
{
    const char *begin = policy_at(reader);
    struct policy_texts texts;
    struct glob *resources;
    int r = policy_read_texts(reader, what, false, &texts);

    if (!r && !texts.n)
        r = policy_refuse(reader, begin, "%s is empty", what);
    if (r)
        return r;
    resources = ARENA_ARRAY(&reader->arena, struct glob, texts.n);
    if (!resources)
        return -ENOMEM;
    for (size_t i = 0; i < texts.n && !r; i++) {
        bool is_any = str_eq(texts.items[i], STR("*"));
        unsigned flags = is_any ? GLOB_WILDCARDS : GLOB_WILDCARDS | GLOB_VARIABLES | GLOB_ARN | GLOB_SHORT_ARN;
        r = check_resource(reader, texts.items[i]);
        if (!r)
            r = policy_read_glob(reader, texts.items[i], flags, &resources[i]);
    }
    statement->resources = resources;
    statement->n_resources = texts.n;
    return r;
}

/* --- the statement ----------------------------------------------------------------------------------------------- */

/* Takes note of an element; its opposite cannot be there too. */
static int note(struct policy_reader *reader, const char *at, unsigned element, const char *what, unsigned *has)
{
    if (*has & element)
        return policy_refuse(reader, at, "%s and Not%s are both there", what, what);
    *has |= element;
    return 0;
}

static int read_element(struct policy_reader *reader, struct str key, struct policy_statement *statement, unsigned *has)
{
    bool is_not = str_starts(key, STR("Not"));
    struct str what = is_not ? str_skip(key, 3) : key;
    int r;

    if (str_eq(what, STR("Action"))) {
        statement->not_actions = is_not;
        r = note(reader, key.p, HAS_ACTIONS, "Action", has);
        return r ? r : read_actions(reader, is_not ? "NotAction" : "Action", statement);
    }
    if (str_eq(what, STR("Resource"))) {
        statement->not_resources = is_not;
        r = note(reader, key.p, HAS_RESOURCES, "Resource", has);
        return r ? r : read_resources(reader, is_not ? "NotResource" : "Resource", statement);
    }
    if (str_eq(what, STR("Principal"))) {
        statement->not_principals = is_not;
        r = note(reader, key.p, HAS_PRINCIPALS, "Principal", has);
        return r ? r : policy_read_principals(reader, statement);
    }
    if (str_eq(key, STR("Sid")))
        return read_sid(reader, statement);
    if (str_eq(key, STR("Condition")))
        return policy_read_conditions(reader, statement);
    if (!str_eq(key, STR("Effect")))
        return policy_refuse(reader, key.p, "a statement has no element \"%.*s\"", POLICY_QUOTE(key));
    *has |= HAS_EFFECT;
    return read_effect(reader, statement);
}

/* What must be there, and what must not, in this kind of policy. */
static int check_elements(struct policy_reader *reader, const char *begin, const struct policy_statement *statement,
                          unsigned has)
{
    enum policy_kind kind = reader->policy.kind;
    bool names_principals = kind == POLICY_TRUST || kind == POLICY_RESOURCE;

    if (!(has & HAS_EFFECT))
        return policy_refuse(reader, begin, "Effect is missing");
    if (!(has & HAS_ACTIONS))
        return policy_refuse(reader, begin, "Action is missing");
    if (kind == POLICY_TRUST && (has & HAS_RESOURCES))
        return policy_refuse(reader, begin, "Resource has no place in a trust policy");
    if (kind != POLICY_TRUST && !(has & HAS_RESOURCES))
        return policy_refuse(reader, begin, "Resource is missing");
    if (names_principals && !(has & HAS_PRINCIPALS))
        return policy_refuse(reader, begin, "Principal is missing");
    if (!names_principals && (has & HAS_PRINCIPALS))
        return policy_refuse(reader, begin, "Principal belongs into policies of roles and resources only");
    if (statement->not_principals && !statement->denies)
        return policy_refuse(reader, begin, "NotPrincipal would allow everybody else; it goes with Deny only");
    return 0;
}

int policy_read_statement(struct policy_reader *reader, struct policy_statement *statement)
{
    const char *begin = policy_at(reader);
    unsigned has = 0;
    struct str key;
    bool more = true;
    int r = policy_read_object(reader, "the statement");

    *statement = (struct policy_statement){ .line = 1 };
    for (const char *p = reader->json.begin; p < begin; p++)
        statement->line += reader->document.p[p - reader->json.begin] == '\n';
    while (!r && !(r = policy_read_member(reader, &more, &key)) && more)
        r = read_element(reader, key, statement, &has);
    return r ? r : check_elements(reader, begin, statement, has);
}
