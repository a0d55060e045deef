/* SPDX-License-Identifier: Apache-2.0
 *
 * Both texts stay in memory and entries point into them. A value that goes on over several lines is joined in place:
 * what it loses (indentation, line ends) is never less than what it gains. All entries are sorted once: duplicates are
 * then neighbours, and a look-up is a binary search. inih would do for neither sub-keys nor `;` in a value. */
#include "aws/shared_config.h"
#include "aws/aws_client.h"
#include "aws/secret.h"
#include "base/mem.h"
#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define ENTRIES_MAX ((size_t)16384)
#define PATH_MAX_BYTES ((size_t)4096)

/* `[default]` is a kind of its own: `[profile default]` beside it wins. */
enum kind { KIND_OTHER, KIND_PROFILE, KIND_DEFAULT, KIND_SERVICES };

/* A section (empty key), a key of it, or a sub-key of a key. */
struct entry {
    enum shared_config_file file;
    enum kind kind;
    struct str name, key, sub, value;
    unsigned line;
};

struct shared_config {
    struct buf texts[SHARED_CONFIG_FILE_COUNT];
    struct entry *entries;
    size_t n, size;
};

struct parser {
    struct shared_config *config;
    enum shared_config_file file;
    const char *path; /* for messages */
    char *text;       /* the file's, writable */
    struct entry section;
    bool has_section, has_key; /* has_key: the last entries belong to a key that indented lines may go on with */
    size_t key;                /* its index */
    size_t indent, n_blank;    /* n_blank: empty lines since the key's last line */
    unsigned line;
    struct aws_error *error;
};

static int fail(struct parser *parser, const char *what)
{
    return aws_client_fail(parser->error, AWS_ODD, "%.300s, line %u: %s.", parser->path, parser->line, what);
}

/* --- entries ----------------------------------------------------------------------------------------------------- */

static int compare_entries(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    if (x->file != y->file)
        return x->file < y->file ? -1 : 1;
    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    int c = str_cmp(x->name, y->name);
    if (c == 0)
        c = str_cmp(x->key, y->key);
    return c ? c : str_cmp(x->sub, y->sub);
}

static const struct entry *find_entry(const struct shared_config *config, const struct entry *wanted)
{
    return config->n ? bsearch(wanted, config->entries, config->n, sizeof(*wanted), compare_entries) : NULL;
}

static int add_entry(struct parser *parser, const struct entry *entry)
{
    struct shared_config *config = parser->config;
    if (config->n == ENTRIES_MAX)
        return fail(parser, "too many keys");
    if (config->n == config->size) {
        size_t size = config->size ? config->size * 2 : 64;
        struct entry *entries = mem_realloc(config->entries, size * sizeof(*entries));
        if (!entries)
            return -ENOMEM;
        config->entries = entries;
        config->size = size;
    }
    config->entries[config->n++] = *entry;
    return 0;
}

static int sort_entries(struct shared_config *config, const char *const paths[], struct aws_error *error)
{
    if (config->n)
        qsort(config->entries, config->n, sizeof(*config->entries), compare_entries);
    for (size_t i = 1; i < config->n; i++) {
        const struct entry *a = &config->entries[i - 1], *b = &config->entries[i];
        if (compare_entries(a, b) == 0)
            return aws_client_fail(error, AWS_ODD, "%.300s: lines %u and %u define the same %s.", paths[a->file],
                                   a->line < b->line ? a->line : b->line, a->line < b->line ? b->line : a->line,
                                   a->key.n ? "key of a section" : "section");
    }
    return 0;
}

/* --- lines ------------------------------------------------------------------------------------------------------- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static struct str trim(struct str s)
{
    while (s.n > 0 && is_blank(s.p[0]))
        s = str_skip(s, 1);
    while (s.n > 0 && is_blank(s.p[s.n - 1]))
        s.n--;
    return s;
}

/* The name in quotes or without; absent when it is more than one word, which botocore does not take for a name. */
static struct str read_name(struct str s)
{
    if (s.n >= 2 && (s.p[0] == '"' || s.p[0] == '\'') && s.p[s.n - 1] == s.p[0]) {
        struct str inner = { s.p + 1, s.n - 2 };
        return inner.n && str_find_char(inner, s.p[0]) == inner.n && str_find_char(inner, '\\') == inner.n
                   ? inner
                   : (struct str){ 0 };
    }
    for (size_t i = 0; i < s.n; i++)
        if (is_blank(s.p[i]) || strchr("\"'\\", s.p[i]))
            return (struct str){ 0 };
    return s.n ? s : (struct str){ 0 };
}

