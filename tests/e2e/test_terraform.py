# SPDX-License-Identifier: Apache-2.0
"""Terraform's AWS provider (5 and 6), replayed: for each resource and data source the calls that it makes, in its
shapes, and what it keeps of the answers. A plan compares configuration and refreshed state as Terraform does; after
every apply and every import it must be empty. Nothing of Terraform runs here."""

import itertools

import pytest

from support.client import until
from support.daemon import daemons

TAGS = {"Environment": "test", "Name": "web"}
_unique = itertools.count(1)


def token():
    return f"terraform-{next(_unique):026d}"


def tag_list(tags):
    return [{"Key": key, "Value": value} for key, value in tags.items()]


class Provider:
    """What all resources share."""

    def __init__(self, api):
        self.api = api

    def wait(self, answer):
        """Polls as the provider does: an operation that is not known yet is pending."""
        def look():
            got = self.api.send("GetOperation", {"OperationId": answer["OperationId"]})
            if got.code == "OperationNotFound":
                return {"Status": "PENDING"}
            assert got.status == 200, got
            return got.json["Operation"]

        operation = until(look, lambda seen: seen["Status"] not in ("SUBMITTED", "PENDING"))
        assert operation["Status"] == "SUCCESS", f"{operation.get('ErrorCode')}: {operation.get('ErrorMessage')}"
        return operation["Targets"]

    def tags(self, arn):
        return {tag["Key"]: tag["Value"] for tag in self.api.ok("ListTagsForResource", ResourceARN=arn)["Tags"]}

    def update_tags(self, arn, old, new):
        """Removes first, then writes."""
        gone = [key for key in old if key not in new]
        if gone:
            self.api.ok("UntagResource", ResourceARN=arn, TagKeys=gone)
        changed = {key: value for key, value in new.items() if old.get(key) != value}
        if changed:
            self.api.ok("TagResource", ResourceARN=arn, Tags=tag_list(changed))


class Namespace(Provider):
    """aws_service_discovery_{http,private_dns,public_dns}_namespace"""

    def __init__(self, api, kind):
        super().__init__(api)
        self.kind = kind

    def create(self, config):
        members = {"CreatorRequestId": token(), "Name": config["name"]}
        if config["tags"]:
            members["Tags"] = tag_list(config["tags"])
        if config["description"]:
            members["Description"] = config["description"]
        if self.kind == "PrivateDns":
            members["Vpc"] = config["vpc"]
        return self.wait(self.api.ok(f"Create{self.kind}Namespace", **members))["NAMESPACE"]

    def read(self, ident):
        got = self.api.send("GetNamespace", {"Id": ident})
        if got.code == "NamespaceNotFound":
            return None
        found = got.json["Namespace"]
        properties = found["Properties"]
        state = {"name": found["Name"], "description": found.get("Description", ""), "tags": self.tags(found["Arn"]),
                 "arn": found["Arn"], "http_name": properties["HttpProperties"]["HttpName"]}
        if self.kind != "Http":
            state["hosted_zone"] = properties["DnsProperties"]["HostedZoneId"]
        return state

    def update(self, ident, state, config):
        if self.kind != "Http" and config["description"] != state["description"]:
            self.wait(self.api.ok(f"Update{self.kind}Namespace", Id=ident, UpdaterRequestId=token(),
                                  Namespace={"Description": config["description"]}))
        self.update_tags(state["arn"], state["tags"], config["tags"])

    def delete(self, ident):
        got = until(lambda: self.api.send("DeleteNamespace", {"Id": ident}), lambda seen: seen.code != "ResourceInUse")
        if got.code != "NamespaceNotFound":
            self.wait(got.json)

    def imported(self, text):
        return text.partition(":")[0] if self.kind == "PrivateDns" else text


