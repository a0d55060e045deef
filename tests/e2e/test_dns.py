# SPDX-License-Identifier: Apache-2.0
"""The DNS server by real clients: every name that Cloud Map makes (behaviour, section 12), and that what a call
acknowledged is in the next answer."""

import contextlib
import os
import re
import socket

import dns.flags
import dns.message
import dns.rdatatype
import pytest

from support.dns import Dns, framed, receive

CYCLES = int(os.environ.get("DNS_CYCLES", "1000"))  # 10,000 is the long form


@pytest.fixture(scope="module")
def asked(daemon):
    return Dns(daemon)


@pytest.fixture
def zone(api, fresh):
    """(namespace id, name) of a new private namespace."""
    name = f"{fresh()}.example"
    return api.namespace(name, "DNS_PRIVATE"), name


def records(*types, ttl=60, routing=None):
    config = {"DnsRecords": [{"Type": one, "TTL": ttl} for one in types]}
    return {"DnsConfig": config | ({"RoutingPolicy": routing} if routing else {})}


def address(n):
    return {"AWS_INSTANCE_IPV4": f"10.0.{n // 250}.{n % 250 + 1}", "AWS_INSTANCE_PORT": str(8000 + n)}


class TestNames:
    def test_a_and_aaaa(self, api, asked, zone):
        namespace, name = zone
        service = api.service(namespace, "web", **records("A", "AAAA", ttl=17))
        assert asked.rcode(f"web.{name}") == "NXDOMAIN"
        api.register(service, "both", {"AWS_INSTANCE_IPV4": "10.0.0.1", "AWS_INSTANCE_IPV6": "fd00::1"})
        api.register(service, "four", {"AWS_INSTANCE_IPV4": "10.0.0.2"})
        assert asked.answers(f"web.{name}") == ["10.0.0.1", "10.0.0.2"]
        assert asked.answers(f"web.{name}", "AAAA") == ["fd00::1"]
        answer = asked.query(f"web.{name}")
        assert answer.flags == dns.flags.QR | dns.flags.AA | dns.flags.RD
        assert [rrset.ttl for rrset in answer.answer] == [17]
        assert asked.rcode(f"both.web.{name}") == "NXDOMAIN"

    def test_srv(self, api, asked, zone):
        namespace, name = zone
        service = api.service(namespace, "_http._tcp", **records("SRV"))
        api.register(service, "i-1", address(1) | {"AWS_INSTANCE_IPV6": "fd00::1"})
        answer = asked.query(f"_http._tcp.{name}", "SRV")
        assert [r.to_text() for r in answer.answer] == [f"_http._tcp.{name}. 60 IN SRV 1 1 8001 i-1._http._tcp.{name}."]
        assert sorted(r.to_text() for r in answer.additional) == [f"i-1._http._tcp.{name}. 60 IN A 10.0.0.2",
                                                                  f"i-1._http._tcp.{name}. 60 IN AAAA fd00::1"]
        assert asked.answers(f"i-1._http._tcp.{name}") == ["10.0.0.2"]
        assert asked.answers(f"i-1._http._tcp.{name}", "AAAA") == ["fd00::1"]
        assert asked.answers(f"_http._tcp.{name}", "A") == []
        assert asked.answers(f"_tcp.{name}", "NS") == []  # as QNAME minimisation asks
        assert asked.rcode(f"tcp.{name}") == "NXDOMAIN"

    def test_ids_that_need_escaping(self, api, asked, zone):
        namespace, name = zone
        service = api.service(namespace, "s", **records("SRV"))
        ids = ["Up/Case:x@y_z", "a.b.C", "10.1.2.3", "-", "x" * 63, "_"]
        for n, one in enumerate(ids):
            api.register(service, one, address(n))
        targets = {item.target.to_text() for rrset in asked.query(f"s.{name}", "SRV").answer for item in rrset}
        assert targets == {one.lower().replace("@", "\\@") + f".s.{name}." for one in ids}
        for n, one in enumerate(ids):
            assert asked.answers(one.replace("@", "\\@").swapcase() + f".s.{name}") == [address(n)["AWS_INSTANCE_IPV4"]]
        assert asked.answers(f"c.s.{name}") == [] and asked.answers(f"2.3.s.{name}", "TXT") == []
        out = asked.dig("+short", f"up/case:x@y_z.s.{name}")
        assert out == "10.0.0.1\n"

    def test_cname(self, api, asked, zone):
        namespace, name = zone
        service = api.service(namespace, "to", **records("CNAME", routing="WEIGHTED"))
        api.register(service, "one", {"AWS_INSTANCE_CNAME": "elsewhere.example.net"})
        assert asked.answers(f"to.{name}", "CNAME") == ["elsewhere.example.net."]
        assert [r.to_text() for r in asked.query(f"to.{name}", "A").answer] == [
            f"to.{name}. 60 IN CNAME elsewhere.example.net."]
        web = api.service(namespace, "web", **records("A"))
        api.register(web, "w", address(1))
        api.register(service, "one", {"AWS_INSTANCE_CNAME": f"web.{name}"})
        assert asked.answers(f"to.{name}", "A") == ["10.0.0.2"]

    def test_apex(self, api, asked, zone):
        namespace, name = zone
        service = api.service(namespace, ".", **records("A"))
        api.register(service, "one", address(1))
        assert asked.answers(name) == ["10.0.0.2"]
        assert asked.answers(name, "NS") == ["ns.invalid."]
        (soa,) = asked.answers(name, "SOA")
        assert re.fullmatch(rf"ns\.invalid\. hostmaster\.{name}\. \d+ 14400 3600 1209600 86400", soa)

    def test_names_in_both_cases(self, api, asked, zone):
        namespace, name = zone
        service = api.service(namespace, "MixedCase", **records("A"))
        api.register(service, "one", address(1))
        answer = asked.query(f"mIXEDcASE.{name.upper()}")
        assert answer.answer[0].name.to_text() == f"mIXEDcASE.{name.upper()}."
        assert answer.question[0].name.to_text() == f"mIXEDcASE.{name.upper()}."

    def test_services_of_other_kinds_have_no_names(self, api, asked, zone):
        namespace, name = zone
        service = api.service(namespace, "only", Type="HTTP")
        api.register(service, "one", {"AWS_INSTANCE_IPV4": "10.0.0.1"})
        assert asked.rcode(f"only.{name}") == "NXDOMAIN"
        http = api.namespace(f"h.{name}")
        api.register(api.service(http, "s"), "i", {"AWS_INSTANCE_IPV4": "10.0.0.1"})
        assert asked.rcode(f"s.h.{name}") == "NXDOMAIN"

    def test_longest_zone_speaks(self, api, asked, zone):
        _, name = zone
        deep = api.namespace(f"deep.down.{name}", "DNS_PRIVATE")
        api.register(api.service(deep, "web", **records("A")), "i", address(1))
        assert asked.answers(f"web.deep.down.{name}") == ["10.0.0.2"]
        assert asked.query(f"x.deep.down.{name}").authority[0].name.to_text() == f"deep.down.{name}."
        assert asked.rcode(f"down.{name}") == "NOERROR"
        assert asked.rcode("example") == asked.rcode("www.example.org") == asked.rcode(".") == "REFUSED"


