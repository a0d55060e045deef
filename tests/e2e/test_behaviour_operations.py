# SPDX-License-Identifier: Apache-2.0
"""Asynchronous operations: done with the answer by default, watched through SUBMITTED and PENDING when operations.delay
asks for it; DuplicateRequest; what a crash in the middle leaves."""

import re
import time

import pytest

from support.client import until
from support.sdk import ACCOUNT

DELAY = {"operations.delay": "1s"}
# Long enough that an operation is still running when the test has looked, without being waited for.
LONG = {"operations.delay": "1h"}


def status(api, operation_id):
    return api.operation(operation_id)["Status"]


def running(api, op, **members):
    operation_id = api.ok(op, **members)["OperationId"]
    assert status(api, operation_id) in ("SUBMITTED", "PENDING")
    return operation_id


def duplicate(api, running_id, running_op, op, **members):
    body = api.fails(op, "DuplicateRequest", **members)
    assert body["DuplicateOperationId"] == running_id
    assert body["Message"] == f"Another operation of type {running_op} and id {running_id} is in progress"


class TestAtOnce:
    def test_what_get_operation_shows(self, api, fresh):
        before = time.time()
        made = api.ok("CreateHttpNamespace", Name=fresh())["OperationId"]
        seen = api.operation(made)
        assert seen == {"Id": made, "OwnerAccount": ACCOUNT, "Type": "CREATE_NAMESPACE", "Status": "SUCCESS",
                        "CreateDate": seen["CreateDate"], "UpdateDate": seen["UpdateDate"], "Targets": seen["Targets"]}
        assert before - 0.01 <= seen["CreateDate"] <= seen["UpdateDate"] <= time.time() + 0.01
        assert seen["Targets"].keys() == {"NAMESPACE"}

    def test_the_id_tells_its_time(self, api, fresh):
        """32 characters of the target, then the acceptance time in base 36 milliseconds."""
        seen = api.operation(api.ok("CreateHttpNamespace", Name=fresh())["OperationId"])
        assert re.fullmatch("[a-z2-7]{32}-[0-9a-z]{8}", seen["Id"])
        assert int(seen["Id"][33:], 36) == round(seen["CreateDate"] * 1000)

    def test_one_target_one_prefix(self, api, fresh):
        name = fresh()
        namespace = api.namespace(name)
        made = [api.ok("UpdateHttpNamespace", Id=namespace, Namespace={"Description": str(i)})["OperationId"]
                for i in range(50)]
        last = api.done("DeleteNamespace", Id=namespace)["Id"]
        assert len({one[:33] for one in (*made, last)}) == 1
        assert sorted({*made, last}) == [*made, last], "in one millisecond, too"

    @pytest.mark.parametrize("text", ["none", "", "a" * 32 + "-k9302yzd", "x" * 255, "arn:aws:x"])
    def test_unknown(self, api, text):
        assert api.fails("GetOperation", "OperationNotFound", OperationId=text)["Message"] == "Operation not found"

    def test_the_owner(self, api, fresh):
        made = api.ok("CreateHttpNamespace", Name=fresh())["OperationId"]
        api.ok("GetOperation", OperationId=made, OwnerAccount=ACCOUNT)
        api.fails("GetOperation", "OperationNotFound", OperationId=made, OwnerAccount="111111111111")
        api.invalid("GetOperation", OperationId=made, OwnerAccount="1111")
        api.invalid("GetOperation", OperationId="x" * 256)


