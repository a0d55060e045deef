# SPDX-License-Identifier: Apache-2.0
"""Programs to compare with: fetched as packages, unpacked below build/peers/, never installed and never a service."""

import shutil
import subprocess
from pathlib import Path

PEERS = Path(__file__).resolve().parents[2] / "build" / "peers"


def peer(program, package):
    """Path of the program from the package; fetched on first use."""
    home = PEERS / package
    if not (home / program).is_file():
        _unpack(package, home)
    missing = subprocess.run(["ldd", home / program], capture_output=True, text=True, check=False).stdout
    missing = [line.split()[0] for line in missing.splitlines() if "not found" in line]
    assert not missing, f"{program} of package {package} lacks libraries: {' '.join(missing)}"
    return str(home / program)


def _unpack(package, home):
    fresh = home.with_name(package + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    if not _download(package, fresh):
        # without lists, or with old ones; needs root, so only when it must be
        subprocess.run(["apt-get", "update", "-qq"], check=False)
        assert _download(package, fresh), f"package {package} cannot be downloaded"
    (file,) = fresh.glob("*.deb")
    subprocess.run(["dpkg", "-x", file, fresh], check=True)
    file.unlink()
    shutil.rmtree(home, ignore_errors=True)
    fresh.rename(home)


def _download(package, folder):
    done = subprocess.run(["apt-get", "download", "-qq", package], cwd=folder, capture_output=True, check=False)
    return done.returncode == 0
