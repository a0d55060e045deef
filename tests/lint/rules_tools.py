# SPDX-License-Identifier: Apache-2.0
"""Rules that other programs judge: clang-format, the compiler, the check of the operations table."""

import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from tree import rule

CHECK_API = "tests/lint/check_api.py"


def each(function, paths):
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(function, paths))


@rule("format")
def clang_format(tree):
    """The layout that .clang-format describes; left out, aloud, where clang-format is not installed."""
    tool = shutil.which("clang-format")
    if not tool:
        print("lint: clang-format is not installed: layout not checked")
        return

    def check(path):
        return subprocess.run([tool, "--dry-run", "--Werror", "--ferror-limit=1", path], cwd=tree.root,
                              capture_output=True, text=True, check=False)

    paths = tree.c_files()
    for path, done in zip(paths, each(check, paths)):
        if done.returncode:
            place = re.search(r":(\d+):\d+: error", done.stderr)
            yield path, int(place[1]) if place else 1, "clang-format would change it"


@rule("headers")
def headers(tree):
    """Each header compiles alone."""
    def compile_alone(path):
        return subprocess.run([os.environ.get("CC", "gcc"), "-std=gnu17", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Isrc",
                               "-fsyntax-only", "-include", path, "-xc", "/dev/null"],
                              cwd=tree.root, capture_output=True, text=True, check=False)

    paths = tree.find("src/", (".h",))
    for path, done in zip(paths, each(compile_alone, paths)):
        if done.returncode or done.stderr:
            first = next((line for line in done.stderr.splitlines() if "error" in line or "warning" in line), "")
            yield path, 1, f"does not compile alone: {first}"


@rule("api")
def api(tree):
    """The tables of operations, shapes and errors equal the API as data; the check compiles what it asks."""
    if not tree.has(CHECK_API):
        yield CHECK_API, 1, "is missing"
        return
    done = subprocess.run([sys.executable, "-B", CHECK_API], cwd=tree.root, capture_output=True, text=True, check=False)
    if done.returncode:
        for line in (done.stdout + done.stderr).splitlines() or ["failed without a word"]:
            yield CHECK_API, 1, line
