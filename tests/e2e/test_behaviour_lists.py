# SPDX-License-Identifier: Apache-2.0
"""The lists: pages that hold while things come and go, and every filter with every condition."""

import time

import pytest

from support.client import until
from support.sdk import ACCOUNT

TOTAL = 7
CONDITIONS = ("EQ", "IN", "BETWEEN", "BEGINS_WITH")


@pytest.fixture(scope="module")
def world(daemon):
    """Namespaces of all kinds, services, instances; the lists of this module count on nothing else being there."""
    api = daemon.api
    namespaces = {name: api.namespace(name) for name in ("alpha", "alps", "beta")}
    namespaces["alpha.example"] = api.namespace("alpha.example", "DNS_PUBLIC")
    namespaces["alpha.private"] = api.namespace("alpha.private", "DNS_PRIVATE")
    services = [api.service(namespaces["alpha"], f"s{i}") for i in range(TOTAL)]
    other = api.service(namespaces["beta"], "s0")
    for i in range(TOTAL):
        api.register(services[0], f"i{i}")
    return {"namespaces": namespaces, "services": services, "other": other}


def names(api, *filters):
    given = [dict(zip(("Name", "Values", "Condition"), one)) for one in filters]
    return {one["Name"] for one in api.items("ListNamespaces", "Namespaces", Filters=given)}


LISTS = {
    "ListNamespaces": ("Namespaces", lambda world: {}),
    "ListServices": ("Services", lambda world: {}),
    "ListOperations": ("Operations", lambda world: {}),
    "ListInstances": ("Instances", lambda world: {"ServiceId": world["services"][0]}),
}


class TestPages:
    @pytest.mark.parametrize("op", LISTS)
    def test_pages_are_a_partition(self, api, world, op):
        key, members = LISTS[op]
        whole = api.ok(op, **members(world))
        assert "NextToken" not in whole and len(whole[key]) >= 5
        for size in (1, 2, len(whole[key]) - 1, len(whole[key]), 100):
            pages = api.pages(op, key, MaxResults=size, **members(world))
            assert [item for page in pages for item in page] == whole[key]
            assert all(len(page) == size for page in pages[:-1]) and 0 < len(pages[-1]) <= size

    @pytest.mark.parametrize("op", [*LISTS, "GetInstancesHealthStatus"])
    def test_bounds(self, api, world, op):
        members = LISTS.get(op, LISTS["ListInstances"])[1](world)
        for size in (0, -1, 101, 2 ** 31, 2 ** 63):
            answer = api.send(op, members | {"MaxResults": size})
            assert answer.code in ("InvalidInput", "SerializationException"), answer
        api.invalid(op, "1 validation error detected: Value '101' at 'maxResults' failed to satisfy constraint: Member "
                    "must have value less than or equal to 100", MaxResults=101, **members)

    @pytest.mark.parametrize("op", [*LISTS, "GetInstancesHealthStatus"])
    def test_tokens_that_are_none(self, api, world, op):
        members = LISTS.get(op, LISTS["ListInstances"])[1](world)
        for token in ("", "x", "AAAA", "ä", "x" * 4097, "=" * 20):
            api.invalid(op, NextToken=token, **members)

    def test_a_token_is_bound_to_its_question(self, api, world):
        services = api.ok("ListServices", MaxResults=1)["NextToken"]
        instances = api.ok("ListInstances", MaxResults=1, ServiceId=world["services"][0])["NextToken"]
        health = api.ok("GetInstancesHealthStatus", MaxResults=1, ServiceId=world["services"][0])["NextToken"]
        api.invalid("ListNamespaces", NextToken=services)
        api.invalid("ListServices", NextToken=services,
                    Filters=[{"Name": "NAMESPACE_ID", "Values": [world["namespaces"]["alpha"]]}])
        api.invalid("ListInstances", NextToken=instances, ServiceId=world["services"][1])
        api.invalid("ListInstances", NextToken=health, ServiceId=world["services"][0])
        api.invalid("ListInstances", NextToken=instances[:-1], ServiceId=world["services"][0])
        api.ok("ListInstances", NextToken=instances, ServiceId=world["services"][0], MaxResults=3)

    def test_pages_hold_while_things_come_and_go(self, api, fresh):
        namespace = api.namespace(fresh())
        made = api.service(namespace, "a")
        for i in range(20):
            api.register(made, f"i{i:02}")
        seen, token = [], {}
        for turn in range(20):
            answer = api.ok("ListInstances", ServiceId=made, MaxResults=2, **token)
            seen += [one["Id"] for one in answer["Instances"]]
            if "NextToken" not in answer:
                break
            token = {"NextToken": answer["NextToken"]}
            api.deregister(made, seen[-1])  # the very one that the token stands on
            api.register(made, f"new-{turn}")
        assert len(seen) == len(set(seen))
        assert {f"i{i:02}" for i in range(20)} <= set(seen)

    def test_the_default_page_holds_a_hundred(self, api, fresh):
        made = api.service(api.namespace(fresh()), "a")
        for i in range(101):
            api.register(made, f"i{i}")
        for op, key in (("ListInstances", "Instances"), ("GetInstancesHealthStatus", "Status")):
            assert [len(page) for page in api.pages(op, key, ServiceId=made)] == [100, 1]

    def test_tokens_survive_a_restart(self, start_daemon):
        daemon = start_daemon()
        for name in "abc":
            daemon.api.namespace(name)
        whole = daemon.api.items("ListNamespaces", "Namespaces")
        token = daemon.api.ok("ListNamespaces", MaxResults=2)["NextToken"]
        daemon.restart()
        assert daemon.api.ok("ListNamespaces", NextToken=token)["Namespaces"] == whole[2:]


