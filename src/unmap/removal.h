/* SPDX-License-Identifier: Apache-2.0
 *
 * Carries out what a plan decided for one service: writes it all into the journal, then for each instance looks at it
 * again, deregisters it, and follows the operation to its end. One that fails does not stop the others. One thread. */
#pragma once

#include "base/rand.h"
#include "unmap/exporter.h"
#include "unmap/journal.h"
#include "unmap/survey.h"

struct removal_context {
    struct access *access;
    struct journal *journal;
    struct exporter *exporter;
    const struct clock *clock;
    struct rand *rand;
    int64_t *last_ns; /* when the round's last removal was made, of any service; 0: none yet */
};

struct removal_counts {
    size_t n_removed, n_kept, n_failed;
};

/* 0; -ENOMEM; or -errno of the journal: then nothing more was removed. Whoever calls has noted the removals in the
 * history before. */
int removal_carry_out(const struct removal_context *context, const struct survey_service *service,
                      const struct plan *plan, struct removal_counts *ret_counts);
