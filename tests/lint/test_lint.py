# SPDX-License-Identifier: Apache-2.0
"""Each rule passes a small clean tree and speaks up when the tree breaks it."""

import json
import re
import subprocess
from pathlib import Path

import pytest

RUN = Path(__file__).with_name("run")
SPDX = "SPDX-License-Identifier: Apache-2.0"
OPERATIONS = ("GetService", "RegisterInstance")
STOPS = "".join(f"{n}. `src/store/disk.c:disk_open`\n" for n in range(5))
CLEAN = {
    "src/base/text.h": f"/* {SPDX}\n * Text. */\n#pragma once\n\n"
                       "/* Length of it. */\nint text_length(const char *text);\n",
    "src/base/text.c": f'/* {SPDX} */\n#include "base/text.h"\n\nstatic const char *const words[] = {{ "a", "b" }};\n\n'
                       "int text_length(const char *text)\n{\n    return text == words[0];\n}\n",
    "src/base/meson.build": "files('text.c')\n",
    "src/store/disk.h": f"/* {SPDX} */\n#pragma once\n\n"
                        "/* Two calls of one group. */\nint disk_open(void);\nint disk_shut(void);\n",
    "src/store/disk.c": f'/* {SPDX} */\n#include "store/disk.h"\n\n#include "base/text.h"\n\n'
                        'int disk_open(void)\n{\n    return text_length("free(x) }");\n}\n\n'
                        "int disk_shut(void)\n{\n    return 0;\n}\n",
    "src/store/meson.build": "files('disk.c')\n",
    "src/cloudmapd/options.def": f'/* {SPDX} */\nOPTION("store.path", PATH)\n',
    "docs/tour.md": "# Tour\n\n" + STOPS,
    "docs/compatibility.md": " ".join(OPERATIONS),
    "docs/man/cloudmapd.8": "store.path",
    "tests/data/cloud-map-api.json": json.dumps({"operations": dict.fromkeys(OPERATIONS, {})}),
    "tests/lint/check_api.py": f"# {SPDX}\nexit(0)\n",
    "tools/hello.sh": f"#!/bin/sh\n# {SPDX}\n",
}
LONG = "int disk_shut(void)\n{\n" + "    disk_open();\n" * 77 + "    return 0;\n}\n"
SHUT = "int disk_shut(void)\n{\n    return 0;\n}\n"


def replace(path, old, new):
    assert old in CLEAN[path]
    return {path: CLEAN[path].replace(old, new)}


BROKEN = [
    ("layers", replace("src/base/text.c", "base/text.h", "store/disk.h")),
    ("layers", replace("src/store/disk.c", "base/text.h", "text.h")),
    ("layers", {"src/attic/old.h": CLEAN["src/base/text.h"]}),
    ("layers", {"src/base/text_priv.h": "", **replace("src/store/disk.c", "base/text.h", "base/text_priv.h")}),
    ("urcu", replace("src/store/disk.c", '"base/text.h"', "<urcu.h>")),
    ("names", replace("src/base/text.h", "text_length", "length")),
    ("names", replace("src/base/text.c", "int text_length", "int text_size")),
    ("names", {"src/base/other.c": CLEAN["src/base/text.c"]}),
    ("size", replace("src/store/disk.c", SHUT, LONG)),
    ("size", {"src/base/text.h": CLEAN["src/base/text.h"] + "\n" * 300}),
    ("size", {"src/base/text.c": CLEAN["src/base/text.c"] + "\n" * 800}),
    ("prototypes", replace("src/store/disk.h", "int disk_shut", "\nint disk_shut")),
    ("prototypes", replace("src/base/text.h", "/* Length of it. */\n", "")),
    ("pragma-once", replace("src/base/text.h", "#pragma once", "/* #pragma once */")),
    ("banned", replace("src/store/disk.c", "return 0", "free(0)")),
    ("banned", replace("src/store/disk.c", "return 0", 'return atoi("1")')),
    ("mutable", replace("src/base/text.c", "*const words", "*words")),
    ("mutable", replace("src/store/disk.c", SHUT, "static int calls;\n\n" + SHUT)),
    ("mutable", replace("src/store/disk.c", "return 0", "static int calls;\n    return calls++")),
    ("licence", replace("src/store/disk.c", SPDX, "All rights reserved")),
    ("licence", replace("tools/hello.sh", SPDX, "hello")),
    ("leftovers", replace("docs/man/cloudmapd.8", "path", "path TO" + "DO")),
    ("places", replace("docs/man/cloudmapd.8", "path", "path /wo" + "rk/main")),
    ("stems", {"src/store/text.c": CLEAN["src/base/text.c"]}),
    ("meson", replace("src/store/meson.build", "disk.c", "risk.c")),
    ("tour", replace("docs/tour.md", "0. `src/store/disk.c:disk_open`", "0. `src/store/disk.c:disk_burn`")),
    ("tour", replace("docs/tour.md", "0. `src/store/disk.c:disk_open`", "0. `src/store/disc.c:disk_open`")),
    ("tour", replace("docs/tour.md", STOPS, "see the code")),
    ("compatibility", replace("docs/compatibility.md", "GetService", "GetServices")),
    ("options", replace("docs/man/cloudmapd.8", "store.path", "store.place")),
    ("options", {"src/unmap/setting.def": f'/* {SPDX} */\nSETTING(dry_run, "dry-run", NULL)\n'}),
    ("api", replace("tests/lint/check_api.py", "exit(0)", "exit('GetService differs')")),
    ("format", replace("src/store/disk.c", "    return 0", "  return 0")),
    ("headers", replace("src/store/disk.h", "(void)", "(size_t n)")),
]
KEPT = [
    ("mutable", replace("src/store/disk.c", SHUT, "/* mutable: counts calls */\nstatic int calls;\n\n" + SHUT)),
    ("mutable", replace("src/base/text.c", "static const char *const words[]", "static int (*const hook)(char *)")),
    ("banned", replace("src/store/disk.c", "return 0", "free(0); /* lint: the library's block */")),
    ("size", replace("src/store/disk.c", SHUT, LONG.replace("    disk_open();\n", "", 1))),
]


def lint(tmp_path, files, *arguments):
    for path, text in (CLEAN | files).items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    style = Path(__file__).parents[2] / ".clang-format"
    (tmp_path / ".clang-format").write_text(style.read_text(encoding="utf-8"), encoding="utf-8")
    return subprocess.run([RUN, "--root", tmp_path, *arguments], capture_output=True, text=True, check=False)


def test_a_clean_tree_passes(tmp_path):
    done = lint(tmp_path, {})
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"lint: \d+ checks passed, 0 failed \(0 findings\)\n$", done.stdout)


@pytest.mark.parametrize("rule, files", BROKEN)
def test_a_broken_rule_is_found(tmp_path, rule, files):
    done = lint(tmp_path, files, "--only", rule)
    assert done.returncode == 1, done.stdout + done.stderr
    assert re.search(rf"^\S+:\d+: {rule}: ", done.stdout, re.M), done.stdout


@pytest.mark.parametrize("rule, files", KEPT)
def test_what_the_rule_allows_passes(tmp_path, rule, files):
    done = lint(tmp_path, files, "--only", rule)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_rule_is_tried():
    listed = subprocess.run([RUN, "--list"], capture_output=True, text=True, check=True).stdout
    assert {line.split()[0] for line in listed.splitlines()} == {rule for rule, _ in BROKEN}
