# SPDX-License-Identifier: Apache-2.0
"""File systems for one test: an ext4 in a file whose power can be cut, a tmpfs that fills up. Need root."""

import ctypes
import fcntl
import functools
import os
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

CLONE_NEWNS = 0x20000
FS_IOC_SHUTDOWN = 0x8004587D
POWER_ON_SECONDS = 10
WITHOUT_LOG_FLUSH = b"\x02\x00\x00\x00"  # nothing that is not on the disk yet will get there


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(map(str, command))}: {done.stderr}"


@functools.lru_cache(maxsize=None)
def leave_mounts():
    """Mounts of our own from now on: a namespace that another program makes would else get a copy of them, and keep a
    file system alive whose power was cut."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS):
        raise OSError(ctypes.get_errno(), "unshare of the mounts")
    run("mount", "--make-rprivate", "/")


class Mount:
    """A mounted file system, unmounted at the end."""

    def __init__(self, folder):
        self.at = Path(folder) / "mounted"
        self.at.mkdir()
        self.mounted = False

    def __enter__(self):
        self.mount()
        return self

    def __exit__(self, *exception):
        self.unmount()

    def mount(self):
        leave_mounts()
        run("mount", *self.arguments(), self.at)
        self.mounted = True

    def unmount(self):
        if self.mounted:
            run("umount", self.at)
            self.mounted = False


class PowerDisk(Mount):
    """An ext4 in a file. cut() is the moment the power goes: writes that were not flushed are gone for good."""

    def __init__(self, folder, megabytes=128):
        super().__init__(folder)
        self.image = Path(folder) / "disk.img"
        with open(self.image, "wb") as file:
            file.truncate(megabytes << 20)
        run("mkfs.ext4", "-q", "-F", self.image)

    def arguments(self):
        return "-o", "loop", self.image

    def cut(self):
        fd = os.open(self.at, os.O_RDONLY)
        try:
            fcntl.ioctl(fd, FS_IOC_SHUTDOWN, WITHOUT_LOG_FLUSH)
        finally:
            os.close(fd)

    def power_on(self):
        """Mounts what is on the image. The kernel may hold on to the dead file system for a moment after the unmount,
        and would then mount that once more."""
        deadline = time.monotonic() + POWER_ON_SECONDS
        self.unmount()
        self.mount()
        while self._is_dead():
            assert time.monotonic() < deadline, "the dead file system does not go away"
            self.unmount()
            time.sleep(0.01)
            self.mount()

    def _is_dead(self):
        probe = self.at / "probe"
        try:
            probe.write_bytes(b"")
        except OSError:
            return True
        probe.unlink()
        return False


class SmallDisk(Mount):
    """A tmpfs of a few MiB."""

    def __init__(self, folder, megabytes):
        super().__init__(folder)
        self.megabytes = megabytes

    def arguments(self):
        return "-t", "tmpfs", "-o", f"size={self.megabytes}m", "tmpfs"

    def fill(self):
        """A file that leaves no space."""
        ballast = self.at / "ballast"
        with open(ballast, "wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(4096))
            except OSError:
                pass
        return ballast


@functools.lru_cache(maxsize=None)
def missing(kind):
    """Why this machine cannot have such a disk, or an empty string."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            with kind(folder, 16):
                return ""
        except (AssertionError, OSError) as reason:
            return str(reason)


def needs(kind):
    """Leaves a test out, with the reason, where the machine (a container, an ordinary user) cannot mount."""
    return pytest.mark.skipif(bool(missing(kind)), reason=f"{kind.__name__} cannot be mounted here: {missing(kind)}")