class TestDelayed:
    def test_submitted_pending_success(self, start_daemon):
        api = start_daemon({"operations.delay": "2s"}).api
        start = time.monotonic()
        made = api.ok("CreateHttpNamespace", Name="n")["OperationId"]
        first = api.operation(made)
        assert first["Status"] == "SUBMITTED"
        assert first["UpdateDate"] == first["CreateDate"]
        api.fails("GetNamespace", "NamespaceNotFound", Id=first["Targets"]["NAMESPACE"])
        pending = until(lambda: api.operation(made), lambda seen: seen["Status"] != "SUBMITTED")
        assert pending["Status"] == "PENDING"
        assert pending["UpdateDate"] > first["UpdateDate"]
        assert api.ok("ListNamespaces")["Namespaces"] == []
        done = until(lambda: api.operation(made), lambda seen: seen["Status"] != "PENDING")
        assert time.monotonic() - start >= 1.9
        assert done == first | {"Status": "SUCCESS", "UpdateDate": done["UpdateDate"]}
        assert done["UpdateDate"] > pending["UpdateDate"]
        assert api.ok("GetNamespace", Id=done["Targets"]["NAMESPACE"])["Namespace"]["Name"] == "n"

    def test_each_change_comes_with_its_success(self, start_daemon):
        """One walk through all ten asynchronous actions; each change is not there before SUCCESS and there with it."""
        api = start_daemon({"operations.delay": "300ms"}).api

        def walk(op, look, **members):
            before = look()
            made = api.ok(op, **members)["OperationId"]
            while True:
                seen = look()
                if status(api, made) == "SUCCESS":
                    break
                assert seen == before, (op, "shows before its success")
            assert look() != before, (op, "does not show with its success")
            return api.operation(made)["Targets"]

        def listed():
            return api.ok("ListNamespaces")["Namespaces"]

        http = walk("CreateHttpNamespace", listed, Name="h")["NAMESPACE"]
        private = walk("CreatePrivateDnsNamespace", listed, Name="p", Vpc="v")["NAMESPACE"]
        public = walk("CreatePublicDnsNamespace", listed, Name="a.b")["NAMESPACE"]
        change = {"Description": "d"}
        walk("UpdateHttpNamespace", listed, Id=http, Namespace=change)
        walk("UpdatePrivateDnsNamespace", listed, Id=private, Namespace=change)
        walk("UpdatePublicDnsNamespace", listed, Id=public, Namespace=change)
        service = api.service(http, "s")
        walk("UpdateService", lambda: api.ok("GetService", Id=service), Id=service, Service=change)
        found = lambda: api.ok("DiscoverInstances", NamespaceName="h", ServiceName="s")  # noqa: E731
        walk("RegisterInstance", found, ServiceId=service, InstanceId="i", Attributes={})
        walk("DeregisterInstance", found, ServiceId=service, InstanceId="i")
        walk("DeleteNamespace", listed, Id=private)

    def test_a_running_deregistration_still_counts(self, start_daemon):
        daemon = start_daemon()
        api = daemon.api
        service = api.service(api.namespace("h"), "s")
        api.register(service, "i")
        daemon.restart(LONG)
        running(api, "DeregisterInstance", ServiceId=service, InstanceId="i")
        api.fails("DeleteService", "ResourceInUse", Id=service)
        assert api.discover("h", "s").keys() == {"i"}

    def test_a_conflict_of_private_names_shows_at_the_end(self, start_daemon):
        api = start_daemon(DELAY).api
        api.namespace("n", "DNS_PRIVATE")
        made = running(api, "CreatePrivateDnsNamespace", Name="n", Vpc="vpc-1")
        assert "ErrorCode" not in api.operation(made)
        failed = api.finished(made)
        assert (failed["Status"], failed["ErrorCode"]) == ("FAIL", "CANNOT_CREATE_HOSTED_ZONE")
        assert "ConflictingDomainExists" in failed["ErrorMessage"]

    def test_what_became_impossible_meanwhile_is_refused_or_fails(self, start_daemon):
        """A namespace gets a service while its deletion runs: one of the two gives way, both never succeed."""
        api = start_daemon(DELAY).api
        namespace = api.namespace("n")
        deletion = running(api, "DeleteNamespace", Id=namespace)
        creation = api.send("CreateService", {"NamespaceId": namespace, "Name": "s"})
        ended = api.finished(deletion)
        assert (creation.status == 200) == (ended["Status"] == "FAIL"), (creation, ended)
        if creation.status == 200:
            assert api.ok("GetService", Id=creation.json["Service"]["Id"])["Service"]["NamespaceId"] == namespace
            assert ended["ErrorMessage"]
        else:
            assert creation.code in ("NamespaceNotFound", "InvalidInput"), creation

    def test_a_service_goes_while_a_registration_runs(self, start_daemon):
        api = start_daemon(DELAY).api
        namespace = api.namespace("n")
        service = api.service(namespace, "s")
        registration = running(api, "RegisterInstance", ServiceId=service, InstanceId="i", Attributes={})
        deletion = api.send("DeleteService", {"Id": service})
        ended = api.finished(registration)
        assert (deletion.status == 200) == (ended["Status"] == "FAIL"), (deletion, ended)
        if deletion.status == 200:
            assert ended["ErrorCode"] and ended["ErrorMessage"]
            assert api.service(namespace, "s") == service
            assert api.ok("ListInstances", ServiceId=service)["Instances"] == []

    def test_a_service_made_again_gets_nothing_of_the_old_one(self, start_daemon):
        """It has the id of the old one, but what was asked of that one fails."""
        api = start_daemon({"operations.delay": "500ms"}).api
        namespace = api.namespace("h")
        made = api.service(namespace, "s")
        waiting = [api.ok("RegisterInstance", ServiceId=made, InstanceId="i", Attributes={})["OperationId"],
                   api.ok("UpdateService", Id=made, Service={"Description": "old"})["OperationId"]]
        api.ok("DeleteService", Id=made)
        assert api.service(namespace, "s") == made
        for one in waiting:
            operation = api.finished(one)
            assert (operation["Status"], operation["ErrorMessage"]) == ("FAIL", "Service not found")
        assert api.items("ListInstances", "Instances", ServiceId=made) == []
        assert "Description" not in api.ok("GetService", Id=made)["Service"]
        assert api.register(made, "i")["Status"] == "SUCCESS"


