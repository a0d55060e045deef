# SPDX-License-Identifier: Apache-2.0
"""cloudmapd as a process: started on ports that the kernel picks, known to be up by its own ready line, stopped and
judged at the end (exit code, sanitizer reports)."""

import contextlib
import itertools
import json
import os
import signal
import subprocess
import threading
from pathlib import Path

from support.client import Api

ROOT = Path(__file__).resolve().parents[3]
READY_SECONDS = 60
STOP_SECONDS = 60
SANITIZER_MARKS = ("AddressSanitizer", "LeakSanitizer", "ThreadSanitizer", "runtime error:")


def binary():
    path = Path(os.environ.get("CLOUDMAPD", ROOT / "build" / "cloudmapd"))
    assert path.is_file(), f"no daemon at {path}: build it, or set CLOUDMAPD"
    return str(path)


def is_sanitized():
    content = Path(binary()).read_bytes()
    return b"__asan_init" in content or b"__tsan_init" in content


class Daemon:
    """One daemon over one data directory; `restart` keeps the directory and may change the settings."""

    def __init__(self, data, settings=None, args=(), env=None, recorder=None):
        self.data = Path(data)
        self.settings = dict(settings or {})
        self.args = list(args)
        self.env = dict(env or {})
        self.recorder = recorder
        self.process = None
        self.pass_fds = ()  # descriptors that it inherits
        self.stderr_lines = []
        self.ready = {}
        self.exit_code = None
        self._killed = False
        self.api = Api(self, recorder)

    # Life

    def command(self):
        line = [binary(), "--data", str(self.data), "--api", "127.0.0.1:0", "--dns", "127.0.0.1:0"]
        for key, value in self.settings.items():
            line += ["--set", f"{key}={value}"]
        return line + self.args

    def start(self):
        """Returns when the daemon has said that it is ready; fails with its own words when it ends before that."""
        assert self.process is None, "is running already"
        env = {k: v for k, v in os.environ.items() if not k.startswith(("CLOUDMAP_", "NOTIFY_"))}
        env |= {"ASAN_OPTIONS": "detect_leaks=1:abort_on_error=0", "UBSAN_OPTIONS": "print_stacktrace=1"} | self.env
        self.exit_code, self._killed, self.ready = None, False, {}
        # Never through a shell, and in its own group: a Ctrl-C meant for pytest must not end it before its tests.
        self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE, env=env, start_new_session=True,
                                        pass_fds=self.pass_fds)
        seen_ready = threading.Event()
        self._reader = threading.Thread(target=self._read_stderr, args=(self.process.stderr, seen_ready), daemon=True)
        self._reader.start()
        assert seen_ready.wait(READY_SECONDS), f"not ready in {READY_SECONDS} s: {self.stderr_lines[-20:]}"
        if not self.ready:
            code = self._reap()
            raise AssertionError(f"ended with {code} before it was ready: " + "\n".join(self.stderr_lines[-40:]))
        return self

    def _read_stderr(self, stream, seen_ready):
        for raw in stream:
            line = raw.decode("utf-8", "replace").rstrip("\n")
            self.stderr_lines.append(line)
            if line.startswith("{"):
                event = json.loads(line)
                if event.get("event") == "daemon_ready":
                    self.ready = event
                    seen_ready.set()
        seen_ready.set()

    def _reap(self):
        try:
            self.exit_code = self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.exit_code = self.process.wait()
            raise AssertionError(f"did not end in {STOP_SECONDS} s: {self.stderr_lines[-20:]}") from None
        finally:
            self._reader.join()
            self.process.stderr.close()
            self.process = None
            self.api.close()
        return self.exit_code

    def stop(self):
        """SIGTERM; returns the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self._reap()

    def kill9(self):
        """The crash: no word, no flush."""
        self._killed = True
        self.process.kill()
        return self._reap()

    def wait(self):
        """Waits for a daemon that is expected to end by itself; returns the exit code."""
        return self._reap()

    def restart(self, settings=None, crash=False):
        """Over the same data; the port changes, `api` follows."""
        if self.process:
            if crash:
                self.kill9()
            else:
                assert self.stop() == 0, self.stderr_lines[-20:]
        if settings is not None:
            self.settings = dict(settings)
        return self.start()

    def finish(self):
        """The end of every test daemon: it must stop clean, and no sanitizer may have spoken at any time."""
        code = self.stop() if self.process else self.exit_code
        assert self._killed or code == 0, f"exit code {code}: {self.stderr_lines[-20:]}"
        self.check_reports()

    def check_reports(self):
        reports = [i for i, line in enumerate(self.stderr_lines) if any(m in line for m in SANITIZER_MARKS)]
        assert not reports, "\n".join(self.stderr_lines[reports[0]:reports[0] + 60])

    # Where it is

    @property
    def pid(self):
        return self.process.pid

    @property
    def host(self):
        return self.ready["api"].rpartition(":")[0]

    @property
    def port(self):
        return int(self.ready["api"].rpartition(":")[2])

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def resident_bytes(self):
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) * 1024

    def events(self, name=None):
        """Its log so far, as dictionaries; only those of one event when a name is given."""
        parsed = [json.loads(line) for line in list(self.stderr_lines) if line.startswith("{")]
        return [event for event in parsed if name is None or event.get("event") == name]


@contextlib.contextmanager
def daemons(base, recorder):
    """A factory of daemons below one directory; all of them are stopped and judged at the end, and the faults are told
    only then, so that no daemon is left behind."""
    numbers, started = itertools.count(1), []

    def start(settings=None, args=(), env=None, data=None):
        one = Daemon(data or base / f"data-{next(numbers)}", settings, args, env, recorder)
        started.append(one)
        return one.start()

    yield start
    faults = []
    for one in started:
        try:
            one.finish()
        except AssertionError as fault:
            faults.append(str(fault))
    assert not faults, "\n".join(faults)
