/* SPDX-License-Identifier: Apache-2.0
 *
 * See target.h. */
#include "cloudmapctl/target.h"

#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#define ARENA_CAP (4 << 20)

static int find_by_status(const struct ctl *ctl, struct target *target, char *why, size_t size)
{
    int r = daemon_status_fetch(ctl, &target->status, why, size);
    if (r != 0)
        return r;
    target->has_status = true;
    struct daemon_status *status = &target->status;
    if (daemon_status_decode(status, &target->arena) != 0) {
        snprintf(why, size, "%s", DAEMON_STATUS_UNKNOWN);
        return EXIT_FAILURE;
    }
    if (status->n_addresses == 0 || endpoint_of_address(status->addresses[0], &target->endpoint) != 0) {
        snprintf(why, size, "the daemon is " STR_FMT " and has no API address yet", STR_ARG(status->state));
        return EXIT_FAILURE;
    }
    target->endpoint.needs_signature = str_eq(status->auth, STR("required"));
    if (status->region.n > 0)
        target->region = status->region;
    return 0;
}

const char *const target_region_variables[] = { "AWS_REGION", "AWS_DEFAULT_REGION", NULL };

const char *target_first_variable(const char *const *names)
{
    for (; *names; names++) {
        const char *value = getenv(*names);
        if (value && *value)
            return *names;
    }
    return NULL;
}

/* Of an API that does not say: the one that the caller's clients sign for. */
static struct str callers_region(void)
{
    const char *name = target_first_variable(target_region_variables);
    return name ? str_of(getenv(name)) : STR("us-east-1");
}

int target_find(const struct ctl *ctl, struct target *ret_target, char *why, size_t size)
{
    int r = 0;
    *ret_target = (struct target){ .region = callers_region() };
    arena_init(&ret_target->arena, ARENA_CAP);
    if (!ctl->api) {
        r = find_by_status(ctl, ret_target, why, size);
    } else if (endpoint_of_url(str_of(ctl->api), &ret_target->endpoint) != 0) {
        snprintf(why, size, "--api takes http://HOST:PORT or https://HOST:PORT, not %s", ctl->api);
        r = EX_USAGE;
    }
    if (r != 0)
        target_free(ret_target);
    return r;
}

void target_free(struct target *target)
{
    if (target->has_status)
        daemon_status_free(&target->status);
    arena_fini(&target->arena);
}
