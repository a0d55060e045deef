# SPDX-License-Identifier: Apache-2.0
"""Access keys, users, roles and policies by cloudmapctl: with a daemon and on its store, their secrets at rest, and the
key file that those are sealed under."""

import json
import os
import re

import pytest

from support.program import cloudmapctl, cloudmapd

READS = {"Version": "2012-10-17",
         "Statement": [{"Effect": "Allow", "Action": "servicediscovery:Get*", "Resource": "*"}]}
TRUST = {"Version": "2012-10-17",
         "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}]}


def ctl(data, *words, **more):
    done = cloudmapctl("--data", data, "-o", "json", *words, **more)
    assert (done.returncode, done.stderr) == (0, ""), done
    return json.loads(done.stdout)


def refused(data, *words, code=1, **more):
    done = cloudmapctl("--data", data, *words, **more)
    assert (done.returncode, done.stdout) == (code, ""), done
    return done.stderr


def keys(data):
    return {one["access_key_id"]: (one["user"], one["state"]) for one in ctl(data, "key", "list")["keys"]}


def life(data, tmp_path):
    """Everything that the commands do, on one account."""
    root = ctl(data, "key", "create", "--root")
    assert re.fullmatch(r"AKIA[A-Z2-7]{16}", root["access_key_id"])
    assert re.fullmatch(r"[A-Za-z0-9+/]{40}", root["secret_access_key"])
    assert ctl(data, "user", "create", "ann", "--path", "/team/")["arn"] == "arn:aws:iam::000000000000:user/team/ann"
    assert "there is a user ann already" in refused(data, "user", "create", "Ann")
    ann = ctl(data, "key", "create", "--user", "ann")["access_key_id"]
    assert keys(data) == {root["access_key_id"]: ("(root)", "active"), ann: ("ann", "active")}
    ctl(data, "key", "disable", ann)
    assert keys(data)[ann] == ("ann", "disabled")
    ctl(data, "key", "enable", ann)
    assert keys(data)[ann] == ("ann", "active")
    ctl(data, "key", "create", "--user", "ann")
    assert "2 access keys already, which is the most" in refused(data, "key", "create", "--user", "ann")
    assert "has 2 access keys; delete them first" in refused(data, "user", "delete", "ann")
    for one, (user, _) in keys(data).items():
        if user == "ann":
            ctl(data, "key", "delete", one)
    assert "there is no access key" in refused(data, "key", "delete", ann)

    document = tmp_path / "reads.json"
    document.write_text(json.dumps(READS))
    ctl(data, "policy", "attach", "CloudmapRegistrar", "--user", "ann")
    ctl(data, "policy", "attach", "reads", "--user", "ann", "--document", document)
    assert ctl(data, "user", "list")["users"][0]["policies"] == ["reads", "registrar"]
    attached = {one["name"]: one["document"] for one in ctl(data, "policy", "list", "--user", "ann")["policies"]}
    assert json.loads(attached["reads"]) == READS and "RegisterInstance" in attached["registrar"]
    document.write_text(json.dumps(READS).replace("Allow", "Permit"))
    assert "Permit" in refused(data, "policy", "attach", "more", "--user", "ann", "--document", document)
    assert "is a managed policy" in refused(data, "policy", "attach", "admin", "--user", "ann", "--document", document)
    assert "no managed policy" in refused(data, "policy", "attach", "more", "--user", "ann")
    ctl(data, "policy", "detach", "registrar", "--user", "ann")
    assert "has no policy registrar" in refused(data, "policy", "detach", "registrar", "--user", "ann")
    assert {one["name"] for one in ctl(data, "policy", "list")["policies"]} == {
        "admin", "auditor", "discoverer", "registrar"}

    trust = tmp_path / "trust.json"
    trust.write_text(json.dumps(TRUST))
    ctl(data, "role", "create", "night", "--trust", trust, "--max-session", "2h")
    role = ctl(data, "role", "list")["roles"][0]
    assert (role["name"], role["max_session_s"], json.loads(role["trust"])) == ("night", 7200, TRUST)
    ctl(data, "policy", "attach", "admin", "--role", "night")
    ctl(data, "role", "delete", "night")
    ctl(data, "user", "delete", "ann")
    assert (ctl(data, "user", "list"), ctl(data, "role", "list")) == ({"users": []}, {"roles": []})
    other = ctl(data, "key", "create", "--root", "--account", "111111111111")["access_key_id"]
    assert other not in keys(data) and len(ctl(data, "key", "list", "--account", "111111111111")["keys"]) == 1
    ctl(data, "key", "delete", other)
    return root["access_key_id"]


class TestCommands:
    def test_with_a_daemon_and_after_it(self, start_daemon, tmp_path):
        daemon = start_daemon()
        root = life(daemon.data, tmp_path)
        assert any("access changed" in line and "key create" in line for line in daemon.stderr_lines)
        daemon.stop()
        assert keys(daemon.data) == {root: ("(root)", "active")}
        daemon.start()
        assert keys(daemon.data) == {root: ("(root)", "active")}

    def test_without_a_daemon(self, tmp_path):
        data = tmp_path / "data"
        assert "no such directory" in refused(data, "key", "list", code=65)
        root = life(data, tmp_path)
        assert keys(data) == {root: ("(root)", "active")}

    def test_table(self, tmp_path):
        data = tmp_path / "data"
        made = cloudmapctl("--data", data, "key", "create", "--root").stdout
        assert re.search(r"^Access key id +AKIA", made, re.M) and "shown this once" in made
        listed = cloudmapctl("--data", data, "key", "list").stdout.splitlines()
        assert listed[0].split() == ["Access", "key", "id", "Account", "User", "State", "Created"] and len(listed) == 2
        assert cloudmapctl("--data", data, "user", "list").stdout == "(none)\n"

    @pytest.mark.parametrize("words, why", [
        (["key", "create"], "--user NAME or --root"),
        (["key", "create", "--user", "a", "--root"], "not two"),
        (["key", "create", "--root", "--account", "1"], "an account is 12 digits"),
        (["key", "create", "--user", "a b"], "a name is 1 to 64"),
        (["key", "create", "--user", "nobody"], "there is no user nobody"),
        (["key", "delete", "x"], "no access key id"),
        (["user", "create", "a", "--path", "team"], "a path begins and ends with /"),
        (["role", "create", "a"], "--trust FILE"),
        (["policy", "attach", "admin"], "--user NAME or --role NAME"),
        (["policy", "attach", "admin", "--user", "nobody"], "there is no user nobody"),
        (["policy", "list", "--role", "nobody"], "there is no role nobody"),
    ])
    def test_what_is_refused(self, tmp_path, words, why):
        data = tmp_path / "data"
        ctl(data, "key", "create", "--root", "--account", "222222222222")
        assert why in refused(data, *words)

    @pytest.mark.parametrize("words", [["key"], ["key", "nonsense"], ["key", "delete"], ["key", "list", "x"],
                                       ["user", "list", "--root"], ["key", "list", "--trust", "x"],
                                       ["role", "create", "a", "--trust", "/dev/null", "--max-session", "long"]])
    def test_usage(self, tmp_path, words):
        refused(tmp_path, *words, code=64)


def files(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


class TestSecretsAtRest:
    def test_no_file_and_no_line_has_one(self, start_daemon, tmp_path):
        daemon = start_daemon({"log.level": "debug"})
        ctl(daemon.data, "user", "create", "ann")
        made = [ctl(daemon.data, "key", "create", *whose) for whose in (["--root"], ["--user", "ann"])]
        ctl(daemon.data, "backup", tmp_path / "copy.db")
        found = files(daemon.data) | files(tmp_path)
        daemon.stop()
        found = found | files(daemon.data)
        found["log"] = "\n".join(daemon.stderr_lines).encode()
        assert len(found) > 4
        for key in made:
            assert key["secret_access_key"] not in json.dumps(ctl(daemon.data, "key", "list"))
            for place, text in found.items():
                assert key["secret_access_key"].encode() not in text, place
            assert any(key["access_key_id"].encode() in text for text in found.values())

    def test_backup_keeps_keys(self, start_daemon, tmp_path):
        daemon = start_daemon()
        root = ctl(daemon.data, "key", "create", "--root")["access_key_id"]
        ctl(daemon.data, "backup", tmp_path / "copy.db")
        daemon.stop()
        data = tmp_path / "restored"
        ctl(data, "restore", tmp_path / "copy.db")
        done = cloudmapd("--data", data, "--api", "127.0.0.1:0", "--dns", "127.0.0.1:0")
        assert done.returncode == 78 and "secrets of this store are sealed under key" in done.stderr
        assert not (data / "secret.key").exists()
        (data / "secret.key").write_bytes((daemon.data / "secret.key").read_bytes())
        os.chmod(data / "secret.key", 0o600)
        again = start_daemon(data=data)
        assert keys(again.data) == {root: ("(root)", "active")}
        ctl(again.data, "key", "create", "--root")


class TestKeyFile:
    def test_made_and_judged(self, start_daemon):
        daemon = start_daemon()
        path = daemon.data / "secret.key"
        assert path.stat().st_mode & 0o7777 == 0o600 and re.fullmatch(rb"[0-9a-f]{64}\n", path.read_bytes())
        ctl(daemon.data, "key", "create", "--root")
        daemon.stop()
        start = ["--data", daemon.data, "--api", "127.0.0.1:0", "--dns", "127.0.0.1:0"]
        os.chmod(path, 0o640)
        done = cloudmapd(*start)
        assert done.returncode == 78 and "can be read by others; set its mode to 0600" in done.stderr
        assert "can be read by others" in refused(daemon.data, "key", "create", "--root", code=78)
        os.chmod(path, 0o600)
        path.write_text("0" * 64)
        done = cloudmapd(*start)
        assert done.returncode == 78 and "holds key" in done.stderr
        assert "holds key" in refused(daemon.data, "key", "rewrap", code=78)
        for one in keys(daemon.data):  # what the message says helps
            ctl(daemon.data, "key", "delete", one)
        daemon.start()
        ctl(daemon.data, "key", "create", "--root")

    def test_elsewhere(self, start_daemon, tmp_path):
        path = tmp_path / "elsewhere.key"
        path.write_text("1" * 64)
        os.chmod(path, 0o600)
        daemon = start_daemon({"auth.key_file": path})
        ctl(daemon.data, "key", "create", "--root")
        daemon.stop()
        assert not (daemon.data / "secret.key").exists()
        assert "is not there" in refused(daemon.data, "key", "create", "--root", code=78)
        ctl(daemon.data, "key", "create", "--root", "--key-file", path)

    def test_credential(self, start_daemon, tmp_path):
        given = tmp_path / "credentials"
        given.mkdir()
        (given / "secret.key").write_text("2" * 64)
        os.chmod(given / "secret.key", 0o440)
        daemon = start_daemon(env={"CREDENTIALS_DIRECTORY": str(given)})
        ctl(daemon.data, "key", "create", "--root")
        assert not (daemon.data / "secret.key").exists()
        assert "secret.key.new is not there" in refused(daemon.data, "key", "rewrap")

    def test_rewrap(self, start_daemon):
        daemon = start_daemon()
        path = daemon.data / "secret.key"
        ctl(daemon.data, "key", "create", "--root")
        old = path.read_bytes()
        done = ctl(daemon.data, "key", "rewrap")
        assert done["secrets"] == 1 and path.read_bytes() != old
        ctl(daemon.data, "key", "create", "--root")
        daemon.kill9()
        daemon.start()
        assert len(keys(daemon.data)) == 2
        daemon.stop()
        assert ctl(daemon.data, "key", "rewrap")["secrets"] == 2
        daemon.start()
        path.write_bytes(old)
        daemon.stop()
        assert cloudmapd("--data", daemon.data, "--api", "127.0.0.1:0", "--dns", "127.0.0.1:0").returncode == 78
