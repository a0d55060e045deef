/* SPDX-License-Identifier: Apache-2.0
 *
 * Percent-encoding: everything but RFC 3986's unreserved characters. */
#include "aws/form.h"

static bool is_unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == '_' || c == '~';
}

void form_encode(struct buf *form, struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        if (is_unreserved(text.p[i]))
            buf_put_char(form, text.p[i]);
        else
            buf_printf(form, "%%%02X", (unsigned char)text.p[i]);
    }
}

void form_add(struct buf *form, struct str name, struct str value)
{
    if (form->n > 0)
        buf_put_char(form, '&');
    form_encode(form, name);
    buf_put_char(form, '=');
    form_encode(form, value);
}
