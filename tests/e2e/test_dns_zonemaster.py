# SPDX-License-Identifier: Apache-2.0
"""zonemaster-cli on a zone that no parent delegates, on loopback: what it complains about is that."""

import json
import shutil
import subprocess

import pytest

from support.network import own_network

ZONE = "master.example"
SERVERS = {"ns1": "127.0.0.1", "ns2": "127.0.0.2"}

# What is left at NOTICE and above, and why.
ACCEPTED = {
    # addresses: loopback
    "NAMESERVER_IP_PRIVATE_NETWORK", "Z01_MNAME_HAS_LOCALHOST_ADDR", "NO_IPV6_NS_CHILD", "NO_IPV6_NS_DEL",
    # connectivity: no resolver and no other network
    "NO_RESPONSE_PTR_QUERY",
    # delegation and DNSSEC: no parent, no signatures
    "NEITHER_DNSKEY_NOR_DS", "NOT_SIGNED",
    # Cloud Map has no MX records
    "Z09_MISSING_MAIL_TARGET",
}
TESTED = {"Address", "Basic", "Connectivity", "Consistency", "DNSSEC", "Delegation", "Nameserver", "Syntax", "Zone"}


@pytest.fixture
def zone(start_daemon):
    with own_network():
        daemon = start_daemon({"dns.name_servers": ", ".join(f"{one}.{ZONE}" for one in SERVERS)},
                              args=["--dns", ",".join(f"{address}:53" for address in SERVERS.values())])
        namespace = daemon.api.namespace(ZONE, "DNS_PUBLIC")
        for name, address in (*SERVERS.items(), (".", "127.0.0.3")):  # hostmaster's mail has somewhere to go
            service = daemon.api.service(namespace, name, DnsConfig={"DnsRecords": [{"Type": "A", "TTL": 60}]})
            daemon.api.register(service, "i", {"AWS_INSTANCE_IPV4": address})
        yield ZONE
        daemon.stop()


@pytest.mark.skipif(not shutil.which("zonemaster-cli"), reason="there is no zonemaster-cli")
def test_only_the_place_is_complained_about(zone):
    words = [word for name, address in SERVERS.items() for word in ("--ns", f"{name}.{zone}/{address}")]
    done = subprocess.run(["zonemaster-cli", "--no-ipv6", "--level=DEBUG", "--json", "--no-progress", *words, zone],
                          capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    said = json.loads(done.stdout)
    modules = {one["module"].casefold() for one in said}
    assert {one.casefold() for one in TESTED} <= modules, modules
    left = {one["tag"]: one for one in said if one["level"] in ("NOTICE", "WARNING", "ERROR", "CRITICAL")}
    assert set(left) <= ACCEPTED, [one for tag, one in left.items() if tag not in ACCEPTED]
    tags = {one["tag"] for one in said}
    for one in ("AXFR_FAILURE", "EDNS0_SUPPORT", "NO_UPWARD_REFERRAL", "QNAME_CASE_SENSITIVE", "SAME_SOURCE_IP"):
        assert one in tags, sorted(tags)
