# SPDX-License-Identifier: Apache-2.0
"""DiscoverInstances and DiscoverInstancesRevision: addressing, filters in their order, the fair sample, revisions, and
a large service against a model."""

import collections
import random
from concurrent.futures import ThreadPoolExecutor

import pytest

from support.sdk import ACCOUNT

DRAWS = 600


@pytest.fixture(scope="module")
def http(daemon):
    return daemon.api.namespace("h")


@pytest.fixture
def service(api, http, fresh):
    """A function that makes a service with instances {id: (status, attributes)} and returns what discovers in it."""
    def make(instances, custom=True):
        name = fresh()
        made = api.service(http, name, **({"HealthCheckCustomConfig": {}} if custom else {}))
        for key, (status, attributes) in instances.items():
            init = {"AWS_INIT_HEALTH_STATUS": status} if status else {}
            api.register(made, key, attributes | init)

        def discover(**members):
            return set(api.discover("h", name, **members))
        return discover
    return make


def revision(api, service_name, namespace_name="h"):
    ask = {"NamespaceName": namespace_name, "ServiceName": service_name}
    return api.ok("DiscoverInstancesRevision", **ask)["InstancesRevision"]


class TestAddress:
    def test_unknown(self, api, http):
        ask = {"NamespaceName": "none", "ServiceName": "a"}
        for op in ("DiscoverInstances", "DiscoverInstancesRevision"):
            assert api.fails(op, "NamespaceNotFound", **ask)["Message"] == "Namespace not found"
            assert api.fails(op, "ServiceNotFound", **ask | {"NamespaceName": "h"})["Message"] == "Service not found"
            api.fails(op, "ServiceNotFound", **ask | {"NamespaceName": "h", "ServiceName": "."})
            api.invalid(op, ServiceName="a")
            api.invalid(op, NamespaceName="h")
            api.invalid(op, **ask | {"NamespaceName": "h", "ServiceName": "a b"})

    def test_nothing_registered(self, api, http, fresh):
        name = fresh()
        api.service(http, name)
        answer = api.ok("DiscoverInstances", NamespaceName="h", ServiceName=name)
        assert answer == {"Instances": [], "InstancesRevision": revision(api, name)}

    def test_the_owner(self, api, http, fresh):
        name = fresh()
        api.service(http, name)
        for op in ("DiscoverInstances", "DiscoverInstancesRevision"):
            ask = {"NamespaceName": "h", "ServiceName": name}
            api.ok(op, **ask, OwnerAccount=ACCOUNT)
            api.fails(op, "NamespaceNotFound", **ask, OwnerAccount="111111111111")
            api.invalid(op, **ask, OwnerAccount="1")

    def test_names_count_case_in_http_namespaces_only(self, api, http, fresh):
        name = fresh()
        api.service(http, name)
        api.fails("DiscoverInstances", "ServiceNotFound", NamespaceName="h", ServiceName=name.upper())
        api.fails("DiscoverInstances", "NamespaceNotFound", NamespaceName="H", ServiceName=name)
        made = api.service(api.namespace("dns." + name, "DNS_PUBLIC"), name)
        api.register(made, "i")
        found = api.discover("dns." + name, name.upper())
        assert found["i"]["ServiceName"] == name

    def test_by_arn_of_the_namespace(self, api, http, fresh):
        name = fresh()
        api.register(api.service(http, name), "i")
        arn = api.ok("GetNamespace", Id=http)["Namespace"]["Arn"]
        assert api.discover(arn, name)["i"]["NamespaceName"] == "h"
        assert revision(api, name, arn) == revision(api, name)
        api.fails("DiscoverInstances", "NamespaceNotFound", NamespaceName=arn[:-1] + "!", ServiceName=name)

    def test_by_the_name_of_a_namespace_whose_http_name_has_an_ending(self, api, fresh):
        """external-dns passes Name; HttpName comes first."""
        name = fresh() + ".example"
        first = api.namespace(name, "DNS_PRIVATE", Vpc="vpc-a")
        second = api.namespace(name, "DNS_PRIVATE", Vpc="vpc-b")
        for namespace, ident in ((first, "one"), (second, "two")):
            api.register(api.service(namespace, "s"), ident)
        assert api.discover(name, "s").keys() == {"one"}
        service = api.ok("ListServices", Filters=[{"Name": "NAMESPACE_ID", "Values": [first]}])["Services"][0]["Id"]
        api.deregister(service, "one")
        api.ok("DeleteService", Id=service)
        api.done("DeleteNamespace", Id=first)
        assert api.discover(name, "s").keys() == {"two"}

    def test_what_an_instance_looks_like(self, api, http, fresh):
        name = fresh()
        given = {"AWS_INSTANCE_IPV4": "10.0.0.1", "k": "\"\\/<>&'"}
        api.register(api.service(http, name), "i", given)
        assert api.discover("h", name)["i"] == {"InstanceId": "i", "NamespaceName": "h", "ServiceName": name,
                                                "HealthStatus": "UNKNOWN", "Attributes": given}


