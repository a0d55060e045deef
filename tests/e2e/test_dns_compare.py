# SPDX-License-Identifier: Apache-2.0
"""Random queries, asked of the daemon and of Knot with the same zones. Each difference must have one of the reasons below;
DNS_QUERIES says how many queries, DNS_SEED which."""

import collections
import os
import random
import socket

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdatatype
import pytest

from support import peer
from support.dns import Dns, framed, receive
from support.questions import A, AAAA, ANY, AXFR, CNAME, DS, IXFR, NSEC, RRSIG, SOA, SRV, TSIG, Questions
from support.zonefile import zone_files

QUERIES = int(os.environ.get("DNS_QUERIES", "10000"))  # 100,000 is the long form
ZONES = ("compare.example", "deep.sub.compare.example", "other.test")
MAX_ANSWERS = 8
TC = dns.flags.TC
WINDOW = 32


def fill(api, chance):
    def config(*types, policy="MULTIVALUE"):
        return {"RoutingPolicy": policy, "DnsRecords": [{"Type": one, "TTL": chance.choice((0, 1, 60, 86400))}
                                                        for one in types]}

    def attributes(n, six=False):
        found = {"AWS_INSTANCE_IPV4": f"10.{chance.randrange(256)}.{n // 250}.{n % 250}", "AWS_INSTANCE_PORT": str(1 + n)}
        return found | ({"AWS_INSTANCE_IPV6": f"fd00::{chance.randrange(1, 65536):x}:{n + 1:x}"} if six else {})

    for zone in ZONES:
        namespace = api.namespace(zone, "DNS_PUBLIC", Properties={"DnsProperties": {"SOA": {"TTL": chance.randrange(900)}}})

        def service(name, *types, namespace=namespace, **options):
            return api.service(namespace, name, DnsConfig=config(*types, **options))

        for name, count, types, policy in ((".", 2, ("A",), "MULTIVALUE"), ("web", 3, ("A", "AAAA"), "MULTIVALUE"),
                                           ("v6", 8, ("AAAA",), "MULTIVALUE"), ("none", 0, ("A",), "MULTIVALUE"),
                                           ("one.of.many", 4, ("A",), "MULTIVALUE"), ("big", 20, ("A",), "MULTIVALUE"),
                                           ("some", 5, ("A", "AAAA"), "WEIGHTED"), ("a.b.c.d", 1, ("A",), "WEIGHTED")):
            made = service(name, *types, policy=policy)
            for n in range(count):
                api.register(made, f"i-{n}", attributes(n, six="AAAA" in types))
        for name, ids in (("_http._tcp", ("i-1", "Node.2", "10.1.2.3", "a:b/c@d_e", "x" * 63)), ("_udp", ("one",)),
                          ("large", [f"{n:02d}" + "y" * 48 for n in range(8)]), ("_more._tcp", [f"m{n}" for n in range(12)])):
            made = service(name, "SRV")
            for n, one in enumerate(ids):
                api.register(made, one, attributes(n, six=n % 2))
        for name, to in (("to-web", f"web.{zone}"), ("to-to", f"to-web.{zone}"), ("to-big", f"big.{zone}"),
                         ("to-nothing", f"nothing.{zone}"), ("to-ent", f"b.c.d.{zone}"), ("to-world", "www.elsewhere.net"),
                         ("to-other", f"web.{ZONES[(ZONES.index(zone) + 1) % 3]}"), ("to-srv", f"_http._tcp.{zone}"),
                         ("ring-1", f"ring-2.{zone}"), ("ring-2", f"ring-1.{zone}"), ("self", f"self.{zone}")):
            api.register(service(name, "CNAME", policy="WEIGHTED"), "c", {"AWS_INSTANCE_CNAME": to})


class Reply:
    """An answer in a form that can be compared: names in lower case, sections as sets of records."""

    def __init__(self, octets):
        self.size, self.rcode, self.flags = len(octets), octets[3] & 15, octets[2] << 8 | octets[3] & 0xf0
        self.question = self.edns = None
        self.answer = self.authority = self.additional = frozenset()
        if self.size > 12 and not octets[2] & 0x78:
            message = dns.message.from_wire(octets, one_rr_per_rrset=True)
            self.rcode = int(message.rcode())
            self.question = [(one.name.labels, one.rdtype, one.rdclass) for one in message.question]
            self.edns = (message.edns, message.ednsflags) if message.edns >= 0 else None
            self.answer, self.authority, self.additional = map(_records, message.sections[1:])
            assert sum(map(len, message.sections[1:])) == len(self.answer) + len(self.authority) + len(self.additional), "twice"

    def parts(self):
        return self.rcode, self.flags, self.question, self.edns, self.answer, self.authority, self.additional

    def __repr__(self):
        return (f"{dns.rcode.to_text(self.rcode)} flags {self.flags:04x} edns {self.edns} {self.size} octets\n"
                f"    {sorted(self.answer)}\n    {sorted(self.authority)}\n    {sorted(self.additional)}")


