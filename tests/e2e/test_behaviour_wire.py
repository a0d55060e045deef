# SPDX-License-Identifier: Apache-2.0
"""The protocol itself: headers, bodies, scalars, what is tolerated and what is refused, open mode."""

import json
import re
import socket
import uuid
import xml.etree.ElementTree as xml

import pytest

from support.client import CONTENT_TYPE, TARGET
from support.sdk import ACCOUNT, REGION

FORM = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
STS = "{https://sts.amazonaws.com/doc/2011-06-15/}"
SCOPE = ("AWS4-HMAC-SHA256 Credential=any/20260101/{}/servicediscovery/aws4_request, "
         "SignedHeaders=host;x-amz-date, Signature=" + "0" * 64)


def request_id(answer):
    return str(uuid.UUID(answer.headers["x-amzn-RequestId"]))


class TestAnswers:
    def test_a_success(self, api):
        answer = api.send("ListNamespaces", {})
        assert answer.status == 200
        assert answer.headers["Content-Type"] == CONTENT_TYPE
        assert "x-amzn-ErrorType" not in answer.headers
        assert request_id(answer) != request_id(api.send("ListNamespaces", {}))

    def test_an_error(self, api):
        answer = api.send("GetNamespace", {"Id": "ns-none"})
        assert answer.status == 400
        assert answer.headers["Content-Type"] == CONTENT_TYPE
        assert answer.headers["x-amzn-ErrorType"] == "NamespaceNotFound"
        assert answer.json == {"__type": "NamespaceNotFound", "Message": "Namespace not found"}
        assert request_id(answer)

    def test_an_empty_body(self, api, fresh):
        made = api.service(api.namespace(fresh()), "a", HealthCheckCustomConfig={})
        api.register(made, "i")
        answer = api.send("UpdateInstanceCustomHealthStatus", {"ServiceId": made, "InstanceId": "i",
                                                               "Status": "HEALTHY"})
        assert (answer.status, answer.body, answer.headers["Content-Length"]) == (200, b"", "0")
        assert request_id(answer)

    def test_timestamps_are_numbers_with_milliseconds(self, api, fresh):
        made = api.namespace(fresh())
        operation = api.ok("UpdateHttpNamespace", Id=made, Namespace={"Description": "d"})["OperationId"]
        body = api.send("GetOperation", {"OperationId": operation}).body.decode()
        for name in ("CreateDate", "UpdateDate"):
            assert re.search(rf'"{name}":\s*[0-9]{{10}}(\.[0-9]{{1,3}})?[,}}]', body)

    def test_integers_are_exact(self, api, fresh):
        name = fresh()
        api.register(api.service(api.namespace(name), "a"), "i")
        body = api.send("DiscoverInstancesRevision", {"NamespaceName": name, "ServiceName": "a"}).body.decode()
        assert re.fullmatch(r'\{\s*"InstancesRevision":\s*[0-9]{16,19}\s*\}', body)
        assert int(re.search("[0-9]+", body)[0]) > 2 ** 53