class TestNamespaceFilters:
    ALL = {"alpha", "alps", "beta", "alpha.example", "alpha.private"}

    @pytest.mark.parametrize("filters, found", [
        ([("TYPE", ["HTTP"])], {"alpha", "alps", "beta"}),
        ([("TYPE", ["DNS_PUBLIC"], "EQ")], {"alpha.example"}),
        ([("TYPE", ["DNS"], "BEGINS_WITH")], {"alpha.example", "alpha.private"}),
        ([("TYPE", ["DNS_P"], "BEGINS_WITH")], {"alpha.example", "alpha.private"}),
        ([("NAME", ["alpha"])], {"alpha"}), ([("NAME", ["ALPHA"])], set()),
        ([("NAME", ["alp"], "BEGINS_WITH")], {"alpha", "alps", "alpha.example", "alpha.private"}),
        ([("NAME", ["alpha."], "BEGINS_WITH")], {"alpha.example", "alpha.private"}),
        ([("HTTP_NAME", ["alps"])], {"alps"}), ([("HTTP_NAME", ["bet"], "BEGINS_WITH")], {"beta"}),
        ([("RESOURCE_OWNER", ["SELF"])], ALL), ([("RESOURCE_OWNER", ["OTHER_ACCOUNTS"])], set()),
        ([("TYPE", ["HTTP"]), ("NAME", ["al"], "BEGINS_WITH")], {"alpha", "alps"}),
        ([("NAME", ["al"], "BEGINS_WITH"), ("NAME", ["alph"], "BEGINS_WITH"), ("TYPE", ["HTTP"])], {"alpha"}),
        ([("TYPE", ["HTTP"]), ("TYPE", ["DNS_PUBLIC"])], set()),
    ])
    def test_what_they_find(self, api, world, filters, found):
        assert names(api, *filters) & self.ALL == found

    @pytest.mark.parametrize("name, values, allowed", [
        ("TYPE", ["HTTP"], {"EQ", "BEGINS_WITH"}), ("NAME", ["a"], {"EQ", "BEGINS_WITH"}),
        ("HTTP_NAME", ["a"], {"EQ", "BEGINS_WITH"}), ("RESOURCE_OWNER", ["SELF"], {"EQ"})])
    def test_conditions(self, api, name, values, allowed):
        judge_conditions(api, "ListNamespaces", name, values, allowed)

    @pytest.mark.parametrize("bad", [
        {"Name": "NAME", "Values": []}, {"Name": "NAME", "Values": ["a", "b"]}, {"Name": "NAME"}, {"Values": ["a"]},
        {"Name": "NAME", "Values": [""]}, {"Name": "NAME", "Values": ["x" * 256]}, {"Name": "name", "Values": ["a"]},
        {"Name": "TYPE", "Values": ["UDP"]}, {"Name": "RESOURCE_OWNER", "Values": ["ME"]},
        {"Name": "NAME", "Values": ["a"], "Condition": "NE"}])
    def test_refused(self, api, bad):
        api.invalid("ListNamespaces", Filters=[bad])


