/* SPDX-License-Identifier: Apache-2.0
 *
 * Makes certificates for development and tests: a CA of one's own, and what it vouches for. Keys are ECDSA on P-256.
 * Any thread. */
#pragma once

#include <stddef.h>

/* PEM text, each of mem_alloc. */
struct certificate {
    char *text;
    char *key;
};

struct certificate_request {
    const char *common_name;  /* at most 64 bytes */
    const char *const *names; /* server: DNS names and IP addresses; client: URIs. May be empty */
    size_t n_names;
    unsigned days; /* from an hour ago */
};

enum certificate_purpose { CERTIFICATE_SERVER, CERTIFICATE_CLIENT };

/* Signed by itself; `names` are not looked at. 0, or 1 with a reason. */
int certificate_make_ca(const struct certificate_request *request, struct certificate *ret_ca, const char **ret_reason);
/* Signed by the CA. 0, or 1 with a reason. */
int certificate_make(const struct certificate *ca, enum certificate_purpose purpose,
                     const struct certificate_request *request, struct certificate *ret_certificate,
                     const char **ret_reason);
/* Wipes the key. */
void certificate_free(struct certificate *certificate);
