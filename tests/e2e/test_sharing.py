# SPDX-License-Identifier: Apache-2.0
"""A namespace that an account shares with another: what the consumer can do by ARN and OwnerAccount (the newest SDK for
JavaScript, which knows those members; boto3 where they are not needed), whose things are whose, and what is not there.

SHARING_CALLS says how many random calls (600), SHARING_SEED from where (1); ./dev soak sharing takes 20,000."""

import json
import os
import re
import subprocess
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from random import Random

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from support.daemon import daemons
from support.program import cloudmapctl

JS = Path(__file__).parent / "js"
CALLS, SEED = int(os.environ.get("SHARING_CALLS", "600")), os.environ.get("SHARING_SEED", "1")
OWNER, CONSUMER, OTHER = "000000000000", "222222222222", "333333333333"
KEY = {"access_key_id": "AKIAROOTOFTHESHARING", "secret_access_key": "a" * 40}


class Sdk:
    """The SDK with one key."""

    def __init__(self, node, daemon, key):
        env = os.environ | {"ENDPOINT": f"http://cloudmap.localhost:{daemon.port}",
                            "AWS_ACCESS_KEY_ID": key["access_key_id"],
                            "AWS_SECRET_ACCESS_KEY": key["secret_access_key"],
                            "NODE_OPTIONS": "--dns-result-order=ipv4first"}
        self.program = subprocess.Popen([node, "calls.mjs"], cwd=JS, env=env, text=True, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.program.stdin.close()
        assert self.program.wait(30) == 0
        self.program.stdout.close()

    def call(self, operation, **members):
        print(json.dumps([operation, members]), file=self.program.stdin, flush=True)
        return json.loads(self.program.stdout.readline())

    def ok(self, operation, **members):
        answer = self.call(operation, **members)
        assert "output" in answer, answer
        return answer["output"]

    def fails(self, operation, error, **members):
        answer = self.call(operation, **members)
        assert answer.get("error") == error, answer
        return answer["message"]


class Sharing:
    """A daemon that asks for signatures, with accounts that each have a root."""

    def __init__(self, daemon):
        self.daemon = daemon

    def ctl(self, *words):
        done = cloudmapctl("--data", self.daemon.data, "-o", "json", *words)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def share(self, arn, *words):
        return self.ctl("policy", "share", arn, *words)

    def records(self):
        done = cloudmapctl("--data", self.daemon.data, "audit", "list", "1000", "-o", "json")
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def sharing(tmp_path_factory, recorder):
    with daemons(tmp_path_factory.mktemp("sharing"), recorder) as start:
        yield Sharing(start({"auth.mode": "required"}, env={"CLOUDMAP_ROOT_ACCESS_KEY_ID": KEY["access_key_id"],
                                                            "CLOUDMAP_ROOT_SECRET_ACCESS_KEY": KEY["secret_access_key"]}))


@pytest.fixture(scope="module")
def roots(sharing, node):
    """The three roots, by account."""
    with ExitStack() as stack:
        keys = {OWNER: KEY} | {account: sharing.ctl("key", "create", "--root", "--account", account)
                               for account in (CONSUMER, OTHER)}
        yield {account: stack.enter_context(Sdk(node, sharing.daemon, key)) for account, key in keys.items()}


@pytest.fixture
def owner(roots):
    return roots[OWNER]


@pytest.fixture
def consumer(roots):
    return roots[CONSUMER]


@pytest.fixture
def other(roots):
    return roots[OTHER]


def done(sdk, operation, owner_account=None, **members):
    """An asynchronous call and its success; the targets."""
    made = sdk.ok(operation, **members)["OperationId"]
    named = {"OwnerAccount": owner_account} if owner_account else {}
    seen = sdk.ok("GetOperation", OperationId=made, **named)["Operation"]
    assert seen["Status"] == "SUCCESS", seen
    return seen


@pytest.fixture
def places(owner, fresh):
    """Makes a new namespace of the owner's, with the service `web` and an instance; id, ARNs, name."""
    return lambda: make_place(owner, f"{fresh()}.test")


@pytest.fixture
def place(places):
    return places()


def make_place(owner, name):
    found = {"name": name, "id": done(owner, "CreatePublicDnsNamespace", Name=name)["Targets"]["NAMESPACE"]}
    found["arn"] = owner.ok("GetNamespace", Id=found["id"])["Namespace"]["Arn"]
    web = owner.ok("CreateService", Name="web", NamespaceId=found["id"],
                   DnsConfig={"DnsRecords": [{"Type": "A", "TTL": 60}]}, HealthCheckCustomConfig={})["Service"]
    found["web"], found["web_id"] = web["Arn"], web["Id"]
    done(owner, "RegisterInstance", ServiceId=web["Id"], InstanceId="ours",
         Attributes={"AWS_INSTANCE_IPV4": "10.0.0.1"})
    return found


def test_what_a_consumer_can_do(sharing, owner, consumer, place):
    sharing.share(place["arn"], CONSUMER)
    seen = consumer.ok("GetNamespace", Id=place["arn"])["Namespace"]
    assert (seen["Arn"], seen["ResourceOwner"], seen["Name"]) == (place["arn"], OWNER, place["name"])
    # A service of its own, in the owner's namespace.
    mine = consumer.ok("CreateService", Name="mine", NamespaceId=place["arn"], HealthCheckCustomConfig={})["Service"]
    assert mine["Arn"].startswith(f"arn:aws:servicediscovery:us-east-1:{OWNER}:service/srv-")
    assert (mine["ResourceOwner"], mine["CreatedByAccount"], mine["NamespaceId"]) == (OWNER, CONSUMER, place["id"])
    assert consumer.ok("GetService", Id=mine["Arn"])["Service"]["CreatedByAccount"] == CONSUMER
    assert consumer.ok("GetService", Id=place["web"])["Service"]["CreatedByAccount"] == OWNER
    consumer.ok("UpdateServiceAttributes", ServiceId=mine["Arn"], Attributes={"k": "v", "l": "w"})
    consumer.ok("DeleteServiceAttributes", ServiceId=mine["Arn"], Attributes=["l"])
    assert consumer.ok("GetServiceAttributes", ServiceId=mine["Arn"])["ServiceAttributes"] == {
        "ServiceArn": mine["Arn"], "ResourceOwner": OWNER, "Attributes": {"k": "v"}}
    done(consumer, "UpdateService", OWNER, Id=mine["Arn"], Service={"Description": "of the consumer"})
    # Instances, in its service and in the owner's.
    for service in (mine["Arn"], place["web"]):
        seen = done(consumer, "RegisterInstance", OWNER, ServiceId=service, InstanceId="theirs",
                    Attributes={"AWS_INSTANCE_IPV4": "10.0.0.2"})
        assert (seen["OwnerAccount"], seen["Targets"]["INSTANCE"]) == (OWNER, "theirs")
        got = consumer.ok("GetInstance", ServiceId=service, InstanceId="theirs")
        assert (got["ResourceOwner"], got["Instance"]["CreatedByAccount"]) == (OWNER, CONSUMER)
    consumer.ok("UpdateInstanceCustomHealthStatus", ServiceId=mine["Arn"], InstanceId="theirs", Status="UNHEALTHY")
    assert consumer.ok("GetInstancesHealthStatus", ServiceId=mine["Arn"])["Status"] == {"theirs": "UNHEALTHY"}
    for sdk, names in ((consumer, {"OwnerAccount": OWNER}), (owner, {})):
        listed = sdk.ok("ListInstances", ServiceId=place["web"])
        assert listed["ResourceOwner"] == OWNER
        assert [(one["Id"], one["CreatedByAccount"]) for one in listed["Instances"]] == [
            ("ours", OWNER), ("theirs", CONSUMER)]
        where = names | {"NamespaceName": place["name"], "ServiceName": "web"}
        found = sdk.ok("DiscoverInstances", **where)
        assert {one["InstanceId"] for one in found["Instances"]} == {"ours", "theirs"}
        assert sdk.ok("DiscoverInstancesRevision", **where)["InstancesRevision"] == found["InstancesRevision"]
    # What it made goes again.
    for service in (mine["Arn"], place["web"]):
        done(consumer, "DeregisterInstance", OWNER, ServiceId=service, InstanceId="theirs")
    consumer.ok("DeleteService", Id=mine["Arn"])
    consumer.fails("GetService", "ServiceNotFound", Id=mine["Arn"])


@contextmanager
def boto_of(sharing, account):
    """boto3 as a root of the account."""
    key = sharing.ctl("key", "create", "--root", "--account", account)
    client = boto3.client("servicediscovery", endpoint_url=sharing.daemon.url, region_name="us-east-1",
                          aws_access_key_id=key["access_key_id"], aws_secret_access_key=key["secret_access_key"],
                          config=Config(retries={"total_max_attempts": 1}))
    yield client
    client.close()
    sharing.ctl("key", "delete", key["access_key_id"])


def test_boto3_by_arn(sharing, place):
    """What needs no newer members does any client."""
    sharing.share(place["arn"], CONSUMER)
    with boto_of(sharing, CONSUMER) as client:
        use_by_arn(client, place)


def use_by_arn(client, place):
    assert place["arn"] in [one["Arn"] for one in client.list_namespaces()["Namespaces"]]
    mine = client.create_service(Name="boto", NamespaceId=place["arn"])["Service"]["Arn"]
    client.register_instance(ServiceId=mine, InstanceId="i", Attributes={"a": "1"})
    filters = [{"Name": "NAMESPACE_ID", "Values": [place["arn"]]}]
    assert [one["Name"] for one in client.list_services(Filters=filters)["Services"]] == ["boto", "web"]
    assert [one["Id"] for one in client.list_instances(ServiceId=mine)["Instances"]] == ["i"]
    client.deregister_instance(ServiceId=mine, InstanceId="i")
    client.delete_service(Id=mine)


def test_shares_that_come_and_go_under_load(sharing, owner, place):
    """A call finds the namespace or does not; none is in between."""
    calls = [("register_instance", {"ServiceId": place["web"], "Attributes": {"AWS_INSTANCE_IPV4": "10.0.0.9"}}),
             ("list_instances", {"ServiceId": place["web"]}), ("get_namespace", {"Id": place["arn"]}),
             ("list_services", {})]
    seen, done_sharing = Counter(), threading.Event()

    def load(number):
        while not done_sharing.is_set():
            for call, members in calls:
                more = {"InstanceId": f"i{number}"} if call == "register_instance" else {}
                try:
                    getattr(client, call)(**members, **more)
                    seen[call, "done"] += 1
                except ClientError as error:
                    assert error.response["Error"]["Code"] in ("ServiceNotFound", "NamespaceNotFound"), error
                    seen[call, "not there"] += 1

    with boto_of(sharing, CONSUMER) as client, ThreadPoolExecutor(4) as pool:
        running = [pool.submit(load, number) for number in range(4)]
        while len(seen) < 7 or min(seen.values()) < 20:
            assert not any(one.done() for one in running), running
            sharing.share(place["arn"], CONSUMER)
            sharing.ctl("policy", "unshare", place["arn"])
        done_sharing.set()
        for one in running:
            one.result()
    assert {one["CreatedByAccount"] for one in owner.ok("ListInstances", ServiceId=place["web"])["Instances"]
            if one["Id"] != "ours"} == {CONSUMER}


# --- at random: what is shared is as one's own ------------------------------------------------------------------------

SERVICES, INSTANCES = ["a", "b", "c"], ["i", "j", "k"]
FADES = re.compile(r'"(?:CreateDate|UpdateDate|InstancesRevision|CreatorRequestId|OperationId)":\s*("[^"]*"|\d+),?')


class Party:
    """Whoever works in a namespace, by ids or by ARN, and what it was told."""

    def __init__(self, sdk, place, account, is_consumer):
        self.sdk, self.place, self.account, self.is_consumer = sdk, place, account, is_consumer
        self.services = {}  # by name, those that were deleted as well

    def named(self, members):
        """The same members as this party writes them."""
        told = dict(members)
        for member in ("Id", "ServiceId"):
            if member in told:
                known = self.services.get(told[member], {"Arn": f"{self.place['web'][:-4]}none", "Id": "srv-none"})
                told[member] = known["Arn" if self.is_consumer else "Id"]
        if "NamespaceId" in told:
            told["NamespaceId"] = self.place["arn" if self.is_consumer else "id"]
        if "NamespaceName" in told:
            told |= {"NamespaceName": self.place["name"]} | ({"OwnerAccount": OWNER} if self.is_consumer else {})
        return told

    def call(self, operation, members):
        """What it is answered, without what differs by nature."""
        answer = self.sdk.call(operation, **self.named(members))
        if operation == "CreateService" and "output" in answer:
            self.services[members["Name"]] = answer["output"]["Service"]
        if operation == "DiscoverInstances" and "output" in answer:
            answer["output"]["Instances"].sort(key=lambda one: one["InstanceId"])
        text = json.dumps(answer)
        for name, one in self.services.items():
            text = text.replace(one["Id"], f"srv-{name}")
        for real, word in ((self.place["id"], "ns"), (self.place["name"], "name"), (self.account, OWNER)):
            text = text.replace(real, word)
        return FADES.sub("", text)


def random_call(random):
    service, instance = random.choice(SERVICES), random.choice(INSTANCES)
    on, one = {"ServiceId": service}, {"ServiceId": service, "InstanceId": instance}
    names = {"NamespaceName": "", "ServiceName": service}
    attributes = {random.choice("xyz"): str(random.randrange(3)), "AWS_INSTANCE_IPV4": f"10.0.0.{random.randrange(9)}"}
    return random.choice([
        ("CreateService", {"Name": service, "NamespaceId": "", "HealthCheckCustomConfig": {},
                           "Description": random.choice(["", "d"])}),
        ("DeleteService", {"Id": service}), ("GetService", {"Id": service}),
        ("UpdateService", {"Id": service, "Service": {"Description": random.choice("def")}}),
        ("GetServiceAttributes", on), ("UpdateServiceAttributes", on | {"Attributes": {random.choice("kl"): "v"}}),
        ("DeleteServiceAttributes", on | {"Attributes": [random.choice("kl")]}),
        ("RegisterInstance", one | {"Attributes": attributes}), ("RegisterInstance", one | {"Attributes": attributes}),
        ("RegisterInstance", one | {"Attributes": {"AWS_INSTANCE_PORT": "x"}}), ("DeregisterInstance", one),
        ("GetInstance", one), ("ListInstances", on), ("GetInstancesHealthStatus", on),
        ("GetInstancesHealthStatus", on | {"Instances": [instance]}),
        ("UpdateInstanceCustomHealthStatus", one | {"Status": random.choice(["HEALTHY", "UNHEALTHY"])}),
        ("DiscoverInstances", names | {"HealthStatus": "ALL", "MaxResults": 1000}),
        ("DiscoverInstancesRevision", names), ("DiscoverInstances", names | {"QueryParameters": {"x": "1"}})])


def test_what_is_shared_is_as_ones_own(sharing, owner, consumer, places):
    """A consumer that works in a namespace by ARN, and an owner by ids in another: the same answers, call by call."""
    theirs, own = places(), places()
    sharing.share(theirs["arn"], CONSUMER)
    parties = Party(consumer, theirs, CONSUMER, True), Party(owner, own, OWNER, False)
    random, seen = Random(SEED), Counter()
    for _ in range(CALLS):
        operation, members = random_call(random)
        by_consumer, by_owner = (party.call(operation, members) for party in parties)
        assert by_consumer == by_owner, (operation, members)
        seen[operation, "error" not in by_owner] += 1
    assert len(seen) >= 24, seen


def test_ids_and_bare_names_are_the_callers_own(sharing, consumer, place):
    sharing.share(place["arn"], CONSUMER)
    consumer.fails("GetNamespace", "NamespaceNotFound", Id=place["id"])
    consumer.fails("CreateService", "NamespaceNotFound", Name="x", NamespaceId=place["id"])
    consumer.fails("GetService", "ServiceNotFound", Id=place["web_id"])
    consumer.fails("GetService", "ServiceNotFound", Id=place["arn"].replace(":namespace/", ":service/"))
    consumer.fails("RegisterInstance", "ServiceNotFound", ServiceId=place["web_id"], InstanceId="i", Attributes={})
    names = {"NamespaceName": place["name"], "ServiceName": "web"}
    consumer.fails("DiscoverInstances", "NamespaceNotFound", **names)
    consumer.fails("DiscoverInstances", "NamespaceNotFound", **names, OwnerAccount=OTHER)
    made = consumer.ok("RegisterInstance", ServiceId=place["web"], InstanceId="i",
                       Attributes={"AWS_INSTANCE_IPV4": "10.0.0.3"})["OperationId"]
    consumer.fails("GetOperation", "OperationNotFound", OperationId=made)
    consumer.ok("GetOperation", OperationId=made, OwnerAccount=OWNER)
    assert made not in [one["Id"] for one in consumer.ok("ListOperations")["Operations"]]


def test_what_the_owner_alone_may_do(sharing, owner, consumer, place):
    sharing.share(place["arn"], CONSUMER)
    message = consumer.fails("DeleteNamespace", "AccessDeniedException", Id=place["arn"])
    assert message.endswith("because no resource-based policy allows the servicediscovery:DeleteNamespace action")
    consumer.fails("UpdatePublicDnsNamespace", "AccessDeniedException", Id=place["arn"], Namespace={"Description": "x"})
    for call, more in (("TagResource", {"Tags": [{"Key": "k", "Value": "v"}]}), ("UntagResource", {"TagKeys": ["k"]}),
                       ("ListTagsForResource", {})):
        for arn in (place["arn"], place["web"]):
            consumer.fails(call, "ResourceNotFoundException", ResourceARN=arn, **more)
    # What others made.
    message = consumer.fails("DeleteService", "AccessDeniedException", Id=place["web"])
    assert "was created by another account" in message
    consumer.fails("UpdateService", "AccessDeniedException", Id=place["web"], Service={"Description": "x"})
    consumer.fails("UpdateServiceAttributes", "AccessDeniedException", ServiceId=place["web"], Attributes={"k": "v"})
    ours = {"ServiceId": place["web"], "InstanceId": "ours"}
    assert "was registered by another account" in consumer.fails("DeregisterInstance", "AccessDeniedException", **ours)
    consumer.fails("RegisterInstance", "AccessDeniedException", **ours, Attributes={"AWS_INSTANCE_IPV4": "10.9.9.9"})
    consumer.fails("UpdateInstanceCustomHealthStatus", "AccessDeniedException", **ours, Status="UNHEALTHY")
    # The owner may undo what a consumer made, and must, before the namespace can go.
    mine = consumer.ok("CreateService", Name="mine", NamespaceId=place["arn"])["Service"]["Arn"]
    done(consumer, "RegisterInstance", OWNER, ServiceId=mine, InstanceId="theirs", Attributes={"a": "1"})
    done(owner, "DeregisterInstance", ServiceId=place["web_id"], InstanceId="ours")
    owner.ok("DeleteService", Id=place["web_id"])
    owner.fails("DeleteNamespace", "ResourceInUse", Id=place["id"])
    owner.fails("UpdateService", "InvalidInput", Id=mine, Service={"Description": "x"})
    done(owner, "DeregisterInstance", ServiceId=mine, InstanceId="theirs")
    done(owner, "UpdateService", Id=mine, Service={"Description": "x"})
    owner.ok("DeleteService", Id=mine)
    done(owner, "DeleteNamespace", Id=place["id"])
    consumer.fails("GetNamespace", "NamespaceNotFound", Id=place["arn"])
    assert place["arn"] not in [one["namespace"] for one in sharing.ctl("policy", "shares")["shares"]]


def pages(sdk, operation, key, size=2, **members):
    """All items, so many a page."""
    items, more = [], {}
    while True:
        page = sdk.ok(operation, MaxResults=size, **members, **more)
        assert len(page[key]) <= size
        items += page[key]
        if "NextToken" not in page:
            return items
        more = {"NextToken": page["NextToken"]}


def owned_by(who):
    return {"Filters": [{"Name": "RESOURCE_OWNER", "Values": [who]}]}


def test_lists(sharing, owner, other, fresh):
    """Of what is shared, after what is one's own, in pages; and the filters."""
    shared, service = [], {}
    for _ in range(3):
        name = fresh()
        made = done(owner, "CreateHttpNamespace", Name=name)["Targets"]["NAMESPACE"]
        arn = owner.ok("GetNamespace", Id=made)["Namespace"]["Arn"]
        for one in ("a", "b", "c"):
            owner.ok("CreateService", Name=one, NamespaceId=made)
        sharing.share(arn, OTHER)
        shared.append(arn)
    mine = [done(other, "CreateHttpNamespace", Name=f"z{i}")["Targets"]["NAMESPACE"] for i in range(3)]
    service = other.ok("CreateService", Name="s", NamespaceId=mine[0])["Service"]["Id"]
    for size in (1, 2, 3, 4, 7):
        assert [one["Id"] for one in pages(other, "ListNamespaces", "Namespaces", size)] == mine + [
            arn.rpartition("/")[2] for arn in sorted(shared)]
    assert [one["Id"] for one in pages(other, "ListNamespaces", "Namespaces", **owned_by("SELF"))] == mine
    theirs = pages(other, "ListNamespaces", "Namespaces", **owned_by("OTHER_ACCOUNTS"))
    assert [(one["Arn"], one["ResourceOwner"]) for one in theirs] == [(arn, OWNER) for arn in sorted(shared)]
    assert owner.ok("ListNamespaces", **owned_by("OTHER_ACCOUNTS"))["Namespaces"] == []
    for size in (1, 2, 3, 4, 11):
        listed = pages(other, "ListServices", "Services", size)
        assert [one["Name"] for one in listed] == ["s"] + ["a", "b", "c"] * 3
    assert {(one["ResourceOwner"], one["CreatedByAccount"]) for one in listed[1:]} == {(OWNER, OWNER)}
    assert [one["Id"] for one in pages(other, "ListServices", "Services", **owned_by("SELF"))] == [service]
    assert len(pages(other, "ListServices", "Services", **owned_by("OTHER_ACCOUNTS"))) == 9
    one = {"Name": "NAMESPACE_ID", "Values": [shared[1]]}
    assert [one["Name"] for one in pages(other, "ListServices", "Services", Filters=[one])] == ["a", "b", "c"]
    assert other.ok("ListServices", Filters=[one] + owned_by("SELF")["Filters"])["Services"] == []
    one["Values"] = [shared[1].rpartition("/")[2]]
    assert other.ok("ListServices", Filters=[one])["Services"] == []
    # A policy that allows one thing shows no more than that.
    sharing.ctl("policy", "unshare", shared[0])
    with document(sharing, Action="servicediscovery:ListNamespaces", Principal={"AWS": OTHER}) as path:
        sharing.share(shared[1], "--document", path)
    assert [one["Arn"] for one in pages(other, "ListNamespaces", "Namespaces", **owned_by("OTHER_ACCOUNTS"))] == sorted(
        shared[1:])
    assert len(pages(other, "ListServices", "Services", **owned_by("OTHER_ACCOUNTS"))) == 3
    other.fails("GetNamespace", "AccessDeniedException", Id=shared[1])


@contextmanager
def document(sharing, **statement):
    """The file of a policy of one statement."""
    path = Path(sharing.daemon.data).parent / "share.json"
    path.write_text(json.dumps({"Version": "2012-10-17",
                                "Statement": {"Effect": "Allow", "Resource": "*"} | statement}))
    yield path
    path.unlink()


def everything(arn, web, name):
    """A call of each kind on it."""
    names = {"NamespaceName": name, "ServiceName": "web", "OwnerAccount": OWNER}
    on = {"ServiceId": web}
    return [("GetNamespace", {"Id": arn}), ("CreateService", {"Name": "n", "NamespaceId": arn}),
            ("DeleteNamespace", {"Id": arn}), ("GetService", {"Id": web}), ("DeleteService", {"Id": web}),
            ("UpdateService", {"Id": web, "Service": {}}), ("GetServiceAttributes", on),
            ("RegisterInstance", on | {"InstanceId": "x", "Attributes": {}}), ("ListInstances", on),
            ("GetInstance", on | {"InstanceId": "ours"}), ("DeregisterInstance", on | {"InstanceId": "ours"}),
            ("GetInstancesHealthStatus", on),
            ("UpdateInstanceCustomHealthStatus", on | {"InstanceId": "ours", "Status": "HEALTHY"}),
            ("DiscoverInstances", names), ("DiscoverInstancesRevision", names),
            ("ListTagsForResource", {"ResourceARN": arn}),
            ("ListServices", {"Filters": [{"Name": "NAMESPACE_ID", "Values": [arn]}]})]


def test_what_is_not_shared_is_not_there(sharing, node, owner, consumer, other, place):
    """Unsharing ends it at once; then, and to others always, it is as what never was, to a root and to a user."""
    ghost = everything(f"{place['arn'][:-4]}none", f"{place['web'][:-4]}none", "never-was.test")
    real = everything(place["arn"], place["web"], place["name"])

    def answers(sdk, calls):
        said = [sdk.call(operation, **members) for operation, members in calls]
        return [json.dumps(one).replace(place["arn"], "NS").replace(place["web"], "SRV")
                .replace(f"{place['arn'][:-4]}none", "NS").replace(f"{place['web'][:-4]}none", "SRV") for one in said]

    sharing.ctl("user", "create", "eve", "--account", CONSUMER)
    sharing.ctl("policy", "attach", "auditor", "--user", "eve", "--account", CONSUMER)
    with Sdk(node, sharing.daemon, sharing.ctl("key", "create", "--user", "eve", "--account", CONSUMER)) as eve:
        nothing = {sdk: answers(sdk, ghost) for sdk in (consumer, eve, other)}
        sharing.share(place["arn"], CONSUMER)
        assert answers(other, real) == nothing[other]
        seen = eve.ok("GetNamespace", Id=place["arn"])["Namespace"]
        assert seen["ResourceOwner"] == OWNER
        # Both accounts must allow it.
        message = eve.fails("CreateService", "AccessDeniedException", Name="n", NamespaceId=place["arn"])
        assert message.endswith("because no identity-based policy allows the servicediscovery:CreateService action")
        sharing.ctl("policy", "unshare", place["arn"])
        for sdk in (consumer, eve, other):
            assert answers(sdk, real) == nothing[sdk]
    assert place["arn"] not in json.dumps(consumer.ok("ListNamespaces"))
    owner.ok("GetService", Id=place["web_id"])


def test_the_record_says_whose_it_was(sharing, consumer, owner, place):
    sharing.share(place["arn"], CONSUMER)
    done(consumer, "RegisterInstance", OWNER, ServiceId=place["web"], InstanceId="audited",
         Attributes={"AWS_INSTANCE_IPV4": "10.0.0.4"})
    done(owner, "DeregisterInstance", ServiceId=place["web"], InstanceId="audited")
    seen = [one for one in sharing.records() if (one.get("requestParameters") or {}).get("instanceId") == "audited"]
    assert [one["eventName"] for one in seen] == ["RegisterInstance", "DeregisterInstance"]
    assert (seen[0]["userIdentity"]["accountId"], seen[0]["recipientAccountId"]) == (CONSUMER, CONSUMER)
    assert seen[0]["resources"] == [{"accountId": OWNER, "type": "AWS::ServiceDiscovery::Namespace",
                                     "ARN": place["arn"]}]
    assert "resources" not in seen[1] and seen[1]["recipientAccountId"] == OWNER
    made = next(one for one in reversed(sharing.records()) if one["eventName"] == "PutResourcePolicy")
    assert made["requestParameters"]["namespaceId"] == place["id"]
    assert json.loads(made["requestParameters"]["policy"])["Statement"]["Principal"] == {"AWS": CONSUMER}


class TestCommand:
    def test_a_share_is_kept(self, start_daemon):
        """Set, shown and removed, without a daemon too; and over a restart."""
        env = {"CLOUDMAP_ROOT_ACCESS_KEY_ID": KEY["access_key_id"],
               "CLOUDMAP_ROOT_SECRET_ACCESS_KEY": KEY["secret_access_key"]}
        daemon = start_daemon()
        ns = daemon.api.done("CreateHttpNamespace", Name="kept")["Targets"]["NAMESPACE"]
        arn = daemon.api.ok("GetNamespace", Id=ns)["Namespace"]["Arn"]
        sharing = Sharing(daemon)
        made = sharing.share(arn, CONSUMER)
        assert made["namespace"] == arn
        assert json.loads(made["document"])["Statement"]["Principal"] == {"AWS": CONSUMER}
        # Another policy takes its place, and says whose it was.
        assert "replaced" not in made and "replaced" not in sharing.share(arn, CONSUMER)
        assert sharing.share(arn, OTHER)["replaced"] == CONSUMER
        assert "Replaced" in cloudmapctl("--data", daemon.data, "policy", "share", arn, CONSUMER).stdout
        # In open mode there is one account: it sees nothing of another's, and its own as ever.
        assert [one["Arn"] for one in daemon.api.ok("ListNamespaces")["Namespaces"]] == [arn]
        daemon.stop()
        assert sharing.ctl("policy", "shares") == {"shares": [{"namespace": arn, "with": [CONSUMER],
                                                               "document": made["document"]}]}
        table = cloudmapctl("--data", daemon.data, "policy", "shares")
        assert arn in table.stdout and CONSUMER in table.stdout and "Statement" not in table.stdout
        sharing.ctl("policy", "unshare", arn)
        assert sharing.ctl("policy", "shares") == {"shares": []}
        sharing.share(arn, OTHER)
        daemon = start_daemon({"auth.mode": "required"}, env=env, data=daemon.data)
        assert sharing.ctl("policy", "shares")["shares"][0]["with"] == [OTHER]

    @pytest.mark.parametrize("words, why", [
        (["share", "ns-1", CONSUMER], "which namespace: arn:aws:servicediscovery:REGION:ACCOUNT:namespace/ID"),
        (["share", f"arn:aws:servicediscovery:us-east-1:{OWNER}:service/srv-1", CONSUMER], "which namespace"),
        (["share", f"arn:aws:servicediscovery:us-east-1:{OWNER}:namespace/ns-1"], "an ACCOUNT, or --document FILE"),
        (["share", f"arn:aws:servicediscovery:us-east-1:{OWNER}:namespace/ns-1", "bob"], "an account is 12 digits"),
        (["share", f"arn:aws:servicediscovery:us-east-1:{OWNER}:namespace/ns-1", OWNER], "that account's own"),
        (["share", f"arn:aws:servicediscovery:us-east-1:{OWNER}:namespace/ns-1", OTHER], "there is no namespace ns-1"),
        (["unshare", f"arn:aws:servicediscovery:us-east-1:{OWNER}:namespace/ns-1"], "there is no namespace ns-1"),
        (["share"], "policy share needs a namespace"), (["shares", "x"], "unexpected argument")])
    def test_what_is_refused(self, sharing, words, why):
        done = cloudmapctl("--data", sharing.daemon.data, "policy", *words)
        assert done.returncode != 0 and why in done.stderr

    def test_a_document_is_checked(self, sharing, place):
        with document(sharing, Action="servicediscovery:*") as path:
            done = cloudmapctl("--data", sharing.daemon.data, "policy", "share", place["arn"], "--document", path)
        assert done.returncode != 0 and "the policy, line 1: Statement 1: Principal is missing" in done.stderr
