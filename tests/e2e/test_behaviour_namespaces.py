# SPDX-License-Identifier: Apache-2.0
"""Namespaces: the three kinds, what is returned of them, names and their uniqueness, updates, deletion, repetition."""

import re
import time
import uuid

import pytest

from support.sdk import ACCOUNT, REGION

CREATE = {"HTTP": "CreateHttpNamespace", "DNS_PRIVATE": "CreatePrivateDnsNamespace",
          "DNS_PUBLIC": "CreatePublicDnsNamespace"}
UPDATE = {"HTTP": "UpdateHttpNamespace", "DNS_PRIVATE": "UpdatePrivateDnsNamespace",
          "DNS_PUBLIC": "UpdatePublicDnsNamespace"}
KINDS = list(CREATE)
SUFFIX = r"-[a-z2-7]{16}"


def soa(ttl):
    return {"DnsProperties": {"SOA": {"TTL": ttl}}}


def members(kind, **more):
    return {"Vpc": "vpc-1", **more} if kind == "DNS_PRIVATE" else more


def get(api, namespace_id):
    return api.ok("GetNamespace", Id=namespace_id)["Namespace"]


def http_name(api, namespace_id):
    return get(api, namespace_id)["Properties"]["HttpProperties"]["HttpName"]


def conflict(api, vpc, name):
    """The failed operation of a second private namespace of one name in one VPC."""
    operation = api.finished(api.ok("CreatePrivateDnsNamespace", Name=name, Vpc=vpc)["OperationId"])
    assert (operation["Status"], operation["ErrorCode"]) == ("FAIL", "CANNOT_CREATE_HOSTED_ZONE")
    return operation


@pytest.mark.parametrize("kind", KINDS)
def test_what_get_namespace_shows(api, fresh, kind):
    name, token = fresh() + ".example", str(uuid.uuid4())
    before = time.time()
    operation = api.done(CREATE[kind], Name=name, CreatorRequestId=token, Description="a text", **members(kind))
    made = get(api, operation["Targets"]["NAMESPACE"])
    assert re.fullmatch("ns-[a-z2-7]{16}", made["Id"])
    assert before - 0.01 <= made.pop("CreateDate") <= time.time() + 0.01
    properties = made.pop("Properties")
    assert made == {"Id": made["Id"], "Arn": f"arn:aws:servicediscovery:{REGION}:{ACCOUNT}:namespace/{made['Id']}",
                    "ResourceOwner": ACCOUNT, "Name": name, "Type": kind, "Description": "a text",
                    "CreatorRequestId": token}
    assert properties["HttpProperties"] == {"HttpName": name}
    if kind == "HTTP":
        assert properties["DnsProperties"] == {}
    else:
        zone = properties["DnsProperties"].pop("HostedZoneId")
        assert re.fullmatch("Z[A-Z0-9]{13,20}", zone)
        assert properties["DnsProperties"] == {"SOA": {"TTL": 15 if kind == "DNS_PRIVATE" else 60}}


@pytest.mark.parametrize("kind", KINDS)
def test_a_summary_is_the_namespace_without_its_token(api, fresh, kind):
    name = fresh() + ".example"
    made = get(api, api.namespace(name, kind))
    del made["CreatorRequestId"]
    assert api.ok("ListNamespaces", Filters=[{"Name": "NAME", "Values": [name]}])["Namespaces"] == [made]


def test_a_missing_token_is_made_up(api, fresh):
    made = get(api, api.namespace(fresh()))
    assert uuid.UUID(made["CreatorRequestId"])
    assert "Description" not in made


@pytest.mark.parametrize("kind", ["DNS_PRIVATE", "DNS_PUBLIC"])
def test_the_soa_ttl_is_the_callers(api, fresh, kind):
    made = get(api, api.namespace(fresh() + ".example", kind, Properties=soa(0)))
    assert made["Properties"]["DnsProperties"]["SOA"] == {"TTL": 0}


def test_the_vpc_must_be_named(api, fresh):
    api.invalid("CreatePrivateDnsNamespace", "Vpc must not be empty", Name=fresh(), Vpc="")


def test_the_vpc_is_write_only(api, fresh):
    name = fresh()
    operation = api.done("CreatePrivateDnsNamespace", Name=name, Vpc="vpc-secret")
    answers = [api.send("GetNamespace", {"Id": operation["Targets"]["NAMESPACE"]}), api.send("ListNamespaces", {}),
               api.send("GetOperation", {"OperationId": operation["Id"]})]
    assert not any(b"vpc-secret" in answer.body for answer in answers)


