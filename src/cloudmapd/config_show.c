/* SPDX-License-Identifier: Apache-2.0
 *
 * The effective configuration, told. */
#include "cloudmapd/config.h"

#include <stdio.h>

static const char *const origin_texts[] = {
    [CONFIG_DEFAULT] = "default", [CONFIG_COMPAT] = "compat", [CONFIG_FILE] = "file",
    [CONFIG_ENV] = "environment", [CONFIG_FLAG] = "flag",
};

const char *config_origin_text(enum config_origin origin)
{
    return origin_texts[origin];
}

struct column_widths {
    int key, where;
};

typedef void row_fn(void *arg, const char *key, const struct config_source *source);

/* Every option, those of VPCs and zones last. */
static void each_row(const struct config *config, row_fn *fn, void *arg)
{
    for (size_t i = 0; i < OPTION_COUNT; i++)
        fn(arg, option_table[i].key, &config->sources[i]);
    for (size_t v = 0; v < config->n_vpcs; v++) {
        const struct config_vpc *vpc = &config->vpcs[v];
        for (size_t i = 0; i < OPTION_VPC_COUNT; i++) {
            char key[160];
            if (!vpc->sources[i].text)
                continue;
            snprintf(key, sizeof(key), "vpc.%s%s", vpc->id, strrchr(option_vpc_table[i].key, '.'));
            fn(arg, key, &vpc->sources[i]);
        }
    }
    for (size_t t = 0; t < config->n_transfers; t++) {
        const struct config_transfer *transfer = &config->transfers[t];
        for (size_t i = 0; i < OPTION_TRANSFER_COUNT; i++) {
            char key[320];
            if (!transfer->sources[i].text)
                continue;
            snprintf(key, sizeof(key), "transfer.%s%s", transfer->zone, strrchr(option_transfer_table[i].key, '.'));
            fn(arg, key, &transfer->sources[i]);
        }
    }
}

static const char *where_text(const struct config_source *source)
{
    return *source->where ? source->where : config_origin_text(source->origin);
}

static void widen(void *arg, const char *key, const struct config_source *source)
{
    struct column_widths *widths = arg;
    int n_key = (int)strlen(key), n_where = (int)strlen(where_text(source));
    if (n_key > widths->key)
        widths->key = n_key;
    if (n_where > widths->where)
        widths->where = n_where;
}

struct table {
    struct buf *buf;
    struct column_widths widths;
};

static void write_row(void *arg, const char *key, const struct config_source *source)
{
    const struct table *table = arg;
    buf_printf(table->buf, "%-*s  %-*s  %s\n", table->widths.key, key, table->widths.where, where_text(source),
               *source->text ? source->text : "-");
}

void config_write_table(struct buf *buf, const struct config *config)
{
    struct table table = { .buf = buf, .widths = { 6, 4 } };
    each_row(config, widen, &table.widths);
    buf_printf(buf, "%-*s  %-*s  %s\n", table.widths.key, "OPTION", table.widths.where, "FROM", "VALUE");
    each_row(config, write_row, &table);
}

struct each_set {
    config_each_fn *fn;
    void *arg;
};

static void call_if_set(void *arg, const char *key, const struct config_source *source)
{
    const struct each_set *each = arg;
    if (source->origin >= CONFIG_FILE)
        each->fn(each->arg, key, source);
}

void config_each_set(const struct config *config, config_each_fn *fn, void *arg)
{
    struct each_set each = { fn, arg };
    each_row(config, call_if_set, &each);
}
