/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads /proc/self (proc(5)) at the moment it is asked. */
#include "base/process.h"
#include "base/metric.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

/* The head of a small file as a NUL-terminated text; false when it cannot be read. */
static bool read_file(const char *path, char *ret, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t n = read(fd, ret, size - 1);
    close(fd);
    if (n < 0)
        return false;
    ret[n] = '\0';
    return true;
}

static void write_one(struct buf *buf, const char *name, const char *help, enum metric_kind kind, enum metric_unit unit,
                      int64_t value)
{
    metric_write_header(buf, name, help, kind);
    metric_write_sample(buf, name, NULL, 0, unit, value);
}

/* Boot time in seconds since the epoch, 0 when unknown. */
static int64_t boot_time(void)
{
    FILE *file = fopen("/proc/stat", "re");
    if (!file)
        return 0;
    /* Longer lines come in pieces, none of which begins like the line sought. */
    char line[256];
    int64_t seconds = 0;
    while (seconds == 0 && fgets(line, sizeof(line), file))
        if (sscanf(line, "btime %" SCNd64, &seconds) != 1)
            seconds = 0;
    fclose(file);
    return seconds;
}

static void write_stat(struct buf *buf)
{
    char text[1024];
    if (!read_file("/proc/self/stat", text, sizeof(text)))
        return;
    /* The command's name comes before, in parentheses, and may hold anything. */
    const char *fields = strrchr(text, ')');
    int64_t user, system, threads, start, bytes, pages;
    if (!fields || sscanf(fields + 1,
                          " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %" SCNd64 " %" SCNd64
                          " %*d %*d %*d %*d %" SCNd64 " %*d %" SCNd64 " %" SCNd64 " %" SCNd64,
                          &user, &system, &threads, &start, &bytes, &pages) != 6)
        return;
    int64_t tick_ns = 1000000000 / sysconf(_SC_CLK_TCK);
    write_one(buf, "process_cpu_seconds_total", "User and system CPU time spent.", METRIC_COUNTER, METRIC_SECONDS,
              (user + system) * tick_ns);
    write_one(buf, "process_resident_memory_bytes", "Resident memory.", METRIC_GAUGE, METRIC_BYTES,
              pages * sysconf(_SC_PAGESIZE));
    write_one(buf, "process_virtual_memory_bytes", "Virtual memory.", METRIC_GAUGE, METRIC_BYTES, bytes);
    write_one(buf, "process_threads", "Threads.", METRIC_GAUGE, METRIC_COUNT, threads);
    int64_t boot = boot_time();
    if (boot)
        write_one(buf, "process_start_time_seconds", "Start of the process since the epoch.", METRIC_GAUGE,
                  METRIC_SECONDS, boot * 1000000000 + start * tick_ns);
}

static void write_files(struct buf *buf)
{
    DIR *dir = opendir("/proc/self/fd");
    if (dir) {
        int64_t n = -1; /* the directory itself */
        for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir))
            n += entry->d_name[0] != '.';
        closedir(dir);
        write_one(buf, "process_open_fds", "Open file descriptors.", METRIC_GAUGE, METRIC_COUNT, n);
    }
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
        write_one(buf, "process_max_fds", "Most file descriptors that may be open.", METRIC_GAUGE, METRIC_COUNT,
                  limit.rlim_cur > INT64_MAX ? INT64_MAX : (int64_t)limit.rlim_cur);
}

unsigned process_share_of_files(unsigned parts, unsigned most)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_max / parts >= most)
        return most;
    return (unsigned)(limit.rlim_max / parts);
}

void process_write_metrics(struct buf *buf)
{
    write_stat(buf);
    write_files(buf);
}
