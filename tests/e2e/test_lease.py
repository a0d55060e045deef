# SPDX-License-Identifier: Apache-2.0
"""Leases of instances: what is not renewed turns unhealthy and goes."""

import time

import pytest

from support.dns import Dns
from support.program import cloudmapctl


def until(holds, seconds=20):
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def discovered(api, status="HEALTHY"):
    found = api.ok("DiscoverInstances", NamespaceName="shop.example", ServiceName="web", HealthStatus=status)
    return {one["InstanceId"] for one in found["Instances"]}


def leased(n, lease="1s", **more):
    return {"AWS_INSTANCE_IPV4": f"10.0.0.{n}", "cloudmap:lease": lease} | {f"cloudmap:{k}": v for k, v in more.items()}


@pytest.fixture
def shop(start_daemon):
    """(daemon, service): without a health check."""
    daemon = start_daemon()
    api = daemon.api
    namespace = api.namespace("shop.example", "DNS_PRIVATE", Vpc="vpc-1")
    web = api.service(namespace, "web", DnsConfig={"DnsRecords": [{"Type": "A", "TTL": 60}],
                                                   "RoutingPolicy": "MULTIVALUE"})
    return daemon, web


def commits(daemon):
    text = cloudmapctl("--data", daemon.data, "status", "-o", "json").stdout
    return int(text.split('"commits":')[1].split(",")[0])


def test_a_lease_that_is_not_renewed(shop):
    daemon, web = shop
    api, asked = daemon.api, Dns(daemon)
    api.register(web, "dies", leased(1, **{"lease-remove": "1s"}))
    api.register(web, "lives", {"AWS_INSTANCE_IPV4": "10.0.0.2"})
    revision = api.ok("DiscoverInstancesRevision", NamespaceName="shop.example", ServiceName="web")
    assert set(asked.dig("+short", "web.shop.example").split()) == {"10.0.0.1", "10.0.0.2"}
    until(lambda: discovered(api) == {"lives"})
    assert asked.dig("+short", "web.shop.example").split() == ["10.0.0.2"]
    assert discovered(api, "ALL") == {"dies", "lives"} and discovered(api, "UNHEALTHY") == {"dies"}
    assert api.ok("GetInstancesHealthStatus", ServiceId=web)["Status"] == {"dies": "UNHEALTHY", "lives": "UNKNOWN"}
    assert api.ok("DiscoverInstancesRevision", NamespaceName="shop.example", ServiceName="web") == revision
    assert "out: its lease ran out" in cloudmapctl("--data", daemon.data, "explain", "web.shop.example").stdout
    until(lambda: discovered(api, "ALL") == {"lives"})
    assert [event["event"] for event in daemon.events() if event.get("instance") == "dies"] == [
        "lease_expired", "instance_removed"]
    assert "\ncloudmap_leases_expired_total 1\n" in api.http("GET", "/metrics").body.decode()


def test_renewals_keep_it_and_write_nothing(shop):
    daemon, web = shop
    api = daemon.api
    operation = api.ok("RegisterInstance", ServiceId=web, InstanceId="i", Attributes=leased(1))["OperationId"]
    before = commits(daemon), api.ok("DiscoverInstancesRevision", NamespaceName="shop.example", ServiceName="web")
    end = time.monotonic() + 2.5
    while time.monotonic() < end:
        assert api.ok("RegisterInstance", ServiceId=web, InstanceId="i", Attributes=leased(1))["OperationId"] == operation
        done = cloudmapctl("--data", daemon.data, "renew", "shop.example/web", "i")
        assert (done.returncode, done.stdout) == (0, "i is renewed\n")
        time.sleep(0.2)
    assert discovered(api) == {"i"}
    assert before == (commits(daemon),
                      api.ok("DiscoverInstancesRevision", NamespaceName="shop.example", ServiceName="web"))
    until(lambda: discovered(api, "UNHEALTHY") == {"i"})
    assert api.ok("RegisterInstance", ServiceId=web, InstanceId="i", Attributes=leased(1))["OperationId"] == operation
    assert api.ok("GetInstancesHealthStatus", ServiceId=web)["Status"] == {"i": "UNKNOWN"}


def test_custom_health_renews_and_its_status_comes_back(daemon, boto):
    web = daemon.api.service(daemon.api.namespace("h"), "s", HealthCheckCustomConfig={})
    given = {"ServiceId": web, "InstanceId": "i"}
    boto.register_instance(**given, Attributes={"cloudmap:lease": "1s"})
    end = time.monotonic() + 1.5
    while time.monotonic() < end:
        boto.update_instance_custom_health_status(**given, Status="HEALTHY")
        time.sleep(0.2)
    assert boto.get_instances_health_status(ServiceId=web)["Status"] == {"i": "HEALTHY"}
    until(lambda: boto.get_instances_health_status(ServiceId=web)["Status"] == {"i": "UNHEALTHY"})
    boto.register_instance(**given, Attributes={"cloudmap:lease": "1s"})
    assert boto.get_instances_health_status(ServiceId=web)["Status"] == {"i": "HEALTHY"}


@pytest.mark.parametrize("attributes, text", [
    ({"cloudmap:lease": "30"}, "Invalid value [30] for attribute cloudmap:lease: a time from 1s to 7d, such as 30s, "
     "expected."),
    ({"cloudmap:lease-remove": "1m"}, "Invalid value [1m] for attribute cloudmap:lease-remove: a time up to 365d, such as "
     "10m, and cloudmap:lease beside it expected."),
])
def test_what_is_no_lease(daemon, attributes, text):
    api = daemon.api
    service = api.service(api.namespace(f"h{len(text)}"), "s")
    api.invalid("RegisterInstance", text, ServiceId=service, InstanceId="i", Attributes=attributes)
    api.register(service, "i", {})
    done = cloudmapctl("--data", daemon.data, "renew", service, "i")
    assert (done.returncode, done.stderr) == (
        1, f"cloudmapctl: {service} i: The instance has no lease: cloudmap:lease is not among its attributes\n")