class Service(Provider):
    """aws_service_discovery_service"""

    @staticmethod
    def expand_records(dns):
        return [{"TTL": record["ttl"], "Type": record["type"]} for record in dns["dns_records"]]

    @staticmethod
    def expand_check(check):
        given = {"Type": check["type"], "FailureThreshold": check.get("failure_threshold"),
                 "ResourcePath": check.get("resource_path")}
        return {key: value for key, value in given.items() if value}

    def create(self, config):
        members = {"CreatorRequestId": token(), "Name": config["name"]}
        if config.get("tags"):
            members["Tags"] = tag_list(config["tags"])
        if config.get("description"):
            members["Description"] = config["description"]
        if config.get("namespace_id"):
            members["NamespaceId"] = config["namespace_id"]
        if config.get("type"):
            members["Type"] = config["type"]
        if dns := config.get("dns_config"):
            members["DnsConfig"] = {"DnsRecords": self.expand_records(dns), "NamespaceId": dns["namespace_id"],
                                    "RoutingPolicy": dns.get("routing_policy", "MULTIVALUE")}
        if check := config.get("health_check_config"):
            members["HealthCheckConfig"] = self.expand_check(check)
        if (custom := config.get("health_check_custom_config")) is not None:
            members["HealthCheckCustomConfig"] = {"FailureThreshold": custom["failure_threshold"]} if custom else {}
        return self.api.ok("CreateService", **members)["Service"]["Id"]

    def read(self, ident):
        got = self.api.send("GetService", {"Id": ident})
        if got.code == "ServiceNotFound":
            return None
        found = got.json["Service"]
        dns, check, custom = (found.get(key) for key in ("DnsConfig", "HealthCheckConfig", "HealthCheckCustomConfig"))
        state = {"name": found["Name"], "description": found.get("Description", ""), "arn": found["Arn"],
                 "namespace_id": found["NamespaceId"], "type": found["Type"], "tags": self.tags(found["Arn"]),
                 "dns_config": None, "health_check_config": None, "health_check_custom_config": None}
        if dns:
            state["dns_config"] = {
                "namespace_id": dns.get("NamespaceId", ""), "routing_policy": dns.get("RoutingPolicy", ""),
                "dns_records": [{"ttl": record["TTL"], "type": record["Type"]} for record in dns.get("DnsRecords", [])]}
        if check:
            state["health_check_config"] = {"type": check["Type"], "resource_path": check.get("ResourcePath", ""),
                                            "failure_threshold": check.get("FailureThreshold", 0)}
        if custom:
            state["health_check_custom_config"] = {"failure_threshold": custom["FailureThreshold"]}
        return state

    def update(self, ident, state, config):
        same = all((config.get(key) or None) == state[key] for key in ("dns_config", "health_check_config"))
        if not same or config.get("description", "") != state["description"]:
            change = {"Description": config.get("description", "")}
            if dns := config.get("dns_config"):
                change["DnsConfig"] = {"DnsRecords": self.expand_records(dns)}
            if check := config.get("health_check_config"):
                change["HealthCheckConfig"] = self.expand_check(check)
            self.wait(self.api.ok("UpdateService", Id=ident, Service=change))
        self.update_tags(state["arn"], state["tags"], config.get("tags", {}))

    def delete(self, ident, force_destroy=False):
        if force_destroy:
            for one in self.api.items("ListInstances", "Instances", ServiceId=ident):
                Instance(self.api).delete((ident, one["Id"]))
        got = self.api.send("DeleteService", {"Id": ident})
        assert got.status == 200 or got.code == "ServiceNotFound", got

    @staticmethod
    def imported(text):
        return text


class Instance(Provider):
    """aws_service_discovery_instance"""

    def create(self, config):
        self.wait(self.api.ok("RegisterInstance", ServiceId=config["service_id"], InstanceId=config["instance_id"],
                              CreatorRequestId=token(), Attributes=config["attributes"]))
        return config["service_id"], config["instance_id"]

    def read(self, ident):
        got = self.api.send("GetInstance", {"ServiceId": ident[0], "InstanceId": ident[1]})
        if got.code == "InstanceNotFound":
            return None
        attributes = dict(got.json["Instance"]["Attributes"])
        if "AWS_EC2_INSTANCE_ID" in attributes:
            attributes.pop("AWS_INSTANCE_IPV4", None)
        return {"service_id": ident[0], "instance_id": got.json["Instance"]["Id"], "attributes": attributes}

    def update(self, _ident, _state, config):
        self.create(config)

    def delete(self, ident):
        self.wait(self.api.ok("DeregisterInstance", ServiceId=ident[0], InstanceId=ident[1]))

    @staticmethod
    def imported(text):
        return tuple(text.split("/", 1))


# What Terraform fills in for what a configuration leaves out, and what it does not compare: computed values.
DEFAULTS = {"description": "", "dns_config": None, "health_check_config": None, "health_check_custom_config": None}
BLOCK_DEFAULTS = {"dns_config": {"routing_policy": "MULTIVALUE"},
                  "health_check_config": {"resource_path": "", "failure_threshold": 0}}
NOT_READ = {"vpc", "force_destroy"}


