/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading by a table; see slots.h. */
#include "json/slots.h"

bool json_read_slot(struct json_reader *reader, const struct json_slot *slots, void *structure, struct str key)
{
    for (; slots->name; slots++) {
        void *target = (char *)structure + slots->offset;
        if (!str_eq(str_of(slots->name), key))
            continue;
        if (slots->type == JSON_SLOT_TEXT)
            json_string(reader, target);
        else if (slots->type == JSON_SLOT_NUMBER)
            json_int(reader, target);
        else
            json_bool(reader, target);
        return true;
    }
    return false;
}
