# SPDX-License-Identifier: Apache-2.0
"""Aliases: names that answer with the addresses of another name, in our zones or outside, asked of a resolver that may
be slow, lie, or be away."""

import socket
import subprocess
import threading
import time
import urllib.request

import dns.edns
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rrset
import pytest

from support.client import until
from support.daemon import binary
from support.dns import Dns, framed, receive
from support.upstream import Upstream, reply

SOA = "example.net 300 SOA ns.example.net. h.example.net. 1 2 3 4 77"


class Bed:
    """A daemon with a resolver of the test's own, and names that are aliases."""

    def __init__(self, start_daemon, says, **settings):
        self.upstream = Upstream(says)
        settings = {"dns.resolver": self.upstream.address} | {k.replace("__", "."): v for k, v in settings.items()}
        self.daemon = start_daemon(settings)
        self.api = self.daemon.api
        self.dns = Dns(self.daemon)
        self.namespace = self.api.namespace("x.example", "DNS_PRIVATE")

    def alias(self, name, *targets, types=("A",)):
        service = self.service(name, types)
        for n, target in enumerate(targets):
            self.api.register(service, f"i{n}", {"AWS_ALIAS_DNS_NAME": target})
        return service

    def service(self, name, types=("A",), routing="WEIGHTED", ttl=60):
        return self.api.service(self.namespace, name, DnsConfig={
            "DnsRecords": [{"Type": one, "TTL": ttl} for one in types], "RoutingPolicy": routing})

    def ask(self, name, kind="A", **options):
        return self.dns.query(f"{name}.x.example", kind, **options)

    def told(self, name, kind="A", **options):
        """(rcode, texts of the answer, extended errors)."""
        answer = self.ask(name, kind, use_edns=0, **options)
        errors = [(option.code, option.text) for option in answer.options if option.otype == dns.edns.EDE]
        return (dns.rcode.to_text(answer.rcode()),
                sorted(item.to_text() for rrset in answer.answer for item in rrset), errors)

    def metric(self, name, **labels):
        wanted = name + ("{" + ",".join(f'{k}="{v}"' for k, v in labels.items()) + "} " if labels else " ")
        with urllib.request.urlopen(f"{self.daemon.url}/metrics", timeout=10) as answer:
            text = answer.read().decode()
        return next(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith(wanted))


@pytest.fixture
def bed(start_daemon):
    beds = []

    def make(says, **settings):
        beds.append(Bed(start_daemon, says, **settings))
        return beds[-1]

    yield make
    for one in beds:
        one.upstream.close()


def addresses(query, transport="udp"):
    name = query.question[0].name.to_text(omit_final_dot=True)
    if query.question[0].rdtype == dns.rdatatype.AAAA:
        return reply(query, f"{name} 60 AAAA fd00::1")
    return reply(query, f"{name} 60 A 192.0.2.1", f"{name} 60 A 192.0.2.2")