def _records(section):
    return frozenset((one.name.to_text().lower(), int(one.rdtype), one.ttl, data.to_text().lower()) for one in section for data in one)


class Zones:
    """What the zone files hold, to judge differences by."""

    def __init__(self, files):
        self.records, self.zones = collections.defaultdict(set), {f"{zone}." for zone in files}
        for line in "".join(files.values()).splitlines():
            name, ttl, _, kind, data = line.split(maxsplit=4)
            rdata = dns.rdata.from_text("IN", kind, data).to_text().lower()
            kind = int(dns.rdatatype.from_text(kind))
            name = dns.name.from_text(name).to_text()
            self.records[name, kind].add((name, kind, int(ttl), rdata))

    def wanted(self, name, kind):
        """How many records of the name and type an answer has."""
        return min(len(self.records[name, kind]), 1 if name.startswith("some.") else MAX_ANSWERS)

    def is_choice(self, answer, whole):
        """Whether the answer is `whole`, but for a choice among the records of names that have more than an answer may."""
        sets = collections.Counter((one[0], one[1]) for one in whole)
        found = collections.Counter((one[0], one[1]) for one in answer)
        return answer <= whole and all(found[one] == self.wanted(*one) for one in sets)

    def is_addresses(self, reply, question, tcp):
        """Whether the additional section holds the addresses of the answer's SRV targets, all that there is room for."""
        targets = [one[3].split()[3] for one in reply.answer if one[1] == SRV]
        every = {one for target in targets for kind in (A, AAAA) for one in self.records[target, kind]}
        # an owner that was seen is two octets, and ten come before the data
        sizes = [reply.size + 12 + (4 if one[1] == A else 16) for one in every - reply.additional]
        return reply.additional <= every and all(not tcp and size > question.limit for size in sizes)

    def zone_of(self, name):
        """The zone that speaks for the name; None when it is not ours."""
        return max((zone for zone in self.zones if name == zone or name.endswith(f".{zone}")), key=len, default=None)

    def is_above(self, name):
        """Whether a zone of its own hangs below the name, which has no other reason to exist."""
        return any(zone.endswith(f".{name}") for zone in self.zones)


def no_class(question, ours, theirs, zones, tcp):
    """Only class IN is served; Knot takes ANY for it, and does not know the others."""
    return question.klass != 1 and ours.rcode == dns.rcode.REFUSED


def no_opcode(question, ours, theirs, zones, tcp):
    """Knot knows NOTIFY and UPDATE."""
    return question.opcode and ours.rcode == dns.rcode.NOTIMP


def transfer(question, ours, theirs, zones, tcp):
    """All refuse; Knot says NOTAUTH for names that are no zones, and NOTIMP for AXFR over UDP."""
    return (question.type in (AXFR, IXFR) and ours.rcode == dns.rcode.REFUSED and not ours.answer
            and theirs.rcode in (dns.rcode.REFUSED, dns.rcode.NOTAUTH, dns.rcode.NOTIMP))


def meta_type(question, ours, theirs, zones, tcp):
    """A question for TSIG is none, as BIND has it; type 0 is a type as any other, where Knot says NOTIMP."""
    return question.type == TSIG and ours.rcode == dns.rcode.FORMERR or not question.type and theirs.rcode == dns.rcode.NOTIMP


def beside_cname(question, ours, theirs, zones, tcp):
    """In signed zones, which ours never are, these types may stand beside a CNAME: Knot does not follow it for them."""
    return question.type in (NSEC, RRSIG) and zones.records[question.name, 5] and not theirs.answer


def above_zone(question, ours, theirs, zones, tcp):
    """A name above another of our zones exists (RFC 8020: something is below it); Knot's zones do not know of each other."""
    return (zones.is_above(question.name) and (ours.rcode, theirs.rcode) == (dns.rcode.NOERROR, dns.rcode.NXDOMAIN)
            and (ours.answer, ours.authority) == (theirs.answer, theirs.authority))


