# SPDX-License-Identifier: Apache-2.0
"""The double of AWS judged by real clients (boto3, the AWS CLI): it says what AWS says, refuses what AWS refuses, and
breaks as it is told."""

import http.client
import json
import socket
import subprocess
import threading
import time
from datetime import datetime, timezone

import boto3
import botocore.auth
import botocore.awsrequest
import botocore.credentials
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from support import faults
from support.aws_double import aws_double
from support.aws_endpoint import Key
from support.aws_fleet import ACCOUNT, REGION
from support.client import CONTENT_TYPE, TARGET
from support.cloud_map_proxy import CloudMapProxy
from support.daemon import ROOT
from support.http_double import Request
from support.sdk import AWS_CLI, client_env
from support.sigv4_check import Refused, check
from support.unmap import foreign_python

VECTORS, VECTOR_TIME = ROOT.parent / "shared" / "testdata" / "sigv4", 1440938160


@pytest.fixture
def amazon():
    with aws_double() as double:
        yield double


def client(amazon, service="ec2", key=None, region=REGION, token=True, **config):
    key = key or amazon.key
    url = {"ec2": amazon.ec2, "sts": amazon.sts}[service].url
    return boto3.client(service, endpoint_url=url, region_name=region, aws_access_key_id=key.id,
                        aws_secret_access_key=key.secret, aws_session_token=key.token if token else None,
                        config=Config(retries={"max_attempts": 0}, read_timeout=10, **config))


def machines(answer):
    return [one for reservation in answer["Reservations"] for one in reservation["Instances"]]


def ids(answer):
    return {one["InstanceId"] for one in machines(answer)}


def refused(code, act, *words, **members):
    with pytest.raises(ClientError) as caught:
        act(*words, **members)
    assert caught.value.response["Error"]["Code"] == code, caught.value
    return caught.value.response


def by_id(*values):
    return [{"Name": "instance-id", "Values": list(values)}]