class TestAnswers:
    def test_addresses(self, bed):
        b = bed(addresses)
        b.alias("lb", "lb.example.net", types=("A", "AAAA"))
        answer = b.ask("lB")
        assert answer.rcode() == 0 and answer.flags & dns.flags.AA
        (rrset,) = answer.answer
        assert rrset.name.to_text() == "lB.x.example." and 58 <= rrset.ttl <= 60
        assert sorted(item.to_text() for item in rrset) == ["192.0.2.1", "192.0.2.2"]
        assert b.told("lb", "AAAA")[1] == ["fd00::1"]
        for _ in range(20):
            assert b.told("lb")[1] == ["192.0.2.1", "192.0.2.2"]
        assert b.upstream.asked() == 2
        assert b.told("lb", "TXT")[:2] == ("NOERROR", [])
        assert b.metric("cloudmap_dns_alias_lookups_total", result="hit") >= 20
        assert b.metric("cloudmap_dns_alias_pending") == 0
        assert b.metric("cloudmap_dns_alias_names") == 2

    def test_ttl_runs_out(self, bed):
        counter = iter(range(1, 100))

        def says(query, transport):
            return reply(query, f"lb.example.net 1 A 192.0.2.{next(counter)}")

        b = bed(says)
        b.alias("lb", "lb.example.net")
        assert b.told("lb")[1] == ["192.0.2.1"] == b.told("lb")[1]
        time.sleep(1.1)
        assert b.told("lb")[1] == ["192.0.2.2"]

    def test_asked_again_before_it_is_old(self, bed):
        counter = iter(range(1, 100))
        b = bed(lambda q, t: reply(q, f"lb.example.net 10 A 192.0.2.{next(counter)}"))
        b.alias("lb", "lb.example.net")
        assert b.told("lb")[1] == ["192.0.2.1"]
        time.sleep(9.3)
        for _ in range(3):
            assert b.told("lb")[0] == "NOERROR"
        time.sleep(0.2)
        assert b.upstream.asked() == 2  # once, and nobody waited
        assert b.told("lb")[1] == ["192.0.2.2"]
        assert b.metric("cloudmap_dns_alias_lookups_total", result="miss") == 1

    def test_not_asked_again_and_again(self, bed):
        b = bed(lambda q, t: reply(q, "lb.example.net 10 A 192.0.2.1") if b.upstream.asked() == 1 else reply(q, rcode=2))
        b.alias("lb", "lb.example.net")
        assert b.told("lb")[1] == ["192.0.2.1"]
        time.sleep(9.2)
        end = time.monotonic() + 1.5
        while time.monotonic() < end:
            assert b.told("lb")[1] == ["192.0.2.1"]
        assert b.upstream.asked() == 2

    def test_max_ttl(self, bed):
        b = bed(lambda q, t: reply(q, "lb.example.net 86400 A 192.0.2.1"), dns__alias_max_ttl="5s")
        b.alias("lb", "lb.example.net")
        assert b.ask("lb").answer[0].ttl == 5

    def test_max_answers(self, bed):
        b = bed(lambda q, t: reply(q, *[f"lb.example.net 60 A 192.0.2.{n}" for n in range(30)]))
        b.alias("lb", "lb.example.net")
        seen = set()
        for _ in range(60):
            one = b.told("lb")[1]
            assert len(one) == 8
            seen.update(one)
        assert len(seen) == 30

    def test_tcp(self, bed):
        b = bed(addresses)
        b.alias("lb", "lb.example.net")
        assert b.told("lb", tcp=True)[1] == ["192.0.2.1", "192.0.2.2"]
        assert b.told("lb", tcp=True)[1] == ["192.0.2.1", "192.0.2.2"]

    @pytest.mark.parametrize("host,client", [("0.0.0.0:0", "127.0.0.2"), ("[::]:0", "::1")])
    def test_from_the_address_that_was_asked(self, bed, host, client):
        b = bed(addresses)
        b.daemon.args = ["--dns", host]
        b.daemon.restart()
        b.alias("lb", "lb.example.net")
        query = dns.message.make_query("lb.x.example", "A")
        answer = dns.query.udp(query, client, timeout=5, port=b.dns.port)  # another source would be an error
        assert len(answer.answer[0]) == 2

    def test_weighted_among_aliases(self, bed):
        def says(query, transport):
            name = query.question[0].name.to_text(omit_final_dot=True).lower()
            return reply(query, f"{name} 60 A 192.0.2.{name[1]}")

        b = bed(says)
        b.alias("lb", *(f"t{n}.example.net" for n in range(4)))
        seen = [b.told("lb")[1] for _ in range(80)]
        assert all(len(one) == 1 for one in seen)
        assert {one[0] for one in seen} == {f"192.0.2.{n}" for n in range(4)}


