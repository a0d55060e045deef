# SPDX-License-Identifier: Apache-2.0
"""cloudmapctl against daemons that run, that do not, and that are elsewhere."""

import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile
import threading

import pytest

from support.program import cloudmapctl, cloudmapd, ctl_binary, environment
from support.sdk import AWS_CLI, client_env


def on(daemon, *words, **more):
    return cloudmapctl("--data", daemon.data, *words, **more)


def good(done):
    assert (done.returncode, done.stderr) == (0, ""), done
    return done.stdout


def filled(daemon, n=20):
    """A service with n instances; returns its id."""
    service = daemon.api.service(daemon.api.namespace("n"), "s")
    for i in range(n):
        daemon.api.register(service, f"i{i}", {"n": str(i)})
    return service


def instances(daemon, service):
    return {one["Id"]: one["Attributes"] for one in daemon.api.items("ListInstances", "Instances", ServiceId=service)}


class TestUsage:
    def test_help_fits_a_window(self):
        for words in (["help"], ["--help"], ["help", "--help"], ["help", "help"]):
            text = good(cloudmapctl(*words))
            assert all(name in text for name in ("status", "explain NAME", "backup FILE", "restore FILE", "env", "doctor"))
            assert len(text.splitlines()) <= 40 and max(map(len, text.splitlines())) <= 80
        for command in re.findall(r"^  ([a-z]+) ", text.split("Options")[0], re.M):
            if command != "help":
                more = good(cloudmapctl("help", command))
                assert re.match(rf"Usage: cloudmapctl \[OPTION\]\.\.\. {command}( |$)", more, re.M) and "-o FORMAT" in more
                assert ("--data DIR" in more) == (command != "cert") and not re.search(" $", more, re.M)
                assert len(more.splitlines()) <= 40 and max(map(len, more.splitlines())) <= 80
                assert more == good(cloudmapctl(command, "--help"))
        assert "--trust FILE" in good(cloudmapctl("help", "role"))
        assert "--api URL" in good(cloudmapctl("help", "doctor")) and "--api" not in good(cloudmapctl("help", "status"))
        assert "no command: nonsense" in cloudmapctl("help", "nonsense").stderr
        assert re.fullmatch(r"cloudmapctl \d+\.\d+\.\d+\n", good(cloudmapctl("--version")))

    def test_help_has_every_action(self, tmp_path):
        """Of those that it shows none is unknown, and the line about the command has no other."""
        for command in ("key", "user", "role", "policy", "guard", "audit"):
            text = good(cloudmapctl("help", command))
            actions = set(re.findall(rf"^  {command} ([a-z]+)", text, re.M))
            told = re.search(r"^(?:keys|users|roles|policies): (.*)$", text, re.M)
            assert actions and actions >= set(told[1].split(", ") if told else ())
            for action in actions:
                done = cloudmapctl("--data", tmp_path / "none", command, action)
                assert not re.search("no action|takes list|audit list", done.stderr), done

    @pytest.mark.parametrize("words", [
        [], ["nonsense"], ["--nonsense"], ["status", "word"], ["backup"], ["backup", "a", "b"], ["restore"],
        ["-o", "yaml", "status"], ["--replace", "status"], ["--api", "http://127.0.0.1:1", "status"],
        ["--socket", "/x", "backup", "f"], ["--api", "127.0.0.1:1", "env"], ["--api", "ftp://127.0.0.1:1", "doctor"]])
    def test_wrong(self, words):
        done = cloudmapctl(*words)
        assert (done.returncode, done.stdout) == (64, "") and done.stderr

    def test_where_to_read_on(self):
        assert "Try: cloudmapctl help backup\n" in cloudmapctl("backup").stderr
        assert "Try: cloudmapctl help\n" in cloudmapctl("bakcup").stderr


