# SPDX-License-Identifier: Apache-2.0
"""Clients against a daemon that asks for signatures: long-term keys and sessions of a role, plain hosts and those with
`data-` in front."""

import http.client
import json
import os
import shutil
import signal
import ssl
import subprocess
from pathlib import Path

import boto3
import botocore
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from support.client import until
from support.daemon import daemons
from support.program import cloudmapctl
from support.sdk import REGION, Aws, client_env
from support.signing import Credentials, Line, Request, sign_query

HERE = Path(__file__).parent
DOCUMENT = {"Version": "2012-10-17"}
NAMES = {"NamespaceName": "shop", "ServiceName": "cart"}


NAME = "cloudmap.localhost"  # resolves with `data-` before it, too (libnss-myhostname)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A CA, the daemon's certificate, and one of the user `registrar`."""
    folder = tmp_path_factory.mktemp("tls")
    for words in ([NAME], ["--client", "registrar"]):
        assert cloudmapctl("cert", *words, "--out", folder).returncode == 0
    return folder


@pytest.fixture(scope="module")
def signed_daemon(tmp_path_factory, recorder, root, folder):
    with daemons(tmp_path_factory.mktemp("signed"), recorder) as start:
        yield start({"auth.mode": "required", "auth.client_ca": folder / "ca.pem", "tls.listen": "127.0.0.1:0",
                     "tls.certificate": folder / f"{NAME}.pem", "tls.key": folder / f"{NAME}-key.pem"},
                    env={"CLOUDMAP_ROOT_ACCESS_KEY_ID": root.key, "CLOUDMAP_ROOT_SECRET_ACCESS_KEY": root.secret})


def endpoint(daemon, scheme="http", host=NAME):
    return f"{scheme}://{host}:{daemon.port if scheme == 'http' else daemon.ready['tls'].rpartition(':')[2]}"


@pytest.fixture(params=["http", "https"])
def scheme(request, folder, monkeypatch):
    for name in ("AWS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "CURL_CA_BUNDLE"):
        monkeypatch.setenv(name, str(folder / "ca.pem"))
    return request.param


def environment(credentials):
    env = client_env() | {"AWS_ACCESS_KEY_ID": credentials.key, "AWS_SECRET_ACCESS_KEY": credentials.secret}
    return env | ({"AWS_SESSION_TOKEN": credentials.token} if credentials.token else {})


def client(daemon, credentials, service="servicediscovery", scheme="http"):
    return boto3.client(
        service, endpoint_url=endpoint(daemon, scheme), region_name=REGION, aws_access_key_id=credentials.key,
        aws_secret_access_key=credentials.secret, aws_session_token=credentials.token,
        config=Config(retries={"total_max_attempts": 1}))


def ctl(daemon, *words):
    done = cloudmapctl("--data", daemon.data, "-o", "json", *words)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def code(call, **members):
    with pytest.raises(ClientError) as caught:
        call(**members)
    return caught.value.response["Error"]["Code"]


@pytest.fixture(scope="module")
def shop(signed_daemon, root):
    """Namespace, service and instance."""
    boto = client(signed_daemon, root)
    operation = boto.create_http_namespace(Name="shop")["OperationId"]
    namespace = boto.get_operation(OperationId=operation)["Operation"]["Targets"]["NAMESPACE"]
    service = boto.create_service(NamespaceId=namespace, Name="cart")["Service"]["Id"]
    boto.register_instance(ServiceId=service, InstanceId="i-1", Attributes={"AWS_INSTANCE_IPV4": "10.0.0.1"})
    return service


@pytest.fixture(scope="module")
def role(signed_daemon, tmp_path_factory):
    """Of readers; whoever is of the account may assume it."""
    trust = tmp_path_factory.mktemp("role") / "trust.json"
    trust.write_text(json.dumps(DOCUMENT | {"Statement": {
        "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "000000000000"}, "Condition": {
            "IpAddress": {"aws:SourceIp": "127.0.0.0/8"}, "StringEquals": {"aws:PrincipalType": "Account"}}}}))
    ctl(signed_daemon, "role", "create", "reader", "--trust", trust, "--max-session", "2h")
    ctl(signed_daemon, "policy", "attach", "discoverer", "--role", "reader")
    return "arn:aws:iam::000000000000:role/reader"


def assume(daemon, root, role, **members):
    told = client(daemon, root, "sts").assume_role(RoleArn=role, RoleSessionName="ci", **members)
    credentials = told["Credentials"]
    return Credentials(credentials["AccessKeyId"], credentials["SecretAccessKey"], credentials["SessionToken"])


@pytest.fixture(scope="module")
def session(signed_daemon, root, role):
    return assume(signed_daemon, root, role)


