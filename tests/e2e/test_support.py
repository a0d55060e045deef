# SPDX-License-Identifier: Apache-2.0
"""The judge of recorded answers: it accepts what AWS says and finds each kind of fault."""

import json

import pytest

from support import shapes

OPERATION = {"Id": "a-b", "OwnerAccount": "000000000000", "Type": "CREATE_NAMESPACE", "Status": "SUCCESS",
             "CreateDate": 1, "UpdateDate": 2, "Targets": {"NAMESPACE": "ns-a"}}
NOT_FOUND = {"__type": "OperationNotFound", "Message": "Operation not found"}


def answer(**changes):
    return json.dumps({"Operation": OPERATION | changes})


@pytest.mark.parametrize("op, status, text, code", [
    ("GetOperation", 200, answer(), None),
    ("GetOperation", 200, answer().replace('"CreateDate": 1', '"CreateDate": 1587055860.121'), None),
    ("GetOperation", 400, json.dumps(NOT_FOUND), "OperationNotFound"),
    ("GetOperation", 400, '{"__type":"SerializationException","message":"x"}', "SerializationException"),
    ("NoSuch", 400, '{"__type":"UnknownOperationException"}', "UnknownOperationException"),
    ("UpdateInstanceCustomHealthStatus", 200, "", None), ("DeleteService", 200, "{}", None),
    ("ListNamespaces", 200, '{"Namespaces":[]}', None),
])
def test_accepted(op, status, text, code):
    assert shapes.judge(op, status, text) == code


@pytest.mark.parametrize("op, status, text", [
    ("GetOperation", 200, answer(ErrorCode=None)), ("GetOperation", 200, answer(Extra=1)),
    ("GetOperation", 200, answer(Status="DONE")), ("GetOperation", 200, answer(OwnerAccount="1")),
    ("GetOperation", 200, answer(CreateDate="2020-01-01T00:00:00Z")), ("GetOperation", 200, answer(CreateDate=True)),
    ("GetOperation", 200, answer().replace('"CreateDate": 1', '"CreateDate": 1.5e9')),
    ("GetOperation", 200, answer().replace('"CreateDate": 1', '"CreateDate": 1.5001')),
    ("GetOperation", 200, answer(Targets={"VPC": "v"})), ("GetOperation", 200, answer(Targets=[])),
    ("GetOperation", 200, answer().replace('"Id"', '"id"')), ("GetOperation", 200, "{}"), ("GetOperation", 200, ""),
    ("GetOperation", 200, '{"Operation":{},"Operation":{}}'), ("ListNamespaces", 200, '{"Namespaces":{}}'),
    ("DiscoverInstancesRevision", 200, '{"InstancesRevision":1.0}'), ("DeleteService", 200, '{"OperationId":"a"}'),
    ("UpdateInstanceCustomHealthStatus", 200, "{}"), ("NoSuch", 200, "{}"), ("NoSuch", 400, json.dumps(NOT_FOUND)),
    ("GetOperation", 404, json.dumps(NOT_FOUND)), ("GetService", 400, json.dumps(NOT_FOUND)),
    ("GetOperation", 400, '{"__type":"OperationNotFound"}'), ("GetOperation", 400, "{}"), ("GetOperation", 400, "oops"),
    ("GetOperation", 400, json.dumps(NOT_FOUND | {"ServiceId": "a"})),
    ("GetOperation", 500, '{"__type":"InternalFailure"}'),
    ("CreateService", 400, '{"__type":"ServiceAlreadyExists","Message":"x","ServiceId":"a"}'),
    ("DeleteNamespace", 400, '{"__type":"DuplicateRequest","Message":"x"}'),
])
def test_found(op, status, text):
    with pytest.raises((shapes.Fault, ValueError)):
        shapes.judge(op, status, text)
