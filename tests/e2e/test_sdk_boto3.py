# SPDX-License-Identifier: Apache-2.0
"""boto3 from apt: the 26 operations that its model knows, with its own parsing of what comes back. Discovery goes to
the `data-` host, as everybody's does who sets nothing."""

import datetime

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ParamValidationError

from support.client import until
from support.sdk import ACCOUNT, REGION


@pytest.fixture(scope="module")
def done(boto):
    def poll(answer):
        operation = until(lambda: boto.get_operation(OperationId=answer["OperationId"])["Operation"],
                          lambda seen: seen["Status"] in ("SUCCESS", "FAIL"))
        assert operation["Status"] == "SUCCESS", operation
        assert isinstance(operation["CreateDate"], datetime.datetime)
        return operation["Targets"]
    return poll


@pytest.fixture(scope="module")
def spaces(boto, done):
    soa = {"DnsProperties": {"SOA": {"TTL": 30}}}
    tags = [{"Key": "made-by", "Value": "boto3"}]
    return {
        "http": done(boto.create_http_namespace(Name="boto", Description="d", Tags=tags))["NAMESPACE"],
        "private": done(boto.create_private_dns_namespace(Name="boto.private", Vpc="vpc-1",
                                                          Properties=soa))["NAMESPACE"],
        "public": done(boto.create_public_dns_namespace(Name="boto.example", Properties=soa))["NAMESPACE"]}


@pytest.fixture(scope="module")
def service(boto, spaces):
    made = boto.create_service(Name="web", NamespaceId=spaces["http"], Description="d", HealthCheckCustomConfig={},
                               Tags=[{"Key": "k", "Value": "v"}])["Service"]
    assert isinstance(made["CreateDate"], datetime.datetime)
    return made


def test_namespaces(boto, done, spaces):
    assert boto.get_namespace(Id=spaces["http"])["Namespace"]["Properties"]["HttpProperties"] == {"HttpName": "boto"}
    done(boto.update_http_namespace(Id=spaces["http"], Namespace={"Description": "new"}))
    done(boto.update_private_dns_namespace(Id=spaces["private"], Namespace={"Description": "new"}))
    done(boto.update_public_dns_namespace(Id=spaces["public"], Namespace={
        "Properties": {"DnsProperties": {"SOA": {"TTL": 5}}}}))
    pages = boto.get_paginator("list_namespaces").paginate(PaginationConfig={"PageSize": 1})
    listed = {one["Id"]: one for page in pages for one in page["Namespaces"]}
    assert listed.keys() == set(spaces.values())
    assert listed[spaces["http"]]["Description"] == listed[spaces["private"]]["Description"] == "new"
    assert listed[spaces["public"]]["Properties"]["DnsProperties"]["SOA"]["TTL"] == 5
    assert isinstance(listed[spaces["http"]]["CreateDate"], datetime.datetime)


