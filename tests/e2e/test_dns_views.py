# SPDX-License-Identifier: Apache-2.0
"""Private namespaces by where the client is: real dig from several loopback addresses, and with a client subnet."""

import re
import signal
import subprocess
import time

import pytest

from support.daemon import binary
from support.dns import Dns

VPCS = {
    "vpc.vpc-1.cidr": "127.1.0.0/16, 10.1.0.0/16, fd01::/16",
    "vpc.vpc-2.cidr": "127.2.0.0/16, 10.2.0.0/16",
    "vpc.vpc-2.shares": "vpc-1",
    "vpc.000000000000/eu-west-1/vpc-1.cidr": "127.1.9.0/24",
    "dns.default_networks": "127.0.0.0/16",
    "dns.forwarders": "127.0.0.53/32",
}
RECORDS = {"DnsConfig": {"DnsRecords": [{"Type": "A", "TTL": 60}]}}
AUTHORIZATION = "AWS4-HMAC-SHA256 Credential=any/20261126/{}/servicediscovery/aws4_request, SignedHeaders=host, Signature=0"


def add(api, name, address, vpc=None):
    """A namespace with the service `web`, which answers with the address; in a VPC or public."""
    namespace = api.namespace(name, "DNS_PRIVATE", Vpc=vpc) if vpc else api.namespace(name, "DNS_PUBLIC")
    api.register(api.service(namespace, "web", **RECORDS), "i", {"AWS_INSTANCE_IPV4": address})
    return namespace


class Clients:
    """dig from an address of this machine."""

    def __init__(self, daemon):
        self.dns = Dns(daemon)

    def ask(self, source, name, *words):
        """What dig prints."""
        return self.dns.dig("-b", source, name, *words)

    def told(self, source, name, *words):
        """The answer's address, or else the rcode."""
        out = self.ask(source, name, *words)
        found = re.findall(r"^\S+\s+60\s+IN\s+A\s+(\S+)$", out, re.MULTILINE)
        return found[0] if found else re.search(r"status: (\w+)", out).group(1)

    def subnet(self, source, name, subnet):
        """The same with the client subnet in the answer, or None."""
        out = self.ask(source, name, f"+subnet={subnet}")
        said = re.search(r"^; CLIENT-SUBNET: (\S+)$", out, re.MULTILINE)
        return self.told(source, name, f"+subnet={subnet}"), said and said.group(1)


@pytest.fixture
def views(start_daemon):
    daemon = start_daemon(VPCS)
    return daemon, Clients(daemon)


class TestWhoSeesWhat:
    def test_one_name_in_several_vpcs(self, views):
        daemon, clients = views
        add(daemon.api, "corp.test", "192.0.2.1", "vpc-1")
        add(daemon.api, "corp.test", "192.0.2.2", "vpc-2")
        add(daemon.api, "corp.test", "192.0.2.7", "vpc-7")
        add(daemon.api, "corp.test", "192.0.2.8", "vpc-8")
        add(daemon.api, "one.test", "192.0.2.11", "vpc-1")
        told = clients.told
        assert told("127.1.0.1", "web.corp.test") == "192.0.2.1"
        assert told("127.2.0.1", "web.corp.test") == "192.0.2.2"
        assert told("127.2.0.1", "web.one.test") == "192.0.2.11"
        assert told("127.0.0.1", "web.corp.test") == "192.0.2.7"
        assert told("127.0.0.1", "web.one.test") == "REFUSED"
        assert told("127.3.0.1", "web.corp.test") == "REFUSED"
        assert told("127.1.0.1", "web.corp.test", "+tcp") == "192.0.2.1"
        assert told("127.3.0.1", "web.corp.test", "+tcp") == "REFUSED"
        assert "SOA" in clients.ask("127.1.0.1", "nothing.corp.test")

    def test_private_shadows_public(self, views):
        daemon, clients = views
        add(daemon.api, "shop.test", "192.0.2.1")
        add(daemon.api, "deep.shop.test", "192.0.2.2")
        inside = add(daemon.api, "shop.test", "192.0.2.3", "vpc-1")
        daemon.api.register(daemon.api.service(inside, "db", **RECORDS), "i", {"AWS_INSTANCE_IPV4": "192.0.2.4"})
        told = clients.told
        for source in ("127.0.0.1", "127.3.0.1"):
            assert told(source, "web.shop.test") == "192.0.2.1"
            assert told(source, "web.deep.shop.test") == "192.0.2.2"
            assert told(source, "db.shop.test") == "NXDOMAIN"
        assert told("127.1.0.1", "web.shop.test") == "192.0.2.3"
        assert told("127.1.0.1", "db.shop.test") == "192.0.2.4"
        assert told("127.1.0.1", "web.deep.shop.test") == "NXDOMAIN"

    def test_names_above_zones(self, views):
        """A name above a zone exists for those who see the zone, and for nobody else."""
        daemon, clients = views
        add(daemon.api, "shop.test", "192.0.2.1")
        zones = {name: daemon.api.namespace(name, "DNS_PRIVATE", Vpc=vpc)
                 for name, vpc in (("a.b.shop.test", "vpc-1"), ("c.b.shop.test", "vpc-1"), ("x.y.shop.test", "vpc-2"))}

        def seen():
            return [[clients.told(f"127.{vpc}.0.1", f"{name}.shop.test") == "NOERROR" for name in "by"]
                    for vpc in (1, 2, 3)]

        assert seen() == [[True, False], [True, True], [False, False]]
        daemon.api.done("DeleteNamespace", Id=zones["a.b.shop.test"])
        assert seen() == [[True, False], [True, True], [False, False]]
        daemon.restart(crash=True)
        assert seen() == [[True, False], [True, True], [False, False]]
        daemon.api.done("DeleteNamespace", Id=zones["c.b.shop.test"])
        assert seen() == [[False, False], [False, True], [False, False]]

    def test_a_vpc_belongs_to_an_account_and_region(self, views):
        daemon, clients = views
        add(daemon.api, "corp.test", "192.0.2.1", "vpc-1")
        headers = {"Authorization": AUTHORIZATION.format("eu-west-1")}
        answer = daemon.api.send("CreatePrivateDnsNamespace", {"Name": "abroad.test", "Vpc": "vpc-1"}, headers)
        assert answer.status == 200, answer
        assert clients.told("127.1.9.1", "abroad.test", "SOA") == "NOERROR"
        assert clients.told("127.1.9.1", "web.corp.test") == "REFUSED"
        assert clients.told("127.1.0.1", "web.corp.test") == "192.0.2.1"
        assert clients.told("127.1.0.1", "abroad.test", "SOA") == "REFUSED"

    def test_after_a_restart(self, views):
        daemon, clients = views
        add(daemon.api, "corp.test", "192.0.2.1", "vpc-1")
        daemon.restart(crash=True)
        assert clients.told("127.1.0.1", "web.corp.test") == "192.0.2.1"
        assert clients.told("127.0.0.1", "web.corp.test") == "REFUSED"
        daemon.restart({})
        assert clients.told("127.1.0.1", "web.corp.test") == "192.0.2.1"  # loopback is a default network
        daemon.restart({"dns.default_networks": ""})
        assert clients.told("127.1.0.1", "web.corp.test") == "REFUSED"