def plan(config, state):
    """The attributes that the next apply would change."""
    wanted = {**{key: value for key, value in DEFAULTS.items() if key in state}, **config}
    for key, defaults in BLOCK_DEFAULTS.items():
        if wanted.get(key):
            wanted[key] = defaults | wanted[key]
    return {key: (state.get(key), value) for key, value in wanted.items() if key not in NOT_READ
            and state.get(key) != value}


@pytest.fixture(scope="module", params=[{}, {"operations.delay": "100ms"}, {"compat": "aws", "limits.control_rate": "0"}],
                ids=lambda one: str(one))
def api(request, tmp_path_factory, recorder):
    with daemons(tmp_path_factory.mktemp("terraform"), recorder) as start:
        yield start(request.param).api


def apply_and_plan(resource, config, ident=None):
    """Creates or updates, refreshes, and asks for a second plan."""
    if ident is None:
        ident = resource.create(config)
    else:
        resource.update(ident, resource.read(ident), config)
    state = resource.read(ident)
    assert plan(config, state) == {}
    assert resource.read(ident) == state
    return ident


@pytest.fixture
def dns(api, fresh):
    """A public namespace."""
    return Namespace(api, "PublicDns").create({"name": fresh() + ".example", "description": "", "tags": {}})


class TestNamespaces:
    @pytest.mark.parametrize("kind", ["Http", "PrivateDns", "PublicDns"])
    def test_life(self, api, fresh, kind):
        resource = Namespace(api, kind)
        config = {"name": fresh() + ".example", "description": "d", "tags": TAGS, "vpc": "vpc-1234"}
        ident = apply_and_plan(resource, config)
        config |= {"tags": {"Environment": "other", "New": ""}}
        if kind != "Http":
            config |= {"description": "new"}
        apply_and_plan(resource, config, ident)
        if kind != "Http":
            config |= {"description": ""}
            apply_and_plan(resource, config, ident)
        imported = resource.imported(f"{ident}:vpc-1234" if kind == "PrivateDns" else ident)
        assert plan(config, resource.read(imported)) == {}
        resource.delete(ident)
        assert resource.read(ident) is None
        resource.delete(ident)

    def test_drift_shows(self, api, fresh):
        resource = Namespace(api, "Http")
        config = {"name": fresh(), "description": "", "tags": {}}
        ident = apply_and_plan(resource, config)
        api.done("UpdateHttpNamespace", Id=ident, Namespace={"Description": "by hand"})
        assert plan(config, resource.read(ident)).keys() == {"description"}

    def test_a_conflicting_private_name(self, api, fresh):
        resource = Namespace(api, "PrivateDns")
        config = {"name": fresh() + ".example", "description": "", "tags": {}, "vpc": "vpc-1"}
        resource.create(config)
        with pytest.raises(AssertionError, match="ConflictingDomainExists"):
            resource.create(config)

    @pytest.mark.parametrize("kind, type_", [
        ("Http", "HTTP"), ("PrivateDns", "DNS_PRIVATE"), ("PublicDns", "DNS_PUBLIC")])
    def test_data_source(self, api, fresh, kind, type_):
        config = {"name": fresh() + ".example", "description": "", "tags": {}, "vpc": "vpc-1"}
        ident = Namespace(api, kind).create(config)
        listed = api.items("ListNamespaces", "Namespaces", Filters=[
            {"Name": "TYPE", "Condition": "EQ", "Values": [type_]}])
        assert [one["Id"] for one in listed if one["Name"] == config["name"]] == [ident]
        assert Namespace(api, kind).read(ident)["name"] == config["name"]


RECORDS = [{"ttl": 10, "type": "A"}, {"ttl": 5, "type": "AAAA"}]
CHECK = {"type": "HTTP", "resource_path": "path", "failure_threshold": 5}


