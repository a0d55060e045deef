# SPDX-License-Identifier: Apache-2.0
"""Two tenants in one daemon, and each of them alone in a daemon of its own, which hears the same calls without the
neighbour's. A tenant that its neighbour cannot be seen, counted or guessed by gets the same answers in both, to the byte:
but for the ids that are random, which are told apart and mapped onto each other as they come; for times; and for
signatures. What the neighbour has is in the tenant's own daemon something that never was."""

import json
import re
import time
from collections import Counter
from random import Random

from support.program import cloudmapctl
from support.signing import Credentials
from support.tenant_calls import REGIONS, Call, Caller
from support.tenant_wire import CLOUD_MAP, CLOUD_TRAIL, Wire, signed

ACCOUNTS = {"A": "111111111111", "B": "222222222222"}
LIMITS = {"auth.mode": "required", "api.regions": REGIONS[1], "limits.namespaces": 12, "limits.services_per_namespace": 6,
          "limits.instances_per_service": 6, "operations.max": 300}
# Of an account that nobody uses: a daemon that asks for signatures does not start without a key.
FIRST_KEY = {"CLOUDMAP_ROOT_ACCESS_KEY_ID": "AKIANOBODYSROOTSKEY2", "CLOUDMAP_ROOT_SECRET_ACCESS_KEY": "n" * 40}
USERS = {"admin": "admin", "registrar": "registrar", "discoverer": "discoverer", "auditor": "auditor"}
PRINCIPALS = ["admin", "admin", "admin", "registrar", "discoverer", "auditor", "keeper", "worker", "worker", "narrow",
              "stolen"]
LISTS = {"ListNamespaces": "Namespaces", "ListServices": "Services", "ListInstances": "Instances",
         "ListOperations": "Operations", "DiscoverInstances": "Instances", "LookupEvents": "Events"}
