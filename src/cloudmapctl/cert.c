/* SPDX-License-Identifier: Apache-2.0
 *
 * The CA is made once for a directory and used again; a certificate is made anew each time, under a name that says
 * whose it is, and takes its place in one step: a daemon may read the files at any time. */
#include "cloudmapctl/cert.h"
#include "base/buf.h"
#include "base/mem.h"
#include "http/certificate.h"
#include "json/writer.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#define CA_DAYS 3650
#define DAYS 397 /* what clients accept of a server at most */
#define FILE_MAX 65536
#define NAMES_MAX 64
#define NAME_LEN_MAX 253

/* --- files ------------------------------------------------------------------------------------------------------- */

static void write_path(char ret_path[PATH_MAX], const char *dir, const char *name, const char *end)
{
    snprintf(ret_path, PATH_MAX, "%s/%s%s", dir, name, end);
}

/* 0, or an exit code. */
static int write_file(const char *path, const char *text, mode_t mode)
{
    char draft[PATH_MAX];
    size_t n = strlen(text);
    if (snprintf(draft, sizeof(draft), "%s.new", path) >= (int)sizeof(draft))
        return ctl_fail(EX_CANTCREAT, "%s: the path is too long", path);
    unlink(draft);
    int fd = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd < 0)
        return ctl_fail(EX_CANTCREAT, "%s: %s", draft, strerror(errno));
    bool ok = write(fd, text, n) == (ssize_t)n && fchmod(fd, mode) == 0 && fsync(fd) == 0;
    int error = errno;
    close(fd);
    if (ok && rename(draft, path) == 0)
        return 0;
    error = ok ? errno : error;
    unlink(draft);
    return ctl_fail(EX_CANTCREAT, "%s: %s", path, strerror(error));
}

/* All of it, NUL-terminated, or NULL with errno. */
static char *read_file(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    char *text = fd < 0 ? NULL : mem_zalloc(FILE_MAX);
    ssize_t n = text ? read(fd, text, FILE_MAX - 1) : -1;
    int error = errno;
    if (fd >= 0)
        close(fd);
    if (n < 0) {
        mem_free(TAKE(text));
        errno = error;
    }
    return text;
}

/* Certificate and key of `name`; the key for nobody else. */
static int write_pair(const char *dir, const char *name, const struct certificate *certificate)
{
    char path[PATH_MAX];
    write_path(path, dir, name, "-key.pem");
    int code = write_file(path, certificate->key, 0600);
    write_path(path, dir, name, ".pem");
    return code == 0 ? write_file(path, certificate->text, 0644) : code;
}

/* --- the CA ------------------------------------------------------------------------------------------------------ */

static int make_ca(const char *dir, struct certificate *ret_ca)
{
    char host[65] = "", name[65 + 32];
    const char *reason;
    gethostname(host, sizeof(host) - 1);
    snprintf(name, sizeof(name), "Cloudmap CA of %s", host);
    name[64] = '\0'; /* X.509 allows no more */
    struct certificate_request request = { .common_name = name, .days = CA_DAYS };
    if (certificate_make_ca(&request, ret_ca, &reason) != 0)
        return ctl_fail(EXIT_FAILURE, "the CA cannot be made: %s", reason);
    return write_pair(dir, "ca", ret_ca);
}

/* The one of the directory, made when there is none. */
static int find_ca(const char *dir, struct certificate *ret_ca)
{
    char text_path[PATH_MAX], key_path[PATH_MAX];
    write_path(text_path, dir, "ca", ".pem");
    write_path(key_path, dir, "ca", "-key.pem");
    ret_ca->text = read_file(text_path);
    if (!ret_ca->text && errno == ENOENT && access(key_path, F_OK) != 0)
        return make_ca(dir, ret_ca);
    if (!ret_ca->text)
        return ctl_fail(EXIT_FAILURE, "%s: %s", text_path, strerror(errno));
    ret_ca->key = read_file(key_path);
    return ret_ca->key ? 0 : ctl_fail(EXIT_FAILURE, "%s: %s", key_path, strerror(errno));
}

/* --- the certificate --------------------------------------------------------------------------------------------- */

struct names {
    const char *items[NAMES_MAX];
    size_t n;
    char data_names[NAMES_MAX][NAME_LEN_MAX + sizeof("data-")];
};

static bool is_address(const char *name)
{
    return strchr(name, ':') || name[strspn(name, "0123456789.")] == '\0';
}

static bool is_name(const char *name)
{
    size_t n = strlen(name);
    for (size_t i = 0; i < n; i++)
        if (!isalnum((unsigned char)name[i]) && !strchr("-._:*", name[i]))
            return false;
    return n > 0 && n <= NAME_LEN_MAX && name[0] != '.' && name[0] != '-';
}