class TestInstances:
    def test_members(self, amazon):
        one = amazon.fleet.add(private="10.1.2.3", public="54.1.2.3", v6="2001:db8::1", tags={"Name": "a & <b>"})
        amazon.fleet.add_interface(one, "10.1.2.4", ("10.1.2.5", "54.1.2.5"), v6=["2001:db8::2"])
        (seen,) = machines(client(amazon).describe_instances())
        assert (seen["InstanceId"], seen["State"]["Name"], seen["PrivateIpAddress"], seen["PublicIpAddress"]) == (
            one.id, "running", "10.1.2.3", "54.1.2.3")
        assert seen["Tags"] == [{"Key": "Name", "Value": "a & <b>"}]
        assert seen["Placement"]["AvailabilityZone"] == REGION + "a" and seen["LaunchTime"].year == 2024
        first, second = seen["NetworkInterfaces"]
        assert first["Association"]["PublicIp"] == "54.1.2.3" and first["Ipv6Addresses"][0]["Ipv6Address"] == "2001:db8::1"
        assert [(a["PrivateIpAddress"], a.get("Association", {}).get("PublicIp")) for a in second["PrivateIpAddresses"]] \
            == [("10.1.2.4", None), ("10.1.2.5", "54.1.2.5")]

    def test_owner_and_region_and_account(self, amazon):
        mine, far = amazon.fleet.add(), amazon.fleet.add(region="eu-west-1")
        other = amazon.fleet.add(account="111122223333")
        assert ids(client(amazon).describe_instances()) == {mine.id}
        assert client(amazon).describe_instances()["Reservations"][0]["OwnerId"] == ACCOUNT
        assert ids(client(amazon, region="eu-west-1").describe_instances()) == {far.id}
        key = amazon.cloud.add_key("111122223333")
        assert ids(client(amazon, key=key).describe_instances()) == {other.id}

    @pytest.mark.parametrize("state", ["pending", "running", "shutting-down", "terminated", "stopping", "stopped"])
    def test_states(self, amazon, state):
        amazon.fleet.add(state=state)
        (seen,) = machines(client(amazon).describe_instances())
        assert seen["State"]["Name"] == state
        assert ("PrivateIpAddress" in seen) == (state != "terminated") == bool(seen["NetworkInterfaces"])

    def test_a_terminated_one_disappears(self, amazon):
        one = amazon.fleet.add(state="terminated")
        amazon.fleet.forget(one)
        assert machines(client(amazon).describe_instances(Filters=by_id(one.id))) == []

    def test_filters(self, amazon):
        ec2 = client(amazon)
        a, b = amazon.fleet.add(tags={"role": "web"}), amazon.fleet.add(tags={"role": "db"}, state="stopped")
        assert ids(ec2.describe_instances(Filters=by_id(a.id, "i-unknown", "no id at all"))) == {a.id}
        assert ids(ec2.describe_instances(Filters=by_id("i-*"))) == {a.id, b.id}
        assert ids(ec2.describe_instances(Filters=by_id(a.id[:-1] + "?"))) >= {a.id}
        assert ids(ec2.describe_instances(Filters=by_id("i-\\*"))) == set()
        assert ids(ec2.describe_instances(Filters=[{"Name": "tag:role", "Values": ["web"]}])) == {a.id}
        assert ids(ec2.describe_instances(Filters=by_id(a.id, b.id) + [
            {"Name": "instance-state-name", "Values": ["stopped"]}])) == {b.id}
        refused("InvalidParameterValue", ec2.describe_instances, Filters=[{"Name": "nonsense", "Values": ["x"]}])

    def test_filter_values_over_200(self, amazon):
        ec2, some = client(amazon), [f"i-{n:017x}" for n in range(201)]
        ec2.describe_instances(Filters=by_id(*some[:200]))
        refused("FilterLimitExceeded", ec2.describe_instances, Filters=by_id(*some))

    def test_ids(self, amazon):
        ec2, one = client(amazon), amazon.fleet.add()
        assert ids(ec2.describe_instances(InstanceIds=[one.id])) == {one.id}
        refused("InvalidInstanceID.NotFound", ec2.describe_instances, InstanceIds=[one.id, "i-" + 17 * "0"])
        refused("InvalidInstanceID.Malformed", ec2.describe_instances, InstanceIds=[one.id, "i-nonsense"])
        refused("InvalidParameterCombination", ec2.describe_instances, InstanceIds=[one.id], MaxResults=10)

    @pytest.mark.parametrize("size", [4, 1001])
    def test_page_size(self, amazon, size):
        refused("InvalidParameterValue", client(amazon).describe_instances, MaxResults=size)

    def test_pages(self, amazon):
        ec2, some = client(amazon), amazon.fleet.add_many(23)
        pages = list(ec2.get_paginator("describe_instances").paginate(PaginationConfig={"PageSize": 10}))
        assert [len(machines(page)) for page in pages] == [10, 10, 3]
        assert set().union(*map(ids, pages)) == {one.id for one in some}
        amazon.ec2.page_limit = 2
        assert len(list(ec2.get_paginator("describe_instances").paginate())) == 12

    def test_page_tokens_belong_to_their_query(self, amazon):
        ec2 = client(amazon)
        amazon.fleet.add_many(12)
        token = ec2.describe_instances(MaxResults=5)["NextToken"]
        refused("InvalidNextToken", ec2.describe_instances, MaxResults=5, NextToken="nonsense")
        refused("InvalidNextToken", ec2.describe_instances, MaxResults=5, NextToken=token, Filters=by_id("i-*"))
        refused("InvalidNextToken", client(amazon, key=amazon.cloud.add_key("111122223333")).describe_instances,
                MaxResults=5, NextToken=token)
        assert len(machines(ec2.describe_instances(MaxResults=5, NextToken=token))) == 5
        amazon.ec2.token_seconds = -1
        refused("InvalidNextToken", ec2.describe_instances, MaxResults=5, NextToken=token)

    def test_managed_ones_are_hidden(self, amazon):
        one = amazon.fleet.add(is_managed=True)
        assert ids(client(amazon).describe_instances()) == set()
        done = Signed(amazon.key, "ec2").post(amazon.ec2.port, "Action=DescribeInstances&Version=2016-11-15"
                                              "&IncludeManagedResources=true", FORM)
        assert done.status == 200 and one.id in done.read().decode()

    def test_unknown_parameters(self, amazon):
        for text in ("&Nonsense=1", "&Filter.0.Name=x", "&Filter.1.Name=instance-id", "&MaxResults=x"):
            done = Signed(amazon.key, "ec2").post(
                amazon.ec2.port, "Action=DescribeInstances&Version=2016-11-15" + text, FORM)
            assert done.status == 400, text
        assert Signed(amazon.key, "ec2").post(amazon.ec2.port, "Action=RunInstances&Version=2016-11-15", FORM).status == 400

    def test_aws_cli(self, amazon):
        some = amazon.fleet.add_many(7)
        seen = json.loads(cli(amazon.ec2, amazon.key, "ec2", "describe-instances", "--page-size", "5").stdout)
        assert ids(seen) == {one.id for one in some}
        (first, second) = amazon.ec2.called("DescribeInstances")
        assert first.params["MaxResults"] == "5" and second.params["NextToken"]
        assert (first.region, first.account, first.key_id) == (REGION, ACCOUNT, amazon.key.id)