class TestServiceFilters:
    def test_by_namespace(self, api, world):
        namespace = world["namespaces"]["alpha"]
        arn = api.ok("GetNamespace", Id=namespace)["Namespace"]["Arn"]
        for values in ([namespace], [arn]):
            for condition in ({}, {"Condition": "EQ"}):
                listed = api.items("ListServices", "Services", MaxResults=3,
                                   Filters=[{"Name": "NAMESPACE_ID", "Values": values, **condition}])
                assert {one["Id"] for one in listed} == set(world["services"])

    def test_of_an_unknown_namespace(self, api, world):
        for value in ("ns-aaaaaaaaaaaaaaaa", "x"):
            assert api.ok("ListServices", Filters=[{"Name": "NAMESPACE_ID", "Values": [value]}]) == {"Services": []}

    def test_by_owner(self, api, world):
        for owner, found in (("SELF", api.items("ListServices", "Services")), ("OTHER_ACCOUNTS", [])):
            filters = [{"Name": "RESOURCE_OWNER", "Values": [owner]}]
            assert api.items("ListServices", "Services", Filters=filters) == found
        api.invalid("ListServices", Filters=[{"Name": "RESOURCE_OWNER", "Values": ["ME"]}])

    @pytest.mark.parametrize("name, values", [("NAMESPACE_ID", ["ns-a"]), ("RESOURCE_OWNER", ["SELF"])])
    def test_conditions(self, api, name, values):
        judge_conditions(api, "ListServices", name, values, {"EQ"})

    def test_several(self, api, world):
        both = [{"Name": "NAMESPACE_ID", "Values": [world["namespaces"][name]]} for name in ("alpha", "beta")]
        assert api.ok("ListServices", Filters=both)["Services"] == []
        api.invalid("ListServices", Filters=[{"Name": "NAMESPACE_ID", "Values": ["a", "b"]}])