/* `profile x` with the word `profile` gives x. */
static struct str read_named(struct str header, struct str word)
{
    if (!str_starts(header, word) || header.n == word.n || !is_blank(header.p[word.n]))
        return (struct str){ 0 };
    return read_name(trim(str_skip(header, word.n)));
}

static int read_section(struct parser *parser, struct str line)
{
    while (line.n > 0 && line.p[line.n - 1] != ']')
        line.n--;
    struct str header = line.n > 2 ? trim((struct str){ line.p + 1, line.n - 2 }) : (struct str){ 0 };
    if (header.n == 0)
        return fail(parser, "a section without a name or without a ]");
    struct entry section = { .file = parser->file, .kind = KIND_OTHER, .name = header, .line = parser->line };
    struct str profile = read_named(header, STR("profile")), services = read_named(header, STR("services"));
    if (parser->file == SHARED_CONFIG_CREDENTIALS) {
        section.kind = KIND_PROFILE;
    } else if (str_eq(header, STR("default"))) {
        section.kind = KIND_DEFAULT;
    } else if (str_is_set(profile)) {
        section.kind = KIND_PROFILE;
        section.name = profile;
    } else if (str_is_set(services)) {
        section.kind = KIND_SERVICES;
        section.name = services;
    }
    parser->section = section;
    parser->has_section = true;
    parser->has_key = false;
    return add_entry(parser, &section);
}

static int read_key(struct parser *parser, struct str line)
{
    if (!parser->has_section)
        return fail(parser, "a key before the first section");
    size_t n = 0;
    while (n < line.n && line.p[n] != '=' && line.p[n] != ':')
        n++;
    struct entry entry = parser->section;
    entry.key = trim((struct str){ line.p, n });
    if (n == line.n || entry.key.n == 0)
        return fail(parser, "neither `key = value` nor `[section]` nor a comment");
    for (size_t i = 0; i < entry.key.n; i++)
        parser->text[entry.key.p + i - parser->text] = str_fold_char(entry.key.p[i]);
    entry.value = trim(str_skip(line, n + 1));
    entry.line = parser->line;
    parser->has_key = true;
    parser->key = parser->config->n;
    parser->n_blank = 0;
    return add_entry(parser, &entry);
}

/* An indented line below a key: more of its value, or a sub-key when it had none. */
static int read_more(struct parser *parser, struct str line)
{
    struct entry *key = &parser->config->entries[parser->key];
    if (key->value.n > 0) {
        char *end = parser->text + (key->value.p + key->value.n - parser->text);
        memset(end, '\n', parser->n_blank + 1);
        memmove(end + parser->n_blank + 1, line.p, line.n);
        key->value.n += parser->n_blank + 1 + line.n;
        parser->n_blank = 0;
        return 0;
    }
    size_t n = str_find_char(line, '=');
    struct entry entry = *key;
    entry.sub = trim((struct str){ line.p, n });
    if (n == line.n || entry.sub.n == 0)
        return fail(parser, "an indented line that is no `key = value` below a key without a value");
    entry.value = trim(str_skip(line, n + 1));
    entry.line = parser->line;
    return add_entry(parser, &entry);
}

static const char *find_fault(struct str line)
{
    if (line.n > SHARED_CONFIG_LINE_MAX)
        return "the line is too long";
    for (size_t i = 0; i < line.n; i++)
        if (((unsigned char)line.p[i] < ' ' && line.p[i] != '\t') || line.p[i] == 0x7f)
            return "a control character";
    return text_is_utf8(line) ? NULL : "not UTF-8";
}

static int read_line(struct parser *parser, struct str line)
{
    if (line.n > 0 && line.p[line.n - 1] == '\r')
        line.n--;
    const char *fault = find_fault(line);
    if (fault)
        return fail(parser, fault);
    size_t indent = 0;
    while (indent < line.n && is_blank(line.p[indent]))
        indent++;
    line = trim(line);
    if (line.n == 0) {
        parser->n_blank++;
        return 0;
    }
    if (line.p[0] == '#' || line.p[0] == ';')
        return 0;
    if (parser->has_key && indent > parser->indent)
        return read_more(parser, line);
    parser->indent = indent;
    return line.p[0] == '[' ? read_section(parser, line) : read_key(parser, line);
}