def cli(endpoint, key, *words):
    env = client_env() | {"AWS_ACCESS_KEY_ID": key.id, "AWS_SECRET_ACCESS_KEY": key.secret}
    return subprocess.run([AWS_CLI, "--endpoint-url", endpoint.url, "--output", "json", *words], env=env, text=True,
                          capture_output=True, timeout=60, check=False)


FORM = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}


class Signed:
    """Calls that no client of AWS would make, signed by botocore."""

    def __init__(self, key, service, region=REGION):
        credentials = botocore.credentials.Credentials(key.id, key.secret, key.token)
        self.signer = botocore.auth.SigV4Auth(credentials, service, region)

    def post(self, port, body, headers, change=None):
        request = botocore.awsrequest.AWSRequest("POST", f"http://127.0.0.1:{port}/", headers, body)
        self.signer.add_auth(request)
        ready = request.prepare()
        fields = {k: v.decode() if isinstance(v, bytes) else v for k, v in ready.headers.items()}
        text = ready.body
        if change:
            text = change(fields, text) or text
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        connection.request("POST", "/", text, fields)
        return connection.getresponse()

    def sqs(self, port, action, **members):
        done = self.post(port, json.dumps(members), {"Content-Type": "application/x-amz-json-1.0",
                                                     "X-Amz-Target": "AmazonSQS." + action})
        text = done.read()
        return done.status, json.loads(text) if text else None


