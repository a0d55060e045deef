/* SPDX-License-Identifier: Apache-2.0
 *
 * The main of a fuzz target that is built without libFuzzer: gives the target every file named on the command line,
 * and every file of a folder named there, and fails when there was none. */
#include "fuzz_target.h"

#include "base/buf.h"
#include "base/mem.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define FILE_MAX ((size_t)16 << 20)

static void die(const char *path)
{
    perror(path);
    exit(1);
}

static void replay_file(const char *path)
{
    FILE *file = fopen(path, "re");
    struct buf buf;
    buf_init(&buf, FILE_MAX);
    if (!file)
        die(path);
    for (size_t n = 1; n > 0; buf.n += n) {
        if (!buf_reserve(&buf, 4096)) {
            errno = EFBIG;
            die(path);
        }
        n = fread(buf.p + buf.n, 1, buf.size - buf.n, file);
    }
    if (ferror(file))
        die(path);
    fclose(file);
    printf("%s\n", path);
    fflush(stdout);
    /* A block of exactly this size, so that AddressSanitizer sees a read beyond it. */
    uint8_t *data = mem_dup(buf.p, buf.n);
    if (!data)
        die(path);
    LLVMFuzzerTestOneInput(data, buf.n);
    mem_free(data);
    buf_fini(&buf);
}

/* Returns the number of files. */
static unsigned replay(const char *path)
{
    struct stat info;
    if (stat(path, &info) != 0)
        die(path);
    if (!S_ISDIR(info.st_mode)) {
        replay_file(path);
        return 1;
    }
    struct dirent **entries;
    int n = scandir(path, &entries, NULL, alphasort);
    if (n < 0)
        die(path);
    unsigned files = 0;
    for (int i = 0; i < n; i++) {
        char inner[4096];
        snprintf(inner, sizeof(inner), "%s/%s", path, entries[i]->d_name);
        if (entries[i]->d_name[0] != '.')
            files += replay(inner);
        free(entries[i]);
    }
    free(entries);
    return files;
}

int main(int argc, char **argv)
{
    unsigned files = 0;
    for (int i = 1; i < argc; i++)
        files += replay(argv[i]);
    printf("%u files\n", files);
    return files > 0 ? 0 : 1;
}
