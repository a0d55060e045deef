# SPDX-License-Identifier: Apache-2.0
"""A store that is not as it was left: one clear message, the exit code of the design, and not a byte changed."""

import hashlib
import os
import shutil
import sqlite3

import pytest

from crash import begin
from disks import SmallDisk, needs, run
from server import Server

DAMAGED, NEWER, CANNOT_WRITE, IN_USE = 65, 66, 73, 75
DB, LOG = "cloudmap.db", "cloudmap.db-wal"
USER_VERSION_AT = 60  # in the header of an SQLite file
LOG_HEADER, LOG_FRAME = 32, 24 + 4096
FLIPS = int(os.environ.get("FAULT_FLIPS", "40"))


class Stores:
    """Two stores with the same history: one that was closed, one whose daemon was killed."""

    def __init__(self, folder):
        self.folder = folder
        with Server(folder / "closed") as server:
            self.workload = begin(server, 1)
            self.workload.connect(server.port)
            self.workload.run(0.3)
            self.workload.settle()
            with server.client() as client:
                self.workload.verify(client)
            server.kill9()
            self.copy("closed", folder / "killed")
            assert server.start().stop() == 0

    def copy(self, name, target):
        """The regular files; a killed daemon leaves its socket, too."""
        target.mkdir(exist_ok=True)
        for path in (self.folder / name).iterdir():
            if path.is_file():
                shutil.copy(path, target)
        return target


@pytest.fixture(scope="module")
def stores(tmp_path_factory):
    return Stores(tmp_path_factory.mktemp("stores"))


def fingerprint(folder):
    """Everything there but what a process leaves that only looked: SQLite's index, an empty log, the lock."""
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.iterdir()
            if p.is_file() and p.name not in ("cloudmap.db-shm", "lock") and (p.name != LOG or p.stat().st_size)}


def assert_refused(folder, code, mentions, settings=None):
    """Refused with this code and one message that names the place; the files are as before."""
    before = fingerprint(folder) if folder.is_dir() else None
    found, said = Server(folder, settings).refused()
    assert found == code, f"exit code {found}, wanted {code}: {said}"
    assert mentions in said, said
    assert len(said.splitlines()) <= 4, f"more than one clear message: {said}"
    assert before is None or fingerprint(folder) == before, "the files were changed"
    return said


def change(path, at, data):
    with open(path, "r+b") as file:
        file.seek(at)
        file.write(data)


@pytest.mark.parametrize("name", ["closed", "killed"])
@pytest.mark.parametrize("length", [0, 1, 100, 4096, 0.3, 0.7, -4096, -1])
def test_a_truncated_database(stores, tmp_path, name, length):
    path = stores.copy(name, tmp_path / "data") / DB
    size = path.stat().st_size
    harmless = name == "killed" or length == -1  # that byte may be of a page that holds nothing
    length = int(size * length) if isinstance(length, float) else length
    if name == "killed" and size <= length:
        length = size - 1  # most of a killed store is in its log
    os.truncate(path, length if length >= 0 else max(size + length, 0))
    refused_or_equal(stores, tmp_path / "data", may_be_equal=harmless)


@pytest.mark.parametrize("length", [0, 31, 32, 0.3, 0.7, -1])
def test_a_truncated_log(stores, tmp_path, length):
    path = stores.copy("killed", tmp_path / "data") / LOG
    size = path.stat().st_size
    length = int(size * length) if isinstance(length, float) else length
    os.truncate(path, length if length >= 0 else size + length)
    refused_or_equal(stores, tmp_path / "data", may_be_equal=True)


def used(file, data):
    """How many bytes mean something: a log is written ahead of its commits, and anew from its start. What counts are the
    frames from there on that have the salts of its header (SQLite file format, section 4)."""
    if file != LOG:
        return len(data)
    end = LOG_HEADER
    while data[end + 8:end + 16] == data[16:24]:
        end += LOG_FRAME
    return end