class TestFilters:
    THREE = {"a": ("HEALTHY", {"zone": "1", "v": "1"}), "b": ("UNHEALTHY", {"zone": "1", "v": "2"}),
             "c": (None, {"zone": "2", "v": "1"})}

    @pytest.mark.parametrize("query, found", [
        ({}, "ac"), ({"zone": "1"}, "a"), ({"v": "1"}, "ac"), ({"v": "1", "zone": "2"}, "c"), ({"zone": "3"}, ""),
        ({"ZONE": "1"}, ""), ({"zone": ""}, ""), ({"AWS_INIT_HEALTH_STATUS": "HEALTHY"}, "a"), ({"v": "2"}, "")])
    def test_query(self, service, query, found):
        assert service(self.THREE)(QueryParameters=query) == set(found)

    @pytest.mark.parametrize("status, found", [(None, "ac"), ("HEALTHY", "ac"), ("UNHEALTHY", "b"), ("ALL", "abc"),
                                               ("HEALTHY_OR_ELSE_ALL", "ac")])
    def test_health(self, service, status, found):
        assert service(self.THREE)(HealthStatus=status) == set(found)

    @pytest.mark.parametrize("status", [None, "HEALTHY", "UNHEALTHY", "ALL", "HEALTHY_OR_ELSE_ALL"])
    def test_health_does_not_count_without_a_check(self, service, status):
        assert service(self.THREE, custom=False)(HealthStatus=status) == set("abc")

    def test_or_else_all(self, service):
        discover = service({"a": ("UNHEALTHY", {"v": "1"}), "b": ("UNHEALTHY", {"v": "2"})})
        assert discover() == set()
        assert discover(HealthStatus="HEALTHY_OR_ELSE_ALL") == set("ab")
        assert discover(HealthStatus="HEALTHY_OR_ELSE_ALL", QueryParameters={"v": "1"}) == set("a")
        assert discover(HealthStatus="HEALTHY_OR_ELSE_ALL", OptionalParameters={"v": "2"}) == set("b")

    def test_or_else_all_looks_behind_the_query(self, service):
        """Health is judged among what the query left: a healthy instance outside of it does not count."""
        discover = service(self.THREE)
        assert discover(HealthStatus="HEALTHY_OR_ELSE_ALL", QueryParameters={"v": "2"}) == set("b")

    @pytest.mark.parametrize("optional, found", [
        ({"zone": "1"}, "a"), ({"zone": "2"}, "c"), ({"zone": "3"}, "ac"), ({"zone": "2", "v": "1"}, "c"),
        ({"zone": "2", "v": "2"}, "ac"), ({"v": "1"}, "ac"), ({}, "ac")])
    def test_optional_is_all_or_nothing(self, service, optional, found):
        assert service(self.THREE)(OptionalParameters=optional) == set(found)

    def test_optional_comes_after_query_and_health(self, service):
        discover = service(self.THREE)
        assert discover(OptionalParameters={"v": "2"}) == set("ac")  # only an unhealthy one has it
        assert discover(OptionalParameters={"v": "2"}, HealthStatus="ALL") == set("b")
        assert discover(QueryParameters={"zone": "2"}, OptionalParameters={"zone": "1"}) == set("c")
        assert discover(HealthStatus="HEALTHY_OR_ELSE_ALL", OptionalParameters={"v": "2"}) == set("ac")

    @pytest.mark.parametrize("more", [{"HealthStatus": "UNKNOWN"}, {"HealthStatus": "healthy"}, {"MaxResults": 0},
                                      {"MaxResults": 1001}, {"QueryParameters": {"a b": "c"}},
                                      {"OptionalParameters": {"a": "ä"}}])
    def test_bounds(self, api, http, more):
        api.invalid("DiscoverInstances", NamespaceName="h", ServiceName="a", **more)

    def test_route_53_checks_without_data_count_as_healthy(self, api, http, fresh):
        name = fresh()
        made = api.service(http, name, HealthCheckConfig={"Type": "TCP"})
        api.register(made, "i", {"AWS_INSTANCE_IPV4": "192.0.2.1", "AWS_INSTANCE_PORT": "9"})
        assert api.discover("h", name)["i"]["HealthStatus"] == "UNKNOWN"
        assert api.discover("h", name, HealthStatus="UNHEALTHY") == {}
        assert api.discover("h", name, HealthStatus="HEALTHY_OR_ELSE_ALL").keys() == {"i"}


