# SPDX-License-Identifier: Apache-2.0
"""Rules about files of every kind: licence lines, leftovers, the build's file lists."""

import re

from tree import lines_with, rule, stem

LICENCE = "SPDX-License-Identifier: Apache-2.0"
MESON_TESTS = ("tests/unit/", "tests/fuzz/", "tests/lib/")  # tests/fault/ compiles its own
SOURCES = (".c", ".h", ".def", ".py", ".lua", ".sh", ".js", ".mjs")

# Put together here, so that this file does not find itself.
LEFTOVERS = re.compile(r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "X" * 3]) + r")\b")
PLACES = re.compile("|".join(["/wo" + "rk/", "/fa" + "rm/", r"/root" + r"/\.", "/tmp/bash_" + "jobs",
                              "deb" + r"\.debian", "snapshot" + r"\.debian", "registry" + r"\.npmjs",
                              r"pypi" + r"\.org", r"pythonhosted" + r"\.org"]))


@rule("licence")
def licence(tree):
    """The first line of a source says its licence; the second, where the first one names an interpreter."""
    for path in tree.paths:
        lines = tree.text(path).splitlines()[:2]
        script = bool(lines) and lines[0].startswith("#!")
        if not path.endswith(SOURCES) and not script:
            continue
        if LICENCE not in "".join(lines[1:2] if script else lines[:1]):
            yield path, 2 if script else 1, f"must be: {LICENCE}"


@rule("leftovers")
def leftovers(tree):
    for path in tree.paths:
        for line, match in lines_with(tree, path, LEFTOVERS):
            yield path, line, f"{match[0]} left in the tree"


@rule("places")
def places(tree):
    """Nothing depends on one machine, and nothing names where packages come from."""
    for path in tree.paths:
        for line, match in lines_with(tree, path, PLACES):
            yield path, line, f"{match[0]!r} is a place of one machine or a package host"


@rule("stems")
def stems(tree):
    """One file name, one place: foo.c, foo.h and foo.def live in one folder of src/."""
    homes = {}
    for path in tree.find("src/", (".c", ".h", ".def")):
        if stem(path) == "main":
            continue
        home = homes.setdefault(stem(path), path)
        if home.rpartition("/")[0] != path.rpartition("/")[0]:
            yield path, 1, f"the name is taken by {home}"


@rule("meson")
def meson(tree):
    """Each C file that meson builds is named by its folder's meson.build, in full or without test_ and .c, or by
    another one with its path."""
    builds = {p: tree.text(p) for p in tree.find(endings=("meson.build",))}
    for path in tree.find("src/", (".c",)) + [p for f in MESON_TESTS for p in tree.find(f, (".c",))]:
        own = path.rpartition("/")[0] + "/meson.build"
        short = re.sub(r"^(test|fuzz)_", "", stem(path))
        here = any(f"'{name}'" in builds.get(own, "") for name in (stem(path) + ".c", stem(path), short))
        if not here and not any(f"/{stem(path)}.c'" in text for text in builds.values()):
            yield own, 1, f"does not list {stem(path)}.c"
