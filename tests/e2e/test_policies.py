# SPDX-License-Identifier: Apache-2.0
"""Policies: tried out on the command line, and obeyed by a daemon that asks for signatures."""

import json

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from support.daemon import daemons
from support.program import cloudmapctl

SERVICE = "arn:aws:servicediscovery:eu-west-1:000000000000:service/srv-p5zdwlg5uvvzjita"
DOCUMENT = """{"Version": "2012-10-17",
 "Statement": [
  {"Sid": "Read", "Effect": "Allow", "Action": "servicediscovery:Get*", "Resource": "*",
   "Condition": {"ForAnyValue:StringEquals": {"aws:TagKeys": "b"}}},
  {"Effect": "Deny", "Action": "*", "Resource": "*",
   "Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}}]}
"""


class TestTry:
    @pytest.fixture
    def document(self, tmp_path):
        path = tmp_path / "reader.json"
        path.write_text(DOCUMENT)
        return path

    def test_which_statement_decides(self, document):
        words = ["policy", "test", document, "servicediscovery:GetService", SERVICE]
        tagged = ["--context", "aws:TagKeys=a", "--context", "AWS:tagkeys=b"]
        done = cloudmapctl(*words, *tagged)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout == ("decision   allowed\nreason     a statement allows it\n"
                               "statement  1 (Read), line 3\n")
        done = cloudmapctl(*words, *tagged, "--context", "aws:SourceIp=10.1.2.3", "-o", "json")
        assert json.loads(done.stdout) == {"decision": "denied", "reason": "a statement denies it",
                                           "statement": {"number": 2, "line": 5}}
        done = cloudmapctl(*words, "-o", "json")
        assert json.loads(done.stdout) == {"decision": "denied", "reason": "no statement allows it"}

    @pytest.mark.parametrize("policy, action, decision", [
        ("admin", "servicediscovery:DeleteNamespace", "allowed"),
        ("registrar", "servicediscovery:RegisterInstance", "allowed"),
        ("CloudmapRegistrar", "servicediscovery:DeleteService", "denied"),
        ("discoverer", "servicediscovery:DiscoverInstances", "allowed"),
        ("discoverer", "servicediscovery:GetInstance", "denied"),
        ("auditor", "cloudtrail:LookupEvents", "allowed"),
        ("auditor", "servicediscovery:TagResource", "denied")])
    def test_managed_policies(self, policy, action, decision):
        done = cloudmapctl("policy", "test", policy, action, "*", "-o", "json")
        assert json.loads(done.stdout)["decision"] == decision

    @pytest.mark.parametrize("words, code, why", [
        (["servicediscovery:GetSevice", SERVICE], 64, "Cloud Map has no action servicediscovery:GetSevice"),
        (["GetService", SERVICE], 64, "an action is SERVICE:NAME"),
        (["servicediscovery:GetService", "srv-1"], 64, "a resource is * or an ARN"),
        (["servicediscovery:GetService"], 64, "takes DOCUMENT ACTION RESOURCE"),
        (["servicediscovery:GetService", "*", "--context", "team=red"], 64, "--context is KEY=VALUE"),
        (["servicediscovery:GetService", "*", "--user", "ann"], 64, "no options but")])
    def test_what_is_no_call(self, document, words, code, why):
        done = cloudmapctl("policy", "test", document, *words)
        assert (done.returncode, done.stdout) == (code, "") and why in done.stderr

    def test_a_bad_document(self, document):
        document.write_text(DOCUMENT.replace("Deny", "Forbid"))
        done = cloudmapctl("policy", "test", document, "servicediscovery:GetService", SERVICE)
        assert done.returncode == 1
        assert done.stderr.endswith('line 5: Statement 2: Effect is "Forbid", not Allow or Deny\n')
        done = cloudmapctl("policy", "test", document.with_name("none"), "servicediscovery:GetService", SERVICE)
        assert done.returncode == 1 and "No such file" in done.stderr


def ctl(daemon, *words):
    done = cloudmapctl("--data", daemon.data, "-o", "json", *words)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def connect(daemon, key, service="servicediscovery"):
    return boto3.client(service, endpoint_url=daemon.url, region_name="us-east-1",
                        aws_access_key_id=key["access_key_id"], aws_secret_access_key=key["secret_access_key"],
                        aws_session_token=key.get("token"),
                        config=Config(inject_host_prefix=False, parameter_validation=False,
                                      retries={"total_max_attempts": 1}))


def refused(call, **members):
    """The error's code and message."""
    with pytest.raises(ClientError) as caught:
        call(**members)
    return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]


