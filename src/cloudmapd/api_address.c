/* SPDX-License-Identifier: Apache-2.0
 *
 * See api_address.h. */
#include "cloudmapd/api_address.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <sys/socket.h>

static void add(struct api_address_list *list, const struct sockaddr *address)
{
    char text[INET6_ADDRSTRLEN] = "";

    if (address->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, address, sizeof(in));
        if (in.sin_addr.s_addr != htonl(INADDR_ANY))
            inet_ntop(AF_INET, &in.sin_addr, text, sizeof(text));
    } else if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, address, sizeof(in6));
        if (!IN6_IS_ADDR_UNSPECIFIED(&in6.sin6_addr))
            inet_ntop(AF_INET6, &in6.sin6_addr, text, sizeof(text));
    }
    if (!text[0] || list->n == OWN_ZONE_MAX_ADDRESSES)
        return;
    memcpy(list->texts[list->n], text, sizeof(text));
    list->items[list->n] = list->texts[list->n];
    list->n++;
}

/* HOST:PORT or [IPV6]:PORT, of which the form has been checked. */
static void add_host(struct api_address_list *list, const char *address)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *found = NULL;
    int n = (int)(strrchr(address, ':') - address);
    char host[1024];

    if (*address == '[')
        snprintf(host, sizeof(host), "%.*s", n - 2, address + 1);
    else
        snprintf(host, sizeof(host), "%.*s", n, address);
    if (getaddrinfo(host, NULL, &hints, &found) != 0)
        return; /* whoever listens there will say so */
    for (const struct addrinfo *one = found; one; one = one->ai_next)
        add(list, one->ai_addr);
    freeaddrinfo(found);
}

static void add_socket(struct api_address_list *list, int fd)
{
    struct sockaddr_storage address = { 0 };
    socklen_t n = sizeof(address);
    if (getsockname(fd, (struct sockaddr *)&address, &n) == 0)
        add(list, (const struct sockaddr *)&address);
}

void api_address_find(const struct config *config, const struct sd_listen *passed, struct api_address_list *ret_list)
{
    ret_list->n = 0;
    for (size_t i = 0; i < passed->n_tls; i++)
        add_socket(ret_list, passed->tls[i]);
    for (size_t i = 0; i < config->tls_listen.n && passed->n_tls == 0; i++)
        add_host(ret_list, config->tls_listen.items[i]);
    if (passed->n_tls > 0 || config->tls_listen.n > 0)
        return;
    for (size_t i = 0; i < passed->n_api; i++)
        add_socket(ret_list, passed->api[i]);
    for (size_t i = 0; i < config->api_listen.n && passed->n_api == 0; i++)
        add_host(ret_list, config->api_listen.items[i]);
}
