# SPDX-License-Identifier: Apache-2.0
"""Health checks of 10,000 targets of which most are hostile. The good ones tell when they are probed, and how soon the
daemon notices that some of them have fallen silent. All of it in a network of its own."""

import collections
import json
import os
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

from measure import LOAD_CORE, QUICK, Report, SERVER_CORE, fresh_data
from server import ROOT, Server

from support.network import own_network

Kind = collections.namedtuple("Kind", "name count check network")
SCALE = 100 if QUICK else 1
KINDS = [Kind("good", 1_800 // SCALE, "HTTP", "127.10"),
         Kind("turning", 200 // SCALE, "HTTP", "127.11"),  # good until they fall silent
         Kind("silent", 3_000 // SCALE, "HTTP", "127.12"),
         Kind("dropped", 2_000 // SCALE, "HTTP", "198.18"),
         Kind("dripping", 1_000 // SCALE, "HTTP", "127.14"),
         Kind("redirecting", 500 // SCALE, "HTTP", "127.15"),
         Kind("endless", 500 // SCALE, "HTTP", "127.16"),
         Kind("resetting", 500 // SCALE, "HTTP", "127.17"),
         Kind("broken_tls", 500 // SCALE, "HTTPS", "127.18")]
INTERVAL, THRESHOLD = (3, 1) if QUICK else (30, 2)  # seconds; results in a row
WINDOW = 2 * INTERVAL if QUICK else 4 * INTERVAL
CONNECT_SECONDS, ANSWER_SECONDS = 4, 2
REGISTRARS, POLL_SECONDS = 8, 0.1
MAX_DEVIATION, MAX_CORES, MAX_MIB, MAX_LATE = 0.1, 1.0, 256, 1.0


class Targets:
    """The process that plays all of them but the dropped ones, whose packets the kernel throws away."""

    def __init__(self):
        program = ROOT / "build" / "bench" / "health_targets"
        program.parent.mkdir(parents=True, exist_ok=True)
        source = ROOT / "tests" / "bench" / "health_targets.c"
        subprocess.run(["cc", "-O2", "-D_GNU_SOURCE", "-o", program, source], check=True)
        subprocess.run(["ip", "route", "add", "198.18.0.0/16", "dev", "lo"], check=True)
        self.process = subprocess.Popen([*LOAD_CORE, program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.ports = json.loads(self.process.stdout.readline()) | {"dropped": 80}

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.process.kill()
        self.process.communicate()

    def say(self, word):
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()

    def times(self, kind):
        """When each target of the kind was probed so far: {address: [seconds of the monotonic clock]}."""
        found = collections.defaultdict(list)
        self.say("times")
        for line in iter(self.process.stdout.readline, "end\n"):
            name, address, nanoseconds = line.split()
            if name == kind:
                found[address].append(int(nanoseconds) / 1e9)
        return found


def address(kind, n):
    return f"{kind.network}.{n // 250}.{n % 250 + 1}"


def register(server, targets):
    """A service for each kind; returns their ids, and when each instance was registered."""
    with server.client() as client:
        namespace = client.namespace("bench")
        ids = {kind.name: client.service(namespace, kind.name,
                                         HealthCheckConfig={"Type": kind.check, "FailureThreshold": THRESHOLD})
               for kind in KINDS}

    def some(first):
        with server.client() as client:
            for kind in KINDS:
                for n in range(first, kind.count, REGISTRARS):
                    given = {"AWS_INSTANCE_IPV4": address(kind, n), "AWS_INSTANCE_PORT": str(targets.ports[kind.name])}
                    client.call("RegisterInstance", ServiceId=ids[kind.name], InstanceId=address(kind, n),
                                Attributes=given)
                    registered[address(kind, n)] = time.monotonic()

    registered = {}
    with ThreadPoolExecutor(REGISTRARS) as pool:
        list(pool.map(some, range(REGISTRARS)))
    return ids, registered


def statuses(client, service):
    found, token = {}, None
    while True:
        answer = client.call("GetInstancesHealthStatus", ServiceId=service, MaxResults=100,
                             **({"NextToken": token} if token else {}))
        found |= answer["Status"]
        token = answer.get("NextToken")
        if not token:
            return found


def deviations(times, since, until):
    """By how much each gap between two probes of one target differs from the interval, as a share of it."""
    found = []
    for name, each in times.items():
        inside = [t for t in each if since <= t <= until]
        assert len(inside) >= 2, f"{name} was probed at {each}"
        found += [abs(b - a - INTERVAL) / INTERVAL for a, b in zip(inside, inside[1:])]
    return sorted(found)


def detect(client, service, targets):
    """How much later than threshold x interval + timeout after its last good answer each silent target is unhealthy."""
    targets.say("silence")
    last = {name: times[-1] for name, times in targets.times("turning").items()}
    late, deadline = {}, time.monotonic() + THRESHOLD * INTERVAL + ANSWER_SECONDS + 30
    while len(late) < len(last):
        assert time.monotonic() < deadline, f"still healthy: {sorted(last.keys() - late.keys())[:5]}"
        time.sleep(POLL_SECONDS)
        for name, status in statuses(client, service).items():
            if status == "UNHEALTHY" and name not in late:
                late[name] = time.monotonic() - last[name] - (THRESHOLD * INTERVAL + ANSWER_SECONDS)
    return sorted(late.values())


def counts(client, ids):
    """{kind: {status: targets}}."""
    return {name: collections.Counter(statuses(client, service).values()) for name, service in ids.items()}


def measured(report, server, targets):
    ids, registered = register(server, targets)
    time.sleep(THRESHOLD * INTERVAL + CONNECT_SECONDS + ANSWER_SECONDS)  # everything has been judged
    settled, cpu = time.monotonic(), server.cpu_seconds()
    time.sleep(WINDOW)
    ended, cores = time.monotonic(), (server.cpu_seconds() - cpu) / (time.monotonic() - settled)
    with server.client() as client:
        found = counts(client, ids)
        times = targets.times("good")
        gaps = deviations(times, settled, ended)
        first = sorted(each[0] - registered[name] for name, each in times.items())
        late = detect(client, ids["turning"], targets)
    memory = server.memory("VmHWM") / 2**20
    report.table("targets", "check", "number", "judged")
    for kind in KINDS:
        report.row(kind.name.replace("_", " "), kind.check, f"{kind.count:,}",
                   ", ".join(f"{n:,} {status.lower()}" for status, n in sorted(found[kind.name].items())))
    report.table("figure", "measured")
    report.row("processor of the daemon", f"{cores:.2f} cores")
    report.row("most resident memory", f"{memory:.1f} MiB")
    report.row("gap between two probes of a good target, off the interval", f"median {gaps[len(gaps) // 2]:.4%}, "
               f"99 % within {gaps[len(gaps) * 99 // 100]:.4%}, the worst {gaps[-1]:.4%}")
    report.row("first probe of a good target, after its registration",
               f"median {first[len(first) // 2] * 1000:.1f} ms, the last {first[-1] * 1000:.1f} ms")
    report.row("a silent target found out, against threshold x interval + timeout",
               f"{late[0]:+.2f} s to {late[-1]:+.2f} s")
    report.bar_table()
    report.bar("99th percentile of good targets: off the interval", gaps[len(gaps) * 99 // 100] * 100, "<=",
               MAX_DEVIATION * 100, " %")
    report.bar("processor", cores, "<=", MAX_CORES, " cores")
    report.bar("memory", memory, "<=", MAX_MIB, " MiB")
    report.bar("detection, off threshold x interval + timeout", max(map(abs, late)), "<=", MAX_LATE, " s")


def run():
    report = Report("health")
    if os.geteuid() != 0:
        report.say("Left out: a network of its own takes root.")
        return report
    report.say(f"{sum(kind.count for kind in KINDS):,} targets, each with an address of its own, probed every {INTERVAL} s "
               f"with a threshold of {THRESHOLD}. Dropped ones are behind a route that throws their packets away. Times are "
               f"those that the targets saw over {WINDOW} s.")
    settings = {"api.workers": "1", "dns.workers": "1", "health.allow": "127.0.0.0/8", "health.interval": f"{INTERVAL}s",
                "health.doubt_max": "1"}
    with own_network(), Targets() as targets, Server(fresh_data("health") / "data", settings, before=SERVER_CORE) as server:
        measured(report, server, targets)
        assert server.stop() == 0, server.stderr_lines
    return report