class TestClientSubnet:
    def test_of_forwarders_only(self, views):
        daemon, clients = views
        add(daemon.api, "corp.test", "192.0.2.1", "vpc-1")
        add(daemon.api, "corp.test", "192.0.2.7", "vpc-7")
        name, subnet = "web.corp.test", clients.subnet
        assert subnet("127.0.0.53", name, "10.1.2.0/24") == ("192.0.2.1", "10.1.2.0/24/16")
        assert subnet("127.0.0.53", name, "fd01::/48") == ("192.0.2.1", "fd01::/48/16")
        assert subnet("127.0.0.53", name, "198.51.100.0/24") == ("REFUSED", "198.51.100.0/24/1")
        assert subnet("127.0.0.53", name, "0") == ("192.0.2.7", "0.0.0.0/0/0")
        assert subnet("127.0.0.1", name, "10.1.2.0/24") == ("192.0.2.7", None)
        assert subnet("127.3.0.1", name, "10.1.2.0/24") == ("REFUSED", None)
        assert clients.told("127.0.0.53", name) == "192.0.2.7"


class TestConflicts:
    def test_a_name_of_another_account(self, start_daemon):
        daemon = start_daemon()
        daemon.api.namespace("shop.test", "DNS_PRIVATE", Vpc="vpc-1")
        daemon.api.namespace("web.example", "DNS_PUBLIC")
        daemon.restart({"api.account": "111122223333"})
        for name in ("shop.test", "a.shop.test", "test", "www.web.example"):
            assert failed(daemon.api, name, "vpc-1")
        daemon.api.namespace("shop.example", "DNS_PRIVATE", Vpc="vpc-1")
        daemon.restart({"api.account": "111122223333", "vpc.000000000000/us-east-1/vpc-1.cidr": "127.1.0.0/16"})
        daemon.api.namespace("shop.test", "DNS_PRIVATE", Vpc="vpc-1")
        assert failed(daemon.api, "www.web.example", "vpc-1")  # public zones answer everybody


def failed(api, name, vpc):
    """The creation is accepted, and its operation fails as in AWS."""
    answer = api.ok("CreatePrivateDnsNamespace", Name=name, Vpc=vpc)
    operation = api.ok("GetOperation", OperationId=answer["OperationId"])["Operation"]
    assert operation["Status"] == "FAIL" and operation["ErrorCode"] == "CANNOT_CREATE_HOSTED_ZONE", operation
    assert "000000000000" not in operation["ErrorMessage"]
    return "ConflictingDomainExists" in operation["ErrorMessage"]


def test_metrics(views):
    daemon, clients = views
    for source in ("127.1.0.1", "127.1.0.2", "127.0.0.1", "127.3.0.1"):
        clients.ask(source, "web.corp.test")
    lines = daemon.api.http("GET", "/metrics").body.decode().splitlines()
    family = "cloudmap_dns_view_queries_total"
    for view, n in (("public", 1), ("default", 1), ("vpc-1", 2), ("vpc-2", 0), ("000000000000/eu-west-1/vpc-1", 0)):
        assert f'{family}{{view="{view}"}} {n}' in lines


def test_one_network_of_two_vpcs():
    words = ["--set", "vpc.a.cidr=10.0.0.0/8", "--set", "vpc.b.cidr=10.0.0.0/8", "--check-config"]
    done = subprocess.run([binary(), *words], capture_output=True, text=True, check=False)
    assert done.returncode == 78 and "10.0.0.0/8 is the cidr of two VPCs" in done.stderr


def test_reload_says_what_takes_a_restart(start_daemon, tmp_path):
    file = tmp_path / "cloudmap.conf"
    file.write_text("[vpc vpc-1]\ncidr = 10.1.0.0/16\n")
    daemon = start_daemon(args=["--config", str(file)])
    file.write_text("[vpc vpc-1]\ncidr = 10.1.0.0/16\nshares = vpc-2\n[dns]\nforwarders = 127.0.0.53/32\n")
    daemon.process.send_signal(signal.SIGHUP)
    for _ in range(500):
        if daemon.events("daemon_reloaded"):
            break
        time.sleep(0.02)
    assert daemon.events("daemon_reloaded")[0]["restart_needed_for"] == "dns.forwarders, vpc.vpc-1.shares"
