/* SPDX-License-Identifier: Apache-2.0
 *
 * Works on the files: no daemon is needed, one that runs is not disturbed. */
#include "cloudmapctl/backup.h"
#include "cloudmapctl/copy.h"
#include "store/store.h"

int backup_run(const struct ctl *ctl)
{
    struct store_message message = { .text = "" };
    const char *file = ctl->words[0];
    struct copy copy = { .verb = "copying", .end = "is a verified copy of the store" };
    int r = store_backup(ctl->data, file, copy_progress, &copy, &message);
    return copy_end(&copy, ctl, r, file, &message);
}
