/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of credentials share: an environment, a folder with files, a clock held by hand, and a server in this
 * process that plays STS, a container endpoint and instance metadata. Every helper fails the test when it cannot do its
 * work. */
#pragma once

#include "../test.h"

#include "aws/credentials_priv.h"
#include "base/buf.h"
#include "http/server.h"

#include <pthread.h>

#define BED_MAX_VARIABLES 32
#define BED_MAX_ROUTES 16
#define BED_NOW_MS INT64_C(1767323045000) /* 2026-01-02T03:04:05Z */

/* What the server answers to a method and path. */
struct bed_route {
    char method[8], path[128], body[4096];
    unsigned status;
    unsigned n_failures; /* this many requests get a 500 first */
};

struct bed {
    struct http_server *server;
    unsigned port;
    struct clock_manual clock;
    struct environment environment;
    char *variables[BED_MAX_VARIABLES + 1];
    char dir[64];

    pthread_mutex_t mutex; /* routes, log and count */
    struct bed_route routes[BED_MAX_ROUTES];
    size_t n_routes;
    struct buf log; /* each request: `METHOD path`, headers, an empty line, body */
    unsigned n_requests;
};

/* For cmocka. HOME is the folder, AWS_REGION is us-east-1, AWS_ENDPOINT_URL_STS the server, metadata is off. */
int bed_setup(void **state);
int bed_teardown(void **state);

/* Sets a variable; value NULL removes it. */
void bed_set(struct bed *bed, const char *name, const char *value);
/* The same with the path of a file in the folder. */
void bed_set_path(struct bed *bed, const char *name, const char *file);
/* The same with a URL of the server. */
void bed_set_url(struct bed *bed, const char *name, const char *path);
/* Writes a file in the folder: `.aws/config`. */
void bed_write(struct bed *bed, const char *file, const char *text);
void bed_unlink(struct bed *bed, const char *file);

/* Adds or replaces a route; anything else is answered with 404. */
void bed_route(struct bed *bed, const char *method, const char *path, unsigned status, const char *body);
void bed_fail_first(struct bed *bed, const char *method, const char *path, unsigned n);
/* Whether one of the requests since bed_clear_log holds this text. */
bool bed_saw(struct bed *bed, const char *text);
unsigned bed_count(struct bed *bed);
void bed_clear_log(struct bed *bed);

/* An answer of STS with these keys that expires then; `action` AssumeRole or AssumeRoleWithWebIdentity. */
void bed_route_sts(struct bed *bed, const char *action, const char *id, const char *expiration);
/* Metadata on, with a role `role-x` and this document. */
void bed_route_metadata(struct bed *bed, const char *document);

/* A chain on the bed; role_arn may be NULL. */
struct credentials_chain *bed_chain(struct bed *bed, const char *role_arn);
/* A get that must succeed with this key id, and `secret-of-ID` as the secret unless the id is unknown to the bed. */
void bed_expect(struct bed *bed, struct credentials_chain *chain, const char *id, const char *source);
/* A get that must fail; every one of the texts must be in the message, and `secret` must not. */
void bed_refuse(struct bed *bed, struct credentials_chain *chain, const char *text, const char *other);
/* The same with a chain made for it. */
void bed_expect_once(struct bed *bed, const char *id, const char *source);
void bed_refuse_once(struct bed *bed, const char *text, const char *other);
