# SPDX-License-Identifier: Apache-2.0
"""A good daemon: addresses, logs, signals, the service manager, the admin socket, the banner."""

import contextlib
import fcntl
import http.client
import json
import os
import pty
import re
import signal
import socket
import stat
import struct
import subprocess
import termios
import threading
import time

import pytest

from support.client import until
from support.daemon import STOP_SECONDS, binary
from support.program import cloudmapd, environment
from support.sdk import client_env

WAIT_SECONDS = 30


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("cloudmapd", timeout=WAIT_SECONDS)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)


def admin(daemon, path, method="GET"):
    with contextlib.closing(UnixConnection(daemon.data / "admin.sock")) as connection:
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())


def half_a_request(daemon):
    """A connection whose request is accepted but not whole; returns it and what is missing. Every 500 bytes of a body
    give its client a second more: it is not cut off for its slowness before STOP_SECONDS are over."""
    half = b'{"MaxResults":1' + b" " * 500 * 2 * STOP_SECONDS
    rest = b"}"
    head = ("POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-amz-json-1.1\r\n"
            f"X-Amz-Target: Route53AutoNaming_v20170314.ListNamespaces\r\nContent-Length: {len(half + rest)}\r\n\r\n")
    one = socket.create_connection(("127.0.0.1", daemon.port), timeout=WAIT_SECONDS)
    one.sendall(head.encode() + half)
    # Where the half has arrived, an answer on a later connection of the only worker shows that it was read.
    until(lambda: struct.unpack("i", fcntl.ioctl(one, termios.TIOCOUTQ, bytes(4)))[0], lambda unsent: unsent == 0)
    assert daemon.api.http("GET", "/readyz").status == 200
    return one, rest


def send_nonsense(daemon):
    """A request that is refused, which is an event of level debug."""
    with socket.create_connection(("127.0.0.1", daemon.port), timeout=WAIT_SECONDS) as one:
        one.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")
        assert one.recv(65536).startswith(b"HTTP/1.1 400 ")


def refuses_connections(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=WAIT_SECONDS).close()
        return False
    except ConnectionResetError:
        return False  # the listening socket was closed in the middle
    except ConnectionRefusedError:
        return True


class TestStop:
    def test_what_was_accepted_is_answered(self, start_daemon):
        daemon = start_daemon({"api.workers": "1", "api.stop_timeout": "1h"})
        one, rest = half_a_request(daemon)
        port = daemon.port
        daemon.process.send_signal(signal.SIGTERM)
        until(lambda: refuses_connections(port), lambda refused: refused)
        one.sendall(rest)
        with contextlib.closing(one), one.makefile("rb") as stream:
            answer = stream.read()
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert b"\r\nconnection: close\r\n" in answer.lower()
        assert daemon.wait() == 0
        assert [event["code"] for event in daemon.events("daemon_stopped")] == [0]

    def test_a_client_that_does_not_end_is_cut_off(self, start_daemon):
        daemon = start_daemon({"api.workers": "1", "api.stop_timeout": "100ms"})
        one, _ = half_a_request(daemon)
        assert daemon.stop() == 0
        one.close()

    def test_the_second_signal_ends_it_at_once(self, start_daemon):
        daemon = start_daemon({"api.workers": "1", "api.stop_timeout": "1h"})
        one, _ = half_a_request(daemon)
        daemon._killed = True  # it ends as a killed process does
        daemon.process.send_signal(signal.SIGINT)
        until(lambda: daemon.events("daemon_stopping"), bool)
        daemon.process.send_signal(signal.SIGINT)
        assert daemon.wait() == -signal.SIGINT
        one.close()

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_everything_is_kept(self, start_daemon, number):
        daemon = start_daemon()
        service = daemon.api.service(daemon.api.namespace("kept"), "s")
        daemon.api.register(service, "i", {"a": "b"})
        daemon.process.send_signal(number)
        assert daemon.wait() == 0
        assert not (daemon.data / "admin.sock").exists()
        daemon.start()
        assert daemon.api.ok("GetInstance", ServiceId=service, InstanceId="i")["Instance"]["Attributes"] == {"a": "b"}


class TestReload:
    def test_the_level_of_the_log(self, start_daemon, tmp_path):
        file = tmp_path / "c.conf"
        file.write_text("[log]\nlevel = info\n")
        daemon = start_daemon(args=["--config", str(file)])
        send_nonsense(daemon)
        assert daemon.events("http_refused") == []
        file.write_text("[log]\nlevel = debug\n[api]\nregion = eu-west-1\n[limits]\nnamespaces = 1\n")
        daemon.process.send_signal(signal.SIGHUP)
        (event,) = until(lambda: daemon.events("daemon_reloaded"), bool)
        assert (event["log_level"], event["restart_needed_for"]) == ("debug", "api.region, limits.namespaces")
        send_nonsense(daemon)
        until(lambda: daemon.events("http_refused"), bool)
        status = admin(daemon, "/v1/status")[1]
        assert {"key": "log.level", "value": "debug", "origin": "file", "where": f"{file}:2"} in status["options"]
        assert status["region"] == "us-east-1"

    def test_a_fault_changes_nothing(self, start_daemon, tmp_path):
        file = tmp_path / "c.conf"
        file.write_text("[log]\nlevel = info\n")
        daemon = start_daemon(args=["--config", str(file)])
        file.write_text("[log]\nlevel = loud\n")
        daemon.process.send_signal(signal.SIGHUP)
        (event,) = until(lambda: daemon.events("daemon_reload_failed"), bool)
        assert f"{file}:2: log.level" in event["reason"]
        daemon.api.ok("ListNamespaces")