class TestSample:
    @pytest.fixture(scope="class")
    def crowd(self, daemon, http):
        made = daemon.api.service(http, "crowd", HealthCheckCustomConfig={})
        for i in range(130):
            daemon.api.register(made, f"i{i}", {"half": str(i % 2), "AWS_INIT_HEALTH_STATUS":
                                                "UNHEALTHY" if i < 10 else "HEALTHY"})
        return made

    @pytest.mark.parametrize("members, count", [
        ({}, 100), ({"MaxResults": 1}, 1), ({"MaxResults": 119}, 119), ({"MaxResults": 1000}, 120),
        ({"MaxResults": 1000, "HealthStatus": "ALL"}, 130), ({"MaxResults": 7, "QueryParameters": {"half": "1"}}, 7),
        ({"MaxResults": 1000, "QueryParameters": {"half": "1"}}, 60)])
    def test_how_many(self, api, crowd, members, count):
        assert len(api.discover("h", "crowd", **members)) == count

    @pytest.mark.parametrize("members, candidates, size", [
        ({"MaxResults": 12}, {f"i{i}" for i in range(10, 130)}, 12),
        ({"MaxResults": 6, "QueryParameters": {"half": "1"}}, {f"i{i}" for i in range(11, 130, 2)}, 6),
        ({"MaxResults": 6, "OptionalParameters": {"half": "0"}}, {f"i{i}" for i in range(10, 130, 2)}, 6),
        ({"MaxResults": 1, "HealthStatus": "UNHEALTHY"}, {f"i{i}" for i in range(10)}, 1)])
    def test_each_is_drawn_as_often(self, api, crowd, members, candidates, size):
        seen = collections.Counter()
        for _ in range(DRAWS):
            found = api.discover("h", "crowd", **members)
            assert len(found) == size
            seen.update(found.keys())
        assert seen.keys() == candidates
        expected = DRAWS * size / len(candidates)
        chi_square = sum((count - expected) ** 2 / expected for count in seen.values())
        # The mean is the degrees of freedom, the deviation sqrt(2 f): a fair sampler is beyond 8 of them never.
        freedom = len(candidates) - 1
        assert chi_square < freedom + 8 * (2 * freedom) ** 0.5

    def test_the_order_is_random_too(self, api, crowd):
        """With room for all, each comes first as often."""
        first = collections.Counter()
        for _ in range(DRAWS):
            answer = api.ok("DiscoverInstances", NamespaceName="h", ServiceName="crowd", HealthStatus="UNHEALTHY")
            first[answer["Instances"][0]["InstanceId"]] += 1
        assert len(first) == 10
        assert max(first.values()) < 2 * DRAWS / 10


def test_the_longest_answer(api, http, fresh):
    """A thousand instances with all the characters that one may have, each of which is escaped in JSON."""
    name = fresh()
    made = api.service(http, name)
    attributes = {f"k{i}": '"' * 1024 for i in range(4)}
    attributes["z"] = '"' * (5000 - sum(len(key) + len(value) for key, value in attributes.items()) - 1)
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda i: api.register(made, f"i{i}", attributes), range(1000)))
    found = api.discover("h", name, MaxResults=1000)
    assert len(found) == 1000
    assert all(one["Attributes"] == attributes for one in found.values())


