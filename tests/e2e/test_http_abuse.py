# SPDX-License-Identifier: Apache-2.0
"""Hostile and odd clients over raw sockets: what is ambiguous is refused and nothing behind it is taken for a request,
what is honest is answered in whatever form it comes, and numerous clients harm no others."""

import contextlib
import os
import random
import resource
import socket
import threading
import time
from pathlib import Path

import pytest

from support.client import until
from support.daemon import is_sanitized
from support.raw_http import GET, Wire, call

KIB = 1024
IDLE_CONNECTIONS = 5000
IDLE_BYTES = 10 * KIB
IDLE_BYTES_SANITIZED = 200 * KIB  # redzones and shadow memory


pytestmark = pytest.mark.usefixtures("many_files")


SMUGGLING = [
    (400, "length and chunked", "Content-Length: 5\r\nTransfer-Encoding: chunked"),
    (400, "chunked and length", "Transfer-Encoding: chunked\r\nContent-Length: 5"),
    (400, "two lengths", "Content-Length: 5\r\nContent-Length: 0"),
    (400, "two equal lengths", "Content-Length: 5\r\nContent-Length: 5"),
    (400, "a list of lengths", "Content-Length: 5, 5"),
    (400, "a signed length", "Content-Length: +5"),
    (400, "a hexadecimal length", "Content-Length: 0x5"),
    (400, "a blank before the colon", "Content-Length : 5"),
    (400, "a tab before the colon", "Transfer-Encoding\t: chunked"),
    (400, "a folded length", "Content-Length:\r\n 5"),
    (400, "a length folded away", "X: y\r\n Content-Length: 5"),
    (400, "a header hidden by a bare LF", "X: y\nContent-Length: 5"),
    (400, "a header hidden by a NUL", "X: y\0\0Content-Length: 5"),
    (400, "a header hidden by a bare CR", "X: y\rContent-Length: 5"),
    (501, "chunked in disguise", "Transfer-Encoding: xchunked"),
    (501, "chunked with a blank", "Transfer-Encoding: chunked "),
    (501, "chunked behind another coding", "Transfer-Encoding: gzip, chunked"),
    (400, "chunked twice", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"),
    (400, "two hosts", "Host: other"),
    (400, "a header without a name", ": y"),
    (400, "a line without a colon", "Content-Length 5"),
]


class TestSmuggling:
    @pytest.mark.parametrize("status, what, headers", SMUGGLING, ids=[row[1] for row in SMUGGLING])
    def test_shape(self, daemon, api, fresh, status, what, headers):
        name = fresh()
        hidden = call("CreateHttpNamespace", b'{"Name":"%s"}' % name.encode())
        with Wire(daemon.port) as wire:
            wire.send(call("ListNamespaces", b"0\r\n\r\n", headers, length=False), hidden)
            assert wire.answer()[0] == status
            assert b"HTTP/1.1 200" not in wire.rest()
        assert name not in [one["Name"] for one in api.items("ListNamespaces", "Namespaces")]

    @pytest.mark.parametrize("line", ["POST / HTTP/1.1\r\n\r\n", "POST  / HTTP/1.1\r\nHost: x\r\n\r\n",
                                      "POST x HTTP/1.1\r\nHost: x\r\n\r\n", "GET /#f HTTP/1.1\r\nHost: x\r\n\r\n",
                                      "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", "CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n"])
    def test_malformed_lines(self, daemon, line):
        with Wire(daemon.port) as wire:
            wire.send(line.encode(), GET)
            status, headers, _ = wire.answer()
            assert (status, headers["connection"]) == (400, "close")
            assert wire.rest() == b""

    @pytest.mark.parametrize("version, status", [("HTTP/0.9", 505), ("HTTP/1.2", 505), ("HTTP/3.0", 505),
                                                 ("http/1.1", 400)])
    def test_versions(self, daemon, version, status):
        with Wire(daemon.port) as wire:
            wire.send(f"GET / {version}\r\nHost: x\r\n\r\n".encode())
            assert wire.answer()[0] == status

    @pytest.mark.parametrize("words", [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"SSH-2.0-client\r\n", b"GET /\r\n",
                                       b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n\n"])
    def test_other_protocols(self, daemon, words):
        with Wire(daemon.port) as wire:
            assert b" 200 " not in wire.send(words, GET).rest()

    def test_refusals_say_why(self, daemon):
        with Wire(daemon.port) as wire:
            status, headers, body = wire.send(b"POST / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n").answer()
        assert (status, headers["content-type"]) == (400, "application/json")
        assert body == b'{"message":"There is more than one Host header."}'
        assert len(headers["x-amzn-requestid"]) == 36 and headers["date"]


class TestHonestClients:
    def test_pipelined_reads_and_writes(self, daemon, api, fresh):
        service = api.service(api.namespace(fresh()), fresh())
        requests = []
        for i in range(1000):
            if i % 5 == 0:
                body = b'{"ServiceId":"%s","InstanceId":"i-%d","Attributes":{"n":"%d"}}' % (service.encode(), i, i)
                requests.append(call("RegisterInstance", body))
            else:
                body = b'{"ServiceId":"%s","InstanceId":"i-%d"}' % (service.encode(), i - i % 5)
                requests.append(call("GetInstance", body))
        with Wire(daemon.port) as wire:
            sender = threading.Thread(target=wire.send, args=requests)
            sender.start()
            for i in range(1000):
                status, _, body = wire.answer()
                assert status == 200, body
                # Each read sees the write that stands before it on the wire.
                assert (b'"OperationId"' if i % 5 == 0 else b'"n":"%d"' % (i - i % 5)) in body
            sender.join()

    def test_half_closed(self, daemon, api, fresh):
        name = fresh()
        with Wire(daemon.port) as wire:
            wire.send(call("CreateHttpNamespace", b'{"Name":"%s"}' % name.encode()))
            wire.socket.shutdown(socket.SHUT_WR)
            status, _, body = wire.answer()
            assert status == 200 and b'"OperationId"' in body
            assert wire.rest() == b""
        until(lambda: [one["Name"] for one in api.items("ListNamespaces", "Namespaces")], lambda names: name in names)

    def test_absolute_form(self, daemon):
        with Wire(daemon.port) as wire:
            for target in ("http://data-map.internal:8650/", "http://data-map.internal"):
                status, _, body = wire.send(call("ListNamespaces", target=target)).answer()
                assert status == 200 and b'"Namespaces"' in body

    def test_expect_continue(self, daemon):
        with Wire(daemon.port) as wire:
            head, _, body = call("ListNamespaces", b'{"MaxResults":1}', "Expect: 100-continue").partition(b"\r\n\r\n")
            wire.send(head + b"\r\n\r\n")
            assert wire.answer(has_body=False)[0] == 100
            assert wire.send(body).answer()[0] == 200

    def test_chunked(self, daemon):
        with Wire(daemon.port) as wire:
            wire.send(call("ListNamespaces", b'5\r\n{"Max\r\nb;x=y\r\nResults":1}\r\n0\r\nTrailer: t\r\n\r\n',
                           "Transfer-Encoding: chunked", length=False))
            assert wire.answer()[0] == 200

    def test_a_byte_at_a_time(self, daemon):
        with Wire(daemon.port) as wire:
            wire.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            wire.send(*(bytes([c]) for c in call("ListNamespaces")))
            assert wire.answer()[0] == 200

    def test_head(self, daemon):
        with Wire(daemon.port) as wire:
            status, headers, _ = wire.send(b"HEAD /healthz HTTP/1.1\r\nHost: x\r\n\r\n").answer(has_body=False)
            assert status == 200 and int(headers["content-length"]) > 0
            assert wire.send(GET).answer()[0] == 200

    def test_http_1_0(self, daemon):
        with Wire(daemon.port) as wire:
            assert wire.send(b"GET /healthz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").answer()[0] == 200
            assert wire.send(b"GET /healthz HTTP/1.0\r\n\r\n").answer()[0] == 200
            assert wire.rest() == b""

    @pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "BREW"])
    def test_wrong_methods(self, daemon, method):
        with Wire(daemon.port) as wire:
            status, headers, _ = wire.send(f"{method} / HTTP/1.1\r\nHost: x\r\n\r\n".encode()).answer()
            assert (status, headers["allow"]) == (405, "POST")
            assert wire.send(GET).answer()[0] == 200


class TestTooLarge:
    def test_announced_body(self, daemon):
        with Wire(daemon.port) as wire:
            wire.send(call("ListNamespaces", b"", f"Content-Length: {KIB ** 3}", length=False))
            assert wire.answer()[0] == 413
            sent = 0
            with contextlib.suppress(ConnectionError):
                while sent < 64 * KIB * KIB:
                    sent += wire.socket.send(bytes(64 * KIB))
            assert sent < 64 * KIB * KIB

    def test_announced_body_with_expect(self, daemon):
        with Wire(daemon.port) as wire:
            wire.send(call("ListNamespaces", b"", "Content-Length: 9999999", "Expect: 100-continue", length=False))
            assert wire.answer()[0] == 413
            assert wire.rest() == b""

    def test_chunked_body(self, daemon):
        chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
        with Wire(daemon.port) as wire:
            wire.send(call("ListNamespaces", b"", "Transfer-Encoding: chunked", length=False), *[chunk] * 17)
            assert wire.answer()[0] == 413

    def test_largest_body(self, daemon):
        with Wire(daemon.port) as wire:
            assert wire.send(call("ListNamespaces", b"{}" + b" " * (KIB * KIB - 2))).answer()[0] == 200

    def test_target(self, daemon):
        with Wire(daemon.port) as wire:
            assert wire.send(b"GET /" + b"a" * 20000 + b" HTTP/1.1\r\nHost: x\r\n\r\n").answer()[0] == 414

    @pytest.mark.parametrize("headers", [b"A: " + b"a" * 20000 + b"\r\n", b"A: b\r\n" * 200])
    def test_headers(self, daemon, headers):
        with Wire(daemon.port) as wire:
            assert wire.send(b"GET / HTTP/1.1\r\nHost: x\r\n" + headers + b"\r\n").answer()[0] == 431


def cpu_seconds(daemon):
    fields = Path(f"/proc/{daemon.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class TestSlow:
    def test_deadlines(self, start_daemon):
        daemon = start_daemon({"api.header_timeout": "300ms"})
        beginnings = [b"POST / HTTP/1.1\r\nHost: x\r\nA: ", b"POST / HT",
                      call("ListNamespaces", b"", "Content-Length: 99", length=False)]
        with contextlib.ExitStack() as stack:
            wires = [stack.enter_context(Wire(daemon.port)) for _ in beginnings]
            for wire, beginning in zip(wires, beginnings):
                wire.send(beginning)
            for wire in wires:
                status, headers, _ = wire.answer()
                assert (status, headers["connection"]) == (408, "close")
                assert wire.rest() == b""

    def test_idle(self, start_daemon):
        daemon = start_daemon({"api.idle_timeout": "300ms"})
        with Wire(daemon.port) as used, Wire(daemon.port) as unused:
            assert used.send(GET).answer()[0] == 200
            assert used.rest() == unused.rest() == b""


class TestNumerous:
    def test_idle_connections_are_cheap(self, start_daemon):
        daemon = start_daemon({"api.workers": "1"})
        assert daemon.api.http("GET", "/healthz").status == 200
        before = daemon.resident_bytes()
        with contextlib.ExitStack() as stack:
            wires = [stack.enter_context(Wire(daemon.port, f"127.0.0.{2 + i % 50}")) for i in range(IDLE_CONNECTIONS)]
            # Each has had a request, as idle connections have.
            for wire in wires:
                assert wire.send(call("ListNamespaces")).answer()[0] == 200
            each = (daemon.resident_bytes() - before) / IDLE_CONNECTIONS
            busy = cpu_seconds(daemon)
            time.sleep(1)
            busy = cpu_seconds(daemon) - busy
            assert daemon.api.http("GET", "/healthz").status == 200
            connections = metric(daemon, "cloudmap_http_connections")
        assert each <= (IDLE_BYTES_SANITIZED if is_sanitized() else IDLE_BYTES), f"{each:.0f} bytes each"
        assert busy < 0.2, f"{busy} s of CPU in a second of silence"
        assert connections > IDLE_CONNECTIONS
        until(lambda: metric(daemon, "cloudmap_http_connections"), lambda n: n < 10)

    def test_too_many(self, start_daemon):
        daemon = start_daemon({"api.max_connections": "20"})
        with contextlib.ExitStack() as stack:
            wires = [stack.enter_context(Wire(daemon.port)) for _ in range(20)]
            for wire in wires:
                assert wire.send(GET).answer()[0] == 200
            for _ in range(50):
                with Wire(daemon.port) as late:
                    assert late.send(GET).answer()[0] == 503
                    assert late.rest() == b""
            for wire in wires:
                assert wire.send(GET).answer()[0] == 200
        until(lambda: answers(daemon), bool)

    def test_descriptors_run_out(self, start_daemon):
        """New clients wait for a descriptor while old ones are served; nothing spins."""
        daemon = start_daemon()
        with Wire(daemon.port) as old:
            assert old.send(GET).answer()[0] == 200
            used = len(os.listdir(f"/proc/{daemon.pid}/fd"))
            limits = resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE, (used + 10, 20000))
            with contextlib.ExitStack() as stack:
                wires = [stack.enter_context(Wire(daemon.port)) for _ in range(60)]
                for wire in wires:
                    wire.send(GET)
                busy = cpu_seconds(daemon)
                time.sleep(1)
                busy = cpu_seconds(daemon) - busy
                assert busy < 0.1, f"{busy} s of CPU in a second without descriptors"
                assert old.send(GET).answer()[0] == 200
                resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE, limits)
                for wire in wires:
                    assert wire.answer()[0] == 200

    def test_clients_that_vanish(self, daemon, api, fresh):
        """Writes whose clients reset the connection: no answer is wanted, nothing is left behind."""
        service = api.service(api.namespace(fresh()), fresh())
        for i in range(200):
            with Wire(daemon.port) as wire:
                body = b'{"ServiceId":"%s","InstanceId":"i-%d","Attributes":{"a":"b"}}' % (service.encode(), i)
                wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                wire.send(call("RegisterInstance", body))
        until(lambda: metric(daemon, "cloudmap_http_connections"), lambda n: n < 10)
        assert answers(daemon)

    def test_noise(self, daemon):
        """Honest bytes with a few changed, cut and doubled: whatever comes of it, the daemon lives."""
        seed = random.randrange(1 << 32)
        print("seed", seed)
        dice = random.Random(seed)
        marks = [b"\r", b"\n", b"\0", b":", b" ", b"\r\n\r\n"]
        for _ in range(500):
            noise = bytearray(call("ListNamespaces", b'{"MaxResults":1}') * dice.randrange(1, 4))
            for _ in range(dice.randrange(1, 8)):
                at = dice.randrange(len(noise))
                noise[at:at + dice.randrange(3)] = dice.choice([*marks, bytes([dice.randrange(256)])])
            with Wire(daemon.port) as wire:
                wire.send(bytes(noise))
        assert answers(daemon)


def metric(daemon, name):
    lines = daemon.api.http("GET", "/metrics").body.decode().splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(name + " "))


def answers(daemon):
    with Wire(daemon.port) as wire:
        return wire.send(GET).answer()[0] == 200