class Manager:
    """The service manager's end of sd_notify."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        self.socket.settimeout(WAIT_SECONDS)
        self.env = {"NOTIFY_SOCKET": str(path)}

    def hear(self, name):
        """Waits for a message with this variable; returns the whole message."""
        while True:
            message = dict(line.split("=", 1) for line in self.socket.recv(65536).decode().splitlines())
            if name in message:
                return message


@pytest.fixture
def manager(tmp_path):
    one = Manager(tmp_path / "notify")
    yield one
    one.socket.close()


class TestServiceManager:
    def test_the_life_of_a_unit(self, start_daemon, manager):
        daemon = start_daemon(env=manager.env)
        ready = manager.hear("READY")
        assert ready["STATUS"] == f"API on 127.0.0.1:{daemon.port}, DNS on {daemon.ready['dns']}: 0 namespaces, 0 services, 0 instances"
        daemon.process.send_signal(signal.SIGHUP)
        assert int(manager.hear("RELOADING")["MONOTONIC_USEC"]) <= time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        assert manager.hear("READY")["READY"] == "1"
        daemon.process.send_signal(signal.SIGTERM)
        assert manager.hear("STOPPING")["STOPPING"] == "1"
        assert daemon.wait() == 0

    def test_the_watchdog_and_the_figures(self, start_daemon, manager):
        daemon = start_daemon(env=manager.env | {"WATCHDOG_USEC": "100000"})
        service = daemon.api.service(daemon.api.namespace("n"), "s")
        daemon.api.register(service, "i")
        until(lambda: manager.hear("WATCHDOG")["STATUS"], lambda text: text.endswith("1 namespaces, 1 services, 1 instances"))

    def test_nobody_listens(self, start_daemon, tmp_path):
        daemon = start_daemon(env={"NOTIFY_SOCKET": str(tmp_path / "none")})
        daemon.api.ok("ListNamespaces")


class TestRefusals:
    def test_the_address_is_in_use(self, start_daemon, tmp_path):
        daemon = start_daemon()
        done = cloudmapd("--data", tmp_path / "other", "--api", f"127.0.0.1:{daemon.port}")
        assert done.returncode == 69
        event = json.loads(done.stderr.splitlines()[-1])
        assert (event["event"], event["level"], event["code"]) == ("daemon_refused", "error", 69)
        assert f"127.0.0.1:{daemon.port}" in event["reason"]
        daemon.api.ok("ListNamespaces")

    def test_the_store_is_in_use(self, start_daemon):
        daemon = start_daemon()
        done = cloudmapd("--data", daemon.data, "--api", "127.0.0.1:0")
        assert done.returncode == 75
        assert str(daemon.pid) in json.loads(done.stderr.splitlines()[-1])["reason"]
        assert stat.S_ISSOCK((daemon.data / "admin.sock").stat().st_mode), "the first daemon's socket is untouched"
        assert admin(daemon, "/v1/status")[0] == 200

    def test_the_store_cannot_be_made(self, tmp_path):
        (tmp_path / "file").write_text("")
        assert cloudmapd("--data", tmp_path / "file" / "d", "--api", "127.0.0.1:0").returncode == 73


class TestAdmin:
    def test_status(self, start_daemon):
        daemon = start_daemon({"operations.keep": "5d"})
        service = daemon.api.service(daemon.api.namespace("n"), "s")
        daemon.api.register(service, "i")
        code, status = admin(daemon, "/v1/status")
        assert (code, status["pid"], status["state"], status["queue_depth"]) == (200, daemon.pid, "ready", 0)
        assert status["api"] == [f"127.0.0.1:{daemon.port}"]
        assert status["store"]["path"] == str(daemon.data)
        assert status["store"]["commits"] >= 3 and status["store"]["records"] >= 3 and not status["store"]["lost"]
        assert status["store"]["revision"] > 0
        assert (status["counts"]["namespaces"], status["counts"]["services"], status["counts"]["instances"]) == (1, 1, 1)
        assert status["counts"]["operations"] == 2
        assert {"key": "operations.keep", "value": "5d", "origin": "flag", "where": "--set"} in status["options"]
        assert 0 <= status["time"] - status["started"] < WAIT_SECONDS

    def test_what_is_not_there(self, daemon):
        assert admin(daemon, "/v1/nothing")[0] == 404
        assert admin(daemon, "/v1/status", "POST")[0] == 405

    def test_only_the_owner_may(self, daemon):
        assert stat.S_IMODE((daemon.data / "admin.sock").stat().st_mode) == 0o600
        assert stat.S_IMODE(daemon.data.stat().st_mode) == 0o700

    def test_a_long_path(self, start_daemon, tmp_path):
        folder = tmp_path / ("d" * 150)
        daemon = start_daemon(data=folder)
        descriptor = os.open(folder, os.O_PATH)
        daemon_by_fd = type("", (), {"data": type(folder)(f"/proc/self/fd/{descriptor}")})
        assert admin(daemon_by_fd, "/v1/status")[1]["store"]["path"] == str(folder)
        os.close(descriptor)
        assert daemon.stop() == 0
        assert not (folder / "admin.sock").exists()

    def test_a_socket_left_by_a_crash(self, start_daemon):
        daemon = start_daemon()
        daemon.restart(crash=True)
        assert admin(daemon, "/v1/status")[1]["pid"] == daemon.pid


class TestMonitoring:
    def test_health(self, api):
        for path in ("/healthz", "/readyz"):
            assert api.http("GET", path).status == 200

    def test_metrics(self, start_daemon):
        daemon = start_daemon()
        daemon.api.ok("ListNamespaces")
        answer = daemon.api.http("GET", "/metrics")
        assert answer.status == 200 and answer.headers["Content-Type"].startswith("text/plain")
        names = set(re.findall(r"^([a-z_:]+)[{ ]", answer.body.decode(), re.M))
        assert {"cloudmap_build_info", "process_resident_memory_bytes", "process_open_fds"} <= names


class TestLog:
    def test_json_lines(self, start_daemon):
        daemon = start_daemon()
        names = [json.loads(line)["event"] for line in daemon.stderr_lines]
        assert [name for name in names if not name.startswith("sandbox_")] == ["daemon_started", "store_opened", "daemon_ready"]

    def test_text_when_asked_for(self, start_daemon, tmp_path):
        log = cloudmapd("--data", tmp_path / "d", "--api", f"127.0.0.1:{start_daemon().port}", "--set", "log.format=text")
        assert re.match(r"\d{4}-\d\d-\d\dT[\d:.]+Z INFO started version=\d", log.stderr)
        assert "\n" in log.stderr and " ERROR cannot start reason=" in log.stderr


class Terminal:
    """A daemon on a pseudo terminal, read until it has said what is waited for."""

    def __init__(self, *words):
        self.ours, theirs = pty.openpty()
        self.process = subprocess.Popen([binary(), *map(str, words)], stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs,
                                        env=environment(), start_new_session=True)
        os.close(theirs)
        self.text, self.lock = "", threading.Lock()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        with contextlib.suppress(OSError):  # the other end was closed
            while data := os.read(self.ours, 65536):
                with self.lock:
                    self.text += data.decode().replace("\r\n", "\n")

    def said(self, words):
        until(lambda: self.text, lambda text: words in text)
        return self.text

    def stop(self):
        self.process.terminate()
        code = self.process.wait(WAIT_SECONDS)
        self.reader.join(WAIT_SECONDS)  # or it would read from whatever has the number next
        os.close(self.ours)
        return code


@pytest.fixture
def terminal(tmp_path):
    one = Terminal("--data", tmp_path / "d", "--api", "127.0.0.1:0")
    yield one
    assert one.stop() == 0


class TestBanner:
    def test_it_is_shown_on_a_terminal(self, terminal, tmp_path):
        text = terminal.said("Ctrl-C stops the daemon")
        assert re.search(r"^\S+Z INFO ready api=127\.0\.0\.1:\d+ ", text, re.M), "text, not JSON"
        assert re.search(r"^  API   http://cloudmap\.localhost:\d+  \(127\.0\.0\.1:\d+\)$", text, re.M)
        assert f"\n  Data  {tmp_path}/d\n" in text
        assert "Mode  open" in text
        assert "proxy" not in text.lower()

    def test_its_lines_work_as_pasted(self, terminal):
        """With the AWS CLI from apt, discovery included."""
        text = terminal.said("Ctrl-C stops the daemon")
        lines = re.findall(r"^  ((?:export|cloudmap|aws|\w+=).*)$", text, re.M)
        assert sum(line.startswith("export ") for line in lines) >= 5 and "discover-instances" in lines[-1]
        env = environment() | {name: value for name, value in client_env().items() if name.endswith(("_FILE", "_DISABLED"))}
        env = {name: value for name, value in env.items() if "proxy" not in name.lower()} | {"PATH": "/usr/bin:/bin"}
        done = subprocess.run(["bash", "-e"], input="\n".join(lines), env=env, capture_output=True, text=True, timeout=120,
                              check=False)
        assert done.returncode == 0, done
        (found,) = json.loads("{" + done.stdout.rsplit("\n{", 1)[1])["Instances"]
        assert (found["InstanceId"], found["Attributes"]["color"]) == ("web-1", "blue")

    def test_it_is_not_shown_elsewhere(self, tmp_path, start_daemon):
        done = cloudmapd("--data", tmp_path / "d", "--api", f"127.0.0.1:{start_daemon().port}")
        assert done.stdout == ""
