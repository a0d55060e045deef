# SPDX-License-Identifier: Apache-2.0
"""Services: what is returned of them, names, record and health check rules with AWS's texts, updates, deletion."""

import re
import time
import uuid

import pytest

from support.sdk import ACCOUNT, REGION

A = {"Type": "A", "TTL": 60}
AAAA = {"Type": "AAAA", "TTL": 60}
SRV = {"Type": "SRV", "TTL": 60}
CNAME = {"Type": "CNAME", "TTL": 60}


@pytest.fixture(scope="module")
def http(daemon):
    return daemon.api.namespace("http")


@pytest.fixture(scope="module")
def private(daemon):
    return daemon.api.namespace("private.example", "DNS_PRIVATE")


@pytest.fixture(scope="module")
def public(daemon):
    return daemon.api.namespace("public.example", "DNS_PUBLIC")


@pytest.fixture
def namespaces(http, private, public):
    return {"HTTP": http, "DNS_PRIVATE": private, "DNS_PUBLIC": public}


def get(api, service_id):
    return api.ok("GetService", Id=service_id)["Service"]


def dns(*records, **more):
    return {"DnsRecords": list(records), **more}


def update(api, service_id, **change):
    return api.done("UpdateService", Id=service_id, Service=change)


class TestCreate:
    def test_what_comes_back(self, api, fresh, private):
        name, token = fresh(), str(uuid.uuid4())
        before = time.time()
        made = api.ok("CreateService", Name=name, NamespaceId=private, CreatorRequestId=token, Description="text",
                      DnsConfig=dns(A), HealthCheckCustomConfig={})["Service"]
        assert get(api, made["Id"]) == made
        assert re.fullmatch("srv-[a-z2-7]{16}", made["Id"])
        assert before - 0.01 <= made.pop("CreateDate") <= time.time() + 0.01
        assert made == {
            "Id": made["Id"], "Arn": f"arn:aws:servicediscovery:{REGION}:{ACCOUNT}:service/{made['Id']}",
            "ResourceOwner": ACCOUNT, "CreatedByAccount": ACCOUNT, "Name": name, "NamespaceId": private,
            "Description": "text", "Type": "DNS_HTTP", "CreatorRequestId": token,
            "DnsConfig": {"NamespaceId": private, "RoutingPolicy": "MULTIVALUE", "DnsRecords": [A]},
            "HealthCheckCustomConfig": {"FailureThreshold": 1}}

    def test_a_summary_leaves_out_what_aws_leaves_out(self, api, fresh):
        namespace = api.namespace(fresh(), "DNS_PRIVATE")
        made = get(api, api.service(namespace, "a", DnsConfig=dns(A), Description="d", HealthCheckCustomConfig={}))
        del made["NamespaceId"], made["CreatorRequestId"], made["DnsConfig"]["NamespaceId"]
        filters = [{"Name": "NAMESPACE_ID", "Values": [namespace]}]
        assert api.ok("ListServices", Filters=filters)["Services"] == [made]

    def test_http_services_have_an_empty_dns_config(self, api, fresh, http):
        made = api.ok("CreateService", Name=fresh(), NamespaceId=http)["Service"]
        assert (made["Type"], made["DnsConfig"]) == ("HTTP", {})
        assert made.keys().isdisjoint({"Description", "HealthCheckConfig", "HealthCheckCustomConfig"})
        assert uuid.UUID(made["CreatorRequestId"])
        listed = api.items("ListServices", "Services", Filters=[{"Name": "NAMESPACE_ID", "Values": [http]}])
        assert [one["DnsConfig"] for one in listed if one["Id"] == made["Id"]] == [{}]

    @pytest.mark.parametrize("more", [{"Type": "HTTP"}, {}])
    def test_http_only_in_a_dns_namespace(self, api, fresh, private, more):
        made = api.ok("CreateService", Name=fresh(), NamespaceId=private, **more)["Service"]
        assert (made["Type"], made["DnsConfig"]) == ("HTTP", {})

    def test_the_namespace_may_stand_in_the_dns_config_alone(self, api, fresh, private):
        made = api.ok("CreateService", Name=fresh(), DnsConfig=dns(A, NamespaceId=private))["Service"]
        assert made["NamespaceId"] == made["DnsConfig"]["NamespaceId"] == private

    def test_the_namespace_may_stand_in_both_places(self, api, fresh, private, public):
        made = api.service(private, fresh(), DnsConfig=dns(A, NamespaceId=private))
        assert get(api, made)["NamespaceId"] == private
        api.invalid("CreateService", Name=fresh(), NamespaceId=private, DnsConfig=dns(A, NamespaceId=public))

    def test_no_namespace(self, api, fresh):
        api.invalid("CreateService", "Service namespace id cannot be null", Name=fresh())
        api.invalid("CreateService", "Service namespace id cannot be null", Name=fresh(), DnsConfig=dns(A))

    def test_an_unknown_namespace(self, api, fresh):
        api.fails("CreateService", "NamespaceNotFound", Name=fresh(), NamespaceId="ns-aaaaaaaaaaaaaaaa")

    @pytest.mark.parametrize("records", [[A], [AAAA], [A, AAAA], [AAAA, A], [SRV], [{"Type": "A", "TTL": 0}],
                                         [{"Type": "SRV", "TTL": 2147483647}]])
    def test_records_come_back_as_given(self, api, fresh, private, records):
        made = api.ok("CreateService", Name=fresh(), NamespaceId=private, DnsConfig=dns(*records))["Service"]
        assert made["DnsConfig"]["DnsRecords"] == records

    def test_cname_with_custom_health(self, api, fresh, private):
        made = api.service(private, fresh(), DnsConfig=dns(CNAME, RoutingPolicy="WEIGHTED"), HealthCheckCustomConfig={})
        assert get(api, made)["DnsConfig"]["RoutingPolicy"] == "WEIGHTED"

    @pytest.mark.parametrize("sent", [{}, {"FailureThreshold": 1}, {"FailureThreshold": 5}, {"FailureThreshold": 10}])
    def test_the_custom_threshold_is_always_one(self, api, fresh, http, sent):
        made = api.ok("CreateService", Name=fresh(), NamespaceId=http, HealthCheckCustomConfig=sent)["Service"]
        assert made["HealthCheckCustomConfig"] == {"FailureThreshold": 1}

    @pytest.mark.parametrize("config", [
        {"Type": "HTTP"}, {"Type": "HTTPS", "ResourcePath": "/up"}, {"Type": "TCP", "FailureThreshold": 10},
        {"Type": "HTTP", "ResourcePath": "/", "FailureThreshold": 3}])
    @pytest.mark.parametrize("kind", ["HTTP", "DNS_PUBLIC", "DNS_PRIVATE"])
    def test_health_check_config_is_echoed_as_sent(self, api, fresh, namespaces, kind, config):
        made = api.ok("CreateService", Name=fresh(), NamespaceId=namespaces[kind], HealthCheckConfig=config)["Service"]
        assert made["HealthCheckConfig"] == config


