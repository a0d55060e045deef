# SPDX-License-Identifier: Apache-2.0
"""What other well-known clients of Cloud Map say, in their order and shapes, and what they count on in the answers."""

import hashlib

import pytest

OWNER = "heritage=external-dns,external-dns/owner=test"


class TestExternalDns:
    """kubernetes-sigs/external-dns, provider aws-sd."""

    @pytest.fixture
    def zone(self, api, fresh):
        name = fresh() + ".example"
        api.namespace(name, "DNS_PRIVATE")
        return name

    @staticmethod
    def records(api, zone):
        """Its view of the world; reads DnsConfig of every service unguarded, as it does."""
        namespaces = api.items("ListNamespaces", "Namespaces", Filters=[{"Name": "TYPE", "Values": ["DNS_PRIVATE"]}])
        namespace = next(one for one in namespaces if one["Name"] == zone)
        found = {}
        for service in api.items("ListServices", "Services", MaxResults=100,
                                 Filters=[{"Name": "NAMESPACE_ID", "Values": [namespace["Id"]]}]):
            instances = api.ok("DiscoverInstances", NamespaceName=namespace["Name"],
                               ServiceName=service["Name"])["Instances"]
            record = service["DnsConfig"]["DnsRecords"][0]
            found[service["Name"]] = (service["Id"], record["Type"], record["TTL"], service.get("Description"),
                                      {one["InstanceId"] for one in instances})
        return namespace["Id"], found

    @pytest.mark.parametrize("kind, policy, targets, key", [
        ("A", "MULTIVALUE", ["10.0.0.1", "10.0.0.2"], "AWS_INSTANCE_IPV4"),
        ("AAAA", "MULTIVALUE", ["2001:db8:0:0:0:0:0:1"], "AWS_INSTANCE_IPV6"),
        ("CNAME", "WEIGHTED", ["some.host.example.com"], "AWS_INSTANCE_CNAME"),
        ("A", "WEIGHTED", ["a-very-long-balancer-name-0123456789abcdef.elb.eu-central-1.amazonaws.com"],
         "AWS_ALIAS_DNS_NAME")])
    def test_life(self, api, zone, kind, policy, targets, key):
        namespace, found = self.records(api, zone)
        assert found == {}
        made = api.ok("CreateService", NamespaceId=namespace, Name="web", Description=OWNER, DnsConfig={
            "RoutingPolicy": policy, "DnsRecords": [{"Type": kind, "TTL": 300}]})["Service"]
        ids = [one.lower() if len(one) <= 64 else hashlib.sha256(one.encode()).hexdigest() for one in targets]
        for ident, target in zip(ids, targets):
            api.ok("RegisterInstance", ServiceId=made["Id"], InstanceId=ident, Attributes={key: target})
        _, found = self.records(api, zone)
        assert found == {"web": (made["Id"], kind, 300, OWNER, set(ids))}
        api.ok("UpdateService", Id=made["Id"], Service={"Description": OWNER + " new", "DnsConfig": {
            "DnsRecords": [{"Type": kind, "TTL": 60}]}})
        _, found = self.records(api, zone)
        assert found == {"web": (made["Id"], kind, 60, OWNER + " new", set(ids))}
        for ident in ids:
            api.ok("DeregisterInstance", ServiceId=made["Id"], InstanceId=ident)
        assert self.records(api, zone)[1]["web"][4] == set()
        api.ok("DeleteService", Id=made["Id"])
        assert self.records(api, zone)[1] == {}

    def test_a_service_of_somebody_else_has_no_description(self, api, zone):
        namespace, _ = self.records(api, zone)
        api.service(namespace, "theirs", DnsConfig={"DnsRecords": [{"Type": "A", "TTL": 1}]})
        assert self.records(api, zone)[1]["theirs"][3] is None


