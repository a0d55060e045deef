# SPDX-License-Identifier: Apache-2.0
"""Other people's programs beside the daemon, as packages unpacked below build/peers/: resolvers that ask it, proxies that
follow it, servers to compare it with."""

import contextlib
import os
import random
import socket
import subprocess
import sys
import time

import pytest

from support.daemon import ROOT
from support.network import over_files

sys.path.insert(0, str(ROOT / "tests" / "lib"))

import peers  # noqa: E402

START_SECONDS = 30
STOP_SECONDS = 30


def peer(program, package):
    """Path of the program; the test is left out, aloud, where the package or its libraries are not to be had."""
    try:
        return peers.peer(program, package)
    except AssertionError as missing:
        pytest.skip(str(missing))


def free_port(host="127.0.0.1"):
    """A port that is free over UDP and TCP at the moment; below those that the kernel gives to whoever connects, so that
    it is likely to stay free."""
    while True:
        port = random.randrange(12000, 32000)
        with socket.socket() as tcp, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            try:
                tcp.bind((host, port))
                udp.bind((host, port))
                return port
            except OSError:
                continue


@contextlib.contextmanager
def running(command, home, place):
    """The program, from when the place (host, port) takes connections to the end of the block."""
    log = home / "said"
    with open(log, "wb") as out:
        process = subprocess.Popen([str(word) for word in command], cwd=home, stdin=subprocess.DEVNULL, stdout=out,
                                   stderr=subprocess.STDOUT, start_new_session=True)
    try:
        deadline = time.monotonic() + START_SECONDS
        while not _listens(place):
            said = log.read_text(encoding="utf-8", errors="replace")
            assert process.poll() is None, f"{command[0]} ended: {said}"
            assert time.monotonic() < deadline, f"{command[0]} does not listen: {said}"
            time.sleep(0.02)
        yield process
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _listens(place):
    try:
        socket.create_connection(place, timeout=1).close()
        return True
    except OSError:
        return False


UNBOUND = """\
server:
    interface: 127.0.0.1@{port}
    access-control: 127.0.0.0/8 allow
    do-ip6: no
    do-not-query-localhost: no
    num-threads: 1
    module-config: "validator iterator"
    trust-anchor: ". DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D"
    domain-insecure: "{zone}"
    qname-minimisation: yes
    qname-minimisation-strict: yes
    use-caps-for-id: yes
    harden-below-nxdomain: yes
    harden-referral-path: no
    root-hints: ""
    chroot: ""
    username: ""
    directory: "{home}"
    pidfile: "{home}/pid"
    use-syslog: no
remote-control:
    control-enable: no
{kind}-zone:
    name: "{zone}"
    {kind}-addr: {host}@{at}
"""


@contextlib.contextmanager
def unbound(home, zone, server, kind="stub"):
    """The port of a resolver that asks `server` for the zone, as strictly as it can (0x20, QNAME minimisation, nothing
    below an NXDOMAIN); kind is stub or forward."""
    port = free_port()
    (home / "unbound.conf").write_text(UNBOUND.format(home=home, port=port, zone=zone, kind=kind, host=server[0],
                                                      at=server[1]), encoding="utf-8")
    with running([peer("usr/sbin/unbound", "unbound"), "-d", "-c", home / "unbound.conf"], home, ("127.0.0.1", port)):
        yield "127.0.0.1", port


@contextlib.contextmanager
def dnsmasq(home, zone, server):
    port = free_port()
    with running([peer("usr/sbin/dnsmasq", "dnsmasq-base"), "--keep-in-foreground", "--conf-file=/dev/null",
                  f"--port={port}", "--listen-address=127.0.0.1", "--bind-interfaces", "--no-resolv", "--no-hosts",
                  "--user=", "--group=", f"--pid-file={home}/pid", "--log-facility=-",
                  f"--server=/{zone}/{server[0]}#{server[1]}"], home, ("127.0.0.1", port)):
        yield "127.0.0.1", port


RESOLVED = """\
[Resolve]
DNS={server[0]}:{server[1]}
Domains=~{zone}
FallbackDNS=
LLMNR=no
MulticastDNS=no
DNSSEC=no
DNSOverTLS=no
ReadEtcHosts=no
"""


