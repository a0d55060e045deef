/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of options.def, looked up by key, and the reading of one value. It knows nothing of where a value came
 * from; config.h puts file, environment and flags together. Usable from any thread. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"

enum option_type {
    OPTION_PATH,      /* const char *: not empty */
    OPTION_FILE,      /* const char *: the path of a file, or NULL: empty */
    OPTION_REGION,    /* const char *: such as us-east-1 */
    OPTION_ACCOUNT,   /* const char *: 12 digits */
    OPTION_INT,       /* int64_t */
    OPTION_BOOL,      /* bool: true, false */
    OPTION_DURATION,  /* int64_t: milliseconds */
    OPTION_SIZE,      /* int64_t: bytes */
    OPTION_SHARE,     /* int64_t: millionths; off, all, 0 to 1 */
    OPTION_RATE,      /* struct config_rate: COUNT/DURATION; off */
    OPTION_ENUM,      /* int: position in the option's words */
    OPTION_ADDRESSES, /* struct config_list of HOST:PORT or [IPV6]:PORT */
    OPTION_NETWORKS,  /* struct config_list of ADDRESS/BITS */
    OPTION_NAMES,     /* struct config_list of words without blanks */
    OPTION_DOMAINS,   /* struct config_list of host names */
    OPTION_VPCS,      /* struct config_list of VPCs: ID or ACCOUNT/REGION/ID */
    OPTION_HOSTS,     /* struct config_list of IPv4 and IPv6 addresses */
    OPTION_REGIONS,   /* struct config_list of regions */
    OPTION_RESOLVERS, /* struct config_list of ADDRESS:PORT, or of one word: system, none */
};

enum option_flags {
    OPTION_RELOAD = 1, /* SIGHUP changes it; every other option takes a restart */
    OPTION_SECRET = 2, /* the value is shown to nobody */
};

/* A comma list; items are NUL-terminated. */
struct config_list {
    const char **items;
    size_t n;
};

/* So many within that time; 0: off. */
struct config_rate {
    int64_t count, ms;
};

struct option_row {
    const char *key;
    enum option_type type;
    const char *value, *aws; /* default; under `compat = aws`, NULL: the same */
    int64_t min, max;        /* of numbers; of lists the number of items */
    const char *words;       /* of an enum, with `|` between them */
    unsigned flags;
    const char *doc;
    size_t offset; /* in struct config, or in struct config_vpc */
};

/* One byte an option: gives each its number without a second list. */
struct option_members {
#define OPTION(c_type, member, ...) char member;
#define VPC_OPTION(member, ...)
#define TRANSFER_OPTION(c_type, member, ...)
#include "cloudmapd/options.def"
#undef OPTION
#undef VPC_OPTION
#undef TRANSFER_OPTION
};

struct option_vpc_members {
#define OPTION(c_type, member, ...)
#define VPC_OPTION(member, ...) char member;
#define TRANSFER_OPTION(c_type, member, ...)
#include "cloudmapd/options.def"
#undef OPTION
#undef VPC_OPTION
#undef TRANSFER_OPTION
};

struct option_transfer_members {
#define OPTION(c_type, member, ...)
#define VPC_OPTION(member, ...)
#define TRANSFER_OPTION(c_type, member, ...) char member;
#include "cloudmapd/options.def"
#undef OPTION
#undef VPC_OPTION
#undef TRANSFER_OPTION
};

#define OPTION_COUNT sizeof(struct option_members)
#define OPTION_VPC_COUNT sizeof(struct option_vpc_members)
#define OPTION_TRANSFER_COUNT sizeof(struct option_transfer_members)
#define OPTION_INDEX(member) offsetof(struct option_members, member)
#define OPTION_VPC_ID_MAX 64 /* characters, as of ResourceId in the API; without account and region */

extern const struct option_row option_table[];          /* OPTION_COUNT */
extern const struct option_row option_vpc_table[];      /* OPTION_VPC_COUNT; keys vpc.ID.x */
extern const struct option_row option_transfer_table[]; /* OPTION_TRANSFER_COUNT; keys transfer.ZONE.x */

/* Number of the option with this key, or OPTION_COUNT. */
size_t option_find(struct str key);
/* Of vpc.ID.x: the number in option_vpc_table and the id, which is a slice of the key; or OPTION_VPC_COUNT. */
size_t option_find_vpc(struct str key, struct str *ret_id);
/* Of transfer.ZONE.x, in which the zone may have dots: likewise. */
size_t option_find_transfer(struct str key, struct str *ret_zone);
/* The key that was probably meant, or NULL. */
const char *option_suggest(struct str key);

/* Reads the value into *ret_value, of the type that option_type names; memory comes from the arena. 0, or 1 with a
 * clause in `why` that says what is wrong with it; 1 with nothing in `why` when memory is out. */
int option_parse(const struct option_row *option, struct str text, struct arena *arena, void *ret_value,
                 struct buf *why);

/* `CLOUDMAP_API_LISTEN` of "api.listen"; the id of a VPC in upper case with `_` for `-`. Appends. */
void option_write_env_name(struct buf *buf, struct str key);
