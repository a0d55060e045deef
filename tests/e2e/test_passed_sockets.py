# SPDX-License-Identifier: Apache-2.0
"""Sockets that a service manager opened (sd_listen_fds(3)): the daemon answers on them, leaves them as they were, and a
second one goes on where the first one stopped."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time

import pytest

from support.daemon import Daemon, binary
from support.dns import Dns
from support.program import environment, run

# What systemd does between fork and exec: argv is NAMES, descriptors with commas, and the program.
LAUNCHER = """
import os, sys
fds = [os.dup(int(fd)) for fd in sys.argv[2].split(",")]
high = [__import__("fcntl").fcntl(fd, 0, 100) for fd in fds]
for i, fd in enumerate(high):
    os.dup2(fd, 3 + i, inheritable=True)
os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": str(len(fds)), "LISTEN_FDNAMES": sys.argv[1]}
os.execv(sys.argv[3], sys.argv[3:])
"""


def launched(names, sockets, command):
    fds = ",".join(str(one.fileno()) for one in sockets)
    return [sys.executable, "-c", LAUNCHER, ":".join(names), fds, *command]


class Passed(Daemon):
    """A daemon with sockets from outside."""

    def __init__(self, data, sockets, **more):
        super().__init__(data, **more)
        self.names, self.sockets = zip(*sockets)
        self.pass_fds = tuple(one.fileno() for one in self.sockets)

    def command(self):
        return launched(self.names, self.sockets, super().command())


def pair(host="127.0.0.1"):
    """UDP and listening TCP on one port."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    while True:
        tcp, udp = socket.socket(family, socket.SOCK_STREAM), socket.socket(family, socket.SOCK_DGRAM)
        if family == socket.AF_INET6:
            for one in (tcp, udp):
                one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        tcp.bind((host, 0))
        try:
            udp.bind(tcp.getsockname()[:2])
        except OSError:
            tcp.close()
            udp.close()
            continue
        tcp.listen()
        return [("dns", udp), ("dns", tcp)]


@pytest.fixture
def passed(tmp_path):
    started = []

    def start(sockets, **more):
        started.append(Passed(tmp_path / "data", sockets, **more))
        return started[-1].start()

    yield start
    for one in started:
        one.finish()


def zone_of(daemon):
    namespace = daemon.api.namespace("shop.example", "DNS_PRIVATE")
    service = daemon.api.service(namespace, "web", DnsConfig={"DnsRecords": [{"Type": "A", "TTL": 60}]})
    daemon.api.register(service, "one", {"AWS_INSTANCE_IPV4": "10.0.0.1"})


@pytest.mark.parametrize("workers", [1, 3])
def test_dns(passed, workers):
    sockets = pair() + pair("::1") + pair("0.0.0.0")
    daemon = passed(sockets, settings={"dns.workers": str(workers)})
    zone_of(daemon)
    said = daemon.ready["dns"].split(",")
    assert [one.rpartition(":")[2] for one in said] == [str(s.getsockname()[1]) for _, s in sockets[::2]]
    for place in said:
        dns = Dns(daemon)
        daemon.ready = daemon.ready | {"dns": place.replace("0.0.0.0", "127.0.0.3")}
        assert dns.answers("web.shop.example") == ["10.0.0.1"]
        assert dns.answers("web.shop.example", tcp=True) == ["10.0.0.1"]
    # Nobody closes a socket that is not his: what was asked meanwhile is answered by the next daemon.
    daemon.ready = daemon.ready | {"dns": said[0]}
    asked = Dns(daemon)
    place = (asked.host, asked.port)
    assert daemon.stop() == 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, socket.create_connection(place, timeout=10) as tcp:
        udp.settimeout(10)
        query = bytes.fromhex("abcd01000001000000000000") + b"\3web\4shop\7example\0\0\1\0\1"
        udp.sendto(query, place)
        tcp.sendall(len(query).to_bytes(2, "big") + query)
        daemon.start()
        assert udp.recv(512).endswith(socket.inet_aton("10.0.0.1"))
        assert tcp.recv(512).endswith(socket.inet_aton("10.0.0.1"))


