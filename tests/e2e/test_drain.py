# SPDX-License-Identifier: Apache-2.0
"""Instances that drain: out of discovery and DNS at once, still registered, with their reason shown."""

import json
import time

import pytest

from support.dns import Dns
from support.program import cloudmapctl

FILTERS = ["HEALTHY", "UNHEALTHY", "ALL", "HEALTHY_OR_ELSE_ALL"]


def addressed(n, **more):
    return {"AWS_INSTANCE_IPV4": f"10.0.0.{n}", "AWS_INSTANCE_PORT": "80"} | more


def discovered(api, status="HEALTHY"):
    found = api.ok("DiscoverInstances", NamespaceName="shop.example", ServiceName="web", HealthStatus=status)
    return {one["InstanceId"] for one in found["Instances"]}


def until(holds, seconds=20):
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def resolved(asked, name="web.shop.example", kind="A"):
    return set(asked.dig("+short", name, kind).split())


@pytest.fixture
def shop(daemon):
    """A service with two instances whose records a client sees; gone afterwards."""
    api = daemon.api
    namespace = api.namespace("shop.example", "DNS_PRIVATE", Vpc="vpc-1")
    web, srv = (api.service(namespace, name, HealthCheckCustomConfig={}, DnsConfig={
        "DnsRecords": [{"Type": kind, "TTL": 60}], "RoutingPolicy": "MULTIVALUE"})
        for name, kind in [("web", "A"), ("srv", "SRV")])
    for n in (1, 2):
        api.register(web, f"i-{n}", addressed(n))
        api.register(srv, f"i-{n}", addressed(n))
    yield web, srv
    for service in (web, srv):
        for one in api.ok("ListInstances", ServiceId=service)["Instances"]:
            api.done("DeregisterInstance", ServiceId=service, InstanceId=one["Id"])
        api.ok("DeleteService", Id=service)
    api.done("DeleteNamespace", Id=namespace)


def test_the_attribute_drains_at_once_and_its_absence_undrains(daemon, shop):
    api, asked, (web, srv) = daemon.api, Dns(daemon), shop
    revision = api.ok("DiscoverInstancesRevision", NamespaceName="shop.example", ServiceName="web")["InstancesRevision"]
    assert resolved(asked) == {"10.0.0.1", "10.0.0.2"}
    api.register(web, "i-1", addressed(1, **{"cloudmap:draining": "disk swap"}))
    assert resolved(asked) == {"10.0.0.2"}
    assert resolved(asked, "i-1.srv.shop.example") == {"10.0.0.1"}
    api.register(srv, "i-1", addressed(1, **{"cloudmap:draining": "disk swap"}))
    assert resolved(asked, "i-1.srv.shop.example") == set()
    assert asked.dig("+short", "srv.shop.example", "SRV").split() == ["1", "1", "80", "i-2.srv.shop.example."]
    assert api.ok("DiscoverInstancesRevision", NamespaceName="shop.example",
                  ServiceName="web")["InstancesRevision"] > revision
    assert [discovered(api, status) for status in FILTERS] == [{"i-2"}, set(), {"i-2"}, {"i-2"}]

    listed = {one["Id"]: one["Attributes"] for one in api.ok("ListInstances", ServiceId=web)["Instances"]}
    assert listed["i-1"]["cloudmap:draining"] == "disk swap" and list(listed) == ["i-1", "i-2"]
    assert api.ok("GetInstance", ServiceId=web, InstanceId="i-1")["Instance"]["Attributes"] == listed["i-1"]
    assert api.ok("GetInstancesHealthStatus", ServiceId=web)["Status"] == {"i-1": "UNHEALTHY", "i-2": "HEALTHY"}
    assert api.ok("GetInstancesHealthStatus", ServiceId=web, Instances=["i-1"])["Status"] == {"i-1": "UNHEALTHY"}
    page = api.ok("ListInstances", ServiceId=web, MaxResults=1)
    assert [one["Id"] for one in page["Instances"]] == ["i-1"]
    rest = api.ok("ListInstances", ServiceId=web, MaxResults=1, NextToken=page["NextToken"])
    assert [one["Id"] for one in rest["Instances"]] == ["i-2"]

    # The last one, too: discovery does not fail open with who drains.
    api.register(web, "i-2", addressed(2, **{"cloudmap:draining": "all of them"}))
    assert [discovered(api, status) for status in FILTERS] == [set()] * 4
    assert "NXDOMAIN" in asked.dig("web.shop.example", "A")
    daemon.restart()
    assert discovered(api, "ALL") == set()
    api.register(web, "i-1", addressed(1))
    assert resolved(asked) == {"10.0.0.1"} and discovered(api) == {"i-1"}


def test_explain_tells_the_reason(daemon, shop):
    daemon.api.register(shop[0], "i-1", addressed(1, **{"cloudmap:draining": "disk swap"}))
    done = cloudmapctl("--data", daemon.data, "explain", "web.shop.example", "-o", "json")
    members = json.loads(done.stdout)["steps"][0]["instances"]
    assert (members["registered"], members["draining"]) == (2, 1)
    assert [(one["id"], one["state"], one.get("reason")) for one in members["listed"]] == [
        ("i-1", "draining", "disk swap"), ("i-2", "answered", None)]
    assert "out: draining: disk swap\n" in cloudmapctl("--data", daemon.data, "explain", "web.shop.example").stdout