class TestNegative:
    def test_soa_and_its_ttl(self, api, asked, fresh):
        name = f"{fresh()}.test"
        namespace = api.namespace(name, "DNS_PUBLIC", Properties={"DnsProperties": {"SOA": {"TTL": 123}}})
        for question in (f"none.{name}", name):
            (soa,) = asked.query(question, "MX").authority
            assert (soa.name.to_text(), soa.rdtype, soa.ttl) == (f"{name}.", dns.rdatatype.SOA, 123)
        api.done("UpdatePublicDnsNamespace", Id=namespace,
                 Namespace={"Properties": {"DnsProperties": {"SOA": {"TTL": 7}}}})
        assert asked.query(f"none.{name}").authority[0].ttl == 7

    def test_defaults(self, api, asked, fresh):
        for kind, ttl in (("DNS_PRIVATE", 15), ("DNS_PUBLIC", 60)):
            name = f"{fresh()}.test"
            api.namespace(name, kind)
            assert asked.query(f"none.{name}").authority[0].ttl == ttl

    def test_serial_grows_with_every_change_and_over_a_restart(self, start_daemon):
        daemon = start_daemon()
        asked = Dns(daemon)
        namespace = daemon.api.namespace("grow.example", "DNS_PRIVATE")
        service = daemon.api.service(namespace, "s", **records("A"))

        def serial():
            return int(asked.answers("grow.example", "SOA")[0].split()[2])

        seen = [serial()]
        for n in range(5):
            daemon.api.register(service, "i", address(n))
            seen.append(serial())
        daemon.restart(crash=True)
        seen.append(serial())
        daemon.api.deregister(service, "i")
        seen.append(serial())
        steps = [(b - a) % 2**32 for a, b in zip(seen, seen[1:])]
        assert all(0 < step < 2**31 for step in steps[:5] + steps[6:]) and steps[5] == 0, steps


