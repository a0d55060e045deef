# SPDX-License-Identifier: Apache-2.0
"""Disks that a power cut could have left, made from the journal that faulty.c keeps of writes and flushes."""

import shutil
import struct
from pathlib import Path

HEAD = struct.Struct("qqqqqq")  # kind, offset, length, path length, data length, covers
WRITE, TRUNCATE, FLUSH = range(3)
SECTOR = 512
NOT_ON_DISK = ("cloudmap.db-shm", "lock")  # mapped or without content: nothing of them has to survive


class Note:
    def __init__(self, number, kind, offset, path, data, covers):
        self.number, self.kind, self.offset = number, kind, offset
        self.name, self.data, self.covers = Path(path).name, data, covers

    def apply(self, content, sectors=None):
        """To a bytearray; with `sectors`, only those parts of a write that it says True for."""
        if self.kind == TRUNCATE:
            del content[self.offset:]
            content.extend(bytes(self.offset - len(content)))
            return
        at = 0
        while at < len(self.data):
            n = min(SECTOR - (self.offset + at) % SECTOR, len(self.data) - at)
            if sectors is None or sectors():
                begin = self.offset + at
                content.extend(bytes(max(begin + n - len(content), 0)))
                content[begin:begin + n] = self.data[at:at + n]
            at += n


class Journal:
    """Begins with a copy of the directory, taken while nothing is written; `begin` is the number of notes by then."""

    def __init__(self, path, folder, begin):
        self.path, self.begin = path, begin
        self.before = {p.name: p.read_bytes() for p in folder.iterdir() if p.is_file() and p.name not in NOT_ON_DISK}
        self.notes = []

    def read(self, end):
        with open(self.path, "rb") as file:
            for number in range(end):
                kind, offset, _, path_length, data_length, covers = HEAD.unpack(file.read(HEAD.size))
                path, data = file.read(path_length).decode(), file.read(data_length)
                if number >= self.begin:
                    self.notes.append(Note(number, kind, offset, path, data, covers))
        assert any(n.kind == FLUSH for n in self.notes), "no flush was seen"

    def make_image(self, place, moment, chance, lie=False):
        """The directory after a cut when `moment` notes had been made."""
        notes = [n for n in self.notes if n.number < moment and n.name not in NOT_ON_DISK]
        files = {name: bytearray(data) for name, data in self.before.items()}
        flushed = {}
        for note in notes:
            if note.kind == FLUSH and not lie:
                flushed[note.name] = max(flushed.get(note.name, 0), note.covers)
        changes = [n for n in notes if n.kind != FLUSH]
        safe = [n for n in changes if n.number < flushed.get(n.name, 0)]
        loose = [n for n in changes if n.number >= flushed.get(n.name, 0)]
        for note in safe:
            note.apply(files.setdefault(note.name, bytearray()))
        chance.shuffle(loose)
        share = chance.choice((0, 0.1, 0.5, 0.9, 1))
        for note in loose:
            if chance.random() < share:
                note.apply(files.setdefault(note.name, bytearray()), sectors=lambda: chance.random() < 0.8)
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        for name, content in files.items():
            (place / name).write_bytes(content)
            (place / name).chmod(0o600)  # as it was: a key file that others can read is refused
