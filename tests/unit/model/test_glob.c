/* SPDX-License-Identifier: Apache-2.0 */
#include "../test.h"

#include "model/glob.h"

/* The variables of a test: the first key has a value, others have none. */
struct bed {
    struct glob_values values; /* first */
    struct arena arena;
    struct glob_variables variables;
    const char *known, *value;
};

static struct str find_value(const struct glob_values *values, unsigned variable)
{
    const struct bed *bed = (const void *)values;
    const struct glob_variable *wanted = &bed->variables.items[variable];

    return str_eq_nocase(wanted->key, str_of(bed->known)) ? str_of(bed->value) : wanted->fallback;
}

static int setup(void **state)
{
    static struct bed bed;

    bed = (struct bed){ .values.find = find_value, .known = "aws:username", .value = "ann*" };
    arena_init(&bed.arena, 1 << 20);
    *state = &bed;
    return 0;
}

static int teardown(void **state)
{
    arena_fini(&((struct bed *)*state)->arena);
    return 0;
}

static bool matches(struct bed *bed, const char *pattern, const char *text, unsigned flags)
{
    struct glob glob;

    assert_int_equal(glob_compile(&bed->arena, str_of(pattern), flags, &bed->variables, &glob), 0);
    return glob_matches(&glob, str_of(text), &bed->values);
}

static void test_wildcards(void **state)
{
    static const struct {
        const char *pattern, *text;
        bool matches;
    } cases[] = {
        { "", "", true },         { "", "a", false },        { "a", "", false },          { "*", "", true },
        { "*", "a:b/c", true },   { "**", "a", true },       { "?", "", false },          { "?", "a", true },
        { "?", "ab", false },     { "?", "\xc3\xa4", true }, { "??", "\xc3\xa4", false }, { "a*", "a", true },
        { "a*", "abc", true },    { "a*", "ba", false },     { "*a", "ba", true },        { "*a", "ab", false },
        { "a*c", "abc", true },   { "a*c", "abcd", false },  { "a*b*c", "axbybc", true }, { "*ab*", "aab", true },
        { "*aab", "aaab", true }, { "a?c*", "abcd", true },  { "a?c*", "abd", false },    { "A", "a", false },
        { "*?", "", false },      { "*?", "abc", true },     { "?*?", "a", false },       { "$", "$", true },
        { "${", "${", true },     { "{*}", "{a}", true },
    };

    for (size_t i = 0; i < TEST_COUNT(cases); i++)
        if (matches(*state, cases[i].pattern, cases[i].text, GLOB_WILDCARDS) != cases[i].matches)
            fail_msg("%s on %s", cases[i].pattern, cases[i].text);
    assert_true(matches(*state, "a*?", "a*?", 0));
    assert_false(matches(*state, "a*", "ab", 0));
}

static void test_wildcards_of_an_arn_stay_in_their_part(void **state)
{
    static const struct {
        const char *pattern, *text;
        bool matches;
    } cases[] = {
        { "arn:aws:x:*:1:r/*", "arn:aws:x:eu:1:r/a:b/c", true },
        { "arn:aws:x:*:1:r", "arn:aws:x:a:b:1:r", false },
        { "arn:aws:x:*r", "arn:aws:x:a:b:r", false },
        { "arn:*:x:?:1:*", "arn:aws:x:e:1:", true },
        { "arn:*:x:?:1:*", "arn:aws:x:::1:", false },
        { "arn:aws:x:*u*:1:*", "arn:aws:x:eu-u:1:*", true },
        { "arn:aws:x:*u*:1:*", "arn:aws:x:e:u1:1:*", false },
        { "arn:aws:x:eu:1:*:c", "arn:aws:x:eu:1:a:b:c", true },
        { "arn:aws:x:*:1:*", "*", false },
    };

    for (size_t i = 0; i < TEST_COUNT(cases); i++)
        if (matches(*state, cases[i].pattern, cases[i].text, GLOB_WILDCARDS | GLOB_ARN) != cases[i].matches)
            fail_msg("%s on %s", cases[i].pattern, cases[i].text);
    assert_true(matches(*state, "arn:aws:x", "arn:aws:x:eu:1:a:b", GLOB_WILDCARDS | GLOB_ARN | GLOB_SHORT_ARN));
    assert_false(matches(*state, "arn:aws:x", "arn:aws:y:eu:1:a:b", GLOB_WILDCARDS | GLOB_ARN | GLOB_SHORT_ARN));
    assert_false(matches(*state, "arn:aws:x", "arn:aws:x:eu:1:a", GLOB_WILDCARDS | GLOB_ARN));
}