class TestServices:
    @pytest.mark.parametrize("more", [
        {"dns_config": {"dns_records": RECORDS}},
        {"dns_config": {"dns_records": RECORDS[::-1], "routing_policy": "WEIGHTED"}, "description": "d", "tags": TAGS},
        {"dns_config": {"dns_records": [{"ttl": 5, "type": "SRV"}]}, "health_check_config": CHECK},
        {"dns_config": {"dns_records": RECORDS[:1]}, "health_check_config": {"type": "TCP"}},
        {"dns_config": {"dns_records": RECORDS[:1]}, "health_check_config": {"type": "HTTPS", "failure_threshold": 1}},
        {"dns_config": {"dns_records": RECORDS[:1]}, "health_check_custom_config": {"failure_threshold": 1}},
        {"dns_config": {"dns_records": [{"ttl": 0, "type": "CNAME"}], "routing_policy": "WEIGHTED"}},
        {"type": "HTTP"}, {"type": "HTTP", "health_check_config": {"type": "HTTP"}, "tags": TAGS},
    ])
    def test_life(self, api, fresh, dns, more):
        resource = Service(api)
        config = {"name": fresh(), **more}
        if "dns_config" in more:  # the namespace stands there alone
            config["dns_config"] = more["dns_config"] | {"namespace_id": dns}
        else:
            config["namespace_id"] = dns
        ident = apply_and_plan(resource, config)
        config |= {"description": "new", "tags": {"New": "1"}}
        apply_and_plan(resource, config, ident)
        if "dns_config" in config:
            records = [record | {"ttl": record["ttl"] + 1} for record in config["dns_config"]["dns_records"]]
            config["dns_config"] = config["dns_config"] | {"dns_records": records}
            apply_and_plan(resource, config, ident)
        if config.pop("health_check_config", None):
            apply_and_plan(resource, config, ident)
        config |= {"description": "", "tags": {}}
        apply_and_plan(resource, config, ident)
        assert plan(config, resource.read(resource.imported(ident))) == {}
        resource.delete(ident)
        assert resource.read(ident) is None
        resource.delete(ident)

    def test_in_an_http_namespace(self, api, fresh):
        namespace = Namespace(api, "Http").create({"name": fresh(), "description": "", "tags": {}})
        resource = Service(api)
        config = {"name": fresh(), "namespace_id": namespace, "description": "d",
                  "health_check_custom_config": {"failure_threshold": 1}}
        ident = apply_and_plan(resource, config)
        apply_and_plan(resource, config | {"description": "new"}, ident)
        assert resource.read(ident)["dns_config"] is None

    def test_a_custom_threshold_other_than_one_drifts_as_on_aws(self, api, fresh, dns):
        resource = Service(api)
        config = {"name": fresh(), "namespace_id": dns, "type": "HTTP",
                  "health_check_custom_config": {"failure_threshold": 5}}
        assert plan(config, resource.read(resource.create(config))) == {
            "health_check_custom_config": ({"failure_threshold": 1}, {"failure_threshold": 5})}

    def test_force_destroy(self, api, fresh, dns):
        resource = Service(api)
        ident = resource.create({"name": fresh(), "namespace_id": dns, "type": "HTTP", "force_destroy": True})
        for i in range(3):
            Instance(api).create({"service_id": ident, "instance_id": f"i{i}", "attributes": {}})
        with pytest.raises(AssertionError, match="ResourceInUse"):
            resource.delete(ident)
        resource.delete(ident, force_destroy=True)
        assert resource.read(ident) is None

    def test_data_source(self, api, fresh, dns):
        name = fresh()
        ident = Service(api).create({"name": name, "namespace_id": dns, "type": "HTTP"})
        listed = api.items("ListServices", "Services", Filters=[
            {"Name": "NAMESPACE_ID", "Condition": "EQ", "Values": [dns]}])
        assert [one["Id"] for one in listed if one["Name"] == name] == [ident]
        assert Service(api).read(ident)["namespace_id"] == dns


class TestInstances:
    def test_life(self, api, fresh, dns):
        records = {"namespace_id": dns, "dns_records": RECORDS[:1]}
        service = Service(api).create({"name": fresh(), "dns_config": records})
        resource = Instance(api)
        config = {"service_id": service, "instance_id": "i-1",
                  "attributes": {"AWS_INSTANCE_IPV4": "172.18.0.1", "custom_attribute": "custom"}}
        ident = apply_and_plan(resource, config)
        config["attributes"] = {"AWS_INSTANCE_IPV4": "172.18.0.12", "other": ""}
        apply_and_plan(resource, config, ident)
        assert plan(config, resource.read(resource.imported("/".join(ident)))) == {}
        resource.delete(ident)
        assert resource.read(ident) is None

    def test_of_an_ec2_instance(self, api, fresh):
        namespace = Namespace(api, "Http").create({"name": fresh(), "description": "", "tags": {}})
        service = Service(api).create({"name": fresh(), "namespace_id": namespace})
        config = {"service_id": service, "instance_id": "i-1",
                  "attributes": {"AWS_EC2_INSTANCE_ID": "i-0123456789abcdef0"}}
        apply_and_plan(Instance(api), config)
