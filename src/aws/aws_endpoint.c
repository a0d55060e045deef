/* SPDX-License-Identifier: Apache-2.0
 *
 * See aws_endpoint.h. A region becomes part of a host name, so only letters, digits and hyphens pass. */
#include "aws/aws_endpoint.h"
#include "aws/aws_service.h"
#include "aws/shared_config.h"
#include "base/log.h"

#include <errno.h>

#define REGION_MAX 32
#define URL_MAX 2048

/* --- region ------------------------------------------------------------------------------------------------------ */

static bool is_region(struct str region)
{
    for (size_t i = 0; i < region.n; i++) {
        char c = region.p[i];
        bool inner = i > 0 && i + 1 < region.n;
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c == '-' && inner)))
            return false;
    }
    return region.n > 0 && region.n <= REGION_MAX;
}

static struct str profile_value(const struct environment *environment, const struct shared_config *config,
                                const char *key)
{
    return shared_config_value(config, str_of(shared_config_profile(environment)), key);
}

static const char *region_of_variables(const struct environment *environment)
{
    const char *region = environment_find(environment, "AWS_REGION");
    const char *other = environment_find(environment, "AWS_DEFAULT_REGION");
    if (region && other && strcmp(region, other) != 0)
        log_event(LOG_AWS_REGIONS_DIFFER, LOG_C("AWS_REGION", region), LOG_C("AWS_DEFAULT_REGION", other));
    return region ? region : other;
}

int aws_endpoint_find_region(const struct environment *environment, const struct shared_config *config,
                             const char *wanted, struct arena *arena, struct str *ret_region,
                             struct aws_error *ret_error)
{
    struct str region = str_of(wanted);
    if (!str_is_set(region))
        region = str_of(region_of_variables(environment));
    if (!str_is_set(region))
        region = profile_value(environment, config, "region");
    if (!str_is_set(region)) {
        int r = credentials_metadata_region(environment, arena, &region);
        if (r < 0)
            return r;
        if (r > 0)
            return aws_client_fail(ret_error, AWS_ODD,
                                   "No region is set: name it by AWS_REGION or by `region` in the profile.");
    }
    if (!is_region(region))
        return aws_client_fail(ret_error, AWS_ODD, "\"%.*s\" is not the name of a region.",
                               (int)(region.n < REGION_MAX ? region.n : REGION_MAX), region.p);
    region = arena_dup(arena, region);
    if (!str_is_set(region))
        return -ENOMEM;
    *ret_region = region;
    return 0;
}

/* --- URL --------------------------------------------------------------------------------------------------------- */

static bool is_in(struct str s, const char *others)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!plain && (c == '\0' || !strchr(others, c)))
            return false;
    }
    return true;
}

/* Cuts `:443` of https and `:80` of http. */
static struct str without_default_port(struct str host, bool is_https)
{
    struct str port = is_https ? STR(":443") : STR(":80");
    if (host.n > port.n && str_eq(str_skip(host, host.n - port.n), port))
        host.n -= port.n;
    return host;
}

int aws_endpoint_parse(struct str url, struct arena *arena, struct aws_endpoint *ret_endpoint,
                       struct aws_error *ret_error)
{
    bool is_https = str_starts_nocase(url, STR("https://"));
    bool is_http = str_starts_nocase(url, STR("http://"));
    struct str rest = is_https ? str_skip(url, 8) : is_http ? str_skip(url, 7) : STR("");
    struct str host = { rest.p, str_find_char(rest, '/') };
    struct str path = host.n < rest.n ? str_skip(rest, host.n) : STR("/");
    if (host.n == 0 || url.n > URL_MAX || !is_in(host, ".-_:[]") || !is_in(path, "/-._~%!$&'()*+,;=:@"))
        return aws_client_fail(ret_error, AWS_ODD, "\"%.*s\" is not an http or https URL of a service.",
                               (int)(url.n < 256 ? url.n : 256), url.p);
    struct aws_endpoint endpoint = {
        .url = arena_printf(arena, "%s://" STR_FMT STR_FMT, is_https ? "https" : "http", STR_ARG(host), STR_ARG(path)),
        .host = arena_dup(arena, without_default_port(host, is_https)),
        .path = arena_dup(arena, path),
    };
    if (arena->failed)
        return -ENOMEM;
    *ret_endpoint = endpoint;
    return 0;
}

/* --- endpoint ---------------------------------------------------------------------------------------------------- */

static bool is_on(const struct environment *environment, const struct shared_config *config, const char *variable,
                  const char *key)
{
    if (environment_find(environment, variable))
        return environment_is_true(environment, variable);
    return str_eq_nocase(profile_value(environment, config, key), STR("true"));
}

/* What somebody configured; absent: nothing. */
static struct str configured_url(const struct aws_service_traits *traits, const struct environment *environment,
                                 const struct shared_config *config)
{
    if (is_on(environment, config, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "ignore_configured_endpoint_urls"))
        return (struct str){ 0 };
    struct str url = str_of(environment_find(environment, traits->variable));
    if (!str_is_set(url))
        url = str_of(environment_find(environment, "AWS_ENDPOINT_URL"));
    if (!str_is_set(url))
        url = shared_config_service_value(config, str_of(shared_config_profile(environment)), traits->signing_name,
                                          "endpoint_url");
    return str_is_set(url) ? url : profile_value(environment, config, "endpoint_url");
}

static struct str usual_url(const struct aws_service_traits *traits, struct str region, bool fips, bool dualstack,
                            struct arena *arena)
{
    bool is_china = str_starts(region, STR("cn-")), is_gov = str_starts(region, STR("us-gov-"));
    if (dualstack && !fips)
        dualstack = traits->has_dualstack;
    if (fips && !dualstack && is_gov && traits->has_plain_gov_fips)
        fips = false;
    const char *suffix = dualstack  ? (is_china ? "api.amazonwebservices.com.cn" : "api.aws")
                         : is_china ? "amazonaws.com.cn"
                                    : "amazonaws.com";
    return arena_printf(arena, "https://%s%s." STR_FMT ".%s/", traits->signing_name, fips ? "-fips" : "",
                        STR_ARG(region), suffix);
}

int aws_endpoint_find(enum aws_service service, struct str region, const struct environment *environment,
                      const struct shared_config *config, struct arena *arena, struct aws_endpoint *ret_endpoint,
                      struct aws_error *ret_error)
{
    const struct aws_service_traits *traits = aws_service_traits(service);
    struct str url = configured_url(traits, environment, config);
    bool is_configured = str_is_set(url);
    if (!is_configured)
        url = usual_url(traits, region, is_on(environment, config, "AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint"),
                        is_on(environment, config, "AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint"), arena);
    if (!str_is_set(url))
        return -ENOMEM;
    int r = aws_endpoint_parse(url, arena, ret_endpoint, ret_error);
    if (r == 0)
        ret_endpoint->is_configured = is_configured;
    return r;
}
