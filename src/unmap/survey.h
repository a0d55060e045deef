/* SPDX-License-Identifier: Apache-2.0
 *
 * All that a round reads, in this order: which services there are, what is registered in each, how healthy it is, and
 * only then what EC2 has (an instance that was registered is older than EC2's answer). What could not be read whole is
 * unknown, and says why. One thread. */
#pragma once

#include "unmap/fleet.h"
#include "unmap/setting.h"

struct survey_service {
    const struct setting_target *target;
    struct str id;
    struct str account; /* of the service's ARN; absent: not asked, or not known */
    struct cloud_map_instances registered;
    bool is_whole, knows_health;
    struct aws_error error; /* when it is not whole */
    struct str *judged;     /* ids that EC2 is asked for */
    size_t n_judged;
    struct plan_listing *listings; /* one for each of the target's instance regions; none when nothing is judged */
    size_t n_listings;
};

/* A namespace whose services could not be listed. */
struct survey_failure {
    const char *namespace_id;
    struct aws_error error;
};

struct survey {
    struct survey_service *services;
    size_t n, size;
    struct survey_failure *failures;
    size_t n_failures;
    const char **empty; /* namespaces that have no services, or are not there: Cloud Map answers alike */
    size_t n_empty;
    struct fleet *fleet;
    struct arena arena;
};

/* Reads everything. 0, also when some of it is unknown; -ENOMEM. To be freed with survey_free. */
int survey_make(const struct settings *settings, struct access *access, const struct clock *clock,
                struct survey **ret_survey);
void survey_free(struct survey *survey); /* accepts NULL */

/* Where the target's EC2 instances of this region are to be asked for. */
struct fleet_place survey_place(const struct setting_target *target, size_t region);
