# SPDX-License-Identifier: Apache-2.0
"""Random calls of one tenant: every operation of Cloud Map, STS and CloudTrail, with ids, ARNs, names and tokens of its
own, of the neighbour's and of nobody's.

What the neighbour may never see is marked: `mkA...` in what only A says; `nmA...` is a name that a neighbour may guess,
and does."""

import json
from urllib.parse import urlencode

from support.tenant_wire import CLOUD_MAP, CLOUD_TRAIL

REGIONS = ("us-east-1", "eu-west-1")
ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
KEPT = 200  # of each kind, the newest


class Pool:
    """What an account has seen of its own: the newest ids, names and tokens by kind."""

    def __init__(self):
        self.of = {}

    def add(self, kind, text):
        kept = self.of.setdefault(kind, [])
        if text not in kept:
            kept.append(text)
            del kept[:-KEPT]

    def drop(self, kind, text):
        """What is gone, and of interest no more."""
        if text in self.of.get(kind, ()):
            self.of[kind].remove(text)


class Call:
    """Who, where, what; in the words of the world that both tenants share."""

    def __init__(self, who, region, target, body, asked=None):
        self.who, self.region, self.target, self.body, self.asked = who, region, target, body, asked

    @property
    def operation(self):
        return self.target[1] or self.asked["Action"]

    def __repr__(self):
        return f"{self.who} {self.region} {self.operation} {self.body}"


