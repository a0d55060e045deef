/* SPDX-License-Identifier: Apache-2.0
 *
 * The checks, in the order in which a request meets what they check. */
#include "cloudmapctl/doctor.h"
#include "base/clock.h"
#include "cloudmapctl/fetch.h"
#include "cloudmapctl/finding.h"
#include "cloudmapctl/target.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#define CLOCK_WARN_S 60
#define CLOCK_FAIL_S 300 /* AWS's window for signatures */
#define CERTIFICATE_WARN_S (14 * 86400)
#define ADVICE_MAX 2048

static const char *const prefix_switches =
    "or tell the client to leave the prefix out:\n"
    "  AWS CLI and boto3 since 2025   export AWS_DISABLE_HOST_PREFIX_INJECTION=true\n"
    "  boto3, any version             Config(inject_host_prefix=False)\n"
    "  JavaScript v3                  disableHostPrefix: true\n"
    "  Go v1                          aws.Config{DisableEndpointHostPrefix: aws.Bool(true)}\n"
    "  Go v2                          smithyhttp.DisableEndpointHostPrefix(ctx, true)\n"
    "  Java v2                        SdkAdvancedClientOption.DISABLE_HOST_PREFIX_INJECTION\n"
    "The AWS CLI 2.9 of Debian 12 has no such switch: it needs the name.";

/* --- the daemon and its API ----------------------------------------------------------------------------------------
 */

static void check_daemon(struct findings *findings, const struct daemon_status *status)
{
    if (!str_eq(status->version, STR(CLOUDMAP_VERSION)))
        finding_add(findings, FINDING_WARNING, "version", "Use programs of one version.",
                    "cloudmapctl is " CLOUDMAP_VERSION ", cloudmapd is " STR_FMT, STR_ARG(status->version));
    if (status->lost)
        finding_add(findings, FINDING_FAILED, "store",
                    "Look for the disk's error in the kernel's log, mend it, then start cloudmapd again.",
                    "a write was lost: the daemon refuses writes");
    else
        finding_add(findings, FINDING_OK, "daemon", NULL,
                    "cloudmapd " STR_FMT " is " STR_FMT ", pid %" PRId64 ", data in " STR_FMT, STR_ARG(status->version),
                    STR_ARG(status->state), status->pid, STR_ARG(status->store_path));
}

static void check_clock(struct findings *findings, int64_t date_s)
{
    int64_t apart = date_s - clock_wall_ms(clock_system()) / 1000;
    enum finding_grade grade = FINDING_OK;
    if (date_s == 0)
        return;
    if (llabs(apart) > CLOCK_WARN_S)
        grade = llabs(apart) > CLOCK_FAIL_S ? FINDING_FAILED : FINDING_WARNING;
    finding_add(
        findings, grade, "clock", grade == FINDING_OK ? NULL : "Set both clocks by NTP (timedatectl set-ntp true).",
        "the daemon's clock is %" PRId64 " s %s this one", (int64_t)llabs(apart), apart < 0 ? "behind" : "ahead of");
}

static void check_certificate(struct findings *findings, int64_t expiry_s)
{
    static const char advice[] =
        "Put a new certificate and key in the place of the old ones, then send cloudmapd SIGHUP.";
    int64_t left_s = expiry_s - clock_wall_ms(clock_system()) / 1000;
    if (expiry_s == 0)
        return;
    if (left_s <= 0)
        finding_add(findings, FINDING_FAILED, "certificate", advice, "the API's certificate has expired");
    else
        finding_add(findings, left_s < CERTIFICATE_WARN_S ? FINDING_WARNING : FINDING_OK, "certificate",
                    left_s < CERTIFICATE_WARN_S ? advice : NULL,
                    "the API's certificate is valid for %" PRId64 " days and %" PRId64 " hours", left_s / 86400,
                    left_s % 86400 / 3600);
}

/* GET /readyz there. Returns the server's clock as fetch_date. */
static int64_t check_reachable(struct findings *findings, const char *check, const char *url)
{
    char where[ENDPOINT_HOST_MAX + 64];
    struct http_client_answer answer;
    struct http_message message;
    snprintf(where, sizeof(where), "%s/readyz", url);
    int r = fetch_get(NULL, where, &answer, &message);
    if (r != 0) {
        finding_add(findings, FINDING_FAILED, check,
                    r == HTTP_CLIENT_UNTRUSTED
                        ? "Name the CA that made its certificate: export AWS_CA_BUNDLE=/path/to/ca.pem"
                        : "Is the daemon running, and is this its address?",
                    "%s", message.text);
        return 0;
    }
    if (answer.status == 200)
        finding_add(findings, FINDING_OK, check, NULL, "%s is ready", url);
    else
        finding_add(findings, FINDING_FAILED, check,
                    "Is it cloudmapd that listens there, and not at its https port? Its log says why it is not ready.",
                    "%s answers with status %u", where, answer.status);
    int64_t date_s = fetch_date(&answer);
    http_client_answer_free(&answer);
    return date_s;
}

