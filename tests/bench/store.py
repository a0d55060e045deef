# SPDX-License-Identifier: Apache-2.0
"""RegisterInstance, durable, against etcd's put through its JSON gateway on the same disk."""

import os
import signal

from measure import Report, SERVER_CORE, children, fresh_data, load, rounds
from peer_servers import etcd
from server import Server

VALUE_BYTES = 400
SERVICES = 16
BARS = {64: 2.0, 1: 1.5}
FLUSH_CALLS = ("fsync", "fdatasync", "msync", "sync_file_range")


class Ours:
    """A daemon over an empty store, with services to register into."""

    def __init__(self, before=()):
        home = fresh_data("cloudmapd")
        self.server = Server(home / "data", {"api.workers": "1"}, before=[*SERVER_CORE, *before]).start()
        self.services = home / "services"
        with self.server.client() as client:
            namespace = client.namespace("shop")
            ids = [client.service(namespace, f"service-{n}") for n in range(SERVICES)]
        self.services.write_text("\n".join(ids) + "\n", encoding="utf-8")

    def load(self, connections):
        return load(self.server.url, self.server.cpu_seconds, connections, "register", self.services, 0, VALUE_BYTES)

    def end(self):
        for pid in children(self.server.pid):
            os.kill(pid, signal.SIGKILL)
        self.server.end()


class Etcd:
    def __init__(self, before=()):
        self.server = etcd(before)

    def load(self, connections):
        return load(self.server.url + "v3/kv/put", self.server.cpu, connections, "put", 0, VALUE_BYTES)

    def end(self):
        self.server.end()


def fresh(make, connections, before=()):
    """One sample on a server of its own: neither side drags what earlier rounds wrote."""
    one = make(before)
    try:
        return one.load(connections)
    finally:
        one.end()


def flushes(make, connections):
    """(acknowledged writes, flush system calls) of one watched run; strace slows it, so its rate is not shown."""
    trace = fresh_data("trace") / "calls"
    watch = ["strace", "-f", "--seccomp-bpf", "-qq", "-o", str(trace), "-e", "trace=" + ",".join(FLUSH_CALLS),
             "-e", "signal=none"]
    sample = fresh(make, connections, watch)
    calls = trace.read_text(encoding="utf-8", errors="replace").splitlines()
    return sample.requests, sum(call.endswith("= 0") for call in calls)


def run():
    report = Report("store")
    report.say(f"Writes of {VALUE_BYTES} bytes of value with new keys, acknowledged when durable; both stores on one "
               "disk, each run on an empty store. etcd 3.4, one node, defaults.")
    report.cell_table("situation")
    results = {}
    for connections in BARS:
        cells = rounds({"cloudmapd": lambda: fresh(Ours, connections), "etcd": lambda: fresh(Etcd, connections)},
                       wanted_busy=0)  # the disk is the busy one
        results[connections] = cells
        for name, cell in cells.items():
            report.cell_row(f"{connections} clients", name, cell)
    report.table("flushes, under strace", "server", "acknowledged", "flush calls", "acknowledged a flush")
    for connections in BARS:
        for name, make in (("cloudmapd", Ours), ("etcd", Etcd)):
            writes, calls = flushes(make, connections)
            assert calls, f"{name} acknowledged {writes} writes without a flush"
            report.row(f"{connections} clients", name, f"{writes:,}", f"{calls:,}", f"{writes / calls:.2f}")
    report.bar_table()
    for connections, wanted in BARS.items():
        a, b = results[connections]["cloudmapd"], results[connections]["etcd"]
        report.bar(f"{connections} clients: writes/s, of etcd's", a.median("rate") / b.median("rate"), ">=", wanted)
    return report
