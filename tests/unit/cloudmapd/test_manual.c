/* SPDX-License-Identifier: Apache-2.0
 *
 * The list of options in docs/man/cloudmapd.8 is the one that options.def gives. Called with --write it puts it there.
 */
#include "base/mem.h"
#include "base/units.h"
#include "cloudmapd/option.h"

#include <stdio.h>
#include <stdlib.h>

#define BEGIN_MARK ".\\\" options: begin\n"
#define END_MARK ".\\\" options: end\n"
#define PAGE_MAX (1 << 20)

static const char *const type_texts[] = {
    [OPTION_PATH] = "path",           [OPTION_REGION] = "region",
    [OPTION_ACCOUNT] = "12 digits",   [OPTION_INT] = "number",
    [OPTION_BOOL] = "true, false",    [OPTION_DURATION] = "duration",
    [OPTION_SIZE] = "size",           [OPTION_ENUM] = "",
    [OPTION_ADDRESSES] = "addresses", [OPTION_NETWORKS] = "networks",
    [OPTION_SHARE] = "share",         [OPTION_NAMES] = "names",
    [OPTION_DOMAINS] = "host names",  [OPTION_VPCS] = "VPCs",
    [OPTION_FILE] = "path",           [OPTION_HOSTS] = "IP addresses",
    [OPTION_RESOLVERS] = "resolvers", [OPTION_REGIONS] = "regions",
    [OPTION_RATE] = "rate",
};

/* Text of a manual page: a hyphen is a minus, and no line starts with a dot here. */
static void write_text(struct buf *buf, const char *text)
{
    for (; *text; text++) {
        if (*text == '-')
            buf_put_str(buf, STR("\\-"));
        else if (*text == '`')
            buf_put_char(buf, '"');
        else
            buf_put_char(buf, *text);
    }
}

static void write_range(struct buf *buf, const struct option_row *option)
{
    char least[24], most[24];
    if (option->type == OPTION_INT) {
        snprintf(least, sizeof(least), "%lld", (long long)option->min);
        snprintf(most, sizeof(most), "%lld", (long long)option->max);
    } else if (option->type == OPTION_DURATION) {
        least[units_format_duration(option->min, least)] = '\0';
        most[units_format_duration(option->max, most)] = '\0';
    } else if (option->type == OPTION_SIZE) {
        least[units_format_size((uint64_t)option->min, least)] = '\0';
        most[units_format_size((uint64_t)option->max, most)] = '\0';
    } else {
        return;
    }
    buf_printf(buf, " From %s to %s.", least, most);
}

static void write_option(struct buf *buf, const struct option_row *option)
{
    buf_printf(buf, ".TP\n.BR %s \" (", option->key);
    for (const char *p = option->words ? option->words : type_texts[option->type]; *p; p++)
        buf_printf(buf, *p == '|' ? ", " : "%c", *p);
    buf_put_str(buf, STR(")\"\n"));
    write_text(buf, option->doc);
    if (option->value) {
        buf_put_str(buf, STR(" Default: "));
        write_text(buf, *option->value ? option->value : "empty");
        buf_put_char(buf, '.');
    }
    write_range(buf, option);
    if (option->aws && strcmp(option->aws, option->value) != 0) {
        buf_put_str(buf, STR(" With \"compat = aws\": "));
        write_text(buf, option->aws);
        buf_put_char(buf, '.');
    }
    if (option->flags & OPTION_RELOAD)
        buf_put_str(buf, STR(" A reload changes it."));
    buf_put_char(buf, '\n');
}

static void write_options(struct buf *buf)
{
    for (size_t i = 0; i < OPTION_COUNT; i++)
        write_option(buf, &option_table[i]);
    for (size_t i = 0; i < OPTION_VPC_COUNT; i++)
        write_option(buf, &option_vpc_table[i]);
    for (size_t i = 0; i < OPTION_TRANSFER_COUNT; i++)
        write_option(buf, &option_transfer_table[i]);
}

static int read_page(const char *path, struct buf *ret_page)
{
    FILE *file = fopen(path, "re");
    char block[4096];
    size_t n;
    if (!file) {
        perror(path);
        return 1;
    }
    while ((n = fread(block, 1, sizeof(block), file)) > 0)
        buf_put(ret_page, block, n);
    fclose(file);
    buf_put_char(ret_page, '\0');
    return ret_page->failed ? 1 : 0;
}

static int write_page(const char *path, const struct buf *page)
{
    FILE *file = fopen(path, "we");
    if (!file || fwrite(page->p, 1, page->n, file) != page->n || fclose(file) != 0) {
        perror(path);
        return 1;
    }
    return 0;
}

int main(int argc, char **argv)
{
    const char *path = argv[argc - 1];
    bool write = argc == 3 && strcmp(argv[1], "--write") == 0;
    struct buf page, wanted;
    buf_init(&page, PAGE_MAX);
    buf_init(&wanted, PAGE_MAX);
    if (argc < 2 || read_page(path, &page) != 0)
        return 1;
    char *begin = strstr(page.p, BEGIN_MARK), *end = strstr(page.p, END_MARK);
    if (!begin || !end || end < begin) {
        fprintf(stderr, "%s: the marks around the options are gone\n", path);
        return 1;
    }
    buf_put(&wanted, page.p, (size_t)(begin - page.p) + strlen(BEGIN_MARK));
    write_options(&wanted);
    buf_put_str(&wanted, str_of(end));
    int r = 0;
    if (write) {
        r = write_page(path, &wanted);
    } else if (!str_eq(buf_str(&wanted), str_of(page.p))) {
        fprintf(stderr, "%s does not list the options as options.def has them; to mend it:\n  %s --write %s\n", path,
                argv[0], path);
        r = 1;
    }
    buf_fini(&page);
    buf_fini(&wanted);
    return r;
}
