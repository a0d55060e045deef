/* SPDX-License-Identifier: Apache-2.0
 *
 * What every command of cloudmapctl gets: where the daemon or its data is, and how to print. One thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define CTL_LIST_MAX 64

/* Of an option that may come many times. */
struct ctl_list {
    const char *items[CTL_LIST_MAX];
    size_t n;
};

struct ctl {
    const char *data;            /* --data, or the directory found */
    bool is_data_found;          /* without --data */
    const char *socket;          /* --socket, or NULL: the one in `data` */
    const char *api;             /* --api URL, or NULL */
    const char *from;            /* explain --from IP, or NULL */
    const char *reason;          /* drain --reason TEXT, or NULL */
    const char *time;            /* drain --for TIME, or NULL */
    const char *then;            /* drain --then WHAT, or NULL */
    const char *head;            /* audit verify --head NUMBER:HASH, or NULL */
    const char *against;         /* audit verify --against FILE, or NULL */
    struct ctl_list public_keys; /* audit verify --public-key KEY */
    bool json;                   /* -o json */
    bool force;                  /* drain --force */
    bool all;                    /* guard --all */
    bool replace;                /* restore --replace */
    const char *out;             /* cert --out DIR, or NULL */
    bool is_client;              /* cert --client */
    /* key, user, role, policy: */
    const char *account, *user, *role, *path, *max_session; /* each --NAME, or NULL */
    const char *trust, *document, *key_file;                /* files, or NULL */
    bool root;                                              /* key create --root */
    struct ctl_list context;                                /* policy test --context */
    char **words;                                           /* arguments behind the command */
    size_t n_words;
};

/* A command's work; returns the exit code. */
typedef int ctl_fn(const struct ctl *ctl);

/* "cloudmapctl: " and the text to stderr; returns `code`. */
int ctl_fail(int code, const char *format, ...) __attribute__((format(printf, 2, 3)));
