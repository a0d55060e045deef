/* SPDX-License-Identifier: Apache-2.0
 *
 * The environment as AWS's SDKs read it, held in a struct so that a test can hold it. Usable from any thread. */
#pragma once

#include <stdbool.h>

struct environment {
    char **variables; /* NAME=VALUE, NULL behind the last; borrowed */
};

/* The value; NULL when it is unset or empty. */
const char *environment_find(const struct environment *environment, const char *name);
/* `true`, `1` or `yes`, any case. */
bool environment_is_true(const struct environment *environment, const char *name);