class TestSignatures:
    @pytest.mark.skipif(not VECTORS.is_dir(), reason="the vectors of ../shared/testdata/sigv4 are not here")
    def test_the_checker_accepts_the_public_vectors(self):
        checked = 0
        for case in sorted(VECTORS.iterdir()):
            context, path = json.loads((case / "context.json").read_text()), case / "header-signed-request.txt"
            if not context.get("normalize", True) or not context.get("sign_body") and "body" in case.name:
                continue
            head, _, body = path.read_bytes().partition(b"\n\n")
            lines = head.decode("utf-8").split("\n")
            method, target, _ = lines[0].split(" ") if lines[0].count(" ") == 2 else (None, None, None)
            headers = [(name.lower(), value) for name, _, value in (line.partition(":") for line in lines[1:])]
            names = [name for name, _ in headers]
            if method is None or any(" " in name or not name for name in names) or "x-amz-security-token" in names:
                continue
            known = context["credentials"]
            key = Key(known["access_key_id"], known["secret_access_key"], ACCOUNT, "arn")
            check(Request(method, target, headers, body), context["service"], {context["region"]}, {key.id: key},
                  VECTOR_TIME)
            checked += 1
        assert checked >= 15

    def test_the_key(self, amazon):
        ec2 = client(amazon, key=Key("AKIANOBODY", "x", ACCOUNT, "arn"))
        refused("AuthFailure", ec2.describe_instances)
        wrong = Key(amazon.key.id, "x" * 40, ACCOUNT, "arn")
        assert refused("AuthFailure", client(amazon, key=wrong).describe_instances)["ResponseMetadata"][
            "HTTPStatusCode"] == 401
        refused("InvalidClientTokenId", client(amazon, "sts", Key("AKIANOBODY", "x", ACCOUNT, "arn"))
                .get_caller_identity)
        refused("SignatureDoesNotMatch", client(amazon, "sts", wrong).get_caller_identity)

    def test_the_session(self, amazon):
        key = amazon.cloud.add_key(seconds=60)
        client(amazon, key=key).describe_instances()
        refused("AuthFailure", client(amazon, key=key, token=False).describe_instances)
        key.expires = amazon.cloud.now() - 1
        refused("RequestExpired", client(amazon, key=key).describe_instances)
        refused("ExpiredToken", client(amazon, "sts", key).get_caller_identity)

    def test_the_scope(self, amazon):
        refused("AuthFailure", client(amazon, region="ap-south-1").describe_instances)
        for service, region in (("sqs", REGION), ("ec2", "nowhere-1")):
            done = Signed(amazon.key, service, region).post(amazon.ec2.port, "Action=DescribeInstances"
                                                            "&Version=2016-11-15", FORM)
            assert done.status == 401 and b"AuthFailure" in done.read()

    @pytest.mark.parametrize("skew, is_good", [(290, True), (-290, True), (310, False), (-310, False)])
    def test_the_time(self, amazon, skew, is_good):
        amazon.cloud.skew = skew
        ec2 = client(amazon)
        if is_good:
            ec2.describe_instances()
        else:
            answer = refused("RequestExpired", ec2.describe_instances)
            told = datetime.strptime(answer["ResponseMetadata"]["HTTPHeaders"]["date"], "%a, %d %b %Y %H:%M:%S GMT")
            assert abs(told.replace(tzinfo=timezone.utc).timestamp() - time.time() - skew) < 5

    def test_nothing_may_be_changed(self, amazon):
        def change(name, value):
            def act(fields, _body):
                fields[name] = value
            return act

        def another_body(fields, body):
            longer = body + (b"&MaxResults=5" if isinstance(body, bytes) else "&MaxResults=5")
            fields["Content-Length"] = str(len(longer))
            return longer

        signed, body = Signed(amazon.key, "ec2"), "Action=DescribeInstances&Version=2016-11-15"
        assert signed.post(amazon.ec2.port, body, FORM).status == 200
        assert signed.post(amazon.ec2.port, body, FORM, another_body).status == 401
        assert signed.post(amazon.ec2.port, body, FORM, change("X-Amz-Date", "20200101T000000Z")).status == 400
        assert signed.post(amazon.ec2.port, body, FORM, change("Content-Type", "text/plain")).status == 401
        assert signed.post(amazon.ec2.port, body, FORM, change("X-Amz-Security-Token", "x")).status == 400
        assert signed.post(amazon.ec2.port, body, FORM, lambda f, _: f.pop("Authorization") and None).status == 403
        assert [one.status for one in amazon.ec2.called()] == [200, 401, 400, 401, 400, 403]

    def test_a_signature_by_someone_else_is_refused_by_the_checker(self):
        with pytest.raises(Refused) as caught:
            check(Request("GET", "/", [("authorization", "AWS4-HMAC-SHA256 Credential=a/b, Signature=c")], b""), "ec2",
                  set(), {}, 0)
        assert caught.value.kind == "incomplete"


