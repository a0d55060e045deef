# SPDX-License-Identifier: Apache-2.0
"""A small HTTP/1.1 server whose answers can be broken at any byte: what the doubles of AWS's services stand on. One
thread a connection, connections are kept; whatever hangs is let go when the server closes."""

import contextlib
import email.utils
import socket
import threading

HEAD_MAX, BODY_MAX = 64 * 1024, 4 * 1024 * 1024
PHRASES = {100: "Continue", 200: "OK", 301: "Moved Permanently", 302: "Found", 307: "Temporary Redirect"}


class Request:
    """One request as it came. Header names are lower case, in their order."""

    def __init__(self, method, target, headers, body):
        self.method, self.target, self.headers, self.body = method, target, headers, body

    def header(self, name, default=None):
        return next((value for key, value in self.headers if key == name), default)


class Reply:
    """An answer, and how it is to be told."""

    def __init__(self, status, body=b"", headers=None):
        self.status, self.body, self.headers = status, body, dict(headers or {})
        self.date = None          # seconds since 1970 for the Date header; None: none is sent
        self.has_length = True    # without: the end of the connection is the end of the body
        self.length = None        # another length than the body's
        self.cut = None           # closes behind so many bytes of the body
        self.head_cut = None      # closes behind so many bytes of the head
        self.gate = None          # waits for this event before the first byte
        self.pace = None          # (bytes, seconds): so many bytes at a time, so long a rest between them

    def head(self):
        lines = [f"HTTP/1.1 {self.status} {PHRASES.get(self.status, 'Status')}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        if self.date is not None:
            lines.append(f"Date: {email.utils.formatdate(self.date, usegmt=True)}")
        if self.has_length:
            lines.append(f"Content-Length: {len(self.body) if self.length is None else self.length}")
        else:
            lines.append("Connection: close")
        return "\r\n".join(lines + ["", ""]).encode("latin-1")


class BadRequest(Exception):
    pass


def _read_request(stream):
    """The next request of a connection; None when the client is done."""
    line = stream.readline(HEAD_MAX)
    if not line:
        return None
    words = line.decode("latin-1").split()
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        raise BadRequest(line)
    headers, size = [], 0
    while (line := stream.readline(HEAD_MAX)) != b"\r\n":
        size += len(line)
        name, colon, value = line.decode("latin-1").partition(":")
        if not colon or size > HEAD_MAX:
            raise BadRequest(line)
        headers.append((name.lower(), value.strip()))
    return Request(words[0], words[1], headers, None)


class HttpDouble:
    """Listens on a port of the kernel's choice; `answer(request)` gives the Reply."""

    def __init__(self, answer):
        self._answer = answer
        self._closing = threading.Event()
        self._lock = threading.Lock()
        self._open, self._threads, self._gates = set(), [], set()
        self.connections = 0
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._acceptor = threading.Thread(target=self._accept, daemon=True)
        self._acceptor.start()

    def _accept(self):
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            near.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            thread = threading.Thread(target=self._serve, args=(near,), daemon=True)
            with self._lock:
                self.connections += 1
                self._open.add(near)
                self._threads = [one for one in self._threads if one.is_alive()] + [thread]
            thread.start()

    def _serve(self, near):
        stream = near.makefile("rb")
        with contextlib.suppress(OSError, BadRequest):  # clients may go at any time, and be killed in the middle
            while (request := _read_request(stream)) is not None:
                length = int(request.header("content-length", 0))
                if request.header("transfer-encoding") or length > BODY_MAX:
                    near.sendall(b"HTTP/1.1 411 Length Required\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                    break
                if request.header("expect"):
                    near.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
                request.body = stream.read(length)
                if len(request.body) < length or not self._send(near, self._answer(request)):
                    break
        stream.close()
        with self._lock:
            self._open.discard(near)
        with contextlib.suppress(OSError):
            near.shutdown(socket.SHUT_RDWR)
        near.close()

    def _send(self, near, reply):
        """Whether the connection stays."""
        if reply.gate is not None:
            with self._lock:
                self._gates.add(reply.gate)
            if self._closing.is_set():
                return False
            reply.gate.wait()
            if self._closing.is_set():
                return False
        head = reply.head()
        if reply.head_cut is not None:
            near.sendall(head[:reply.head_cut])
            return False
        text = reply.body if reply.cut is None else reply.body[:reply.cut]
        if reply.pace is None:
            near.sendall(head + text)
        else:
            self._send_slowly(near, head + text, *reply.pace)
        return reply.cut is None and reply.has_length and reply.length is None

    def _send_slowly(self, near, text, step, rest):
        for start in range(0, len(text), step):
            near.sendall(text[start:start + step])
            if self._closing.wait(rest):
                return

    def close(self):
        self._closing.set()
        with self._lock:
            for gate in self._gates:
                gate.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._acceptor.join()
        with self._lock:
            threads, still_open = self._threads, list(self._open)
        for near in still_open:
            with contextlib.suppress(OSError):
                near.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join()