class TestRules:
    """Each refused with InvalidInput, word for word as AWS says it where its words are known."""

    @pytest.mark.parametrize("kind, more, message", [
        ("HTTP", {"DnsConfig": dns(A)},
         "When you create a service using a namespace that has a type of HTTP, you can't include a DnsConfig element."),
        ("DNS_PRIVATE", {"Type": "HTTP", "DnsConfig": dns(A)},
         "When you create a service with a type of HTTP, you can't include a DnsConfig element."),
        ("DNS_PRIVATE", {"DnsConfig": dns(CNAME, A, RoutingPolicy="WEIGHTED")},
         "DnsRecord Type CNAME cannot be combined with other types"),
        ("DNS_PRIVATE", {"DnsConfig": dns(A, A)}, "Duplicate resource record typeAin DNS config is not expected"),
        ("DNS_PRIVATE", {"DnsConfig": dns(SRV, SRV)}, "Duplicate resource record typeSRVin DNS config is not expected"),
        ("DNS_PRIVATE", {"DnsConfig": dns(CNAME)},
         "WEIGHTED routing policy must be used with DNS Record Type CNAME"),
        ("DNS_PRIVATE", {"DnsConfig": dns(CNAME, RoutingPolicy="MULTIVALUE")},
         "WEIGHTED routing policy must be used with DNS Record Type CNAME"),
        ("DNS_PUBLIC", {"DnsConfig": dns(CNAME, RoutingPolicy="WEIGHTED"), "HealthCheckConfig": {"Type": "HTTP"}},
         "Health check config must not be used. Health checks are not supported for CNAME"),
        ("HTTP", {"HealthCheckConfig": {"Type": "TCP", "ResourcePath": "/x"}},
         "TCP health checks must not have a resource path specified."),
        ("HTTP", {"HealthCheckConfig": {"Type": "TCP"}, "HealthCheckCustomConfig": {}}, None),
        ("DNS_PRIVATE", {"DnsConfig": dns(A, SRV)}, None),
        ("DNS_PRIVATE", {"DnsConfig": dns(SRV, AAAA)}, None),
        ("DNS_PRIVATE", {"DnsConfig": dns()}, None),
        ("HTTP", {"Type": "DNS_HTTP"}, "1 validation error detected: Value 'DNS_HTTP' at 'type' failed to satisfy "
         "constraint: Member must satisfy enum value set: [HTTP]"),
        ("DNS_PRIVATE", {"DnsConfig": dns({"Type": "A"})}, "1 validation error detected: Value null at "
         "'dnsConfig.dnsRecords.1.member.tTL' failed to satisfy constraint: Member must not be null"),
    ])
    def test_refused(self, api, fresh, namespaces, kind, more, message):
        api.invalid("CreateService", message, Name=fresh(), NamespaceId=namespaces[kind], **more)

    def test_no_cname_at_the_apex(self, api, private):
        api.invalid("CreateService", Name=".", NamespaceId=private, DnsConfig=dns(CNAME, RoutingPolicy="WEIGHTED"))

    def test_the_dns_name_must_fit(self, api, fresh):
        namespace = api.namespace(".".join([fresh().ljust(60, "x")] * 3), "DNS_PRIVATE")  # 182 characters
        api.service(namespace, "y" * 63, DnsConfig=dns(A))
        api.invalid("CreateService", Name=f"{'y' * 63}.{'y' * 63}", NamespaceId=namespace, DnsConfig=dns(A))

    def test_health_checks_in_private_namespaces_as_aws(self, start_daemon):
        api = start_daemon({"compat": "aws"}).api
        api.invalid("CreateService", "Health check config cannot be applied to a service with private namespace",
                    Name="a", NamespaceId=api.namespace("n", "DNS_PRIVATE"), HealthCheckConfig={"Type": "TCP"})
        api.service(api.namespace("h"), "a", HealthCheckConfig={"Type": "TCP"})

    def test_a_switch_alone_goes_aws_s_way(self, start_daemon):
        api = start_daemon({"health.private_namespaces": "false"}).api
        api.invalid("CreateService", Name="a", NamespaceId=api.namespace("n", "DNS_PRIVATE"),
                    HealthCheckConfig={"Type": "TCP"})


