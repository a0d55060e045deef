# SPDX-License-Identifier: Apache-2.0
"""Random queries around the names of zones, as octets and as what they ask."""

import struct
from collections import namedtuple

import dns.name

A, NS, CNAME, SOA, AAAA, SRV, OPT, DS, RRSIG, NSEC = 1, 2, 5, 6, 28, 33, 41, 43, 46, 47
TSIG, IXFR, AXFR, ANY = 250, 251, 252, 255
TYPES = (A, A, A, A, AAAA, AAAA, SRV, SRV, CNAME, NS, SOA, ANY, 16, 15, 12, DS, 48, RRSIG, NSEC, 65, IXFR, AXFR, 253, 254, 99,
         TSIG, 249, 1000, 65535, 0)

# `name` is in lower case; `limit` is what the answer's octets may be over UDP.
Question = namedtuple("Question", "octets name type klass opcode version limit")


class Questions:
    """Random queries around the names of zones."""

    def __init__(self, chance, texts):
        self.chance = chance
        owners = {dns.name.from_text(line.split()[0]) for text in texts.values() for line in text.splitlines()}
        self.owners = sorted({one.labels[:-1] for one in owners})
        self.zones = [tuple(zone.encode().split(b".")) for zone in texts]

    def name(self):
        chance, labels = self.chance, list(self.chance.choice(self.owners))
        kind = chance.randrange(20)
        if kind < 3:  # below what exists, or beside it
            labels[:chance.randrange(2)] = [self.label()]
        elif kind < 6:  # an empty non-terminal, or the zone's parents
            labels = labels[chance.randrange(len(labels)):]
        elif kind == 6:
            labels = [self.label() for _ in range(chance.randint(1, 4))] + list(chance.choice(self.zones))
        elif kind == 7:  # outside
            labels = [self.label() for _ in range(chance.randint(0, 3))]
        elif kind == 8:  # a name with one octet changed
            at = chance.randrange(len(labels))
            one = bytearray(labels[at])
            one[chance.randrange(len(one))] = chance.randrange(256)
            labels[at] = bytes(one)
        elif kind == 9:  # as long as names can be
            while sum(map(len, labels)) + len(labels) < 190:
                labels.insert(0, bytes([97 + chance.randrange(26)]) * chance.randint(1, 63))
        while sum(map(len, labels)) + len(labels) > 254:
            labels.pop(0)
        return [self.case(one) for one in labels]

    def label(self):
        chance = self.chance
        if chance.randrange(3):
            return chance.choice((b"*", b"x", b"_tcp", b"i-1", b"web", b"www", b"\0", b"-"))
        return bytes(chance.randrange(256) for _ in range(chance.randint(1, 12)))

    def case(self, label):
        return bytes(one ^ 0x20 if bytes([one]).isalpha() and self.chance.randrange(2) else one for one in label)

    def one(self, identity):
        chance = self.chance
        kind = chance.choice((*TYPES, chance.randrange(65536)))
        klass = 1 if chance.randrange(30) else chance.choice((0, 3, 4, 254, 255))
        opcode = 0 if chance.randrange(40) else chance.randrange(1, 16)
        flags = opcode << 11 | chance.choice((0, 0x0100))
        if not chance.randrange(8):
            flags |= chance.choice((0x20, 0x10, 0x40, 0x70))  # AD, CD, and the one that is reserved
        if not chance.randrange(20):
            flags |= chance.choice((0x80, 0x200, 0x400, 0x0f))  # what queries leave clear
        labels = self.name()
        edns, version, limit = self.edns() if chance.randrange(2) else (b"", 0, 512)
        octets = (struct.pack("!HHHHHH", identity, flags, 1, 0, 0, bool(edns))
                  + b"".join(bytes([len(one)]) + one for one in labels) + b"\0" + struct.pack("!HH", kind, klass) + edns)
        name = dns.name.Name([*labels, b""]).to_text().lower()
        return Question(octets, name, kind, klass, opcode, version, limit)

    def edns(self):
        """(OPT record, version, octets that the answer may have)"""
        chance = self.chance
        options = b""
        if not chance.randrange(4):
            data = bytes(chance.randrange(256) for _ in range(chance.randrange(9)))
            options = struct.pack("!HH", chance.choice((100, 65001, 5, 6, 7)), len(data)) + data
        flags = chance.choice((0, 0, 0x8000, 0x8000, 0x80, 0x4001))
        size = chance.choice((0, 511, 512, 513, 800, 1232, 4096, 65535))
        version = 0 if chance.randrange(10) else chance.choice((1, 100, 255))
        record = b"\0" + struct.pack("!HHBBHH", OPT, size, 0, version, flags, len(options)) + options
        return record, version, min(max(size, 512), 1232)
