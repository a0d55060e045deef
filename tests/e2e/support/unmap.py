# SPDX-License-Identifier: Apache-2.0
"""cloud-unmap as a process, run once or as a loop, and the world it looks at: the double of AWS, a proxy in front of the
real cloudmapd, one service in it. The program is the file that the environment names in CLOUD_UNMAP, else
build/cloud-unmap."""

import contextlib
import http.client
import itertools
import json
import os
import re
import signal
import subprocess
import threading
from pathlib import Path

import pytest

from support import daemon, program
from support.aws_double import aws_double
from support.aws_fleet import REGION
from support.cloud_map_proxy import CloudMapProxy

LOG_KEYS = {"asctime", "levelname", "message"}
WAIT_SECONDS = 60
LABEL = re.compile(r'([a-z_]+)="((?:[^"\\]|\\.)*)"')


def unmap_binary():
    path = Path(os.environ.get("CLOUD_UNMAP", daemon.ROOT / "build" / "cloud-unmap"))
    assert path.is_file(), f"no cloud-unmap at {path}: build it, or set CLOUD_UNMAP"
    return str(path)


def foreign_python(module, version):
    """The caller's own Python when it has a module so new, which Debian's has not; else the test is left out."""
    code = f"import {module}; print({module}.__version__)"
    try:
        done = subprocess.run(["python3", "-c", code], capture_output=True, text=True, timeout=60, check=False)
    except OSError:
        done = None
    words = done.stdout.strip().split(".") if done and done.returncode == 0 else []
    if not words or tuple(int(word) for word in words[:3] if word.isdigit()) < version:
        pytest.skip(f"no python3 with {module} {'.'.join(map(str, version))} or newer here")
    return "python3"


def clean(env):
    """Nothing of the caller's environment reaches the program that AWS's SDKs would read."""
    base = program.environment()
    return {k: v for k, v in base.items() if not k.startswith(("AWS_", "XDG_"))} | env


def check_reports(text):
    assert not any(mark in text for mark in daemon.SANITIZER_MARKS), text


def log_entry(line):
    """A log line must be an object with the original's keys."""
    entry = json.loads(line)
    assert LOG_KEYS <= entry.keys() and re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", entry["asctime"]), line
    assert entry["levelname"] in ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"), line
    return entry


class Done:
    """A run that has ended."""

    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err
        check_reports(err)
        self.log = [log_entry(line) for line in err.splitlines() if line.startswith("{")]

    def told(self, event):
        return [entry for entry in self.log if entry.get("event") == event]

    def decisions(self):
        """{instance id: decision} of a plan in JSON."""
        found = {}

        def walk(value):
            if isinstance(value, dict):
                if "instance_id" in value:
                    found[value["instance_id"]] = value
                value = list(value.values())
            for one in value if isinstance(value, list) else ():
                walk(one)

        walk(json.loads(self.out))
        return found

    def __repr__(self):
        return f"<exit {self.code}\n{self.out[-3000:]}\n{self.err[-6000:]}>"