class TestNegative:
    def test_nxdomain(self, bed):
        b = bed(lambda q, t: reply(q, rcode=3, authority=[SOA]))
        b.alias("lb", "lb.example.net")
        for _ in range(5):
            code, texts, errors = b.told("lb")
            assert (code, texts) == ("NOERROR", [])
            assert errors == [(0, "the name that the alias stands for does not exist")]
        assert b.ask("lb").authority[0].name.to_text() == "x.example."
        assert b.upstream.asked() == 1

    def test_nodata(self, bed):
        b = bed(lambda q, t: reply(q, authority=[SOA]))
        b.alias("lb", "lb.example.net")
        assert b.told("lb") == ("NOERROR", [], [(0, "the name that the alias stands for has no records of this type")])

    def test_servfail_is_remembered(self, bed):
        b = bed(lambda q, t: reply(q, rcode=2))
        b.alias("lb", "lb.example.net")
        for _ in range(5):
            assert b.told("lb") == ("SERVFAIL", [],
                                    [(22, "no resolver could tell the name that the alias stands for")])
        assert b.upstream.asked() == 1
        assert b.metric("cloudmap_dns_alias_failures_total") == 1

    def test_no_resolver(self, bed):
        b = bed(addresses, dns__resolver="none")
        b.alias("lb", "lb.example.net")
        assert b.told("lb") == ("SERVFAIL", [], [
            (0, "the instance is an alias, and there is no resolver for its name (dns.resolver)")])
        assert b.told("lb", tcp=True)[0] == "SERVFAIL"
        assert b.upstream.asked() == 0

    def test_referral(self, bed):
        b = bed(lambda q, t: reply(q, authority=["net 60 NS ns.example."], flags=0))
        b.alias("lb", "lb.example.net")
        assert b.told("lb")[0] == "SERVFAIL"


