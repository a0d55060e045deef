/* SPDX-License-Identifier: Apache-2.0
 *
 * The log: one line an event on stderr, readable on a terminal, one JSON object otherwise. Events are declared in
 * log.def (identifier, level, text); fields are typed and named. A function either logs or returns an error.
 * Usable from any thread; a line is written with one write(2). */
#pragma once

#include "base/str.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR, LOG_CRITICAL, LOG_LEVEL_COUNT };
/* PYTHON: JSON under the keys and level names of Python's logging: asctime (local time), levelname, message. */
enum log_format { LOG_FORMAT_AUTO, LOG_FORMAT_TEXT, LOG_FORMAT_JSON, LOG_FORMAT_PYTHON };

enum log_id {
#define LOG(id, level, text) id,
#include "base/log.def"
#undef LOG
    LOG_ID_COUNT
};

struct log_field {
    const char *name;
    enum { LOG_FIELD_STR, LOG_FIELD_INT } type;
    struct str s;
    int64_t i;
};

#define LOG_S(field, value) ((struct log_field){ .name = (field), .type = LOG_FIELD_STR, .s = (value) })
#define LOG_C(field, text) LOG_S(field, str_of(text))
#define LOG_I(field, value) ((struct log_field){ .name = (field), .type = LOG_FIELD_INT, .i = (int64_t)(value) })

/* log_event(LOG_STORE_OPENED, LOG_C("path", path), LOG_I("records", n)); at least one field. */
#define log_event(id, ...)                                     \
    log_write((id), (const struct log_field[]){ __VA_ARGS__ }, \
              sizeof((const struct log_field[]){ __VA_ARGS__ }) / sizeof(struct log_field))

/* Once, before threads start. */
void log_init(enum log_level level, enum log_format format);
void log_set_level(enum log_level level);
/* Whether the event is logged at all; for fields that cost something. */
bool log_is_on(enum log_id id);
void log_write(enum log_id id, const struct log_field *fields, size_t n_fields);
/* 0, or 1 for an unknown word (debug, info, warning, error, critical; in capitals, too). */
int log_parse_level(struct str word, enum log_level *ret_level);
