# SPDX-License-Identifier: Apache-2.0
"""The audit trail: a record for each call, a change's in its commit; LookupEvents by the AWS CLI; the file; `cloudmapctl
audit`, and what it finds when somebody was at the records."""

import json
import sqlite3
import threading

import boto3
import pytest
from botocore.exceptions import ClientError

from support.client import until
from support.program import cloudmapctl, cloudmapd
from support.sdk import REGION, Aws

ON = {"audit.calls": "on"}


def audit(daemon, *words, **more):
    return cloudmapctl("--data", daemon.data, "audit", *words, **more)


def records(daemon):
    done = audit(daemon, "list", "1000000", "-o", "json")
    assert (done.returncode, done.stderr) == (0, ""), done
    return [json.loads(line) for line in done.stdout.splitlines()]


def call(api, op, **members):
    return api.send(op, members)


def settled(daemon, n):
    """All records, once there are n."""
    return until(lambda: records(daemon), lambda seen: len(seen) >= n)


@pytest.fixture
def audited(start_daemon):
    return start_daemon(ON)


def trail(daemon, region=REGION):
    return boto3.client("cloudtrail", endpoint_url=daemon.url, region_name=region, aws_access_key_id="x",
                        aws_secret_access_key="y")


def test_a_record_says_who_what_and_how_it_ended(audited):
    api = audited.api
    namespace = api.namespace("shop")
    service = api.service(namespace, "web")
    answer = call(api, "RegisterInstance", ServiceId=service, InstanceId="i", CreatorRequestId="t", Attributes={"A": "b"})
    call(api, "DeregisterInstance", ServiceId=service, InstanceId="none")
    call(api, "GetService", Id="srv-none")
    call(api, "RegisterInstance", ServiceId=service, InstanceId="i" * 65, Attributes={})
    names = [one["eventName"] for one in settled(audited, 7)]
    assert [name for name in names if not name.startswith("GetOperation")] == [
        "CreateHttpNamespace", "CreateService", "RegisterInstance", "DeregisterInstance", "GetService", "RegisterInstance"]
    seen = [one for one in records(audited) if one["eventName"] != "GetOperation"]
    for one in seen:
        assert one["eventVersion"] == "1.11" and one["eventSource"] == "servicediscovery.amazonaws.com"
        assert one["userIdentity"]["type"] == "Root" and one["recipientAccountId"] == "000000000000"
        assert one["awsRegion"] == REGION and one["sourceIPAddress"] == "127.0.0.1"
        assert one["managementEvent"] is True and one["eventType"] == "AwsApiCall"
    made, registered, refused, read, invalid = seen[1:]
    assert made["responseElements"]["service"]["id"] == service
    assert registered["requestParameters"] == {"serviceId": service, "instanceId": "i", "creatorRequestId": "t",
                                               "attributes": {"A": "b"}}
    assert registered["responseElements"] == {"operationId": answer.json["OperationId"]}
    assert registered["readOnly"] is False and "errorCode" not in registered
    assert refused["errorCode"] == "InstanceNotFound" and refused["responseElements"] is None
    assert read["errorCode"] == "ServiceNotFound" and read["readOnly"] is True
    assert invalid["errorCode"] == "InvalidInput" and "at 'instanceId'" in invalid["errorMessage"]


def test_secrets_and_broken_text_are_not_in_it(audited):
    headers = {"Authorization": "AWS4-HMAC-SHA256 Credential=AKIDSECRET/20260101/us-east-1/servicediscovery/aws4_request, "
                                "SignedHeaders=host, Signature=beefbeef", "X-Amz-Security-Token": "tokentoken",
               "User-Agent": "x\"\\ \xff", "X-Amz-Target": "Route53AutoNaming_v20170314.ListServices",
               "Content-Type": "application/x-amz-json-1.1"}
    audited.api.http("POST", "/", b"{}", headers)
    one, = settled(audited, 1)
    text = json.dumps(one)
    assert one["eventName"] == "ListServices" and "userAgent" not in one
    assert not any(word in text for word in ("beefbeef", "tokentoken", "AWS4-HMAC"))


