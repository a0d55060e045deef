# SPDX-License-Identifier: Apache-2.0
"""Connections: ten thousand that are idle, and hundreds a second that begin with a handshake, each beside a client that
goes on with signed calls. The cost of a handshake beside nginx's."""

import contextlib
import resource
import socket
import ssl
import subprocess
import sys
from pathlib import Path

from api import SMALL, discover_body, discoverer, fill, make_certificate, signature, signed_call
from measure import (LOAD_CORE, QUICK, Report, SECONDS, SERVER_CORE, Cell, background, fresh_data, load, rounds, sample,
                     wrk)
from peer_servers import nginx
from server import Server

N_IDLE = 100 if QUICK else 10_000
MAX_MIB, MIN_IDLE_RATE = 100, 0.9
KNOCK_RATE, KNOCK_PACE, MIN_KNOCKED_RATE = 500, 510, 0.5  # a second: wanted, tried; the share that others keep
KNOCK_PLACES, KNOCK_PAUSE_MS = 55, 100  # some KNOCK_PACE, with what a handshake takes
ROUNDS = 1 if QUICK else 3
SOFT_FILES = 1024  # what a daemon is commonly started with
SETTINGS = {"api.workers": "1", "auth.mode": "open", "api.idle_timeout": "10m"}
ECDSA, RSA = "ECDSA P-256", "RSA 2048"
BODY = discover_body(SMALL[0])


class Clients:
    """What is asked of the daemon: a signed call, on its plain port or the one with TLS."""

    def __init__(self, ours, key, certificate):
        self.ours, self.key = ours, key
        self.ports = {"plain": ours.port, "TLS": int(ours.ready["tls"].rpartition(":")[2])}
        self.context = ssl.create_default_context(cafile=certificate)
        self.context.check_hostname, self.context.verify_mode = False, ssl.CERT_NONE

    def load(self, kind):
        port = self.ports[kind]
        url = f"{'https' if kind == 'TLS' else 'http'}://127.0.0.1:{port}/"
        return load(url, self.ours.cpu_seconds, 32, "call", "DiscoverInstances", BODY, *signature(port, self.key, BODY))

    def open(self, kind, source):
        """A connection that has had its answer."""
        port = self.ports[kind]
        one = socket.create_connection(("127.0.0.1", port), 20, (source, 0))
        if kind == "TLS":
            one = self.context.wrap_socket(one)
        one.sendall(signed_call(port, self.key, BODY).encode())
        answer = b""
        while not answer.endswith(b"}"):
            answer += one.recv(65536)
        assert answer.startswith(b"HTTP/1.1 200 "), answer
        return one


def knock(port, rate=KNOCK_PACE):
    return [*LOAD_CORE, sys.executable, str(Path(__file__).with_name("knock.py")), str(port), str(rate), str(SECONDS)]


def idle(report, clients, kind):
    """A client among idle connections, and alone before and after that; resident bytes of all the daemon among them, and both
    cells."""
    alone = [clients.load(kind) for _ in range(ROUNDS)]
    before = clients.ours.memory()
    with contextlib.ExitStack() as stack:
        for n in range(N_IDLE):
            stack.enter_context(clients.open(kind, f"127.0.0.{2 + n % 50}"))
        after = clients.ours.memory()
        among = Cell([clients.load(kind) for _ in range(ROUNDS)])
    alone = Cell(alone + [clients.load(kind) for _ in range(ROUNDS)])
    report.row(f"{N_IDLE:,} {kind}", f"{before / 2**20:.1f}", f"{after / 2**20:.1f}",
               f"{(after - before) / N_IDLE:,.0f}", f"{alone.median('rate'):,.0f}", f"{among.median('rate'):,.0f}",
               f"{alone.median('p99'):,.0f}", f"{among.median('p99'):,.0f}")
    return after, alone, among


def knock_beside(port):
    """The same by wrk, which leaves more of the generators' core to the clients that are measured."""
    return wrk(f"https://127.0.0.1:{port}/", KNOCK_PLACES, SECONDS, ["knock", KNOCK_PAUSE_MS])


