# SPDX-License-Identifier: Apache-2.0
"""Asks the daemon's DNS server: by dnspython, by dig, and by octets."""

import socket
import struct
import subprocess

import dns.flags
import dns.message
import dns.query
import dns.rdatatype

SECONDS = 10


class Dns:
    """The DNS server of one daemon, wherever it listens at the moment."""

    def __init__(self, daemon):
        self.daemon = daemon

    @property
    def host(self):
        return self.daemon.ready["dns"].split(",")[0].rpartition(":")[0].strip("[]")

    @property
    def port(self):
        return int(self.daemon.ready["dns"].split(",")[0].rpartition(":")[2])

    def query(self, name, kind="A", tcp=False, **options):
        """The whole answer, as dnspython reads it."""
        options.setdefault("use_edns", False)
        message = dns.message.make_query(name, kind, **options)
        return self.exchange(message, tcp)

    def exchange(self, message, tcp=False):
        ask = dns.query.tcp if tcp else dns.query.udp
        return ask(message, self.host, timeout=SECONDS, port=self.port)

    def answers(self, name, kind="A", **options):
        """What the answer's records of the type hold, as sorted text; NXDOMAIN and the like are errors."""
        answer = self.query(name, kind, **options)
        assert answer.rcode() == 0, answer
        wanted = dns.rdatatype.from_text(kind)
        return sorted(item.to_text() for rrset in answer.answer if rrset.rdtype == wanted for item in rrset)

    def rcode(self, name, kind="A", **options):
        answer = self.query(name, kind, **options)
        return dns.rcode.to_text(answer.rcode())

    def dig(self, *words):
        """What dig prints."""
        command = ["dig", f"@{self.host}", "-p", str(self.port), "+tries=1", f"+time={SECONDS}", *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def send(self, octets, timeout=SECONDS):
        """The answer's octets; None when nothing comes in time."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(timeout)
            s.connect((self.host, self.port))
            s.send(octets)
            try:
                return s.recv(65535)
            except TimeoutError:
                return None

    def connect(self):
        s = socket.create_connection((self.host, self.port), timeout=SECONDS)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return s


def framed(octets):
    return struct.pack("!H", len(octets)) + octets


def receive(stream):
    """One message of a TCP connection; None when it was closed before."""
    head = _exactly(stream, 2)
    return head and _exactly(stream, struct.unpack("!H", head)[0])


def _exactly(stream, n):
    data = b""
    while len(data) < n:
        more = stream.recv(n - len(data))
        if not more:
            return None
        data += more
    return data