class TestObeyed:
    @pytest.fixture(scope="class")
    def asking(self, tmp_path_factory, recorder):
        """A daemon that asks for signatures."""
        with daemons(tmp_path_factory.mktemp("asking"), recorder) as start:
            yield start({"auth.mode": "required"}, env={"CLOUDMAP_ROOT_ACCESS_KEY_ID": "AKIAROOTOFTHEPOLICYS",
                                                        "CLOUDMAP_ROOT_SECRET_ACCESS_KEY": "a" * 40})

    @pytest.fixture(scope="class")
    def user(self, asking):
        """name, managed policies -> a client"""
        def make(name, *policies):
            ctl(asking, "user", "create", name)
            for policy in policies:
                ctl(asking, "policy", "attach", policy, "--user", name)
            return connect(asking, ctl(asking, "key", "create", "--user", name))
        return make

    @pytest.fixture(scope="class")
    def attach(self, asking, tmp_path_factory):
        """Gives a user one policy of statements, in place of an older one."""
        def give(name, *statements):
            path = tmp_path_factory.mktemp("policy") / "document.json"
            path.write_text(json.dumps({"Version": "2012-10-17", "Statement": statements}))
            ctl(asking, "policy", "attach", "own", "--user", name, "--document", path)
        return give

    @pytest.fixture(scope="class")
    def shop(self, user):
        """The first hour of an admin: a namespace and two services."""
        admin = user("olga", "admin")
        admin.create_http_namespace(Name="market")
        space = admin.list_namespaces(Filters=[{"Name": "NAME", "Values": ["market"]}])["Namespaces"][0]
        made = {name: admin.create_service(Name=name, NamespaceId=space["Id"], HealthCheckCustomConfig={},
                                           Tags=[{"Key": "team", "Value": team}])["Service"]
                for name, team in (("web", "red"), ("db", "blue"))}
        return {"admin": admin, "space": space} | made

    def test_the_first_hour_as_three_principals(self, user, shop):
        registrar, discoverer = user("rita", "registrar"), user("dan", "discoverer")
        service = shop["web"]["Id"]
        names = {"NamespaceName": "market", "ServiceName": "web"}
        operation = registrar.register_instance(ServiceId=service, InstanceId="i-1",
                                                Attributes={"AWS_INSTANCE_IPV4": "10.0.0.1"})["OperationId"]
        assert registrar.get_operation(OperationId=operation)["Operation"]["Status"] == "SUCCESS"
        assert [one["InstanceId"] for one in discoverer.discover_instances(**names)["Instances"]] == ["i-1"]
        code, message = refused(registrar.delete_service, Id=service)
        assert code == "AccessDeniedException"
        assert message == ("User: arn:aws:iam::000000000000:user/rita is not authorized to perform: "
                           f"servicediscovery:DeleteService on resource: {shop['web']['Arn']} because no "
                           "identity-based policy allows the servicediscovery:DeleteService action")
        for call, members in ((registrar.create_http_namespace, {"Name": "n"}),
                              (registrar.update_service, {"Id": service, "Service": {"Description": "d"}}),
                              (registrar.tag_resource, {"ResourceARN": shop["web"]["Arn"], "Tags": []}),
                              (discoverer.list_services, {}), (discoverer.get_service, {"Id": service}),
                              (discoverer.get_operation, {"OperationId": operation}),
                              (discoverer.deregister_instance, {"ServiceId": service, "InstanceId": "i-1"})):
            assert refused(call, **members)[0] == "AccessDeniedException"
        registrar.update_instance_custom_health_status(ServiceId=service, InstanceId="i-1", Status="UNHEALTHY")
        registrar.deregister_instance(ServiceId=service, InstanceId="i-1")
        assert discoverer.discover_instances(**names)["Instances"] == []

    def test_whoever_may_nothing_learns_nothing(self, user, shop):
        nobody = user("ned")
        ids = (shop["web"]["Id"], "srv-aaaaaaaaaaaaaaaa", "no-id")
        assert len({refused(nobody.get_service, Id=one)[1].replace(one, "ID") for one in ids}) == 1
        told = {refused(nobody.discover_instances, NamespaceName="market", ServiceName=name) for name in ("web", "no")}
        assert len(told) == 1 and "on resource: * because" in told.pop()[1]
        # Not even what is wrong with the call.
        assert refused(nobody.list_services, Filters=[{"Name": "NAMESPACE_ID", "Values": [""]}])[0] == (
            "AccessDeniedException")

    def test_resources_tags_and_names(self, user, attach, shop):
        client = user("tom")
        red, blue = shop["web"]["Id"], shop["db"]["Id"]
        attach("tom", {"Effect": "Allow", "Action": "servicediscovery:Get*", "Resource": shop["db"]["Arn"]})
        assert client.get_service(Id=blue) and client.get_service(Id=shop["db"]["Arn"])
        assert refused(client.get_service, Id=red)[0] == "AccessDeniedException"
        attach("tom", {"Effect": "Allow", "Action": "servicediscovery:*", "Resource": "*",
                       "Condition": {"StringEquals": {"aws:ResourceTag/team": "red"}}})
        assert client.get_service(Id=red) and refused(client.get_service, Id=blue)[0] == "AccessDeniedException"
        attach("tom", {"Effect": "Allow", "Action": "servicediscovery:*", "Resource": "*"},
               {"Effect": "Deny", "Action": "servicediscovery:DiscoverInstances", "Resource": "*",
                "Condition": {"StringNotEquals": {"servicediscovery:ServiceName": "web"}}},
               {"Effect": "Deny", "Action": "servicediscovery:TagResource", "Resource": "*",
                "Condition": {"ForAnyValue:StringLike": {"aws:TagKeys": "cost*"}}})
        assert "Instances" in client.discover_instances(NamespaceName="market", ServiceName="web")
        assert "explicit deny in an identity-based policy" in refused(
            client.discover_instances, NamespaceName="market", ServiceName="db")[1]
        client.tag_resource(ResourceARN=shop["web"]["Arn"], Tags=[{"Key": "a", "Value": "b"}])
        assert refused(client.tag_resource, ResourceARN=shop["web"]["Arn"],
                       Tags=[{"Key": "costs", "Value": "1"}])[0] == "AccessDeniedException"
        assert refused(client.get_service, Id="srv-aaaaaaaaaaaaaaaa")[0] == "ServiceNotFound"

    def test_what_changes_counts_at_once(self, asking, user):
        client = user("una")
        assert refused(client.list_namespaces)[0] == "AccessDeniedException"
        ctl(asking, "policy", "attach", "auditor", "--user", "una")
        assert client.list_namespaces()["Namespaces"]
        ctl(asking, "policy", "detach", "auditor", "--user", "una")
        assert refused(client.list_namespaces)[0] == "AccessDeniedException"
