/* SPDX-License-Identifier: Apache-2.0
 *
 * The names outside our zones that aliases stand for: what is known of them, and one thread that asks resolvers for
 * what is not. Answers come out of the table of alias_cache.h without a lock. A query that finds nothing there waits:
 * it is handed to the thread, which sends its answer when the name's answer has come, or SERVFAIL when it has not come
 * in time. Old answers serve while resolvers fail (RFC 8767); failures are remembered for seconds (RFC 9520).
 *
 * Everything has a cap: names known, questions at a time, queries that wait, and those that wait for one name. */
#pragma once

#include "base/clock.h"
#include "dns/alias_servers.h"
#include "dns/authority.h"
#include "dns/dns_stats.h"
#include "dnswire/packet.h"

#define ALIAS_QUESTIONS_MAX 256 /* asked at a time */
#define ALIAS_WAITING_MAX 2048  /* queries */
#define ALIAS_WAITING_NAME 256  /* queries that wait for one name */
#define ALIAS_WAITING_CROWD 8   /* the same when half of all places are taken: a few dead names do not take the rest */
#define ALIAS_WAIT_MS 2000      /* a query waits at most so long */
#define ALIAS_STALE_TTL 30      /* of old answers (RFC 8767 5) */

struct answer_settings;

struct alias_config {
    struct alias_servers servers; /* at least one */
    bool is_system;               /* read /etc/resolv.conf again when it has changed */
    int64_t max_ttl_ms;           /* longer TTLs are cut */
    int64_t stale_ms;             /* how long behind its TTL an answer may serve; 0: not at all */
    const struct snapshot_head *head;
    const struct clock *clock;
    const struct answer_settings *settings;
    struct query_ring *ring; /* of its thread; NULL: no log */
};

struct alias;

/* What config points to outlives it. 0 or -errno. */
int alias_new(const struct alias_config *config, struct alias **ret_alias);
/* Starts the thread, when the settings are complete. 0 or -errno. */
int alias_start(struct alias *alias);
/* Ends the thread: queries that wait get SERVFAIL, and nothing can wait any more. Before the sockets are closed that
 * queries came from. */
void alias_stop(struct alias *alias);
/* When nobody looks into it any more. Both accept NULL. */
void alias_free(struct alias *alias);

/* --- looking -------------------------------------------------------------------------------------------------------
 */

struct alias_target {
    struct dname name; /* folded */
    enum packet_type type;
};

enum alias_state {
    ALIAS_UNKNOWN, /* it is to be asked */
    ALIAS_KNOWN,
    ALIAS_STALE, /* known, of old */
    ALIAS_FAILED /* it cannot be known at the moment */
};

struct alias_view {
    const uint8_t *addresses; /* n of 4 or 16 octets; 0: there are none */
    unsigned n;
    uint32_t ttl;
    bool is_nxdomain;
};

/* The view holds while the caller holds its snapshot. What is known and soon old is asked again beside that, once. Any
 * reader. */
enum alias_state alias_find(struct alias *alias, const struct alias_target *target, struct alias_view *ret_view);

/* For those who keep what is said, and look again and again: what was said last is known until it can be served no
 * more, with the TTL that it came with; when its time is over it is asked for beside that. UNKNOWN: it is being asked
 * for, and nothing was ever said. As alias_find, or FAILED; never STALE. */
enum alias_state alias_follow(struct alias *alias, const struct alias_target *target, struct alias_view *ret_view);

/* The name that an alias stands for. False: the instance is none. */
bool alias_name(const struct instance *instance, struct dname *ret_name);

/* --- waiting -------------------------------------------------------------------------------------------------------
 */

#define ALIAS_QUERY_MAX 512
#define ALIAS_CONTROL_MAX 64

/* A UDP query, and how its answer goes back: everything is copied. */
struct alias_query {
    int fd;
    const struct sockaddr_storage *peer;
    socklen_t peer_n;
    const void *control; /* for sendmsg, or NULL */
    size_t control_n;
    const struct authority_client *client;
    const uint8_t *p;
    size_t n;
};

/* The query waits for the target. False: it cannot, and is to be answered now. Any thread; waits for nothing. */
bool alias_wait(struct alias *alias, const struct alias_target *target, const struct alias_query *query);
/* Asks for the target if it is not known, and adds 1 to the eventfd when something is. False: not possible. */
bool alias_wake(struct alias *alias, const struct alias_target *target, int eventfd);

/* What the thread itself answered. */
const struct dns_stats *alias_stats(const struct alias *alias);
