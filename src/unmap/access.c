/* SPDX-License-Identifier: Apache-2.0
 *
 * Two short lists: there are as many entries as regions and roles. */
#include "unmap/access.h"
#include "base/mem.h"

#include <errno.h>

struct chain {
    struct chain *next;
    char *role_arn; /* NULL: none */
    char *region;   /* of STS: that of the first client */
    struct credentials_chain *credentials;
};

struct entry {
    struct entry *next;
    enum aws_service service;
    char *region, *role_arn; /* NULL: as access_client says */
    struct aws_client *client;
};

struct access {
    struct access_config config;
    struct chain *chains;
    struct entry *entries;
    int64_t deadline_ns;
};

int access_new(const struct access_config *config, struct access **ret_access)
{
    struct access *access = mem_zalloc(sizeof(*access));
    if (!access)
        return -ENOMEM;
    access->config = *config;
    *ret_access = access;
    return 0;
}

static void free_entry(struct entry *entry)
{
    aws_client_free(entry->client);
    mem_free(entry->region);
    mem_free(entry->role_arn);
    mem_free(entry);
}

static void free_chain(struct chain *chain)
{
    credentials_chain_free(chain->credentials);
    mem_free(chain->role_arn);
    mem_free(chain->region);
    mem_free(chain);
}

void access_free(struct access *access)
{
    if (!access)
        return;
    for (struct entry *entry = access->entries, *next; entry; entry = next) {
        next = entry->next;
        free_entry(entry);
    }
    for (struct chain *chain = access->chains, *next; chain; chain = next) {
        next = chain->next;
        free_chain(chain);
    }
    mem_free(access);
}

static bool is_same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

/* A copy of text that may be NULL. 0 or -ENOMEM. */
static int dup_text(const char *text, char **ret)
{
    *ret = text ? mem_dup_cstr(text) : NULL;
    return text && !*ret ? -ENOMEM : 0;
}

static int find_chain(struct access *access, const char *role_arn, const char *region, struct credentials_chain **ret)
{
    for (struct chain *chain = access->chains; chain; chain = chain->next) {
        if (is_same(chain->role_arn, role_arn)) {
            *ret = chain->credentials;
            return 0;
        }
    }
    struct chain *chain = mem_zalloc(sizeof(*chain));
    if (!chain)
        return -ENOMEM;
    int r = dup_text(role_arn, &chain->role_arn);
    if (r == 0)
        r = dup_text(region, &chain->region);
    if (r == 0)
        r = credentials_chain_new(&(struct credentials_config){ .environment = access->config.environment,
                                                                .clock = access->config.clock,
                                                                .role_arn = chain->role_arn,
                                                                .region = chain->region },
                                  &chain->credentials);
    if (r != 0) {
        free_chain(chain);
        return r;
    }
    chain->next = access->chains;
    access->chains = chain;
    *ret = chain->credentials;
    return 0;
}

static int make_entry(struct access *access, enum aws_service service, const char *region, const char *role_arn,
                      struct entry **ret_entry, struct aws_error *ret_error)
{
    struct credentials_chain *credentials;
    struct entry *entry = mem_zalloc(sizeof(*entry));
    if (!entry)
        return -ENOMEM;
    entry->service = service;
    int r = dup_text(region, &entry->region);
    if (r == 0)
        r = dup_text(role_arn, &entry->role_arn);
    if (r == 0)
        r = find_chain(access, role_arn, region, &credentials);
    if (r == 0)
        r = aws_client_new(&(struct aws_client_config){ .service = service,
                                                        .region = entry->region,
                                                        .credentials = credentials,
                                                        .environment = access->config.environment,
                                                        .clock = access->config.clock,
                                                        .role_arn = entry->role_arn },
                           &entry->client, ret_error);
    if (r != 0) {
        free_entry(entry);
        return r;
    }
    aws_client_set_watch(entry->client, access->config.watch, access->config.watch_arg);
    aws_client_set_deadline(entry->client, access->deadline_ns);
    *ret_entry = entry;
    return 0;
}

int access_client(struct access *access, enum aws_service service, const char *region, const char *role_arn,
                  struct aws_client **ret_client, struct aws_error *ret_error)
{
    struct entry *entry = access->entries;
    while (entry &&
           (entry->service != service || !is_same(entry->region, region) || !is_same(entry->role_arn, role_arn)))
        entry = entry->next;
    if (!entry) {
        int r = make_entry(access, service, region, role_arn, &entry, ret_error);
        if (r != 0)
            return r;
        entry->next = access->entries;
        access->entries = entry;
    }
    *ret_client = entry->client;
    return 0;
}

void access_set_deadline(struct access *access, int64_t mono_ns)
{
    access->deadline_ns = mono_ns;
    for (struct entry *entry = access->entries; entry; entry = entry->next)
        aws_client_set_deadline(entry->client, mono_ns);
}