def test_an_arn_is_as_good_as_an_id(api, fresh):
    made = get(api, api.namespace(fresh()))
    assert get(api, made["Arn"]) == made
    api.done("UpdateHttpNamespace", Id=made["Arn"], Namespace={"Description": "by arn"})
    service = api.service(made["Arn"], "a")
    assert api.ok("GetService", Id=service)["Service"]["NamespaceId"] == made["Id"]
    api.ok("DeleteService", Id=api.ok("GetService", Id=service)["Service"]["Arn"])
    api.done("DeleteNamespace", Id=made["Arn"])


@pytest.mark.parametrize("template", [
    "arn:aws:servicediscovery:eu-west-1:{account}:namespace/{id}",
    "arn:aws:servicediscovery:{region}:111111111111:namespace/{id}",
    "arn:aws:servicediscovery:{region}:{account}:service/{id}",
    "arn:aws:ec2:{region}:{account}:namespace/{id}",
    "arn:aws:servicediscovery:{region}:{account}:namespace/",
    "arn:aws:servicediscovery:{region}:{account}:namespace/{id}/x",
    "arn:", "arn:aws", "ns-aaaaaaaaaaaaaaaa", "", "NS-{id}",
])
def test_what_names_no_namespace(api, fresh, template):
    real = api.namespace(fresh())
    text = template.format(region=REGION, account=ACCOUNT, id=real)
    answer = api.send("GetNamespace", {"Id": text})
    assert answer.code in ("NamespaceNotFound", "InvalidInput"), answer
    if not text.startswith("arn:"):
        assert (answer.code, answer.message) == ("NamespaceNotFound", "Namespace not found")


