# SPDX-License-Identifier: Apache-2.0
"""Tags of namespaces and services."""

import pytest

from support.sdk import ACCOUNT, REGION


def tags(count, prefix="k"):
    return [{"Key": f"{prefix}{i}", "Value": "v"} for i in range(count)]


@pytest.fixture(params=["namespace", "service"])
def arn(request, api, fresh):
    """A namespace or a service without tags."""
    namespace = api.namespace(fresh())
    if request.param == "namespace":
        return api.ok("GetNamespace", Id=namespace)["Namespace"]["Arn"]
    return api.ok("CreateService", NamespaceId=namespace, Name="a")["Service"]["Arn"]


def read(api, arn):
    listed = api.ok("ListTagsForResource", ResourceARN=arn)["Tags"]
    found = {tag["Key"]: tag["Value"] for tag in listed}
    assert len(found) == len(listed)
    return found


def test_write_overwrite_remove(api, arn):
    assert read(api, arn) == {}
    assert api.send("TagResource", {"ResourceARN": arn, "Tags": [{"Key": "a", "Value": "1"},
                                                                {"Key": "b", "Value": ""}]}).body == b"{}"
    assert read(api, arn) == {"a": "1", "b": ""}
    api.ok("TagResource", ResourceARN=arn, Tags=[{"Key": "b", "Value": "2"}, {"Key": "B", "Value": "3"}])
    assert read(api, arn) == {"a": "1", "b": "2", "B": "3"}
    assert api.send("UntagResource", {"ResourceARN": arn, "TagKeys": ["a", "unknown"]}).body == b"{}"
    assert read(api, arn) == {"b": "2", "B": "3"}
    api.ok("TagResource", ResourceARN=arn, Tags=[])
    api.ok("UntagResource", ResourceARN=arn, TagKeys=[])
    assert read(api, arn) == {"b": "2", "B": "3"}


def test_any_text_is_kept(api, arn):
    given = {"ключ": "\u0000 日本\"\\", "x" * 128: "y" * 256, "\U0001f511" * 128: "\U0001f511" * 256}
    api.ok("TagResource", ResourceARN=arn, Tags=[{"Key": key, "Value": value} for key, value in given.items()])
    assert read(api, arn) == given


@pytest.mark.parametrize("op", ["CreateHttpNamespace", "CreatePrivateDnsNamespace", "CreatePublicDnsNamespace"])
def test_namespaces_are_made_with_tags(api, fresh, op):
    vpc = {"Vpc": "v"} if "Private" in op else {}
    made = api.done(op, Name=fresh() + ".example", Tags=tags(50), **vpc)["Targets"]["NAMESPACE"]
    assert len(read(api, api.ok("GetNamespace", Id=made)["Namespace"]["Arn"])) == 50
    api.fails(op, "TooManyTagsException", Name=fresh() + ".example", Tags=tags(51), **vpc)
    api.invalid(op, Name=fresh() + ".example", Tags=tags(201), **vpc)


def test_services_are_made_with_tags(api, fresh):
    namespace = api.namespace(fresh())
    made = api.ok("CreateService", NamespaceId=namespace, Name="a", Tags=tags(50))["Service"]["Arn"]
    assert len(read(api, made)) == 50
    api.fails("CreateService", "TooManyTagsException", NamespaceId=namespace, Name="b", Tags=tags(51))


def test_fifty_in_all(api, arn):
    api.ok("TagResource", ResourceARN=arn, Tags=tags(49))
    body = api.fails("TagResource", "TooManyTagsException", ResourceARN=arn, Tags=tags(2, "other"))
    assert body["ResourceName"] == arn
    assert len(read(api, arn)) == 49
    api.ok("TagResource", ResourceARN=arn, Tags=tags(1, "other"))
    api.ok("TagResource", ResourceARN=arn, Tags=tags(49))
    api.invalid("TagResource", ResourceARN=arn, Tags=tags(201))
    api.invalid("UntagResource", ResourceARN=arn, TagKeys=["k"] * 201)


@pytest.mark.parametrize("bad", [
    [{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}], [{"Key": "", "Value": "v"}], [{"Key": "a"}],
    [{"Key": "a", "Value": None}], [{"Value": "v"}], [{"Key": "x" * 129, "Value": ""}],
    [{"Key": "a", "Value": "x" * 257}], [{"Key": "aws:owner", "Value": "v"}]])
def test_refused(api, arn, fresh, bad):
    api.invalid("TagResource", ResourceARN=arn, Tags=bad)
    api.invalid("CreateHttpNamespace", Name=fresh(), Tags=bad)
    assert read(api, arn) == {}


@pytest.mark.parametrize("name", [
    "arn:aws:servicediscovery:{region}:{account}:namespace/ns-aaaaaaaaaaaaaaaa",
    "arn:aws:servicediscovery:{region}:{account}:service/srv-aaaaaaaaaaaaaaaa",
    "arn:aws:servicediscovery:eu-west-1:{account}:namespace/{id}",
    "arn:aws:servicediscovery:{region}:111111111111:namespace/{id}"])
def test_of_nothing(api, fresh, name):
    arn = name.format(region=REGION, account=ACCOUNT, id=api.namespace(fresh()))
    for op, more in (("TagResource", {"Tags": tags(1)}), ("UntagResource", {"TagKeys": ["k"]}),
                     ("ListTagsForResource", {})):
        assert api.fails(op, "ResourceNotFoundException", ResourceARN=arn, **more)["Message"]


@pytest.mark.parametrize("name", [
    "ns-aaaaaaaaaaaaaaaa", "arn:", "arn:aws:servicediscovery:{region}:{account}:instance/i",
    "arn:aws:ec2:{region}:{account}:instance/i-1"])
def test_what_is_no_arn_of_ours(api, name):
    for op, more in (("TagResource", {"Tags": tags(1)}), ("UntagResource", {"TagKeys": ["k"]}),
                     ("ListTagsForResource", {})):
        answer = api.send(op, {"ResourceARN": name.format(region=REGION, account=ACCOUNT), **more})
        assert answer.code in ("ResourceNotFoundException", "InvalidInput"), answer
    api.invalid("ListTagsForResource", ResourceARN="")
    api.invalid("TagResource", ResourceARN="", Tags=[])
    api.invalid("UntagResource", ResourceARN="", TagKeys=[])


def test_they_survive_a_crash(start_daemon):
    daemon = start_daemon()
    api = daemon.api
    namespace = api.namespace("n", Tags=[{"Key": "a", "Value": "1"}])
    arn = api.ok("GetNamespace", Id=namespace)["Namespace"]["Arn"]
    service = api.ok("CreateService", NamespaceId=namespace, Name="s")["Service"]["Arn"]
    api.ok("TagResource", ResourceARN=service, Tags=[{"Key": "b", "Value": "2"}])
    api.ok("UntagResource", ResourceARN=arn, TagKeys=["a"])
    daemon.restart(crash=True)
    assert (read(api, arn), read(api, service)) == ({}, {"b": "2"})
