# SPDX-License-Identifier: Apache-2.0
"""https: certificates of `cloudmapctl cert`, the AWS CLI, boto3 and curl with that CA, renewal under load, what the
scanners find, and what the operator is told."""

import contextlib
import datetime
import itertools
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import tempfile
import threading
import time
import urllib.request

import boto3
import pytest
from botocore.config import Config

from support.client import until
from support.daemon import binary, is_sanitized
from support.program import cloudmapctl, cloudmapd
from support.raw_http import Wire, call
from support.sdk import REGION, Aws, client_env

NAME = "cloudmap.localhost"
METRICS = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"
DATA_SEGS_IN = 152  # in struct tcp_info
PATIENCE_SECONDS = 20
IDLE_CONNECTIONS = 500
IDLE_BYTES = 24 * 1024
IDLE_BYTES_SANITIZED = 600 * 1024  # redzones, shadow memory, what is freed and kept
DELAYED_ACK_SECONDS = 0.035  # Linux waits 40 ms at least


def certs(folder, *names):
    done = cloudmapctl("cert", *(names or (NAME, "127.0.0.1", "::1")), "--out", folder)
    assert done.returncode == 0, done.stderr
    return done.stdout


def settings(folder, **more):
    return {"tls.listen": "127.0.0.1:0", "tls.certificate": folder / f"{NAME}.pem",
            "tls.key": folder / f"{NAME}-key.pem"} | more


def port_of(daemon):
    return int(daemon.ready["tls"].rpartition(":")[2])


def context(folder):
    return ssl.create_default_context(cafile=folder / "ca.pem")


def get(daemon, path):
    """Of the plain port."""
    with urllib.request.urlopen(daemon.url + path) as answer:
        return answer.read().decode()


def metric(daemon, name):
    text = get(daemon, "/metrics")
    return {labels: float(value) for labels, value in re.findall(rf"^{name}(\S*) (\S+)$", text, re.M)}


@pytest.fixture
def folder(tmp_path):
    certs(tmp_path / "tls")
    return tmp_path / "tls"


def test_what_cert_makes(folder):
    modes = {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()}
    assert modes == {"ca.pem": 0o644, "ca-key.pem": 0o600, f"{NAME}.pem": 0o644, f"{NAME}-key.pem": 0o600}
    ca = (folder / "ca.pem").read_text()
    said = certs(folder, NAME, "other.example", "10.0.0.1")
    assert (folder / "ca.pem").read_text() == ca
    assert f"export AWS_CA_BUNDLE={folder}/ca.pem" in said
    text = subprocess.run(["openssl", "x509", "-in", folder / f"{NAME}.pem", "-noout", "-text"], check=True,
                          capture_output=True, text=True).stdout
    for name in (f"DNS:{NAME}", f"DNS:data-{NAME}", "DNS:data-other.example", "IP Address:10.0.0.1"):
        assert name in text
    assert "data-10" not in text
    subprocess.run(["openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", folder / "ca.pem",
                    folder / f"{NAME}.pem"], check=True, capture_output=True)
    assert json.loads(cloudmapctl("cert", "x.example", "--out", folder, "-o", "json").stdout) == {
        "certificate": f"{folder}/x.example.pem", "key": f"{folder}/x.example-key.pem", "ca": f"{folder}/ca.pem"}
    assert cloudmapctl("cert", "a b", "--out", folder).returncode == 64
    assert cloudmapctl("cert", "../x", "--out", folder).returncode == 64


def test_clients(folder, start_daemon, monkeypatch):
    daemon = start_daemon(settings(folder))
    url = f"https://{NAME}:{port_of(daemon)}"
    for key, value in client_env().items():
        monkeypatch.setenv(key, value)
    monkeypatch.setenv("AWS_CA_BUNDLE", str(folder / "ca.pem"))
    aws = Aws(url)
    assert aws("create-http-namespace", "--name", "secure")["OperationId"]
    boto = boto3.client("servicediscovery", endpoint_url=url, region_name=REGION,
                        config=Config(retries={"max_attempts": 0}))
    service = boto.create_service(Name="web", NamespaceId=boto.list_namespaces()["Namespaces"][0]["Id"])["Service"]
    boto.register_instance(ServiceId=service["Id"], InstanceId="i", Attributes={"a": "b"})
    found = boto.discover_instances(NamespaceName="secure", ServiceName="web")  # at data-cloudmap.localhost
    assert [one["InstanceId"] for one in found["Instances"]] == ["i"]
    curl = ["curl", "-sS", "--cacert", folder / "ca.pem", "-w", "%{http_code} %{http_version}", f"{url}/healthz"]
    done = subprocess.run(curl, capture_output=True, text=True, check=True)
    assert done.stdout.endswith("200 1.1")
    plain = subprocess.run(["curl", "-sS", url.replace("https", "http")], capture_output=True, text=True, check=True)
    assert "use https" in plain.stdout
    assert get(daemon, "/healthz") == "ok\n"
    assert metric(daemon, "cloudmap_tls_handshakes_total")['{version="1.3"}'] >= 3
    assert metric(daemon, "cloudmap_tls_handshakes_failed_total")['{reason="plain_http"}'] == 1


