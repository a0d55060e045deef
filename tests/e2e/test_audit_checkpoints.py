# SPDX-License-Identifier: Apache-2.0
"""Checkpoints of the audit trail: when they are made, where they are found, and what they find when somebody who can
write the store made the chain anew."""

import json
import re
import shutil
import subprocess

import pytest

from support import trail
from support.client import until
from support.program import cloudmapctl

ON = {"audit.calls": "on"}
WORD = re.compile(r"(cloudmap-checkpoint:\d+:[0-9a-f]{64}:\d+):([0-9a-f]{64}):([0-9a-f]{128})")
HOUR = 3_600_000


def audit(data, *words):
    return cloudmapctl("--data", data, "audit", *words)


def verified(data, *words):
    done = audit(data, "verify", "-o", "json", *words)
    assert done.returncode == 0, done
    return json.loads(done.stdout)


def finds(data, says, *words):
    done = audit(data, "verify", *words)
    assert done.returncode == 65 and says in done.stderr, done


def public_key(data):
    done = audit(data, "key")
    assert done.returncode == 0, done
    return done.stdout.strip()


@pytest.fixture
def stopped(start_daemon, tmp_path):
    """A daemon that ran twice, made 20 namespaces each time, and is stopped; with an audit file."""
    daemon = start_daemon({**ON, "audit.file": str(tmp_path / "audit.log")})
    for n in range(20):
        daemon.api.namespace(f"n{n}")
    daemon.restart()
    for n in range(20):
        daemon.api.namespace(f"m{n}")
    daemon.stop()
    return daemon


def test_all_is_signed_when_the_daemon_ends(stopped, tmp_path):
    seen = verified(stopped.data)
    rows = trail.read(stopped.data)
    assert seen["checkpoints"] >= 2 and seen["signed"] == len(rows) - 1 == seen["records"] - 1
    words = [WORD.search(text.decode()) for _, text in rows if trail.is_checkpoint(text)]
    assert len(words) == seen["checkpoints"] and {word[2] for word in words} == {public_key(stopped.data)}
    # what left the machine in the audit file and in the log
    in_file = WORD.findall((tmp_path / "audit.log").read_text(encoding="utf-8"))
    assert in_file == [word.groups() for word in words]
    assert words[-1][1] in [event["checkpoint"].rsplit(":", 2)[0] for event in stopped.events("audit_checkpoint")]
    assert "20 are newer" not in audit(stopped.data, "verify").stdout


def test_others_can_check_a_signature(stopped, tmp_path):
    signed, key, signature = WORD.search(trail.read(stopped.data)[-1][1].decode()).groups()
    (tmp_path / "text").write_text(signed, encoding="ascii")
    (tmp_path / "signature").write_bytes(bytes.fromhex(signature))
    (tmp_path / "key").write_bytes(bytes.fromhex("302a300506032b6570032100" + key))
    done = subprocess.run(["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", tmp_path / "key", "-rawin",
                           "-in", tmp_path / "text", "-sigfile", tmp_path / "signature"], capture_output=True, text=True,
                          check=False)
    assert "Signature Verified Successfully" in done.stdout, done


