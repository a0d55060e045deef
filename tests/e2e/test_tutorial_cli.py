# SPDX-License-Identifier: Apache-2.0
"""The usual first hour with Cloud Map, typed with the AWS CLI from apt against a fresh daemon, in order."""

import json

import pytest

from support.client import until
from support.sdk import ACCOUNT

ATTRIBUTES = {
    "web-1": {"AWS_INSTANCE_IPV4": "10.1.0.1", "AWS_INSTANCE_PORT": "8080", "colour": "blue"},
    "web-2": {"AWS_INSTANCE_IPV4": "10.1.0.2", "AWS_INSTANCE_PORT": "8080", "colour": "green"},
}


@pytest.fixture(scope="module")
def finished(aws):
    """Polls an operation as the tutorial does; returns its targets."""
    def poll(operation_id):
        operation = until(lambda: aws("get-operation", "--operation-id", operation_id)["Operation"],
                          lambda seen: seen["Status"] in ("SUCCESS", "FAIL"))
        assert operation["Status"] == "SUCCESS", operation
        return operation["Targets"]
    return poll


@pytest.fixture(scope="module")
def namespace(aws, finished):
    made = aws("create-http-namespace", "--name", "tutorial", "--description", "first steps")
    return finished(made["OperationId"])["NAMESPACE"]


@pytest.fixture(scope="module")
def service(aws, namespace):
    made = aws("create-service", "--name", "web", "--namespace-id", namespace, "--health-check-custom-config",
               "FailureThreshold=1")
    assert made["Service"]["HealthCheckCustomConfig"] == {"FailureThreshold": 1}
    return made["Service"]["Id"]


@pytest.fixture(scope="module")
def discover(aws):
    def call(*words):
        found = aws("discover-instances", "--namespace-name", "tutorial", "--service-name", "web", *words)
        return {one["InstanceId"]: one for one in found["Instances"]}
    return call


def test_who_am_i(aws):
    me = aws("get-caller-identity", service="sts")
    assert me["Account"] == ACCOUNT
    assert me["Arn"].startswith("arn:aws:") and ACCOUNT in me["Arn"]
    assert me["UserId"]


def test_the_namespace_is_there(aws, namespace):
    seen = aws("get-namespace", "--id", namespace)["Namespace"]
    assert (seen["Name"], seen["Type"], seen["Description"]) == ("tutorial", "HTTP", "first steps")
    assert [one["Id"] for one in aws("list-namespaces")["Namespaces"]] == [namespace]


def test_the_service_is_there(aws, namespace, service):
    listed = aws("list-services", "--filters", f"Name=NAMESPACE_ID,Values={namespace},Condition=EQ")
    assert [one["Id"] for one in listed["Services"]] == [service]


def test_register_and_list(aws, service, finished):
    for name, attributes in ATTRIBUTES.items():
        made = aws("register-instance", "--service-id", service, "--instance-id", name, "--attributes",
                   json.dumps(attributes))
        assert finished(made["OperationId"])["INSTANCE"] == name
    listed = aws("list-instances", "--service-id", service)["Instances"]
    assert {one["Id"]: one["Attributes"] for one in listed} == ATTRIBUTES


def test_discover(discover):
    found = discover()
    assert {name: one["Attributes"] for name, one in found.items()} == ATTRIBUTES
    assert {one["HealthStatus"] for one in found.values()} == {"HEALTHY"}
    assert discover("--query-parameters", "colour=green").keys() == {"web-2"}
    assert discover("--health-status", "HEALTHY").keys() == ATTRIBUTES.keys()
    assert discover("--health-status", "UNHEALTHY").keys() == set()


def test_one_goes_unhealthy_and_comes_back(aws, service, discover):
    def mark(status):
        nothing = aws("update-instance-custom-health-status", "--service-id", service, "--instance-id", "web-1",
                      "--status", status)
        assert nothing is None

    mark("UNHEALTHY")
    assert discover().keys() == {"web-2"}
    assert discover("--health-status", "UNHEALTHY").keys() == {"web-1"}
    everything = discover("--health-status", "ALL")
    assert {name: one["HealthStatus"] for name, one in everything.items()} == {"web-1": "UNHEALTHY",
                                                                               "web-2": "HEALTHY"}
    health = aws("get-instances-health-status", "--service-id", service)["Status"]
    assert health == {"web-1": "UNHEALTHY", "web-2": "HEALTHY"}
    mark("HEALTHY")
    assert discover().keys() == ATTRIBUTES.keys()


def test_clean_up(aws, namespace, service, finished):
    assert "ResourceInUse" in aws.error("delete-service", "--id", service)
    for name in ATTRIBUTES:
        made = aws("deregister-instance", "--service-id", service, "--instance-id", name)
        finished(made["OperationId"])
    assert aws("list-instances", "--service-id", service)["Instances"] == []
    aws("delete-service", "--id", service)
    finished(aws("delete-namespace", "--id", namespace)["OperationId"])
    assert aws("list-namespaces")["Namespaces"] == []
    assert "NamespaceNotFound" in aws.error("get-namespace", "--id", namespace)