def test_discovery_is_recorded_when_wanted(start_daemon):
    daemon = start_daemon({**ON, "audit.discovery": "true"})
    api = daemon.api
    service = api.service(api.namespace("shop"), "web")
    call(api, "DiscoverInstances", NamespaceName="shop", ServiceName="web")
    one = settled(daemon, 4)[-1]
    assert (one["eventName"], one["eventCategory"], one["managementEvent"]) == ("DiscoverInstances", "Data", False)
    assert service.startswith("srv-")


def test_off_where_nobody_signs(start_daemon):
    daemon = start_daemon()
    daemon.api.namespace("shop")
    assert records(daemon) == []
    assert "whole: no records" in audit(daemon, "verify").stdout
    cloudmapctl("--data", daemon.data, "key", "create", "--root")
    assert [one["eventName"] for one in settled(daemon, 1)] == ["CreateAccessKey"]


def test_off_is_off(start_daemon):
    daemon = start_daemon({"audit.calls": "off"})
    assert cloudmapctl("--data", daemon.data, "key", "create", "--root").returncode == 0
    assert records(daemon) == []


def test_people_see_who_and_what(start_daemon):
    daemon = start_daemon(ON)
    assert audit(daemon, "list").stdout.startswith("no records (audit.calls = on")
    done = cloudmapctl("--data", daemon.data, "user", "create", "ann", "--account", "111111111111")
    assert done.returncode == 0, done
    call(daemon.api, "CreateHttpNamespace", Name="shop")
    cloudmapctl("--data", daemon.data, "user", "delete", "nobody")
    settled(daemon, 3)
    made, shop, refused = (line.split(None, 2) for line in audit(daemon, "list").stdout.splitlines()[1:])
    assert refused[2].endswith(" nobody  failed: NoSuchEntity")
    assert made[1:] == ["CreateUser", "cloudmapctl for 111111111111                  ann"]
    assert (shop[1], shop[2].split()[1:]) == ("CreateHttpNamespace", ["shop"])


def test_lookup_events(audited):
    api, client = audited.api, trail(audited)
    namespace = api.namespace("shop")
    for n in range(60):
        call(api, "CreateService", Name=f"s{n}", NamespaceId=namespace)
    settled(audited, 61)
    first = client.lookup_events(LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "CreateService"}])
    assert len(first["Events"]) == 50 and first["Events"][0]["EventTime"] >= first["Events"][-1]["EventTime"]
    event = first["Events"][0]
    assert event["Username"] == "root" and {"ResourceType": "AWS::ServiceDiscovery::Resource",
                                            "ResourceName": "s59"} in event["Resources"]
    assert json.loads(event["CloudTrailEvent"])["eventID"] == event["EventId"]
    pages = client.get_paginator("lookup_events").paginate(
        LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "CreateService"}])
    assert len({one["EventId"] for page in pages for one in page["Events"]}) == 60
    found = client.lookup_events(LookupAttributes=[{"AttributeKey": "EventId", "AttributeValue": event["EventId"]}])
    assert [one["EventId"] for one in found["Events"]] == [event["EventId"]]
    found = client.lookup_events(LookupAttributes=[{"AttributeKey": "ResourceName", "AttributeValue": "shop"}])
    assert [one["EventName"] for one in found["Events"]] == ["CreateHttpNamespace"]
    assert client.lookup_events(StartTime=event["EventTime"].timestamp() + 3600)["Events"] == []
    assert client.lookup_events(EndTime=1000)["Events"] == []
    everything = client.lookup_events(StartTime=1000, EndTime=event["EventTime"].timestamp() + 3600, MaxResults=7)
    assert len(everything["Events"]) == 7
    # another region sees nothing of it
    other = boto3.client("cloudtrail", endpoint_url=audited.url, region_name="eu-west-1", aws_access_key_id="x",
                         aws_secret_access_key="y")
    assert other.lookup_events()["Events"] == []


def test_access_is_of_every_region(audited):
    for account in ("000000000000", "111111111111"):
        cloudmapctl("--data", audited.data, "user", "create", "ann", "--account", account)
    audited.api.namespace("shop")
    settled(audited, 3)
    for region, names in ((REGION, ["CreateHttpNamespace", "CreateUser"]), ("eu-south-2", ["CreateUser"])):
        events = trail(audited, region).lookup_events()["Events"]
        assert [one["EventName"] for one in events if one["EventSource"] != "cloudtrail.amazonaws.com"] == names
    assert {"ResourceType": "AWS::IAM::User", "ResourceName": "ann"} in events[-1]["Resources"]


