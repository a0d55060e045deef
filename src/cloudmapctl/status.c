/* SPDX-License-Identifier: Apache-2.0
 *
 * A few lines for people; the daemon's own JSON for programs. */
#include "cloudmapctl/status.h"
#include "base/timestamp.h"
#include "cloudmapctl/daemon_status.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define ARENA_CAP (4 << 20)

/* 1.5 MiB */
static const char *write_size(int64_t bytes, char ret[32])
{
    static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
    double value = (double)bytes;
    size_t i = 0;
    for (; value >= 1024 && i + 1 < sizeof(units) / sizeof(units[0]); i++)
        value /= 1024;
    snprintf(ret, 32, i ? "%.1f %s" : "%.0f %s", value, units[i]);
    return ret;
}

/* 2 d 3 h, 4 min, 5 s */
static const char *write_time(int64_t s, char ret[32])
{
    if (s >= 86400)
        snprintf(ret, 32, "%" PRId64 " d %" PRId64 " h", s / 86400, s % 86400 / 3600);
    else if (s >= 3600)
        snprintf(ret, 32, "%" PRId64 " h %" PRId64 " min", s / 3600, s % 3600 / 60);
    else if (s >= 60)
        snprintf(ret, 32, "%" PRId64 " min", s / 60);
    else
        snprintf(ret, 32, "%" PRId64 " s", s);
    return ret;
}

static void print_status(const struct daemon_status *status)
{
    char time[32], file[32], log[32], until[TIMESTAMP_ROOM];
    printf("%-12scloudmapd " STR_FMT ", pid %" PRId64 ", " STR_FMT ", up for %s\n", "Daemon", STR_ARG(status->version),
           status->pid, STR_ARG(status->state), write_time(status->uptime_seconds, time));
    for (size_t i = 0; i < status->n_addresses; i++)
        printf("%-12s" STR_FMT " (%s)\n", i ? "" : "API", STR_ARG(status->addresses[i]),
               str_eq(status->auth, STR("required")) ? "signatures required"
                                                     : "open: any credentials, this machine only");
    for (size_t i = 0; i < status->n_tls_addresses; i++)
        printf("%-12s" STR_FMT " (https)\n", i ? "" : "TLS", STR_ARG(status->tls_addresses[i]));
    if (status->certificate_expiry_s)
        printf("%-12scertificate valid until " STR_FMT "\n", "",
               STR_ARG(timestamp_format_s(status->certificate_expiry_s, until)));
    printf("%-12saccount " STR_FMT ", region " STR_FMT ", compat " STR_FMT "\n", "Defaults", STR_ARG(status->account),
           STR_ARG(status->region), STR_ARG(status->compat));
    printf("%-12s" STR_FMT "\n", "Store", STR_ARG(status->store_path));
    printf("%-12srevision %" PRId64 ", %" PRId64 " records, %s, log %s\n", "", status->revision, status->records,
           write_size(status->file_bytes, file), write_size(status->log_bytes, log));
    printf("%-12s%" PRId64 " commits since the start, %" PRId64 " failed\n", "", status->commits,
           status->failed_commits);
    if (status->lost)
        printf("%-12sA WRITE WAS LOST: writes are refused until the daemon is started again\n", "");
    printf("%-12s%" PRId64 " namespaces, %" PRId64 " services, %" PRId64 " instances\n", "Registered",
           status->namespaces, status->services, status->instances);
    printf("%-12s%" PRId64 " kept, %" PRId64 " unfinished; %" PRId64 " changes wait for the writer\n", "Operations",
           status->operations, status->unfinished_operations, status->queue_depth);
    for (size_t i = 0; i < status->n_options; i++)
        printf("%-12s" STR_FMT " = " STR_FMT "  (" STR_FMT ")\n", i ? "" : "Options", STR_ARG(status->options[i].key),
               STR_ARG(status->options[i].value), STR_ARG(status->options[i].where));
}

int status_run(const struct ctl *ctl)
{
    char why[512];
    struct daemon_status status;
    int code = daemon_status_fetch(ctl, &status, why, sizeof(why));
    if (code != 0)
        return ctl_fail(code, "%s", why);
    if (ctl->json)
        printf("%.*s\n", (int)status.n_text, status.text);
    struct arena arena;
    arena_init(&arena, ARENA_CAP);
    if (daemon_status_decode(&status, &arena) != 0)
        code = ctl_fail(EXIT_FAILURE, DAEMON_STATUS_UNKNOWN);
    else if (!ctl->json)
        print_status(&status);
    if (status.lost)
        code = EXIT_FAILURE;
    daemon_status_free(&status);
    arena_fini(&arena);
    return code;
}
