# SPDX-License-Identifier: Apache-2.0
"""Health checks are no scanner: a cloud's metadata service, played in a network of the test's own, is never asked,
however its address is written and by whichever way it comes into a service."""

import contextlib
import itertools
import socket
import subprocess
import threading
import time

import pytest

from support.client import until
from support.network import own_network

METADATA = ["169.254.169.254", "169.254.170.2", "169.254.170.23", "fd00:ec2::254"]
# As AWS_INSTANCE_IPV4; those that are no address for Cloud Map are one for some programs.
IPV4 = ["169.254.169.254", "169.254.170.2", "169.254.170.23", "169.254.0.1", "127.0.0.1", "127.1.2.3", "0.0.0.0", "224.0.0.1",
        "255.255.255.255", "2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "169.254.43518", "169.16689662", "0xa9.0xfe.1.1",
        "169.254.169.254 ", " 169.254.169.254", "169.254.169.254:80", "169.254.169.254/32", "::ffff:169.254.169.254"]
# As AWS_INSTANCE_IPV6
IPV6 = ["fd00:ec2::254", "FD00:EC2::254", "fd00:0ec2:0:0::fe", "::ffff:169.254.169.254", "::ffff:a9fe:a9fe",
        "0:0:0:0:0:ffff:a9fe:a9fe", "::169.254.169.254", "::ffff:0:169.254.169.254", "2002:a9fe:a9fe::", "2002:a9fe:a9fe::1",
        "64:ff9b::169.254.169.254", "64:ff9b::a9fe:a9fe", "64:ff9b:1::a9fe:a9fe", "64:ff9b:1:a9fe:a9:fe00::",
        "2001:0:a9fe:a9fe::1", "2001:0:808:808::5601:5601", "2001:db8::5efe:169.254.169.254",
        "2001:db8::200:5efe:a9fe:a9fe", "fe80::1", "fe80::a9fe:a9fe", "fe80::1%lo", "::1", "::", "::127.0.0.1",
        "::ffff:127.0.0.1", "ff02::1", "[::1]", "169.254.169.254"]
PORTS = ["1", "80", "443", "8080", "51678", "65535"]
CHECKS = [{"Type": "HTTP"}, {"Type": "HTTP", "ResourcePath": "/latest/meta-data/iam/security-credentials/"},
          {"Type": "HTTPS"}, {"Type": "TCP"}]


