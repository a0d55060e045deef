/* SPDX-License-Identifier: Apache-2.0
 *
 * Datagrams to the service manager. */
#include "cloudmapd/sd_notify.h"
#include "base/str.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int sd_notify_send(const char *state)
{
    const char *path = getenv("NOTIFY_SOCKET");
    if (!path || !*path)
        return 0;
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    size_t n = strlen(path);
    if ((path[0] != '/' && path[0] != '@') || n >= sizeof(address.sun_path))
        return -EINVAL;
    memcpy(address.sun_path, path, n);
    if (path[0] == '@') /* the abstract name space */
        address.sun_path[0] = '\0';
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
    ssize_t sent = sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&address, size);
    int r = sent < 0 ? -errno : 0;
    close(fd);
    return r;
}

int64_t sd_notify_watchdog_ms(void)
{
    const char *period = getenv("WATCHDOG_USEC"), *owner = getenv("WATCHDOG_PID");
    uint64_t us, pid;
    if (!period || str_parse_u64(str_of(period), &us) != 0 || us > INT64_MAX)
        return 0;
    if (owner && (str_parse_u64(str_of(owner), &pid) != 0 || pid != (uint64_t)getpid()))
        return 0;
    int64_t half = (int64_t)(us / 2000);
    return half > 0 ? half : 1;
}
