# SPDX-License-Identifier: Apache-2.0
"""The daemon of the end-to-end tests, with what fault tests and benchmarks need besides: words in front of the command
(taskset, prlimit), ends that are expected to be bad, and figures from /proc."""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "e2e"))

from support.daemon import Daemon  # noqa: E402

import wire  # noqa: E402

TICK = os.sysconf("SC_CLK_TCK")


class Server(Daemon):
    """`before` must exec the daemon in place, so that pid is the daemon's."""

    def __init__(self, data, settings=None, args=(), env=None, before=()):
        super().__init__(data, settings, args, env)
        self.before = list(before)

    def __enter__(self):
        return self.start()

    def __exit__(self, *exception):
        self.end()

    def command(self):
        return self.before + super().command()

    def refused(self):
        """Starts a daemon that must not come up; returns its exit code and all it said."""
        try:
            self.start()
        except AssertionError:
            assert self.exit_code is not None, self.stderr_lines
            return self.exit_code, "\n".join(self.stderr_lines)
        self.end()
        raise AssertionError(f"started, although it had to refuse: {self.command()}")

    def end(self):
        """Gone, whatever its state was."""
        if self.process:
            self.kill9()

    def client(self, timeout=30):
        return wire.Client(self.port, timeout)

    def cpu_seconds(self):
        return cpu_seconds(self.pid)

    def memory(self, field="VmRSS"):
        return memory(self.pid, field)

    def reset_peak_memory(self):
        """VmHWM starts again from the present VmRSS."""
        Path(f"/proc/{self.pid}/clear_refs").write_text("5", encoding="ascii")


def cpu_seconds(pid):
    """User and system time of all threads so far."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def memory(pid, field="VmRSS"):
    """Bytes: VmRSS now, VmHWM at most."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition(":")
        if name == field:
            return int(value.split()[0]) * 1024
    raise KeyError(field)
