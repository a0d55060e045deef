# SPDX-License-Identifier: Apache-2.0
"""Health checks against real servers on loopback: each rule of Route 53's, who is served by it, and what is shown."""

import http.client
import itertools
import json
import re
import threading
import time

import pytest

from support.client import Api, until
from support.daemon import daemons
from support.dns import Dns
from support.program import cloudmapctl, cloudmapd
from support.targets import nginx, targets
from support.tls_front import certificate

FAST = {"health.allow": "127.0.0.0/8", "health.interval": "2s"}
RECORDS = {"DnsRecords": [{"Type": "A", "TTL": 1}]}
STATUSES = (200, 302, 399, 400, 500)


@pytest.fixture(scope="module")
def daemon(tmp_path_factory, recorder):
    with daemons(tmp_path_factory.mktemp("daemon"), recorder) as start:
        yield start(FAST)


@pytest.fixture
def make():
    with targets() as factory:
        yield factory


@pytest.fixture(scope="module")
def web(tmp_path_factory):
    home = tmp_path_factory.mktemp("nginx")
    with nginx(home, certificate(home, "DNS:shop.example"), STATUSES) as ports:
        yield ports


def checked(api, name, kind="HTTP", tags=None, threshold=None, path=None, **members):
    """A service with a health check in an HTTP namespace of the same name."""
    config = {"Type": kind} | ({"ResourcePath": path} if path else {})
    config |= {"FailureThreshold": threshold} if threshold else {}
    return api.service(api.namespace(name), name, HealthCheckConfig=config,
                       Tags=[{"Key": key, "Value": value} for key, value in (tags or {}).items()], **members)


def statuses(api, service):
    return api.ok("GetInstancesHealthStatus", ServiceId=service)["Status"]


def becomes(api, service, wanted, seconds=15):
    until(lambda: statuses(api, service), lambda seen: seen == wanted, seconds)


def shown(daemon, service):
    """What cloudmapctl health tells, as {instance: entry}."""
    done = cloudmapctl("health", service, "--data", daemon.data, "-o", "json")
    assert done.returncode == 0, done
    return {one["id"]: one for one in json.loads(done.stdout)["instances"]}