def test_elsewhere_the_public_key_is_enough(stopped, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(stopped.data, copy, ignore=shutil.ignore_patterns("secret.key", "*.sock"))
    done = audit(copy, "verify")
    assert done.returncode == 0 and "signed: not checked" in done.stdout
    assert verified(copy)["signed"] is None
    key = public_key(stopped.data)
    assert verified(copy, "--public-key", key)["signed"] == verified(stopped.data)["signed"]
    assert verified(copy, "--public-key", "0" * 64)["checkpoints"] == 0
    done = audit(copy, "verify", "--public-key", key[:-1])
    assert done.returncode == 64 and "64 hex digits" in done.stderr
    done = audit(copy, "key")
    assert done.returncode == 78 and "--key-file" in done.stderr
    assert audit(copy, "key", "--key-file", stopped.data / "secret.key").stdout.strip() == key


def test_a_chain_made_anew_does_not_fit_its_checkpoints(stopped):
    rows = trail.read(stopped.data)
    trail.rewrite(stopped.data, rows)
    assert verified(stopped.data)["records"] == len(rows)
    for change in (lambda rows: [(time, text.replace(b'"n7"', b'"n8"')) for time, text in rows],
                   lambda rows: rows[:5] + rows[6:],
                   lambda rows: rows[:5] + [rows[6], rows[5]] + rows[7:]):
        trail.rewrite(stopped.data, change(rows))
        finds(stopped.data, "is a checkpoint of another chain: the trail was made anew")
    trail.rewrite(stopped.data, [(time, text.replace(b":1", b":2") if trail.is_checkpoint(text) else text)
                                 for time, text in rows])
    finds(stopped.data, "is a checkpoint that nobody signed")


def test_a_trail_without_its_checkpoints_is_found(stopped, tmp_path):
    """An hour's trail, also when a daemon signs it afterwards, and when somebody else signed it."""
    rows = trail.read(stopped.data)
    plain = [(time, text) for time, text in rows if not trail.is_checkpoint(text)]
    hour = [(time - HOUR + n * HOUR // len(plain), text) for n, (time, text) in enumerate(plain)]
    trail.rewrite(stopped.data, hour)
    finds(stopped.data, "are signed by no checkpoint in time")
    stopped.start()
    until(lambda: stopped.events("audit_checkpoint"), bool)
    finds(stopped.data, "are signed by no checkpoint in time")
    stopped.stop()
    # a store of one's own makes checkpoints of any trail
    other = tmp_path / "other"
    shutil.copytree(stopped.data, other, ignore=shutil.ignore_patterns("secret.key", "*.sock"))
    own = [text for _, text in rows if trail.is_checkpoint(text)][0]
    word = WORD.search(own.decode())
    forged = own.replace(word[2].encode(), b"0" * 64)
    trail.rewrite(other, plain[:5] + [(plain[5][0], forged)])
    shutil.copy(stopped.data / "secret.key", other)
    finds(other, "is a checkpoint that nobody signed")


def test_a_cut_end_is_found_by_what_left_the_machine(stopped, tmp_path):
    rows = trail.read(stopped.data)
    log = tmp_path / "log"
    log.write_text("\n".join(json.dumps(event) for event in stopped.events("audit_checkpoint")), encoding="utf-8")
    assert verified(stopped.data, "--against", log)["records"] == len(rows)
    first = next(n for n, (_, text) in enumerate(rows) if trail.is_checkpoint(text))
    trail.rewrite(stopped.data, rows[:first + 1])
    assert verified(stopped.data)["signed"] == first  # of itself it is a trail that was whole once
    for evidence in (tmp_path / "audit.log", log):
        finds(stopped.data, "was noted and is not in the trail: its end is missing", "--against", evidence)
    # others of the same length
    stopped.start()
    for n in range(40):
        stopped.api.namespace(f"other{n}")
    stopped.stop()
    finds(stopped.data, "is not the one that was noted: the trail was made anew", "--against", log)
    done = audit(stopped.data, "verify", "--against", stopped.data / "lock")
    assert done.returncode == 65 and "holds no checkpoint" in done.stderr
    done = audit(stopped.data, "verify", "--against", tmp_path / "none")
    assert done.returncode == 66 and "No such file" in done.stderr


def test_after_kill_9_the_next_start_signs(start_daemon):
    daemon = start_daemon(ON)
    daemon.api.namespace("shop")
    daemon.kill9()
    assert verified(daemon.data)["signed"] == 0
    daemon.start()
    assert until(lambda: verified(daemon.data), lambda seen: seen["signed"])["signed"] == 1


def test_a_new_key_file_makes_a_new_signing_key(start_daemon):
    daemon = start_daemon(ON)
    before = public_key(daemon.data)
    daemon.api.namespace("shop")
    daemon.restart()
    done = cloudmapctl("--data", daemon.data, "key", "rewrap")
    assert done.returncode == 0, done
    after = public_key(daemon.data)
    assert after != before
    assert re.search(f"^Audit key before +{before}$", done.stdout, re.M), done
    assert re.search(f"^Audit key +{after}$", done.stdout, re.M), done
    said = cloudmapctl("--data", daemon.data, "audit", "verify").stdout
    assert f"signed: by {before}, which is not the key file's key" in said
    daemon.stop()  # the change is a record, which the new key signs
    assert b'"eventName":"ResealAccessKeys"' in trail.read(daemon.data)[-2][1]
    assert verified(daemon.data)["checkpoints"] == 1
    assert f"also signed: 2 times by other keys, such as {before};" in audit(daemon.data, "verify").stdout
    assert verified(daemon.data, "--public-key", before, "--public-key", after)["checkpoints"] == 3
    rows = trail.read(daemon.data)
    first = next(n for n, (_, text) in enumerate(rows) if trail.is_checkpoint(text))
    trail.rewrite(daemon.data, [(time - HOUR if n <= first else time, text) for n, (time, text) in enumerate(rows)])
    finds(daemon.data, f"if {before} was the daemon's public key")


def test_nobody_looks_checkpoints_up(stopped):
    stopped.start()
    until(lambda: stopped.events("audit_checkpoint"), bool)
    answer = stopped.api.http("POST", "/", b"{}", {
        "X-Amz-Target": "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents",
        "Content-Type": "application/x-amz-json-1.1"})
    assert answer.json["Events"] and "AuditCheckpoint" not in json.dumps(answer.json)
