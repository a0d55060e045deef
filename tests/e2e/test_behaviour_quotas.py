# SPDX-License-Identifier: Apache-2.0
"""Quotas: none by default, each a setting, AWS's figures with compat = aws."""

import pytest


def limit(api, op, **members):
    assert api.fails(op, "ResourceLimitExceeded", **members)["Message"]


CREATE = [("CreateHttpNamespace", {}), ("CreatePrivateDnsNamespace", {"Vpc": "v"}), ("CreatePublicDnsNamespace", {})]


def test_namespaces(start_daemon):
    api = start_daemon({"limits.namespaces": "2"}).api
    first = api.namespace("a.example")
    api.namespace("b.example", "DNS_PRIVATE")
    for op, more in CREATE:
        limit(api, op, Name="c.example", **more)
    api.done("DeleteNamespace", Id=first)
    api.namespace("c.example", "DNS_PUBLIC")
    elsewhere = {"Authorization": "AWS4-HMAC-SHA256 Credential=any/20260101/eu-west-1/servicediscovery/aws4_request, "
                 "SignedHeaders=host, Signature=00"}
    assert api.send("CreateHttpNamespace", {"Name": "a"}, elsewhere).status == 200, "each region has its own"


def test_services(start_daemon):
    api = start_daemon({"limits.services_per_namespace": "1"}).api
    namespace, other = api.namespace("n"), api.namespace("m")
    made = api.service(namespace, "a")
    limit(api, "CreateService", NamespaceId=namespace, Name="b")
    api.service(other, "b")
    api.ok("DeleteService", Id=made)
    api.service(namespace, "b")


@pytest.mark.parametrize("setting", ["limits.instances_per_service", "limits.instances_per_namespace"])
def test_instances(start_daemon, setting):
    api = start_daemon({setting: "2"}).api
    namespace = api.namespace("n")
    one, two = api.service(namespace, "a"), api.service(namespace, "b")
    for name in "ij":
        api.register(one, name)
    limit(api, "RegisterInstance", ServiceId=one, InstanceId="k", Attributes={})
    api.register(one, "i", {"k": "v"})  # replacing takes no room
    if setting == "limits.instances_per_service":
        api.register(two, "k")
    else:
        limit(api, "RegisterInstance", ServiceId=two, InstanceId="k", Attributes={})
    api.deregister(one, "i")
    api.register(one, "k")


def test_running_operations_count(start_daemon):
    """What is on its way is not there yet, but never more than the limit arrives."""
    api = start_daemon({"limits.namespaces": "1", "limits.instances_per_service": "1", "operations.delay": "1s"}).api
    operations = [api.send("CreateHttpNamespace", {"Name": name}) for name in "ab"]
    states = [api.finished(one.json["OperationId"])["Status"] for one in operations if one.status == 200]
    assert states.count("SUCCESS") == 1
    listed = api.ok("ListNamespaces")["Namespaces"]
    assert len(listed) == 1
    service = api.service(listed[0]["Id"], "s")
    operations = [api.send("RegisterInstance", {"ServiceId": service, "InstanceId": name, "Attributes": {}})
                  for name in "ij"]
    states = [api.finished(one.json["OperationId"])["Status"] for one in operations if one.status == 200]
    assert states.count("SUCCESS") == 1
    assert len(api.ok("ListInstances", ServiceId=service)["Instances"]) == 1


def test_none_by_default(api):
    for i in range(60):
        api.namespace(f"n{i}")


def test_as_aws(start_daemon):
    api = start_daemon({"compat": "aws", "limits.control_rate": "0"}).api
    made = [api.namespace(f"n{i}") for i in range(50)]
    limit(api, "CreateHttpNamespace", Name="one-more")
    service = api.service(made[0], "s")
    for i in range(1000):
        api.ok("RegisterInstance", ServiceId=service, InstanceId=f"i{i}", Attributes={})
    limit(api, "RegisterInstance", ServiceId=service, InstanceId="one-more", Attributes={})


def test_as_aws_but_for_what_is_set(start_daemon):
    api = start_daemon({"compat": "aws", "limits.namespaces": "0", "limits.control_rate": "0"}).api
    for i in range(51):
        api.namespace(f"n{i}")