def parent_side(question, ours, theirs, zones, tcp):
    """DS of a zone below another of ours: none, said by the zone itself; Knot asks the one above, which has no delegation."""
    return (question.type == DS and question.name in zones.zones and (ours.rcode, ours.answer) == (dns.rcode.NOERROR, frozenset())
            and ours.authority == frozenset(zones.records[question.name, SOA]) and theirs.rcode == dns.rcode.NXDOMAIN)


def choice(question, ours, theirs, zones, tcp):
    """Cloud Map's answers are a choice of the records that Knot gives, with the addresses that go with it. The choice may fit
    where the whole does not."""
    if theirs.flags & TC and not ours.flags & TC:
        whole = frozenset().union(*(zones.records[one[0], one[1]] for one in ours.answer))
    else:
        whole = theirs.answer
    return (ours.rcode == theirs.rcode and ours.flags == theirs.flags & ~TC and ours.edns == theirs.edns
            and (ours.authority == theirs.authority or theirs.flags & TC) and zones.is_choice(ours.answer, whole)
            and zones.is_addresses(ours, question, tcp))


def other_zone(question, ours, theirs, zones, tcp):
    """A CNAME record that leads into another of our zones is followed there; Knot stops."""
    leads = [one[3] for one in theirs.answer if one[1] == CNAME and zones.zone_of(one[0]) != zones.zone_of(one[3])]
    if not leads or theirs.flags & TC or ours.flags & TC:
        return False
    (there,) = leads
    more = ours.answer - theirs.answer
    whole = zones.records[there, question.type]
    return (theirs.answer <= ours.answer and ours.rcode in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN) and zones.is_choice(more, whole)
            and zones.is_addresses(ours, question, tcp)
            and ours.authority == (frozenset() if more else frozenset(zones.records[zones.zone_of(there), SOA])))


REASONS = (no_class, no_opcode, transfer, meta_type, beside_cname, above_zone, parent_side, choice, other_zone)


class Server:
    """Takes many queries at once."""

    def __init__(self, place):
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.connect(place)
        self.udp.settimeout(10)
        self.place = place

    def ask(self, questions, tcp):
        """The answers' octets, in the order of the questions."""
        queries = [one.octets for one in questions]
        if tcp:
            with socket.create_connection(self.place, timeout=10) as stream:
                stream.sendall(b"".join(map(framed, queries)))
                answers = [receive(stream) for _ in queries]
        else:
            for one in queries:
                self.udp.send(one)
            answers = [self.udp.recv(65535) for _ in queries]
        assert None not in answers, "a connection was closed before it had answered"
        found = {one[:2]: one for one in answers}
        return [found[one[:2]] for one in queries]

    def close(self):
        self.udp.close()


@pytest.fixture(scope="module")
def chance():
    seed = int(os.environ.get("DNS_SEED", random.SystemRandom().randrange(1 << 32)))
    print(f"DNS_SEED={seed}")
    return random.Random(seed)


def test_the_same_as_knot(start_daemon, tmp_path, chance):
    daemon = start_daemon()
    fill(daemon.api, chance)
    files = zone_files(daemon)
    assert set(files) == set(ZONES)
    questions, zones, asked = Questions(chance, files), Zones(files), Dns(daemon)
    found, unexplained = collections.Counter(), []
    with peer.knot(tmp_path, files) as place:
        ours, theirs = Server((asked.host, asked.port)), Server(place)
        for start in range(0, QUERIES, WINDOW):
            batch = [questions.one(start + n & 0xffff) for n in range(WINDOW)]
            tcp = not start // WINDOW % 10
            for question, one, other in zip(batch, ours.ask(batch, tcp), theirs.ask(batch, tcp)):
                here, there = Reply(one), Reply(other)
                if here.parts() == there.parts():
                    found["same"] += 1
                    found["truncated alike"] += bool(here.flags & TC)
                    continue
                reason = next((why for why in REASONS if why(question, here, there, zones, tcp)), None)
                found[reason.__name__ if reason else "unexplained"] += 1
                if not reason:
                    unexplained.append(f"{question} {'TCP' if tcp else 'UDP'}\n  ours {here}\n  Knot {there}")
        ours.close()
        theirs.close()
    print(dict(found))
    assert not unexplained, "\n".join(unexplained[:20])
    assert found["same"] > QUERIES * 3 // 4 and found["choice"] and found["truncated alike"], found
