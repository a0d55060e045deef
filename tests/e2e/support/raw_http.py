# SPDX-License-Identifier: Apache-2.0
"""HTTP by hand: requests as bytes, and connections that say only what they are told to, plain or inside TLS."""

import contextlib
import socket

from support.client import CONTENT_TYPE, TARGET

PATIENCE_SECONDS = 30
GET = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"


def call(op, body=b"{}", *headers, target="/", length=True):
    """One API call as bytes."""
    lines = [f"POST {target} HTTP/1.1", "Host: map.internal", f"Content-Type: {CONTENT_TYPE}",
             f"X-Amz-Target: {TARGET}{op}", *headers]
    if length:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def connect(port, source="127.0.0.1", tls=None, window=None):
    """A socket; `tls` is a context, `window` the bytes that its kernel takes before they are read."""
    one = socket.socket()
    one.settimeout(PATIENCE_SECONDS)
    if window:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
    one.bind((source, 0))
    one.connect(("127.0.0.1", port))
    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return tls.wrap_socket(one, server_hostname="127.0.0.1") if tls else one


class Wire:
    """A raw connection that reads one answer at a time."""

    def __init__(self, port, source="127.0.0.1", **options):
        self.socket = connect(port, source, **options)
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.socket.close()

    def send(self, *parts):
        """A peer that has closed already is no failure: its answer is what counts."""
        with contextlib.suppress(ConnectionError):
            for part in parts:
                self.socket.sendall(part)
        return self

    def _fill(self):
        more = self.socket.recv(65536)
        if not more:
            raise EOFError(f"ended after {self.buffer[:200]!r}")
        self.buffer += more

    def answer(self, has_body=True):
        """Status, headers (lower case), body."""
        while b"\r\n\r\n" not in self.buffer:
            self._fill()
        head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        status, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        n = int(headers.get("content-length", 0)) if has_body else 0
        while len(self.buffer) < n:
            self._fill()
        body, self.buffer = self.buffer[:n], self.buffer[n:]
        return int(status.split()[1]), headers, body

    def rest(self):
        """Everything until the peer closes."""
        with contextlib.suppress(EOFError, ConnectionError):
            while True:
                self._fill()
        return self.buffer


