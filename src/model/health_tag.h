/* SPDX-License-Identifier: Apache-2.0
 *
 * A service's own settings of its health check: the tags `cloudmap:unknown-is` and `cloudmap:health-*`, which override
 * the daemon's. Pure; any thread. */
#pragma once

#include "base/str.h"

#define HEALTH_TAG_UNKNOWN_IS "cloudmap:unknown-is"
#define HEALTH_TAG_INTERVAL "cloudmap:health-interval"
#define HEALTH_TAG_HEADER "cloudmap:health-expect-header"
#define HEALTH_TAG_BODY "cloudmap:health-expect-body"
#define HEALTH_TAG_TLS_NAME "cloudmap:health-expect-tls-name"
#define HEALTH_TAG_TLS_CA "cloudmap:health-expect-tls-ca"

#define HEALTH_TAG_INTERVAL_MIN_MS 2000
#define HEALTH_TAG_INTERVAL_MAX_MS 300000

/* What the tags say; slices point into them, absent ones were not given. */
struct health_tag_settings {
    enum { HEALTH_TAG_UNKNOWN_UNSET, HEALTH_TAG_UNKNOWN_HEALTHY, HEALTH_TAG_UNKNOWN_UNHEALTHY } unknown_is;
    int64_t interval_ms;                  /* 0: not given */
    struct str header_name, header_value; /* `NAME: VALUE`, or `NAME` alone: then the value is absent */
    struct str body;                      /* a fragment */
    struct str tls_name;                  /* the certificate's */
    struct str tls_ca;                    /* a file's name, without a folder */
};

/* Reads what concerns health out of tags in any order. NULL, or what is wrong with the value of *ret_tag (its key). */
const char *health_tag_read(const struct str_pair *tags, size_t n, struct health_tag_settings *ret_settings,
                            struct str *ret_tag);
