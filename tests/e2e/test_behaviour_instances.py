# SPDX-License-Identifier: Apache-2.0
"""Instances: registration and replacement, what each kind of service asks of the attributes, deregistration."""

import re

import pytest

from support.daemon import daemons
from support.sdk import ACCOUNT

V4, V6, PORT = {"AWS_INSTANCE_IPV4": "192.0.2.1"}, {"AWS_INSTANCE_IPV6": "2001:db8::1"}, {"AWS_INSTANCE_PORT": "80"}
CNAME = {"AWS_INSTANCE_CNAME": "host.example.com"}
ALIAS = {"AWS_ALIAS_DNS_NAME": "lb-1.us-east-1.elb.amazonaws.com"}
EC2 = {"AWS_EC2_INSTANCE_ID": "i-0123456789abcdef0"}


def dns(*types, weighted=False):
    config = {"DnsRecords": [{"Type": one, "TTL": 60} for one in types]}
    return {"DnsConfig": config | ({"RoutingPolicy": "WEIGHTED"} if weighted else {})}


SERVICES = {
    "plain": ("HTTP", {}), "http": ("HTTP", {"HealthCheckConfig": {"Type": "HTTP"}}),
    "custom": ("HTTP", {"HealthCheckCustomConfig": {}}),
    "a": ("DNS_PUBLIC", dns("A")), "aaaa": ("DNS_PUBLIC", dns("AAAA")), "both": ("DNS_PUBLIC", dns("A", "AAAA")),
    "srv": ("DNS_PUBLIC", dns("SRV")), "cname": ("DNS_PUBLIC", dns("CNAME", weighted=True)),
    "weighted": ("DNS_PUBLIC", dns("A", weighted=True)), "api": ("DNS_PUBLIC", {"Type": "HTTP"}),
    "checked": ("DNS_PUBLIC", dns("A") | {"HealthCheckConfig": {"Type": "TCP"}}),
    "balanced": ("DNS_PUBLIC", dns("A", "AAAA", weighted=True) | {"HealthCheckConfig": {"Type": "TCP"}}),
}
NAMES = {"HTTP": "h", "DNS_PUBLIC": "public.example"}


@pytest.fixture(scope="module")
def services(daemon):
    spaces = {kind: daemon.api.namespace(name, kind) for kind, name in NAMES.items()}
    return {name: daemon.api.service(spaces[kind], name, **more) for name, (kind, more) in SERVICES.items()}


def attributes(api, service_id, instance_id):
    return api.ok("GetInstance", ServiceId=service_id, InstanceId=instance_id)["Instance"]["Attributes"]