class TestRules:
    def test_statuses_of_a_real_server(self, api, fresh, web):
        wanted = {}
        for status in STATUSES:
            service = checked(api, fresh(), path=str(status))  # a slash is put in front
            api.register(service, "i", {"AWS_INSTANCE_IPV4": "127.0.0.1", "AWS_INSTANCE_PORT": str(web[0])})
            wanted[service] = {"i": "HEALTHY" if status < 400 else "UNHEALTHY"}
        for service, status in wanted.items():
            becomes(api, service, status)

    def test_the_first_probe_comes_at_once(self, api, fresh, make):
        target = make()
        service = checked(api, fresh(), tags={"cloudmap:health-interval": "300s"})
        start = time.monotonic()
        api.register(service, "i", target.attributes)
        becomes(api, service, {"i": "HEALTHY"})
        assert time.monotonic() - start < 1

    def test_what_the_server_is_asked(self, api, fresh, make):
        target, name = make(), fresh()
        service = api.service(api.namespace(f"{name}.example", "DNS_PUBLIC"), "shop", DnsConfig=RECORDS,
                              HealthCheckConfig={"Type": "HTTP", "ResourcePath": "ready?now=1"})
        api.register(service, "i", target.attributes)
        becomes(api, service, {"i": "HEALTHY"})
        line, *fields = target.requests[0].split("\r\n")
        assert line == "GET /ready?now=1 HTTP/1.1"
        assert f"Host: shop.{name}.example:{target.port}" in fields
        assert not [one for one in fields if one.lower().startswith(("cookie", "authorization"))]

    def test_ipv4_decides_when_there_are_both(self, api, fresh, make):
        target = make()
        service = checked(api, fresh())
        api.register(service, "i", target.attributes | {"AWS_INSTANCE_IPV6": "2001:db8::1"})
        becomes(api, service, {"i": "HEALTHY"})

    def test_tcp(self, api, fresh, make):
        service = checked(api, fresh(), "TCP")
        api.register(service, "takes", make(None).attributes)  # it accepts, and that is all
        api.register(service, "refuses", make("closed").attributes)
        becomes(api, service, {"takes": "HEALTHY", "refuses": "UNHEALTHY"})

    def test_a_silent_server_is_given_up(self, api, fresh, make):
        target = make(None)
        service = checked(api, fresh())
        api.register(service, "i", target.attributes)
        becomes(api, service, {"i": "UNHEALTHY"})

    def test_thresholds_both_ways(self, api, fresh, make):
        target = make()
        service = checked(api, fresh(), threshold=2)
        api.register(service, "i", target.attributes)
        becomes(api, service, {"i": "HEALTHY"})
        assert len(target.requests) == 2
        for mood, status in ((b"500 Down", "UNHEALTHY"), (b"200 OK", "HEALTHY")):
            before = len(target.requests)
            target.mood = mood
            becomes(api, service, {"i": status})
            assert 2 <= len(target.requests) - before <= 3  # one may have been on its way

    def test_registering_again_starts_over(self, api, fresh, make):
        target = make()
        service = checked(api, fresh(), tags={"cloudmap:health-interval": "300s"})
        api.register(service, "i", target.attributes)
        becomes(api, service, {"i": "HEALTHY"})
        target.mood = b"500 Down"
        api.register(service, "i", target.attributes | {"v": "2"})
        becomes(api, service, {"i": "UNHEALTHY"})

    def test_an_update_of_the_check_reaches_what_is_registered(self, api, fresh, web):
        service = checked(api, fresh(), path="/500")
        api.register(service, "i", {"AWS_INSTANCE_IPV4": "127.0.0.1", "AWS_INSTANCE_PORT": str(web[0])})
        becomes(api, service, {"i": "UNHEALTHY"})
        api.done("UpdateService", Id=service, Service={"HealthCheckConfig": {"Type": "HTTP", "ResourcePath": "/200"}})
        becomes(api, service, {"i": "HEALTHY"})
        api.done("UpdateService", Id=service, Service={})  # without a check nothing is known
        assert statuses(api, service) == {"i": "UNKNOWN"}


class TestTls:
    def test_no_certificate_is_too_bad(self, api, fresh, web):
        service = checked(api, fresh(), "HTTPS")
        api.register(service, "i", {"AWS_INSTANCE_IPV4": "127.0.0.1", "AWS_INSTANCE_PORT": str(web[1])})
        becomes(api, service, {"i": "HEALTHY"})

    def test_no_tls_at_all(self, api, fresh, make):
        service = checked(api, fresh(), "HTTPS")
        api.register(service, "i", make().attributes)
        becomes(api, service, {"i": "UNHEALTHY"})

    def test_verified_certificates(self, start_daemon, fresh, tmp_path, web):
        mine = certificate(tmp_path, "DNS:shop.example")
        authorities = tmp_path / "authorities"
        authorities.mkdir()
        (authorities / "shop.pem").write_text(mine.with_suffix(".crt").read_text())
        daemon = start_daemon(FAST | {"health.verify_tls": "true", "health.tls_authorities": str(authorities)})
        with targets() as make:
            place = make(certificate=mine).attributes
            verified = checked(daemon.api, fresh(), "HTTPS")
            named = {"cloudmap:health-expect-tls-ca": "shop", "cloudmap:health-expect-tls-name": "shop.example"}
            right = checked(daemon.api, fresh(), "HTTPS", named)
            wrong = checked(daemon.api, fresh(), "HTTPS", named | {"cloudmap:health-expect-tls-name": "bank.example"})
            for service in (verified, right, wrong):
                daemon.api.register(service, "i", place)
            becomes(daemon.api, right, {"i": "HEALTHY"})
            becomes(daemon.api, wrong, {"i": "UNHEALTHY"})
            becomes(daemon.api, verified, {"i": "UNHEALTHY"})  # self-signed
            daemon.api.register(right, "stranger", {"AWS_INSTANCE_IPV4": "127.0.0.1", "AWS_INSTANCE_PORT": str(web[1])})
            becomes(daemon.api, right, {"i": "HEALTHY", "stranger": "UNHEALTHY"})  # the name, of another authority


