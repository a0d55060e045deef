# SPDX-License-Identifier: Apache-2.0
"""The release build's sandbox: what a running daemon has given up, whose user it becomes, and how its programs are built.
What ends a process in it: tests/unit/cloudmapd/test_sandbox.c; that nothing else does: every test that runs a release
build, since the filter's action is to kill."""

import os
import pwd
import re
import resource
import shutil
import subprocess
from pathlib import Path

import pytest

from server import Server
from support.client import until

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = ("CLOUDMAPD", "CLOUDMAPCTL", "CLOUD_UNMAP")
NET_BIND_SERVICE = 1 << 10


def status(pid):
    text = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return dict(re.findall(r"^(\w+):\s+(.*)$", text, re.M))


def test_what_it_has_given_up(server):
    seen = status(server.pid)
    assert seen["Seccomp"] == "2"
    assert seen["NoNewPrivs"] == "1"
    for kind in ("CapPrm", "CapEff", "CapBnd"):
        assert int(seen[kind], 16) & ~NET_BIND_SERVICE == 0, kind
    assert int(seen["CapInh"], 16) == int(seen["CapAmb"], 16) == 0
    assert resource.prlimit(server.pid, resource.RLIMIT_CORE) == (0, 0)
    assert os.stat(f"/proc/{server.pid}/mem").st_uid == 0  # not dumpable: root's, whoever it runs as
    tasks = Path(f"/proc/{server.pid}/task")  # threads take their names when they first run
    until(lambda: {path.read_text(encoding="ascii").strip() for path in tasks.glob("*/comm")},
          lambda names: {"http-0", "dns-udp", "dns-tcp"} <= names)


def test_a_user_of_its_own(tmp_path):
    tmp_path.chmod(0o755)
    for parent in tmp_path.parents[:2]:
        parent.chmod(0o755)
    user = pwd.getpwnam("nobody")
    with Server(tmp_path / "data", settings={"sandbox.user": "nobody"}) as one:
        seen = status(one.pid)
        assert set(seen["Uid"].split()) == {str(user.pw_uid)}
        assert set(seen["Gid"].split()) == {str(user.pw_gid)}
        one.api.namespace("n")
    owners = {path.stat().st_uid for path in [tmp_path / "data", *(tmp_path / "data").iterdir()]}
    assert owners == {user.pw_uid}


def test_a_user_that_there_is_not(tmp_path):
    done = subprocess.run([os.environ["CLOUDMAPD"], "--data", tmp_path / "data", "--set", "sandbox.user=nosuch"],
                          capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 78 and "sandbox.user: nosuch: there is no such user" in done.stderr, done


def headers(program):
    return subprocess.run(["readelf", "-hldW", program], check=True, capture_output=True, text=True).stdout


def imports(program):
    return subprocess.run(["nm", "-D", program], check=True, capture_output=True, text=True).stdout


@pytest.mark.parametrize("program", PROGRAMS)
def test_how_it_is_built(program):
    text = headers(os.environ[program])
    assert "Position-Independent Executable" in text
    assert "GNU_RELRO" in text
    assert re.search(r"\(FLAGS\)\s+BIND_NOW", text) and re.search(r"Flags: NOW", text)
    assert re.search(r"GNU_STACK(\s+0x\w+){5}\s+RW\s", text)
    assert "(TEXTREL)" not in text and "RPATH" not in text and "RUNPATH" not in text
    names = imports(os.environ[program])
    assert "__stack_chk_fail" in names
    assert "__snprintf_chk" in names  # _FORTIFY_SOURCE


# Where systemd is not installed, nobody judges its units.
UNITS = ["cloudmapd.service"] if shutil.which("systemd-analyze") else []


@pytest.mark.parametrize("unit", UNITS)
def test_what_systemd_thinks_of_it(unit):
    done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--threshold=15", "--no-pager",
                           ROOT / "packaging" / "systemd" / unit], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
