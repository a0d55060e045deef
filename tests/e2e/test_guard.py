# SPDX-License-Identifier: Apache-2.0
"""The mass-loss guard: what leaves a service all at once is held or refused, and an operator decides."""

import json
import time

import pytest

from support.dns import Dns
from support.program import cloudmapctl


def until(holds, seconds=20):
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def ctl(daemon, *words, code=0):
    done = cloudmapctl("--data", daemon.data, *words)
    assert done.returncode == code, done
    return done.stderr if code else done.stdout


def filled(daemon, n, **attributes):
    """A service of n instances in DNS."""
    api = daemon.api
    namespace = api.namespace("shop.example", "DNS_PRIVATE", Vpc="vpc-1")
    web = api.service(namespace, "web", HealthCheckCustomConfig={}, DnsConfig={
        "DnsRecords": [{"Type": "A", "TTL": 60}], "RoutingPolicy": "MULTIVALUE"})
    given = {key.replace("_", ":"): value for key, value in attributes.items()}
    for i in range(n):
        api.register(web, f"i-{i}", {"AWS_INSTANCE_IPV4": f"10.0.0.{i}"} | given)
    return web


def discovered(api, status="HEALTHY"):
    found = api.ok("DiscoverInstances", NamespaceName="shop.example", ServiceName="web", HealthStatus=status)
    return {one["InstanceId"] for one in found["Instances"]}


def listed(daemon):
    return json.loads(ctl(daemon, "guard", "list", "-o", "json"))["listed"]


def test_ten_leases_that_run_out_together_are_held(start_daemon):
    daemon = start_daemon({"dns.max_answers": "0"})
    api, web = daemon.api, filled(daemon, 10, cloudmap_lease="1s")
    assert ctl(daemon, "guard", "list") == "nothing is held\n"
    until(lambda: len(listed(daemon)) == 5)
    assert len(discovered(api)) == 5 and len(Dns(daemon).dig("+short", "web.shop.example").split()) == 5
    held = {one["instance"] for one in listed(daemon)}
    assert held == discovered(api)
    assert {(one["service"], one["namespace"], one["name"], one["cause"]) for one in listed(daemon)} == {
        (web, "shop.example", "web", "lease")}
    ready = api.http("GET", "/readyz")
    assert (ready.status, ready.body) == (200, b"ok\nthe guard holds 5 removals: see cloudmapctl guard list\n")
    assert '\ncloudmap_guard_held{cause="lease"} 5\n' in api.http("GET", "/metrics").body.decode()
    daemon.restart(crash=True)
    assert {one["instance"] for one in listed(daemon)} == held
    one, two = sorted(held)[:2]
    assert ctl(daemon, "guard", "cancel", web, one) == "1 cancelled\n"
    assert ctl(daemon, "guard", "release", "shop.example/web", two) == "1 released\n"
    assert two not in discovered(api)
    assert ctl(daemon, "guard", "release", "--all") == "3 released\n"
    assert api.http("GET", "/readyz").body == b"ok\n"
    until(lambda: [held["instance"] for held in listed(daemon)] == [one])  # cancelled, its lease began anew
    assert ctl(daemon, "guard", "release", "--all") == "1 released\n"
    assert discovered(api) == set() and len(discovered(api, "ALL")) == 10


def test_removals_that_are_held(start_daemon):
    daemon = start_daemon({"guard.api": "hold"})
    api, web = daemon.api, filled(daemon, 4)
    ids = [api.ok("DeregisterInstance", ServiceId=web, InstanceId=f"i-{i}")["OperationId"] for i in range(4)]
    assert [api.operation(one)["Status"] for one in ids] == ["SUCCESS", "SUCCESS", "PENDING", "PENDING"]
    assert discovered(api) == {"i-2", "i-3"}
    text = ctl(daemon, "guard", "list")
    assert f"(shop.example/web, {ids[2]})" in text and text.count("\n") == 3
    daemon.restart()
    assert [one["operation"] for one in listed(daemon) if one["instance"] == "i-3"] == [ids[3]]
    assert ctl(daemon, "guard", "release", web, "i-2") == "1 released\n"
    assert api.finished(ids[2])["Status"] == "SUCCESS" and discovered(api) == {"i-3"}
    api.register(web, "i-3", {"AWS_INSTANCE_IPV4": "10.0.0.9"})
    failed = api.finished(ids[3])
    assert (failed["Status"], failed["ErrorMessage"]) == (
        "FAIL", "The instance was registered again while the guard (guard.max_loss) held its removal")
    assert listed(daemon) == []


def test_removals_that_are_refused(start_daemon):
    daemon = start_daemon({"guard.api": "refuse", "guard.max_loss": "0.25", "guard.window": "1s"})
    api, web = daemon.api, filled(daemon, 4)
    api.done("DeregisterInstance", ServiceId=web, InstanceId="i-0")
    body = api.fails("DeregisterInstance", "ResourceInUse", ServiceId=web, InstanceId="i-1")
    assert body["Message"] == (
        "The service would lose 2 of 4 instances within 1s, more than guard.max_loss = 0.25 allows. Register others first, "
        "wait until the window is over, or ask the operator.")
    assert len(discovered(api)) == 3
    until(lambda: [event["instance"] for event in daemon.events("guard_refused")] == ["i-1"])
    until(lambda: api.send("DeregisterInstance", {"ServiceId": web, "InstanceId": "i-1"}).status == 200)


def test_drains_that_are_refused(start_daemon):
    daemon = start_daemon()
    api, web = daemon.api, filled(daemon, 4)
    ctl(daemon, "drain", web, "i-0")
    api.register(web, "i-1", {"AWS_INSTANCE_IPV4": "10.0.0.1", "cloudmap:draining": "x"})
    refusal = ctl(daemon, "drain", web, "i-2", code=3)
    assert "more than guard.max_loss = 0.5 allows" in refusal and "With --force" in refusal
    api.fails("RegisterInstance", "ResourceInUse", ServiceId=web, InstanceId="i-2",
              Attributes={"AWS_INSTANCE_IPV4": "10.0.0.2", "cloudmap:draining": "x"})
    assert discovered(api) == {"i-2", "i-3"}
    ctl(daemon, "drain", web, "i-2", "--force")
    assert discovered(api) == {"i-3"}


@pytest.mark.parametrize("words, text", [
    (["guard"], "an argument is missing: list|release|cancel [SERVICE [INSTANCE]]"),
    (["guard", "open"], "guard takes list, release or cancel, not: open"),
    (["guard", "list", "x"], "guard list takes no argument"),
    (["guard", "cancel"], "guard cancel takes SERVICE [INSTANCE], or --all"),
    (["guard", "release", "x", "--all"], "guard release takes SERVICE [INSTANCE] or --all, not both"),
])
def test_wrong_words(daemon, words, text):
    assert text in ctl(daemon, *words, code=64)


def test_nothing_of_that_name(daemon):
    assert "there is no such service" in ctl(daemon, "guard", "release", "srv-none", code=1)
    assert ctl(daemon, "guard", "release", "--all", "-o", "json") == '{"done":0,"verdicts":0}\n'
    assert ctl(daemon, "guard", "release") == "0 verdicts of health checks released\n"