def test_stops_at_once(passed):
    """A wait on a passed socket ends soon though nobody asks anything."""
    daemon = passed(pair())
    begin = time.monotonic()
    assert daemon.stop() == 0 and time.monotonic() - begin < 5


@pytest.mark.parametrize("workers", [1, 3])
def test_api(passed, workers):
    with socket.create_server(("127.0.0.1", 0)) as tcp:
        daemon = passed([("cloudmapd-api.socket", tcp)], settings={"api.workers": str(workers)})
        assert daemon.port == tcp.getsockname()[1]
        for i in range(10):
            daemon.api.namespace(f"n{i}")
        daemon.api.close()
        assert daemon.stop() == 0
        with socket.create_connection(tcp.getsockname(), timeout=30) as waiting:
            waiting.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            daemon.start()
            assert waiting.recv(4096).startswith(b"HTTP/1.1 200 ")


def refused(tmp_path, sockets):
    names, fds = zip(*sockets)
    command = launched(names, fds, [binary(), "--data", str(tmp_path / "d"), "--api", "127.0.0.1:0", "--dns", "127.0.0.1:0"])
    done = subprocess.run(command, env=environment(), pass_fds=[one.fileno() for one in fds], capture_output=True, text=True,
                          timeout=60, check=False)
    assert done.returncode == 78, done
    return done.stderr


def test_refused(tmp_path):
    (udp, tcp), (other, _) = pair(), pair()
    assert "must be dns, api or tls" in refused(tmp_path, [("web", tcp[1])])
    assert "must be dns, api or tls" in refused(tmp_path, [("", tcp[1])])
    assert "there is no TCP socket beside it" in refused(tmp_path, [udp])
    assert "there is no UDP socket beside it" in refused(tmp_path, [tcp])
    assert "beside it" in refused(tmp_path, [tcp, other])
    assert "passed twice" in refused(tmp_path, [udp, tcp, udp])
    assert "is no listening TCP socket" in refused(tmp_path, [("api", udp[1])])
    with socket.create_server(("0.0.0.0", 0)) as everywhere:
        assert "A socket that was passed for the API is not of a loopback address" in refused(tmp_path, [("api", everywhere)])
    with socket.socket(socket.AF_INET6) as both, socket.socket() as deaf, socket.socketpair()[0] as local:
        both.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        both.bind(("::", 0))
        both.listen()
        assert "BindIPv6Only=ipv6-only" in refused(tmp_path, [("dns", both)])
        deaf.bind(("127.0.0.1", 0))
        assert "does not listen" in refused(tmp_path, [("dns", deaf)])
        assert "no UDP or TCP socket" in refused(tmp_path, [("dns", local)])


def test_of_another_process(tmp_path):
    """Variables that were meant for the parent are no sockets of ours."""
    env = {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1"}
    daemon = Daemon(tmp_path / "data", env=env).start()
    assert daemon.ready["dns"].startswith("127.0.0.1:")
    daemon.finish()
    done = run(binary(), "--data", tmp_path / "other", "--api", "127.0.0.1:0", "--dns", "127.0.0.1:0",
               env={"LISTEN_PID": "1", "LISTEN_FDS": "many"})
    assert done.returncode == 78 and "LISTEN_FDS are not understood" in done.stderr


@pytest.mark.skipif(not shutil.which("systemd-socket-activate"), reason="systemd-socket-activate is not installed")
def test_systemd_socket_activate(tmp_path):
    """systemd's own tool: it starts the daemon with the first connection, which is answered."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = ["systemd-socket-activate", "-l", f"127.0.0.1:{port}", "--fdname=api", "-E", "ASAN_OPTIONS", binary(),
               "--data", str(tmp_path / "data"), "--dns", "127.0.0.1:0"]
    with subprocess.Popen(command, env=environment(), stderr=subprocess.PIPE, text=True) as process:
        for line in process.stderr:
            if re.search(rf"Listening on 127\.0\.0\.1:{port}", line):
                break
        with socket.create_connection(("127.0.0.1", port), timeout=60) as waiting:
            waiting.sendall(b"GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            assert waiting.recv(4096).startswith(b"HTTP/1.1 200 ")
        process.send_signal(signal.SIGTERM)
        assert "stopped" in process.stderr.read()
        assert process.wait(60) == 0
