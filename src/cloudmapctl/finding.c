/* SPDX-License-Identifier: Apache-2.0
 *
 * See finding.h. */
#include "cloudmapctl/finding.h"

#include <stdarg.h>
#include <stdio.h>

static const char *const grade_texts[] = {
    [FINDING_OK] = "ok", [FINDING_WARNING] = "warning", [FINDING_FAILED] = "failed"
};
static const char *const grade_marks[] = {
    [FINDING_OK] = "ok  ", [FINDING_WARNING] = "WARN", [FINDING_FAILED] = "FAIL"
};

void finding_begin(struct findings *findings, bool json)
{
    *findings = (struct findings){ .json = json };
    buf_init(&findings->buf, 1 << 20);
    json_writer_init(&findings->writer, &findings->buf);
    json_open_array(&findings->writer);
}

static void print_finding(enum finding_grade grade, const char *check, const char *text, const char *advice)
{
    printf("%s  %-12s %s\n", grade_marks[grade], check, text);
    while (advice && *advice) {
        int n = (int)strcspn(advice, "\n");
        printf("%-19s%.*s\n", "", n, advice);
        advice += advice[n] ? n + 1 : n;
    }
}

static void put_finding(struct json_writer *writer, enum finding_grade grade, const char *check, const char *text,
                        const char *advice)
{
    json_open_object(writer);
    json_field_string(writer, STR("check"), str_of(check));
    json_field_string(writer, STR("result"), str_of(grade_texts[grade]));
    json_field_string(writer, STR("text"), str_of(text));
    json_field_optional(writer, STR("advice"), str_of(advice));
    json_close_object(writer);
}

void finding_add(struct findings *findings, enum finding_grade grade, const char *check, const char *advice,
                 const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (advice && !*advice)
        advice = NULL;
    if (grade > findings->worst)
        findings->worst = grade;
    if (findings->json)
        put_finding(&findings->writer, grade, check, text, advice);
    else
        print_finding(grade, check, text, advice);
}

enum finding_grade finding_end(struct findings *findings)
{
    json_close_array(&findings->writer);
    if (findings->json)
        printf(STR_FMT "\n", STR_ARG(buf_str(&findings->buf)));
    buf_fini(&findings->buf);
    return findings->worst;
}
