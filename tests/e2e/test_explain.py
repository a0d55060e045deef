# SPDX-License-Identifier: Apache-2.0
"""cloudmapctl explain by the real programs: what it says is what dig gets."""

import json
import re

import pytest

from support.dns import Dns
from support.program import cloudmapctl


def records(*types, ttl=60, routing="MULTIVALUE"):
    return {"DnsConfig": {"DnsRecords": [{"Type": one, "TTL": ttl} for one in types], "RoutingPolicy": routing},
            "HealthCheckCustomConfig": {}}


def explain(daemon, *words, code=0):
    done = cloudmapctl("--data", daemon.data, "explain", *words)
    assert done.returncode == code, done
    return done.stderr if code else done.stdout


def explained(daemon, *words):
    return json.loads(explain(daemon, "-o", "json", *words))


def states(explanation):
    return {one["id"]: one["state"] for one in explanation["steps"][0]["instances"]["listed"]}


def dig(asked, name, kind):
    """(status, flags, records of all sections as sets) of dig's answer."""
    out = asked.dig("+noall", "+comments", "+answer", "+authority", "+additional", "+nocookie", name, kind)
    status = re.search(r"status: (\w+)", out)[1]
    flags = re.search(r"flags: ([a-z ]+);", out)[1].split()
    lines = [line.split() for line in out.splitlines() if line and not line.startswith(";")]
    return status, flags, {(words[0], int(words[1]), words[3], " ".join(words[4:])) for words in lines}


@pytest.fixture(scope="module")
def asked(daemon):
    return Dns(daemon)


@pytest.fixture(scope="module")
def shop(daemon):
    """Services of each kind in one zone; answers that hold everything there is, so that they can be compared."""
    api = daemon.api
    namespace = api.namespace("shop.example", "DNS_PRIVATE", Vpc="vpc-7")
    web = api.service(namespace, "web", **records("A", "AAAA"))
    for i in range(1, 5):
        api.register(web, f"i-{i}", {"AWS_INSTANCE_IPV4": f"10.0.0.{i}"})
    api.ok("UpdateInstanceCustomHealthStatus", ServiceId=web, InstanceId="i-2", Status="UNHEALTHY")
    http = api.service(namespace, "_http._tcp", **records("SRV", ttl=7))
    api.register(http, "s-1", {"AWS_INSTANCE_IPV4": "10.0.1.1", "AWS_INSTANCE_IPV6": "fd00::1", "AWS_INSTANCE_PORT": "81"})
    api.register(http, "s-2", {"AWS_INSTANCE_IPV4": "10.0.1.2", "AWS_INSTANCE_PORT": "82"})
    to = api.service(namespace, "to", **records("CNAME", routing="WEIGHTED"))
    api.register(to, "one", {"AWS_INSTANCE_CNAME": "web.shop.example"})
    api.service(namespace, "empty", **records("A"))
    many = api.service(namespace, "many", **records("A"))
    for i in range(150):
        api.register(many, f"m-{i:03}", {"AWS_INSTANCE_IPV4": f"10.1.0.{i}"})
    return namespace, web


@pytest.mark.parametrize("name, kind, outcome, holds", [
    ("web.shop.example", "A", "NOERROR", "service"),
    ("WEB.shop.example", "AAAA", "NODATA", "service"),
    ("web.shop.example", "MX", "NODATA", "service"),
    ("_http._tcp.shop.example", "SRV", "NOERROR", "service"),
    ("s-1._http._tcp.shop.example", "AAAA", "NOERROR", "instance"),
    ("s-2._http._tcp.shop.example", "AAAA", "NODATA", "instance"),
    ("_tcp.shop.example", "A", "NODATA", "names below"),
    ("to.shop.example", "A", "NOERROR", "service"),
    ("to.shop.example", "SRV", "NODATA", "service"),
    ("to.shop.example", "CNAME", "NOERROR", "service"),
    ("empty.shop.example", "A", "NXDOMAIN", "service without instances"),
    ("none.shop.example", "A", "NXDOMAIN", "nothing"),
    ("shop.example", "SOA", "NOERROR", "zone"),
    ("shop.example", "NS", "NOERROR", "zone"),
    ("shop.example", "A", "NODATA", "zone"),
    ("www.example.net", "A", "REFUSED", "no namespace here"),
])
def test_as_dig(daemon, asked, shop, name, kind, outcome, holds):
    said = explained(daemon, name, kind)
    status, flags, wanted = dig(asked, name, kind)
    assert (said["outcome"], said["rcode"], said["steps"][0]["holds"]) == (outcome, status, holds)
    assert said["authoritative"] == ("aa" in flags)
    assert {(one["name"], one["ttl"], one["type"], one["data"]) for one in said["records"]} == wanted


