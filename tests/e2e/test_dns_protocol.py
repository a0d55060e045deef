# SPDX-License-Identifier: Apache-2.0
"""The DNS protocol by real clients: each line of the table of RFCs (reliability, E.1) that concerns an authoritative
server without transfers, the EDNS compliance queries of dig, malformed packets, TCP."""

import random
import re
import socket
import struct
import subprocess
import time

import dns.edns
import dns.flags
import dns.message
import dns.rcode
import pytest

from support.client import until
from support.daemon import binary
from support.dns import Dns, framed, receive

NAME = "web.wire.example"


def fill(api):
    namespace = api.namespace("wire.example", "DNS_PUBLIC")
    web = api.service(namespace, "web", DnsConfig={"DnsRecords": [{"Type": "A", "TTL": 60}]})
    api.register(web, "one", {"AWS_INSTANCE_IPV4": "10.0.0.1"})
    many = api.service(namespace, "_many._tcp", DnsConfig={"DnsRecords": [{"Type": "SRV", "TTL": 60}]})
    for n in range(8):
        api.register(many, f"an-instance-with-a-name-of-some-length-{n}", {
            "AWS_INSTANCE_IPV4": f"10.0.0.{n + 1}", "AWS_INSTANCE_IPV6": f"fd00::{n + 1}", "AWS_INSTANCE_PORT": "80"})


@pytest.fixture(scope="module")
def asked(daemon):
    fill(daemon.api)
    return Dns(daemon)