def resolved_program():
    return peer("lib/systemd/systemd-resolved", "systemd-resolved")


@contextlib.contextmanager
def resolved(home, zone, server):
    """systemd-resolved without systemd and without D-Bus, at its fixed address: for a network of its own only."""
    program = resolved_program()
    config, users = home / "resolved.conf", home / "passwd"
    config.write_text(RESOLVED.format(server=server, zone=zone), encoding="utf-8")
    with open("/etc/passwd", encoding="utf-8") as system:
        users.write_text("".join(line for line in system if not line.startswith("systemd-resolve:"))
                         + "systemd-resolve:x:999:999::/:/usr/sbin/nologin\n", encoding="utf-8")
    folder = home / "systemd"
    folder.mkdir()
    config.rename(folder / "resolved.conf")
    with running(over_files([program], {"/etc/systemd": folder, "/etc/passwd": users}, ["/run/systemd"]), home,
                 ("127.0.0.53", 53)):
        yield "127.0.0.53", 53


KNOT = """\
server:
    listen: {place[0]}@{place[1]}
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
"""


@contextlib.contextmanager
def knot(home, zones, place=None):
    """Knot as the server of {zone: text of its file}."""
    place = place or ("127.0.0.1", free_port())
    text = KNOT.format(home=home, place=place) + "zone:\n"
    for number, (zone, records) in enumerate(zones.items()):
        (home / f"{number}.zone").write_text(records, encoding="ascii")
        text += f'  - domain: "{zone}"\n    file: "{number}.zone"\n'
    (home / "knot.conf").write_text(text, encoding="utf-8")
    with running([peer("usr/sbin/knotd", "knot"), "-c", home / "knot.conf"], home, place):
        yield place


HAPROXY = """\
global
    maxconn 200
defaults
    mode http
    timeout connect 1s
    timeout client 10s
    timeout server 10s
resolvers cloudmap
    nameserver here {server[0]}:{server[1]}
    accepted_payload_size 1232
    resolve_retries 3
    timeout resolve 200ms
    timeout retry 500ms
    hold valid 200ms
    hold obsolete 0s
frontend web
    bind 127.0.0.1:{port}
    default_backend web
backend web
    balance roundrobin
    server-template web- 8 {name} resolvers cloudmap resolve-prefer ipv4 init-addr none check inter 200ms
"""


@contextlib.contextmanager
def haproxy(home, name, _port, server):
    """A proxy in front of the SRV records of the name, asked for each 200 ms."""
    port = free_port()
    (home / "haproxy.cfg").write_text(HAPROXY.format(port=port, name=name, server=server), encoding="utf-8")
    with running([peer("usr/sbin/haproxy", "haproxy"), "-db", "-f", home / "haproxy.cfg"], home, ("127.0.0.1", port)):
        yield "127.0.0.1", port


NGINX = """\
daemon off;
worker_processes 1;
pid {home}/pid;
{user}
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {home}/body;
    proxy_temp_path {home}/proxy;
    fastcgi_temp_path {home}/fastcgi;
    uwsgi_temp_path {home}/uwsgi;
    scgi_temp_path {home}/scgi;
    resolver {server[0]}:{server[1]} ipv6=off;
    server {{
        listen 127.0.0.1:{port};
        location / {{
            set $backend {name};
            proxy_next_upstream off;
            proxy_pass http://$backend:{at};
        }}
    }}
}}
"""


@contextlib.contextmanager
def nginx(home, name, at, server):
    """A proxy in front of the addresses of the name, all at one port; it asks again when the TTL is over."""
    port = free_port()
    user = "user root;" if not os.geteuid() else ""
    (home / "nginx.conf").write_text(NGINX.format(home=home, port=port, name=name, at=at, server=server, user=user),
                                     encoding="utf-8")
    with running([peer("usr/sbin/nginx", "nginx"), "-p", home, "-c", home / "nginx.conf", "-e", home / "error.log"], home,
                 ("127.0.0.1", port)):
        yield "127.0.0.1", port
