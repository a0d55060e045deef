/* SPDX-License-Identifier: Apache-2.0
 *
 * See outlet.h. What waits stands before everything that is sent later, whatever that is. */
#include "http/outlet.h"
#include "base/mem.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define PARTS_MAX 16

static bool hold(struct connection_outlet *outlet, const giovec_t *parts, int n_parts)
{
    size_t n = 0;
    for (int i = 0; i < n_parts; i++)
        n += parts[i].iov_len;
    outlet->held = mem_alloc(n);
    if (!outlet->held)
        return false;
    for (int i = 0; i < n_parts; i++) {
        memcpy(outlet->held + outlet->n, parts[i].iov_base, parts[i].iov_len);
        outlet->n += parts[i].iov_len;
    }
    return true;
}

/* n bytes were sent: how many of them were not those that waited. */
static size_t release(struct connection_outlet *outlet, size_t n)
{
    if (n < outlet->n) {
        outlet->n -= n;
        memmove(outlet->held, outlet->held + n, outlet->n);
        return 0;
    }
    n -= outlet->n;
    outlet->n = 0;
    mem_free(TAKE(outlet->held));
    return n;
}

/* As GnuTLS wants it: bytes taken, or -1 with errno. */
static ssize_t push(gnutls_transport_ptr_t ptr, const giovec_t *parts, int n_parts)
{
    struct connection *connection = ptr;
    if (!connection) {
        errno = EPIPE;
        return -1;
    }
    struct connection_outlet *outlet = &connection->outlet;
    struct iovec all[PARTS_MAX + 1] = { { outlet->held, outlet->n } };
    bool is_head = outlet->expects_head;
    outlet->expects_head = false;
    if (is_head && !outlet->held && hold(outlet, parts, n_parts))
        return (ssize_t)outlet->n;
    int n = n_parts < PARTS_MAX ? n_parts : PARTS_MAX;
    for (int i = 0; i < n; i++)
        all[i + 1] = (struct iovec){ parts[i].iov_base, parts[i].iov_len };
    struct msghdr message = { .msg_iov = all, .msg_iovlen = (size_t)n + 1 };
    ssize_t sent = sendmsg(connection->fd, &message, MSG_NOSIGNAL);
    if (sent < 0 || !outlet->held)
        return sent;
    size_t taken = release(outlet, (size_t)sent);
    if (taken > 0)
        return (ssize_t)taken;
    errno = EAGAIN;
    return -1;
}

static void set_target(struct connection *connection, struct connection *target)
{
    gnutls_transport_set_ptr2(connection->tls, (gnutls_transport_ptr_t)(intptr_t)connection->fd, target);
}

void outlet_open(struct connection *connection)
{
    set_target(connection, connection);
    gnutls_transport_set_vec_push_function(connection->tls, push);
}

void outlet_expect_head(struct connection *connection)
{
    connection->outlet.expects_head = connection->tls != NULL;
}

void outlet_close(struct connection *connection)
{
    if (connection->tls)
        set_target(connection, NULL);
    mem_free(TAKE(connection->outlet.held));
}