class TestStatus:
    def test_table(self, start_daemon):
        daemon = start_daemon({"compat": "aws"})
        filled(daemon, 3)
        text = good(on(daemon, "status"))
        assert re.search(rf"^Daemon +cloudmapd \S+, pid {daemon.pid}, ready, up for \d+ s$", text, re.M)
        assert re.search(rf"^API +127\.0\.0\.1:{daemon.port} ", text, re.M)
        assert f"{daemon.data}\n" in text and "compat aws" in text
        assert re.search(r"^Registered +1 namespaces, 1 services, 3 instances$", text, re.M)
        assert "compat = aws  (--set)" in text

    def test_json(self, start_daemon):
        daemon = start_daemon()
        status = json.loads(good(on(daemon, "status", "-o", "json")))
        assert status["pid"] == daemon.pid and status["state"] == "ready"

    def test_by_socket_by_variable_and_by_place(self, start_daemon, tmp_path):
        daemon = start_daemon(data=tmp_path / "cloudmap-data")
        for done in (cloudmapctl("--socket", daemon.data / "admin.sock", "status", "-o", "json"),
                     cloudmapctl("status", "--output=json", env={"CLOUDMAP_STORE_PATH": str(daemon.data)}),
                     cloudmapctl("status", "-ojson", cwd=tmp_path)):
            assert json.loads(good(done))["pid"] == daemon.pid

    def test_nobody_there(self, tmp_path):
        done = cloudmapctl("--data", tmp_path, "status")
        assert done.returncode == 1 and f"no daemon answers on {tmp_path}/admin.sock" in done.stderr

    def test_a_long_path(self, start_daemon, tmp_path):
        daemon = start_daemon(data=tmp_path / ("d" * 150))
        assert json.loads(good(on(daemon, "status", "-o", "json")))["pid"] == daemon.pid


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can run as another user")
def test_whom_the_data_does_not_belong_to(start_daemon):
    """Who forgot sudo is told so, and not that there is no daemon."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        folder.chmod(0o755)
        program = shutil.copy(ctl_binary(), folder)
        daemon = start_daemon(data=folder / "data")
        good(on(daemon, "backup", folder / "copy.db"))
        (folder / "theirs").mkdir()
        os.chown(folder / "theirs", 65534, 65534)

        def run(*words):
            done = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", program, *words],
                                  env=environment(), capture_output=True, text=True, timeout=60, check=False)
            return done.returncode, done.stderr

        for words in ("status", "env", "explain x", "guard list"):
            code, text = run("--data", daemon.data, *words.split())
            assert code == 1 and f"no permission to reach {daemon.data}/admin.sock; run this as root" in text, text
        code, text = run("--data", daemon.data, "key", "list")
        assert code == 73 and "no permission to open this directory; run this as root" in text, text
        code, text = run("--data", folder / "theirs", "restore", folder / "copy.db")
        assert code == 73 and "copy.db: opening it failed: Permission denied" in text, text


def test_a_store_that_nobody_named(tmp_path):
    """In another directory than one thinks, a key would go into another store than one thinks."""
    done = cloudmapctl("key", "create", "--root", cwd=tmp_path)
    assert done.returncode == 0 and "a new one is in ./cloudmap-data; --data names" in done.stderr
    assert good(cloudmapctl("key", "list", cwd=tmp_path))


@pytest.mark.skipif(subprocess.run(["unshare", "-m", "true"], check=False, capture_output=True).returncode != 0,
                    reason="no mount namespaces here")
def test_two_stores_that_nobody_named(tmp_path):
    (tmp_path / "cloudmap-data").mkdir()
    script = 'mount -t tmpfs none /var/lib && mkdir /var/lib/cloudmap && exec "$0" "$@"'

    def run(*words):
        return subprocess.run(["unshare", "-m", "sh", "-c", script, ctl_binary(), *words], env=environment(), cwd=tmp_path,
                              capture_output=True, text=True, timeout=60, check=False).stderr

    assert "this is about ./cloudmap-data, not /var/lib/cloudmap; --data says which" in run("status")
    assert "this is about" not in run("--data", "/var/lib/cloudmap", "status") + run("--socket", "/x", "status")


class TestCopies:
    def test_online_backup_and_restore(self, start_daemon, tmp_path):
        daemon, file = start_daemon(), tmp_path / "copy.db"
        service = filled(daemon)
        before = instances(daemon, service)
        stop = threading.Event()

        def write():
            n = 0
            while not stop.is_set():
                daemon.api.register(service, f"later{n}", {})
                n += 1

        writer = threading.Thread(target=write)
        writer.start()
        try:
            assert "is a verified copy of the store" in good(on(daemon, "backup", file))
        finally:
            stop.set()
            writer.join()
        good(cloudmapctl("--data", tmp_path / "other", "restore", file))
        other = start_daemon(data=tmp_path / "other")
        restored = instances(other, service)
        assert before.items() <= restored.items()
        assert restored.items() <= instances(daemon, service).items()

    def test_nothing_is_overwritten(self, start_daemon, tmp_path):
        daemon, file = start_daemon(), tmp_path / "copy.db"
        file.write_text("precious")
        done = on(daemon, "backup", file)
        assert done.returncode == 73 and "exists" in done.stderr
        assert file.read_text() == "precious"

    def test_restore_needs_the_store_for_itself(self, start_daemon, tmp_path):
        daemon, file = start_daemon(), tmp_path / "copy.db"
        good(on(daemon, "backup", file))
        assert on(daemon, "restore", file).returncode == 75
        assert on(daemon, "restore", "--replace", file).returncode == 75

    def test_restore_keeps_what_it_replaces(self, start_daemon, tmp_path):
        daemon, file = start_daemon(), tmp_path / "copy.db"
        service = filled(daemon, 1)
        good(on(daemon, "backup", file))
        daemon.api.register(service, "later")
        assert daemon.stop() == 0
        done = on(daemon, "restore", file)
        assert done.returncode != 0 and "--replace" in done.stderr
        told = json.loads(good(on(daemon, "-o", "json", "restore", "--replace", file)))
        kept = daemon.data / re.search(r"kept as (\S+)", told["message"])[1]
        daemon.start()
        assert instances(daemon, service).keys() == {"i0"}
        assert daemon.stop() == 0
        good(on(daemon, "restore", "--replace", kept))
        daemon.start()
        assert instances(daemon, service).keys() == {"i0", "later"}

    def test_a_file_that_is_no_backup(self, tmp_path):
        (tmp_path / "file").write_text("something else")
        done = cloudmapctl("--data", tmp_path / "d", "restore", tmp_path / "file")
        assert done.returncode == 65 and "a Cloudmap store" in done.stderr

    def test_a_backup_of_nothing(self, tmp_path):
        assert cloudmapctl("--data", tmp_path / "none", "backup", tmp_path / "file").returncode == 65
        assert not (tmp_path / "file").exists()


class TestEnv:
    def test_it_points_a_shell_at_the_daemon(self, start_daemon, tmp_path):
        daemon = start_daemon({"api.region": "eu-central-1"})
        daemon.api.namespace("elsewhere")  # in the region of requests without a scope
        script = f'eval "$({ctl_binary()} --data "$1" env)"; {AWS_CLI} --endpoint-url "$AWS_ENDPOINT_URL" ' \
                 "servicediscovery list-namespaces --output text --query 'Namespaces[].Name'"
        env = environment() | {name: value for name, value in client_env().items() if name.endswith(("_FILE", "_DISABLED"))}
        for name in [name for name in env if name.startswith("AWS_") and name.endswith(("KEY_ID", "ACCESS_KEY", "REGION"))]:
            del env[name]
        done = subprocess.run(["sh", "-euc", script, "sh", daemon.data], env=env, capture_output=True, text=True,
                              timeout=60, check=False)
        assert (done.returncode, done.stdout) == (0, "elsewhere\n"), done

    def test_lines(self, daemon):
        text = good(on(daemon, "env"))
        assert all(re.fullmatch(r"export AWS_[A-Z_]+=\S*", line) for line in text.splitlines())
        assert f"export AWS_ENDPOINT_URL=http://cloudmap.localhost:{daemon.port}\n" in text

    def test_json(self, daemon):
        variables = json.loads(good(on(daemon, "env", "-o", "json")))
        assert variables["AWS_ENDPOINT_URL"] == f"http://cloudmap.localhost:{daemon.port}"
        assert variables["AWS_DEFAULT_REGION"] == variables["AWS_REGION"] == "us-east-1"
        assert not any("PROXY" in name for name in variables)

    def test_by_url(self, daemon):
        variables = json.loads(good(cloudmapctl("--api", f"http://127.0.0.1:{daemon.port}/", "env", "-o", "json")))
        assert variables["AWS_ENDPOINT_URL"] == f"http://127.0.0.1:{daemon.port}"
        assert variables["AWS_DISABLE_HOST_PREFIX_INJECTION"] == "true"

    def test_nobody_there(self, tmp_path):
        done = cloudmapctl("--data", tmp_path, "env")
        assert (done.returncode, done.stdout) == (1, "")


def findings(done):
    return {one["check"]: one for one in json.loads(done.stdout)}


class TestDoctor:
    env = {"PATH": "/usr/bin:/bin", "http_proxy": "", "HTTP_PROXY": "", "all_proxy": "", "ALL_PROXY": "",
           "AWS_ENDPOINT_URL": ""}

    def test_all_is_well(self, daemon):
        done = on(daemon, "doctor", "-o", "json", env=self.env)
        found = findings(done)
        assert done.returncode == 0 and {one["result"] for one in found.values()} == {"ok"}
        assert {"daemon", "api", "clock", "data- host", "environment", "aws cli", "boto3"} <= found.keys()
        assert "--endpoint-url" in found["aws cli"]["advice"], "the one from apt does not know the variable"
        text = good(on(daemon, "doctor", env=self.env))
        assert len(re.findall(r"^ok   ", text, re.M)) == len(found)

    def test_a_host_without_a_data_name(self, daemon):
        done = cloudmapctl("--api", f"http://127.0.0.1:{daemon.port}", "doctor", "-o", "json", env=self.env)
        found = findings(done)
        assert done.returncode == 1
        assert found["data- host"]["result"] == "failed"
        assert {one["result"] for name, one in found.items() if name != "data- host"} == {"ok"}
        for what in ("127.0.0.1 cloudmap.localhost data-cloudmap.localhost", "libnss-myhostname",
                     "inject_host_prefix=False", "disableHostPrefix", "AWS_DISABLE_HOST_PREFIX_INJECTION"):
            assert what in found["data- host"]["advice"]

    def test_a_proxy_in_the_way(self, daemon):
        host = "cloudmap.localhost"
        done = on(daemon, "doctor", "-o", "json", env=self.env | {"http_proxy": "http://127.0.0.1:9", "no_proxy": "a,b"})
        assert done.returncode == 0, "what is only for others to trip over is a warning"
        proxy = findings(done)["proxy"]
        assert proxy["result"] == "warning" and f"no_proxy=a,b,{host},data-{host}" in proxy["advice"]
        done = on(daemon, "doctor", "-o", "json", env=self.env | {"http_proxy": "http://127.0.0.1:9",
                                                                  "no_proxy": "a, .localhost"})
        assert findings(done)["proxy"]["result"] == "ok"

    def test_another_endpoint_in_the_environment(self, daemon):
        found = findings(on(daemon, "doctor", "-o", "json", env=self.env | {"AWS_ENDPOINT_URL": "http://x:1"}))
        assert found["environment"]["result"] == "warning"

    def test_where_calls_are_signed(self, start_daemon):
        """The region is the caller's own to get wrong, and the key to give."""
        daemon = start_daemon({"auth.mode": "required", "api.region": "eu-west-1", "api.regions": "eu-north-1, eu-south-1"})
        for region, result in (("eu-west-1", "ok"), ("eu-south-1", "ok"), ("us-east-1", "warning")):
            found = findings(on(daemon, "doctor", "-o", "json", env=self.env | {"AWS_REGION": region}))
            assert found["region"]["result"] == result and region in found["region"]["text"]
        assert "AWS_REGION=eu-west-1" in found["region"]["advice"]
        done = on(daemon, "env")
        assert done.returncode == 0 and "AWS_ACCESS_KEY_ID" not in done.stdout and "Calls must be signed" in done.stderr

    def test_nobody_there(self, tmp_path):
        done = cloudmapctl("--data", tmp_path, "doctor", env=self.env)
        assert done.returncode == 1
        assert done.stdout.startswith("FAIL  daemon ") and "Start cloudmapd" in done.stdout

    def test_somebody_else_there(self):
        """A server that answers nothing sensible, with a clock that is wrong."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            def serve():
                one, _ = listener.accept()
                one.recv(65536)
                one.sendall(b"HTTP/1.1 404 Not Found\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\nContent-Length: 0\r\n"
                            b"Connection: close\r\n\r\n")
                one.close()
            thread = threading.Thread(target=serve)
            thread.start()
            url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            done = cloudmapctl("--api", url, "doctor", "-o", "json", env=self.env)
            thread.join()
        found = findings(done)
        assert done.returncode == 1
        assert found["api"]["result"] == "failed" and "404" in found["api"]["text"]
        assert found["clock"]["result"] == "failed" and "behind" in found["clock"]["text"]

    def test_another_version_of_the_daemon_is_the_same_program(self, daemon):
        assert cloudmapd("--version").stdout.split()[1] == good(cloudmapctl("--version")).split()[1]
        assert "version" not in findings(on(daemon, "doctor", "-o", "json", env=self.env))
