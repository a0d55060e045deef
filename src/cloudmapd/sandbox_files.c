/* SPDX-License-Identifier: Apache-2.0
 *
 * The kernel's calls have no wrappers in the C library. Which rights there are depends on the kernel: one that is not
 * known to it cannot be taken away (landlock(7)). */
#include "cloudmapd/sandbox_files.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Newer than the headers of Debian 12. */
#define RIGHT_REFER (UINT64_C(1) << 13)
#define RIGHT_TRUNCATE (UINT64_C(1) << 14)
#define RIGHT_IOCTL_DEV (UINT64_C(1) << 15)

#define RIGHTS_READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define RIGHTS_FILE (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | RIGHT_TRUNCATE | RIGHT_IOCTL_DEV)
#define RIGHTS_WRITE                                                                                              \
    (RIGHTS_READ | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_REMOVE_FILE | \
     LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_REMOVE_DIR | RIGHT_REFER |   \
     RIGHT_TRUNCATE)

static uint64_t rights_of_abi(int abi)
{
    uint64_t rights = (UINT64_C(1) << 13) - 1; /* those of the first */
    if (abi >= 2)
        rights |= RIGHT_REFER;
    if (abi >= 3)
        rights |= RIGHT_TRUNCATE;
    if (abi >= 5)
        rights |= RIGHT_IOCTL_DEV;
    return rights;
}

int sandbox_files_begin(struct sandbox_files *files)
{
    *files = (struct sandbox_files){ .fd = -1 };
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (abi < 1)
        return 0;
    struct landlock_ruleset_attr attributes = { .handled_access_fs = rights_of_abi((int)abi) };
    long fd = syscall(SYS_landlock_create_ruleset, &attributes, sizeof(attributes), 0);
    if (fd < 0)
        return -errno;
    files->fd = (int)fd;
    files->abi = (int)abi;
    return 0;
}

int sandbox_files_allow(const struct sandbox_files *files, const char *path, bool writes)
{
    struct stat stat;
    if (files->fd < 0)
        return 0;
    int fd = open(path, O_PATH | O_CLOEXEC);
    if (fd < 0)
        return 0; /* not there: nothing to allow */
    int r = fstat(fd, &stat) ? -errno : 0;
    uint64_t rights = (writes ? RIGHTS_WRITE : RIGHTS_READ) & rights_of_abi(files->abi);
    struct landlock_path_beneath_attr rule = { .allowed_access = S_ISDIR(stat.st_mode) ? rights : rights & RIGHTS_FILE,
                                               .parent_fd = fd };
    if (r == 0 && syscall(SYS_landlock_add_rule, files->fd, LANDLOCK_RULE_PATH_BENEATH, &rule, 0))
        r = -errno;
    close(fd);
    return r;
}

int sandbox_files_end(struct sandbox_files *files)
{
    if (files->fd < 0)
        return 0;
    int r = syscall(SYS_landlock_restrict_self, files->fd, 0) ? -errno : 0;
    close(files->fd);
    files->fd = -1;
    return r;
}