class Loop:
    """A controller that goes on until it is told to stop; its log is read as it comes."""

    def __init__(self, words, env, cwd):
        self.log, self.raw, self.code = [], [], None
        self._changed = threading.Condition()
        self.process = subprocess.Popen([unmap_binary(), *words], env=env, cwd=cwd, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for raw in self.process.stderr:
            line = raw.decode("utf-8", "replace").rstrip("\n")
            with self._changed:
                self.raw.append(line)
                if line.startswith("{"):
                    self.log.append(log_entry(line))
                self._changed.notify_all()
        with self._changed:
            self.raw.append(None)  # the end
            self._changed.notify_all()

    def told(self, event):
        with self._changed:
            return [entry for entry in self.log if entry.get("event") == event]

    def wait_for(self, event, count=1, seconds=WAIT_SECONDS):
        """Returns the last of so many of its log's entries of this event."""
        def accept():
            found = self.told(event)
            return found[count - 1] if len(found) >= count else (self.raw[-1:] == [None] and "ended")

        with self._changed:
            found = self._changed.wait_for(accept, seconds)
        assert found and found != "ended", f"no {event}: {self.raw[-20:]}"
        return found

    def send(self, number):
        self.process.send_signal(number)

    def stop(self, number=signal.SIGTERM, seconds=WAIT_SECONDS):
        """Returns the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.wait(seconds)

    def wait(self, seconds=WAIT_SECONDS):
        try:
            self.code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"did not end in {seconds} s: {self.raw[-20:]}") from None
        finally:
            self._reader.join()
            self.process.stderr.close()
        check_reports("\n".join(line for line in self.raw if line))
        return self.code

    def kill9(self):
        self.process.kill()
        return self.wait()

    # Metrics

    def port(self):
        """Where it serves its metrics, by its own word."""
        entry = self.wait_for("unmap_metrics")
        return int(entry.get("port") or re.search(r"127\.0\.0\.1:(\d+)", json.dumps(entry))[1])

    def get(self, path="/metrics"):
        connection = http.client.HTTPConnection("127.0.0.1", self.port(), timeout=30)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read().decode(), response.headers
        finally:
            connection.close()

    def metrics(self):
        return Metrics(self.get()[1])

    def wait_for_metric(self, name, least, **labels):
        """Scrapes until the value is so high; returns the metrics."""
        last = []

        def accept():
            last[:] = [self.metrics()]
            return (last[0].value(name, **labels) or 0) >= least

        wait_until(accept, lambda: f"{name}: {last}")
        return last[0]


def wait_until(accept, told=lambda: "", seconds=WAIT_SECONDS):
    """For what has no event to wait for: asks again and again."""
    pause, tries = threading.Event(), int(seconds / 0.02)
    for _ in range(tries):
        if accept():
            return
        pause.wait(0.02)
    raise AssertionError(f"not in {seconds} s: {told()}")


def wait_for_operations(world):
    """What was asked of a daemon that takes its time."""
    for one in world.api.items("ListOperations", "Operations"):
        world.api.finished(one["Id"])


class Metrics:
    """Prometheus text; a malformed line is a fault."""

    def __init__(self, text):
        self.text, self.samples, self.types = text, {}, {}
        for line in text.splitlines():
            if line.startswith("# TYPE "):
                _, _, name, kind = line.split(" ")
                self.types[name] = kind
            elif line and not line.startswith("#"):
                match = re.fullmatch(r"([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)", line)
                assert match, line
                labels = frozenset(LABEL.findall(match[2] or ""))
                assert (match[1], labels) not in self.samples, f"twice: {line}"
                self.samples[match[1], labels] = float(match[3])

    def value(self, name, **labels):
        """None when there is no such sample."""
        return self.samples.get((name, frozenset(labels.items())))

    def total(self, name, **labels):
        """The sum of all samples that have these labels."""
        return sum(value for (one, has), value in self.samples.items() if one == name and labels.items() <= set(has))

    def __repr__(self):
        return self.text


class World:
    """What one test needs: AWS, Cloud Map, a service, and the program's surroundings."""

    def __init__(self, where, amazon, proxy, base):
        self.daemon, self.api, self.amazon, self.cloud_map = where, where.api, amazon, proxy
        self.fleet, self.ec2, self.sts, self.sqs = amazon.fleet, amazon.ec2, amazon.sts, amazon.sqs
        self.base, self.state = base, base / "state"
        self._numbers, self._loops = itertools.count(1), []
        self.namespace = self.api.namespace(f"world-{os.urandom(6).hex()}")
        self.service = self.add_service()

    # The registry

    def add_service(self):
        return self.api.service(self.namespace, f"s{next(self._numbers)}")

    def register(self, machine, address=None, service=None, **attributes):
        """A machine (or an id) under one of its addresses; `address` False: no address at all."""
        instance_id = machine if isinstance(machine, str) else machine.id
        if address is not False:
            attributes = {"AWS_INSTANCE_IPV4": address or machine.private} | attributes
        self.api.ok("RegisterInstance", ServiceId=service or self.service, InstanceId=instance_id,
                    Attributes=attributes or {"AWS_INSTANCE_PORT": "1"})
        return machine

    def registered(self, service=None):
        """{id: attributes}."""
        items = self.api.items("ListInstances", "Instances", ServiceId=service or self.service, MaxResults=100)
        return {one["Id"]: one["Attributes"] for one in items}

    def live(self, count=1, service=None, **members):
        """Running machines that are registered."""
        return [self.register(self.fleet.add(**members), service=service) for _ in range(count)]

    def dead(self, count=1, service=None, **members):
        """Registered ones that were terminated since."""
        made = self.live(count, service, **members)
        self.fleet.terminate(*made)
        return made

    def gone(self, count=1, service=None, **members):
        """Registered ones that EC2 knows no more."""
        made = self.live(count, service, **members)
        self.fleet.forget(*made)
        return made

    # The program

    def env(self, key=None, **changes):
        """With the test's key; a change to None takes a variable away."""
        key = key or self.amazon.key
        base = {"AWS_ACCESS_KEY_ID": key.id, "AWS_SECRET_ACCESS_KEY": key.secret, "AWS_REGION": REGION,
                "AWS_EC2_METADATA_DISABLED": "true", "HOME": str(self.base),
                "AWS_ENDPOINT_URL_SERVICEDISCOVERY": self.cloud_map.url, **self.amazon.urls()}
        if key.token:
            base["AWS_SESSION_TOKEN"] = key.token
        return {k: str(v) for k, v in clean(base | changes).items() if v is not None}

    def words(self, *words, services=None, regions=(REGION,)):
        """The options that nearly every test gives."""
        line = [word for one in services or [self.service] for word in ("--service-id", one)]
        line += ["--service-region", REGION]
        if regions:
            line += ["--instances-region", *regions]
        return line + ["--state-dir", str(self.state), *map(str, words)]

    def command(self, *words, env=None, timeout=120):
        """Exactly these words."""
        done = subprocess.run([unmap_binary(), *map(str, words)], env=env or self.env(), cwd=self.base, text=True,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout, check=False)
        return Done(done.returncode, done.stdout, done.stderr)

    def run(self, *words, env=None, services=None, regions=(REGION,)):
        """One round."""
        done = self.command(*self.words("--single-run", *words, services=services, regions=regions), env=env)
        assert len(done.log) == len(done.err.splitlines()) or done.code == 64, done  # terminal or not
        return done

    def plan(self, *words, env=None, services=None, regions=(REGION,)):
        return self.command("plan", *self.words(*words, services=services, regions=regions), env=env)

    def loop(self, *words, env=None, services=None, regions=(REGION,), frequency="100ms"):
        """Goes on until the test stops it, or ends."""
        line = self.words("--frequency", frequency, *words, services=services, regions=regions)
        one = Loop(line, env or self.env(), self.base)
        self._loops.append(one)
        return one

    def start(self, *words, env=None):
        """A process with exactly these words, to be waited for or killed."""
        one = Loop([*map(str, words)], env or self.env(), self.base)
        self._loops.append(one)
        return one

    def journal(self):
        """The entries of the journal, in their order."""
        path = self.state / "journal.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def rounds(self, count):
        """Returns when so many more rounds of the service have begun."""
        have = len(self.cloud_map.called("ListInstances"))
        self.cloud_map.wait_for_calls(have + count, "ListInstances", seconds=WAIT_SECONDS)

    def unchanged(self, before):
        """Nothing was removed, and nothing was tried."""
        assert self.cloud_map.mutations() == []
        assert self.registered() == before

    def close(self):
        for one in self._loops:
            if one.code is None:
                one.kill9()


@contextlib.contextmanager
def worlds(base, recorder):
    """A factory of worlds: world(daemon, regions=...)."""
    made = contextlib.ExitStack()
    numbers = itertools.count(1)

    def make(where, **members):
        amazon = made.enter_context(aws_double(**members))
        proxy = CloudMapProxy(amazon.cloud, where, recorder)
        made.callback(proxy.close)
        home = base / f"world-{next(numbers)}"
        home.mkdir()
        one = World(where, amazon, proxy, home)
        made.callback(one.close)
        return one

    with made:
        yield make