class TestRequests:
    @pytest.mark.parametrize("body", [b"", b"{}", b" {} ", b"\r\n\t{\n}", b'{"Unknown":{"a":[1,null]},"Filters":null}',
                                      b'{"MaxResults":null,"NextToken":null}', b'{"F\\u0069lters":[]}'])
    def test_tolerated(self, api, body):
        assert api.send("ListNamespaces", body).status == 200

    @pytest.mark.parametrize("content_type", [
        "application/x-amz-json-1.1; charset=utf-8", "Application/X-AMZ-JSON-1.1",
        "application/x-amz-json-1.1;charset=UTF-8"])
    def test_content_types(self, api, content_type):
        assert api.send("ListNamespaces", {}, {"Content-Type": content_type}).status == 200

    @pytest.mark.parametrize("headers", [
        {}, {"Content-Type": ""}, {"Content-Type": "application/json"}, {"Content-Type": "application/x-amz-json-1.0"},
        {"Content-Type": "text/plain; application/x-amz-json-1.1"}])
    def test_other_content_types(self, api, headers):
        answer = api.http("POST", "/", b"{}", headers | {"X-Amz-Target": TARGET + "ListNamespaces"})
        assert (answer.status, answer.code) == (415, "UnsupportedMediaType"), answer
        assert answer.headers["x-amzn-ErrorType"] == "UnsupportedMediaType"
        assert CONTENT_TYPE in answer.message

    @pytest.mark.parametrize("body", [
        b"[]", b"null", b"1", b'"x"', b"{", b"{}}", b"{} x", b'{"a":1,}', b"{'a':1}", b'{"Filters":{}}',
        b'{"Filters":[1]}',
        b'{"MaxResults":"1"}', b'{"MaxResults":1.5}', b'{"MaxResults":true}', b'{"MaxResults":[]}', b'{"NextToken":1}',
        b'{"NextToken":{}}', b'{"MaxResults":01}', b'{"MaxResults":NaN}', b'{"NextToken":"a\nb"}',
        b'{"NextToken":"\xff"}',
        b'{"NextToken":"\\ud800"}', b'{"MaxResults":1,"MaxResults":2}', b'{"Filters":[{"Name":1,"Values":["a"]}]}',
        b'{"MaxResults":99999999999999999999}', b"\xef\xbb\xbf{}", b"[" * 100, b'{"a":' * 100 + b"1" + b"}" * 100])
    def test_not_json_or_not_the_type(self, api, body):
        answer = api.send("ListNamespaces", body)
        assert (answer.status, answer.code) == (400, "SerializationException"), answer
        assert answer.headers["x-amzn-ErrorType"] == "SerializationException"
        assert answer.message

    @pytest.mark.parametrize("target", [
        "Route53AutoNaming_v20170314.NoSuch", "Route53AutoNaming_v20170314.listnamespaces",
        "Route53AutoNaming_v20170314.",
        "Route53AutoNaming_v20170314", "DynamoDB_20120810.ListTables", "ListNamespaces", "",
        "Route53AutoNaming_v20170314.ListNamespaces.x"])
    def test_unknown_targets(self, api, target):
        answer = api.http("POST", "/", b"{}", {"Content-Type": CONTENT_TYPE, "X-Amz-Target": target})
        assert (answer.status, answer.code) == (400, "UnknownOperationException"), answer
        assert answer.headers["x-amzn-ErrorType"] == "UnknownOperationException"
        assert request_id(answer)

    def test_no_target(self, api):
        answer = api.http("POST", "/", b"{}", {"Content-Type": CONTENT_TYPE})
        assert (answer.status, answer.code) == (400, "UnknownOperationException"), answer

    @pytest.mark.parametrize("method, path, status", [
        ("GET", "/nothing", 404), ("POST", "/nothing", 404), ("PUT", "/", 405), ("DELETE", "/", 405),
        ("POST", "/healthz", 405)])
    def test_other_methods_and_paths(self, api, method, path, status):
        answer = api.http(method, path, b"", {"Content-Type": CONTENT_TYPE, "X-Amz-Target": TARGET + "ListNamespaces"})
        assert answer.status == status, answer

    def test_get_of_the_root_is_no_api_call(self, api):
        assert 400 <= api.http("GET", "/").status < 500

    @pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
    def test_the_pages_for_operators(self, api, path):
        answer = api.http("GET", path)
        assert answer.status == 200 and answer.body

    @pytest.mark.parametrize("host", ["data-cloudmap.localhost", "servicediscovery.us-east-1.amazonaws.com", "[::1]:99",
                                      "data-servicediscovery.us-east-1.amazonaws.com:443"])
    def test_any_host(self, api, host):
        for op in ("ListNamespaces", "ListServices"):
            assert api.send(op, {}, {"Host": host}).status == 200

    def test_absolute_form(self, daemon):
        with socket.create_connection((daemon.host, daemon.port), timeout=30) as wire:
            wire.sendall(b"POST http://data-map.internal/ HTTP/1.1\r\nHost: data-map.internal\r\nContent-Type: "
                         b"application/x-amz-json-1.1\r\nX-Amz-Target: Route53AutoNaming_v20170314.ListNamespaces\r\n"
                         b"Content-Length: 2\r\nConnection: close\r\n\r\n{}")
            answer = b"".join(iter(lambda: wire.recv(65536), b""))
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert b'"Namespaces"' in answer

    def test_unknown_headers_are_ignored(self, api):
        headers = {"amz-sdk-invocation-id": str(uuid.uuid4()), "amz-sdk-request": "attempt=1",
                   "X-Amz-Security-Token": "t", "Accept-Encoding": "identity", "X-Whatever": "\xe4"}
        assert api.send("ListNamespaces", {}, headers).status == 200


