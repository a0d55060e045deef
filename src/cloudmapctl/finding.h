/* SPDX-License-Identifier: Apache-2.0
 *
 * What `doctor` found: printed one by one for people, or all at once as JSON. One thread. */
#pragma once

#include "base/buf.h"
#include "json/writer.h"

enum finding_grade { FINDING_OK, FINDING_WARNING, FINDING_FAILED };

struct findings {
    bool json;
    enum finding_grade worst;
    struct buf buf; /* the JSON so far */
    struct json_writer writer;
};

/* To be ended with finding_end. */
void finding_begin(struct findings *findings, bool json);

/* One check. `advice` says what to do, lines separated by \n; NULL or "" when there is nothing to do. */
void finding_add(struct findings *findings, enum finding_grade grade, const char *check, const char *advice,
                 const char *format, ...) __attribute__((format(printf, 5, 6)));

/* Prints what is left. Returns the worst grade. */
enum finding_grade finding_end(struct findings *findings);