@pytest.mark.parametrize("name, file", [("closed", DB), ("killed", DB), ("killed", LOG)])
def test_flipped_bits(stores, tmp_path, chance, name, file):
    """Wherever a bit flips: refused without a change, or nothing that matters was hit and every record is right."""
    refusals = 0
    for n in range(FLIPS):
        folder = stores.copy(name, tmp_path / str(n))
        data = (folder / file).read_bytes()
        at = chance.randrange(used(file, data))
        change(folder / file, at, bytes([data[at] ^ (1 << chance.randrange(8))]))
        refusals += refused_or_equal(stores, folder, may_be_equal=True, why=f"byte {at} of {file}")
        shutil.rmtree(folder)
    assert refusals or (name, file) == ("killed", DB), "no flip was noticed"  # there, the log hides most pages


def refused_or_equal(stores, folder, may_be_equal, why=""):
    """True when the daemon refused; otherwise every record must be right."""
    before = fingerprint(folder)
    server = Server(folder)
    try:
        server.start()
    except AssertionError:
        said = "\n".join(server.stderr_lines)
        assert server.exit_code in (DAMAGED, NEWER), f"{why}: exit code {server.exit_code}: {said}"
        assert str(folder) in said, said
        assert fingerprint(folder) == before, f"{why}: the files were changed"
        return True
    try:
        assert may_be_equal, "started on a damaged store"
        with server.client() as client:
            assert stores.workload.read(client) == stores.workload.cells, f"{why}: served wrong data"
    finally:
        server.end()
    return False


NO_STORES = {"empty": b"", "text": b"hello\n", "zeros": bytes(8192), "noise": os.urandom(20000)}


@pytest.mark.parametrize("content", NO_STORES)
def test_a_file_that_is_no_store(tmp_path, content):
    (tmp_path / DB).write_bytes(NO_STORES[content])
    assert_refused(tmp_path, DAMAGED, str(tmp_path / DB))


def test_a_database_of_another_program(tmp_path):
    with sqlite3.connect(tmp_path / DB) as other:
        other.execute("CREATE TABLE record(key TEXT PRIMARY KEY, value TEXT)")
    other.close()
    assert_refused(tmp_path, DAMAGED, str(tmp_path / DB))


def test_a_directory_in_the_place_of_the_database(tmp_path):
    (tmp_path / DB).mkdir()
    assert_refused(tmp_path, DAMAGED, str(tmp_path / DB))


def test_a_log_without_its_database(stores, tmp_path):
    (stores.copy("killed", tmp_path / "data") / DB).unlink()
    assert_refused(tmp_path / "data", DAMAGED, str(tmp_path / "data"))


def test_an_older_log_under_a_newer_acknowledgement(stores, tmp_path):
    """The log of a killed daemon is gone with the commits in it: SQLite would open that without a word."""
    (stores.copy("killed", tmp_path / "data") / LOG).unlink()
    assert_refused(tmp_path / "data", DAMAGED, str(tmp_path / "data"))


def test_a_store_of_a_newer_format(stores, tmp_path):
    folder = stores.copy("closed", tmp_path / "data")
    change(folder / DB, USER_VERSION_AT, (99).to_bytes(4, "big"))
    assert_refused(folder, NEWER, "99")


def test_a_store_that_is_in_use(server):
    with server.client() as client:
        namespace = client.namespace("kept")
        code, said = Server(server.data).refused()
        assert code == IN_USE and str(server.data) in said, said
        assert client.call("GetNamespace", Id=namespace)["Namespace"]["Name"] == "kept", "the first one is unharmed"


@needs(SmallDisk)
def test_a_read_only_store(stores, tmp_path):
    with SmallDisk(tmp_path, 32) as disk:
        stores.copy("closed", disk.at / "data")
        run("mount", "-o", "remount,ro", disk.at)
        assert_refused(disk.at / "data", CANNOT_WRITE, str(disk.at / "data"))


@needs(SmallDisk)
def test_a_place_where_nothing_can_be_made(tmp_path):
    with SmallDisk(tmp_path, 1) as disk:
        run("mount", "-o", "remount,ro", disk.at)
        assert_refused(disk.at / "data", CANNOT_WRITE, str(disk.at / "data"))


@needs(SmallDisk)
def test_a_disk_without_space_for_a_new_store(tmp_path):
    with SmallDisk(tmp_path, 1) as disk:
        disk.fill()
        assert_refused(disk.at / "data", CANNOT_WRITE, str(disk.at / "data"))