class TestDuplicateRequest:
    @pytest.fixture
    def api(self, start_daemon):
        """Everything is made at once, then operations take an hour."""
        daemon = start_daemon()
        api = daemon.api
        self.http = api.namespace("h")
        self.private = api.namespace("p", "DNS_PRIVATE")
        self.public = api.namespace("a.b", "DNS_PUBLIC")
        self.service = api.service(self.http, "s")
        self.other = api.service(self.http, "t")
        for name in "ij":
            api.register(self.service, name)
        api.register(self.other, "i")
        daemon.restart(LONG)
        return api

    @pytest.mark.parametrize("first, members", [
        ("CreateHttpNamespace", {}), ("CreatePrivateDnsNamespace", {"Vpc": "vpc-1"}), ("CreatePublicDnsNamespace", {})])
    def test_one_creation_a_name_across_kinds(self, api, first, members):
        made = running(api, first, Name="new.example", **members)
        for op, more in (("CreateHttpNamespace", {}), ("CreatePrivateDnsNamespace", {"Vpc": "vpc-2"}),
                         ("CreatePublicDnsNamespace", {})):
            duplicate(api, made, first, op, Name="new.example", **more)
        running(api, "CreateHttpNamespace", Name="other.example")

    def test_one_token_gets_its_operation_back(self, api):
        request = {"Name": "new", "CreatorRequestId": "t"}
        made = running(api, "CreateHttpNamespace", **request)
        assert running(api, "CreateHttpNamespace", **request) == made
        duplicate(api, made, "CreateHttpNamespace", "CreateHttpNamespace", **request | {"Description": "d"})
        duplicate(api, made, "CreateHttpNamespace", "CreateHttpNamespace", **request | {"CreatorRequestId": "u"})
        register = {"ServiceId": self.service, "InstanceId": "i", "Attributes": {"k": "v"}, "CreatorRequestId": "t"}
        made = running(api, "RegisterInstance", **register)
        assert running(api, "RegisterInstance", **register) == made
        duplicate(api, made, "RegisterInstance", "RegisterInstance", **register | {"Attributes": {"k": "w"}})
        duplicate(api, made, "RegisterInstance", "RegisterInstance", **register | {"CreatorRequestId": "u"})

    @pytest.mark.parametrize("kind, op", [("http", "UpdateHttpNamespace"), ("private", "UpdatePrivateDnsNamespace"),
                                          ("public", "UpdatePublicDnsNamespace")])
    def test_one_change_a_namespace(self, api, kind, op):
        namespace = getattr(self, kind)
        change = {"Id": namespace, "Namespace": {"Description": "d"}}
        made = running(api, op, **change)
        duplicate(api, made, op, op, **change)
        if kind != "http":
            duplicate(api, made, op, "DeleteNamespace", Id=namespace)

    def test_one_deletion(self, api):
        made = running(api, "DeleteNamespace", Id=self.public)
        duplicate(api, made, "DeleteNamespace", "DeleteNamespace", Id=self.public)
        duplicate(api, made, "DeleteNamespace", "UpdatePublicDnsNamespace", Id=self.public,
                  Namespace={"Description": "d"})

    def test_one_change_a_service(self, api):
        made = running(api, "UpdateService", Id=self.service, Service={"Description": "d"})
        duplicate(api, made, "UpdateService", "UpdateService", Id=self.service, Service={})
        running(api, "UpdateService", Id=self.other, Service={})

    def test_one_change_an_instance(self, api):
        target = {"ServiceId": self.service, "InstanceId": "i"}
        made = running(api, "RegisterInstance", **target, Attributes={})
        duplicate(api, made, "RegisterInstance", "RegisterInstance", **target, Attributes={"k": "v"})
        duplicate(api, made, "RegisterInstance", "DeregisterInstance", **target)
        made = running(api, "DeregisterInstance", ServiceId=self.service, InstanceId="j")
        duplicate(api, made, "DeregisterInstance", "DeregisterInstance", ServiceId=self.service, InstanceId="j")
        running(api, "RegisterInstance", ServiceId=self.service, InstanceId="new", Attributes={})
        running(api, "RegisterInstance", ServiceId=self.other, InstanceId="i", Attributes={})

    def test_only_while_it_runs(self, start_daemon):
        api = start_daemon(DELAY).api
        service = api.service(api.namespace("h"), "s")
        api.register(service, "i")
        api.deregister(service, "i")

    def test_what_waits_keeps_its_delay(self, start_daemon):
        """The moment is stored with the operation; what the setting says after a restart holds for new ones."""
        daemon = start_daemon(LONG)
        made = running(daemon.api, "CreateHttpNamespace", Name="n")
        daemon.restart({})
        duplicate(daemon.api, made, "CreateHttpNamespace", "CreateHttpNamespace", Name="n")
        daemon.api.namespace("other")


