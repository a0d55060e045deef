# SPDX-License-Identifier: Apache-2.0
"""A million instances: time to ready, memory, and whether large services cost more than small ones."""

import json
import signal
import subprocess
import time

from measure import LOAD, LOAD_CORE, QUICK, Report, SERVER_CORE, fresh_data, load, rounds
from server import Server

SERVICES, INSTANCES = (20, 2_000) if QUICK else (10_000, 1_000_000)
LARGE = 1_000 if QUICK else 100_000
SMALL = 100
MAX_READY_SECONDS, MAX_BYTES, MIN_REGISTER, MIN_DISCOVER = 6, 1_000, 0.7, 0.3
ID = 10  # `i-%08d`
# As load.lua writes them: keys, then values
ATTRIBUTES = (sum(map(len, ("AWS_INSTANCE_IPV4", "AWS_INSTANCE_PORT", "shard", "zone")))
              + sum(map(len, ("10.100.100.100", "8080", "s00000000", "z0"))))
TEXT = ID + ATTRIBUTES


def write_lines(path, lines):
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return path


def fill(server, services, first, last):
    """Registers [first, last) over the services of the file; every one acknowledged. Instances a second."""
    began = time.monotonic()
    command = [*LOAD_CORE, "wrk", "-t1", "-c256", "-d3600s", "--timeout", "60s", "-s", LOAD, server.url, "--", "fill",
               services, str(first), str(last)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as wrk:
        try:
            said = next(line for line in wrk.stdout if line.startswith(("filled", "refused")))
            seconds = time.monotonic() - began
            assert said == "filled\n", said
        finally:
            wrk.send_signal(signal.SIGINT)
            wrk.stdout.read()
    return (last - first) / seconds


def timed_start(server):
    began = time.monotonic()
    server.start()
    return time.monotonic() - began


def count(client, service_id):
    return sum(1 for _ in client.items("ListInstances", "Instances", ServiceId=service_id))


def starts(report, server, home, filled):
    """The figures of a full registry after a restart; `filled` is the memory that it took before."""
    empty = Server(home / "empty", server.settings, before=SERVER_CORE).start()
    idle = empty.memory()
    empty.end()
    seconds = min(timed_start_again(server) for _ in range(1 if QUICK else 3))
    held = server.memory()
    per_instance = held / INSTANCES - TEXT
    report.table("full registry", "figure")
    report.row("instances, services", f"{INSTANCES:,}, {SERVICES:,}")
    report.row("text of an instance (id, keys, values)", f"{TEXT} bytes")
    report.row("resident memory after a start, all of it", f"{mib(held)} (of an empty daemon: {mib(idle)})")
    report.row("resident memory after the fill", mib(filled))
    report.row("store on disk", mib(sum(f.stat().st_size for f in (home / "data").iterdir() if f.is_file())))
    report.row("start to ready", f"{seconds:.2f} s")
    return seconds, per_instance


def mib(n):
    return f"{n / 2**20:,.1f} MiB"


def timed_start_again(server):
    if server.process:
        assert server.stop() == 0, server.stderr_lines
    return timed_start(server)


def large_and_small(report, server, home):
    """Registration and discovery, in a large service and in a small one, in turn."""
    with server.client() as client:
        namespace = client.namespace("sizes")
        large, small, ten = (client.service(namespace, name) for name in ("large", "small", "ten"))
        fill(server, write_lines(home / "large", [large]), 0, LARGE)
        fill(server, write_lines(home / "small", [small]), 0, SMALL)
        fill(server, write_lines(home / "ten", [ten]), 0, 10)
        assert (count(client, large), count(client, small), count(client, ten)) == (LARGE, SMALL, 10)
        found = client.call("DiscoverInstances", NamespaceName="sizes", ServiceName="large",
                            QueryParameters={"shard": "s00000007"})["Instances"]
        assert len(found) == 10, found

    def loader(*arguments, connections=64):
        return lambda: load(server.url, server.cpu_seconds, connections, *arguments)

    cells = {"renew": rounds({"large": loader("renew", large, LARGE), "small": loader("renew", small, SMALL)},
                             wanted_busy=0)}
    first = 50_000_000
    for service in (large, small):
        fill(server, write_lines(home / "churn", [service]), first - SMALL + 1, first + 1)
    step = iter(range(first, 99_000_000, 1_000_000))

    def churn(service):
        def one():
            begin = next(step)
            fill(server, write_lines(home / "churn", [service]), begin - SMALL + 1, begin + 1)
            return load(server.url, server.cpu_seconds, 64, "churn", service, begin, SMALL)
        return one

    cells["churn"] = rounds({"large": churn(large), "small": churn(small)}, wanted_busy=0, count=1 if QUICK else 3)
    body = json.dumps({"NamespaceName": "sizes", "ServiceName": "ten", "HealthStatus": "ALL"})
    cells["discover"] = rounds({"large": loader("query", "sizes", "large", LARGE // 10, connections=32),
                                "small": loader("call", "DiscoverInstances", body, connections=32)})
    report.cell_table("situation")
    for name, cell in cells["renew"].items():
        report.cell_row("register again, 64 clients", f"service of {LARGE if name == 'large' else SMALL:,}", cell)
    for name, cell in cells["churn"].items():
        report.cell_row("register new, deregister old, 64 clients",
                        f"service of {LARGE if name == 'large' else SMALL:,}", cell)
    for name, cell in cells["discover"].items():
        report.cell_row("discover 10, 32 connections",
                        f"of {LARGE:,} by one attribute" if name == "large" else "of 10", cell)
    return {name: pair["large"].median("rate") / pair["small"].median("rate") for name, pair in cells.items()}


def run():
    report = Report("scale")
    home = fresh_data("scale")
    server = Server(home / "data", {"api.workers": "1"}, before=SERVER_CORE).start()
    try:
        with server.client() as client:
            namespace = client.namespace("fleet")
            ids = [client.service(namespace, f"service-{n:05d}") for n in range(SERVICES)]
        rate = fill(server, write_lines(home / "services", ids), 0, INSTANCES)
        report.say(f"Filled through the API with 256 clients at {rate:,.0f} registrations a second.")
        with server.client() as client:
            assert count(client, ids[0]) == INSTANCES // SERVICES
        filled = server.memory()
        assert server.stop() == 0, server.stderr_lines
        seconds, per_instance = starts(report, server, home, filled)
        with server.client() as client:
            assert count(client, ids[-1]) == INSTANCES // SERVICES
        ratios = large_and_small(report, server, home)
        assert server.stop() == 0, server.stderr_lines
    finally:
        server.end()
    report.bar_table()
    report.bar(f"{INSTANCES:,} instances: start to ready", seconds, "<=", MAX_READY_SECONDS, " s")
    report.bar("bytes an instance beyond its text", per_instance, "<=", MAX_BYTES)
    report.bar(f"register again into {LARGE:,}, of the rate into {SMALL}", ratios["renew"], ">=", MIN_REGISTER)
    report.bar(f"register new into {LARGE:,}, of the rate into {SMALL}", ratios["churn"], ">=", MIN_REGISTER)
    report.bar(f"discover 10 of {LARGE:,} by one attribute, of the rate of 10 of 10", ratios["discover"], ">=",
               MIN_DISCOVER)
    return report