def connect(daemon, folder, source="127.0.0.1"):
    raw = socket.create_connection(("127.0.0.1", port_of(daemon)), PATIENCE_SECONDS, (source, 0))
    return context(folder).wrap_socket(raw, server_hostname=NAME)


def served(daemon, folder):
    """The serial number of the certificate that a new connection is shown."""
    with connect(daemon, folder) as tls:
        return tls.getpeercert()["serialNumber"]


class Load:
    """Connections that ask without end, some of them new for each request; `faults` is what went wrong."""

    def __init__(self, daemon, folder):
        self.daemon, self.folder, self.faults, self.n = daemon, folder, [], itertools.count()
        self.over = threading.Event()
        self.threads = [threading.Thread(target=self.run, args=(keeps,)) for keeps in (True, True, False)]
        for thread in self.threads:
            thread.start()

    def run(self, keeps):
        try:
            tls = connect(self.daemon, self.folder)
            while not self.over.is_set():
                tls.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
                answer = b""
                while not answer.endswith(b"ok\n"):
                    answer += (block := tls.recv(4096))
                    assert block, answer
                assert answer.startswith(b"HTTP/1.1 200 ")
                next(self.n)
                if not keeps:
                    tls.close()
                    tls = connect(self.daemon, self.folder)
            tls.close()
        except (OSError, AssertionError) as fault:
            self.faults.append(fault)

    def count(self):
        return int(repr(self.n)[6:-1])

    def end(self):
        self.over.set()
        for thread in self.threads:
            thread.join()


def test_idle_connections_are_cheap(folder, start_daemon):
    """Each has had an answer, as idle connections have."""
    daemon = start_daemon(settings(folder, **{"api.workers": "1"}))
    served(daemon, folder)
    before = daemon.resident_bytes()
    with contextlib.ExitStack() as stack:
        for _ in range(IDLE_CONNECTIONS):
            tls = stack.enter_context(connect(daemon, folder))
            tls.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            assert tls.recv(65536).startswith(b"HTTP/1.1 200 ")
        each = (daemon.resident_bytes() - before) / IDLE_CONNECTIONS
    assert each <= (IDLE_BYTES_SANITIZED if is_sanitized() else IDLE_BYTES), f"{each:.0f} bytes each"


class Busy:
    """Connections on which requests never cease: a thread each sends many at a time."""

    REQUEST, AT_ONCE = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", 100

    def __init__(self, daemon, folder, n):
        self.over = threading.Event()
        self.threads = [threading.Thread(target=self.run, args=(connect(daemon, folder),)) for _ in range(n)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *error):
        self.over.set()
        for thread in self.threads:
            thread.join()

    def run(self, tls):
        with tls:
            tls.sendall(self.REQUEST)
            size = len(tls.recv(65536))
            while not self.over.is_set():
                tls.sendall(self.REQUEST * self.AT_ONCE)
                left = size * self.AT_ONCE
                while left > 0:
                    left -= len(block := tls.recv(65536))
                    assert block


def test_busy_connections_keep_nobody_waiting(folder, start_daemon):
    daemon = start_daemon(settings(folder, **{"api.workers": "1"}))
    with Busy(daemon, folder, 8):
        for _ in range(20):
            with urllib.request.urlopen(daemon.url + "/healthz", timeout=PATIENCE_SECONDS) as answer:
                assert answer.status == 200
            served(daemon, folder)


def test_first_request_of_a_client_that_gathers(folder, start_daemon):
    """With Nagle's algorithm, which waits for an acknowledgement of the handshake's last message."""
    daemon, times = start_daemon(settings(folder)), []
    for _ in range(5):
        with connect(daemon, folder) as tls:
            assert tls.version() == "TLSv1.3"
            start = time.monotonic()
            tls.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            assert tls.recv(65536).startswith(b"HTTP/1.1 200 ")
            times.append(time.monotonic() - start)
    assert min(times) < DELAYED_ACK_SECONDS, times