class TestSts:
    def test_identity(self, amazon):
        seen = client(amazon, "sts").get_caller_identity()
        assert (seen["Account"], seen["Arn"]) == (ACCOUNT, f"arn:aws:iam::{ACCOUNT}:user/test")
        assert json.loads(cli(amazon.sts, amazon.key, "sts", "get-caller-identity").stdout)["Account"] == ACCOUNT

    def test_assume_role(self, amazon):
        sts, arn = client(amazon, "sts"), amazon.cloud.add_role("reader", "111122223333", external_id="x1")
        other = amazon.fleet.add(account="111122223333")
        refused("AccessDenied", sts.assume_role, RoleArn=arn, RoleSessionName="me")
        refused("AccessDenied", sts.assume_role, RoleArn=arn + "x", RoleSessionName="me", ExternalId="x1")
        got = sts.assume_role(RoleArn=arn, RoleSessionName="me", ExternalId="x1", DurationSeconds=900)["Credentials"]
        key = amazon.cloud.keys[got["AccessKeyId"]]
        assert (key.secret, key.token) == (got["SecretAccessKey"], got["SessionToken"])
        assert 890 < got["Expiration"].timestamp() - time.time() < 910
        assert ids(client(amazon, key=key).describe_instances()) == {other.id}
        assert client(amazon, "sts", key).get_caller_identity()["Arn"].endswith("assumed-role/reader/me")

    def test_web_identity(self, amazon):
        arn = amazon.cloud.add_role("pod")
        sts = boto3.client("sts", endpoint_url=amazon.sts.url, region_name=REGION,
                           config=Config(signature_version=botocore.UNSIGNED, retries={"max_attempts": 0}))
        refused("InvalidIdentityToken", sts.assume_role_with_web_identity, RoleArn=arn, RoleSessionName="pod",
                WebIdentityToken="a.web.token")
        amazon.sts.web_tokens.add("a.web.token")
        got = sts.assume_role_with_web_identity(RoleArn=arn, RoleSessionName="pod", WebIdentityToken="a.web.token")
        assert got["Credentials"]["AccessKeyId"] in amazon.cloud.keys