class TestNames:
    @pytest.mark.parametrize("kind", ["HTTP", "DNS_PUBLIC"])
    def test_one_name_once(self, api, fresh, kind):
        name, token = fresh() + ".example", str(uuid.uuid4())
        first = api.namespace(name, kind, CreatorRequestId=token)
        body = api.fails(CREATE[kind], "NamespaceAlreadyExists", Name=name)
        assert (body["NamespaceId"], body["CreatorRequestId"]) == (first, token)

    def test_http_names_differ_by_case(self, api, fresh):
        name = fresh()
        assert api.namespace(name) != api.namespace(name.upper())

    def test_public_names_do_not(self, api, fresh):
        name = fresh() + ".example"
        first = api.namespace(name.upper(), "DNS_PUBLIC")
        assert get(api, first)["Name"] == name.upper()
        assert api.fails(CREATE["DNS_PUBLIC"], "NamespaceAlreadyExists", Name=name)["NamespaceId"] == first

    def test_one_private_name_in_one_vpc_fails_later(self, api, fresh):
        name = fresh() + ".example"
        first = api.namespace(name, "DNS_PRIVATE", Vpc="vpc-a")
        operation = conflict(api, "vpc-a", name)
        assert "ConflictingDomainExists" in operation["ErrorMessage"]
        assert "vpc-a" in operation["ErrorMessage"] and name in operation["ErrorMessage"]
        assert operation["Type"] == "CREATE_NAMESPACE"
        api.fails("GetNamespace", "NamespaceNotFound", Id=operation["Targets"]["NAMESPACE"])
        listed = api.items("ListNamespaces", "Namespaces", Filters=[{"Name": "NAME", "Values": [name]}])
        assert [one["Id"] for one in listed] == [first]

    def test_a_dot_at_the_end_makes_no_other_zone(self, api, fresh):
        name = fresh() + ".example"
        api.namespace(name, "DNS_PRIVATE", Vpc="vpc-a")
        assert "ConflictingDomainExists" in conflict(api, "vpc-a", name.upper() + ".")["ErrorMessage"]
        api.namespace(name + ".", "DNS_PRIVATE", Vpc="vpc-b")
        conflict(api, "vpc-b", name)
        assert api.namespace(name) != api.namespace(name + ".")
        api.fails(CREATE["HTTP"], "NamespaceAlreadyExists", Name=name + ".")

    def test_private_names_conflict_without_case(self, api, fresh):
        name = fresh() + ".example"
        api.namespace(name, "DNS_PRIVATE", Vpc="vpc-a")
        conflict(api, "vpc-a", name.upper())

    def test_one_private_name_in_two_vpcs(self, api, fresh):
        name = fresh() + ".example"
        first = api.namespace(name, "DNS_PRIVATE", Vpc="vpc-a")
        second = api.namespace(name, "DNS_PRIVATE", Vpc="vpc-b")
        assert http_name(api, first) == name
        assert re.fullmatch(re.escape(name) + SUFFIX, http_name(api, second))
        assert get(api, second)["Name"] == name

    def test_overlapping_names_are_fine(self, api, fresh):
        name = fresh()
        for one in (name, f"a.{name}", f"b.a.{name}"):
            api.namespace(one, "DNS_PRIVATE", Vpc="vpc-a")

    @pytest.mark.parametrize("first, second", [("HTTP", "DNS_PRIVATE"), ("DNS_PRIVATE", "HTTP"), ("HTTP", "DNS_PUBLIC"),
                                               ("DNS_PUBLIC", "DNS_PRIVATE")])
    def test_a_taken_http_name_gets_a_suffix(self, api, fresh, first, second):
        name = fresh() + ".example"
        assert http_name(api, api.namespace(name, first)) == name
        other = http_name(api, api.namespace(name, second))
        assert re.fullmatch(re.escape(name) + SUFFIX, other)

    def test_the_suffixed_name_addresses_discovery(self, api, fresh):
        name = fresh()
        http = api.namespace(name)
        private = api.namespace(name, "DNS_PRIVATE")
        for namespace_id, instance in ((http, "in-http"), (private, "in-private")):
            api.register(api.service(namespace_id, "web"), instance)
        assert api.discover(name, "web").keys() == {"in-http"}
        found = api.discover(http_name(api, private), "web")
        assert found.keys() == {"in-private"}
        assert found["in-private"]["NamespaceName"] == http_name(api, private)

    def test_a_name_is_free_after_deletion(self, api, fresh):
        name = fresh()
        first = api.namespace(name)
        api.done("DeleteNamespace", Id=first)
        second = api.namespace(name)
        assert second != first
        assert http_name(api, second) == name

    def test_a_private_name_is_free_after_deletion(self, api, fresh):
        name = fresh()
        api.done("DeleteNamespace", Id=api.namespace(name, "DNS_PRIVATE"))
        assert http_name(api, api.namespace(name, "DNS_PRIVATE")) == name

    @pytest.mark.parametrize("name", ["a..b", ".a", "x" * 64 + ".example"])
    def test_a_private_name_that_is_no_zone_fails_later(self, api, name):
        operation = conflict(api, "vpc-1", name)
        assert operation["ErrorMessage"]
        api.fails("GetNamespace", "NamespaceNotFound", Id=operation["Targets"]["NAMESPACE"])

    def test_a_single_label_is_a_fine_private_name(self, api):
        api.namespace("local", "DNS_PRIVATE")

    def test_http_names_may_be_anything_printable(self, api):
        for name in ("!", "a/b:c@d~", "x" * 1024, "ARN:looks-like-one"):
            assert http_name(api, api.namespace(name)) == name

    @pytest.mark.parametrize("kind", ["HTTP", "DNS_PRIVATE"])
    def test_no_name_looks_like_an_arn(self, api, kind):
        api.invalid(CREATE[kind], Name="arn:x", **members(kind))


class TestRepetition:
    @pytest.mark.parametrize("kind", KINDS)
    def test_one_token_one_namespace(self, api, fresh, kind):
        request = members(kind, Name=fresh() + ".example", CreatorRequestId="token-" + fresh(), Description="d",
                          Tags=[{"Key": "k", "Value": "v"}])
        first = api.done(CREATE[kind], **request)
        again = api.ok(CREATE[kind], **request)
        assert again["OperationId"] == first["Id"]

    @pytest.mark.parametrize("kind", KINDS)
    def test_one_token_for_something_else(self, api, fresh, kind):
        request = members(kind, Name=fresh() + ".example", CreatorRequestId="token-" + fresh(), Description="d")
        first = api.done(CREATE[kind], **request)
        body = api.fails(CREATE[kind], "NamespaceAlreadyExists", **request | {"Description": "e"})
        assert body["NamespaceId"] == first["Targets"]["NAMESPACE"]
        assert body["CreatorRequestId"] == request["CreatorRequestId"]

    def test_a_token_belongs_to_its_name(self, api, fresh):
        token = "token-" + fresh()
        assert (api.done("CreateHttpNamespace", Name=fresh(), CreatorRequestId=token)["Targets"]
                != api.done("CreateHttpNamespace", Name=fresh(), CreatorRequestId=token)["Targets"])

    def test_the_token_survives_a_restart(self, start_daemon):
        daemon = start_daemon()
        request = {"Name": "n", "CreatorRequestId": "t"}
        first = daemon.api.done("CreateHttpNamespace", **request)
        daemon.restart(crash=True)
        assert daemon.api.ok("CreateHttpNamespace", **request)["OperationId"] == first["Id"]