class TestTrouble:
    def test_silence(self, bed):
        b = bed(lambda q, t: None)
        b.alias("lb", "lb.example.net")
        for tcp in (False, True):
            start = time.monotonic()
            assert b.told("lb", tcp=tcp)[0] == "SERVFAIL"
            assert time.monotonic() - start < 2.5
        assert 2 <= b.upstream.asked() <= 6
        assert len(b.upstream.ports) == b.upstream.asked("udp")
        ids = {query.id for _, query in b.upstream.queries}
        assert len(ids) == b.upstream.asked()

    def test_pipeline_waits_in_order(self, bed):
        b = bed(lambda q, t: None if q.question[0].name.to_text().lower().startswith("gone") else addresses(q))
        b.alias("lb", "lb.example.net")
        b.alias("gone", "gone.example.net")
        b.api.register(b.service("web", routing="MULTIVALUE"), "i", {"AWS_INSTANCE_IPV4": "10.0.0.1"})
        names = ["web", "gone", "web", "lb", "gone", "lb"]
        start = time.monotonic()
        with b.dns.connect() as stream, b.dns.connect() as other:
            stream.sendall(b"".join(framed(dns.message.make_query(f"{one}.x.example", "A", id=n).to_wire())
                                    for n, one in enumerate(names)))
            other.sendall(framed(dns.message.make_query("web.x.example", "A").to_wire()))
            assert dns.message.from_wire(receive(other)).answer
            assert time.monotonic() - start < 1
            answers = [dns.message.from_wire(receive(stream)) for _ in names]
        assert [answer.id for answer in answers] == list(range(6))
        assert [dns.rcode.to_text(answer.rcode()) for answer in answers] == [
            "SERVFAIL" if one == "gone" else "NOERROR" for one in names]
        assert time.monotonic() - start < 2.5

    def test_clients_that_go_away(self, bed):
        b = bed(lambda q, t: None)
        b.alias("lb", "lb.example.net")
        for _ in range(20):
            with b.dns.connect() as stream:
                stream.sendall(framed(dns.message.make_query("lb.x.example", "A").to_wire()))
                stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        assert b.told("lb", tcp=True)[0] == "SERVFAIL"

    def test_nobody_there(self, bed):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.bind(("127.0.0.1", 0))
            free = s.getsockname()[1]
        b = bed(addresses, dns__resolver=f"127.0.0.1:{free}")
        b.alias("lb", "lb.example.net")
        start = time.monotonic()
        assert b.told("lb")[0] == "SERVFAIL"
        assert time.monotonic() - start < 1

    def test_second_server(self, bed):
        good = Upstream(addresses)
        try:
            b = bed(lambda q, t: reply(q, rcode=5))
            b.daemon.restart({"dns.resolver": f"{b.upstream.address}, {good.address}"})
            b.alias("lb", "lb.example.net")
            assert b.told("lb")[1] == ["192.0.2.1", "192.0.2.2"]
            b.alias("other", "other.example.net")
            assert b.told("other")[0] == "NOERROR"
            assert b.upstream.asked() == 1 and good.asked() == 2  # who answered is asked first
        finally:
            good.close()

    def test_late(self, bed):
        others_were_asked = threading.Event()

        def says(query, transport):
            others_were_asked.wait(30)
            return addresses(query)

        b = bed(says)
        b.alias("lb", "lb.example.net")
        b.api.register(b.service("web", routing="MULTIVALUE"), "i", {"AWS_INSTANCE_IPV4": "10.0.0.1"})
        told = []
        threads = [threading.Thread(target=lambda tcp: told.append(b.told("lb", tcp=tcp)), args=(n % 4 == 0,))
                   for n in range(40)]
        for thread in threads:
            thread.start()
        until(b.upstream.asked, bool)
        assert b.told("web")[1] == ["10.0.0.1"] and told == []  # nobody else waits
        others_were_asked.set()
        for thread in threads:
            thread.join()
        assert told == [("NOERROR", ["192.0.2.1", "192.0.2.2"], [])] * 40
        assert b.upstream.asked() == 1  # they shared one question

    def test_flood(self, bed):
        """Far more queries than may wait, of many names, while nobody resolves them: others are answered as ever."""
        b = bed(lambda q, t: None)
        for n in range(30):
            b.alias(f"lb{n}", f"lb{n}.example.net")
        b.api.register(b.service("web", routing="MULTIVALUE"), "i", {"AWS_INSTANCE_IPV4": "10.0.0.1"})
        queries = [dns.message.make_query(f"lb{n}.x.example", "A").to_wire() for n in range(30)]
        slowest = 0
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.connect((b.dns.host, b.dns.port))
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
            for n in range(8000):
                s.send(queries[n % 30])
                if n % 1000 == 0:
                    start = time.monotonic()
                    assert b.told("web")[1] == ["10.0.0.1"]
                    slowest = max(slowest, time.monotonic() - start)
            assert slowest < 0.5
            s.settimeout(3)
            for _ in range(1000):
                assert s.recv(512)[3] & 15 == 2
        assert b.metric("cloudmap_dns_alias_pending") <= 256
        assert b.daemon.stop() == 0

    def test_truncation(self, bed):
        many = dns.rrset.from_text_list("lb.example.net.", 60, "IN", "A", [f"192.0.{n // 250}.{n % 250}" for n in range(2000)])

        def says(query, transport):
            if transport == "udp":
                return reply(query, flags=dns.flags.TC)
            answer = reply(query)
            answer.answer.append(many)
            return answer

        b = bed(says)
        b.alias("lb", "lb.example.net")
        assert len(b.told("lb")[1]) == 8
        assert b.upstream.asked("udp") == b.upstream.asked("tcp") == 1

    def test_no_edns_there(self, bed):
        b = bed(lambda q, t: reply(q, rcode=1) if q.edns >= 0 else addresses(q))
        b.alias("lb", "lb.example.net")
        assert b.told("lb")[0] == "NOERROR"

    def test_recased_goes_over_tcp(self, bed):
        def says(query, transport):
            wire = bytearray(addresses(query).to_wire())
            wire[12:28] = bytes(wire[12:28]).lower()
            return bytes(wire)

        b = bed(says)
        b.alias("lb", "loadbalancer-in.example.net")
        assert b.told("lb")[1] == ["192.0.2.1", "192.0.2.2"]
        assert b.upstream.asked("tcp") == 1

    def test_lies(self, bed):
        def says(query, transport):
            wrong_id = addresses(query)
            wrong_id.id ^= 1
            name = query.question[0].name.to_text(omit_final_dot=True)
            other = dns.message.make_query("evil.example.net", "A", id=query.id)
            type_ = dns.message.make_query(name, "AAAA", id=query.id)
            lies = [wrong_id, addresses(other), addresses(type_), b"", query.to_wire(), b"\0" * 11,
                    query.to_wire()[:2] + b"\x81\x80" + b"\xff" * 8]
            return lies + [reply(query, "evil.example.net 60 A 203.0.113.9", f"{name} 60 A 192.0.2.1")]

        b = bed(says)
        b.alias("lb", "lb.example.net")
        assert b.told("lb")[1] == ["192.0.2.1"]

    def test_wrong_port(self, bed):
        def says(query, transport):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
                for port in b.upstream.ports:
                    other.sendto(reply(query, "lb.example.net 60 A 203.0.113.9").to_wire(), ("127.0.0.1", port))
            return addresses(query)

        b = bed(says)
        b.alias("lb", "lb.example.net")
        assert b.told("lb")[1] == ["192.0.2.1", "192.0.2.2"]

    def test_flood_of_lies_goes_over_tcp(self, bed):
        def says(query, transport):
            if transport == "tcp":
                return addresses(query)
            wrong = addresses(query)
            wrong.id ^= 1
            return [wrong] * 40

        b = bed(says)
        b.alias("lb", "lb.example.net")
        assert b.told("lb")[1] == ["192.0.2.1", "192.0.2.2"]

    def test_malformed(self, bed):
        b = bed(lambda q, t: addresses(q).to_wire()[:-3])
        b.alias("lb", "lb.example.net")
        assert b.told("lb")[0] == "SERVFAIL"

    def test_stale(self, bed):
        is_away = False

        def says(query, transport):
            return reply(query, rcode=2) if is_away else reply(query, "lb.example.net 1 A 192.0.2.1")

        b = bed(says)
        b.alias("lb", "lb.example.net")
        assert b.told("lb") == ("NOERROR", ["192.0.2.1"], [])
        is_away = True
        time.sleep(1.1)
        for tcp in (False, True):
            code, texts, errors = b.told("lb", tcp=tcp)
            assert (code, texts, errors[0][0]) == ("NOERROR", ["192.0.2.1"], 3)
        assert b.ask("lb").answer[0].ttl == 30
        assert b.upstream.asked() == 2
        assert b.metric("cloudmap_dns_alias_lookups_total", result="stale") >= 3

    def test_no_stale_when_told(self, bed):
        b = bed(lambda q, t: reply(q, "lb.example.net 1 A 192.0.2.1") if b.upstream.asked() == 1 else reply(q, rcode=2),
                dns__alias_stale="0")
        b.alias("lb", "lb.example.net")
        assert b.told("lb")[1] == ["192.0.2.1"]
        time.sleep(1.1)
        assert b.told("lb")[0] == "SERVFAIL"

    def test_stop_while_pending(self, bed):
        b = bed(lambda q, t: None)
        b.alias("lb", "lb.example.net")
        told = []
        thread = threading.Thread(target=lambda: told.append(b.told("lb")[0]))
        thread.start()
        until(b.upstream.asked, bool)
        with b.dns.connect() as stream:
            stream.sendall(framed(dns.message.make_query("lb.x.example", "A").to_wire()))
            time.sleep(0.1)
            assert b.daemon.stop() == 0
            receive(stream)
        thread.join()
        assert told == ["SERVFAIL"]


