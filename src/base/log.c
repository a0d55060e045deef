/* SPDX-License-Identifier: Apache-2.0
 *
 * Composes a line in a fixed block on the stack, so that logging never allocates, and writes it to stderr. A value is
 * cut at VALUE_MAX bytes as written, a line takes as many fields as fit. Whatever bytes a field holds, JSON lines are
 * valid JSON and text lines carry no control characters. */
#include "base/log.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES 8192
#define VALUE_MAX 2048
#define TAIL_MAX 32 /* end marks of a value and of the line */

static const struct {
    const char *id, *text;
    enum log_level level;
} events[LOG_ID_COUNT] = {
#define LOG(event, event_level, event_text) [event] = { .id = #event, .text = (event_text), .level = (event_level) },
#include "base/log.def"
#undef LOG
};

static const char *const level_words[LOG_LEVEL_COUNT] = { "debug", "info", "warning", "error", "critical" };
static const char *const level_marks[LOG_LEVEL_COUNT] = { "DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL" };

/* mutable: the logger's state; the level may change while threads log, the format may not. */
static _Atomic int current_level = LOG_INFO;
/* mutable: set once, before there are threads */
static bool writes_json, writes_python_keys;

struct line {
    size_t n;
    char p[LINE_MAX_BYTES];
};

void log_init(enum log_level level, enum log_format format)
{
    log_set_level(level);
    writes_python_keys = format == LOG_FORMAT_PYTHON;
    writes_json =
        format == LOG_FORMAT_JSON || writes_python_keys || (format == LOG_FORMAT_AUTO && !isatty(STDERR_FILENO));
}

void log_set_level(enum log_level level)
{
    ASSERT(level < LOG_LEVEL_COUNT);
    atomic_store_explicit(&current_level, (int)level, memory_order_relaxed);
}

int log_parse_level(struct str word, enum log_level *ret_level)
{
    for (int i = 0; i < LOG_LEVEL_COUNT; i++) {
        if (str_eq(word, str_of(level_words[i])) || str_eq(word, str_of(level_marks[i]))) {
            *ret_level = (enum log_level)i;
            return 0;
        }
    }
    return 1;
}

/* The caller has made sure that there is room. */
static void put(struct line *line, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void put(struct line *line, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(line->p + line->n, sizeof(line->p) - line->n, format, args);
    va_end(args);
    ASSERT(n >= 0 && (size_t)n < sizeof(line->p) - line->n);
    line->n += (size_t)n;
}

/* U+0080 to U+009F: some terminals obey them. */
static bool is_c1_control(const char *p, size_t step)
{
    return step == 2 && (unsigned char)p[0] == 0xc2 && (unsigned char)p[1] < 0xa0;
}

/* One character of a value, escaped as the format demands. */
static void put_char(struct line *line, const char *p, size_t step, bool json)
{
    unsigned char c = (unsigned char)*p;
    if (step == 0)
        put(line, json ? "\\ufffd" : "\\x%02x", c);
    else if (c == '"' || c == '\\')
        put(line, "\\%c", c);
    else if (c < 0x20 || c == 0x7f)
        put(line, json ? "\\u%04x" : "\\x%02x", c);
    else if (is_c1_control(p, step))
        put(line, "\\u%04x", (unsigned char)p[1]);
    else
        put(line, "%.*s", (int)step, p);
}

static void put_quoted(struct line *line, struct str value, bool json)
{
    size_t limit = line->n + VALUE_MAX;
    if (limit > sizeof(line->p) - TAIL_MAX)
        limit = sizeof(line->p) - TAIL_MAX;
    put(line, "\"");
    for (size_t at = 0; at < value.n;) {
        if (line->n > limit) {
            put(line, "...");
            break;
        }
        size_t step = text_utf8_step(value.p + at, value.n - at);
        put_char(line, value.p + at, step, json);
        at += step ? step : 1;
    }
    put(line, "\"");
}

/* May the value stand in a text line without quotes? */
static bool is_plain(struct str value)
{
    for (size_t i = 0; i < value.n; i++) {
        char c = value.p[i];
        if (c <= ' ' || c > '~' || c == '"' || c == '\\' || c == '=')
            return false;
    }
    return value.n > 0 && value.n <= VALUE_MAX;
}

static void put_time(struct line *line)
{
    int64_t ms = clock_wall_ms(clock_system());
    time_t seconds = (time_t)(ms / 1000);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    put(line, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
        tm.tm_min, tm.tm_sec, (int)(ms % 1000));
}

static void put_local_time(struct line *line)
{
    time_t seconds = (time_t)(clock_wall_ms(clock_system()) / 1000);
    struct tm tm;
    localtime_r(&seconds, &tm);
    put(line, "%04d-%02d-%02d %02d:%02d:%02d", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
        tm.tm_sec);
}

static void put_json_head(struct line *line, enum log_id id)
{
    if (writes_python_keys) {
        put(line, "{\"asctime\":\"");
        put_local_time(line);
        put(line, "\",\"levelname\":\"%s\",\"event\":\"", level_marks[events[id].level]);
    } else {
        put(line, "{\"time\":\"");
        put_time(line);
        put(line, "\",\"level\":\"%s\",\"event\":\"", level_words[events[id].level]);
    }
    for (const char *p = events[id].id + strlen("LOG_"); *p; p++)
        put(line, "%c", str_fold_char(*p));
    put(line, "\",\"message\":");
    put_quoted(line, str_of(events[id].text), true);
}

static void put_field(struct line *line, const struct log_field *field, bool json)
{
    put(line, json ? ",\"%s\":" : " %s=", field->name);
    if (field->type == LOG_FIELD_INT)
        put(line, "%" PRId64, field->i);
    else if (json && !str_is_set(field->s))
        put(line, "null");
    else if (!json && is_plain(field->s))
        put(line, STR_FMT, STR_ARG(field->s));
    else
        put_quoted(line, field->s, json);
}

bool log_is_on(enum log_id id)
{
    return (int)events[id].level >= atomic_load_explicit(&current_level, memory_order_relaxed);
}

void log_write(enum log_id id, const struct log_field *fields, size_t n_fields)
{
    ASSERT(id < LOG_ID_COUNT);
    if (!log_is_on(id))
        return;
    bool json = writes_json;
    struct line line;
    line.n = 0;
    if (json) {
        put_json_head(&line, id);
    } else {
        put_time(&line);
        put(&line, " %s %s", level_marks[events[id].level], events[id].text);
    }
    for (size_t i = 0; i < n_fields; i++) {
        size_t need = strlen(fields[i].name) + VALUE_MAX + 2 * TAIL_MAX;
        if (need > sizeof(line.p) - line.n)
            break;
        put_field(&line, &fields[i], json);
    }
    put(&line, json ? "}\n" : "\n");
    /* Whoever cannot write the log has nobody left to tell. */
    ssize_t written;
    do
        written = write(STDERR_FILENO, line.p, line.n);
    while (written < 0 && errno == EINTR);
}
