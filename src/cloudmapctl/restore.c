/* SPDX-License-Identifier: Apache-2.0
 *
 * The store layer verifies the file and takes the lock. */
#include "cloudmapctl/restore.h"
#include "cloudmapctl/copy.h"
#include "cloudmapctl/data_owner.h"
#include "store/store.h"

int restore_run(const struct ctl *ctl)
{
    struct store_message message = { .text = "" };
    struct copy copy = { .verb = "restoring", .end = "has the store of the backup" };
    int r = store_restore(ctl->data, ctl->words[0], ctl->replace, clock_system(), copy_progress, &copy, &message);
    data_owner_give(ctl->data);
    return copy_end(&copy, ctl, r, ctl->data, &message);
}
