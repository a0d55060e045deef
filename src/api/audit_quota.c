/* SPDX-License-Identifier: Apache-2.0
 *
 * Leaky buckets: one for all, and one for each of 1,024 hashes of principals, which those that meet there share; so the
 * table needs no room for more of them, and nobody can make it forget. */
#include "api/audit_quota.h"

#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metric.h"
#include "base/rand.h"

#include <errno.h>
#include <pthread.h>

#define BUCKETS 1024
#define ALL_SHARE 4
#define ONE_SHARE 8 /* of that */
#define LOG_EVERY_MS 60000

struct bucket {
    double level; /* bytes, at time_ms */
    int64_t time_ms;
};

struct audit_quota {
    double size; /* of the bucket for all */
    int64_t keep_ms;
    struct hash_key key;
    pthread_mutex_t mutex;
    /* under the mutex: */
    struct bucket all, each[BUCKETS];
    int64_t log_ms; /* when the next line may come */
    uint64_t n_left_out;
};

int audit_quota_new(uint64_t keep_bytes, int64_t keep_ms, struct audit_quota **ret_quota)
{
    struct audit_quota *quota = mem_zalloc(sizeof(*quota));
    int r = quota ? rand_secret(&quota->key, sizeof(quota->key)) : -ENOMEM;

    if (r < 0) {
        mem_free(quota);
        return r;
    }
    quota->size = (double)keep_bytes / ALL_SHARE;
    quota->keep_ms = keep_ms;
    pthread_mutex_init(&quota->mutex, NULL);
    *ret_quota = quota;
    return 0;
}

void audit_quota_free(struct audit_quota *quota)
{
    if (!quota)
        return;
    pthread_mutex_destroy(&quota->mutex);
    mem_free(quota);
}

/* A full bucket is empty again after keep_ms. */
static void leak(const struct audit_quota *quota, struct bucket *bucket, double size, int64_t mono_ms)
{
    double gone = size * (double)(mono_ms - bucket->time_ms) / (double)quota->keep_ms;

    if (gone <= 0) /* clocks of two threads */
        return;
    bucket->level = bucket->level > gone ? bucket->level - gone : 0;
    bucket->time_ms = mono_ms;
}

/* The number to log, or 0. */
static uint64_t leave_out(struct audit_quota *quota, int64_t mono_ms)
{
    uint64_t n = ++quota->n_left_out;

    if (mono_ms < quota->log_ms)
        return 0;
    quota->log_ms = mono_ms + LOG_EVERY_MS;
    quota->n_left_out = 0;
    return n;
}

bool audit_quota_take(struct audit_quota *quota, const struct principal *principal, size_t n, int64_t mono_ms)
{
    struct str who = principal_lasting_arn(principal);
    struct bucket *one = &quota->each[hash_sip(&quota->key, who.p, who.n) % BUCKETS], *all = &quota->all;
    uint64_t n_logged = 0;
    bool fits;

    pthread_mutex_lock(&quota->mutex);
    leak(quota, all, quota->size, mono_ms);
    leak(quota, one, quota->size / ONE_SHARE, mono_ms);
    fits = all->level + (double)n <= quota->size && one->level + (double)n <= quota->size / ONE_SHARE;
    if (fits) {
        all->level += (double)n;
        one->level += (double)n;
    } else {
        n_logged = leave_out(quota, mono_ms);
    }
    pthread_mutex_unlock(&quota->mutex);
    if (!fits)
        metric_add(METRIC_AUDIT_LEFT_OUT, 1);
    if (n_logged)
        log_event(LOG_AUDIT_LEFT_OUT, LOG_S("principal", who), LOG_I("records", n_logged));
    return fits;
}