static int parse_text(struct shared_config *config, enum shared_config_file file, const char *path,
                      struct aws_error *error)
{
    struct buf *buf = &config->texts[file];
    struct parser parser = { .config = config, .file = file, .path = path, .text = buf->p, .error = error };
    struct str rest = buf_str(buf);
    int r = 0;
    while (r == 0 && rest.n > 0) {
        struct str line = { rest.p, str_find_char(rest, '\n') };
        rest = str_skip(rest, line.n < rest.n ? line.n + 1 : line.n);
        parser.line++;
        r = read_line(&parser, line);
    }
    return r;
}

/* --- files ------------------------------------------------------------------------------------------------------- */

const char *shared_config_profile(const struct environment *environment)
{
    const char *name = environment_find(environment, "AWS_DEFAULT_PROFILE");
    if (!name)
        name = environment_find(environment, "AWS_PROFILE");
    return name ? name : "default";
}

bool shared_config_is_profile_named(const struct environment *environment)
{
    return environment_find(environment, "AWS_DEFAULT_PROFILE") || environment_find(environment, "AWS_PROFILE");
}

/* The path of a file, `~/` resolved; empty when there is no home. Returns whether a variable names it. */
static bool find_path(const struct environment *environment, enum shared_config_file file, char *ret_path)
{
    const char *set =
        environment_find(environment, file == SHARED_CONFIG_CONFIG ? "AWS_CONFIG_FILE" : "AWS_SHARED_CREDENTIALS_FILE");
    const char *path = set ? set : file == SHARED_CONFIG_CONFIG ? "~/.aws/config" : "~/.aws/credentials";
    const char *home = environment_find(environment, "HOME");
    int n = 0;
    if (path[0] != '~' || path[1] != '/')
        n = snprintf(ret_path, PATH_MAX_BYTES, "%s", path);
    else if (home)
        n = snprintf(ret_path, PATH_MAX_BYTES, "%s%s", home, path + 1);
    if (n <= 0 || (size_t)n >= PATH_MAX_BYTES)
        ret_path[0] = '\0';
    return set != NULL;
}

static int read_file(struct shared_config *config, enum shared_config_file file, const char *path, bool is_named,
                     struct aws_error *error)
{
    if (!path[0])
        return 0;
    int r = secret_read_file(path, SHARED_CONFIG_FILE_MAX, &config->texts[file]);
    if (r == 0)
        return parse_text(config, file, path, error);
    /* A file in a home that this user may not enter was not meant for it. */
    if (r == -ENOENT || r == -ENOTDIR || r == -ENODEV || (r == -EACCES && !is_named))
        return 0;
    if (r == -ENOMEM)
        return r;
    return aws_client_fail(error, AWS_ODD, "%.300s cannot be read: %s.", path,
                           r == -EFBIG ? "it is larger than 1 MiB" : strerror(-r));
}

int shared_config_load(const struct environment *environment, struct shared_config **ret_config,
                       struct aws_error *ret_error)
{
    char paths[SHARED_CONFIG_FILE_COUNT][PATH_MAX_BYTES] = { "", "" };
    struct shared_config *config = mem_zalloc(sizeof(*config));
    if (!config)
        return -ENOMEM;
    int r = 0;
    for (unsigned i = 0; r == 0 && i < SHARED_CONFIG_FILE_COUNT; i++) {
        bool is_named = find_path(environment, i, paths[i]);
        r = read_file(config, i, paths[i], is_named, ret_error);
    }
    if (r == 0)
        r = sort_entries(config, (const char *const[]){ paths[0], paths[1] }, ret_error);
    if (r != 0) {
        shared_config_free(config);
        return r;
    }
    *ret_config = config;
    return 0;
}

int shared_config_parse(struct str config_text, struct str credentials_text, struct shared_config **ret_config,
                        struct aws_error *ret_error)
{
    static const char *const paths[] = { "config", "credentials" };
    const struct str texts[] = { config_text, credentials_text };
    struct shared_config *config = mem_zalloc(sizeof(*config));
    if (!config)
        return -ENOMEM;
    int r = 0;
    for (unsigned i = 0; r == 0 && i < SHARED_CONFIG_FILE_COUNT; i++) {
        buf_init(&config->texts[i], SHARED_CONFIG_FILE_MAX);
        buf_put_str(&config->texts[i], texts[i]);
        r = config->texts[i].failed ? -ENOMEM : parse_text(config, i, paths[i], ret_error);
    }
    if (r == 0)
        r = sort_entries(config, paths, ret_error);
    if (r != 0) {
        shared_config_free(config);
        return r;
    }
    *ret_config = config;
    return 0;
}

