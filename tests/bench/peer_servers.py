# SPDX-License-Identifier: Apache-2.0
"""The peers as running servers, with the settings that make the comparison fair stated here."""

import os
import signal
import socket
import subprocess
import time

import wire
from measure import SERVER_CORE, children, fresh_data, tree_cpu_seconds
from peers import peer

START_SECONDS = 20


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Peer:
    """A program on core 0, up when its port answers."""

    def __init__(self, command, port, cwd, before=()):
        self.port, self.log = port, cwd / "out"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen([*SERVER_CORE, *before, *command], cwd=cwd, stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=subprocess.STDOUT)
        try:
            self._wait(command[0])
        except BaseException:
            self.process.kill()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.end()

    def _wait(self, name):
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                said = self.log.read_text(encoding="utf-8", errors="replace")
                assert self.process.poll() is None, f"{name} ended: {said}"
                assert time.monotonic() < deadline, f"{name} does not listen: {said}"
                time.sleep(0.02)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/"

    def cpu(self):
        return tree_cpu_seconds(self.process.pid)

    def end(self):
        """Nothing of a peer is kept, so that it may end as fast as it can."""
        for pid in [*children(self.process.pid), self.process.pid]:
            os.kill(pid, signal.SIGKILL)
        self.process.wait(START_SECONDS)


NGINX_WORD = 4000  # its configuration takes no longer ones
NGINX = """\
daemon off;
worker_processes 1;
pid {home}/pid;
error_log {home}/error.log error;
{user}
events {{ worker_connections 2048; }}
http {{
    access_log off;
    server_tokens off;
    keepalive_requests 1000000000;
    keepalive_timeout 600;
    default_type application/x-amz-json-1.1;
    client_body_temp_path {home}/body;
    proxy_temp_path {home}/proxy;
    fastcgi_temp_path {home}/fastcgi;
    uwsgi_temp_path {home}/uwsgi;
    scgi_temp_path {home}/scgi;
    server {{
        listen 127.0.0.1:{port}{tls};
        location / {{ {answer} }}
    }}
}}
"""


# The versions and the cipher that cloudmapd takes.
NGINX_TLS = """ ssl;
        ssl_certificate {certificate};
        ssl_certificate_key {key};
        ssl_protocols TLSv1.2 TLSv1.3;
        ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256"""


def nginx(body, certificate=None, key=None):
    """One worker that returns these bytes to every request, without a log; with a certificate over TLS."""
    text = body.decode()
    assert "$" not in text and "'" not in text and "\\" not in text, "would mean something to nginx"
    parts = [text[at:at + NGINX_WORD] for at in range(0, len(text), NGINX_WORD)]
    if len(parts) == 1:
        answer = f"return 200 '{text}';"
    else:
        answer = "".join(f"set $part{n} '{part}'; " for n, part in enumerate(parts))
        answer += "return 200 \"" + "".join(f"$part{n}" for n in range(len(parts))) + "\";"
    home, port = fresh_data("nginx"), free_port()
    user = "user root;" if os.geteuid() == 0 else ""
    tls = NGINX_TLS.format(certificate=certificate, key=key) if certificate else ""
    (home / "nginx.conf").write_text(NGINX.format(home=home, port=port, answer=answer, user=user, tls=tls),
                                     encoding="utf-8")
    return Peer([peer("usr/sbin/nginx", "nginx"), "-p", str(home), "-c", str(home / "nginx.conf"), "-e",
                 str(home / "error.log")], port, home)


def etcd(before=()):
    """One node with its defaults: every put is flushed before it is answered."""
    home, port, peers = fresh_data("etcd"), free_port(), free_port()
    client, member = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{peers}"
    one = Peer([peer("usr/bin/etcd", "etcd-server"), "--data-dir", str(home / "data"), "--listen-client-urls", client,
                "--advertise-client-urls", client, "--listen-peer-urls", member,
                "--initial-advertise-peer-urls", member, "--initial-cluster", f"default={member}",
                "--log-level", "error"],
               port, home, before)
    while b"true" not in wire.Client(port).get("/health")[1]:  # it listens before it has elected itself
        time.sleep(0.02)
    return one


NSD = """\
server:
    server-count: 1
    ip-address: 127.0.0.1@{port}
    do-ip6: no
    username: ""
    chroot: ""
    zonesdir: "{home}"
    database: ""
    pidfile: "{home}/pid"
    xfrdfile: "{home}/xfrd"
    xfrdir: "{home}"
    zonelistfile: "{home}/zones"
    logfile: "{home}/log"
    tcp-count: 1000
    minimal-responses: {minimal}
    rrl-ratelimit: 0
remote-control:
    control-enable: no
zone:
    name: "{zone}"
    zonefile: "{zone}.zone"
"""


def nsd(zone, text, minimal="no"):
    """One server process. Its minimal responses would leave out the addresses of SRV targets."""
    home, port = fresh_data("nsd"), free_port()
    (home / f"{zone}.zone").write_text(text, encoding="ascii")
    (home / "nsd.conf").write_text(NSD.format(home=home, port=port, zone=zone, minimal=minimal), encoding="utf-8")
    return Peer([peer("usr/sbin/nsd", "nsd"), "-d", "-c", str(home / "nsd.conf")], port, home)


KNOT = """\
server:
    listen: 127.0.0.1@{port}
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
    rundir: "{home}"
log:
  - target: stderr
    any: error
database:
    storage: "{home}"
template:
  - id: default
    storage: "{home}"
    journal-content: none
    zonefile-sync: -1
zone:
  - domain: "{zone}"
    file: "{zone}.zone"
"""


def knot(zone, text):
    home, port = fresh_data("knot"), free_port()
    (home / f"{zone}.zone").write_text(text, encoding="ascii")
    (home / "knot.conf").write_text(KNOT.format(home=home, port=port, zone=zone), encoding="utf-8")
    return Peer([peer("usr/sbin/knotd", "knot"), "-c", str(home / "knot.conf")], port, home)
