# SPDX-License-Identifier: Apache-2.0
"""The benchmarks run from end to end with tiny counts; what they measure then means nothing."""

import os
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
REPORTS = HERE.parents[1] / "build" / "bench"


@pytest.mark.parametrize("name", ["api", "store", "scale", "dns", "unmap", "health", "connections"])
def test_a_quick_run(name):
    if name == "health" and os.geteuid() != 0:
        pytest.skip("a network of its own takes root")
    done = subprocess.run([HERE / "run", name], env=os.environ | {"BENCH_QUICK": "1"}, capture_output=True, text=True,
                          check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "| bar | measured | wanted |" in done.stdout
    assert (REPORTS / f"{name}.quick.md").read_text(encoding="utf-8") == done.stdout
