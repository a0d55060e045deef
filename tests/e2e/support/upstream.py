# SPDX-License-Identifier: Apache-2.0
"""A resolver that says what a test wants: `says` is called with each query (dnspython's, and "udp" or "tcp") and returns
messages, octets, or nothing, which are sent in that order. Both transports on one port of 127.0.0.1."""

import contextlib
import socket
import struct
import threading

import dns.flags
import dns.message
import dns.rdatatype
import dns.rrset


def reply(query, *records, rcode=0, authority=(), flags=dns.flags.RA):
    """An answer; records are `NAME TTL TYPE DATA`."""
    answer = dns.message.make_response(query)
    answer.flags |= flags
    answer.set_rcode(rcode)
    for section, texts in ((answer.answer, records), (answer.authority, authority)):
        for text in texts:
            name, ttl, kind, data = text.split(" ", 3)
            section.append(dns.rrset.from_text(name + ".", int(ttl), "IN", kind, data))
    return answer


def bind_both(port):
    """A TCP and a UDP socket on one port: a port the system chose for one of them may be taken for the other."""
    for _ in range(50):
        tcp = socket.create_server(("127.0.0.1", port))
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            udp.bind(tcp.getsockname())
            return tcp, udp
        except OSError:
            tcp.close()
            udp.close()
            if port:
                raise
    raise OSError("no port is free for both transports")


class Upstream:
    def __init__(self, says, port=0):
        self.says, self.queries, self.ports = says, [], set()
        self._lock = threading.Lock()
        self._tcp, self.udp = bind_both(port)
        self.port = self._tcp.getsockname()[1]
        self._stopping = False
        self._threads = [threading.Thread(target=one, daemon=True) for one in (self._run_udp, self._run_tcp)]
        for thread in self._threads:
            thread.start()

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def asked(self, kind=None):
        """How many queries came (over one transport)."""
        with self._lock:
            return sum(kind in (None, transport) for transport, _ in self.queries)

    def _answers(self, octets, transport):
        query = dns.message.from_wire(octets)
        with self._lock:
            self.queries.append((transport, query))
        said = self.says(query, transport)
        said = [] if said is None else said if isinstance(said, list) else [said]
        return [one if isinstance(one, bytes) else one.to_wire(max_size=65535) for one in said]

    def _run_udp(self):
        while True:
            octets, peer = self.udp.recvfrom(65535)
            if self._stopping:
                return
            self.ports.add(peer[1])
            for one in self._answers(octets, "udp"):
                self.udp.sendto(one, peer)

    def _run_tcp(self):
        while True:
            connection, _ = self._tcp.accept()
            if self._stopping:
                return
            with connection, contextlib.suppress(ConnectionError):
                connection.settimeout(10)
                stream = connection.makefile("rb")
                head = stream.read(2)
                if len(head) < 2:
                    continue
                for one in self._answers(stream.read(struct.unpack("!H", head)[0]), "tcp"):
                    connection.sendall(struct.pack("!H", len(one)) + one)

    def close(self):
        self._stopping = True
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.sendto(b"", ("127.0.0.1", self.port))
        with contextlib.suppress(ConnectionError):
            socket.create_connection(("127.0.0.1", self.port)).close()
        for thread in self._threads:
            thread.join(10)
        self.udp.close()
        self._tcp.close()
