# SPDX-License-Identifier: Apache-2.0
"""What RFC 8906 wants asked of a server, at a zone's apex and over both transports: each query gets an answer, and the one
that resolvers understand. Then the shapes of messages that BIND's own tests hold for malformed, each of which gets a header
with FORMERR and nothing else."""

import struct

import dns.edns
import dns.flags
import dns.message
import dns.opcode
import dns.rcode
import pytest

from support.dns import Dns, framed, receive

ZONE = "comply.example"
KNOWN, OTHER = b"\3web\6comply\7example\0", b"\4mail\6comply\7example\0"
IN, CH, ANY = 1, 3, 255
A, SOA, KEY, TSIG, OPT = 1, 6, 25, 250, 41
MALFORMED = struct.pack("!HHHHHH", 0x1234, 0x8101, 0, 0, 0, 0)


@pytest.fixture(scope="module")
def asked(daemon):
    namespace = daemon.api.namespace(ZONE, "DNS_PUBLIC")
    service = daemon.api.service(namespace, "web", DnsConfig={"DnsRecords": [{"Type": "A", "TTL": 60}]})
    daemon.api.register(service, "i", {"AWS_INSTANCE_IPV4": "10.0.0.1"})
    return Dns(daemon)


UNKNOWN = dns.edns.GenericOption(100, b"12345")
MANY = [dns.edns.GenericOption(dns.edns.COOKIE, b"12345678"), dns.edns.GenericOption(dns.edns.NSID, b""), UNKNOWN,
        dns.edns.GenericOption(9, b""), dns.edns.ECSOption("192.0.2.0", 24)]

# (title, type, flags, EDNS, flags that come back, answers)
PLAIN = dns.flags.QR | dns.flags.AA
QUERIES = [
    ("plain", "SOA", 0, None, PLAIN, 1),
    ("recursion desired", "SOA", dns.flags.RD, None, PLAIN | dns.flags.RD, 1),
    ("an unknown type", "TYPE1000", 0, None, PLAIN, 0),
    ("CD", "SOA", dns.flags.CD, None, PLAIN, 1),
    ("AD", "SOA", dns.flags.AD, None, PLAIN, 1),
    ("the reserved bit", "SOA", 0x40, None, PLAIN, 1),
    ("EDNS", "SOA", 0, {}, PLAIN, 1),
    ("an unknown option", "SOA", 0, {"options": [UNKNOWN]}, PLAIN, 1),
    ("an unknown flag", "SOA", 0, {"ednsflags": 0x80}, PLAIN, 1),
    ("every unknown flag", "SOA", 0, {"ednsflags": 0x7fff}, PLAIN, 1),
    ("DO", "SOA", 0, {"ednsflags": 0x8000}, PLAIN, 1),
    ("DO and 512", "SOA", 0, {"ednsflags": 0x8000, "payload": 512}, PLAIN, 1),
    ("a list of options", "SOA", 0, {"options": MANY}, PLAIN, 1),
    ("an unknown type with EDNS", "TYPE1000", 0, {"ednsflags": 0x8000}, PLAIN, 0),
]
VERSIONS = [("version 1", {}), ("an option", {"options": [UNKNOWN]}), ("a flag", {"ednsflags": 0x80}),
            ("DO", {"ednsflags": 0x8000})]


@pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])
class TestQueries:
    @pytest.mark.parametrize(("title", "kind", "flags", "edns", "back", "count"), QUERIES, ids=[one[0] for one in QUERIES])
    def test_answered(self, asked, tcp, title, kind, flags, edns, back, count):
        message = dns.message.make_query(ZONE, kind)
        message.flags = flags
        if edns is not None:
            message.use_edns(0, **edns)
        answer = asked.exchange(message, tcp)
        assert (answer.rcode(), answer.flags, len(answer.answer), len(answer.authority)) == (0, back, count, not count)
        assert answer.edns == (-1 if edns is None else 0)
        if edns is not None:
            assert answer.ednsflags == edns.get("ednsflags", 0) & 0x8000
            assert {one.otype for one in answer.options} <= {dns.edns.COOKIE, dns.edns.EDE}, answer.options

    @pytest.mark.parametrize(("title", "edns"), VERSIONS, ids=[one[0] for one in VERSIONS])
    @pytest.mark.parametrize("version", [1, 100, 255])
    def test_of_another_version(self, asked, tcp, title, edns, version):
        """The DO bit belongs to the version that the server has, and is copied."""
        message = dns.message.make_query(ZONE, "SOA")
        message.use_edns(version, **edns)
        answer = asked.exchange(message, tcp)
        assert (answer.rcode(), answer.edns, answer.answer, answer.authority) == (dns.rcode.BADVERS, 0, [], [])
        assert not answer.ednsflags & 0x7fff and not answer.options

    @pytest.mark.parametrize("opcode", [15, 1, 2, 3, 6])
    def test_of_another_opcode(self, asked, tcp, opcode):
        query = struct.pack("!HHHHHH", 0x1234, opcode << 11, 0, 0, 0, 0)
        assert exchange(asked, query, tcp) == struct.pack("!HHHHHH", 0x1234, 0x8004 | opcode << 11, 0, 0, 0, 0)