def knocked(report, clients, key_name, kinds):
    """{kind: share of its rate that a signed client keeps}, and how many handshakes there were a second."""
    heard = []

    def among(kind):
        with background(knock_beside(clients.ports["TLS"])) as found:
            of_client = clients.load(kind)
        heard.append(found[0])
        return of_client

    samplers = {}
    for kind in kinds:
        samplers |= {f"{kind}, alone": lambda kind=kind: clients.load(kind),
                     f"{kind}, among handshakes": lambda kind=kind: among(kind)}
    cells = rounds(samplers, count=ROUNDS)
    for name, cell in cells.items():
        report.cell_row(f"signed, {key_name}", name, cell)
    assert not any(one["broken"] for one in heard), heard
    rate = min(one["requests"] / one["seconds"] for one in heard)
    shares = {kind: cells[f"{kind}, among handshakes"].median("rate") / cells[f"{kind}, alone"].median("rate")
              for kind in kinds}
    return shares, rate


def compare(report, clients, key_name, pair):
    """What a handshake with one request costs here and there, at the same pace; {name: cell}."""
    with nginx(b"ok\n", *pair) as peer:
        cells = rounds({"cloudmapd": lambda: sample(knock(clients.ports["TLS"]), clients.ours.cpu_seconds),
                        "nginx": lambda: sample(knock(peer.port), peer.cpu)}, wanted_busy=0, count=ROUNDS)
    for name, cell in cells.items():
        report.cell_row(f"handshake and request, {key_name}", name, cell)
    return cells


def make_rsa():
    home = fresh_data("rsa")
    pair = home / "certificate.pem", home / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=cloudmap.localhost", "-out",
                    pair[0], "-keyout", pair[1]], check=True, capture_output=True)
    return pair


def bars(report, idled, knocks, costs):
    report.bar_table()
    report.bar(f"{N_IDLE:,} idle plain connections: resident memory", idled["plain"][0] / 2**20, "<=", MAX_MIB, " MiB")
    for kind, (_, alone, among) in idled.items():
        report.bar(f"signed {kind} calls among idle ones, of their rate alone",
                   among.median("rate") / alone.median("rate"), ">=", MIN_IDLE_RATE)
    shares, rate = knocks[ECDSA]
    report.bar(f"{ECDSA}: handshakes a second beside signed calls", rate, ">=", KNOCK_RATE)
    for kind, share in shares.items():
        report.bar(f"{ECDSA}: signed {kind} calls meanwhile, of their rate alone", share, ">=", MIN_KNOCKED_RATE)
    report.table("figure without a bar", "measured")
    shares, rate = knocks[RSA]
    report.row(f"{RSA}: handshakes a second beside signed calls", f"{rate:,.0f}")
    for kind, share in shares.items():
        report.row(f"{RSA}: signed {kind} calls meanwhile, of their rate alone", f"{share:.2f}")
    for key_name, cells in costs.items():
        report.row(f"handshake and request, {key_name}: CPU us, of nginx's",
                   f"{cells['cloudmapd'].median('us') / cells['nginx'].median('us'):.2f}")


def run():
    report = Report("connections", ROUNDS)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    report.say(f"cloudmapd with `--set api.workers=1 --set auth.mode=required`, started with {SOFT_FILES:,} descriptors as soft "
               f"limit. Signed DiscoverInstances of {SMALL[1]} instances, on 32 connections; {KNOCK_PACE} whole handshakes of "
               "TLS 1.3 a second, a request each, each key in turn.")
    before = [*SERVER_CORE, "prlimit", f"--nofile={SOFT_FILES}:{hard}"]
    idled, knocks, costs = {}, {}, {}
    with Server(fresh_data("cloudmapd"), SETTINGS, before=before) as ours:
        with ours.client() as client:
            fill(client)
        key = discoverer(ours)

        def restart(pair):
            ours.restart(SETTINGS | {"auth.mode": "required", "tls.listen": "127.0.0.1:0", "tls.certificate": pair[0],
                                     "tls.key": pair[1]})
            return Clients(ours, key, pair[0])

        pairs = {ECDSA: make_certificate(), RSA: make_rsa()}
        report.table("idle connections, one call each", "MiB before", "MiB then", "bytes each", "signed calls/s alone",
                     "among them", "p99 us alone", "among them")
        for kind in ("plain", "TLS"):
            idled[kind] = idle(report, restart(pairs[ECDSA]), kind)
        report.cell_table("situation")
        for key_name, pair in pairs.items():
            clients = restart(pair)
            knocks[key_name] = knocked(report, clients, key_name, ("plain", "TLS"))
            costs[key_name] = compare(report, clients, key_name, pair)
    bars(report, idled, knocks, costs)
    return report
