/* SPDX-License-Identifier: Apache-2.0
 *
 * Patterns; see glob.h. */
#include "model/glob.h"

#include <errno.h>

/* MARK_VARIABLE is followed by its number as a printable byte, which is no mark. */
#define NUMBER_BASE ' '

enum { MARK_ANY = 1, MARK_ONE, MARK_ANY_OF_PART, MARK_ONE_OF_PART, MARK_VARIABLE, MARK_END };

#define ARN_PARTS 6

/* --- compiling --------------------------------------------------------------------------------------------------- */

struct compiler {
    const char *p, *end;
    char *to;
    unsigned flags, part; /* of the ARN, from 0 */
    struct glob_variables *variables;
};

/* The number of a variable, new or known. 0 or GLOB_TOO_MANY. */
static int variable_number(struct glob_variables *variables, struct glob_variable wanted, unsigned *ret_number)
{
    unsigned i;

    for (i = 0; i < variables->n; i++) {
        const struct glob_variable *known = &variables->items[i];
        if (str_eq_nocase(known->key, wanted.key) && str_eq(known->fallback, wanted.fallback) &&
            str_is_set(known->fallback) == str_is_set(wanted.fallback))
            break;
    }
    if (i == GLOB_MAX_VARIABLES)
        return GLOB_TOO_MANY;
    if (i == variables->n)
        variables->items[variables->n++] = wanted;
    *ret_number = i;
    return 0;
}

static struct str trim(struct str s)
{
    while (s.n && *s.p == ' ')
        s = str_skip(s, 1);
    while (s.n && s.p[s.n - 1] == ' ')
        s.n--;
    return s;
}

/* `key` or `key, 'fallback'`. */
static struct glob_variable variable_read(struct str inside)
{
    size_t comma = str_find_char(inside, ',');
    struct glob_variable variable = { .key = trim((struct str){ inside.p, comma }) };
    struct str rest = trim(str_skip(inside, comma < inside.n ? comma + 1 : comma));

    if (rest.n >= 2 && rest.p[0] == '\'' && rest.p[rest.n - 1] == '\'')
        variable.fallback = (struct str){ rest.p + 1, rest.n - 2 };
    variable.number = condition_key_find(variable.key, &variable.tag);
    return variable;
}

/* At `${`. */
static int compile_variable(struct compiler *c)
{
    struct str rest = { c->p + 2, (size_t)(c->end - c->p) - 2 };
    struct str inside = { rest.p, str_find_char(rest, '}') };
    struct glob_variable variable = variable_read(inside);
    unsigned number;
    int r;

    if (inside.n == rest.n || !variable.key.n)
        return GLOB_BAD_VARIABLE;
    c->p = inside.p + inside.n + 1;
    if (inside.n == 1 && (*inside.p == '*' || *inside.p == '?' || *inside.p == '$')) {
        *c->to++ = *inside.p;
        return 0;
    }
    r = variable_number(c->variables, variable, &number);
    if (r)
        return r;
    *c->to++ = MARK_VARIABLE;
    *c->to++ = (char)(NUMBER_BASE + number);
    return 0;
}

static void compile_char(struct compiler *c)
{
    bool in_part = (c->flags & GLOB_ARN) && c->part < ARN_PARTS - 1;

    if ((c->flags & GLOB_WILDCARDS) && *c->p == '*') {
        /* Two in a row are one. */
        if (!(c->to[-1] == MARK_ANY || c->to[-1] == MARK_ANY_OF_PART))
            *c->to++ = in_part ? MARK_ANY_OF_PART : MARK_ANY;
    } else if ((c->flags & GLOB_WILDCARDS) && *c->p == '?') {
        *c->to++ = in_part ? MARK_ONE_OF_PART : MARK_ONE;
    } else {
        c->part += *c->p == ':';
        *c->to++ = *c->p;
    }
    c->p++;
}

/* The parts that a short ARN leaves out are any. */
static void compile_missing_parts(struct compiler *c)
{
    for (; c->part < ARN_PARTS - 1; c->part++) {
        *c->to++ = ':';
        *c->to++ = c->part == ARN_PARTS - 2 ? MARK_ANY : MARK_ANY_OF_PART;
    }
}

int glob_compile(struct arena *arena, struct str text, unsigned flags, struct glob_variables *variables,
                 struct glob *ret_glob)
{
    char *room = arena_alloc(arena, text.n + 1 + 2 * ARN_PARTS);
    struct compiler c = { .p = text.p, .end = text.p + text.n, .to = room + 1, .flags = flags, .variables = variables };
    int r = 0;

