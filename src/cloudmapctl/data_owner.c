/* SPDX-License-Identifier: Apache-2.0
 *
 * Only files of the known names, of one link: whoever owns the directory must not be given another's. */
#include "cloudmapctl/data_owner.h"

#include "cloudmapctl/ctl.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

void data_owner_give(const char *data)
{
    static const char *const names[] = { "cloudmap.db", "acknowledged", "lock", "secret.key" };
    struct stat folder, file;
    int dir = geteuid() == 0 ? open(data, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (dir < 0)
        return;
    for (size_t i = 0; fstat(dir, &folder) == 0 && i < sizeof(names) / sizeof(names[0]); i++) {
        int fd = openat(dir, names[i], O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        if (fd >= 0 && fstat(fd, &file) == 0 && S_ISREG(file.st_mode) && file.st_nlink == 1 && file.st_uid == 0 &&
            fchown(fd, folder.st_uid, folder.st_gid) < 0)
            ctl_fail(EXIT_FAILURE, "%s/%s cannot be given to the owner of its directory", data, names[i]);
        if (fd >= 0)
            close(fd);
    }
    close(dir);
}