class Caller:
    """One tenant's calls. `principals` are the names that its worlds know credentials for."""

    def __init__(self, letter, account, other_account, principals, random):
        self.letter, self.account, self.other_account = letter, account, other_account
        self.principals, self.random = principals, random
        self.pool, self.other = Pool(), None  # `other` is the neighbour's pool
        self.region = REGIONS[0]  # of the call that is being made
        self.operations = [name[3:] for name in dir(self) if name.startswith("op_")]

    # Words

    def chance(self, share):
        return self.random.random() < share

    def _letters(self, n):
        return "".join(self.random.choices(ALPHABET, k=n))

    def secret(self):
        return f"mk{self.letter}{self._letters(9)}"

    def name(self):
        return self.random.choice((f"shop{self.random.randrange(4)}", f"nm{self.letter}{self._letters(3)}"))

    def known(self, kind, nobodys):
        """Mostly our own, often the neighbour's, sometimes what never was."""
        x = self.random.random()
        pool = self.pool if x < 0.75 else self.other if x < 0.95 else None
        kept = pool and pool.of.get(kind)
        return self.random.choice(kept) if kept else nobodys()

    def id(self, kind):
        return self.known(kind, lambda: f"{kind}-{self._letters(16)}")

    def arn(self, kind, text):
        region = self.region if self.chance(0.9) else self.random.choice(REGIONS)
        account = self.account if self.chance(0.8) else self.other_account
        path = {"ns": "namespace", "srv": "service"}[kind]
        return f"arn:aws:servicediscovery:{region}:{account}:{path}/{text}"

    def reference(self, kind):
        """By id, or by ARN: of either account, whoever's the id is."""
        text = self.id(kind)
        return self.arn(kind, text) if self.chance(0.3) else text

    def operation_id(self):
        return self.known("operation", lambda: f"{self._letters(32)}-m{self._letters(7)}")

    def instance_id(self):
        return self.known("instance", lambda: f"i-{self.random.randrange(8)}")

    def tags(self):
        return [{"Key": self.random.choice(("team", "env", self.secret())), "Value": self.secret()}
                for _ in range(self.random.randrange(3))]

    def attributes(self):
        told = {self.random.choice(("color", "zone", self.secret())): self.secret()
                for _ in range(self.random.randrange(4))}
        if self.chance(0.5):
            told["AWS_INSTANCE_IPV4"] = f"10.0.0.{self.random.randrange(1, 250)}"
        if self.chance(0.2):
            told["AWS_INIT_HEALTH_STATUS"] = self.random.choice(("HEALTHY", "UNHEALTHY"))
        return told

    def some(self, **members):
        """Members that are there half of the time."""
        return {key: make() for key, make in members.items() if self.chance(0.5)}

    def request_id(self):
        def fresh():
            text = f"rq{self.letter}{self._letters(6)}"
            self.pool.add("request", text)
            return text
        return fresh() if self.chance(0.5) else self.known("request", fresh)

    def page(self):
        told = {"MaxResults": self.random.randrange(1, 8)} if self.chance(0.6) else {}
        if self.chance(0.15):
            told["NextToken"] = self.known("token", lambda: self._letters(60).encode().hex())
        return told

    def filters(self, **values):
        name = self.random.choice(sorted(values))
        return [{"Name": name, "Values": [values[name]()], "Condition": "EQ"}] if self.chance(0.5) else []

    def owner(self):
        return self.random.choice((self.account, self.other_account))

    # Cloud Map

    def _namespace(self, suffix):
        name = self.known("name", self.name) if self.chance(0.4) else self.name()
        # A DNS name of one tenant is refused to others, and says so: apart by a suffix of their own.
        name = name if suffix is None else f"{name.partition('.')[0]}.{self.letter.lower()}.{suffix}"
        self.pool.add("name", name)
        return {"Name": name} | self.some(CreatorRequestId=self.request_id, Description=self.secret, Tags=self.tags)

    def op_CreateHttpNamespace(self):
        return self._namespace(None)

    def op_CreatePrivateDnsNamespace(self):
        return self._namespace("internal") | {"Vpc": f"vpc-{self.random.randrange(2)}"}

    def op_CreatePublicDnsNamespace(self):
        return self._namespace("example")

    def op_DeleteNamespace(self):
        return {"Id": self.reference("ns")}

    def op_GetNamespace(self):
        return {"Id": self.reference("ns")}

    def op_UpdateHttpNamespace(self):
        return {"Id": self.reference("ns"), "Namespace": {"Description": self.secret()}} | self.some(
            UpdaterRequestId=self.request_id)

    def op_UpdatePrivateDnsNamespace(self):
        return self.op_UpdateHttpNamespace()

    def op_UpdatePublicDnsNamespace(self):
        return self.op_UpdateHttpNamespace()

    def op_ListNamespaces(self):
        filters = self.filters(TYPE=lambda: "HTTP", NAME=lambda: self.known("name", self.name),
                               HTTP_NAME=lambda: self.known("name", self.name),
                               RESOURCE_OWNER=lambda: self.random.choice(("SELF", "OTHER_ACCOUNTS")))
        return {"Filters": filters} | self.page()

    def op_CreateService(self):
        name = self.known("service name", self.name) if self.chance(0.3) else self.name()
        self.pool.add("service name", name)
        told = {"Name": name, "NamespaceId": self.reference("ns")} | self.some(
            CreatorRequestId=self.request_id, Description=self.secret, Tags=self.tags)
        if self.chance(0.3):
            told["HealthCheckCustomConfig"] = {"FailureThreshold": 1}
        if self.chance(0.3):
            told["DnsConfig"] = {"DnsRecords": [{"Type": "A", "TTL": 60}]}
        return told

    def op_DeleteService(self):
        return {"Id": self.reference("srv")}

    def op_GetService(self):
        return {"Id": self.reference("srv")}

    def op_UpdateService(self):
        return {"Id": self.reference("srv"), "Service": {"Description": self.secret()}}

    def op_ListServices(self):
        filters = self.filters(NAMESPACE_ID=lambda: self.reference("ns"),
                               RESOURCE_OWNER=lambda: self.random.choice(("SELF", "OTHER_ACCOUNTS")))
        return {"Filters": filters} | self.page()

    def op_GetServiceAttributes(self):
        return {"ServiceId": self.reference("srv")}

    def op_UpdateServiceAttributes(self):
        return {"ServiceId": self.reference("srv"), "Attributes": {self.random.choice("abc"): self.secret()}}

    def op_DeleteServiceAttributes(self):
        return {"ServiceId": self.reference("srv"), "Attributes": [self.random.choice("abc")]}

    def op_RegisterInstance(self):
        instance = f"i-{self.random.randrange(8)}" if self.chance(0.6) else f"nm{self.letter}-{self._letters(2)}"
        self.pool.add("instance", instance)
        return {"ServiceId": self.reference("srv"), "InstanceId": instance, "Attributes": self.attributes()} | self.some(
            CreatorRequestId=self.request_id)

    def op_DeregisterInstance(self):
        return {"ServiceId": self.reference("srv"), "InstanceId": self.instance_id()}

    def op_GetInstance(self):
        return {"ServiceId": self.reference("srv"), "InstanceId": self.instance_id()}

    def op_ListInstances(self):
        return {"ServiceId": self.reference("srv")} | self.page()

    def op_GetInstancesHealthStatus(self):
        told = {"ServiceId": self.reference("srv")} | self.page()
        return told | ({"Instances": [self.instance_id()]} if self.chance(0.3) else {})

    def op_UpdateInstanceCustomHealthStatus(self):
        return {"ServiceId": self.reference("srv"), "InstanceId": self.instance_id(),
                "Status": self.random.choice(("HEALTHY", "UNHEALTHY"))}

    def op_DiscoverInstances(self):
        told = self.op_DiscoverInstancesRevision() | self.some(
            HealthStatus=lambda: self.random.choice(("HEALTHY", "UNHEALTHY", "ALL", "HEALTHY_OR_ELSE_ALL")))
        return told | ({"QueryParameters": {"zone": self.secret()}} if self.chance(0.1) else {})

    def op_DiscoverInstancesRevision(self):
        namespace, service = self.known("service of a namespace", lambda: (self.name(), self.name()))
        told = {"NamespaceName": namespace, "ServiceName": service}
        return told | ({"OwnerAccount": self.owner()} if self.chance(0.2) else {})

    def op_GetOperation(self):
        told = {"OperationId": self.operation_id()}
        return told | ({"OwnerAccount": self.owner()} if self.chance(0.2) else {})

    def op_ListOperations(self):
        filters = self.filters(NAMESPACE_ID=lambda: self.id("ns"), SERVICE_ID=lambda: self.id("srv"),
                               STATUS=lambda: "SUCCESS", TYPE=lambda: "CREATE_NAMESPACE")
        return {"Filters": filters} | self.page()

    def _tagged(self):
        kind = self.random.choice(("ns", "srv"))
        return {"ResourceARN": self.arn(kind, self.id(kind))}

    def op_TagResource(self):
        return self._tagged() | {"Tags": self.tags()}

    def op_UntagResource(self):
        return self._tagged() | {"TagKeys": [self.random.choice(("team", "env"))]}

    def op_ListTagsForResource(self):
        return self._tagged()

    # CloudTrail and STS

    def lookup_events(self):
        told = {"MaxResults": self.random.randrange(1, 10)}
        if self.chance(0.5):
            key, value = self.random.choice((
                ("ResourceName", self.id("ns")), ("ResourceName", self.arn("srv", self.id("srv"))),
                ("Username", self.random.choice(("admin", "keeper", "root"))), ("EventName", "RegisterInstance"),
                ("EventId", self.known("event", lambda: "0" * 8))))
            told["LookupAttributes"] = [{"AttributeKey": key, "AttributeValue": value}]
        return told

    def sts(self):
        if self.chance(0.5):
            return {"Action": "GetCallerIdentity", "Version": "2011-06-15"}
        role = f"arn:aws:iam::{self.owner()}:role/{self.random.choice(('worker', 'reader', 'nobody'))}"
        told = {"Action": "AssumeRole", "Version": "2011-06-15", "RoleArn": role, "RoleSessionName": "fuzz"}
        if self.chance(0.2):
            told["Policy"] = json.dumps({"Version": "2012-10-17", "Statement": [
                {"Effect": "Allow", "Action": "servicediscovery:Get*", "Resource": "*"}]})
        return told

    # One

    def call(self):
        who = "root" if self.chance(0.5) else self.random.choice(self.principals)
        region = self.region = REGIONS[0] if self.chance(0.85) else REGIONS[1]
        x = self.random.random()
        if x < 0.02:
            return Call(who, region, (CLOUD_TRAIL, "LookupEvents"), json.dumps(self.lookup_events()))
        if x < 0.04:
            asked = self.sts()
            return Call(who, region, (None, None), urlencode(asked), asked)
        operation = self.random.choice(self.operations)
        if operation.startswith("De"):  # as much comes as goes
            operation = self.random.choice((operation, "CreateService", "RegisterInstance"))
        asked = getattr(self, f"op_{operation}")()
        return Call(who, region, (CLOUD_MAP, operation), json.dumps(asked), asked)