/* Each name, and the one that SDKs send discovery calls to. */
static int collect_names(const struct ctl *ctl, struct names *names)
{
    for (size_t i = 0; i < ctl->n_words; i++) {
        const char *name = ctl->words[i];
        if (!is_name(name))
            return ctl_fail(EX_USAGE, "%s: this is neither a host name nor an IP address", name);
        if (names->n + 2 > NAMES_MAX)
            return ctl_fail(EX_USAGE, "more than %d names", NAMES_MAX / 2);
        names->items[names->n] = name;
        if (!is_address(name) && name[0] != '*') {
            char *data_name = names->data_names[names->n++];
            snprintf(data_name, sizeof(names->data_names[0]), "data-%s", name);
            names->items[names->n] = data_name;
        }
        names->n++;
    }
    return 0;
}

static int check_user(const char *name)
{
    size_t n = strlen(name);
    for (size_t i = 0; i < n; i++)
        if (!isalnum((unsigned char)name[i]) && !strchr("+=,.@_-", name[i]))
            n = 0;
    return n > 0 && n <= 64 && name[0] != '.' && name[0] != '-'
               ? 0
               : ctl_fail(EX_USAGE, "%s: this is not the name of a user (letters, digits, +=,.@_-; at most 64)", name);
}

static void print_server(const char *dir, const char *name)
{
    printf("# for cloudmapd, in its configuration file:\n"
           "[tls]\nlisten = 127.0.0.1:8643\ncertificate = %s/%s.pem\nkey = %s/%s-key.pem\n\n"
           "# for clients:\nexport AWS_CA_BUNDLE=%s/ca.pem\nexport AWS_ENDPOINT_URL=https://%s%s%s:8643\n",
           dir, name, dir, name, dir, strchr(name, ':') ? "[" : "", name, strchr(name, ':') ? "]" : "");
}

static void print_client(const char *dir, const char *name)
{
    printf("# for cloudmapd, in its configuration file:\n[auth]\nclient_ca = %s/ca.pem\n\n"
           "# for the client: --cert %s/%s.pem --key %s/%s-key.pem\n",
           dir, dir, name, dir, name);
}

static void print_json(const char *dir, const char *name)
{
    const struct {
        const char *member, *name, *end;
    } files[] = { { "certificate", name, ".pem" }, { "key", name, "-key.pem" }, { "ca", "ca", ".pem" } };
    char path[PATH_MAX];
    struct json_writer writer;
    struct buf buf;
    buf_init(&buf, 8 * PATH_MAX);
    json_writer_init(&writer, &buf);
    json_open_object(&writer);
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        write_path(path, dir, files[i].name, files[i].end);
        json_field_string(&writer, str_of(files[i].member), str_of(path));
    }
    json_close_object(&writer);
    printf(STR_FMT "\n", STR_ARG(buf_str(&buf)));
    buf_fini(&buf);
}

static int make(const struct ctl *ctl, const char *dir)
{
    struct certificate ca = { 0 }, certificate = { 0 };
    struct names names = { .n = 0 };
    const char *reason, *name = ctl->words[0];
    int code = ctl->is_client ? check_user(name) : collect_names(ctl, &names);
    if (code == 0)
        code = find_ca(dir, &ca);
    char common_name[65];
    snprintf(common_name, sizeof(common_name), "%s", name);
    struct certificate_request request = {
        .common_name = common_name, .names = names.items, .n_names = names.n, .days = DAYS
    };
    if (code == 0 && certificate_make(&ca, ctl->is_client ? CERTIFICATE_CLIENT : CERTIFICATE_SERVER, &request,
                                      &certificate, &reason) != 0)
        code = ctl_fail(EXIT_FAILURE, "the certificate cannot be made: %s", reason);
    if (code == 0)
        code = write_pair(dir, name, &certificate);
    if (code == 0)
        (ctl->json ? print_json : ctl->is_client ? print_client : print_server)(dir, name);
    certificate_free(&certificate);
    certificate_free(&ca);
    return code;
}

int cert_run(const struct ctl *ctl)
{
    const char *dir = ctl->out ? ctl->out : "cloudmap-tls";
    if (ctl->is_client && ctl->n_words > 1)
        return ctl_fail(EX_USAGE, "a client has one name");
    if (strcmp(ctl->words[0], "ca") == 0)
        return ctl_fail(EX_USAGE, "the files of \"ca\" are the CA's own; take another name");
    if (mkdir(dir, 0755) && errno != EEXIST)
        return ctl_fail(EX_CANTCREAT, "%s: %s", dir, strerror(errno));
    char *full = realpath(dir, NULL);
    if (!full)
        return ctl_fail(EX_CANTCREAT, "%s: %s", dir, strerror(errno));
    int code = make(ctl, full);
    free(full); /* lint: realpath's memory is the C library's */
    return code;
}