class TestSqs:
    def test_send_receive_delete(self, amazon):
        queue, sqs = amazon.sqs.add_queue("q"), Signed(amazon.key, "sqs")
        assert sqs.sqs(amazon.sqs.port, "SendMessage", QueueUrl=queue.url, MessageBody="hello")[0] == 200
        status, got = sqs.sqs(amazon.sqs.port, "ReceiveMessage", QueueUrl=queue.url, AttributeNames=["All"])
        (message,) = got["Messages"]
        assert (status, message["Body"], message["Attributes"]["ApproximateReceiveCount"]) == (200, "hello", "1")
        assert sqs.sqs(amazon.sqs.port, "ReceiveMessage", QueueUrl=queue.url) == (200, {})
        entries = [{"Id": "a", "ReceiptHandle": message["ReceiptHandle"]}, {"Id": "b", "ReceiptHandle": "nonsense"}]
        _, done = sqs.sqs(amazon.sqs.port, "DeleteMessageBatch", QueueUrl=queue.url, Entries=entries)
        assert done["Successful"] == [{"Id": "a"}] and done["Failed"][0]["Code"] == "ReceiptHandleIsInvalid"
        assert not queue.messages and [one.body for one in queue.deleted] == ["hello"]

    def test_visibility_and_dead_letters(self, amazon):
        queue, sqs = amazon.sqs.add_queue("q", visibility=0, max_receives=2), Signed(amazon.key, "sqs")
        queue.send({"a": 1})
        handles = []
        for count in (1, 2):
            _, got = sqs.sqs(amazon.sqs.port, "ReceiveMessage", QueueUrl=queue.url, AttributeNames=["All"])
            assert got["Messages"][0]["Attributes"]["ApproximateReceiveCount"] == str(count)
            handles.append(got["Messages"][0]["ReceiptHandle"])
        assert sqs.sqs(amazon.sqs.port, "DeleteMessage", QueueUrl=queue.url, ReceiptHandle=handles[0])[0] == 400
        assert sqs.sqs(amazon.sqs.port, "ReceiveMessage", QueueUrl=queue.url) == (200, {})
        assert [json.loads(one.body) for one in queue.dead_letters.messages] == [{"a": 1}]

    def test_hidden_messages_show_again(self, amazon):
        queue, sqs = amazon.sqs.add_queue("q"), Signed(amazon.key, "sqs")
        queue.send("x")
        sqs.sqs(amazon.sqs.port, "ReceiveMessage", QueueUrl=queue.url, VisibilityTimeout=1)
        began = time.monotonic()
        _, got = sqs.sqs(amazon.sqs.port, "ReceiveMessage", QueueUrl=queue.url, WaitTimeSeconds=20)
        assert got["Messages"][0]["Body"] == "x" and 0.5 < time.monotonic() - began < 10

    def test_the_long_poll_waits_for_a_message(self, amazon):
        queue, sqs = amazon.sqs.add_queue("q"), Signed(amazon.key, "sqs")
        answers = []
        poll = threading.Thread(target=lambda: answers.append(
            sqs.sqs(amazon.sqs.port, "ReceiveMessage", QueueUrl=queue.url, WaitTimeSeconds=20)))
        began = time.monotonic()
        poll.start()
        queue.send("late")
        poll.join()
        assert answers[0][1]["Messages"][0]["Body"] == "late" and time.monotonic() - began < 10
        _, empty = sqs.sqs(amazon.sqs.port, "ReceiveMessage", QueueUrl=queue.url, WaitTimeSeconds=1)
        assert empty == {} and time.monotonic() - began >= 1

    @pytest.mark.parametrize("action, code, members", [
        ("ReceiveMessage", "QueueDoesNotExist", {"QueueUrl": "http://x/1/none"}),
        ("ReceiveMessage", "InvalidParameterValue", {"WaitTimeSeconds": 21}),
        ("ReceiveMessage", "InvalidParameterValue", {"MaxNumberOfMessages": 11}),
        ("DeleteMessageBatch", "EmptyBatchRequest", {"Entries": []}),
        ("DeleteMessageBatch", "BatchEntryIdsNotDistinct", {"Entries": [{"Id": "a"}, {"Id": "a"}]}),
        ("DeleteMessageBatch", "TooManyEntriesInBatchRequest", {"Entries": [{"Id": str(n)} for n in range(11)]}),
        ("ReceiveMessage", "SerializationException", {"Nonsense": 1}),
    ])
    def test_refusals(self, amazon, action, code, members):
        queue = amazon.sqs.add_queue("q")
        status, body = Signed(amazon.key, "sqs").sqs(amazon.sqs.port, action, **{"QueueUrl": queue.url} | members)
        assert (status, body["__type"].partition("#")[2]) == (400, code)

    def test_a_newer_boto3(self, amazon):
        """Debian's speaks SQS's old protocol; one that speaks JSON is asked where there is one."""
        python = foreign_python("boto3", (1, 28, 60))
        queue = amazon.sqs.add_queue("q")
        queue.send("one", "two")
        program = """if True:
            import boto3, sys
            url, region, key, secret, queue = sys.argv[1:]
            sqs = boto3.client("sqs", endpoint_url=url, region_name=region, aws_access_key_id=key,
                               aws_secret_access_key=secret)
            got = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=5)["Messages"]
            sqs.delete_message_batch(QueueUrl=queue, Entries=[
                {"Id": one["MessageId"], "ReceiptHandle": one["ReceiptHandle"]} for one in got])
            try:
                sqs.delete_message(QueueUrl=queue, ReceiptHandle="nonsense")
            except sqs.exceptions.ReceiptHandleIsInvalid:
                print(len(got))"""
        done = subprocess.run([python, "-c", program, amazon.sqs.url, REGION, amazon.key.id, amazon.key.secret, queue.url],
                              capture_output=True, text=True, timeout=60, check=False)
        assert done.stdout == "2\n", done.stderr
        assert len(queue.deleted) == 2