/* --- names ---------------------------------------------------------------------------------------------------------
 */

static void check_data_name(struct findings *findings, const struct endpoint *endpoint)
{
    if (endpoint->data_resolves) {
        char url[ENDPOINT_HOST_MAX + 32];
        snprintf(url, sizeof(url), "http%s://%s:%s", endpoint->is_tls ? "s" : "", endpoint->data_host, endpoint->port);
        check_reachable(findings, "data- host", url);
        return;
    }
    char advice[ADVICE_MAX];
    bool numeric = endpoint->host[strspn(endpoint->host, "0123456789.")] == '\0' || strchr(endpoint->host, ':');
    const char *name = numeric ? ENDPOINT_LOCAL_NAME : endpoint->host;
    snprintf(advice, sizeof(advice), "%s\n  %s %s data-%s\n%s",
             numeric ? "Use http://" ENDPOINT_LOCAL_NAME
                       " and its port: apt install libnss-myhostname, or in /etc/hosts:"
                     : "Give the name the same address as the host, in your DNS or in /etc/hosts:",
             numeric ? endpoint->host : "ADDRESS", name, name, prefix_switches);
    finding_add(findings, FINDING_FAILED, "data- host", advice,
                "%s does not resolve to the API; SDKs send discovery calls there", endpoint->data_host);
}

static void check_local_domain(struct findings *findings, const struct endpoint *endpoint)
{
    size_t n = strlen(endpoint->host);
    if (n > 6 && strcmp(endpoint->host + n - 6, ".local") == 0)
        finding_add(findings, FINDING_WARNING, "domain", "Use a name under another domain.",
                    "%s is under .local, which many resolvers ask multicast DNS for", endpoint->host);
}

/* The next item of a comma list, which *rest is behind afterwards. */
static struct str next_item(struct str *rest)
{
    struct str item = { rest->p, str_find_char(*rest, ',') };
    *rest = str_skip(*rest, item.n < rest->n ? item.n + 1 : item.n);
    return item;
}

/* Does `list` (NO_PROXY) cover the host? */
static bool is_exempt(const char *list, const char *host)
{
    for (struct str rest = str_of(list); rest.n > 0;) {
        struct str item = next_item(&rest), name = str_of(host);
        while (item.n > 0 && (item.p[0] == ' ' || item.p[0] == '.'))
            item = str_skip(item, 1);
        bool tail = item.n > 0 && name.n >= item.n && str_eq(str_skip(name, name.n - item.n), item);
        if (tail || str_eq(item, STR("*")))
            return true;
    }
    return false;
}

static void check_proxy(struct findings *findings, const struct endpoint *endpoint)
{
    static const char *const proxies[] = { "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", NULL };
    static const char *const exempt[] = { "no_proxy", "NO_PROXY", NULL };
    const char *proxy = target_first_variable(proxies), *none = target_first_variable(exempt);
    char advice[ADVICE_MAX];
    if (!proxy)
        return;
    const char *list = none ? getenv(none) : "";
    if (is_exempt(list, endpoint->host) && is_exempt(list, endpoint->data_host)) {
        finding_add(findings, FINDING_OK, "proxy", NULL, "%s is set, and %s exempts the API", proxy, none);
        return;
    }
    snprintf(advice, sizeof(advice), "export NO_PROXY=%s%s%s,%s no_proxy=%s%s%s,%s", list, *list ? "," : "",
             endpoint->host, endpoint->data_host, list, *list ? "," : "", endpoint->host, endpoint->data_host);
    finding_add(findings, FINDING_WARNING, "proxy", advice, "%s is set: clients would ask the proxy for %s", proxy,
                endpoint->host);
}

/* --- clients -------------------------------------------------------------------------------------------------------
 */

/* The first line that a command of ours prints, or "". */
static void read_command(const char *command, char *ret_line, int size)
{
    FILE *pipe = popen(command, "re");
    if (!pipe || !fgets(ret_line, size, pipe))
        ret_line[0] = '\0';
    ret_line[strcspn(ret_line, "\r\n")] = '\0';
    if (pipe)
        pclose(pipe);
}

static bool is_older(unsigned major, unsigned minor, unsigned than_major, unsigned than_minor)
{
    return major < than_major || (major == than_major && minor < than_minor);
}

static void check_cli(struct findings *findings, const struct endpoint *endpoint)
{
    char line[256], advice[ADVICE_MAX] = "";
    unsigned major, minor;
    read_command("timeout 20 aws --version 2>/dev/null", line, sizeof(line));
    if (sscanf(line, "aws-cli/%u.%u", &major, &minor) != 2) {
        finding_add(findings, FINDING_OK, "aws cli", NULL, "not installed");
        return;
    }
    if (is_older(major, minor, 1, 29) || (major == 2 && minor < 13))
        snprintf(advice, sizeof(advice), "It does not know AWS_ENDPOINT_URL: use aws --endpoint-url %s", endpoint->url);
    finding_add(findings, FINDING_OK, "aws cli", advice, "%.*s", (int)strcspn(line, " "), line);
}