def test_boto3(signed_daemon, root, session, shop, scheme):
    boto = client(signed_daemon, root, scheme=scheme)
    assert "shop" in [one["Name"] for one in boto.list_namespaces()["Namespaces"]]
    for credentials in (root, session):
        boto = client(signed_daemon, credentials, scheme=scheme)
        assert boto.discover_instances(**NAMES)["Instances"][0]["InstanceId"] == "i-1"


def test_what_boto3_is_refused(signed_daemon, root, shop):
    for wrong, answer in ((Credentials(root.key, "x" * 40), "InvalidSignatureException"),
                          (Credentials("AKIA" + "X" * 16, root.secret), "UnrecognizedClientException"),
                          (Credentials(root.key, root.secret, "token"), "UnrecognizedClientException")):
        assert code(client(signed_daemon, wrong).list_namespaces) == answer
        assert code(client(signed_daemon, wrong).discover_instances, **NAMES) == answer
    unsigned = boto3.client("servicediscovery", endpoint_url=signed_daemon.url, region_name=REGION,
                            config=Config(signature_version=botocore.UNSIGNED))
    assert code(unsigned.list_namespaces) == "MissingAuthenticationTokenException"


def test_sts(signed_daemon, root, session):
    told = client(signed_daemon, root, "sts").get_caller_identity()
    assert (told["Arn"], told["Account"]) == ("arn:aws:iam::000000000000:root", "000000000000")
    told = client(signed_daemon, session, "sts").get_caller_identity()
    assert told["Arn"] == "arn:aws:sts::000000000000:assumed-role/reader/ci"
    assert told["UserId"].startswith("AROA") and told["UserId"].endswith(":ci")
    for wrong, answer in ((Credentials(root.key, "x" * 40), "SignatureDoesNotMatch"),
                          (Credentials("AKIA" + "X" * 16, root.secret), "InvalidClientTokenId")):
        assert code(client(signed_daemon, wrong, "sts").get_caller_identity) == answer


def test_sts_without_a_signature(signed_daemon):
    answer = signed_daemon.api.http("POST", "/", b"Action=GetCallerIdentity&Version=2011-06-15",
                                    {"Content-Type": "application/x-www-form-urlencoded"})
    assert answer.status == 403 and b"<Code>MissingAuthenticationToken</Code>" in answer.body


def test_a_signed_identity_for_others_to_ask(signed_daemon, root):
    """What authenticators send on: a presigned GET."""
    request = Request("GET", "/?Action=GetCallerIdentity&Version=2011-06-15",
                      [("Host", f"127.0.0.1:{signed_daemon.port}"), ("X-Who-Asks", "cluster")], b"")
    line = Line(signed_daemon)
    status, _, body = line.send(sign_query(request, root, service="sts"))
    assert status == 200 and b"<Arn>arn:aws:iam::000000000000:root</Arn>" in body
    status, _, body = line.send(sign_query(request, root, service="sts").with_header("X-Who-Asks", "other"))
    assert status == 403 and b"<Code>SignatureDoesNotMatch</Code>" in body
    line.close()


def test_sessions(signed_daemon, root, role, session, shop):
    boto = client(signed_daemon, session)
    assert boto.discover_instances(**NAMES)["Instances"][0]["InstanceId"] == "i-1"
    assert code(client(signed_daemon, Credentials(session.key, session.secret)).discover_instances, **NAMES) == \
        "UnrecognizedClientException"
    sts = client(signed_daemon, root, "sts")
    assert code(sts.assume_role, RoleArn=role + "s", RoleSessionName="ci") == "AccessDenied"
    assert code(sts.assume_role, RoleArn=role, RoleSessionName="ci", DurationSeconds=7201) == "ValidationError"
    assert code(sts.assume_role, RoleArn=role, RoleSessionName="c i") == "ValidationError"
    assert code(sts.assume_role, RoleArn=role, RoleSessionName="ci", Policy="{") == "MalformedPolicyDocument"
    wide = json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {
        "StringNotEquals": {"aws:username": "\u00e9" * 1800}}}}, ensure_ascii=False)
    assert code(sts.assume_role, RoleArn=role, RoleSessionName="ci", Policy=wide) == "PackedPolicyTooLarge"
    assert code(sts.assume_role, RoleArn=role, RoleSessionName="ci", Tags=[{"Key": "k", "Value": "v"}]) == \
        "ValidationError"


def test_aws_cli(signed_daemon, root, session, shop, scheme, monkeypatch):
    aws = Aws(endpoint(signed_daemon, scheme))
    for credentials, arn in ((root, "arn:aws:iam::000000000000:root"),
                             (session, "arn:aws:sts::000000000000:assumed-role/reader/ci")):
        for name, value in environment(credentials).items():
            monkeypatch.setenv(name, value)
        assert aws("get-caller-identity", service="sts")["Arn"] == arn
        found = aws("discover-instances", "--namespace-name", "shop", "--service-name", "cart")
        assert found["Instances"][0]["InstanceId"] == "i-1"
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x" * 40)
    assert "(InvalidSignatureException)" in aws.error("list-namespaces")


