# SPDX-License-Identifier: Apache-2.0
"""Access keys, users, roles and policies by cloudmapctl: with a daemon and on its store, their secrets at rest, and the
key file that those are sealed under."""

import json
import os
import re
import socket
import threading

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

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


def test_as_many_keys_as_there_may_be(tmp_path):
    """What the daemon would answer of 50,000."""
    rows = [{"access_key_id": f"AKIA{n:016}", "account": "111111111111", "user": f"user-{n}", "state": "enabled",
             "created": "2026-01-01T00:00:00Z"} for n in range(50_000)]
    body = json.dumps({"keys": rows}).encode()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "admin.sock"))
        listener.listen()

        def serve():
            listener.accept()[0].close()  # is there a daemon?
            with listener.accept()[0] as one:
                one.recv(65536)
                one.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body)
        thread = threading.Thread(target=serve)
        thread.start()
        done = cloudmapctl("--data", tmp_path, "key", "list")
        thread.join()
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1].split()[:3] == ["AKIA0000000000049999", "111111111111", "user-49999"]


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
    assert set(keys(data)) == {root["access_key_id"], other}
    assert len(ctl(data, "key", "list", "--account", "111111111111")["keys"]) == 1
    assert len(ctl(data, "key", "list", "--account", "000000000000")["keys"]) == 1
    ctl(data, "user", "create", "bob", "--account", "111111111111")
    ctl(data, "user", "create", "bob")
    arns = [one["arn"] for one in ctl(data, "user", "list")["users"]]
    assert arns == ["arn:aws:iam::000000000000:user/bob", "arn:aws:iam::111111111111:user/bob"]
    assert len(ctl(data, "user", "list", "--account", "111111111111")["users"]) == 1
    ctl(data, "user", "delete", "bob", "--account", "111111111111")
    ctl(data, "user", "delete", "bob")
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

    def test_root_leaves_the_files_to_the_owner_of_the_directory(self, tmp_path):
        data = tmp_path / "data"
        owner = 65534 if os.geteuid() == 0 else os.geteuid()
        data.mkdir(mode=0o700)
        os.chown(data, owner, -1)
        ctl(data, "key", "create", "--root")
        assert {path.name: path.stat().st_uid for path in data.iterdir()} == {
            name: owner for name in ("acknowledged", "cloudmap.db", "lock", "secret.key")}

    def test_so_it_does_what_it_restores(self, tmp_path):
        data, owner = tmp_path / "data", 65534 if os.geteuid() == 0 else os.geteuid()
        ctl(tmp_path / "other", "key", "create", "--root")
        ctl(tmp_path / "other", "backup", tmp_path / "copy.db")
        data.mkdir(mode=0o700)
        os.chown(data, owner, -1)
        for words in (["restore"], ["restore", "--replace"]):
            ctl(data, *words, tmp_path / "copy.db")
            assert {path.stat().st_uid for path in data.iterdir()} == {owner}

    def test_table(self, tmp_path):
        data = tmp_path / "data"
        made = cloudmapctl("--data", data, "key", "create", "--root").stdout
        assert re.search(r"^Access key id +AKIA", made, re.M) and "shown this once" in made
        listed = cloudmapctl("--data", data, "key", "list").stdout.splitlines()
        assert listed[0].split() == ["Access", "key", "id", "Account", "User", "State", "Created"] and len(listed) == 2
        assert cloudmapctl("--data", data, "user", "list").stdout == "(none)\n"
        key = listed[1].split()[0]
        assert "refused from now on" in cloudmapctl("--data", data, "key", "disable", key).stdout
        assert "taken again" in cloudmapctl("--data", data, "key", "enable", key).stdout
        assert "gone, with all sessions" in cloudmapctl("--data", data, "key", "delete", key).stdout
        assert "key delete needs an access key id" in refused(data, "key", "delete", code=64)

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