class TestRegister:
    def test_the_operation(self, api, services, fresh):
        name = fresh()
        operation = api.register(services["plain"], name, {"k": "v"})
        assert operation["Type"] == "REGISTER_INSTANCE"
        assert operation["Targets"].keys() == {"NAMESPACE", "SERVICE", "INSTANCE"}
        assert (operation["Targets"]["SERVICE"], operation["Targets"]["INSTANCE"]) == (services["plain"], name)

    def test_what_get_and_list_show(self, api, fresh):
        service = api.service(api.namespace(fresh()), "a")
        given = {"AWS_INSTANCE_PORT": "808", "k": "v", "empty": "", "AWS_INIT_HEALTH_STATUS": "UNHEALTHY"}
        api.register(service, "i", given)
        got = api.ok("GetInstance", ServiceId=service, InstanceId="i")
        assert got.keys() == {"ResourceOwner", "Instance"} and got["ResourceOwner"] == ACCOUNT
        assert {key: got["Instance"][key] for key in ("Id", "Attributes", "CreatedByAccount")} == {
            "Id": "i", "Attributes": given, "CreatedByAccount": ACCOUNT}
        listed = api.ok("ListInstances", ServiceId=service)
        assert listed == {"ResourceOwner": ACCOUNT, "Instances": [
            {"Id": "i", "Attributes": given, "CreatedByAccount": ACCOUNT}]}

    def test_again_replaces_everything(self, api, services, fresh):
        name = fresh()
        api.register(services["plain"], name, {"a": "1", "b": "2"})
        api.register(services["plain"], name, {"b": "3"})
        assert attributes(api, services["plain"], name) == {"b": "3"}
        api.register(services["plain"], name, {})
        assert attributes(api, services["plain"], name) == {}

    @pytest.mark.parametrize("name", ["0", "A/b:c.d@e_f-g", "x" * 64, "10.0.0.1", "2001:db8::1", "///", "-"])
    def test_ids_that_are_fine(self, api, services, name):
        api.register(services["plain"], name, {"k": name})
        assert attributes(api, services["plain"], name) == {"k": name}
        assert api.discover("h", "plain", QueryParameters={"k": name}).keys() == {name}
        api.deregister(services["plain"], name)

    @pytest.mark.parametrize("name", ["", "x" * 65, "a b", "ä", "a\n", "a,b", "a\u0000"])
    def test_ids_that_are_not(self, api, services, name):
        body = api.invalid("RegisterInstance", ServiceId=services["plain"], InstanceId=name, Attributes={})
        assert "at 'instanceId' failed to satisfy constraint" in body["Message"]

    def test_ids_count_case(self, api, services, fresh):
        name = fresh()
        api.register(services["plain"], name, {"k": "lower"})
        api.register(services["plain"], name.upper(), {"k": "upper"})
        assert attributes(api, services["plain"], name) == {"k": "lower"}

    def test_the_service_by_arn(self, api, services, fresh):
        name = fresh()
        arn = api.ok("GetService", Id=services["plain"])["Service"]["Arn"]
        assert api.register(arn, name)["Targets"]["SERVICE"] == services["plain"]
        assert attributes(api, arn, name) == {}
        assert name in {one["Id"] for one in api.items("ListInstances", "Instances", ServiceId=arn)}
        api.deregister(arn, name)

    def test_one_token_one_operation(self, api, services, fresh):
        request = {"ServiceId": services["plain"], "InstanceId": fresh(), "CreatorRequestId": "t",
                   "Attributes": {"k": "v"}}
        first = api.done("RegisterInstance", **request)
        assert api.ok("RegisterInstance", **request)["OperationId"] == first["Id"]
        other = api.done("RegisterInstance", **request | {"Attributes": {"k": "w"}})
        assert other["Id"] != first["Id"]
        assert attributes(api, services["plain"], request["InstanceId"]) == {"k": "w"}

    def test_of_nothing(self, api):
        api.fails("RegisterInstance", "ServiceNotFound", ServiceId="srv-none", InstanceId="i", Attributes={})