class TestChoice:
    def test_at_most_eight_of_many_in_any_order(self, api, asked, zone):
        namespace, name = zone
        service = api.service(namespace, "web", **records("A"))
        for n in range(12):
            api.register(service, f"i-{n}", address(n))
        seen, firsts = set(), set()
        for _ in range(200):
            found = [item.to_text() for rrset in asked.query(f"web.{name}").answer for item in rrset]
            assert len(set(found)) == 8
            seen.update(found)
            firsts.add(found[0])
        assert len(seen) == len(firsts) == 12

    def test_health(self, api, asked, zone):
        namespace, name = zone
        service = api.service(namespace, "web", **records("A"), HealthCheckCustomConfig={"FailureThreshold": 1})
        for n in range(4):
            api.register(service, f"i-{n}", address(n))

        def is_now(status, *numbers):
            for n in numbers:
                api.ok("UpdateInstanceCustomHealthStatus", ServiceId=service, InstanceId=f"i-{n}", Status=status)

        every = [address(n)["AWS_INSTANCE_IPV4"] for n in range(4)]
        is_now("UNHEALTHY", 0, 1)
        assert asked.answers(f"web.{name}") == every[2:]
        is_now("UNHEALTHY", 2, 3)
        assert asked.answers(f"web.{name}") == every  # fails open
        is_now("HEALTHY", 3)
        assert asked.answers(f"web.{name}") == every[3:]

    def test_weighted(self, api, asked, zone):
        namespace, name = zone
        service = api.service(namespace, "web", **records("A", routing="WEIGHTED"))
        for n in range(4):
            api.register(service, f"i-{n}", address(n))
        counts = {}
        for _ in range(400):
            (one,) = asked.answers(f"web.{name}")
            counts[one] = counts.get(one, 0) + 1
        assert len(counts) == 4 and min(counts.values()) > 50, counts

    def test_max_answers(self, start_daemon):
        daemon = start_daemon({"dns.max_answers": "0"})
        asked = Dns(daemon)
        namespace = daemon.api.namespace("all.example", "DNS_PRIVATE")
        service = daemon.api.service(namespace, "web", **records("A"))
        for n in range(100):
            daemon.api.register(service, f"i-{n}", address(n))
        assert len(asked.answers("web.all.example", tcp=True)) == 100
        answer = asked.query("web.all.example", use_edns=0, payload=4096)
        assert answer.flags & dns.flags.TC and not answer.answer


class TestNeverStale:
    def test_register_ask_deregister_ask(self, api, asked, zone):
        """From another port each time, so that every thread of the server is asked, and now and then over TCP."""
        namespace, name = zone
        service = api.service(namespace, "web", **records("A"))
        question = dns.message.make_query(f"web.{name}", "A").to_wire()
        with contextlib.ExitStack() as stack:
            sockets = [stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) for _ in range(30)]
            for one in sockets:
                one.connect((asked.host, asked.port))
                one.settimeout(10)
            stream = stack.enter_context(asked.connect())

            def ask(turn):
                if turn % 31 == 30:
                    stream.sendall(framed(question))
                    return receive(stream)
                sockets[turn % 31].send(question)
                return sockets[turn % 31].recv(4096)

            for n in range(CYCLES):
                api.ok("RegisterInstance", ServiceId=service, InstanceId="i", Attributes=address(n % 60000))
                answer = ask(2 * n)
                assert answer[3] & 15 == 0 and answer[7] == 1, n
                assert socket.inet_aton(address(n % 60000)["AWS_INSTANCE_IPV4"]) in answer, n
                api.ok("DeregisterInstance", ServiceId=service, InstanceId="i")
                answer = ask(2 * n + 1)
                assert answer[3] & 15 == 3 and answer[7] == 0, n

    def test_update_service(self, api, asked, zone):
        namespace, name = zone
        service = api.service(namespace, "web", **records("A", ttl=60))
        api.register(service, "i", address(1))
        for ttl in (0, 1, 300, 2**31 - 1):
            api.done("UpdateService", Id=service, Service=records("A", ttl=ttl))
            assert asked.query(f"web.{name}").answer[0].ttl == ttl
        api.done("UpdateService", Id=service, Service={"Description": "no records any more"})
        assert asked.rcode(f"web.{name}") == "NXDOMAIN"

    def test_restart(self, start_daemon):
        daemon = start_daemon()
        asked = Dns(daemon)
        namespace = daemon.api.namespace("again.example", "DNS_PUBLIC")
        service = daemon.api.service(namespace, "_x._tcp", **records("SRV"))
        for n in range(3):
            daemon.api.register(service, f"A.{n}", address(n))
        before = asked.answers("_x._tcp.again.example", "SRV"), asked.answers("a.1._x._tcp.again.example")
        daemon.restart(crash=True)
        assert before == (asked.answers("_x._tcp.again.example", "SRV"), asked.answers("a.1._x._tcp.again.example"))
        assert len(before[0]) == 3 and len(before[1]) == 1
