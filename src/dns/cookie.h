/* SPDX-License-Identifier: Apache-2.0
 *
 * DNS cookies (RFC 7873) in the form that servers can share (RFC 9018): version 1, SipHash-2-4 under a secret that
 * changes by itself. The secret of a time follows from a master secret, so that nodes with one master agree without
 * talking to each other. Usable from any thread. */
#pragma once

#include "dns/authority.h"
#include "dnswire/edns.h"

#define COOKIE_SERVER 16 /* octets of the server's part */
#define COOKIE_SIZE (EDNS_CLIENT_COOKIE + COOKIE_SERVER)
#define COOKIE_SECRET 16
#define COOKIE_ROLL_S 93600 /* 26 h: a secret's life */

/* Whole cookie for the client's part at `now_s` (seconds since the epoch). */
void cookie_make(const uint8_t master[COOKIE_SECRET], const struct authority_client *client, const uint8_t *client_part,
                 uint32_t now_s, uint8_t ret_cookie[COOKIE_SIZE]);
/* Did this server (or one with its master) give the cookie to the client, in the last hour? */
bool cookie_is_good(const uint8_t master[COOKIE_SECRET], const struct authority_client *client, struct str cookie,
                    uint32_t now_s);