class TestOperationFilters:
    @pytest.fixture(scope="class")
    def ops(self, daemon, world):
        """Operations of every type and two states, by name."""
        api = daemon.api
        made = {"create": api.done("CreateHttpNamespace", Name="ops")}
        namespace = made["create"]["Targets"]["NAMESPACE"]
        service = api.service(namespace, "a")
        made["update"] = api.done("UpdateHttpNamespace", Id=namespace, Namespace={"Description": "d"})
        made["service"] = api.done("UpdateService", Id=service, Service={})
        made["register"] = api.register(service, "i")
        made["deregister"] = api.deregister(service, "i")
        api.ok("DeleteService", Id=service)
        made["delete"] = api.done("DeleteNamespace", Id=namespace)
        failed = api.ok("CreatePrivateDnsNamespace", Name="alpha.private", Vpc="vpc-1")["OperationId"]
        made["failed"] = api.finished(failed)
        assert made["failed"]["Status"] == "FAIL"
        return {"ids": {name: one["Id"] for name, one in made.items()}, "all": made, "namespace": namespace,
                "service": service}

    @staticmethod
    def found(api, ops, *filters):
        given = [dict(zip(("Name", "Values", "Condition"), one)) for one in filters]
        listed = {one["Id"] for one in api.items("ListOperations", "Operations", MaxResults=50, Filters=given)}
        return {name for name, one in ops["ids"].items() if one in listed}

    @pytest.mark.parametrize("filters, expected", [
        ([("TYPE", ["CREATE_NAMESPACE"])], {"create", "failed"}), ([("TYPE", ["DELETE_NAMESPACE"], "EQ")], {"delete"}),
        ([("TYPE", ["UPDATE_NAMESPACE"])], {"update"}), ([("TYPE", ["UPDATE_SERVICE"])], {"service"}),
        ([("TYPE", ["REGISTER_INSTANCE", "DEREGISTER_INSTANCE"], "IN")], {"register", "deregister"}),
        ([("STATUS", ["FAIL"])], {"failed"}),
        ([("STATUS", ["SUCCESS"])], {"create", "update", "service", "register", "deregister", "delete"}),
        ([("STATUS", ["SUCCEED"])], {"create", "update", "service", "register", "deregister", "delete"}),
        ([("STATUS", ["SUBMITTED", "PENDING"], "IN")], set()),
        ([("STATUS", ["FAIL", "SUCCESS"], "IN"), ("TYPE", ["CREATE_NAMESPACE"])], {"create", "failed"}),
        ([("STATUS", ["FAIL"]), ("TYPE", ["DELETE_NAMESPACE"])], set()),
    ])
    def test_what_they_find(self, api, ops, filters, expected):
        assert self.found(api, ops, *filters) == expected

    def test_by_target(self, api, ops):
        assert self.found(api, ops, ("NAMESPACE_ID", [ops["namespace"]])) == {
            "create", "update", "service", "register", "deregister", "delete"}
        assert self.found(api, ops, ("SERVICE_ID", [ops["service"]])) == {"service", "register", "deregister"}
        assert self.found(api, ops, ("SERVICE_ID", ["srv-none"])) == set()

    def test_by_date(self, api, ops):
        def between(start, end):
            return self.found(api, ops, ("UPDATE_DATE", [str(start), str(end)], "BETWEEN"))

        dates = {name: one["UpdateDate"] for name, one in ops["all"].items()}
        first, last = f"{dates['create']:.3f}", f"{dates['failed']:.3f}"
        assert between(first, last) == dates.keys()
        assert between(0, 4102444800) == dates.keys()
        assert "create" in between(first, first)
        assert between(int(time.time()) + 100, 4102444800) == set()
        assert between(0, f"{dates['create'] - 0.001:.3f}") == set()

    @pytest.mark.parametrize("values", [["1", "0"], ["1"], ["1", "2", "3"], ["a", "b"], ["1e3", "2e3"], ["-1", "5"],
                                        ["", "5"], ["2026-01-01", "2026-01-02"], []])
    def test_dates_that_are_none(self, api, values):
        api.invalid("ListOperations", Filters=[{"Name": "UPDATE_DATE", "Values": values, "Condition": "BETWEEN"}])

    @pytest.mark.parametrize("name, values, allowed", [
        ("NAMESPACE_ID", ["ns-a"], {"EQ"}), ("SERVICE_ID", ["srv-a"], {"EQ"}), ("STATUS", ["FAIL"], {"EQ", "IN"}),
        ("TYPE", ["UPDATE_SERVICE"], {"EQ", "IN"}), ("UPDATE_DATE", ["1", "2"], {"BETWEEN"})])
    def test_conditions(self, api, name, values, allowed):
        judge_conditions(api, "ListOperations", name, values, allowed)

    @pytest.mark.parametrize("name, values", [("STATUS", ["DONE"]), ("TYPE", ["CREATE_SERVICE"]), ("STATUS", []),
                                              ("TYPE", ["UPDATE_SERVICE", "DELETE_NAMESPACE"]), ("NAME", ["a"])])
    def test_refused(self, api, name, values):
        api.invalid("ListOperations", Filters=[{"Name": name, "Values": values}])

    def test_an_item_has_two_members(self, api, ops):
        assert {frozenset(one) for one in api.items("ListOperations", "Operations")} == {frozenset(("Id", "Status"))}

    def test_running_ones(self, start_daemon):
        api = start_daemon({"operations.delay": "1s"}).api
        made = api.ok("CreateHttpNamespace", Name="n")["OperationId"]

        def states():
            return {name for name in ("SUBMITTED", "PENDING", "SUCCESS")
                    if [{"Id": made, "Status": name}] == api.ok("ListOperations", Filters=[
                        {"Name": "STATUS", "Values": [name]}])["Operations"]}

        assert states() == {"SUBMITTED"}
        until(states, lambda seen: seen == {"SUCCESS"})


def judge_conditions(api, op, name, values, allowed):
    for condition in CONDITIONS:
        answer = api.send(op, {"Filters": [{"Name": name, "Values": values, "Condition": condition}]})
        assert answer.code == (None if condition in allowed else "InvalidInput"), (condition, answer)


def test_lists_show_the_owner(api, world):
    assert {one["ResourceOwner"] for one in api.items("ListNamespaces", "Namespaces")} == {ACCOUNT}
    assert {(one["ResourceOwner"], one["CreatedByAccount"]) for one in api.items("ListServices", "Services")} == {
        (ACCOUNT, ACCOUNT)}
