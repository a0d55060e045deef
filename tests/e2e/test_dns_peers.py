# SPDX-License-Identifier: Apache-2.0
"""The daemon behind the resolvers that people run: unbound, dnsmasq and systemd-resolved as forwarders, the resolver of the C
library. Each must pass on every kind of name, see a change when the TTL is over, and understand the negative answers."""

import subprocess
import sys

import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import pytest

from support import peer
from support.client import until
from support.dns import Dns
from support.network import link_to_nowhere, over_files, own_network

ZONE = "peers.example"


class Filled:
    """A zone with every kind of name."""

    def __init__(self, api):
        self.api = api
        self.namespace = api.namespace(ZONE, "DNS_PUBLIC", Properties={"DnsProperties": {"SOA": {"TTL": 1}}})
        self.web = self.service("web", "A", "AAAA")
        api.register(self.web, "one", {"AWS_INSTANCE_IPV4": "10.0.0.1", "AWS_INSTANCE_IPV6": "fd00::1"})
        api.register(self.web, "two", {"AWS_INSTANCE_IPV4": "10.0.0.2"})
        self.tcp = self.service("_http._tcp", "SRV")
        for n in range(8):
            api.register(self.tcp, f"Node.{n}", {"AWS_INSTANCE_IPV4": f"10.0.1.{n + 1}", "AWS_INSTANCE_PORT": f"80{n}0"})
        api.register(self.service("to", "CNAME", policy="WEIGHTED"), "c", {"AWS_INSTANCE_CNAME": f"web.{ZONE}"})

    def service(self, name, *types, policy="MULTIVALUE"):
        config = {"RoutingPolicy": policy, "DnsRecords": [{"Type": one, "TTL": 1} for one in types]}
        return self.api.service(self.namespace, name, DnsConfig=config)


@pytest.fixture(scope="module")
def server(daemon):
    """(host, port) of the daemon's DNS, with the zone there."""
    daemon.filled = Filled(daemon.api)
    asked = Dns(daemon)
    return asked.host, asked.port


def ask(place, name, kind="A", **options):
    """(rcode, sorted data of the records of the type); with TCP after truncation, as resolvers' clients do."""
    message = dns.message.make_query(name, kind, **options)
    answer, _ = dns.query.udp_with_fallback(message, place[0], timeout=10, port=place[1])
    wanted = dns.rdatatype.from_text(kind)
    return (dns.rcode.to_text(answer.rcode()),
            sorted(item.to_text() for rrset in answer.answer if rrset.rdtype == wanted for item in rrset))


def check(place, filled):
    """What every resolver must pass on."""
    assert ask(place, f"web.{ZONE}") == ("NOERROR", ["10.0.0.1", "10.0.0.2"])
    assert ask(place, f"WEB.{ZONE}", "AAAA", use_edns=0) == ("NOERROR", ["fd00::1"])
    assert ask(place, f"to.{ZONE}") == ("NOERROR", ["10.0.0.1", "10.0.0.2"])
    targets = [f"1 1 80{n}0 node.{n}._http._tcp.{ZONE}." for n in range(8)]
    assert ask(place, f"_http._tcp.{ZONE}", "SRV", use_edns=0) == ("NOERROR", targets)
    assert ask(place, f"_http._tcp.{ZONE}", "SRV") == ("NOERROR", targets)  # too long for 512 octets
    assert ask(place, f"node.3._http._tcp.{ZONE}") == ("NOERROR", ["10.0.1.4"])
    assert ask(place, f"3._http._tcp.{ZONE}") == ask(place, f"_tcp.{ZONE}", "TXT") == ("NOERROR", [])
    assert ask(place, f"none.{ZONE}") == ("NXDOMAIN", [])
    assert ask(place, f"web.{ZONE}", "MX") == ("NOERROR", [])
    assert ask(place, ZONE, "SOA")[0] == "NOERROR"
    api, late = filled.api, f"late.{ZONE}"
    assert ask(place, late) == ("NXDOMAIN", [])
    service = filled.service("late", "A")
    try:
        for n in (1, 2):  # what the resolver keeps is over after the second that the zone and the records say
            api.register(service, "i", {"AWS_INSTANCE_IPV4": f"10.0.2.{n}"})
            until(lambda: ask(place, late), lambda seen, n=n: seen == ("NOERROR", [f"10.0.2.{n}"]), 6)
        api.deregister(service, "i")
        until(lambda: ask(place, late), lambda seen: seen == ("NXDOMAIN", []), 6)
    finally:
        api.send("DeregisterInstance", {"ServiceId": service, "InstanceId": "i"})
        api.ok("DeleteService", Id=service)


class TestForwarders:
    @pytest.mark.parametrize("kind", ["stub", "forward"])
    def test_unbound(self, daemon, server, tmp_path, kind):
        with peer.unbound(tmp_path, ZONE, server, kind) as place:
            check(place, daemon.filled)

    def test_dnsmasq(self, daemon, server, tmp_path):
        with peer.dnsmasq(tmp_path, ZONE, server) as place:
            check(place, daemon.filled)


@pytest.fixture
def inside(start_daemon):
    """A daemon at ports 53 and 8653 of a network of its own, with the zone there."""
    with own_network():
        daemon = start_daemon(args=["--dns", "127.0.0.1:53,127.0.0.1:8653"])
        daemon.filled = Filled(daemon.api)
        yield daemon
        daemon.stop()


LOOK_UP = """
import socket, sys
for name in sys.argv[1:]:
    try:
        print(*sorted({one[4][0] for one in socket.getaddrinfo(name, 80, proto=socket.IPPROTO_TCP)}))
    except socket.gaierror as error:
        print(error.errno)
"""


@pytest.fixture
def fetched():
    """What a test in a network of its own, from which nothing can be fetched, is going to need."""
    return peer.resolved_program()


class TestHost:
    def test_systemd_resolved(self, fetched, inside, tmp_path):
        with link_to_nowhere(), peer.resolved(tmp_path, ZONE, ("127.0.0.1", 8653)) as place:
            check(place, inside.filled)

    @pytest.mark.parametrize("options", ["", "options use-vc", "options edns0 trust-ad", "options single-request"])
    def test_c_library(self, inside, tmp_path, options):
        """getaddrinfo, which asks for A and AAAA at once."""
        resolv, switch = tmp_path / "resolv.conf", tmp_path / "nsswitch.conf"
        resolv.write_text(f"nameserver 127.0.0.1\nsearch {ZONE}\n{options}\n", encoding="ascii")
        switch.write_text("hosts: dns\n", encoding="ascii")
        names = [f"web.{ZONE}", "web", f"to.{ZONE}", f"NODE.3._http._tcp.{ZONE}", f"none.{ZONE}", f"_tcp.{ZONE}"]
        command = over_files([sys.executable, "-c", LOOK_UP, *names],
                             {"/etc/resolv.conf": resolv, "/etc/nsswitch.conf": switch})
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
        every = "10.0.0.1 10.0.0.2 fd00::1"
        assert done.stdout.splitlines() == [every, every, every, "10.0.1.4", "-2", "-5"]