class TestAttributeRules:
    @pytest.mark.parametrize("service, given", [
        ("plain", {}), ("plain", V4 | V6 | PORT | CNAME), ("plain", EC2),
        ("plain", EC2 | {"AWS_INIT_HEALTH_STATUS": "HEALTHY"}), ("api", {}), ("api", V4 | {"k": "v"}),
        ("a", V4), ("a", V4 | V6 | PORT), ("a", V4 | {"AWS_INIT_HEALTH_STATUS": "HEALTHY"}), ("aaaa", V6),
        ("both", V4), ("both", V6), ("both", V4 | V6), ("srv", V4 | PORT), ("srv", V6 | PORT), ("srv", V4 | V6 | PORT),
        ("cname", CNAME), ("weighted", V4), ("weighted", ALIAS), ("balanced", ALIAS), ("http", V4 | PORT),
        ("checked", V4 | PORT),
        ("http", {"AWS_INSTANCE_IPV4": "10.0.0.1"} | PORT),
        ("plain", {"aws_instance_ipv4": "10.0.0.1"}), ("plain", {"awsome": "v"}),
        ("a", V4 | {f"k{i}": "v" for i in range(30)}), ("custom", {"AWS_INIT_HEALTH_STATUS": "UNHEALTHY"}),
        ("plain", {f"k{i}": "v" * 998 for i in range(5)}),
    ])
    def test_accepted_and_kept(self, api, services, fresh, service, given):
        name = fresh()
        api.register(services[service], name, given)
        assert attributes(api, services[service], name).items() >= given.items()

    @pytest.mark.parametrize("service, given, message", [
        ("a", {}, "Required attribute(s) AWS_INSTANCE_IPV4 are missing."),
        ("a", V6, "Required attribute(s) AWS_INSTANCE_IPV4 are missing."),
        ("aaaa", V4, "Required attribute(s) AWS_INSTANCE_IPV6 are missing."),
        ("cname", V4, "Required attribute(s) AWS_INSTANCE_CNAME are missing."),
        ("srv", V4, "Required attribute(s) AWS_INSTANCE_PORT are missing."),
        ("srv", PORT, "At least one of AWS_INSTANCE_IPV4 AWS_INSTANCE_IPV6 is required."),
        ("both", {}, None),
        ("http", V4, "A port must be supplied in order to register this instance."),
        ("checked", V4, "A port must be supplied in order to register this instance."),
        ("a", ALIAS, "ALIAS instance can be registered only in services with WEIGHTED routing policy"),
        ("weighted", ALIAS | V4, None),
        ("a", EC2 | V4, "AWS_EC2_INSTANCE_ID provided in namespace type DNS_PUBLIC. It is only supported in HTTP "
         "namespace"),
        ("plain", EC2 | PORT, "Invalid combination of attributes received. AWS_EC2_INSTANCE_ID is not supported with "
         "[AWS_INSTANCE_PORT]."),
        ("plain", {"AWS_MY_ATTR": "v"},
         "Invalid attribute: [AWS_MY_ATTR]. [aws_] prefix is reserved for AWS attributes."),
        ("plain", {"aws_foo": "v"}, "Invalid attribute: [aws_foo]. [aws_] prefix is reserved for AWS attributes."),
        ("plain", {f"k{i:02}": "v" for i in range(31)}, "Too many attributes provided: ["
         + ", ".join(f"k{i:02}" for i in range(31)) + "]. The current limit is 30"),
        ("plain", {f"k{i}": "v" * 998 for i in range(4)} | {"k4": "v" * 999},
         "Instance attributes too large. Maximum allowed size of all attributes is 5000 characters."),
        ("custom", {"AWS_INIT_HEALTH_STATUS": "UNKNOWN"},
         "No enum constant com.amazon.route53.autonaming.model.InitHealthStatus.UNKNOWN"),
        ("custom", {"AWS_INIT_HEALTH_STATUS": "healthy"}, None),
        ("a", {"AWS_INSTANCE_IPV4": "1.2.3"}, None), ("a", {"AWS_INSTANCE_IPV4": "1.2.3.256"}, None),
        ("a", {"AWS_INSTANCE_IPV4": "01.2.3.4"}, None), ("a", {"AWS_INSTANCE_IPV4": "::1"}, None),
        ("a", {"AWS_INSTANCE_IPV4": ""}, None), ("aaaa", {"AWS_INSTANCE_IPV6": "192.0.2.1"}, None),
        ("aaaa", {"AWS_INSTANCE_IPV6": "fe80::1%eth0"}, None), ("aaaa", {"AWS_INSTANCE_IPV6": "1:2:3"}, None),
        ("srv", V4 | {"AWS_INSTANCE_PORT": "0"}, None), ("srv", V4 | {"AWS_INSTANCE_PORT": "65536"}, None),
        ("srv", V4 | {"AWS_INSTANCE_PORT": "http"}, None), ("srv", V4 | {"AWS_INSTANCE_PORT": "80x"}, None),
        ("cname", {"AWS_INSTANCE_CNAME": "a..b"}, None), ("cname", {"AWS_INSTANCE_CNAME": ""}, None),
        ("weighted", {"AWS_ALIAS_DNS_NAME": "a..b"}, None),
    ])
    def test_refused(self, api, services, fresh, service, given, message):
        name = fresh()
        api.invalid("RegisterInstance", message, ServiceId=services[service], InstanceId=name, Attributes=given)
        api.fails("GetInstance", "InstanceNotFound", ServiceId=services[service], InstanceId=name)

    @pytest.mark.parametrize("name, fits", [("a" * 63, True), ("a.b:c@d/e_f", True), ("a" * 64, False), ("a..b", False),
                                            (".a", False), ("a.", False)])
    def test_an_srv_target_is_made_of_the_id(self, api, services, name, fits):
        request = {"ServiceId": services["srv"], "InstanceId": name, "Attributes": V4 | PORT}
        if fits:
            api.done("RegisterInstance", **request)
        else:
            api.invalid("RegisterInstance", **request)

    @pytest.mark.parametrize("address", ["127.0.0.1", "169.254.169.254", "0.0.0.0", "224.0.0.1", "255.255.255.255"])
    def test_never_probed_addresses(self, api, services, fresh, address):
        for service in ("http", "checked"):
            api.invalid("RegisterInstance", f"IPv4 address {address} is forbidden for healthChecks",
                        ServiceId=services[service], InstanceId=fresh(),
                        Attributes={"AWS_INSTANCE_IPV4": address} | PORT)
        api.register(services["plain"], fresh(), {"AWS_INSTANCE_IPV4": address} | PORT)

    @pytest.mark.parametrize("address", ["10.0.0.1", "172.16.0.1", "192.168.1.1"])
    def test_private_addresses_are_probed_but_not_as_aws(self, api, services, fresh, address, as_aws):
        given = {"AWS_INSTANCE_IPV4": address} | PORT
        api.register(services["http"], fresh(), given)
        strict, service = as_aws
        strict.invalid("RegisterInstance", f"IPv4 address {address} is forbidden for healthChecks", ServiceId=service,
                       InstanceId="i", Attributes=given)

    def test_networks_allowed_and_denied_and_own_ports(self, start_daemon):
        daemon = start_daemon({"health.allow": "127.0.0.0/8", "health.deny": "10.0.0.0/8, 127.9.0.0/16"})
        api = daemon.api
        service = api.service(api.namespace("h"), "s", HealthCheckConfig={"Type": "TCP"})
        for address, port, allowed in [("127.0.0.1", 80, True), ("127.9.0.1", 80, False), ("10.0.0.1", 80, False),
                                       ("192.168.0.1", daemon.port, True)]:
            given = {"AWS_INSTANCE_IPV4": address, "AWS_INSTANCE_PORT": str(port)}
            if allowed:
                api.done("RegisterInstance", ServiceId=service, InstanceId=address, Attributes=given)
            else:
                api.invalid("RegisterInstance", f"IPv4 address {address} is forbidden for healthChecks",
                            ServiceId=service, InstanceId=address, Attributes=given)
        for port in (daemon.port, int(daemon.ready["dns"].rpartition(":")[2])):
            api.invalid("RegisterInstance", f"AWS_INSTANCE_PORT {port} of AWS_INSTANCE_IPV4 127.0.0.2 is a port of the "
                        "registry itself: forbidden for healthChecks", ServiceId=service, InstanceId="own",
                        Attributes={"AWS_INSTANCE_IPV4": "127.0.0.2", "AWS_INSTANCE_PORT": str(port)})

    @pytest.fixture(scope="class")
    def as_aws(self, tmp_path_factory, recorder):
        with daemons(tmp_path_factory.mktemp("as_aws"), recorder) as start:
            strict = start({"compat": "aws"}).api
            yield strict, strict.service(strict.namespace("h"), "s", HealthCheckConfig={"Type": "TCP"})

    def test_several_missing_ones_are_told(self, api, services, fresh):
        body = api.invalid("RegisterInstance", ServiceId=services["srv"], InstanceId=fresh(), Attributes={})
        assert re.search("AWS_INSTANCE_(PORT|IPV4)", body["Message"])

    @pytest.mark.parametrize("given", [{" k": "v"}, {"k k": "v"}, {"": "v"}, {"ä": "v"}, {"k" * 256: "v"}, {"k": " v"},
                                       {"k": "\tv"}, {"k": "ä"}, {"k": "v" * 1025}, {"k": "a\nb"}])
    def test_keys_and_values_have_patterns(self, api, services, fresh, given):
        message = api.invalid("RegisterInstance", ServiceId=services["plain"], InstanceId=fresh(),
                              Attributes=given)["Message"]
        assert re.search(r"at 'attributes' failed to satisfy constraint: Map (keys|value) must satisfy constraint: \[",
                         message)

    @pytest.mark.parametrize("value", ["", "a ", "a\t", "a b\tc", "~!", "v" * 1024])
    def test_values_that_are_fine(self, api, services, fresh, value):
        name = fresh()
        api.register(services["plain"], name, {"k": value})
        assert attributes(api, services["plain"], name) == {"k": value}

    def test_the_map_message_is_aws_s(self, api, services, fresh):
        api.invalid("RegisterInstance", "1 validation error detected: Value '{my key=v}' at 'attributes' failed to "
                    "satisfy constraint: Map keys must satisfy constraint: [Member must have length less than or equal "
                    "to 255, Member must have length greater than or equal to 0, Member must satisfy regular expression "
                    "pattern: ^[a-zA-Z0-9!-~]+$, Member must not be null]", ServiceId=services["plain"],
                    InstanceId=fresh(), Attributes={"my key": "v"})

    def test_the_limit_of_custom_attributes_is_a_setting(self, start_daemon):
        api = start_daemon({"limits.custom_attributes": "2"}).api
        service = api.service(api.namespace("n"), "s")
        api.register(service, "i", {"a": "", "b": ""} | V4 | PORT)
        api.invalid("RegisterInstance", "Too many attributes provided: [a, b, c]. The current limit is 2",
                    ServiceId=service, InstanceId="j", Attributes={"a": "", "b": "", "c": ""})


