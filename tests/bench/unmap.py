# SPDX-License-Identifier: Apache-2.0
"""A whole --single-run of cloud-unmap over services of which half is dead, beside a Python program that makes the same
calls with boto3. Cloud Map is the real cloudmapd; EC2 is the double of the end-to-end tests."""

import os
import re
import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from measure import QUICK, ROUNDS, Report, fresh_data
from server import ROOT, Server

from support.aws_double import aws_double
from support.aws_fleet import REGION

PROGRAM = ROOT / "build" / "cloud-unmap"
PEER = [sys.executable, str(Path(__file__).with_name("unmap_peer.py"))]
SIZES = (50,) if QUICK else (50, 5_000)
LARGE = 500 if QUICK else 100_000
REGISTRARS = 8
MAX_WALL, MAX_MEMORY = 0.1, 0.2  # of the peer's, at 50


class Run:
    """One process, from its start to its end."""

    def __init__(self, seconds, peak_kib, calls):
        self.ms, self.mib, self.calls = seconds * 1000, peak_kib / 1024, calls


class World:
    """One service with `count` instances, the second half of them dead."""

    def __init__(self, server, amazon, count):
        self.server, self.amazon = server, amazon
        self.machines = amazon.fleet.add_many(count)
        with server.client() as client:
            self.service = client.service(client.namespace(f"bench-{time.time_ns()}"), "web")
        with ThreadPoolExecutor(REGISTRARS) as pool:
            list(pool.map(self._register, [self.machines[n::REGISTRARS] for n in range(REGISTRARS)]))
        amazon.fleet.terminate(*self.machines[count // 2:])

    def _register(self, machines):
        with self.server.client() as client:
            for one in machines:
                client.call("RegisterInstance", ServiceId=self.service, InstanceId=one.id,
                            Attributes={"AWS_INSTANCE_IPV4": one.private, "AWS_INSTANCE_PORT": "8080"})

    def left(self):
        with self.server.client() as client:
            return sum(1 for _ in client.items("ListInstances", "Instances", ServiceId=self.service))

    def _calls(self):
        """Of Cloud Map, by its own count, and of EC2."""
        with self.server.client() as client:
            text = client.get("/metrics")[1].decode()
        counted = sum(int(float(n)) for n in re.findall(r"^cloudmap_api_requests_total\{.*\} (\S+)$", text, re.M))
        return counted + len(self.amazon.ec2.called())

    def run(self, command):
        key = self.amazon.key
        env = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")} | self.amazon.urls() | {
            "AWS_ACCESS_KEY_ID": key.id, "AWS_SECRET_ACCESS_KEY": key.secret, "AWS_DEFAULT_REGION": REGION,
            "AWS_REGION": REGION, "AWS_EC2_METADATA_DISABLED": "true", "HOME": str(fresh_data("home")),
            "AWS_ENDPOINT_URL_SERVICEDISCOVERY": self.server.url}
        peak = fresh_data("peak") / "kib"
        before = self._calls()
        began = time.perf_counter()
        # A child of this process would inherit its peak; a child of time(1) does not.
        done = subprocess.run(["/usr/bin/time", "-f", "%M", "-o", peak, *command], env=env, stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, text=True, check=False)
        seconds = time.perf_counter() - began
        assert done.returncode == 0, done.stderr[-2000:]
        return Run(seconds, int(peak.read_text(encoding="ascii")), self._calls() - before)


def ours(service, *words):
    return [str(PROGRAM), "--service-id", service, "--service-region", REGION, "--instances-region", REGION,
            "--single-run", "--log-level", "WARNING", "--state-dir", str(fresh_data("state")), *words]


def peer(service):
    return [*PEER, service, REGION]


def sample(server, amazon, count, command):
    world = World(server, amazon, count)
    run = world.run(command(world.service))
    assert world.left() == count // 2
    amazon.fleet.forget(*world.machines)
    return run


def median(runs, figure):
    return statistics.median(getattr(one, figure) for one in runs)


def spread(runs, figure, form):
    values = [getattr(one, figure) for one in runs]
    return f"{statistics.median(values):{form}} ({min(values):{form}}-{max(values):{form}})"


def run():
    report = Report("unmap")
    report.say("One whole run each, process start and end included, over a service of which half the instances are "
               "dead; every removal is journalled, looked at again, made, and followed. boto3 is Debian's.")
    results = {}
    with Server(fresh_data("registry") / "data") as server, aws_double() as amazon:
        report.table("registered", "program", "wall ms", "peak MiB", "calls")
        for count in SIZES:
            runs = {"cloud-unmap": [], "boto3": []}
            for _ in range(ROUNDS):
                runs["cloud-unmap"].append(sample(server, amazon, count, ours))
                runs["boto3"].append(sample(server, amazon, count, peer))
            for name, found in runs.items():
                report.row(f"{count:,}", name, spread(found, "ms", ",.1f"), spread(found, "mib", ".1f"),
                           f"{median(found, 'calls'):,.0f}")
            results[count] = runs
        world = World(server, amazon, LARGE)
        large = world.run(ours(world.service, "--dry-run"))
        report.row(f"{LARGE:,}", "cloud-unmap --dry-run", f"{large.ms:,.0f}", f"{large.mib:.1f}", f"{large.calls:,}")
    report.bar_table()
    small = results[SIZES[0]]
    for figure, what, limit in (("ms", "wall time", MAX_WALL), ("mib", "peak memory", MAX_MEMORY)):
        report.bar(f"{SIZES[0]} registered: {what}, of boto3's",
                   median(small["cloud-unmap"], figure) / median(small["boto3"], figure), "<=", limit)
    return report