def message(*sections):
    """A query with the records of four sections, each a list of octets."""
    lists = [*sections, *[()] * (4 - len(sections))]
    return struct.pack("!HH4H", 0x1234, 0x0100, *map(len, lists)) + b"".join(b"".join(one) for one in lists)


def question(name=KNOWN, kind=A, klass=IN):
    return name + struct.pack("!HH", kind, klass)


def record(name=b"\xc0\x0c", kind=A, klass=IN, data=b"\1\2\3\4", size=None, ttl=60):
    return name + struct.pack("!HHIH", kind, klass, ttl, len(data) if size is None else size) + data


def opt(name=b"\0", data=b""):
    return record(name, OPT, 1232, data, ttl=0)


def tsig(klass=ANY, ttl=0):
    data = b"\x0bhmac-sha256\0" + bytes(6) + struct.pack("!HH", 300, 0) + struct.pack("!HHH", 0x1234, 0, 0)
    return record(b"\3key\0", TSIG, klass, data, ttl=ttl)


SHAPES = {
    "nametoolong": message([question(b"\x3f" + b"a" * 63 + (b"\x3f" + b"b" * 63) * 3 + b"\1c\0")]),
    "labeltoolong": message([question(b"\x7f" + b"a" * 127 + b"\0")]),
    "extendedlabel": message([question(b"\x41" + b"a" * 65 + b"\0")]),
    "twoquestionnames": message([question(), question(OTHER)]),
    "twoquestiontypes": message([question(), question(kind=SOA)]),
    "twoquestionclasses": message([question(), question(klass=CH)]),
    "dupquestion": message([question(), question()]),
    "noquestions": message([]),
    "noquestionswithopt": message([], [], [], [opt()]),
    "dupans": message([question()], [record(), record()]),
    "qtypeasanswer": message([question()], [record(kind=ANY)]),
    "wrongclass": message([question()], [record(klass=CH)]),
    "keyclass": message([question(kind=KEY)], [record(kind=KEY, klass=CH)]),
    "authority": message([question()], [], [record()]),
    "shortrecord": message([question()], [], [], [record()[:-5]]),
    "shortdata": message([question()], [], [], [record(size=5)]),
    "shorthead": message([question()], [], [], [b"\xc0\x0c\0\1\0"]),
    "shortquestion": message([question()])[:-1],
    "questionnameonly": message([question()])[:-4],
    "badrecordname": message([question()], [], [], [record(b"\xc0\xff")]),
    "recordnameloop": message([question()], [], [], [record(b"\xc0\x26")]),
    "recordnameahead": message([question()], [], [], [record(b"\xc0\x27")]),
    "trailing": message([question()]) + b"x",
    "missingrecord": message([question()], [], [], [record(), b""]),
    "twoopts": message([question()], [], [], [opt(), opt()]),
    "optwrongname": message([question()], [], [], [opt(KNOWN)]),
    "optshortoption": message([question()], [], [], [opt(data=b"\0\x64\0")]),
    "optlongoption": message([question()], [], [], [opt(data=b"\0\x64\0\5abc")]),
    "optinanswer": message([question()], [opt()]),
    "tsigwrongclass": message([question()], [], [], [tsig(klass=IN)]),
    "tsignotlast": message([question()], [], [], [tsig(), opt()]),
    "twotsigs": message([question()], [], [], [tsig(), tsig()]),
    "tsiginanswer": message([question()], [tsig()]),
}


def exchange(asked, octets, tcp):
    if not tcp:
        return asked.send(octets)
    with asked.connect() as stream:
        stream.sendall(framed(octets) + framed(message([question()])))
        answers = {one[5]: one for one in (receive(stream), receive(stream))}
        assert answers[1][3] & 15 == 0, "the connection goes on"
        return answers[0]


@pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])
@pytest.mark.parametrize("title", SHAPES)
def test_malformed(asked, title, tcp):
    assert exchange(asked, SHAPES[title], tcp) == MALFORMED
