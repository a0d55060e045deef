/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads texts from stdin, each as a line with its length in bytes and then the bytes; answers each with one line: the
 * text written anew, or `!` and the reader's error. For cross_check.py. */
#include "base/mem.h"
#include "json_copy.h"

#include <stdio.h>

#define TEXT_MAX ((size_t)1 << 20)

int main(void)
{
    size_t n;
    while (scanf("%zu", &n) == 1 && getchar() == '\n') {
        ASSERT(n <= TEXT_MAX);
        char *text = mem_alloc(n);
        struct buf buf;
        buf_init(&buf, 6 * TEXT_MAX);
        ASSERT(text && fread(text, 1, n, stdin) == n);
        size_t error_at;
        int r = json_copy_text(text, n, &buf, &error_at);
        if (r != 0) {
            printf("!%s\n", json_error_text((enum json_error)r));
        } else {
            struct str written = buf_str(&buf);
            fwrite(written.p, 1, written.n, stdout);
            putchar('\n');
        }
        buf_fini(&buf);
        mem_free(text);
    }
    return 0;
}
