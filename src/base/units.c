/* SPDX-License-Identifier: Apache-2.0
 *
 * Durations and sizes as text. */
#include "base/units.h"
#include "base/mem.h"

#include <stdio.h>

struct unit {
    const char *name;
    uint64_t scale;
};

/* Largest first. */
static const struct unit duration_units[] = {
    { "d", 86400000 }, { "h", 3600000 }, { "m", 60000 }, { "s", 1000 }, { "ms", 1 },
};

static const struct unit size_units[] = {
    { "GiB", (uint64_t)1 << 30 },
    { "MiB", 1 << 20 },
    { "KiB", 1 << 10 },
    { "", 1 },
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define DURATION_MAX ((uint64_t)10 * 365 * 86400000)
#define SIZE_LIMIT ((uint64_t)1 << 53)

/* A decimal number followed by a unit of the table. 0, or 1 when it is not one or overflows. */
static int parse(struct str text, const struct unit *units, size_t n_units, uint64_t *ret_value)
{
    size_t digits = 0;
    while (digits < text.n && text.p[digits] >= '0' && text.p[digits] <= '9')
        digits++;
    uint64_t value;
    if (str_parse_u64((struct str){ text.p, digits }, &value) != 0)
        return 1;
    for (size_t i = 0; i < n_units; i++)
        if (str_eq(str_skip(text, digits), str_of(units[i].name)))
            return __builtin_mul_overflow(value, units[i].scale, ret_value) ? 1 : 0;
    return 1;
}

static size_t format(uint64_t value, const struct unit *units, char *ret)
{
    const struct unit *unit = units;
    while (value % unit->scale)
        unit++;
    return (size_t)snprintf(ret, 24, "%llu%s", (unsigned long long)(value / unit->scale), unit->name);
}

int units_parse_duration_ms(struct str text, int64_t *ret_ms)
{
    uint64_t ms;
    if (str_eq(text, STR("0")))
        ms = 0;
    else if (parse(text, duration_units, COUNT(duration_units), &ms) != 0 || ms > DURATION_MAX)
        return 1;
    *ret_ms = (int64_t)ms;
    return 0;
}

int units_parse_size(struct str text, uint64_t *ret_bytes)
{
    uint64_t bytes;
    if (parse(text, size_units, COUNT(size_units), &bytes) != 0 || bytes >= SIZE_LIMIT)
        return 1;
    *ret_bytes = bytes;
    return 0;
}

size_t units_format_duration(int64_t ms, char *ret)
{
    ASSERT(ms >= 0);
    if (ms == 0)
        return (size_t)snprintf(ret, 24, "0");
    return format((uint64_t)ms, duration_units, ret);
}

size_t units_format_size(uint64_t bytes, char *ret)
{
    if (bytes == 0)
        return (size_t)snprintf(ret, 24, "0");
    return format(bytes, size_units, ret);
}
