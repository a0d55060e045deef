/* SPDX-License-Identifier: Apache-2.0
 *
 * Text of paths and echoed values. */
#include "api/shape_path.h"

void shape_path_put_text(struct buf *buf, struct str text, size_t *left)
{
    if (*left == SHAPE_PATH_CUT)
        return;
    size_t n = text.n;
    if (n > *left) {
        /* not within a code point */
        for (n = *left; n > 0 && ((unsigned char)text.p[n] & 0xc0) == 0x80; n--)
            ;
    }
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        buf_put_char(buf, c < ' ' || c == 0x7f ? '?' : text.p[i]);
    }
    *left -= n;
    if (n < text.n) {
        buf_put_str(buf, STR("..."));
        *left = SHAPE_PATH_CUT;
    }
}

void shape_path_put(struct buf *buf, const struct shape_path *path, bool lower_camel)
{
    if (path->up) {
        shape_path_put(buf, path->up, lower_camel);
        buf_put_char(buf, '.');
    }
    if (!str_is_set(path->name)) {
        buf_put_u64(buf, path->index);
        buf_put_str(buf, STR(".member"));
        return;
    }
    struct str name = path->name;
    if (lower_camel && name.n > 0) {
        buf_put_char(buf, str_fold_char(name.p[0]));
        name = str_skip(name, 1);
    }
    size_t left = SHAPE_PATH_MAX_ECHO;
    shape_path_put_text(buf, name, &left);
}