class TestUnready:
    """The first story: a new instance is not ready yet, and AWS sends it its traffic all the same."""

    def place(self, api, fresh, tags):
        name = f"{fresh()}.example"
        service = api.service(api.namespace(name, "DNS_PUBLIC"), "shop", DnsConfig=RECORDS,
                              HealthCheckConfig={"Type": "HTTP", "FailureThreshold": 2},
                              Tags=[{"Key": key, "Value": value} for key, value in tags.items()])
        return name, service

    def test_unknown_is_served_as_healthy(self, daemon, api, fresh, make):
        name, service = self.place(api, fresh, {})
        api.register(service, "ready", make(host="127.0.0.2").attributes)
        becomes(api, service, {"ready": "HEALTHY"})
        api.register(service, "starting", make(b"503 Starting", host="127.0.0.3").attributes)
        assert statuses(api, service)["starting"] == "UNKNOWN"
        assert set(api.discover(name, "shop")) == {"ready", "starting"}  # the trap
        assert Dns(daemon).answers(f"shop.{name}") == ["127.0.0.2", "127.0.0.3"]

    def test_the_tag_keeps_it_out_until_it_answers(self, daemon, api, fresh, make):
        name, service = self.place(api, fresh, {"cloudmap:unknown-is": "unhealthy"})
        api.register(service, "ready", make(host="127.0.0.2").attributes)
        becomes(api, service, {"ready": "HEALTHY"})
        starting = make(b"503 Starting", host="127.0.0.3")
        api.register(service, "starting", starting.attributes)
        assert statuses(api, service)["starting"] == "UNKNOWN"
        assert set(api.discover(name, "shop")) == {"ready"}
        assert set(api.discover(name, "shop", HealthStatus="HEALTHY_OR_ELSE_ALL")) == {"ready"}
        assert set(api.discover(name, "shop", HealthStatus="ALL")) == {"ready", "starting"}
        assert Dns(daemon).answers(f"shop.{name}") == ["127.0.0.2"]
        starting.mood = b"200 OK"
        becomes(api, service, {"ready": "HEALTHY", "starting": "HEALTHY"})
        assert Dns(daemon).answers(f"shop.{name}") == ["127.0.0.2", "127.0.0.3"]
        assert set(api.discover(name, "shop")) == {"ready", "starting"}

    def test_the_option_and_changes_of_the_tag(self, start_daemon, fresh, make):
        daemon = start_daemon(FAST | {"health.unknown_is": "unhealthy"})
        name = fresh()
        service = checked(daemon.api, name, threshold=10)
        arn = daemon.api.ok("GetService", Id=service)["Service"]["Arn"]
        daemon.api.register(service, "i", make().attributes)
        assert daemon.api.discover(name, name) == {}
        daemon.api.ok("TagResource", ResourceARN=arn, Tags=[{"Key": "cloudmap:unknown-is", "Value": "healthy"}])
        assert set(daemon.api.discover(name, name)) == {"i"}
        daemon.api.ok("UntagResource", ResourceARN=arn, TagKeys=["cloudmap:unknown-is"])
        assert daemon.api.discover(name, name) == {}