ROOT = {"CLOUDMAP_ROOT_ACCESS_KEY_ID": "my_own_root_key_1",
        "CLOUDMAP_ROOT_SECRET_ACCESS_KEY": "not-the-default-of-anybody"}
OUTSIDE = {"api.listen": "0.0.0.0:0"}


def unsigned(daemon):
    """What a call without a signature is answered with: None for a success."""
    return daemon.api.send("ListNamespaces", {}).code


def signed(daemon, key):
    client = boto3.client("servicediscovery", endpoint_url=f"http://127.0.0.1:{daemon.port}", region_name="us-east-1",
                          aws_access_key_id=key["access_key_id"], aws_secret_access_key=key["secret_access_key"],
                          config=Config(retries={"max_attempts": 0}))
    return client.list_namespaces()["Namespaces"]


def mode(daemon):
    return ctl(daemon.data, "status")["auth"]


def not_started(data, settings, env=None):
    """A daemon that must refuse; what it says, on one of its lines of log or before them."""
    words = [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
    done = cloudmapd("--data", data, "--dns", "127.0.0.1:0", *words, env=env)
    assert done.returncode == 78, done
    return done.stderr


class TestMode:
    def test_an_open_daemon_is_not_locked_by_its_first_key(self, start_daemon):
        daemon = start_daemon()
        assert (mode(daemon), unsigned(daemon)) == ("open", None)
        root = ctl(daemon.data, "key", "create", "--root")
        assert (mode(daemon), unsigned(daemon)) == ("open", None)
        create = ("--data", daemon.data, "key", "create", "--root")
        assert "is still open" in cloudmapctl(*create).stdout
        daemon.restart()
        assert (mode(daemon), unsigned(daemon)) == ("required", "MissingAuthenticationTokenException")
        (other,) = keys(daemon.data).keys() - {root["access_key_id"]}
        ctl(daemon.data, "key", "delete", other)
        assert "is still open" not in cloudmapctl(*create).stdout
        assert signed(daemon, root) == []
        daemon.restart({"auth.mode": "open"})
        assert (mode(daemon), unsigned(daemon)) == ("open", None)

    def test_changes_apply_at_once(self, start_daemon):
        daemon = start_daemon({"auth.mode": "required"})
        assert any("there is no access key" in line for line in daemon.stderr_lines)
        assert (mode(daemon), unsigned(daemon)) == ("required", "MissingAuthenticationTokenException")
        root = ctl(daemon.data, "key", "create", "--root")
        assert signed(daemon, root) == []
        ctl(daemon.data, "key", "rewrap")
        assert signed(daemon, root) == []
        ctl(daemon.data, "key", "disable", root["access_key_id"])
        with pytest.raises(ClientError, match="UnrecognizedClientException"):
            signed(daemon, root)
        ctl(daemon.data, "key", "enable", root["access_key_id"])
        assert signed(daemon, root) == []
        ctl(daemon.data, "key", "delete", root["access_key_id"])
        with pytest.raises(ClientError, match="UnrecognizedClientException"):
            signed(daemon, root)

    def test_nothing_but_loopback_without_a_key(self, tmp_path, start_daemon):
        said = not_started(tmp_path / "d", OUTSIDE)
        assert "0.0.0.0:0 is not of a loopback address, and there is no access key" in said
        assert all(way in said for way in (*ROOT, "auth.root_key_file", f"--data {tmp_path}/d key create --root"))
        assert "auth.mode is open" in not_started(tmp_path / "d", OUTSIDE | {"auth.mode": "open"})
        assert "there is no access key" in not_started(tmp_path / "d", OUTSIDE | {"auth.mode": "required"})
        root = ctl(tmp_path / "d", "key", "create", "--root")  # what it advises
        daemon = start_daemon(OUTSIDE, data=tmp_path / "d")
        assert (mode(daemon), signed(daemon, root)) == ("required", [])
        daemon.stop()
        ctl(tmp_path / "d", "key", "disable", root["access_key_id"])
        assert "there is no access key" in not_started(tmp_path / "d", OUTSIDE)
        assert "auth.mode is open" in not_started(tmp_path / "d", OUTSIDE | {"auth.mode": "open"})
        # whoever disables the last key does not let everybody in, not even on loopback
        assert mode(start_daemon(data=tmp_path / "d")) == "required"


class TestRootKey:
    def test_from_the_environment(self, start_daemon, tmp_path):
        daemon = start_daemon(OUTSIDE, env=ROOT)
        key = {"access_key_id": ROOT["CLOUDMAP_ROOT_ACCESS_KEY_ID"],
               "secret_access_key": ROOT["CLOUDMAP_ROOT_SECRET_ACCESS_KEY"]}
        assert (mode(daemon), signed(daemon, key)) == ("required", [])
        with open(f"/proc/{daemon.pid}/environ", "rb") as environ:
            assert key["secret_access_key"].encode() not in environ.read()
        daemon.restart()
        assert signed(daemon, key) == [] and len(keys(daemon.data)) == 1
        daemon.env = ROOT | {"CLOUDMAP_ROOT_SECRET_ACCESS_KEY": "another-one-of-these"}
        daemon.restart()
        assert signed(daemon, key | {"secret_access_key": "another-one-of-these"}) == [] and len(keys(daemon.data)) == 1
        daemon.env = {}
        daemon.restart()  # it stays in the store
        assert signed(daemon, key | {"secret_access_key": "another-one-of-these"}) == []

    def test_from_a_file(self, start_daemon, tmp_path):
        path = tmp_path / "root.key"
        path.write_text(":".join(ROOT.values()) + "\n")
        os.chmod(path, 0o600)
        daemon = start_daemon(OUTSIDE | {"auth.root_key_file": path})
        assert keys(daemon.data) == {ROOT["CLOUDMAP_ROOT_ACCESS_KEY_ID"]: ("(root)", "active")}

    @pytest.mark.parametrize("env, why", [
        ({"CLOUDMAP_ROOT_ACCESS_KEY_ID": "my_own_root_key_1"}, "it takes both"),
        ({"CLOUDMAP_ROOT_SECRET_ACCESS_KEY": "x" * 40}, "it takes both"),
        (ROOT | {"CLOUDMAP_ROOT_ACCESS_KEY_ID": "short"}, "16 to 128 letters"),
        (ROOT | {"CLOUDMAP_ROOT_SECRET_ACCESS_KEY": "short"}, "16 to 128 printable"),
        (ROOT | {"CLOUDMAP_ROOT_SECRET_ACCESS_KEY": "x" * 400}, "16 to 128"),
    ])
    def test_variables_that_are_refused(self, tmp_path, env, why):
        assert why in not_started(tmp_path / "d", {"api.listen": "127.0.0.1:0"}, env=env)

    @pytest.mark.parametrize("text, permissions, why", [
        ("my_own_root_key_1:not-the-default-of-anybody", 0o644, "others can read it"),
        ("my_own_root_key_1", 0o600, "does not hold ID:SECRET"),
        ("", 0o600, "does not hold ID:SECRET"),
        (None, 0, "No such file"),
    ])
    def test_files_that_are_refused(self, tmp_path, text, permissions, why):
        path = tmp_path / "root.key"
        if text is not None:
            path.write_text(text)
            os.chmod(path, permissions)
        assert why in not_started(tmp_path / "d", {"api.listen": "127.0.0.1:0", "auth.root_key_file": path})

    def test_the_id_of_another(self, tmp_path):
        ctl(tmp_path / "d", "user", "create", "ann")
        taken = ctl(tmp_path / "d", "key", "create", "--user", "ann")["access_key_id"]
        env = ROOT | {"CLOUDMAP_ROOT_ACCESS_KEY_ID": taken}
        assert "is the access key of another" in not_started(tmp_path / "d", {"api.listen": "127.0.0.1:0"}, env=env)
