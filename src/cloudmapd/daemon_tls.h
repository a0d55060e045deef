/* SPDX-License-Identifier: Apache-2.0
 *
 * TLS of the API, as the configuration wants it: the rules between its options, and certificates that are read at the
 * start and again at each reload. Main thread. */
#pragma once

#include "cloudmapd/config.h"
#include "http/tls.h"

#define DAEMON_TLS_WARN_DAYS 14 /* before a certificate's end the log says so */

/* Adds errors for options that do not fit together, and for files that cannot be used. */
void daemon_tls_check(const struct config *config, struct config_errors *errors);

/* Reads the files, and logs what they hold. 0, with NULL when there is no certificate; or 1 with a sentence, or
 * -ENOMEM. */
int daemon_tls_start(const struct config *config, struct tls **ret_tls, struct http_message *ret_message);

/* Reads them again and logs how that went. Does nothing without TLS. */
void daemon_tls_reload(struct tls *tls, const struct config *config);
