/* SPDX-License-Identifier: Apache-2.0
 *
 * Members of a JSON object that go to members of a structure, told by a table. Any thread. */
#pragma once

#include "json/reader.h"

#include <stddef.h>

enum json_slot_type { JSON_SLOT_TEXT, JSON_SLOT_NUMBER, JSON_SLOT_TRUTH };

struct json_slot {
    const char *name; /* NULL ends a table */
    enum json_slot_type type;
    size_t offset; /* of a struct str, an int64_t or a bool */
};

#define JSON_TEXT(structure, name, member)                         \
    {                                                              \
        (name), JSON_SLOT_TEXT, offsetof(struct structure, member) \
    }
#define JSON_NUMBER(structure, name, member)                         \
    {                                                                \
        (name), JSON_SLOT_NUMBER, offsetof(struct structure, member) \
    }
#define JSON_TRUTH(structure, name, member)                         \
    {                                                               \
        (name), JSON_SLOT_TRUTH, offsetof(struct structure, member) \
    }
#define JSON_SLOTS_END          \
    {                           \
        NULL, JSON_SLOT_TEXT, 0 \
    }

/* Reads the value of the member `key` into its place; false, with nothing read, when the table does not know it. Errors
 * are the reader's. */
bool json_read_slot(struct json_reader *reader, const struct json_slot *slots, void *structure, struct str key);