def test_services(boto, done, spaces, service):
    dns = boto.create_service(Name="dns", DnsConfig={"NamespaceId": spaces["public"], "DnsRecords": [
        {"Type": "SRV", "TTL": 60}]}, HealthCheckConfig={"Type": "HTTP", "ResourcePath": "/"})["Service"]
    done(boto.update_service(Id=dns["Id"], Service={"Description": "x", "DnsConfig": {"DnsRecords": [
        {"Type": "SRV", "TTL": 5}]}}))
    changed = boto.get_service(Id=dns["Id"])["Service"]
    assert changed["DnsConfig"]["DnsRecords"] == [{"Type": "SRV", "TTL": 5}]
    assert "HealthCheckConfig" not in changed
    pages = boto.get_paginator("list_services").paginate(Filters=[{"Name": "NAMESPACE_ID", "Values": [spaces["http"]]}])
    assert [one["Id"] for page in pages for one in page["Services"]] == [service["Id"]]
    assert boto.delete_service(Id=dns["Id"])["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_instances_and_health(boto, done, service):
    for i in range(3):
        done(boto.register_instance(ServiceId=service["Id"], InstanceId=f"i{i}", Attributes={"n": str(i)}))
    assert boto.get_instance(ServiceId=service["Id"], InstanceId="i1")["Instance"]["Attributes"] == {"n": "1"}
    pages = boto.get_paginator("list_instances").paginate(ServiceId=service["Id"], PaginationConfig={"PageSize": 2})
    assert sorted(one["Id"] for page in pages for one in page["Instances"]) == ["i0", "i1", "i2"]
    answer = boto.update_instance_custom_health_status(ServiceId=service["Id"], InstanceId="i0", Status="UNHEALTHY")
    assert answer.keys() == {"ResponseMetadata"}
    assert boto.get_instances_health_status(ServiceId=service["Id"])["Status"] == {
        "i0": "UNHEALTHY", "i1": "HEALTHY", "i2": "HEALTHY"}
    found = boto.discover_instances(NamespaceName="boto", ServiceName="web", QueryParameters={"n": "2"})
    assert [one["InstanceId"] for one in found["Instances"]] == ["i2"]
    assert {one["InstanceId"] for one in boto.discover_instances(NamespaceName="boto", ServiceName="web",
                                                                 HealthStatus="ALL")["Instances"]} == {"i0", "i1", "i2"}
    done(boto.deregister_instance(ServiceId=service["Id"], InstanceId="i0"))
    with pytest.raises(boto.exceptions.InstanceNotFound) as caught:
        boto.get_instance(ServiceId=service["Id"], InstanceId="i0")
    assert caught.value.response["Error"]["Message"] == "Instance not found"


def test_operations(boto, spaces):
    pages = boto.get_paginator("list_operations").paginate(Filters=[
        {"Name": "NAMESPACE_ID", "Values": [spaces["http"]]}, {"Name": "STATUS", "Values": ["SUCCESS"]}],
        PaginationConfig={"PageSize": 2})
    assert sum(len(page["Operations"]) for page in pages) >= 2


def test_tags(boto, service):
    arn = service["Arn"]
    boto.tag_resource(ResourceARN=arn, Tags=[{"Key": "a", "Value": "b"}])
    boto.untag_resource(ResourceARN=arn, TagKeys=["k"])
    assert boto.list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"Key": "a", "Value": "b"}]


def test_errors_are_its_classes(boto, spaces, service):
    with pytest.raises(boto.exceptions.NamespaceNotFound):
        boto.get_namespace(Id="ns-none")
    with pytest.raises(boto.exceptions.ServiceAlreadyExists) as caught:
        boto.create_service(Name="web", NamespaceId=spaces["http"])
    assert caught.value.response["ServiceId"] == service["Id"]
    with pytest.raises(boto.exceptions.NamespaceAlreadyExists) as caught:
        boto.create_http_namespace(Name="boto")
    assert caught.value.response["NamespaceId"] == spaces["http"]
    with pytest.raises(boto.exceptions.InvalidInput):
        boto.list_namespaces(MaxResults=101)
    with pytest.raises(boto.exceptions.TooManyTagsException) as caught:
        boto.tag_resource(ResourceARN=service["Arn"], Tags=[{"Key": str(i), "Value": ""} for i in range(60)])
    assert caught.value.response["ResourceName"] == service["Arn"]
    with pytest.raises(ParamValidationError):
        boto.list_namespaces(MaxResults=0)


@pytest.mark.parametrize("config", [{"inject_host_prefix": False}, {"inject_host_prefix": False,
                                                                    "retries": {"mode": "adaptive"}}])
def test_without_the_host_prefix(daemon, service, config):
    client = boto3.client("servicediscovery", endpoint_url=daemon.url, region_name=REGION, aws_access_key_id="a",
                          aws_secret_access_key="b", config=Config(**config))
    assert client.discover_instances(NamespaceName="boto", ServiceName="web")["Instances"] is not None
    client.close()


def test_sts(daemon):
    client = boto3.client("sts", endpoint_url=daemon.url, region_name=REGION, aws_access_key_id="a",
                          aws_secret_access_key="b")
    assert client.get_caller_identity()["Account"] == ACCOUNT
    with pytest.raises(ClientError):
        client.get_session_token()
    client.close()


def test_clean_up(boto, done, spaces, service):
    for one in boto.list_instances(ServiceId=service["Id"])["Instances"]:
        done(boto.deregister_instance(ServiceId=service["Id"], InstanceId=one["Id"]))
    boto.delete_service(Id=service["Id"])
    for namespace in spaces.values():
        done(boto.delete_namespace(Id=namespace))
    assert boto.list_namespaces()["Namespaces"] == []