static void check_boto(struct findings *findings, const struct endpoint *endpoint)
{
    char line[256], advice[ADVICE_MAX] = "";
    unsigned major, minor;
    read_command("timeout 20 python3 -c 'import boto3; print(boto3.__version__)' 2>/dev/null", line, sizeof(line));
    if (sscanf(line, "%u.%u", &major, &minor) != 2) {
        finding_add(findings, FINDING_OK, "boto3", NULL, "not installed for python3");
        return;
    }
    if (is_older(major, minor, 1, 28))
        snprintf(advice, sizeof(advice),
                 "It does not know AWS_ENDPOINT_URL: use boto3.client(..., endpoint_url=\"%s\")", endpoint->url);
    finding_add(findings, FINDING_OK, "boto3", advice, "%s", line);
}

/* Is it https at a port where the daemon speaks TLS? */
static bool is_tls_of(const char *url, const struct daemon_status *status)
{
    const char *port = strrchr(url, ':');
    if (strncmp(url, "https://", 8) != 0 || !port)
        return false;
    size_t n = strcspn(port, "/");
    for (size_t i = 0; i < status->n_tls_addresses; i++) {
        struct str address = status->tls_addresses[i];
        if (address.n > n && str_eq(str_skip(address, address.n - n), (struct str){ port, n }))
            return true;
    }
    return false;
}

static void check_variable(struct findings *findings, const struct target *target)
{
    const struct endpoint *endpoint = &target->endpoint;
    const char *url = getenv("AWS_ENDPOINT_URL");
    char advice[ADVICE_MAX];
    snprintf(advice, sizeof(advice), "eval \"$(cloudmapctl %s%s%senv)\" sets it, and the rest, in this shell.",
             target->has_status ? "" : "--api ", target->has_status ? "" : endpoint->url,
             target->has_status ? "" : " ");
    if (!url || !*url)
        finding_add(findings, FINDING_OK, "environment", advice, "AWS_ENDPOINT_URL is not set");
    else if (strcmp(url, endpoint->url) == 0 || (target->has_status && is_tls_of(url, &target->status)))
        finding_add(findings, FINDING_OK, "environment", NULL, "AWS_ENDPOINT_URL is %s", url);
    else
        finding_add(findings, FINDING_WARNING, "environment", advice, "AWS_ENDPOINT_URL is %s, this daemon is at %s",
                    url, endpoint->url);
}

/* Is the region api.region, or one of the comma list api.regions? */
static bool is_served(const struct daemon_status *status, struct str region)
{
    bool served = str_eq(status->region, region);
    for (size_t i = 0; i < status->n_options; i++) {
        struct str rest = status->options[i].value;
        while (str_eq(status->options[i].key, STR("api.regions")) && rest.n > 0) {
            struct str item = next_item(&rest);
            while (item.n > 0 && item.p[0] == ' ')
                item = str_skip(item, 1);
            while (item.n > 0 && item.p[item.n - 1] == ' ')
                item.n--;
            served |= str_eq(item, region);
        }
    }
    return served;
}

/* Where calls are signed, one for another region is refused. */
static void check_region(struct findings *findings, const struct daemon_status *status)
{
    const char *name = target_first_variable(target_region_variables);
    char advice[ADVICE_MAX];
    if (!name || !str_eq(status->auth, STR("required")))
        return;
    snprintf(advice, sizeof(advice), "export %s=" STR_FMT ", or list it in the daemon's api.regions.", name,
             STR_ARG(status->region));
    bool served = is_served(status, str_of(getenv(name)));
    finding_add(findings, served ? FINDING_OK : FINDING_WARNING, "region", served ? NULL : advice,
                "%s is %s, which the daemon %s", name, getenv(name), served ? "serves" : "does not serve");
}

int doctor_run(const struct ctl *ctl)
{
    char why[512];
    struct target target;
    struct findings findings;
    int r = target_find(ctl, &target, why, sizeof(why));
    if (r == EX_USAGE)
        return ctl_fail(r, "%s", why);
    finding_begin(&findings, ctl->json);
    if (r != 0) {
        finding_add(&findings, FINDING_FAILED, "daemon",
                    "Start cloudmapd, or say where it is: --data DIR, --socket PATH or --api URL.", "%s", why);
        return finding_end(&findings) == FINDING_FAILED ? EXIT_FAILURE : EXIT_SUCCESS;
    }
    if (target.has_status) {
        check_daemon(&findings, &target.status);
        check_certificate(&findings, target.status.certificate_expiry_s);
        check_region(&findings, &target.status);
    }
    check_clock(&findings, check_reachable(&findings, "api", target.endpoint.url));
    check_data_name(&findings, &target.endpoint);
    check_local_domain(&findings, &target.endpoint);
    check_proxy(&findings, &target.endpoint);
    check_variable(&findings, &target);
    check_cli(&findings, &target.endpoint);
    check_boto(&findings, &target.endpoint);
    target_free(&target);
    return finding_end(&findings) == FINDING_FAILED ? EXIT_FAILURE : EXIT_SUCCESS;
}