class TestNames:
    def test_one_name_once(self, api, http, fresh):
        name = fresh()
        made = api.ok("CreateService", Name=name, NamespaceId=http)["Service"]
        body = api.fails("CreateService", "ServiceAlreadyExists", Name=name, NamespaceId=http)
        assert {key: body[key] for key in ("ServiceId", "ServiceArn", "CreatorRequestId", "Message")} == {
            "ServiceId": made["Id"], "ServiceArn": made["Arn"], "CreatorRequestId": made["CreatorRequestId"],
            "Message": "Service already exists."}

    def test_the_same_name_in_two_namespaces(self, api, fresh, http, private):
        name = fresh()
        assert api.service(http, name) != api.service(private, name)

    def test_case_counts_in_http_namespaces(self, api, fresh, http):
        name = fresh()
        assert api.service(http, name) != api.service(http, name.upper())

    @pytest.mark.parametrize("more", [{}, {"Type": "HTTP"}, {"DnsConfig": dns(A)}])
    def test_case_does_not_count_in_dns_namespaces(self, api, fresh, private, more):
        name = fresh()
        first = api.service(private, name.upper(), **more)
        assert get(api, first)["Name"] == name.upper()
        assert api.fails("CreateService", "ServiceAlreadyExists", Name=name, NamespaceId=private,
                         **more)["ServiceId"] == first

    @pytest.mark.parametrize("name", [".", "_http._tcp", "a", "a.b.c", "x" * 63, "-".join(["a"] * 32),
                                      ".".join(["abc"] * 31) + ".abc", "_a"])
    def test_names_that_are_fine(self, api, private, name):
        assert get(api, api.service(private, name))["Name"] == name

    @pytest.mark.parametrize("name", ["", "..", ".a", "a.", "a..b", "_", "-a", "a-", "a b", "x" * 64,
                                      ".".join(["abc"] * 31) + ".abcd", "ä", "a/b", "a\n", "a_.-b"])
    def test_names_that_are_not(self, api, private, name):
        assert "failed to satisfy constraint" in api.invalid("CreateService", Name=name, NamespaceId=private)["Message"]

    def test_an_id_follows_from_the_name(self, api, fresh, http):
        name = fresh()
        first = api.service(http, name, Tags=[{"Key": "k", "Value": "v"}], Description="old",
                            HealthCheckCustomConfig={})
        arn = get(api, first)["Arn"]
        api.ok("UpdateServiceAttributes", ServiceId=first, Attributes={"k": "v"})
        api.register(first, "i")
        api.ok("UpdateInstanceCustomHealthStatus", ServiceId=first, InstanceId="i", Status="UNHEALTHY")
        revision = api.ok("DiscoverInstancesRevision", NamespaceName="http", ServiceName=name)["InstancesRevision"]
        api.deregister(first, "i")
        api.ok("DeleteService", Id=first)
        assert api.service(http, name, HealthCheckCustomConfig={}) == first
        assert "Description" not in get(api, first)
        assert api.ok("ListTagsForResource", ResourceARN=arn)["Tags"] == []
        assert api.ok("GetServiceAttributes", ServiceId=first)["ServiceAttributes"]["Attributes"] == {}
        assert api.ok("ListInstances", ServiceId=first)["Instances"] == []
        now = api.ok("DiscoverInstancesRevision", NamespaceName="http", ServiceName=name)["InstancesRevision"]
        assert now > revision
        api.register(first, "i")
        assert api.ok("GetInstancesHealthStatus", ServiceId=first)["Status"] == {"i": "HEALTHY"}