class Metadata:
    """Everything that reaches the addresses of the metadata services on this network's ports 80 and 443; and a server on
    10.0.0.1 that sends whoever asks it there."""

    def __init__(self):
        self.hits = 0
        self._sockets = []
        for address, port in itertools.product(METADATA, (80, 443)):
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            length = ["/128", "nodad"] if ":" in address else ["/32"]
            subprocess.run(["ip", "address", "replace", address + length[0], "dev", "lo", *length[1:]], check=True)
            one = socket.create_server((address, port), family=family)
            self._sockets.append(one)
            threading.Thread(target=self._count, args=(one,), daemon=True).start()
        subprocess.run(["ip", "address", "replace", "10.0.0.1/32", "dev", "lo"], check=True)
        one = socket.create_server(("10.0.0.1", 80))
        self._sockets.append(one)
        threading.Thread(target=self._redirect, args=(one,), daemon=True).start()

    def _redirect(self, one):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = one.accept()
                with connection:
                    connection.recv(4096)
                    connection.sendall(b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/latest/\r\n\r\n")

    def _count(self, one):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = one.accept()
                self.hits += 1
                connection.close()

    def close(self):
        for one in self._sockets:
            one.shutdown(socket.SHUT_RDWR)
            one.close()


@pytest.fixture()
def metadata():
    with own_network():
        one = Metadata()
        yield one
        one.close()


def attributes(family, address, port):
    return {f"AWS_INSTANCE_{family}": address, "AWS_INSTANCE_PORT": port}


def probes(api, kind, result):
    """How many of them ended like that so far."""
    name = f'cloudmap_health_probes_total{{type="{kind}",result="{result}"}} '
    return sum(int(line.rpartition(" ")[2]) for line in api.http("GET", "/metrics").body.decode().splitlines()
               if line.startswith(name))


def test_a_thousand_hostile_registrations_reach_nothing(metadata, start_daemon):
    daemon = start_daemon({"api.workers": "1"})
    api = daemon.api
    spellings = [("IPV4", one) for one in IPV4] + [("IPV6", one) for one in IPV6]
    with socket.create_connection(("169.254.169.254", 80)):
        until(lambda: metadata.hits, lambda hits: hits == 1)
    services = [api.service(api.namespace(f"n{n}"), "s", HealthCheckConfig=check) for n, check in enumerate(CHECKS)]
    n = 0
    for service, (family, address), port in itertools.product(services, spellings, PORTS):
        api.fails("RegisterInstance", "InvalidInput", ServiceId=service, InstanceId=f"i-{n}",
                  Attributes=attributes(family, address, port))
        n += 1
    for service, port in itertools.product(services, (daemon.port, int(daemon.ready["dns"].rpartition(":")[2]))):
        api.fails("RegisterInstance", "InvalidInput", ServiceId=service, InstanceId="own",
                  Attributes=attributes("IPV4", METADATA[0], str(port)))
        n += 1
    assert n >= 1000
    assert metadata.hits == 1


def test_what_is_registered_is_judged_again_when_it_is_probed(metadata, start_daemon):
    """Allowed, it is reached: the server is no dummy. By the same store, after a restart without that, it is not."""
    daemon = start_daemon({"health.allow": "169.254.169.254/32", "health.interval": "2s"})
    api = daemon.api
    service = api.service(api.namespace("n"), "s", HealthCheckConfig={"Type": "HTTP", "FailureThreshold": 10})
    api.register(service, "i", attributes("IPV4", "169.254.169.254", "80"))
    until(lambda: metadata.hits, lambda hits: hits > 0)
    daemon.restart({"health.interval": "2s"})
    hits = metadata.hits
    api.fails("RegisterInstance", "InvalidInput", ServiceId=service, InstanceId="i",
              Attributes=attributes("IPV4", "169.254.169.254", "80"))
    until(lambda: probes(api, "http", "forbidden"), lambda n: n > 0)
    assert metadata.hits == hits


def test_a_check_that_comes_later_and_a_redirect_lead_nowhere(metadata, start_daemon):
    daemon = start_daemon({"health.interval": "2s"})
    api = daemon.api
    later = api.service(api.namespace("later"), "s")
    api.register(later, "i", attributes("IPV4", "169.254.169.254", "80"))
    api.done("UpdateService", Id=later, Service={"HealthCheckConfig": {"Type": "TCP"}})
    here = api.service(api.namespace("here"), "s", HealthCheckConfig={"Type": "HTTP"})
    api.register(here, "i", attributes("IPV4", "10.0.0.1", "80"))
    until(lambda: api.ok("GetInstancesHealthStatus", ServiceId=here)["Status"], lambda status: status == {"i": "HEALTHY"})
    until(lambda: probes(api, "tcp", "forbidden"), lambda n: n > 0)
    assert metadata.hits == 0


def test_an_address_is_not_probed_oftener_than_its_rate(start_daemon):
    """Twenty at once after a rest, then one a second."""
    api = start_daemon({"health.allow": "127.0.0.0/8", "health.address_rate": "1"}).api
    service = api.service(api.namespace("n"), "s", HealthCheckConfig={"Type": "TCP"})
    began = time.monotonic()
    for n in range(22):
        api.ok("RegisterInstance", ServiceId=service, InstanceId=str(n), Attributes=attributes("IPV4", "127.0.0.9", str(1 + n)))
    until(lambda: probes(api, "tcp", "refused"), lambda told: told >= 22)
    assert time.monotonic() - began >= 2