def test_tokens_of_lookup_events_tell_nothing(audited):
    client = trail(audited)
    for n in range(30):
        audited.api.namespace(f"n{n}")
    settled(audited, 30)
    first = client.lookup_events(MaxResults=10)
    again = client.lookup_events(MaxResults=10)
    assert first["NextToken"] != again["NextToken"] and len(first["NextToken"]) == len(again["NextToken"]) == 72
    audited.restart()
    client = trail(audited)  # tokens outlive the daemon
    second = client.lookup_events(MaxResults=10, NextToken=first["NextToken"])
    ids = [event["EventId"] for event in first["Events"] + second["Events"]]
    assert len(set(ids)) == 20
    other = boto3.client("cloudtrail", endpoint_url=audited.url, region_name="eu-west-1", aws_access_key_id="x",
                         aws_secret_access_key="y")
    for asker, more in ((client, {"EndTime": 2_000_000_000}), (other, {}), (client, {"NextToken": "12"}), (client, {
            "LookupAttributes": [{"AttributeKey": "EventName", "AttributeValue": "CreateHttpNamespace"}]})):
        with pytest.raises(ClientError) as caught:
            asker.lookup_events(**({"NextToken": first["NextToken"]} | more))
        assert caught.value.response["Error"]["Code"] == "InvalidNextTokenException"


@pytest.mark.parametrize("arguments, code", [
    ({"NextToken": "x"}, "InvalidNextTokenException"),
    ({"StartTime": 2000, "EndTime": 1000}, "InvalidTimeRangeException"),
    ({"LookupAttributes": [{"AttributeKey": "EventId", "AttributeValue": "a"},
                           {"AttributeKey": "EventName", "AttributeValue": "b"}]}, "InvalidLookupAttributesException")])
def test_lookup_events_refuses(daemon, arguments, code):
    with pytest.raises(ClientError) as caught:
        trail(daemon).lookup_events(**arguments)
    assert caught.value.response["Error"]["Code"] == code


def test_the_cli_looks_up(audited):
    aws = Aws(audited.url)
    aws("create-http-namespace", "--name", "shop")
    settled(audited, 1)
    assert [one["EventName"] for one in aws("lookup-events", service="cloudtrail")["Events"]] == ["CreateHttpNamespace"]


def test_verify_finds_what_was_done_to_records(audited):
    api = audited.api
    for n in range(20):
        api.namespace(f"n{n}")
    n = len(settled(audited, 20))
    done = audit(audited, "verify", "-o", "json")
    assert done.returncode == 0, done
    head = json.loads(done.stdout)["head"]
    assert json.loads(done.stdout)["records"] >= 20
    api.namespace("later")
    assert audit(audited, "verify", "--head", head).returncode == 0
    number, hash_ = head.split(":")
    done = audit(audited, "verify", "--head", f"{number}:{'0' * 64}")
    assert done.returncode == 65 and "made anew" in done.stderr
    done = audit(audited, "verify", "--head", f"{int(number) + 1000}:{hash_}")
    assert done.returncode == 65 and "its end is missing" in done.stderr
    audited.stop()
    for text, says in (("UPDATE trail SET text = replace(text, 'n7', 'n8') WHERE text LIKE '%\"n7\"%'", "was changed"),
                       ("DELETE FROM trail WHERE number = 5", "row 5 of the trail is missing"),
                       ("UPDATE trail SET text = (SELECT text FROM trail AS other WHERE other.number = 11 - trail.number) "
                        "WHERE number IN (5, 6)", "row 5 of the trail was changed"),
                       ("UPDATE trail SET number = number + 1000 WHERE number = 5", "row 5 of the trail is missing"),
                       (f"DELETE FROM trail WHERE number > {n - 3}", "as are those behind it")):
        with sqlite3.connect(audited.data / "cloudmap.db") as db:
            db.execute("BEGIN")
            kept = list(db.execute("SELECT * FROM trail"))
            db.execute(text)
        done = audit(audited, "verify")
        assert done.returncode == 65 and says in done.stderr, done
        with sqlite3.connect(audited.data / "cloudmap.db") as db:
            db.execute("DELETE FROM trail")
            db.executemany("INSERT INTO trail VALUES(?, ?, ?, ?)", kept)
        db.close()
    assert audit(audited, "verify").returncode == 0