class TestUpdate:
    @pytest.mark.parametrize("kind", KINDS)
    def test_description(self, api, fresh, kind):
        made = api.namespace(fresh() + ".example", kind, Description="old")
        operation = api.done(UPDATE[kind], Id=made, Namespace={"Description": "new"}, UpdaterRequestId="u")
        assert (operation["Type"], operation["Targets"]["NAMESPACE"]) == ("UPDATE_NAMESPACE", made)
        assert get(api, made)["Description"] == "new"
        api.done(UPDATE[kind], Id=made, Namespace={"Description": ""})
        assert "Description" not in get(api, made)

    @pytest.mark.parametrize("kind", ["DNS_PRIVATE", "DNS_PUBLIC"])
    def test_what_is_absent_stays(self, api, fresh, kind):
        made = api.namespace(fresh() + ".example", kind, Description="text", Properties=soa(100))
        before = get(api, made)
        api.done(UPDATE[kind], Id=made, Namespace={"Properties": soa(200)})
        after = get(api, made)
        assert after["Properties"]["DnsProperties"]["SOA"] == {"TTL": 200}
        before["Properties"]["DnsProperties"]["SOA"]["TTL"] = 200
        assert after == before
        api.done(UPDATE[kind], Id=made, Namespace={"Description": "other"})
        assert get(api, made) == before | {"Description": "other"}
        api.done(UPDATE[kind], Id=made, Namespace={})
        assert get(api, made) == before | {"Description": "other"}

    @pytest.mark.parametrize("op_kind", KINDS)
    @pytest.mark.parametrize("kind", KINDS)
    def test_each_kind_has_its_own(self, api, fresh, kind, op_kind):
        made = api.namespace(fresh() + ".example", kind)
        request = {"Id": made, "Namespace": {"Description": "d"}}
        if kind == op_kind:
            api.done(UPDATE[op_kind], **request)
        else:
            api.invalid(UPDATE[op_kind], **request)

    @pytest.mark.parametrize("kind", KINDS)
    def test_of_nothing(self, api, kind):
        api.fails(UPDATE[kind], "NamespaceNotFound", Id="ns-aaaaaaaaaaaaaaaa", Namespace={"Description": "d"})

    def test_http_wants_a_description(self, api, fresh):
        made = api.namespace(fresh())
        api.invalid("UpdateHttpNamespace", "1 validation error detected: Value null at 'namespace.description' failed "
                    "to satisfy constraint: Member must not be null", Id=made, Namespace={})


class TestDelete:
    @pytest.mark.parametrize("kind", KINDS)
    def test_all_of_it_goes(self, api, fresh, kind):
        name = fresh() + ".example"
        made = api.namespace(name, kind, Tags=[{"Key": "k", "Value": "v"}])
        arn = get(api, made)["Arn"]
        operation = api.done("DeleteNamespace", Id=made)
        assert (operation["Type"], operation["Targets"]) == ("DELETE_NAMESPACE", {"NAMESPACE": made})
        api.fails("GetNamespace", "NamespaceNotFound", Id=made)
        api.fails("DeleteNamespace", "NamespaceNotFound", Id=made)
        api.fails("ListTagsForResource", "ResourceNotFoundException", ResourceARN=arn)
        api.fails("CreateService", "NamespaceNotFound", NamespaceId=made, Name="a")
        api.fails("DiscoverInstances", "NamespaceNotFound", NamespaceName=name, ServiceName="a")
        assert api.operation(operation["Id"]) == operation

    def test_not_while_it_has_services(self, api, fresh):
        made = api.namespace(fresh())
        service = api.service(made, "a")
        body = api.fails("DeleteNamespace", "ResourceInUse", Id=made)
        assert body["Message"] == ("Namespace has associated services; delete the services before deleting the "
                                   "namespace")
        api.ok("DeleteService", Id=service)
        api.done("DeleteNamespace", Id=made)