def segments_received(tls):
    """Those with data, by the kernel's count."""
    return struct.unpack_from("I", tls.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256), DATA_SEGS_IN)[0]


def test_head_and_body_leave_together(folder, start_daemon):
    daemon = start_daemon(settings(folder))
    for n in range(10):
        daemon.api.namespace(f"n{n}")
    with Wire(port_of(daemon), tls=context(folder)) as wire:
        request = call("ListNamespaces")
        wire.send(request).answer()
        before = segments_received(wire.socket)
        for _ in range(20):
            assert len(wire.send(request).answer()[2]) > 2048
        assert segments_received(wire.socket) - before < 30
        assert wire.send(METRICS.replace(b"GET", b"HEAD")).answer(has_body=False)[0] == 200
        assert wire.send(METRICS).answer()[0] == 200


def test_answers_that_do_not_fit_are_sent_in_parts(folder, start_daemon):
    """Heads wait for bodies that wait for room."""
    daemon = start_daemon(settings(folder))
    with Wire(port_of(daemon), tls=context(folder), window=4096) as wire:
        wire.send(METRICS * 60)
        for _ in range(60):
            status, _, body = wire.answer()
            assert status == 200 and body.startswith(b"# ") and body.endswith(b"\n")


def test_renewal_under_load(folder, start_daemon):
    daemon = start_daemon(settings(folder))
    load, serials = Load(daemon, folder), [served(daemon, folder)]
    for round_number in range(3):
        certs(folder)
        os.kill(daemon.pid, signal.SIGHUP)
        until(lambda: len(daemon.events("daemon_reloaded")), lambda n, wanted=round_number + 1: n == wanted)
        serials.append(served(daemon, folder))
        seen = load.count()
        until(load.count, lambda n, seen=seen: n >= seen + 20)
    # Files that do not fit together change nothing.
    (folder / f"{NAME}-key.pem").write_text("nonsense")
    os.kill(daemon.pid, signal.SIGHUP)
    until(lambda: daemon.events("tls_not_loaded"), lambda events: len(events) == 1)
    assert f"{NAME}-key.pem: " in daemon.events("tls_not_loaded")[0]["reason"]
    assert served(daemon, folder) == serials[-1]
    load.end()
    assert not load.faults
    assert len(set(serials)) == 4


@pytest.mark.parametrize("changes, message", [
    ({"tls.certificate": ""}, "tls.listen is set, so tls.certificate must name a file"),
    ({"tls.certificate": "/nonexistent"}, "/nonexistent: No such file or directory"),
    ({"tls.key": ""}, "others can read or write this private key; chmod 600 it"),
    ({"tls.key": "CA"}, "the certificate is of another key"),
    ({"auth.client_ca": "/dev/null"}, "/dev/null: it is no file"),
    ({"tls.listen": ""}, "tls.certificate is set, but tls.listen is not"),
    ({"tls.listen": "0.0.0.0:0"}, "0.0.0.0:0 is not of a loopback address, and there is no access key"),
])
def test_refused_at_the_start(folder, tmp_path, changes, message):
    changes = {key: value if value != "CA" else folder / "ca-key.pem" for key, value in changes.items()}
    words = [word for key, value in settings(folder, **changes).items() for word in ("--set", f"{key}={value}")]
    done = cloudmapd("--data", tmp_path / "data", "--api", "127.0.0.1:0", "--dns", "127.0.0.1:0", *words)
    assert done.returncode == 78
    assert message in done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make files of another user")
def test_a_key_of_another_user():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        folder.chmod(0o755)
        certs(folder)
        (folder / "data").mkdir()
        os.chown(folder / "data", 65534, 65534)
        words = [word for key, value in settings(folder).items() for word in ("--set", f"{key}={value}")]
        done = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
                               shutil.copy(binary(), folder), "--data", folder / "data", "--api", "127.0.0.1:0",
                               "--dns", "127.0.0.1:0", *words], capture_output=True, text=True)
        assert done.returncode == 78 and "root's with a group that it is in, mode 0640" in done.stderr, done