class TestDeregister:
    def test_it_goes(self, api, services, fresh):
        name = fresh()
        api.register(services["plain"], name, {"only": name})
        operation = api.deregister(services["plain"], name)
        assert (operation["Type"], operation["Targets"]["INSTANCE"]) == ("DEREGISTER_INSTANCE", name)
        for op in ("GetInstance", "DeregisterInstance"):
            assert api.fails(op, "InstanceNotFound", ServiceId=services["plain"],
                             InstanceId=name)["Message"] == "Instance not found"
        assert api.discover("h", "plain", QueryParameters={"only": name}) == {}
        assert api.operation(operation["Id"]) == operation

    def test_of_nothing(self, api, services):
        for op in ("DeregisterInstance", "GetInstance"):
            api.fails(op, "ServiceNotFound", ServiceId="srv-aaaaaaaaaaaaaaaa", InstanceId="i")
            api.fails(op, "InstanceNotFound", ServiceId=services["plain"], InstanceId="not/a possible id")
            api.fails(op, "InstanceNotFound", ServiceId=services["plain"], InstanceId="")
            api.invalid(op, ServiceId=services["plain"], InstanceId="x" * 65)
        api.fails("ListInstances", "ServiceNotFound", ServiceId="srv-aaaaaaaaaaaaaaaa")

    def test_a_register_and_a_deregister_share_their_prefix(self, api, services, fresh):
        name = fresh()
        first = api.register(services["plain"], name)["Id"]
        second = api.deregister(services["plain"], name)["Id"]
        assert first.split("-")[0] == second.split("-")[0] and first != second
