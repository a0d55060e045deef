# SPDX-License-Identifier: Apache-2.0
"""kill -9 under concurrent writers: everything acknowledged is there, nothing that was not is half there. The long
version is tests/fault."""

import http.client
import threading

import pytest

WRITERS = 8
ROUNDS = 3
ENOUGH = 200  # acknowledged writes before the crash


class Writer(threading.Thread):
    """Registers, replaces and deregisters its own instances until the connection breaks; remembers what was
    acknowledged and what was asked last."""

    def __init__(self, api, service, number, counter):
        super().__init__()
        self.api, self.service, self.number, self.counter = api, service, number, counter
        self.sure, self.asked, self.fault = {}, None, None

    def run(self):
        try:
            for turn in range(100000):
                self.write(turn)
                self.counter.release()
        except (OSError, http.client.HTTPException):
            pass  # the crash
        except AssertionError as fault:
            self.fault = fault

    def write(self, turn):
        name = f"w{self.number}-{turn % 10}"
        value = {"turn": str(turn), "again": str(turn)} if turn % 3 else None
        if value is None and name not in self.sure:
            return
        self.asked = (name, value)
        if value is None:
            self.api.ok("DeregisterInstance", ServiceId=self.service, InstanceId=name)
            del self.sure[name]
        else:
            self.api.ok("RegisterInstance", ServiceId=self.service, InstanceId=name, Attributes=value)
            self.sure[name] = value
        self.asked = None


@pytest.fixture
def crashing(start_daemon):
    daemon = start_daemon()
    return daemon, daemon.api.service(daemon.api.namespace("h"), "s")


def test_what_was_acknowledged_is_there(crashing):
    daemon, service = crashing
    for _ in range(ROUNDS):
        before = {one["Id"] for one in daemon.api.items("ListInstances", "Instances", ServiceId=service)}
        for name in before:
            daemon.api.deregister(service, name)
        counter = threading.Semaphore(0)
        writers = [Writer(daemon.api, service, number, counter) for number in range(WRITERS)]
        for writer in writers:
            writer.start()
        for _ in range(ENOUGH):
            assert counter.acquire(timeout=60)
        daemon.kill9()
        for writer in writers:
            writer.join()
            assert writer.fault is None, writer.fault
        daemon.start()
        stored = {one["Id"]: one["Attributes"]
                  for one in daemon.api.items("ListInstances", "Instances", ServiceId=service)}
        found = {name: one["Attributes"]
                 for name, one in daemon.api.discover("h", "s", MaxResults=1000).items()}
        assert found == stored
        expected = {}
        for writer in writers:
            expected |= writer.sure
            if writer.asked:  # in flight: the old value or the new one, nothing between
                name, value = writer.asked
                assert stored.get(name) in (writer.sure.get(name), value), (name, stored.get(name))
                expected.pop(name, None)
                stored.pop(name, None)
        assert stored == expected


def test_a_stop_finishes_what_was_accepted(crashing):
    daemon, service = crashing
    counter = threading.Semaphore(0)
    writers = [Writer(daemon.api, service, number, counter) for number in range(WRITERS)]
    for writer in writers:
        writer.start()
    for _ in range(ENOUGH):
        assert counter.acquire(timeout=60)
    assert daemon.stop() == 0
    for writer in writers:
        writer.join()
        assert writer.fault is None, writer.fault
    daemon.start()
    stored = {one["Id"]: one["Attributes"] for one in daemon.api.items("ListInstances", "Instances", ServiceId=service)}
    for writer in writers:
        if writer.asked:
            name, value = writer.asked
            assert stored.pop(name, None) in (writer.sure.pop(name, None), value)
        for name, value in writer.sure.items():
            assert stored.pop(name) == value
    assert stored == {}


def test_all_kinds_of_things(start_daemon):
    """One of everything, a crash, and the same answers to the same questions."""
    daemon = start_daemon()
    api = daemon.api
    namespaces = [api.namespace("h", Description="d", Tags=[{"Key": "k", "Value": "v"}]),
                  api.namespace("p.example", "DNS_PRIVATE", Properties={"DnsProperties": {"SOA": {"TTL": 3}}}),
                  api.namespace("a.example", "DNS_PUBLIC")]
    services = [
        api.service(namespaces[0], "plain", Tags=[{"Key": "a", "Value": "b"}]),
        api.service(namespaces[0], "custom", HealthCheckCustomConfig={}),
        api.service(namespaces[1], "_srv._tcp", DnsConfig={"DnsRecords": [{"Type": "SRV", "TTL": 7}]}),
        api.service(namespaces[2], "checked", HealthCheckConfig={"Type": "HTTPS", "ResourcePath": "/x",
                                                                        "FailureThreshold": 10},
                    DnsConfig={"RoutingPolicy": "WEIGHTED", "DnsRecords": [{"Type": "A", "TTL": 0}]})]
    address = {"AWS_INSTANCE_IPV4": "192.0.2.1", "AWS_INSTANCE_PORT": "80", "text": "~!@#$%^&*() \"'\\/ \t<>"}
    for service in services:
        api.register(service, "a/b:c@d.e_f-G", address)
    api.ok("UpdateInstanceCustomHealthStatus", ServiceId=services[1], InstanceId="a/b:c@d.e_f-G", Status="UNHEALTHY")
    api.ok("UpdateServiceAttributes", ServiceId=services[0], Attributes={"ключ": "значение"})
    questions = [("ListNamespaces", {}), ("ListServices", {}), ("ListOperations", {}),
                 *[("GetNamespace", {"Id": one}) for one in namespaces],
                 *[("GetService", {"Id": one}) for one in services],
                 *[("ListInstances", {"ServiceId": one}) for one in services],
                 *[("GetInstancesHealthStatus", {"ServiceId": one}) for one in services],
                 *[("GetServiceAttributes", {"ServiceId": one}) for one in services],
                 ("DiscoverInstances", {"NamespaceName": "h", "ServiceName": "custom", "HealthStatus": "ALL"}),
                 ("DiscoverInstances", {"NamespaceName": "p.example", "ServiceName": "_srv._tcp"}),
                 ("DiscoverInstancesRevision", {"NamespaceName": "a.example", "ServiceName": "checked"})]
    arns = [api.ok("GetNamespace", Id=namespaces[0])["Namespace"]["Arn"],
            api.ok("GetService", Id=services[0])["Service"]["Arn"]]
    questions += [("ListTagsForResource", {"ResourceARN": arn}) for arn in arns]
    before = [api.ok(op, **members) for op, members in questions]
    for crash in (True, False):
        daemon.restart(crash=crash)
        assert [api.ok(op, **members) for op, members in questions] == before