class TestCredentialEndpoints:
    def session(self, amazon, monkeypatch, **variables):
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.delenv(name, raising=False)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        got = boto3.Session(region_name=REGION).get_credentials()
        return got and got.get_frozen_credentials()

    def test_container(self, amazon, monkeypatch):
        amazon.machine.authorization = "Bearer 1"
        got = self.session(amazon, monkeypatch, AWS_CONTAINER_CREDENTIALS_FULL_URI=amazon.container_url,
                           AWS_CONTAINER_AUTHORIZATION_TOKEN="Bearer 1")
        assert amazon.cloud.keys[got.access_key].token == got.token

    def test_instance_metadata(self, amazon, monkeypatch):
        got = self.session(amazon, monkeypatch, AWS_EC2_METADATA_DISABLED="false",
                           AWS_EC2_METADATA_SERVICE_ENDPOINT=amazon.machine.url)
        assert amazon.cloud.keys[got.access_key].token == got.token
        assert [one.action for one in amazon.machine.called()] == ["token", "role", "credentials"]

    def test_instance_metadata_wants_its_token(self, amazon):
        for method, headers, status in (("GET", {}, 401), ("GET", {"X-Aws-Ec2-Metadata-Token": "x"}, 401)):
            connection = http.client.HTTPConnection("127.0.0.1", amazon.machine.port, timeout=10)
            connection.request(method, "/latest/meta-data/placement/region", headers=headers)
            assert connection.getresponse().status == status
            connection.close()


class TestFaults:
    @pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500, 502, 503, 504, 599])
    def test_status(self, amazon, status):
        amazon.ec2.breaks(faults.Status(status, "Oops"))
        answer = refused("Oops", client(amazon).describe_instances)
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == status

    def test_which_calls_break(self, amazon):
        amazon.ec2.breaks(faults.Throttle(), "DescribeInstances", region="eu-west-1", times=1, after=1)
        near, far = client(amazon), client(amazon, region="eu-west-1")
        near.describe_instances()
        far.describe_instances()
        near.describe_instances()
        refused("RequestLimitExceeded", far.describe_instances)
        far.describe_instances()
        amazon.ec2.breaks(faults.Throttle())
        refused("RequestLimitExceeded", near.describe_instances)
        amazon.ec2.heals()
        near.describe_instances()

    @pytest.mark.parametrize("fault", [
        faults.Cut(0), faults.Cut(100), faults.Cut(-1), faults.Cut(0, has_length=False), faults.Cut(150, has_length=False),
        faults.Shorten(150), faults.CloseInHead(0), faults.CloseInHead(10), faults.CloseAfterHead(),
        faults.Body(b"", 503), faults.Body(b"<html>", 200), faults.Redirect(307, "http://127.0.0.1:1/")], ids=repr)
    def test_broken_answers(self, amazon, fault):
        amazon.ec2.breaks(fault)
        with pytest.raises((BotoCoreError, ClientError, ResponseParserError)):
            client(amazon).describe_instances()
        amazon.ec2.heals()
        client(amazon).describe_instances()

    def test_hang_and_slow(self, amazon):
        amazon.fleet.add()
        hang, answers = amazon.ec2.breaks(faults.Hang(), times=1), []
        call = threading.Thread(target=lambda: answers.append(client(amazon).describe_instances()))
        call.start()
        assert hang.reached.wait(30) and call.is_alive()
        hang.release()
        call.join()
        assert len(machines(answers[0])) == 1
        amazon.ec2.breaks(faults.Slow(200, 0.01))
        assert len(machines(client(amazon).describe_instances())) == 1

    def test_hanging_calls_end_with_the_double(self):
        with aws_double() as amazon:
            hang = amazon.ec2.breaks(faults.Hang())
            near = socket.create_connection(("127.0.0.1", amazon.ec2.port))
            failed = []
            call = threading.Thread(target=lambda: failed.append(pytest.raises(
                BotoCoreError, client(amazon).describe_instances)))
            call.start()
            assert hang.reached.wait(30)
        call.join()
        near.close()
        assert failed

    def test_pages(self, amazon):
        ec2 = client(amazon)
        some = amazon.fleet.add_many(12)
        amazon.ec2.breaks(faults.RepeatToken())
        assert {ec2.describe_instances(MaxResults=5, NextToken=token)["NextToken"] for token in ("again", "x")} == {"again"}
        amazon.ec2.heals()
        amazon.ec2.breaks(faults.LostToken())
        token = ec2.describe_instances(MaxResults=5)["NextToken"]
        refused("InvalidNextToken", ec2.describe_instances, MaxResults=5, NextToken=token)
        amazon.ec2.heals()
        amazon.ec2.breaks(faults.SkipPage(), times=1, after=1)
        pages = list(ec2.get_paginator("describe_instances").paginate(PaginationConfig={"PageSize": 5}))
        assert set().union(*map(ids, pages)) == {one.id for one in some[:5] + some[10:]}
        amazon.ec2.heals()
        amazon.ec2.breaks(faults.RepeatPage(), times=1, after=1)
        pages = list(ec2.get_paginator("describe_instances").paginate(PaginationConfig={"PageSize": 5}))
        assert set().union(*map(ids, pages)) == {one.id for one in some[:5] + some[10:]}

    def test_other_fleets(self, amazon):
        one = amazon.fleet.add()
        before = amazon.fleet.snapshot()
        amazon.fleet.terminate(one)
        amazon.ec2.breaks(faults.OtherFleet(before), times=1)
        assert machines(client(amazon).describe_instances())[0]["State"]["Name"] == "running"
        assert machines(client(amazon).describe_instances())[0]["State"]["Name"] == "terminated"
        other = amazon.fleet.add(account="111122223333")
        amazon.ec2.breaks(faults.OtherFleet(amazon.fleet, account="111122223333"))
        assert ids(client(amazon).describe_instances()) == {other.id}

    def test_wrong_date(self, amazon):
        amazon.ec2.breaks(faults.WrongDate(3600))
        headers = client(amazon).describe_instances()["ResponseMetadata"]["HTTPHeaders"]
        told = datetime.strptime(headers["date"], "%a, %d %b %Y %H:%M:%S GMT").replace(tzinfo=timezone.utc)
        assert abs(told.timestamp() - time.time() - 3600) < 5

    def test_a_call_can_be_waited_for(self, amazon):
        call = threading.Thread(target=client(amazon).describe_instances)
        call.start()
        (one,) = amazon.ec2.wait_for_calls(1, "DescribeInstances")
        call.join()
        assert one.status == 200 and "Filter.1.Name" not in one.params