def test_acknowledged_changes_and_records_are_one_to_one(start_daemon):
    """Over kills under load: what was acknowledged is recorded once; what is recorded without an error is there."""
    daemon = start_daemon(ON)
    service = daemon.api.service(daemon.api.namespace("shop"), "web")
    acknowledged = set()
    for round_ in range(5):
        def register(part, number=round_):
            try:
                for n in range(1000):
                    name = f"i{number}-{part}-{n}"
                    if call(daemon.api, "RegisterInstance", ServiceId=service, InstanceId=name,
                                       Attributes={}).status == 200:
                        acknowledged.add(name)
            except OSError:
                pass

        threads = [threading.Thread(target=register, args=(part,)) for part in range(4)]
        for thread in threads:
            thread.start()
        until(lambda: len(acknowledged), lambda n, wanted=40 * (round_ + 1): n >= wanted)
        daemon.kill9()
        for thread in threads:
            thread.join()
        daemon.start()
    recorded = [one["requestParameters"]["instanceId"] for one in records(daemon)
                if one["eventName"] == "RegisterInstance" and "errorCode" not in one]
    there = {one["Id"] for one in daemon.api.items("ListInstances", "Instances", ServiceId=service)}
    assert len(recorded) == len(set(recorded)) and acknowledged <= set(recorded) and set(recorded) == there
    assert audit(daemon, "verify").returncode == 0


def test_changes_without_a_daemon_are_recorded(start_daemon, tmp_path):
    """Those that made the store, those that were refused, those between two daemons; looking leaves no record."""
    data = tmp_path / "data"

    def ctl(*words, code=0, **env):
        assert cloudmapctl("--data", data, *words, env=env).returncode == code

    def everything():
        done = cloudmapctl("--data", data, "audit", "list", "1000", "-o", "json")
        return [json.loads(line) for line in done.stdout.splitlines()]

    def names():
        return [(one["eventName"], "errorCode" in one) for one in everything() if one["eventType"] == "AwsApiCall"]

    ctl("key", "create", "--root")
    ctl("user", "create", "ann")
    ctl("user", "create", "ann", code=1)
    start_daemon(data=data).stop()
    ctl("policy", "attach", "discoverer", "--user", "ann")
    before = everything()
    ctl("user", "list")
    assert everything() == before
    ctl("user", "create", "ben", CLOUDMAP_AUDIT_CALLS="off")
    assert names() == [("CreateAccessKey", False), ("CreateUser", False), ("CreateUser", True),
                       ("AttachUserPolicy", False)]
    verified = cloudmapctl("--data", data, "audit", "verify")
    assert verified.returncode == 0, verified


def test_the_file_follows_and_turns(start_daemon, tmp_path):
    path = tmp_path / "audit" / "log"
    path.parent.mkdir()
    daemon = start_daemon({**ON, "audit.file": str(path), "audit.file_size": "64KiB", "audit.file_count": "3"})
    for n in range(20):
        daemon.api.namespace(f"n{n}")
    want = settled(daemon, 20)
    until(lambda: len(path.read_text(encoding="utf-8").splitlines()), lambda n: n >= len(want))
    assert [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()][:len(want)] == want
    assert path.stat().st_mode & 0o777 == 0o600
    daemon.restart()
    for n in range(200):
        call(daemon.api, "CreateHttpNamespace", Name=f"m{n}")
    until(lambda: (path.parent / "log.1").exists(), bool)
    daemon.stop()
    files = sorted(path.parent.iterdir())
    assert all(one.stat().st_size <= 65536 for one in files) and len(files) <= 3
    ids = [json.loads(line)["eventID"] for one in files for line in one.read_text(encoding="utf-8").splitlines()]
    assert len(ids) == len(set(ids))


