# SPDX-License-Identifier: Apache-2.0
"""How figures are taken: the server on core 0, the generator on core 1, rounds that visit every server in turn, the
median of the rounds with the least and the most. CPU time of the server per request is the first figure, the rate the
second: generators saturate first."""

import contextlib
import json
import os
import shutil
import statistics
import subprocess
import time
from pathlib import Path

from server import ROOT, cpu_seconds

QUICK = os.environ.get("BENCH_QUICK") == "1"
ROUNDS = 1 if QUICK else 5
SECONDS = 1 if QUICK else 3
PAGE = ROOT / "docs" / "performance.md"
LOAD = Path(__file__).with_name("load.lua")
DATA = ROOT / "build" / "bench-data" / str(os.getpid())  # on the disk of the checkout; removed at the end
BUSY_ENOUGH = 0.88  # of a core, on either side: below that something else had the machine
SERVER_CORE = ["taskset", "-c", "0"]
LOAD_CORE = ["taskset", "-c", "1"] if os.cpu_count() > 1 else []


class Sample:
    """One run of the generator against one server."""

    def __init__(self, found, cpu_seconds, load_seconds):
        self.requests = found["requests"]
        self.rate = found["requests"] / found["seconds"]
        self.us = cpu_seconds * 1e6 / max(found["requests"], 1)
        self.p50, self.p99 = found["p50"], found["p99"]
        self.bytes = found["bytes"] / max(found["requests"], 1)
        self.refused, self.broken = found["refused"], found["broken"]
        self.busy = max(cpu_seconds, load_seconds) / found["seconds"]


class Cell:
    """All samples of one server in one situation."""

    def __init__(self, samples):
        self.samples = samples

    def median(self, figure):
        return statistics.median(getattr(s, figure) for s in self.samples)

    def least(self, figure):
        return min(getattr(s, figure) for s in self.samples)

    def most(self, figure):
        return max(getattr(s, figure) for s in self.samples)


def wrk(url, connections, seconds, arguments):
    return [*LOAD_CORE, "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "-s", str(LOAD), url, "--",
            *map(str, arguments)]


@contextlib.contextmanager
def background(command):
    """A generator beside the one that is measured; gives a list, in which what became of it stands at the end."""
    found = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=DATA) as one:
        yield found
        told, _ = one.communicate()
    assert one.returncode == 0, told
    found.append(json.loads(told.splitlines()[-1]))


def load(url, cpu, connections, *arguments, seconds=SECONDS, tolerate_refused=0):
    """One sample: wrk against url; cpu() tells the server's CPU seconds so far."""
    return sample(wrk(url, connections, seconds, arguments), cpu, tolerate_refused)


def sample(command, cpu, tolerate_refused=0):
    """Of a generator whose last line tells what it found, as load.lua does."""
    before, load_before = cpu(), children_seconds()
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=DATA)
    after, load_after = cpu(), children_seconds()
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["requests"] > 0, done.stdout
    assert found["broken"] == 0, f"{found}: connections broke\n{done.stdout}"
    assert found["refused"] <= tolerate_refused, f"{found}: calls were refused\n{done.stdout}"
    return Sample(found, after - before, load_after - load_before)


def children_seconds():
    times = os.times()
    return times.children_user + times.children_system


def rounds(samplers, wanted_busy=BUSY_ENOUGH, count=ROUNDS):
    """samplers: {name: function -> Sample}. Visits them in turn, count times; {name: Cell}.

    A run in which neither side was busy enough was disturbed from outside: repeated at most twice, the busiest kept."""
    samples = {name: [] for name in samplers}
    for _ in range(count):
        for name, sampler in samplers.items():
            best = sampler()
            for _ in range(0 if QUICK else 2):
                if best.busy >= wanted_busy:
                    break
                best = max(best, sampler(), key=lambda s: s.busy)
            samples[name].append(best)
    return {name: Cell(found) for name, found in samples.items()}


class Report:
    """Collects rows and bars; prints as it goes, and writes the same as Markdown to build/bench/NAME.md."""

    def __init__(self, name, count=ROUNDS):
        self.name = name
        self.lines = []
        self.missed = []
        self.say(f"`./dev bench {name}`, {time.strftime('%Y-%m-%d')}, {count} rounds of {SECONDS} s, "
                 f"{os.cpu_count()} cores" + (" (quick: the figures mean nothing)" if QUICK else ""))
        self.say("")

    def say(self, line):
        print(line, flush=True)
        self.lines.append(line)

    def table(self, *headings):
        self.say("")
        self.row(*headings)
        self.row(*["---"] * len(headings))

    def row(self, *cells):
        self.say("| " + " | ".join(str(c) for c in cells) + " |")

    def cell_row(self, title, name, cell):
        self.row(title, name, f"{cell.median('us'):.2f} ({cell.least('us'):.2f}-{cell.most('us'):.2f})",
                 f"{cell.median('rate'):,.0f} ({cell.least('rate'):,.0f}-{cell.most('rate'):,.0f})",
                 f"{cell.median('p50'):,.0f}", f"{cell.median('p99'):,.0f}", f"{cell.median('busy'):.2f}")

    def cell_table(self, what):
        self.table(what, "server", "CPU us/request", "requests/s", "p50 us", "p99 us", "busier side")

    def bar(self, what, value, relation, limit, unit=""):
        """relation is '>=' or '<='. A quick run checks that the figure exists, not what it is."""
        met = value >= limit if relation == ">=" else value <= limit
        self.row(what, f"{value:,.2f}{unit}", f"{relation} {limit:,g}{unit}", "met" if met else "MISSED")
        if not met:
            self.missed.append(what)

    def bar_table(self):
        self.table("bar", "measured", "wanted", "")

    def keep(self):
        """In docs/performance.md, between the marks of this benchmark."""
        text = PAGE.read_text(encoding="utf-8")
        mark, end = f"<!-- bench {self.name} -->\n", f"<!-- end of {self.name} -->\n"
        before, _, rest = text.partition(mark)
        _, found, after = rest.partition(end)
        assert found, f"{PAGE}: no marks for {self.name}"
        PAGE.write_text(before + mark + "\n" + "\n".join(self.lines) + "\n\n" + end + after, encoding="utf-8")

    def finish(self, keep):
        """Exit code of the run."""
        if keep and not QUICK:
            self.keep()
        folder = ROOT / "build" / "bench"
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / f"{self.name}{'.quick' if QUICK else ''}.md"
        file.write_text("\n".join(self.lines) + "\n", encoding="utf-8")
        if self.missed and not QUICK:
            print(f"\nbench {self.name}: {len(self.missed)} bars missed: {'; '.join(self.missed)}")
            return 1
        return 0


def fresh_data(name):
    """An empty directory, on the same disk for every server of a run."""
    folder = DATA / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def children(pid):
    """Process ids, of children's children too."""
    found = []
    for tasks in Path(f"/proc/{pid}/task").glob("*/children"):
        found += map(int, tasks.read_text(encoding="ascii").split())
    return found + [below for one in found for below in children(one)]


def tree_cpu_seconds(pid):
    """CPU seconds of a process and its children: nginx and NSD work in children."""
    return sum(cpu_seconds(one) for one in [pid, *children(pid)])