def plain(kind=1, name=NAME, flags=0x0100, identity=0x1234, klass=1):
    labels = b"".join(bytes([len(one)]) + one.encode() for one in name.split("."))
    return struct.pack("!HHHHHH", identity, flags, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!HH", kind, klass)


class TestDig:
    """RFC 8906: nothing of this may stay without an answer, or get one that a resolver would not understand."""

    @pytest.mark.parametrize(("words", "wanted", "unwanted"), [
        (("+noedns", "+norec", "SOA"), ["status: NOERROR", "flags: qr aa;"], ["OPT PSEUDO"]),
        (("+noedns", "TYPE1000"), ["status: NOERROR", "AUTHORITY: 1"], ["OPT PSEUDO"]),
        (("+noedns", "+cdflag", "A"), ["status: NOERROR", "ANSWER: 1"], [" ad;", " cd;"]),
        (("+noedns", "+adflag", "A"), ["status: NOERROR", "ANSWER: 1"], [" ad;", " ad "]),
        (("+noedns", "+zflag", "A"), ["status: NOERROR", "ANSWER: 1"], ["MBZ"]),
        (("+noedns", "+opcode=15", "+header-only"), ["status: NOTIMP", "opcode: RESERVED15"], []),
        (("+noedns", "+tcp", "A"), ["status: NOERROR", "ANSWER: 1"], []),
        (("+edns=0", "+nocookie", "A"), ["status: NOERROR", "EDNS: version: 0, flags:; udp: 1232"], []),
        (("+edns=100", "+noednsneg", "+nocookie", "SOA"), ["status: BADVERS", "EDNS: version: 0", "ANSWER: 0"], ["SOA\tns"]),
        (("+ednsopt=100", "+nocookie", "A"), ["status: NOERROR", "ANSWER: 1"], ["OPT=100"]),
        (("+ednsflags=0x80", "+nocookie", "A"), ["status: NOERROR", "EDNS: version: 0, flags:;"], ["MBZ"]),
        (("+edns=100", "+noednsneg", "+ednsopt=100", "+nocookie", "A"), ["status: BADVERS"], ["OPT=100"]),
        (("+edns=100", "+noednsneg", "+ednsflags=0x80", "+nocookie", "A"), ["status: BADVERS"], ["MBZ"]),
        (("+dnssec", "+nocookie", "A"), ["status: NOERROR", "EDNS: version: 0, flags: do;"], []),
        (("+bufsize=512", "+dnssec", "+nocookie", "A"), ["status: NOERROR"], [" tc"]),
        (("+edns=0", "+tcp", "+nocookie", "A"), ["status: NOERROR", "EDNS: version: 0"], []),
        (("+cookie", "+nsid", "+ednsopt=100", "+expire", "A"), ["status: NOERROR", "(good)"], ["OPT=100", "NSID"]),
        (("+subnet=192.0.2.0/24", "+nocookie", "A"), ["status: NOERROR", "ANSWER: 1"], ["CLIENT-SUBNET"]),
        (("+keepalive", "+tcp", "A"), ["status: NOERROR", "TCP KEEPALIVE: 20.0 secs"], []),
        (("ANY",), ["status: NOERROR", "ANSWER: 1"], []),
        (("+noedns", "AXFR", "+tcp"), ["Transfer failed"], []),
        (("-c", "CH", "TXT"), ["status: REFUSED"], []),
    ])
    def test_compliance(self, asked, words, wanted, unwanted):
        said = asked.dig("+nobadcookie", *words, NAME)
        for one in wanted:
            assert one in said, said
        for one in unwanted:
            assert one not in said, said

    def test_reasons(self, asked):
        assert "EDE: 20 (Not Authoritative)" in asked.dig("www.example.org")
        assert "EDE: 0 (Other): (there is no service or instance of this name)" in asked.dig("none.wire.example")
        assert "EDE: 0 (Other): (the service has no records of this type)" in asked.dig(NAME, "MX")

    def test_a_cookie_that_came_back_is_good(self, asked):
        said = asked.dig(NAME)
        cookie = re.search(r"COOKIE: ([0-9a-f]{48}) \(good\)", said)[1]
        assert "(good)" in asked.dig(f"+cookie={cookie[:16]}", NAME)

    def test_kdig(self, asked):
        done = subprocess.run(["kdig", f"@{asked.host}", "-p", str(asked.port), "+tcp", "+keepopen", NAME, NAME, "SRV"],
                              capture_output=True, text=True, check=False)
        assert done.returncode == 0 and "status: NOERROR" in done.stdout, done.stdout + done.stderr

    @pytest.mark.parametrize("how", [("-i",), ("-i", "+tcp"), ("+noroot",)])
    def test_delv(self, asked, how):
        """A resolver of BIND's that looks at each answer as one that validates does; no anchor makes it expect signatures."""

        def said(*words):
            done = subprocess.run(["delv", f"@{asked.host}", "-p", str(asked.port), *how, *words], capture_output=True,
                                  text=True, check=False, timeout=60)
            return [" ".join(line.split()) for line in (done.stdout + done.stderr).splitlines() if line]

        assert said(NAME) == ["; authoritative", f"{NAME}. 60 IN A 10.0.0.1"]
        many = said("_many._tcp.wire.example", "SRV")
        assert many[0] == "; authoritative" and len(many) == 9 and all(" SRV 1 1 80 " in line for line in many[1:])
        for name, kind, why in ((f"none.{NAME}", "A", "NXDOMAIN"), (NAME, "MX", "NXRRSET")):
            negative = said(name, kind)
            assert negative[0] == "; negative response, answer not validated" and f";-${why}" in negative[1]
            assert negative[2].startswith("; wire.example. SOA ns.invalid. hostmaster.wire.example. ")
        assert said("www.example.org")[-1] == ";; resolution failed: failure"


class TestNsid:
    def test_only_when_there_is_one_and_it_is_asked_for(self, start_daemon):
        daemon = start_daemon({"dns.nsid": "node-7", "dns.name_servers": "ns1.example.net, ns2.example.net"})
        fill(daemon.api)
        asked = Dns(daemon)
        assert "NSID: 6e 6f 64 65 2d 37" in asked.dig("+nsid", NAME)
        assert "NSID" not in asked.dig(NAME)
        assert asked.answers("wire.example", "NS") == ["ns1.example.net.", "ns2.example.net."]
        assert asked.answers("wire.example", "SOA")[0].startswith("ns1.example.net. ")


class TestMalformed:
    @pytest.mark.parametrize(("title", "octets"), [
        ("two questions", plain()[:5] + b"\2" + plain()[6:] + plain()[12:]),
        ("no question", plain()[:5] + b"\0" + plain()[6:12]),
        ("a question that ends early", plain()[:-3]),
        ("a name that ends early", plain()[:20]),
        ("a name that points to itself", plain()[:12] + b"\xc0\x0c\0\1\0\1"),
        ("a name that points forwards", plain()[:12] + b"\xc0\x12\0\1\0\1\0"),
        ("a label that is too long", plain()[:12] + b"\x40" + b"a" * 64 + b"\0\0\1\0\1"),
        ("a name that is too long", plain()[:12] + b"\1a" * 128 + b"\0\0\1\0\1"),
        ("an answer in the query", plain()[:7] + b"\1" + plain()[8:] + b"\xc0\x0c\0\1\0\1\0\0\0\0\0\4\1\2\3\4"),
        ("authority in the query", plain()[:9] + b"\1" + plain()[10:] + b"\xc0\x0c\0\1\0\1\0\0\0\0\0\4\1\2\3\4"),
        ("octets behind the query", plain() + b"\0"),
        ("an additional record that is missing", plain()[:11] + b"\1" + plain()[12:]),
        ("two OPT records", plain()[:11] + b"\2" + plain()[12:] + b"\0\0\x29\4\xd0\0\0\0\0\0\0" * 2),
        ("OPT not at the root", plain()[:11] + b"\1" + plain()[12:] + b"\1a\0\0\x29\4\xd0\0\0\0\0\0\0"),
        ("an option that ends early", plain()[:11] + b"\1" + plain()[12:] + b"\0\0\x29\4\xd0\0\0\0\0\0\4\0\x0a\0\x08"),
        ("a cookie of seven", plain()[:11] + b"\1" + plain()[12:] + b"\0\0\x29\4\xd0\0\0\0\0\0\x0b\0\x0a\0\x07abcdefg"),
        ("TSIG that is not last", plain()[:11] + b"\2" + plain()[12:] + b"\1k\0\0\xfa\0\xff\0\0\0\0\0\0"
         + b"\0\0\x29\4\xd0\0\0\0\0\0\0"),
        ("TSIG of class IN", plain()[:11] + b"\1" + plain()[12:] + b"\1k\0\0\xfa\0\1\0\0\0\0\0\0"),
        ("asking for OPT", plain(kind=41)),
        ("longer than any query", plain() + b"\0" * 3000),
    ])
    def test_gets_a_bare_header(self, asked, title, octets):
        answer = asked.send(octets)
        assert answer == b"\x12\x34\x81\1" + bytes(8), (title, answer)

    @pytest.mark.parametrize("octets", [b"", b"\x12\x34", plain()[:11], plain(flags=0x8100), plain(flags=0x8100)[:12]])
    def test_gets_nothing(self, asked, octets):
        assert asked.send(octets, timeout=0.2) is None
        assert asked.send(plain()) is not None

    def test_other_opcodes(self, asked):
        for opcode in range(1, 16):
            answer = asked.send(plain(flags=opcode << 11))
            assert answer == b"\x12\x34" + struct.pack("!H", 0x8004 | opcode << 11) + bytes(8), opcode

    def test_other_classes(self, asked):
        for klass in (0, 2, 3, 4, 254, 255, 65535):
            assert asked.send(plain(klass=klass))[3] & 15 == dns.rcode.REFUSED

    def test_names_of_any_octets(self, asked):
        """Labels hold any octets (RFC 2181 11), and the question comes back as it was (RFC 4343)."""
        every = bytes(range(256))
        for label in (every[:63], every[63:126], every[126:189], every[189:252], every[252:] + b".\\"):
            question = bytes([len(label)]) + label + plain()[12:]
            answer = asked.send(plain()[:12] + question)
            assert answer[3] & 15 == dns.rcode.NXDOMAIN and answer[12:12 + len(question)] == question

    def test_special_names_are_nobodys(self, asked):
        """RFC 6761, 7686: nothing is known of them here, and nothing is said of the root."""
        for name in ("localhost", "x.localhost", "x.onion", "x.invalid", "x.test", "1.0.0.10.in-addr.arpa", "x.local", "."):
            answer = asked.query(name, "A")
            assert answer.rcode() == dns.rcode.REFUSED and not any(answer.sections[1:]), name

    def test_every_type_of_a_name_that_exists(self, asked):
        for kind in [*range(0, 250), 256, 257, 1000, 65280, 65535]:
            if kind in (1, 41):
                continue
            answer = dns.message.from_wire(asked.send(plain(kind=kind)))
            assert (answer.rcode(), len(answer.answer), len(answer.authority)) == (0, 0, 1), (kind, answer)

    def test_noise(self, asked):
        """Queries with octets changed: each gets an answer or is no query, and the server goes on."""
        rand = random.Random(5)
        base = dns.message.make_query(NAME, "A", use_edns=0, options=[dns.edns.GenericOption(10, b"12345678")]).to_wire()
        for _ in range(2000):
            octets = bytearray(base)
            for _ in range(rand.randint(1, 6)):
                octets[rand.randrange(len(octets))] = rand.randrange(256)
            octets[2] &= 0x7f  # no answers: nothing would come
            answer = asked.send(bytes(octets[:rand.randint(12, len(octets))]))
            assert answer[:2] == octets[:2] and answer[2] & 0x80


class TestSize:
    def test_truncated_only_when_records_of_the_answer_are_missing(self, asked):
        name = "_many._tcp.wire.example"
        small = asked.query(name, "SRV")
        assert small.flags & dns.flags.TC and not small.answer and not small.additional
        large = asked.query(name, "SRV", use_edns=0, payload=1000)
        assert not large.flags & dns.flags.TC and len(large.answer[0]) == 8
        assert 0 < len(large.additional) < 16 and len(large.to_wire()) <= 1000
        whole = asked.query(name, "SRV", tcp=True)
        assert len(whole.answer[0]) == 8 and len(whole.additional) == 16
        more = asked.query(name, "SRV", use_edns=0, payload=4096)
        assert len(more.to_wire()) <= 1232  # no more than the server wants to send

    def test_udp_size(self, start_daemon):
        daemon = start_daemon({"dns.udp_size": "4096"})
        fill(daemon.api)
        answer = Dns(daemon).query("_many._tcp.wire.example", "SRV", use_edns=0, payload=4096)
        assert len(answer.additional) == 16

    def test_dig_falls_back_to_tcp(self, asked):
        said = asked.dig("+noedns", "_many._tcp.wire.example", "SRV")
        assert "Truncated, retrying in TCP mode" in said and "ANSWER: 8" in said and "ADDITIONAL: 16" in said


class TestTcp:
    def test_pipelining(self, asked):
        with asked.connect() as s:
            s.sendall(b"".join(framed(plain(identity=n)) for n in range(500)))
            seen = [struct.unpack("!H", receive(s)[:2])[0] for _ in range(500)]
            assert sorted(seen) == list(range(500))

    def test_pieces(self, asked):
        octets = framed(plain()) + framed(plain(identity=2))
        with asked.connect() as s:
            for one in octets:
                s.sendall(bytes([one]))
            assert receive(s)[:2] == b"\x12\x34" and receive(s)[:2] == b"\0\2"

    def test_a_client_that_reads_late(self, asked):
        """More answers than the socket takes: the rest waits, nothing is lost."""
        count = 40000
        with asked.connect() as s:
            many = framed(plain(33, "_many._tcp.wire.example"))
            s.settimeout(0.5)
            sent, data = 0, many * count
            try:
                while sent < len(data):
                    sent += s.send(data[sent:sent + 65536])
            except TimeoutError:
                pass
            s.settimeout(10)
            for _ in range(sent // len(many)):
                assert receive(s)[7] == 8

    def test_what_is_no_query_ends_the_connection(self, asked):
        for bad in (b"\0\0", b"\0\5hello", b"\xff\xff", framed(plain(flags=0x8000))):
            with asked.connect() as s:
                s.sendall(framed(plain()) + bad)
                assert receive(s)[:2] == b"\x12\x34"
                assert receive(s) is None

    def test_idle(self, start_daemon):
        daemon = start_daemon({"dns.tcp_idle_timeout": "1s"})
        with Dns(daemon).connect() as s:
            s.sendall(framed(plain()))
            assert receive(s)
            began = time.monotonic()
            assert receive(s) is None
            assert 0.9 < time.monotonic() - began < 3

    def test_slow(self, asked):
        """Nothing at all for 3 s, or half a message for 2 s, ends a connection."""
        with asked.connect() as silent, asked.connect() as half:
            half.sendall(framed(plain()))
            assert receive(half)
            half.sendall(b"\0")
            began = time.monotonic()
            assert receive(half) is None
            assert 1.8 < time.monotonic() - began < 4
            assert receive(silent) is None
            assert 2.5 < time.monotonic() - began < 5

    def test_places(self, start_daemon):
        daemon = start_daemon({"dns.tcp_connections": "4", "dns.workers": "1"})
        asked = Dns(daemon)
        streams = [asked.connect() for _ in range(4)]
        for s in streams:
            s.sendall(framed(plain()))
            assert receive(s)
        with asked.connect() as fifth:
            assert _is_closed(fifth)
        streams.pop().close()
        until(lambda: _metric(daemon, "cloudmap_dns_tcp_connections"), lambda n: n == 3)
        assert asked.query(NAME, tcp=True)
        for s in streams:
            s.close()


def _is_closed(stream):
    try:
        return receive(stream) is None
    except ConnectionError:
        return True


def _metric(daemon, name):
    text = daemon.api.http("GET", "/metrics").body.decode()
    return int(re.search(rf"^{re.escape(name)} (\d+)$", text, re.M)[1])


class TestSockets:
    @pytest.mark.parametrize("place", ["0.0.0.0:0", "[::]:0"])
    def test_answers_leave_from_the_address_that_was_asked(self, start_daemon, place):
        daemon = start_daemon(args=["--dns", place])
        port = Dns(daemon).port
        for address in ("127.0.0.1", "127.0.0.2", "127.9.9.9") if place[0] == "0" else ("::1",):
            family = socket.AF_INET if place[0] == "0" else socket.AF_INET6
            with socket.socket(family, socket.SOCK_DGRAM) as s:  # connected: others are not heard
                s.settimeout(10)
                s.connect((address, port))
                s.send(plain())
                assert s.recv(512)[:2] == b"\x12\x34"

    def test_several_addresses(self, start_daemon):
        daemon = start_daemon(args=["--dns", "127.0.0.1:0,127.0.0.2:0,[::1]:0"])
        places = daemon.ready["dns"].split(",")
        assert len(places) == 3
        for place in places:
            host, _, port = place.rpartition(":")
            done = subprocess.run(["dig", f"@{host.strip('[]')}", "-p", port, "+tries=1", "+time=5", NAME],
                                  capture_output=True, text=True, check=False)
            assert "status: REFUSED" in done.stdout, done.stdout

    def test_a_second_daemon_is_refused(self, start_daemon, tmp_path):
        first = start_daemon()
        second = subprocess.run([binary(), "--data", tmp_path / "second", "--api", "127.0.0.1:0", "--dns",
                                 first.ready["dns"]], capture_output=True, text=True, check=False, timeout=30)
        assert second.returncode == 69, second
        assert f"Cannot answer DNS on {first.ready['dns']}: another process answers there" in second.stderr

    def test_more_workers(self, start_daemon):
        daemon = start_daemon({"dns.workers": "4"})
        fill(daemon.api)
        asked = Dns(daemon)
        for _ in range(100):
            assert asked.answers(NAME) == ["10.0.0.1"]
            assert asked.answers(NAME, tcp=True) == ["10.0.0.1"]

    def test_stops_at_once(self, start_daemon):
        daemon = start_daemon()
        asked = Dns(daemon)
        with asked.connect() as s:
            s.sendall(framed(plain()))
            assert receive(s)
            began = time.monotonic()
            assert daemon.stop() == 0
            assert time.monotonic() - began < 5
            assert _is_closed(s)


class TestMetrics:
    def test_what_was_asked_is_counted(self, start_daemon):
        daemon = start_daemon()
        fill(daemon.api)
        asked = Dns(daemon)
        for _ in range(3):
            asked.query(NAME)
        asked.query("none.wire.example", "AAAA", tcp=True)
        asked.query("_many._tcp.wire.example", "SRV")
        asked.send(b"\0", timeout=0.05)
        wanted = {'queries_total{type="A"}': 3, 'queries_total{type="AAAA"}': 1, 'queries_total{type="SRV"}': 1,
                  'answers_total{rcode="NOERROR"}': 4, 'answers_total{rcode="NXDOMAIN"}': 1, "truncated_total": 1,
                  "dropped_total": 1, "tcp_accepted_total": 1, "duration_seconds_count": 5}
        until(lambda: {name: _metric(daemon, f"cloudmap_dns_{name}") for name in wanted}, lambda seen: seen == wanted, 5)