class TestCloudMapProxy:
    @pytest.fixture
    def proxy(self, amazon, daemon, recorder):
        one = CloudMapProxy(amazon.cloud, daemon, recorder)
        yield one
        one.close()

    def boto(self, amazon, proxy, key=None):
        key = key or amazon.key
        return boto3.client("servicediscovery", endpoint_url=proxy.url, region_name=REGION, aws_access_key_id=key.id,
                            aws_secret_access_key=key.secret, config=Config(retries={"max_attempts": 0}))

    def test_it_passes_calls_on_and_breaks(self, amazon, proxy, api, fresh):
        client = self.boto(amazon, proxy)
        service = api.service(api.namespace(fresh()), fresh())
        operation = client.register_instance(ServiceId=service, InstanceId="a", Attributes={"AWS_INSTANCE_IPV4": "1.2.3.4"})
        api.finished(operation["OperationId"])
        assert [one["Id"] for one in client.list_instances(ServiceId=service)["Instances"]] == ["a"]
        assert [one.action for one in proxy.mutations()] == ["RegisterInstance"]
        refused("InstanceNotFound", client.get_instance, ServiceId=service, InstanceId="b")
        proxy.breaks(faults.Throttle(), "ListInstances", times=1)
        refused("ThrottlingException", client.list_instances, ServiceId=service)
        proxy.breaks(faults.Cut(-1), "ListInstances", times=1)
        with pytest.raises(http.client.IncompleteRead):  # boto3 takes it for a listing without instances
            Signed(amazon.key, "servicediscovery").post(proxy.port, json.dumps({"ServiceId": service}), {
                "Content-Type": CONTENT_TYPE, "X-Amz-Target": TARGET + "ListInstances"}).read()
        proxy.breaks(faults.RepeatToken(), "ListInstances", times=2)
        for token in ({}, {"NextToken": "again"}):
            assert client.list_instances(ServiceId=service, **token)["NextToken"] == "again"

    def test_it_checks_signatures(self, amazon, proxy):
        wrong = Key(amazon.key.id, "x" * 40, ACCOUNT, "arn")
        refused("InvalidSignatureException", self.boto(amazon, proxy, wrong).list_namespaces)