def javascript(node, credentials, *words, **variables):
    env = os.environ | environment(credentials) | variables | {"NODE_OPTIONS": "--dns-result-order=ipv4first"}
    done = subprocess.run([node, *words], cwd=HERE / "js", env=env, capture_output=True, text=True, timeout=120,
                          check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("scheme", ["https"], indirect=True)
def test_javascript(signed_daemon, root, scheme, node):
    """All operations, as test_sdk_js.py runs them."""
    javascript(node, root, "--test", "all.mjs", ENDPOINT=endpoint(signed_daemon, scheme), HOST_PREFIX="on",
               NAME="js-signed")


def test_javascript_with_a_session(signed_daemon, root, role, shop, scheme, node):
    told, refused = javascript(node, root, "session.mjs", ENDPOINT=endpoint(signed_daemon, scheme), ROLE=role).splitlines()
    assert json.loads(told) == {"arn": "arn:aws:sts::000000000000:assumed-role/reader/js", "host": "data-" + NAME,
                                "instances": ["i-1"]}
    assert refused == "AccessDeniedException"


@pytest.mark.parametrize("host", [NAME, "data-" + NAME])
def test_curl(signed_daemon, root, session, shop, scheme, host):
    for credentials in (root, session):
        headers = ["X-Amz-Target: Route53AutoNaming_v20170314.DiscoverInstances",
                   "Content-Type: application/x-amz-json-1.1"]
        headers += [f"X-Amz-Security-Token: {credentials.token}"] * bool(credentials.token)
        done = subprocess.run(
            ["curl", "-sS", "--aws-sigv4", f"aws:amz:{REGION}:servicediscovery", "--user",
             f"{credentials.key}:{credentials.secret}", *(word for line in headers for word in ("-H", line)),
             "-d", json.dumps(NAMES), endpoint(signed_daemon, scheme, host) + "/"],
            capture_output=True, text=True, timeout=60, check=True)
        assert json.loads(done.stdout)["Instances"][0]["InstanceId"] == "i-1", done.stdout


@pytest.fixture(scope="module")
def go_client(tmp_path_factory):
    """The SDK for Go as Debian packages it."""
    program = tmp_path_factory.mktemp("go") / "client"
    env = os.environ | {"GO111MODULE": "off", "GOPATH": "/usr/share/gocode", "GOFLAGS": "", "HOME": str(program.parent)}
    subprocess.run(["go", "build", "-o", program, HERE / "go" / "client.go"], env=env, check=True, timeout=600)
    return program


def test_go(signed_daemon, root, session, shop, scheme, go_client):
    for credentials, arn in ((root, "arn:aws:iam::000000000000:root"),
                             (session, "arn:aws:sts::000000000000:assumed-role/reader/ci")):
        done = subprocess.run([go_client, endpoint(signed_daemon, scheme)], env=os.environ | environment(credentials),
                              capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        assert done.stdout.split() == [arn, "1", "InvalidSignatureException"]


def test_client_certificates(signed_daemon, shop, folder):
    """A user whom a certificate names needs no signature over TLS; one whom nobody knows has no say."""
    whoami = ["curl", "-sS", "--cacert", folder / "ca.pem", "--cert", folder / "registrar.pem", "--key",
              folder / "registrar-key.pem", "-d", "Action=GetCallerIdentity&Version=2011-06-15",
              endpoint(signed_daemon, "https") + "/"]
    ask = lambda: subprocess.run(whoami, capture_output=True, text=True, timeout=60, check=True).stdout
    assert "<Code>InvalidClientTokenId</Code>" in ask()
    ctl(signed_daemon, "user", "create", "registrar")
    assert "<Arn>arn:aws:iam::000000000000:user/registrar</Arn>" in ask()
    ctl(signed_daemon, "user", "delete", "registrar")
    assert "<Code>InvalidClientTokenId</Code>" in ask()


def test_a_ca_that_is_taken_away(start_daemon, root, folder, tmp_path):
    """Nor do connections that are open keep what a certificate made them."""
    trusted = tmp_path / "clients.pem"
    shutil.copy(folder / "ca.pem", trusted)
    assert cloudmapctl("cert", "other.example", "--out", tmp_path / "other").returncode == 0
    daemon = start_daemon({"auth.mode": "required", "auth.client_ca": trusted, "tls.listen": "127.0.0.1:0",
                           "tls.certificate": folder / f"{NAME}.pem", "tls.key": folder / f"{NAME}-key.pem"},
                          env={"CLOUDMAP_ROOT_ACCESS_KEY_ID": root.key, "CLOUDMAP_ROOT_SECRET_ACCESS_KEY": root.secret})
    ctl(daemon, "user", "create", "registrar")
    shown = ssl.create_default_context(cafile=folder / "ca.pem")
    shown.load_cert_chain(folder / "registrar.pem", folder / "registrar-key.pem")
    line = http.client.HTTPSConnection(NAME, int(daemon.ready["tls"].rpartition(":")[2]), context=shown, timeout=60)

    def ask():
        line.request("POST", "/", "Action=GetCallerIdentity&Version=2011-06-15",
                     {"Content-Type": "application/x-www-form-urlencoded"})
        answer = line.getresponse()
        return answer.status, answer.read().decode(), answer.will_close

    def reload(ca, count):
        shutil.copy(ca, trusted)
        os.kill(daemon.pid, signal.SIGHUP)
        until(lambda: len(daemon.events("daemon_reloaded")), lambda n: n == count)

    for count in (1, 2):
        status, text, closes = ask()
        assert (status, closes) == (200, False) and ":user/registrar</Arn>" in text
        reload(folder / "ca.pem" if count == 1 else tmp_path / "other" / "ca.pem", count)
    status, text, closes = ask()
    assert (status, closes) == (400, True) and "issued by a CA that is not trusted here" in text
    line.close()


def test_keys_change_at_once(signed_daemon, root, shop):
    """Made, disabled, enabled, deleted, while the daemon runs and has the derived key in its cache."""
    ctl(signed_daemon, "user", "create", "ann")
    ctl(signed_daemon, "policy", "attach", "discoverer", "--user", "ann")
    made = ctl(signed_daemon, "key", "create", "--user", "ann")
    ann = Credentials(made["access_key_id"], made["secret_access_key"])
    boto = client(signed_daemon, ann)
    assert client(signed_daemon, ann, "sts").get_caller_identity()["Arn"] == "arn:aws:iam::000000000000:user/ann"
    assert boto.discover_instances(**NAMES)["Instances"]
    ctl(signed_daemon, "key", "disable", ann.key)
    assert code(boto.discover_instances, **NAMES) == "UnrecognizedClientException"
    ctl(signed_daemon, "key", "enable", ann.key)
    assert boto.discover_instances(**NAMES)["Instances"]
    ctl(signed_daemon, "key", "delete", ann.key)
    assert code(boto.discover_instances, **NAMES) == "UnrecognizedClientException"


def test_sessions_end_with_what_they_come_from(signed_daemon, root, shop, tmp_path):
    """The key that began them, disabled or deleted, also through a session in between; their policies; their role."""
    trust = tmp_path / "trust.json"
    trust.write_text(json.dumps(DOCUMENT | {"Statement": {"Effect": "Allow", "Action": "sts:AssumeRole",
                                                          "Principal": {"AWS": "*"}}}))
    ctl(signed_daemon, "role", "create", "passing", "--trust", trust)
    ctl(signed_daemon, "policy", "attach", "discoverer", "--role", "passing")
    ctl(signed_daemon, "user", "create", "bob")
    ctl(signed_daemon, "policy", "attach", "admin", "--user", "bob")
    made = ctl(signed_daemon, "key", "create", "--user", "bob")
    bob = Credentials(made["access_key_id"], made["secret_access_key"])
    role = "arn:aws:iam::000000000000:role/passing"
    first = assume(signed_daemon, bob, role)
    own, chained, roots = (client(signed_daemon, one) for one in (
        first, assume(signed_daemon, first, role), assume(signed_daemon, root, role)))
    find = lambda boto: boto.discover_instances(**NAMES)["Instances"][0]["InstanceId"]
    assert [find(one) for one in (own, chained, roots)] == ["i-1"] * 3
    ctl(signed_daemon, "key", "disable", bob.key)
    for one in (own, chained):
        assert code(one.discover_instances, **NAMES) == "UnrecognizedClientException"
    ctl(signed_daemon, "key", "enable", bob.key)
    assert find(own) == find(chained) == "i-1"
    ctl(signed_daemon, "key", "delete", bob.key)
    for one in (own, chained):
        assert code(one.discover_instances, **NAMES) == "UnrecognizedClientException"
    ctl(signed_daemon, "user", "delete", "bob")
    assert find(roots) == "i-1"
    ctl(signed_daemon, "policy", "detach", "discoverer", "--role", "passing")
    assert code(roots.discover_instances, **NAMES) == "AccessDeniedException"
    ctl(signed_daemon, "role", "delete", "passing")
    assert code(roots.discover_instances, **NAMES) == "UnrecognizedClientException"