class TestRecycledAddress:
    """The second story: an instance dies, its address is given to a stranger, and the stranger's server answers."""

    @pytest.mark.parametrize("tag,good,stranger", [
        ("cloudmap:health-expect-header", b"200 OK\nX-Service: shop v7\n", b"200 OK\nX-Service: bank\n"),
        ("cloudmap:health-expect-body", b"200 OK\n\nhere is the shop", b"200 OK\n\nhere is the bank"),
    ])
    def test_who_answers_otherwise_is_kept_out(self, api, fresh, make, tag, good, stranger):
        name = fresh()
        blind = checked(api, fresh())
        seeing = checked(api, name, tags={tag: "X-Service: shop" if tag.endswith("header") else "the shop"})
        target = make(good)
        for service in (blind, seeing):
            api.register(service, "i", target.attributes)
            becomes(api, service, {"i": "HEALTHY"})
        target.mood = stranger
        becomes(api, seeing, {"i": "UNHEALTHY"})
        assert api.discover(name, name) == {}
        assert statuses(api, blind) == {"i": "HEALTHY"}  # the trap: an answer is an answer

    def test_cloud_unmap_removes_it(self, make_world, start_daemon):
        daemon = start_daemon(FAST)
        world = make_world(daemon)
        with targets() as make:
            target = make(b"200 OK\n\nI am the shop")
            config = {"HealthCheckConfig": {"Type": "HTTP"},
                      "Tags": [{"Key": "cloudmap:health-expect-body", "Value": "I am the shop"}]}
            service = world.service = daemon.api.service(world.namespace, "shop", **config)
            for machine in world.live(3, service=world.add_service()):
                world.register(machine, AWS_INSTANCE_PORT="80")
            dead = world.dead(service=world.add_service())[0]
            daemon.api.register(service, dead.id, target.attributes)
            until(lambda: statuses(daemon.api, service)[dead.id], lambda seen: seen == "HEALTHY", 15)
            target.mood = b"200 OK\n\nI am the bank"
            until(lambda: statuses(daemon.api, service)[dead.id], lambda seen: seen == "UNHEALTHY", 15)
            assert world.run().code == 0
            assert dead.id not in world.registered() and len(world.registered()) == 3


class TestTags:
    @pytest.mark.parametrize("key,value", [
        ("cloudmap:health-interval", "1s"), ("cloudmap:health-interval", "soon"), ("cloudmap:unknown-is", "maybe"),
        ("cloudmap:health-expect-header", "no header: "), ("cloudmap:health-expect-tls-name", "shop.example"),
        ("cloudmap:health-retries", "3"),
    ])
    def test_a_bad_one_is_refused_by_name(self, api, fresh, key, value):
        name = fresh()
        namespace = api.namespace(name)
        tags = [{"Key": key, "Value": value}]
        made = api.invalid("CreateService", NamespaceId=namespace, Name="s", Tags=tags,
                           HealthCheckConfig={"Type": "HTTP"})
        assert key in made["Message"]
        service = api.service(namespace, "s", HealthCheckConfig={"Type": "HTTP"})
        arn = api.ok("GetService", Id=service)["Service"]["Arn"]
        assert key in api.invalid("TagResource", ResourceARN=arn, Tags=tags)["Message"]
        assert api.ok("ListTagsForResource", ResourceARN=arn)["Tags"] == []


