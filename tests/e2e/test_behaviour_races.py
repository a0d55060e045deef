# SPDX-License-Identifier: Apache-2.0
"""Many clients at once: of those who want the same thing one gets it, and everybody gets an answer that is true."""

from concurrent.futures import ThreadPoolExecutor

import pytest

CROWD = 16


@pytest.fixture
def crowd(api):
    """crowd(op, members of each): the answers."""
    with ThreadPoolExecutor(CROWD) as workers:
        yield lambda op, members: list(workers.map(lambda one: api.send(op, one), members))


def judge(answers, code):
    """One success, all others refused with the code; returns the success."""
    won = [one for one in answers if one.status == 200]
    assert len(won) == 1
    assert {one.code for one in answers if one.status != 200} == {code}
    return won[0].json


def test_one_namespace(api, crowd, fresh):
    for op, name in (("CreateHttpNamespace", fresh()), ("CreatePublicDnsNamespace", fresh() + ".example")):
        answers = crowd(op, [{"Name": name}] * CROWD)
        made = api.finished(judge(answers, "NamespaceAlreadyExists")["OperationId"])["Targets"]["NAMESPACE"]
        assert {one.json["NamespaceId"] for one in answers if one.status != 200} == {made}


def test_one_private_namespace(api, crowd, fresh):
    answers = crowd("CreatePrivateDnsNamespace", [{"Name": fresh(), "Vpc": "vpc-1"}] * CROWD)
    operations = [api.finished(one.json["OperationId"]) for one in answers]
    assert sorted(one["Status"] for one in operations) == ["FAIL"] * (CROWD - 1) + ["SUCCESS"]


def test_one_service(api, crowd, fresh):
    namespace = api.namespace(fresh())
    answers = crowd("CreateService", [{"NamespaceId": namespace, "Name": "s"}] * CROWD)
    made = judge(answers, "ServiceAlreadyExists")["Service"]["Id"]
    assert {one.json["ServiceId"] for one in answers if one.status != 200} == {made}


def test_one_token(crowd, fresh):
    answers = crowd("CreateHttpNamespace", [{"Name": fresh(), "CreatorRequestId": "t"}] * CROWD)
    assert {one.status for one in answers} == {200}
    assert len({one.json["OperationId"] for one in answers}) == 1


def test_one_instance(api, crowd, fresh):
    """Every registration is an operation of its own; the last one stands."""
    service = api.service(api.namespace(fresh()), "s")
    answers = crowd("RegisterInstance", [{"ServiceId": service, "InstanceId": "i", "Attributes": {"n": str(i)}}
                                         for i in range(CROWD)])
    operations = [api.finished(one.json["OperationId"]) for one in answers]
    assert {one["Status"] for one in operations} == {"SUCCESS"}
    assert len({one["Id"] for one in operations}) == CROWD
    last = max(range(CROWD), key=lambda i: operations[i]["Id"])
    kept = api.ok("GetInstance", ServiceId=service, InstanceId="i")["Instance"]["Attributes"]
    assert kept == {"n": str(last)}
    judge(crowd("DeregisterInstance", [{"ServiceId": service, "InstanceId": "i"}] * CROWD), "InstanceNotFound")


def test_a_service_or_its_instance(api, crowd, fresh):
    """Deleted while instances come: either it is gone and nothing is left, or it holds what was acknowledged."""
    namespace = api.namespace(fresh())
    for turn in range(10):
        service = api.service(namespace, f"s{turn}")
        with ThreadPoolExecutor(1) as other:
            deletion = other.submit(api.send, "DeleteService", {"Id": service})
            answers = crowd("RegisterInstance", [{"ServiceId": service, "InstanceId": f"i{i}", "Attributes": {}}
                                                 for i in range(CROWD)])
        if deletion.result().status == 200:
            assert {one.code for one in answers} == {"ServiceNotFound"}
            assert api.service(namespace, f"s{turn}") == service
        else:
            assert deletion.result().code == "ResourceInUse"
            assert {one.status for one in answers} == {200}
            assert len(api.ok("ListInstances", ServiceId=service)["Instances"]) == CROWD


def test_a_limit(start_daemon):
    api = start_daemon({"limits.instances_per_service": "5"}).api
    service = api.service(api.namespace("h"), "s")
    with ThreadPoolExecutor(CROWD) as workers:
        answers = list(workers.map(lambda i: api.send("RegisterInstance", {
            "ServiceId": service, "InstanceId": f"i{i}", "Attributes": {}}), range(CROWD)))
    assert sorted(one.code or "" for one in answers) == [""] * 5 + ["ResourceLimitExceeded"] * (CROWD - 5)
    assert len(api.ok("ListInstances", ServiceId=service)["Instances"]) == 5