class TestChains:
    def test_cname(self, bed):
        b = bed(lambda q, t: reply(q, "lb.example.net 50 CNAME a.example.org.", "a.example.org 20 CNAME b.example.org.",
                                   "b.example.org 40 A 192.0.2.7"))
        b.alias("lb", "lb.example.net")
        answer = b.ask("lb")
        assert [rrset.to_text() for rrset in answer.answer] == ["lb.x.example. 20 IN A 192.0.2.7"]

    def test_in_pieces(self, bed):
        def says(query, transport):
            if query.question[0].name.to_text().lower() == "lb.example.net.":
                return reply(query, "lb.example.net 7 CNAME a.example.org.")
            return reply(query, "a.example.org 40 A 192.0.2.7")

        b = bed(says)
        b.alias("lb", "lb.example.net")
        assert b.ask("lb").answer[0].to_text() == "lb.x.example. 7 IN A 192.0.2.7"

    @pytest.mark.parametrize("to", ["lb.example.net", "a.example.net"])
    def test_loops(self, bed, to):
        b = bed(lambda q, t: reply(q, f"lb.example.net 7 CNAME {to}.", "a.example.net 7 CNAME lb.example.net."))
        b.alias("lb", "lb.example.net")
        assert b.told("lb")[0] == "SERVFAIL"

    def test_too_long(self, bed):
        def says(query, transport):
            n = int(query.question[0].name.to_text().lower().split(".")[0][1:])
            return reply(query, f"n{n}.example.net 60 CNAME n{n + 1}.example.net.")

        b = bed(says)
        b.alias("lb", "n0.example.net")
        assert b.told("lb")[0] == "SERVFAIL"
        assert b.upstream.asked() <= 9


