/* SPDX-License-Identifier: Apache-2.0
 *
 * Answers pattern_cross_check.py: each line of the input is a shape's name and the hex of a text; each line of the
 * output is 1 when the shape's matcher takes the text, else 0. */
#include "api/pattern.h"
#include "base/mem.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

#define MAX_LINE 8192

static const struct {
    const char *shape;
    bool (*matches)(struct str s);
} patterns[] = {
    { "AttrKey", pattern_attr_key },
    { "AttrValue", pattern_attr_value },
    { "InstanceId", pattern_instance_id },
    { "NamespaceName", pattern_namespace_name },
    { "NamespaceNameHttp", pattern_namespace_name_http },
    { "NamespaceNamePrivate", pattern_namespace_name_private },
    { "NamespaceNamePublic", pattern_namespace_name_public },
    { "ServiceName", pattern_service_name },
};

static int verdict(const char *shape, struct str text)
{
    for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
        if (strcmp(patterns[i].shape, shape) == 0)
            return patterns[i].matches(text);
    }
    return -1;
}

int main(void)
{
    char line[MAX_LINE], bytes[MAX_LINE / 2];
    while (fgets(line, sizeof(line), stdin)) {
        line[strcspn(line, "\n")] = '\0';
        char *hex = strchr(line, ' ');
        ASSERT(hex);
        *hex++ = '\0';
        ASSERT(text_parse_hex(str_of(hex), bytes) == 0);
        printf("%d\n", verdict(line, (struct str){ bytes, strlen(hex) / 2 }));
    }
    return 0;
}
