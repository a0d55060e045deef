# SPDX-License-Identifier: Apache-2.0
"""Calls a second: limits.discover_rate, limits.control_rate."""

import contextlib
import json
import time

import boto3
import botocore.exceptions
import pytest
from botocore.config import Config

from support.daemon import daemons
from support.program import cloudmapctl

RATE = 5  # a second; a burst is two seconds' calls
NAMES = {"NamespaceName": "n", "ServiceName": "s"}


def burst(send):
    """Codes of many more calls than a bucket holds; None for a success."""
    return [send().code for _ in range(8 * RATE)]


@pytest.fixture(scope="module")
def throttled(tmp_path_factory, recorder):
    with daemons(tmp_path_factory.mktemp("throttled"), recorder) as start:
        yield start({"limits.discover_rate": RATE, "limits.control_rate": RATE})


def test_classes_have_buckets_of_their_own(throttled):
    api = throttled.api
    codes = burst(lambda: api.send("ListNamespaces", {}))
    assert codes[:2 * RATE] == [None] * 2 * RATE and "ThrottlingException" in codes[2 * RATE:], codes
    codes = burst(lambda: api.send("DiscoverInstances", NAMES))
    assert codes[:2 * RATE] == ["NamespaceNotFound"] * 2 * RATE and "RequestLimitExceeded" in codes[2 * RATE:], codes
    codes = burst(lambda: api.send("DiscoverInstancesRevision", NAMES))
    assert codes[:6 * RATE] == ["NamespaceNotFound"] * 6 * RATE and "RequestLimitExceeded" in codes[6 * RATE:], codes
    answers = [api.send("DiscoverInstances", NAMES) for _ in range(3 * RATE)]
    refused = next(answer for answer in answers if answer.code == "RequestLimitExceeded")
    assert refused.json == {"__type": "RequestLimitExceeded", "Message": "Rate exceeded"}
    assert refused.headers["x-amzn-ErrorType"] == "RequestLimitExceeded"


def test_comes_before_the_body_is_read(throttled):
    """A call too many is refused whatever it says; it does not count, and a later one passes."""
    api = throttled.api
    answers = [api.send("ListNamespaces", b"{no json") for _ in range(8 * RATE)]
    assert {answer.code for answer in answers} <= {"SerializationException", "ThrottlingException"}
    refused = next(answer for answer in answers if answer.code == "ThrottlingException")
    assert refused.json == {"__type": "ThrottlingException", "message": "Rate exceeded"}
    deadline = time.monotonic() + 10
    while api.send("ListNamespaces", {}).code:
        assert time.monotonic() < deadline
        time.sleep(1 / RATE)


def test_regions_have_buckets_of_their_own(throttled):
    elsewhere = {"Authorization": "AWS4-HMAC-SHA256 Credential=any/20260101/eu-west-1/servicediscovery/aws4_request, "
                 "SignedHeaders=host, Signature=00"}
    burst(lambda: throttled.api.send("ListNamespaces", {}))
    assert throttled.api.send("ListNamespaces", {}, elsewhere).status == 200


def test_sessions_count_for_whoever_began_them(start_daemon, root, tmp_path):
    daemon = start_daemon({"auth.mode": "required", "limits.control_rate": RATE},
                          env={"CLOUDMAP_ROOT_ACCESS_KEY_ID": root.key, "CLOUDMAP_ROOT_SECRET_ACCESS_KEY": root.secret})
    trust = tmp_path / "trust.json"
    trust.write_text(json.dumps({"Version": "2012-10-17", "Statement": {
        "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "*"}}}))
    for words in (["role", "create", "many", "--trust", trust], ["policy", "attach", "admin", "--role", "many"]):
        assert cloudmapctl("--data", daemon.data, *words).returncode == 0
    connect = lambda service, key, secret, token=None: boto3.client(
        service, endpoint_url=daemon.url, region_name="us-east-1", aws_access_key_id=key, aws_secret_access_key=secret,
        aws_session_token=token, config=Config(retries={"total_max_attempts": 1}))
    sts, start, passed = connect("sts", root.key, root.secret), time.monotonic(), 0
    sessions = [connect("servicediscovery", *(told[name] for name in ("AccessKeyId", "SecretAccessKey", "SessionToken")))
                for told in (sts.assume_role(RoleArn="arn:aws:iam::000000000000:role/many", RoleSessionName=f"s{i}")
                             ["Credentials"] for i in range(3))]
    for _ in range(4 * RATE):
        for one in sessions:
            with contextlib.suppress(botocore.exceptions.ClientError):
                one.list_namespaces()
                passed += 1
    assert len(sessions) + passed <= 2 * RATE + RATE * (time.monotonic() - start) + 1


def test_sdks_understand(throttled):
    options = {"endpoint_url": throttled.url, "region_name": "us-east-1", "aws_access_key_id": "any",
               "aws_secret_access_key": "any", "config": Config(retries={"total_max_attempts": 1})}
    client, sts = boto3.client("servicediscovery", **options), boto3.client("sts", **options)
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        for _ in range(8 * RATE):
            client.list_namespaces()
    assert caught.value.response["Error"] == {"Code": "ThrottlingException", "Message": "Rate exceeded"}
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        for _ in range(8 * RATE):
            sts.get_caller_identity()
    assert caught.value.response["Error"]["Code"] == "Throttling"
    # With an SDK's own retries the call goes through.
    options["config"] = Config(retries={"mode": "standard", "total_max_attempts": 5})
    assert boto3.client("servicediscovery", **options).list_namespaces()["Namespaces"] == []


def test_figures_of_aws(start_daemon):
    """50 control calls a second with compat = aws, unless the option is set itself."""
    daemon = start_daemon({"compat": "aws"})
    codes = [daemon.api.send("ListServices", {}).code for _ in range(400)]
    assert codes[:100] == [None] * 100 and "ThrottlingException" in codes
    daemon.restart({"compat": "aws", "limits.control_rate": "0"})
    assert [daemon.api.send("ListServices", {}).code for _ in range(400)] == [None] * 400