class TestOwnZones:
    def test_service(self, bed):
        b = bed(addresses)
        web = b.service("web", types=("A", "AAAA"), routing="MULTIVALUE", ttl=17)
        b.alias("lb", "WEB.x.example", types=("A", "AAAA"))
        assert b.told("lb") == ("NOERROR", [], [(0, "the name here that the alias stands for has no such records")])
        for n in range(3):
            b.api.register(web, f"i{n}", {"AWS_INSTANCE_IPV4": f"10.0.0.{n}", "AWS_INSTANCE_IPV6": f"fd00::{n + 1}"})
        answer = b.ask("lb")
        assert answer.answer[0].name.to_text() == "lb.x.example." and answer.answer[0].ttl == 17
        assert len(answer.answer[0]) == 3 == len(b.told("lb", "AAAA")[1])
        assert b.upstream.asked() == 0

    def test_instance_chain_and_circle(self, bed):
        b = bed(addresses)
        srv = b.service("srv", types=("SRV",), routing="MULTIVALUE")
        b.api.register(srv, "i1", {"AWS_INSTANCE_IPV4": "10.0.0.9", "AWS_INSTANCE_PORT": "80"})
        b.alias("one", "i1.srv.x.example")
        b.alias("two", "one.x.example")
        b.alias("three", "four.x.example")
        b.alias("four", "three.x.example")
        b.alias("out", "far.x.example")
        b.alias("far", "lb.example.net")
        assert b.told("one")[1] == b.told("two")[1] == ["10.0.0.9"]
        assert b.told("three") == ("SERVFAIL", [], [(0, "the alias leads in a circle")])
        assert b.told("out")[1] == ["192.0.2.1", "192.0.2.2"]
        assert b.told("srv", "SRV")[0] == "NOERROR"

    def test_cname_before_and_behind(self, bed):
        b = bed(addresses)
        cname = b.service("cname", types=("CNAME",))
        b.api.register(cname, "i", {"AWS_INSTANCE_CNAME": "lb.x.example"})
        b.alias("lb", "lb.example.net")
        assert b.told("cname")[1] == ["192.0.2.1", "192.0.2.2", "lb.x.example."]
        b.alias("back", "cname.x.example")
        assert b.told("back")[1] == ["192.0.2.1", "192.0.2.2"]


@pytest.mark.parametrize("value", ["resolver.example:53", "127.0.0.1", "::1", "[::1]", "127.0.0.1:0", "some"])
def test_bad_setting(value):
    done = subprocess.run([binary(), "--check-config", "--set", f"dns.resolver={value}"], capture_output=True, text=True,
                          check=False)
    assert done.returncode == 78
    assert "which is not ADDRESS:PORT, system or none" in done.stderr + done.stdout