    if (!room)
        return -ENOMEM;
    room[0] = MARK_END; /* something to look back at */
    while (c.p < c.end && !r) {
        if ((flags & GLOB_VARIABLES) && *c.p == '$' && c.end - c.p > 1 && c.p[1] == '{')
            r = compile_variable(&c);
        else
            compile_char(&c);
    }
    if (r)
        return r;
    if (flags & GLOB_SHORT_ARN)
        compile_missing_parts(&c);
    *ret_glob = (struct glob){ .text = { room + 1, (size_t)(c.to - room) - 1 }, .is_literal = true };
    for (size_t i = 0; i < ret_glob->text.n; i++)
        if (ret_glob->text.p[i] < MARK_END && ret_glob->text.p[i] > 0)
            ret_glob->is_literal = false;
    ret_glob->is_any = ret_glob->text.n == 1 && ret_glob->text.p[0] == MARK_ANY;
    return 0;
}

/* --- matching ---------------------------------------------------------------------------------------------------- */

/* Where matching stands. */
struct walk {
    const char *pattern, *pattern_end;
    struct str value; /* what is left of the variable that is being compared */
    const char *text, *text_end;
    const char *star, *star_text; /* behind the last `*`, and where it ends to match for now */
    bool star_in_part;
    const struct glob_values *values;
    bool fold;
};

static bool same(const struct walk *w, char a, char b)
{
    return a == b || (w->fold && str_fold_char(a) == str_fold_char(b));
}

/* Over one character of UTF-8; the text may be cut anywhere. */
static const char *next_char(const char *p, const char *end)
{
    p++;
    while (p < end && ((unsigned char)*p & 0xc0) == 0x80)
        p++;
    return p;
}

enum step { STEP_ON, STEP_BACK, STEP_NEVER };

static enum step step_variable(struct walk *w)
{
    unsigned number = (unsigned)(w->pattern[1] - NUMBER_BASE);
    struct str value = w->values->find(w->values, number);

    if (!str_is_set(value))
        return STEP_NEVER;
    w->value = value;
    w->pattern += 2;
    return STEP_ON;
}

static enum step step_literal(struct walk *w, const char **literal)
{
    if (w->text == w->text_end || !same(w, **literal, *w->text))
        return STEP_BACK;
    (*literal)++;
    w->text++;
    return STEP_ON;
}

static enum step step(struct walk *w)
{
    const char *p = w->value.p;
    enum step result;

    if (w->value.n) {
        result = step_literal(w, &p);
        if (result == STEP_ON)
            w->value = str_skip(w->value, 1);
        return result;
    }
    switch (*w->pattern) {
    case MARK_ANY:
    case MARK_ANY_OF_PART:
        w->star_in_part = *w->pattern == MARK_ANY_OF_PART;
        w->star = ++w->pattern;
        w->star_text = w->text;
        return STEP_ON;
    case MARK_ONE:
    case MARK_ONE_OF_PART:
        if (w->text == w->text_end || (*w->pattern == MARK_ONE_OF_PART && *w->text == ':'))
            return STEP_BACK;
        w->pattern++;
        w->text = next_char(w->text, w->text_end);
        return STEP_ON;
    case MARK_VARIABLE:
        return step_variable(w);
    default:
        return step_literal(w, &w->pattern);
    }
}

/* Lets the last `*` take one more byte; false when it cannot. */
static bool step_back(struct walk *w)
{
    if (!w->star || w->star_text == w->text_end || (w->star_in_part && *w->star_text == ':'))
        return false;
    w->text = ++w->star_text;
    w->pattern = w->star;
    w->value.n = 0;
    return true;
}

bool glob_matches_slow(const struct glob *glob, struct str text, const struct glob_values *values, bool fold)
{
    struct walk w = { .pattern = glob->text.p,
                      .pattern_end = glob->text.p + glob->text.n,
                      .text = text.p,
                      .text_end = text.p + text.n,
                      .values = values,
                      .fold = fold };

    for (;;) {
        enum step result = STEP_BACK;
        if (w.pattern < w.pattern_end || w.value.n)
            result = step(&w);
        else if (w.text == w.text_end || (w.star == w.pattern_end && !w.star_in_part))
            return true; /* a `*` at the end takes the rest */
        if (result == STEP_NEVER || (result == STEP_BACK && !step_back(&w)))
            return false;
    }
}