class TestValidation:
    """The text of the constraint engine."""

    @pytest.mark.parametrize("op, members, message", [
        ("GetNamespace", {}, "1 validation error detected: Value null at 'id' failed to satisfy constraint: Member "
         "must not be null"),
        ("GetNamespace", {"Id": None}, "1 validation error detected: Value null at 'id' failed to satisfy constraint: "
         "Member must not be null"),
        ("GetNamespace", {"Id": "x" * 256}, f"1 validation error detected: Value '{'x' * 256}' at 'id' failed to "
         "satisfy constraint: Member must have length less than or equal to 255"),
        ("ListNamespaces", {"MaxResults": 0}, "1 validation error detected: Value '0' at 'maxResults' failed to "
         "satisfy constraint: Member must have value greater than or equal to 1"),
        ("RegisterInstance", {"ServiceId": "s", "InstanceId": "a b", "Attributes": {}}, "1 validation error detected: "
         "Value 'a b' at 'instanceId' failed to satisfy constraint: Member must satisfy regular expression pattern: "
         "^[0-9a-zA-Z_/:.@-]+$"),
        ("UpdateInstanceCustomHealthStatus", {"ServiceId": "s", "InstanceId": "i", "Status": "SICK"},
         "1 validation error detected: Value 'SICK' at 'status' failed to satisfy constraint: Member must satisfy enum "
         "value set: [HEALTHY, UNHEALTHY]"),
        ("ListTagsForResource", {"ResourceARN": ""}, "1 validation error detected: Value '' at 'resourceARN' failed to "
         "satisfy constraint: Member must have length greater than or equal to 1"),
    ])
    def test_one(self, api, op, members, message):
        api.invalid(op, message, **members)

    def test_several(self, api):
        message = api.invalid("RegisterInstance")["Message"]
        head, _, rest = message.partition(": ")
        assert head == "3 validation errors detected"
        assert {part.split("'")[1] for part in rest.split("; ")} == {"serviceId", "instanceId", "attributes"}

    def test_it_comes_before_everything_else(self, api):
        """Existence is asked only of what is well-formed."""
        api.invalid("RegisterInstance", ServiceId="srv-none", InstanceId="a b", Attributes={})
        api.invalid("DiscoverInstances", NamespaceName="none", ServiceName="a", MaxResults=0)

    def test_lengths_count_characters(self, api, fresh):
        api.done("CreateHttpNamespace", Name=fresh(), Description="\U0001f511" * 1024)
        api.invalid("CreateHttpNamespace", Name=fresh(), Description="\U0001f511" * 1025)

    def test_nested_constraints(self, api):
        body = api.invalid("CreatePublicDnsNamespace", Name="a.b", Properties={"DnsProperties": {"SOA": {"TTL": -1}}})
        assert "Value '-1' at 'properties.dnsProperties.sOA.tTL'" in body["Message"]
        for properties in ({}, {"DnsProperties": {}}, {"DnsProperties": {"SOA": {}}}):
            api.invalid("CreatePublicDnsNamespace", Name="a.b", Properties=properties)
            api.invalid("CreatePrivateDnsNamespace", Name="a.b", Vpc="v", Properties=properties)


