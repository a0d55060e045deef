/* SPDX-License-Identifier: Apache-2.0
 *
 * Judges every address that a name stands for. */
#include "cloudmapd/auth_mode.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>

#define HOST_SIZE 1024

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

/* Is every address that the text stands for? *ret_error is getaddrinfo's. */
static bool is_loopback_text(const char *address, int *ret_error)
{
    char host[HOST_SIZE];
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *list = NULL;
    bool loopback = true;
    copy_host(address, host, sizeof(host));
    *ret_error = getaddrinfo(host, NULL, &hints, &list);
    if (*ret_error != 0)
        return false;
    for (const struct addrinfo *one = list; one; one = one->ai_next)
        loopback = loopback && is_loopback(one->ai_addr);
    freeaddrinfo(list);
    return loopback;
}

static void check_addresses(const struct config *config, const char *option, const struct config_list *addresses,
                            const char *where, struct config_errors *errors)
{
    for (size_t i = 0; i < addresses->n; i++) {
        int error;
        bool loopback = is_loopback_text(addresses->items[i], &error);
        if (error != 0)
            config_add_error(errors, where, "%s: %s: %s", option, addresses->items[i], gai_strerror(error));
        else if (!loopback && config->auth_mode == CONFIG_AUTH_OPEN)
            config_add_error(errors, where,
                             "%s: %s is not a loopback address, and auth.mode is open: anybody who can reach the API "
                             "could change everything. Only 127.0.0.0/8 and ::1 are allowed",
                             option, addresses->items[i]);
    }
}

void auth_mode_check(const struct config *config, struct config_errors *errors)
{
    check_addresses(config, "api.listen", &config->api_listen, config->sources[OPTION_INDEX(api_listen)].where, errors);
    check_addresses(config, "tls.listen", &config->tls_listen, config->sources[OPTION_INDEX(tls_listen)].where, errors);
}

static bool is_loopback_socket(int fd)
{
    struct sockaddr_storage address = { 0 };
    socklen_t length = sizeof(address);
    return getsockname(fd, (struct sockaddr *)&address, &length) == 0 && is_loopback((struct sockaddr *)&address);
}

/* The first thing that clients elsewhere can reach, as text; NULL: nothing. */
static const char *find_outside(const struct config *config, const struct sd_listen *passed)
{
    const struct config_list *lists[] = { &config->api_listen, &config->tls_listen };
    int error;
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
        for (size_t k = 0; k < lists[i]->n; k++)
            if (!is_loopback_text(lists[i]->items[k], &error))
                return lists[i]->items[k];
    for (size_t i = 0; i < passed->n_api; i++)
        if (!is_loopback_socket(passed->api[i]))
            return "A socket that was passed for the API";
    for (size_t i = 0; i < passed->n_tls; i++)
        if (!is_loopback_socket(passed->tls[i]))
            return "A socket that was passed for TLS";
    return NULL;
}

int auth_mode_decide(const struct config *config, const struct sd_listen *passed, struct root_key_found found,
                     bool *ret_is_required, char *why, size_t size)
{
    const char *outside = find_outside(config, passed);
    *ret_is_required =
        config->auth_mode == CONFIG_AUTH_REQUIRED || (config->auth_mode == CONFIG_AUTH_AUTO && found.any);
    if (!outside || (*ret_is_required && found.active))
        return 0;
    if (config->auth_mode == CONFIG_AUTH_OPEN)
        snprintf(why, size,
                 "%s is not of a loopback address, and auth.mode is open: anybody who can reach the API could change "
                 "everything. Only 127.0.0.0/8 and ::1 are allowed.",
                 outside);
    else
        snprintf(why, size,
                 "%s is not of a loopback address, and there is no access key: anybody who can reach the API could "
                 "change everything. Make the key of root with `cloudmapctl --data %s key create --root`, or give one: "
                 "in the variables CLOUDMAP_ROOT_ACCESS_KEY_ID and CLOUDMAP_ROOT_SECRET_ACCESS_KEY, or as "
                 "ID:SECRET in the file that auth.root_key_file names.",
                 outside, config->store_path);
    return 1;
}
