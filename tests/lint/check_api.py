#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Compares the tables of src/api (operations, shapes, errors) with tests/data/cloud-map-api.json. One line a
difference; exits 1 when there is one.

    check_api.py [DUMP]     DUMP is the built program dump_api; without it the program is compiled first"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ("tests/unit/api/dump_api.c tests/lib/op_handlers.c src/api/error.c src/api/ops.c src/api/pattern.c "
           "src/api/shapes.c src/json/writer.c src/base/buf.c src/base/mem.c src/base/str.c src/base/text.c").split()
UNORDERED = {"errors", "required"}


def compiled(folder):
    program = os.path.join(folder, "dump_api")
    subprocess.run(["cc", "-std=gnu17", "-D_GNU_SOURCE", "-Isrc", "-Itests/lib", "-o", program, *SOURCES], cwd=ROOT,
                   check=True)
    return program


def normal(value, key=None):
    """Lists that are sets are sorted; everything else stays."""
    if isinstance(value, dict):
        return {k: normal(v, k) for k, v in value.items()}
    return sorted(value) if key in UNORDERED else value


def differences(path, model, table):
    if isinstance(model, dict) and isinstance(table, dict):
        for key in sorted(model.keys() | table.keys()):
            if key not in table:
                yield f"{path}.{key}: missing, the model has {model[key]!r}"
            elif key not in model:
                yield f"{path}.{key}: the model has no such thing, the table {table[key]!r}"
            else:
                yield from differences(f"{path}.{key}", model[key], table[key])
    elif model != table:
        yield f"{path}: the model has {model!r}, the table {table!r}"


def main():
    model = json.loads((ROOT / "tests" / "data" / "cloud-map-api.json").read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        program = sys.argv[1] if len(sys.argv) > 1 else compiled(folder)
        table = json.loads(subprocess.run([program], check=True, capture_output=True, text=True).stdout)
    found = []
    for part in ("operations", "shapes"):
        found += differences(part, normal(model[part]), normal(table[part]))
    if list(table["operations"]) != sorted(table["operations"]):
        found.append("operations: not sorted")
    for line in found:
        print(line)
    print(f"check_api: {len(table['operations'])} operations, {len(table['shapes'])} shapes, {len(found)} differences")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
