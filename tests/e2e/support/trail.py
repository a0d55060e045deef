# SPDX-License-Identifier: Apache-2.0
"""What somebody does who can write the store's files: the audit trail made anew, with a chain and a ledger that fit."""

import hashlib
import json
import sqlite3
import zlib
from contextlib import closing


def read(data):
    """[(time in ms, text)], the oldest first."""
    with closing(sqlite3.connect(data / "cloudmap.db")) as db:
        return [(time, bytes(text, "utf-8") if isinstance(text, str) else text)
                for time, text in db.execute("SELECT time, text FROM trail ORDER BY number")]


def since(data, number):
    """[(number, text)] of the rows behind that one, also beside a daemon."""
    with closing(sqlite3.connect(f"file:{data}/cloudmap.db?mode=ro", uri=True)) as db:
        return list(db.execute("SELECT number, text FROM trail WHERE number > ? ORDER BY number", (number,)))


def is_checkpoint(text):
    return b'"eventName":"AuditCheckpoint"' in text


def rewrite(data, rows):
    """Makes `rows` the whole trail of a store that is not in use."""
    with closing(sqlite3.connect(data / "cloudmap.db")) as db:
        hash_ = bytes(32)
        kept = [number for number, in db.execute("SELECT number FROM trail ORDER BY number LIMIT 1")]
        assert kept == [1], "a trail from its beginning"
        kinds = dict(db.execute("SELECT typeof(text), 1 FROM trail"))
        db.execute("DELETE FROM trail")
        for number, (time, text) in enumerate(rows, 1):
            hash_ = hashlib.sha256(hash_ + number.to_bytes(8, "big") + time.to_bytes(8, "big") +
                                   hashlib.sha256(text).digest()).digest()
            db.execute("INSERT INTO trail(number, time, hash, text) VALUES(?, ?, ?, ?)",
                       (number, time, hash_, text.decode() if "text" in kinds else text))
        (ledger, kind), = db.execute("SELECT value, typeof(value) FROM record WHERE key = 'ledger'")
        value = json.loads(ledger)
        value["trail"] |= {"last": len(rows), "hash": hash_.hex(), "bytes": sum(len(text) for _, text in rows)}
        members = json.dumps({key: value[key] for key in value if key not in ("v", "crc")}, separators=(",", ":"))[1:]
        crc = zlib.crc32(b"ledger\0" + members.encode()) or 1
        new = '{"v":1,"crc":"%08x",' % crc + members
        db.execute("UPDATE record SET value = ? WHERE key = 'ledger'", (new if kind == "text" else new.encode(),))
        db.commit()
