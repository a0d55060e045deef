/* SPDX-License-Identifier: Apache-2.0
 *
 * The lines are meant to work as pasted, one after the other, against a fresh store. */
#include "cloudmapd/banner.h"

static const char *const tutorial[] = {
    "cloudmap() { aws --endpoint-url \"$AWS_ENDPOINT_URL\" servicediscovery \"$@\"; }",
    "aws --endpoint-url \"$AWS_ENDPOINT_URL\" sts get-caller-identity",
    "cloudmap create-http-namespace --name demo",
    "ns=$(cloudmap list-namespaces --query \"Namespaces[?Name=='demo'].Id\" --output text)",
    "cloudmap create-service --name web --namespace-id \"$ns\"",
    "srv=$(cloudmap list-services --query \"Services[?Name=='web'].Id\" --output text)",
    "cloudmap register-instance --service-id \"$srv\" --instance-id web-1 --attributes "
    "AWS_INSTANCE_IPV4=10.0.0.1,color=blue",
    "cloudmap discover-instances --namespace-name demo --service-name web --query-parameters color=blue",
};

static void write_unresolved(struct buf *buf, const struct endpoint *endpoint)
{
    buf_printf(
        buf,
        "The AWS CLI and the SDKs send discovery calls to \"data-\" + host, and that name does not resolve here.\n"
        "The variable AWS_DISABLE_HOST_PREFIX_INJECTION below tells newer ones not to. For the AWS CLI 2.9 of\n"
        "Debian 12, install libnss-myhostname, or add this line to /etc/hosts, and start cloudmapd again:\n\n"
        "  %s " ENDPOINT_LOCAL_NAME " data-" ENDPOINT_LOCAL_NAME "\n\n",
        endpoint->host);
}

/* Who sees private namespaces; VPCs with networks of their own say so in the configuration. */
static void write_private(struct buf *buf, const struct config *config)
{
    const char *networks = config->sources[OPTION_INDEX(dns_default_networks)].text;
    buf_printf(buf, "        private namespaces%s: to clients in %s\n\n",
               config->n_vpcs ? " of VPCs without a section" : "", *networks ? networks : "no network");
}

void banner_write(struct buf *buf, const struct config *config, const struct endpoint *endpoint, const char *addresses,
                  struct str dns, const char *data)
{
    buf_printf(buf, "\ncloudmapd " CLOUDMAP_VERSION " is ready.\n\n");
    buf_printf(buf, "  API   %s  (%s)\n", endpoint->url, addresses);
    buf_printf(buf, "  Mode  %s\n",
               endpoint->needs_signature ? "required: calls are signed by an access key (cloudmapctl key create)"
                                         : "open: from this machine only; any credentials are accepted, and none too");
    buf_printf(buf, "  Data  %s\n", data);
    buf_printf(buf, "  DNS   " STR_FMT "  (UDP and TCP)\n", STR_ARG(dns));
    write_private(buf, config);
    if (!endpoint->data_resolves)
        write_unresolved(buf, endpoint);
    buf_printf(buf, "Paste this into another shell:\n\n");
    endpoint_write_exports(buf, endpoint, str_of(config->api_region), "  ");
    for (size_t i = 0; i < sizeof(tutorial) / sizeof(tutorial[0]); i++)
        buf_printf(buf, "  %s\n", tutorial[i]);
    buf_printf(buf, "\nCtrl-C stops the daemon; the data stays.\n\n");
}