class TestMcsController:
    """aws-cloud-map-mcs-controller-for-k8s."""

    ATTRIBUTES = {
        "CLUSTER_ID": "cluster-1", "CLUSTERSET_ID": "set-1", "ENDPOINT_PORT_NAME": "http", "ENDPOINT_PROTOCOL": "TCP",
        "SERVICE_PORT_NAME": "http", "SERVICE_PORT": "80", "SERVICE_TARGET_PORT": "8080", "SERVICE_PROTOCOL": "TCP",
        "SERVICE_TYPE": "ClusterSetIP", "SVC_EXPORT_CREATION_TIMESTAMP": "1700000000000", "READY": "true",
        "HOSTNAME": "pod-1", "NODENAME": "node-1", "K8S_CONTROLLER": "aws-cloud-map-mcs-controller-for-k8s 0.3.1 (abc)",
        "AWS_INSTANCE_PORT": "8080"}

    @pytest.mark.parametrize("kind", ["HTTP", "DNS_PRIVATE"])
    def test_export_and_import(self, api, fresh, kind):
        name = fresh()
        if kind == "HTTP":
            assert all(one["Name"] != name for one in api.items("ListNamespaces", "Namespaces"))
            namespace = api.done("CreateHttpNamespace", Name=name)["Targets"]["NAMESPACE"]
        else:
            namespace = api.namespace(name, kind)
        dns = {"DnsConfig": {"DnsRecords": [{"TTL": 60, "Type": "SRV"}]}} if kind == "DNS_PRIVATE" else {}
        made = api.ok("CreateService", Name="export", NamespaceId=namespace, **dns)["Service"]["Id"]
        listed = api.items("ListServices", "Services", Filters=[{"Name": "NAMESPACE_ID", "Values": [namespace]}])
        assert [one["Name"] for one in listed] == ["export"]
        operations = [api.ok("RegisterInstance", ServiceId=made, InstanceId=f"tcp-10_0_0_{i}-8080", Attributes={
            **self.ATTRIBUTES, "AWS_INSTANCE_IPV4": f"10.0.0.{i}"})["OperationId"] for i in range(5)]
        assert {api.finished(one)["Status"] for one in operations} == {"SUCCESS"}
        still = {one["Id"] for one in api.items("ListOperations", "Operations", Filters=[
            {"Name": "STATUS", "Values": ["SUBMITTED", "PENDING"], "Condition": "IN"},
            {"Name": "SERVICE_ID", "Values": [made]}])}
        assert still == set()
        found = api.discover(name, "export", HealthStatus="ALL", MaxResults=1000,
                             QueryParameters={"CLUSTERSET_ID": "set-1"})
        assert len(found) == 5
        assert found["tcp-10_0_0_3-8080"]["Attributes"] == {**self.ATTRIBUTES, "AWS_INSTANCE_IPV4": "10.0.0.3"}
        assert api.discover(name, "export", HealthStatus="ALL", MaxResults=1000,
                            QueryParameters={"CLUSTERSET_ID": "set-2"}) == {}
        for ident in found:
            api.done("DeregisterInstance", ServiceId=made, InstanceId=ident)
        api.ok("DeleteService", Id=made)


def test_consul_aws(api, fresh):
    name = fresh() + ".example"
    namespace = api.namespace(name, "DNS_PUBLIC")
    seen = api.ok("GetNamespace", Id=namespace)["Namespace"]
    assert seen["Properties"]["HttpProperties"]["HttpName"] == name
    made = api.ok("CreateService", Description="Imported from Consul", Name="consul-web", NamespaceId=namespace,
                  DnsConfig={"DnsRecords": [{"TTL": 60, "Type": "SRV"}]},
                  HealthCheckCustomConfig={"FailureThreshold": 1})["Service"]["Id"]
    ids = [f"{made}_10.1.0.{i}_8080" for i in range(3)]
    for i, ident in enumerate(ids):
        api.ok("RegisterInstance", ServiceId=made, InstanceId=ident, Attributes={
            "AWS_INSTANCE_IPV4": f"10.1.0.{i}", "AWS_INSTANCE_PORT": "8080", "external-source": "consul"})
    api.ok("UpdateInstanceCustomHealthStatus", ServiceId=made, InstanceId=ids[0], Status="UNHEALTHY")
    listed = api.items("ListServices", "Services", Filters=[
        {"Name": "NAMESPACE_ID", "Condition": "EQ", "Values": [namespace]}])
    assert [one["Description"] for one in listed] == ["Imported from Consul"]
    found = api.discover(name, "consul-web", HealthStatus="HEALTHY")
    assert found.keys() == set(ids[1:])
    assert {one["NamespaceName"] for one in found.values()} == {name}
    pages = api.pages("GetInstancesHealthStatus", "Status", ServiceId=made, MaxResults=2)
    assert {key: value for page in pages for key, value in page.items()} == dict(
        zip(ids, ["UNHEALTHY", "HEALTHY", "HEALTHY"]))
    for ident in ids:
        api.ok("DeregisterInstance", ServiceId=made, InstanceId=ident)
    api.ok("DeleteService", Id=made)


