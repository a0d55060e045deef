# SPDX-License-Identifier: Apache-2.0
"""What callers without rights can do to the audit trail: little records, and a share of it; changes stay."""

import json

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from support.client import until
from support.program import cloudmapctl
from support.sdk import REGION

SMALL = {"auth.mode": "required", "audit.keep_size": "1MiB"}  # of which refused calls may take 256 KiB, one caller 32 KiB
ENVIRONMENT = {"CLOUDMAP_ROOT_ACCESS_KEY_ID": "AKIAROOTOFTHEAUDITS1", "CLOUDMAP_ROOT_SECRET_ACCESS_KEY": "a" * 40}


def records(daemon):
    done = cloudmapctl("--data", daemon.data, "audit", "list", "1000000", "-o", "json")
    assert (done.returncode, done.stderr) == (0, ""), done
    return [json.loads(line) for line in done.stdout.splitlines()]


def left_out(daemon):
    lines = daemon.api.http("GET", "/metrics").body.decode().splitlines()
    return int(next(line for line in lines if line.startswith("cloudmap_audit_left_out_total ")).split()[1])


class Callers:
    def __init__(self, daemon):
        self.daemon = daemon

    def client(self, key, secret, service="servicediscovery"):
        return boto3.client(service, endpoint_url=self.daemon.url, region_name=REGION, aws_access_key_id=key,
                            aws_secret_access_key=secret, config=Config(retries={"max_attempts": 0}))

    def root(self):
        return self.client(*ENVIRONMENT.values())

    def user(self, name, service="servicediscovery", policy=None):
        def ctl(*words):
            done = cloudmapctl("--data", self.daemon.data, "-o", "json", *words)
            assert done.returncode == 0, done.stderr
            return json.loads(done.stdout)

        ctl("user", "create", name)
        if policy:
            ctl("policy", "attach", policy, "--user", name)
        key = ctl("key", "create", "--user", name)
        return self.client(key["access_key_id"], key["secret_access_key"], service)


def refused(client, code="AccessDeniedException", **members):
    with pytest.raises(ClientError) as caught:
        client.create_http_namespace(**({"Name": "shop"} | members))
    assert caught.value.response["Error"]["Code"] == code


def test_a_large_request_that_is_refused_leaves_a_small_record(start_daemon):
    daemon = start_daemon({"auth.mode": "required"}, env=ENVIRONMENT)
    callers = Callers(daemon)
    bob, root = callers.user("bob"), callers.root()
    root.create_http_namespace(Name="taken", Description="y" * 1000, Tags=[{"Key": "k" * 100 + str(n), "Value": "v" * 200}
                                                                          for n in range(20)])
    refused(bob, Description="x" * 90_000)                # before the handler
    refused(root, "InvalidInput", Description="x" * 90_000)  # by the shape
    refused(root, "NamespaceAlreadyExists", Name="taken",
            Tags=[{"Key": "k" * 100 + str(n), "Value": "v" * 200} for n in range(20)])  # by the writer
    refused(bob, Description="z" * 1000)
    seen = until(lambda: [one for one in records(daemon) if one["eventName"] == "CreateHttpNamespace"],
                 lambda seen: len(seen) == 5)
    made = [one for one in seen if "errorCode" not in one]
    assert len(made) == 1 and len(made[0]["requestParameters"]["tags"]) == 20
    cut = [one for one in seen if "additionalEventData" in one]
    assert sorted(one["errorCode"] for one in cut) == ["AccessDenied", "InvalidInput", "NamespaceAlreadyExists"]
    for one in cut:
        assert one["requestParameters"] is None
        assert one["additionalEventData"] == {"requestParametersOmitted": "refused, and larger than 4 KB"}
        assert len(json.dumps(one)) < 6000 and one["userIdentity"] and one["requestID"]
    short = [one for one in seen if one not in cut and one not in made]
    assert [one["requestParameters"]["description"] for one in short] == ["z" * 1000]


def test_refused_calls_do_not_push_out_changes(start_daemon):
    daemon = start_daemon(SMALL, env=ENVIRONMENT)
    callers = Callers(daemon)
    bob, eve, sue = callers.user("bob"), callers.user("eve", "sts"), callers.user("sue")
    callers.root().create_http_namespace(Name="mine")
    for _ in range(400):  # 1.6 MB of records
        refused(bob, Description="x" * 3500)
    for _ in range(100):  # needs no right
        eve.get_caller_identity()
    refused(sue, Name="hers")
    until(lambda: records(daemon), lambda seen: any((one["requestParameters"] or {}).get("name") == "hers" for one in seen))
    seen = records(daemon)
    assert "mine" in [(one["requestParameters"] or {}).get("name") for one in seen if "errorCode" not in one]
    by = {name: [one for one in seen if one["userIdentity"].get("userName") == name] for name in ("bob", "eve")}
    assert 5 < len(by["bob"]) < 12 and 20 < len(by["eve"]) < 60
    assert left_out(daemon) == 500 - len(by["bob"]) - len(by["eve"])
    told, = daemon.events("audit_left_out")  # and then not for a minute
    assert told["principal"] == "arn:aws:iam::000000000000:user/bob" and told["records"] == 1
    assert cloudmapctl("--data", daemon.data, "audit", "verify").returncode == 0


def test_changes_are_never_left_out(start_daemon):
    daemon = start_daemon(SMALL, env=ENVIRONMENT)
    ann = Callers(daemon).user("ann", policy="admin")
    for _ in range(60):
        refused(ann, "InvalidInput", Name="", Description="x" * 3000)
    for n in range(20):
        ann.create_http_namespace(Name=f"n{n}")
    names = [(one["requestParameters"] or {}).get("name") for one in records(daemon) if "errorCode" not in one]
    assert {f"n{n}" for n in range(20)} <= set(names) and left_out(daemon) > 0