class TestRepetition:
    REQUEST = {"Description": "d", "HealthCheckCustomConfig": {}, "Tags": [{"Key": "k", "Value": "v"}]}

    def test_one_token_one_service(self, api, fresh, http):
        request = self.REQUEST | {"Name": fresh(), "NamespaceId": http, "CreatorRequestId": "constant"}
        made = api.ok("CreateService", **request)
        assert api.ok("CreateService", **request) == made

    @pytest.mark.parametrize("other", [{"CreatorRequestId": "another"}, {"Description": "e"}, {"Tags": []},
                                       {"HealthCheckCustomConfig": None}])
    def test_anything_else_is_a_conflict(self, api, fresh, http, other):
        request = self.REQUEST | {"Name": fresh(), "NamespaceId": http, "CreatorRequestId": "constant"}
        made = api.ok("CreateService", **request)["Service"]["Id"]
        assert api.fails("CreateService", "ServiceAlreadyExists", **request | other)["ServiceId"] == made


class TestUpdate:
    def test_it_is_an_operation_on_the_service(self, api, fresh, private):
        made = api.service(private, fresh(), DnsConfig=dns(A))
        operation = update(api, made, DnsConfig=dns({"Type": "A", "TTL": 5}))
        assert operation["Type"] == "UPDATE_SERVICE"
        assert operation["Targets"] == {"SERVICE": made, "NAMESPACE": private}
        assert get(api, made)["DnsConfig"] == {"NamespaceId": private, "RoutingPolicy": "MULTIVALUE",
                                               "DnsRecords": [{"Type": "A", "TTL": 5}]}

    def test_the_order_of_records_is_the_new_one(self, api, fresh, private):
        made = api.service(private, fresh(), DnsConfig=dns(A, AAAA, RoutingPolicy="WEIGHTED"))
        update(api, made, DnsConfig=dns(AAAA, A))
        assert get(api, made)["DnsConfig"] == {"NamespaceId": private, "RoutingPolicy": "WEIGHTED",
                                               "DnsRecords": [AAAA, A]}

    @pytest.mark.parametrize("records, told", [([AAAA], "AAAA"), ([A, AAAA], "A, AAAA"), ([SRV], "SRV")])
    def test_record_types_stay(self, api, fresh, private, records, told):
        made = api.service(private, fresh(), DnsConfig=dns(A))
        api.invalid("UpdateService", "The record types in the request must be the same as those present in the "
                    "existing service. Records in the existing service are [A], but the records in the request are "
                    f"[{told}]. The record types of a service cannot be changed.", Id=made,
                    Service={"DnsConfig": dns(*records)})

    def test_no_dns_config_takes_the_records_away(self, api, fresh, private):
        made = api.service(private, fresh(), DnsConfig=dns(A))
        update(api, made, Description="d")
        after = get(api, made)
        assert after["Type"] == "DNS_HTTP"
        assert after["DnsConfig"].get("DnsRecords", []) == []

    def test_description(self, api, fresh, http):
        made = api.service(http, fresh(), Description="old")
        update(api, made)
        assert get(api, made)["Description"] == "old"
        update(api, made, Description="new")
        assert get(api, made)["Description"] == "new"
        update(api, made, Description="")
        assert "Description" not in get(api, made)

    def test_health_check_config_is_replaced(self, api, fresh, public):
        made = api.service(public, fresh(), DnsConfig=dns(A), HealthCheckConfig={"Type": "HTTP", "ResourcePath": "/a"})
        new = {"Type": "HTTP", "FailureThreshold": 2}
        update(api, made, DnsConfig=dns(A), HealthCheckConfig=new)
        assert get(api, made)["HealthCheckConfig"] == new
        update(api, made, DnsConfig=dns(A))
        assert "HealthCheckConfig" not in get(api, made)
        update(api, made, DnsConfig=dns(A), HealthCheckConfig={"Type": "TCP"})
        assert get(api, made)["HealthCheckConfig"] == {"Type": "TCP"}

    def test_its_type_stays(self, api, fresh, http):
        made = api.service(http, fresh(), HealthCheckConfig={"Type": "HTTP"})
        api.invalid("UpdateService", "Type of health check cannot be changed", Id=made,
                    Service={"HealthCheckConfig": {"Type": "HTTPS"}})

    @pytest.mark.parametrize("config, message", [
        ({"Type": "TCP", "ResourcePath": "/x"}, "TCP health checks must not have a resource path specified."),
        ({"Type": "ICMP"}, "1 validation error detected: Value 'ICMP' at 'service.healthCheckConfig.type' failed to "
         "satisfy constraint: Member must satisfy enum value set: [HTTP, HTTPS, TCP]")])
    def test_its_rules_hold(self, api, fresh, http, config, message):
        api.invalid("UpdateService", message, Id=api.service(http, fresh()), Service={"HealthCheckConfig": config})

    def test_custom_health_stays(self, api, fresh, http):
        made = api.service(http, fresh(), HealthCheckCustomConfig={})
        update(api, made, Description="d")
        assert get(api, made)["HealthCheckCustomConfig"] == {"FailureThreshold": 1}
        api.invalid("UpdateService", Id=made, Service={"HealthCheckConfig": {"Type": "TCP"}})

    def test_cname_takes_no_health_check(self, api, fresh, public):
        made = api.service(public, fresh(), DnsConfig=dns(CNAME, RoutingPolicy="WEIGHTED"))
        api.invalid("UpdateService", "Health check config must not be used. Health checks are not supported for CNAME",
                    Id=made, Service={"DnsConfig": dns(CNAME), "HealthCheckConfig": {"Type": "TCP"}})

    def test_http_services_take_no_dns_config(self, api, fresh, http, private):
        for made in (api.service(http, fresh()), api.service(private, fresh(), Type="HTTP")):
            api.invalid("UpdateService", Id=made, Service={"DnsConfig": dns(A)})

    def test_private_health_checks_as_aws(self, start_daemon):
        api = start_daemon({"compat": "aws"}).api
        made = api.service(api.namespace("n", "DNS_PRIVATE"), "a", DnsConfig=dns(A))
        api.invalid("UpdateService", Id=made, Service={"DnsConfig": dns(A), "HealthCheckConfig": {"Type": "TCP"}})

    def test_of_nothing(self, api):
        api.fails("UpdateService", "ServiceNotFound", Id="srv-aaaaaaaaaaaaaaaa", Service={})

    def test_it_does_not_move_the_revision(self, api, fresh, http):
        name = fresh()
        made = api.service(http, name)
        ask = {"NamespaceName": "http", "ServiceName": name}
        before = api.ok("DiscoverInstancesRevision", **ask)
        update(api, made, Description="d")
        assert api.ok("DiscoverInstancesRevision", **ask) == before


