# SPDX-License-Identifier: Apache-2.0
"""The registry's namespaces as zone files for other servers, made from what the API says by the rules of behaviour, section
12: every record that an answer may choose from is there."""

from support.dns import Dns

QUOTED = set('."();@$\\ /:')  # the last two need not be, and may


def label(text):
    return "".join("\\" + one if one in QUOTED else one for one in text.lower())


def owner(name, zone):
    return f"{zone}." if name == "." else f"{name}.{zone}."


def zone_files(daemon):
    """{zone: text} of every namespace with DNS names."""
    api, files = daemon.api, {}
    for namespace in api.items("ListNamespaces", "Namespaces"):
        if namespace["Type"] != "HTTP":
            files[namespace["Name"]] = "".join(f"{one}\n" for one in _records(daemon, namespace))
    return files


def _records(daemon, namespace):
    api, zone = daemon.api, namespace["Name"]
    asked = Dns(daemon)
    (soa,) = asked.answers(zone, "SOA")  # its serial is nowhere in the API
    ttl = api.ok("GetNamespace", Id=namespace["Id"])["Namespace"]["Properties"]["DnsProperties"]["SOA"]["TTL"]
    yield f"{zone}. {ttl} IN SOA {soa}"
    for one in asked.answers(zone, "NS"):
        yield f"{zone}. 172800 IN NS {one}"
    wanted = [{"Name": "NAMESPACE_ID", "Values": [namespace["Id"]], "Condition": "EQ"}]
    for service in api.items("ListServices", "Services", Filters=wanted):
        ttls = {one["Type"]: one["TTL"] for one in service["DnsConfig"]["DnsRecords"]}
        for instance in api.items("ListInstances", "Instances", ServiceId=service["Id"]):
            yield from _instance(owner(service["Name"], zone), ttls, instance["Id"], instance["Attributes"])


def _instance(name, ttls, identity, attributes):
    addresses = {"A": attributes.get("AWS_INSTANCE_IPV4"), "AAAA": attributes.get("AWS_INSTANCE_IPV6")}
    if "SRV" in ttls:
        # dots in an id make labels
        target = ".".join(label(one) for one in identity.split(".")) + f".{name}"
        yield f"{name} {ttls['SRV']} IN SRV 1 1 {attributes['AWS_INSTANCE_PORT']} {target}"
        for kind, value in addresses.items():
            if value:
                yield f"{target} {ttls['SRV']} IN {kind} {value}"
    for kind, value in addresses.items():
        if kind in ttls and value:
            yield f"{name} {ttls[kind]} IN {kind} {value}"
    if "CNAME" in ttls:
        yield f"{name} {ttls['CNAME']} IN CNAME {attributes['AWS_INSTANCE_CNAME'].rstrip('.')}."