def test_app_mesh_controller(api, fresh):
    """One constant token for every creation of every service; what exists already is success."""
    name = fresh()
    namespace = api.namespace(name, "DNS_PRIVATE")
    request = {"CreatorRequestId": "constant-uid", "NamespaceId": namespace, "Name": "node",
               "DnsConfig": {"RoutingPolicy": "MULTIVALUE", "DnsRecords": [{"Type": "A", "TTL": 300}]},
               "HealthCheckCustomConfig": {"FailureThreshold": 1}}
    made = api.ok("CreateService", **request)["Service"]
    assert api.ok("CreateService", **request)["Service"] == made
    other = api.ok("CreateService", **request | {"Name": "node2"})["Service"]
    assert other["Id"] != made["Id"]
    body = api.fails("CreateService", "ServiceAlreadyExists", **request | {"CreatorRequestId": "another-uid"})
    assert (body["ServiceId"], body["CreatorRequestId"]) == (made["Id"], "constant-uid")
    pod = {"AWS_INSTANCE_IPV4": "192.168.1.1", "AWS_INIT_HEALTH_STATUS": "UNHEALTHY", "k8s.io/pod": "pod-1",
           "k8s.io/namespace": "default", "appmesh.k8s.aws/mesh": "mesh"}
    api.ok("RegisterInstance", ServiceId=made["Id"], InstanceId="192.168.1.1", Attributes=pod, CreatorRequestId="uid")
    assert api.discover(name, "node") == {}
    api.ok("UpdateInstanceCustomHealthStatus", ServiceId=made["Id"], InstanceId="192.168.1.1", Status="HEALTHY")
    assert api.discover(name, "node", HealthStatus="ALL")["192.168.1.1"]["Attributes"] == pod
    api.ok("DeregisterInstance", ServiceId=made["Id"], InstanceId="192.168.1.1")
    for service in (made, other):
        api.ok("DeleteService", Id=service["Id"])


def test_ecs(api, fresh):
    """Tasks come unhealthy, turn healthy, and go."""
    name = fresh()
    made = api.service(api.namespace(name, "DNS_PRIVATE"), "tasks", HealthCheckCustomConfig={"FailureThreshold": 1},
                       DnsConfig={"DnsRecords": [{"Type": "A", "TTL": 10}]})
    tasks = [f"0123456789abcdef0123456789abcde{i}" for i in range(3)]
    for i, task in enumerate(tasks):
        api.ok("RegisterInstance", ServiceId=made, InstanceId=task, Attributes={
            "AVAILABILITY_ZONE": "eu-west-1a", "AWS_INIT_HEALTH_STATUS": "UNHEALTHY",
            "AWS_INSTANCE_IPV4": f"10.0.1.{i}", "ECS_CLUSTER_NAME": "default", "ECS_SERVICE_NAME": "web",
            "ECS_TASK_DEFINITION_FAMILY": "web", "EC2_INSTANCE_ID": "i-0123456789abcdef0", "REGION": "eu-west-1"})
    for task in tasks[1:]:
        api.ok("UpdateInstanceCustomHealthStatus", ServiceId=made, InstanceId=task, Status="HEALTHY")
    found = api.discover(name, "tasks")
    assert found.keys() == set(tasks[1:])
    assert {one["Attributes"]["AWS_INIT_HEALTH_STATUS"] for one in found.values()} == {"UNHEALTHY"}
    for task in tasks:
        api.ok("DeregisterInstance", ServiceId=made, InstanceId=task)


def test_cloud_custodian(api, fresh):
    """Lists everything and reads each; the answers of a list and of a read agree."""
    namespace = api.namespace(fresh(), Tags=[{"Key": "k", "Value": "v"}])
    api.register(api.service(namespace, "a"), "i")
    for summary in api.items("ListNamespaces", "Namespaces"):
        whole = api.ok("GetNamespace", Id=summary["Id"])["Namespace"]
        assert summary.items() <= whole.items()
        filters = [{"Name": "NAMESPACE_ID", "Values": [summary["Id"]], "Condition": "EQ"}]
        for service in api.items("ListServices", "Services", Filters=filters):
            api.items("ListInstances", "Instances", ServiceId=service["Id"])
