# SPDX-License-Identifier: Apache-2.0
"""The project's programs as commands that end by themselves, and a daemon whose terminal the test plays."""

import os
import subprocess
from pathlib import Path

from support import daemon

SANITIZERS = {"ASAN_OPTIONS": "detect_leaks=1:abort_on_error=0", "UBSAN_OPTIONS": "print_stacktrace=1"}


def ctl_binary():
    path = Path(os.environ.get("CLOUDMAPCTL", daemon.ROOT / "build" / "cloudmapctl"))
    assert path.is_file(), f"no cloudmapctl at {path}: build it, or set CLOUDMAPCTL"
    return str(path)


def environment(extra=None):
    """The caller's, without what would configure our programs, and with `extra`."""
    ours = ("CLOUDMAP_", "NOTIFY_", "WATCHDOG_", "STATE_DIRECTORY")
    return {k: v for k, v in os.environ.items() if not k.startswith(ours)} | SANITIZERS | (extra or {})


def run(program, *words, env=None, cwd=None):
    """Runs to the end; a sanitizer's report is a failure."""
    done = subprocess.run([program, *map(str, words)], env=environment(env), cwd=cwd, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=120, check=False)
    assert not any(mark in done.stderr for mark in daemon.SANITIZER_MARKS), done.stderr
    return done


def cloudmapd(*words, env=None, cwd=None):
    return run(daemon.binary(), *words, env=env, cwd=cwd)


def cloudmapctl(*words, env=None, cwd=None):
    return run(ctl_binary(), *words, env=env, cwd=cwd)