class TestDoubt:
    def crowd(self, daemon, fresh, make, n, settings=None):
        api = daemon.api
        service = checked(api, fresh(), "TCP", settings)
        crowd = {f"i{k:02}": make(None, host=f"127.0.1.{k + 1}") for k in range(n)}
        for one, target in crowd.items():
            api.register(service, one, target.attributes)
        becomes(api, service, {one: "HEALTHY" for one in crowd})
        return service, crowd

    def test_most_cut_off_at_once_are_held(self, start_daemon, fresh, make):
        daemon = start_daemon(FAST)
        service, crowd = self.crowd(daemon, fresh, make, 20)
        healthy = {one: "HEALTHY" for one in crowd}
        cut = list(crowd)[:12]
        for one in cut:
            crowd[one].mood = "closed"
        until(lambda: daemon.events("health_doubt"), bool, 15)
        becomes(daemon.api, service, healthy)
        until(lambda: sum(one["held"] for one in shown(daemon, service).values()), lambda held: held == 12, 15)
        assert statuses(daemon.api, service) == healthy
        ready = daemon.api.http("GET", "/readyz")
        assert ready.status == 200 and b"12 verdicts are held" in ready.body
        assert b"\ncloudmap_health_held 12\n" in daemon.api.http("GET", "/metrics").body
        for one in cut:
            crowd[one].mood = None
        until(lambda: daemon.events("health_sure"), bool, 15)
        assert statuses(daemon.api, service) == healthy

    def test_a_third_flapping_harms_nobody_else(self, start_daemon, fresh, make):
        daemon = start_daemon(FAST)
        service, crowd = self.crowd(daemon, fresh, make, 15)
        flapping, steady = list(crowd)[:5], list(crowd)[5:]
        for mood, status in (("closed", "UNHEALTHY"), (None, "HEALTHY"), ("closed", "UNHEALTHY")):
            for one in flapping:
                crowd[one].mood = mood
            becomes(daemon.api, service, {one: status for one in flapping} | {one: "HEALTHY" for one in steady})
        turned = {event["instance"] for event in daemon.events("health_turned") if event["status"] == "UNHEALTHY"}
        assert turned == set(flapping) and not daemon.events("health_doubt")

    def test_an_operator_who_knows_better(self, start_daemon, fresh, make):
        daemon = start_daemon(FAST)
        service, crowd = self.crowd(daemon, fresh, make, 12)
        for target in crowd.values():
            target.mood = "closed"
        until(lambda: sum(one["held"] for one in shown(daemon, service).values()), lambda held: held == 12, 15)
        held = cloudmapctl("--data", daemon.data, "guard", "list")
        assert held.stdout == "12 verdicts of health checks: the checker doubts its network\n"
        assert cloudmapctl("--data", daemon.data, "guard", "release").stdout == "12 verdicts of health checks released\n"
        becomes(daemon.api, service, {one: "UNHEALTHY" for one in crowd})

    def test_a_reference_that_fails_and_comes_back(self, start_daemon, fresh, make):
        reference, target = make(None, host="127.0.0.9"), make(None)
        daemon = start_daemon(FAST | {"health.reference": f"127.0.0.9:{reference.port}"})
        service = checked(daemon.api, fresh(), "TCP")
        daemon.api.register(service, "i", target.attributes)
        becomes(daemon.api, service, {"i": "HEALTHY"})
        reference.mood = "closed"
        until(lambda: daemon.events("health_doubt"), bool, 15)
        target.mood = "closed"
        until(lambda: shown(daemon, service)["i"]["held"], bool, 15)
        assert statuses(daemon.api, service) == {"i": "HEALTHY"}
        reference.mood = None
        becomes(daemon.api, service, {"i": "UNHEALTHY"})

    @pytest.mark.parametrize("key, value", [
        ("health.reference", "localhost:80"), ("health.reference", "127.0.0.1:80"), ("health.tls_authorities", "/nowhere")])
    def test_a_bad_one_is_refused(self, tmp_path, key, value):
        done = cloudmapd("--data", tmp_path / "d", "--api", "127.0.0.1:0", "--dns", "127.0.0.1:0", "--set", f"{key}={value}")
        assert done.returncode == 78 and f"{key}: {value}" in done.stderr, done


def write_until_it_dies(daemon, service, number):
    api = Api(daemon)
    for k in itertools.count():
        try:
            api.send("RegisterInstance", {"ServiceId": service, "InstanceId": f"w{number}-{k}", "Attributes": {}})
        except (OSError, http.client.HTTPException):
            return


