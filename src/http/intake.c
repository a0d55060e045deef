/* SPDX-License-Identifier: Apache-2.0
 *
 * A file of its own because the kernel's struct tcp_info, which counts bytes, cannot be had beside the C library's. */
#include "http/intake.h"

#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

uint64_t intake_unread(int fd)
{
    int n;
    return ioctl(fd, FIONREAD, &n) == 0 && n > 0 ? (uint64_t)n : 0;
}

bool intake_has_unread(int fd)
{
    return intake_unread(fd) > 0;
}

bool intake_has_ended(int fd)
{
    char c;
    return recv(fd, &c, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

int intake_received(int fd, uint64_t *ret_n)
{
    struct tcp_info info = { 0 };
    socklen_t n = sizeof(info);
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &n))
        return -errno;
    *ret_n = info.tcpi_bytes_received;
    return 0;
}
