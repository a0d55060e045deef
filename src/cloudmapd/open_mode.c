/* SPDX-License-Identifier: Apache-2.0
 *
 * Judges every address that a name stands for. */
#include "cloudmapd/open_mode.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>

static bool is_loopback(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, address, sizeof(in));
        return ntohl(in.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    }
    if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, address, sizeof(in6));
        return IN6_IS_ADDR_LOOPBACK(&in6.sin6_addr);
    }
    return false;
}

/* The part before the port, without brackets; addresses have been checked for their form. */
static void copy_host(const char *address, char *ret_host, size_t size)
{
    const char *colon = strrchr(address, ':');
    int n = (int)(colon - address);
    if (*address == '[')
        snprintf(ret_host, size, "%.*s", n - 2, address + 1);
    else
        snprintf(ret_host, size, "%.*s", n, address);
}

static void check_address(const char *option, const char *address, const char *where, struct config_errors *errors)
{
    char host[1024];
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *list = NULL;
    copy_host(address, host, sizeof(host));
    int r = getaddrinfo(host, NULL, &hints, &list);
    if (r != 0) {
        config_add_error(errors, where, "%s: %s: %s", option, host, gai_strerror(r));
        return;
    }
    bool loopback = true;
    for (const struct addrinfo *one = list; one; one = one->ai_next)
        loopback = loopback && is_loopback(one->ai_addr);
    freeaddrinfo(list);
    if (!loopback)
        config_add_error(errors, where,
                         "%s: %s is not a loopback address. There are no access keys, so anybody who can reach "
                         "the API could change everything: only 127.0.0.0/8 and ::1 are allowed",
                         option, address);
}

static void check_addresses(const char *option, const struct config_list *addresses, const char *where,
                            struct config_errors *errors)
{
    for (size_t i = 0; i < addresses->n; i++)
        check_address(option, addresses->items[i], where, errors);
}

void open_mode_check(const struct config *config, struct config_errors *errors)
{
    check_addresses("api.listen", &config->api_listen, config->sources[OPTION_INDEX(api_listen)].where, errors);
    check_addresses("tls.listen", &config->tls_listen, config->sources[OPTION_INDEX(tls_listen)].where, errors);
}

int open_mode_check_sockets(const int *fds, size_t n, char *why, size_t size)
{
    for (size_t i = 0; i < n; i++) {
        struct sockaddr_storage address = { 0 };
        socklen_t length = sizeof(address);
        if (getsockname(fds[i], (struct sockaddr *)&address, &length) == 0 && is_loopback((struct sockaddr *)&address))
            continue;
        snprintf(
            why, size,
            "A socket that was passed for the API is not of a loopback address. There are no access keys, so anybody "
            "who can reach the API could change everything: only 127.0.0.0/8 and ::1 are allowed.");
        return 1;
    }
    return 0;
}