static void test_variables(void **state)
{
    static const unsigned both = GLOB_WILDCARDS | GLOB_VARIABLES;
    struct bed *bed = *state;

    assert_true(matches(bed, "x/${aws:username}/y", "x/ann*/y", both));
    assert_false(matches(bed, "x/${aws:username}/y", "x/anna/y", both)); /* what it stands for has no wildcards */
    assert_true(matches(bed, "${AWS:UserName}", "ann*", both));
    assert_true(matches(bed, "*${aws:username}*", "see ann* run", both));
    assert_true(matches(bed, "*${aws:username}", "annann*", both));
    assert_true(matches(bed, "${aws:username}*", "ann*ann", both));
    assert_false(matches(bed, "${aws:username}${aws:username}", "ann*ann", both));
    assert_false(matches(bed, "*${aws:nothing}*", "", both));
    assert_false(matches(bed, "${aws:nothing}", "${aws:nothing}", both));
    assert_true(matches(bed, "${aws:nothing, 'some body'}!", "some body!", both));
    assert_true(matches(bed, "${aws:nothing, ''}!", "!", both));
    assert_true(matches(bed, "${*}${?}${$}", "*?$", both));
    assert_false(matches(bed, "${*}", "a", both));
    assert_true(matches(bed, "${aws:username}", "${aws:username}", GLOB_WILDCARDS));
    bed->value = "";
    assert_true(matches(bed, "a${aws:username}b", "ab", both));
    assert_true(matches(bed, "${aws:username}", "", both));
}

static void test_variables_that_are_none(void **state)
{
    struct bed *bed = *state;
    struct glob glob;

    assert_int_equal(glob_compile(&bed->arena, STR("${a:b"), GLOB_VARIABLES, &bed->variables, &glob),
                     GLOB_BAD_VARIABLE);
    assert_int_equal(glob_compile(&bed->arena, STR("${}"), GLOB_VARIABLES, &bed->variables, &glob), GLOB_BAD_VARIABLE);
    for (int i = 0; i < GLOB_MAX_VARIABLES; i++) {
        struct str text = arena_printf(&bed->arena, "${a:b%d}${a:b%d}", i, i);
        assert_int_equal(glob_compile(&bed->arena, text, GLOB_VARIABLES, &bed->variables, &glob), 0);
    }
    assert_int_equal(bed->variables.n, GLOB_MAX_VARIABLES);
    assert_int_equal(glob_compile(&bed->arena, STR("${a:c}"), GLOB_VARIABLES, &bed->variables, &glob), GLOB_TOO_MANY);
}

static void test_folding(void **state)
{
    struct bed *bed = *state;
    struct glob glob;

    assert_int_equal(
        glob_compile(&bed->arena, STR("aB*${aws:username}"), GLOB_VARIABLES | GLOB_WILDCARDS, &bed->variables, &glob),
        0);
    assert_true(glob_matches_slow(&glob, STR("Abx ANN*"), &bed->values, true));
    assert_false(glob_matches_slow(&glob, STR("Abx ANN*"), &bed->values, false));
}

/* Ten thousand stars on ten thousand characters would never end if matching branched. */
static void test_many_stars_end_soon(void **state)
{
    struct bed *bed = *state;
    char pattern[4001], text[4001];

    for (size_t i = 0; i < 4000; i++) {
        pattern[i] = i % 2 ? 'a' : '*';
        text[i] = 'a';
    }
    pattern[3999] = 'b';
    pattern[4000] = text[4000] = '\0';
    assert_false(matches(bed, pattern, text, GLOB_WILDCARDS));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_wildcards, setup, teardown),
        cmocka_unit_test_setup_teardown(test_wildcards_of_an_arn_stay_in_their_part, setup, teardown),
        cmocka_unit_test_setup_teardown(test_variables, setup, teardown),
        cmocka_unit_test_setup_teardown(test_variables_that_are_none, setup, teardown),
        cmocka_unit_test_setup_teardown(test_folding, setup, teardown),
        cmocka_unit_test_setup_teardown(test_many_stars_end_soon, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