class TestDelete:
    def test_it_goes_with_tags_and_attributes(self, api, fresh, http):
        made = api.ok("CreateService", NamespaceId=http, Name=fresh(), Tags=[{"Key": "k", "Value": "v"}])["Service"]
        api.ok("UpdateServiceAttributes", ServiceId=made["Id"], Attributes={"k": "v"})
        assert api.send("DeleteService", {"Id": made["Id"]}).body == b"{}"
        api.fails("GetService", "ServiceNotFound", Id=made["Id"])
        api.fails("DeleteService", "ServiceNotFound", Id=made["Id"])
        api.fails("GetServiceAttributes", "ServiceNotFound", ServiceId=made["Id"])
        api.fails("ListTagsForResource", "ResourceNotFoundException", ResourceARN=made["Arn"])

    def test_not_while_it_has_instances(self, api, fresh, http):
        made = api.service(http, fresh())
        api.register(made, "i")
        assert api.fails("DeleteService", "ResourceInUse", Id=made)["Message"] == (
            "Service contains registered instances; delete the instances before deleting the service")
        api.deregister(made, "i")
        api.ok("DeleteService", Id=made)


class TestAttributes:
    """The map of a service: no instance attributes, no tags."""

    def test_merge_and_delete(self, api, fresh, http):
        made = api.ok("CreateService", NamespaceId=http, Name=fresh())["Service"]

        def read():
            answer = api.ok("GetServiceAttributes", ServiceId=made["Id"])["ServiceAttributes"]
            assert (answer["ServiceArn"], answer["ResourceOwner"]) == (made["Arn"], ACCOUNT)
            return answer["Attributes"]

        assert read() == {}
        assert api.send("UpdateServiceAttributes", {"ServiceId": made["Id"], "Attributes": {"a": "1", "b": "2"}}).body \
            == b"{}"
        api.ok("UpdateServiceAttributes", ServiceId=made["Arn"], Attributes={"b": "3", "c": ""})
        assert read() == {"a": "1", "b": "3", "c": ""}
        gone = {"ServiceId": made["Id"], "Attributes": ["a", "unknown"]}
        assert api.send("DeleteServiceAttributes", gone).body == b"{}"
        assert read() == {"b": "3", "c": ""}
        assert get(api, made["Id"]) == made

    def test_any_text_is_kept(self, api, fresh, http):
        made = api.service(http, fresh())
        strange = {"ключ \U0001f511": "\u0000\n\"\\ 日本", " ": "\t", "k" * 255: "v" * 1024}
        api.ok("UpdateServiceAttributes", ServiceId=made, Attributes=strange)
        assert api.ok("GetServiceAttributes", ServiceId=made)["ServiceAttributes"]["Attributes"] == strange

    def test_thirty_in_all(self, api, fresh, http):
        made = api.service(http, fresh())
        thirty = {f"k{i}": "v" for i in range(30)}
        api.ok("UpdateServiceAttributes", ServiceId=made, Attributes=thirty)
        api.fails("UpdateServiceAttributes", "ServiceAttributesLimitExceededException", ServiceId=made,
                  Attributes={"k0": "new", "one more": "v"})
        assert api.ok("GetServiceAttributes", ServiceId=made)["ServiceAttributes"]["Attributes"] == thirty
        api.ok("UpdateServiceAttributes", ServiceId=made, Attributes={"k0": "new"})
        api.ok("DeleteServiceAttributes", ServiceId=made, Attributes=["k1"])
        api.ok("UpdateServiceAttributes", ServiceId=made, Attributes={"one more": "v"})

    @pytest.mark.parametrize("op, attributes", [
        ("UpdateServiceAttributes", {}), ("UpdateServiceAttributes", {f"k{i}": "v" for i in range(31)}),
        ("UpdateServiceAttributes", {"k" * 256: "v"}), ("UpdateServiceAttributes", {"k": "v" * 1025}),
        ("DeleteServiceAttributes", []), ("DeleteServiceAttributes", [f"k{i}" for i in range(31)])])
    def test_bounds(self, api, fresh, http, op, attributes):
        api.invalid(op, ServiceId=api.service(http, fresh()), Attributes=attributes)

    @pytest.mark.parametrize("op, more", [
        ("GetServiceAttributes", {}), ("DeleteServiceAttributes", {"Attributes": ["k"]}),
        ("UpdateServiceAttributes", {"Attributes": {"k": "v"}})])
    def test_of_nothing(self, api, op, more):
        assert api.fails(op, "ServiceNotFound", ServiceId="srv-none", **more)["Message"] == "Service not found"

    def test_no_other_action_shows_them(self, api, fresh, http):
        name = fresh()
        made = api.service(http, name)
        before = [api.send("GetService", {"Id": made}).body,
                  api.ok("DiscoverInstances", NamespaceName="http", ServiceName=name)]
        api.ok("UpdateServiceAttributes", ServiceId=made, Attributes={"k": "v"})
        assert before == [api.send("GetService", {"Id": made}).body,
                          api.ok("DiscoverInstances", NamespaceName="http", ServiceName=name)]
