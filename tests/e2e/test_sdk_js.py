# SPDX-License-Identifier: Apache-2.0
"""The newest AWS SDK for JavaScript, all 30 operations, with the host prefix that it adds by default and without."""

import os
import subprocess
from pathlib import Path

import pytest

JS = Path(__file__).parent / "js"


@pytest.mark.parametrize("prefix", ["on", "off"])
def test_all_operations(node, tap, prefix):
    # Node 18 tries only the first address of a name, which is ::1 here.
    env = os.environ | {"ENDPOINT": tap("js"), "HOST_PREFIX": prefix, "NAME": f"js-{prefix}",
                        "NODE_OPTIONS": "--dns-result-order=ipv4first"}
    done = subprocess.run([node, "--test", "all.mjs"], cwd=JS, env=env, capture_output=True, text=True, timeout=120,
                          check=False)
    assert done.returncode == 0, done.stdout + done.stderr
