/* SPDX-License-Identifier: Apache-2.0
 *
 * Which resolvers; see alias_servers.h. */
#include "dns/alias_servers.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>

#define SYSTEM_MAX 3 /* MAXNS of the C library */
#define DNS_PORT 53
#define HOST_MAX 80

/* HOST is an address, an IPv6 one perhaps with %INTERFACE. 0 or 1. */
static int alias_servers_add(struct alias_servers *servers, const char *host, unsigned port)
{
    struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port) };
    char address[HOST_MAX];
    size_t n = strcspn(host, "%");

    if (servers->n == ALIAS_SERVERS_MAX || n >= sizeof(address))
        return 1;
    memcpy(address, host, n);
    address[n] = '\0';
    if (host[n] == '\0' && inet_pton(AF_INET, address, &in.sin_addr) == 1) {
        memcpy(&servers->list[servers->n], &in, sizeof(in));
        servers->sizes[servers->n++] = sizeof(in);
        return 0;
    }
    if (inet_pton(AF_INET6, address, &in6.sin6_addr) != 1)
        return 1;
    if (host[n] && (in6.sin6_scope_id = if_nametoindex(host + n + 1)) == 0)
        return 1;
    memcpy(&servers->list[servers->n], &in6, sizeof(in6));
    servers->sizes[servers->n++] = sizeof(in6);
    return 0;
}

/* HOST:PORT or [HOST]:PORT. 0 or 1. */
static int alias_servers_add_item(struct alias_servers *servers, const char *item)
{
    const char *colon = strrchr(item, ':');
    size_t n = colon ? (size_t)(colon - item) : 0;
    char host[HOST_MAX];
    uint64_t port;

    if (!colon || n == 0 || n >= sizeof(host) || str_parse_u64(str_of(colon + 1), &port) || port < 1 || port > 65535)
        return 1;
    if (item[0] == '[' && item[n - 1] == ']') {
        item++;
        n -= 2;
    }
    memcpy(host, item, n);
    host[n] = '\0';
    return alias_servers_add(servers, host, (unsigned)port);
}

int alias_servers_read_list(struct alias_servers *ret_servers, const char *const *items, size_t n, const char **ret_bad)
{
    ret_servers->n = 0;
    for (size_t i = 0; i < n; i++)
        if (alias_servers_add_item(ret_servers, items[i])) {
            *ret_bad = items[i];
            return 1;
        }
    return 0;
}

void alias_servers_read_system(struct alias_servers *ret_servers, const char *path)
{
    FILE *file = fopen(path, "re");
    char line[512];

    ret_servers->n = 0;
    while (file && ret_servers->n < SYSTEM_MAX && fgets(line, sizeof(line), file)) {
        char *rest = line, *word = strtok_r(rest, " \t\r\n", &rest);
        if (!word || strcmp(word, "nameserver") != 0)
            continue;
        word = strtok_r(NULL, " \t\r\n", &rest);
        if (word)
            alias_servers_add(ret_servers, word, DNS_PORT);
    }
    if (file)
        fclose(file);
    if (ret_servers->n == 0)
        alias_servers_add(ret_servers, "127.0.0.1", DNS_PORT);
}
