# SPDX-License-Identifier: Apache-2.0
"""Calls a second: limits.discover_rate, limits.control_rate."""

import time

import boto3
import botocore.exceptions
import pytest
from botocore.config import Config

from support.daemon import daemons

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
