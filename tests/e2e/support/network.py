# SPDX-License-Identifier: Apache-2.0
"""A network of the test's own: nothing but a loopback interface, so that well-known ports are free and nothing leaves."""

import contextlib
import ctypes
import fcntl
import os
import struct
import subprocess

import pytest

CLONE_NEWNET = 0x40000000
TUNSETIFF, IFF_TAP, IFF_NO_PI = 0x400454ca, 2, 0x1000


@contextlib.contextmanager
def own_network():
    """The calling thread, and what it starts, is in a new network until the end; skips where that is not allowed."""
    libc = ctypes.CDLL(None, use_errno=True)
    outside = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        if libc.unshare(CLONE_NEWNET):
            pytest.skip(f"no network of its own: {os.strerror(ctypes.get_errno())}")
        try:
            subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
            yield
        finally:
            assert libc.setns(outside, CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())
    finally:
        os.close(outside)


@contextlib.contextmanager
def link_to_nowhere():
    """A second interface, for programs that do not try anything while there is but a loopback one."""
    try:
        tap = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC)
    except OSError as error:
        pytest.skip(f"no second interface: {error}")
    try:
        fcntl.ioctl(tap, TUNSETIFF, struct.pack("16sH22x", b"nowhere", IFF_TAP | IFF_NO_PI))
        subprocess.run(["ip", "address", "add", "10.53.0.1/24", "dev", "nowhere"], check=True)
        subprocess.run(["ip", "link", "set", "nowhere", "up"], check=True)
        yield
    finally:
        os.close(tap)


def over_files(command, files, folders=()):
    """The command as one that sees `files` ({path: file to be there instead}), and /run with empty folders only, in mounts
    of its own."""
    words = ["mount -t tmpfs none /run", *(f"mkdir -p {folder}" for folder in folders)]
    words += [f"mount --bind {new} {path}" for path, new in files.items()]
    return ["unshare", "-m", "sh", "-c", " && ".join([*words, 'exec "$@"']), "sh", *map(str, command)]