RANDOM = re.compile(r"[a-z2-7]{32}-[0-9a-z]{8}"                # an operation
                    r"|(?<![a-z0-9])[a-z2-7]{16}(?![a-z0-9])"  # in the ids of namespaces, services, HTTP names
                    r"|Z[A-Z0-9]{20}|A(?:KI|SI|ID|RO)A[A-Z2-7]{16,17}|[0-9a-f]{36,}"
                    r"|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
TIMES = re.compile(r'(?<="CreateDate":)[ 0-9.E]+|(?<="UpdateDate":)[ 0-9.E]+|(?<="InstancesRevision":)[0-9]+'
                   r"|(?<=<RequestId>)[^<]*|(?<=<Expiration>)[^<]*|(?<=<SecretAccessKey>)[^<]*|(?<=<SessionToken>)[^<]*")
HEADERS = re.compile(r"(?<=x-amzn-requestid: )\S+|(?<=content-length: )\S+|(?<=date: )[^\r]+", re.I)
MARKS = re.compile(r"\b(?:mk|nm|rq)[AB][a-z2-7-]+")


class Leak(AssertionError):
    """A tenant was told of its neighbour, or felt it."""


def ctl(daemon, account, *words):
    done = cloudmapctl("--data", daemon.data, "-o", "json", *words, "--account", account)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def _document(folder, name, *statements):
    path = folder / f"{name}.json"
    path.write_text(json.dumps({"Version": "2012-10-17", "Statement": statements}))
    return path


def populate(daemon, letter, folder):
    """Users and roles of an account; {who: credentials}."""
    account, told = ACCOUNTS[letter], {}

    def key(*whose):
        made = ctl(daemon, account, "key", "create", *whose)
        return Credentials(made["access_key_id"], made["secret_access_key"])

    told["root"] = key("--root")
    keeper = _document(folder, f"keeper-{letter}", {
        "Effect": "Allow", "Action": "servicediscovery:*", "Resource": "*",
        "Condition": {"StringNotEquals": {"aws:ResourceTag/team": "nobody"}}}, {
        "Effect": "Deny", "Action": "servicediscovery:Delete*",
        "Resource": f"arn:aws:servicediscovery:*:{account}:service/*"}, {
        "Effect": "Deny", "Action": "servicediscovery:Discover*", "Resource": "*",
        "Condition": {"StringEquals": {"servicediscovery:NamespaceName": ["shop1", "nmAaaa"]}}})
    for user in (*USERS, "keeper"):
        ctl(daemon, account, "user", "create", user)
        ctl(daemon, account, "policy", "attach", USERS.get(user, "own"), "--user", user,
            *([] if user in USERS else ["--document", keeper]))
        told[user] = key("--user", user)
    trust = _document(folder, f"trust-{letter}", {"Effect": "Allow", "Action": "sts:AssumeRole",
                                                  "Principal": {"AWS": account}})
    for role, policy in (("worker", "admin"), ("reader", "auditor")):
        ctl(daemon, account, "role", "create", role, "--trust", trust)
        ctl(daemon, account, "policy", "attach", policy, "--role", role)
    return told


def assume(wire, credentials, account, **more):
    """A session of the role `worker`."""
    body = "&".join(f"{key}={value}" for key, value in {
        "Action": "AssumeRole", "Version": "2011-06-15", "RoleSessionName": "work",
        "RoleArn": f"arn:aws:iam::{account}:role/worker", **more}.items()).encode()
    wire.send(signed(credentials, REGIONS[0], (None, None), body))
    status, _, text = wire.receive()
    assert status == 200, text
    return Credentials(*(re.search(f"<{name}>([^<]*)<", text)[1].replace("&amp;", "&")
                         for name in ("AccessKeyId", "SecretAccessKey", "SessionToken")))


class Tenant:
    """A tenant in the shared daemon and alone: what it may do there, and which id here is which there."""

    def __init__(self, letter, seed, shared, alone, folder):
        self.letter, self.account = letter, ACCOUNTS[letter]
        self.neighbour = "B" if letter == "A" else "A"
        self.caller = Caller(letter, self.account, ACCOUNTS[self.neighbour], PRINCIPALS, Random(f"{seed}{letter}"))
        self.wires, self.credentials = (Wire(shared), Wire(alone)), []
        for daemon, wire in zip((shared, alone), self.wires):
            told = populate(daemon, letter, folder)
            told["worker"] = assume(wire, told["root"], self.account)
            told["narrow"] = assume(wire, told["root"], self.account, Policy=(
                '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"servicediscovery:List*",'
                '"Resource":"*"}]}').replace(" ", "%20"))
            self.credentials.append(told)
        self.there, self.here = {}, {}  # ids of the shared daemon to those of the own one, and back
        self.said, self.names = set(), {}  # the HTTP names of namespaces

    def steal(self, token):
        """`stolen` signs with its own key and a session token of the neighbour's."""
        for told in self.credentials:
            told["stolen"] = Credentials(told["root"].key, told["root"].secret, token)

    def translate(self, text):
        return RANDOM.sub(lambda match: self.there.get(match[0], match[0]), text)

    def send(self, call):
        self.said.update(MARKS.findall(call.body), re.findall(r"[12]{12}", call.body))
        for wire, told, body in zip(self.wires, self.credentials, (call.body, self.translate(call.body))):
            wire.send(signed(told[call.who], call.region, call.target, body.encode()))

    def receive(self, call):
        """The answer in the shared daemon, after it was found to be what the own one answers."""
        answers = [wire.receive() for wire in self.wires]
        try:
            return self._judge(call, *answers)
        except Leak as leak:
            raise Leak(f"{leak}\n  call   {call}\n  shared {answers[0]}\n  alone  {answers[1]}") from None

    # The judgement

    def _judge(self, call, shared, alone):
        self._look_for_marks(call, shared[1] + shared[2])
        if shared[0] != alone[0]:
            raise Leak("another status")
        if HEADERS.sub("", shared[1]) != HEADERS.sub("", alone[1]):
            raise Leak("other headers")
        if call.operation == "LookupEvents" and shared[0] == 200:
            self._look_at_events(shared[2])
        elif "NextToken" not in call.body or shared[0] != 200:
            self._compare(call, shared[2], alone[2])
        self._learn(call, shared, alone)
        return shared

    def _look_for_marks(self, call, text):
        for mark in MARKS.findall(text):
            if mark[2] == self.neighbour and mark not in self.said:
                raise Leak(f"the neighbour's {mark}")
        if ACCOUNTS[self.neighbour] in text and ACCOUNTS[self.neighbour] not in self.said:
            raise Leak("the neighbour's account")

    def _look_at_events(self, text):
        for event in json.loads(text)["Events"]:
            told = json.loads(event["CloudTrailEvent"])
            if told["recipientAccountId"] != self.account or told["userIdentity"]["accountId"] != self.account:
                raise Leak("a record of another account")

    def _compare(self, call, shared, alone):
        key = LISTS.get(call.operation)
        if not key or '"__type"' in shared:
            self._unify(self._plain(shared, True), self._plain(alone, False))
            return
        both = [json.loads(text) for text in (shared, alone)]
        if len(both[0][key]) != len(both[1][key]):
            raise Leak("a page of another length")
        # What stands on which page may follow from ids (of things of one name), what stands on all of them does not.
        lists = [sorted(self._plain(json.dumps(item), is_shared)
                        for item in told[key] + self._further(call, told, key, 1 - is_shared))
                 for told, is_shared in zip(both, (True, False))]
        self._unify(*("\n".join(items) for items in lists))

    def _further(self, call, told, key, i):
        """What the further pages of a list have."""
        items = []
        while "NextToken" in told:
            body = json.loads(call.body if i == 0 else self.translate(call.body))
            body = json.dumps(body | {"MaxResults": 100, "NextToken": told["NextToken"]}).encode()
            self.wires[i].send(signed(self.credentials[i][call.who], call.region, call.target, body))
            status, _, text = self.wires[i].receive()
            told = json.loads(text) if status == 200 else {key: [status, text]}
            items += told[key]
        return items

    def _plain(self, text, is_shared):
        """An answer in the words of the own daemon, without times."""
        return TIMES.sub("", self.translate(text) if is_shared else text)

    def _unify(self, shared, alone):
        if shared == alone:
            return
        if RANDOM.sub("?", shared) != RANDOM.sub("?", alone):
            raise Leak(f"another answer:\n  {shared}\n  {alone}")
        for one, other in zip(RANDOM.findall(shared), RANDOM.findall(alone)):
            if one == other or self.there.get(one) == other:
                continue
            if one in self.there or other in self.here or one in self.here:
                raise Leak(f"{one} stands for {other}")
            self.there[one], self.here[other] = other, one

    # What becomes known

    def _learn(self, call, shared, alone):
        if shared[0] != 200 or not shared[2].startswith("{"):
            return
        told, there, pool = json.loads(shared[2]), json.loads(alone[2]), self.caller.pool
        if "NextToken" in told and "NextToken" in there:
            pool.add("token", told["NextToken"])
            self.there[told["NextToken"]] = there["NextToken"]
        if "OperationId" in told:
            pool.add("operation", told["OperationId"])
        for event in told.get("Events", ()):
            pool.add("event", event["EventId"])
        if call.operation in ("DeleteNamespace", "DeleteService") and self.caller.chance(0.9):
            pool.drop("ns" if call.operation == "DeleteNamespace" else "srv", call.asked["Id"].rpartition("/")[2])
        if "Service" in told:
            pool.add("srv", told["Service"]["Id"])
        if call.operation == "CreateService" and told["Service"]["NamespaceId"] in self.names:
            pool.add("service of a namespace", (self.names[told["Service"]["NamespaceId"]], told["Service"]["Name"]))

    def exchange(self, operation, region, **members):
        """A call of root's, in between; the answer in the shared daemon."""
        call = Call("root", region, (CLOUD_MAP, operation), json.dumps(members), members)
        self.send(call)
        status, _, body = self.receive(call)
        return json.loads(body) if status == 200 and body else {}

    def follow(self, call, answer):
        """Of a new namespace the ids, which its operation tells."""
        if not call.operation.startswith("Create") or answer[0] != 200:
            return
        told = json.loads(answer[2])
        if "OperationId" not in told:
            return
        operation = self.exchange("GetOperation", call.region, OperationId=told["OperationId"])["Operation"]
        if "NAMESPACE" in operation["Targets"]:
            self.caller.pool.add("ns", operation["Targets"]["NAMESPACE"])
            told = self.exchange("GetNamespace", call.region, Id=operation["Targets"]["NAMESPACE"])
            namespace = told.get("Namespace")
            if not namespace:  # a repetition: it was deleted since
                return
            self.names[namespace["Id"]] = namespace["Properties"]["HttpProperties"]["HttpName"]

    # Everything it has

    def walk(self, operation, region, **members):
        """All items, page by page."""
        token, items = {}, []
        while True:
            told = self.exchange(operation, region, **members, **token)
            items += told[LISTS[operation]]
            if "NextToken" not in told:
                return items
            token = {"NextToken": told["NextToken"]}

    def state(self):
        """Looks at everything; how many things there are."""
        return sum(self._namespaces(region) + self._services(region) + self._operations(region) for region in REGIONS)

    def _namespaces(self, region):
        found = self.walk("ListNamespaces", region)
        for one in found:
            self.exchange("GetNamespace", region, Id=one["Id"])
            self.exchange("ListTagsForResource", region, ResourceARN=one["Arn"])
        return len(found)

    def _services(self, region):
        n, names = 0, {one["Id"]: one["Properties"]["HttpProperties"]["HttpName"]
                       for one in self.walk("ListNamespaces", region)}
        for namespace, name in names.items():
            filters = [{"Name": "NAMESPACE_ID", "Values": [namespace]}]
            for one in self.walk("ListServices", region, Filters=filters):
                n += 1 + self._service(region, one, name)
        return n

    def _service(self, region, service, namespace):
        self.exchange("GetService", region, Id=service["Id"])
        self.exchange("GetServiceAttributes", region, ServiceId=service["Id"])
        self.exchange("ListTagsForResource", region, ResourceARN=service["Arn"])
        self.exchange("GetInstancesHealthStatus", region, ServiceId=service["Id"])
        names = {"NamespaceName": namespace, "ServiceName": service["Name"]}
        self.exchange("DiscoverInstances", region, **names, HealthStatus="ALL")
        self.exchange("DiscoverInstances", region, **names)
        found = self.walk("ListInstances", region, ServiceId=service["Id"])
        for one in found:
            self.exchange("GetInstance", region, ServiceId=service["Id"], InstanceId=one["Id"])
        return len(found)

    def _operations(self, region):
        found = self.walk("ListOperations", region)
        for one in found[::10]:
            self.exchange("GetOperation", region, OperationId=one["Id"])
        return len(found)

    def check_records(self):
        """The audit trail tells of the same changes here and there; how many."""
        both = [self._records(i) for i in (0, 1)]
        if both[0] != both[1]:
            raise Leak(f"other records of {self.letter}: {both[0] - both[1]}, {both[1] - both[0]}")
        return both[0].total()

    def _records(self, i):
        """How many of each kind of change."""
        found = Counter()
        for region in REGIONS:
            asked = {"LookupAttributes": [{"AttributeKey": "ReadOnly", "AttributeValue": "false"}]}
            while asked:
                self.wires[i].send(signed(self.credentials[i]["root"], region, (CLOUD_TRAIL, "LookupEvents"),
                                          json.dumps(asked).encode()))
                status, _, body = self.wires[i].receive()
                assert status == 200, body
                told = json.loads(body)
                records = [json.loads(event["CloudTrailEvent"]) for event in told["Events"]]
                # What was refused may be dropped; what was done is in the commit that did it.
                found.update((region, one["eventName"], one["userIdentity"].get("arn")) for one in records
                             if "errorCode" not in one)
                asked = "NextToken" in told and asked | {"NextToken": told["NextToken"]}
        return found

    def close(self):
        for wire in self.wires:
            wire.close()


def run(start, folder, calls, seed, progress=lambda line: None):
    """That many calls, half of each tenant, two at a time; what was done, as a line. `start` makes a daemon."""
    shared = start(LIMITS, env=FIRST_KEY)
    tenants = [Tenant(letter, seed, shared, start(LIMITS, env=FIRST_KEY), folder) for letter in ACCOUNTS]
    for tenant, other in (tenants, tenants[::-1]):
        tenant.caller.other = other.caller.pool
        tenant.steal(other.credentials[0]["worker"].token)
    counts, began, told = {}, time.monotonic(), time.monotonic()
    for step in range(calls // 2):
        try:
            _step(tenants, counts)
            if step % 2500 == 2499 or step == calls // 2 - 1:
                things = [tenant.state() for tenant in tenants]
        except Leak as leak:
            raise Leak(f"seed {seed}, step {step}: {leak}") from None
        if time.monotonic() - told > 5:
            told = time.monotonic()
            progress(f"{2 * step} calls, {2 * step / (told - began):.0f}/s, {counts.get(200, 0)} of them done")
    records = sum(tenant.check_records() for tenant in tenants)
    for tenant in tenants:
        tenant.close()
    done = ", ".join(f"{n} x {status}" for status, n in sorted(counts.items()))
    return (f"tenants: {calls} calls with seed {seed} in {time.monotonic() - began:.0f} s ({done}); "
            f"at the end {things[0]} and {things[1]} things, {records} records of changes; no difference to each tenant alone")


def _step(tenants, counts):
    calls = [tenant.caller.call() for tenant in tenants]
    for tenant, call in zip(tenants, calls):
        tenant.send(call)
    for tenant, call in zip(tenants, calls):
        answer = tenant.receive(call)
        counts[answer[0]] = counts.get(answer[0], 0) + 1
        tenant.follow(call, answer)
