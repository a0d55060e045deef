# SPDX-License-Identifier: Apache-2.0
"""Fault tests see the daemon as a black box; each prints its seed, and FAULT_SEED=NUMBER repeats it."""

import os
import random
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "lib")]

from faulty import Plan  # noqa: E402
from server import Server  # noqa: E402


@pytest.fixture
def seed():
    number = int(os.environ.get("FAULT_SEED", random.SystemRandom().randrange(1 << 32)))
    print(f"FAULT_SEED={number}")
    return number


@pytest.fixture
def chance(seed):
    return random.Random(seed)


@pytest.fixture
def plan(tmp_path):
    return Plan(tmp_path)


@pytest.fixture
def server(tmp_path):
    """A running daemon with the default settings."""
    with Server(tmp_path / "data") as one:
        yield one


@pytest.fixture
def faulty(tmp_path, plan):
    """A running daemon whose calls to the system fail as `plan` says."""
    with Server(tmp_path / "data", env=plan.env) as one:
        yield one
