# SPDX-License-Identifier: Apache-2.0
"""Bursts of registrations and removals by one principal: an event in log, metrics and audit trail when one begins, and
when it is over."""

import json

import boto3
from botocore.config import Config

from support.client import until
from support.program import cloudmapctl
from support.sdk import REGION

ENVIRONMENT = {"CLOUDMAP_ROOT_ACCESS_KEY_ID": "AKIAROOTOFTHEAUDITS1", "CLOUDMAP_ROOT_SECRET_ACCESS_KEY": "a" * 40}


def clients(daemon, name, services):
    def ctl(*words):
        done = cloudmapctl("--data", daemon.data, "-o", "json", *words)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    ctl("user", "create", name)
    ctl("policy", "attach", "admin", "--user", name)
    key = ctl("key", "create", "--user", name)
    return [boto3.client(service, endpoint_url=daemon.url, region_name=REGION, aws_access_key_id=key["access_key_id"],
                         aws_secret_access_key=key["secret_access_key"], config=Config(retries={"max_attempts": 0}))
            for service in services]


def test_a_burst_is_told_twice(start_daemon):
    daemon = start_daemon({"auth.mode": "required", "audit.spike": "10/1s"}, env=ENVIRONMENT)
    ann, trail = clients(daemon, "ann", ["servicediscovery", "cloudtrail"])
    bob, = clients(daemon, "bob", ["servicediscovery"])
    ann.create_http_namespace(Name="shop")
    namespace, = ann.list_namespaces()["Namespaces"]
    service = ann.create_service(Name="web", NamespaceId=namespace["Id"])["Service"]["Id"]

    def burst():
        for n in range(40):
            ann.register_instance(ServiceId=service, InstanceId=f"i{n}", Attributes={"n": str(burst.n)})
        burst.n += 1
        return daemon.events("audit_spike")

    burst.n = 0
    began = until(burst, bool)[0]
    assert (began["principal"], began["what"]) == ("arn:aws:iam::000000000000:user/ann", "registrations")
    assert began["calls"] > 10 and began["seconds"] == 1
    metrics = daemon.api.http("GET", "/metrics").body.decode()
    assert 'cloudmap_audit_spikes_total{what="registrations"} 1' in metrics
    assert 'cloudmap_audit_spikes_total{what="removals"} 0' in metrics
    bob.deregister_instance(ServiceId=service, InstanceId="i0")  # of somebody else, and few
    over, = until(lambda: daemon.events("audit_spike_over"), bool)
    assert over["calls"] >= began["calls"] and over["principal"] == began["principal"]
    assert len(daemon.events("audit_spike")) == 1
    assert 'cloudmap_audit_spiking_principals{what="registrations"} 0' in daemon.api.http("GET", "/metrics").body.decode()
    found = until(lambda: trail.lookup_events(LookupAttributes=[
        {"AttributeKey": "EventName", "AttributeValue": "RegistrationSpike"}])["Events"], lambda events: len(events) == 2)
    details = [json.loads(event["CloudTrailEvent"])["serviceEventDetails"] for event in found]
    assert [one["state"] for one in details] == ["End", "Start"]
    assert details[1] == {"state": "Start", "principal": began["principal"], "calls": began["calls"], "seconds": 1}


def test_heartbeats_are_no_burst_and_off_is_off(start_daemon):
    daemon = start_daemon({"audit.spike": "20/1d"})
    api = daemon.api
    service = api.service(api.namespace("shop"), "web")

    def register(name):
        answer = api.send("RegisterInstance", {"ServiceId": service, "InstanceId": name, "CreatorRequestId": name,
                                               "Attributes": {"cloudmap:lease": "1h"}})
        assert answer.status == 200, answer

    for _ in range(30):
        register("same")
    assert not daemon.events("audit_spike")
    for n in range(20):
        register(f"i{n}")
    assert until(lambda: daemon.events("audit_spike"), bool)[0]["what"] == "registrations"
    daemon.restart({"audit.spike": "off"})
    for n in range(30):
        register(f"j{n}")
    daemon.stop()
    assert len(daemon.events("audit_spike")) == 1
