# SPDX-License-Identifier: Apache-2.0
"""dns.api_name: the API's own name and its data- name in the daemon's DNS, and an SDK's tool that finds both there."""

import shutil
import subprocess

import pytest

from support.daemon import binary
from support.dns import Dns
from support.program import cloudmapctl, cloudmapd, environment
from support.sdk import AWS_CLI, client_env

NAME = "api.example.internal"


def test_names(start_daemon):
    daemon = start_daemon({"dns.api_name": f"{NAME}, cloudmap.example.net"})
    asked = Dns(daemon)
    for name in (NAME, "data-" + NAME, "cloudmap.example.net", "Data-CloudMap.example.net"):
        assert asked.dig("+short", name, "A") == "127.0.0.1\n"
        assert asked.dig("+short", "+tcp", name, "A") == "127.0.0.1\n"
        assert asked.dig("+short", name, "AAAA") == ""
        assert asked.rcode(f"x.{name}") == "NXDOMAIN" and asked.rcode(name, "MX") == "NOERROR"
        soa = asked.dig("+noall", "+authority", name, "TXT").split()
        assert soa[:6] == [name + ".", "60", "IN", "SOA", "ns.invalid.", f"hostmaster.{name}."]
        assert asked.answers(name, "NS") == ["ns.invalid."]
    assert asked.rcode("example.internal") == asked.rcode("data-x." + NAME.partition(".")[2]) == "REFUSED"
    text = cloudmapctl("--data", daemon.data, "explain", "data-" + NAME).stdout
    assert "Name is    the API's own name\n" in text and " A 127.0.0.1\n" in text


def test_addresses(start_daemon):
    daemon = start_daemon({"dns.api_name": NAME, "dns.api_addresses": "10.1.1.1, fd00::1, 10.1.1.2"})
    asked = Dns(daemon)
    assert asked.answers("data-" + NAME) == ["10.1.1.1", "10.1.1.2"]
    assert asked.answers(NAME, "AAAA") == ["fd00::1"]
    namespace = daemon.api.namespace("example.internal", "DNS_PRIVATE")  # the longer name speaks for itself
    assert asked.answers(NAME) == ["10.1.1.1", "10.1.1.2"]
    assert asked.rcode("other.example.internal") == "NXDOMAIN"
    daemon.api.done("DeleteNamespace", Id=namespace)


def test_addresses_of_the_api(start_daemon):
    daemon = start_daemon({"dns.api_name": NAME, "api.listen": "127.0.0.1:0, [::1]:0, 127.0.0.2:0"})
    asked = Dns(daemon)
    assert asked.answers(NAME) == ["127.0.0.1", "127.0.0.2"]
    assert asked.answers("data-" + NAME, "AAAA") == ["::1"]


@pytest.mark.parametrize("settings, text", [
    ({"dns.api_name": "a" * 63 + ".example"}, "data- is put in front of it"),
    ({"dns.api_name": "a b"}, "which is not a host name"),
    ({"dns.api_name": "a", "dns.api_addresses": "10.0.0.256"}, "which is not an IPv4 or IPv6 address")])
def test_wrong(tmp_path, settings, text):
    words = [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
    done = cloudmapd("--data", tmp_path / "d", "--api", "127.0.0.1:0", "--dns", "127.0.0.1:0", *words)
    assert done.returncode == 78 and text in done.stderr


# In a network of its own, where the daemon has port 53 and is the only thing that knows a name.
SCRIPT = r"""
set -eu
ip link set lo up
mount --bind resolv.conf /etc/resolv.conf
mount --bind hosts /etc/hosts
mount --bind nsswitch.conf /etc/nsswitch.conf
"$CLOUDMAPD" --data data --api 127.0.0.1:8650 --dns 127.0.0.1:53 --set "dns.api_name=$NAME" 2>log &
daemon=$!
trap 'kill $daemon; wait $daemon' EXIT
for try in $(seq 300); do
    grep -qs daemon_ready log && break
    kill -0 $daemon
    sleep 0.1
done
getent hosts "data-$NAME" >&2
cloudmap() { "$AWS_CLI" --endpoint-url "http://$NAME:8650" servicediscovery "$@"; }
cloudmap create-http-namespace --name demo >/dev/null
namespace=$(cloudmap list-namespaces --query 'Namespaces[0].Id' --output text)
service=$(cloudmap create-service --name web --namespace-id "$namespace" --query Service.Id --output text)
cloudmap register-instance --service-id "$service" --instance-id one --attributes color=blue >/dev/null
cloudmap discover-instances --namespace-name demo --service-name web --query 'Instances[0].Attributes.color' \
    --output text --debug 2>debug
"""


def test_aws_cli_through_the_resolver(tmp_path):
    """The C library's resolver, /etc/hosts empty: discover-instances goes to data-api.example.internal."""
    unshare = ["unshare", "--mount", "--net"]
    if not shutil.which("ip") or subprocess.run([*unshare, "ip", "link", "set", "lo", "up"], capture_output=True,
                                                check=False).returncode != 0:
        pytest.skip("no network and mounts of our own here (root, unshare, iproute2)")
    (tmp_path / "resolv.conf").write_text("nameserver 127.0.0.1\n")
    (tmp_path / "hosts").write_text("")
    (tmp_path / "nsswitch.conf").write_text("hosts: files dns\n")
    env = environment(client_env() | {"CLOUDMAPD": binary(), "NAME": NAME, "AWS_CLI": AWS_CLI})
    for proxy in ("HTTP_PROXY", "http_proxy", "AWS_ENDPOINT_URL", "AWS_DISABLE_HOST_PREFIX_INJECTION"):
        env.pop(proxy, None)
    done = subprocess.run([*unshare, "sh", "-c", SCRIPT], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=300,
                          check=False)
    log = (tmp_path / "log").read_text()
    assert (done.returncode, done.stdout) == (0, "blue\n"), (done, log)
    assert f"http://data-{NAME}:8650" in (tmp_path / "debug").read_text()
    assert done.stderr.split() == ["127.0.0.1", "data-" + NAME]