class TestRestart:
    @pytest.mark.parametrize("crash", [False, True])
    def test_operations_in_the_middle_go_on(self, start_daemon, crash):
        daemon = start_daemon()
        api = daemon.api
        namespace = api.namespace("h")
        service = api.service(namespace, "s")
        api.register(service, "old")
        daemon.restart({"operations.delay": "3s"})
        operations = {
            "creation": api.ok("CreatePrivateDnsNamespace", Name="n", Vpc="v", Description="d",
                               Tags=[{"Key": "k", "Value": "v"}], Properties={"DnsProperties": {"SOA": {"TTL": 7}}}),
            "update": api.ok("UpdateHttpNamespace", Id=namespace, Namespace={"Description": "new"}),
            "change": api.ok("UpdateService", Id=service, Service={"Description": "changed"}),
            "registration": api.ok("RegisterInstance", ServiceId=service, InstanceId="new", Attributes={"k": "v"}),
            "deregistration": api.ok("DeregisterInstance", ServiceId=service, InstanceId="old")}
        before = {name: api.operation(answer["OperationId"]) for name, answer in operations.items()}
        assert {one["Status"] for one in before.values()} <= {"SUBMITTED", "PENDING"}
        daemon.restart(crash=crash)
        for name, seen in before.items():
            done = api.finished(seen["Id"])
            assert done["UpdateDate"] - done["CreateDate"] >= 2.9
            assert done == seen | {"Status": "SUCCESS", "UpdateDate": done["UpdateDate"]}, name
        made = api.ok("GetNamespace", Id=before["creation"]["Targets"]["NAMESPACE"])["Namespace"]
        assert (made["Name"], made["Description"]) == ("n", "d")
        assert made["Properties"]["DnsProperties"]["SOA"] == {"TTL": 7}
        assert api.ok("ListTagsForResource", ResourceARN=made["Arn"])["Tags"] == [{"Key": "k", "Value": "v"}]
        assert api.ok("GetNamespace", Id=namespace)["Namespace"]["Description"] == "new"
        assert api.ok("GetService", Id=service)["Service"]["Description"] == "changed"
        assert {name: one["Attributes"] for name, one in api.discover("h", "s").items()} == {"new": {"k": "v"}}

    def test_finished_ones_are_kept(self, start_daemon):
        daemon = start_daemon()
        api = daemon.api
        api.namespace("n", "DNS_PRIVATE")
        failed = api.finished(api.ok("CreatePrivateDnsNamespace", Name="n", Vpc="vpc-1")["OperationId"])
        assert failed["Status"] == "FAIL"
        gone = api.done("DeleteNamespace", Id=api.namespace("m"))
        before = api.items("ListOperations", "Operations")
        daemon.restart(crash=True)
        assert api.operation(failed["Id"]) == failed
        assert api.operation(gone["Id"]) == gone
        assert api.items("ListOperations", "Operations") == before


class TestRetention:
    def test_the_oldest_finished_go_first(self, start_daemon):
        api = start_daemon({"operations.max": "100"}).api
        service = api.service(api.namespace("h"), "s")
        made = [api.register(service, f"i{i}")["Id"] for i in range(150)]
        kept = {one["Id"] for one in api.items("ListOperations", "Operations")}
        assert made[-1] in kept and made[0] not in kept
        assert 90 < len(kept) <= 100
        assert kept <= set(made[-len(kept):])
        api.fails("GetOperation", "OperationNotFound", OperationId=made[0])

    def test_old_ones_go(self, start_daemon):
        daemon = start_daemon({"operations.keep": "1s"})
        api = daemon.api
        first = api.done("CreateHttpNamespace", Name="h")

        def look():
            # Old operations go when new ones come.
            api.done("UpdateHttpNamespace", Id=first["Targets"]["NAMESPACE"], Namespace={"Description": "d"})
            return api.send("GetOperation", {"OperationId": first["Id"]}).code

        assert look() is None
        until(look, lambda code: code == "OperationNotFound")
        assert first["Id"] not in {one["Id"] for one in api.items("ListOperations", "Operations")}
        assert len(api.ok("ListNamespaces")["Namespaces"]) == 1