def test_a_file_that_cannot_be_written_holds_changes_back(start_daemon, tmp_path):
    path = tmp_path / "audit" / "log"
    path.parent.mkdir()
    daemon = start_daemon({**ON, "audit.file": str(path), "audit.file_size": "64KiB", "audit.file_count": "2",
                           "audit.lag_max": "10"})
    # the next file cannot be made: its name is a directory that is not empty
    (path.parent / "log.1").mkdir()
    (path.parent / "log.1" / "x").touch()

    def create():
        create.n += 1
        return call(daemon.api, "CreateHttpNamespace", Name=f"n{create.n}")

    create.n = 0
    refused = until(create, lambda answer: answer.status == 503)
    assert refused.code == "ServiceUnavailable" and "audit file" in refused.message
    assert call(daemon.api, "ListNamespaces").status == 200
    assert daemon.events("audit_file_failed")
    (path.parent / "log.1" / "x").unlink()
    (path.parent / "log.1").rmdir()
    until(create, lambda answer: answer.status == 200)


def test_a_file_in_no_directory_is_refused(tmp_path):
    done = cloudmapd("--data", tmp_path / "data", "--api", "127.0.0.1:0", "--dns", "127.0.0.1:0", "--set",
                     f"audit.file={tmp_path / 'none' / 'log'}")
    assert done.returncode == 73 and "audit.file" in done.stderr, done


def test_where_calls_are_signed_all_are_recorded_and_auditors_look_them_up(start_daemon):
    daemon = start_daemon({"auth.mode": "required"}, env={"CLOUDMAP_ROOT_ACCESS_KEY_ID": "AKIAROOTOFTHEAUDITS1",
                                                          "CLOUDMAP_ROOT_SECRET_ACCESS_KEY": "a" * 40})

    def ctl(*words):
        done = cloudmapctl("--data", daemon.data, "-o", "json", *words)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def client(service, key):
        return boto3.client(service, endpoint_url=daemon.url, region_name=REGION,
                            aws_access_key_id=key["access_key_id"], aws_secret_access_key=key["secret_access_key"])

    keys = {}
    for name, policy in (("ann", "registrar"), ("bob", "auditor")):
        ctl("user", "create", name)
        ctl("policy", "attach", policy, "--user", name)
        keys[name] = ctl("key", "create", "--user", name)
    assert [(one["eventSource"], one["eventName"]) for one in records(daemon)] == [
        ("iam.amazonaws.com", name) for name in ("CreateUser", "AttachUserPolicy", "CreateAccessKey") * 2]
    assert records(daemon)[2]["requestParameters"] == {"accessKeyId": keys["ann"]["access_key_id"], "userName": "ann"}
    with pytest.raises(ClientError) as caught:
        client("servicediscovery", keys["ann"]).create_http_namespace(Name="shop")
    assert caught.value.response["Error"]["Code"] == "AccessDeniedException"
    one = settled(daemon, 7)[6]
    assert one["errorCode"] == "AccessDenied" and one["requestParameters"]["name"] == "shop"
    assert one["userIdentity"] == {"type": "IAMUser", "principalId": one["userIdentity"]["principalId"],
                                   "arn": "arn:aws:iam::000000000000:user/ann", "accountId": "000000000000",
                                   "accessKeyId": keys["ann"]["access_key_id"], "userName": "ann"}
    found = client("cloudtrail", keys["bob"]).lookup_events(
        LookupAttributes=[{"AttributeKey": "Username", "AttributeValue": "ann"}])["Events"]
    assert [event["EventName"] for event in found] == ["CreateHttpNamespace"]
    assert found[0]["AccessKeyId"] == keys["ann"]["access_key_id"]
    with pytest.raises(ClientError) as caught:
        client("cloudtrail", keys["ann"]).lookup_events()
    assert caught.value.response["Error"]["Code"] == "AccessDeniedException"
    assert "is not authorized to perform: cloudtrail:LookupEvents on resource: *" in str(caught.value)
    with pytest.raises(ClientError):
        client("sts", keys["ann"]).assume_role(RoleArn="arn:aws:iam::000000000000:role/none", RoleSessionName="session")
    one = until(lambda: records(daemon)[-1], lambda one: one["eventName"] == "AssumeRole")
    assert one["errorCode"] == "AccessDenied" and one["requestParameters"] == {
        "roleArn": "arn:aws:iam::000000000000:role/none", "roleSessionName": "session"}
    assert [one["eventName"] for one in records(daemon)].count("LookupEvents") == 2
    assert keys["ann"]["secret_access_key"] not in (daemon.data / "cloudmap.db-wal").read_bytes().decode("latin-1")
