/* SPDX-License-Identifier: Apache-2.0
 *
 * See daemon_tls.h. */
#include "cloudmapd/daemon_tls.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/timestamp.h"

static struct tls_files files_of(const struct config *config)
{
    return (struct tls_files){ .certificate = config->tls_certificate,
                               .key = config->tls_key ? config->tls_key : config->tls_certificate,
                               .client_ca = config->auth_client_ca };
}

/* Whether `option` is wanting although `other` is set. */
static void demand(const char *value, const char *option, const char *other, const char *where,
                   struct config_errors *errors)
{
    if (!value)
        config_add_error(errors, where, "%s is set, so %s must name a file", other, option);
}

void daemon_tls_check(const struct config *config, struct config_errors *errors)
{
    struct http_message message;
    struct tls *tls = NULL;
    if (config->tls_listen.n > 0)
        demand(config->tls_certificate, "tls.certificate", "tls.listen",
               config->sources[OPTION_INDEX(tls_listen)].where, errors);
    if (config->tls_key)
        demand(config->tls_certificate, "tls.certificate", "tls.key", config->sources[OPTION_INDEX(tls_key)].where,
               errors);
    if (config->auth_client_ca)
        demand(config->tls_certificate, "tls.certificate", "auth.client_ca",
               config->sources[OPTION_INDEX(auth_client_ca)].where, errors);
    struct tls_files files = files_of(config);
    int r = files.certificate ? tls_new(&files, &tls, &message) : 0;
    if (r != 0)
        config_add_error(errors, "", "%s", r > 0 ? message.text : "out of memory");
    tls_free(tls);
}

static void log_loaded(struct tls *tls, const char *path)
{
    char until[TIMESTAMP_ROOM];
    int64_t expiry_s = tls_expiry_s(tls), left_s = expiry_s - clock_wall_ms(clock_system()) / 1000;
    timestamp_format_s(expiry_s, until);
    log_event(LOG_TLS_LOADED, LOG_C("path", path), LOG_C("until", until));
    if (left_s < DAEMON_TLS_WARN_DAYS * INT64_C(86400))
        log_event(LOG_TLS_EXPIRES, LOG_C("path", path), LOG_C("until", until));
}

int daemon_tls_start(const struct config *config, struct tls **ret_tls, struct http_message *ret_message)
{
    struct tls_files files = files_of(config);
    *ret_tls = NULL;
    if (!files.certificate)
        return 0;
    int r = tls_new(&files, ret_tls, ret_message);
    if (r == 0)
        log_loaded(*ret_tls, files.certificate);
    return r;
}

void daemon_tls_reload(struct tls *tls, const struct config *config)
{
    struct tls_files files = files_of(config);
    struct http_message message;
    if (!tls)
        return;
    int r = tls_reload(tls, &files, &message);
    if (r == 0)
        log_loaded(tls, files.certificate);
    else
        log_event(LOG_TLS_NOT_LOADED, LOG_C("reason", r > 0 ? message.text : "out of memory"));
}
