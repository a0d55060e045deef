/* SPDX-License-Identifier: Apache-2.0
 *
 * What commands share. */
#include "cloudmapctl/ctl.h"

#include <stdarg.h>
#include <stdio.h>

int ctl_fail(int code, const char *format, ...)
{
    va_list args;
    fprintf(stderr, "cloudmapctl: ");
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    return code;
}