class TestOpenMode:
    def test_any_signature_and_none(self, api):
        for headers in ({}, {"Authorization": SCOPE.format(REGION)}, {"Authorization": "nonsense"},
                        {"X-Amz-Security-Token": "x"}):
            assert api.send("ListNamespaces", {}, headers).status == 200, headers

    def test_each_region_is_its_own(self, api, fresh):
        name = fresh()
        west = {"Authorization": SCOPE.format("eu-west-1")}
        made = api.namespace(name)
        assert all(one["Name"] != name for one in api.send("ListNamespaces", {}, west).json["Namespaces"])
        assert api.send("GetNamespace", {"Id": made}, west).code == "NamespaceNotFound"
        answer = api.send("CreateHttpNamespace", {"Name": name}, west)
        operation = api.send("GetOperation", {"OperationId": answer.json["OperationId"]}, west).json["Operation"]
        there = api.send("GetNamespace", {"Id": operation["Targets"]["NAMESPACE"]}, west).json["Namespace"]
        assert there["Arn"].startswith(f"arn:aws:servicediscovery:eu-west-1:{ACCOUNT}:namespace/ns-")
        api.fails("GetOperation", "OperationNotFound", OperationId=operation["Id"])

    @pytest.mark.parametrize("region, partition", [("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")])
    def test_partitions(self, api, fresh, region, partition):
        there = {"Authorization": SCOPE.format(region)}
        made = api.send("CreateHttpNamespace", {"Name": fresh()}, there).json["OperationId"]
        target = api.send("GetOperation", {"OperationId": made}, there).json["Operation"]["Targets"]["NAMESPACE"]
        arn = api.send("GetNamespace", {"Id": target}, there).json["Namespace"]["Arn"]
        assert arn == f"arn:{partition}:servicediscovery:{region}:{ACCOUNT}:namespace/{target}"
        assert api.send("GetNamespace", {"Id": arn}, there).status == 200

    def test_the_region_without_a_scope_is_a_setting(self, start_daemon):
        api = start_daemon({"api.region": "eu-central-1", "api.account": "123456789012"}).api
        made = api.ok("GetNamespace", Id=api.namespace("n"))["Namespace"]
        assert made["Arn"] == f"arn:aws:servicediscovery:eu-central-1:123456789012:namespace/{made['Id']}"
        assert made["ResourceOwner"] == "123456789012"

    @pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost"])
    def test_browsers_are_refused(self, api, fresh, origin):
        name = fresh()
        answer = api.http("POST", "/", json.dumps({"Name": name}).encode(), {
            "Content-Type": CONTENT_TYPE, "X-Amz-Target": TARGET + "CreateHttpNamespace", "Origin": origin})
        assert answer.status == 403
        assert "Access-Control-Allow-Origin" not in answer.headers
        assert api.ok("ListNamespaces", Filters=[{"Name": "NAME", "Values": [name]}])["Namespaces"] == []
        assert api.http("POST", "/", b"Action=GetCallerIdentity&Version=2011-06-15",
                        FORM | {"Origin": origin}).status == 403


class TestSts:
    def test_who_am_i(self, api):
        answer = api.http("POST", "/", b"Action=GetCallerIdentity&Version=2011-06-15", FORM)
        assert answer.status == 200
        assert answer.headers["Content-Type"].startswith("text/xml")
        me = xml.fromstring(answer.body)
        assert me.tag == STS + "GetCallerIdentityResponse"
        result = me.find(STS + "GetCallerIdentityResult")
        assert result.findtext(STS + "Account") == ACCOUNT
        assert result.findtext(STS + "Arn") and result.findtext(STS + "UserId")
        assert me.findtext(f"{STS}ResponseMetadata/{STS}RequestId") == request_id(answer)

    @pytest.mark.parametrize("body", [b"Action=AssumeRole&Version=2011-06-15", b"Version=2011-06-15", b"",
                                      b"Action=%zz", b"Action=GetCallerIdentity&Version=2000-01-01"])
    def test_nothing_else(self, api, body):
        answer = api.http("POST", "/", body, FORM)
        assert answer.status == 400, answer
        error = xml.fromstring(answer.body)
        assert error.findtext(f"{STS}Error/{STS}Code"), answer