def test_doctor_and_env_from_elsewhere(folder, start_daemon):
    """Over https, as from a machine that has no admin socket, with the variable that clients have."""
    daemon = start_daemon(settings(folder))
    url = f"https://{NAME}:{port_of(daemon)}"
    env = {"PATH": "/usr/bin:/bin", "AWS_CA_BUNDLE": str(folder / "ca.pem"), "AWS_ENDPOINT_URL": url}
    done = cloudmapctl("--api", url, "doctor", "-o", "json", env=env)
    found = {one["check"]: one for one in json.loads(done.stdout)}
    assert done.returncode == 0 and {one["result"] for one in found.values()} == {"ok"}, done
    assert found["data- host"]["text"] == f"https://data-{NAME}:{port_of(daemon)} is ready"
    lines = cloudmapctl("--api", url, "env", env=env | {"AWS_REGION": "eu-west-9"}).stdout
    assert f"export AWS_ENDPOINT_URL={url}\n" in lines and "SECRET" not in lines and "AWS_REGION=eu-west-9\n" in lines
    done = cloudmapctl("--api", url, "doctor", env=env | {"AWS_CA_BUNDLE": "", "AWS_ENDPOINT_URL": ""})
    assert done.returncode == 1 and "export AWS_CA_BUNDLE=" in done.stdout, done
    assert f'eval "$(cloudmapctl --api {url} env)"' in done.stdout
    done = cloudmapctl("--api", url.replace("https", "http"), "doctor", env=env)
    assert done.returncode == 1 and "https port" in done.stdout, done


def test_client_certificates(folder, start_daemon):
    assert cloudmapctl("cert", "--client", "registrar", "--out", folder).returncode == 0
    daemon = start_daemon(settings(folder, **{"auth.client_ca": folder / "ca.pem"}))
    url = f"https://{NAME}:{port_of(daemon)}/healthz"
    curl = ["curl", "-sS", "--cacert", folder / "ca.pem", "-w", "%{http_code}"]
    assert subprocess.run([*curl, url], capture_output=True, text=True, check=True).stdout.endswith("200")
    shown = [*curl, "--cert", folder / "registrar.pem", "--key", folder / "registrar-key.pem", url]
    assert subprocess.run(shown, capture_output=True, text=True, check=True).stdout.endswith("200")
    wrong = [*curl, "--cert", folder / f"{NAME}.pem", "--key", folder / f"{NAME}-key.pem", url]
    answer = subprocess.run(wrong, capture_output=True, text=True, check=True).stdout
    assert "extended key usage lacks clientAuth" in answer and answer.endswith("400")


def test_what_the_operator_sees(folder, start_daemon):
    daemon = start_daemon(settings(folder))
    (expiry,) = metric(daemon, "cloudmap_tls_certificate_expiry_timestamp_seconds").values()
    days = (expiry - datetime.datetime.now().timestamp()) / 86400
    assert 390 < days < 398
    said = cloudmapctl("--data", daemon.data, "doctor").stdout
    assert re.search(r"certificate +.*valid for 39\d days", said), said
    said = cloudmapctl("--data", daemon.data, "status").stdout
    assert re.search(rf"^TLS +127\.0\.0\.1:{port_of(daemon)} \(https\)\n +certificate valid until 20", said, re.M), said
    url = f"https://{NAME}:{port_of(daemon)}"
    for there, result in ((url, "ok"), (url + "1", "warning")):
        done = cloudmapctl("--data", daemon.data, "doctor", "-o", "json", env={"AWS_ENDPOINT_URL": there})
        found = {one["check"]: one["result"] for one in json.loads(done.stdout)}
        assert found["environment"] == result, done


def test_sslscan(folder, start_daemon):
    daemon = start_daemon(settings(folder))
    done = subprocess.run(["sslscan", "--no-colour", f"127.0.0.1:{port_of(daemon)}"], capture_output=True, text=True,
                          check=True)
    state = dict(re.findall(r"^(\S+v\d\S*)\s+(enabled|disabled)$", done.stdout, re.M))
    assert {name for name, word in state.items() if word == "enabled"} == {"TLSv1.2", "TLSv1.3"}, done.stdout
    ciphers = re.findall(r"^(?:Preferred|Accepted)\s+(\S+)\s+\d+ bits\s+(\S+)", done.stdout, re.M)
    assert ciphers
    for version, cipher in ciphers:
        assert "GCM" in cipher or "CHACHA20" in cipher, cipher
        assert version == "TLSv1.3" or cipher.startswith("ECDHE-"), cipher
    assert "not vulnerable to heartbleed" in done.stdout
    assert "Insecure" not in done.stdout