def test_instances(daemon, shop):
    _, web = shop
    assert states(explained(daemon, "web.shop.example")) == {"i-1": "answered", "i-2": "unhealthy", "i-3": "answered",
                                                             "i-4": "answered"}
    assert set(states(explained(daemon, "web.shop.example", "aaaa")).values()) == {"other-type"}
    for i in (1, 3, 4):
        daemon.api.ok("UpdateInstanceCustomHealthStatus", ServiceId=web, InstanceId=f"i-{i}", Status="UNHEALTHY")
    assert set(states(explained(daemon, "web.shop.example")).values()) == {"fail-open"}
    for i in (1, 3, 4):
        daemon.api.ok("UpdateInstanceCustomHealthStatus", ServiceId=web, InstanceId=f"i-{i}", Status="HEALTHY")
    said = explained(daemon, "many.shop.example")
    drawn = [one["record"] for one in said["steps"][0]["instances"]["listed"] if one["state"] == "answered"]
    assert set(drawn) <= {one["data"] for one in said["records"]} and len(said["records"]) == 8
    assert said["steps"][0]["instances"]["unlisted"] == 50 and len(states(said)) == 100


def test_table(daemon, shop):
    namespace, web = shop
    text = explain(daemon, "web.shop.example", "A", "--from", "10.1.2.3")
    assert text.startswith("Question   web.shop.example. A, asked from 10.1.2.3\nAnswer     NOERROR, authoritative\n")
    assert f"Zone       shop.example ({namespace}, DNS_PRIVATE of vpc-7), account 000000000000, region us-east-1" in text
    assert f"Service    web ({web}), MULTIVALUE, at most 8 in an answer; A with TTL 60, AAAA with TTL 60" in text
    assert re.search(r"^ +i-1 +HEALTHY +10\.0\.0\.1 +in this answer$", text, re.M)
    assert re.search(r"^ +i-2 +UNHEALTHY +10\.0\.0\.2 +out: unhealthy$", text, re.M)
    text = explain(daemon, "empty.shop.example")
    assert "Answer     NXDOMAIN, authoritative\nWhy        the service has no instances\n" in text
    text = explain(daemon, "to.shop.example")
    assert "\nLeads to   web.shop.example.\nName is    service\n" in text
    assert "\n           and 50 more\n" in explain(daemon, "many.shop.example")


@pytest.mark.parametrize("words, text", [
    (["a..b"], "not a domain name: a..b"), (["a", "B"], "not a record type, such as A or TYPE28: B"),
    (["a", "A", "--from", "here"], "not an IP address: here"), ([], "an argument is missing"),
    (["a", "A", "c"], "unexpected argument: c")])
def test_wrong_words(daemon, words, text):
    assert text in explain(daemon, *words, code=64)


def test_no_daemon(tmp_path):
    done = cloudmapctl("--data", tmp_path, "explain", "a.example")
    assert (done.returncode, done.stdout) == (1, "") and "no daemon answers" in done.stderr
    assert cloudmapctl("--from", "::1", "status").returncode == 64


def test_resource(daemon, shop):
    """The admin socket refuses what is no question."""
    import http.client
    import socket

    class Local(http.client.HTTPConnection):
        def connect(self):
            self.sock = socket.socket(socket.AF_UNIX)
            self.sock.connect(str(daemon.data / "admin.sock"))

    def get(query):
        connection = Local("cloudmapd")
        connection.request("GET", "/v1/explain" + query)
        answer = connection.getresponse()
        body = json.loads(answer.read())
        connection.close()
        return answer.status, body

    assert get("?name=web%2eshop.example&type=A&from=::1")[0] == 200
    for query in ("", "?", "?name", "?type=A", "?name=a&name=b", "?name=%4", "?name=%zz", "?name=a&x=y", "?name=" + "a" * 2000,
                  "?name=a&type=B", "?name=a&from=b"):
        status, body = get(query)
        assert status == 400 and body["error"], query