class TestRevision:
    def test_when_it_moves(self, api, http, fresh):
        name = fresh()
        made = api.service(http, name, HealthCheckCustomConfig={})
        last = revision(api, name)
        for change in (lambda: api.register(made, "i"), lambda: api.register(made, "j"),
                       lambda: api.register(made, "i", {"k": "v"}), lambda: api.deregister(made, "j")):
            change()
            now = revision(api, name)
            assert now > last
            last = now
        for quiet in (lambda: api.ok("UpdateInstanceCustomHealthStatus", ServiceId=made, InstanceId="i",
                                     Status="UNHEALTHY"),
                      lambda: api.register(api.service(http, fresh()), "i"),
                      lambda: api.discover("h", name, QueryParameters={"none": "v"})):
            quiet()
            assert revision(api, name) == last
        for members in ({}, {"HealthStatus": "ALL"}, {"QueryParameters": {"none": "v"}}):
            answer = api.ok("DiscoverInstances", NamespaceName="h", ServiceName=name, **members)
            assert answer["InstancesRevision"] == last

    def test_doubles_see_it_move(self, api, http, fresh):
        """Larger than any integer that a double is sure of, as AWS's are, and yet JavaScript notices each change."""
        name = fresh()
        made = api.service(http, name)
        seen = []
        for i in range(50):
            api.register(made, "i")
            seen.append(revision(api, name))
        assert seen[0] > 2 ** 53
        assert len({float(one) for one in seen}) == 50

    def test_it_survives_a_crash(self, start_daemon):
        daemon = start_daemon()
        made = daemon.api.service(daemon.api.namespace("h"), "a")
        daemon.api.register(made, "i")
        before = revision(daemon.api, "a")
        daemon.restart(crash=True)
        assert revision(daemon.api, "a") == before
        daemon.api.register(made, "i")
        assert revision(daemon.api, "a") > before


def test_a_large_service_against_a_model(start_daemon):
    """20,000 instances; every filter finds what a scan in Python finds."""
    api = start_daemon().api
    made = api.service(api.namespace("h"), "large", HealthCheckCustomConfig={})
    dice = random.Random(20000)
    model = {}
    for i in range(20000):
        attributes = {"one": str(i), "hundred": str(i % 200), "half": str(i % 2),
                      "AWS_INIT_HEALTH_STATUS": "UNHEALTHY" if dice.random() < 0.3 else "HEALTHY"}
        model[f"i{i}"] = attributes
    with ThreadPoolExecutor(16) as workers:
        answers = workers.map(lambda item: api.ok("RegisterInstance", ServiceId=made, InstanceId=item[0],
                                                  Attributes=item[1])["OperationId"], model.items())
        assert len(set(answers)) == len(model)

    def scan(query, health, optional):
        found = [name for name, given in model.items() if query.items() <= given.items()]
        by_status = {status: [name for name in found if model[name]["AWS_INIT_HEALTH_STATUS"] == status]
                     for status in ("HEALTHY", "UNHEALTHY")}
        found = {None: by_status["HEALTHY"], **by_status, "ALL": found,
                 "HEALTHY_OR_ELSE_ALL": by_status["HEALTHY"] or found}[health]
        wanted = [name for name in found if optional.items() <= model[name].items()]
        return set(wanted or found)

    statuses = (None, "HEALTHY", "UNHEALTHY", "ALL", "HEALTHY_OR_ELSE_ALL")
    for _ in range(150):
        i = dice.randrange(20000)
        query = dice.choice([{"hundred": str(i % 200)}, {"one": str(i)}, {"half": str(i % 2), "one": str(i)},
                             {"hundred": str(i % 200), "half": str(dice.randrange(2))}, {"hundred": "200"}, {}])
        optional = dice.choice([{}, {"one": str(dice.randrange(20000))}, {"half": str(dice.randrange(2))},
                                {"hundred": str(dice.randrange(200)), "half": str(dice.randrange(2))}])
        health = dice.choice(statuses)
        expected = scan(query, health, optional)
        found = api.discover("h", "large", MaxResults=1000, QueryParameters=query, OptionalParameters=optional,
                             **({"HealthStatus": health} if health else {}))
        assert len(found) == min(len(expected), 1000), (query, health, optional)
        assert found.keys() <= expected, (query, health, optional)
    listed = {one["Id"]: one["Attributes"] for one in api.items("ListInstances", "Instances", ServiceId=made)}
    assert listed == model
