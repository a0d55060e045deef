# SPDX-License-Identifier: Apache-2.0
"""Rounds of sudden death under writes: kill -9, and the power cut. Each round restarts and judges what is there."""

import random
import shutil
import time
from pathlib import Path

from audited import SETTINGS, Judge
from disks import PowerDisk
from faulty import KILL, LIE, Plan
from images import Journal
from server import Server
from workload import Workload

START_SECONDS = 5  # to ready again, without a hand of anybody


class Figures:
    """What a run of rounds did, in one line."""

    def __init__(self, name, seed):
        self.name, self.seed, self.rounds, self.slowest_start = name, seed, 0, 0.0
        self.began = time.monotonic()

    def line(self, workload):
        counts = ", ".join(f"{n:,} {name}" for name, n in workload.acknowledged.most_common())
        return (f"{self.name}: {self.rounds} rounds, {sum(workload.acknowledged.values()):,} acknowledged writes all "
                f"there ({counts}); slowest start {self.slowest_start * 1000:.0f} ms; seed {self.seed}; "
                f"{time.monotonic() - self.began:.0f} s")


def begin(server, seed):
    """The world of the writers in a running daemon."""
    workload = Workload(seed)
    with server.client() as client:
        workload.setup(client)
    return workload


def restart_and_judge(server, workload, figures, judge=lambda workload: None):
    began = time.monotonic()
    server.start()
    took = time.monotonic() - began
    assert took < START_SECONDS, f"start after a crash took {took:.1f} s"
    figures.slowest_start = max(figures.slowest_start, took)
    figures.rounds += 1
    with server.client() as client:
        workload.verify(client)
    assert not workload.refused, workload.refused[:3]
    judge(workload)


def kill_rounds(folder, rounds, seed, progress=lambda line: None, audited=False):
    """kill -9 between 5 and 200 ms after the writers began; the store lives on over all rounds. With `audited`, the audit
    trail is judged as well."""
    chance, figures = random.Random(seed), Figures("kill -9", seed)
    with Server(Path(folder) / "data", SETTINGS if audited else None) as server:
        workload, trail = begin(server, seed), Judge(server.data)
        if audited:
            server.restart()  # what was noted of the beginning is written
            trail.begin()
        for n in range(rounds):
            workload.connect(server.port)
            workload.run(chance.uniform(0.005, 0.2))
            server.kill9()
            workload.drain()
            restart_and_judge(server, workload, figures, *[trail.judge] * audited)
            progress(f"kill -9: round {n + 1} of {rounds}")
        assert server.stop() == 0, server.stderr_lines
    assert workload.acknowledged["RegisterInstance"] > rounds, "hardly anything was written"
    return figures.line(workload) + (f"\n{trail.line()}" if audited else "")


def power_rounds(folder, rounds, seed, progress=lambda line: None, lie=False):
    """The file system stops between 20 and 300 ms after the writers began; with `lie`, flushes do nothing."""
    chance, figures = random.Random(seed), Figures("power cut", seed)
    plan = Plan(folder)
    with PowerDisk(folder) as disk:
        server = Server(disk.at / "data", env=plan.env)
        try:
            workload = begin(server.start(), seed)
            if lie:
                plan.arm("flush", 1, LIE, onward=True)
            for n in range(rounds):
                workload.connect(server.port)
                workload.run(chance.uniform(0.02, 0.3))
                disk.cut()
                server.kill9()
                # Answers that come now come from a machine without power: in truth nobody would get them. The kernel
                # may even have told the daemon that a flush went well which the cut had already made void.
                workload.drain(count=False)
                workload.refused.clear()
                disk.power_on()
                restart_and_judge(server, workload, figures)
                progress(f"power cut: round {n + 1} of {rounds}")
            assert server.stop() == 0, server.stderr_lines
        finally:
            server.end()
    return figures.line(workload)


def kill_at_calls(folder, what, seed, numbers):
    """The daemon dies in its n-th write or flush under the writers, for each n of numbers."""
    figures, plan = Figures(f"killed in a {what}", seed), Plan(folder)
    with Server(Path(folder) / "data", env=plan.env) as server:
        workload = begin(server, seed)
        for n in numbers:
            plan.arm(what, n, KILL)
            workload.connect(server.port)
            workload.run(5, until=lambda: plan.hits(what))
            assert plan.hits(what), f"no {what} number {n}"
            plan.disarm(what)
            server.kill9()
            workload.drain()
            restart_and_judge(server, workload, figures)
    return figures.line(workload)


def image_rounds(folder, images, writes, seed, progress=lambda line: None, lie=False):
    """One recorded run of so many writes, and from it many disks that a power cut could have left: nothing lost that
    was flushed, of the rest any part, in any order, the sectors of a write apart from each other. With `lie`, flushes
    count for nothing."""
    folder, chance, figures = Path(folder), random.Random(seed), Figures("disk images", seed)
    plan = Plan(folder, journal=folder / "journal")
    with Server(folder / "data", env=plan.env) as server:
        workload = begin(server, seed)
        start, journal = workload.copy(), Journal(folder / "journal", folder / "data", begin=plan.noted())
        workload.now = plan.noted
        workload.connect(server.port)
        workload.run(20, until=lambda: sum(workload.acknowledged.values()) >= writes)
        workload.settle()
        end = plan.noted()
        server.kill9()
    journal.read(end)
    for n in range(images):
        moment = chance.randint(journal.begin, end)
        place = folder / f"image-{n}"
        journal.make_image(place, moment, chance, lie)
        view = workload.at(start, moment)
        with Server(place) as server:
            server.end()
            restart_and_judge(server, view, figures)
        shutil.rmtree(place)
        progress(f"disk images: {n + 1} of {images}")
    return figures.line(workload)
