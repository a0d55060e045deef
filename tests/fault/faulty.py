# SPDX-License-Identifier: Apache-2.0
"""Builds faulty.c and holds its plan: which flush, write, thread or allocation of the daemon fails, and how."""

import errno
import mmap
import struct
import subprocess
from pathlib import Path

from server import ROOT

CLASSES = ("flush", "write", "thread", "memory")
LIE, KILL = -1, -2
FIELDS = "qqqqq"  # seen, at, onward, effect, hits
SIZE = struct.calcsize(FIELDS)
AT = struct.calcsize("q")
NOTED_AT = SIZE * len(CLASSES)
PAGE_SIZE = NOTED_AT + 8


def library():
    """The preloaded library, compiled when its source is newer."""
    source, made = Path(__file__).with_suffix(".c"), ROOT / "build" / "fault" / "faulty.so"
    if not made.exists() or made.stat().st_mtime < source.stat().st_mtime:
        made.parent.mkdir(parents=True, exist_ok=True)
        fresh = made.with_suffix(".new")
        subprocess.run(["cc", "-std=gnu17", "-O2", "-Wall", "-D_GNU_SOURCE", "-shared", "-fPIC", "-o", fresh, source],
                       check=True)
        fresh.rename(made)
    return made


class Plan:
    """`env` goes to the daemon; arm() and hits() work while it runs. With a journal, see images.py."""

    def __init__(self, folder, journal=None):
        path = Path(folder) / "faulty-plan"
        path.write_bytes(bytes(PAGE_SIZE))
        with open(path, "r+b") as file:
            self.page = mmap.mmap(file.fileno(), 0)
        self.env = {"LD_PRELOAD": str(library()), "FAULTY_PLAN": str(path)}
        if journal:
            self.env["FAULTY_JOURNAL"] = str(journal)

    def arm(self, what, at, effect=errno.EIO, onward=False):
        """The at-th such call from now on (1 = the next) fails with `effect`, and with `onward` all after it."""
        place = CLASSES.index(what) * SIZE
        # `at` is written last: the daemon may be counting already
        struct.pack_into(FIELDS, self.page, place, 0, 0, int(onward), effect, 0)
        struct.pack_into("q", self.page, place + AT, at)

    def disarm(self, what):
        self.arm(what, 0)

    def hits(self, what):
        """How often the rule has struck since the last arm()."""
        return struct.unpack_from(FIELDS, self.page, CLASSES.index(what) * SIZE)[4]

    def noted(self):
        """Records in the journal so far."""
        return struct.unpack_from("q", self.page, NOTED_AT)[0]
