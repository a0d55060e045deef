# SPDX-License-Identifier: Apache-2.0
"""The files that the lint looks at, and the list of its rules."""

import functools
import os
import subprocess
from pathlib import Path

# Bottom up: a folder of src/ includes only folders that stand before it (design section 3).
LAYERS = ("base json http dnswire sigv4 model store registry auth api dns health admin aws cloudmapd unmap "
          "cloudmapctl").split()

RULES = {}


def rule(name):
    """Registers a function tree -> iterator of (path, line, text) under the name that --only takes."""

    def register(function):
        RULES[name] = function
        return function

    return register


class Tree:
    """What git tracks or would track below root (everything, where there is no git)."""

    def __init__(self, root):
        self.root = Path(root)
        self.paths = sorted(p for p in self._names() if (self.root / p).is_file())

    def _names(self):
        found = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=self.root,
                               capture_output=True, check=False)
        if found.returncode == 0:
            return found.stdout.decode().split("\0")[:-1]
        return [os.path.relpath(os.path.join(folder, name), self.root)
                for folder, _, names in os.walk(self.root) for name in names]

    def has(self, path):
        return (self.root / path).is_file()

    @functools.lru_cache(maxsize=None)
    def text(self, path):
        """The file as text; empty for a binary."""
        data = (self.root / path).read_bytes()
        return "" if b"\0" in data[:4096] else data.decode("utf-8", "replace")

    def find(self, folder="", endings=()):
        """Paths below folder (with a slash at its end) that have one of the endings."""
        return [p for p in self.paths if p.startswith(folder) and (not endings or p.endswith(endings))]

    def c_files(self):
        return self.find("src/", (".c", ".h")) + self.find("tests/", (".c", ".h"))


def stem(path):
    return os.path.basename(path).split(".")[0]


def lines_with(tree, path, pattern):
    """(line number, match) of each line that the compiled pattern is found in."""
    for number, line in enumerate(tree.text(path).splitlines(), 1):
        match = pattern.search(line)
        if match:
            yield number, match