void shared_config_free(struct shared_config *config)
{
    if (!config)
        return;
    for (unsigned i = 0; i < SHARED_CONFIG_FILE_COUNT; i++)
        secret_fini_buf(&config->texts[i]);
    mem_free(config->entries);
    mem_free(config);
}

/* --- look-ups ---------------------------------------------------------------------------------------------------- */

/* The section of a profile in a file; NULL when it has none. */
static const struct entry *find_profile(const struct shared_config *config, enum shared_config_file file,
                                        struct str profile)
{
    const struct entry *found =
        find_entry(config, &(struct entry){ .file = file, .kind = KIND_PROFILE, .name = profile });
    if (!found && str_eq(profile, STR("default")))
        found = find_entry(config, &(struct entry){ .file = file, .kind = KIND_DEFAULT, .name = profile });
    return found;
}

bool shared_config_has_profile(const struct shared_config *config, struct str profile)
{
    return find_profile(config, SHARED_CONFIG_CREDENTIALS, profile) ||
           find_profile(config, SHARED_CONFIG_CONFIG, profile);
}

static struct str value_of(const struct shared_config *config, const struct entry *section, struct str key,
                           struct str sub)
{
    if (!section || key.n == 0)
        return (struct str){ 0 };
    struct entry wanted = *section;
    wanted.key = key;
    wanted.sub = sub;
    const struct entry *found = find_entry(config, &wanted);
    return found && found->value.n ? found->value : (struct str){ 0 };
}

struct str shared_config_value_in(const struct shared_config *config, enum shared_config_file file, struct str profile,
                                  const char *key)
{
    return value_of(config, find_profile(config, file, profile), str_of(key), STR(""));
}

struct str shared_config_value(const struct shared_config *config, struct str profile, const char *key)
{
    struct str value = shared_config_value_in(config, SHARED_CONFIG_CREDENTIALS, profile, key);
    return str_is_set(value) ? value : shared_config_value_in(config, SHARED_CONFIG_CONFIG, profile, key);
}

struct str shared_config_service_value(const struct shared_config *config, struct str profile, const char *service,
                                       const char *key)
{
    struct str name = shared_config_value(config, profile, "services");
    if (!str_is_set(name))
        return (struct str){ 0 };
    struct entry wanted = { .file = SHARED_CONFIG_CONFIG, .kind = KIND_SERVICES, .name = name };
    return value_of(config, find_entry(config, &wanted), str_of(service), str_of(key));
}

static int find(const struct environment *environment, const char *profile, const char *service, const char *key,
                struct arena *arena, struct str *ret_value, struct aws_error *ret_error)
{
    struct shared_config *config = NULL;
    int r = shared_config_load(environment, &config, ret_error);
    if (r != 0)
        return r;
    struct str name = str_of(profile ? profile : shared_config_profile(environment));
    struct str value =
        service ? shared_config_service_value(config, name, service, key) : shared_config_value(config, name, key);
    if (!profile && shared_config_is_profile_named(environment) && !shared_config_has_profile(config, name)) {
        r = aws_client_fail(ret_error, AWS_ODD,
                            "AWS_PROFILE or AWS_DEFAULT_PROFILE names the profile '" STR_FMT
                            "', which neither ~/.aws/config nor ~/.aws/credentials has.",
                            name.n > 128 ? 128 : (int)name.n, name.p);
    } else if (str_is_set(value)) {
        value = arena_dup(arena, value);
        r = str_is_set(value) ? 0 : -ENOMEM;
    }
    if (r == 0)
        *ret_value = value;
    shared_config_free(config);
    return r;
}

int shared_config_find(const struct environment *environment, const char *profile, const char *key, struct arena *arena,
                       struct str *ret_value, struct aws_error *ret_error)
{
    return find(environment, profile, NULL, key, arena, ret_value, ret_error);
}

int shared_config_find_service(const struct environment *environment, const char *profile, const char *service,
                               const char *key, struct arena *arena, struct str *ret_value, struct aws_error *ret_error)
{
    return find(environment, profile, service, key, arena, ret_value, ret_error);
}