class TestRestart:
    def test_a_crash_under_load_keeps_the_verdicts(self, start_daemon, fresh, make):
        daemon = start_daemon(FAST | {"health.interval": "3s"})
        service = checked(daemon.api, fresh(), threshold=3)
        crowd = {f"i{k}": make(b"200 OK" if k % 2 else b"500 Down", host=f"127.0.2.{k + 1}") for k in range(8)}
        wanted = {one: "HEALTHY" if target.mood == b"200 OK" else "UNHEALTHY" for one, target in crowd.items()}
        for one, target in crowd.items():
            daemon.api.register(service, one, target.attributes)
        becomes(daemon.api, service, wanted)
        since = {one: entry["since_ms"] for one, entry in shown(daemon, service).items()}
        busy = daemon.api.service(daemon.api.namespace(fresh()), "busy")
        writers = [threading.Thread(target=write_until_it_dies, args=(daemon, busy, number)) for number in range(3)]
        for one in writers:
            one.start()
        until(lambda: len(daemon.api.ok("ListInstances", ServiceId=busy)["Instances"]), lambda n: n >= 20)
        daemon.kill9()
        for one in writers:
            one.join()
        daemon.restart()
        flips = len(daemon.events("health_turned"))
        assert statuses(daemon.api, service) == wanted
        until(lambda: all("probed_ms" in entry for entry in shown(daemon, service).values()), bool, 15)
        assert statuses(daemon.api, service) == wanted
        assert {one: entry["since_ms"] for one, entry in shown(daemon, service).items()} == since
        assert len(daemon.events("health_turned")) == flips


class TestSeeing:
    def test_the_table(self, daemon, api, fresh, make):
        service = checked(api, fresh(), threshold=2)
        assert "Check    HTTP: there is no instance to probe\n" in \
            cloudmapctl("health", service, "--data", daemon.data).stdout
        api.register(service, "down", make(b"500 Down").attributes)
        api.register(service, "good", make().attributes)
        becomes(api, service, {"down": "UNHEALTHY", "good": "HEALTHY"})
        done = cloudmapctl("health", service, "--data", daemon.data)
        assert done.returncode == 0, done
        rows = [line.split() for line in done.stdout.splitlines() if re.match(r"(down|good) ", line)]
        assert [row[:2] for row in rows] == [["down", "UNHEALTHY"], ["good", "HEALTHY"]]
        entry = shown(daemon, service)["down"]
        assert entry["http_status"] == 500 and entry["consecutive"] == 2 and not entry["served"]
        assert 0 <= entry["next_ms"] <= 2000 and entry["since_ms"] and not entry["held"]

    def test_why_an_instance_is_out(self, daemon, api, fresh):
        service = api.service(api.namespace(fresh()), "s", HealthCheckCustomConfig={})
        api.register(service, "drains", {"cloudmap:draining": "disk swap"})
        api.register(service, "lost", {"cloudmap:lease": "1s"})
        api.register(service, "well")
        until(lambda: shown(daemon, service)["lost"]["lease_expired"], bool)
        table = cloudmapctl("health", service, "--data", daemon.data).stdout
        assert re.search(r"^drains +UNHEALTHY .* drains: disk swap$", table, re.M), table
        assert re.search(r"^lost +UNHEALTHY .* its lease ran out$", table, re.M), table
        assert [one for one in shown(daemon, service)] == ["drains", "lost", "well"]

    def test_of_no_service(self, daemon):
        done = cloudmapctl("health", "srv-none", "--data", daemon.data)
        assert done.returncode == 1 and "srv-none" in done.stderr

    def test_metrics(self, api, fresh, make):
        service = checked(api, fresh())
        api.register(service, "i", make().attributes)
        becomes(api, service, {"i": "HEALTHY"})
        text = api.http("GET", "/metrics").body.decode()
        assert re.search(r'^cloudmap_health_probes_total\{type="http",result="ok"\} [1-9]', text, re.M)
        assert re.search(r"^cloudmap_health_probe_lag_seconds_count [1-9]", text, re.M)
        assert f'cloudmap_service_health{{region="us-east-1",service_id="{service}",status="HEALTHY"}} 1' in text

    def test_events_have_the_reason(self, daemon, api, fresh, make):
        service = checked(api, fresh())
        api.register(service, "i", make(b"500 Down").attributes)
        becomes(api, service, {"i": "UNHEALTHY"})
        found = until(lambda: [one for one in daemon.events("health_turned") if one["service"] == service], bool, 15)
        assert found[0]["status"] == "UNHEALTHY" and found[0]["http_status"] == 500 and found[0]["reason"]