@pytest.mark.parametrize("value", ["", "false", "False"])
def test_values_that_say_the_opposite_are_refused(daemon, shop, value):
    daemon.api.invalid(
        "RegisterInstance", f"Invalid value [{value}] for attribute cloudmap:draining: the reason (1 to 256 printable "
        "characters; leave the attribute out to serve the instance) expected.", ServiceId=shop[0], InstanceId="i-1",
        Attributes=addressed(1, **{"cloudmap:draining": value}))


def test_unknown_words_are_refused_and_to_aws_all_are_words(daemon, shop, start_daemon):
    given = {"cloudmap:drain": "x"}
    daemon.api.invalid("RegisterInstance", "Invalid attribute: [cloudmap:drain]. [cloudmap:] prefix is reserved for "
                       "Cloudmap attributes.", ServiceId=shop[0], InstanceId="i-1", Attributes=addressed(1, **given))
    api = start_daemon({"compat": "aws"}).api
    service = api.service(api.namespace("h"), "s")
    api.register(service, "i", given | {"cloudmap:draining": "false"})
    assert len(api.ok("DiscoverInstances", NamespaceName="h", ServiceName="s")["Instances"]) == 1


class TestByTheOperator:
    """cloudmapctl drain and undrain, which keep the registration."""

    def ctl(self, daemon, *words, code=0):
        done = cloudmapctl("--data", daemon.data, *words)
        assert done.returncode == code, done
        return done.stderr if code else done.stdout

    def test_drain_and_undrain(self, daemon, shop):
        api, asked, web = daemon.api, Dns(daemon), shop[0]
        operation = api.register(web, "i-1", addressed(1))["Id"]
        assert self.ctl(daemon, "drain", web, "i-1", "--reason", "disk swap") == (
            "i-1 drains: it is out of discovery and DNS\n")
        assert resolved(asked) == {"10.0.0.2"} and discovered(api, "ALL") == {"i-2"}
        got = api.ok("GetInstance", ServiceId=web, InstanceId="i-1")["Instance"]
        assert got["Attributes"]["cloudmap:draining"] == "disk swap"
        assert api.operation(operation)["Status"] == "SUCCESS"
        daemon.restart(crash=True)
        assert resolved(asked) == {"10.0.0.2"}
        (event,) = daemon.events("instance_draining")
        assert (event["service"], event["instance"], event["why"]) == (web, "i-1", "disk swap")
        assert self.ctl(daemon, "undrain", "shop.example/web", "i-1") == "i-1 does not drain\n"
        assert resolved(asked) == {"10.0.0.1", "10.0.0.2"}
        assert "cloudmap:draining" not in api.ok("GetInstance", ServiceId=web, InstanceId="i-1")["Instance"]["Attributes"]
        self.ctl(daemon, "undrain", web, "i-1")

    def test_a_drain_ends_by_itself(self, daemon, shop):
        api, web = daemon.api, shop[0]
        arn = api.ok("GetService", Id=web)["Service"]["Arn"]
        assert json.loads(self.ctl(daemon, "drain", arn, "i-1", "--for", "300ms", "--then", "deregister", "-o",
                                   "json")) == {"service": web, "instance": "i-1"}
        self.ctl(daemon, "drain", web, "i-2", "--for", "300ms")
        assert discovered(api) == set()
        until(lambda: discovered(api) == {"i-2"})
        until(lambda: api.send("GetInstance", {"ServiceId": web, "InstanceId": "i-1"}).code == "InstanceNotFound")
        (event,) = daemon.events("instance_removed")
        assert (event["instance"], event["why"]) == ("i-1", "the drain is over")

    @pytest.mark.parametrize("words, code, text", [
        (["drain", "SERVICE"], 64, "an argument is missing: SERVICE INSTANCE"),
        (["drain", "srv-none", "i-1"], 1, "srv-none i-1: there is no such service: name it by id, by ARN, or as NAMESPACE/NAME"),
        (["undrain", "SERVICE", "none"], 1, " none: there is no such instance"),
        (["drain", "SERVICE", "i-1", "--for", "soon"], 64, "--for is a time such as 30s or 5m, not: soon"),
        (["drain", "SERVICE", "i-1", "--for", "8d"], 1, "A drain that ends by itself lasts at most 7d"),
        (["drain", "SERVICE", "i-1", "--then", "undrain"], 64, "--then needs --for: when?"),
        (["drain", "SERVICE", "i-1", "--for", "1s", "--then", "vanish"], 64,
         "--then is undrain or deregister, not: vanish"),
        (["drain", "SERVICE", "i-1", "--reason", "false"], 1,
         "The reason is 1 to 256 printable ASCII characters, and not `false`"),
        (["undrain", "SERVICE", "i-1", "--for", "1s"], 64, "--for does not fit: undrain"),
    ])
    def test_what_is_refused(self, daemon, shop, words, code, text):
        words = [shop[0] if word == "SERVICE" and len(words) > 2 else word for word in words]
        assert text in self.ctl(daemon, *words, code=code)
        assert discovered(daemon.api) == {"i-1", "i-2"}

    def test_a_name_that_two_services_have(self, start_daemon):
        daemon = start_daemon()
        for region in ("eu-west-1", "us-east-1"):
            api = daemon.api
            headers = {"Authorization": f"AWS4-HMAC-SHA256 Credential=A/20260101/{region}/servicediscovery/aws4_request"}
            made = api.send("CreateHttpNamespace", {"Name": "n"}, headers)
            targets = api.send("GetOperation", {"OperationId": made.json["OperationId"]}, headers).json
            api.send("CreateService", {"Name": "s", "NamespaceId": targets["Operation"]["Targets"]["NAMESPACE"]}, headers)
        assert "several services have that name: name the one by its id or ARN" in self.ctl(
            daemon, "drain", "n/s", "i", code=1)
